//! `fake-mta record`: a proxy between a real MTA and a real milter, which writes down what goes through.
//! `fake-mta decode`: what is in such a record, a capture, or a pcap file.

#[cfg(test)]
mod again;
mod args;
mod capture;
mod decode;
mod files;
mod mta;
mod pcap;
mod proxy;
mod redact;
mod routes;
mod scenario;
mod seen;
mod story;
mod toml_text;

pub use args::{DECODE_HELP, DecodeArgs, RECORD_HELP, RecordArgs};
pub use decode::decode;
pub use proxy::record;

use milter_proto::{Command, Frame, Reply};

/// Something that went over one connection between an MTA and a milter.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    /// The MTA sent a packet.
    Sent(Frame),
    /// The milter sent one.
    Received(Frame),
    /// Somebody sent bytes that are no packet; true if it was the MTA.
    Raw(bool, Vec<u8>),
    /// Somebody closed its side; true if it was the MTA.
    Closed(bool),
}

impl Entry {
    /// About what it takes in memory, bytes.
    fn size(&self) -> usize {
        let bytes = match self {
            Self::Sent(frame) | Self::Received(frame) => frame.payload.len(),
            Self::Raw(_, bytes) => bytes.len(),
            Self::Closed(_) => 0,
        };
        size_of::<Self>() + bytes
    }

    /// The entry as a line of a transcript.
    fn line(&self) -> String {
        let malformed = |error: milter_proto::DecodeError| format!("malformed: {error}");
        match self {
            Self::Sent(frame) => {
                format!("> {}", Command::decode(frame).map_or_else(malformed, |command| command.to_string()))
            }
            Self::Received(frame) => {
                format!("< {}", Reply::decode(frame).map_or_else(malformed, |reply| reply.to_string()))
            }
            Self::Raw(from_mta, bytes) => format!("{} {} bytes that are no packet", arrow(*from_mta), bytes.len()),
            Self::Closed(from_mta) => format!("{} [close]", arrow(*from_mta)),
        }
    }
}

fn arrow(from_mta: bool) -> char {
    if from_mta { '>' } else { '<' }
}
