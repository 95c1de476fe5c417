//! The configuration as the daemon uses it: every value is valid.

use std::net::SocketAddr;
use std::time::Duration;

use milter::ListenAddr;
use spf::{Limits, MacroString};

use super::service::ServiceConfig;
use crate::exempt::Exemptions;
use crate::judge::{LocalRecords, ShownKeys};
use crate::policy::Policy;
use crate::resolver::DnsOptions;
use crate::template::Template;

/// What the configuration file says, or the defaults.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// Where the MTA connects.
    pub(crate) listen: ListenAddr,
    /// The name that headers and `%{r}` give as receiver; by default the MTA's macro `j`.
    pub(crate) hostname: Option<String>,
    /// The explanation of domains that publish none.
    pub(crate) default_explanation: Option<MacroString>,
    /// What is done with each result.
    pub(crate) policy: Policy,
    /// Whether the HELO name of mail with a sender is checked.
    pub(crate) check_helo: bool,
    /// The link that `%{why}` stands for.
    pub(crate) why_link: Option<Template>,
    /// Who is not judged, or not refused.
    pub(crate) exempt: Exemptions,
    /// Records of the administrator's own.
    pub(crate) records: Option<LocalRecords>,
    /// What is written into the headers of messages, and what is taken out.
    pub(crate) headers: HeaderStyles,
    /// How the DNS is asked.
    pub(crate) dns: DnsConfig,
    /// How the daemon runs.
    pub(crate) service: ServiceConfig,
    /// The limits of one check.
    pub(crate) limits: Limits,
}

/// What is written into the headers of messages, and what is taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HeaderStyles {
    /// How the Received-SPF field looks; none: there is none.
    pub(crate) received_spf: Option<ReceivedSpfStyle>,
    /// The comment of the Received-SPF field; none: the usual one.
    pub(crate) comment: Option<Template>,
    /// How the Authentication-Results field looks; none: there is none.
    pub(crate) authentication_results: Option<AuthenticationResultsStyle>,
    /// Who speaks in it; by default the receiver's name.
    pub(crate) authserv_id: Option<String>,
    /// What becomes of Received-SPF fields that a message came with.
    pub(crate) forged_received_spf: Forged,
    /// What becomes of Authentication-Results fields in our own name that a message came with.
    pub(crate) forged_authentication_results: Forged,
}

/// How the Received-SPF field looks and where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReceivedSpfStyle {
    /// Where the header goes.
    pub(crate) position: Position,
    /// How much it says.
    pub(crate) show: ShownKeys,
    /// Whether the identity that did not decide gets a field too.
    pub(crate) helo: bool,
}

/// How the Authentication-Results field looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AuthenticationResultsStyle {
    /// Whether senders are named whole, not by their domain alone.
    pub(crate) full_address: bool,
    /// Whether the directive that matched and its record are shown.
    pub(crate) evidence: bool,
}

/// What becomes of a field that pretends to be ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forged {
    /// It stays.
    Keep,
    /// It is taken out.
    Remove,
    /// It gets another name.
    Rename,
}

impl Forged {
    /// The configuration's words.
    pub(super) const WORDS: [(&'static str, Self); 3] =
        [("keep", Self::Keep), ("remove", Self::Remove), ("rename", Self::Rename)];
}

/// Where a header goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Position {
    /// Above all others, as RFC 7208 section 9.1 asks for: trace fields are read from the top.
    Insert,
    /// Where the MTA adds headers, most often below all others.
    Append,
}

impl Position {
    /// The configuration's words.
    pub(super) const WORDS: [(&'static str, Self); 2] = [("insert", Self::Insert), ("append", Self::Append)];
}

/// How the DNS is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DnsConfig {
    /// Recursive name servers in order of preference; none means those of `/etc/resolv.conf`.
    pub(crate) resolvers: Vec<SocketAddr>,
    /// Tries, cache, servers that are dead.
    pub(crate) options: DnsOptions,
    /// The time for all questions between one event of the MTA and its reply.
    pub(crate) budget: Duration,
    /// How long the MTA waits for a reply, if the administrator has said so.
    pub(crate) mta_timeout: Option<Duration>,
    /// What mail gets while no name server answers.
    pub(crate) outage: Outage,
}

/// What mail gets while no name server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outage {
    /// `temperror` at once.
    Temperror,
    /// `temperror` at once, and it is let through all the same.
    Accept,
    /// The servers are asked all the same, and each message waits for them.
    Wait,
}

impl Outage {
    /// The configuration's words.
    pub(super) const WORDS: [(&'static str, Self); 3] =
        [("temperror", Self::Temperror), ("accept", Self::Accept), ("wait", Self::Wait)];
}

/// Where the MTA connects if neither the file nor the command line says so.
pub(crate) const LISTEN_DEFAULT: &str = "unix:/run/spf-milter/spf-milter.sock";

/// The time for all questions between one event and its reply: less than the 10 s that a stock sendmail gives a filter
/// for one reply.
pub(crate) const BUDGET_DEFAULT: Duration = Duration::from_secs(8);

/// The longest such time: RFC 7208 section 4.6.4 asks for at least 20 s where a check is limited at all, and no MTA
/// waits much longer.
pub(crate) const BUDGET_MS_MAX: u32 = 20_000;
