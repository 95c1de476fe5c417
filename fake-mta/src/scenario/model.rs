//! What a scenario file says, as the player reads it: resolved, for one variant and one case.

use std::{collections::BTreeMap, fmt, net::IpAddr, ops::Deref, sync::Arc, time::Duration};

use zone::{ParseOptions, Record};

use super::{dialogue::Line, profile_name::ProfileName, wire::Wire};
use crate::{
    clock::Clock,
    diag::{Source, Span},
};

/// One scenario as it is to be played: variant and case are already filled in.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The file it was read from.
    pub source: Arc<Source>,
    /// Its name; with ` / variant` and ` / case` behind it where the file has them.
    pub name: Located<String>,
    /// The variant's part of the name.
    pub variant: Option<String>,
    /// The case's part of the name.
    pub case: Option<String>,
    /// Sections it shows, such as `7208#8.4`.
    pub rfc: Vec<Located<String>>,
    /// Free words to group scenarios by.
    pub tags: Vec<Located<String>>,
    /// What the author has to say about it.
    pub note: Option<Located<String>>,
    /// Why sendmail and Postfix part in it.
    pub differs: Option<Located<String>>,
    /// In what the milter is known to differ from what the scenario expects, as standards do.
    pub known_deviations: Vec<KnownDeviation>,
    /// The sessions with what comes instead where a deviation is known; `None` is whatever differs.
    pub instead: Option<Vec<Session>>,
    /// The zone, its faults and the expected journal.
    pub dns: Dns,
    /// The MTA and what its administrator set.
    pub mta: Mta,
    /// What this scenario hands to the milter under test.
    pub milter: MilterSection,
    /// Further milters, in the order in which the MTA asks them.
    pub more_milters: Vec<MilterSection>,
    /// The messages that `C: [message NAME]` sends.
    pub messages: BTreeMap<String, Message>,
    /// The SMTP connections, played one after the other.
    pub sessions: Vec<Session>,
}

impl Scenario {
    /// The file's path as messages name it.
    pub fn path(&self) -> &std::path::Path {
        self.source.path()
    }

    /// Its name without variant and case.
    pub fn own_name(&self) -> &str {
        let parts = self.case.iter().chain(&self.variant);
        parts.fold(self.name.as_str(), |name, part| {
            name.strip_suffix(part.as_str()).and_then(|name| name.strip_suffix(" / ")).unwrap_or(name)
        })
    }

    /// In what the milter is known to differ in a profile.
    pub fn known_deviation(&self, profile: &ProfileName) -> Option<&Located<String>> {
        let holds = |known: &&KnownDeviation| known.only.as_ref().is_none_or(|only| profile.is_a(only));
        self.known_deviations.iter().find(holds).map(|known| &known.reason)
    }
}

/// Something that the milter is known to do otherwise than the scenario expects.
#[derive(Clone, Debug)]
pub struct KnownDeviation {
    /// The profile in which it does; `None` is all.
    pub only: Option<ProfileName>,
    /// What it does.
    pub reason: Located<String>,
}

/// One run: a scenario in one profile.
#[derive(Clone, Debug)]
pub struct Unit {
    /// What to play.
    pub scenario: Arc<Scenario>,
    /// As which MTA.
    pub profile: ProfileName,
}

impl Unit {
    /// The stable name that lists, filters and reports use: `NAME [PROFILE]`.
    pub fn name(&self) -> String {
        format!("{} [{}]", self.scenario.name, self.profile)
    }
}

/// A value and the place where the file says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located<T> {
    /// What was read.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

impl<T> Located<T> {
    /// Joins a value to its place.
    pub fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

impl<T> Deref for Located<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: fmt::Display> fmt::Display for Located<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

/// The `[dns]` table.
#[derive(Clone, Debug, Default)]
pub struct Dns {
    /// Zone text: the files of `include` first, then the `zone` block.
    pub zones: Vec<ZoneText>,
    /// `recursive`, or as authoritative servers answer.
    pub mode: DnsMode,
    /// Rules in `fake_dns`'s fault notation, one each.
    pub faults: Vec<Located<String>>,
    /// The exact journal, `name TYPE` each; `None` is not checked.
    pub expect: Option<Located<Vec<Located<String>>>>,
}

impl Dns {
    /// The records of all zones. Text with errors does not come so far: it was refused when the scenario was read.
    pub(crate) fn records(&self) -> impl Iterator<Item = Record> {
        self.zones.iter().flat_map(|zone| zone::parse(&zone.text, &ParseOptions::default()).unwrap_or_default())
    }
}

/// Master-file text and where it begins.
#[derive(Clone, Debug)]
pub struct ZoneText {
    /// The text, with `\n` line ends.
    pub text: String,
    /// The place of its first byte to its last.
    pub span: Span,
}

/// How the fake DNS server answers (`[dns] mode`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DnsMode {
    /// As a resolver: CNAME chase across zones, RA=1.
    #[default]
    Recursive,
    /// As the servers of its zones.
    Authoritative,
}

impl DnsMode {
    /// Both, with the word the file has for each.
    pub const ALL: [(&'static str, Self); 2] = [("recursive", Self::Recursive), ("authoritative", Self::Authoritative)];
}

impl From<DnsMode> for zone::Mode {
    fn from(mode: DnsMode) -> Self {
        match mode {
            DnsMode::Recursive => Self::Recursive,
            DnsMode::Authoritative => Self::Authoritative,
        }
    }
}

/// The `[mta]` table: what an administrator of the real MTA could set. `None` and empty mean the profile's own default.
#[derive(Clone, Debug, Default)]
pub struct Mta {
    /// The profiles it runs in; at least one.
    pub profiles: Vec<Located<ProfileName>>,
    /// `j` in sendmail, `myhostname` in Postfix.
    pub hostname: Option<Located<String>>,
    /// The milter's name in the MTA's configuration, the `NAME` of `INPUT_MAIL_FILTER(`NAME', …)`.
    pub filter: Option<Located<String>>,
    /// The macro list of a stage, as in `confMILTER_MACROS_CONNECT` or `milter_connect_macros`; an empty list sends none.
    pub macros: BTreeMap<MacroStage, Located<String>>,
    /// Values of macros, by name (with or without braces), that override what the profile would send.
    pub macro_values: BTreeMap<String, Located<String>>,
    /// The same for one address alone: by name without braces, then by the address as the file has it.
    pub macro_values_of: BTreeMap<String, BTreeMap<String, Located<String>>>,
    /// Time-outs.
    pub timeouts: Timeouts,
    /// What a failing milter means: sendmail's `F=`, Postfix's `milter_default_action`.
    pub default_action: Option<Located<DefaultAction>>,
    /// The highest milter protocol version the MTA offers.
    pub protocol_version: Option<Located<u32>>,
    /// Which form the sendmail profile's log lines have.
    pub log_format: LogFormat,
    /// The domains the MTA takes mail for (class `w`, `mydestination`); `None` accepts every recipient.
    pub local_domains: Option<Vec<Located<String>>>,
    /// The domains it relays for when `local_domains` is set.
    pub relay: Vec<Located<String>>,
    /// Recipients that it refuses as unknown, as `user@domain`.
    pub unknown_recipients: Vec<Located<String>>,
    /// Whether a sender's domain must have an A or MX record; `false` is sendmail's `FEATURE(accept_unresolvable_domains)`.
    pub resolve_sender_domains: bool,
    /// The moment in which the MTA lives: what it writes into headers, banners and queue ids.
    pub date: Option<Located<Clock>>,
    /// The queue id, macro `{i}`, of the first message.
    pub queue_id: Option<Located<String>>,
}

/// A stage that has a macro list of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MacroStage {
    /// `confMILTER_MACROS_CONNECT`, `milter_connect_macros`.
    Connect,
    /// `confMILTER_MACROS_HELO`, `milter_helo_macros`.
    Helo,
    /// `confMILTER_MACROS_ENVFROM`, `milter_mail_macros`.
    Mail,
    /// `confMILTER_MACROS_ENVRCPT`, `milter_rcpt_macros`.
    Rcpt,
    /// `confMILTER_MACROS_DATA`, `milter_data_macros`.
    Data,
    /// `confMILTER_MACROS_EOH`, `milter_end_of_header_macros`.
    Eoh,
    /// `confMILTER_MACROS_EOM`, `milter_end_of_data_macros`.
    Eom,
}

impl MacroStage {
    /// All stages, with the word the file has for each.
    pub const ALL: [(&'static str, Self); 7] = [
        ("connect", Self::Connect),
        ("helo", Self::Helo),
        ("mail", Self::Mail),
        ("rcpt", Self::Rcpt),
        ("data", Self::Data),
        ("eoh", Self::Eoh),
        ("eom", Self::Eom),
    ];
}

/// `[mta.timeouts]`: sendmail's `T=C:…;S:…;R:…;E:…`. Postfix's `command` sets `send` and `read`, its `content` sets `eom`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// To connect and negotiate.
    pub connect: Option<Duration>,
    /// To send one packet.
    pub send: Option<Duration>,
    /// To read one answer.
    pub read: Option<Duration>,
    /// From the end of the message to its last answer.
    pub eom: Option<Duration>,
}

/// What the MTA does when the milter fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultAction {
    /// Go on as if there were no milter.
    Accept,
    /// Refuse for good (`F=R`).
    Reject,
    /// Refuse for now (`F=T`).
    Tempfail,
    /// Refuse for now and close the connection (`F=4`).
    Shutdown,
    /// Keep in the hold queue (Postfix).
    Quarantine,
}

impl DefaultAction {
    /// All actions, with the word the file has for each; sendmail's flag letters are understood too.
    pub const ALL: [(&'static str, Self); 8] = [
        ("accept", Self::Accept),
        ("reject", Self::Reject),
        ("tempfail", Self::Tempfail),
        ("shutdown", Self::Shutdown),
        ("quarantine", Self::Quarantine),
        ("R", Self::Reject),
        ("T", Self::Tempfail),
        ("4", Self::Shutdown),
    ];
}

/// The form of the sendmail profile's log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// `Milter (name) add: …` and the `milter=name, action=…` lines of LogLevel 14.
    #[default]
    Current,
    /// `Milter add: …`, without the name and without the `milter=` lines, as sendmail 8.12 wrote them.
    Old,
}

impl LogFormat {
    /// Both, with the word the file has for each.
    pub const ALL: [(&'static str, Self); 2] = [("current", Self::Current), ("old", Self::Old)];
}

/// What a scenario says to the milter under test.
#[derive(Clone, Debug, Default)]
pub struct MilterSection {
    /// `[milter.config]` of the scenario itself; it is laid over the suite's when the milter is started.
    pub config: Option<toml::Table>,
    /// Further arguments behind the suite's command; placeholders allowed.
    pub args: Vec<Located<String>>,
    /// Further environment; placeholders allowed.
    pub env: BTreeMap<String, Located<String>>,
    /// Its name in the MTA's configuration, if it is one of several.
    pub name: Option<Located<String>>,
    /// What its failure means, if that is not what `[mta]` says.
    pub default_action: Option<Located<DefaultAction>>,
    /// Its time-outs, where they are not those of `[mta]`.
    pub timeouts: Timeouts,
}

/// One message of `[messages]`.
#[derive(Clone, Debug)]
pub struct Message {
    /// Header, empty line and body as they go over the wire: CRLF line ends, neither dot-stuffed nor ended by a dot.
    pub bytes: Vec<u8>,
    /// Where the scenario names it.
    pub span: Span,
}

/// One SMTP connection.
#[derive(Clone, Debug)]
pub struct Session {
    /// The whole `[[session]]` table.
    pub span: Span,
    /// Who connects.
    pub client: Located<Client>,
    /// What happens, in order. The first step is always [`Action::Connect`], and the only one.
    pub steps: Vec<Step>,
    /// The envelope as delivered: `MAIL FROM:<…>` and `RCPT TO:<…>` lines, for every message; `None` is not checked.
    pub envelope: Option<Located<Vec<Located<String>>>>,
    /// The messages as delivered, line by line; `None` is not checked.
    pub delivered: Option<Located<Vec<Vec<Located<String>>>>>,
    /// Log lines that must come in this order, with others between them.
    pub log: Vec<Located<String>>,
}

/// The SMTP client of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The name the MTA finds for it; `None` leaves it to the PTR and address records of the zone.
    pub name: Option<String>,
    /// Its address.
    pub ip: IpAddr,
    /// Its port; `None` is the profile's.
    pub port: Option<u16>,
}

impl fmt::Display for Client {
    /// `name [ip]:port`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            write!(f, "{name} ")?;
        }
        write!(f, "[{}]", self.ip)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// Something the SMTP client does, and what is expected to follow from it.
#[derive(Clone, Debug)]
pub struct Step {
    /// What the client does.
    pub action: Located<Action>,
    /// The expected lines until the next `C:`, in file order, of all profiles; see [`Step::expected`].
    pub lines: Vec<Line>,
    /// The expected packets; `None` is not checked.
    pub wire: Option<Wire>,
}

impl Step {
    /// The expected lines that hold in `profile`.
    pub fn expected<'a>(&'a self, profile: &'a ProfileName) -> impl Iterator<Item = &'a Line> {
        self.lines.iter().filter(move |line| line.holds_in(profile))
    }
}

/// What the SMTP client does in a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// It connects: the step before the first `C:` line.
    Connect,
    /// It sends this line, without its CRLF.
    Smtp(String),
    /// `[message]` or `[message NAME]`: it sends DATA, the message and the final dot.
    Message(Option<String>),
    /// `[close]`: it goes away without QUIT.
    Close,
    /// `[tls key=value …]`: STARTTLS, with what the handshake came to.
    Tls(BTreeMap<String, String>),
    /// `[auth MECHANISM USER]`: a successful AUTH.
    Auth {
        /// The SASL mechanism.
        mechanism: String,
        /// The authenticated user.
        user: String,
    },
    /// `[wait 2s]`: it does nothing for so long.
    Wait(Duration),
    /// `[raw HEX]`: it sends these bytes as they are.
    Raw(Vec<u8>),
}
