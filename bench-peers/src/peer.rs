//! mail-auth 0.15 over the same table, through its cache traits: a preloaded cache that knows every answer, so that the
//! resolver behind it is never asked.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Instant;

use mail_auth::dns::{ToFqdn, TxtRecordParser};
use mail_auth::hickory_resolver::config::{ResolverConfig, ResolverOpts};
use mail_auth::hickory_resolver::proto::op::ResponseCode;
use mail_auth::spf::verify::SpfParameters;
use mail_auth::spf::{Macro, SpfRecord};
use mail_auth::{
    DnsCache, DnsError, DnssecStatus, Error, MessageAuthenticator, Mx, Negative, Parameters, RecordSet, ResolverCache,
    SpfOutput, TxtRecord,
};

use crate::{Answers, Data, Mail, Records, block_on};

/// The evaluator.
pub struct Peer {
    authenticator: MessageAuthenticator,
    caches: Caches,
}

impl Peer {
    /// Makes an evaluator.
    ///
    /// # Panics
    /// mail-auth cannot be made without a name server; the version named in the manifest can.
    #[must_use]
    pub fn new(answers: &Answers, records: Records) -> Self {
        let nowhere = ResolverConfig::from_parts(None, Vec::new(), Vec::new());
        let authenticator = MessageAuthenticator::new(nowhere, ResolverOpts::default())
            .expect("a resolver without name servers can be built");
        Self { authenticator, caches: Caches::new(answers, records) }
    }

    /// Checks the MAIL FROM identity.
    pub fn check(&self, mail: &Mail) -> SpfOutput {
        let parameters = SpfParameters::mail_from(mail.ip, &mail.helo, "mx.example.net", &mail.sender);
        block_on(self.authenticator.check_host(Parameters::new(parameters).with_cache(&self.caches)))
    }
}

type Found<T> = Result<RecordSet<T>, Negative>;

struct Caches {
    txt: Texts,
    mx: Preloaded<Box<str>, Mx>,
    ipv4: Preloaded<Box<str>, Ipv4Addr>,
    ipv6: Preloaded<Box<str>, Ipv6Addr>,
    ptr: Preloaded<IpAddr, Box<str>>,
}

impl Caches {
    fn new(answers: &Answers, records: Records) -> Self {
        let entries = || answers.entries();
        let exchangers = entries().filter_map(|(owner, data)| match data {
            Data::Mx(exchange) => Some((fqdn(owner), Mx { exchanges: [fqdn(exchange)].into(), preference: 10 })),
            _ => None,
        });
        let ipv4 = entries().filter_map(|(owner, data)| match data {
            Data::A(address) => Some((fqdn(owner), *address)),
            _ => None,
        });
        let ipv6 = entries().filter_map(|(owner, data)| match data {
            Data::Aaaa(address) => Some((fqdn(owner), *address)),
            _ => None,
        });
        let ptr = entries().filter_map(|(owner, data)| match data {
            Data::Ptr(host) => Some((address_of(owner)?, fqdn(host))),
            _ => None,
        });
        Self {
            txt: Texts::new(answers, records),
            mx: Preloaded::new(exchangers),
            ipv4: Preloaded::new(ipv4),
            ipv6: Preloaded::new(ipv6),
            ptr: Preloaded::new(ptr),
        }
    }
}

impl DnsCache for Caches {
    type Txt = Texts;
    type Mx = Preloaded<Box<str>, Mx>;
    type Ipv4 = Preloaded<Box<str>, Ipv4Addr>;
    type Ipv6 = Preloaded<Box<str>, Ipv6Addr>;
    type Ptr = Preloaded<IpAddr, Box<str>>;

    fn txt(&self) -> Option<&Texts> {
        Some(&self.txt)
    }

    fn mx(&self) -> Option<&Self::Mx> {
        Some(&self.mx)
    }

    fn ipv4(&self) -> Option<&Self::Ipv4> {
        Some(&self.ipv4)
    }

    fn ipv6(&self) -> Option<&Self::Ipv6> {
        Some(&self.ipv6)
    }

    fn ptr(&self) -> Option<&Self::Ptr> {
        Some(&self.ptr)
    }
}

/// A cache that never changes, so that it needs no lock; what it does not hold does not exist.
struct Preloaded<K, T>(HashMap<K, Found<T>>);

impl<K: Hash + Eq, T: Clone> Preloaded<K, T> {
    fn new(records: impl Iterator<Item = (K, T)>) -> Self {
        let mut lists: HashMap<K, Vec<T>> = HashMap::new();
        for (key, record) in records {
            lists.entry(key).or_default().push(record);
        }
        let found = |list: Vec<T>| RecordSet { records: list.into(), dnssec_status: DnssecStatus::Indeterminate };
        Self(lists.into_iter().map(|(key, list)| (key, Ok(found(list)))).collect())
    }
}

impl<K: Hash + Eq, T: Clone> ResolverCache<K, Found<T>> for Preloaded<K, T> {
    fn get<Q>(&self, name: &Q) -> Option<Found<T>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        Some(self.0.get(name).cloned().unwrap_or(Err(NXDOMAIN)))
    }

    fn remove<Q>(&self, _name: &Q) -> Option<Found<T>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        None
    }

    fn insert(&self, _key: K, _value: Found<T>, _valid_until: Instant) {}
}

/// The cache of TXT records, which mail-auth keeps parsed; the form that parses each time does so on the way out.
struct Texts(HashMap<Box<str>, Text>);

enum Text {
    Parsed(TxtRecord),
    Record(Vec<Vec<u8>>),
    Explanation(Vec<Vec<u8>>),
}

impl Texts {
    fn new(answers: &Answers, records: Records) -> Self {
        let mut lists: HashMap<Box<str>, Vec<Vec<u8>>> = HashMap::new();
        let mut texts = HashMap::new();
        for (owner, data) in answers.entries() {
            match data {
                Data::Txt(text) => lists.entry(fqdn(owner)).or_default().push(text.clone().into_bytes()),
                Data::TxtFails => drop(texts.insert(fqdn(owner), Text::Parsed(failed()))),
                _ => {}
            }
        }
        texts.extend(lists.into_iter().map(|(owner, list)| (owner, Text::new(list, records))));
        Self(texts)
    }
}

impl ResolverCache<Box<str>, TxtRecord> for Texts {
    fn get<Q>(&self, name: &Q) -> Option<TxtRecord>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        Some(self.0.get(name).map_or_else(|| TxtRecord::Error(NXDOMAIN.into()), Text::record))
    }

    fn remove<Q>(&self, _name: &Q) -> Option<TxtRecord>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        None
    }

    fn insert(&self, _key: Box<str>, _value: TxtRecord, _valid_until: Instant) {}
}

impl Text {
    fn new(list: Vec<Vec<u8>>, records: Records) -> Self {
        let is_record = list.iter().any(|text| spf::is_spf_record(text));
        let text = if is_record { Self::Record(list) } else { Self::Explanation(list) };
        match records {
            Records::ParsedEachTime => text,
            Records::KeptParsed => Self::Parsed(text.record()),
        }
    }

    fn record(&self) -> TxtRecord {
        match self {
            Self::Parsed(record) => record.clone(),
            Self::Record(list) => SpfRecord::parse_records(list).into(),
            Self::Explanation(list) => Macro::parse_records(list).into(),
        }
    }
}

fn failed() -> TxtRecord {
    TxtRecord::Error(Error::Dns(DnsError::Resolver("SERVFAIL".to_owned())))
}

fn fqdn(name: &str) -> Box<str> {
    name.to_fqdn().into()
}

/// Reads the address out of the owner of a PTR record.
fn address_of(owner: &str) -> Option<IpAddr> {
    if let Some(octets) = owner.strip_suffix(".in-addr.arpa") {
        let octets: Vec<u8> = octets.rsplit('.').map(str::parse).collect::<Result<_, _>>().ok()?;
        return <[u8; 4]>::try_from(octets).ok().map(IpAddr::from);
    }
    let nibbles: String = owner.strip_suffix(".ip6.arpa")?.rsplit('.').collect();
    u128::from_str_radix(&nibbles, 16).ok().map(|bits| Ipv6Addr::from_bits(bits).into())
}

const NXDOMAIN: Negative = Negative { code: ResponseCode::NXDomain };
