//! The battery itself under test: an honest filter passes every case, and for every case there is a filter that fails it.

mod fault;
mod filter;
mod manners;

use std::{path::Path, sync::Arc, time::Duration};

use fake_mta::{
    conform::{Case, CaseResult, Origin, Target, Verdict, cases, run_case, surroundings},
    diag::Source,
    run::{Cancel, MilterAddr},
    suite::Suite,
};
use fault::Fault;
use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    if let [_, serve, case, kind, path] = &std::env::args().collect::<Vec<_>>()[..]
        && serve == SERVE
    {
        let fault = if kind == FAULTY { Fault::found_by(case) } else { Fault::None };
        return block_on(filter::serve(Path::new(path), fault)).expect("the filter listens");
    }
    let args = Arguments::from_args();
    let trials = cases().into_iter().map(Arc::new).flat_map(|case| {
        let (honest, faulty) = (Arc::clone(&case), Arc::clone(&case));
        [
            Trial::test(format!("{} passes an honest filter", case.id), move || is_passed(&honest)),
            Trial::test(format!("{} finds its fault", case.id), move || is_found(&faulty)),
        ]
    });
    let end = Trial::test("an answer to the end of input is no fault of a case about something else", is_left_alone);
    let before = Trial::test("an answer to the end of input hides none that came before", is_not_hidden);
    let trials = trials.chain([end, before]);
    libtest_mimic::run(&args, trials.collect()).exit();
}

fn is_passed(case: &Case) -> Result<(), Failed> {
    let came = match process_suite(case, Kind::Honest) {
        Some(suite) => started(case, suite, PATIENCE),
        None => served(case, Fault::None, PATIENCE),
    };
    if came.verdict == Verdict::Pass && came.ended_early.is_none() { Ok(()) } else { Err(format!("{came:#?}").into()) }
}

fn is_found(case: &Case) -> Result<(), Failed> {
    let came = match process_suite(case, Kind::Faulty) {
        Some(suite) => started(case, suite, IMPATIENCE),
        None => {
            let fault = Fault::found_by(&case.id);
            assert_ne!(fault, Fault::None, "{} has no filter that fails it", case.id);
            served(case, fault, IMPATIENCE)
        }
    };
    if came.verdict.is_bad() { Ok(()) } else { Err(format!("{came:#?}").into()) }
}

/// One case of each kind: idle, in a message, before the offer, half-closed, more than one connection.
fn is_left_alone() -> Result<(), Failed> {
    for case in [
        "message/two",
        "message/abort-after-mail",
        "silent/from-the-start",
        "silent/in-a-message",
        "transport/half-close",
    ] {
        let came = served(&named(case), Fault::AnswersEnd, PATIENCE);
        assert_eq!(came.verdict, Verdict::Pass, "{case}: {came:#?}");
    }
    for case in ["message/quit", "message/quit-in-a-message"] {
        let came = served(&named(case), Fault::AnswersEnd, PATIENCE);
        assert_eq!(came.verdict, Verdict::Fail, "{case}: {came:#?}");
    }
    Ok(())
}

fn is_not_hidden() -> Result<(), Failed> {
    // Of the first one the answers to the aborts come last, so that only their number tells them from that to the end.
    for case in ["order/as-postfix", "message/abort-after-mail"] {
        let came = served(&named(case), Fault::AnswersEndAndAbort, PATIENCE);
        assert_eq!(came.verdict, Verdict::Fail, "{case}: {came:#?}");
    }
    Ok(())
}

fn named(id: &str) -> Case {
    cases().into_iter().find(|case| case.id == id).expect("there is one")
}

/// Plays the case against a filter in this process.
fn served(case: &Case, fault: Fault, limit: Duration) -> CaseResult {
    let dir = tempfile::Builder::new().prefix("fc-").tempdir_in("/tmp").expect("a folder");
    let path = dir.path().join("s");
    block_on(async {
        let filter = tokio::spawn({
            let path = path.clone();
            async move { filter::serve(&path, fault).await }
        });
        let listening = async {
            while !path.exists() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), listening).await.expect("the filter listens within a minute");
        let origin = Origin::Running(MilterAddr::Unix(path));
        let mut target = target(&origin, limit).await;
        let came = run_case(case, &mut target).await;
        filter.abort();
        came
    })
}

/// Plays the case against a filter of its own process.
fn started(case: &Case, suite: Suite, limit: Duration) -> CaseResult {
    block_on(async {
        let mut target = target(&Origin::Started(Arc::new(suite)), limit).await;
        let came = run_case(case, &mut target).await;
        target.stop().await;
        came
    })
}

async fn target(origin: &Origin, limit: Duration) -> Target {
    let unit = surroundings(&[]).expect("a good zone");
    let started = Target::start("test", origin, &unit, limit, Path::new("/").to_owned(), &Cancel::new()).await;
    started.unwrap_or_else(|fatal| panic!("{fatal:?}"))
}

enum Kind {
    Honest,
    Faulty,
}

/// Cases that end the process, or look at what it holds, need one of its own.
fn process_suite(case: &Case, kind: Kind) -> Option<Suite> {
    if case.group() == "leak" {
        return Some(own_process(case, &kind));
    }
    // The scripted filter leaves its socket behind when it is killed; the shell does not start it over that, or does not stop when asked.
    let shell = match (case.id.as_str(), kind) {
        ("process/killed" | "process/stopped", Kind::Honest) => {
            "exec \"$1\" filter --script /dev/null --listen unix:\"$2\""
        }
        ("process/killed", Kind::Faulty) => {
            "[ ! -e \"$2\" ] && exec \"$1\" filter --script /dev/null --listen unix:\"$2\""
        }
        ("process/stopped", Kind::Faulty) => {
            "trap '' TERM; rm -f \"$2\"; \"$1\" filter --script /dev/null --listen unix:\"$2\"; read x < /dev/zero"
        }
        _ => return None,
    };
    let program = env!("CARGO_BIN_EXE_fake-mta");
    Some(suite(&format!("['sh', '-c', '''{shell}''', 'sh', '{program}', '{{listen.path}}']")))
}

/// This very program, as a filter.
fn own_process(case: &Case, kind: &Kind) -> Suite {
    let program = std::env::current_exe().expect("the system tells");
    let kind = if matches!(kind, Kind::Faulty) { FAULTY } else { "honest" };
    suite(&format!("['{}', '{SERVE}', '{}', '{kind}', '{{listen.path}}']", program.display(), case.id))
}

fn suite(command: &str) -> Suite {
    let text = format!("[milter]\ncommand = {command}\nstop_timeout = \"500ms\"\n");
    Suite::parse(&Source::new("fake-mta.toml", text)).unwrap_or_else(|problems| panic!("{}", problems[0]))
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(future)
}

/// The first argument of this program where it is to be a filter.
const SERVE: &str = "serve-as-filter";
const FAULTY: &str = "faulty";

/// An honest filter on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A filter that never answers, or never gives anything back, is waited for so long.
const IMPATIENCE: Duration = Duration::from_millis(500);
