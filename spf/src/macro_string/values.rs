use std::cell::OnceCell;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::letters::{Macro, MacroLetter};
use super::tail::{Full, Tail, hex_digit};
use crate::name::Name;
use crate::request::Request;

/// What the letters stand for in one record.
///
/// A value that has to be made is made once, however many macros ask for it.
pub(crate) struct Values<'a> {
    request: &'a Request<'a>,
    domain: Option<&'a Name>,
    validated_name: Option<&'a Name>,
    dotted_ip: OnceCell<DottedIp>,
    domain_text: OnceCell<Vec<u8>>,
    validated_text: OnceCell<Vec<u8>>,
    readable_ip: OnceCell<String>,
    time: OnceCell<String>,
}

impl<'a> Values<'a> {
    /// Makes the values: `domain` is that of the record; the client has no `validated_name` if nobody asked.
    pub(crate) fn new(request: &'a Request<'a>, domain: Option<&'a Name>, validated_name: Option<&'a Name>) -> Self {
        Self {
            request,
            domain,
            validated_name,
            dotted_ip: OnceCell::new(),
            domain_text: OnceCell::new(),
            validated_text: OnceCell::new(),
            readable_ip: OnceCell::new(),
            time: OnceCell::new(),
        }
    }

    /// Returns the value of a letter.
    pub(super) fn get(&self, letter: MacroLetter) -> &[u8] {
        let request = self.request;
        let text = |name: Option<&Name>| name.map(Name::to_bytes);
        match letter {
            MacroLetter::Sender => request.sender().as_bytes(),
            MacroLetter::LocalPart => request.sender().local_part(),
            MacroLetter::SenderDomain => request.sender().domain(),
            MacroLetter::Domain => self.domain_text.get_or_init(|| text(self.domain).unwrap_or_default()),
            MacroLetter::Ip => self.dotted_ip.get_or_init(|| DottedIp::new(request.ip())).as_bytes(),
            // §7.3: without a validated name the macro stands for "unknown".
            MacroLetter::ValidatedName => {
                self.validated_text.get_or_init(|| text(self.validated_name).unwrap_or_else(|| b"unknown".to_vec()))
            }
            MacroLetter::Version if request.ip().is_ipv4() => b"in-addr",
            MacroLetter::Version => b"ip6",
            MacroLetter::Helo => request.helo(),
            MacroLetter::ReadableIp => self.readable_ip.get_or_init(|| request.ip().to_string()).as_bytes(),
            MacroLetter::Receiver => request.receiver().as_bytes(),
            MacroLetter::Time => self.time.get_or_init(|| request.now().to_string()).as_bytes(),
        }
    }

    /// Writes what a macro stands for to the left of a text.
    pub(super) fn push_macro<const N: usize>(&self, tail: &mut Tail<N>, found: &Macro) -> Result<(), Full> {
        if found.is_plain() {
            return self.push_plain(tail, found);
        }
        // The usual way to ask about a client: turned around before it is text.
        if found.letter == MacroLetter::Ip && found.is_only_reversed() {
            return tail.push(DottedIp::reversed(self.request.ip()).as_bytes());
        }
        let mut is_first = true;
        found.parts_from_right(self.get(found.letter), |part| {
            if !std::mem::take(&mut is_first) {
                tail.push(b".")?;
            }
            if found.url_escape { tail.push_url_escaped(part) } else { tail.push(part) }
        })
    }

    fn push_plain<const N: usize>(&self, tail: &mut Tail<N>, found: &Macro) -> Result<(), Full> {
        if found.url_escape {
            return tail.push_url_escaped(self.get(found.letter));
        }
        // The most usual of all macros goes where it belongs at once.
        if found.letter == MacroLetter::Domain
            && let Some(domain) = self.domain
            && let Some(room) = tail.room(domain.text_bytes())
        {
            domain.write_text(room);
            return Ok(());
        }
        tail.push(self.get(found.letter))
    }
}

/// An address as `%{i}` has it: dotted decimal, or dotted nibbles for IPv6 (§7.3).
struct DottedIp {
    bytes: [u8; Self::BYTES_MAX],
    length: usize,
}

impl DottedIp {
    const BYTES_MAX: usize = 64;

    fn new(ip: IpAddr) -> Self {
        let mut text = Self { bytes: [b'.'; Self::BYTES_MAX], length: 0 };
        match ip {
            IpAddr::V4(ip) => ip.octets().into_iter().for_each(|octet| text.push_octet(octet)),
            IpAddr::V6(ip) => {
                for byte in ip.octets() {
                    text.push(hex_digit(byte >> 4));
                    text.length += 1;
                    text.push(hex_digit(byte & 0xf));
                    text.length += 1;
                }
            }
        }
        // The dot behind the last one is no part of it.
        text.length -= 1;
        text
    }

    /// Makes the text that has the parts in the opposite order.
    fn reversed(ip: IpAddr) -> Self {
        Self::new(match ip {
            IpAddr::V4(ip) => Ipv4Addr::from_bits(ip.to_bits().swap_bytes()).into(),
            IpAddr::V6(ip) => {
                let bits = ip.to_bits().swap_bytes();
                let low_nibbles = u128::MAX / 17;
                Ipv6Addr::from_bits((bits >> 4 & low_nibbles) | (bits & low_nibbles) << 4).into()
            }
        })
    }

    fn push_octet(&mut self, octet: u8) {
        if octet >= 100 {
            self.push(b'0' + octet / 100);
        }
        if octet >= 10 {
            self.push(b'0' + octet / 10 % 10);
        }
        self.push(b'0' + octet % 10);
        self.length += 1;
    }

    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.length) {
            *place = byte;
        }
        self.length += 1;
    }

    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        static BYTES: Cell<usize> = const { Cell::new(0) };
    }

    /// Counts a byte of a value that was looked at, to see what an expansion costs.
    pub(in crate::macro_string) fn count_byte() {
        BYTES.set(BYTES.get() + 1);
    }

    /// Returns how many bytes of values were looked at since the last call.
    pub(in crate::macro_string) fn bytes_looked_at() -> usize {
        BYTES.take()
    }

    /// §7.3: nibbles in the order of the address, and no zeros left out.
    #[test]
    fn addresses_are_dotted() {
        let dotted = |ip: &str| String::from_utf8(DottedIp::new(ip.parse().unwrap()).as_bytes().to_vec()).unwrap();
        assert_eq!(dotted("203.0.113.7"), "203.0.113.7");
        let reversed =
            |ip: &str| String::from_utf8(DottedIp::reversed(ip.parse().unwrap()).as_bytes().to_vec()).unwrap();
        assert_eq!(reversed("203.0.113.7"), "7.113.0.203");
        assert_eq!(reversed("2001:db8::cb01"), "1.0.B.C.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2");
        assert_eq!(dotted("255.255.255.255"), "255.255.255.255");
        assert_eq!(dotted("2001:db8::cb01"), "2.0.0.1.0.D.B.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.C.B.0.1");
    }
}
