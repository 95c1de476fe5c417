//! What sendmail makes of a filter's reply text: `usrerr` and `fmtmsg` seen from outside.

use super::release::Release;
use crate::smtp::Reply;

/// The text of an SMFIR_REPLYCODE if sendmail takes it: it begins with a 4xx or 5xx code, ends at its only NUL, and every `%` is doubled.
pub(super) fn check(payload: &[u8]) -> Option<&[u8]> {
    let text = payload.strip_suffix(b"\0")?;
    let begins = matches!(text, [b'4' | b'5', second, third, ..] if second.is_ascii_digit() && third.is_ascii_digit());
    (begins && !text.contains(&0) && percent_is_doubled(text)).then_some(text)
}

/// Whether the session ends with a reply: with a 421 that nothing else hangs on.
pub(super) fn ends_session(text: &[u8]) -> bool {
    text.starts_with(b"421 ") || text.starts_with(b"421-")
}

fn percent_is_doubled(text: &[u8]) -> bool {
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        if *byte == b'%' && bytes.next() != Some(&b'%') {
            return false;
        }
    }
    true
}

/// What the client gets of a reply text that was taken.
///
/// `%%` is `%`, a text without enhanced code gets `5.0.0` or `4.0.0`, and `address`, the argument of the command, is put before
/// the text of some codes. All of this concerns the first line only; bytes beyond ASCII lose their high bit everywhere.
pub(super) fn reply(release: &Release, text: &[u8], address: Option<&[u8]>) -> Reply {
    let text = undouble_percent(text);
    let Some(code) = text.get(..3) else { return Reply::text(&text) };
    // The character after the code goes, whatever it is.
    let separator = if text.get(3) == Some(&b'-') { b"-" } else { b" " };
    let rest = text.get(4..).unwrap_or_default();
    let (enhanced, rest) = match enhanced_code_length(rest) {
        Some(length) => (rest[..=length].to_vec(), &rest[length + 1..]),
        None => ([&code[..1], b".0.0 "].concat(), rest),
    };
    // The room that the address takes is not counted.
    let room = release.reply_buffer.saturating_sub(code.len() + separator.len() + enhanced.len() + 1);
    let rest = seven_bits(&rest[..rest.len().min(room)]);
    let address = address.filter(|_| SPLICED_CODES.contains(&code)).map(|address| splice(release, address));
    Reply::text(&[code, separator, &enhanced, &address.unwrap_or_default(), &rest].concat())
}

fn undouble_percent(text: &[u8]) -> Vec<u8> {
    let mut bytes = text.iter();
    let mut out = Vec::with_capacity(text.len());
    while let Some(&byte) = bytes.next() {
        out.push(byte);
        if byte == b'%' {
            // The second of the pair: `check` saw to it that there is one.
            bytes.next();
        }
    }
    out
}

/// `address... `.
fn splice(release: &Release, address: &[u8]) -> Vec<u8> {
    [&seven_bits(&shortened(release, address))[..], b"... "].concat()
}

/// An address in a reply of sendmail's own.
pub(super) fn shown_address(release: &Release, address: &[u8]) -> String {
    seven_bit_text(&shortened(release, address))
}

/// What a client has said, in a reply of sendmail's own.
pub(super) fn seven_bit_text(text: &[u8]) -> String {
    seven_bits(text).into_iter().map(char::from).collect()
}

/// The address, with the middle left out of a very long one.
fn shortened(release: &Release, address: &[u8]) -> Vec<u8> {
    let max = release.shown_address_max;
    if address.len() < max {
        return address.to_vec();
    }
    let half = (max - 3) / 2;
    [&address[..half], b"...", &address[address.len() - half..]].concat()
}

/// Text up to its end: a byte that becomes NUL ends it.
fn seven_bits(text: &[u8]) -> Vec<u8> {
    text.iter().map(|byte| byte & 0x7f).take_while(|&byte| byte != 0).collect()
}

/// The length of `D.D.D` if the text begins with it and a space follows.
fn enhanced_code_length(text: &[u8]) -> Option<usize> {
    let end = text.iter().position(|&byte| byte == b' ')?;
    let code = std::str::from_utf8(&text[..end]).ok()?;
    let parts: Vec<&str> = code.split('.').collect();
    let digits = |part: &&str| !part.is_empty() && part.len() <= 3 && part.bytes().all(|byte| byte.is_ascii_digit());
    (parts.len() == 3 && parts.iter().all(digits) && matches!(parts[0], "2" | "4" | "5")).then_some(end)
}

/// The codes before whose text sendmail names the address: those that are about a mailbox.
const SPLICED_CODES: [&[u8]; 3] = [b"450", b"550", b"553"];

#[cfg(test)]
mod tests {
    use super::{super::release::SENDMAIL_8_17, *};

    fn said(text: &[u8], address: Option<&[u8]>) -> Vec<String> {
        let reply = reply(&SENDMAIL_8_17, text, address);
        reply.lines.iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect()
    }

    #[test]
    fn a_reply_text_is_completed_and_the_address_spliced_into_mailbox_codes() {
        assert_eq!(said(b"550 5.7.1 custom", Some(b"<a@b>")), ["550 5.7.1 <a@b>... custom"]);
        assert_eq!(said(b"451 4.7.1 later", Some(b"<a@b>")), ["451 4.7.1 later"]);
        assert_eq!(said(b"554 5.7.1 no", Some(b"<a@b>")), ["554 5.7.1 no"]);
        assert_eq!(said(b"550 no code 100%%", None), ["550 5.0.0 no code 100%"]);
        assert_eq!(said(b"550-5.7.1 one\r\n550 two", Some(b"<a@b>")), ["550-5.7.1 <a@b>... one", "550 two"]);
        assert_eq!(said(b"550", None), ["550 5.0.0 "]);
        assert_eq!(said(b"550 5.7.1", None), ["550 5.0.0 5.7.1"]);
        assert_eq!(said(b"5505.7.1 text", None), ["550 5.0.0 .7.1 text"]);
    }

    #[test]
    fn bytes_beyond_ascii_lose_their_high_bit_and_long_texts_are_cut() {
        assert_eq!(said("550 5.7.1 caf\u{e9}".as_bytes(), None), ["550 5.7.1 cafC)"]);
        let long = [b"550 5.7.1 ", &vec![b'x'; 20_000][..]].concat();
        assert_eq!(said(&long, Some(b"<a@b>"))[0].len(), 16_383 + "<a@b>... ".len());
        let address = [b"<", &vec![b'a'; 300][..], b"@b>"].concat();
        assert_eq!(said(b"550 5.7.1 no", Some(&address))[0].len(), "550 5.7.1 ".len() + 203 + "... no".len());
    }

    #[test]
    fn a_text_that_is_no_reply_is_refused() {
        assert_eq!(check(b"550 5.7.1 x\0"), Some(&b"550 5.7.1 x"[..]));
        for bad in [&b"550 x"[..], b"550 \0x\0", b"250 ok\0", b"hello\0", b"550 100% x\0", b"\0", b""] {
            assert_eq!(check(bad), None, "{bad:?}");
        }
    }
}
