//! The milter: each event of the MTA goes to the [`Session`], what it says becomes an answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use milter::{
    Action, Actions, Address, Context, Eom, Filter, FilterOptions, MacroStage, Protocol, ProtocolError, ReplyText,
};

use crate::config::{Config, Forged};
use crate::exempt::{Authenticated, Tls, TlsClients};
use crate::policy::Rule;
use crate::session::{Decision, Edit, MailCommand, Service, Session};

/// The filter of one SMTP session.
pub(crate) struct SpfFilter {
    service: Arc<Service>,
    session: Session,
}

impl SpfFilter {
    /// Makes the filter of a new session.
    pub(crate) fn new(service: &Arc<Service>) -> Self {
        Self { service: Arc::clone(service), session: Session::new(Arc::clone(service)) }
    }
}

impl Filter for SpfFilter {
    fn options(&self) -> FilterOptions {
        options(&self.service.config)
    }

    async fn connect(&mut self, cx: &Context, _hostname: &[u8], address: &Address) -> Action {
        if let (None, Address::Inet { text, .. } | Address::Inet6 { text, .. }) = (address.ip(), address) {
            let text = String::from_utf8_lossy(text);
            tracing::warn!("the MTA gives {text:?} as address of a client, which is none: its mail is not checked");
        }
        let known = self.session.connect(address.ip(), macro_text(cx, "j").as_deref());
        if known { Action::Continue } else { Action::Accept }
    }

    async fn helo(&mut self, _cx: &Context, name: &[u8]) -> Action {
        answer(self.session.helo(name).await)
    }

    async fn envfrom(&mut self, cx: &Context, sender: &[u8], args: &[Vec<u8>]) -> Action {
        let queue_id = macro_text(cx, QUEUE_ID);
        let is_set = |name| cx.macro_value(name).is_some_and(|value| !value.is_empty());
        let mail = MailCommand {
            path: sender,
            smtputf8: args.iter().any(|arg| arg.eq_ignore_ascii_case(b"SMTPUTF8")),
            authenticated: is_set("auth_type") || is_set("auth_authen"),
            tls: tls(cx),
            queue_id: queue_id.as_deref(),
        };
        answer(self.session.envfrom(mail).await)
    }

    async fn envrcpt(&mut self, cx: &Context, recipient: &[u8], _args: &[Vec<u8>]) -> Action {
        answer(self.session.envrcpt(recipient, macro_text(cx, QUEUE_ID).as_deref()))
    }

    async fn header(&mut self, _cx: &Context, name: &[u8], value: &[u8]) -> Action {
        self.session.header(name, value);
        Action::Continue
    }

    async fn eom(&mut self, cx: &mut Eom<'_>) -> Action {
        let queue_id = macro_text(cx, QUEUE_ID);
        let Some(ending) = self.session.eom(queue_id.as_deref()).await else {
            return Action::Continue;
        };
        for edit in &ending.edits {
            let Err(error) = apply(cx, edit) else { continue };
            tracing::error!("a message could not be edited: {error}");
            // A field of ours that is missing is no reason to lose mail; a forged one that stays would be believed.
            if matches!(edit, Edit::Delete { .. }) {
                return Action::Tempfail;
            }
        }
        answer(ending.decision)
    }

    async fn abort(&mut self, _cx: &Context) {
        self.session.end_message();
    }

    async fn close(&mut self, _cx: &Context) {
        self.session.end_message();
    }
}

/// What the configuration needs of the protocol, and no more.
fn options(config: &Config) -> FilterOptions {
    let headers = &config.headers;
    let tags = config.policy.any(|rule| matches!(rule, Rule::Tag(_)));
    let forged = [headers.forged_received_spf, headers.forged_authentication_results];
    let renames = forged.contains(&Forged::Rename);
    let cleans = forged.iter().any(|forged| *forged != Forged::Keep);
    let adds = headers.received_spf.is_some() || headers.authentication_results.is_some();
    let actions = [
        (adds || tags || renames, Actions::ADD_HEADERS),
        (cleans || tags, Actions::CHANGE_HEADERS),
        (config.policy.any(|rule| matches!(rule, Rule::Quarantine(_))), Actions::QUARANTINE),
    ];
    let wants_headers = cleans || tags || !config.exempt.relays.is_empty();
    let protocol = [Protocol::NO_DATA, Protocol::NO_EOH, Protocol::NO_BODY, Protocol::NO_UNKNOWN];
    let header = if wants_headers { Protocol::NR_HEADER } else { Protocol::NO_HEADERS };
    FilterOptions {
        actions: actions
            .into_iter()
            .filter(|(wanted, _)| *wanted)
            .map(|(_, action)| action)
            .fold(Actions::NONE, Actions::union),
        protocol: protocol.into_iter().fold(header, Protocol::union),
        symlists: symlists(config),
        // A header field that is longer is none that counts here.
        payload_max: SMALL_PACKETS,
        ..FilterOptions::default()
    }
}

/// The macros that are asked for: what stock configurations send is not.
fn symlists(config: &Config) -> BTreeMap<MacroStage, String> {
    let mut lists = BTreeMap::new();
    if config.exempt.tls != TlsClients::No {
        lists.insert(MacroStage::Helo, "{verify} {cert_subject}".to_owned());
    }
    if config.exempt.authenticated == Authenticated::Ask {
        lists.insert(MacroStage::Envfrom, format!("{QUEUE_ID} {{auth_type}} {{auth_authen}}"));
    }
    lists
}

/// What the MTA says of the client's certificate.
fn tls(cx: &Context) -> Tls {
    let value = |name| cx.macro_value(name).unwrap_or_default();
    let subject = value("cert_subject");
    // Postfix has no {verify}; it gives the subject of a certificate only if it could verify it.
    let by_postfix = value("v").starts_with(b"Postfix") && !subject.is_empty();
    Tls { verified: value("verify") == b"OK" || by_postfix, subject: subject.to_vec() }
}

fn apply(cx: &mut Eom<'_>, edit: &Edit) -> Result<(), ProtocolError> {
    match edit {
        Edit::Insert { name, value } => cx.insert_header(0, name, value),
        Edit::Append { name, value } => cx.add_header(name, value),
        Edit::Change { index, name, value } => cx.change_header(*index, name, value),
        Edit::Delete { index, name } => cx.delete_header(*index, name),
        Edit::Quarantine(reason) => cx.quarantine(reason),
    }
}

fn answer(decision: Decision) -> Action {
    let (code, lines) = match decision {
        Decision::Continue => return Action::Continue,
        Decision::Discard => return Action::Discard,
        Decision::Refuse { code, lines } => (code, lines),
    };
    match ReplyText::new(code.code, Some(&code.enhanced.to_string()), &lines.join("\n")) {
        Ok(reply) => Action::Reply(reply),
        Err(error) => {
            tracing::error!("the reply {code} could not be made: {error}");
            if code.enhanced.class == 5 { Action::Reject } else { Action::Tempfail }
        }
    }
}

/// The value of a macro, if the MTA sent it and it is not empty.
fn macro_text(cx: &Context, name: &str) -> Option<String> {
    let value = cx.macro_value(name).filter(|value| !value.is_empty())?;
    Some(String::from_utf8_lossy(value).into_owned())
}

/// Packets of the usual size are enough.
const SMALL_PACKETS: usize = 65_535;

/// The macro that holds the queue id.
const QUEUE_ID: &str = "i";
