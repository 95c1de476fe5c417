//! DATA, and the message that follows.

use milter_proto::{Command, MacroStage};

use super::{content, filter::Verdict, reply_text, session::Sendmail, text};
use crate::{
    profile::printable,
    smtp::{Awaits, Bare, Reply},
};

impl Sendmail {
    pub(super) async fn data(&mut self) -> Reply {
        self.last_command = "data";
        let Some(mail) = &self.mail else { return Reply::line("503 5.0.0 Need MAIL command") };
        if mail.envelope.recipients.is_empty() {
            return Reply::line("503 5.0.0 Need RCPT (recipient)");
        }
        if self.sent_ahead {
            return Reply::line(text::PROTOCOL_ERROR).closing();
        }
        let verdict = self.ask(Command::Data, Some(MacroStage::Data), "data", &self.message_macros()).await;
        let (said, reply) = match verdict {
            Verdict::Code(code) => (printable(&code), reply_text::reply(self.release, &code, None)),
            Verdict::Reject => (text::REJECTED.to_owned(), Reply::line(text::REJECTED)),
            Verdict::Tempfail => (text::TRY_LATER.to_owned(), Reply::line(text::TRY_LATER)),
            Verdict::Shutdown => {
                let said = text::host_closing(&self.host);
                (said.clone(), Reply::line(said))
            }
            other => {
                if let (Verdict::Discard, Some(mail)) = (other, &mut self.mail) {
                    mail.discard = true;
                    self.log("Milter: cmd=data, discard");
                }
                self.awaits = Awaits::Message;
                return Reply::line(text::GO_AHEAD);
            }
        };
        self.log(&format!("Milter: cmd=data, reject={said}"));
        self.maybe_shut_down(reply).await
    }

    pub(super) async fn receive(&mut self, message: &[u8]) -> Reply {
        self.awaits = Awaits::Line;
        let (reply, delivered) = content::receive(self, message).await;
        let is_kept = delivered.is_none_or(|delivered| self.host.keep(delivered));
        self.renew_envelope();
        self.maybe_shut_down(if is_kept { reply } else { Reply::line(text::NO_DISK_SPACE) }).await
    }

    /// A CR or LF by itself in a message: nobody gets to see it, and its filters are not even told.
    pub(crate) async fn bare_line_end(&mut self, bare: Bare, size: usize) -> Reply {
        self.awaits = Awaits::Line;
        self.filters.hang_up().await;
        content::log_from(self, size, None);
        let what = match bare {
            Bare::Cr => "carriage return (CR)",
            Bare::Lf => "linefeed (LF)",
        };
        Reply::line(format!("421 4.5.0 Bare {what} not allowed")).closing()
    }
}
