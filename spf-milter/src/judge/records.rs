//! Records of the administrator's own, in place of those that domains publish or fail to publish.

use std::sync::Arc;

use spf::{Answer, CauseKind, Lookup, Name, Outcome, Question, Record, Request, SpfResult, check_host};

use super::check::Identity;
use crate::pattern::Pattern;

/// What the administrator has written down in place of published records.
#[derive(Clone, Debug, Default)]
pub(crate) struct LocalRecords {
    /// For these domains the published record is not even asked for.
    pub(crate) overrides: Vec<(Pattern, Arc<Record>)>,
    /// For these domains a record stands in for one that is missing or broken.
    pub(crate) fallbacks: Vec<(Pattern, Arc<Record>)>,
    /// For senders whose domain publishes none: a match is as good as a pass, anything else says nothing.
    pub(crate) guess: Option<Arc<Record>>,
}

/// Whose record a check was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordSource {
    /// The domain's.
    Published,
    /// An override, or a fallback of the administrator's.
    Local,
    /// The best guess.
    Guess,
}

impl RecordSource {
    /// What stands in front of the sentence in a header's comment.
    pub(super) fn note(self) -> &'static str {
        match self {
            Self::Published => "",
            Self::Local => "local policy: ",
            Self::Guess => "best guess: ",
        }
    }
}

impl LocalRecords {
    /// Runs a check with the records that belong to it.
    pub(super) async fn check(
        &self,
        identity: Identity,
        request: &Request<'_>,
        dns: &impl Lookup,
    ) -> (Outcome, RecordSource) {
        let outcome = check_host(request, &WithRecords { dns, records: self, root: None }).await;
        let Ok(domain) = request.domain() else {
            return (outcome, RecordSource::Published);
        };
        if find(&self.overrides, domain).is_some() {
            return (outcome, RecordSource::Local);
        }
        let is_missing = outcome.cause.kind == CauseKind::NoRecord;
        if let Some(record) = find(&self.fallbacks, domain).filter(|_| is_missing || is_broken(&outcome)) {
            let dns = WithRecords { dns, records: self, root: Some((domain.clone(), record)) };
            return (check_host(request, &dns).await, RecordSource::Local);
        }
        if let Some(guess) = self.guess.as_ref().filter(|_| is_missing && identity == Identity::MailFrom) {
            let dns = WithRecords { dns, records: self, root: Some((domain.clone(), Arc::clone(guess))) };
            let guessed = check_host(request, &dns).await;
            if guessed.result == SpfResult::Pass {
                return (guessed, RecordSource::Guess);
            }
        }
        (outcome, RecordSource::Published)
    }
}

/// Whether it was the domain's records that made the error.
fn is_broken(outcome: &Outcome) -> bool {
    outcome.result == SpfResult::Permerror
}

fn find(list: &[(Pattern, Arc<Record>)], domain: &Name) -> Option<Arc<Record>> {
    if list.is_empty() {
        return None;
    }
    let text = domain.to_bytes();
    list.iter().find(|(pattern, _)| pattern.matches_domain(&text)).map(|(_, record)| Arc::clone(record))
}

/// The DNS with some records replaced.
struct WithRecords<'a, L> {
    dns: &'a L,
    records: &'a LocalRecords,
    /// The record of the domain under check itself.
    root: Option<(Name, Arc<Record>)>,
}

impl<L: Lookup> Lookup for WithRecords<'_, L> {
    fn lookup(&self, question: Question) -> impl Future<Output = Answer> + Send {
        self.dns.lookup(question)
    }

    fn parsed_record(&self, domain: &Name) -> Option<Arc<Record>> {
        let root = self.root.as_ref().filter(|(name, _)| name == domain).map(|(_, record)| Arc::clone(record));
        root.or_else(|| find(&self.records.overrides, domain)).or_else(|| self.dns.parsed_record(domain))
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use spf::{Failure, Name, RecordType, Table};

    use super::super::check::tests::ready;
    use super::*;

    fn records(overrides: &[(&str, &str)], fallbacks: &[(&str, &str)], guess: Option<&str>) -> LocalRecords {
        let record = |text: &str| Arc::new(Record::parse(text).unwrap());
        let list = |list: &[(&str, &str)]| {
            list.iter().map(|(pattern, text)| (Pattern::parse(pattern).unwrap(), record(text))).collect()
        };
        LocalRecords { overrides: list(overrides), fallbacks: list(fallbacks), guess: guess.map(record) }
    }

    fn dns() -> Table {
        let mut table = Table::new()
            .txt("good.example", "v=spf1 -all")
            .and_then(|table| table.txt("broken.example", "v=spf1 foo"))
            .and_then(|table| table.txt("outer.example", "v=spf1 include:good.example -all"))
            .unwrap();
        table.fail(Name::parse("dead.example").unwrap(), RecordType::Txt, Failure::Timeout);
        table
    }

    fn line(records: &LocalRecords, identity: Identity, domain: &str) -> String {
        let sender = format!("a@{domain}");
        let request = Request::new(IpAddr::from([192, 0, 2, 1]), domain, &sender);
        let (outcome, source) = ready(records.check(identity, &request, &dns()));
        format!("{} {source:?}", outcome.result)
    }

    #[test]
    fn an_override_goes_before_what_is_published_in_includes_too() {
        let records = records(&[("good.example", "v=spf1 +all")], &[], None);
        assert_eq!(line(&records, Identity::MailFrom, "good.example"), "pass Local");
        assert_eq!(line(&records, Identity::MailFrom, "outer.example"), "pass Published");
        assert_eq!(line(&records, Identity::MailFrom, "broken.example"), "permerror Published");
    }

    #[test]
    fn a_fallback_stands_in_for_what_is_missing_or_broken_and_for_nothing_else() {
        let all = [".example", "good.example", "broken.example", "none.example", "dead.example"];
        let records = records(&[], &all.map(|domain| (domain, "v=spf1 +all")), None);
        assert_eq!(line(&records, Identity::MailFrom, "broken.example"), "pass Local");
        assert_eq!(line(&records, Identity::MailFrom, "none.example"), "pass Local");
        assert_eq!(line(&records, Identity::MailFrom, "good.example"), "fail Published");
        assert_eq!(line(&records, Identity::MailFrom, "dead.example"), "temperror Published");
    }

    #[test]
    fn a_guess_can_only_pass() {
        let passes = records(&[], &[], Some("v=spf1 ip4:192.0.2.0/24 -all"));
        assert_eq!(line(&passes, Identity::MailFrom, "none.example"), "pass Guess");
        assert_eq!(line(&passes, Identity::MailFrom, "good.example"), "fail Published");
        assert_eq!(line(&passes, Identity::MailFrom, "broken.example"), "permerror Published");
        assert_eq!(line(&passes, Identity::Helo, "none.example"), "none Published");
        let fails = records(&[], &[], Some("v=spf1 -all"));
        assert_eq!(line(&fails, Identity::MailFrom, "none.example"), "none Published");
    }
}
