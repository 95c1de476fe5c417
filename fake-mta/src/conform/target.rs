//! The milter under test.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use milter_proto::Negotiate;
use tokio::{net::UnixStream, time::timeout};

use super::{
    exchange::Exchange,
    habits::Habits,
    step::{connect, connect_macros},
    talk::Talk,
    trouble::Trouble,
    usage::{Usage, usage},
};
use crate::{
    connector,
    link::Stream,
    run::{Cancel, Fatal, FatalKind, MilterAddr, World, WorldOptions, build_one},
    scenario::Unit,
    under_test::Origin,
};

/// A milter under test, running.
#[derive(Debug)]
pub struct Target {
    name: String,
    limit: Duration,
    addr: MilterAddr,
    habits: Arc<Habits>,
    own: Option<Own>,
    is_lost: bool,
}

/// A milter that was started here.
#[derive(Debug)]
struct Own {
    world: World,
    unit: Unit,
    options: WorldOptions,
}

impl Target {
    /// Starts the milter with the DNS of `unit`, if it does not run already, and looks how it takes the end of a plain session. `limit`
    /// is how long it may take for any answer.
    ///
    /// # Errors
    /// It did not start, or nobody listens there.
    pub async fn start(
        name: &str,
        origin: &Origin,
        unit: &Unit,
        limit: Duration,
        bin: PathBuf,
        cancel: &Cancel,
    ) -> Result<Self, Fatal> {
        let (addr, own) = match origin {
            Origin::Running(addr) => (addr.clone(), None),
            Origin::Started(suite) => {
                let bin = build_one(suite, &bin, cancel).await?;
                let suite = Some(Arc::clone(suite));
                let options = WorldOptions { suite, running: Vec::new(), dns: None, bin, keep: false };
                let world = World::start(unit, &options, cancel).await?;
                (world.milter().clone(), Some(Own { world, unit: unit.clone(), options }))
            }
        };
        let target = Self { name: name.to_owned(), limit, addr, habits: Arc::default(), own, is_lost: false };
        match target.learn_habits().await {
            Err(Trouble::Refused(text)) if target.own.is_none() => {
                let fatal = Fatal::new(FatalKind::Harness, format!("nobody listens at {}", target.addr));
                Err(Fatal { notes: vec![text], ..fatal })
            }
            // What else is wrong with it the cases will tell.
            _ => Ok(target),
        }
    }

    /// Plays a session without a message, and looks what the milter makes of its end.
    async fn learn_habits(&self) -> Result<(), Trouble> {
        let mut log = Exchange::default();
        let mut talk = self.talk().await?;
        let served = begin(&mut talk, &mut log).await;
        if matches!(served, Err(Trouble::Closed(_) | Trouble::Silent(_))) {
            self.habits.note_deaf();
        }
        served?;
        match talk.close(&mut log).await {
            Err(Trouble::AfterQuit(_)) => return self.learn_end().await,
            Err(Trouble::Silent(_)) => self.habits.note_open(),
            _ => {}
        }
        Ok(())
    }

    /// From here on connections are closed without QUIT. Looks what comes then, where nothing was said that could have brought it about.
    pub(super) async fn learn_end(&self) -> Result<(), Trouble> {
        let mut log = Exchange::default();
        self.habits.note_answer_to_quit(0);
        let mut talk = self.talk().await?;
        talk.negotiate(&Negotiate::offer(6), &mut log).await?;
        let (answers, ended) = talk.end_input(&mut log).await;
        self.habits.note_answer_to_quit(answers);
        if matches!(ended, Err(Trouble::Silent(_))) {
            self.habits.note_open();
        }
        Ok(())
    }

    /// Its name in reports.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it listens.
    pub fn addr(&self) -> &MilterAddr {
        &self.addr
    }

    pub(super) fn limit(&self) -> Duration {
        self.limit
    }

    /// Opens a connection.
    pub(super) async fn talk(&self) -> Result<Talk, Trouble> {
        Ok(Talk::new(self.stream().await?, self.limit, Arc::clone(&self.habits)))
    }

    async fn stream(&self) -> Result<Box<dyn Stream>, Trouble> {
        match timeout(self.limit, connector::connect(&self.addr)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) if is_own_limit(&error) => {
                Err(Trouble::Skipped("this process may not open so many files: see `ulimit -n`".to_owned()))
            }
            Ok(Err(error)) => Err(Trouble::Refused(format!("nobody accepts connections any more: {error}"))),
            Err(_) => Err(Trouble::Silent("no connection was accepted in time".to_owned())),
        }
    }

    /// Whether it still serves an honest MTA; of one that has never done so, whether it still takes connections.
    pub(super) async fn is_alive(&self) -> Result<(), Trouble> {
        let mut log = Exchange::default();
        let mut talk = self.talk().await?;
        if self.habits.serves_nobody() {
            return Ok(());
        }
        match begin(&mut talk, &mut log).await {
            // What it says is not judged here: only that it says something.
            Ok(()) | Err(Trouble::Wrong(_) | Trouble::Skipped(_)) => Ok(()),
            Err(Trouble::Closed(text)) => Err(Trouble::Refused(text)),
            Err(other) => Err(other),
        }
    }

    /// What it holds; `None` if its process is not known.
    pub(super) async fn usage(&self) -> Option<Usage> {
        usage(self.pid().await?)
    }

    /// A Unix socket tells who has made it.
    async fn pid(&self) -> Option<u32> {
        if let Some(own) = &self.own {
            return own.world.milter_id();
        }
        let stream = UnixStream::connect(self.addr.path()?).await.ok()?;
        let pid = stream.peer_cred().ok()?.pid().and_then(|pid| u32::try_from(pid).ok());
        // systemd makes the socket of a service that it starts when somebody comes: it is not the milter.
        pid.filter(|pid| *pid > 1)
    }

    /// How its process ended, if it has.
    pub(super) async fn end(&mut self) -> Option<String> {
        let fatal = self.own.as_mut()?.world.milter_end().await?;
        let notes = fatal.notes.join("\n");
        Some(format!("{}\n{notes}", fatal.text))
    }

    /// Ends it the hard way.
    pub(super) async fn kill(&mut self) -> Result<(), Trouble> {
        let own = self.own.as_mut().ok_or_else(not_ours)?;
        own.world.kill_milter().await;
        Ok(())
    }

    /// Asks it to stop, and says so if it does not, or ends as one that crashed.
    pub(super) async fn stop_milter(&mut self) -> Result<(), Trouble> {
        let own = self.own.as_mut().ok_or_else(not_ours)?;
        own.world.stop_milter().await.map_or(Ok(()), |fatal| Err(Trouble::Wrong(fatal.text)))
    }

    /// Brings back one that is gone or serves nobody, and says what of that did not work: it is started again, if it was started here;
    /// else whoever looks after it has some time.
    pub(super) async fn revive(&mut self) -> Option<String> {
        if self.own.is_none() {
            self.is_lost = !self.comes_back().await;
            return None;
        }
        let trouble = self.start_again().await.err()?;
        let anew = self.start_anew().await.err();
        self.is_lost = anew.is_some();
        Some(
            [Some(trouble), anew]
                .into_iter()
                .flatten()
                .map(|trouble| trouble.to_string())
                .collect::<Vec<_>>()
                .join("\n"),
        )
    }

    /// Whether nothing more can be tried on it.
    pub(super) fn is_lost(&self) -> bool {
        self.is_lost
    }

    async fn comes_back(&self) -> bool {
        let deadline = tokio::time::Instant::now() + self.limit;
        while tokio::time::Instant::now() < deadline {
            if self.is_alive().await.is_ok() {
                return true;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        false
    }

    /// What it wrote last; nothing if it was not started here.
    pub(super) async fn output(&mut self) -> Vec<String> {
        match &mut self.own {
            Some(own) => own.world.milter_output().await,
            None => Vec::new(),
        }
    }

    /// Removes the socket file that an ended milter has left behind; whether there was one.
    pub(super) fn remove_socket(&self) -> bool {
        self.addr.path().is_some_and(|path| std::fs::remove_file(path).is_ok())
    }

    /// Starts it again, at the same address.
    pub(super) async fn start_again(&mut self) -> Result<(), Trouble> {
        let own = self.own.as_mut().ok_or_else(not_ours)?;
        let started = own.world.start_again(&own.unit, &own.options, &Cancel::new()).await;
        started.map_err(|fatal| {
            let notes = fatal.notes.join("\n");
            Trouble::Down(format!("it could not be started again at the same address: {}\n{notes}", fatal.text))
        })
    }

    /// Starts it in a place of its own, where nothing is left of the last one.
    pub(super) async fn start_anew(&mut self) -> Result<(), Trouble> {
        let own = self.own.as_mut().ok_or_else(not_ours)?;
        let started = World::start(&own.unit, &own.options, &Cancel::new()).await;
        let world = started.map_err(|fatal| Trouble::Down(format!("it could not be started anew: {}", fatal.text)))?;
        self.addr = world.milter().clone();
        std::mem::replace(&mut own.world, world).stop().await;
        Ok(())
    }

    /// Whether it can be started here.
    pub(super) fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// Stops it, if it was started here.
    pub async fn stop(self) {
        if let Some(own) = self.own {
            own.world.stop().await;
        }
    }
}

/// The beginning of every honest session.
async fn begin(talk: &mut Talk, log: &mut Exchange) -> Result<(), Trouble> {
    talk.negotiate(&Negotiate::offer(6), log).await?;
    talk.event(&connect_macros(), log).await?;
    talk.event(&connect(), log).await.map(drop)
}

fn not_ours() -> Trouble {
    Trouble::Skipped("only a milter that was started with --command or --suite can be ended".to_owned())
}

/// Too many open files, here or in the whole system.
fn is_own_limit(error: &io::Error) -> bool {
    use nix::errno::Errno;
    let code = error.raw_os_error().map(Errno::from_raw);
    matches!(code, Some(Errno::EMFILE | Errno::ENFILE | Errno::EADDRNOTAVAIL))
}

/// Between two looks whether a milter has come back.
const LOOK_EVERY: Duration = Duration::from_millis(100);
