//! What stands for a name: the same for the same name, however it is written.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// The names that were seen, in lower case, and what stands for them.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<String, String>);

impl Names {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// What stands for a name that was seen before.
    pub(super) fn known(&self, name: &str) -> Option<&str> {
        self.0.get(&name.to_lowercase()).map(String::as_str)
    }

    /// A host, by its name or address; one without either stays. Brackets and a dot at the end stay too.
    pub(super) fn host(&mut self, text: &str) -> String {
        match text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
            Some(inner) => format!("[{}]", self.bare_host(inner)),
            None => self.bare_host(text),
        }
    }

    fn bare_host(&mut self, text: &str) -> String {
        if let Some(ip) = self.ip(text) {
            return ip;
        }
        let (name, dot) = text.strip_suffix('.').map_or((text, ""), |name| (name, "."));
        if NOBODY.iter().any(|nobody| nobody.eq_ignore_ascii_case(name)) {
            return text.to_owned();
        }
        format!("{}{dot}", self.stand_in(name, |number| format!("host{number}.example")))
    }

    /// An address of the network, if it is one; the tag that SMTP puts before those of IPv6 stays.
    pub(super) fn ip(&mut self, text: &str) -> Option<String> {
        let tagged = text.get(..5).filter(|tag| tag.eq_ignore_ascii_case("IPv6:"));
        let (tag, bare) = tagged.map_or(("", text), |tag| (tag, &text[tag.len()..]));
        let ip: IpAddr = bare.parse().ok()?;
        let stand_in = self.stand_in(&ip.to_string(), |number| match ip {
            IpAddr::V4(_) => ipv4(number).to_string(),
            IpAddr::V6(_) => ipv6(number).to_string(),
        });
        Some(format!("{tag}{stand_in}"))
    }

    /// A mailbox, `user@host` or a user alone; angle brackets stay.
    pub(super) fn mailbox(&mut self, text: &str) -> String {
        match text.strip_prefix('<').and_then(|text| text.strip_suffix('>')) {
            Some(inner) => format!("<{}>", self.bare_mailbox(inner)),
            None => self.bare_mailbox(text),
        }
    }

    fn bare_mailbox(&mut self, text: &str) -> String {
        let Some((user, host)) = text.rsplit_once('@') else {
            let is_empty = text.is_empty();
            return if is_empty { String::new() } else { self.stand_in(text, |number| format!("user{number}")) };
        };
        if let Some(known) = self.known(text) {
            return known.to_owned();
        }
        let host = self.host(host);
        let stand_in = format!("user{}", self.0.len() + 1);
        let whole = format!("{stand_in}@{host}");
        self.0.insert(text.to_lowercase(), whole.clone());
        // Who is spoken of without a domain is most likely the same one.
        if !user.is_empty() {
            self.0.entry(user.to_lowercase()).or_insert(stand_in);
        }
        whole
    }

    fn stand_in(&mut self, name: &str, make: impl Fn(usize) -> String) -> String {
        let number = self.0.len() + 1;
        self.0.entry(name.to_lowercase()).or_insert_with(|| make(number)).clone()
    }
}

/// From the ranges for documentation (RFC 5737), and behind them for benchmarks (RFC 2544).
fn ipv4(number: usize) -> Ipv4Addr {
    let [.., high, middle, low] = number.to_be_bytes();
    if high == 0 && middle == 0 {
        Ipv4Addr::new(192, 0, 2, low)
    } else {
        Ipv4Addr::new(198, 18 | (high & 1), middle, low)
    }
}

/// From the range for documentation (RFC 3849).
fn ipv6(number: usize) -> Ipv6Addr {
    let [.., a, b, c, d] = number.to_be_bytes();
    Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))
}

/// Names that say nothing of anybody.
const NOBODY: [&str; 3] = ["", "unknown", "localhost"];
