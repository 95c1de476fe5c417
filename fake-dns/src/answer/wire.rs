//! Our records and names into hickory's and back, and messages into bytes.

use hickory_server::proto::op::{Edns, Metadata};
use hickory_server::proto::rr::rdata::name::{CNAME, NS, PTR};
use hickory_server::proto::rr::rdata::{A, AAAA, MX, NULL, SOA};
use hickory_server::proto::rr::{DNSClass, Name as WireName, RData, Record as WireRecord, RecordType as WireType};
use hickory_server::proto::serialize::binary::BinEncoder;
use hickory_server::server::Request;
use hickory_server::zone_handler::MessageResponseBuilder;
use zone::{Name, Rdata, Record, RecordType};

/// A message before it is bytes.
pub(crate) struct Draft {
    pub(crate) metadata: Metadata,
    pub(crate) edns: Option<Edns>,
    pub(crate) answers: Vec<Record>,
    pub(crate) authority: Vec<Record>,
    pub(crate) additional: Vec<Record>,
}

/// The bytes of the answer to `request`, and whether TC is set. What is longer than `max_bytes` goes out without records
/// and with TC; the question is repeated byte for byte, so that a mixed-case name comes back as it was.
///
/// `None` if there are no such bytes: the question itself does not fit.
pub(crate) fn encode(request: &Request, draft: &Draft, max_bytes: u16) -> Option<(Vec<u8>, bool)> {
    let sections = [&draft.answers, &draft.authority, &draft.additional].map(|records| to_wire_records(records));
    let whole = emit(request, draft, &sections, max_bytes);
    // A message that is cut in the midst of its records may lose its OPT record; without records it does not.
    match whole {
        Some((bytes, truncated)) if truncated == draft.metadata.truncation => Some((bytes, truncated)),
        _ => emit_truncated(request, draft, max_bytes),
    }
}

fn emit_truncated(request: &Request, draft: &Draft, max_bytes: u16) -> Option<(Vec<u8>, bool)> {
    let mut metadata = draft.metadata;
    metadata.truncation = true;
    let empty = Draft { metadata, edns: draft.edns.clone(), answers: vec![], authority: vec![], additional: vec![] };
    emit(request, &empty, &[vec![], vec![], vec![]], max_bytes)
}

fn emit(request: &Request, draft: &Draft, sections: &[Vec<WireRecord>; 3], max_bytes: u16) -> Option<(Vec<u8>, bool)> {
    let mut bytes = Vec::with_capacity(512);
    let mut encoder = BinEncoder::new(&mut bytes);
    encoder.set_max_size(max_bytes);
    let builder = MessageResponseBuilder::new(&request.queries, draft.edns.as_ref());
    let [answers, authority, additional] = sections;
    let info = builder.build(draft.metadata, answers, authority, [], additional).destructive_emit(&mut encoder).ok()?;
    Some((bytes, info.truncation))
}

/// The name of a question, byte for byte.
pub(crate) fn from_wire_name(name: &WireName) -> Option<Name> {
    Name::from_labels(name.iter()).ok()
}

/// A record that has no wire form is left out; the start of a server sees to it that there is none.
fn to_wire_records(records: &[Record]) -> Vec<WireRecord> {
    records.iter().filter_map(to_wire_record).collect()
}

fn to_wire_record(record: &Record) -> Option<WireRecord> {
    let mut wire = WireRecord::from_rdata(to_wire_name(&record.owner)?, record.ttl, to_wire_rdata(&record.rdata)?);
    wire.dns_class = DNSClass::from(record.class.0);
    Some(wire)
}

fn to_wire_name(name: &Name) -> Option<WireName> {
    WireName::from_labels(name.labels()).ok()
}

/// Names that may be compressed (RFC 3597 §4) go as hickory's types; the rest goes as the bytes we make ourselves, which may
/// be such as hickory would refuse to build.
fn to_wire_rdata(rdata: &Rdata) -> Option<RData> {
    Some(match rdata {
        Rdata::A(address) => RData::A(A(*address)),
        Rdata::Aaaa(address) => RData::AAAA(AAAA(*address)),
        Rdata::Mx { preference, exchange } => RData::MX(MX::new(*preference, to_wire_name(exchange)?)),
        Rdata::Cname(name) => RData::CNAME(CNAME(to_wire_name(name)?)),
        Rdata::Ns(name) => RData::NS(NS(to_wire_name(name)?)),
        Rdata::Ptr(name) => RData::PTR(PTR(to_wire_name(name)?)),
        Rdata::Soa(soa) => RData::SOA(SOA::new(
            to_wire_name(&soa.mname)?,
            to_wire_name(&soa.rname)?,
            soa.serial,
            soa.refresh.cast_signed(),
            soa.retry.cast_signed(),
            soa.expire.cast_signed(),
            soa.minimum,
        )),
        _ => bytes(rdata.rtype(), rdata.to_wire().ok()?),
    })
}

fn bytes(rtype: RecordType, bytes: Vec<u8>) -> RData {
    // `NULL::with` panics on no bytes.
    let rdata = if bytes.is_empty() { NULL::new() } else { NULL::with(bytes) };
    RData::Unknown { code: WireType::from(rtype.0), rdata }
}
