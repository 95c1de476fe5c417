//! The flags of `fake-mta serve`.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::{
    clock::Clock,
    profile::Personality,
    run::MilterAddr,
    scenario::{ProfileName, Unknown},
    settings::{FailureAction, FilterSettings, Settings},
};

/// Where to listen, and through which milters.
#[derive(Debug, Clone, clap::Args)]
pub struct ServeArgs {
    /// Where SMTP clients connect
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:2525", value_parser = listen_addr)]
    pub(super) smtp: SocketAddr,

    /// A milter, as unix:/path or inet:port@host; several are asked one after the other
    #[arg(long, short, value_name = "ADDR", required = true)]
    pub(super) milter: Vec<MilterAddr>,

    /// Which MTA to be: sendmail or postfix
    #[arg(long, short, value_name = "PROFILE", default_value = "postfix", value_parser = ProfileName::from_argument)]
    pub(super) profile: ProfileName,

    /// Where delivered messages go, each with its envelope above its header; without it they are only shown
    #[arg(long, value_name = "DIR")]
    pub(super) maildir: Option<PathBuf>,

    /// The MTA's own name
    #[arg(long, value_name = "NAME", default_value = "mx.example.com", value_parser = hostname)]
    pub(super) hostname: String,

    /// Offer AUTH PLAIN and LOGIN to this user; may be given again
    #[arg(long, value_name = "USER:PASSWORD", value_parser = login)]
    pub(super) auth: Vec<(String, String)>,

    /// Offer STARTTLS, with a certificate made at the start that nobody signed
    #[arg(long)]
    pub(super) starttls: bool,

    /// Ask clients for a certificate; any will do, and so will none
    #[arg(long, requires = "starttls")]
    pub(super) tls_ask_cert: bool,

    /// The authorities whose certificates count as verified, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_ask_cert")]
    pub(super) tls_ca: Option<PathBuf>,

    /// A macro about the handshake, whatever came of it, as in cert_subject=/CN=client or verify=OK; may be given again
    #[arg(long, value_name = "MACRO=VALUE", value_parser = tls_macro, requires = "starttls")]
    pub(super) tls_macro: Vec<(String, String)>,

    /// What is done when a milter fails
    #[arg(long, value_name = "ACTION", default_value = "tempfail", value_parser = failure_actions())]
    pub(super) default_action: FailureAction,

    /// How many clients are served at once; more are turned away with a 421
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = sessions())]
    pub(super) sessions: usize,

    /// Do not show the sessions
    #[arg(long, short)]
    pub(super) quiet: bool,
}

impl ServeArgs {
    pub(super) fn personality(&self) -> Personality {
        Personality::from_name(&self.profile.to_string()).unwrap_or(Personality::Postfix)
    }

    /// The settings of the MTA.
    pub(super) fn settings(&self) -> Settings {
        let mut filters: Vec<FilterSettings> =
            self.milter.iter().enumerate().map(|(index, addr)| self.filter(index, addr)).collect();
        let mut settings = Settings::new(&self.hostname, filters.remove(0));
        settings.filters.extend(filters);
        settings.clock = Clock::System;
        settings.process_id = std::process::id();
        settings.starttls = self.starttls;
        settings.error_limit = Some(ERROR_LIMIT);
        if !self.auth.is_empty() {
            settings.auth_mechanisms = Some("PLAIN LOGIN".to_owned());
            settings.credentials = Some(self.auth.clone());
        }
        settings
    }

    fn filter(&self, index: usize, addr: &MilterAddr) -> FilterSettings {
        let name = if index == 0 { "milter".to_owned() } else { format!("milter{}", index + 1) };
        FilterSettings { on_failure: self.default_action, ..FilterSettings::new(&name, &addr.to_string()) }
    }
}

fn login(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((user, password)) if !user.is_empty() => Ok((user.to_owned(), password.to_owned())),
        _ => Err("write USER:PASSWORD, as in alice:secret".to_owned()),
    }
}

/// An address with a port; a port alone, or one of `localhost`, is one of the loopback interface.
fn listen_addr(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix("localhost:").unwrap_or(text);
    let local = port.parse().map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    local.or_else(|_| text.parse()).map_err(|_| "write IP:PORT, as in 127.0.0.1:2525 or [::1]:2525".to_owned())
}

/// It stands in replies and header fields: there is no room for blanks and control characters in it.
fn hostname(text: &str) -> Result<String, String> {
    let is_name = |c: char| !c.is_whitespace() && !c.is_control();
    if text.is_empty() || !text.chars().all(is_name) {
        return Err("write a host name, as in mx.example.com".to_owned());
    }
    Ok(text.to_owned())
}

fn failure_actions() -> impl TypedValueParser<Value = FailureAction> {
    PossibleValuesParser::new(["accept", "reject", "tempfail"]).map(|word| match word.as_str() {
        "accept" => FailureAction::Accept,
        "reject" => FailureAction::Reject,
        _ => FailureAction::Tempfail,
    })
}

fn sessions() -> impl TypedValueParser<Value = usize> {
    clap::value_parser!(u32).range(1..=1_000_000).map(|count| usize::try_from(count).unwrap_or(usize::MAX))
}

fn tls_macro(text: &str) -> Result<(String, String), String> {
    let names =
        ["tls_version", "cipher", "cipher_bits", "cert_subject", "cert_issuer", "cn_subject", "cn_issuer", "verify"];
    let (name, value) = text.split_once('=').ok_or("write MACRO=VALUE")?;
    let name = name.trim_start_matches('{').trim_end_matches('}');
    if names.contains(&name) {
        return Ok((name.to_owned(), value.to_owned()));
    }
    let unknown = Unknown::new("macro", name, names);
    Err(format!("{unknown}, {}", unknown.help))
}

/// Postfix's default.
const ERROR_LIMIT: usize = 20;

/// The end of the help.
pub const HELP: &str = "\
Examples:
  fake-mta serve --milter inet:8891@127.0.0.1 --maildir /tmp/mail
  swaks --server 127.0.0.1:2525 --from alice@example.com --to bob@example.net
  smtp-source -m 100 -s 10 -f alice@example.com -t bob@example.net 127.0.0.1:2525

Sessions are shown as they go, each with its number: `C:` is the SMTP client, `S:` the MTA, `>` what
the MTA sent to the milter, `<` what came back, `L:` the MTA's log. Ctrl-C ends it.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_meant_is_refused_with_an_example() {
        for (typed, addr) in [
            ("127.0.0.1:0", "127.0.0.1:0"),
            ("localhost:25", "127.0.0.1:25"),
            ("25", "127.0.0.1:25"),
            ("[::1]:9", "[::1]:9"),
        ] {
            assert_eq!(listen_addr(typed), Ok(addr.parse().unwrap()));
        }
        for typed in ["", "mx.example.com:25", "127.0.0.1", "localhost", "70000", "::1"] {
            assert!(listen_addr(typed).unwrap_err().contains("as in 127.0.0.1:2525"), "{typed}");
        }
        for name in ["", "a b", "a\r\nb", "a\u{85}b"] {
            assert!(hostname(name).is_err(), "{name:?}");
        }
        assert!(login(":").is_err() && login(":x").is_err() && login("alice").is_err());
        assert_eq!(login("alice:"), Ok(("alice".to_owned(), String::new())));
    }
}
