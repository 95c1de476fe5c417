//! A test as a scenario: the DNS of its document, one session, no expected lines.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use super::{bytes::bytes, zonedata::Zonedata};
use crate::{
    diag::{Source, Span},
    scenario::{
        Action, Client, Dns, Located, MilterSection, Mta, ProfileKind, ProfileName, Scenario, Session, Step, Unit,
        ZoneText,
    },
};

/// What a scenario is made of.
pub(super) struct Draft<'a> {
    /// The name of the unit without its profile.
    pub(super) name: String,
    /// The place of the test's name.
    pub(super) span: Span,
    /// What the test says of itself.
    pub(super) note: Option<&'a str>,
    pub(super) zone: &'a Zonedata,
    /// Laid over the suite's configuration of the milter.
    pub(super) config: Option<toml::Table>,
    pub(super) client: IpAddr,
    pub(super) helo: &'a str,
    pub(super) mail_from: &'a str,
}

impl Draft<'_> {
    /// The unit, in the profile `direct`: no other lets all names of a suite through.
    pub(super) fn unit(self, source: &Arc<Source>) -> Unit {
        let located = |text: String| Located::new(text, self.span.clone());
        let profile = ProfileName::newest(ProfileKind::Direct);
        let zone = ZoneText { text: zone::print(&self.zone.records), span: self.span.clone() };
        let faults = self.zone.faults.iter().map(|rule| located(rule.to_string())).collect();
        let client = Client { name: None, ip: self.client, port: None };
        let scenario = Scenario {
            source: Arc::clone(source),
            name: located(self.name.clone()),
            variant: None,
            case: None,
            rfc: Vec::new(),
            tags: Vec::new(),
            known_deviations: Vec::new(),
            instead: None,
            note: self.note.map(|note| located(note.to_owned())),
            differs: None,
            dns: Dns { zones: vec![zone], faults, ..Dns::default() },
            mta: Mta { profiles: vec![Located::new(profile.clone(), self.span.clone())], ..Mta::default() },
            milter: MilterSection { config: self.config.clone(), ..MilterSection::default() },
            more_milters: Vec::new(),
            messages: BTreeMap::new(),
            sessions: vec![Session {
                span: self.span.clone(),
                client: Located::new(client, self.span.clone()),
                steps: self.steps(),
                envelope: None,
                delivered: None,
                log: Vec::new(),
            }],
        };
        Unit { scenario: Arc::new(scenario), profile }
    }

    fn steps(&self) -> Vec<Step> {
        let actions = [
            Action::Connect,
            line("HELO ", self.helo, ""),
            line("MAIL FROM:<", self.mail_from, ">"),
            line("RCPT TO:<", RECIPIENT, ">"),
            Action::Message(None),
            line("QUIT", "", ""),
        ];
        let step = |action| Step { action: Located::new(action, self.span.clone()), lines: Vec::new(), wire: None };
        actions.into_iter().map(step).collect()
    }
}

/// A command line; one with odd bytes is no text.
fn line(verb: &str, argument: &str, end: &str) -> Action {
    if argument.is_ascii() {
        return Action::Smtp(format!("{verb}{argument}{end}"));
    }
    Action::Raw([verb.as_bytes(), &bytes(argument), end.as_bytes(), b"\r\n"].concat())
}

/// Somebody that the fake MTA takes mail for.
const RECIPIENT: &str = "rcpt@example.net";
