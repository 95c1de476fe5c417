//! Addresses that a filter adds, deletes or puts in the sender's place.

use super::Lint;

/// What is wrong with the address.
pub(super) fn check(address: &[u8]) -> Vec<(Lint, String)> {
    let mut found = Vec::new();
    if !(address.starts_with(b"<") && address.ends_with(b">")) {
        found.push((Lint::AddressBrackets, String::new()));
    }
    if address.iter().any(u8::is_ascii_control) {
        found.push((Lint::AddressControl, String::new()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_brackets_and_no_control_characters() {
        assert_eq!(check(b"<a@b.example>"), []);
        assert_eq!(check(b"<>"), []);
        assert_eq!(check(b"a@b.example")[0].0, Lint::AddressBrackets);
        assert_eq!(check(b"<a@b>\r\nX: y>")[0].0, Lint::AddressControl);
    }
}
