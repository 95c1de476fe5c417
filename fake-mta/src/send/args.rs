//! The flags of `fake-mta send`, which are swaks' where swaks has them.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use super::letter;
use crate::{
    client::{Client, ClientName},
    clock::Clock,
    diag::Diag,
    profile::Personality,
    run::{LOCAL_IPV4, LOCAL_IPV6, MilterAddr},
    scenario::{ProfileName, Unknown},
    settings::{FilterSettings, Settings, Timeouts},
    under_test::some_time,
};

/// One message, who sends it to whom, and through which milters.
#[derive(Debug, Clone, clap::Args)]
pub struct SendArgs {
    /// The message, headers and all; `-` reads it from standard input [default: a short one, made of --header and --body]
    #[arg(value_name = "MESSAGE")]
    pub(super) message: Option<PathBuf>,

    /// The milter, as unix:/path or inet:port@host; several are asked one after the other
    #[arg(long, short, value_name = "ADDR", required_unless_present_any = ["command", "suite"])]
    pub(super) milter: Vec<MilterAddr>,

    /// Start this milter, and stop it when the message is through; {listen}, {dns} and {dir} are filled in
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["milter", "suite"])]
    pub(super) command: Option<String>,

    /// Start the milter of this fake-mta.toml, or of the one in this folder
    #[arg(long, value_name = "FILE", conflicts_with = "milter")]
    pub(super) suite: Option<PathBuf>,

    /// Zone text for the DNS server of a milter that is started; may be given again
    #[arg(long, value_name = "FILE", conflicts_with = "milter")]
    pub(super) zone: Vec<PathBuf>,

    /// Which MTA to be: sendmail, postfix, or both side by side
    #[arg(long, short, value_name = "PROFILE", default_value = "postfix", value_parser = profiles)]
    pub(super) profile: Profiles,

    /// The sender's address; `<>` is the null sender
    #[arg(long, short, value_name = "ADDRESS", default_value = "sender@example.org")]
    pub(super) from: String,

    /// A recipient's address; may be given again, or several with commas
    #[arg(long, short, value_name = "ADDRESS", value_delimiter = ',', default_value = "rcpt@example.net")]
    pub(super) to: Vec<String>,

    /// The name that the client says in EHLO
    #[arg(long, value_name = "NAME", default_value = "mail.example.org")]
    pub(super) ehlo: String,

    /// The name that the client says in HELO, in place of EHLO
    #[arg(long, value_name = "NAME", conflicts_with = "ehlo")]
    pub(super) helo: Option<String>,

    /// The client's address
    #[arg(long, visible_alias = "client-ip", value_name = "IP", default_value = "192.0.2.10")]
    pub(super) ip: IpAddr,

    /// The client's name, as the MTA looked it up [default: it found none]
    #[arg(long, value_name = "NAME")]
    pub(super) client_name: Option<String>,

    /// A header field, in place of one of that name; may be given again
    #[arg(long, value_name = "NAME: VALUE")]
    pub(super) header: Vec<String>,

    /// A further header field; may be given again
    #[arg(long, value_name = "NAME: VALUE")]
    pub(super) add_header: Vec<String>,

    /// The body; `@FILE` reads it from a file
    #[arg(long, value_name = "TEXT")]
    pub(super) body: Option<String>,

    /// The client has authenticated as this user, by PLAIN
    #[arg(long, value_name = "USER")]
    pub(super) auth: Option<String>,

    /// The client has gone through STARTTLS
    #[arg(long)]
    pub(super) tls: bool,

    /// The value of a macro, in place of the MTA's; may be given again
    #[arg(long = "macro", value_name = "NAME=VALUE", value_parser = macro_value)]
    pub(super) macros: Vec<(String, String)>,

    /// The MTA's own name
    #[arg(long, value_name = "NAME", default_value = "mx.example.com")]
    pub(super) hostname: String,

    /// The MTA's clock, as `2026-11-22T12:00:00Z` [default: now]
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub(super) date: Option<Clock>,

    /// How long to wait for each answer of the milter [default: as the MTA does]
    #[arg(long, value_name = "TIME", value_parser = some_time)]
    pub(super) timeout: Option<Duration>,

    /// Show what the milter changed in message and envelope, in place of the message
    #[arg(long, short)]
    pub(super) diff: bool,

    /// Write the resulting message, or with --diff what the milter changed, and nothing else
    #[arg(long, short)]
    pub(super) quiet: bool,

    /// How many columns two profiles side by side may take [default: $COLUMNS, or 160]
    #[arg(long, value_name = "COLUMNS")]
    pub(super) width: Option<u16>,
}

/// Which MTAs to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Profiles {
    One(ProfileName),
    Both,
}

impl SendArgs {
    /// The MTAs to be, one after the other.
    pub(super) fn personalities(&self) -> Vec<Personality> {
        match &self.profile {
            Profiles::One(name) => Personality::from_name(&name.to_string()).into_iter().collect(),
            Profiles::Both => vec![Personality::Sendmail, Personality::Postfix],
        }
    }

    /// The message to send, with the lines as the author has them.
    pub(super) fn letter(&self) -> Result<Vec<u8>, Diag> {
        letter::compose(self)
    }

    /// The settings of the MTA, with the milters or without any.
    pub(super) fn settings(&self, with_filters: bool) -> Settings {
        let filters = self.milter.iter().enumerate().map(|(number, addr)| self.filter(number, addr));
        let mut filters: Vec<FilterSettings> = filters.collect();
        let first = filters.remove(0);
        let mut settings = Settings::new(&self.hostname, first);
        settings.filters.extend(filters);
        if !with_filters {
            settings.filters.clear();
        }
        settings.macro_values = self.macros.iter().cloned().collect();
        settings.clock = self.clock();
        settings
    }

    fn filter(&self, number: usize, addr: &MilterAddr) -> FilterSettings {
        let name = if number == 0 { "milter".to_owned() } else { format!("milter{}", number + 1) };
        let usual = FilterSettings::new(&name, &addr.to_string());
        match self.timeout {
            Some(limit) => {
                FilterSettings { timeouts: Timeouts { connect: limit, command: limit, content: limit }, ..usual }
            }
            None => usual,
        }
    }

    /// One moment for all sessions, with milters and without.
    pub(super) fn clock(&self) -> Clock {
        static START: std::sync::LazyLock<Clock> =
            std::sync::LazyLock::new(|| Clock::Fixed(Clock::System.unix_seconds()));
        self.date.unwrap_or_else(|| *START)
    }

    pub(super) fn client(&self) -> Client {
        let name = self.client_name.clone().map_or(ClientName::Missing, ClientName::Verified);
        let local: IpAddr = if self.ip.is_ipv4() { LOCAL_IPV4.into() } else { LOCAL_IPV6.into() };
        Client { addr: Some(self.ip), port: CLIENT_PORT, name, local_addr: Some(local) }
    }

    pub(super) fn width(&self) -> usize {
        let terminal = || std::env::var("COLUMNS").ok()?.parse().ok();
        usize::from(self.width.or_else(terminal).unwrap_or(160)).max(MIN_WIDTH)
    }
}

fn profiles(text: &str) -> Result<Profiles, String> {
    if text == "both" {
        return Ok(Profiles::Both);
    }
    text.parse().map(Profiles::One).map_err(|unknown: Unknown| format!("{unknown}, {}", unknown.help))
}

fn macro_value(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.trim_matches(['{', '}']).to_owned(), value.to_owned()))
}

fn date(text: &str) -> Result<Clock, String> {
    Clock::parse(text).ok_or_else(|| "write a date with time and zone: 2026-11-22T12:00:00Z".to_owned())
}

/// The end of the help.
pub const HELP: &str = "\
Start your milter first, with `--listen inet:8891@127.0.0.1` say, or let --command or --suite do it;
or be one with `fake-mta filter`.

Examples:
  fake-mta send -m inet:8891@127.0.0.1 --from alice@example.com --to bob@example.net
  fake-mta send -m unix:/run/my.sock --ip 203.0.113.7 --header 'Subject: win' --diff
  fake-mta send -m inet:8891@127.0.0.1 --profile both letter.eml
  fake-mta send --command './my-milter {listen}' --diff letter.eml
  fake-mta send --suite scenarios --zone example.com.zone --from alice@example.com
  fake-mta send -m inet:8891@127.0.0.1 -q - <letter.eml >as-delivered.eml

In the transcript `C:` is the SMTP client, `S:` the MTA, `>` what the MTA sent to the milter,
`<` what came back, `L:` the MTA's log.

Exit codes:
  0 the MTA took the message (delivered, held or discarded)   1 it was refused
  2 a file cannot be read   3 no connection to the milter   5 no answer in time
  4 the milter broke the protocol or went away   64 wrong usage";

const CLIENT_PORT: u16 = 40_000;

/// Two columns of words need so much.
const MIN_WIDTH: usize = 60;
