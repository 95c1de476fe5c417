//! The text of an SMTP reply that a filter makes itself.

use std::{borrow::Cow, fmt};

use super::{escape::Escaped, reply::Reply};
use crate::limits::{REPLY_LINE_MAX, REPLY_LINES_MAX};

/// An SMTP reply of the filter's own: code, enhanced code and one or more lines.
///
/// It cannot be built malformed: MTAs answer broken ones with a text of their own, or call it a configuration error.
///
/// ```
/// let text = milter_proto::ReplyText::new(550, Some("5.7.23"), "not from there")?;
/// assert_eq!(text.to_string(), "550 5.7.23 not from there");
/// # Ok::<(), milter_proto::ReplyTextError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyText {
    code: u16,
    enhanced: Option<String>,
    lines: Vec<String>,
}

/// Why a reply text cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyTextError {
    /// The code must be 4xx or 5xx.
    #[error("reply code `{0}`: expected 400 to 599")]
    Code(String),
    /// The enhanced code must look like `5.7.1`.
    #[error("enhanced code `{0}`: expected three numbers like 5.7.1")]
    Enhanced(String),
    /// Postfix takes a mismatch for a configuration error.
    #[error("enhanced code {enhanced} does not fit to code {code}: both must begin with the same digit")]
    Class {
        /// The code.
        code: u16,
        /// The enhanced code.
        enhanced: String,
    },
    /// Too many lines.
    #[error("{0} lines of reply text: at most {REPLY_LINES_MAX} can be sent")]
    Lines(usize),
    /// A line is too long.
    #[error("line {line} of the reply text has {bytes} bytes: at most {REPLY_LINE_MAX} can be sent")]
    LineLength {
        /// The line's number, from 1.
        line: usize,
        /// Its size.
        bytes: usize,
    },
    /// A single `%` on the wire, which sendmail refuses.
    #[error("single `%` in line {0} of the reply text: it must be doubled on the wire")]
    Percent(usize),
    /// A control character or a byte outside of UTF-8.
    #[error("line {0} of the reply text has a control character or is not UTF-8")]
    Control(usize),
    /// A line that does not begin as the first one does.
    #[error("line {0} of the reply text does not begin with the code of the first line")]
    Continuation(usize),
}

impl ReplyText {
    /// A reply with this text; lines are separated by LF or CR LF. Control characters are written as `?`.
    ///
    /// `enhanced` is the code of RFC 3463, as in `5.7.1`. Text that begins with a digit gets `4.0.0` or `5.0.0` where
    /// none is given, because Postfix would take the text itself for one.
    ///
    /// # Errors
    /// A code that is not 4xx or 5xx, an enhanced code of another class, more than 32 lines, or a line over 980 bytes.
    pub fn new(code: u16, enhanced: Option<&str>, text: &str) -> Result<Self, ReplyTextError> {
        check_code(code)?;
        if let Some(enhanced) = enhanced {
            check_enhanced(code, enhanced)?;
        }
        let lines: Vec<String> = text.split('\n').map(clean_line).collect();
        let enhanced = enhanced.map(str::to_owned).or_else(|| needed_enhanced(code, text));
        let reply = Self { code, enhanced, lines };
        reply.check_size()?;
        Ok(reply)
    }

    /// Reads `550 5.7.1 text` as people write it, `%` not doubled; further lines stand after LF or CR LF without a
    /// code.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn parse(text: &str) -> Result<Self, ReplyTextError> {
        let (code_text, rest) = text.split_once(' ').unwrap_or((text, ""));
        let is_code = code_text.len() == 3 && code_text.bytes().all(|byte| byte.is_ascii_digit());
        let code = code_text.parse().ok().filter(|_| is_code);
        let code = code.ok_or_else(|| ReplyTextError::Code(Escaped(code_text.as_bytes()).to_string()))?;
        let (first, after) = rest.split_once(' ').unwrap_or((rest, ""));
        if is_enhanced(first) { Self::new(code, Some(first), after) } else { Self::new(code, None, rest) }
    }

    /// The SMTP code: 400 to 599.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// The enhanced code.
    pub fn enhanced(&self) -> Option<&str> {
        self.enhanced.as_deref()
    }

    /// The lines without codes.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Whether it refuses for now only.
    pub fn is_temporary(&self) -> bool {
        self.code < 500
    }

    /// The reply packet: lines joined by CR LF, `%` doubled.
    pub fn to_reply(&self) -> Reply {
        Reply::ReplyCode(self.lines_with_codes("\r\n").replace('%', "%%").into_bytes())
    }

    fn check_size(&self) -> Result<(), ReplyTextError> {
        if self.lines.len() > REPLY_LINES_MAX {
            return Err(ReplyTextError::Lines(self.lines.len()));
        }
        let long = self.lines.iter().enumerate().find(|(_, line)| line.len() > REPLY_LINE_MAX);
        long.map_or(Ok(()), |(index, line)| Err(ReplyTextError::LineLength { line: index + 1, bytes: line.len() }))
    }

    fn lines_with_codes(&self, separator: &str) -> String {
        let last = self.lines.len() - 1;
        let enhanced = self.enhanced.as_ref().map_or_else(String::new, |code| format!("{code} "));
        let line = |(index, text): (usize, &String)| {
            let dash = if index == last { ' ' } else { '-' };
            format!("{}{dash}{enhanced}{text}", self.code)
        };
        self.lines.iter().enumerate().map(line).collect::<Vec<_>>().join(separator)
    }
}

impl fmt::Display for ReplyText {
    /// The lines as the SMTP client gets them, with LF between them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines_with_codes("\n"))
    }
}

/// Takes one of two `%` away, as MTAs do before they show the text; a single one stays.
pub(super) fn undouble(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.windows(2).any(|pair| pair == b"%%") {
        return Cow::Borrowed(text);
    }
    let mut single = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        single.push(byte);
        if byte == b'%' {
            bytes.next_if_eq(&b'%');
        }
    }
    Cow::Owned(single)
}

/// Whether MTAs give the client this text of a packet as it is.
pub(crate) fn check_wire_text(text: &[u8]) -> Result<(), ReplyTextError> {
    let lines: Vec<&[u8]> = split_lines(text);
    if lines.len() > REPLY_LINES_MAX {
        return Err(ReplyTextError::Lines(lines.len()));
    }
    let code = check_first_line(lines[0])?;
    for (index, line) in lines.iter().enumerate() {
        check_wire_line(line, index + 1)?;
        let expected = if index + 1 == lines.len() { b' ' } else { b'-' };
        if line.get(..3) != Some(code) || line.get(3).is_some_and(|after| *after != expected) {
            return Err(ReplyTextError::Continuation(index + 1));
        }
    }
    Ok(())
}

fn check_first_line(line: &[u8]) -> Result<&[u8], ReplyTextError> {
    let shown = || Escaped(&line[..line.len().min(4)]).to_string();
    let code = line.get(..3).filter(|code| code.iter().all(u8::is_ascii_digit));
    let code = code.ok_or_else(|| ReplyTextError::Code(shown()))?;
    if !matches!(code[0], b'4' | b'5') || line.get(3).is_some_and(|after| !matches!(after, b' ' | b'-')) {
        return Err(ReplyTextError::Code(shown()));
    }
    // Postfix takes any text that begins with a digit for an enhanced code, and looks at that digit alone.
    if line.get(4).is_some_and(|class| class.is_ascii_digit() && *class != code[0]) {
        let word = line[4..].split(|byte| *byte == b' ').next().unwrap_or_default();
        let code = code.iter().fold(0, |number, digit| number * 10 + u16::from(digit - b'0'));
        let enhanced = Escaped(&word[..word.len().min(12)]).to_string();
        return Err(ReplyTextError::Class { code, enhanced });
    }
    Ok(code)
}

fn check_wire_line(line: &[u8], number: usize) -> Result<(), ReplyTextError> {
    let text = std::str::from_utf8(line).map_err(|_| ReplyTextError::Control(number))?;
    if text.chars().any(|c| c.is_control() && c != '\t') {
        return Err(ReplyTextError::Control(number));
    }
    if undouble(line).len() > CODES_MAX + REPLY_LINE_MAX {
        return Err(ReplyTextError::LineLength { line: number, bytes: line.len() });
    }
    if text.replace("%%", "").contains('%') { Err(ReplyTextError::Percent(number)) } else { Ok(()) }
}

fn split_lines(text: &[u8]) -> Vec<&[u8]> {
    let mut lines: Vec<&[u8]> = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.windows(2).position(|pair| pair == b"\r\n") {
        lines.push(&rest[..at]);
        rest = &rest[at + 2..];
    }
    lines.push(rest);
    lines
}

fn check_code(code: u16) -> Result<(), ReplyTextError> {
    if (400..600).contains(&code) { Ok(()) } else { Err(ReplyTextError::Code(code.to_string())) }
}

fn check_enhanced(code: u16, enhanced: &str) -> Result<(), ReplyTextError> {
    if !is_enhanced(enhanced) {
        return Err(ReplyTextError::Enhanced(Escaped(enhanced.as_bytes()).to_string()));
    }
    if enhanced.as_bytes().first() == code.to_string().as_bytes().first() {
        return Ok(());
    }
    Err(ReplyTextError::Class { code, enhanced: enhanced.to_owned() })
}

/// The enhanced code that keeps Postfix from looking for one in the text.
fn needed_enhanced(code: u16, text: &str) -> Option<String> {
    text.starts_with(|c: char| c.is_ascii_digit()).then(|| format!("{}.0.0", code / 100))
}

/// Whether it is a class and two numbers of up to three digits (RFC 3463 §2).
fn is_enhanced(text: &str) -> bool {
    let is_number = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = text.split('.').collect();
    matches!(parts[..], [class, subject, detail]
        if matches!(class, "2" | "4" | "5") && is_number(subject) && is_number(detail))
}

/// A line that cannot end early or act on a terminal.
fn clean_line(line: &str) -> String {
    let line = line.strip_suffix('\r').unwrap_or(line);
    line.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// The code, its space, the longest enhanced code and its space.
const CODES_MAX: usize = 4 + 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(code: u16, enhanced: Option<&str>, text: &str) -> String {
        match ReplyText::new(code, enhanced, text).map(|text| text.to_reply()) {
            Ok(Reply::ReplyCode(text)) => String::from_utf8(text).expect("UTF-8 stays UTF-8"),
            Ok(other) => panic!("{other}"),
            Err(error) => format!("error: {error}"),
        }
    }

    #[test]
    fn lines_are_joined_and_percent_signs_doubled() {
        assert_eq!(wire(550, Some("5.7.23"), "100% no"), "550 5.7.23 100%% no");
        assert_eq!(wire(451, None, "a\nb\r\nc"), "451-a\r\n451-b\r\n451 c");
        assert_eq!(wire(550, Some("5.7.1"), "a\nb"), "550-5.7.1 a\r\n550 5.7.1 b");
        assert_eq!(wire(550, Some("5.7.1"), ""), "550 5.7.1 ");
        assert_eq!(wire(451, None, "192.0.2.1 is slow"), "451 4.0.0 192.0.2.1 is slow");
    }

    #[test]
    fn control_characters_do_not_get_through() {
        assert_eq!(wire(550, None, "a\rb\x1b[m\0c\u{85}"), "550 a?b?[m?c?");
    }

    #[test]
    fn what_no_client_could_be_given_is_refused() {
        let many = "x\n".repeat(REPLY_LINES_MAX);
        let long = format!("ok\n{}", "x".repeat(REPLY_LINE_MAX + 1));
        let errors = [
            wire(250, None, ""),
            wire(600, None, ""),
            wire(550, Some("4.7.1"), ""),
            wire(550, Some("5.7"), ""),
            wire(550, Some("5.7.1\r\n"), ""),
            wire(550, Some("5.7777.1"), ""),
            wire(550, None, &many),
            wire(550, None, &long),
        ];
        insta::assert_snapshot!(errors.join("\n"));
    }

    #[test]
    fn the_text_of_people_is_read() {
        let parsed =
            |text: &str| ReplyText::parse(text).map_or_else(|error| error.to_string(), |text| text.to_string());
        assert_eq!(parsed("550 5.7.1 no\nnever"), "550-5.7.1 no\n550 5.7.1 never");
        assert_eq!(parsed("451 come back"), "451 come back");
        assert_eq!(parsed("550 5.7.1"), "550 5.7.1 ");
        assert_eq!(parsed("550"), "550 ");
        assert_eq!(parsed("550 5.7.1.2 ip"), "550 5.0.0 5.7.1.2 ip");
        assert_eq!(
            parsed("550 4.7.1 x"),
            "enhanced code 4.7.1 does not fit to code 550: both must begin with the same digit"
        );
        assert_eq!(parsed("55x no"), "reply code `55x`: expected 400 to 599");
        assert_eq!(parsed("+50 no"), "reply code `+50`: expected 400 to 599");
    }

    #[test]
    fn texts_of_others_are_judged_as_mtas_judge_them() {
        let judged = |text: &str| {
            check_wire_text(text.as_bytes()).map_or_else(|error| error.to_string(), |()| "good".to_owned())
        };
        let texts = [
            "550 5.7.1 text",
            "550 text",
            "550-5.7.1 a\r\n550 5.7.1 b",
            "550",
            "550 100%% sure",
            "550 all 100%% sure",
            "550 all 100% sure",
            "550 %%%",
            "550 4.7.1 x",
            "5505.7.1 x",
            "250 ok",
            "hello",
            "",
            "550 a\r\n550 b",
            "550-a\r\n450 b",
            "550-a",
            "550 a\nb",
            "550 a\r\n",
        ];
        let lines: Vec<_> =
            texts.iter().map(|text| format!("{:<28} {}", text.escape_debug().to_string(), judged(text))).collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    proptest::proptest! {
        #[test]
        fn what_is_built_is_well_formed(code in 400..600_u16, text in ".{0,60}(\n[ -~]{0,40}){0,3}", with in proptest::bool::ANY) {
            let enhanced = format!("{}.7.1", code / 100);
            let built = ReplyText::new(code, with.then_some(enhanced.as_str()), &text).expect("short lines");
            let Reply::ReplyCode(wire) = built.to_reply() else { unreachable!("a reply text is a reply code") };
            proptest::prop_assert_eq!(check_wire_text(&wire), Ok(()));
            proptest::prop_assert_eq!(String::from_utf8_lossy(&undouble(&wire)).replace("\r\n", "\n"), built.to_string());
        }
    }

    #[test]
    fn undoubling_is_the_reverse_of_doubling() {
        assert_eq!(undouble(b"a%%b%%%%c%d%%%"), &b"a%b%%c%d%%"[..]);
        assert_eq!(undouble(b"%"), &b"%"[..]);
    }
}
