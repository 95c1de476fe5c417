//! Every captured session of a real MTA is a test: replayed in memory under a paused clock, and a few over sockets too.

use std::{fs, path::Path, process::ExitCode};

use fake_mta::replay::{Capture, Medium, Verdict, replay};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let captures: Vec<Line> = ["sendmail", "postfix"].iter().flat_map(|mta| lines(mta)).collect();
    let over_sockets = captures.iter().filter(|line| OVER_SOCKETS.contains(&line.name.as_str())).cloned();
    let mut trials: Vec<Trial> = over_sockets.map(|line| line.trial("sockets/", Medium::Sockets)).collect();
    let known = captures.iter().filter(|line| KNOWN.contains(&line.full_name().as_str())).count();
    trials.push(Trial::test("not_more_than_two_in_a_hundred_are_known_to_differ", {
        let total = captures.len();
        move || check(known * 50 <= total, || format!("{known} of {total}"))
    }));
    trials.extend(captures.into_iter().map(|line| line.trial("", Medium::Memory)));
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// One capture that has not been read yet, but for its name.
#[derive(Clone)]
struct Line {
    mta: &'static str,
    name: String,
    text: String,
}

fn lines(mta: &'static str) -> Vec<Line> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/captures").join(format!("{mta}.jsonl"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    // The name stands first in each line: a run of one test need not read all captures.
    let read = |line: &str| {
        let name = line.strip_prefix(r#"{"name":""#).and_then(|rest| rest.split_once('"'));
        let (name, _) = name.unwrap_or_else(|| panic!("{}: a capture begins with its name", path.display()));
        Line { mta, name: name.to_owned(), text: line.to_owned() }
    };
    text.lines().map(read).collect()
}

impl Line {
    fn full_name(&self) -> String {
        format!("{}/{}", self.mta, self.name)
    }

    fn trial(self, prefix: &str, medium: Medium) -> Trial {
        let expected = match KNOWN.contains(&self.full_name().as_str()) {
            true => Verdict::Known,
            false => Verdict::Equal,
        };
        Trial::test(format!("{prefix}{}", self.full_name()), move || self.check(medium, expected))
    }

    fn check(&self, medium: Medium, expected: Verdict) -> Result<(), Failed> {
        let capture = Capture::parse(&self.text)?;
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().start_paused(medium == Medium::Memory).build()?;
        let judged = runtime.block_on(replay(&capture, medium));
        check(judged.verdict() == expected && judged.log_is_good(), || judged.to_string())
    }
}

fn check(good: bool, problem: impl FnOnce() -> String) -> Result<(), Failed> {
    if good { Ok(()) } else { Err(problem().into()) }
}

/// Captures whose sessions cannot be equal; the reasons stand with the replay.
const KNOWN: [&str; 2] = ["sendmail/replycode-only3", "sendmail/symlist-many"];

/// Captures without waits that are replayed over sockets too: two filters, large packets, every kind of command.
const OVER_SOCKETS: [&str; 6] =
    ["plain", "two-filters", "replbody-100000", "rset", "unknown-command", "deft-tempfail-down"];
