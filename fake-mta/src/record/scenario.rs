//! The scenario that a recorded connection stands for.

mod envelope;

use std::fmt::Write as _;

use self::envelope::envelope;
use super::{
    Entry, mta,
    routes::{self, Values},
    story::{Answer, Said, Session, Step, Story},
    toml_text::{fits_block, string},
};
use crate::{profile::Personality, scenario::literal};

/// The scenario file; `stem` names the messages' files beside it. Nothing if there is nothing to show.
pub(super) fn scenario(stem: &str, entries: &[Entry], story: &Story, cut_off: Option<&str>) -> Option<String> {
    let sessions: Vec<&Session> = story.sessions().iter().filter(|session| !is_empty(session)).collect();
    if sessions.is_empty() {
        return None;
    }
    let mut text = format!("name = {}\n", string(&format!("{stem}, as it was recorded")));
    if let Some(reason) = cut_off {
        let _ = writeln!(text, "note = {}", string(&format!("the recording ends before the connection did: {reason}")));
    }
    text.push_str(&settings(entries));
    let last = sessions.len() - 1;
    for (number, session) in sessions.into_iter().enumerate() {
        write_session(&mut text, session, cut_off.is_none() || number < last);
    }
    if !story.messages().is_empty() {
        text.push_str("\n[messages]\n");
    }
    for number in 1..=story.messages().len() {
        let _ = writeln!(text, "m{number} = {{ file = {} }}", string(&format!("{stem}-{number}.eml")));
    }
    Some(text)
}

/// Nobody said anything, or had anything to say.
fn is_empty(session: &Session) -> bool {
    session.steps.iter().all(|step| step.said == Said::Connect && !step.is_answered)
}

/// The MTA, as far as its packets tell of it.
fn settings(entries: &[Entry]) -> String {
    let mta = mta::personality(entries);
    let only = |name: &str| mta::values(entries, name).into_iter().next().filter(|value| is_word(value));
    let profile = if mta == Personality::Postfix { "postfix" } else { "sendmail" };
    let mut text = format!("\n[mta]\nprofile = \"{profile}\"\n");
    let hostname = only("j");
    if let Some(hostname) = &hostname {
        let _ = writeln!(text, "hostname = {}", string(hostname));
    }
    if let Some(version) = mta::offered_version(entries).filter(|version| (2..6).contains(version)) {
        let _ = writeln!(text, "protocol_version = {version}");
    }
    for (stage, names) in mta::set_macro_lists(entries, mta) {
        if names.iter().all(|name| is_word(mta::bare(name))) {
            let _ = writeln!(text, "macros.{stage} = {}", string(&names.join(", ")));
        }
    }
    // Filters tell by it which port mail has come in by.
    let is_usual = |name: &str| name.starts_with("MTA-v") || hostname.as_deref() == Some(name);
    if let Some(name) = only("daemon_name").filter(|name| !is_usual(name)) {
        let _ = writeln!(text, "macro_values.daemon_name = {}", string(&name));
    }
    for (name, values) in routes::values(entries, mta) {
        let _ = writeln!(text, "macro_values.{name} = {}", route(&values));
    }
    let unknown: Vec<String> = routes::unknown_recipients(entries).iter().map(|address| string(address)).collect();
    if !unknown.is_empty() {
        let _ = writeln!(text, "unknown_recipients = [{}]", unknown.join(", "));
    }
    text
}

/// The values of a macro of addresses.
fn route(values: &Values) -> String {
    match values {
        Values::Same(value) => string(value),
        Values::Of(values) => {
            let pairs: Vec<String> =
                values.iter().map(|(address, value)| format!("{} = {}", string(address), string(value))).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
    }
}

/// Letters, digits, and what stands in names.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

fn write_session(text: &mut String, session: &Session, says_goodbye: bool) {
    let ip = session.ip.as_deref().filter(|ip| ip.parse::<std::net::IpAddr>().is_ok()).unwrap_or("127.0.0.1");
    let is_name = |name: &&String| {
        !session.is_forged && !name.contains(|c: char| c == '[' || c.is_whitespace() || c.is_control())
    };
    let name = session.hostname.as_ref().filter(is_name).map(|name| format!("{name} ")).unwrap_or_default();
    let client = string(&format!("{name}[{ip}]"));
    let _ = write!(text, "\n[[session]]\nclient = {client}\ndialogue = '''\n");
    for step in &session.steps {
        if let Some(line) = client_line(&step.said) {
            let _ = writeln!(text, "{line}");
        }
        for answer in answers(step) {
            let _ = writeln!(text, "M: {answer}");
        }
    }
    text.push_str(if says_goodbye { "C: QUIT\n'''\n" } else { "'''\n" });
    if let Some(envelope) = envelope(session) {
        text.push_str(&envelope);
    }
}

/// The line of a step; a connection has none.
fn client_line(said: &Said) -> Option<String> {
    Some(match said {
        Said::Connect => return None,
        Said::Line(line) => match std::str::from_utf8(line) {
            Ok(line) if fits_block(line) && !line.starts_with('[') => format!("C: {line}").trim_end().to_owned(),
            _ => format!("C: [raw {}0d0a]", data_encoding::HEXLOWER.encode(line)),
        },
        Said::Message(number) => format!("C: [message m{}]", number + 1),
        Said::Tls(values) => {
            let short = |name: &str| if name == "tls_version" { "version".to_owned() } else { name.to_owned() };
            let fits = |value: &str| fits_block(value) && !value.contains(|c: char| c.is_whitespace());
            let values = values.iter().filter(|(_, value)| fits(value));
            let values: String = values.map(|(name, value)| format!(" {}={value}", short(name))).collect();
            format!("C: [tls{values}]")
        }
        Said::Auth { mechanism, user } => {
            let is_one_word = |text: &str| fits_block(text) && !text.contains(char::is_whitespace);
            let word = |text: &str| if is_one_word(text) { text.to_owned() } else { "unknown".to_owned() };
            format!("C: [auth {} {}]", word(mechanism), word(user))
        }
    })
}

/// What the milter answered, so that all else fails: `continue` stands for neither verdict nor change.
fn answers(step: &Step) -> Vec<String> {
    if step.answers.is_empty() && step.is_answered {
        return vec!["continue".to_owned()];
    }
    step.answers.iter().map(expected).collect()
}

fn expected(answer: &Answer) -> String {
    let text = match answer {
        // Which bytes of it were shown depends on how they were cut into packets.
        Answer::Malformed => return "[..]".to_owned(),
        other => other.to_string(),
    };
    let line = literal(&text).replace("'''", "[..]");
    let line = line.trim();
    if crate::scenario::is_milter_answer(line) { line.to_owned() } else { "[..]".to_owned() }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use milter_proto::{Address, Command, Frame, Negotiate, Protocol, Reply};
    use proptest::prelude::*;

    use super::*;
    use crate::{diag::Source, fmt::format};

    fn sent(command: &Command) -> Entry {
        let mut bytes = Vec::new();
        command.encode(&mut bytes);
        Entry::Sent(Frame { code: bytes[4], payload: bytes[5..].to_vec() })
    }

    fn received(reply: &Reply) -> Entry {
        let mut bytes = Vec::new();
        reply.encode(&mut bytes);
        Entry::Received(Frame { code: bytes[4], payload: bytes[5..].to_vec() })
    }

    fn connect(name: &[u8]) -> Entry {
        let address = Address::Inet { port: 25, text: b"192.0.2.1".to_vec() };
        sent(&Command::Connect { hostname: name.to_vec(), address })
    }

    fn mail() -> Entry {
        sent(&Command::Mail { sender: b"<a@b.example>".to_vec(), args: Vec::new() })
    }

    fn macros(for_command: u8, pairs: &[(&str, &str)]) -> Entry {
        let pairs = pairs.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec())).collect();
        sent(&Command::Macro { for_command, pairs })
    }

    fn written(entries: &[Entry]) -> Option<String> {
        scenario("it-1", entries, &Story::of(entries), None)
    }

    /// What stands between the quotes of the dialogue.
    fn dialogue(entries: &[Entry]) -> String {
        let text = written(entries).expect("something happened");
        text.split("'''").nth(1).expect("a block").trim_start().to_owned()
    }

    #[test]
    fn every_answer_is_expected_also_the_one_to_the_connection() {
        let accepted = [connect(b"x"), received(&Reply::Continue), mail(), received(&Reply::Continue)];
        assert_eq!(dialogue(&accepted), "M: continue\nC: MAIL FROM:<a@b.example>\nM: continue\nC: QUIT\n");
        let refused = [connect(b"x"), received(&Reply::Reject)];
        assert_eq!(dialogue(&refused), "M: reject\nC: QUIT\n");
        assert_eq!(written(&[connect(b"x"), Entry::Closed(true)]), None);
    }

    #[test]
    fn an_abort_in_a_transaction_is_a_reset_unless_the_session_ends() {
        let abort = sent(&Command::Abort);
        let unknown = sent(&Command::Unknown(b"NOOP".to_vec()));
        let reset = "C: MAIL FROM:<a@b.example>\nM: continue\nC: RSET\nC: NOOP\nC: QUIT\n";
        let go = received(&Reply::Continue);
        assert_eq!(dialogue(&[connect(b"x"), mail(), go.clone(), abort.clone(), unknown.clone()]), reset);
        let refused = dialogue(&[connect(b"x"), mail(), received(&Reply::Reject), abort.clone(), unknown]);
        let ended = dialogue(&[connect(b"x"), mail(), go, abort, sent(&Command::Quit)]);
        assert!(!refused.contains("RSET") && !ended.contains("RSET"), "{refused}{ended}");
    }

    #[test]
    fn macros_tell_of_starttls_and_auth() {
        let entries = [
            connect(b"x"),
            macros(b'H', &[("{tls_version}", "TLSv1.3"), ("{cipher}", "AES"), ("{cert_subject}", "")]),
            sent(&Command::Helo(b"x.example".to_vec())),
            macros(b'M', &[("{auth_type}", "PLAIN"), ("{auth_authen}", "alice")]),
            mail(),
        ];
        let wanted = "C: [tls version=TLSv1.3 cipher=AES]\nC: EHLO x.example\nC: [auth PLAIN alice]\n\
                      C: MAIL FROM:<a@b.example>\nC: QUIT\n";
        assert_eq!(dialogue(&entries), wanted);
    }

    #[test]
    fn what_the_filter_did_not_want_to_see_has_happened_all_the_same() {
        let mut agreed = Negotiate::offer(6);
        agreed.protocol = Protocol::NO_HELO;
        let entries = [
            received(&Reply::Negotiate(agreed)),
            connect(b"x"),
            macros(b'H', &[]),
            mail(),
            sent(&Command::Data),
            received(&Reply::Discard),
        ];
        let wanted = "C: EHLO client.example\nC: MAIL FROM:<a@b.example>\nC: [message m1]\nM: discard\nC: QUIT\n";
        assert_eq!(dialogue(&entries), wanted);
    }

    #[test]
    fn recipients_of_an_envelope_stand_as_the_client_named_them() {
        let rcpt = |recipient: &[u8]| sent(&Command::Rcpt { recipient: recipient.to_vec(), args: Vec::new() });
        let recipients = [rcpt(b"<d@b.example>"), rcpt(b"<c@d.example>"), rcpt(b"<X@d.example>")];
        let entries = [&[connect(b"x"), mail()], &recipients[..], &[sent(&Command::BodyEob(b"x".to_vec()))]].concat();
        let text = written(&entries).expect("something happened");
        let lines = "MAIL FROM:<a@b.example>[..]\nRCPT TO:<d@b.example>[..]\nRCPT TO:<c@d.example>[..]\nRCPT TO:[..]\n";
        assert!(text.contains(&format!("envelope = '''\n{lines}'''\n")), "{text}");
    }

    #[test]
    fn a_line_end_that_comes_in_two_pieces_is_one() {
        let body = |piece: &[u8]| sent(&Command::Body(piece.to_vec()));
        let entries = [connect(b"x"), mail(), body(b"a\r"), body(b"\nb\r\n"), sent(&Command::BodyEob(b"".to_vec()))];
        assert_eq!(Story::of(&entries).messages(), [b"\na\nb\n"]);
    }

    #[test]
    fn a_filter_that_closes_behind_the_mta_has_not_hung_up() {
        let close = [Entry::Closed(true), Entry::Closed(false)];
        let go = received(&Reply::Continue);
        let mta_first = [connect(b"x"), go.clone(), close[0].clone(), close[1].clone()];
        assert_eq!(dialogue(&mta_first), "M: continue\nC: QUIT\n");
        let filter_first = [connect(b"x"), go, close[1].clone(), close[0].clone()];
        assert_eq!(dialogue(&filter_first), "M: close\nC: QUIT\n");
    }

    #[test]
    fn the_mta_is_described_where_it_is_not_the_usual_one() {
        let mut offer = Negotiate::offer(4);
        offer.protocol = Protocol::NONE;
        let entries = [
            sent(&Command::Negotiate(offer)),
            macros(b'C', &[("j", "mx.example.org"), ("v", "Postfix 3.9.1"), ("{daemon_name}", "ORIGINATING")]),
            connect(b"x"),
            received(&Reply::Continue),
        ];
        let text = written(&entries).expect("something happened");
        let wanted = "profile = \"postfix\"\nhostname = \"mx.example.org\"\nprotocol_version = 4\n\
                      macros.connect = \"j, v, {daemon_name}\"\nmacro_values.daemon_name = \"ORIGINATING\"\n";
        assert!(text.contains(wanted), "{text}");
    }

    fn texts() -> impl Strategy<Value = Vec<u8>> {
        let odd = prop::sample::select(vec![
            "[message m7]",
            "'''",
            "  x ",
            "[n=a]",
            "[..]",
            "/x/",
            "...",
            "evil\"name",
            "\\",
            "",
            "\u{202e}",
            "M: x",
            "[raw",
            "#",
        ]);
        prop_oneof![odd.prop_map(|text| text.as_bytes().to_vec()), prop::collection::vec(any::<u8>(), 0..12)]
    }

    fn entries() -> impl Strategy<Value = Entry> {
        let text = || {
            texts().prop_map(|mut text| {
                text.retain(|byte| *byte != 0);
                text
            })
        };
        prop_oneof![
            text().prop_map(|name| connect(&name)),
            text().prop_map(|name| sent(&Command::Helo(name))),
            (text(), text()).prop_map(|(sender, arg)| sent(&Command::Mail { sender, args: vec![arg] })),
            (text(), text()).prop_map(|(recipient, arg)| sent(&Command::Rcpt { recipient, args: vec![arg] })),
            text().prop_map(|line| sent(&Command::Unknown(line))),
            (text(), text()).prop_map(|(name, value)| sent(&Command::Header { name, value })),
            (
                prop::sample::select(b"CHMRTE".to_vec()),
                prop::sample::select(vec![
                    "j",
                    "v",
                    "{tls_version}",
                    "{auth_type}",
                    "{auth_authen}",
                    "{daemon_name}",
                    "{mail_host}",
                    "{rcpt_mailer}",
                    "x y"
                ]),
                text()
            )
                .prop_map(|(stage, name, value)| sent(&Command::Macro {
                    for_command: stage,
                    pairs: vec![(name.as_bytes().to_vec(), value)]
                })),
            Just(sent(&Command::Abort)),
            Just(sent(&Command::BodyEob(b"x".to_vec()))),
            text().prop_map(|text| received(&Reply::ReplyCode(text))),
            text().prop_map(|text| received(&Reply::Quarantine(text))),
            (text(), text()).prop_map(|(name, value)| received(&Reply::AddHeader { name, value })),
            (any::<u32>(), text(), text()).prop_map(|(index, name, value)| received(&Reply::ChangeHeader {
                index,
                name,
                value
            })),
            Just(received(&Reply::Continue)),
            (any::<u8>(), texts()).prop_map(|(code, payload)| Entry::Received(Frame { code, payload })),
            any::<bool>().prop_map(Entry::Closed),
        ]
    }

    proptest! {
        #[test]
        fn whatever_is_said_the_scenario_can_be_read_and_has_the_one_form(
            entries in prop::collection::vec(entries(), 0..12),
            stem in "[ -~]{1,8}",
        ) {
            let story = Story::of(&entries);
            if let Some(text) = scenario(&stem.replace('/', "_"), &entries, &story, Some("it \" was")) {
                let dir = tempfile::tempdir().expect("a folder");
                for (index, message) in story.messages().iter().enumerate() {
                    let name = format!("{}-{}.eml", stem.replace('/', "_"), index + 1);
                    std::fs::write(dir.path().join(name), message).expect("a file");
                }
                let path = dir.path().join("x.toml");
                let read = crate::scenario::parse(&Source::new(&path, text.clone()));
                prop_assert!(read.is_ok(), "{:?}\n{text}", read.err());
                prop_assert_eq!(format(Path::new("x.toml"), &text), Ok(text));
            }
        }
    }
}
