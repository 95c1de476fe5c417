//! The openspf conformance suite: one test for each of its cases, none skipped.

mod suite;
#[path = "../support/mod.rs"]
mod support;
mod zone;

use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use spf::{MacroString, Request, check_host};

use suite::{Case, Scenario};
use zone::Zone;

/// The cases of release 2014.04.
const CASES: usize = 203;

fn main() {
    let scenarios = suite::load(include_str!("../data/openspf/rfc7208-tests.yml"));
    let trials: Vec<Trial> = scenarios.into_iter().flat_map(trials).collect();
    assert_eq!(trials.len(), CASES, "every case of the suite is a test");
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn trials(scenario: Scenario) -> Vec<Trial> {
    let zone = Arc::new(Zone::new(&scenario.zonedata));
    let section = scenario.description.to_lowercase().replace(' ', "-");
    let trial = |(id, case): (String, Case)| {
        let zone = Arc::clone(&zone);
        Trial::test(format!("{section}::{id}"), move || run(&case, &zone))
    };
    scenario.tests.into_iter().map(trial).collect()
}

/// Runs one case: the result must be among those accepted, and an explanation that is given must come out.
fn run(case: &Case, zone: &Zone) -> Result<(), Failed> {
    let default_explanation = MacroString::configuration("DEFAULT", &[])?;
    let request = Request::for_mail_from(case.host, &case.helo, &case.mailfrom)
        .with_receiver("localhost")
        .with_default_explanation(&default_explanation);
    let outcome = support::block_on(check_host(&request, zone));
    if !case.result.accepts(outcome.result) {
        let (result, cause) = (outcome.result, &outcome.cause);
        return Err(format!("expected {}, got {result} ({cause})", case.result).into());
    }
    let explanation = outcome.explanation.map(|explanation| explanation.text);
    if case.explanation.is_some() && explanation != case.explanation {
        return Err(format!("expected explanation {:?}, got {explanation:?}", case.explanation).into());
    }
    Ok(())
}
