//! `zonedata` as records and faults.

use fake_dns::{FaultRule, NamePattern, TypePattern};
use zone::{Name, Rdata, Record, RecordType};

use super::{
    TimeoutForm,
    bytes::{bytes, name},
    yaml::{Item, Value},
};

/// The DNS of one document.
#[derive(Debug, Default)]
pub(crate) struct Zonedata {
    /// All records, with TTL 0.
    pub(super) records: Vec<Record>,
    /// A rule for each `TIMEOUT`.
    pub(super) faults: Vec<FaultRule>,
}

impl Zonedata {
    /// Adds the items of one name.
    ///
    /// # Errors
    /// What is wrong with an item, and its number.
    pub(super) fn add<'a>(
        &mut self,
        owner: &Name,
        items: impl IntoIterator<Item = &'a Item, IntoIter: Clone>,
        form: TimeoutForm,
    ) -> Result<(), (usize, String)> {
        let items = items.into_iter();
        let has_txt =
            items.clone().any(|item| matches!(item, Item::Records(map) if map.iter().any(|(key, _)| key == "TXT")));
        let mut node = Node { zone: self, owner, has_txt, form, listed: Vec::new() };
        items.enumerate().try_for_each(|(number, item)| node.add(item).map_err(|problem| (number, problem)))
    }
}

/// One name that is being read.
struct Node<'a> {
    zone: &'a mut Zonedata,
    owner: &'a Name,
    /// `SPF` items are not served as TXT.
    has_txt: bool,
    form: TimeoutForm,
    /// The types of the records so far.
    listed: Vec<RecordType>,
}

impl Node<'_> {
    fn add(&mut self, item: &Item) -> Result<(), String> {
        match item {
            Item::Word(word) if word == TIMEOUT => self.time_out(),
            Item::Word(word) => return Err(format!("`{word}` is neither `TYPE: data` nor {TIMEOUT}")),
            Item::Records(map) => return map.iter().try_for_each(|(key, value)| self.add_record(key, value)),
        }
        Ok(())
    }

    /// Every type fails that is not listed so far. An alias answers for all types.
    fn time_out(&mut self) {
        if self.listed.contains(&RecordType::CNAME) {
            return;
        }
        let types = match &self.listed[..] {
            [] => TypePattern::Any,
            listed => TypePattern::Except(listed.to_vec()),
        };
        self.fail(types);
    }

    fn fail(&mut self, types: TypePattern) {
        let name = NamePattern::Exact(self.owner.clone());
        self.zone.faults.push(FaultRule::new(name, types, self.form.action()));
    }

    fn add_record(&mut self, key: &str, value: &Value) -> Result<(), String> {
        let rtype = record_type(key)?;
        let as_txt = rtype == RecordType::SPF && !self.has_txt;
        match value {
            Value::Text(word) if word == TIMEOUT => {
                let also = as_txt.then_some(RecordType::TXT);
                self.fail(TypePattern::Only([rtype].into_iter().chain(also).collect()));
            }
            Value::Text(word) if word == NONE && rtype == RecordType::TXT => {}
            _ => {
                let rdata = rdata(rtype, value).map_err(|problem| format!("{key}: {problem}"))?;
                if let (Rdata::Spf(strings), true) = (&rdata, as_txt) {
                    self.push(Rdata::Txt(strings.clone()));
                }
                self.push(rdata);
            }
        }
        Ok(())
    }

    fn push(&mut self, rdata: Rdata) {
        if !self.listed.contains(&rdata.rtype()) {
            self.listed.push(rdata.rtype());
        }
        self.zone.records.push(Record::new(self.owner.clone(), rdata));
    }
}

fn record_type(key: &str) -> Result<RecordType, String> {
    let known = TYPES.into_iter().find(|rtype| rtype.to_string() == key);
    known.ok_or_else(|| {
        let names: Vec<String> = TYPES.iter().map(ToString::to_string).collect();
        format!("unknown record type `{key}`; known: {}", names.join(", "))
    })
}

fn rdata(rtype: RecordType, value: &Value) -> Result<Rdata, String> {
    let target = |text: &str| name(text).map_err(|error| error.to_string());
    Ok(match (rtype, value) {
        (RecordType::TXT, value) => Rdata::Txt(strings(value)),
        (RecordType::SPF, value) => Rdata::Spf(strings(value)),
        (RecordType::A, Value::Text(text)) => Rdata::A(text.parse().map_err(|_| "not an IPv4 address")?),
        (RecordType::AAAA, Value::Text(text)) => Rdata::Aaaa(text.parse().map_err(|_| "not an IPv6 address")?),
        (RecordType::PTR, Value::Text(text)) => Rdata::Ptr(target(text)?),
        (RecordType::CNAME, Value::Text(text)) => Rdata::Cname(target(text)?),
        (RecordType::MX, Value::List(parts)) => match &parts[..] {
            [preference, exchange] => Rdata::Mx {
                preference: preference.parse().map_err(|_| "the preference is a number up to 65535")?,
                exchange: target(exchange)?,
            },
            _ => return Err("an MX record is written `[preference, host]`".to_owned()),
        },
        (RecordType::MX, Value::Text(_)) => return Err("an MX record is written `[preference, host]`".to_owned()),
        _ => return Err("one text is expected, not a list".to_owned()),
    })
}

/// One text or several are the character-strings of one record; what is too long for one goes on in the next.
///
/// A record has one string at least (RFC 1035 section 3.3.14). No server holds one without, and resolvers refuse the whole answer
/// that has one: where a suite says so an empty string is sent.
fn strings(value: &Value) -> Vec<Vec<u8>> {
    let cut = |text: &String| match bytes(text) {
        empty if empty.is_empty() => vec![empty],
        long => long.chunks(MAX_STRING_BYTES).map(<[u8]>::to_vec).collect(),
    };
    match value {
        Value::Text(text) => cut(text),
        Value::List(texts) if texts.is_empty() => vec![Vec::new()],
        Value::List(texts) => texts.iter().flat_map(cut).collect(),
    }
}

const TIMEOUT: &str = "TIMEOUT";

const NONE: &str = "NONE";

/// A character-string's length is one byte (RFC 1035 section 3.3).
const MAX_STRING_BYTES: usize = 255;

/// What a suite may hold.
const TYPES: [RecordType; 7] = [
    RecordType::A,
    RecordType::AAAA,
    RecordType::MX,
    RecordType::PTR,
    RecordType::CNAME,
    RecordType::TXT,
    RecordType::SPF,
];

#[cfg(test)]
mod tests {
    use super::{super::yaml, *};

    /// The records and rules of one name, or what is wrong with it.
    fn read(items: &str) -> Result<Vec<String>, (usize, String)> {
        let text = format!("tests: {{}}\nzonedata:\n  o.example:\n{items}");
        let documents = yaml::documents(&text).unwrap();
        let items = documents[0].zonedata.0[0].1.as_ref().unwrap();
        let mut zone = Zonedata::default();
        let owner = "o.example".parse().unwrap();
        zone.add(&owner, items.iter().map(|item| &item.value), TimeoutForm::Servfail)?;
        let records = zone.records.iter().map(|record| format!("{} {}", record.rtype(), record.rdata));
        Ok(records.chain(zone.faults.iter().map(|rule| format!("fault {rule}"))).collect())
    }

    #[track_caller]
    fn check(items: &str, expected: &[&str]) {
        assert_eq!(read(items).unwrap(), expected, "{items}");
    }

    #[test]
    fn spf_is_txt_too_unless_there_is_txt() {
        check("    - SPF: a\n    - SPF: [b, c]\n", &["TXT \"a\"", "SPF \"a\"", "TXT \"b\" \"c\"", "SPF \"b\" \"c\""]);
        check("    - SPF: a\n    - TXT: b\n", &["SPF \"a\"", "TXT \"b\""]);
        check("    - SPF: a\n    - TXT: NONE\n", &["SPF \"a\""]);
        check("    - SPF: [ ]\n", &["TXT \"\"", "SPF \"\""]);
    }

    #[test]
    fn a_time_out_is_for_what_is_not_listed_before() {
        check("    - TIMEOUT\n", &["fault o.example ANY rcode SERVFAIL"]);
        check("    - TXT: a\n    - TIMEOUT\n", &["TXT \"a\"", "fault o.example !TXT rcode SERVFAIL"]);
        check("    - SPF: a\n    - TIMEOUT\n", &["TXT \"a\"", "SPF \"a\"", "fault o.example !TXT,SPF rcode SERVFAIL"]);
        check("    - SPF: a\n    - TXT: NONE\n    - TIMEOUT\n", &["SPF \"a\"", "fault o.example !SPF rcode SERVFAIL"]);
        check("    - A: TIMEOUT\n    - AAAA: '::1'\n", &["AAAA ::1", "fault o.example A rcode SERVFAIL"]);
        check("    - CNAME: c.example\n    - TIMEOUT\n", &["CNAME c.example."]);
    }

    #[test]
    fn bytes_and_long_texts_come_through() {
        check("    - TXT: \"\\x96\\xEF\"\n", &["TXT \"\\150\\239\""]);
        let long = "x".repeat(300);
        let expected = format!("TXT \"{}\" \"{}\"", &long[..255], &long[255..]);
        check(&format!("    - TXT: {long}\n"), &[&expected]);
    }

    #[test]
    fn names_and_addresses_are_read() {
        check(
            "    - MX: [0, '']\n    - PTR: E.example.\n    - A: 1.2.3.4\n    - AAAA: CAFE:BABE::4\n",
            &["MX 0 .", "PTR E.example.", "A 1.2.3.4", "AAAA cafe:babe::4"],
        );
    }

    #[test]
    fn mistakes_are_told_with_the_number_of_the_item() {
        for (items, number, part) in [
            ("    - A: 1.2.3.4\n    - TMEOUT\n", 1, "neither"),
            ("    - NAPTR: x\n", 0, "unknown record type `NAPTR`; known: A, "),
            ("    - A: 1.2.3\n", 0, "A: not an IPv4 address"),
            ("    - MX: m.example\n", 0, "MX: an MX record is written"),
            ("    - PTR: a..b\n", 0, "PTR: the name has an empty label"),
            ("    - A: [1.2.3.4]\n", 0, "A: one text is expected"),
        ] {
            let (at, problem) = read(items).expect_err(items);
            assert_eq!(at, number, "{items}");
            assert!(problem.contains(part), "{problem}");
        }
    }
}
