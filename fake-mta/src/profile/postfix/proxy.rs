//! XCLIENT and XFORWARD: a trusted client speaks for another one.

use std::net::IpAddr;

use super::session::Postfix;
use crate::{
    client::ClientName,
    profile::Auth,
    smtp::{Reply, split_at_byte},
};

impl Postfix {
    /// The client says who the real client is: the session begins anew with the banner, and with new connections to the filters.
    pub(super) async fn xclient(&mut self, argument: &[u8]) -> Reply {
        self.last_command = "XCLIENT";
        if self.mail.is_some() {
            return Reply::line("503 5.5.1 Error: MAIL transaction in progress");
        }
        if !self.is_authorized(&self.host.settings.xclient_hosts) {
            return Reply::line("550 5.7.0 Error: insufficient authorization");
        }
        let mut helo = None;
        for attribute in attributes(argument) {
            let Some((name, value)) = attribute.split_once('=') else {
                return Reply::line(format!("501 5.5.4 Error: attribute=value expected: {attribute}"));
            };
            if name.eq_ignore_ascii_case("HELO") {
                helo = Some(value.to_owned());
            } else if !self.set_client_attribute(name, value) {
                return Reply::line(format!("501 5.5.4 Bad XCLIENT attribute: {attribute}"));
            }
        }
        if helo.is_none() {
            self.reset_helo();
        }
        self.helo = helo;
        self.filters.disconnect().await;
        self.greet().await
    }

    fn set_client_attribute(&mut self, name: &str, value: &str) -> bool {
        let available = Some(value).filter(|value| !matches!(*value, "[UNAVAILABLE]" | "[TEMPUNAVAIL]"));
        match name.to_ascii_uppercase().as_str() {
            "NAME" | "REVERSE_NAME" => {
                let named = available.map(|name| ClientName::Verified(name.to_owned()));
                // A reverse name alone is not a verified one.
                if name.eq_ignore_ascii_case("NAME") {
                    self.host.client.name = named.unwrap_or(ClientName::Missing);
                }
            }
            "ADDR" => match available.map(parse_address) {
                Some(Some(addr)) => self.host.client.addr = Some(addr),
                Some(None) => return false,
                None => self.host.client.addr = None,
            },
            "PORT" => self.host.client.port = available.and_then(|port| port.parse().ok()).unwrap_or(0),
            "PROTO" => self.esmtp = value.eq_ignore_ascii_case("ESMTP"),
            "LOGIN" => {
                let login = |user: &str| Auth { mechanism: "XCLIENT".to_owned(), user: user.to_owned() };
                self.host.auth = available.map(login);
            }
            "DESTADDR" => self.host.client.local_addr = available.and_then(parse_address),
            "DESTPORT" => {}
            _ => return false,
        }
        true
    }

    /// The client says who its client was: that is for the log, and no filter sees it.
    pub(super) fn xforward(&mut self, argument: &[u8]) -> Reply {
        self.last_command = "XFORWARD";
        if self.mail.is_some() {
            return Reply::line("503 5.5.1 Error: MAIL transaction in progress");
        }
        if !self.is_authorized(&self.host.settings.xforward_hosts) {
            return Reply::line("550 5.7.0 Error: insufficient authorization");
        }
        let known = ["NAME", "ADDR", "PROTO", "HELO", "SOURCE", "PORT", "IDENT"];
        for attribute in attributes(argument) {
            let name = String::from_utf8_lossy(split_at_byte(attribute.as_bytes(), b'=').0).to_ascii_uppercase();
            if !known.contains(&name.as_str()) {
                return Reply::line(format!("501 5.5.4 Bad XFORWARD attribute: {attribute}"));
            }
        }
        Reply::line("250 2.0.0 Ok")
    }

    fn is_authorized(&self, hosts: &[IpAddr]) -> bool {
        self.host.client.canonical_addr().is_some_and(|addr| hosts.contains(&addr))
    }
}

fn attributes(argument: &[u8]) -> Vec<String> {
    let words = argument.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    words.map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

/// An IPv6 address comes with a tag, RFC 5321 section 4.1.3.
fn parse_address(text: &str) -> Option<IpAddr> {
    let bare = match text.get(..5) {
        Some(tag) if tag.eq_ignore_ascii_case("IPV6:") => &text[5..],
        _ => text,
    };
    bare.parse().ok()
}
