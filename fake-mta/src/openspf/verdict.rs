//! What a milter made of a test, read from what it did to the message.

use super::{
    case::{Identity, SpfResult},
    header::{self, Field},
};
use crate::scenario::{SessionEvents, StepEvents};

/// A result, and where it was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) result: SpfResult,
    pub(super) from: String,
}

/// The result of a session: what the delivered message records for the identity, else what a refusal stands for.
pub(super) fn verdict(session: &SessionEvents, identity: Identity) -> Option<Verdict> {
    match session.delivered.first() {
        Some(message) => recorded(&header::fields(message), identity),
        None => session.steps.iter().flat_map(|step| &step.milter).find_map(|answer| refused(answer)),
    }
}

/// The text with which the milter refused, as the SMTP client saw it; lines are joined by a space, where they were broken.
pub(super) fn refusal_text(session: &SessionEvents) -> Option<String> {
    let refuses = |step: &&StepEvents| step.milter.iter().any(|answer| answer.starts_with("reply 5"));
    let step = session.steps.iter().find(refuses)?;
    let texts: Vec<&str> = step.replies.iter().map(|line| bare_text(line)).collect();
    Some(texts.join(" "))
}

/// The fields in the order of their weight: Received-SPF says which identity it is about.
fn recorded(fields: &[Field], identity: Identity) -> Option<Verdict> {
    let named = |name: &'static str| fields.iter().filter(move |field| field.name.eq_ignore_ascii_case(name));
    let received: Vec<ReceivedSpf> =
        named("Received-SPF").filter_map(|field| ReceivedSpf::read(&field.value)).collect();
    let own = received.iter().find(|field| field.identity == Some(identity));
    let unnamed = || received.iter().find(|field| field.identity.is_none());
    if let Some(field) = own.or_else(unnamed) {
        return Some(Verdict { result: field.result, from: "Received-SPF".to_owned() });
    }
    let results: Vec<_> =
        named("Authentication-Results").flat_map(|field| authentication_results(&field.value)).collect();
    let own = results.iter().find(|(_, of)| *of == Some(identity));
    // A filter may give the identity of the null sender as a mailbox, postmaster at the HELO name.
    let found = own.or_else(|| results.iter().find(|(_, of)| of.is_none() || identity == Identity::Helo))?;
    Some(Verdict { result: found.0, from: "Authentication-Results".to_owned() })
}

/// A Received-SPF field (RFC 7208 section 9.1).
struct ReceivedSpf {
    result: SpfResult,
    identity: Option<Identity>,
}

impl ReceivedSpf {
    fn read(value: &str) -> Option<Self> {
        let words = header::words(value).concat();
        let (result, pairs) = words.split_first()?;
        let identity = pairs.iter().find_map(|pair| match pair.split_once('=')? {
            (key, value) if key.eq_ignore_ascii_case("identity") => Some(value),
            _ => None,
        });
        let identity = match identity {
            None => None,
            Some(word) => Some(identity_named(word)?),
        };
        Some(Self { result: SpfResult::named(result)?, identity })
    }
}

fn identity_named(word: &str) -> Option<Identity> {
    match word.to_ascii_lowercase().as_str() {
        "mailfrom" | "mfrom" => Some(Identity::MailFrom),
        "helo" => Some(Identity::Helo),
        _ => None,
    }
}

/// The results for the method `spf` (RFC 8601 section 2.2), each with the identity that its properties name.
fn authentication_results(value: &str) -> Vec<(SpfResult, Option<Identity>)> {
    // The first group is the authserv-id.
    header::words(value).iter().skip(1).filter_map(|group| spf_result(group)).collect()
}

fn spf_result(group: &[String]) -> Option<(SpfResult, Option<Identity>)> {
    let (method, properties) = group.split_first()?;
    let (method, result) = method.split_once('=')?;
    if !method.split('/').next()?.eq_ignore_ascii_case("spf") {
        return None;
    }
    // RFC 5451 had this word for it.
    let result = if result.eq_ignore_ascii_case("hardfail") { "fail" } else { result };
    let has = |name: &str| {
        let mut keys = properties.iter().filter_map(|property| Some(property.split_once('=')?.0));
        keys.any(|key| key.eq_ignore_ascii_case(name))
    };
    let identity =
        if has("smtp.mailfrom") { Some(Identity::MailFrom) } else { has("smtp.helo").then_some(Identity::Helo) };
    Some((SpfResult::named(result)?, identity))
}

/// What an answer of the milter stands for, if it refuses: RFC 7208 section 8.4 to 8.7, with the codes of RFC 7372.
fn refused(answer: &str) -> Option<Verdict> {
    let reply = answer.strip_prefix("reply ").unwrap_or_default();
    let result = match (answer, reply.as_bytes().first()) {
        ("reject", _) => SpfResult::Fail,
        ("tempfail", _) | (_, Some(b'4')) => SpfResult::Temperror,
        (_, Some(b'5')) if reply.split_whitespace().nth(1) == Some("5.7.24") => SpfResult::Permerror,
        (_, Some(b'5')) => SpfResult::Fail,
        _ => return None,
    };
    Some(Verdict { result, from: format!("the refusal `{answer}`") })
}

/// The text of a reply line without its code and its enhanced code.
fn bare_text(line: &str) -> &str {
    let text = line.get(4..).unwrap_or_default();
    match text.split_once(' ') {
        Some((code, rest)) if is_enhanced(code) => rest,
        _ => text,
    }
}

/// Whether a word is an enhanced status code (RFC 3463 section 2).
fn is_enhanced(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    let is_number = |part: &&str| !part.is_empty() && part.len() <= 3 && part.bytes().all(|byte| byte.is_ascii_digit());
    parts.len() == 3 && matches!(parts[0], "2" | "4" | "5") && parts.iter().all(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str, identity: Identity) -> Option<String> {
        let session = SessionEvents { delivered: vec![format!("{header}\n\nbody\n")], ..SessionEvents::default() };
        verdict(&session, identity).map(|verdict| verdict.result.to_string())
    }

    #[track_caller]
    fn check(header: &str, expected: Option<&str>) {
        assert_eq!(read(header, Identity::MailFrom).as_deref(), expected, "{header}");
    }

    #[test]
    fn received_spf_counts_for_its_identity() {
        check("Received-SPF: Pass (x) identity=mailfrom;\n\tclient-ip=1.2.3.4", Some("pass"));
        let both = "Received-SPF: none (x) identity=helo; helo=a\nreceived-spf: SoftFail (y) helo=a; identity=mailfrom";
        check(both, Some("softfail"));
        assert_eq!(read(both, Identity::Helo).as_deref(), Some("none"));
        check("Received-SPF: fail (no identity)", Some("fail"));
        check("Received-SPF: pass identity=helo", None);
        check("Received-SPF: pass identity=pra", None);
        check("Received-SPF: great identity=mailfrom", None);
    }

    #[test]
    fn what_a_sender_says_of_itself_does_not_count() {
        check(
            "Received-SPF: fail (a; identity=helo) envelope-from=\"x; identity=helo\"; identity=mailfrom",
            Some("fail"),
        );
        check("Subject: spf=pass\nAuthentication-Results: mx; dkim=pass reason=\"; spf=pass\"", None);
    }

    #[test]
    fn authentication_results_are_the_second_choice() {
        check("Authentication-Results: mx; dkim=none; spf=fail (spf=pass) smtp.mailfrom=a.example", Some("fail"));
        let both = "Authentication-Results: mx 1; spf=pass smtp.helo=h; spf=hardfail smtp.mailfrom=a";
        check(both, Some("fail"));
        assert_eq!(read(both, Identity::Helo).as_deref(), Some("pass"));
        check("Authentication-Results: mx; spf=neutral", Some("neutral"));
        check("Authentication-Results: mx; spf=pass smtp.helo=h", None);
        let helo = read("Authentication-Results: mx; spf=pass smtp.mailfrom=postmaster@h", Identity::Helo);
        assert_eq!(helo.as_deref(), Some("pass"));
        check("Authentication-Results: mx; spf=pass\nReceived-SPF: fail identity=mailfrom", Some("fail"));
    }

    #[test]
    fn a_refusal_stands_for_a_result() {
        for (answers, expected) in [
            (&["continue", "reply 550 5.7.23 no"][..], Some("fail")),
            (&["reply 550 5.7.24 broken"], Some("permerror")),
            (&["reply 451 4.4.3 later"], Some("temperror")),
            (&["reject"], Some("fail")),
            (&["tempfail"], Some("temperror")),
            (&["continue", "accept"], None),
        ] {
            let milter = answers.iter().map(|&answer| answer.to_owned()).collect();
            let steps = vec![StepEvents { milter, ..StepEvents::default() }];
            let session = SessionEvents { steps, ..SessionEvents::default() };
            let read = verdict(&session, Identity::MailFrom).map(|verdict| verdict.result.to_string());
            assert_eq!(read.as_deref(), expected, "{answers:?}");
        }
    }

    #[test]
    fn the_text_of_a_refusal_has_no_codes() {
        let step = |milter: &str, replies: &[&str]| StepEvents {
            milter: vec![milter.to_owned()],
            replies: replies.iter().map(|&line| line.to_owned()).collect(),
            ..StepEvents::default()
        };
        let text = |replies: &[&str]| {
            let steps = vec![step("continue", &["250 2.1.0 Ok"]), step("reply 550 x", replies)];
            refusal_text(&SessionEvents { steps, ..SessionEvents::default() })
        };
        assert_eq!(text(&["550 5.7.23 See 5.7.1 me."]).as_deref(), Some("See 5.7.1 me."));
        assert_eq!(text(&["550-5.7.23 one", "550 5.7.23 two"]).as_deref(), Some("one two"));
        assert_eq!(text(&["550 no enhanced code"]).as_deref(), Some("no enhanced code"));
        assert_eq!(refusal_text(&SessionEvents::default()), None);
    }
}
