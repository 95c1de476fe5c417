//! A filter that costs next to nothing: it says `continue` to everything, to all that came in one write, and can keep what came.

use std::{
    io::{self, Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

use milter_proto::codes;

/// When the filter answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// Each command.
    Each,
    /// The end of a message alone: it has asked to be sent everything else without an answer (`SMFIP_NR_*`).
    End,
}

/// What came from MAIL on over each connection, up to [`KEPT`] bytes, when it has said goodbye.
pub type Kept = Receiver<Vec<u8>>;

/// Serves connections until the program ends.
pub fn start(path: &Path, answers: Answers) -> io::Result<Kept> {
    let listener = UnixListener::bind(path)?;
    let (sender, kept) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let sender = sender.clone();
            // A generator that goes away is no failure.
            thread::spawn(move || serve(stream, answers, &sender).ok());
        }
    });
    Ok(kept)
}

fn serve(mut stream: UnixStream, answers: Answers, kept: &Sender<Vec<u8>>) -> io::Result<()> {
    let (mut buffer, mut start, mut end) = (vec![0; 128 * 1024], 0, 0);
    let mut out = Vec::new();
    let (mut is_greeted, mut seen) = (false, Vec::new());
    loop {
        while let Some((code, length)) = packet(&buffer[start..end]) {
            if code == codes::QUIT {
                return kept.send(seen).map_err(io::Error::other);
            }
            if is_greeted && seen.len() + length <= KEPT {
                seen.extend_from_slice(&buffer[start..start + length]);
            }
            match code {
                codes::NEGOTIATE => out.extend_from_slice(&agreement(answers)),
                codes::MACRO | codes::ABORT | codes::QUIT_NC => {}
                codes::BODY_EOB => out.extend_from_slice(CONTINUE),
                _ if answers == Answers::Each => out.extend_from_slice(CONTINUE),
                _ => {}
            }
            is_greeted |= code == codes::HELO;
            start += length;
        }
        if !out.is_empty() {
            stream.write_all(&out)?;
            out.clear();
        }
        buffer.copy_within(start..end, 0);
        (start, end) = (0, end - start);
        match stream.read(&mut buffer[end..])? {
            0 => return Ok(()),
            count => end += count,
        }
    }
}

/// Version 6, no edits, nothing declined.
fn agreement(answers: Answers) -> Vec<u8> {
    let steps = if answers == Answers::Each { 0 } else { NO_REPLIES };
    [b"\0\0\0\x0dO\0\0\0\x06\0\0\0\0".as_slice(), &u32::to_be_bytes(steps)].concat()
}

/// The code of the first packet and its whole length, if all of it is there.
fn packet(bytes: &[u8]) -> Option<(u8, usize)> {
    let (head, rest) = bytes.split_first_chunk::<4>()?;
    let length = u32::from_be_bytes(*head) as usize;
    Some((*rest.first()?, 4 + length)).filter(|(_, whole)| *whole <= bytes.len())
}

/// All of `SMFIP_NR_*`.
const NO_REPLIES: u32 = 0x000f_f080;

const CONTINUE: &[u8] = b"\0\0\0\x01c";

/// So much of a connection is kept: some messages.
const KEPT: usize = 4096;
