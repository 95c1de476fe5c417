//! The command line.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use milter::ListenAddr;
use nix::unistd::{Group, User};

use crate::config::{parse_group, parse_listen, parse_path, parse_resolver, parse_user};

/// Where packages put the configuration.
const CONFIG_USUAL: &str = "/etc/spf-milter/spf-milter.toml";

/// An SPF milter for sendmail and Postfix (RFC 7208).
#[derive(Debug, Parser)]
#[command(name = "spf-milter", version, about, after_help = EXAMPLES)]
#[command(args_conflicts_with_subcommands = true, subcommand_help_heading = "Commands")]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) run: RunArgs,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Serve the MTA (what happens without a command)
    Run(RunArgs),
    /// Check one client and sender, and say what comes out and why
    Check(CheckArgs),
    /// Look for mistakes in an SPF record
    Lint(LintArgs),
    /// Say whether a configuration file is good, or what is wrong with it
    ConfigCheck(ConfigCheckArgs),
}

#[derive(Args, Debug)]
pub(super) struct RunArgs {
    /// Configuration file; without one all settings have safe defaults
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Where the MTA connects: unix:/path, inet:port@host or inet6:port@host [overrides `listen`]
    #[arg(long, value_name = "ADDR", value_parser = parse_listen)]
    pub(super) listen: Option<ListenAddr>,
    /// Recursive name server; give it again for a second one [overrides `resolver`]
    #[arg(long, value_name = "IP:PORT", value_parser = parse_resolver)]
    pub(super) resolver: Vec<SocketAddr>,
    /// Who to become once the sockets are there: a name or a number [overrides `process.user`]
    #[arg(long, value_name = "USER", value_parser = parse_user)]
    pub(super) user: Option<User>,
    /// The group, if it is not that of the user [overrides `process.group`]
    #[arg(long, value_name = "GROUP", value_parser = parse_group)]
    pub(super) group: Option<Group>,
    /// Where to write the number of the process [overrides `process.pid_file`]
    #[arg(long, value_name = "FILE", value_parser = parse_path)]
    pub(super) pid_file: Option<PathBuf>,
}

#[derive(Args, Debug)]
#[command(after_help = CONFIG_CHECK_HELP)]
pub(super) struct ConfigCheckArgs {
    /// The configuration file
    #[arg(value_name = "FILE", default_value = CONFIG_USUAL)]
    pub(super) file: PathBuf,
    /// Print the configuration as it is in force, with the defaults
    #[arg(long)]
    pub(super) print: bool,
    /// Treat warnings as errors
    #[arg(long)]
    pub(super) strict: bool,
}

#[derive(Args, Debug)]
#[command(after_help = CHECK_HELP)]
pub(super) struct CheckArgs {
    /// Address of the SMTP client
    #[arg(long, value_name = "IP")]
    pub(super) ip: IpAddr,
    /// Envelope sender; <> or an empty text for the null sender, which is checked as postmaster at the HELO name
    #[arg(long, value_name = "ADDR", required_unless_present = "helo")]
    pub(super) mail_from: Option<String>,
    /// Name from HELO or EHLO; alone it is the identity to check [default: the sender's domain]
    #[arg(long, value_name = "NAME")]
    pub(super) helo: Option<String>,
    /// Name of the receiving host, for the header and %{r} [default: this host's name]
    #[arg(long, value_name = "NAME")]
    pub(super) receiver: Option<String>,
    #[command(flatten)]
    pub(super) dns: DnsArgs,
    /// Draw the evaluation as a tree: terms, DNS questions and answers, counts, times
    #[arg(long)]
    pub(super) explain: bool,
    /// Write JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args, Debug)]
#[command(after_help = LINT_HELP)]
pub(super) struct LintArgs {
    /// A domain, or a record such as "v=spf1 mx -all"
    #[arg(value_name = "DOMAIN|RECORD")]
    pub(super) subject: String,
    /// The domain that a record given as text is for: %{d} and bare a, mx and ptr mean it
    #[arg(long, value_name = "NAME")]
    pub(super) domain: Option<String>,
    #[command(flatten)]
    pub(super) dns: DnsArgs,
    /// Treat warnings as errors
    #[arg(long)]
    pub(super) strict: bool,
    /// Write JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args, Debug)]
pub(super) struct DnsArgs {
    /// Recursive name server to ask [default: those of /etc/resolv.conf]
    #[arg(long, value_name = "IP:PORT", value_parser = parse_resolver, conflicts_with = "zone")]
    pub(super) resolver: Vec<SocketAddr>,
    /// Ask nobody: answer from this zone file
    #[arg(long, value_name = "FILE")]
    pub(super) zone: Vec<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  spf-milter --config /etc/spf-milter/spf-milter.toml
  spf-milter config-check --print
  spf-milter --listen inet:8891@127.0.0.1 --resolver 127.0.0.1:53
  spf-milter check --ip 192.0.2.1 --mail-from alice@example.com --explain
  spf-milter lint example.com

A configuration file:
  listen = \"unix:/run/spf-milter/spf-milter.sock\"
  reject_text = \"%{o} does not let %{c} send its mail; see https://www.example.com/spf?from=%{S}\"
  received_spf = { position = \"insert\", keys = true }
  [policy]
  fail = { action = \"reject\", code = 550, enhanced = \"5.7.23\" }
  softfail = \"accept\"

Signals:
  TERM, INT  stop when the messages under way are done; once more: now
  HUP        read the configuration again; a broken one changes nothing
  USR1       write the state into the log

Exit codes: 0 stopped by a signal, 2 the configuration is wrong, 3 the address cannot be listened
  on or the pid file not written, 4 the user cannot be changed to, 64 usage";

const CONFIG_CHECK_HELP: &str = "\
What works and may not be meant so is a warning: on stderr here, in the log of the daemon.

Exit codes: 0 it is good, 1 warnings and --strict, 2 it is wrong or cannot be read, 64 usage,
  74 the output cannot be written";

const CHECK_HELP: &str = "\
Exit codes: 0 pass, 1 fail, 2 softfail, 3 neutral, 4 none, 5 permerror, 6 temperror,
  10 a zone file or the resolver's set-up is wrong, 64 usage, 74 the output cannot be written";

const LINT_HELP: &str = "\
Exit codes: 0 nothing worse than advice, 1 warnings and --strict, 2 errors,
  10 the record could not be looked up, or a zone file is wrong, 64 usage, 74 the output cannot be written

At most 50 findings of each severity are shown; the counts are of all.

JSON: findings [severity (error, warning, advice), code, what, advice, record, start, end], records [domain, text],
  counts, lookups, voids_ipv4, voids_ipv6, complete. A finding's record is the number of one of the records, counted
  from 0, and start and end are the bytes in its text; all three are null where it is about the domain.";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_example_configuration_is_valid() {
        let (_, after) = EXAMPLES.split_once("A configuration file:\n").unwrap();
        let (example, _) = after.split_once("\n\nSignals").unwrap();
        crate::config::Config::parse("the example", example).unwrap_or_else(|problems| panic!("{problems}"));
    }

    #[test]
    fn run_is_the_default_command() {
        let cli = Cli::try_parse_from(["spf-milter", "--config", "x.toml", "--resolver", "127.0.0.1:53"]).unwrap();
        assert!(cli.command.is_none());
        assert_eq!(cli.run.config, Some(PathBuf::from("x.toml")));
        let cli = Cli::try_parse_from(["spf-milter", "run", "--listen", "inet:8891@127.0.0.1"]).unwrap();
        assert!(matches!(cli.command, Some(Command::Run(RunArgs { listen: Some(_), .. }))));
    }
}
