//! Addresses of MAIL and RCPT as `prescan` and the stock rule sets look at them, and ESMTP parameters.

use super::{
    release::Release,
    reply_text::{self, seven_bit_text},
};
use crate::smtp::{Part, PathArgument, Quoting, bare_address, is_xtext, split_at_byte};

/// The two commands that have an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Sender,
    Recipient,
}

/// The refusal of an address that sendmail cannot take apart, or that its rule sets do not put up with.
pub(super) fn refuse_address(release: &Release, typed: &[u8], role: Role) -> Option<String> {
    let shown = |address: &[u8]| reply_text::shown_address(release, address);
    if typed.len() >= ADDRESS_MAX {
        return Some(format!("553 5.1.1 {}... Address too long", shown(typed)));
    }
    if let Some(reply) = refuse_unprintable(typed, role) {
        return Some(reply);
    }
    if typed.split(|byte| OPERATORS.contains(byte)).any(|token| token.len() > NAME_MAX) {
        return Some(format!("553 5.1.0 {}... prescan: token too long", shown(typed)));
    }
    if let Some(wrong) = unbalanced(typed) {
        return Some(format!("553 5.0.0 {}... Unbalanced '{}'", seven_bit_text(typed), char::from(wrong)));
    }
    if let Some(cut) = typed.get(..NAME_MAX - 1).filter(|cut| cut.len() < typed.len()) {
        let address = seven_bit_text(cut);
        return Some(format!("553 5.1.0 {}... Address \"{address}\" too long (255 bytes max)", shown(cut)));
    }
    let (codes, text) = refusal(bare_address(typed), role)?;
    Some(format!("{codes} {}... {text}", seven_bit_text(typed)))
}

/// The refusal of the first parameter of MAIL that sendmail does not take.
pub(super) fn refuse_mail_params(path: &PathArgument) -> Option<String> {
    let mut seen = Vec::new();
    path.params.iter().flat_map(|param| pieces(param)).find_map(|param| {
        let (keyword, value) = keyword_and_value(param);
        let upper = keyword.to_ascii_uppercase();
        let is_repeated = seen.contains(&upper);
        seen.push(upper.clone());
        match (upper.as_str(), value) {
            ("AUTH", None) => Some("501 5.5.2 AUTH= requires a value".to_owned()),
            ("SIZE" | "BODY" | "ENVID" | "RET" | "BY", None) => Some(format!("501 5.5.2 {upper} requires a value")),
            ("SIZE", Some(value)) => refuse_size(value),
            ("BODY", Some(value)) => {
                let known = [&b"7BIT"[..], b"8BITMIME"].iter().any(|kind| value.eq_ignore_ascii_case(kind));
                (!known).then(|| format!("501 5.5.4 Unknown BODY type {}", seven_bit_text(value)))
            }
            ("ENVID" | "RET", Some(_)) if is_repeated => Some(format!("501 5.5.0 Duplicate {upper} parameter")),
            ("ENVID", Some(value)) => {
                (!is_xtext(value)).then(|| "501 5.5.4 Syntax error in ENVID parameter value".to_owned())
            }
            ("RET", Some(value)) => {
                let known = [&b"FULL"[..], b"HDRS"].iter().any(|what| value.eq_ignore_ascii_case(what));
                (!known).then(|| format!("501 5.5.2 Bad argument \"{}\" to RET", seven_bit_text(value)))
            }
            ("AUTH" | "BY", Some(_)) => None,
            _ => Some(format!("555 5.5.4 {keyword} parameter unrecognized")),
        }
    })
}

/// The refusal of the first parameter of RCPT that sendmail does not take.
pub(super) fn refuse_rcpt_params(path: &PathArgument) -> Option<String> {
    refuse_recipient_args(&path.params)
}

/// The same for the parameters that a filter gives a recipient.
pub(super) fn refuse_recipient_args(params: &[Vec<u8>]) -> Option<String> {
    let mut has_orcpt = false;
    params.iter().flat_map(|param| pieces(param)).find_map(|param| {
        let (keyword, value) = keyword_and_value(param);
        let upper = keyword.to_ascii_uppercase();
        match (upper.as_str(), value) {
            ("NOTIFY" | "ORCPT", None) => Some(format!("501 5.5.2 {upper} requires a value")),
            ("NOTIFY", Some(value)) => {
                let wrong = wrong_notify(value)?;
                Some(format!("501 5.5.4 Bad argument \"{}\"  to NOTIFY", seven_bit_text(wrong)))
            }
            ("ORCPT", Some(_)) if has_orcpt => Some("501 5.5.0 Duplicate ORCPT parameter".to_owned()),
            ("ORCPT", Some(value)) => {
                has_orcpt = true;
                let (kind, address) = split_at_byte(value, b';');
                let good = !kind.is_empty() && value.contains(&b';') && is_xtext(address);
                (!good).then(|| "501 5.5.4 Syntax error in ORCPT parameter value".to_owned())
            }
            _ => Some(format!("555 5.5.4 {keyword} parameter unrecognized")),
        }
    })
}

fn refuse_unprintable(typed: &[u8], role: Role) -> Option<String> {
    let is_control = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
    if !typed.iter().any(is_control) {
        return None;
    }
    let inner = bare_address(typed);
    let shown: Vec<u8> = inner.iter().map(|byte| if is_control(byte) { b'?' } else { *byte }).collect();
    let codes = if role == Role::Sender { "501 5.1.7" } else { "501 5.1.3" };
    let shown = seven_bit_text(&shown);
    Some(format!("{codes} Syntax error in mailbox address \"{shown}\" (non-printable character)"))
}

/// The quote, bracket or parenthesis that has no counterpart.
fn unbalanced(typed: &[u8]) -> Option<u8> {
    let mut quoting = Quoting::default();
    let mut brackets = 0_usize;
    for &byte in typed {
        match (quoting.part(byte), byte) {
            (Part::Plain, b')') => return Some(b')'),
            (Part::Plain, b'<') => brackets += 1,
            (Part::Plain, b'>') if brackets == 0 => return Some(b'>'),
            (Part::Plain, b'>') => brackets -= 1,
            _ => {}
        }
    }
    quoting.open().or_else(|| (brackets > 0).then_some(b'<'))
}

/// Codes and text for an address that the rule sets refuse.
fn refusal(address: &[u8], role: Role) -> Option<(&'static str, &'static str)> {
    let plain = without_quoted(address);
    if address.is_empty() {
        return (role == Role::Recipient).then_some(("553 5.0.0", "User address required"));
    }
    if let Some(what) = special_mailer(&plain) {
        return Some(if role == Role::Sender { ("553 5.1.7", "Invalid sender address") } else { ("550 5.7.1", what) });
    }
    let ats = plain.iter().filter(|&&byte| byte == b'@').count();
    if ats > 1 || plain.contains(&b',') {
        return Some(("553 5.1.3", "Invalid route address"));
    }
    let (user, domain) = split_at_byte(&plain, b'@');
    let is_quoted_nothing = address == b"\"\"";
    if is_quoted_nothing || (ats == 1 && user.is_empty() && address.starts_with(b"@")) {
        return Some(("553 5.1.3", "User address required"));
    }
    if ats == 1 && domain.trim_ascii().is_empty() {
        return Some(("553 5.1.3", "Hostname required"));
    }
    let has_empty_label = domain.starts_with(b".") || domain.windows(2).any(|pair| pair == b"..");
    has_empty_label.then_some(("553 5.1.2", "Invalid host name"))
}

/// What a filter program's, a file's or a list's name is refused with.
fn special_mailer(plain: &[u8]) -> Option<&'static str> {
    match plain {
        [b'|', ..] => Some("Cannot mail directly to programs"),
        [b'/', ..] => Some("Cannot mail directly to files"),
        _ => plain.starts_with(b":include:").then_some("Cannot mail directly to :include:s"),
    }
}

/// Without quoted strings, quoted characters and comments: what is left means what it says.
fn without_quoted(text: &[u8]) -> Vec<u8> {
    let mut quoting = Quoting::default();
    let means_itself = |byte: &u8| quoting.part(*byte) == Part::Plain && !b"<>)".contains(byte);
    text.iter().copied().filter(means_itself).collect()
}

/// RFC 1870: digits; what else is there counts as nothing.
fn refuse_size(value: &[u8]) -> Option<String> {
    if value.starts_with(b"-") {
        return Some("552 5.2.3 Message size invalid".to_owned());
    }
    let digits: Vec<u8> = value.iter().copied().take_while(u8::is_ascii_digit).collect();
    let fits = digits.is_empty() || String::from_utf8_lossy(&digits).parse::<i64>().is_ok();
    (!fits).then(|| "552 5.2.3 Message size exceeds maximum value".to_owned())
}

/// The first word of NOTIFY that is none, or that may not stand beside others.
fn wrong_notify(value: &[u8]) -> Option<&[u8]> {
    let mut words = value.split(|&byte| byte == b',');
    if value.eq_ignore_ascii_case(b"NEVER") {
        return None;
    }
    words.find(|word| ![&b"SUCCESS"[..], b"FAILURE", b"DELAY"].iter().any(|known| word.eq_ignore_ascii_case(known)))
}

/// A value ends at an equals sign, and what follows is the next parameter: `A=b=c` is `A=b` and `c`.
fn pieces(param: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(param);
    std::iter::from_fn(move || {
        let all = rest.take()?;
        let value = all.iter().position(|&byte| byte == b'=').map_or(all.len(), |at| at + 1);
        let end = all[value..].iter().position(|&byte| byte == b'=').map(|at| value + at);
        rest = end.map(|end| &all[end + 1..]);
        Some(&all[..end.unwrap_or(all.len())])
    })
}

/// The letters, digits and hyphens before the equals sign; the value if there is one.
fn keyword_and_value(param: &[u8]) -> (String, Option<&[u8]>) {
    let end = param.iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'-').unwrap_or(param.len());
    let keyword = String::from_utf8_lossy(&param[..end]).into_owned();
    (keyword, param[end..].strip_prefix(b"="))
}

/// `MAXNAME`: the longest token; an address is one byte shorter. RFC 5321 section 4.5.3.1.3 has the same.
pub(super) const NAME_MAX: usize = 256;
/// An address of so many bytes is not even looked at.
const ADDRESS_MAX: usize = 1039;
/// What ends a token: `OperatorChars`, and what separates for RFC 5322.
const OPERATORS: &[u8] = b".:%@!^/[]+()<>,;\" \t";

#[cfg(test)]
mod tests {
    use super::{super::release::SENDMAIL_8_17, *};

    fn refuse_address(typed: &[u8], role: Role) -> Option<String> {
        super::refuse_address(&SENDMAIL_8_17, typed, role)
    }

    #[test]
    fn addresses_that_make_no_sense_are_refused_in_sendmails_words() {
        for (typed, refusal) in [
            ("<a@host.example>", None),
            ("<a b@host.example>", None),
            ("<\"a@b\"@host.example>", None),
            ("<@r1,@r2:a@host.example>", None),
            ("<>", None),
            ("<a@host.example", Some("553 5.0.0 <a@host.example... Unbalanced '<'")),
            ("<a)@host.example>", Some("553 5.0.0 <a)@host.example>... Unbalanced ')'")),
            ("<\"a>", Some("553 5.0.0 <\"a>... Unbalanced '\"'")),
            ("<\\>", Some("553 5.0.0 <\\>... Unbalanced '<'")),
            ("<a@@host.example>", Some("553 5.1.3 <a@@host.example>... Invalid route address")),
            ("<a,b@host.example>", Some("553 5.1.3 <a,b@host.example>... Invalid route address")),
            ("<@host.example>", Some("553 5.1.3 <@host.example>... User address required")),
            ("<a@>", Some("553 5.1.3 <a@>... Hostname required")),
            ("<a@.host.example>", Some("553 5.1.2 <a@.host.example>... Invalid host name")),
            ("<|cat>", Some("553 5.1.7 <|cat>... Invalid sender address")),
        ] {
            assert_eq!(refuse_address(typed.as_bytes(), Role::Sender).as_deref(), refusal, "{typed}");
        }
        let recipient = |typed: &[u8]| refuse_address(typed, Role::Recipient).unwrap();
        assert_eq!(recipient(b"<>"), "553 5.0.0 <>... User address required");
        assert_eq!(recipient(b"</etc/x>"), "550 5.7.1 </etc/x>... Cannot mail directly to files");
        assert_eq!(
            recipient(b"<a\x01b@c>"),
            "501 5.1.3 Syntax error in mailbox address \"a?b@c\" (non-printable character)"
        );
    }

    #[test]
    fn long_addresses_are_refused_in_three_ways() {
        let refusal = |length: usize, domain: &str| {
            refuse_address(format!("<{}@{domain}>", "l".repeat(length)).as_bytes(), Role::Sender)
        };
        assert_eq!(refusal(249, "b.c"), None);
        let text = refusal(252, "b.c").unwrap();
        assert!(text.starts_with("553 5.1.0 <lll") && text.contains("lll@b... Address \"<lll"), "{text}");
        assert!(text.ends_with("lll@b\" too long (255 bytes max)"), "{text}");
        assert!(refusal(257, "b.c").unwrap().ends_with("lll@b.c>... prescan: token too long"));
        assert!(refusal(1500, "b.c").unwrap().ends_with("lll@b.c>... Address too long"));
    }

    #[test]
    fn parameters_are_checked_one_by_one() {
        let mail = |params: &str| {
            refuse_mail_params(&PathArgument::parse(format!("FROM:<a@b> {params}").as_bytes(), "FROM:").unwrap())
        };
        assert_eq!(mail("SIZE=10 BODY=8bitmime RET=full ENVID=a AUTH=<> BY=120;N"), None);
        assert_eq!(mail("SIZE").unwrap(), "501 5.5.2 SIZE requires a value");
        assert_eq!(mail("ENVID=1 ENVID=2").unwrap(), "501 5.5.0 Duplicate ENVID parameter");
        assert_eq!(mail("ENVID=a=b").unwrap(), "555 5.5.4 b parameter unrecognized");
        assert_eq!(mail("RET=a=b").unwrap(), "501 5.5.2 Bad argument \"a\" to RET");
        assert_eq!(mail("b@c").unwrap(), "555 5.5.4 b parameter unrecognized");
        let rcpt = |params: &str| {
            refuse_rcpt_params(&PathArgument::parse(format!("TO:<a@b> {params}").as_bytes(), "TO:").unwrap())
        };
        assert_eq!(rcpt("NOTIFY=SUCCESS,DELAY ORCPT=rfc822;b"), None);
        assert_eq!(rcpt("NOTIFY=NEVER,SUCCESS").unwrap(), "501 5.5.4 Bad argument \"NEVER\"  to NOTIFY");
        assert_eq!(rcpt("ORCPT=rfc822").unwrap(), "501 5.5.4 Syntax error in ORCPT parameter value");
    }
}
