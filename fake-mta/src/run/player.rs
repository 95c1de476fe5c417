//! Plays one unit: its sessions, step by step, through the fake MTA against a running milter.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use fake_dns::FakeDns;
use milter_proto::Reply as MilterReply;
use tokio::time::{sleep, timeout};
use zone::Store;

use super::{
    MilterAddr,
    failure::{self, Heard},
    played::{Fatal, FatalKind, Played},
    settings,
    transcript::{Transcript, envelope_lines, message_text},
    wire,
};
use crate::{
    connector::Sockets,
    journal::{Channel, Event, Journal, LinkFailure, Question},
    lint::{Finding, Linter},
    profile::Mta,
    scenario::{Action, LineKind, ProfileKind, Session, SessionEvents, Step, StepEvents, Unit},
    smtp::{Reply, stuffed},
};

/// What a unit is played against.
#[derive(Clone)]
pub(crate) struct Stage {
    /// Where the milters listen, in the order in which the MTA asks them.
    pub(crate) milters: Vec<MilterAddr>,
    /// The fake DNS server of the unit, if it has one.
    pub(crate) dns: Option<Arc<FakeDns>>,
}

/// Plays all sessions of the unit. A unit that breaks off says why in [`Played::fatal`].
pub(crate) async fn play(unit: &Unit, stage: &Stage) -> Played {
    let mut player = Player::new(unit, stage);
    for (number, session) in unit.scenario.sessions.iter().enumerate() {
        player.transcript.session(number, session);
        player.played.sessions.push(SessionEvents::default());
        if let Err(fatal) = player.session(number, session).await {
            player.played.fatal = Some(fatal);
            break;
        }
    }
    player.finish()
}

struct Player<'a> {
    unit: &'a Unit,
    stage: &'a Stage,
    settings: Arc<crate::settings::Settings>,
    zone: Arc<Store>,
    transcript: Transcript,
    played: Played,
    /// Watches the filters of the session that is played.
    linter: Linter,
    steps_played: u64,
    /// Where the DNS log stood before: a world may serve several units.
    dns_mark: u64,
}

impl<'a> Player<'a> {
    fn new(unit: &'a Unit, stage: &'a Stage) -> Self {
        // The profile `direct` takes the client as the scenario has it and looks nobody up.
        let looks_up = unit.profile.kind != ProfileKind::Direct;
        let zone: Arc<Store> = Arc::new(unit.scenario.dns.records().filter(|_| looks_up).collect());
        let addresses: Vec<String> = stage.milters.iter().enumerate().map(shown_address).collect();
        let settings = settings::settings(unit, &addresses, &zone);
        let mut transcript = Transcript::default();
        for zone in ["GMT", "+0000 (UTC)"] {
            transcript.redact(settings.clock.rfc5322(zone), "[date]");
        }
        Self {
            unit,
            stage,
            settings: Arc::new(settings),
            zone,
            transcript,
            played: Played::default(),
            linter: Linter::default(),
            steps_played: 0,
            dns_mark: stage.dns.as_ref().map_or(0, |dns| dns.mark()),
        }
    }

    async fn session(&mut self, number: usize, session: &Session) -> Result<(), Fatal> {
        self.linter = Linter::default();
        let client = settings::client(&session.client, &self.zone);
        let connector = Arc::new(Sockets::new(self.stage.milters.clone()).lingering(LINGER_LIMIT));
        let journal = self.journal();
        let personality = settings::personality(self.unit);
        let mut mta = Mta::new(personality, self.session_settings(number), client, connector, journal.clone());
        for (index, step) in session.steps.iter().enumerate() {
            if let Some(dns) = &self.stage.dns {
                self.steps_played += 1;
                dns.set_step(self.steps_played);
            }
            let mark = journal.mark();
            let replies = timeout(STEP_LIMIT, self.act(&mut mta, step)).await;
            // Questions after the last packet belong to this step too.
            journal.settle();
            let mut heard = self.observed(journal.since(mark));
            if replies.is_err() {
                heard.extend(self.overdue());
            }
            self.collect(step, &heard, replies.as_ref().map_or(&[][..], |replies| replies));
            let late = replies.is_err().then(|| too_slow(step));
            if let Some(fatal) = failure::unspoken(step, &self.unit.profile, &heard).or(late) {
                return Err(at(fatal, number, index));
            }
        }
        self.end(&mut mta, &journal).await;
        Ok(())
    }

    /// Each session is served by a process of its own, and only the first has the queue id that the scenario may name.
    fn session_settings(&self, number: usize) -> Arc<crate::settings::Settings> {
        if number == 0 {
            return Arc::clone(&self.settings);
        }
        let mut settings = crate::settings::Settings::clone(&self.settings);
        settings.process_id += u32::try_from(number).unwrap_or(u32::MAX) * 256;
        settings.first_queue_id = None;
        Arc::new(settings)
    }

    /// A session whose last step left the connection open ends like one whose client goes away. It belongs to no step.
    async fn end(&mut self, mta: &mut Mta, journal: &Journal) {
        if mta.is_closed() {
            return;
        }
        let mark = journal.mark();
        mta.lose_client().await;
        self.transcript.action(&Action::Close);
        for event in journal.since(mark) {
            self.transcript.event(&event);
            let found = self.linter.observe(&event);
            // Nothing else could be the place of it.
            let last = self.played.sessions.last_mut().and_then(|session| session.steps.last_mut());
            last.into_iter().for_each(|step| step.warnings.extend(found.iter().cloned()));
        }
    }

    /// A journal that takes the DNS questions in between.
    fn journal(&self) -> Journal {
        let Some(dns) = self.stage.dns.clone() else { return Journal::new() };
        let mark = Mutex::new(dns.mark());
        Journal::with_probe(move || {
            let mut mark = mark.lock().unwrap_or_else(PoisonError::into_inner);
            let entries = dns.log_since(*mark);
            *mark = entries.last().map_or(*mark, |entry| entry.seq + 1);
            entries.iter().map(|entry| Event::Question(question(entry))).collect()
        })
    }

    /// Does what the step says; the replies that the client sees come back.
    async fn act(&mut self, mta: &mut Mta, step: &Step) -> Vec<Reply> {
        self.transcript.action(&step.action.value);
        match &step.action.value {
            Action::Connect => vec![mta.connect().await],
            Action::Smtp(line) => mta.feed(format!("{line}\r\n").as_bytes()).await,
            Action::Raw(bytes) => mta.feed(bytes).await,
            Action::Message(name) => self.send_message(mta, name.as_deref()).await,
            Action::Close => {
                mta.lose_client().await;
                Vec::new()
            }
            Action::Tls(values) => {
                mta.start_tls(tls_macros(values));
                Vec::new()
            }
            Action::Auth { mechanism, user } => {
                mta.authenticate(mechanism, user);
                Vec::new()
            }
            Action::Wait(time) => {
                sleep(*time).await;
                Vec::new()
            }
        }
    }

    /// DATA, unless the client has said it already, and the message if the MTA wants it. The 354 in between is no reply of the step.
    async fn send_message(&self, mta: &mut Mta, name: Option<&str>) -> Vec<Reply> {
        if !mta.awaits_message() {
            let replies = mta.feed(b"DATA\r\n").await;
            if !mta.awaits_message() {
                return replies;
            }
        }
        let message = name.and_then(|name| self.unit.scenario.messages.get(name));
        let text = message.map_or(DEFAULT_MESSAGE, |message| &message.bytes);
        mta.feed(&stuffed(text)).await
    }

    /// Each event with what is wrong with it.
    fn observed(&mut self, events: impl IntoIterator<Item = Event>) -> Vec<(Event, Vec<Finding>)> {
        let observe = |event| {
            let found = self.linter.observe(&event);
            (event, found)
        };
        events.into_iter().map(observe).collect()
    }

    /// The answers that were still to come when the step was over its limit, whatever time the MTA would have given them.
    fn overdue(&mut self) -> Vec<(Event, Vec<Finding>)> {
        let problem = format!("no answer within {STEP_LIMIT:?}, the limit of a step");
        let waiting = self.linter.waiting();
        self.observed(
            waiting.into_iter().map(|channel| Event::LinkFailed(channel, LinkFailure::Timeout, problem.clone())),
        )
    }

    /// Puts what happened in a step into the transcript and into the step's events.
    fn collect(&mut self, step: &Step, heard: &Heard, replies: &[Reply]) {
        let start = self.transcript.len().saturating_sub(usize::from(!matches!(step.action.value, Action::Smtp(_))));
        let mut seen = StepEvents::default();
        let reply_lines = replies.iter().flat_map(|reply| &reply.lines);
        seen.replies = reply_lines.map(|line| String::from_utf8_lossy(line).into_owned()).collect();
        for (event, _) in heard {
            self.note_volatile(event);
        }
        for (event, found) in heard {
            self.transcript.event(event);
            self.note(event, &mut seen);
            seen.wire.extend(wire::packet(event, &self.transcript));
            seen.warnings.extend(found.iter().cloned());
        }
        seen.transcript = start..self.transcript.len();
        if let Some(session) = self.played.sessions.last_mut() {
            session.steps.push(seen);
            session.queue_ids = self.transcript.queue_ids();
        }
    }

    /// Queue ids are told apart by where the MTA shows them.
    fn note_volatile(&mut self, event: &Event) {
        if let Event::Log(line) = event
            && let Some(id) = &line.queue_id
            && id != "NOQUEUE"
        {
            self.transcript.redact_queue_id(id);
        }
    }

    fn note(&mut self, event: &Event, seen: &mut StepEvents) {
        match event {
            Event::Received(channel, frame) => {
                let text = MilterReply::decode(frame)
                    .map_or_else(|error| format!("malformed: {error}"), |reply| reply.to_string());
                answers(seen, *channel).push(text);
            }
            Event::LinkFailed(channel, LinkFailure::Closed, _) => answers(seen, *channel).push("close".to_owned()),
            Event::Question(question) => {
                seen.dns.push(question.question.clone());
                self.played.journal.push(question.question.clone());
            }
            Event::Log(line) => seen.log.push(line.text.clone()),
            Event::Delivered(delivered) => {
                if let Some(session) = self.played.sessions.last_mut() {
                    session.envelope.extend(envelope_lines(delivered));
                    session.delivered.push(message_text(delivered));
                }
            }
            _ => {}
        }
    }

    fn finish(mut self) -> Played {
        self.played.transcript = self.transcript.text();
        self.played.dns_log = self.stage.dns.as_deref().map(|dns| dns_log(dns, self.dns_mark)).unwrap_or_default();
        self.played
    }
}

/// The list for what this milter answers.
fn answers(seen: &mut StepEvents, channel: Channel) -> &mut Vec<String> {
    match failure::answers_of(channel) {
        LineKind::MilterOf(number) => seen.later_milters.entry(number).or_default(),
        _ => &mut seen.milter,
    }
}

/// What the fake DNS server was asked, with a hint where a name is nearly one of the zone.
fn dns_log(dns: &FakeDns, mark: u64) -> Vec<String> {
    let entries = dns.log_since(mark);
    let lines = entries.iter().map(|entry| {
        let question = question(entry);
        let near = if entry.answer.records.is_empty() { dns.near_miss(&entry.name, entry.rtype) } else { None };
        let hint = near.map(|near| format!(" ({near})")).unwrap_or_default();
        format!("{} -> {}{hint}", question.question, question.answer)
    });
    lines.collect()
}

/// A question that was asked, with its answer and the faults in that.
pub(crate) fn question(entry: &fake_dns::LogEntry) -> Question {
    let fault = entry.fault.as_ref().map(|fault| format!(" [fault: {fault}]")).unwrap_or_default();
    Question { question: entry.question(), answer: format!("{}{fault}", entry.answer) }
}

/// The macros of a handshake: `version` is short for the name that sendmail has.
fn tls_macros(values: &std::collections::BTreeMap<String, String>) -> Vec<(String, String)> {
    let long = |key: &str| if key == "version" { "tls_version".to_owned() } else { key.to_owned() };
    values.iter().map(|(key, value)| (long(key), value.clone())).collect()
}

fn too_slow(step: &Step) -> Fatal {
    let what = failure::describe(&step.action.value);
    Fatal::new(FatalKind::Timeout, format!("{what} was not done within {STEP_LIMIT:?}, the limit of a step"))
}

fn at(mut fatal: Fatal, session: usize, step: usize) -> Fatal {
    fatal.at = Some((session, step));
    fatal
}

/// The milter's address as Postfix's log has it, without what differs from run to run.
fn shown_address((index, addr): (usize, &MilterAddr)) -> String {
    let number = if index == 0 { String::new() } else { format!(" {}", index + 1) };
    match addr {
        MilterAddr::Unix(_) => format!("unix:[socket{number}]"),
        MilterAddr::Tcp(addr) => format!("inet:{}:[port{number}]", addr.ip()),
    }
}

/// How long one step may take altogether, whatever time-outs the MTA has for its filters.
const STEP_LIMIT: Duration = Duration::from_secs(60);

/// How long a filter that does not hang up is listened to after the goodbye.
const LINGER_LIMIT: Duration = Duration::from_millis(500);

/// What `[message]` sends.
const DEFAULT_MESSAGE: &[u8] = b"From: Sender <sender@example.org>\r\n\
To: Recipient <rcpt@example.net>\r\n\
Subject: test\r\n\
Date: Sun, 01 Aug 2004 12:00:00 +0000\r\n\
Message-ID: <1@example.org>\r\n\
\r\n\
Hello.\r\n";
