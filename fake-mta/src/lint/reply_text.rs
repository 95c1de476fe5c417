//! The text of a reply of the filter's own.

use super::Lint;

/// What is wrong with the payload of an SMFIR_REPLYCODE; each thing once.
pub(super) fn check(payload: &[u8]) -> Vec<(Lint, String)> {
    let mut found = Found::default();
    let text = match payload.strip_suffix(b"\0") {
        Some(text) => text,
        None => {
            found.add(Lint::TextNotTerminated, String::new());
            payload
        }
    };
    found.add_if(text.contains(&0), Lint::TextNul);
    bytes(text, &mut found);
    let lines: Vec<&[u8]> =
        text.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)).collect();
    match code(lines[0]) {
        Some(code) => {
            enhanced(code, lines[0], &mut found);
            for (index, line) in lines.iter().enumerate() {
                let sign = if index + 1 == lines.len() { b' ' } else { b'-' };
                let fits = line.starts_with(code) && line.get(3).is_none_or(|&after| after == sign);
                if !fits {
                    found.add(Lint::TextMixedCodes, format!("line {}", index + 1));
                }
            }
        }
        None => found.add(Lint::TextCode, String::new()),
    }
    for (index, line) in lines.iter().enumerate() {
        let sent = line.len() - percents(line).pairs;
        if sent + 2 > LINE_MAX {
            found.add(Lint::TextLineTooLong, format!("line {} has {} bytes with its CRLF", index + 1, sent + 2));
        }
    }
    found.0
}

/// What is wrong with single bytes.
fn bytes(text: &[u8], found: &mut Found) {
    let next = |index: usize| text.get(index + 1).copied();
    let before = |index: usize| index.checked_sub(1).and_then(|index| text.get(index).copied());
    let any = |test: &dyn Fn(usize, u8) -> bool| text.iter().enumerate().any(|(index, &byte)| test(index, byte));
    found.add_if(percents(text).has_single, Lint::TextSinglePercent);
    found.add_if(any(&|index, byte| byte == b'\n' && before(index) != Some(b'\r')), Lint::TextBareLf);
    found.add_if(any(&|index, byte| byte == b'\r' && next(index) != Some(b'\n')), Lint::TextLoneCr);
    let is_control = |byte: u8| byte.is_ascii_control() && !matches!(byte, b'\r' | b'\n' | b'\t' | 0);
    found.add_if(any(&|_, byte| is_control(byte)), Lint::TextControl);
    found.add_if(any(&|_, byte| !byte.is_ascii()), Lint::TextEightBit);
}

/// The three digits of a refusal, if the line begins with them.
fn code(line: &[u8]) -> Option<&[u8]> {
    let code = line.get(..3)?;
    let is_code = matches!(code[0], b'4' | b'5') && code.iter().all(u8::is_ascii_digit);
    (is_code && line.get(3).is_none_or(|after| matches!(after, b' ' | b'-'))).then_some(code)
}

/// The word behind the code, if it is meant for an enhanced one: it begins with a digit. Postfix looks at that digit alone.
fn enhanced(code: &[u8], line: &[u8], found: &mut Found) {
    let word = line.get(4..).unwrap_or_default().split(|&byte| byte == b' ').next().unwrap_or_default();
    let Some(class) = word.first().filter(|first| first.is_ascii_digit()) else { return };
    let shown = String::from_utf8_lossy(&word[..word.len().min(SHOWN_BYTES)]).into_owned();
    if *class != code[0] {
        found.add(Lint::TextEnhancedClass, format!("`{shown}` behind {}", String::from_utf8_lossy(code)));
    }
    let parts: Vec<&[u8]> = word.split(|&byte| byte == b'.').collect();
    let is_number = |part: &&[u8]| (1..=3).contains(&part.len()) && part.iter().all(u8::is_ascii_digit);
    let is_enhanced = parts.len() == 3 && parts.iter().all(is_number) && parts[0].len() == 1;
    if !is_enhanced {
        found.add(Lint::TextEnhancedMalformed, format!("`{shown}`"));
    } else if line.len() == 4 + word.len() {
        found.add(Lint::TextEnhancedMalformed, format!("nothing behind `{shown}`"));
    }
}

struct Percents {
    pairs: usize,
    has_single: bool,
}

/// Counts from the left, as MTAs do.
fn percents(text: &[u8]) -> Percents {
    let mut percents = Percents { pairs: 0, has_single: false };
    let mut rest = text.iter().peekable();
    while let Some(&byte) = rest.next() {
        if byte == b'%' {
            let is_pair = rest.next_if(|&&next| next == b'%').is_some();
            percents.pairs += usize::from(is_pair);
            percents.has_single |= !is_pair;
        }
    }
    percents
}

/// Each lint once, with what was found first.
#[derive(Default)]
struct Found(Vec<(Lint, String)>);

impl Found {
    fn add(&mut self, lint: Lint, detail: String) {
        if !self.0.iter().any(|(known, _)| *known == lint) {
            self.0.push((lint, detail));
        }
    }

    fn add_if(&mut self, is_so: bool, lint: Lint) {
        if is_so {
            self.add(lint, String::new());
        }
    }
}

/// RFC 5321 section 4.5.3.1.5: a reply line with its code and CRLF.
const LINE_MAX: usize = 512;

/// So much of a strange word is shown.
const SHOWN_BYTES: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(payload: &[u8]) -> Vec<&'static str> {
        check(payload).into_iter().map(|(lint, _)| lint.id()).collect()
    }

    #[test]
    fn a_good_text_is_good() {
        for text in [
            &b"550 5.7.1 no\0"[..],
            b"550 no\0",
            b"451-4.7.1 one\r\n451 4.7.1 two\0",
            b"550 5.7.1 100%% no\0",
            b"421 4.3.2 later\tor never\0",
            b"550 5.7.123 x\0",
        ] {
            assert_eq!(ids(text), [""; 0], "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn each_fault_has_its_name() {
        for (text, id) in [
            (&b"550 5.7.1 no"[..], "text-not-terminated"),
            (b"550 5.7.1 a\0b\0", "text-nul"),
            (b"250 2.0.0 fine\0", "text-code"),
            (b"no\0", "text-code"),
            (b"\0", "text-code"),
            (b"5505.7.1 no\0", "text-code"),
            (b"550 4.7.1 no\0", "text-enhanced-class"),
            (b"550 5.7 no\0", "text-enhanced-malformed"),
            (b"550 5.7.1.2 no\0", "text-enhanced-malformed"),
            (b"550 5.7.1234 no\0", "text-enhanced-malformed"),
            (b"550 55.7.1 no\0", "text-enhanced-malformed"),
            (b"550 5.7.1\0", "text-enhanced-malformed"),
            (b"550-5.7.1 a\r\n450 b\0", "text-mixed-codes"),
            (b"550 5.7.1 a\r\n550 b\0", "text-mixed-codes"),
            (b"550-5.7.1 a\0", "text-mixed-codes"),
            (b"550 5.7.1 100% no\0", "text-single-percent"),
            (b"550 5.7.1 100%%% no\0", "text-single-percent"),
            (b"550-5.7.1 a\n550 b\0", "text-bare-lf"),
            (b"550 5.7.1 a\rb\0", "text-lone-cr"),
            (b"550 5.7.1 \x1b[31m\0", "text-control"),
            ("550 5.7.1 caf\u{e9}\0".as_bytes(), "text-eight-bit"),
        ] {
            assert_eq!(ids(text), [id], "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn a_line_is_measured_as_the_client_gets_it() {
        let line = |bytes: usize| [&b"550 5.7.1 "[..], &vec![b'x'; bytes - 12][..], b"\0"].concat();
        assert_eq!(ids(&line(512)), [""; 0]);
        assert_eq!(ids(&line(513)), ["text-line-too-long"]);
        let doubled = [&b"550 5.7.1 "[..], &vec![b'%'; 600][..], b"\0"].concat();
        assert_eq!(ids(&doubled), [""; 0]);
    }
}
