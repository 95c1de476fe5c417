//! Runs one evaluation as often as told, for callgrind and perf: `count EVALUATOR FORM CASE TIMES`.

use std::hint::black_box;
use std::process::ExitCode;

use bench_peers::Records;
use bench_peers::cases::{Case, five, others};
use bench_peers::hostile::worst;
use bench_peers::ours::Ours;
use bench_peers::peer::Peer;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if run(&arguments).is_some() {
        return ExitCode::SUCCESS;
    }
    eprintln!("usage: count spf|mail-auth each|kept CASE TIMES");
    let names: Vec<&str> = five().iter().chain(&others()).chain(&worst()).map(|case| case.name).collect();
    eprintln!("cases: {}", names.join(", "));
    ExitCode::FAILURE
}

fn run(arguments: &[String]) -> Option<()> {
    let [evaluator, form, name, times] = arguments else { return None };
    let records = match form.as_str() {
        "each" => Records::ParsedEachTime,
        "kept" => Records::KeptParsed,
        _ => return None,
    };
    let case: Case = five().into_iter().chain(others()).chain(worst()).find(|case| case.name == name.as_str())?;
    let times: u32 = times.parse().ok()?;
    match evaluator.as_str() {
        "spf" => ours(&Ours::new(&case.answers, records), &case, times),
        "mail-auth" => peer(&Peer::new(&case.answers, records), &case, times),
        _ => return None,
    }
    Some(())
}

fn ours(ours: &Ours, case: &Case, times: u32) {
    for _ in 0..times {
        drop(black_box(ours.check(black_box(&case.mail))));
    }
}

fn peer(peer: &Peer, case: &Case, times: u32) {
    for _ in 0..times {
        drop(black_box(peer.check(black_box(&case.mail))));
    }
}
