//! Text from the network as TOML that says just that.

use std::fmt::Write as _;

/// A string in quotes, with all that TOML or a terminal would take for something else escaped.
pub(super) fn string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if is_plain(c) => out.push(c),
            c => {
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
        }
    }
    out.push('"');
    out
}

/// Whether text can stand in a line of a literal block, and is read from there as it is.
pub(super) fn fits_block(text: &str) -> bool {
    text.chars().all(is_plain) && !text.contains("'''") && text.trim() == text
}

/// Nothing that `escape` would change, which is what a terminal would act on or a reader would not see.
fn is_plain(c: char) -> bool {
    matches!(crate::diag::escape(c.encode_utf8(&mut [0; 4])), std::borrow::Cow::Borrowed(_))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_string_is_read_as_it_was_meant(text in any::<String>()) {
            let table: toml::Table = toml::from_str(&format!("x = {}", string(&text))).expect("it is TOML");
            prop_assert_eq!(table["x"].as_str(), Some(text.as_str()));
        }
    }
}
