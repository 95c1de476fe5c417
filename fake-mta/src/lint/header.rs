//! Header fields that a filter adds or changes, and how many of them there are.

use std::collections::BTreeMap;

use super::Lint;

/// What is wrong with the name and the value of a field.
pub(super) fn check(name: &[u8], value: &[u8]) -> Vec<(Lint, String)> {
    let mut found = Vec::new();
    // RFC 5322 section 2.2: printable ASCII without the colon.
    if name.is_empty() || !name.iter().all(|byte| (b'!'..=b'~').contains(byte) && *byte != b':') {
        found.push((Lint::HeaderName, String::new()));
    }
    if value.contains(&b'\r') {
        found.push((Lint::HeaderCr, String::new()));
    }
    let lines: Vec<&[u8]> = value.split(|&byte| byte == b'\n').collect();
    if lines.iter().skip(1).any(|line| !line.first().is_some_and(|first| matches!(first, b' ' | b'\t'))) {
        found.push((Lint::HeaderFold, String::new()));
    }
    if value.iter().any(|byte| byte.is_ascii_control() && !matches!(byte, b'\r' | b'\n' | b'\t')) {
        found.push((Lint::HeaderControl, String::new()));
    }
    let head = name.len() + b": ".len();
    let lengths = lines.iter().enumerate().map(|(index, line)| line.len() + if index == 0 { head } else { 0 });
    if let Some(longest) = lengths.max().filter(|longest| *longest > LINE_MAX) {
        found.push((Lint::HeaderLineTooLong, format!("{longest} bytes")));
    }
    found
}

/// The fields of a message, as far as the filter can know them: those it was shown, and its own edits.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// By name in lower case.
    counts: BTreeMap<Vec<u8>, u32>,
    total: u32,
}

impl Fields {
    /// A field that the filter was shown, or has added.
    pub(super) fn add(&mut self, name: &[u8]) {
        *self.counts.entry(name.to_ascii_lowercase()).or_default() += 1;
        self.total += 1;
    }

    /// Judges an index of insheader, which adds the field.
    pub(super) fn insert(&mut self, index: u32, name: &[u8]) -> Option<(Lint, String)> {
        let total = self.total;
        self.add(name);
        // sendmail counts the fields it may generate, too: what lies within them is behind some field for both.
        let last = total.saturating_add(HIDDEN_MAX);
        (index > last).then(|| (Lint::HeaderIndex, format!("index {} of {total} fields", shown(index))))
    }

    /// Judges an index of chgheader. A deletion beyond the last one does nothing, for both.
    pub(super) fn change(&mut self, index: u32, name: &[u8], value: &[u8]) -> Option<(Lint, String)> {
        let count = self.counts.get(&name.to_ascii_lowercase()).copied().unwrap_or(0);
        let beyond = index > count && !value.is_empty();
        if beyond {
            self.add(name);
        }
        // Changing the first field of a name that is not there is a common way of adding it.
        let is_wrong = index == 0 || (beyond && !(index == 1 && count == 0));
        is_wrong.then(|| {
            let name = String::from_utf8_lossy(name);
            (Lint::HeaderIndex, format!("index {} of {count} fields `{name}`", shown(index)))
        })
    }
}

/// Filters write it as a signed number.
fn shown(index: u32) -> i32 {
    i32::from_be_bytes(index.to_be_bytes())
}

/// RFC 5322 section 2.1.1: a line without its CRLF.
const LINE_MAX: usize = 998;

/// The fields that sendmail counts before the client's first one.
const HIDDEN_MAX: u32 = 9;

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(name: &[u8], value: &[u8]) -> Vec<&'static str> {
        check(name, value).into_iter().map(|(lint, _)| lint.id()).collect()
    }

    #[test]
    fn names_and_values_are_those_of_rfc_5322() {
        assert_eq!(ids(b"X-A", b"one\n\ttwo\n three"), [""; 0]);
        assert_eq!(ids("X-A".as_bytes(), "caf\u{e9}".as_bytes()), [""; 0]);
        for name in [&b""[..], b"X A", b"X:", b"X\n", "\u{e9}".as_bytes()] {
            assert_eq!(ids(name, b"v"), ["header-name"], "{name:?}");
        }
        assert_eq!(ids(b"X-A", b"one\r\n two"), ["header-cr"]);
        assert_eq!(ids(b"X-A", b"one\ntwo"), ["header-fold"]);
        assert_eq!(ids(b"X-A", b"one\n"), ["header-fold"]);
        assert_eq!(ids(b"X-A", b"\x1b[31m"), ["header-control"]);
        assert_eq!(ids(b"X-A", &[b'x'; 993]), [""; 0]);
        assert_eq!(ids(b"X-A", &[b'x'; 994]), ["header-line-too-long"]);
        assert_eq!(ids(b"X-A", &[&[b'x'; 900][..], b"\n ", &[b'x'; 900]].concat()), [""; 0]);
    }

    #[test]
    fn an_index_is_one_that_a_field_has() {
        let mut fields = Fields::default();
        fields.add(b"Subject");
        fields.add(b"X-A");
        assert_eq!(fields.change(1, b"SUBJECT", b"new"), None);
        assert_eq!(fields.change(1, b"X-New", b"added"), None);
        assert_eq!(fields.change(1, b"x-new", b"changed"), None);
        assert_eq!(fields.change(9, b"X-A", b""), None);
        assert!(fields.change(0, b"X-A", b"v").is_some());
        assert!(fields.change(3, b"X-A", b"v").is_some());
        assert_eq!(fields.insert(0, b"X-B"), None);
        assert_eq!(fields.insert(12, b"X-B"), None);
        assert!(fields.insert(u32::MAX, b"X-B").is_some_and(|(_, detail)| detail.contains("-1")));
        assert!(fields.insert(100, b"X-B").is_some());
    }
}
