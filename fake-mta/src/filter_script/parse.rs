//! Reading a script.

use std::{ops::Range, sync::Arc};

use milter_proto::{Actions, Protocol};

use super::{
    action::{Action, Wrong},
    rule::{Pick, Rule, Stage},
    script::{Answer, Script},
    text::unescape,
};
use crate::{
    diag::{Diag, Source, Span},
    scenario::Unknown,
};

/// Reads a script; see [`Script::parse`].
pub(super) fn script(source: &Arc<Source>) -> Result<Script, Vec<Diag>> {
    let inner;
    let source = match source.path().extension() {
        Some(extension) if extension == "toml" => {
            inner = Source::new(source.path(), from_toml(source)?);
            &inner
        }
        _ => source,
    };
    let mut reader = Reader { connection: None, script: Script { rules: Vec::new(), answers: Vec::new() } };
    let mut problems = Vec::new();
    for line in 1..=source.line_count() {
        let span = Span::new(source, source.line_range(line));
        problems.extend(reader.line(&span).err());
    }
    reader.script.rules.iter_mut().for_each(finish);
    if problems.is_empty() { Ok(reader.script) } else { Err(problems) }
}

/// The key `script` of a TOML file, which is what a scenario's `[milter.config]` becomes.
fn from_toml(source: &Arc<Source>) -> Result<String, Vec<Diag>> {
    let wrong = |title: String| vec![Diag::error(title).help("write `script = '''…'''`")];
    let table: toml::Table = source
        .text()
        .parse()
        .map_err(|error: toml::de::Error| wrong(format!("{}: {}", source.path().display(), error.message())))?;
    match table.get("script") {
        Some(toml::Value::String(text)) => Ok(text.clone()),
        _ => Err(wrong(format!("{} has no text under the key `script`", source.path().display()))),
    }
}

/// A rule that does not say how it ends goes on.
fn finish(rule: &mut Rule) {
    if rule.stage.is_answered && !rule.actions.last().is_some_and(Action::ends) {
        rule.actions.push(Action::reply(&milter_proto::Reply::Continue));
    }
}

struct Reader {
    /// What `connection N` said last.
    connection: Option<u64>,
    script: Script,
}

impl Reader {
    fn line(&mut self, span: &Span) -> Result<(), Diag> {
        let text = span.text();
        let trimmed = text.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            return Ok(());
        }
        let start = text.len() - text.trim_start().len();
        let span = span.part(start..start + trimmed.len());
        if start > 0 {
            return self.indented(&span);
        }
        match trimmed.split_once(' ') {
            Some(("connection", number)) => self.connection(number, &span),
            Some(("negotiate", settings)) if !trimmed.contains(": ") => self.negotiate(settings, &span),
            _ => self.rule(&span),
        }
    }

    fn connection(&mut self, number: &str, span: &Span) -> Result<(), Diag> {
        self.connection = match (number.trim(), number.trim().parse()) {
            ("every", _) => None,
            (_, Ok(number)) => Some(number),
            _ => {
                return Err(error(
                    span,
                    "not the number of a connection",
                    "write `connection 2` or `connection every`",
                ));
            }
        };
        Ok(())
    }

    fn rule(&mut self, span: &Span) -> Result<(), Diag> {
        let text = span.text();
        let colon = if text.ends_with(':') { Some(text.len() - 1) } else { None };
        let Some(colon) = text.find(": ").or(colon) else {
            return Err(error(span, "a rule has a colon behind its stage", "write it as `rcpt 2: reject`"));
        };
        let (stage, pick) = head(&span.part(0..colon))?;
        let mut actions = Vec::new();
        for range in pieces(&text[colon + 1..]) {
            actions.push(action(&span.part(colon + 1 + range.start..colon + 1 + range.end))?);
        }
        self.script.rules.push(Rule { connection: self.connection, stage, pick, actions });
        Ok(())
    }

    fn indented(&mut self, span: &Span) -> Result<(), Diag> {
        let Some(rule) = self.script.rules.last_mut() else {
            return Err(error(span, "an action without a rule", "rules begin at the start of the line"));
        };
        rule.actions.push(action(span)?);
        Ok(())
    }

    fn negotiate(&mut self, settings: &str, span: &Span) -> Result<(), Diag> {
        let mut answer = Answer { connection: self.connection, ..Answer::default() };
        for setting in words(settings) {
            set(&mut answer, &setting).map_err(|problem| error(span, &problem, NEGOTIATE_EXAMPLE))?;
        }
        self.script.answers.push(answer);
        Ok(())
    }
}

/// `rcpt`, `rcpt 2` or `rcpt <b@example.net>`.
fn head(span: &Span) -> Result<(Stage, Pick), Diag> {
    let (name, pick) = span.text().split_once(' ').unwrap_or_else(|| (span.text(), ""));
    let stage = Stage::named(name).ok_or_else(|| {
        let unknown = Unknown::new("stage", name, Stage::names());
        error(&span.part(0..name.len()), &unknown.to_string(), &unknown.help)
    })?;
    let pick = match pick.trim() {
        "" => Pick::Every,
        pick => pick.parse().map_or_else(|_| Pick::Named(pick.to_owned()), Pick::Number),
    };
    Ok((stage, pick))
}

fn action(span: &Span) -> Result<Action, Diag> {
    Action::parse(span.text()).map_err(|Wrong { title, help }| error(span, &title, &help))
}

/// The actions of a line, without the spaces around them. A backslash before a semicolon makes it part of the text.
fn pieces(text: &str) -> Vec<Range<usize>> {
    let separators = text.match_indices("; ").map(|(at, _)| at).filter(|at| !text[..*at].ends_with('\\'));
    let mut ranges = Vec::new();
    let mut start = 0;
    for end in separators.chain([text.len()]) {
        let piece = &text[start..end];
        let indent = piece.len() - piece.trim_start().len();
        if !piece.trim().is_empty() {
            ranges.push(start + indent..start + indent + piece.trim().len());
        }
        start = end + 1;
    }
    ranges
}

/// Words with spaces between them; quotes hold a word together.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            c if c.is_whitespace() && !quoted => {
                words.extend(Some(std::mem::take(&mut word)).filter(|w| !w.is_empty()));
            }
            c => word.push(c),
        }
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    words
}

fn set(answer: &mut Answer, setting: &str) -> Result<(), String> {
    let (key, value) = setting.split_once('=').ok_or_else(|| format!("`{setting}` is not `key=value`"))?;
    match key {
        "version" => answer.version = Some(number(value)?),
        "actions" => answer.actions = Some(flags(value, |bits| Actions::from_bits(bits).to_string())?),
        "protocol" => answer.protocol = flags(value, |bits| Protocol::from_bits(bits).to_string())?,
        _ => match key.strip_prefix("macros.") {
            Some(stage) => answer.symlists.push((symlist_stage(stage)?, unescape(value)?)),
            None => return Err(format!("unknown key `{key}`")),
        },
    }
    Ok(())
}

/// The stage by the word that rules have for it, or by its number, which need not exist.
fn symlist_stage(text: &str) -> Result<u32, String> {
    const STAGES: [&str; 7] = ["connect", "helo", "mail", "rcpt", "data", "eom", "eoh"];
    match STAGES.iter().position(|stage| *stage == text) {
        Some(index) => u32::try_from(index).map_err(|error| error.to_string()),
        None => number(text),
    }
}

/// `0x1f`, or the names that `name` has for single bits, with `|` between them.
fn flags(text: &str, name: impl Fn(u32) -> String) -> Result<u32, String> {
    let named = |word: &str| (0..u32::BITS).map(|bit| 1 << bit).find(|bit| name(*bit) == word);
    text.split('|').try_fold(0, |bits, word| Ok(bits | named(word).map_or_else(|| number(word), Ok)?))
}

fn number(text: &str) -> Result<u32, String> {
    let parsed = match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.map_err(|_| format!("`{text}` is neither a number nor a known name"))
}

fn error(span: &Span, title: &str, help: &str) -> Diag {
    Diag::error(title).label(span, "").help(help)
}

const NEGOTIATE_EXAMPLE: &str =
    "write it as `negotiate version=6 actions=0x1ff protocol=SKIP|NR_HEADER macros.rcpt=\"i\"`";

#[cfg(test)]
mod tests {
    use milter_proto::{Negotiate, Reply};

    use super::*;
    use crate::filter_script::rule::Event;

    fn parse(text: &str) -> Script {
        script(&Source::new("s.txt", text)).unwrap_or_else(|problems| panic!("{}", problems[0]))
    }

    fn answered(script: &Script, connection: u64, stage: &str, number: u64, argument: &str) -> Vec<Action> {
        let stage = Stage::named(stage).unwrap();
        let event = Event { stage, number, argument: Some(argument.as_bytes()) };
        script.actions(connection, &event).map(<[Action]>::to_vec).unwrap_or_default()
    }

    #[test]
    fn the_first_rule_that_fits_answers() {
        let script = parse("rcpt 2: reject\nrcpt <B@example.net>: discard\nrcpt: tempfail\n");
        let answer = |number, argument| answered(&script, 1, "rcpt", number, argument);
        assert_eq!(answer(2, "<b@example.net>"), [Action::reply(&Reply::Reject)]);
        assert_eq!(answer(1, "<b@example.net>"), [Action::reply(&Reply::Discard)]);
        assert_eq!(answer(3, "<c@example.net>"), [Action::reply(&Reply::Tempfail)]);
        assert_eq!(answered(&script, 1, "mail", 1, "<>"), []);
    }

    #[test]
    fn actions_stand_behind_the_rule_or_below_it() {
        let script = parse(
            "# comment\n\neom: wait 1s; addheader X: a\\; b; reject\nbody:\n  addheader X: a; b\n\n  # no\n  progress\n",
        );
        let header = |value: &[u8]| Action::reply(&Reply::AddHeader { name: b"X".to_vec(), value: value.to_vec() });
        let wait = Action::Wait(std::time::Duration::from_secs(1));
        assert_eq!(answered(&script, 1, "eom", 1, ""), [wait, header(b"a; b"), Action::reply(&Reply::Reject)]);
        let expected = [header(b"a; b"), Action::reply(&Reply::Progress), Action::reply(&Reply::Continue)];
        assert_eq!(answered(&script, 1, "body", 1, ""), expected);
    }

    #[test]
    fn a_rule_goes_on_unless_it_says_otherwise() {
        let script = parse("mail:\nhelo: none\nquit: wait 1s\n");
        assert_eq!(answered(&script, 1, "mail", 1, ""), [Action::reply(&Reply::Continue)]);
        assert_eq!(answered(&script, 1, "helo", 1, ""), [Action::Nothing]);
        assert_eq!(answered(&script, 1, "quit", 1, "").len(), 1);
    }

    #[test]
    fn rules_may_be_for_one_connection() {
        let script = parse("connection 2\nmail: reject\nnegotiate version=2\nconnection every\nmail: accept\n");
        assert_eq!(answered(&script, 2, "mail", 1, ""), [Action::reply(&Reply::Reject)]);
        assert_eq!(answered(&script, 1, "mail", 1, ""), [Action::reply(&Reply::Accept)]);
        assert_eq!(script.answer(2, &Negotiate::offer(6)).version, 2);
        assert_eq!(script.answer(1, &Negotiate::offer(4)).version, 4);
    }

    #[test]
    fn the_answer_to_the_offer_is_as_written() {
        let script = parse(
            "negotiate version=4 actions=ADD_HEADERS|0x2 protocol=SKIP|NR_HEADER macros.rcpt=\"i {x}\" macros.9=j\n",
        );
        let shown = script.answer(1, &Negotiate::offer(6)).to_string();
        assert_eq!(shown, "4 actions=ADD_HEADERS|CHANGE_BODY protocol=NR_HEADER|SKIP envrcpt=\"i {x}\" stage9=\"j\"");
        assert_eq!(parse("").answer(1, &Negotiate::offer(6)).to_string(), "6 actions=ALL protocol=NONE");
    }

    #[test]
    fn every_wrong_line_is_named() {
        let text = "rcpt\n rejcet\nrctp: reject\nmail: rejcet; accept\nconnection x\nnegotiate x=1\n";
        let problems = script(&Source::new("s.txt", text)).unwrap_err();
        let shown: Vec<String> =
            problems.iter().map(|problem| format!("{} {}", problem.labels[0].0, problem.title)).collect();
        assert_eq!(
            shown,
            [
                "s.txt:1:1 a rule has a colon behind its stage",
                "s.txt:2:2 an action without a rule",
                "s.txt:3:1 unknown stage `rctp`",
                "s.txt:4:7 unknown action `rejcet`",
                "s.txt:5:1 not the number of a connection",
                "s.txt:6:1 unknown key `x`",
            ]
        );
    }

    #[test]
    fn a_toml_file_has_it_under_a_key() {
        let read = |text: &str| script(&Source::new("s.toml", text));
        assert_eq!(read("script = '''\nmail: reject\n'''").unwrap().rules.len(), 1);
        assert!(read("other = 1").unwrap_err()[0].to_string().contains("no text under the key `script`"));
        assert!(read("script = ").is_err());
    }
}
