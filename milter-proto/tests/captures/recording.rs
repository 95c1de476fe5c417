//! Reads `testdata/*.txt`; see the README there.

use std::sync::LazyLock;

use milter_proto::Frame;

/// One connection between an MTA and a filter.
pub(crate) struct Recording {
    /// `sendmail plain-helo 0 0`
    pub(crate) name: String,
    pub(crate) entries: Vec<Entry>,
}

/// What happened on it.
#[derive(Clone)]
pub(crate) enum Entry {
    FromMta(Frame),
    FromFilter(Frame),
    /// Bytes from the filter that are not one proper packet.
    Raw(Vec<u8>),
    Closed,
}

impl Recording {
    pub(crate) fn is_postfix(&self) -> bool {
        self.name.starts_with("postfix")
    }

    pub(crate) fn mta_packets(&self) -> impl Iterator<Item = &Frame> {
        self.entries.iter().filter_map(|entry| if let Entry::FromMta(frame) = entry { Some(frame) } else { None })
    }

    pub(crate) fn filter_packets(&self) -> impl Iterator<Item = &Frame> {
        self.entries.iter().filter_map(|entry| if let Entry::FromFilter(frame) = entry { Some(frame) } else { None })
    }
}

/// Both files.
pub(crate) fn recordings() -> &'static [Recording] {
    static RECORDINGS: LazyLock<Vec<Recording>> = LazyLock::new(|| {
        let files = [
            ("sendmail", include_str!("../../testdata/sendmail.txt")),
            ("postfix", include_str!("../../testdata/postfix.txt")),
        ];
        files.into_iter().flat_map(|(mta, text)| read_file(mta, text)).collect()
    });
    &RECORDINGS
}

pub(crate) fn bytes_of(frame: &Frame) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame.encode(&mut bytes);
    bytes
}

fn read_file(mta: &str, text: &str) -> Vec<Recording> {
    let mut recordings: Vec<Recording> = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("= ") {
            Some(name) => recordings.push(Recording { name: format!("{mta} {name}"), entries: Vec::new() }),
            None => recordings.last_mut().expect("a file begins with a name").entries.push(read_entry(line)),
        }
    }
    recordings
}

fn read_entry(line: &str) -> Entry {
    if let Some(text) = line.strip_prefix("<raw ") {
        return Entry::Raw(unescape(text));
    }
    let Some((direction, packet)) = line.split_once(' ') else { return Entry::Closed };
    let (code, text) = packet.split_once(' ').unwrap_or((packet, ""));
    let frame = Frame { code: code.as_bytes()[0], payload: unescape(text) };
    if direction == ">" { Entry::FromMta(frame) } else { Entry::FromFilter(frame) }
}

fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        let (escape, after) = rest[at + 1..].split_at(1);
        rest = match escape {
            "x" => {
                bytes.push(u8::from_str_radix(&after[..2], 16).expect("two hex digits"));
                &after[2..]
            }
            "[" => repeat(after, &mut bytes),
            "0" => push(&mut bytes, 0, after),
            "n" => push(&mut bytes, b'\n', after),
            "r" => push(&mut bytes, b'\r', after),
            "t" => push(&mut bytes, b'\t', after),
            _ => push(&mut bytes, b'\\', after),
        };
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

fn push<'a>(bytes: &mut Vec<u8>, byte: u8, after: &'a str) -> &'a str {
    bytes.push(byte);
    after
}

/// `TEXT]N;` or `TEXT]A+N;`; gives what follows.
fn repeat<'a>(text: &'a str, bytes: &mut Vec<u8>) -> &'a str {
    let (repeated, after) = text.split_once(']').expect("a bracket ends");
    let (range, after) = after.split_once(';').expect("a semicolon after the count");
    let repeated = String::from_utf8(unescape(repeated)).expect("repeated text is ASCII");
    match range.split_once('+') {
        None => bytes.extend(repeated.repeat(range.parse().expect("a count")).into_bytes()),
        Some((first, count)) => {
            let (first, count): (usize, usize) = (first.parse().expect("a number"), count.parse().expect("a count"));
            let lines = (first..first + count).map(|number| repeated.replace("%07d", &format!("{number:07}")));
            lines.for_each(|line| bytes.extend(line.into_bytes()));
        }
    }
    after
}
