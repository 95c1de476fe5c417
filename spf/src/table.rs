use std::collections::{BTreeMap, HashMap};

use crate::dns::{Answer, AnswerKind, Failure, Lookup, Question, Rdata, RecordType};
use crate::name::{Name, NameError};

/// A table of answers that serves as a resolver: for tests, documentation and offline tools.
///
/// A name that is not in it does not exist; a name that is there without the type asked for has no data.
/// There are no CNAMEs and no wildcards.
#[derive(Clone, Debug, Default)]
pub struct Table {
    names: HashMap<Name, BTreeMap<RecordType, AnswerKind>>,
}

impl Table {
    /// Makes an empty table.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a record to what the table answers for a name.
    pub fn add(&mut self, owner: Name, rdata: Rdata) {
        let kind = self.names.entry(owner).or_default().entry(rdata.rtype()).or_insert(AnswerKind::NoData);
        let mut records = match kind {
            AnswerKind::Records(records) => records.to_vec(),
            _ => Vec::new(),
        };
        records.push(rdata);
        *kind = AnswerKind::Records(records.into());
    }

    /// Makes every question of a type about a name fail.
    pub fn fail(&mut self, owner: Name, rtype: RecordType, failure: Failure) {
        self.names.entry(owner).or_default().insert(rtype, AnswerKind::Failed(failure));
    }

    /// Adds a TXT record of one string.
    ///
    /// # Errors
    /// The owner is no domain name.
    pub fn txt(mut self, owner: &str, text: &str) -> Result<Self, NameError> {
        self.add(owner.parse()?, Rdata::txt([text]));
        Ok(self)
    }

    /// Adds an A or AAAA record.
    ///
    /// # Errors
    /// The owner is no domain name.
    pub fn address(mut self, owner: &str, address: impl Into<std::net::IpAddr>) -> Result<Self, NameError> {
        let rdata = match address.into() {
            std::net::IpAddr::V4(address) => Rdata::A(address),
            std::net::IpAddr::V6(address) => Rdata::Aaaa(address),
        };
        self.add(owner.parse()?, rdata);
        Ok(self)
    }

    /// Returns the answer to a question.
    #[must_use]
    pub fn answer(&self, question: &Question) -> Answer {
        Answer::new(match self.names.get(&question.name) {
            None => AnswerKind::NxDomain,
            Some(types) => types.get(&question.rtype).cloned().unwrap_or(AnswerKind::NoData),
        })
    }
}

impl Extend<(Name, Rdata)> for Table {
    fn extend<I: IntoIterator<Item = (Name, Rdata)>>(&mut self, records: I) {
        for (owner, rdata) in records {
            self.add(owner, rdata);
        }
    }
}

impl Lookup for Table {
    async fn lookup(&self, question: Question) -> Answer {
        self.answer(&question)
    }
}
