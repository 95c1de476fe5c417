//! A small DNS in text, and the questions it was asked.

use std::net::IpAddr;
use std::sync::Mutex;

use spf::{Answer, Failure, Lookup, Name, Outcome, Question, Rdata, RecordType, Request, SpfResult, Table, check_host};

use crate::support::block_on;

/// The client of most checks.
pub(crate) const CLIENT: &str = "192.0.2.1";

/// A table of answers that notes what it is asked.
pub(crate) struct World {
    table: Table,
    asked: Mutex<Vec<String>>,
}

impl World {
    /// Reads lines of `owner TYPE data`; for data, `!word` makes the question fail.
    pub(crate) fn new(zone: impl AsRef<str>) -> Self {
        let mut table = Table::new();
        for line in zone.as_ref().lines().map(str::trim).filter(|line| !line.is_empty()) {
            let mut words = line.splitn(3, ' ');
            let mut word = || words.next().unwrap_or_default();
            let (owner, rtype, data) = (name(word()), word(), word());
            match data.strip_prefix('!') {
                Some(failure) => table.fail(owner, record_type(rtype), self::failure(failure)),
                None => table.add(owner, rdata(rtype, data)),
            }
        }
        Self { table, asked: Mutex::default() }
    }

    pub(crate) fn check(&self, request: &Request<'_>) -> Outcome {
        block_on(check_host(request, self))
    }

    /// Checks `mail_from` for the usual client.
    pub(crate) fn check_mail_from(&self, mail_from: &(impl AsRef<[u8]> + ?Sized)) -> Outcome {
        self.check(&request(CLIENT, mail_from))
    }

    /// Checks `user@example.com` for a client.
    pub(crate) fn check_ip(&self, ip: &str) -> SpfResult {
        self.check(&request(ip, "user@example.com")).result
    }

    /// Returns the questions asked so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no test panics while it holds the lock").clone()
    }
}

impl Lookup for World {
    fn lookup(&self, question: Question) -> impl Future<Output = Answer> + Send {
        self.asked.lock().expect("no test panics while it holds the lock").push(question.to_string());
        self.table.lookup(question)
    }
}

pub(crate) fn request<'a>(ip: &str, mail_from: &'a (impl AsRef<[u8]> + ?Sized)) -> Request<'a> {
    let ip: IpAddr = ip.parse().expect("a client address");
    Request::for_mail_from(ip, "mail.example.org", mail_from).with_receiver("mx.example.net").with_now(1_600_000_000)
}

/// Checks `user@example.com` for the usual client.
pub(crate) fn check(zone: impl AsRef<str>) -> Outcome {
    World::new(zone).check_mail_from("user@example.com")
}

/// The result of [`check`].
pub(crate) fn result(zone: impl AsRef<str>) -> SpfResult {
    check(zone).result
}

fn name(text: &str) -> Name {
    if text == "." { Name::root() } else { text.parse().expect("a domain name") }
}

fn record_type(word: &str) -> RecordType {
    let types = [RecordType::A, RecordType::Aaaa, RecordType::Mx, RecordType::Ptr, RecordType::Txt];
    types.into_iter().find(|rtype| rtype.to_string() == word).expect("a record type SPF asks for")
}

fn rdata(rtype: &str, data: &str) -> Rdata {
    match record_type(rtype) {
        RecordType::A => Rdata::A(data.parse().expect("an address")),
        RecordType::Aaaa => Rdata::Aaaa(data.parse().expect("an address")),
        RecordType::Mx => Rdata::Mx { preference: 10, exchange: name(data) },
        RecordType::Ptr => Rdata::Ptr(name(data)),
        RecordType::Txt => Rdata::txt([data]),
    }
}

fn failure(word: &str) -> Failure {
    match word {
        "TIMEOUT" => Failure::Timeout,
        "SERVFAIL" => Failure::Servfail,
        "REFUSED" => Failure::Refused,
        "DEADLINE" => Failure::Deadline,
        "MALFORMED" => Failure::Malformed,
        other => Failure::Other(other.to_owned()),
    }
}
