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
    text,
};
use crate::{
    client::Client,
    message::{Envelope, Recipient},
    profile::{Submission, qualified},
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
        let mail = open_mail(submission, queue_id, &self.host.settings.hostname);
        self.mail = Some(mail.clone());
        if self.play_envelope(&mail).await {
            let mail = self.mail.clone().unwrap_or_default();
            let outcome = content::receive(self, &mail, message, &Origin::User(submission)).await;
            if let Some(delivered) = outcome.delivered {
                self.host.keep(delivered);
            }
        }
        self.mail = None;
        self.filters.disconnect().await;
    }

    /// CONNECT to DATA as they might have been; false if a filter refuses, which is its last word.
    async fn play_envelope(&mut self, mail: &Mail) -> bool {
        let mut macros = MacroTable::of_user(&self.host, self.release, mail.queue_id.as_deref().unwrap_or_default());
        let session = macros.clone();
        macros.set_default(&self.host, "mail_addr", &mail.envelope.sender[..]);
        if !self.play_sender(mail, &session, &macros).await {
            return false;
        }
        for recipient in &mail.envelope.recipients {
            macros.set_default(&self.host, "rcpt_addr", &recipient.address[..]);
            if let Some(mail) = &mut self.mail {
                mail.recipient = Some(recipient.address.clone());
            }
            let command = Command::Rcpt { recipient: recipient.address.clone(), args: Vec::new() };
            if !self.play("RCPT", command, MacroStage::Envrcpt, &macros).await {
                return false;
            }
        }
        self.play("DATA", Command::Data, MacroStage::Data, &macros).await
    }

    /// CONNECT, HELO and MAIL are one: what comes after one of them that has put the message on hold is left out.
    async fn play_sender(&mut self, mail: &Mail, session: &MacroTable, macros: &MacroTable) -> bool {
        let sender = Command::Mail { sender: mail.envelope.sender.clone(), args: Vec::new() };
        let commands = [
            ("CONNECT", connect_command(&self.host.client), MacroStage::Connect, session),
            ("EHLO", Command::Helo(b"localhost".to_vec()), MacroStage::Helo, session),
            ("MAIL", sender, MacroStage::Envfrom, macros),
        ];
        for (name, command, stage, macros) in commands {
            if self.mail.as_ref().is_some_and(|mail| mail.hold) {
                break;
            }
            if !self.play(name, command, stage, macros).await {
                return false;
            }
        }
        true
    }

    async fn play(&mut self, name: &str, command: Command, stage: MacroStage, macros: &MacroTable) -> bool {
        let Some(mail) = self.mail.as_mut().filter(|mail| !mail.discard) else { return true };
        let connecting = matches!(command, Command::Connect { .. });
        let event = Event { command, stage: Some(stage), macros, release: self.release, program: content::CLEANUP };
        let answer = match connecting {
            true => self.filters.connect(&self.host, &event).await,
            false => self.filters.event(&self.host, &event).await,
        };
        let Some(answer) = answer else { return true };
        if !(mail.hold && answer == Answer::Hold) {
            let described = text::describe_envelope(Some(&mail.envelope.sender), mail.recipient.as_deref());
            let queue_id = mail.queue_id.as_deref().unwrap_or_default();
            content::log_verdict(&self.host, queue_id, name, &answer, &described);
        }
        match answer {
            Answer::Hold => mail.hold = true,
            Answer::Discard => mail.discard = true,
            Answer::Reply(_) | Answer::Shutdown => return false,
        }
        true
    }
}

/// The envelope with addresses that are complete, as everything but the log of `pickup(8)` has them.
fn open_mail(submission: &Submission, queue_id: String, origin: &str) -> Mail {
    let recipients = submission.recipients.iter().map(|typed| Recipient {
        address: qualified(typed.clone(), origin),
        original: typed.clone(),
        params: Vec::new(),
    });
    let sender = qualified(submission.sender.clone(), origin);
    Mail {
        envelope: Envelope { sender, params: Vec::new(), recipients: recipients.collect() },
        queue_id: Some(queue_id),
        ..Mail::default()
    }
}
