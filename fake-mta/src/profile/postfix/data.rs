//! DATA, BDAT, and the message that follows.

use milter_proto::{Command, MacroStage};

use super::{
    content::{self, Origin},
    session::Postfix,
    text,
};
use crate::smtp::{Awaits, Reply, split_at_byte};

/// A message that comes in chunks, RFC 3030.
pub(super) struct Bdat {
    /// What has come.
    content: Vec<u8>,
    /// The chunk that is awaited is the last one.
    last: bool,
    /// What the client gets once the chunk that nobody wants has come.
    refusal: Option<Reply>,
    /// A chunk was refused: those that follow are thrown away.
    failed: bool,
}

impl Postfix {
    pub(super) async fn data(&mut self, argument: &[u8]) -> Reply {
        self.last_command = "DATA";
        let has_recipients = self.mail.as_ref().is_some_and(|mail| !mail.envelope.recipients.is_empty());
        if has_recipients && !argument.is_empty() {
            return Reply::line("501 5.5.4 Syntax: DATA");
        }
        if let Err(reply) = self.check_message_may_come("DATA").await {
            return reply;
        }
        self.awaits = Awaits::Message;
        Reply::line(text::GO_AHEAD)
    }

    /// Whether a message may come now, in Postfix's opinion and in that of the filters.
    async fn check_message_may_come(&mut self, stage: &str) -> Result<(), Reply> {
        let Some(mail) = &self.mail else { return Err(Reply::line("503 5.5.1 Error: need RCPT command")) };
        if mail.envelope.recipients.is_empty() {
            return Err(Reply::line("554 5.5.1 Error: no valid recipients"));
        }
        let macros = self.mail_macros();
        let answer = self.ask(Command::Data, Some(MacroStage::Data), &macros).await;
        match self.judge(stage, answer) {
            Some(reply) => Err(self.refuse(&reply).await),
            None => Ok(()),
        }
    }

    /// `BDAT size [LAST]`: filters are asked before the first chunk.
    pub(super) async fn bdat(&mut self, argument: &[u8]) -> Reply {
        self.last_command = "BDAT";
        let (size, last) = split_at_byte(argument, b' ');
        let size = std::str::from_utf8(size).ok().and_then(|size| size.parse::<usize>().ok());
        let last = last.trim_ascii();
        let (Some(size), true) = (size, last.is_empty() || last.eq_ignore_ascii_case(b"LAST")) else {
            // What follows may be the chunk, and must not be taken for commands.
            return self.refuse(b"521 5.5.4 Syntax: BDAT count [LAST]").await;
        };
        let mut bdat = match self.bdat.take() {
            Some(bdat) => bdat,
            None => {
                let refusal = self.check_message_may_come("BDAT").await.err();
                Bdat { content: Vec::new(), last: false, refusal, failed: false }
            }
        };
        if bdat.failed {
            bdat.refusal = Some(Reply::line(format!("551 5.0.0 Discarded {size} bytes after earlier error")));
        } else if self.size_max().is_some_and(|max| bdat.content.len().saturating_add(size) > max) {
            bdat.refusal = Some(Reply::line("552 5.3.4 Chunk exceeds message size limit"));
        }
        bdat.last = !last.is_empty();
        if bdat.refusal.as_ref().is_some_and(|reply| reply.closes) {
            return bdat.refusal.unwrap_or_default();
        }
        self.bdat = Some(bdat);
        self.awaits = Awaits::Chunk(size);
        // The reply comes when the chunk has come.
        Reply::default()
    }

    /// How much of a message in chunks has come, bytes.
    pub(crate) fn chunks_size(&self) -> usize {
        self.bdat.as_ref().map_or(0, |bdat| bdat.content.len())
    }

    /// A chunk of a message.
    pub(super) async fn chunk(&mut self, chunk: &[u8]) -> Reply {
        self.awaits = Awaits::Line;
        let Some(mut bdat) = self.bdat.take() else { return Reply::default() };
        if let Some(refusal) = bdat.refusal.take() {
            bdat.failed = true;
            // Without an open message there is nothing that later chunks could belong to.
            self.bdat = (self.mail.is_some() && !bdat.last).then_some(bdat);
            return refusal;
        }
        bdat.content.extend_from_slice(chunk);
        if bdat.last {
            let size = bdat.content.len();
            return self.receive(&bdat.content, &format!("{size} bytes queued as")).await;
        }
        self.bdat = Some(bdat);
        Reply::line(format!("250 2.0.0 Ok: {} bytes", chunk.len()))
    }

    /// The message after its final dot.
    pub(super) async fn message(&mut self, message: &[u8]) -> Reply {
        self.awaits = Awaits::Line;
        self.receive(message, "queued as").await
    }

    /// The filters hear of it only that the message is over.
    pub(super) fn refuse_too_large(&mut self) -> Reply {
        self.awaits = Awaits::Line;
        let queue_id = self.mail.as_ref().and_then(|mail| mail.queue_id.clone());
        let queue_id = queue_id.as_deref().unwrap_or("NOQUEUE");
        self.log(None, &format!("warning: {queue_id}: queue file size limit exceeded"));
        self.reset_mail();
        Reply::line("552 5.3.4 Error: message file too big")
    }

    async fn receive(&mut self, message: &[u8], queued: &str) -> Reply {
        let mail = self.mail.clone().unwrap_or_default();
        let queue_id = mail.queue_id.clone().unwrap_or_default();
        let outcome = content::receive(self, &mail, message, &Origin::Smtp).await;
        let is_kept = outcome.delivered.is_none_or(|delivered| self.host.keep(delivered));
        self.reset_mail();
        match outcome.refusal.or_else(|| (!is_kept).then(|| text::QUEUE_WRITE_ERROR.into())) {
            Some(reply) => self.refuse(&reply).await,
            None => Reply::line(format!("250 2.0.0 Ok: {queued} {queue_id}")),
        }
    }
}
