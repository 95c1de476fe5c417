//! The end of a message: a filter's edits, and its last word.

use milter_proto::{Command, MacroStage, Reply as MilterReply};
use tokio::time::Instant;

use super::{
    content::Asking,
    edits::Editing,
    exchange::{has_run_out, reply_code},
    filter::{State, Verdict},
    log, text,
};
use crate::profile::printable;

impl Asking<'_> {
    /// Tells the filter that the message is whole, and makes the edits it asks for.
    pub(super) async fn end_of_message(&mut self, editing: &mut Editing) -> Verdict {
        let question = self.question(Command::BodyEob(Vec::new()), Some(MacroStage::Eom), "eom");
        self.filter.send_macros(self.host, &question).await;
        if self.filter.state == State::Error {
            return self.filter.failure_verdict();
        }
        let began = Instant::now();
        let mut received = match self.filter.exchange(self.host, &question).await {
            Ok(Some(received)) => received,
            Ok(None) => return Verdict::Continue,
            Err(()) => return self.filter.failure_verdict(),
        };
        // Each packet must come within R, all of them within E.
        loop {
            match received.frame.code {
                b'p' => {}
                // A reason that is none is an empty one.
                b'q' => {
                    let payload = &received.frame.payload;
                    let reason = payload.split(|&byte| byte == 0).next().unwrap_or_default();
                    self.edit(editing, &MilterReply::Quarantine(reason.to_vec()));
                }
                b'h' | b'i' | b'm' | b'b' | b'e' | b'+' | b'2' | b'-' => {
                    // A request that cannot be read is passed over.
                    if let Ok(reply) = received.reply {
                        self.edit(editing, &reply);
                    }
                }
                code => return self.last_word(code, &received.frame.payload, editing).await,
            }
            if has_run_out(began, self.filter.settings.timeouts.content) {
                let line = format!("milter_data({}): EOM ACK/NAK timeout", self.filter.settings.name);
                self.host.log(log::PROGRAM, Some(self.queue_id), &line);
                return self.failed().await;
            }
            received = match self.filter.receive(self.host, &question).await {
                Ok(received) => received,
                Err(()) => return self.filter.failure_verdict(),
            };
        }
    }

    fn edit(&self, editing: &mut Editing, edit: &MilterReply) {
        editing.apply(edit, self.filter, self.host, self.queue_id);
    }

    async fn last_word(&mut self, code: u8, payload: &[u8], editing: &Editing) -> Verdict {
        let (verdict, said) = match code {
            b'y' => reply_code(payload, text::REJECTED_CONTENT),
            b'r' => (Verdict::Reject, "reject".to_owned()),
            b't' => (Verdict::Tempfail, "tempfail".to_owned()),
            b'd' => (Verdict::Discard, "discard".to_owned()),
            b'c' | b'a' if editing.replacement_failed => (Verdict::Tempfail, String::new()),
            b'c' | b'a' => (Verdict::Continue, String::new()),
            _ => {
                let (name, shown) = (&self.filter.settings.name, printable(&[code]));
                let line = format!("milter_data({name}): returned bogus response {shown}");
                self.host.log(log::PROGRAM, Some(self.queue_id), &line);
                return self.failed().await;
            }
        };
        self.filter.state = State::Done;
        if !said.is_empty() {
            self.filter.log_action(self.host, self.queue_id, &said);
        }
        verdict
    }

    async fn failed(&mut self) -> Verdict {
        self.filter.fail(self.host, self.queue_id).await;
        self.filter.failure_verdict()
    }
}
