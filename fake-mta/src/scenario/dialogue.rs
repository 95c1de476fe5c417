//! The lines of a dialogue block: `C:` and what is expected to follow.

mod action;
mod milter_verb;

use std::fmt;

pub(super) use action::parse_action;

use super::{
    matcher::{Bindings, Matcher},
    profile_name::ProfileName,
    vocabulary::Unknown,
};
use crate::{
    diag::{Diag, Span},
    lint::Lint,
};

/// An expected line of a dialogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Who is expected to say it.
    pub kind: LineKind,
    /// The profiles it holds in; empty means all.
    pub only: Vec<ProfileName>,
    /// The expected text, matchers and all, without the letter and without spaces around it.
    pub text: String,
    /// The whole line from its letter to its last character.
    pub span: Span,
    /// The place of `text`.
    pub text_span: Span,
}

impl Line {
    /// Whether it stands in the file as it is, with no case value filled in.
    pub fn is_verbatim(&self) -> bool {
        self.text_span.text() == self.text
    }

    /// Whether it expects a DNS question.
    pub(crate) fn is_question(&self) -> bool {
        self.kind == LineKind::Dns && self.text != NONE
    }

    /// Whether a text is what it expects; names of matchers stand for anything.
    pub(crate) fn fits(&self, text: &str) -> bool {
        Matcher::checked(&self.text, &Bindings::default()).matches(text)
    }

    /// Whether it holds in `profile`.
    pub fn holds_in(&self, profile: &ProfileName) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| profile.is_a(only))
    }
}

impl fmt::Display for Line {
    /// As it is written in the file, with one space behind the colon.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind == LineKind::Wire && self.only.is_empty() {
            return f.write_str(&self.text);
        }
        f.write_str(self.kind.letter())?;
        if let [first, rest @ ..] = &self.only[..] {
            write!(f, "[{first}")?;
            rest.iter().try_for_each(|only| write!(f, ",{only}"))?;
            f.write_str("]")?;
        }
        let colon = if self.kind == LineKind::Wire { "" } else { ":" };
        write!(f, "{colon} {}", self.text)
    }
}

/// Whose word an expected line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LineKind {
    /// `S:` the MTA to the SMTP client.
    Smtp,
    /// `M:` the milter to the MTA.
    Milter,
    /// `M2:` to `M9:`, the answers of a further milter of a chain; its number from 2 on.
    MilterOf(u8),
    /// `D:` a DNS question.
    Dns,
    /// `L:` the MTA's log.
    Log,
    /// `W:` what is wrong with what the milter sent.
    Warning,
    /// A line of a `wire` block, which has no letter: `> mail <a@example.org>`.
    Wire,
}

impl LineKind {
    /// All that have a letter, in the order the documentation has.
    pub const ALL: [Self; 13] = [
        Self::Smtp,
        Self::Milter,
        Self::MilterOf(2),
        Self::MilterOf(3),
        Self::MilterOf(4),
        Self::MilterOf(5),
        Self::MilterOf(6),
        Self::MilterOf(7),
        Self::MilterOf(8),
        Self::MilterOf(9),
        Self::Dns,
        Self::Log,
        Self::Warning,
    ];

    /// The letter that begins such a line.
    pub fn letter(self) -> &'static str {
        match self {
            Self::Smtp => "S",
            Self::Milter => "M",
            Self::MilterOf(number) => LATER_MILTERS.get(usize::from(number).saturating_sub(2)).copied().unwrap_or("M9"),
            Self::Dns => "D",
            Self::Log => "L",
            Self::Warning => "W",
            Self::Wire => "",
        }
    }
}

/// A line of a dialogue block, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DialogueLine {
    /// `C:` and the place of what follows it.
    Client {
        /// The text behind the colon.
        text: String,
        /// The place of `text`.
        text_span: Span,
        /// The whole line.
        span: Span,
    },
    /// `S:`, `M:`, `D:`, `L:` or `W:`.
    Expected(Line),
}

/// Takes one line apart; `None` for a blank line or a comment. `text` is what the line says after case values are filled
/// in, `span` its place from the first byte to the last.
///
/// # Errors
/// A letter, a profile, a milter verb or a question type that is not known.
pub(super) fn parse_line(text: &str, span: &Span) -> Result<Option<DialogueLine>, Diag> {
    let line = text.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let span = trimmed(span);
    let Some((head, rest)) = line.split_once(':') else {
        return Err(no_colon(&span, line));
    };
    let text = rest.trim().to_owned();
    let text_span = trimmed(&span.part(head.len() + 1..usize::MAX));
    let head_span = span.part(0..head.len());
    let (letter, only) = parse_head(head, &head_span)?;
    if letter == "C" {
        return client_line(text, text_span, span, &only).map(Some);
    }
    let Some(kind) = LineKind::ALL.into_iter().find(|kind| kind.letter() == letter) else {
        return Err(unknown_letter(letter, &head_span));
    };
    let line = Line { kind, only, text, span, text_span };
    check_text(&line)?;
    Ok(Some(DialogueLine::Expected(line)))
}

/// A place without the spaces around its text. It goes by the file, whose columns filled-in case values have moved.
pub(super) fn trimmed(span: &Span) -> Span {
    let text = span.text();
    let start = text.len() - text.trim_start().len();
    span.part(start..start + text.trim().len())
}

fn client_line(text: String, text_span: Span, span: Span, only: &[ProfileName]) -> Result<DialogueLine, Diag> {
    if !only.is_empty() {
        return Err(Diag::error("a `C:` line holds in every profile")
            .label(&span, "")
            .help("write a second session, or a variant with its own profile"));
    }
    Ok(DialogueLine::Client { text, text_span, span })
}

/// Splits `S[postfix,sendmail-8.17]` into its letter and its profiles.
fn parse_head<'a>(head: &'a str, span: &Span) -> Result<(&'a str, Vec<ProfileName>), Diag> {
    let Some((letter, list)) = head.split_once('[') else {
        return Ok((head.trim_end(), Vec::new()));
    };
    let Some(list) = list.trim_end().strip_suffix(']') else {
        return Err(Diag::error("missing `]` before the colon").label(span, "").help("write it as `S[postfix]: …`"));
    };
    let mut only = Vec::new();
    for name in list.split(',').map(str::trim) {
        only.push(name.parse().map_err(|unknown: Unknown| {
            let at = head.find(name).unwrap_or(0);
            Diag::error(unknown.to_string()).label(&span.part(at..at + name.len()), "").help(unknown.help)
        })?);
    }
    Ok((letter, only))
}

/// Checks what a letter's own vocabulary demands of its text.
fn check_text(line: &Line) -> Result<(), Diag> {
    if line.text.is_empty() {
        let help = format!("write what is expected, or `{}: none` if nothing of the kind may come", line.kind.letter());
        return Err(Diag::error(format!("nothing behind `{}:`", line.kind.letter())).label(&line.span, "").help(help));
    }
    if let Err(problem) = Matcher::new(&line.text) {
        return Err(Diag::error(format!("bad regular expression: {problem}")).label(&line.text_span, ""));
    }
    match line.kind {
        LineKind::Milter | LineKind::MilterOf(_) => milter_verb::check(&line.text, &line.text_span),
        LineKind::Dns => check_question(&line.text, &line.text_span),
        LineKind::Warning => check_warning(&line.text, &line.text_span),
        LineKind::Smtp | LineKind::Log | LineKind::Wire => Ok(()),
    }
}

/// Whether `text` can stand behind `M:`, and is no pattern as a whole.
pub(crate) fn is_milter_answer(text: &str) -> bool {
    milter_verb::is_known(text) && Matcher::new(text).is_ok()
}

/// Checks the name of a lint.
fn check_warning(text: &str, span: &Span) -> Result<(), Diag> {
    if text == NONE || text.starts_with(['/', '[']) || Lint::from_id(text).is_some() {
        return Ok(());
    }
    let unknown = Unknown::new("warning", text, Lint::ALL.iter().map(|lint| lint.id()));
    Err(Diag::error(unknown.to_string()).label(span, "").help(unknown.help))
}

/// Checks `name TYPE`.
pub(super) fn check_question(text: &str, span: &Span) -> Result<(), Diag> {
    if text == NONE || text.starts_with('/') {
        return Ok(());
    }
    let mut words = text.split_whitespace();
    let (Some(_), Some(kind), None) = (words.next(), words.next(), words.next()) else {
        return Err(Diag::error("a DNS question is a name and a type")
            .label(span, "")
            .help("write it as `example.com TXT`, or `none` if no question may be asked"));
    };
    let number = kind.strip_prefix("TYPE").is_some_and(|number| number.parse::<u16>().is_ok());
    if number || kind == "[..]" || QUESTION_TYPES.contains(&kind) {
        return Ok(());
    }
    let unknown = Unknown::new("question type", kind, QUESTION_TYPES);
    let at = text.rfind(kind).unwrap_or(0);
    Err(Diag::error(unknown.to_string()).label(&span.part(at..at + kind.len()), "").help(unknown.help))
}

fn no_colon(span: &Span, line: &str) -> Diag {
    let diag = Diag::error("not a dialogue line").label(span, "");
    if line.starts_with(|c: char| c.is_ascii_digit()) {
        return diag.help("what the MTA replies is written `S: 250 …`");
    }
    diag.help("a line begins with `C:`, `S:`, `M:`, `D:` or `L:`, or with `#` for a comment")
}

fn unknown_letter(letter: &str, span: &Span) -> Diag {
    let diag = Diag::error(format!("unknown line letter `{letter}`")).label(span, "").note(
        "C: the client says, S: the MTA replies, M: the milter answers, D: a DNS question, L: a log line, W: a warning",
    );
    let upper = letter.to_uppercase();
    if ["C", "S", "M", "D", "L", "W"].contains(&upper.as_str()) {
        return diag.help(format!("did you mean `{upper}:`?"));
    }
    if letter.len() > 1 {
        return diag.help(format!("if the client says it, write `C: {letter}:…`"));
    }
    diag
}

/// The letters of the milters behind the first one.
const LATER_MILTERS: [&str; 8] = ["M2", "M3", "M4", "M5", "M6", "M7", "M8", "M9"];

/// The text that claims that nothing of the kind comes in a step.
pub(super) const NONE: &str = "none";

/// The question types a journal can hold by name; others are written `TYPE123`.
const QUESTION_TYPES: [&str; 15] =
    ["A", "AAAA", "TXT", "MX", "PTR", "SPF", "NS", "SOA", "CNAME", "ANY", "SRV", "CAA", "TLSA", "DS", "DNSKEY"];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{diag::Source, scenario::Action};

    fn parsed(text: &str) -> Result<Option<DialogueLine>, Diag> {
        let source = Source::new("a.toml", text);
        parse_line(text, &Span::new(&source, 0..text.len()))
    }

    fn action(text: &str) -> Action {
        match parsed(text) {
            Ok(Some(DialogueLine::Client { text, text_span, .. })) => {
                parse_action(&text, &text_span).unwrap_or_else(|diag| panic!("{diag}"))
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_place_is_that_of_the_text_behind_the_letter() {
        let Ok(Some(DialogueLine::Expected(line))) = parsed("  S[postfix, sendmail-8.17]:   250 ok  ") else {
            panic!("an expected line");
        };
        assert_eq!((line.text.as_str(), line.text_span.column(), line.span.column()), ("250 ok", 32, 3));
        assert_eq!(line.to_string(), "S[postfix,sendmail-8.17]: 250 ok");
        assert!(line.is_verbatim());
    }

    #[test]
    fn every_step_prints_as_it_is_read() {
        for text in [
            "C: MAIL FROM:<a@b> SIZE=1",
            "C: [close]",
            "C: [message]",
            "C: [message big]",
            "C: [auth PLAIN alice]",
            "C: [wait 500ms]",
            "C: [raw 00ff0d0a]",
            "C: [tls verify=OK version=TLSv1.3]",
        ] {
            assert_eq!(format!("C: {}", action(text)), text);
        }
        assert_eq!(action("C:"), Action::Smtp(String::new()), "an empty line is data too");
    }

    proptest! {
        #[test]
        fn an_expected_line_prints_as_it_is_read(text in "[SML](\\[(postfix|sendmail-8.17)\\])?: (reply |[a-z]{0,3})[ -~]{0,20}") {
            if let Ok(Some(DialogueLine::Expected(line))) = parsed(&text) {
                prop_assert_eq!(parsed(&line.to_string()).map(|again| again.map(|again| match again {
                    DialogueLine::Expected(again) => again.to_string(),
                    DialogueLine::Client { .. } => String::new(),
                })), Ok(Some(line.to_string())));
            }
        }
    }
}
