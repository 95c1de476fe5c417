//! `spf` over a table of answers.

use std::collections::HashMap;
use std::sync::Arc;

use spf::{Answer, Failure, Lookup, Name, Outcome, Question, Rdata, Record, RecordType, Request, Table, check_host};

use crate::{Answers, Data, Mail, Records, block_on};

/// The evaluator.
pub struct Ours {
    table: Table,
    parsed: HashMap<Name, Arc<Record>>,
    trace: bool,
}

impl Ours {
    /// Makes an evaluator.
    #[must_use]
    pub fn new(answers: &Answers, records: Records) -> Self {
        let mut table = Table::new();
        for (owner, data) in answers.entries() {
            let owner = name(owner);
            match data {
                Data::A(address) => table.add(owner, Rdata::A(*address)),
                Data::Aaaa(address) => table.add(owner, Rdata::Aaaa(*address)),
                Data::Mx(exchange) => table.add(owner, Rdata::Mx { preference: 10, exchange: name(exchange) }),
                Data::Ptr(host) => table.add(owner, Rdata::Ptr(name(host))),
                Data::Txt(text) => table.add(owner, Rdata::txt([text])),
                // Any type but those that SPF asks names for here.
                Data::Nothing => table.add(owner, Rdata::Ptr(Name::root())),
                Data::TxtFails => table.fail(owner, RecordType::Txt, Failure::Servfail),
            }
        }
        let parsed = match records {
            Records::ParsedEachTime => HashMap::new(),
            Records::KeptParsed => parsed_records(answers),
        };
        Self { table, parsed, trace: false }
    }

    /// Switches the record of the evaluation on; mail-auth has none.
    #[must_use]
    pub fn with_trace(self) -> Self {
        Self { trace: true, ..self }
    }

    /// Checks the MAIL FROM identity.
    pub fn check(&self, mail: &Mail) -> Outcome {
        let request = Request::for_mail_from(mail.ip, &mail.helo, &mail.sender)
            .with_receiver("mx.example.net")
            .with_trace(self.trace);
        block_on(check_host(&request, self))
    }
}

impl Lookup for Ours {
    fn lookup(&self, question: Question) -> impl Future<Output = Answer> + Send {
        self.table.lookup(question)
    }

    fn parsed_record(&self, domain: &Name) -> Option<Arc<Record>> {
        // Without this the form that parses each time would pay for a search that finds nothing.
        if self.parsed.is_empty() { None } else { self.parsed.get(domain).cloned() }
    }
}

fn parsed_records(answers: &Answers) -> HashMap<Name, Arc<Record>> {
    let texts = answers.entries().filter_map(|(owner, data)| match data {
        Data::Txt(text) => Some((name(owner), Arc::new(Record::parse(text).ok()?))),
        _ => None,
    });
    texts.collect()
}

fn name(text: &str) -> Name {
    Name::parse(text).expect("the names of a table are names")
}
