//! Which scenarios are compared, and why the others are not.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use fake_mta::{
    scenario::{Action, DefaultAction, ProfileKind, Unit},
    suite::Suite,
};

use crate::{
    collect::{self, Entry},
    namespace,
};

/// A scenario in the profile of a real MTA.
pub(crate) struct Comparison {
    /// The name of the test.
    pub(crate) name: String,
    /// The real MTA.
    pub(crate) kind: Kind,
    /// What to play.
    pub(crate) unit: Unit,
    /// The milter to play it against.
    pub(crate) suite: Arc<Suite>,
}

/// A real MTA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Debian's sendmail 8.17.
    Sendmail,
    /// Debian's Postfix 3.7.
    Postfix,
}

impl Kind {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Sendmail, Self::Postfix];

    /// The word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Sendmail => "sendmail",
            Self::Postfix => "postfix",
        }
    }
}

/// How many units are not compared, by reason.
pub(crate) type LeftOut = BTreeMap<&'static str, usize>;

/// All scenarios below `scenarios/` that a real MTA can play.
pub(crate) fn comparisons() -> (Vec<Comparison>, LeftOut) {
    let collected = collect::collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios"));
    // Files that cannot be read are failures of the test of all scenarios.
    let mut comparisons = Vec::new();
    let mut left_out = LeftOut::new();
    for entry in collected.entries {
        match kind(&entry.unit).and_then(|kind| obstacle(&entry.unit, kind).map_or(Ok(kind), Err)) {
            Ok(kind) => comparisons.push(comparison(entry, kind)),
            Err(reason) => *left_out.entry(reason).or_default() += 1,
        }
    }
    (comparisons, left_out)
}

/// Says on standard output what was not compared.
pub(crate) fn report(left_out: &LeftOut) {
    for (reason, count) in left_out {
        println!("not compared: {count} runs: {reason}");
    }
}

fn comparison(entry: Entry, kind: Kind) -> Comparison {
    Comparison { name: entry.snapshot, kind, unit: entry.unit, suite: entry.suite }
}

fn kind(unit: &Unit) -> Result<Kind, &'static str> {
    match unit.profile.kind {
        ProfileKind::Sendmail => Ok(Kind::Sendmail),
        ProfileKind::Postfix => Ok(Kind::Postfix),
        ProfileKind::Direct => Err("the profile `direct` is no real MTA"),
    }
}

/// Why a real MTA cannot play it, if it cannot.
fn obstacle(unit: &Unit, kind: Kind) -> Option<&'static str> {
    let mta = &unit.scenario.mta;
    let actions = unit.scenario.sessions.iter().flat_map(|session| &session.steps).map(|step| &step.action.value);
    for action in actions {
        match action {
            Action::Tls(_) => return Some("TLS is a fact of the scenario, without a handshake"),
            Action::Auth { .. } => return Some("AUTH is a fact of the scenario, without passwords"),
            Action::Raw(_) => return Some("raw bytes: how many replies they get is not known beforehand"),
            _ => {}
        }
    }
    if !unit.scenario.more_milters.is_empty() {
        return Some("several milters");
    }
    let addresses = unit.scenario.sessions.iter().map(|session| session.client.ip.to_string());
    if addresses.into_iter().any(|address| namespace::ADDRESSES.contains(&address.as_str())) {
        return Some("the client has the address of the MTA");
    }
    if !mta.macro_values.is_empty() || !mta.macro_values_of.is_empty() || mta.date.is_some() || mta.queue_id.is_some() {
        return Some("values that no administrator can set");
    }
    if mta.local_domains.is_some() {
        return Some("recipients of the host itself");
    }
    match (kind, mta.default_action.as_ref().map(|action| action.value)) {
        (Kind::Sendmail, Some(DefaultAction::Quarantine)) => Some("sendmail has no default action `quarantine`"),
        (Kind::Postfix, Some(DefaultAction::Shutdown)) => Some("Postfix 3.7 has no default action `shutdown`"),
        (Kind::Sendmail, _) if mta.protocol_version.is_some() => Some("sendmail's protocol version cannot be set"),
        _ => None,
    }
}
