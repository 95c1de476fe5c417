//! The message that is sent: a file, standard input, or a short one made of flags.

use std::path::Path;

use super::SendArgs;
use crate::{
    diag::{self, Diag},
    message::without_cr,
};

/// The message with LF line ends, unless its own are CRLF throughout.
pub(super) fn compose(args: &SendArgs) -> Result<Vec<u8>, Diag> {
    let letter = match &args.message {
        Some(path) => read(path)?,
        None => default_letter(args).into_bytes(),
    };
    let letter = without_cr(&letter);
    let (head, body) = split(&letter);
    let mut head = head.to_vec();
    for field in &args.header {
        head = replaced(&head, &line(field)?);
    }
    for field in &args.add_header {
        head.extend_from_slice(&line(field)?);
    }
    let body = match &args.body {
        Some(text) => match text.strip_prefix('@') {
            Some(file) => without_cr(&read(Path::new(file))?),
            None => with_line_end(text.clone().into_bytes()),
        },
        None => body.to_vec(),
    };
    // As an SMTP client does: the wire has CRLF.
    Ok(with_crlf(&[&head, &b"\n"[..], &body].concat()))
}

fn default_letter(args: &SendArgs) -> String {
    let date = args.clock().rfc5322("+0000");
    let id = args.clock().compact_seconds();
    format!(
        "From: {}\nTo: {}\nSubject: test {date}\nDate: {date}\nMessage-ID: <{id}@{}>\n\nThis is a test.\n",
        bare(&args.from),
        args.to.iter().map(|to| bare(to)).collect::<Vec<_>>().join(", "),
        args.helo.as_ref().unwrap_or(&args.ehlo),
    )
}

/// An address as a header field has it; the null sender cannot stand there.
fn bare(address: &str) -> &str {
    match address.trim_start_matches('<').trim_end_matches('>') {
        "" => "MAILER-DAEMON",
        address => address,
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Diag> {
    if path.as_os_str() == "-" {
        let read = diag::read_stream(std::io::stdin(), diag::MAX_MESSAGE_BYTES);
        return read.map_err(|error| diag::cannot("read", Path::new("standard input"), error));
    }
    diag::read_named(path, diag::MAX_MESSAGE_BYTES)
}

/// Header block, each line ended, and body. A message that begins with an empty line has no header block.
fn split(letter: &[u8]) -> (&[u8], &[u8]) {
    if let Some(body) = letter.strip_prefix(b"\n") {
        return (b"", body);
    }
    match letter.windows(2).position(|pair| pair == b"\n\n") {
        Some(at) => (&letter[..=at], &letter[at + 2..]),
        None => (letter, b""),
    }
}

/// A header line from `Name: value`, in which `\n` folds.
fn line(field: &str) -> Result<Vec<u8>, Diag> {
    let is_name = |name: &str| !name.is_empty() && name.bytes().all(|byte| (33..127).contains(&byte));
    if field.split_once(':').is_none_or(|(name, _)| !is_name(name)) {
        let diag = Diag::error(format!("`{}` is not a header field", diag::escape(field)));
        return Err(diag.help("write it as `Name: value`"));
    }
    Ok(with_line_end(field.replace("\\n", "\n").into_bytes()))
}

/// The header block with `field` in the place of the first one of its name, or at its end.
fn replaced(head: &[u8], field: &[u8]) -> Vec<u8> {
    let name = field.split_inclusive(|&byte| byte == b':').next().unwrap_or(field);
    let (mut out, mut found, mut skipping) = (Vec::with_capacity(head.len() + field.len()), false, false);
    for line in head.split_inclusive(|&byte| byte == b'\n') {
        let continues = matches!(line.first(), Some(b' ' | b'\t'));
        let is_named = line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
        skipping = if continues { skipping } else { is_named && !found };
        if skipping && !continues {
            found = true;
            out.extend_from_slice(field);
        }
        if !skipping {
            out.extend_from_slice(line);
        }
    }
    if !found {
        out.extend_from_slice(field);
    }
    out
}

fn with_line_end(mut text: Vec<u8>) -> Vec<u8> {
    if text.last() != Some(&b'\n') {
        text.push(b'\n');
    }
    text
}

fn with_crlf(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 32);
    for &byte in text {
        if byte == b'\n' {
            out.push(b'\r');
        }
        out.push(byte);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_takes_the_place_of_one_of_its_name_with_its_folds() {
        let head = b"From: a\nSubject: one\n two\nTo: b\n";
        assert_eq!(replaced(head, b"subject: new\n"), b"From: a\nsubject: new\nTo: b\n");
        assert_eq!(replaced(head, b"X: y\n"), b"From: a\nSubject: one\n two\nTo: b\nX: y\n");
    }

    #[test]
    fn a_message_is_cut_at_its_first_empty_line() {
        assert_eq!(split(b"A: b\n\nbody\n\nmore"), (&b"A: b\n"[..], &b"body\n\nmore"[..]));
        assert_eq!(split(b"\nbody"), (&b""[..], &b"body"[..]));
        assert_eq!(split(b"A: b\n"), (&b"A: b\n"[..], &b""[..]));
    }

    #[test]
    fn what_is_no_header_field_is_refused() {
        for field in ["", "no colon", "two words: x", ": x"] {
            assert!(line(field).is_err(), "{field}");
        }
        assert_eq!(line("X: a\\n b").unwrap(), b"X: a\n b\n");
    }
}
