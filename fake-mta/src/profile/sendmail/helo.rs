//! The begin of a session: connect, HELO and EHLO.

use milter_proto::{Address, Command, MacroStage};

use super::{
    access::{Access, NullText},
    address::NAME_MAX,
    filter::Verdict,
    log, reply_text,
    session::Sendmail,
    text,
};
use crate::{
    client::{Client, ClientName},
    profile::host::{printable, sendmail_address},
    smtp::Reply,
};

impl Sendmail {
    /// Opens the filters, shows them the client, and says the banner.
    pub(super) async fn greet(&mut self) -> Reply {
        let client = text::client_text(&self.host.client);
        self.host.log(log::PROGRAM, Some("NOQUEUE"), &format!("connect from {client}"));
        let verdict = self.filters.init(&self.host, self.release, &self.queue_id).await;
        if verdict != Verdict::Continue {
            return self.refuse_connection(verdict, "initialization failed", "closing connection");
        }
        if !self.host.settings.filters.is_empty() {
            self.log("Milter: connect to filters");
        }
        if !self.filters.is_any_open() {
            self.unfiltered = self.host.settings.filters.is_empty();
            return text::greeting(&self.host, self.release);
        }
        let command = connect_command(&self.host.client);
        let verdict = self.ask(command, Some(MacroStage::Connect), "connect", &self.session_macros()).await;
        if verdict == Verdict::Continue {
            return text::greeting(&self.host, self.release);
        }
        self.log("Milter: connect, ending");
        self.filters.quit(&self.host, &self.queue_id).await;
        let client = &self.host.client;
        let (name, address) = (text::claimed_name(client), text::address_text(client));
        self.refuse_connection(verdict, &format!("connect: host={name}, addr={address}"), "shutdown")
    }

    pub(super) async fn helo(&mut self, argument: &[u8], esmtp: bool) -> Reply {
        let verb = if esmtp { "EHLO" } else { "HELO" };
        if argument.is_empty() {
            return Reply::line(format!("501 5.0.0 {verb} requires domain address"));
        }
        if argument.len() > NAME_MAX
            || !argument.iter().all(|byte| byte.is_ascii_alphanumeric() || b"[].-_#:".contains(byte))
        {
            return Reply::line("501 5.0.0 Invalid domain name");
        }
        if self.sent_ahead {
            // Its reply says what may be sent ahead: who does not wait for it is no mail program.
            self.access = Access::Null(NullText::Plain("Command rejected"));
            self.unfiltered = true;
            return Reply::line(text::PROTOCOL_ERROR);
        }
        if self.helo.is_some() {
            self.reset().await;
        }
        self.filters.begin_message(&self.host, &self.queue_id).await;
        self.last_command = if esmtp { "ehlo" } else { "helo" };
        let command = Command::Helo(argument.to_vec());
        let verdict = self.ask(command, Some(MacroStage::Helo), "helo", &self.session_macros()).await;
        if let Some(closing) = self.judge_helo(verdict, argument).await {
            return closing;
        }
        self.helo = Some(String::from_utf8_lossy(argument).into_owned());
        self.esmtp = esmtp;
        text::hello(&self.host, self.release, esmtp, matches!(self.access, Access::Null(_)))
    }

    async fn judge_helo(&mut self, verdict: Verdict, name: &[u8]) -> Option<Reply> {
        let name = printable(name);
        let log = |this: &Self, what: &str| this.log(&format!("Milter: helo={name}, reject={what}"));
        match verdict {
            Verdict::Reject => {
                log(self, text::NOT_ACCEPTING);
                self.access = Access::Null(NullText::Plain(text::NOT_ACCEPTING));
            }
            Verdict::Tempfail => {
                log(self, text::TRY_LATER);
                self.access = Access::Tempfail;
            }
            Verdict::Code(code) => {
                log(self, &printable(&code));
                if reply_text::ends_session(&code) {
                    let reply = reply_text::reply(self.release, &code, None);
                    return Some(self.maybe_shut_down(reply).await);
                }
                self.access = Access::Null(NullText::Filter(code));
            }
            Verdict::Shutdown => {
                let said = text::host_closing(&self.host);
                log(self, &said);
                return Some(self.maybe_shut_down(Reply::line(said)).await);
            }
            _ => return None,
        }
        self.unfiltered = true;
        None
    }
}

/// CONNECT as sendmail sends it: IPv6 with its tag and all its groups, and an address in brackets for a name that is not
/// known.
fn connect_command(client: &Client) -> Command {
    let address = match client.canonical_addr() {
        None => Address::Unknown,
        Some(addr) if addr.is_ipv4() => Address::Inet { port: client.port, text: addr.to_string().into() },
        Some(addr) => Address::Inet6 { port: client.port, text: sendmail_address(addr).into() },
    };
    let local = matches!(client.name, ClientName::LocalUser(_)) || client.addr.is_none();
    let hostname = if local { "localhost".to_owned() } else { text::client_name(client) };
    Command::Connect { hostname: hostname.into(), address }
}
