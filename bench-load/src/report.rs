//! What was measured, and how it is shown.

use std::time::Duration;

use crate::{
    Done,
    filter::Running,
    load::{Found, Load, Reuse, Socket},
};

/// One round of one filter.
pub struct Measured {
    cpu: Duration,
    found: Found,
}

/// All rounds of one filter.
pub struct Cell {
    name: &'static str,
    rounds: Vec<Measured>,
}

impl Measured {
    /// Puts the load on the filter.
    pub fn take(filter: &Running, load: &Load<'_>) -> Done<Self> {
        let before = filter.cpu()?;
        let found = load.run(filter.address())?;
        Ok(Self { cpu: filter.cpu()? - before, found })
    }

    fn cpu_us(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.found.messages as f64
    }
}

impl Cell {
    pub fn new(filter: &Running) -> Self {
        Self { name: filter.name(), rounds: Vec::new() }
    }

    pub fn add(&mut self, measured: Measured) {
        self.rounds.push(measured);
    }

    fn median(&self, value: impl Fn(&Measured) -> f64) -> f64 {
        median(&self.rounds.iter().map(value).collect::<Vec<_>>())
    }

    fn row(&self) -> String {
        let max = self.rounds.iter().map(|round| round.found.max_ms).fold(0.0, f64::max);
        format!(
            "  {:<12} {:>14.1} {:>12.0} {:>8.2} {:>8.2} {:>8.1}",
            self.name,
            self.median(Measured::cpu_us),
            self.median(|round| round.found.per_second),
            self.median(|round| round.found.p50_ms),
            self.median(|round| round.found.p99_ms),
            max
        )
    }
}

/// Both filters, and what the one costs as a multiple of the other.
pub fn table(socket: Socket, load: &Load<'_>, [theirs, ours]: &[Cell; 2]) {
    let kept = match load.reuse {
        Reuse::Never => "a connection for each message",
        Reuse::Always => "kept connections",
    };
    let (at_a_time, rounds, messages) = (load.connections, theirs.rounds.len(), load.messages);
    println!("{socket:?}, {kept}, {at_a_time} at a time; {rounds} rounds of {messages} messages");
    println!("  filter       CPU µs/message   messages/s   p50 ms   p99 ms   max ms");
    println!("{}\n{}", theirs.row(), ours.row());
    let ratios: Vec<f64> =
        ours.rounds.iter().zip(&theirs.rounds).map(|(ours, theirs)| ours.cpu_us() / theirs.cpu_us()).collect();
    println!("  CPU of spf-milter as a multiple, median of the rounds: {:.2}\n", median(&ratios));
}

/// What a filter holds.
pub fn memory(messages: usize, filter: &Running) -> Done {
    let (now, most) = filter.memory_kib()?;
    println!("{}: after {messages} messages {now} KiB resident, at the most {most} KiB", filter.name());
    Ok(())
}

pub fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
