//! The data of a record from its text.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::lex::Token;
use crate::name::unescape;
use crate::parse::{Fault, Fields, end_of_entry, seconds};
use crate::rdata_wire::{MAX_RDATA_BYTES, MAX_STRING_BYTES};
use crate::{Name, Rdata, RecordType, Soa, Span};

/// Reads all that is left of an entry as the data of `rtype`; `end` is where the entry ends.
pub(crate) fn read(fields: &mut Fields<'_>, rtype: RecordType, origin: &Name, end: usize) -> Result<Rdata, Fault> {
    let mut reader = Reader { fields, rtype, origin, end };
    let rdata = if reader.is_generic() { reader.generic()? } else { reader.typed()? };
    end_of_entry(fields)?;
    Ok(rdata)
}

struct Reader<'f, 'a> {
    fields: &'f mut Fields<'a>,
    rtype: RecordType,
    origin: &'f Name,
    end: usize,
}

impl Reader<'_, '_> {
    fn typed(&mut self) -> Result<Rdata, Fault> {
        Ok(match self.rtype {
            RecordType::A => Rdata::A(self.value::<Ipv4Addr>("an IPv4 address")?),
            RecordType::AAAA => Rdata::Aaaa(self.value::<Ipv6Addr>("an IPv6 address")?),
            RecordType::MX => Rdata::Mx {
                preference: self.value("the preference (0 to 65535)")?,
                exchange: self.name("the mail exchanger's name")?,
            },
            RecordType::TXT => Rdata::Txt(self.strings()?),
            RecordType::SPF => Rdata::Spf(self.strings()?),
            RecordType::CNAME => Rdata::Cname(self.name("the canonical name")?),
            RecordType::DNAME => Rdata::Dname(self.name("the target's name")?),
            RecordType::NS => Rdata::Ns(self.name("the name server's name")?),
            RecordType::PTR => Rdata::Ptr(self.name("the host's name")?),
            RecordType::SOA => Rdata::Soa(self.soa()?),
            RecordType::SRV => Rdata::Srv {
                priority: self.value("the priority (0 to 65535)")?,
                weight: self.value("the weight (0 to 65535)")?,
                port: self.value("the port (0 to 65535)")?,
                target: self.name("the target's name")?,
            },
            _ => return Err(self.no_text_form()),
        })
    }

    fn no_text_form(&self) -> Fault {
        let span = self.fields.peek().map_or_else(|| Span::new(self.end, self.end), |token| token.span);
        Fault::new(span, format!("data of type `{}` is read in the generic form only", self.rtype))
            .help("write `\\# length hex`, as `\\# 4 c0000201`")
    }

    fn next(&mut self, what: &str) -> Result<Token, Fault> {
        self.fields.next(what, self.end)
    }

    fn name(&mut self, what: &str) -> Result<Name, Fault> {
        let token = self.next(what)?;
        self.fields.name(token, self.origin)
    }

    fn value<T: FromStr>(&mut self, what: &str) -> Result<T, Fault> {
        self.parsed(what, |word| word.parse().ok())
    }

    fn parsed<T>(&mut self, what: &str, read: impl Fn(&str) -> Option<T>) -> Result<T, Fault> {
        let token = self.next(what)?;
        let value = self.fields.word(token).filter(|word| !word.starts_with('+')).and_then(read);
        value
            .ok_or_else(|| Fault::new(token.span, format!("{what} is expected here, not {}", self.fields.shown(token))))
    }

    fn soa(&mut self) -> Result<Soa, Fault> {
        Ok(Soa {
            mname: self.name("the primary server's name")?,
            rname: self.name("the responsible mailbox, as a name,")?,
            serial: self.value("the serial number")?,
            refresh: self.parsed("the refresh time", seconds)?,
            retry: self.parsed("the retry time", seconds)?,
            expire: self.parsed("the expire time", seconds)?,
            minimum: self.parsed("the minimum TTL", seconds)?,
        })
    }

    fn strings(&mut self) -> Result<Vec<Vec<u8>>, Fault> {
        let first = self
            .next("the text")
            .map_err(|fault| fault.help("an empty text is `\"\"`, no string at all is `\\# 0`"))?;
        let mut strings = vec![self.string(first)?];
        let mut total = strings[0].len() + 1;
        while let Some(token) = self.fields.next_if_any() {
            let string = self.string(token)?;
            total += string.len() + 1;
            if total > MAX_RDATA_BYTES {
                return Err(too_much_data(token.span));
            }
            strings.push(string);
        }
        Ok(strings)
    }

    fn string(&self, token: Token) -> Result<Vec<u8>, Fault> {
        let mut rest = self.fields.raw(token);
        let mut bytes = Vec::with_capacity(rest.len());
        while let Some((&byte, tail)) = rest.split_first() {
            let (byte, tail) = if byte == b'\\' {
                unescape(tail).ok_or_else(|| Fault::new(token.span, "a broken escape in the string"))?
            } else {
                (byte, tail)
            };
            bytes.push(byte);
            rest = tail;
        }
        if bytes.len() > MAX_STRING_BYTES {
            return Err(Fault::new(
                token.span,
                format!("the string has {} bytes, more than the {MAX_STRING_BYTES} allowed", bytes.len()),
            )
            .help(
                "split it into several strings: `\"first part\" \"second part\"`; readers join them without a space",
            ));
        }
        Ok(bytes)
    }

    /// Whether the data starts with `\#` (RFC 3597 §5).
    fn is_generic(&self) -> bool {
        self.fields.peek().is_some_and(|token| !token.quoted && self.fields.raw(token) == b"\\#")
    }

    fn generic(&mut self) -> Result<Rdata, Fault> {
        let marker = self.next("`\\#`")?;
        let length: usize = self.value("the length of the data in bytes")?;
        let mut digits = Vec::new();
        while let Some(token) = self.fields.next_if_any() {
            let raw = self.fields.raw(token);
            if token.quoted || !raw.iter().all(u8::is_ascii_hexdigit) {
                return Err(Fault::new(token.span, format!("{} is no hexadecimal data", self.fields.shown(token))));
            }
            digits.extend_from_slice(raw);
            if digits.len() > 2 * MAX_RDATA_BYTES {
                return Err(too_much_data(token.span));
            }
        }
        if digits.len() != 2 * length {
            let message = format!("the length says {length} bytes, and there are {} hexadecimal digits", digits.len());
            return Err(Fault::new(Span::new(marker.span.start, self.end), message).help("two digits make a byte"));
        }
        let nibbles: Vec<u8> = digits.iter().map(|digit| hex_value(*digit)).collect();
        let bytes: Vec<u8> = nibbles.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
        Ok(Rdata::from_wire(self.rtype, &bytes))
    }
}

fn too_much_data(span: Span) -> Fault {
    Fault::new(span, format!("the data of the record is longer than the {MAX_RDATA_BYTES} bytes allowed"))
}

/// The value of a digit that is known to be hexadecimal.
fn hex_value(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => digit.to_ascii_lowercase() - b'a' + 10,
    }
}
