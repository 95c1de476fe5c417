//! The sockets of a scripted filter.

use std::{
    fs, io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::net::{TcpListener, UnixListener};

use super::{
    Script,
    play::{Watch, play},
};
use crate::{
    diag::{Diag, Source, escape},
    link::Stream,
    run::{Cancel, MilterAddr},
};

/// What `fake-mta filter` is asked to do.
#[derive(Clone, Debug)]
pub struct FilterOptions {
    /// The script's file.
    pub script: PathBuf,
    /// Where to listen.
    pub listen: MilterAddr,
    /// Say on standard error what goes over the connections.
    pub verbose: bool,
}

/// Serves MTAs, any number at once, until `cancel` is raised.
///
/// # Errors
/// The script has mistakes, or nothing can listen there.
pub async fn run(options: &FilterOptions, cancel: &Cancel) -> Result<(), Vec<Diag>> {
    let cannot = |error: io::Error| vec![Diag::error(format!("cannot read {}: {error}", options.script.display()))];
    let text = fs::read_to_string(&options.script).map_err(cannot)?;
    let script = Script::parse(&Source::new(&options.script, text))?;
    let server = Arc::new(Server { script, connections: AtomicU64::new(0), watch: watch(options.verbose) });
    let listening = async {
        match &options.listen {
            MilterAddr::Unix(path) => serve_unix(server, path).await,
            MilterAddr::Tcp(addr) => {
                let listener = TcpListener::bind(addr).await?;
                loop {
                    let (stream, _) = listener.accept().await?;
                    stream.set_nodelay(true)?;
                    Arc::clone(&server).spawn(stream);
                }
            }
        }
    };
    let ended: Option<io::Result<()>> = cancel.or(listening).await;
    if let MilterAddr::Unix(path) = &options.listen {
        // Whoever starts the next one at this address finds it free.
        fs::remove_file(path).ok();
    }
    match ended {
        Some(Err(error)) => Err(vec![Diag::error(format!("cannot listen on {}: {error}", options.listen))]),
        _ => Ok(()),
    }
}

async fn serve_unix(server: Arc<Server>, path: &std::path::Path) -> io::Result<()> {
    let listener = UnixListener::bind(path)?;
    loop {
        let (stream, _) = listener.accept().await?;
        Arc::clone(&server).spawn(stream);
    }
}

struct Server {
    script: Script,
    /// How many connections have said something.
    connections: AtomicU64,
    watch: Box<Watch>,
}

impl Server {
    fn spawn(self: Arc<Self>, stream: impl Stream + 'static) {
        tokio::spawn(async move {
            let count = || self.connections.fetch_add(1, Ordering::Relaxed) + 1;
            // An MTA that goes away, or says what is no packet, ends its own connection and no other.
            if let Err(error) = play(stream, &self.script, count, &*self.watch).await {
                (self.watch)(0, '!', &error.to_string());
            }
        });
    }
}

fn watch(verbose: bool) -> Box<Watch> {
    if !verbose {
        return Box::new(|_, _, _| {});
    }
    Box::new(|connection, direction, text| eprintln!("{connection} {direction} {}", escape(text)))
}
