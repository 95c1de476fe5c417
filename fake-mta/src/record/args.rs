//! The flags of `fake-mta record` and `fake-mta decode`.

use std::path::PathBuf;

use crate::run::MilterAddr;

/// Between which ends to stand, and where to write.
#[derive(Debug, Clone, clap::Args)]
pub struct RecordArgs {
    /// Where the MTA connects, as unix:/path or inet:port@host
    #[arg(long, value_name = "ADDR")]
    pub(super) listen: MilterAddr,

    /// The permissions of the Unix socket, in octal: 666 for an MTA that runs as another user
    #[arg(long, value_name = "MODE", value_parser = mode)]
    pub(super) mode: Option<u32>,

    /// Where the milter listens
    #[arg(long, short, value_name = "ADDR")]
    pub(super) milter: MilterAddr,

    /// Where the files go: for each connection NAME-1.json (the capture), NAME-1.toml (the scenario) and its messages
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(super) dir: PathBuf,

    /// What the files are called
    #[arg(long, value_name = "NAME", default_value = "session", value_parser = file_name)]
    pub(super) name: String,

    /// Put invented addresses, names and secrets in the place of the real ones, and leave bodies out
    #[arg(long)]
    pub(super) redact: bool,

    /// Do not show what goes through
    #[arg(long, short)]
    pub(super) quiet: bool,
}

fn mode(text: &str) -> Result<u32, String> {
    let mode = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o777);
    mode.ok_or_else(|| "write it in octal, as 660 or 666".to_owned())
}

fn file_name(text: &str) -> Result<String, String> {
    let is_name = !text.is_empty() && !text.starts_with('.') && !text.contains(|c: char| c == '/' || c.is_control());
    if is_name { Ok(text.to_owned()) } else { Err("that cannot begin the name of a file".to_owned()) }
}

/// What to decode.
#[derive(Debug, Clone, clap::Args)]
pub struct DecodeArgs {
    /// Captures (*.json, *.jsonl), pcap and pcapng files, or the bytes of one direction as they went over the wire; - is standard input
    #[arg(required = true)]
    pub(super) files: Vec<PathBuf>,
}

/// The end of the help of `record`.
pub const RECORD_HELP: &str = "\
Example:
  fake-mta record --listen inet:9900@127.0.0.1 --milter inet:8891@127.0.0.1 --dir seen

Let the MTA have 9900 in place of 8891, and send a message. Each connection becomes a capture, which
`fake-mta decode` shows, and a scenario with everything the milter answered, for `fake-mta run`.";

/// The end of the help of `decode`.
pub const DECODE_HELP: &str = "\
Examples:
  fake-mta decode seen/session-1.json
  tcpdump -i lo -w milter.pcap port 8891; fake-mta decode milter.pcap

`>` is what the MTA sent, `<` what the milter answered.";
