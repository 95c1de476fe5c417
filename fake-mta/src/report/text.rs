//! How reports of all commands put their text together.

use std::fmt::{Arguments, Write as _};

use anstyle::Style;

use crate::diag::escape;

/// Adds to a text: a String takes everything.
pub(crate) fn put(text: &mut String, more: Arguments<'_>) {
    text.write_fmt(more).expect("a String takes everything");
}

/// Text in a style, where there is colour.
pub(crate) fn painted(text: &str, style: Style, colour: bool) -> String {
    if colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
}

/// Text for an element or an attribute of HTML and XML. Lines stay; control characters, which XML cannot hold, are spelled out.
pub(crate) fn escaped(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(escape).collect();
    lines.join("\n").replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
