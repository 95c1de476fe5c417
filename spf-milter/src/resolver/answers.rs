//! From hickory's responses and errors to the four outcomes that SPF tells apart.

use std::time::Duration;

use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{self, RData, Record};
use spf::{AnswerKind, Failure, Name, Rdata, RecordType};

use super::response::{Reached, Response};

/// What a lookup of `name` and `rtype` came to.
pub(super) fn response(name: &rr::Name, rtype: RecordType, found: Result<&[Record], &NetError>) -> Response {
    match found {
        Ok(records) => match records_of(name, rtype, records) {
            // Nothing says how long that holds.
            Ok((found, _)) if found.is_empty() => Response::said(AnswerKind::NoData, None),
            Ok((found, ttl)) => Response::said(AnswerKind::Records(found.into()), Some(ttl)),
            Err(failure) => Response::said(AnswerKind::Failed(failure), None),
        },
        Err(error) => Response { kind: failed(error), ttl: negative_ttl(error), reached: reached(error) },
    }
}

/// The records of the type at the end of the CNAME chain that starts at `name`, and the time for which the whole chain
/// holds. Whatever else the answer section holds, other owners or other types, is not an answer to the question.
fn records_of(name: &rr::Name, rtype: RecordType, records: &[Record]) -> Result<(Vec<Rdata>, Duration), Failure> {
    let (mut owner, mut ttl) = (name, u32::MAX);
    for _ in 0..=CNAMES_MAX {
        let (mut found, mut alias) = (Vec::new(), None);
        for record in records.iter().filter(|record| record.name == *owner) {
            match (rdata(rtype, &record.data), &record.data) {
                (Some(data), _) => found.push(data?),
                (None, RData::CNAME(target)) if alias.is_none() => alias = Some(&target.0),
                (None, _) => continue,
            }
            ttl = ttl.min(record.ttl);
        }
        match alias {
            Some(target) if found.is_empty() => owner = target,
            _ => return Ok((found, lifetime(ttl))),
        }
    }
    Ok((Vec::new(), Duration::ZERO))
}

/// RFC 2181 section 8: a TTL with the highest bit set means zero.
fn lifetime(ttl: u32) -> Duration {
    Duration::from_secs(if ttl > i32::MAX.unsigned_abs() { 0 } else { ttl.into() })
}

/// How long a void lookup holds (RFC 2308 section 5), where the zone says so.
fn negative_ttl(error: &NetError) -> Option<Duration> {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => none.negative_ttl.map(lifetime),
        _ => None,
    }
}

/// Whether the server said anything: not if there was silence, or no way to it.
pub(super) fn reached(error: &NetError) -> Reached {
    match error {
        NetError::Timeout | NetError::Io(_) | NetError::NoConnections => Reached::No,
        _ => Reached::Yes,
    }
}

/// The data, if it is of the type asked for.
fn rdata(rtype: RecordType, data: &RData) -> Option<Result<Rdata, Failure>> {
    Some(match (rtype, data) {
        (RecordType::A, RData::A(address)) => Ok(Rdata::A(address.0)),
        (RecordType::Aaaa, RData::AAAA(address)) => Ok(Rdata::Aaaa(address.0)),
        (RecordType::Mx, RData::MX(mx)) => {
            from_hickory(&mx.exchange).map(|exchange| Rdata::Mx { preference: mx.preference, exchange })
        }
        (RecordType::Ptr, RData::PTR(name)) => from_hickory(&name.0).map(Rdata::Ptr),
        (RecordType::Txt, RData::TXT(txt)) => Ok(Rdata::txt(txt.txt_data.iter())),
        _ => return None,
    })
}

/// A void lookup is a response of RCODE 0 or 3 without a record (RFC 7208 section 4.6.4); all else is an error
/// (section 5). hickory says "no records" of unknown response codes as well.
fn failed(error: &NetError) -> AnswerKind {
    AnswerKind::Failed(match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => match none.response_code {
            ResponseCode::NXDomain => return AnswerKind::NxDomain,
            ResponseCode::NoError => return AnswerKind::NoData,
            other => response_code(other),
        },
        NetError::Dns(DnsError::ResponseCode(code)) => response_code(*code),
        NetError::Timeout => Failure::Timeout,
        NetError::Truncated | NetError::Proto(_) => Failure::Malformed,
        other => Failure::Other(other.to_string()),
    })
}

fn response_code(code: ResponseCode) -> Failure {
    match code {
        ResponseCode::ServFail => Failure::Servfail,
        ResponseCode::Refused => Failure::Refused,
        other => Failure::Other(format!("response code {}", u16::from(other))),
    }
}

/// Labels go over as bytes: text would be lower-cased, refused or read as escapes.
pub(super) fn to_hickory(name: &Name) -> Result<rr::Name, Failure> {
    rr::Name::from_labels(name.labels()).map_err(|error| Failure::Other(error.to_string()))
}

fn from_hickory(name: &rr::Name) -> Result<Name, Failure> {
    Name::from_labels(name.iter()).map_err(|error| Failure::Other(error.to_string()))
}

/// The type in hickory's words.
pub(super) fn record_type(rtype: RecordType) -> rr::RecordType {
    match rtype {
        RecordType::A => rr::RecordType::A,
        RecordType::Aaaa => rr::RecordType::AAAA,
        RecordType::Mx => rr::RecordType::MX,
        RecordType::Ptr => rr::RecordType::PTR,
        RecordType::Txt => rr::RecordType::TXT,
    }
}

/// CNAMEs followed within one response.
const CNAMES_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use hickory_resolver::proto::rr::rdata::{A, CNAME, MX, TXT};

    use super::*;

    fn name(text: &str) -> rr::Name {
        to_hickory(&Name::parse(text).unwrap()).unwrap()
    }

    fn record(owner: &str, data: RData) -> Record {
        Record::from_rdata(name(owner), 60, data)
    }

    fn a(owner: &str, last: u8) -> Record {
        record(owner, RData::A(A(Ipv4Addr::new(192, 0, 2, last))))
    }

    fn cname(owner: &str, target: &str) -> Record {
        record(owner, RData::CNAME(CNAME(name(target))))
    }

    fn ask(records: &[Record]) -> String {
        response(&name("q.example"), RecordType::A, Ok(records)).kind.to_string()
    }

    #[test]
    fn records_of_other_owners_and_types_are_no_answer() {
        let txt = record("q.example", RData::TXT(TXT::new(vec!["x".to_owned()])));
        assert_eq!(ask(&[a("other.example", 9), txt.clone(), a("Q.EXAMPLE", 1)]), "192.0.2.1");
        assert_eq!(ask(&[a("other.example", 9), txt]), "no records");
    }

    #[test]
    fn a_chain_of_cnames_is_walked_in_any_order_and_a_loop_ends() {
        let chain = [a("c.example", 3), cname("b.example", "c.example"), cname("q.example", "b.example")];
        assert_eq!(ask(&chain), "192.0.2.3");
        let dangling = [cname("q.example", "b.example"), a("c.example", 3)];
        assert_eq!(ask(&dangling), "no records");
        let circle = [cname("q.example", "b.example"), cname("b.example", "q.example")];
        assert_eq!(ask(&circle), "no records");
    }

    #[test]
    fn an_answer_holds_as_long_as_each_record_of_its_chain() {
        let ttl = |ttls: [u32; 3]| {
            let mut chain = [cname("q.example", "b.example"), a("b.example", 1), a("other.example", 2)];
            chain.iter_mut().zip(ttls).for_each(|(record, ttl)| record.ttl = ttl);
            response(&name("q.example"), RecordType::A, Ok(&chain)).ttl.unwrap().as_secs()
        };
        assert_eq!(ttl([60, 300, 1]), 60);
        assert_eq!(ttl([300, 60, 1]), 60);
        assert_eq!(ttl([u32::MAX, 60, 1]), 60);
        assert_eq!(ttl([1 << 31, 1 << 31, 1]), 0);
    }

    #[test]
    fn names_of_any_bytes_go_over_and_come_back() {
        let labels: [&[u8]; 3] = [b"a\xff b", b"UPPER", b"example"];
        let there = to_hickory(&Name::from_labels(labels).unwrap()).unwrap();
        assert!(there.is_fqdn());
        assert_eq!(from_hickory(&there).unwrap().labels().collect::<Vec<_>>(), labels);
    }

    #[test]
    fn the_root_as_exchange_is_kept() {
        let mx = [record("q.example", RData::MX(MX::new(0, rr::Name::root())))];
        assert_eq!(response(&name("q.example"), RecordType::Mx, Ok(&mx)).kind.to_string(), "0 .");
    }

    #[test]
    fn only_rcode_0_and_3_are_void() {
        let none = |code| {
            let query = hickory_resolver::proto::op::Query::query(name("q.example"), rr::RecordType::A);
            NetError::Dns(DnsError::NoRecordsFound(hickory_resolver::net::NoRecords::new(query, code)))
        };
        let rcode = |code| NetError::Dns(DnsError::ResponseCode(code));
        let table = [
            ("NXDOMAIN", none(ResponseCode::NXDomain)),
            ("NODATA", none(ResponseCode::NoError)),
            ("unknown code, no records", none(ResponseCode::Unknown(11))),
            ("SERVFAIL", rcode(ResponseCode::ServFail)),
            ("REFUSED", rcode(ResponseCode::Refused)),
            ("FORMERR", rcode(ResponseCode::FormErr)),
            ("NOTIMP", rcode(ResponseCode::NotImp)),
            ("silence", NetError::Timeout),
            ("truncated twice", NetError::Truncated),
            ("no connection", NetError::NoConnections),
        ];
        let lines: Vec<_> = table
            .iter()
            .map(|(label, error)| {
                let kind = failed(error);
                let void = matches!(kind, AnswerKind::NxDomain | AnswerKind::NoData);
                let silence = if reached(error) == Reached::No { ", silence" } else { "" };
                format!("{label:25}{} {kind}{silence}", if void { "void " } else { "error" })
            })
            .collect();
        insta::assert_snapshot!(lines.join("\n"));
    }
}
