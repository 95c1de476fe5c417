//! What a client's certificate says, and how each MTA tells it to filters.

use rustls::pki_types::CertificateDer;

use crate::{profile::Personality, smtp::split_at_byte};

/// The names in a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Certificate {
    subject: Name,
    issuer: Name,
    /// It was signed by somebody whom the administrator trusts.
    pub(super) is_verified: bool,
}

/// A distinguished name, RFC 5280 section 4.1.2.4: attributes in their order, by OpenSSL's short names.
type Name = Vec<(String, String)>;

impl Certificate {
    /// Reads the names; `None` for what is no certificate.
    pub(super) fn parse(der: &CertificateDer<'_>) -> Option<Self> {
        let (certificate, _) = element(der, SEQUENCE)?;
        let (mut rest, _) = element(certificate, SEQUENCE)?;
        // The version is left out of the oldest ones.
        if let Some((_, after)) = element(rest, VERSION) {
            rest = after;
        }
        let (_serial, rest) = element(rest, INTEGER)?;
        let (_algorithm, rest) = element(rest, SEQUENCE)?;
        let (issuer, rest) = element(rest, SEQUENCE)?;
        let (_validity, rest) = element(rest, SEQUENCE)?;
        let (subject, _) = element(rest, SEQUENCE)?;
        Some(Self { subject: name(subject)?, issuer: name(issuer)?, is_verified: false })
    }

    /// The macros that tell of it: sendmail gives whole names, verified or not, Postfix the common names of one that is.
    pub(super) fn macros(&self, personality: Personality) -> Vec<(String, String)> {
        let (subject, issuer) = (common_name(&self.subject), common_name(&self.issuer));
        let values = match personality {
            Personality::Sendmail => vec![
                ("cert_subject", escaped(&one_line(&self.subject))),
                ("cert_issuer", escaped(&one_line(&self.issuer))),
                ("cn_subject", escaped(subject)),
                ("cn_issuer", escaped(issuer)),
                ("verify", if self.is_verified { "OK" } else { "FAIL" }.to_owned()),
            ],
            Personality::Postfix | Personality::Direct if self.is_verified => {
                vec![("cert_subject", subject.to_owned()), ("cert_issuer", issuer.to_owned())]
            }
            Personality::Postfix | Personality::Direct => Vec::new(),
        };
        values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// The last one counts, as it is the most specific.
fn common_name(name: &Name) -> &str {
    name.iter().rev().find(|(kind, _)| kind == "CN").map_or("", |(_, value)| value)
}

/// `/C=DE/CN=client.example`.
fn one_line(name: &Name) -> String {
    name.iter().map(|(kind, value)| format!("/{kind}={value}")).collect()
}

/// As sendmail writes names into macros: what is not printable, or means something in a header field, as `+` and two hex digits.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'<' | b'>' | b'(' | b')' | b'"' | b'+' => out.push_str(&format!("+{byte:02X}")),
            b'!'..=b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("+{byte:02X}")),
        }
    }
    out
}

/// Sets of attributes, each of which is a kind and a value.
fn name(mut sets: &[u8]) -> Option<Name> {
    let mut name = Vec::new();
    while !sets.is_empty() {
        let (mut set, after) = element(sets, SET)?;
        sets = after;
        while !set.is_empty() {
            let (attribute, after) = element(set, SEQUENCE)?;
            set = after;
            let (kind, value) = element(attribute, OBJECT_IDENTIFIER)?;
            let (tag, value, _) = any_element(value)?;
            name.push((kind_name(kind), text(tag, value)));
        }
    }
    Some(name)
}

fn kind_name(identifier: &[u8]) -> String {
    let known = KINDS.iter().find(|(known, _)| *known == identifier);
    known.map_or_else(|| data_encoding::HEXUPPER.encode(identifier), |(_, name)| (*name).to_owned())
}

/// A value as text; control characters are question marks.
fn text(tag: u8, value: &[u8]) -> String {
    let text = match tag {
        BMP_STRING => {
            let units: Vec<u16> = value.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
            String::from_utf16_lossy(&units)
        }
        _ => String::from_utf8_lossy(split_at_byte(value, 0).0).into_owned(),
    };
    text.replace(char::is_control, "?")
}

/// The content of the element at the start, if it has that tag, and what follows the element.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = any_element(der)?;
    (found == tag).then_some((content, rest))
}

/// Tag, content and what follows, X.690 section 8.1. A length of more than four bytes, or one without an end, is none in DER.
fn any_element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (bytes.iter().fold(0, |length, &byte| length << 8 | usize::from(byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

const INTEGER: u8 = 0x02;
const OBJECT_IDENTIFIER: u8 = 0x06;
const BMP_STRING: u8 = 0x1e;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const VERSION: u8 = 0xa0;

/// Identifiers of attributes, RFC 4519, and OpenSSL's short names for them; of others the identifier is shown in hex.
const KINDS: [(&[u8], &str); 11] = [
    (&[0x55, 4, 3], "CN"),
    (&[0x55, 4, 4], "SN"),
    (&[0x55, 4, 5], "serialNumber"),
    (&[0x55, 4, 6], "C"),
    (&[0x55, 4, 7], "L"),
    (&[0x55, 4, 8], "ST"),
    (&[0x55, 4, 10], "O"),
    (&[0x55, 4, 11], "OU"),
    (&[0x55, 4, 42], "GN"),
    (&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25], "DC"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1], "emailAddress"),
];

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::*;

    fn certificate() -> rcgen::Certificate {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        for (kind, value) in [
            (DnType::CountryName, "DE"),
            (DnType::OrganizationName, "Odd \"Org\" (+1)"),
            (DnType::CommonName, "client\r\nX: y.\u{e4}"),
        ] {
            params.distinguished_name.push(kind, value);
        }
        params.self_signed(&KeyPair::generate().unwrap()).unwrap()
    }

    #[test]
    fn names_are_told_as_each_mta_does() {
        let mut parsed = Certificate::parse(certificate().der()).unwrap();
        let values = |parsed: &Certificate, personality| {
            let macros = parsed.macros(personality);
            macros.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
        };
        let subject = "/C=DE/O=Odd+20+22Org+22+20+28+2B1+29/CN=client??X:+20y.+C3+A4";
        assert_eq!(
            values(&parsed, Personality::Sendmail),
            [
                format!("cert_subject={subject}"),
                format!("cert_issuer={subject}"),
                "cn_subject=client??X:+20y.+C3+A4".to_owned(),
                "cn_issuer=client??X:+20y.+C3+A4".to_owned(),
                "verify=FAIL".to_owned(),
            ]
        );
        assert!(values(&parsed, Personality::Postfix).is_empty());
        parsed.is_verified = true;
        assert_eq!(
            values(&parsed, Personality::Postfix),
            ["cert_subject=client??X: y.\u{e4}", "cert_issuer=client??X: y.\u{e4}"]
        );
        assert_eq!(values(&parsed, Personality::Sendmail)[4], "verify=OK");
    }

    #[test]
    fn what_is_cut_or_bent_is_no_certificate_and_does_no_harm() {
        let certificate = certificate();
        let der = certificate.der();
        for end in 0..der.len() {
            assert_eq!(Certificate::parse(&der[..end].to_vec().into()), None);
        }
        for at in 0..der.len() {
            let mut bent = der.to_vec();
            bent[at] ^= 0xff;
            let _ = Certificate::parse(&bent.into());
        }
    }
}
