//! Answers from a set of records.

use std::collections::HashMap;

use crate::{Class, Name, NearMiss, Rdata, Record, RecordType, Soa};

/// Records by name, and the lookup of RFC 1034 §4.3.2 with wildcards by RFC 4592 and DNAME by RFC 6672.
///
/// The zones of a store are where its SOA records are. Without any SOA the records are one world: what is not in it does not
/// exist. What is wrong is held and answered as it stands: duplicates come twice (a real server would suppress one,
/// RFC 2181 §5), and of a CNAME beside other data a question for the other data gets that, any other one follows the CNAME.
#[derive(Clone, Debug, Default)]
pub struct Store {
    /// Every owner and every name above one; a node without records is an empty non-terminal (RFC 4592 §2.2.2).
    nodes: HashMap<Name, Vec<Record>>,
    /// Owners in the order in which they came.
    owners: Vec<Name>,
    has_soa: bool,
}

impl Store {
    /// Adds a record.
    pub fn insert(&mut self, record: Record) {
        for above in record.owner.ancestors_and_self().skip(1) {
            self.nodes.entry(above).or_default();
        }
        let node = self.nodes.entry(record.owner.clone()).or_default();
        if node.is_empty() {
            self.owners.push(record.owner.clone());
        }
        self.has_soa |= record.rtype() == RecordType::SOA;
        node.push(record);
    }

    /// Answers a question of class IN.
    #[must_use]
    pub fn lookup(&self, name: &Name, rtype: RecordType, mode: Mode) -> Answer {
        self.lookup_in(name, rtype, Class::IN, mode)
    }

    /// Answers a question of any class; [`Class::ANY`] means all.
    #[must_use]
    pub fn lookup_in(&self, name: &Name, rtype: RecordType, class: Class, mode: Mode) -> Answer {
        let mut walk = Walk { store: self, rtype, class, mode, answer: Answer::default() };
        walk.run(name);
        walk.answer
    }

    /// The closest thing to a record that is not in the store; `None` if it is there, or nothing is close.
    #[must_use]
    pub fn near_miss(&self, name: &Name, rtype: RecordType) -> Option<NearMiss> {
        let owners = self.owners.iter().map(|owner| (owner, self.types(owner)));
        NearMiss::find(name, rtype, owners)
    }

    /// The SOA record for a negative answer about `name` (RFC 2308 §3): that of its zone with the TTL of negative answers, or
    /// one made up with TTL 0.
    #[must_use]
    pub fn negative_soa(&self, name: &Name) -> Record {
        let soas = name.ancestors_and_self().find_map(|above| self.soa(&above).cloned());
        soas.unwrap_or_else(|| self.made_up_soa(name))
    }

    fn soa(&self, apex: &Name) -> Option<&Record> {
        self.nodes.get(apex)?.iter().find(|record| record.rtype() == RecordType::SOA)
    }

    /// The owner is the topmost name with records above `name`: where the apex would most likely be.
    fn made_up_soa(&self, name: &Name) -> Record {
        let has_records = |above: &Name| self.nodes.get(above).is_some_and(|node| !node.is_empty());
        let apex = name.ancestors_and_self().filter(has_records).last().unwrap_or_else(Name::root);
        let below = |label: &str| apex.child(label).unwrap_or_else(|_| apex.clone());
        let (mname, rname) = (below("ns"), below("hostmaster"));
        let soa = Soa { mname, rname, serial: 1, refresh: 3600, retry: 600, expire: 86_400, minimum: 0 };
        Record::new(apex, Rdata::Soa(soa))
    }

    fn types(&self, owner: &Name) -> Vec<RecordType> {
        let mut types: Vec<_> = self.nodes.get(owner).into_iter().flatten().map(Record::rtype).collect();
        types.sort_unstable();
        types.dedup();
        types
    }
}

impl FromIterator<Record> for Store {
    fn from_iter<I: IntoIterator<Item = Record>>(records: I) -> Self {
        let mut store = Self::default();
        store.extend(records);
        store
    }
}

impl Extend<Record> for Store {
    fn extend<I: IntoIterator<Item = Record>>(&mut self, records: I) {
        records.into_iter().for_each(|record| self.insert(record));
    }
}

/// How a store answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// As a recursive resolver that knows the whole world: CNAME chains are followed across zones, delegations too, and a
    /// name that is not there does not exist.
    #[default]
    Recursive,
    /// As an authoritative server of its zones: delegations give referrals, and names outside its zones are refused (if it
    /// has an SOA at all).
    Authoritative,
}

/// The answer to one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The response code.
    pub outcome: Outcome,
    /// The AA flag.
    pub authoritative: bool,
    /// The answer section: a CNAME chain first, then the records asked for. A chain that loops, or that is longer than 16,
    /// stands as far as it was followed.
    pub records: Vec<Record>,
    /// The authority section: the SOA of a negative answer, or the NS records of a referral.
    pub authority: Vec<Record>,
    /// The additional section: addresses of the servers of a referral.
    pub additional: Vec<Record>,
}

impl Default for Answer {
    fn default() -> Self {
        Self {
            outcome: Outcome::NoError,
            authoritative: true,
            records: Vec::new(),
            authority: Vec::new(),
            additional: Vec::new(),
        }
    }
}

/// The response code of an [`Answer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// NOERROR: the name exists, though perhaps not with this type.
    NoError,
    /// NXDOMAIN: the name, or the end of its CNAME chain, does not exist.
    NxDomain,
    /// REFUSED: the name is in none of the zones.
    Refused,
    /// YXDOMAIN: a DNAME made a name too long (RFC 6672 §2.2).
    YxDomain,
}

/// One lookup under way.
struct Walk<'s> {
    store: &'s Store,
    rtype: RecordType,
    class: Class,
    mode: Mode,
    answer: Answer,
}

impl<'s> Walk<'s> {
    fn run(&mut self, name: &Name) {
        let mut seen = vec![name.clone()];
        while let Some(next) = self.step(&seen[seen.len() - 1]) {
            if seen.contains(&next) || seen.len() > MAX_CHAIN {
                return;
            }
            seen.push(next);
        }
    }

    /// Adds what is known about `name`; gives the name to go on with, if it is an alias.
    fn step(&mut self, name: &Name) -> Option<Name> {
        if self.mode == Mode::Authoritative && self.leaves_zones(name) {
            return None;
        }
        let store = self.store;
        if let Some(node) = store.nodes.get(name) {
            return self.add_from_node(node, name, None);
        }
        if let Some((top, dname)) = self.dname_above(name) {
            return self.redirect(name, &top, dname);
        }
        let encloser = name.ancestors_and_self().find(|above| store.nodes.contains_key(above));
        let source = encloser.and_then(|encloser| encloser.child("*").ok());
        // RFC 4592 §3.3.1: only the wildcard right below the closest encloser is looked at.
        if let Some(node) = source.and_then(|source| store.nodes.get(&source)) {
            return self.add_from_node(node, name, Some(name));
        }
        self.negative(name, Outcome::NxDomain)
    }

    /// Answers from the records of one node; `owner` replaces theirs if they come from a wildcard.
    fn add_from_node(&mut self, node: &'s [Record], name: &Name, owner: Option<&Name>) -> Option<Name> {
        let any = self.rtype == RecordType::ANY;
        let found = self.copy(node, owner, |rtype| any || rtype == self.rtype);
        if !found.is_empty() {
            self.answer.records.extend(found);
            return None;
        }
        let aliases = self.copy(node, owner, |rtype| rtype == RecordType::CNAME);
        let target = aliases.first().and_then(|alias| match &alias.rdata {
            Rdata::Cname(target) => Some(target.clone()),
            _ => None,
        });
        if target.is_none() {
            return self.negative(name, Outcome::NoError);
        }
        self.answer.records.extend(aliases);
        target
    }

    fn copy(&self, node: &[Record], owner: Option<&Name>, wanted: impl Fn(RecordType) -> bool) -> Vec<Record> {
        let in_class = |record: &&Record| self.class == Class::ANY || record.class == self.class;
        let mut records: Vec<_> =
            node.iter().filter(in_class).filter(|record| wanted(record.rtype())).cloned().collect();
        if let Some(owner) = owner {
            let owner = owner.to_lowercase();
            records.iter_mut().for_each(|record| record.owner = owner.clone());
        }
        records
    }

    fn negative(&mut self, name: &Name, outcome: Outcome) -> Option<Name> {
        self.answer.outcome = outcome;
        let mut soa = self.store.negative_soa(name);
        if let Rdata::Soa(fields) = &soa.rdata {
            // RFC 2308 §3: the lesser of the two is how long the answer may be kept.
            soa.ttl = soa.ttl.min(fields.minimum);
        }
        self.answer.authority.push(soa);
        None
    }

    fn dname_above(&self, name: &Name) -> Option<(Name, &'s Record)> {
        name.ancestors_and_self().skip(1).find_map(|above| {
            let node = self.store.nodes.get(&above)?;
            let dname = node.iter().find(|record| record.rtype() == RecordType::DNAME)?;
            Some((above, dname))
        })
    }

    /// RFC 6672 §3.2: the DNAME and a CNAME made from it.
    fn redirect(&mut self, name: &Name, top: &Name, dname: &Record) -> Option<Name> {
        let Rdata::Dname(target) = &dname.rdata else { return None };
        let kept = name.label_count() - top.label_count();
        // The spelling of the question must not show in the answer: resolvers mix cases at random.
        let name = name.to_lowercase();
        self.answer.records.push(dname.clone());
        let Ok(target) = Name::from_labels(name.labels().take(kept).chain(target.labels())) else {
            self.answer.outcome = Outcome::YxDomain;
            return None;
        };
        let alias = Record::new(name, Rdata::Cname(target.clone())).with_ttl(dname.ttl);
        self.answer.records.push(alias);
        Some(target)
    }

    /// In authoritative mode: whether `name` is in no zone or below a delegation; the answer then says so.
    fn leaves_zones(&mut self, name: &Name) -> bool {
        let store = self.store;
        if !store.has_soa {
            return false;
        }
        let above: Vec<_> = name.ancestors_and_self().collect();
        let Some(apex) = above.iter().position(|above| store.soa(above).is_some()) else {
            // Records outside all zones are served; what is not there is nobody's.
            let foreign = !store.nodes.contains_key(name);
            if foreign && self.answer.records.is_empty() {
                self.answer = Answer { outcome: Outcome::Refused, authoritative: false, ..Answer::default() };
            }
            return foreign;
        };
        // The topmost delegation counts: what lies below another one is not this zone's business.
        let cut = above[..apex].iter().rev().find(|below| store.types(below).contains(&RecordType::NS));
        cut.is_some_and(|cut| self.refer(cut))
    }

    fn refer(&mut self, cut: &Name) -> bool {
        let Some(node) = self.store.nodes.get(cut) else { return false };
        let servers = self.copy(node, None, |rtype| rtype == RecordType::NS);
        for server in &servers {
            let Rdata::Ns(host) = &server.rdata else { continue };
            let Some(glue) = self.store.nodes.get(host) else { continue };
            let glue = self.copy(glue, None, |rtype| matches!(rtype, RecordType::A | RecordType::AAAA));
            self.answer.additional.extend(glue);
        }
        self.answer.authority.extend(servers);
        // RFC 1034 §6.2.7: a referral is not authoritative, unless an alias of ours led to it.
        self.answer.authoritative = !self.answer.records.is_empty();
        true
    }
}

/// The most aliases followed for one question; BIND follows as many.
const MAX_CHAIN: usize = 16;

#[cfg(test)]
mod tests;
