//! The proxy: bytes go through as they come, and are read on the way.

use std::{
    fs, io,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use milter_proto::{FrameDecoder, limits};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split},
    task::JoinSet,
};

use super::{Entry, RecordArgs, capture::capture, redact::Redactor, scenario::Story};
use crate::{
    connector,
    diag::Diag,
    link::Stream,
    listener::Listener,
    run::{Cancel, Console, Exit},
};

/// Stands between MTAs and the milter until `cancel` is raised.
pub async fn record(args: &RecordArgs, cancel: &Cancel, console: &mut Console) -> Exit {
    let listening = async {
        fs::create_dir_all(&args.dir)?;
        let mut connections = JoinSet::new();
        let listener = Listener::bind(&args.listen, args.mode).await?;
        let numbers = Arc::new(AtomicU32::new(1));
        loop {
            let stream = listener.accept().await;
            while connections.try_join_next().is_some() {}
            connections.spawn(pass(args.clone(), Number::of(&numbers), stream));
        }
    };
    let ended: Option<io::Result<()>> = cancel.or(listening).await;
    match ended {
        None | Some(Ok(())) => Exit::PASSED,
        Some(Err(error)) => {
            console.diags(&[Diag::error(format!("cannot record at {}: {error}", args.listen))]);
            Exit::HARNESS
        }
    }
}

/// One connection of the MTA, and the one to the milter that it stands for.
async fn pass(args: RecordArgs, number: Number, mta: Box<dyn Stream>) {
    let milter = match connector::connect(&args.milter).await {
        Ok(milter) => milter,
        Err(error) => {
            return tell(&format!("[{}] the milter at {} cannot be reached: {error}", number.get(), args.milter));
        }
    };
    let seen = Seen { entries: Arc::default(), number, quiet: args.quiet };
    let ((mta_read, mta_write), (milter_read, milter_write)) = (split(mta), split(milter));
    tokio::join!(
        copy(mta_read, milter_write, true, seen.clone(), limits::PAYLOAD_MAX_1M),
        copy(milter_read, mta_write, false, seen.clone(), limits::REPLY_PAYLOAD_MAX),
    );
    let entries = std::mem::take(&mut *seen.entries.lock().unwrap_or_else(PoisonError::into_inner));
    if !entries.is_empty()
        && let Err(error) = write(&args, seen.number.get(), &entries)
    {
        tell(&format!("[{}] cannot write into {}: {error}", seen.number.get(), args.dir.display()));
    }
}

/// The number of a connection, which it gets when something is said of it.
#[derive(Clone)]
struct Number {
    drawn: Arc<OnceLock<u32>>,
    next: Arc<AtomicU32>,
}

impl Number {
    fn of(next: &Arc<AtomicU32>) -> Self {
        Self { drawn: Arc::default(), next: Arc::clone(next) }
    }

    fn get(&self) -> u32 {
        *self.drawn.get_or_init(|| self.next.fetch_add(1, Ordering::Relaxed))
    }
}

/// Moves bytes of one direction until its end, and hands the end on.
async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    from_mta: bool,
    seen: Seen,
    payload_max: usize,
) {
    let mut decoder = FrameDecoder::new(payload_max);
    let mut is_readable = true;
    let mut buffer = [0; 16 * 1024];
    loop {
        let count = from.read(&mut buffer).await.unwrap_or(0);
        if count == 0 {
            break;
        }
        // First on its way, then looked at: the recorder must not be slower than it has to be.
        if to.write_all(&buffer[..count]).await.is_err() {
            break;
        }
        if is_readable {
            decoder.push(&buffer[..count]);
            is_readable = seen.take(&mut decoder, from_mta);
        }
        if !is_readable {
            seen.note(Entry::Raw(from_mta, buffer[..count].to_vec()));
        }
    }
    seen.note(Entry::Closed(from_mta));
    let _ = to.shutdown().await;
}

/// What was seen of one connection, from both directions.
#[derive(Clone)]
struct Seen {
    entries: Arc<Mutex<Vec<Entry>>>,
    number: Number,
    quiet: bool,
}

impl Seen {
    /// Takes the whole packets; false if what comes is no packet any more.
    fn take(&self, decoder: &mut FrameDecoder, from_mta: bool) -> bool {
        loop {
            match decoder.next() {
                Ok(Some(frame)) if from_mta => self.note(Entry::Sent(frame)),
                Ok(Some(frame)) => self.note(Entry::Received(frame)),
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
    }

    fn note(&self, entry: Entry) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever only looked whether somebody listens has said nothing.
        if entries.is_empty() && matches!(entry, Entry::Closed(_)) {
            return;
        }
        if !self.quiet {
            tell(&format!("[{}] {}", self.number.get(), entry.line()));
        }
        // A connection that is kept for ever must not fill the memory.
        if entries.len() < ENTRIES_MAX {
            entries.push(entry);
        }
    }
}

/// Writes the capture, the scenario, and its messages.
fn write(args: &RecordArgs, number: u32, entries: &[Entry]) -> io::Result<()> {
    let redacted = if args.redact { Redactor::new().redact(entries) } else { entries.to_vec() };
    let story = Story::of(&redacted);
    let stem = format!("{}-{number}", args.name);
    let json = capture(&stem, &redacted, &story);
    fs::write(args.dir.join(format!("{stem}.json")), format!("{json:#}\n"))?;
    fs::write(args.dir.join(format!("{stem}.toml")), story.scenario(&stem))?;
    for (index, message) in story.messages().iter().enumerate() {
        fs::write(args.dir.join(format!("{stem}-{}.eml", index + 1)), message)?;
    }
    Ok(())
}

/// Many connections write at once; a reader that went away is no reason to stop.
fn tell(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(io::stdout().lock(), "{}", crate::diag::escape(line));
}

/// So many packets of one connection are kept.
const ENTRIES_MAX: usize = 100_000;
