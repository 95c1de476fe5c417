use std::borrow::Cow;
use std::net::IpAddr;

use crate::limits::Limits;
use crate::macro_string::MacroString;
use crate::name::{Name, NameError};

/// The arguments of one check (RFC 7208 section 4.1) and what macros need beside them.
///
/// Names and addresses come from a peer and may hold any bytes. A domain that cannot be checked makes the
/// check return `none` (§4.3); it is no error to ask.
///
/// A request borrows what the caller has anyway; [`Request::into_owned`] makes one that can be kept.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    ip: IpAddr,
    domain: Result<Name, NameError>,
    sender: Sender<'a>,
    helo: Cow<'a, [u8]>,
    receiver: Option<Cow<'a, str>>,
    now: u64,
    limits: Limits,
    default_explanation: Option<Cow<'a, MacroString>>,
    with_trace: bool,
}

impl<'a> Request<'a> {
    /// Makes a request to check whether `ip` may use `domain`, with `sender` as the identity for macros.
    ///
    /// An IPv4-mapped IPv6 address counts as the IPv4 address (§5). U-labels are converted to A-labels
    /// (RFC 8616 section 4). `sender` is `local@domain`, without angle brackets.
    pub fn new(ip: IpAddr, domain: impl AsRef<[u8]>, sender: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        let sender = Sender::parse(sender);
        let helo = sender.domain_shared();
        Self::for_sender(ip, checkable(domain.as_ref()), sender, helo)
    }

    /// Makes the request for the HELO identity
    /// ([RFC 7208 section 2.3](https://www.rfc-editor.org/rfc/rfc7208#section-2.3)): `postmaster` at the HELO name.
    pub fn for_helo(ip: IpAddr, helo: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        let sender = Sender::parse(helo);
        let helo = a_labels_or_as_is(helo.as_ref());
        Self::for_sender(ip, checkable(&helo), sender, helo)
    }

    /// Makes the request for the MAIL FROM identity
    /// ([RFC 7208 section 2.4](https://www.rfc-editor.org/rfc/rfc7208#section-2.4)); a null sender (empty
    /// `mail_from`) stands for `postmaster` at the HELO name.
    pub fn for_mail_from(
        ip: IpAddr,
        helo: &'a (impl AsRef<[u8]> + ?Sized),
        mail_from: &'a (impl AsRef<[u8]> + ?Sized),
    ) -> Self {
        let mail_from = mail_from.as_ref();
        if mail_from.is_empty() {
            return Self::for_helo(ip, helo);
        }
        let sender = Sender::parse(mail_from);
        Self::for_sender(ip, checkable(sender.domain()), sender, a_labels_or_as_is(helo.as_ref()))
    }

    fn for_sender(ip: IpAddr, domain: Result<Name, NameError>, sender: Sender<'a>, helo: Cow<'a, [u8]>) -> Self {
        Self {
            ip: ip.to_canonical(),
            domain,
            sender,
            helo,
            receiver: None,
            now: 0,
            limits: Limits::default(),
            default_explanation: None,
            with_trace: true,
        }
    }

    /// Sets the name the client gave in HELO or EHLO, for `%{h}`.
    #[must_use]
    pub fn with_helo(mut self, helo: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        self.helo = a_labels_or_as_is(helo.as_ref());
        self
    }

    /// Sets the name of the receiving host, for `%{r}`; without it that is `unknown` (§7.3).
    #[must_use]
    pub fn with_receiver(mut self, receiver: &'a str) -> Self {
        self.receiver = Some(receiver.into());
        self
    }

    /// Sets the time in seconds since 1970-01-01 UTC, for `%{t}`.
    #[must_use]
    pub fn with_now(mut self, now: u64) -> Self {
        self.now = now;
        self
    }

    /// Sets other limits than those of the RFC.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the explanation of a `fail` for domains that give none (§6.2).
    #[must_use]
    pub fn with_default_explanation(mut self, explanation: &'a MacroString) -> Self {
        self.default_explanation = Some(Cow::Borrowed(explanation));
        self
    }

    /// Switches the record of the evaluation off, or on again; it is on at first.
    #[must_use]
    pub fn with_trace(mut self, trace: bool) -> Self {
        self.with_trace = trace;
        self
    }

    /// Makes a request that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> Request<'static> {
        Request {
            ip: self.ip,
            domain: self.domain,
            sender: self.sender.into_owned(),
            helo: Cow::Owned(self.helo.into_owned()),
            receiver: self.receiver.map(|receiver| Cow::Owned(receiver.into_owned())),
            now: self.now,
            limits: self.limits,
            default_explanation: self.default_explanation.map(|text| Cow::Owned(text.into_owned())),
            with_trace: self.with_trace,
        }
    }

    /// Returns the client address; never an IPv4-mapped one.
    #[must_use]
    pub fn ip(&self) -> IpAddr {
        self.ip
    }

    /// Returns the domain to check.
    ///
    /// # Errors
    /// Why the domain cannot be checked (§4.3).
    pub fn domain(&self) -> Result<&Name, NameError> {
        self.domain.as_ref().map_err(|&error| error)
    }

    /// Returns the sender.
    #[must_use]
    pub fn sender(&self) -> &Sender<'a> {
        &self.sender
    }

    /// Returns the HELO name in A-labels if it has them, else as it came.
    #[must_use]
    pub fn helo(&self) -> &[u8] {
        &self.helo
    }

    /// Returns the name of the receiving host.
    #[must_use]
    pub fn receiver(&self) -> &str {
        self.receiver.as_deref().unwrap_or("unknown")
    }

    /// Returns the time in seconds since 1970-01-01 UTC.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.now
    }

    /// Returns the limits.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn default_explanation(&self) -> Option<&MacroString> {
        self.default_explanation.as_deref()
    }

    pub(crate) fn wants_trace(&self) -> bool {
        self.with_trace
    }
}

/// The sender of a message, split at its last `@`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sender<'a> {
    /// The whole address.
    address: Cow<'a, [u8]>,
    /// Where the `@` before the domain stands.
    at: usize,
}

impl<'a> Sender<'a> {
    /// Splits `local@domain`. Without a local part, or without an `@`, the local part is `postmaster`
    /// ([RFC 7208 section 4.3](https://www.rfc-editor.org/rfc/rfc7208#section-4.3)). U-labels of the domain
    /// become A-labels if they can.
    pub fn parse(address: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        let address = address.as_ref();
        let (local_part, domain) = match address.iter().rposition(|&byte| byte == b'@') {
            Some(at) => address.split_at(at),
            None => (&[][..], address),
        };
        if !local_part.is_empty() && domain.is_ascii() {
            return Self { address: Cow::Borrowed(address), at: local_part.len() };
        }
        let local_part = if local_part.is_empty() { b"postmaster" } else { local_part };
        let domain = a_labels_or_as_is(domain.strip_prefix(b"@").unwrap_or(domain));
        Self { address: [local_part, b"@", &domain].concat().into(), at: local_part.len() }
    }

    /// Makes a sender that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> Sender<'static> {
        Sender { address: Cow::Owned(self.address.into_owned()), at: self.at }
    }

    /// Returns the local part, never empty, with its case and any quotes kept.
    #[must_use]
    pub fn local_part(&self) -> &[u8] {
        self.address.get(..self.at).unwrap_or_default()
    }

    /// Returns the domain, in A-labels if it has them.
    #[must_use]
    pub fn domain(&self) -> &[u8] {
        self.address.get(self.at + 1..).unwrap_or_default()
    }

    /// Returns the domain, borrowed from where the sender is borrowed from.
    fn domain_shared(&self) -> Cow<'a, [u8]> {
        match self.address {
            Cow::Borrowed(address) => Cow::Borrowed(address.get(self.at + 1..).unwrap_or_default()),
            Cow::Owned(_) => Cow::Owned(self.domain().to_vec()),
        }
    }

    /// Returns `local@domain`.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.address.to_vec()
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.address
    }
}

/// Reads a domain that a check can be made for.
fn checkable(domain: &[u8]) -> Result<Name, NameError> {
    // §4.3 names malformed domains; a literal is not even a domain, so nothing is asked about it.
    if domain.first() == Some(&b'[') {
        return Err(NameError::AddressLiteral);
    }
    let name = Name::parse(to_a_labels(domain)?)?;
    // §4.3: a domain of one label is not fully qualified.
    if name.labels().nth(1).is_none() { Err(NameError::SingleLabel) } else { Ok(name) }
}

/// Converts U-labels if they can be converted; else the text stays as it came.
fn a_labels_or_as_is(domain: &[u8]) -> Cow<'_, [u8]> {
    to_a_labels(domain).unwrap_or(Cow::Borrowed(domain))
}

/// Converts U-labels (RFC 8616 section 4); ASCII text stays as it is, whatever it holds.
fn to_a_labels(domain: &[u8]) -> Result<Cow<'_, [u8]>, NameError> {
    if domain.is_ascii() {
        return Ok(Cow::Borrowed(domain));
    }
    match idna::domain_to_ascii_cow(domain, idna::AsciiDenyList::EMPTY) {
        Ok(Cow::Borrowed(ascii)) => Ok(Cow::Borrowed(ascii.as_bytes())),
        Ok(Cow::Owned(ascii)) => Ok(Cow::Owned(ascii.into_bytes())),
        Err(_) => Err(NameError::Idna),
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

    fn domain_of(text: &str) -> Result<String, NameError> {
        Request::new(CLIENT, text, text).domain().map(ToString::to_string)
    }

    /// §4.3: malformed and single-label domains are not looked up.
    #[test]
    fn malformed_domains_are_told_apart() {
        assert_eq!(domain_of("example.com."), Ok("example.com".to_owned()));
        assert_eq!(domain_of("localhost"), Err(NameError::SingleLabel));
        assert_eq!(domain_of("com."), Err(NameError::SingleLabel));
        assert_eq!(domain_of(""), Err(NameError::Empty));
        assert_eq!(domain_of("a..example"), Err(NameError::EmptyLabel));
        assert_eq!(domain_of("[192.0.2.1]"), Err(NameError::AddressLiteral));
        assert_eq!(domain_of(&format!("{}.example", "a".repeat(64))), Err(NameError::LabelTooLong { bytes: 64 }));
    }

    /// §4.3 second paragraph.
    #[test]
    fn a_sender_without_local_part_is_postmaster() {
        assert_eq!(Sender::parse("@example.com").to_bytes(), b"postmaster@example.com");
        assert_eq!(Sender::parse("example.com").to_bytes(), b"postmaster@example.com");
        assert_eq!(Sender::parse("\"a@b\"@example.com").local_part(), b"\"a@b\"");
    }

    /// §2.4.
    #[test]
    fn a_null_sender_is_postmaster_at_helo() {
        let request = Request::for_mail_from(CLIENT, "mail.example.com", "");
        assert_eq!(request.sender().to_bytes(), b"postmaster@mail.example.com");
        assert_eq!(request.domain().unwrap().to_string(), "mail.example.com");
    }

    /// §2.3: the HELO identity is checked with postmaster as local part.
    #[test]
    fn the_helo_identity_is_postmaster_at_helo() {
        let request = Request::for_helo(CLIENT, "mail.example.com");
        assert_eq!(request.sender().to_bytes(), b"postmaster@mail.example.com");
        assert_eq!(request.helo(), b"mail.example.com");
    }

    /// §5: an IPv4-mapped address is the IPv4 address.
    #[test]
    fn an_ipv4_mapped_client_is_an_ipv4_client() {
        let mapped = "::ffff:192.0.2.1".parse().unwrap();
        assert_eq!(Request::for_helo(mapped, "example.com").ip(), CLIENT);
    }

    /// RFC 8616 section 4.
    #[test]
    fn u_labels_become_a_labels() {
        assert_eq!(domain_of("bücher.example"), Ok("xn--bcher-kva.example".to_owned()));
        assert_eq!(domain_of("xn--bcher-kva.example"), Ok("xn--bcher-kva.example".to_owned()));
        assert_eq!(Sender::parse("jörg@bücher.example").to_bytes(), "jörg@xn--bcher-kva.example".as_bytes());
        let not_utf8 = Request::new(CLIENT, b"b\xfccher.example", b"x@b\xfccher.example");
        assert_eq!(not_utf8.domain(), Err(NameError::Idna));
    }
}
