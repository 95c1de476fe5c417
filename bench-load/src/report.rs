//! What was measured, and how it is shown.

use std::time::{Duration, Instant};

use crate::{
    Done,
    filter::Running,
    load::{Load, Reuse, Socket},
};

/// One round of one filter.
pub struct Measured {
    cpu: Duration,
    wall: Duration,
    times: Vec<Duration>,
}

/// All rounds of one filter.
#[derive(Default)]
pub struct Cell {
    name: &'static str,
    cpu_us: Vec<f64>,
    per_second: Vec<f64>,
    times: Vec<Duration>,
}

impl Measured {
    /// Puts the load on the filter.
    pub fn take(filter: &Running, load: &Load) -> Done<(&'static str, usize, Self)> {
        let (before, start) = (filter.cpu()?, Instant::now());
        let times = load.run(filter.address())?;
        let wall = start.elapsed();
        Ok((filter.name(), load.messages, Self { cpu: filter.cpu()? - before, wall, times }))
    }
}

impl Cell {
    pub fn add(&mut self, (name, messages, measured): (&'static str, usize, Measured)) {
        self.name = name;
        self.cpu_us.push(measured.cpu.as_secs_f64() * 1e6 / messages as f64);
        self.per_second.push(messages as f64 / measured.wall.as_secs_f64());
        self.times.extend(measured.times);
    }
}

/// Both filters, and what the one costs as a multiple of the other.
pub fn table(socket: Socket, reuse: Reuse, load: &Load, cells: &[Cell; 2]) {
    let kept = match reuse {
        Reuse::Never => "a connection for each message",
        Reuse::Always => "kept connections",
    };
    println!(
        "{socket:?}, {kept}, {} at a time; {} rounds of {} messages",
        load.connections,
        cells[0].cpu_us.len(),
        load.messages
    );
    println!("  filter       CPU µs/message   messages/s   p50 µs   p99 µs   max ms   over 35 ms");
    for cell in cells {
        let mut times = cell.times.clone();
        times.sort();
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
        let stalls = times.iter().filter(|time| time.as_millis() >= 35).count();
        println!(
            "  {:<12} {:>14.1} {:>12.0} {:>8} {:>8} {:>8.1} {:>12}",
            cell.name,
            median(&cell.cpu_us),
            median(&cell.per_second),
            at(0.5).as_micros(),
            at(0.99).as_micros(),
            at(1.0).as_secs_f64() * 1e3,
            stalls
        );
    }
    let ratios: Vec<f64> = cells[1].cpu_us.iter().zip(&cells[0].cpu_us).map(|(ours, theirs)| ours / theirs).collect();
    println!("  CPU of spf-milter as a multiple, median of the rounds: {:.2}\n", median(&ratios));
}

/// What a filter holds.
pub fn memory(messages: usize, filter: &Running) -> Done {
    let (now, most) = filter.memory_kib()?;
    println!("{}: after {messages} messages {now} KiB resident, at the most {most} KiB", filter.name());
    Ok(())
}

/// The one in the middle.
pub fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
