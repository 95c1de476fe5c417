//! The header fields that a message gets.

use super::ending::Edit;
use super::message::Message;
use super::texts::Texts;
use crate::config::{Config, Position};
use crate::headers::{AuthenticationResults, ReceivedSpf, shortened};
use crate::judge::{Check, Findings, ReceivedSpfKeys};

/// The fields that record the checks, in the order of the edits: each inserted one goes above those before it, so that
/// in the end Authentication-Results stands on top, then the check that decided, then the one beside it.
pub(super) fn own_fields(config: &Config, receiver: &str, message: &Message, findings: &Findings) -> Vec<Edit> {
    let mut edits = Vec::new();
    if let Some(style) = config.headers.received_spf {
        let value = |check: &Check| {
            let comment = comment(config, message, check);
            let keys = ReceivedSpfKeys {
                mail_from: &message.mail_from,
                helo: message.helo.as_deref(),
                charset: message.charset,
                comment: comment.as_deref(),
            };
            check.received_spf(&keys, style.show)
        };
        let other = findings.other().filter(|_| style.helo);
        let checks = [other, Some(findings.deciding())].into_iter().flatten();
        let values = checks.map(value);
        let name = ReceivedSpf::NAME;
        edits.extend(values.map(|value| match style.position {
            Position::Insert => Edit::Insert { name, value: value.into_bytes() },
            Position::Append => Edit::Append { name, value: value.into_bytes() },
        }));
    }
    edits.extend(authentication_results(config, receiver, message, findings));
    edits
}

/// The comment in the administrator's own words, if he has any.
fn comment(config: &Config, message: &Message, check: &Check) -> Option<String> {
    let texts = Texts { check, rcpt: b"", why_link: config.why_link.as_ref(), charset: message.charset };
    config.headers.comment.as_ref().map(|comment| texts.expand(comment))
}

fn authentication_results(config: &Config, receiver: &str, message: &Message, findings: &Findings) -> Option<Edit> {
    let style = config.headers.authentication_results?;
    let checks = [Some(findings.deciding()), findings.other()].into_iter().flatten();
    let result = |check: &Check| check.method_result(style.full_address, style.evidence);
    let field = AuthenticationResults {
        authserv_id: config.headers.authserv_id.as_deref().unwrap_or(receiver),
        results: checks.map(result).collect(),
        charset: message.charset,
    };
    Some(Edit::Insert { name: AuthenticationResults::NAME, value: field.value().into_bytes() })
}

/// The edit that puts a tag in front of a subject, unless it is there.
pub(super) fn tagged(subject: Option<&[u8]>, tag: &str) -> Option<Edit> {
    let name = "Subject";
    let tag = shortened(tag, TAG_BYTES_MAX);
    let Some(subject) = subject else {
        return Some(Edit::Append { name, value: tag.trim_end().as_bytes().to_vec() });
    };
    let has_tag = subject.trim_ascii_start().starts_with(tag.trim().as_bytes());
    (!has_tag).then(|| Edit::Change { index: 1, name, value: [tag.as_bytes(), subject].concat() })
}

/// The longest tag: with what is left of a subject's first line it stays below the 998 bytes of RFC 5322 section 2.1.1.
const TAG_BYTES_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_tagged_once() {
        let shown = |subject: Option<&str>| {
            tagged(subject.map(str::as_bytes), "[SPF fail] ").map_or_else(|| "-".to_owned(), |edit| edit.to_string())
        };
        assert_eq!(shown(Some("hello")), "chgheader 1 Subject: [SPF fail] hello");
        assert_eq!(shown(Some("a\n b")), "chgheader 1 Subject: [SPF fail] a\\n b");
        assert_eq!(shown(Some(" [SPF fail] hello")), "-");
        assert_eq!(shown(Some("")), "chgheader 1 Subject: [SPF fail] ");
        assert_eq!(shown(None), "addheader Subject: [SPF fail]");
    }
}
