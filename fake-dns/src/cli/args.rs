//! The arguments and their help.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::FaultRule;
use clap::{Parser, Subcommand, ValueEnum};
use zone::{Mode, Name};

/// A fake DNS server for tests: zones from files, faults by rule, a log of every question.
#[derive(Debug, Parser)]
#[command(name = "fake-dns", version, after_help = EXIT_CODES)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Answer questions from zone files, over UDP and TCP on one port.
    Serve(Serve),
    /// Read zone files and say what is wrong or odd in them.
    Check(Check),
}

#[derive(Debug, clap::Args)]
#[command(after_help = SERVE_EXAMPLES)]
pub(crate) struct Serve {
    /// A zone in master-file form (RFC 1035); several merge into one world.
    #[arg(long = "zone", value_name = "FILE", required = true)]
    pub(crate) zones: Vec<PathBuf>,
    /// The address for both UDP and TCP; port 0 takes a free one. The address taken is the first line of the output.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
    /// Something to do wrong: `NAME TYPE [udp|tcp] ACTION [first N | every N]`.
    #[arg(long = "fault", value_name = "RULE")]
    pub(crate) faults: Vec<FaultRule>,
    /// As what kind of server to answer.
    #[arg(long, value_enum, default_value_t = ModeArg::Recursive)]
    pub(crate) mode: ModeArg,
    /// Print each question and its answer on the standard output, one a line.
    #[arg(long)]
    pub(crate) log: bool,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

#[derive(Debug, clap::Args)]
#[command(after_help = CHECK_EXAMPLES)]
pub(crate) struct Check {
    /// Zones in master-file form (RFC 1035).
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Exit with 2 on warnings too.
    #[arg(long)]
    pub(crate) strict: bool,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

/// How zone files are read.
#[derive(Debug, clap::Args)]
pub(crate) struct Reading {
    /// What relative names are completed with before the first `$ORIGIN`.
    #[arg(long, value_name = "NAME", default_value = ".")]
    pub(crate) origin: Name,
    /// The TTL of records in a file that states none, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub(crate) ttl: u32,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ModeArg {
    /// Follows aliases across zones and knows the whole world: what is in no zone does not exist.
    Recursive,
    /// Knows its zones: refers to others at delegations, and refuses what is in no zone.
    Authoritative,
}

impl From<ModeArg> for Mode {
    fn from(mode: ModeArg) -> Self {
        match mode {
            ModeArg::Recursive => Self::Recursive,
            ModeArg::Authoritative => Self::Authoritative,
        }
    }
}

const EXIT_CODES: &str = "\
Exit codes:
  0   all well
  2   a file cannot be read, or has errors
  3   the address cannot be bound
  64  wrong usage";

const SERVE_EXAMPLES: &str = "\
Examples:
  fake-dns serve --zone talk.zone --listen 127.0.0.1:5353 --log
  fake-dns serve --zone talk.zone --fault 'example.com TXT drop first 1'
  fake-dns serve --zone talk.zone --fault '* ANY delay 200ms' --fault 'a.test MX servfail every 3'

Faults:
  NAME    example.com, *.example.com (all below it), or * (every name)
  TYPE    ANY, TXT, A,AAAA, or !TXT (all but TXT)
  ACTION  drop                          no answer
          delay TIME                    a late answer; TIME as 200ms, 2s, 1m
          rcode CODE                    CODE as SERVFAIL or a number up to 4095
          servfail, refused, formerr, notimp
          nxdomain, nodata              denied, with an SOA record
          truncate                      TC=1 over UDP
          wrong-id, wrong-question, wrong-owner, query-bit
          cut [BYTES]                   only so many bytes of the answer, or half
          raw [id+]HEX                  these bytes, the question's id before them
          duplicate [N]                 the answer N times, or twice
          tcp-reset, tcp-half           a connection that breaks
          tcp-drip [TIME]               a message byte by byte

The server runs until it gets SIGINT or SIGTERM.";

const CHECK_EXAMPLES: &str = "\
Examples:
  fake-dns check talk.zone
  fake-dns check --strict --origin example.com example.zone";
