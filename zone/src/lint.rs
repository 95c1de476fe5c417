//! What is odd in a set of records.

use std::collections::{HashMap, HashSet};

use crate::error::shown;
use crate::{Class, Name, Rdata, Record, RecordType, Span};

/// Says what is odd across records: things a test zone may hold on purpose, and a real zone should not.
///
/// The warnings come in the order of the records at fault.
///
/// ```
/// let records = zone::parse("a.test CNAME b.test\na.test TXT here", &zone::ParseOptions::default())?;
/// let warnings = zone::lint(&records);
/// assert_eq!(warnings[0].message, "a.test has a CNAME beside other data");
/// # Ok::<(), zone::ZoneErrors>(())
/// ```
#[must_use]
pub fn lint(records: &[Record]) -> Vec<Warning> {
    let index = Index::new(records);
    records.iter().enumerate().flat_map(|(at, record)| index.warnings(at, record)).collect()
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
    by_owner: HashMap<&'a Name, Vec<(usize, &'a Record)>>,
    apexes: HashSet<&'a Name>,
}

impl<'a> Index<'a> {
    fn new(records: &'a [Record]) -> Self {
        let mut by_owner: HashMap<_, Vec<_>> = HashMap::new();
        for (at, record) in records.iter().enumerate() {
            by_owner.entry(&record.owner).or_default().push((at, record));
        }
        let soas = records.iter().filter(|record| record.rtype() == RecordType::SOA);
        Self { by_owner, apexes: soas.map(|soa| &soa.owner).collect() }
    }

    fn warnings(&self, at: usize, record: &Record) -> Vec<Warning> {
        let peers: Vec<_> =
            self.by_owner[&record.owner].iter().filter(|(_, peer)| peer.class == record.class).collect();
        let earlier: Vec<_> = peers.iter().filter(|(other, _)| *other < at).map(|(_, peer)| *peer).collect();
        let others: Vec<_> = peers.iter().filter(|(other, _)| *other != at).map(|(_, peer)| *peer).collect();
        let found = [
            duplicate(record, &earlier),
            ttl_differs(record, &earlier),
            several(record, &earlier),
            cname_beside_other(record, &others),
            several_spf(record, &earlier),
            self.target_is_alias(record),
            self.below_dname(record),
            self.outside_zones(record),
            strings(record),
        ];
        let warning =
            |(kind, message, help): Finding| Warning { kind, span: record.span, message, help: Some(help.to_owned()) };
        found.into_iter().flatten().map(warning).collect()
    }

    fn target_is_alias(&self, record: &Record) -> Option<Finding> {
        let (Rdata::Mx { exchange: target, .. } | Rdata::Ns(target) | Rdata::Srv { target, .. }) = &record.rdata else {
            return None;
        };
        let is_alias = self.has(target, RecordType::CNAME);
        let message = format!(
            "the {} record of {} points to {}, which is an alias",
            record.rtype(),
            host(&record.owner),
            host(target)
        );
        is_alias.then_some((WarningKind::TargetIsAlias, message, "point it to the canonical name"))
    }

    fn below_dname(&self, record: &Record) -> Option<Finding> {
        let above = record.owner.ancestors_and_self().skip(1).find(|above| self.has(above, RecordType::DNAME))?;
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

    fn has(&self, name: &Name, rtype: RecordType) -> bool {
        self.by_owner.get(name).is_some_and(|records| records.iter().any(|(_, record)| record.rtype() == rtype))
    }
}

type Finding = (WarningKind, String, &'static str);

fn duplicate(record: &Record, earlier: &[&Record]) -> Option<Finding> {
    let twice = earlier.iter().any(|peer| peer.rdata == record.rdata);
    let message = format!("the {} record of {} is there already", record.rtype(), host(&record.owner));
    twice.then_some((
        WarningKind::Duplicate,
        message,
        "a real server sends it once; a zone that is wrong on purpose is served here as it stands",
    ))
}

fn ttl_differs(record: &Record, earlier: &[&Record]) -> Option<Finding> {
    let first = earlier.iter().find(|peer| peer.rtype() == record.rtype())?;
    let message =
        format!("{} {} has TTL {} here and {} before", host(&record.owner), record.rtype(), record.ttl, first.ttl);
    (first.ttl != record.ttl).then_some((WarningKind::TtlDiffers, message, "records of one name and type have one TTL"))
}

fn several(record: &Record, earlier: &[&Record]) -> Option<Finding> {
    let kind = match record.rtype() {
        RecordType::CNAME => WarningKind::SeveralCname,
        RecordType::SOA => WarningKind::SeveralSoa,
        _ => return None,
    };
    let before = earlier.iter().any(|peer| peer.rtype() == record.rtype() && peer.rdata != record.rdata);
    let message = format!("{} has several {} records", host(&record.owner), record.rtype());
    before.then_some((kind, message, "a name has at most one; the first one counts here"))
}

fn cname_beside_other(record: &Record, others: &[&Record]) -> Option<Finding> {
    let beside = record.rtype() == RecordType::CNAME && others.iter().any(|peer| peer.rtype() != RecordType::CNAME);
    let message = format!("{} has a CNAME beside other data", host(&record.owner));
    beside.then_some((
        WarningKind::CnameBesideOther,
        message,
        "a question for the other data gets it, any other one follows the CNAME",
    ))
}

fn several_spf(record: &Record, earlier: &[&Record]) -> Option<Finding> {
    let same = |peer: &&Record| peer.rtype() == record.rtype() && peer.rdata != record.rdata && is_spf(peer);
    let several = is_spf(record) && earlier.iter().any(same);
    let message = format!("{} has several SPF records", host(&record.owner));
    several.then_some((WarningKind::SeveralSpf, message, "verifiers answer permerror: merge them into one"))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ParseOptions, parse};

    fn messages(text: &str) -> Vec<(WarningKind, String)> {
        let records = parse(text, &ParseOptions::default()).unwrap();
        lint(&records).into_iter().map(|warning| (warning.kind, warning.message)).collect()
    }

    fn kinds(text: &str) -> Vec<WarningKind> {
        messages(text).into_iter().map(|(kind, _)| kind).collect()
    }

    #[test]
    fn a_sound_zone_has_no_warnings() {
        let text = "
example.com 60 SOA ns hostmaster 1 2 3 4 5
example.com NS ns.example.com
example.com MX 10 mail.example.com
example.com TXT \"v=spf1 mx \" \"-all\"
example.com TXT \"other\"
mail.example.com A 192.0.2.1
mail.example.com AAAA 2001:db8::1
www.example.com CNAME mail.example.com
";
        assert_eq!(messages(text), []);
    }

    #[test]
    fn each_oddity_is_found() {
        use WarningKind as W;
        for (text, kind) in [
            ("a.test CNAME b.test\na.test A 192.0.2.1", W::CnameBesideOther),
            ("a.test CNAME b.test\na.test CNAME c.test", W::SeveralCname),
            ("a.test SOA a b 1 2 3 4 5\na.test SOA a b 2 2 3 4 5", W::SeveralSoa),
            ("a.test A 192.0.2.1\nA.test A 192.0.2.1", W::Duplicate),
            ("a.test 1 A 192.0.2.1\na.test 2 A 192.0.2.2", W::TtlDiffers),
            ("a.test MX 1 b.test\nb.test CNAME c.test", W::TargetIsAlias),
            ("a.test DNAME b.test\nx.a.test A 192.0.2.1", W::BelowDname),
            ("a.test SOA a b 1 2 3 4 5\nb.test A 192.0.2.1", W::OutsideZones),
            ("a.test TXT \\# 0", W::NoString),
            ("a.test TXT v=spf1 ip4:192.0.2.1 -all", W::SpaceLost),
            ("a.test SPF \"v=spf1 -all\"", W::RetiredSpfType),
            ("a.test TXT \"v=spf1 -all\"\na.test TXT \"v=spf1 mx\"", W::SeveralSpf),
        ] {
            assert_eq!(kinds(text), [kind], "{text}");
        }
    }

    #[test]
    fn the_lost_space_is_shown() {
        let found = messages("a.test TXT v=spf1 ip4:192.0.2.1 -all");
        assert_eq!(found[0].1, "the strings of a.test are joined without a space: `v=spf1ip4:192.0.2.1`");
    }
}
