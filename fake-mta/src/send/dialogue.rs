//! The SMTP client of `fake-mta send`: it goes on as long as it is not refused, as a real one does.

use std::sync::Arc;

use super::SendArgs;
use crate::{
    connector::Sockets,
    journal::{Event, Journal, LinkFailure},
    message::Delivered,
    profile::{Mta, Personality},
    run::Exit,
    settings::Settings,
    smtp::{Reply, stuffed},
};

/// What came of a message in one MTA.
pub(super) struct Outcome {
    /// Which MTA.
    pub(super) personality: Personality,
    /// What happened, step by step.
    pub(super) steps: Vec<Vec<Event>>,
    /// The message as it left the MTA.
    pub(super) delivered: Option<Delivered>,
    /// What became of it.
    pub(super) verdict: Verdict,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It left the MTA.
    Taken,
    /// It waits in quarantine, for this reason.
    Held(String),
    /// The client was told that all is well, and the message is gone.
    Discarded,
    /// The client was told this.
    Refused(String),
    /// The milter could not be talked to, or broke the protocol.
    Failed(Exit, String),
}

/// Plays the session from the banner to QUIT.
pub(super) async fn play(args: &SendArgs, personality: Personality, settings: Arc<Settings>, letter: &[u8]) -> Outcome {
    let journal = Journal::new();
    let connector = Arc::new(Sockets::new(args.milter.clone()));
    let mta = Mta::new(personality, settings, args.client(), connector, journal.clone());
    let mut dialogue = Dialogue { mta, journal, mark: 0, steps: Vec::new() };
    let refused = dialogue.play(args, letter).await.err();
    dialogue.quit().await;
    let events: Vec<&Event> = dialogue.steps.iter().flatten().collect();
    let delivered = events.iter().find_map(|event| match event {
        Event::Delivered(delivered) => Some(delivered.clone()),
        _ => None,
    });
    let verdict = match (failure(&events, args), refused, &delivered) {
        (Some(failed), ..) => failed,
        (None, Some(reply), _) => Verdict::Refused(reply),
        (None, None, None) => Verdict::Discarded,
        (None, None, Some(Delivered { held: Some(reason), .. })) => {
            Verdict::Held(String::from_utf8_lossy(reason).into_owned())
        }
        (None, None, Some(_)) => Verdict::Taken,
    };
    Outcome { personality, steps: dialogue.steps, delivered, verdict }
}

struct Dialogue {
    mta: Mta,
    journal: Journal,
    mark: usize,
    steps: Vec<Vec<Event>>,
}

impl Dialogue {
    /// Says everything up to the message.
    ///
    /// # Errors
    /// The reply that refused the message.
    async fn play(&mut self, args: &SendArgs, letter: &[u8]) -> Result<(), String> {
        let banner = vec![self.mta.connect().await];
        self.end_step();
        refused(&banner)?;
        if args.tls {
            self.mta.start_tls(TLS.map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
        let greeting = args.helo.as_ref().map_or_else(|| format!("EHLO {}", args.ehlo), |name| format!("HELO {name}"));
        self.say(&greeting).await?;
        if let Some(user) = &args.auth {
            self.mta.authenticate("PLAIN", user);
        }
        self.say(&format!("MAIL FROM:{}", path(&args.from))).await?;
        self.recipients(&args.to).await?;
        self.say("DATA").await?;
        let replies = self.mta.feed(&stuffed(letter)).await;
        self.end_step();
        refused(&replies)
    }

    /// A message whose last recipient is refused has none left.
    async fn recipients(&mut self, to: &[String]) -> Result<(), String> {
        let mut answer = Ok(());
        for (number, to) in to.iter().enumerate() {
            let one = self.say(&format!("RCPT TO:{}", path(to))).await;
            answer = if number == 0 { one } else { answer.or(one) };
            if self.mta.is_closed() {
                break;
            }
        }
        answer
    }

    async fn say(&mut self, line: &str) -> Result<(), String> {
        let replies = self.mta.feed(format!("{line}\r\n").as_bytes()).await;
        self.end_step();
        refused(&replies)
    }

    async fn quit(&mut self) {
        if !self.mta.is_closed() {
            // Nothing depends on the answer.
            let _ = self.say("QUIT").await;
        }
    }

    fn end_step(&mut self) {
        let events = self.journal.since(self.mark);
        self.mark = self.journal.mark();
        self.steps.push(events);
    }
}

/// A 4xx or 5xx reply, or none at all, is a refusal; all of its lines are told.
fn refused(replies: &[Reply]) -> Result<(), String> {
    let lines = replies.last().map(|reply| reply.lines.as_slice()).unwrap_or_default();
    match lines.last().map(|line| line.first()) {
        None => Err("the MTA closed the connection".to_owned()),
        Some(Some(b'2' | b'3')) => Ok(()),
        Some(_) => Err(lines.iter().map(|line| String::from_utf8_lossy(line)).collect::<Vec<_>>().join(" / ")),
    }
}

fn path(address: &str) -> String {
    if address.starts_with('<') { address.to_owned() } else { format!("<{address}>") }
}

/// The first thing that went wrong between MTA and milter.
fn failure(events: &[&Event], args: &SendArgs) -> Option<Verdict> {
    events.iter().enumerate().find_map(|(index, event)| match event {
        Event::LinkFailed(channel, failure, problem) => {
            let exit = match failure {
                LinkFailure::Refused => Exit::HARNESS,
                LinkFailure::Timeout => Exit::TIMEOUT,
                LinkFailure::Closed | LinkFailure::Garbage => Exit::MILTER,
            };
            let addr = args.milter.get(channel.filter).map(|addr| format!(" ({addr})")).unwrap_or_default();
            Some(Verdict::Failed(exit, format!("{problem}{addr}")))
        }
        // What the MTA puts up with does not keep the message from its end.
        Event::Violation(channel, _) if !Event::is_given_up(*channel, events[index + 1..].iter().copied()) => None,
        Event::Violation(_, problem) => {
            Some(Verdict::Failed(Exit::MILTER, format!("the milter broke the protocol: {problem}")))
        }
        _ => None,
    })
}

/// The macros of a handshake as today's clients have it.
const TLS: [(&str, &str); 4] =
    [("tls_version", "TLSv1.3"), ("cipher", "TLS_AES_256_GCM_SHA384"), ("cipher_bits", "256"), ("verify", "NO")];
