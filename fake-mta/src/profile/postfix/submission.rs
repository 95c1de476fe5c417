//! Mail that does not come over SMTP: the `sendmail` command, `pickup(8)`, and `cleanup(8)` with its own filters.

use std::net::{IpAddr, Ipv4Addr};

use milter_proto::{Command, MacroStage};

use super::{
    content::{self, Origin},
    filter::Answer,
    filters::{Event, Filters},
    helo::connect_command,
    macros::MacroTable,
    session::{Mail, Postfix},
};
use crate::{
    client::Client,
    journal::Event as JournalEvent,
    message::{Envelope, Recipient},
    profile::Submission,
};

impl Postfix {
    /// Takes a message from a user of this host. Filters see a session that never was: from localhost, without brackets around
    /// addresses, and without an end but the hanging-up.
    pub(crate) async fn submit(&mut self, submission: &Submission, message: &[u8]) {
        let queue_id = self.host.queue_ids.postfix();
        self.host.client = Client::verified(IpAddr::V4(Ipv4Addr::LOCALHOST), 0, "localhost");
        self.host.client.local_addr = self.host.client.addr;
        self.filters = Filters::new(&self.host.settings.local_filters);
        let (user_id, sender) = (submission.user_id, String::from_utf8_lossy(&submission.sender).into_owned());
        self.host.log("postfix/pickup", Some(&queue_id), &format!("uid={user_id} from=<{sender}>"));
        self.mail = Some(open_mail(submission, queue_id));
        if self.play_envelope(submission).await {
            let mail = self.mail.clone().unwrap_or_default();
            let outcome = content::receive(self, &mail, message, &Origin::User(submission)).await;
            if let Some(delivered) = outcome.delivered {
                self.host.journal.note(JournalEvent::Delivered(delivered));
            }
        }
        self.mail = None;
        self.filters.disconnect().await;
    }

    /// CONNECT to DATA as they might have been; false if a filter refuses, which is its last word.
    async fn play_envelope(&mut self, submission: &Submission) -> bool {
        let mut macros = MacroTable::of_session(&self.host, self.release);
        if !self.play(connect_command(&self.host.client), MacroStage::Connect, &macros).await
            || !self.play(Command::Helo(b"localhost".to_vec()), MacroStage::Helo, &macros).await
        {
            return false;
        }
        let queue_id = self.mail.as_ref().and_then(|mail| mail.queue_id.clone()).unwrap_or_default();
        macros.set_default(&self.host, "i", queue_id);
        macros.set_default(&self.host, "mail_addr", &submission.sender[..]);
        let command = Command::Mail { sender: submission.sender.clone(), args: Vec::new() };
        if !self.play(command, MacroStage::Envfrom, &macros).await {
            return false;
        }
        for recipient in &submission.recipients {
            macros.set_default(&self.host, "rcpt_addr", &recipient[..]);
            let command = Command::Rcpt { recipient: recipient.clone(), args: Vec::new() };
            if !self.play(command, MacroStage::Envrcpt, &macros).await {
                return false;
            }
        }
        self.play(Command::Data, MacroStage::Data, &macros).await
    }

    async fn play(&mut self, command: Command, stage: MacroStage, macros: &MacroTable) -> bool {
        let Some(mail) = self.mail.as_mut().filter(|mail| !mail.discard) else { return true };
        let connecting = matches!(command, Command::Connect { .. });
        let event = Event { command, stage: Some(stage), macros, release: self.release, program: content::CLEANUP };
        let answer = match connecting {
            true => self.filters.connect(&self.host, &event).await,
            false => self.filters.event(&self.host, &event).await,
        };
        match answer {
            Some(Answer::Hold) => mail.hold = true,
            Some(Answer::Discard) => mail.discard = true,
            Some(Answer::Reply(_) | Answer::Shutdown) => return false,
            None => {}
        }
        true
    }
}

fn open_mail(submission: &Submission, queue_id: String) -> Mail {
    let recipients =
        submission.recipients.iter().map(|address| Recipient { address: address.clone(), params: Vec::new() });
    Mail {
        envelope: Envelope { sender: submission.sender.clone(), params: Vec::new(), recipients: recipients.collect() },
        queue_id: Some(queue_id),
        recipient: submission.recipients.last().cloned(),
        ..Mail::default()
    }
}
