//! The `[mta]` table.

use std::collections::BTreeMap;

use super::{Fields, fields::unknown_word};
use crate::{
    clock::Clock,
    diag::{Diag, Span},
    format,
    scenario::{
        DefaultAction, Located, LogFormat, MacroStage, Mta, ProfileKind, ProfileName, Timeouts,
        node::{Node, Value},
        problems::Problems,
        vocabulary::Unknown,
    },
};

/// Reads the table; without one the scenario runs in sendmail's and Postfix's profile.
pub(super) fn read(node: Option<&Node>, problems: &mut Problems) -> Mta {
    let empty;
    let node = match node {
        Some(node) => node,
        None => {
            empty = nothing();
            &empty
        }
    };
    let mut fields = Fields::open(node, "[mta]", &format::MTA.names(), problems);
    let (macro_values, macro_values_of) = macro_values(fields.node("macro_values"), fields.problems());
    Mta {
        profiles: profiles(&mut fields),
        hostname: fields.parsed("hostname", hostname),
        filter: fields.text("filter"),
        macros: stage_macros(fields.node("macros"), fields.problems()),
        macro_values,
        macro_values_of,
        timeouts: timeouts(fields.node("timeouts"), fields.problems()),
        default_action: fields.word("default_action", &DefaultAction::ALL),
        protocol_version: protocol_version(&mut fields),
        log_format: fields.word("log_format", &LogFormat::ALL).map(|word| word.value).unwrap_or_default(),
        local_domains: fields.texts("local_domains"),
        relay: fields.texts("relay").unwrap_or_default(),
        unknown_recipients: fields.texts("unknown_recipients").unwrap_or_default(),
        resolve_sender_domains: fields.boolean("resolve_sender_domains").unwrap_or(false),
        date: fields.parsed("date", date),
        queue_id: fields.text("queue_id"),
    }
}

fn hostname(text: &Located<String>) -> Result<String, Diag> {
    let is_name = !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control());
    is_name.then(|| text.value.clone()).ok_or_else(|| Diag::error("not a host name").label(&text.span, ""))
}

fn protocol_version(fields: &mut Fields<'_>) -> Option<Located<u32>> {
    let version = fields.integer("protocol_version")?;
    if !PROTOCOL_VERSIONS.contains(&version.value) {
        let help = format!("there are {} to {}", PROTOCOL_VERSIONS.start(), PROTOCOL_VERSIONS.end());
        let title = format!("there is no version {} of the milter protocol", version.value);
        fields.problems().add(Diag::error(title).label(&version.span, "").help(help));
    }
    Some(version)
}

/// `2004-08-01T12:00:00Z`.
fn date(text: &Located<String>) -> Result<Clock, Diag> {
    Clock::parse(text).ok_or_else(|| {
        Diag::error("not a date with time and zone").label(&text.span, "").help("write it as `2004-08-01T12:00:00Z`")
    })
}

/// An empty table, for a file that leaves `[mta]` out.
fn nothing() -> Node {
    let source = crate::diag::Source::new("", "");
    Node { value: Value::Table(Vec::new()), span: Span::new(&source, 0..0) }
}

/// `profile = "postfix"` or a list of names.
fn profiles(fields: &mut Fields<'_>) -> Vec<Located<ProfileName>> {
    let names = match fields.node("profile").map(|node| &node.value) {
        None => return default_profiles(fields.span()),
        Some(Value::Text(_)) => fields.text("profile").into_iter().collect(),
        Some(_) => fields.texts("profile").unwrap_or_default(),
    };
    if names.is_empty() && fields.problems().is_empty() {
        let span = fields.node("profile").map_or_else(|| fields.span(), |node| &node.span).clone();
        fields.problems().add(Diag::error("a scenario needs a profile to run in").label(&span, ""));
    }
    let mut profiles: Vec<Located<ProfileName>> = Vec::new();
    for name in names {
        let parsed = name.parse().map_err(|unknown: Unknown| unknown_word(&unknown, &name.span));
        let Some(profile) = fields.problems().take(parsed) else { continue };
        if profiles.iter().any(|known| known.value == profile) {
            fields.problems().add(Diag::error(format!("profile `{profile}` twice")).label(&name.span, ""));
        } else {
            profiles.push(Located::new(profile, name.span));
        }
    }
    profiles
}

fn default_profiles(span: &Span) -> Vec<Located<ProfileName>> {
    [ProfileKind::Sendmail, ProfileKind::Postfix]
        .map(|kind| Located::new(ProfileName::newest(kind), span.clone()))
        .into()
}

fn stage_macros(node: Option<&Node>, problems: &mut Problems) -> BTreeMap<MacroStage, Located<String>> {
    let mut macros = BTreeMap::new();
    let Some(node) = node else { return macros };
    let mut fields = Fields::open(node, "[mta.macros]", &format::MACROS.names(), problems);
    for (name, stage) in MacroStage::ALL {
        macros.extend(fields.text(name).map(|list| (stage, list)));
    }
    macros
}

type Values = BTreeMap<String, Located<String>>;

/// The values that macros have whatever the address, and those that are of one address.
fn macro_values(node: Option<&Node>, problems: &mut Problems) -> (Values, BTreeMap<String, Values>) {
    let Some(node) = node else { return Default::default() };
    let what = "[mta.macro_values]";
    let mut fields = Fields::open_free(node, what, problems);
    let (mut all, mut of_address) = (Values::new(), BTreeMap::new());
    for entry in node.entries() {
        let name = entry.key.trim_matches(['{', '}']);
        if !matches!(entry.node.value, Value::Table(_)) {
            all.extend(fields.text(&entry.key).map(|value| (name.to_owned(), value)));
        } else if format::MACROS_OF_ADDRESSES.contains(&name) {
            let values = fields.strings(&entry.key, what);
            for address in entry.node.entries().iter().filter(|entry| entry.key.contains(['<', '>'])) {
                let diag = Diag::error("an address stands here without its brackets").label(&address.key_span, "");
                fields.problems().add(diag);
            }
            of_address.insert(name.to_owned(), values);
        } else {
            let title = format!("macro `{name}` has no values by address");
            let help = format!("only these have: {}", format::MACROS_OF_ADDRESSES.join(", "));
            fields.problems().add(Diag::error(title).label(&entry.key_span, "").help(help));
        }
    }
    (all, of_address)
}

/// `timeouts` of `[mta]`, or of one of several milters.
pub(super) fn timeouts(node: Option<&Node>, problems: &mut Problems) -> Timeouts {
    let Some(node) = node else { return Timeouts::default() };
    let mut fields = Fields::open(node, "`timeouts`", &format::TIMEOUTS.names(), problems);
    let (command, content) = (fields.duration("command"), fields.duration("content"));
    Timeouts {
        connect: fields.duration("connect"),
        send: fields.duration("send").or(command),
        read: fields.duration("read").or(command),
        eom: fields.duration("eom").or(content),
    }
}

/// The versions of the milter protocol that MTAs have spoken.
const PROTOCOL_VERSIONS: std::ops::RangeInclusive<u32> = 2..=6;
