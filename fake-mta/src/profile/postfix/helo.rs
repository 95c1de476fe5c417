//! The begin of a session: connect, HELO and EHLO.

use milter_proto::{Address, Command, MacroStage};

use super::{
    filters::Event,
    macros::MacroTable,
    session::{Postfix, SMTPD},
    text,
};
use crate::{client::Client, smtp::Reply};

impl Postfix {
    /// The client has connected: each filter is connected to, and told of the client, before the banner is sent.
    pub(crate) async fn connect(&mut self) -> Reply {
        let client = text::client_log(&self.host.client);
        self.log(None, &format!("connect from {client}"));
        self.greet().await
    }

    /// Shows the client to the filters and says the banner.
    pub(super) async fn greet(&mut self) -> Reply {
        let macros = MacroTable::of_smtpd(&self.host, self.release);
        let command = connect_command(&self.host.client);
        let stage = Some(MacroStage::Connect);
        let event = Event { command, stage, macros: &macros, release: self.release, program: SMTPD };
        let answer = self.filters.connect(&self.host, &event).await;
        match self.judge("CONNECT", answer) {
            Some(reply) if reply.starts_with(b"421") => {
                let hostname = &self.host.settings.hostname;
                let reply = Reply::line(format!("421 {hostname} Service unavailable - try again later"));
                self.end().await;
                reply.closing()
            }
            Some(reply) if reply.starts_with(b"5") => text::no_messages(&self.host),
            _ => text::greeting(&self.host),
        }
    }

    pub(super) async fn helo(&mut self, argument: &[u8], esmtp: bool) -> Reply {
        let verb = if esmtp { "EHLO" } else { "HELO" };
        self.last_command = verb;
        if argument.is_empty() && !self.verbatim {
            return Reply::line(format!("501 Syntax: {verb} hostname"));
        }
        let name = if self.verbatim { argument.to_vec() } else { collapsed(argument) };
        let macros = MacroTable::of_smtpd(&self.host, self.release);
        let answer = self.ask(Command::Helo(name.clone()), Some(MacroStage::Helo), &macros).await;
        self.reset_mail();
        self.reset_helo();
        // The log names the new HELO name, but the protocol only after the greeting is done.
        self.helo = Some(text::neutered(&text::log_text(&name)));
        let refusal = self.judge(verb, answer);
        // HELO after EHLO changes nothing.
        self.esmtp |= esmtp;
        if let Some(reply) = &refusal
            && reply.starts_with(b"421")
        {
            // A client that is shown the door is not remembered: there is nothing to abort.
            self.helo = None;
            return self.refuse(reply).await;
        }
        self.refused = refusal.is_some_and(|reply| reply.starts_with(b"5"));
        text::hello(&self.host, self.release, esmtp, self.refused)
    }
}

/// A name of several words, with one space between them.
fn collapsed(argument: &[u8]) -> Vec<u8> {
    let words = argument.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(&b' ')
}

/// CONNECT as Postfix sends it: RFC 5952 text without a prefix, and an address in brackets for a name that is not known.
pub(super) fn connect_command(client: &Client) -> Command {
    let address = match client.canonical_addr() {
        None => Address::Unknown,
        Some(addr) if addr.is_ipv4() => Address::Inet { port: client.port, text: addr.to_string().into() },
        Some(addr) => Address::Inet6 { port: client.port, text: addr.to_string().into() },
    };
    let hostname = match (client.name.verified(), client.canonical_addr()) {
        (Some(name), _) => name.to_owned(),
        (None, Some(addr)) => format!("[{addr}]"),
        (None, None) => "localhost".to_owned(),
    };
    Command::Connect { hostname: hostname.into(), address }
}
