//! All cases over all milters.

use std::{
    fmt,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::time::timeout;

use super::{
    case::{Case, Level, Run},
    exchange::Exchange,
    script::Script,
    target::Target,
    trouble::Trouble,
};
use crate::{
    run::{Cancel, Fatal, LAST_LINES, duration_text},
    scenario::Unit,
    under_test::Origin,
};

/// What was tried, on whom, and what came of it.
#[derive(Debug, Default)]
pub struct Battery {
    /// The cases, in the order in which they were played.
    pub cases: Vec<Arc<Case>>,
    /// The milters, in the order of the command line.
    pub milters: Vec<MilterResult>,
    /// When it began, as `2026-11-29 06:30 UTC`, if that is to be told.
    pub date: Option<String>,
    /// Somebody stopped it before all was tried.
    pub is_interrupted: bool,
}

impl Battery {
    /// How many cases, of one level or of all, came to each verdict with a milter, and how many were not tried.
    pub(super) fn counts(
        &self,
        milter: &MilterResult,
        level: Option<Level>,
    ) -> impl Iterator<Item = (&'static str, usize)> {
        let is_asked = |case: &&Arc<Case>| level.is_none_or(|level| case.level == level);
        let tried = self.cases.iter().zip(&milter.results).filter(|(case, _)| is_asked(case));
        let verdicts: Vec<Verdict> = tried.map(|(_, result)| result.verdict).collect();
        let left = self.cases.iter().filter(is_asked).count() - verdicts.len();
        let count = move |verdict| verdicts.iter().filter(|came| **came == verdict).count();
        Verdict::ALL.into_iter().map(move |(word, verdict)| (word, count(verdict))).chain([(NOT_TRIED, left)])
    }
}

/// What came of one milter.
#[derive(Debug, Default)]
pub struct MilterResult {
    /// Its name.
    pub name: String,
    /// Its address, or the command that started it.
    pub place: String,
    /// One for each case that was tried, in their order.
    pub results: Vec<CaseResult>,
    /// Why it was not tried at all.
    pub fatal: Option<Fatal>,
}

/// What came of one case.
#[derive(Debug, Clone)]
pub struct CaseResult {
    /// The judgement.
    pub verdict: Verdict,
    /// Why it is not [`Verdict::Pass`].
    pub why: Option<String>,
    /// What was not sent, because the milter's own verdict came before.
    pub ended_early: Option<String>,
    /// What went over the wire: `> sent`, `< came`, `- happened`. Control characters are escaped.
    pub exchange: Vec<String>,
    /// The last line of a milter that has ended, if it wrote any.
    pub last_words: Option<String>,
    /// The last lines that the milter wrote, if it is at fault, they are known, and `why` does not tell them.
    pub output: Vec<String>,
    /// How long it took.
    pub elapsed: Duration,
}

/// How a milter took a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As the standard says.
    Pass,
    /// It broke the protocol, or closed the connection where it had to answer.
    Fail,
    /// It ended, or accepts no connection any more.
    Crash,
    /// It did not answer, or does not answer anybody any more.
    Hang,
    /// It keeps what it should give back.
    Leak,
    /// It could not be tried here.
    Skip,
}

impl Verdict {
    /// All, with their words.
    pub const ALL: [(&'static str, Self); 6] = [
        ("pass", Self::Pass),
        ("fail", Self::Fail),
        ("crash", Self::Crash),
        ("hang", Self::Hang),
        ("leak", Self::Leak),
        ("skip", Self::Skip),
    ];

    /// Whether the milter is at fault.
    pub fn is_bad(self) -> bool {
        !matches!(self, Self::Pass | Self::Skip)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = Self::ALL.into_iter().find(|(_, verdict)| verdict == self).map(|(word, _)| word);
        f.pad(word.unwrap_or_default())
    }
}

impl MilterResult {
    /// Nothing was tried yet.
    pub(super) fn not_tried(name: &str, origin: &Origin) -> Self {
        Self { name: name.to_owned(), place: origin.to_string(), results: Vec::new(), fatal: None }
    }

    /// How many cases came to this verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.results.iter().filter(|result| result.verdict == verdict).count()
    }

    /// In how many cases its own verdict came before all was sent.
    pub fn ended_early(&self) -> usize {
        self.results.iter().filter(|result| result.ended_early.is_some()).count()
    }
}

/// What is tried on every milter, and how.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trial<'a> {
    /// The cases, in their order.
    pub(super) cases: &'a [Arc<Case>],
    /// How long a milter may take for any answer.
    pub(super) limit: Duration,
    /// The DNS of those that are started here.
    pub(super) unit: &'a Unit,
    /// What `{bin}` stands for.
    pub(super) bin: &'a Path,
    /// Stops it, in the middle of a case too.
    pub(super) cancel: &'a Cancel,
}

impl Trial<'_> {
    /// Plays the cases against one milter, as long as that can be, and calls `each` with every result.
    pub(super) async fn run(
        &self,
        name: &str,
        origin: &Origin,
        mut each: impl FnMut(&Case, &CaseResult),
    ) -> MilterResult {
        let mut result = MilterResult::not_tried(name, origin);
        let starting = Target::start(name, origin, self.unit, self.limit, self.bin.to_owned(), self.cancel);
        let mut target = match self.cancel.or(starting).await {
            Some(Ok(target)) => target,
            Some(Err(fatal)) => return MilterResult { fatal: Some(fatal), ..result },
            None => return result,
        };
        for case in self.cases {
            let Some(came) = self.cancel.or(run_case_fairly(case, &mut target)).await else { break };
            each(case, &came);
            result.results.push(came);
            if target.is_lost() {
                break;
            }
        }
        target.stop().await;
        result
    }
}

/// Plays a case; a crash is played again, as it may be the cases before that have brought it about.
async fn run_case_fairly(case: &Case, target: &mut Target) -> CaseResult {
    let came = run_case(case, target).await;
    if came.verdict != Verdict::Crash || target.is_lost() || !target.is_own() {
        return came;
    }
    match run_case(case, target).await.verdict {
        Verdict::Crash => came,
        other => {
            let why = came.why.unwrap_or_default();
            let note = format!("played again, on a process that has seen nothing else, it came to: {other}");
            CaseResult { why: Some(format!("{why}\n{note}")), ..came }
        }
    }
}

/// Plays one case, looks whether the milter still serves afterwards, and starts it again if it does not and can be.
pub async fn run_case(case: &Case, target: &mut Target) -> CaseResult {
    let began = Instant::now();
    let mut attempt = play(case, target).await;
    if matches!(attempt.played, Err(Trouble::AfterQuit(_))) {
        // Whether it was owed before QUIT shows where there is none.
        // A milter that does not even negotiate any more fails the case again.
        let _ = target.learn_end().await;
        attempt = play(case, target).await;
    }
    // Of a process that is started again nothing is left.
    let written = target.output().await;
    let Judgement { verdict, why, tells_output, last_words } = judged(attempt.played, target).await;
    let output = if verdict.is_bad() && !tells_output { written } else { Vec::new() };
    let (exchange, ended_early) = (attempt.exchange.lines(), attempt.ended_early);
    CaseResult { verdict, why, ended_early, exchange, last_words, output, elapsed: began.elapsed() }
}

/// What a case comes to.
struct Judgement {
    verdict: Verdict,
    why: Option<String>,
    /// The milter's last lines stand in the reason already.
    tells_output: bool,
    last_words: Option<String>,
}

/// What came of a case, before anybody looks whether the milter still serves.
struct Attempt {
    played: Result<(), Trouble>,
    exchange: Exchange,
    ended_early: Option<String>,
}

async fn play(case: &Case, target: &mut Target) -> Attempt {
    let limit = CASE * target.limit();
    let too_long = |_| {
        let limit = duration_text(limit);
        Err(Trouble::Silent(format!("the case was not over within {limit}, though no single answer took too long")))
    };
    match &case.run {
        Run::Script(steps) => {
            let mut script = Script::new(target);
            let played = timeout(limit, script.play(steps)).await.unwrap_or_else(too_long);
            let exchange = std::mem::take(&mut script.exchange);
            Attempt { played, exchange, ended_early: script.ended_early.take() }
        }
        Run::Special(special) => {
            let mut exchange = Exchange::default();
            let played = timeout(limit, special.play(target, &mut exchange)).await.unwrap_or_else(too_long);
            Attempt { played, exchange, ended_early: None }
        }
    }
}

/// What becomes of the milter afterwards counts for more than what it said.
async fn judged(played: Result<(), Trouble>, target: &mut Target) -> Judgement {
    if matches!(played, Err(Trouble::Down(_))) {
        // It ended as it was asked to; what comes next is tried on one in a place of its own.
        target.revive().await;
        return Judgement { tells_output: true, ..own_verdict(played) };
    }
    let (verdict, text) = match target.is_alive().await {
        Ok(()) | Err(Trouble::Skipped(_)) => return own_verdict(played),
        Err(Trouble::Silent(text)) => (Verdict::Hang, format!("afterwards it serves nobody any more: {text}")),
        Err(trouble) => (Verdict::Crash, format!("afterwards it is gone: {trouble}")),
    };
    let before = played.err().map(|trouble| format!("before that: {trouble}"));
    let end = target.end().await;
    let tells_output = end.is_some();
    let last_words = end.as_deref().and_then(last_line).map(str::to_owned);
    let why = [Some(text), before, end, target.revive().await].into_iter().flatten().collect::<Vec<_>>().join("\n");
    Judgement { verdict, why: Some(why), tells_output, last_words }
}

/// Of what a milter wrote before its end.
fn last_line(end: &str) -> Option<&str> {
    let (_, written) = end.split_once(LAST_LINES)?;
    written.lines().map(str::trim).rfind(|line| !line.is_empty())
}

fn own_verdict(played: Result<(), Trouble>) -> Judgement {
    let judgement = |verdict, why| Judgement { verdict, why, tells_output: false, last_words: None };
    let Err(trouble) = played else { return judgement(Verdict::Pass, None) };
    let verdict = match trouble {
        Trouble::Wrong(_) | Trouble::Closed(_) | Trouble::AfterQuit(_) | Trouble::Down(_) => Verdict::Fail,
        Trouble::Refused(_) => Verdict::Crash,
        Trouble::Silent(_) => Verdict::Hang,
        Trouble::Leak(_) => Verdict::Leak,
        Trouble::Skipped(_) => Verdict::Skip,
    };
    judgement(verdict, Some(trouble.to_string()))
}

/// Where somebody stopped it, or the milter was gone.
pub(super) const NOT_TRIED: &str = "not tried";

/// So many times the limit of one answer is the limit of a case.
const CASE: u32 = 30;
