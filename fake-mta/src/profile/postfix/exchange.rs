//! An event for one filter, and what its answer means.

use milter_proto::{Command, Negotiate, Protocol, Reply, mta::Due};

use super::{
    edits::Editing,
    filter::{Answer, Filter, State},
    filters::Event,
    macros::{bare_name, stage_list},
    packet, text,
};
use crate::{
    link::LinkError,
    profile::{Host, is_content},
    settings::FailureAction,
};

impl Filter {
    /// Reports an event and waits for the answer, if the filter wants the one and owes the other. At the end of a message
    /// edits of the message may come first.
    pub(super) async fn event(
        &mut self,
        host: &Host,
        event: &Event<'_>,
        editing: Option<&mut Editing>,
    ) -> Option<Answer> {
        if self.life.state != State::Ready {
            return self.life.standing.clone();
        }
        let code = event.command.code();
        if self.life.standing.is_some() {
            let (name, address) = (text::event_name(code), &self.settings.address);
            let text = format!("warning: milter8_event: attempt to send event {name} to milter {address} after error");
            host.log(event.program, None, &text);
            return self.life.standing.clone();
        }
        if self.life.skipped == Some(code) {
            return None;
        }
        self.life.skipped = None;
        match self.send(host, event).await {
            Ok(Due::Reply) => self.answer(host, event, editing).await,
            Ok(_) => None,
            Err(error) => self.lost(host, event, &error).await,
        }
    }

    /// Sends macros and event, up to the point where an answer is due.
    async fn send(&mut self, host: &Host, event: &Event<'_>) -> Result<Due, LinkError> {
        let limit = self.limit(&event.command);
        let names = stage_list(host, event.release, &self.agreed, event.stage);
        let pairs = event.macros.pairs(&names, bare_name);
        let unseen = self.is_declined(&event.command) || is_beyond_version(&self.agreed, &event.command);
        let link = self.link.as_mut().ok_or_else(broken_pipe)?;
        // The macros go even if the event itself does not, but content events that the filter declined are not looked at at all.
        if !unseen {
            link.queue(&Command::Macro { for_command: event.command.code(), pairs })?;
        }
        let due = link.queue(&event.command)?;
        if due == Due::Reply {
            link.flush(limit).await?;
        }
        Ok(due)
    }

    /// Edits, progress reports and requests for quarantine until the filter's last word; each of them starts the clock anew.
    async fn answer(&mut self, host: &Host, event: &Event<'_>, mut editing: Option<&mut Editing>) -> Option<Answer> {
        let limit = self.limit(&event.command);
        loop {
            let Some(link) = self.link.as_mut() else { return self.life.standing.clone() };
            let received = match link.receive(limit).await {
                Ok(received) => received,
                Err(error) => return self.lost(host, event, &error).await,
            };
            let reply = match packet::reply(&received, &event.command) {
                Ok(reply) => reply,
                Err(problem) => {
                    host.log(event.program, None, &problem.log_line(&self.settings.address));
                    return self.communication_error().await;
                }
            };
            if let Some(editing) = editing.as_deref_mut()
                && !matches!(reply, Reply::ReplaceBody(_))
            {
                editing.end_body();
            }
            match (reply, editing.as_deref_mut()) {
                (Reply::Progress, _) => {}
                // Not final, wherever it comes: but every answer from now on is that one.
                (Reply::Quarantine(_), _) => self.life.standing = Some(Answer::Hold),
                (edit, Some(editing)) if edit.is_modification() => {
                    if let Err(problem) = editing.apply(&edit) {
                        self.warn(host, event.program, problem);
                        return self.configuration_error().await;
                    }
                }
                (other, _) => return self.judge(host, event, other).await,
            }
        }
    }

    /// What the filter's final answer means.
    async fn judge(&mut self, host: &Host, event: &Event<'_>, reply: Reply) -> Option<Answer> {
        let connecting = matches!(event.command, Command::Connect { .. } | Command::Helo(_));
        match reply {
            Reply::Continue => self.life.standing.clone(),
            Reply::Skip => {
                self.life.skipped = Some(event.command.code());
                self.life.standing.clone()
            }
            Reply::Accept => {
                self.accept(connecting).await;
                self.life.standing.clone()
            }
            Reply::Discard if connecting => {
                self.warn(host, event.program, "DISCARD action is not allowed for connect or helo");
                self.life.standing.clone()
            }
            Reply::Discard => {
                self.life.state = State::MessageDone;
                self.life.standing = Some(Answer::Discard);
                self.life.standing.clone()
            }
            Reply::Reject => self.refuse(connecting, Answer::Reply(text::REJECTED.into())).await,
            Reply::Tempfail => self.refuse(connecting, Answer::Reply(text::UNAVAILABLE.into())).await,
            Reply::Shutdown => self.refuse(true, Answer::Shutdown).await,
            Reply::ReplyCode(payload) => {
                let said = self.life.buffer.read(&payload);
                match text::check_reply_text(&said) {
                    Some(reply) => self.refuse(connecting, Answer::Reply(reply)).await,
                    None => {
                        self.warn(host, event.program, &format!("malformed reply: {}", text::log_text(&said)));
                        self.configuration_error().await
                    }
                }
            }
            other => {
                let (name, code) = (packet::reply_name(other.code()), event.command.code());
                let problem = format!("unexpected filter response {name} after event {}", text::event_name(code));
                self.warn(host, event.program, &problem);
                self.communication_error().await
            }
        }
    }

    async fn accept(&mut self, connecting: bool) {
        if connecting {
            self.close().await;
            self.life.state = State::ConnectionDone;
        } else {
            self.life.state = State::MessageDone;
        }
    }

    /// A refusal of the connection or of HELO stands for the rest of the session; any other is for this event alone.
    async fn refuse(&mut self, connecting: bool, answer: Answer) -> Option<Answer> {
        if connecting {
            self.close().await;
            self.life.state = State::ConnectionDone;
            self.life.standing = Some(answer.clone());
        }
        Some(answer)
    }

    async fn lost(&mut self, host: &Host, event: &Event<'_>, error: &LinkError) -> Option<Answer> {
        self.warn(host, event.program, &text::read_error(event.command.code(), error));
        self.communication_error().await
    }

    /// The filter cannot be talked to: the default action stands for the rest of the session.
    pub(super) async fn communication_error(&mut self) -> Option<Answer> {
        let answer = match self.settings.on_failure {
            FailureAction::Accept => None,
            FailureAction::Reject => Some(Answer::Reply(b"550 5.5.0 Service unavailable".to_vec())),
            FailureAction::Tempfail => Some(Answer::Reply(text::UNAVAILABLE.into())),
            FailureAction::Shutdown => Some(Answer::Reply(b"421 4.7.1 Service unavailable - try again later".to_vec())),
            FailureAction::Quarantine => Some(Answer::Hold),
        };
        self.failed(answer).await
    }

    /// The filter says what makes no sense: only `accept` and `quarantine` are honoured.
    async fn configuration_error(&mut self) -> Option<Answer> {
        let answer = match self.settings.on_failure {
            FailureAction::Accept => None,
            FailureAction::Quarantine => Some(Answer::Hold),
            FailureAction::Shutdown => {
                Some(Answer::Reply(b"421 4.3.5 Server configuration problem - try again later".to_vec()))
            }
            FailureAction::Reject | FailureAction::Tempfail => {
                Some(Answer::Reply(b"451 4.3.5 Server configuration problem - try again later".to_vec()))
            }
        };
        self.failed(answer).await
    }

    /// How long to wait for the answer to a command.
    fn limit(&self, command: &Command) -> std::time::Duration {
        if is_content(command) { self.settings.timeouts.content } else { self.settings.timeouts.command }
    }

    fn is_declined(&self, command: &Command) -> bool {
        let flag = match command {
            Command::Header { .. } => Protocol::NO_HEADERS,
            Command::Eoh => Protocol::NO_EOH,
            Command::Body(_) => Protocol::NO_BODY,
            _ => return false,
        };
        self.agreed.protocol.contains(flag)
    }
}

fn broken_pipe() -> LinkError {
    LinkError::Io(std::io::ErrorKind::BrokenPipe.into())
}

/// Events that a filter of the agreed version does not know.
fn is_beyond_version(agreed: &Negotiate, command: &Command) -> bool {
    match command {
        Command::Data => matches!(agreed.version, 2 | 3),
        Command::Unknown(_) => agreed.version == 2,
        _ => false,
    }
}
