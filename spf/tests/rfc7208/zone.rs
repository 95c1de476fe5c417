//! A scenario's `zonedata` as a resolver; see `tests/data/openspf/README.md`.

use std::collections::{BTreeMap, HashMap};
use std::future::ready;

use spf::{Answer, AnswerKind, Failure, Lookup, Name, Question, Rdata};

use crate::suite::{Item, Value};

/// Steps of a CNAME chain after which it is taken for a loop.
const CNAMES_MAX: usize = 8;

#[derive(Default)]
pub(crate) struct Zone {
    names: HashMap<Name, Vec<Entry>>,
}

enum Entry {
    Record(Rdata),
    Cname(Name),
    Timeout,
}

impl Zone {
    pub(crate) fn new(zonedata: &BTreeMap<String, Vec<Item>>) -> Self {
        let mut names = HashMap::<Name, Vec<Entry>>::new();
        for (owner, items) in zonedata {
            names.entry(name(owner)).or_default().extend(entries(items));
        }
        Self { names }
    }

    fn answer(&self, question: &Question, cnames: usize) -> AnswerKind {
        let Some(entries) = self.names.get(&question.name) else {
            return AnswerKind::NxDomain;
        };
        let mut records = Vec::new();
        for entry in entries {
            match entry {
                Entry::Record(rdata) if rdata.rtype() == question.rtype => records.push(rdata.clone()),
                Entry::Record(_) => {}
                Entry::Cname(_) if cnames == CNAMES_MAX => return AnswerKind::Failed(Failure::Servfail),
                Entry::Cname(target) => {
                    return self.answer(&Question::new(target.clone(), question.rtype), cnames + 1);
                }
                Entry::Timeout if records.is_empty() => return AnswerKind::Failed(Failure::Timeout),
                Entry::Timeout => break,
            }
        }
        Answer::records(records).kind
    }
}

impl Lookup for Zone {
    fn lookup(&self, question: Question) -> impl Future<Output = Answer> + Send {
        ready(Answer::new(self.answer(&question, 0)))
    }
}

fn name(text: &str) -> Name {
    if text.is_empty() { Name::root() } else { text.parse().expect("the suite's owner names are names") }
}

fn entries(items: &[Item]) -> Vec<Entry> {
    let has_txt = items.iter().any(|item| matches!(item, Item::Record(record) if record.contains_key("TXT")));
    let mut entries = Vec::new();
    for item in items {
        match item {
            Item::Word(word) if word == "TIMEOUT" => entries.push(Entry::Timeout),
            Item::Word(word) => panic!("unknown word in zonedata: {word}"),
            Item::Record(record) => {
                entries.extend(record.iter().filter_map(|(rtype, value)| entry(rtype, value, has_txt)));
            }
        }
    }
    entries
}

fn entry(rtype: &str, value: &Value, has_txt: bool) -> Option<Entry> {
    let rdata = match (rtype, value) {
        ("TXT", Value::Text(word)) if word == "NONE" => return None,
        ("SPF", _) if has_txt => return None,
        ("TXT" | "SPF", Value::Text(text)) => Rdata::txt([text]),
        ("TXT" | "SPF", Value::Strings(strings)) => Rdata::txt(strings),
        ("A", Value::Text(address)) => Rdata::A(address.parse().expect("an IPv4 address")),
        ("AAAA", Value::Text(address)) => Rdata::Aaaa(address.parse().expect("an IPv6 address")),
        ("PTR", Value::Text(target)) => Rdata::Ptr(name(target)),
        ("CNAME", Value::Text(target)) => return Some(Entry::Cname(name(target))),
        ("MX", Value::Mx(preference, exchange)) => Rdata::Mx { preference: *preference, exchange: name(exchange) },
        _ => panic!("unknown record in zonedata: {rtype}"),
    };
    Some(Entry::Record(rdata))
}
