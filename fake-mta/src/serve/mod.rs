//! `fake-mta serve`: real SMTP clients talk to the fake MTA, and it talks to the milters.

mod args;
mod certificate;
mod maildir;
mod memory;
mod secrets;
mod session;
mod tls;

use std::{
    io,
    sync::{Arc, atomic::AtomicU32},
    time::Duration,
};

use fake_dns::Lines;
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
    time::timeout,
};

pub use args::{HELP, ServeArgs};

use self::{
    maildir::Maildir,
    memory::Memory,
    session::Session,
    tls::{Authorities, Tls},
};
use crate::{
    diag::Diag,
    profile::Personality,
    run::{Cancel, Console, Exit, MilterAddr},
    settings::{Settings, Store},
};

/// What all sessions of a server share.
pub(super) struct Service {
    personality: Personality,
    settings: Arc<Settings>,
    milters: Vec<MilterAddr>,
    tls: Option<Tls>,
    tls_macros: Vec<(String, String)>,
    quiet: bool,
    /// Standard output: the sessions.
    out: Lines,
    /// Standard error.
    err: Lines,
    memory: Memory,
}

/// Serves clients until `cancel` is raised.
pub async fn serve(args: &ServeArgs, cancel: &Cancel, console: &mut Console) -> Exit {
    match serve_until(args, cancel, console).await {
        Ok(()) => Exit::PASSED,
        Err(diag) => {
            console.diags(&[diag]);
            Exit::HARNESS
        }
    }
}

async fn serve_until(args: &ServeArgs, cancel: &Cancel, console: &mut Console) -> Result<(), Diag> {
    let service = Arc::new(Service::open(args)?);
    let listener = TcpListener::bind(args.smtp).await.map_err(|error| cannot_listen(args, &error))?;
    let addr = listener.local_addr().map_err(|error| cannot_listen(args, &error))?;
    console.message(&format!("{} listens on {addr}\n", service.personality.name()));
    // Sessions that still run end with the program.
    let _: Option<()> = cancel.or(accept(&listener, &service, args.sessions)).await;
    service.out.settle(LAST_LINES);
    service.err.settle(LAST_LINES);
    Ok(())
}

async fn accept(listener: &TcpListener, service: &Arc<Service>, sessions_max: usize) {
    let permits = Arc::new(Semaphore::new(sessions_max));
    let mut sessions = JoinSet::new();
    let mut is_told = false;
    for number in 1.. {
        // A client that is gone already is no reason to stop; neither is a moment without file descriptors.
        let Ok((stream, peer)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        while sessions.try_join_next().is_some() {}
        let service = Arc::clone(service);
        let Ok(permit) = Arc::clone(&permits).try_acquire_owned() else {
            if !std::mem::replace(&mut is_told, true) {
                let told = format!("{sessions_max} sessions go on already: others are turned away, see --sessions\n");
                service.err.put(told);
            }
            let line = service.personality.too_many_connections(&service.settings, peer.ip());
            sessions.spawn(turn_away(stream, line));
            continue;
        };
        sessions.spawn(async move {
            let local = stream.local_addr().ok().map(|addr| addr.ip());
            Session::new(number, peer, local, service).run(Box::new(stream)).await;
            drop(permit);
        });
    }
}

async fn turn_away(mut stream: TcpStream, line: String) {
    let said = async {
        stream.write_all(format!("{line}\r\n").as_bytes()).await?;
        stream.shutdown().await
    };
    // The client reads it, or is gone already.
    let _ = timeout(TURN_AWAY_LIMIT, said).await;
}

fn cannot_listen(args: &ServeArgs, error: &io::Error) -> Diag {
    let diag = Diag::error(format!("cannot listen on {}: {error}", args.smtp));
    match error.kind() {
        io::ErrorKind::AddrInUse => diag.help("--smtp 127.0.0.1:0 takes a free port, and says which"),
        _ => diag,
    }
}

impl Service {
    fn open(args: &ServeArgs) -> Result<Self, Diag> {
        let (out, err) = (Lines::new(io::stdout()), Lines::new(io::stderr()));
        let mut settings = args.settings();
        settings.queue_serial = Some(Arc::new(AtomicU32::new(0)));
        if let Some(dir) = &args.maildir {
            let maildir =
                Maildir::open(dir).map_err(|error| Diag::error(format!("cannot make the maildir: {error}")))?;
            settings.store = Some(store(maildir, err.clone()));
        }
        let authorities = authorities(args)?;
        let tls = args.starttls.then(|| Tls::throw_away(&args.hostname, authorities)).transpose();
        Ok(Self {
            personality: args.personality(),
            settings: Arc::new(settings),
            milters: args.milter.clone(),
            tls: tls
                .map_err(|error| Diag::error(format!("cannot make a certificate for {}: {error}", args.hostname)))?,
            tls_macros: args.tls_macro.clone(),
            quiet: args.quiet,
            out,
            err,
            memory: Memory::default(),
        })
    }
}

/// Who may sign certificates of clients; `None` if clients are not asked for one.
fn authorities(args: &ServeArgs) -> Result<Option<Authorities>, Diag> {
    let Some(path) = &args.tls_ca else { return Ok(args.tls_ask_cert.then(Authorities::default)) };
    let cannot = |error| Diag::error(format!("cannot read certificates from {}: {error}", path.display()));
    Authorities::load(path).map(Some).map_err(cannot)
}

/// The maildir as the MTA's queue.
fn store(maildir: Maildir, err: Lines) -> Store {
    Store::new(move |delivered| match maildir.put(delivered) {
        Ok(()) => true,
        Err(error) => {
            err.put(format!("cannot write into the maildir: {}\n", crate::diag::escape(&error)));
            false
        }
    })
}

const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long a client may take to read that there is no room.
const TURN_AWAY_LIMIT: Duration = Duration::from_secs(5);

/// How long a reader has for the last lines.
const LAST_LINES: Duration = Duration::from_secs(1);
