//! The process inside the namespaces: it reads names of units, plays each through the real MTA and writes what happened.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, Write as _},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

use fake_dns::FakeDns;
use fake_mta::{
    run::{Cancel, Fatal, World, WorldOptions},
    scenario::{Action, Session, Unit},
    suite::{self, SocketKind, Suite},
};

use crate::{
    client::Client,
    milter,
    mta::RealMta,
    namespace::{self, Namespace},
    record::{Answer, Record, SessionRecord},
    sink::Sink,
    units::{self, Comparison, Kind},
};

/// The variable that makes this program the process inside, and names the MTA.
pub(crate) const KIND: &str = "REAL_MTA_INSIDE";

/// The variable with the folder of sendmail.
pub(crate) const SENDMAIL: &str = "REAL_MTA_SENDMAIL";

/// The MTA to play, if this is the process inside.
pub(crate) fn asked_for() -> Option<Kind> {
    let word = std::env::var(KIND).ok()?;
    Kind::ALL.into_iter().find(|kind| kind.word() == word)
}

/// Answers until the input ends.
pub(crate) fn serve(kind: Kind) -> ExitCode {
    match try_serve(kind) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn try_serve(kind: Kind) -> Result<(), String> {
    let (comparisons, _) = units::comparisons();
    let units: BTreeMap<&str, &Comparison> = comparisons.iter().map(|known| (known.name.as_str(), known)).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(2).build().map_err(text)?;
    runtime.block_on(async {
        let stage = Stage { kind, namespace: Namespace::enter().await?, sink: Sink::start().await.map_err(text)? };
        for name in std::io::stdin().lock().lines() {
            let name = name.map_err(text)?;
            let unit = units.get(name.as_str()).ok_or_else(|| format!("no unit `{name}`"))?;
            let answer = match stage.play(unit).await {
                Ok(record) => Answer::Played(record),
                Err(reason) => Answer::Failed(reason),
            };
            let mut out = std::io::stdout().lock();
            serde_json::to_writer(&mut out, &answer).map_err(text)?;
            writeln!(out).and_then(|()| out.flush()).map_err(text)?;
        }
        Ok(())
    })
}

/// An error in words.
fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// What all units of the process share.
struct Stage {
    kind: Kind,
    namespace: Namespace,
    sink: Sink,
}

impl Stage {
    async fn play(&self, comparison: &Comparison) -> Result<Record, String> {
        let unit = &comparison.unit;
        self.namespace.prepare(unit).await?;
        let dns = start_resolver(unit).await?;
        let options = WorldOptions {
            suite: Some(Arc::new(with_tcp_socket(&comparison.suite)?)),
            running: Vec::new(),
            dns: None,
            bin: milter::bin_dir().to_owned(),
            keep: false,
        };
        let said = |fatal: Fatal| format!("{}\n{}", fatal.text, fatal.notes.join("\n"));
        let world = World::start(unit, &options, &Cancel::new()).await.map_err(said)?;
        let port = world.milter().tcp().expect("the suite's socket is a TCP one").port();
        let mut mta = RealMta::start(self.kind, unit, port).await?;
        let played = self.sessions(unit, &world, &mut mta).await;
        let log = mta.stop().await;
        let record = played.map(|record| Record { notes: log.clone(), ..record });
        let ended = world.stop().await;
        dns.shutdown().await;
        match ended {
            Some(fatal) => Err(format!("{}\n{log}", said(fatal))),
            None => record.map_err(|problem| format!("{problem}\n{log}")),
        }
    }

    async fn sessions(&self, unit: &Unit, world: &World, mta: &mut RealMta) -> Result<Record, String> {
        let mut record = Record::default();
        let mut steps_played = 0;
        for session in &unit.scenario.sessions {
            let mut steps = Vec::new();
            let mut connection = None;
            for step in &session.steps {
                steps_played += 1;
                world.dns().set_step(steps_played);
                let replies = match &mut connection {
                    None => {
                        let (client, banner) = Client::connect(&session.client).await.map_err(text)?;
                        connection = Some(client);
                        banner
                    }
                    Some(client) => client.act(&step.action, &unit.scenario.messages).await.map_err(text)?,
                };
                if is_taken(&step.action, &replies) {
                    // One message after the other: else Postfix delivers two of them in any order.
                    mta.drain().await?;
                }
                steps.push(replies);
            }
            drop(connection);
            mta.drain().await?;
            record.sessions.push(self.delivered(mta, steps, &mut record.held).await?);
        }
        Ok(record)
    }

    /// What came of a session that has ended.
    async fn delivered(
        &self,
        mta: &mut RealMta,
        steps: Vec<Vec<String>>,
        held_count: &mut usize,
    ) -> Result<SessionRecord, String> {
        let mut mails = self.sink.take();
        if mta.release_held().await? {
            let held = self.sink.take();
            *held_count += held.len();
            mails.extend(held);
        }
        let envelope = mails.iter().flat_map(|mail| mail.envelope.clone()).collect();
        let delivered = mails.into_iter().map(|mail| mail.message).collect();
        Ok(SessionRecord { steps, envelope, delivered })
    }
}

/// Whether the MTA took a message in this step. While a transaction is open there is a file in the queue that waits for nobody.
fn is_taken(action: &Action, replies: &[String]) -> bool {
    let ends_message = match action {
        Action::Message(_) => true,
        Action::Smtp(line) => line == ".",
        _ => false,
    };
    ends_message && replies.iter().any(|reply| reply.starts_with("250"))
}

/// The resolver of the MTA alone. The milter has the scenario's own, so that nothing is added to what it sees.
async fn start_resolver(unit: &Unit) -> Result<FakeDns, String> {
    let mut builder = FakeDns::builder().listen(([127, 0, 0, 1], 53).into());
    builder = builder.zone_text("names of clients", client_records(unit)).map_err(text)?;
    if unit.scenario.sessions.iter().any(|session| session.client.name.is_none()) {
        for zone in &unit.scenario.dns.zones {
            builder = builder.zone_text("scenario", &zone.text).map_err(text)?;
        }
    }
    builder.start().await.map_err(text)
}

/// A PTR record and an address record for every client that the scenario gives a name.
fn client_records(unit: &Unit) -> String {
    let record = |session: &Session| {
        let client = &session.client.value;
        let name = client.name.as_ref()?;
        let kind = if client.ip.is_ipv4() { "A" } else { "AAAA" };
        Some(format!("{} PTR {name}.\n{name}. {kind} {}\n", namespace::reverse_name(client.ip), client.ip))
    };
    let mut records: Vec<String> = unit.scenario.sessions.iter().filter_map(record).collect();
    records.sort();
    records.dedup();
    format!(". SOA . . 1 1 1 1 1\n{}", records.concat())
}

/// The suite again, with a TCP socket: sendmail does not trust a Unix socket below `/tmp`, and Postfix cannot reach it.
fn with_tcp_socket(suite: &Suite) -> Result<Suite, String> {
    let path: PathBuf = suite.source.path().to_owned();
    let mut suite = suite::load(path).map_err(|problems| problems[0].to_string())?;
    suite.socket = SocketKind::Inet;
    Ok(suite)
}
