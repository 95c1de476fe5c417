//! The sockets of a scripted filter.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    Script,
    play::{Watch, play},
};
use crate::{
    diag::{self, Diag, Source, escape},
    link::Stream,
    listener::Listener,
    run::{Cancel, Console, Exit, MilterAddr},
};

/// What `fake-mta filter` is asked to do.
#[derive(Clone, Debug, clap::Args)]
pub struct FilterOptions {
    /// The script: its language is below, and in docs/filter-script.md
    #[arg(long, value_name = "FILE")]
    pub script: PathBuf,

    /// Where to listen: unix:/path or inet:port@host
    #[arg(long, value_name = "ADDR")]
    pub listen: MilterAddr,

    /// Show on standard error what goes over the connections
    #[arg(long, short)]
    pub verbose: bool,
}

/// Serves MTAs, any number at once, until `cancel` is raised: that is no failure, as nothing else stops a filter.
pub async fn serve(options: &FilterOptions, cancel: &Cancel, console: &mut Console) -> Exit {
    let script = match read(&options.script) {
        Ok(script) => script,
        Err(problems) => {
            console.diags(&problems);
            return Exit::UNREADABLE;
        }
    };
    match listen(script, options, cancel).await {
        Ok(()) => Exit::PASSED,
        Err(error) => {
            console.diags(&[Diag::error(format!("cannot listen on {}: {error}", options.listen))]);
            Exit::HARNESS
        }
    }
}

fn read(path: &Path) -> Result<Script, Vec<Diag>> {
    let text = diag::read_named_text(path, diag::MAX_TEXT_BYTES).map_err(|diag| vec![diag])?;
    Script::parse(&Source::new(path, text))
}

async fn listen(script: Script, options: &FilterOptions, cancel: &Cancel) -> io::Result<()> {
    let server = Arc::new(Server { script, connections: AtomicU64::new(0), watch: watch(options.verbose) });
    let listener = Listener::bind(&options.listen, None).await?;
    let accepting = async {
        loop {
            Arc::clone(&server).spawn(listener.accept().await);
        }
    };
    let _: Option<()> = cancel.or(accepting).await;
    Ok(())
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::UnixStream,
    };

    use super::*;

    fn options(dir: &Path, script: &str) -> FilterOptions {
        let file = dir.join("script.txt");
        std::fs::write(&file, script).unwrap();
        FilterOptions { script: file, listen: MilterAddr::Unix(dir.join("s")), verbose: false }
    }

    /// The first bytes that the filter says to `commands`.
    async fn heard(path: &Path, commands: &[u8]) -> [u8; 5] {
        let listening = async {
            loop {
                match UnixStream::connect(path).await {
                    Ok(stream) => break stream,
                    Err(_) => tokio::task::yield_now().await,
                }
            }
        };
        let minute = Duration::from_secs(60);
        let mut stream = tokio::time::timeout(minute, listening).await.expect("the filter listens within a minute");
        stream.write_all(commands).await.unwrap();
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn connections_are_counted_once_they_say_something() {
        let dir = tempfile::tempdir().unwrap();
        let options = options(dir.path(), "connection 2\ndata: reject\n");
        let cancel = Cancel::new();
        let running = tokio::spawn({
            let (options, cancel) = (options.clone(), cancel.clone());
            async move { listen(read(&options.script).unwrap(), &options, &cancel).await }
        });
        let path = dir.path().join("s");
        let first = heard(&path, b"\0\0\0\x01T").await;
        drop(UnixStream::connect(&path).await.unwrap());
        let second = heard(&path, b"\0\0\0\x01T").await;
        assert_eq!([first, second], [*b"\0\0\0\x01c", *b"\0\0\0\x01r"]);
        cancel.cancel();
        tokio::time::timeout(Duration::from_secs(60), running).await.unwrap().unwrap().unwrap();
        assert!(!path.exists(), "the socket is left behind");
    }

    #[test]
    fn a_script_with_mistakes_does_not_start() {
        let dir = tempfile::tempdir().unwrap();
        let problems = read(&options(dir.path(), "mail: rejcet\n").script).unwrap_err();
        assert_eq!(problems[0].title, "unknown action `rejcet`");
        assert!(read(Path::new("/nowhere/x")).unwrap_err()[0].title.starts_with("cannot read /nowhere/x"));
    }
}
