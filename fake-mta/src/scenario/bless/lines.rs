//! Dialogue lines.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
};

use super::{Judged, Pass, insert::insert_lines, splice::Edit};
use crate::{
    diag::{Diag, Source, Span},
    scenario::{
        Line, LineKind, Mismatch, ProfileName, Step, StepEvents, Subject,
        dialogue::NONE,
        expect::actual,
        matcher::{QUEUE_ID, holds_matcher, literal},
    },
};

/// Rewrites the expected lines of dialogues.
pub(super) fn bless(source: &Source, judged: &[Judged<'_>], pass: &mut Pass) {
    let mut wishes = Wishes::default();
    for one in judged {
        wishes.add_unit(one, judged);
    }
    let insertions = wishes.extras.iter().map(|((_, _, kind), wish)| (wish, insert_lines(source, *kind, wish)));
    let insertions: Vec<_> = insertions.collect();
    let refused = |span: &Span| insertions.iter().any(|(wish, edit)| edit.is_err() && wish.anchor == *span);
    for wish in wishes.lines.values() {
        // What was to come in its place does not.
        if !(wish.is_superseded && refused(&wish.line.text_span)) {
            rewrite_line(source, wish, pass);
        }
    }
    for (wish, edit) in insertions {
        match edit {
            Ok(edit) => pass.edits.extend(edit),
            Err(why) => refuse(pass, &wish.anchor, why),
        }
    }
}

/// What the played units would have each line be.
#[derive(Default)]
struct Wishes {
    /// By the line's first byte.
    lines: BTreeMap<usize, LineWish>,
    /// By the place behind which lines would have to stand, and their letter. An empty place, at the start of a block, is not that
    /// of the line which begins there.
    extras: BTreeMap<(usize, bool, LineKind), ExtraWish>,
}

struct LineWish {
    line: Line,
    /// It says that the milter goes on, where it now does more.
    is_superseded: bool,
    outcomes: BTreeMap<ProfileName, BTreeSet<Outcome>>,
}

/// What came behind a line.
pub(super) struct ExtraWish {
    /// That line.
    pub(super) anchor: Span,
    /// The profiles that the anchor's own line is restricted to.
    pub(super) only: Vec<ProfileName>,
    /// The lines, by profile.
    pub(super) texts: BTreeMap<ProfileName, BTreeSet<Vec<String>>>,
}

/// What becomes of a line in one profile.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Keep,
    Replace(String),
    Remove,
}

impl Wishes {
    fn add_unit(&mut self, one: &Judged<'_>, judged: &[Judged<'_>]) {
        let scenario = &one.unit.scenario;
        let is_played = |profile: &ProfileName| {
            judged.iter().any(|other| Arc::ptr_eq(&other.unit.scenario, scenario) && other.unit.profile == *profile)
        };
        let steps = scenario.sessions.iter().enumerate().flat_map(|(index, session)| {
            let played = one.sessions.get(index).map_or(0, |events| events.steps.len());
            session.steps.iter().enumerate().map(move |(at, step)| (step, (at < played).then_some((index, at))))
        });
        for (step, place) in steps {
            let played = place.and_then(|(session, at)| {
                let events = one.sessions.get(session)?.steps.get(at)?;
                let here = one.mismatches.iter().filter(|mismatch| mismatch.at == place);
                Some(PlayedStep { events, here: here.collect() })
            });
            self.add_step(step, &one.unit.profile, played.as_ref());
            for other in scenario.mta.profiles.iter().filter(|profile| !is_played(profile)) {
                self.add_step(step, other, None);
            }
        }
    }

    /// Notes what a unit would have a step's lines be; if it was not played they stay.
    fn add_step(&mut self, step: &Step, profile: &ProfileName, played: Option<&PlayedStep<'_>>) {
        let here = played.map(|played| played.here.as_slice()).unwrap_or_default();
        let mut none_said = BTreeSet::new();
        for line in step.expected(profile) {
            let outcome = match outcome(line, here) {
                // Where nothing of the kind came any more the first line says that.
                Outcome::Remove if played.is_some_and(|played| played.is_without(line.kind)) => {
                    if none_said.insert(line.kind) { Outcome::Replace(NONE.to_owned()) } else { Outcome::Remove }
                }
                Outcome::Keep if is_superseded(line, here) => {
                    self.line(line).is_superseded = true;
                    Outcome::Remove
                }
                outcome => outcome,
            };
            self.line(line).outcomes.entry(profile.clone()).or_default().insert(outcome);
            self.add_extras(&line.text_span, &line.only, &[line.kind], profile, here);
        }
        self.add_extras(&step.action.span, &[], &LineKind::ALL, profile, here);
        let Some(wire) = &step.wire else { return };
        for line in wire.lines.iter().filter(|line| line.holds_in(profile)) {
            self.line(line).outcomes.entry(profile.clone()).or_default().insert(outcome(line, here));
            self.add_extras(&line.text_span, &line.only, &[LineKind::Wire], profile, here);
        }
        self.add_extras(&wire.anchor, &[], &[LineKind::Wire], profile, here);
    }

    fn line(&mut self, line: &Line) -> &mut LineWish {
        let new = || LineWish { line: line.clone(), is_superseded: false, outcomes: BTreeMap::new() };
        self.lines.entry(line.span.range().start).or_insert_with(new)
    }

    fn add_extras(
        &mut self,
        anchor: &Span,
        only: &[ProfileName],
        kinds: &[LineKind],
        profile: &ProfileName,
        here: &[&Mismatch],
    ) {
        for kind in kinds {
            let extra = here.iter().filter(|mismatch| is_extra(mismatch, *kind, anchor));
            let texts: Vec<String> =
                extra.filter_map(|mismatch| mismatch.got.as_ref()).map(|got| written(got)).collect();
            let new = || ExtraWish { anchor: anchor.clone(), only: only.to_vec(), texts: BTreeMap::new() };
            let range = anchor.range();
            let wish = self.extras.entry((range.start, !range.is_empty(), *kind)).or_insert_with(new);
            wish.texts.entry(profile.clone()).or_default().insert(texts);
        }
    }
}

/// A step that was played.
struct PlayedStep<'a> {
    events: &'a StepEvents,
    here: Vec<&'a Mismatch>,
}

impl PlayedStep<'_> {
    fn is_without(&self, kind: LineKind) -> bool {
        actual(kind, self.events).is_empty()
    }
}

fn is_extra(mismatch: &Mismatch, kind: LineKind, anchor: &Span) -> bool {
    mismatch.subject == Subject::Line(kind) && mismatch.expected.is_none() && mismatch.span == *anchor
}

/// Whether a line says that the milter goes on, behind which it now does something else.
fn is_superseded(line: &Line, here: &[&Mismatch]) -> bool {
    let is_milter = matches!(line.kind, LineKind::Milter | LineKind::MilterOf(_));
    is_milter && line.text == "continue" && here.iter().any(|mismatch| is_extra(mismatch, line.kind, &line.text_span))
}

/// What came, as a line that expects just that, but for queue ids, which no two runs share: they have names already.
pub(super) fn written(came: &str) -> String {
    let line = literal(came).replace(&literal(QUEUE_ID), QUEUE_ID);
    // The second and later ones of a run are `[qid 2]` and so on.
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = line.split(NUMBERED);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |line, part| match part.split_once(']').filter(|(number, _)| is_number(number)) {
        Some((_, behind)) => line + QUEUE_ID + behind,
        None => line + NUMBERED + part,
    })
}

/// How the name of a second queue id begins.
const NUMBERED: &str = "[qid ";

fn outcome(line: &Line, here: &[&Mismatch]) -> Outcome {
    let is_this = |mismatch: &&&Mismatch| {
        mismatch.subject == Subject::Line(line.kind) && mismatch.expected.is_some() && mismatch.span == line.text_span
    };
    match here.iter().find(is_this) {
        None => Outcome::Keep,
        Some(mismatch) => mismatch.got.as_ref().map_or(Outcome::Remove, |got| Outcome::Replace(written(got))),
    }
}

fn rewrite_line(source: &Source, wish: &LineWish, pass: &mut Pass) {
    let line = &wish.line;
    let Some(groups) = groups(&wish.outcomes) else {
        return refuse(pass, &line.span, "cases or variants disagree about this line");
    };
    if groups.iter().all(|(outcome, _)| *outcome == Outcome::Keep) {
        return;
    }
    if line.kind == LineKind::Log {
        return refuse(pass, &line.span, "what is expected of the log is changed by hand");
    }
    if !line.is_verbatim() {
        return refuse(pass, &line.span, "a case fills this line");
    }
    // Queue ids are what blessing writes itself.
    if holds_matcher(&line.text.replace(QUEUE_ID, "")) && !pass.force {
        return refuse(pass, &line.text_span, "this line holds a matcher");
    }
    let texts = groups.iter().filter_map(|(outcome, _)| match outcome {
        Outcome::Replace(text) => Some(text.as_str()),
        _ => None,
    });
    if let Some(bad) = texts.into_iter().find(|text| !is_writable(text)) {
        return refuse(pass, &line.span, &format!("`{}` cannot stand in a literal block", crate::diag::escape(bad)));
    }
    if let [(Outcome::Replace(text), _)] = &groups[..] {
        return pass.edits.push(Edit { range: line.text_span.range(), text: text.clone() });
    }
    let Some(whole) = whole_line(source, &line.span) else {
        return refuse(pass, &line.span, SHARED);
    };
    let text = match &groups[..] {
        [_] => String::new(),
        groups => split_line(line, groups, &source.text()[whole.clone()]),
    };
    pass.edits.push(Edit { range: whole, text });
}

/// One line for each group of profiles, with the indentation and the line end of the old one.
fn split_line(line: &Line, groups: &[(Outcome, Vec<ProfileName>)], old: &str) -> String {
    let (indent, end) = margins(old);
    let one = |(outcome, only): &(Outcome, Vec<ProfileName>)| {
        let text = match outcome {
            Outcome::Keep => line.text.clone(),
            Outcome::Replace(text) => text.clone(),
            Outcome::Remove => return String::new(),
        };
        let line = Line { only: only.clone(), text, ..line.clone() };
        format!("{indent}{line}{end}")
    };
    groups.iter().map(one).collect()
}

/// Profiles that want the same, in the order of their names; `None` if one profile wants two things, or if two groups cannot be
/// told apart by their names (`postfix` and `postfix-3.7`).
pub(super) fn groups<T: Clone + PartialEq>(
    wishes: &BTreeMap<ProfileName, BTreeSet<T>>,
) -> Option<Vec<(T, Vec<ProfileName>)>> {
    let mut groups: Vec<(T, Vec<ProfileName>)> = Vec::new();
    for (profile, wanted) in wishes {
        let mut wanted = wanted.iter();
        let (Some(only), None) = (wanted.next(), wanted.next()) else { return None };
        match groups.iter_mut().find(|(known, _)| known == only) {
            Some((_, profiles)) => profiles.push(profile.clone()),
            None => groups.push((only.clone(), vec![profile.clone()])),
        }
    }
    let overlap = |(index, (_, profiles)): (usize, &(T, Vec<ProfileName>))| {
        groups
            .iter()
            .skip(index + 1)
            .flat_map(|(_, others)| others)
            .any(|other| profiles.iter().any(|profile| profile.is_a(other) || other.is_a(profile)))
    };
    (!groups.iter().enumerate().any(overlap)).then_some(groups)
}

/// The whole line of the file with its end, if there is nothing else on it.
pub(super) fn whole_line(source: &Source, span: &Span) -> Option<Range<usize>> {
    let line = source.line_range(span.line());
    let text = source.text();
    let (before, after) = (&text[line.start..span.range().start], &text[span.range().end..line.end]);
    if !(before.trim().is_empty() || is_head(before.trim())) || !after.trim().is_empty() {
        return None;
    }
    let rest = &text[line.end..];
    let end = if rest.starts_with("\r\n") { 2 } else { usize::from(rest.starts_with('\n')) };
    Some(line.start..line.end + end)
}

/// Whether it is `S:` or `S[postfix]:`, or `[postfix]` before a packet.
fn is_head(text: &str) -> bool {
    // A packet has no letter.
    if text.starts_with('[') && text.ends_with(']') {
        return !text.contains(['\'', '"']);
    }
    let Some(rest) = text.strip_prefix(['C', 'S', 'M', 'D', 'L', 'W']) else { return false };
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    rest == ":" || (rest.starts_with('[') && rest.ends_with("]:") && !rest.contains(['\'', '"']))
}

/// The indentation of a line, and its end.
pub(super) fn margins(line: &str) -> (&str, &str) {
    let indent = &line[..line.len() - line.trim_start().len()];
    let end = if line.ends_with("\r\n") { "\r\n" } else { &line[line.trim_end_matches('\n').len()..] };
    (indent, end)
}

/// Whether a text can be a line of a literal block and be read back as it is.
pub(super) fn is_writable(text: &str) -> bool {
    !text.contains("'''") && !text.contains(|c: char| c.is_control()) && text.trim() == text && !text.is_empty()
}

fn refuse(pass: &mut Pass, span: &Span, why: &str) {
    let diag = Diag::warning(format!("not blessed: {why}")).label(span, "");
    pass.refused.push(match why {
        SHARED => diag.help("write the block between ''' and ''', and each line of it on a line of its own"),
        _ => diag,
    });
}

/// Why a line cannot be told from what stands beside it.
pub(super) const SHARED: &str = "this line shares its place with other text";
