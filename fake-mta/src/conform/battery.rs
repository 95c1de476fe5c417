//! All cases over all milters.

use std::{
    fmt,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    case::{Case, Run},
    exchange::Exchange,
    script::Script,
    target::Target,
    trouble::Trouble,
};
use crate::{
    run::{Cancel, Fatal},
    under_test::Origin,
};

/// What was tried, on whom, and what came of it.
#[derive(Debug, Default)]
pub struct Battery {
    /// The cases, in the order in which they were played.
    pub cases: Vec<Arc<Case>>,
    /// The milters, in the order of the command line.
    pub milters: Vec<MilterResult>,
}

/// What came of one milter.
#[derive(Debug)]
pub struct MilterResult {
    /// Its name.
    pub name: String,
    /// One for each case, in their order.
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
    /// How many cases came to this verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.results.iter().filter(|result| result.verdict == verdict).count()
    }
}

/// Plays cases against one milter and calls `each` with every result.
pub(super) async fn run_milter(
    name: &str,
    origin: &Origin,
    cases: &[Arc<Case>],
    limit: Duration,
    bin: &Path,
    cancel: &Cancel,
    mut each: impl FnMut(&Case, &CaseResult),
) -> MilterResult {
    let mut result = MilterResult { name: name.to_owned(), results: Vec::new(), fatal: None };
    let mut target = match Target::start(name, origin, limit, bin.to_owned(), cancel).await {
        Ok(target) => target,
        Err(fatal) => return MilterResult { fatal: Some(fatal), ..result },
    };
    for case in cases {
        if cancel.is_cancelled() {
            break;
        }
        let came = run_case(case, &mut target).await;
        each(case, &came);
        result.results.push(came);
    }
    target.stop().await;
    result
}

/// Plays one case, looks whether the milter still serves afterwards, and starts it again if it does not and can be.
pub async fn run_case(case: &Case, target: &mut Target) -> CaseResult {
    let began = Instant::now();
    let mut exchange = Exchange::default();
    let mut ended_early = None;
    let played = match &case.run {
        Run::Script(steps) => {
            let mut script = Script::new(target);
            let played = script.play(steps).await;
            ended_early = script.ended_early.take();
            exchange = std::mem::take(&mut script.exchange);
            played
        }
        Run::Special(special) => special.play(target, &mut exchange).await,
    };
    let (verdict, why) = judged(played, target).await;
    CaseResult { verdict, why, ended_early, exchange: exchange.lines(), elapsed: began.elapsed() }
}

/// What becomes of the milter afterwards counts for more than what it said.
async fn judged(played: Result<(), Trouble>, target: &mut Target) -> (Verdict, Option<String>) {
    let (verdict, why) = match target.is_alive().await {
        Ok(()) | Err(Trouble::Skipped(_)) => return own_verdict(played),
        Err(Trouble::Silent(text)) => (Verdict::Hang, format!("afterwards it serves nobody any more: {text}")),
        Err(trouble) => (Verdict::Crash, format!("afterwards it is gone: {trouble}")),
    };
    let end = target.end().await;
    let why = [Some(why), end].into_iter().flatten().collect::<Vec<_>>().join("\n");
    match target.start_again().await {
        Ok(()) | Err(Trouble::Skipped(_)) => (verdict, Some(why)),
        Err(trouble) => (verdict, Some(format!("{why}\nand it could not be started again: {trouble}"))),
    }
}

fn own_verdict(played: Result<(), Trouble>) -> (Verdict, Option<String>) {
    let Err(trouble) = played else { return (Verdict::Pass, None) };
    let verdict = match trouble {
        Trouble::Wrong(_) | Trouble::Closed(_) => Verdict::Fail,
        Trouble::Refused(_) => Verdict::Crash,
        Trouble::Silent(_) => Verdict::Hang,
        Trouble::Leak(_) => Verdict::Leak,
        Trouble::Skipped(_) => Verdict::Skip,
    };
    (verdict, Some(trouble.to_string()))
}
