//! What the administrator of the MTA has set.

use std::{
    collections::BTreeMap,
    fmt,
    net::IpAddr,
    sync::{Arc, atomic::AtomicU32},
    time::Duration,
};

use milter_proto::{MacroStage, Protocol};

use crate::{clock::Clock, message::Delivered};

/// The MTA's configuration, as far as a filter or an SMTP client can see it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The MTA's own name: sendmail's `$j`, Postfix's `myhostname`.
    pub hostname: String,
    /// The name of the interface that the client reached; `None`: its address in brackets.
    pub interface_name: Option<String>,
    /// The filters, in the order in which they are asked.
    pub filters: Vec<FilterSettings>,
    /// The filters of mail that does not come over SMTP: Postfix's `non_smtpd_milters`.
    pub local_filters: Vec<FilterSettings>,
    /// The highest protocol version that is offered; `None` is the MTA's own.
    pub protocol_version: Option<u32>,
    /// Flags that are offered to filters beside those of the version: the words of Postfix's `milter_protocol`.
    pub protocol_flags: Protocol,
    /// Macros that go with commands that the MTA does not know: `milter_unknown_command_macros`; Postfix only.
    pub unknown_macros: Vec<String>,
    /// Values of macros that have none, by name without braces: `milter_macro_defaults`; Postfix only.
    pub macro_defaults: BTreeMap<String, String>,
    /// Refusals are for now alone, whoever they come from: Postfix's `soft_bounce`.
    pub soft_bounce: bool,
    /// The banner behind its code, if it is not the usual one: Postfix's `smtpd_banner`.
    pub banner: Option<String>,
    /// Missing header fields are generated for every client: Postfix's `always_add_missing_headers`.
    pub always_adds_headers: bool,
    /// Macro lists that differ from the MTA's default ones.
    pub macro_lists: BTreeMap<MacroStage, Vec<String>>,
    /// Macro values that differ from what the MTA would send, by name without braces.
    pub macro_values: BTreeMap<String, String>,
    /// The same for one address alone: by name without braces, then by the sender's address (`mail_…`) or the recipient's
    /// (`rcpt_…`) in lower case.
    pub macro_values_of: BTreeMap<String, BTreeMap<String, String>>,
    /// Which recipients are taken.
    pub recipients: RecipientRules,
    /// Which sender domains exist; `None` takes every sender, as sendmail's `FEATURE(accept_unresolvable_domains)` does.
    pub sender_domains: Option<DomainCheck>,
    /// `[host]` or `[host]:port` that all mail for others is sent to; `None` sends to the recipient's domain.
    pub relay_host: Option<String>,
    /// The mechanisms that EHLO offers for AUTH; `None` offers no AUTH.
    pub auth_mechanisms: Option<String>,
    /// User and password of those who may authenticate themselves; `None` believes everybody.
    pub credentials: Option<Vec<(String, String)>>,
    /// Addresses of this host beside the loopback ones and the one that the client reached: a client there is a local one.
    pub own_addresses: Vec<IpAddr>,
    /// Clients that may say who the real client is: Postfix's `smtpd_authorized_xclient_hosts`.
    pub xclient_hosts: Vec<IpAddr>,
    /// Clients that may say who their client was: Postfix's `smtpd_authorized_xforward_hosts`.
    pub xforward_hosts: Vec<IpAddr>,
    /// The next hop takes messages with international addresses and header fields, RFC 6531.
    pub next_hop_smtputf8: bool,
    /// EHLO offers STARTTLS.
    pub starttls: bool,
    /// Postfix's `smtpd_hard_error_limit`: after so many refused commands the session ends. `None` is without end.
    pub error_limit: Option<usize>,
    /// Postfix's `message_size_limit`, bytes; 0 is without end. `None` is its default.
    pub message_size_limit: Option<usize>,
    /// Postfix's `smtpd_recipient_limit`: so many recipients a message may have. `None` is its default.
    pub recipient_limit: Option<usize>,
    /// The form of the log lines.
    pub log_style: LogStyle,
    /// Where dates come from.
    pub clock: Clock,
    /// The process that serves the session: a part of its queue ids, so that those of two sessions differ.
    pub process_id: u32,
    /// The queue id of the first message; the others are made up.
    pub first_queue_id: Option<String>,
    /// How many queue ids were given, for sessions that share it: all of theirs differ. `None`: each session counts for itself.
    pub queue_serial: Option<Arc<AtomicU32>>,
    /// Where messages are kept before the client is told that they are; `None` keeps nothing.
    pub store: Option<Store>,
}

/// One filter, as the MTA's configuration names it.
#[derive(Debug, Clone)]
pub struct FilterSettings {
    /// The NAME of sendmail's `INPUT_MAIL_FILTER`.
    pub name: String,
    /// The address as Postfix's log shows it: `inet:127.0.0.1:9900`.
    pub address: String,
    /// What a failing filter means; `None` is the MTA's own default.
    pub on_failure: FailureAction,
    /// How long to wait for it.
    pub timeouts: Timeouts,
}

impl FilterSettings {
    /// A filter called `name`, reached at `address`, with usual time-outs; if it fails, the mail has to wait.
    pub fn new(name: &str, address: &str) -> Self {
        let seconds = Duration::from_secs;
        Self {
            name: name.to_owned(),
            address: address.to_owned(),
            on_failure: FailureAction::Tempfail,
            timeouts: Timeouts { connect: seconds(30), command: seconds(30), content: seconds(300) },
        }
    }
}

/// What the MTA does when a filter fails: sendmail's `F=`, Postfix's `milter_default_action`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureAction {
    /// Go on as if there were no filter: sendmail without a flag.
    Accept,
    /// Refuse for good: `F=R`.
    Reject,
    /// Refuse for now: `F=T`.
    Tempfail,
    /// Refuse for now and close the SMTP connection: `F=4`.
    Shutdown,
    /// Keep the mail in the hold queue; Postfix only.
    Quarantine,
}

/// How long the MTA waits for a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// To connect: sendmail's `C`, `milter_connect_timeout`.
    pub connect: Duration,
    /// To read one answer, and to send one packet: sendmail's `R` and `S`, `milter_command_timeout`.
    pub command: Duration,
    /// sendmail's `E`: all answers at the end of a message. `milter_content_timeout`: each answer from the first header field on.
    pub content: Duration,
}

/// Which recipients the MTA takes.
#[derive(Debug, Clone, Default)]
pub struct RecipientRules {
    /// Domains whose recipients are delivered on this host; empty: only the host's own name.
    pub local_domains: Vec<String>,
    /// Domains that mail is relayed for; `None` relays for everybody.
    pub relay_domains: Option<Vec<String>>,
    /// Users of the local domains; `None`: every name is a user.
    pub local_users: Option<Vec<String>>,
    /// Recipients that are unknown whatever else holds.
    pub unknown: Vec<String>,
    /// Recipients that are refused by an access table, each with the reply: `550 5.1.1 no such user`. Only Postfix looks here.
    pub refused: Vec<(String, String)>,
    /// Clients that may send to everybody: Postfix's `mynetworks`, sendmail's access map with `RELAY`.
    pub trusted_clients: Vec<IpAddr>,
}

/// The form of the log lines about filters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogStyle {
    /// As the profile's version writes them at its most talkative.
    #[default]
    Current,
    /// Without the filter's name and without the `milter=` lines, as sendmail 8.12 wrote them.
    Old,
}

impl Settings {
    /// The settings of a host of that name with one filter called `filter`, and otherwise the MTA's defaults.
    pub fn new(hostname: &str, filter: FilterSettings) -> Self {
        Self {
            hostname: hostname.to_owned(),
            interface_name: Some(hostname.to_owned()),
            filters: vec![filter],
            protocol_version: None,
            protocol_flags: Protocol::NONE,
            unknown_macros: Vec::new(),
            macro_defaults: BTreeMap::new(),
            soft_bounce: false,
            banner: None,
            always_adds_headers: false,
            macro_lists: BTreeMap::new(),
            macro_values: BTreeMap::new(),
            macro_values_of: BTreeMap::new(),
            recipients: RecipientRules::default(),
            sender_domains: None,
            relay_host: None,
            local_filters: Vec::new(),
            auth_mechanisms: None,
            credentials: None,
            own_addresses: Vec::new(),
            xclient_hosts: Vec::new(),
            xforward_hosts: Vec::new(),
            next_hop_smtputf8: true,
            starttls: false,
            error_limit: None,
            message_size_limit: None,
            recipient_limit: None,
            log_style: LogStyle::default(),
            clock: Clock::default(),
            process_id: 4242,
            first_queue_id: None,
            queue_serial: None,
            store: None,
        }
    }
}

/// Whether a domain has an address or a mail exchanger in the DNS.
#[derive(Clone)]
pub struct DomainCheck(Arc<dyn Fn(&str) -> bool + Send + Sync>);

impl DomainCheck {
    /// Asks `exists`.
    pub fn new(exists: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(exists))
    }
}

impl fmt::Debug for DomainCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DomainCheck")
    }
}

/// The disk that the MTA's queue is on.
#[derive(Clone)]
pub struct Store(Arc<dyn Fn(&Delivered) -> bool + Send + Sync>);

impl Store {
    /// Keeps messages with `keep`, which returns false if it could not.
    pub fn new(keep: impl Fn(&Delivered) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(keep))
    }

    /// Keeps a message; false if that failed.
    pub(crate) fn keep(&self, delivered: &Delivered) -> bool {
        (self.0)(delivered)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

/// What the MTA makes of a recipient's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    /// Delivered on this host.
    Local,
    /// Sent on.
    Relay,
    /// No such user here.
    Unknown,
    /// Not for us, and we relay for others only.
    Denied,
}

impl Settings {
    /// What becomes of mail for `address`.
    pub(crate) fn route(&self, address: &[u8]) -> Route {
        let text = String::from_utf8_lossy(address);
        let rules = &self.recipients;
        if rules.unknown.iter().any(|unknown| unknown.eq_ignore_ascii_case(&text)) {
            return Route::Unknown;
        }
        let (user, domain) = text.rsplit_once('@').unwrap_or((&text, &self.hostname));
        if self.is_local(domain) {
            let known = rules.local_users.as_ref().is_none_or(|users| users.iter().any(|name| name == user));
            return if known { Route::Local } else { Route::Unknown };
        }
        match &rules.relay_domains {
            Some(domains) if !domains.iter().any(|relayed| relayed.eq_ignore_ascii_case(domain)) => Route::Denied,
            _ => Route::Relay,
        }
    }

    /// The reply that an access table has for the recipient.
    pub(crate) fn access_refusal(&self, address: &[u8]) -> Option<&str> {
        let text = String::from_utf8_lossy(address);
        let found = self.recipients.refused.iter().find(|(refused, _)| refused.eq_ignore_ascii_case(&text));
        found.map(|(_, reply)| reply.as_str())
    }

    /// Whether user and password are good.
    pub(crate) fn accepts_login(&self, user: &str, password: &str) -> bool {
        let Some(credentials) = &self.credentials else { return true };
        credentials.iter().any(|(known, secret)| known == user && secret == password)
    }

    /// Whether the sender's domain exists, as far as the MTA looks. The null sender and local names always do.
    pub(crate) fn sender_exists(&self, address: &[u8]) -> bool {
        let (Some(check), Some(domain)) = (&self.sender_domains, crate::smtp::domain_of(address)) else { return true };
        let domain = String::from_utf8_lossy(domain);
        self.is_local(&domain) || (check.0)(&domain)
    }

    /// Whether mail for `domain` is delivered on this host.
    pub(crate) fn is_local(&self, domain: &str) -> bool {
        domain.eq_ignore_ascii_case(&self.hostname)
            || self.recipients.local_domains.iter().any(|local| local.eq_ignore_ascii_case(domain))
    }
}
