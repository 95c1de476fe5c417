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
    if let Some(sign) = token.find(BETWEEN).filter(|sign| !token[..*sign].contains('@')) {
        return split(names, token, sign, words, numbers_stay);
    }
    if token.contains('@') {
        let (mailbox, rest) = token.split_at(mailbox_end(token));
        let mailbox = names.mailbox(mailbox);
        return if rest.is_empty() { mailbox } else { mailbox + &self::token(names, rest, words, numbers_stay) };
    }
    // So it stands in links.
    if let Some((user, host)) = token.split_once("%40") {
        return self::token(names, &format!("{user}@{host}"), words, numbers_stay).replace('@', "%40");
    }
    if let Some(sign) = token.find('/') {
        return split(names, token, sign, words, numbers_stay);
    }
    if is_host(token) && !is_known_word(token) {
        return names.host(token);
    }
    if words == Words::Known && is_known_word(token) {
        return token.to_owned();
    }
    plain(names, token, words, numbers_stay)
}

/// What stands on either side of a sign of one byte.
fn split(names: &mut Names, token: &str, sign: usize, words: Words, numbers_stay: bool) -> String {
    let left = self::token(names, &token[..sign], words, numbers_stay);
    let right = self::token(names, &token[sign + 1..], words, numbers_stay);
    format!("{left}{}{right}", &token[sign..=sign])
}

/// Where the mailbox ends that a token begins with: the domain has letters, digits and few signs.
fn mailbox_end(token: &str) -> usize {
    let domain = token.find('@').map_or(token.len(), |at| at + 1);
    let is_of_domain = |c: char| c.is_alphanumeric() || ".-_:".contains(c);
    domain + token[domain..].find(|c| !is_of_domain(c)).unwrap_or(token.len() - domain)
}

/// `mail.example.com`: labels with dots between them, the last of which is no number.
fn is_host(token: &str) -> bool {
    let is_label = |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || "-_".contains(c));
    let last = token.rsplit('.').next().unwrap_or_default();
    token.contains('.') && token.split('.').all(is_label) && last.chars().any(char::is_alphabetic)
}

/// Words with signs between them, and names among them.
fn plain(names: &mut Names, token: &str, words: Words, numbers_stay: bool) -> String {
    let mut out = String::with_capacity(token.len());
    let mut rest = token;
    while let Some(first) = rest.chars().next() {
        let length = if is_sign(first) { first.len_utf8() } else { rest.find(is_sign).unwrap_or(rest.len()) };
        if let Some((name, length)) = name_at_start(names, rest, length) {
            out.push_str(&name);
            rest = &rest[length..];
            continue;
        }
        let (word, behind) = rest.split_at(length);
        let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
        if words == Words::Stay
            || (first.is_ascii() && is_sign(first))
            || is_known_word(word)
            || (is_number && numbers_stay)
        {
            out.push_str(word);
        } else {
            out.push_str("redacted");
        }
        rest = behind;
    }
    out
}

/// What stands for the longest name that the text begins with, and how long the name is; its first word has `length` bytes.
fn name_at_start(names: &mut Names, text: &str, length: usize) -> Option<(String, usize)> {
    if text.starts_with(is_sign) {
        return None;
    }
    let mut ends = vec![length];
    while let Some(&end) = ends.last()
        && ends.len() < NAME_WORDS_MAX
        && end < text.len()
    {
        let word = text[end..].find(|c| !is_sign(c)).map(|at| end + at);
        let Some(word) = word else { break };
        ends.push(text[word..].find(is_sign).map_or(text.len(), |at| word + at));
    }
    ends.into_iter().rev().find_map(|end| {
        let name = &text[..end];
        let known = names.known(name).map(str::to_owned).or_else(|| names.ip(name));
        let host = || (is_host(name) && !is_known_word(name)).then(|| names.host(name));
        Some((known.or_else(host)?, end))
    })
}

fn is_sign(c: char) -> bool {
    !c.is_alphanumeric()
}

fn is_known_word(word: &str) -> bool {
    KNOWN.split_ascii_whitespace().any(|known| known.eq_ignore_ascii_case(word))
}

/// No name and no word is longer, bytes.
const TOKEN_MAX: usize = 1024;

/// No name has more words, with signs between them.
const NAME_WORDS_MAX: usize = 16;

/// Signs between a word and a name: `client-ip=192.0.2.1`, and those of links.
const BETWEEN: [char; 5] = ['=', '?', '&', '|', '#'];

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

    #[test]
    fn names_among_signs_are_found_too() {
        for (value, wanted) in [
            (
                "see http://spf.example.org/Why?s=mfrom&id=joe.o'brien%40corp.example&ip=10.9.8.7&r=mx",
                "see http://host5.example/Why?s=mfrom&id=user3%40host2.example&ip=192.0.2.6&r=mx",
            ),
            ("blocked:corp.example#1", "blocked:host2.example#1"),
            ("10.9.8.7-10.9.8.9 is a range of *.corp.example", "192.0.2.5-192.0.2.6 is a range of *.host2.example"),
            ("~laptop-joe~ fd00::2!x", "~host1.example~ 2001:db8::5!x"),
            ("Jane@other.example|JOE.O'Brien@corp.example", "user6@host5.example|user3@host2.example"),
            ("451 4.7.1 try again in 300 s", "451 4.7.1 try again in 300 s"),
        ] {
            assert_eq!(redacted(value, Words::Stay), wanted);
        }
    }
}
