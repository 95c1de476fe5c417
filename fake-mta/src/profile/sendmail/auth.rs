//! AUTH and STARTTLS: no filter sees them, but what they come to stands in macros.

use super::{log, session::Sendmail, text};
use crate::{
    profile::Auth,
    smtp::{Reply, SaslExchange, SaslStep, split_at_byte},
};

impl Sendmail {
    pub(super) fn auth(&mut self, argument: &[u8]) -> Reply {
        self.last_command = "auth";
        if self.host.auth.is_some() {
            return Reply::line("503 5.5.0 Already Authenticated");
        }
        if self.mail.is_some() {
            return Reply::line("503 5.5.0 AUTH not permitted during a mail transaction");
        }
        let (mechanism, response) = split_at_byte(argument, b' ');
        if mechanism.is_empty() {
            return Reply::line("501 5.5.2 AUTH mechanism must be specified");
        }
        let mechanism = String::from_utf8_lossy(mechanism).into_owned();
        let offered = self.host.settings.auth_mechanisms.as_deref().unwrap_or_default();
        let is_offered = offered.split(' ').any(|name| name.eq_ignore_ascii_case(&mechanism));
        match SaslExchange::begin(&mechanism).filter(|_| is_offered) {
            Some(exchange) => {
                let response = response.trim_ascii();
                self.auth_response(exchange, (!response.is_empty()).then_some(response))
            }
            None => Reply::line(format!("504 5.3.3 AUTH mechanism {mechanism} not available")),
        }
    }

    /// A response of the client, or none yet.
    pub(super) fn auth_response(&mut self, mut dialogue: SaslExchange, response: Option<&[u8]>) -> Reply {
        match dialogue.step(response) {
            SaslStep::Challenge(challenge) => {
                self.dialogue = Some(dialogue);
                Reply::line(format!("334 {challenge}"))
            }
            SaslStep::Credentials { user, password } if self.host.settings.accepts_login(&user, &password) => {
                let client = text::client_text(&self.host.client);
                let mechanism = dialogue.mechanism;
                let line = format!("AUTH=server, relay={client}, authid={user}, mech={mechanism}, bits=0");
                self.host.log(log::PROGRAM, None, &line);
                self.host.auth = Some(Auth { mechanism, user });
                Reply::line("235 2.0.0 OK Authenticated")
            }
            SaslStep::Credentials { .. } => Reply::line("535 5.7.0 authentication failed"),
            SaslStep::Cancelled => Reply::line("501 5.0.0 AUTH aborted"),
            SaslStep::Malformed => Reply::line("501 5.5.4 cannot decode AUTH parameter"),
        }
    }

    /// The handshake that follows is a fact that the caller tells; the client must say EHLO anew.
    pub(super) async fn starttls(&mut self, argument: &[u8]) -> Reply {
        self.last_command = "starttls";
        if !argument.is_empty() {
            return Reply::line("501 5.5.2 Syntax error (no parameters allowed)");
        }
        if self.host.tls.is_some() {
            return Reply::line("503 5.5.0 TLS already started");
        }
        if !self.host.settings.starttls {
            return Reply::line("454 4.3.3 TLS not available");
        }
        if self.mail.is_some() {
            return Reply::line("503 5.5.0 TLS not permitted during a mail transaction");
        }
        self.reset().await;
        self.helo = None;
        Reply::line("220 2.0.0 Ready to start TLS")
    }
}
