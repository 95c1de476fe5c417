//! The proxy: bytes go through as they come, and are read on the way.

use std::{
    fs, io,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split},
    task::{JoinSet, spawn_blocking},
};

use super::{
    RecordArgs,
    files::{self, Numbers},
    redact::Redactor,
    seen::{Direction, Number, Seen, tell},
};
use crate::{
    connector,
    diag::Diag,
    link::Stream,
    listener::Listener,
    run::{Cancel, Console, Exit},
};

/// Stands between MTAs and the milter until `cancel` is raised.
pub async fn record(args: &RecordArgs, cancel: &Cancel, console: &mut Console) -> Exit {
    match record_until(args, cancel).await {
        Ok(()) => Exit::PASSED,
        Err(error) => {
            console.diags(&[Diag::error(format!("cannot record at {}: {error}", args.listen))]);
            Exit::HARNESS
        }
    }
}

async fn record_until(args: &RecordArgs, cancel: &Cancel) -> io::Result<()> {
    fs::create_dir_all(&args.dir)?;
    let recorder = Arc::new(Recorder {
        args: args.clone(),
        numbers: Numbers::behind_those_in(&args.dir, &args.name)?,
        redactor: Mutex::default(),
        cancel: cancel.clone(),
    });
    let listener = Listener::bind(&args.listen, args.mode).await?;
    let mut connections = JoinSet::new();
    let accepting = async {
        loop {
            let stream = listener.accept().await;
            while connections.try_join_next().is_some() {}
            connections.spawn(Arc::clone(&recorder).pass(stream));
        }
    };
    let _: Option<()> = cancel.or(accepting).await;
    drop(listener);
    // What is open ends now too, and what was seen of it is written.
    while connections.join_next().await.is_some() {}
    Ok(())
}

/// What all connections have in common.
struct Recorder {
    args: RecordArgs,
    numbers: Arc<Numbers>,
    /// The same name is the same in all connections.
    redactor: Mutex<Redactor>,
    cancel: Cancel,
}

impl Recorder {
    /// One connection of the MTA, and the one to the milter that it stands for.
    async fn pass(self: Arc<Self>, mta: Box<dyn Stream>) {
        let number = Number::of(&self.numbers);
        let milter = match connector::connect(&self.args.milter).await {
            Ok(milter) => milter,
            Err(error) => {
                let milter = &self.args.milter;
                return tell(number.get(), &format!("the milter at {milter} cannot be reached: {error}"));
            }
        };
        // What may be told of a redacted record is known at its end alone.
        let seen = Seen::new(number, self.args.quiet || self.args.redact);
        let ((mta_read, mta_write), (milter_read, milter_write)) = (split(mta), split(milter));
        let copying = async {
            tokio::join!(
                copy(mta_read, milter_write, seen.direction(true)),
                copy(milter_read, mta_write, seen.direction(false)),
            )
        };
        if self.cancel.or(copying).await.is_none() {
            seen.cut_off("the recorder was stopped");
        }
        let recording = seen.finish();
        if !recording.entries.is_empty() {
            // Long records take their time, and other connections must not wait for it.
            let _ = spawn_blocking(move || files::write(&self.args, &self.numbers, &self.redactor, recording)).await;
        }
    }
}

/// Moves bytes of one direction until its end, and hands the end on.
async fn copy(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, mut direction: Direction) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let count = from.read(&mut buffer).await.unwrap_or(0);
        // First on its way, then looked at: the recorder must not be slower than it has to be.
        if count == 0 || to.write_all(&buffer[..count]).await.is_err() {
            break;
        }
        direction.take(&buffer[..count]);
    }
    direction.end();
    let _ = to.shutdown().await;
}
