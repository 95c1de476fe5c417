//! Texts with other names in them, and without the words that nobody knows.

use super::names::Names;

/// What becomes of the words of a text that are no names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Words {
    /// They stay: a program has written them.
    Stay,
    /// Only those stay that programs write into header fields, and numbers that are no part of a comment or a quoted string.
    Known,
}

/// The text with what stands for its names.
pub(super) fn text(names: &mut Names, text: &str, words: Words) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut depth, mut is_quoted) = (0_usize, false);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if is_separator(first) {
            match first {
                '(' if !is_quoted => depth += 1,
                ')' if !is_quoted => depth = depth.saturating_sub(1),
                '"' => is_quoted = !is_quoted,
                _ => {}
            }
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let end = rest.find(is_separator).unwrap_or(rest.len());
        let numbers_stay = depth == 0 && !is_quoted;
        out.push_str(&token(names, &rest[..end], words, numbers_stay));
        rest = &rest[end..];
    }
    out
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || "()<>[]{},;\"\\".contains(c)
}

/// What stands between separators: a name, or words with signs between them.
fn token(names: &mut Names, token: &str, words: Words, numbers_stay: bool) -> String {
    if token.len() > TOKEN_MAX {
        return "redacted".to_owned();
    }
    if let Some(known) = names.known(token) {
        return known.to_owned();
    }
    if let Some(ip) = names.ip(token) {
        return ip;
    }
    // A sentence ends behind a name too.
    if let Some(inner) = token.strip_suffix(['.', ':', '!', '?', '\'']) {
        return format!("{}{}", self::token(names, inner, words, numbers_stay), &token[inner.len()..]);
    }
    if let Some((key, value)) = token.split_once('=').filter(|(key, _)| !key.contains('@')) {
        let key = self::token(names, key, words, numbers_stay);
        return format!("{key}={}", self::token(names, value, words, numbers_stay));
    }
    if token.contains('@') {
        return names.mailbox(token);
    }
    if let Some((left, right)) = token.split_once('/') {
        let left = self::token(names, left, words, numbers_stay);
        return format!("{left}/{}", self::token(names, right, words, numbers_stay));
    }
    if is_host(token) && !is_known_word(token) {
        return names.host(token);
    }
    if let Some((left, right)) = token.split_once(':') {
        let left = self::token(names, left, words, numbers_stay);
        return format!("{left}:{}", self::token(names, right, words, numbers_stay));
    }
    if words == Words::Known && is_known_word(token) {
        return token.to_owned();
    }
    plain(names, token, words, numbers_stay)
}

/// `mail.example.com`: labels with dots between them, the last of which is no number.
fn is_host(token: &str) -> bool {
    let is_label = |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || "-_".contains(c));
    let last = token.rsplit('.').next().unwrap_or_default();
    token.contains('.') && token.split('.').all(is_label) && last.chars().any(char::is_alphabetic)
}

/// Words with signs between them.
fn plain(names: &Names, token: &str, words: Words, numbers_stay: bool) -> String {
    let mut out = String::with_capacity(token.len());
    let is_sign = |c: char| !c.is_alphanumeric();
    let mut rest = token;
    while let Some(first) = rest.chars().next() {
        let length = if is_sign(first) { first.len_utf8() } else { rest.find(is_sign).unwrap_or(rest.len()) };
        let (word, behind) = rest.split_at(length);
        let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
        match names.known(word) {
            Some(known) => out.push_str(known),
            None if words == Words::Stay || (first.is_ascii() && is_sign(first)) || is_known_word(word) => {
                out.push_str(word);
            }
            None if is_number && numbers_stay => out.push_str(word),
            None => out.push_str("redacted"),
        }
        rest = behind;
    }
    out
}

fn is_known_word(word: &str) -> bool {
    KNOWN.split_ascii_whitespace().any(|known| known.eq_ignore_ascii_case(word))
}

/// No name and no word is longer, bytes.
const TOKEN_MAX: usize = 1024;

/// What MTAs and filters write into header fields and macros.
const KNOWN: &str = "\
    from by with id for via SMTP ESMTP ESMTPS ESMTPA ESMTPSA LMTP UTF8SMTP HELO EHLO unknown localhost may be forged authenticated \
    Postfix Sendmail TLS TLSv1 TLSv1.2 TLSv1.3 cipher bits version verify verified NO OK using server-digest key-exchange \
    Mon Tue Wed Thu Fri Sat Sun Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec GMT UTC CET CEST EST EDT PST PDT \
    spf dkim dmarc arc auth iprev pass fail softfail neutral none temperror permerror policy smtp header mailfrom helo rcptto \
    smtp.mailfrom smtp.helo smtp.rcptto smtp.auth smtp.remote-ip header.from header.d header.i header.s header.b policy.iprev \
    domain of does not designate designates as permitted sender client-ip envelope-from identity receiver mechanism problem \
    7bit 8bit binary base64 quoted-printable bulk list junk";

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(value: &str, words: Words) -> String {
        let mut names = Names::default();
        names.host("LAPTOP-JOE");
        names.mailbox("joe.o'brien@corp.example");
        text(&mut names, value, words)
    }

    #[test]
    fn names_are_replaced_however_they_are_written_and_what_programs_write_stays() {
        for (value, wanted) in [
            ("from laptop-joe ([10.9.8.7]) by x", "from host1.example ([192.0.2.5]) by redacted"),
            ("spf=pass smtp.mailfrom=JOE.O'Brien@corp.example;", "spf=pass smtp.mailfrom=user3@host2.example;"),
            (
                "Sun, 22 Nov 2026 12:00:00 +0000 (call 555 0100)",
                "Sun, 22 Nov 2026 12:00:00 +0000 (redacted redacted redacted)",
            ),
            ("1.0 (Jane's Mailer)", "1.0 (redacted'redacted redacted)"),
            ("reason=\"secret b\u{fc}ro\"", "redacted=\"redacted redacted\""),
            ("[IPv6:fd00::2] via fd00:0::2", "[IPv6:2001:db8::5] via 2001:db8::5"),
        ] {
            assert_eq!(redacted(value, Words::Known), wanted);
        }
    }

    #[test]
    fn a_text_of_signs_alone_has_an_end() {
        for sign in ["=", "/", ":", "@", "[", "<", "."] {
            redacted(&sign.repeat(100_000), Words::Stay);
            Names::default().mailbox(&sign.repeat(100_000));
        }
    }

    #[test]
    fn a_text_of_a_program_keeps_its_words() {
        let value = "550 5.7.1 Joe.O'Brien@corp.example, you (laptop-joe) are not welcome at b\u{fc}ro.example.";
        let wanted = "550 5.7.1 user3@host2.example, you (host1.example) are not welcome at host5.example.";
        assert_eq!(redacted(value, Words::Stay), wanted);
    }
}
