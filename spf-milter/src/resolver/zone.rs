//! Zone text as a resolver, for the offline tools.

use std::sync::Arc;

use spf::{Answer, AnswerKind, Failure, Lookup, Name, Question, Rdata, RecordType};
use zone::{Mode, Outcome, Store};

/// Answers from the records of zone files as a recursive resolver would that knows nothing else.
#[derive(Clone, Debug)]
pub(crate) struct ZoneLookup {
    store: Arc<Store>,
    /// Owners of addresses and mail exchangers.
    hosts: Arc<[Name]>,
}

impl ZoneLookup {
    /// Makes a resolver of the records.
    pub(crate) fn new(records: impl IntoIterator<Item = zone::Record>) -> Self {
        let (mut store, mut hosts) = (Store::default(), Vec::new());
        for record in records {
            if matches!(record.rdata, zone::Rdata::A(_) | zone::Rdata::Aaaa(_) | zone::Rdata::Mx { .. }) {
                hosts.extend(from_zone(&record.owner).ok());
            }
            store.insert(record);
        }
        Self { store: Arc::new(store), hosts: hosts.into() }
    }

    /// The owners of addresses and mail exchangers below a domain, wildcards left out.
    pub(super) fn hosts_below(&self, domain: &Name) -> Vec<Name> {
        let is_host = |name: &&Name| name.is_within(domain) && *name != domain && name.labels().next() != Some(b"*");
        self.hosts.iter().filter(is_host).cloned().collect()
    }

    /// Whether a name has a record of the retired type SPF.
    pub(super) fn has_type_99(&self, domain: &Name) -> bool {
        let answer = to_zone(domain).map(|name| self.store.lookup(&name, zone::RecordType::SPF, Mode::Recursive));
        answer.is_ok_and(|answer| answer.records.iter().any(|record| record.rtype() == zone::RecordType::SPF))
    }

    fn answer(&self, question: &Question) -> Result<AnswerKind, Failure> {
        let answer = self.store.lookup(&to_zone(&question.name)?, record_type(question.rtype), Mode::Recursive);
        match answer.outcome {
            Outcome::NxDomain => return Ok(AnswerKind::NxDomain),
            Outcome::NoError => {}
            Outcome::Refused => return Err(Failure::Refused),
            Outcome::YxDomain => return Err(Failure::Other("a DNAME made a name too long".to_owned())),
        }
        let found: Result<Vec<_>, _> =
            answer.records.iter().filter_map(|record| rdata(record, question.rtype)).collect();
        let found = found?;
        Ok(if found.is_empty() { AnswerKind::NoData } else { AnswerKind::Records(found.into()) })
    }
}

impl Lookup for ZoneLookup {
    fn lookup(&self, question: Question) -> impl Future<Output = Answer> + Send {
        std::future::ready(Answer::new(self.answer(&question).unwrap_or_else(AnswerKind::Failed)))
    }
}

/// The data, if it is of the type asked for; the store has walked the CNAMEs.
fn rdata(record: &zone::Record, rtype: RecordType) -> Option<Result<Rdata, Failure>> {
    Some(match (rtype, &record.rdata) {
        (RecordType::A, zone::Rdata::A(address)) => Ok(Rdata::A(*address)),
        (RecordType::Aaaa, zone::Rdata::Aaaa(address)) => Ok(Rdata::Aaaa(*address)),
        (RecordType::Mx, zone::Rdata::Mx { preference, exchange }) => {
            from_zone(exchange).map(|exchange| Rdata::Mx { preference: *preference, exchange })
        }
        (RecordType::Ptr, zone::Rdata::Ptr(name)) => from_zone(name).map(Rdata::Ptr),
        (RecordType::Txt, zone::Rdata::Txt(strings)) => Ok(Rdata::txt(strings)),
        _ => return None,
    })
}

fn record_type(rtype: RecordType) -> zone::RecordType {
    match rtype {
        RecordType::A => zone::RecordType::A,
        RecordType::Aaaa => zone::RecordType::AAAA,
        RecordType::Mx => zone::RecordType::MX,
        RecordType::Ptr => zone::RecordType::PTR,
        RecordType::Txt => zone::RecordType::TXT,
    }
}

/// The name with its labels as they are.
fn to_zone(name: &Name) -> Result<zone::Name, Failure> {
    zone::Name::from_labels(name.labels()).map_err(|error| Failure::Other(error.to_string()))
}

fn from_zone(name: &zone::Name) -> Result<Name, Failure> {
    Name::from_labels(name.labels()).map_err(|error| Failure::Other(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(name: &str, rtype: RecordType) -> String {
        let text = "a.example. A 192.0.2.1\nb.example. CNAME a.example.\nc.example. TXT \"v=spf1 \" \"-all\"\n\
                    d.example. MX 0 .\nloop.example. CNAME loop.example.\n";
        let zone = ZoneLookup::new(zone::parse(text, &zone::ParseOptions::default()).unwrap());
        zone.answer(&Question::new(Name::parse(name).unwrap(), rtype)).unwrap().to_string()
    }

    #[test]
    fn zone_text_answers_as_a_recursive_resolver_would() {
        assert_eq!(ask("b.example", RecordType::A), "192.0.2.1");
        assert_eq!(ask("C.example", RecordType::Txt), "\"v=spf1 -all\"");
        assert_eq!(ask("d.example", RecordType::Mx), "0 .");
        assert_eq!(ask("a.example", RecordType::Aaaa), "no records");
        assert_eq!(ask("loop.example", RecordType::A), "no records");
        assert_eq!(ask("x.example", RecordType::A), "no such name");
    }
}
