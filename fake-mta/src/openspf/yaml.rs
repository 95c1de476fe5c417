//! What stands in an openspf file, before it is judged.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::{Location, Spanned};

/// One document: tests that share a small DNS. Keys that are not listed are of no use here and pass.
#[derive(Debug, Deserialize)]
pub(super) struct Document {
    pub(super) description: Option<Spanned<String>>,
    pub(super) tests: Entries<Test>,
    pub(super) zonedata: Entries<Option<Vec<Spanned<Item>>>>,
}

/// One test.
#[derive(Debug, Deserialize)]
pub(super) struct Test {
    pub(super) description: Option<String>,
    pub(super) helo: Spanned<String>,
    pub(super) host: Spanned<String>,
    pub(super) mailfrom: Spanned<String>,
    pub(super) result: Spanned<Words>,
    pub(super) explanation: Option<Spanned<String>>,
}

/// One word or a list of them: the results accepted, the preferred one first.
#[derive(Debug)]
pub(super) struct Words(pub(super) Vec<String>);

/// One item of a name: a bare word (`TIMEOUT`), or records by type.
#[derive(Debug)]
pub(super) enum Item {
    Word(String),
    Records(Vec<(String, Value)>),
}

/// The data of a record.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    List(Vec<String>),
}

/// The entries of a mapping, in the order of the file.
#[derive(Debug)]
pub(super) struct Entries<T>(pub(super) Vec<(Spanned<String>, T)>);

/// Why a file is no openspf suite, and where if that is known.
#[derive(Debug)]
pub(super) struct YamlError {
    pub(super) message: String,
    pub(super) location: Option<Location>,
}

/// Reads all documents.
///
/// # Errors
/// The first thing that is no YAML, or not what a document of a suite holds.
pub(super) fn documents(text: &str) -> Result<Vec<Document>, YamlError> {
    serde_saphyr::from_multiple(text).map_err(|error| {
        let lines = error.without_snippet().to_string();
        YamlError { message: lines.lines().collect::<Vec<_>>().join("; "), location: error.location() }
    })
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Map<T> {
            type Value = Entries<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Map(std::marker::PhantomData))
    }
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match Value::deserialize(deserializer)? {
            Value::Text(word) => vec![word],
            Value::List(words) => words,
        }))
    }
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_any(Node)? {
            Parsed::Scalar(word) => Ok(Self::Word(word)),
            Parsed::Map(records) => Ok(Self::Records(records)),
            Parsed::List(_) => Err(D::Error::custom("a list where `TYPE: data` or TIMEOUT is expected")),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_any(Node)? {
            Parsed::Scalar(text) => Ok(Self::Text(text)),
            Parsed::List(texts) => Ok(Self::List(texts)),
            Parsed::Map(_) => Err(D::Error::custom("a mapping where a text or a list of texts is expected")),
        }
    }
}

/// A node of the depth that a suite has.
enum Parsed {
    Scalar(String),
    List(Vec<String>),
    Map(Vec<(String, Value)>),
}

/// Scalars are texts here, whatever YAML takes them for.
struct Node;

impl<'de> Visitor<'de> for Node {
    type Value = Parsed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a list or a mapping")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Parsed, E> {
        Ok(Parsed::Scalar(text.to_owned()))
    }

    fn visit_unit<E: Error>(self) -> Result<Parsed, E> {
        Ok(Parsed::Scalar(String::new()))
    }

    fn visit_bool<E: Error>(self, yes: bool) -> Result<Parsed, E> {
        Ok(Parsed::Scalar(yes.to_string()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Parsed, E> {
        Ok(Parsed::Scalar(number.to_string()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Parsed, E> {
        Ok(Parsed::Scalar(number.to_string()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Parsed, E> {
        Ok(Parsed::Scalar(number.to_string()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Parsed, A::Error> {
        let mut texts = Vec::new();
        // The element is taken as a string: a number keeps its spelling.
        while let Some(text) = seq.next_element::<String>()? {
            texts.push(text);
        }
        Ok(Parsed::List(texts))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Parsed, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Parsed::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "# comment\n---\ndescription: A\ntests:\n  z:\n    helo: h\n    host: 1.2.3.4\n    mailfrom: ''\n    \
                       result: [none, fail]\n  a: {helo: 1, host: 'CAFE:BABE::1', mailfrom: a@b, result: pass, strict: 2}\n\
                       zonedata:\n  b:\n    - TIMEOUT\n    - MX: [0, m.b]\n    - SPF: [ ]\n    - SPF: \"\\x96\"\n    - A: 10\n  c:\n\
                       ---\ndescription: B\ntests: {}\nzonedata: {}\n";

    #[test]
    fn documents_are_read_in_the_order_of_the_file_with_places() {
        let documents = documents(TWO).unwrap();
        assert_eq!(documents.len(), 2);
        let tests = &documents[0].tests.0;
        assert_eq!(tests.iter().map(|(name, _)| name.value.as_str()).collect::<Vec<_>>(), ["z", "a"]);
        assert_eq!(tests[0].0.referenced.line(), 5);
        assert_eq!(tests[0].1.result.referenced.line(), 9);
        assert_eq!(tests[0].1.result.value.0, ["none", "fail"]);
        assert_eq!((tests[1].1.helo.value.as_str(), tests[1].1.host.value.as_str()), ("1", "CAFE:BABE::1"));
    }

    #[test]
    fn items_are_words_or_records() {
        let documents = documents(TWO).unwrap();
        let (_, items) = &documents[0].zonedata.0[0];
        let mut items = items.as_ref().unwrap().iter().map(|item| &item.value);
        assert!(matches!(items.next(), Some(Item::Word(word)) if word == "TIMEOUT"));
        let records: Vec<_> = items
            .map(|item| match item {
                Item::Records(records) => (records[0].0.as_str(), &records[0].1),
                Item::Word(word) => panic!("{word}"),
            })
            .collect();
        let text = |text: &str| Value::Text(text.to_owned());
        let list = |texts: &[&str]| Value::List(texts.iter().map(|&text| text.to_owned()).collect());
        assert_eq!(
            records,
            [("MX", &list(&["0", "m.b"])), ("SPF", &list(&[])), ("SPF", &text("\u{96}")), ("A", &text("10"))]
        );
        assert!(documents[0].zonedata.0[1].1.is_none());
    }

    #[test]
    fn what_is_no_suite_is_told_with_its_place() {
        let error = documents("description: x\ntests:\n  a: {helo: h}\n").expect_err("keys are missing");
        assert!(error.message.contains("host"), "{}", error.message);
        assert_eq!(error.location.map(|at| at.line()), Some(3));
        assert!(documents("a: [").is_err());
    }
}
