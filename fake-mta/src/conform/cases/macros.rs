//! Macro blocks.

use milter_proto::{Command, Frame, codes};

use super::super::{
    case::{Case, Level},
    letter::{Letter, Macros, Stage},
    step::{Step, helo, macros, mail, opened_then, raw, rcpt},
};

pub(super) fn cases() -> Vec<Case> {
    let mut all = blocks();
    all.extend(values());
    all.extend(malformed());
    all
}

fn case(id: &str, level: Level, title: &str) -> Case {
    Case::new(format!("macros/{id}"), level, title)
}

/// These, and then a message without macros.
fn bare(steps: Vec<Step>) -> Vec<Step> {
    let letter = Letter { macros: Macros::None, ..Letter::default() };
    opened_then(steps.into_iter().chain([Step::Letter(Box::new(letter))]))
}

fn blocks() -> Vec<Case> {
    vec![
        case("empty-block", Level::Must, "a macro block without a single macro is taken")
            .why("rspamd once closed the connection at it")
            .standard("notes that there are none")
            .seen("both: sendmail at HELO without TLS, Postfix for every unknown command")
            .script(bare(vec![Step::Event(macros(codes::HELO, &[])), Step::Event(helo())])),
        case("for-content", Level::Must, "macro blocks for header fields, body chunks and unknown commands are taken")
            .why("libmilter knows no macros for these, and a milter of one's own may know them even less")
            .standard("drops them")
            .seen("Postfix, before each of them")
            .script(bare(vec![
                Step::Event(macros(codes::HEADER, &[("i", "1")])),
                Step::Event(macros(codes::BODY, &[("i", "1")])),
                Step::Event(macros(codes::UNKNOWN, &[])),
            ])),
        case("for-nothing-known", Level::Should, "a macro block for a command that does not exist does no harm")
            .why(WHY)
            .standard("drops it")
            .seen("none")
            .script(bare(vec![Step::Event(macros(b'!', &[("i", "1")]))])),
        case("twice", Level::Must, "a second macro block for the same command is taken")
            .why(WHY)
            .standard("the last one counts")
            .seen("sendmail, for a recipient that it has refused itself")
            .script(bare(vec![
                Step::Event(macros(codes::MAIL, &[("i", "1")])),
                Step::Event(macros(codes::MAIL, &[("i", "2")])),
            ])),
        case("without-its-command", Level::Must, "macros whose command never comes are taken")
            .why(WHY)
            .standard("keeps them until others come")
            .seen("sendmail, for commands that the milter opted out of")
            .script(bare(vec![
                Step::Event(macros(codes::RCPT, &[("{rcpt_addr}", "nobody")])),
                Step::Event(Command::Abort),
            ])),
        case(
            "in-the-envelope",
            Level::Must,
            "macros for the next message may stand before its MAIL while the last one was given up",
        )
        .why(WHY)
        .standard("takes macros in every state")
        .seen("both")
        .script(opened_then([
            Step::Letter(Box::new(Letter { until: Stage::Rcpt, ..Letter::default() })),
            Step::Event(Command::Abort),
            Step::Event(macros(codes::MAIL, &[("i", "2")])),
            Step::Event(mail()),
            Step::Event(rcpt()),
            Step::Event(Command::Abort),
        ])),
    ]
}

fn values() -> Vec<Case> {
    let huge = "x".repeat(60_000);
    let names: Vec<String> = (0..200).map(|number| format!("{{macro_number_{number}}}")).collect();
    let many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "value")).collect();
    vec![
        case("empty-value", Level::Must, "a macro without a value is taken")
            .why(WHY)
            .standard("the value is an empty string")
            .seen("sendmail: {cert_subject} without a client certificate, {mail_host} of a local sender")
            .script(bare(vec![Step::Event(macros(
                codes::MAIL,
                &[("i", ""), ("{mail_host}", ""), ("{auth_type}", "")],
            ))])),
        case("huge-value", Level::Must, "a value of 60 000 bytes is taken")
            .why("a certificate's subject, or a long list of names, is chosen by the client")
            .standard("takes packets of up to 65 535 bytes")
            .seen("both, for {cert_subject} and {auth_author}")
            .script(bare(vec![Step::Event(macros(codes::MAIL, &[("i", "1"), ("{cert_subject}", &huge)]))])),
        case("many", Level::Should, "two hundred macros in one block are taken")
            .why("what grows with the input needs a limit that does not end the milter")
            .standard("takes them")
            .seen("none: sendmail's limit is 50")
            .script(bare(vec![Step::Event(macros(codes::MAIL, &many))])),
        case("eight-bit", Level::Must, "values with bytes that are no text in any encoding are taken")
            .why("a client can put any bytes into its names")
            .standard("hands them over as they are")
            .seen("both")
            .script(bare(vec![Step::Event(Command::Macro {
                for_command: codes::MAIL,
                pairs: vec![
                    (b"i".to_vec(), b"\xff\xfe\x80".to_vec()),
                    (b"{mail_addr}".to_vec(), b"\xc3\x28\xe9@example.org".to_vec()),
                ],
            })])),
    ]
}

fn malformed() -> Vec<Case> {
    vec![
        case("odd-count", Level::Should, "a name without its value does no harm")
            .why("a packet that is cut short must not be read past its end")
            .standard("keeps the list, and reads beyond its end when the milter asks for a macro that is not in it")
            .seen("none")
            .script(opened_then([odd_blocks()])),
        case("no-end", Level::Should, "a block whose last string does not end does no harm")
            .why("a packet that is cut short must not be read past its end")
            .standard("drops the last string, and reads beyond the list, as for a name without its value")
            .seen("none")
            .script(broken(b"Mi\0one")),
        case("no-command", Level::Should, "a macro block without the command that it is for does no harm")
            .why("rspamd once had an error of its own for it")
            .standard("closes")
            .seen("none")
            .script(broken(b"")),
    ]
}

/// Names without values, as many as 1, 3, 5 and so on, each block before a MAIL that is given up: what lies behind a list differs with
/// its length and from time to time, and so does what comes of reading it.
fn odd_blocks() -> Step {
    let mut bytes = Vec::new();
    for names in (1..ODD_NAMES).step_by(2).cycle().take(ODD_BLOCKS) {
        block([&b"M"[..], &b"{alone}\0".repeat(names)].concat(), &mut bytes);
        mail().encode(&mut bytes);
        Command::Abort.encode(&mut bytes);
    }
    raw(
        bytes,
        &format!("{ODD_BLOCKS} times: a macro block with a name alone at its end, mail <sender@example.org>, abort"),
    )
}

fn broken(payload: &[u8]) -> Vec<Step> {
    let (mut bytes, mut mail_after) = (Vec::new(), Vec::new());
    block(payload.to_vec(), &mut bytes);
    mail().encode(&mut mail_after);
    opened_then([raw(bytes, "a macro block that is cut short"), raw(mail_after, "mail <sender@example.org>")])
}

fn block(payload: Vec<u8>, out: &mut Vec<u8>) {
    Frame { code: codes::MACRO, payload }.encode(out);
}

const WHY: &str = "macros are never answered, and a milter that stumbles over them stumbles over all mail";

/// Blocks have fewer names than this,
const ODD_NAMES: usize = 32;

/// and there are so many of them.
const ODD_BLOCKS: usize = 200;
