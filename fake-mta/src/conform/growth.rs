//! Whether the last header fields of a long header take longer than the first ones.

use std::time::Duration;

use milter_proto::{Command, Protocol};

use super::{
    correspondent::Correspondent,
    exchange::Exchange,
    letter::{Letter, Stage},
    step::header,
    target::Target,
    trouble::Trouble,
};
use crate::run::duration_text;

/// Sends a header of many fields, and compares the time of each thousand with that of the first.
pub(super) async fn of_header(target: &Target, log: &mut Exchange) -> Result<(), Trouble> {
    let mut quiet = Exchange::default();
    let mut mta = Correspondent::greeted(target, &mut quiet).await?;
    mta.send(&Letter { until: Stage::Data, ..Letter::default() }, &mut quiet).await?;
    let silent = Protocol::NO_HEADERS | Protocol::NR_HEADER;
    if mta.has_ended() || !mta.agreed().intersection(silent).is_empty() {
        log.note("the milter answers no header fields");
        return mta.close(&mut quiet).await;
    }
    let mut first = Vec::new();
    for part in 0..PARTS {
        let times = mta.header_times(fields(part), &mut quiet).await?;
        if times.len() < PART {
            log.note("the milter's verdict came before the end");
            break;
        }
        if part == 0 {
            first = times;
            continue;
        }
        let (from, to) = (part * PART + 1, (part + 1) * PART);
        let compared =
            format!("header fields 1 to {PART} took {}, {from} to {to} took {}", total(&first), total(&times));
        log.note(&compared);
        if median(&times) > median(&first) * RATIO {
            return Err(Trouble::Wrong(format!("{compared}: each one takes longer than the one before")));
        }
    }
    mta.close(&mut quiet).await
}

/// A thousand header fields.
fn fields(part: usize) -> Vec<Command> {
    (part * PART..(part + 1) * PART).map(|number| header(&format!("X-Header-{number}"), "value")).collect()
}

fn total(times: &[Duration]) -> String {
    duration_text(Duration::from_millis(u64::try_from(times.iter().sum::<Duration>().as_millis()).unwrap_or(u64::MAX)))
}

/// What a pause of the whole machine does not touch.
fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}

const PARTS: usize = 10;
const PART: usize = 1000;

/// What takes so much longer grows with the number before it.
const RATIO: u32 = 5;
