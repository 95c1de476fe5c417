//! One check: identity, request, outcome.

use std::net::IpAddr;

use spf::{Limits, Lookup, MacroString, Outcome, Request, SpfResult, check_host};

use super::address::domain_of;
use super::records::{LocalRecords, RecordSource};
use crate::headers::{Charset, Evidence, MethodResult, ReceivedSpf};

/// What the MTA has told about a message when its sender is known.
#[derive(Clone, Debug)]
pub(crate) struct Envelope<'a> {
    /// The client's address.
    pub(crate) ip: IpAddr,
    /// The argument of HELO or EHLO, if the client gave one.
    pub(crate) helo: Option<&'a [u8]>,
    /// The sender without angle brackets; empty for the null sender.
    pub(crate) mail_from: &'a [u8],
    /// The name of this host.
    pub(crate) receiver: &'a str,
    /// Seconds since 1970-01-01 UTC.
    pub(crate) now: u64,
}

/// What the administrator has set about checks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CheckSettings<'a> {
    /// The limits of a check.
    pub(crate) limits: Limits,
    /// The explanation of domains that publish none.
    pub(crate) default_explanation: Option<&'a MacroString>,
    /// Records of the administrator's own.
    pub(crate) records: Option<&'a LocalRecords>,
    /// Whether outcomes carry a trace.
    pub(crate) trace: bool,
}

/// Which identity a check is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// The HELO name (RFC 7208 section 2.3).
    Helo,
    /// The sender (RFC 7208 section 2.4).
    MailFrom,
}

impl Identity {
    /// The identity's name in headers (RFC 7208 section 9.1).
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Helo => "helo",
            Self::MailFrom => "mailfrom",
        }
    }
}

/// What a Received-SPF field says beside what was checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReceivedSpfKeys<'a> {
    /// The sender as the client gave it, without angle brackets.
    pub(crate) mail_from: &'a [u8],
    /// The argument of HELO or EHLO, if there was one.
    pub(crate) helo: Option<&'a [u8]>,
    /// Which characters the message's header can carry.
    pub(crate) charset: Charset,
    /// The comment in the administrator's own words, if he has any.
    pub(crate) comment: Option<&'a str>,
}

/// How much a Received-SPF field says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShownKeys {
    /// The result and a comment.
    None,
    /// The key-value list too.
    Keys,
    /// The key-value list with the directive that matched and its record.
    Evidence,
}

/// One check that was made.
#[derive(Clone, Debug)]
pub(crate) struct Check {
    /// What was checked.
    pub(crate) identity: Identity,
    /// The arguments of the check.
    pub(crate) request: Request<'static>,
    /// What it found out.
    pub(crate) outcome: Outcome,
    /// Whose record it was made with.
    pub(crate) source: RecordSource,
}

impl Check {
    /// Checks the HELO identity.
    pub(crate) async fn helo(envelope: &Envelope<'_>, settings: &CheckSettings<'_>, dns: &impl Lookup) -> Self {
        let request = Request::for_helo(envelope.ip, envelope.helo.unwrap_or_default());
        Self::run(Identity::Helo, request, envelope, settings, dns).await
    }

    /// Checks the identity that decides: MAIL FROM, or HELO for the null sender, whose MAIL FROM identity is
    /// postmaster at the HELO name (RFC 7208 section 2.4).
    pub(crate) async fn deciding(envelope: &Envelope<'_>, settings: &CheckSettings<'_>, dns: &impl Lookup) -> Self {
        if envelope.mail_from.is_empty() {
            return Self::helo(envelope, settings, dns).await;
        }
        let request = Request::new(envelope.ip, domain_of(envelope.mail_from), envelope.mail_from);
        let request = match envelope.helo {
            Some(helo) => request.with_helo(helo),
            None => request,
        };
        Self::run(Identity::MailFrom, request, envelope, settings, dns).await
    }

    async fn run(
        identity: Identity,
        request: Request<'_>,
        envelope: &Envelope<'_>,
        settings: &CheckSettings<'_>,
        dns: &impl Lookup,
    ) -> Self {
        let mut request = request
            .with_receiver(envelope.receiver)
            .with_now(envelope.now)
            .with_limits(settings.limits)
            .with_trace(settings.trace);
        if let Some(explanation) = settings.default_explanation {
            request = request.with_default_explanation(explanation);
        }
        let (outcome, source) = match settings.records {
            Some(records) => records.check(identity, &request, dns).await,
            None => (check_host(&request, dns).await, RecordSource::Published),
        };
        Self { identity, request: request.into_owned(), outcome, source }
    }

    /// The result.
    pub(crate) fn result(&self) -> SpfResult {
        self.outcome.result
    }

    /// The mechanism that matched, without its qualifier; `default` where a record was read to its end without a
    /// match (RFC 7208 section 9.1).
    pub(crate) fn mechanism(&self) -> Option<&str> {
        match self.outcome.matched() {
            Some(matched) => Some(matched.text().trim_start_matches(['+', '-', '?', '~'])),
            None if self.result() == SpfResult::Neutral => Some("default"),
            None => None,
        }
    }

    /// What went wrong, for the two errors.
    pub(crate) fn problem(&self) -> Option<String> {
        match self.result() {
            SpfResult::Temperror | SpfResult::Permerror => Some(self.outcome.cause.to_string()),
            _ => None,
        }
    }

    /// The value of the Received-SPF field that records the check.
    pub(crate) fn received_spf(&self, keys: &ReceivedSpfKeys<'_>, show: ShownKeys) -> String {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let envelope_from = (self.identity == Identity::MailFrom).then(|| text(keys.mail_from));
        let (address, helo, problem) = (self.address(), keys.helo.map(text), self.problem());
        let matched = self.outcome.matched().filter(|_| show == ShownKeys::Evidence);
        let domain = matched.map(|matched| matched.domain.to_string()).unwrap_or_default();
        let field = ReceivedSpf {
            result: self.result(),
            receiver: self.request.receiver(),
            client_ip: self.request.ip(),
            address: &address,
            envelope_from: envelope_from.as_deref(),
            helo: helo.as_deref(),
            identity: self.identity.as_str(),
            mechanism: self.mechanism(),
            problem: problem.as_deref(),
            comment: keys.comment,
            note: self.source.note(),
            evidence: matched.map(|matched| Evidence {
                directive: matched.text(),
                domain: &domain,
                record: matched.term.record().text(),
            }),
            charset: keys.charset,
        };
        if show == ShownKeys::None { field.summary() } else { field.with_keys() }
    }

    /// What an Authentication-Results field says of the check (RFC 8601 section 2.7.2).
    pub(crate) fn method_result(&self, full_address: bool, evidence: bool) -> MethodResult {
        let sender = self.request.sender();
        let (property, value) = match self.identity {
            Identity::Helo => ("helo", self.request.helo().to_vec()),
            Identity::MailFrom if full_address => ("mailfrom", sender.to_bytes()),
            Identity::MailFrom => ("mailfrom", sender.domain().to_vec()),
        };
        let mut policy = Vec::new();
        let mut result = self.result();
        match self.source {
            RecordSource::Published => {}
            RecordSource::Local => policy.push(("record-source", "local".to_owned())),
            RecordSource::Guess => {
                // A guess is no result of the domain's: a DMARC filter must not take it for one.
                policy.push(("best-guess", result.to_string()));
                result = SpfResult::None;
            }
        }
        if let Some(matched) = self.outcome.matched().filter(|_| evidence) {
            policy.push(("directive", matched.text().to_owned()));
            policy.push(("record-domain", matched.domain.to_string()));
            policy.push(("record", matched.term.record().text().to_owned()));
        }
        MethodResult { result, reason: self.problem(), property, value, policy }
    }

    /// `local@domain` as it was checked.
    pub(crate) fn address(&self) -> String {
        String::from_utf8_lossy(&self.request.sender().to_bytes()).into_owned()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const ENVELOPE: Envelope<'_> = Envelope {
        ip: IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)),
        helo: Some(b"mail.example.net"),
        mail_from: b"Alice@example.com",
        receiver: "mx.example.org",
        now: 0,
    };

    fn settings() -> CheckSettings<'static> {
        CheckSettings { limits: Limits::default(), default_explanation: None, records: None, trace: false }
    }

    fn zone() -> spf::Table {
        spf::Table::new()
            .txt("example.com", "v=spf1 ip4:192.0.2.0/24 -all")
            .and_then(|table| table.txt("mail.example.net", "v=spf1 ?ip4:203.0.113.1"))
            .unwrap()
    }

    /// Runs a future that never waits: the table of answers is at hand.
    pub(in crate::judge) fn ready<T>(future: impl Future<Output = T>) -> T {
        let mut future = std::pin::pin!(future);
        match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
            std::task::Poll::Ready(value) => value,
            std::task::Poll::Pending => panic!("a table of answers does not wait"),
        }
    }

    fn line(envelope: &Envelope<'_>) -> String {
        let check = ready(Check::deciding(envelope, &settings(), &zone()));
        let identity = check.identity.as_str();
        format!("{identity} {} {} {}", check.address(), check.result(), check.mechanism().unwrap_or("-"))
    }

    #[test]
    fn mail_from_decides_and_keeps_its_case() {
        assert_eq!(line(&ENVELOPE), "mailfrom Alice@example.com pass ip4:192.0.2.0/24");
    }

    #[test]
    fn helo_decides_for_the_null_sender() {
        let null = Envelope { mail_from: b"", ..ENVELOPE };
        assert_eq!(line(&null), "helo postmaster@mail.example.net neutral default");
        let nothing = Envelope { helo: None, ..null };
        assert_eq!(line(&nothing), "helo postmaster@ none -");
    }

    #[test]
    fn without_helo_the_sender_is_still_checked() {
        let no_helo = Envelope { helo: None, mail_from: b"x@nowhere.example", ..ENVELOPE };
        assert_eq!(line(&no_helo), "mailfrom x@nowhere.example none -");
    }
}
