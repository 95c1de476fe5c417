//! The data of a record as bytes of a message.

use std::net::{Ipv4Addr, Ipv6Addr};

use thiserror::Error;

use crate::{Name, Rdata, RecordType, Soa};

impl Rdata {
    /// The data as it goes over the wire, names uncompressed.
    ///
    /// # Errors
    /// A TXT string has more than [`MAX_STRING_BYTES`], or the whole more than [`MAX_RDATA_BYTES`].
    pub fn to_wire(&self) -> Result<Vec<u8>, RdataError> {
        let bytes = match self {
            Self::A(address) => address.octets().to_vec(),
            Self::Aaaa(address) => address.octets().to_vec(),
            Self::Mx { preference, exchange } => [preference.to_be_bytes().as_slice(), &exchange.to_wire()].concat(),
            Self::Txt(strings) | Self::Spf(strings) => strings_to_wire(strings)?,
            Self::Cname(name) | Self::Dname(name) | Self::Ns(name) | Self::Ptr(name) => name.to_wire(),
            Self::Soa(soa) => soa_to_wire(soa),
            Self::Srv { priority, weight, port, target } => {
                let numbers = [priority, weight, port].map(|number| number.to_be_bytes());
                [numbers.as_flattened(), &target.to_wire()].concat()
            }
            Self::Unknown { bytes, .. } => bytes.clone(),
        };
        if bytes.len() > MAX_RDATA_BYTES {
            return Err(RdataError::TooLong { length: bytes.len() });
        }
        Ok(bytes)
    }

    /// The typed form of data from the wire; bytes that are not well-formed for the type stay [`Rdata::Unknown`].
    ///
    /// Compressed names are not understood: the bytes stand alone.
    #[must_use]
    pub fn from_wire(rtype: RecordType, bytes: &[u8]) -> Self {
        Reader { rest: bytes }.rdata(rtype).unwrap_or_else(|| Self::Unknown { rtype, bytes: bytes.to_vec() })
    }
}

fn strings_to_wire(strings: &[Vec<u8>]) -> Result<Vec<u8>, RdataError> {
    let mut wire = Vec::new();
    for string in strings {
        let length = u8::try_from(string.len()).map_err(|_| RdataError::StringTooLong { length: string.len() })?;
        wire.push(length);
        wire.extend_from_slice(string);
    }
    Ok(wire)
}

fn soa_to_wire(soa: &Soa) -> Vec<u8> {
    let numbers = [soa.serial, soa.refresh, soa.retry, soa.expire, soa.minimum].map(u32::to_be_bytes);
    [soa.mname.to_wire(), soa.rname.to_wire(), numbers.as_flattened().to_vec()].concat()
}

/// Why data has no wire form.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RdataError {
    /// A TXT string with more bytes than its length byte can say (RFC 1035 §3.3).
    #[error(
        "a text string has {length} bytes, more than the {MAX_STRING_BYTES} allowed: split it into several strings"
    )]
    StringTooLong {
        /// Bytes in the string.
        length: usize,
    },
    /// More data than the length field of a record can say.
    #[error("the record data has {length} bytes, more than the {MAX_RDATA_BYTES} allowed")]
    TooLong {
        /// Bytes in the data.
        length: usize,
    },
}

/// Takes typed fields off the front of record data.
struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    /// The typed data, if all bytes fit the type exactly.
    fn rdata(mut self, rtype: RecordType) -> Option<Rdata> {
        let rdata = match rtype {
            RecordType::A => Rdata::A(Ipv4Addr::from(self.array::<4>()?)),
            RecordType::AAAA => Rdata::Aaaa(Ipv6Addr::from(self.array::<16>()?)),
            RecordType::MX => Rdata::Mx { preference: self.u16()?, exchange: self.name()? },
            RecordType::TXT => Rdata::Txt(self.strings()?),
            RecordType::SPF => Rdata::Spf(self.strings()?),
            RecordType::CNAME => Rdata::Cname(self.name()?),
            RecordType::DNAME => Rdata::Dname(self.name()?),
            RecordType::NS => Rdata::Ns(self.name()?),
            RecordType::PTR => Rdata::Ptr(self.name()?),
            RecordType::SOA => Rdata::Soa(self.soa()?),
            RecordType::SRV => {
                Rdata::Srv { priority: self.u16()?, weight: self.u16()?, port: self.u16()?, target: self.name()? }
            }
            _ => return None,
        };
        self.rest.is_empty().then_some(rdata)
    }

    fn take(&mut self, length: usize) -> Option<&[u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// A string with its length in front (RFC 1035 §3.3).
    fn string(&mut self) -> Option<Vec<u8>> {
        let [length] = self.array()?;
        self.take(usize::from(length)).map(<[u8]>::to_vec)
    }

    fn strings(&mut self) -> Option<Vec<Vec<u8>>> {
        let mut strings = Vec::new();
        while !self.rest.is_empty() {
            strings.push(self.string()?);
        }
        Some(strings)
    }

    fn name(&mut self) -> Option<Name> {
        let mut labels = Vec::new();
        loop {
            let label = self.string()?;
            if label.is_empty() {
                return Name::from_labels(labels).ok();
            }
            labels.push(label);
        }
    }

    fn soa(&mut self) -> Option<Soa> {
        Some(Soa {
            mname: self.name()?,
            rname: self.name()?,
            serial: self.u32()?,
            refresh: self.u32()?,
            retry: self.u32()?,
            expire: self.u32()?,
            minimum: self.u32()?,
        })
    }
}

/// The longest string within TXT data: its length is one byte (RFC 1035 §3.3).
pub const MAX_STRING_BYTES: usize = 255;
/// The longest record data: its length is two bytes (RFC 1035 §3.2.1).
pub const MAX_RDATA_BYTES: usize = 65535;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn long_text_is_split_and_an_overlong_string_is_refused() {
        let Rdata::Txt(strings) = Rdata::txt("x".repeat(600)) else { panic!("not TXT") };
        assert_eq!(strings.iter().map(Vec::len).collect::<Vec<_>>(), [255, 255, 90]);
        let overlong = Rdata::Txt(vec![vec![b'x'; 256]]);
        assert_eq!(overlong.to_wire(), Err(RdataError::StringTooLong { length: 256 }));
        let huge = Rdata::Txt(vec![vec![b'x'; 255]; 257]);
        assert_eq!(huge.to_wire(), Err(RdataError::TooLong { length: 257 * 256 }));
    }

    #[test]
    fn text_without_strings_has_no_bytes() {
        assert_eq!(Rdata::Txt(vec![]).to_wire().unwrap(), b"");
        assert_eq!(Rdata::from_wire(RecordType::TXT, b""), Rdata::Txt(vec![]));
        assert_eq!(Rdata::txt("").to_wire().unwrap(), b"\0");
    }

    #[test]
    fn malformed_bytes_stay_bytes() {
        for (rtype, bytes) in
            [(RecordType::A, &b"abc"[..]), (RecordType::TXT, b"\x05ab"), (RecordType::MX, b"\0\x0a\x03ab\0")]
        {
            assert_eq!(Rdata::from_wire(rtype, bytes), Rdata::Unknown { rtype, bytes: bytes.to_vec() });
        }
    }

    proptest! {
        #[test]
        fn any_bytes_survive_decoding(rtype in 1_u16..100, bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            prop_assert_eq!(Rdata::from_wire(RecordType(rtype), &bytes).to_wire().unwrap(), bytes);
        }
    }
}
