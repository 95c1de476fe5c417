//! AUTH and STARTTLS: no filter sees them, but what they come to stands in macros.

use super::session::Postfix;
use crate::{
    profile::Auth,
    smtp::{Reply, SaslExchange, SaslStep, split_at_byte},
};

/// An AUTH exchange that is under way.
pub(super) type Dialogue = SaslExchange;

impl Postfix {
    pub(super) fn auth(&mut self, argument: &[u8]) -> Reply {
        self.last_command = "AUTH";
        if self.mail.is_some() {
            return Reply::line("503 5.5.1 Error: MAIL transaction in progress");
        }
        if let Some(refusal) = self.standing_refusal() {
            return refusal;
        }
        if self.host.auth.is_some() {
            return Reply::line("503 5.5.1 Error: already authenticated");
        }
        let (mechanism, response) = split_at_byte(argument, b' ');
        let response = response.trim_ascii();
        if mechanism.is_empty() || response.contains(&b' ') {
            return Reply::line("501 5.5.4 Syntax: AUTH mechanism");
        }
        let mechanism = String::from_utf8_lossy(mechanism).to_ascii_uppercase();
        let offered = self.host.settings.auth_mechanisms.as_deref().unwrap_or_default();
        let is_offered = offered.split(' ').any(|name| name.eq_ignore_ascii_case(&mechanism));
        match SaslExchange::begin(&mechanism).filter(|_| is_offered) {
            // Only later may the client think better of it, and Cyrus SASL takes no `=` for an empty response.
            Some(_) if matches!(response, b"*" | b"=") => Reply::line(BAD_RESPONSE),
            Some(exchange) => self.auth_response(exchange, (!response.is_empty()).then_some(response)),
            None => Reply::line("535 5.7.8 Error: authentication failed: Invalid authentication mechanism"),
        }
    }

    /// A response of the client, or none yet.
    pub(super) fn auth_response(&mut self, mut dialogue: Dialogue, response: Option<&[u8]>) -> Reply {
        if response.is_some_and(|response| response.len() > RESPONSE_MAX) {
            return Reply::line("500 5.5.6 SASL response limit exceeded");
        }
        match dialogue.step(response) {
            SaslStep::Challenge(challenge) => {
                self.dialogue = Some(dialogue);
                Reply::line(format!("334 {challenge}"))
            }
            SaslStep::Credentials { user, password } if self.host.settings.accepts_login(&user, &password) => {
                self.host.auth = Some(Auth { mechanism: dialogue.mechanism, user });
                Reply::line("235 2.7.0 Authentication successful")
            }
            SaslStep::Credentials { .. } => {
                Reply::line("535 5.7.8 Error: authentication failed: authentication failure")
            }
            SaslStep::Cancelled => Reply::line("501 5.7.0 Authentication aborted"),
            SaslStep::Malformed => Reply::line(BAD_RESPONSE),
        }
    }

    /// The handshake that follows is a fact that the caller tells; the client must say EHLO anew.
    pub(super) fn starttls(&mut self, argument: &[u8]) -> Reply {
        self.last_command = "STARTTLS";
        if !argument.is_empty() {
            return Reply::line("501 5.5.4 Syntax: STARTTLS");
        }
        if let Some(refusal) = self.standing_refusal() {
            return refusal;
        }
        if self.host.tls.is_some() {
            return Reply::line("554 5.5.1 Error: TLS already active");
        }
        if !self.host.settings.starttls {
            return Reply::line("502 5.5.1 Error: command not implemented");
        }
        self.reset_mail();
        self.reset_helo();
        Reply::line("220 2.0.0 Ready to start TLS")
    }

    /// RFC 3207 section 4.2: what the client told in the clear counts no more. (sendmail still believes it.)
    pub(crate) fn forget_login(&mut self) {
        self.host.auth = None;
    }

    /// A refusal of the connection or of HELO holds here too; a temporary one is told in other words.
    fn standing_refusal(&self) -> Option<Reply> {
        let reply = self.filters.standing_reply()?;
        let temporary = reply.starts_with(b"4");
        Some(if temporary { Reply::line("454 4.3.0 Try again later") } else { Reply::text(reply) })
    }
}

const BAD_RESPONSE: &str = "535 5.7.8 Error: authentication failed: Invalid base64 data in continued response";

/// The longest response, bytes: `smtpd_sasl_response_limit`.
pub(super) const RESPONSE_MAX: usize = 12_288;
