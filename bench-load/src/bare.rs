//! What no generator can be faster than, if it waits for every answer: one write and one read for each, and nothing else.

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    time::{Duration, Instant},
};

use milter_proto::codes;
use nix::sys::resource::{UsageWho, getrusage};

use crate::{Done, cpu, sink::Answers};

/// Sends messages over one connection; says how long it took, and what processor time.
pub fn run(path: &str, message: &[u8], answers: Answers, messages: usize) -> Done<(Duration, Duration)> {
    let bursts = bursts(message, answers);
    let mut stream = UnixStream::connect(path)?;
    let mut answer = [0; 17];
    stream.write_all(OFFER)?;
    stream.read_exact(&mut answer)?;
    let (before, start) = (cpu(&getrusage(UsageWho::RUSAGE_THREAD)?), Instant::now());
    for _ in 0..messages {
        for burst in &bursts {
            stream.write_all(burst)?;
            stream.read_exact(&mut answer[..5])?;
        }
    }
    Ok((start.elapsed(), cpu(&getrusage(UsageWho::RUSAGE_THREAD)?) - before))
}

/// A message, cut behind each packet that is answered. What comes behind the last one goes first, as it does from the second message on.
fn bursts(message: &[u8], answers: Answers) -> Vec<Vec<u8>> {
    let (mut bursts, mut open, mut rest) = (Vec::new(), Vec::new(), message);
    while let Some((head, _)) = rest.split_first_chunk::<4>() {
        let length = 4 + u32::from_be_bytes(*head) as usize;
        let (packet, behind) = rest.split_at(length);
        open.extend_from_slice(packet);
        let is_answered = match answers {
            Answers::Each => ![codes::MACRO, codes::ABORT].contains(&packet[4]),
            Answers::End => packet[4] == codes::BODY_EOB,
        };
        if is_answered {
            bursts.push(std::mem::take(&mut open));
        }
        rest = behind;
    }
    if let Some(first) = bursts.first_mut() {
        first.splice(0..0, open);
    }
    bursts
}

/// Version 6, with everything.
const OFFER: &[u8] = b"\0\0\0\x0dO\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff";
