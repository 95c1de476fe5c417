//! The evaluations under criterion, both evaluators side by side in a group; `ratios` prints what they come to.

use std::hint::black_box;
use std::time::Duration;

use bench_peers::Records;
use bench_peers::cases::{Case, five, others};
use bench_peers::hostile::worst;
use bench_peers::ours::Ours;
use bench_peers::peer::Peer;
use criterion::{Criterion, criterion_group, criterion_main};

fn evaluations(criterion: &mut Criterion) {
    for case in five().iter().chain(&others()) {
        for records in [Records::ParsedEachTime, Records::KeptParsed] {
            group(criterion, case, records);
        }
    }
}

fn group(criterion: &mut Criterion, case: &Case, records: Records) {
    let (ours, peer) = (Ours::new(&case.answers, records), Peer::new(&case.answers, records));
    let form = if records == Records::KeptParsed { "kept parsed" } else { "parsed each time" };
    let mut group = criterion.benchmark_group(format!("{}, {form}", case.name));
    group.bench_function("spf", |bencher| bencher.iter(|| ours.check(black_box(&case.mail))));
    group.bench_function("mail-auth", |bencher| bencher.iter(|| peer.check(black_box(&case.mail))));
    group.finish();
}

/// The worst that a record can do, with `spf` alone.
fn hostile(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("worst legal evaluation");
    for case in worst() {
        let ours = Ours::new(&case.answers, Records::ParsedEachTime);
        let name = case.name.trim_start_matches("worst ");
        group.bench_function(name, |bencher| bencher.iter(|| ours.check(black_box(&case.mail))));
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    targets = evaluations, hostile
}
criterion_main!(benches);
