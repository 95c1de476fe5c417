//! What is odd in a set of records.

use std::collections::{HashMap, HashSet};

use crate::error::shown;
use crate::{Class, Name, Rdata, Record, RecordType, Span};

/// Says what is odd across records: things a test zone may hold on purpose, and a real zone should not.
///
/// It takes time and memory in proportion to the records, however many of them have one name.
///
/// ```
/// let records = zone::parse("a.test CNAME b.test\na.test TXT here", &zone::ParseOptions::default())?;
/// let warnings = zone::lint(&records);
/// assert_eq!(warnings.warnings()[0].message, "a.test has a CNAME beside other data");
/// # Ok::<(), zone::ZoneErrors>(())
/// ```
#[must_use]
pub fn lint(records: &[Record]) -> Warnings {
    let (index, mut earlier) = (Index::new(records), Earlier::default());
    let mut warnings = Vec::new();
    for record in records {
        warnings.extend(index.warnings(record, &earlier));
        earlier.note(record);
        if warnings.len() > MAX_WARNINGS {
            warnings.truncate(MAX_WARNINGS);
            return Warnings { warnings, more: true };
        }
    }
    Warnings { warnings, more: false }
}

/// What is odd in a set of records, up to a limit of [`MAX_WARNINGS`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Warnings {
    warnings: Vec<Warning>,
    more: bool,
}

impl Warnings {
    /// The warnings, in the order of the records at fault.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Whether there are more than these.
    #[must_use]
    pub const fn has_more(&self) -> bool {
        self.more
    }
}

/// Something odd, though it can be read and served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What it is.
    pub kind: WarningKind,
    /// The record at fault.
    pub span: Span,
    /// What is odd, as a lower-case fragment without control bytes.
    pub message: String,
    /// How to mend it, or what comes of it.
    pub help: Option<String>,
}

/// The kinds of [`Warning`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WarningKind {
    /// A CNAME beside other data (RFC 1034 §3.6.2).
    CnameBesideOther,
    /// More than one CNAME of one name (RFC 2181 §10.1).
    SeveralCname,
    /// More than one SOA of one name.
    SeveralSoa,
    /// The same record twice (RFC 2181 §5).
    Duplicate,
    /// Records of one name and type with different TTLs (RFC 2181 §5.2).
    TtlDiffers,
    /// An MX, NS or SRV record that points to an alias (RFC 2181 §10.3).
    TargetIsAlias,
    /// A name below a DNAME (RFC 6672 §2.4).
    BelowDname,
    /// There are SOA records, and the name is below none of them.
    OutsideZones,
    /// A TXT record without a string (RFC 1035 §3.3.14).
    NoString,
    /// SPF text whose strings lose a space where they are joined (RFC 7208 §3.3).
    SpaceLost,
    /// SPF text in type 99, which nobody asks for any more (RFC 7208 §3.1).
    RetiredSpfType,
    /// More than one SPF record of one name (RFC 7208 §3.2).
    SeveralSpf,
}

/// What is known of all records, to judge each.
struct Index<'a> {
    apexes: HashSet<&'a Name>,
    aliases: HashSet<&'a Name>,
    redirected: HashSet<&'a Name>,
    /// Names with data beside aliases.
    with_data: HashSet<(&'a Name, Class)>,
}

impl<'a> Index<'a> {
    fn new(records: &'a [Record]) -> Self {
        let owners = |rtype| records.iter().filter(move |record| record.rtype() == rtype).map(|record| &record.owner);
        let data = records.iter().filter(|record| record.rtype() != RecordType::CNAME);
        Self {
            apexes: owners(RecordType::SOA).collect(),
            aliases: owners(RecordType::CNAME).collect(),
            redirected: owners(RecordType::DNAME).collect(),
            with_data: data.map(|record| (&record.owner, record.class)).collect(),
        }
    }

    fn warnings(&self, record: &Record, earlier: &Earlier<'_>) -> Vec<Warning> {
        let found = [
            earlier.duplicate(record),
            earlier.ttl_differs(record),
            earlier.several(record),
            self.cname_beside_other(record),
            earlier.several_spf(record),
            self.target_is_alias(record),
            self.below_dname(record),
            self.outside_zones(record),
            strings(record),
        ];
        let warning =
            |(kind, message, help): Finding| Warning { kind, span: record.span, message, help: Some(help.to_owned()) };
        found.into_iter().flatten().map(warning).collect()
    }

    fn cname_beside_other(&self, record: &Record) -> Option<Finding> {
        let beside = record.rtype() == RecordType::CNAME && self.with_data.contains(&(&record.owner, record.class));
        beside.then(|| {
            let message = format!("{} has a CNAME beside other data", host(&record.owner));
            let help = "a question for the other data gets it, any other one follows the CNAME";
            (WarningKind::CnameBesideOther, message, help)
        })
    }

    fn target_is_alias(&self, record: &Record) -> Option<Finding> {
        let (Rdata::Mx { exchange: target, .. } | Rdata::Ns(target) | Rdata::Srv { target, .. }) = &record.rdata else {
            return None;
        };
        let is_alias = self.aliases.contains(target);
        let message = format!(
            "the {} record of {} points to {}, which is an alias",
            record.rtype(),
            host(&record.owner),
            host(target)
        );
        is_alias.then_some((WarningKind::TargetIsAlias, message, "point it to the canonical name"))
    }

    fn below_dname(&self, record: &Record) -> Option<Finding> {
        let above = record.owner.ancestors_and_self().skip(1).find(|above| self.redirected.contains(above))?;
        let message = format!("{} lies below the DNAME of {}", host(&record.owner), host(&above));
        Some((WarningKind::BelowDname, message, "nothing may stand below a DNAME; it is served here all the same"))
    }

    fn outside_zones(&self, record: &Record) -> Option<Finding> {
        let inside =
            self.apexes.is_empty() || record.owner.ancestors_and_self().any(|above| self.apexes.contains(&above));
        let message = format!("{} is in none of the zones that have an SOA record", host(&record.owner));
        (!inside && record.class == Class::IN).then_some((
            WarningKind::OutsideZones,
            message,
            "is a final dot missing or too many? without `$ORIGIN` every name is absolute",
        ))
    }
}

type Finding = (WarningKind, String, &'static str);

/// What is known of the records before one.
#[derive(Default)]
struct Earlier<'a> {
    data: HashSet<(&'a Name, Class, &'a Rdata)>,
    /// The TTL of the first record of each name and type.
    ttls: HashMap<Rrset<'a>, u32>,
    /// How many different ones there are, of the types and texts of which there may be one.
    single: HashMap<Rrset<'a>, usize>,
    spf: HashMap<Rrset<'a>, usize>,
}

/// Records of one name, class and type.
type Rrset<'a> = (&'a Name, Class, RecordType);

fn rrset(record: &Record) -> Rrset<'_> {
    (&record.owner, record.class, record.rtype())
}

impl<'a> Earlier<'a> {
    fn note(&mut self, record: &'a Record) {
        let is_new = self.data.insert((&record.owner, record.class, &record.rdata));
        self.ttls.entry(rrset(record)).or_insert(record.ttl);
        if is_new && single(record).is_some() {
            *self.single.entry(rrset(record)).or_default() += 1;
        }
        if is_new && is_spf(record) {
            *self.spf.entry(rrset(record)).or_default() += 1;
        }
    }

    fn has(&self, record: &Record) -> bool {
        self.data.contains(&(&record.owner, record.class, &record.rdata))
    }

    /// Whether there is one that is not the same.
    fn has_other(&self, counts: &HashMap<Rrset<'_>, usize>, record: &Record) -> bool {
        counts.get(&rrset(record)).is_some_and(|count| *count > usize::from(self.has(record)))
    }

    fn duplicate(&self, record: &Record) -> Option<Finding> {
        self.has(record).then(|| {
            let message = format!("the {} record of {} is there already", record.rtype(), host(&record.owner));
            let help = "a real server sends it once; a zone that is wrong on purpose is served here as it stands";
            (WarningKind::Duplicate, message, help)
        })
    }

    fn ttl_differs(&self, record: &Record) -> Option<Finding> {
        let first = self.ttls.get(&rrset(record)).filter(|first| **first != record.ttl)?;
        let (owner, rtype, ttl) = (host(&record.owner), record.rtype(), record.ttl);
        let message = format!("{owner} {rtype} has TTL {ttl} here and {first} before");
        Some((WarningKind::TtlDiffers, message, "records of one name and type have one TTL"))
    }

    fn several(&self, record: &Record) -> Option<Finding> {
        let kind = single(record).filter(|_| self.has_other(&self.single, record))?;
        let message = format!("{} has several {} records", host(&record.owner), record.rtype());
        Some((kind, message, "a name has at most one; the first one counts here"))
    }

    fn several_spf(&self, record: &Record) -> Option<Finding> {
        let several = is_spf(record) && self.has_other(&self.spf, record);
        several.then(|| {
            let message = format!("{} has several SPF records", host(&record.owner));
            (WarningKind::SeveralSpf, message, "verifiers answer permerror: merge them into one")
        })
    }
}

/// What it is to have several records of the type, if there may be only one.
fn single(record: &Record) -> Option<WarningKind> {
    match record.rtype() {
        RecordType::CNAME => Some(WarningKind::SeveralCname),
        RecordType::SOA => Some(WarningKind::SeveralSoa),
        _ => None,
    }
}

fn is_spf(record: &Record) -> bool {
    let (Rdata::Txt(strings) | Rdata::Spf(strings)) = &record.rdata else { return false };
    let text = strings.concat().to_ascii_lowercase();
    text == b"v=spf1" || text.starts_with(b"v=spf1 ")
}

fn strings(record: &Record) -> Option<Finding> {
    let (Rdata::Txt(strings) | Rdata::Spf(strings)) = &record.rdata else { return None };
    let owner = host(&record.owner);
    if strings.is_empty() {
        let message = format!("the {} record of {owner} has no string", record.rtype());
        return Some((WarningKind::NoString, message, "many resolvers reject the whole answer"));
    }
    if let Some(joint) = lost_space(strings) {
        let message = format!("the strings of {owner} are joined without a space: {}", shown(&joint));
        return Some((
            WarningKind::SpaceLost,
            message,
            "put the whole text in one pair of quotes, or end a string with the space",
        ));
    }
    let retired = record.rtype() == RecordType::SPF;
    let message = format!("{owner} has a record of the retired type SPF (99)");
    retired.then_some((WarningKind::RetiredSpfType, message, "publish the text as TXT: nobody asks for type 99"))
}

/// Where two strings of an SPF text meet with a term on each side and no space: the words around the joint.
fn lost_space(strings: &[Vec<u8>]) -> Option<Vec<u8>> {
    let starts_spf = strings[0].to_ascii_lowercase().starts_with(b"v=spf1");
    strings.windows(2).filter(|_| starts_spf).find_map(|pair| {
        let left = pair[0].rsplit(|&byte| byte == b' ').next().filter(|word| !word.is_empty())?;
        let right = pair[1].split(|&byte| byte == b' ').next().filter(|word| !word.is_empty())?;
        // A long string is cut where 255 bytes are full, often in the middle of a term; a whole term on the right is the slip.
        let is_term =
            right.iter().any(|byte| matches!(byte, b':' | b'=')) || matches!(right, [b'-' | b'~' | b'?' | b'+', ..]);
        (is_term && pair[0].len() < 200).then(|| [left, right].concat())
    })
}

fn host(name: &Name) -> String {
    name.to_text_without_dot()
}

/// The most warnings that [`lint`] gives.
pub const MAX_WARNINGS: usize = 200;

#[cfg(test)]
mod tests;
