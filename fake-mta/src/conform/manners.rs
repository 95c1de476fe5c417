//! What a milter says of ordinary messages, word by word.

use milter_proto::{Command, Reply};

use super::{
    correspondent::Correspondent,
    exchange::Exchange,
    letter::{Chunk, Letter, plain_headers},
    step::{header, rcpt_to},
    target::Target,
    trouble::Trouble,
};
use crate::{
    journal::Event,
    lint::{Finding, Lint, Linter, MtaKind},
};

/// What is looked for in the answers to a few ordinary messages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manners {
    /// These faults.
    pub(super) lints: &'static [Lint],
    /// Of these packets; those that cannot be read are always looked at.
    pub(super) of: fn(&Reply) -> bool,
    /// What is wrong with those packets, where the fault alone does not say it.
    pub(super) instead: Option<&'static str>,
}

impl Manners {
    /// These faults in whatever packet.
    pub(super) const fn all(lints: &'static [Lint]) -> Self {
        Self { lints, of: |_| true, instead: None }
    }

    /// Sends the messages and looks at what comes back.
    pub(super) async fn play(self, target: &Target, log: &mut Exchange) -> Result<(), Trouble> {
        for (what, letter) in letters() {
            log.note(&format!("{what}, over a connection of its own"));
            let mut mta = Correspondent::open(target).await?;
            let sent = match mta.greet(log).await {
                Ok(()) => mta.send(&letter, log).await,
                other => other,
            };
            if let Some(text) = self.found(&mta.take_record()) {
                return Err(Trouble::Wrong(text));
            }
            match sent {
                Ok(()) => mta.close(&mut Exchange::default()).await.or_else(not_this)?,
                Err(trouble) => not_this(trouble)?,
            }
        }
        Ok(())
    }

    /// The first fault of those that are looked for.
    fn found(self, record: &[Event]) -> Option<String> {
        let mut linter = Linter::default();
        record.iter().find_map(|event| {
            let findings = linter.observe(event);
            let finding = findings.into_iter().find(|finding| self.lints.contains(&finding.lint))?;
            self.is_about(event).then(|| self.text(&finding))
        })
    }

    fn is_about(self, event: &Event) -> bool {
        let Event::Received(_, frame) = event else { return false };
        Reply::decode(frame).map_or(true, |reply| (self.of)(&reply))
    }

    fn text(self, finding: &Finding) -> String {
        let Finding { lint, stage, packet, detail, .. } = finding;
        let packet: String = packet.chars().take(MAX_CHARS).collect();
        if let Some(problem) = self.instead {
            return format!("the answer to {stage} `{packet}`: {problem}");
        }
        let detail = if detail.is_empty() { String::new() } else { format!(" ({detail})") };
        let [sendmail, postfix] = MtaKind::ALL.map(|mta| lint.outcome(mta));
        format!("the answer to {stage} `{packet}`: {}{detail}\nsendmail: {sendmail}\nPostfix: {postfix}", lint.title())
    }
}

/// Other faults are found by other cases.
fn not_this(trouble: Trouble) -> Result<(), Trouble> {
    if matches!(trouble, Trouble::Wrong(_)) { Ok(()) } else { Err(trouble) }
}

/// Messages of which one or the other will make a milter speak, whatever it is for.
fn letters() -> Vec<(&'static str, Letter)> {
    let mail = |sender: &str| Command::Mail { sender: sender.into(), args: Vec::new() };
    let bounce = Letter { mail: mail("<>"), body: Vec::new(), ..Letter::default() };
    let marked = Letter { body: vec![Chunk::Bytes([GTUBE, EICAR].concat().into_bytes())], ..Letter::default() };
    let fields = [
        header("Authentication-Results", "mx.example.com; spf=pass smtp.mailfrom=sender@example.org"),
        header("X-Spam-Flag", "YES"),
        header("X-Spam-Flag", "NO"),
        header("DKIM-Signature", "v=1; a=rsa-sha256; d=example.org; s=none; h=from; bh=AAAA; b=AAAA"),
    ];
    let full = Letter {
        rcpts: (1..4).map(|number| rcpt_to(&format!("<rcpt{number}@example.com>"))).collect(),
        headers: fields.into_iter().chain(plain_headers()).collect(),
        ..Letter::default()
    };
    vec![
        ("an ordinary message", Letter::default()),
        ("a bounce without a body", bounce),
        ("a message to several, with fields that milters add", full),
        ("a message with the test patterns of spam and virus filters", marked),
        (
            "a message of a domain that sends none",
            Letter { mail: mail("<sender@no-mail.example>"), ..Letter::default() },
        ),
    ]
}

/// What every spam filter takes for spam.
const GTUBE: &str = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\r\n";

/// What every virus filter takes for a virus.
const EICAR: &str = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*\r\n";

/// So much of a packet is shown.
const MAX_CHARS: usize = 200;
