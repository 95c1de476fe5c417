//! ESMTP parameters of MAIL and RCPT as `smtpd(8)` checks them.

use crate::smtp::{PathArgument, split_at_byte};

/// The refusal of the first parameter of MAIL that Postfix does not take.
///
/// `size_max` is the largest message that is taken.
pub(super) fn refuse_mail(path: &PathArgument, size_max: Option<usize>) -> Option<String> {
    let mut seen = Vec::new();
    path.params.iter().find_map(|param| {
        let (keyword, value) = keyword_and_value(param);
        let is_repeated = seen.contains(&keyword);
        seen.push(keyword.clone());
        match (keyword.as_str(), value) {
            ("SIZE", Some(value)) => refuse_size(value, size_max),
            ("BODY", Some(value)) => {
                let known = [&b"7BIT"[..], b"8BITMIME"].iter().any(|kind| value.eq_ignore_ascii_case(kind));
                (!known).then(|| unsupported(param))
            }
            ("RET", Some(value)) => {
                (!is_return(value) || is_repeated).then(|| "501 5.5.4 Bad RET parameter syntax".to_owned())
            }
            ("ENVID", Some(value)) => {
                let bad = value.is_empty() || !is_xtext(value) || is_repeated;
                bad.then(|| "501 5.5.4 Bad ENVID parameter syntax".to_owned())
            }
            ("AUTH", Some(_)) | ("SMTPUTF8", None) => None,
            _ => Some(unsupported(param)),
        }
    })
}

/// The refusal of the first parameter of RCPT that Postfix does not take.
pub(super) fn refuse_rcpt(path: &PathArgument) -> Option<String> {
    let mut seen = Vec::new();
    path.params.iter().find_map(|param| {
        let (keyword, value) = keyword_and_value(param);
        let is_repeated = seen.contains(&keyword);
        seen.push(keyword.clone());
        let good = match (keyword.as_str(), value) {
            ("NOTIFY", Some(value)) => is_notify(value),
            ("ORCPT", Some(value)) => is_original_recipient(value),
            _ => return Some(unsupported(param)),
        };
        (!good || is_repeated).then(|| format!("501 5.5.4 Error: Bad {keyword} parameter syntax"))
    })
}

/// Whether a filter may give this parameter to a sender.
pub(super) fn is_known_at_mail(param: &[u8]) -> bool {
    match keyword_and_value(param) {
        (keyword, Some(value)) if keyword == "RET" => is_return(value),
        (keyword, Some(value)) if keyword == "ENVID" => !value.is_empty() && is_xtext(value),
        _ => false,
    }
}

/// Whether a filter may give this parameter to a recipient.
pub(super) fn is_known_at_rcpt(param: &[u8]) -> bool {
    match keyword_and_value(param) {
        (keyword, Some(value)) if keyword == "NOTIFY" => is_notify(value),
        (keyword, Some(value)) if keyword == "ORCPT" => is_original_recipient(value),
        _ => false,
    }
}

/// RFC 1870 section 6.1: a message that is announced as too large is refused at once.
fn refuse_size(value: &[u8], size_max: Option<usize>) -> Option<String> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Some("501 5.5.4 Bad message size syntax".to_owned());
    }
    let announced = std::str::from_utf8(value).ok().and_then(|value| value.parse::<i64>().ok());
    match announced.map(|size| usize::try_from(size).unwrap_or(usize::MAX)) {
        None => Some("552 5.3.4 Message size exceeds file system imposed limit".to_owned()),
        Some(size) => {
            size_max.is_some_and(|max| size > max).then(|| "552 5.3.4 Message size exceeds fixed limit".to_owned())
        }
    }
}

/// The keyword in capitals, and the value if there is an equals sign.
fn keyword_and_value(param: &[u8]) -> (String, Option<&[u8]>) {
    let (keyword, value) = split_at_byte(param, b'=');
    let value = param.contains(&b'=').then_some(value);
    (String::from_utf8_lossy(keyword).to_ascii_uppercase(), value)
}

fn unsupported(param: &[u8]) -> String {
    format!("555 5.5.4 Unsupported option: {}", String::from_utf8_lossy(param))
}

/// RFC 3461 section 4, but for what is not escaped: of a `+` only two hex digits make sense, and what they mean must be printable.
fn is_xtext(value: &[u8]) -> bool {
    let mut rest = value;
    while let Some((&byte, after)) = rest.split_first() {
        let (meant, after) = match (byte, after) {
            (b'+', [high, low, after @ ..]) => {
                let digits = [*high, *low];
                let digits = std::str::from_utf8(&digits).ok().filter(|digits| !digits.contains('+'));
                let Some(meant) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) else { return false };
                (meant, after)
            }
            (b'+', _) => return false,
            _ => (byte, after),
        };
        if !matches!(meant, b' '..=b'~') {
            return false;
        }
        rest = after;
    }
    true
}

/// RFC 3461 section 4.3.
fn is_return(value: &[u8]) -> bool {
    [&b"FULL"[..], b"HDRS"].iter().any(|what| value.eq_ignore_ascii_case(what))
}

/// RFC 3461 section 4.1: `NEVER`, or some of the others.
fn is_notify(value: &[u8]) -> bool {
    let words: Vec<String> =
        value.split(|&byte| byte == b',').map(|word| String::from_utf8_lossy(word).to_ascii_uppercase()).collect();
    let known = |word: &String| matches!(word.as_str(), "SUCCESS" | "FAILURE" | "DELAY");
    words == ["NEVER"] || words.iter().all(known)
}

/// RFC 3461 section 4.2: the kind of address, a semicolon, the address as xtext.
fn is_original_recipient(value: &[u8]) -> bool {
    let (kind, address) = split_at_byte(value, b';');
    !kind.is_empty() && !address.is_empty() && is_xtext(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(params: &str) -> Option<String> {
        let path = PathArgument::parse(format!("FROM:<a@b> {params}").as_bytes(), "FROM:").unwrap();
        refuse_mail(&path, Some(10_240_000))
    }

    #[test]
    fn parameters_of_mail_are_checked_one_by_one() {
        assert_eq!(mail("SIZE=10 BODY=8bitmime RET=full ENVID=a+2Bb AUTH=<> SMTPUTF8"), None);
        assert_eq!(mail("SIZE=abc").unwrap(), "501 5.5.4 Bad message size syntax");
        assert_eq!(mail("SIZE=99999999999").unwrap(), "552 5.3.4 Message size exceeds fixed limit");
        assert_eq!(
            mail(&format!("SIZE={}", "9".repeat(30))).unwrap(),
            "552 5.3.4 Message size exceeds file system imposed limit"
        );
        assert_eq!(mail("BODY").unwrap(), "555 5.5.4 Unsupported option: BODY");
        assert_eq!(mail("RET=FULL RET=HDRS").unwrap(), "501 5.5.4 Bad RET parameter syntax");
        assert_eq!(mail("ENVID=a=b+3d"), None);
        for bad in ["ENVID=a+b", "ENVID=+", "ENVID=++1", "ENVID=+0A", "ENVID="] {
            assert_eq!(mail(bad).unwrap(), "501 5.5.4 Bad ENVID parameter syntax", "{bad}");
        }
    }

    #[test]
    fn parameters_of_rcpt_are_checked_one_by_one() {
        let rcpt =
            |params: &str| refuse_rcpt(&PathArgument::parse(format!("TO:<a@b> {params}").as_bytes(), "TO:").unwrap());
        assert_eq!(rcpt("NOTIFY=SUCCESS,delay ORCPT=rfc822;a@b"), None);
        assert_eq!(rcpt("NOTIFY=NEVER,SUCCESS").unwrap(), "501 5.5.4 Error: Bad NOTIFY parameter syntax");
        assert_eq!(rcpt("ORCPT=rfc822").unwrap(), "501 5.5.4 Error: Bad ORCPT parameter syntax");
        assert_eq!(rcpt("SIZE=1").unwrap(), "555 5.5.4 Unsupported option: SIZE=1");
    }
}
