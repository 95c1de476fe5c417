//! The suite's YAML.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use serde::Deserialize;
use spf::SpfResult;

/// One document: tests that share a small DNS.
#[derive(Deserialize)]
pub(crate) struct Scenario {
    pub(crate) description: String,
    pub(crate) tests: BTreeMap<String, Case>,
    pub(crate) zonedata: BTreeMap<String, Vec<Item>>,
}

#[derive(Deserialize)]
pub(crate) struct Case {
    pub(crate) helo: String,
    pub(crate) host: IpAddr,
    pub(crate) mailfrom: String,
    pub(crate) result: Accepted,
    pub(crate) explanation: Option<String>,
}

/// The results accepted, the preferred one first.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Accepted {
    One(String),
    AnyOf(Vec<String>),
}

impl Accepted {
    pub(crate) fn accepts(&self, result: SpfResult) -> bool {
        match self {
            Self::One(word) => word == result.as_str(),
            Self::AnyOf(words) => words.iter().any(|word| word == result.as_str()),
        }
    }
}

impl fmt::Display for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(word) => f.write_str(word),
            Self::AnyOf(words) => f.write_str(&words.join(" or ")),
        }
    }
}

/// One item of a name: a record, or the word `TIMEOUT`.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Item {
    Word(String),
    Record(BTreeMap<String, Value>),
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Value {
    Text(String),
    Mx(u16, String),
    Strings(Vec<String>),
}

/// Reads all documents.
pub(crate) fn load(text: &str) -> Vec<Scenario> {
    serde_saphyr::from_multiple(text).expect("the vendored suite can be read")
}
