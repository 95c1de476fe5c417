//! Answers that one MTA takes and the other does not, or that both take and change.

use super::super::{
    case::{Case, Level},
    manners::Manners,
    special::Special,
};
use crate::lint::Lint;

pub(super) fn cases() -> Vec<Case> {
    let mut all = packets();
    all.extend(texts());
    all
}

fn case(id: &str, level: Level, title: &str, lints: &'static [Lint]) -> Case {
    Case::new(format!("answers/{id}"), level, title)
        .seen("both, for every message: five ordinary ones are sent")
        .special(Special::Manners(Manners::all(lints)))
}

fn packets() -> Vec<Case> {
    vec![
        case("payload", Level::Must, "an answer that is a mere word has nothing behind it", &[Lint::ReplyWithPayload])
            .why("Postfix takes the milter for broken; sendmail does not look at it")
            .standard("sends the code alone"),
        case(
            "place",
            Level::Must,
            "each answer comes where it has its place: edits and progress at the end of the message alone",
            &[Lint::EditOutsideEom, Lint::ProgressOutsideEom, Lint::ReplyShutdown, Lint::ReplyUnknown],
        )
        .why("sendmail closes the connection to the milter, and fails what comes next; Postfix takes a progress report, and fails at the rest")
        .standard("fails the call in the milter if an edit comes too early"),
        case("size", Level::Should, "no packet is larger than what was negotiated", &[Lint::PacketTooLarge])
            .why("sendmail and Postfix take them today, but no library sends them, and nobody tries them")
            .standard("sends a new body in pieces of 65 535 bytes, and fails the call for everything else that is larger"),
        case("discard", Level::Should, "`discard` comes when there is a message", &[Lint::DiscardTooEarly])
            .why("at connect sendmail asks the milter no more and lets all mail of this client pass; Postfix logs a warning and goes on")
            .standard("hands it on"),
    ]
}

fn texts() -> Vec<Case> {
    vec![
        case(
            "code",
            Level::Must,
            "a text of the milter's own begins with 4xx or 5xx, and an enhanced code has the same first digit",
            &[Lint::TextCode, Lint::TextEnhancedClass],
        )
        .why("Postfix answers the client with 451 4.3.5 and closes the connection to the milter; sendmail puts a text of its own, or sends it")
        .standard("smfi_setreply refuses other codes; it does not compare the digits"),
        case("end", Level::Should, "a text ends with its NUL, and has no other", &[Lint::TextNotTerminated, Lint::TextNul])
            .why("sendmail sends a text of its own instead; Postfix cuts at a NUL, and may send stale bytes where there is none")
            .standard("puts it there itself"),
        case("percent", Level::Should, "a % in a text is doubled", &[Lint::TextSinglePercent])
            .why("sendmail sends a text of its own instead; Postfix leaves the % out")
            .standard("hands it on: the milter has to double it"),
        case("eight-bit", Level::Should, "a text is ASCII", &[Lint::TextEightBit])
            .why("sendmail strips the high bit of each byte, and other letters come out; Postfix sends them, which SMTP does not allow without SMTPUTF8")
            .standard("hands it on"),
        case("control-characters", Level::Should, "a text has no control characters", &[Lint::TextControl, Lint::TextLoneCr])
            .why("both send them to the client, and they stand in logs and bounces")
            .standard("refuses CR and LF; hands the others on"),
        case("line-length", Level::Should, "a line of a text is no longer than SMTP allows, 512 bytes", &[Lint::TextLineTooLong])
            .why("both send it, and a client may cut it or hang up")
            .standard("refuses lines over 980 bytes"),
        case("line-codes", Level::Should, "the lines of a text all begin with the same code", &[Lint::TextMixedCodes])
            .why("both send it, and a client may take it for two answers: every later one is off by one")
            .standard("smfi_setmlreply puts the codes there itself"),
        case("line-ends", Level::May, "the lines of a text are joined by CRLF", &[Lint::TextBareLf])
            .why("LF alone is no line end in SMTP; both MTAs mend it")
            .standard("smfi_setmlreply puts them there itself"),
    ]
}
