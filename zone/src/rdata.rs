//! The data of a record, and its text form.

use std::fmt::{self, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::rdata_wire::MAX_STRING_BYTES;
use crate::{Name, RecordType};

/// The data of a record, typed where mail needs it and as plain bytes elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Rdata {
    /// IPv4 address (RFC 1035 §3.4.1).
    A(Ipv4Addr),
    /// IPv6 address (RFC 3596 §2.2).
    Aaaa(Ipv6Addr),
    /// Mail exchanger (RFC 1035 §3.3.9).
    Mx {
        /// Lower is tried first.
        preference: u16,
        /// The host; the root says that the domain takes no mail (RFC 7505).
        exchange: Name,
    },
    /// Text (RFC 1035 §3.3.14): strings of up to 255 bytes each. No string at all can be held and sent, though the RFC
    /// demands one.
    Txt(Vec<Vec<u8>>),
    /// The retired SPF type 99 (RFC 4408 §3.1.1), in the form of TXT.
    Spf(Vec<Vec<u8>>),
    /// Alias (RFC 1035 §3.3.1).
    Cname(Name),
    /// Redirection of all names below (RFC 6672).
    Dname(Name),
    /// Name server (RFC 1035 §3.3.11).
    Ns(Name),
    /// Pointer (RFC 1035 §3.3.12).
    Ptr(Name),
    /// Start of authority (RFC 1035 §3.3.13).
    Soa(Soa),
    /// Service location (RFC 2782).
    Srv {
        /// Lower is tried first.
        priority: u16,
        /// Share among those of one priority.
        weight: u16,
        /// The port of the service.
        port: u16,
        /// The host of the service.
        target: Name,
    },
    /// Any type as bytes (RFC 3597 §5); also a type above whose bytes are malformed, so that broken records can be held.
    Unknown {
        /// The type number.
        rtype: RecordType,
        /// The data as it goes over the wire, at most 65535 bytes.
        bytes: Vec<u8>,
    },
}

impl Rdata {
    /// TXT data with `text` in one string, or in several of 255 bytes and a rest if it is longer.
    #[must_use]
    pub fn txt(text: impl AsRef<[u8]>) -> Self {
        Self::Txt(split_strings(text.as_ref()))
    }

    /// SPF (type 99) data with `text` in one string, or in several of 255 bytes and a rest if it is longer.
    #[must_use]
    pub fn spf(text: impl AsRef<[u8]>) -> Self {
        Self::Spf(split_strings(text.as_ref()))
    }

    /// The record type.
    #[must_use]
    pub fn rtype(&self) -> RecordType {
        match self {
            Self::A(_) => RecordType::A,
            Self::Aaaa(_) => RecordType::AAAA,
            Self::Mx { .. } => RecordType::MX,
            Self::Txt(_) => RecordType::TXT,
            Self::Spf(_) => RecordType::SPF,
            Self::Cname(_) => RecordType::CNAME,
            Self::Dname(_) => RecordType::DNAME,
            Self::Ns(_) => RecordType::NS,
            Self::Ptr(_) => RecordType::PTR,
            Self::Soa(_) => RecordType::SOA,
            Self::Srv { .. } => RecordType::SRV,
            Self::Unknown { rtype, .. } => *rtype,
        }
    }
}

impl Rdata {
    /// The bytes that it keeps elsewhere.
    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Self::A(_) | Self::Aaaa(_) => 0,
            Self::Mx { exchange: name, .. }
            | Self::Srv { target: name, .. }
            | Self::Cname(name)
            | Self::Dname(name)
            | Self::Ns(name)
            | Self::Ptr(name) => name.wire_bytes(),
            Self::Soa(soa) => soa.mname.wire_bytes() + soa.rname.wire_bytes(),
            Self::Txt(strings) | Self::Spf(strings) => {
                strings.iter().map(|string| size_of::<Vec<u8>>() + string.len()).sum()
            }
            Self::Unknown { bytes, .. } => bytes.len(),
        }
    }
}

/// The master-file text of the data, without the type; escaped, so that it is safe to show.
impl fmt::Display for Rdata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::A(address) => write!(f, "{address}"),
            Self::Aaaa(address) => write!(f, "{address}"),
            Self::Mx { preference, exchange } => write!(f, "{preference} {exchange}"),
            Self::Txt(strings) | Self::Spf(strings) => write_strings(f, strings),
            Self::Cname(name) | Self::Dname(name) | Self::Ns(name) | Self::Ptr(name) => write!(f, "{name}"),
            Self::Soa(soa) => write!(f, "{soa}"),
            Self::Srv { priority, weight, port, target } => write!(f, "{priority} {weight} {port} {target}"),
            Self::Unknown { bytes, .. } => write_generic(f, bytes),
        }
    }
}

/// The fields of an SOA record (RFC 1035 §3.3.13).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Soa {
    /// The primary name server.
    pub mname: Name,
    /// The mailbox of the responsible person, the `@` written as a dot.
    pub rname: Name,
    /// Version of the zone.
    pub serial: u32,
    /// Seconds between checks of a secondary.
    pub refresh: u32,
    /// Seconds between retries of a secondary.
    pub retry: u32,
    /// Seconds after which a secondary gives up.
    pub expire: u32,
    /// TTL of negative answers, in seconds (RFC 2308 §4).
    pub minimum: u32,
}

impl fmt::Display for Soa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mname, rname, serial, refresh, retry, expire, minimum } = self;
        write!(f, "{mname} {rname} {serial} {refresh} {retry} {expire} {minimum}")
    }
}

/// One empty string for no text: TXT data with no string is malformed.
fn split_strings(text: &[u8]) -> Vec<Vec<u8>> {
    if text.is_empty() {
        return vec![Vec::new()];
    }
    text.chunks(MAX_STRING_BYTES).map(<[u8]>::to_vec).collect()
}

fn write_strings(f: &mut fmt::Formatter<'_>, strings: &[Vec<u8>]) -> fmt::Result {
    // No string has no text form but the generic one.
    if strings.is_empty() {
        return write_generic(f, &[]);
    }
    for (index, string) in strings.iter().enumerate() {
        f.write_str(if index == 0 { "\"" } else { " \"" })?;
        for &byte in string {
            write_string_byte(f, byte)?;
        }
        f.write_char('"')?;
    }
    Ok(())
}

fn write_string_byte(f: &mut fmt::Formatter<'_>, byte: u8) -> fmt::Result {
    match byte {
        b'"' | b'\\' => write!(f, "\\{}", char::from(byte)),
        b' '..=b'~' => f.write_char(char::from(byte)),
        _ => write!(f, "\\{byte:03}"),
    }
}

fn write_generic(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    write!(f, "\\# {}", bytes.len())?;
    if !bytes.is_empty() {
        f.write_char(' ')?;
    }
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}
