use std::net::{Ipv4Addr, Ipv6Addr};

/// The DNS of one evaluation, as both evaluators get it; a name that is not in it does not exist.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    entries: Vec<(String, Data)>,
}

/// The data of one record, or a type for which a name has no usable answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// An IPv4 address.
    A(Ipv4Addr),
    /// An IPv6 address.
    Aaaa(Ipv6Addr),
    /// A mail exchanger.
    Mx(String),
    /// A name of the address that the owner stands for.
    Ptr(String),
    /// Text of one character-string.
    Txt(String),
    /// The name exists and has nothing of the type asked for.
    Nothing,
    /// Questions for TXT fail.
    TxtFails,
}

impl Answers {
    /// Reads lines of `owner TYPE data`; the types are A, AAAA, MX (a name only), PTR and TXT.
    ///
    /// # Panics
    /// A line is none of these: the text is part of this program.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let entries = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(|line| {
            let mut words = line.splitn(3, ' ');
            let entry = words.next().zip(words.next()).zip(words.next()).and_then(entry);
            entry.unwrap_or_else(|| panic!("not a record: {line}"))
        });
        Self { entries: entries.collect() }
    }

    /// Adds a record.
    pub fn add(&mut self, owner: impl Into<String>, data: Data) {
        self.entries.push((owner.into(), data));
    }

    /// Returns the records, in the order in which they were added.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Data)> {
        self.entries.iter().map(|(owner, data)| (owner.as_str(), data))
    }
}

fn entry(((owner, rtype), data): ((&str, &str), &str)) -> Option<(String, Data)> {
    let data = match rtype {
        "A" => Data::A(data.parse().ok()?),
        "AAAA" => Data::Aaaa(data.parse().ok()?),
        "MX" => Data::Mx(data.to_owned()),
        "PTR" => Data::Ptr(data.to_owned()),
        "TXT" => Data::Txt(data.to_owned()),
        _ => return None,
    };
    Some((owner.to_owned(), data))
}
