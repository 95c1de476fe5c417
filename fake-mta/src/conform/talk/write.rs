//! Writing, and taking what comes meanwhile.

use std::io;

use milter_proto::limits;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::timeout,
};

use super::{Talk, Trouble};
use crate::{conform::step::Pace, link::Stream};

impl Talk {
    /// Writes at the pace of the moment; what may still be held back waits for more unless it has to go `now`.
    pub(super) async fn write(&mut self, bytes: &[u8], now: bool) -> Result<(), Trouble> {
        self.held.extend_from_slice(bytes);
        if self.pace == Pace::Together && !now {
            return Ok(());
        }
        let bytes = std::mem::take(&mut self.held);
        let mut came = Vec::new();
        let writing = write_pieces(&mut self.stream, pieces(&bytes, self.pace), &mut came);
        let written = timeout(self.limit, writing).await;
        self.take(&came);
        match written {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) if error.kind() == io::ErrorKind::FileTooLarge => {
                Err(Trouble::Wrong(format!("over {CAME_MAX} bytes came before all of {} was sent", self.last)))
            }
            Ok(Err(_)) => Err(Trouble::Closed(format!("the connection was closed before {} was sent", self.last))),
            Err(_) => Err(Trouble::Silent(format!("the milter read nothing more of {}", self.last))),
        }
    }
}

/// What each write is to hold.
fn pieces(bytes: &[u8], pace: Pace) -> Vec<&[u8]> {
    match pace {
        Pace::Bytes => bytes.chunks(1).collect(),
        Pace::Halves => <[&[u8]; 2]>::from(bytes.split_at(bytes.len().min(HALF_A_LENGTH))).to_vec(),
        Pace::Packets | Pace::Together => vec![bytes],
    }
}

async fn write_pieces(stream: &mut Box<dyn Stream>, pieces: Vec<&[u8]>, came: &mut Vec<u8>) -> io::Result<()> {
    for piece in pieces {
        write_all(stream, piece, came).await?;
        // Without this the milter could find them all together.
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// A milter that answers early may wait until its answers are read, and read nothing itself before.
async fn write_all(stream: &mut Box<dyn Stream>, bytes: &[u8], came: &mut Vec<u8>) -> io::Result<()> {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let writing = async {
        writer.write_all(bytes).await?;
        writer.flush().await
    };
    tokio::pin!(writing);
    let mut buffer = [0; 4096];
    let mut is_open = true;
    loop {
        tokio::select! {
            biased;
            written = &mut writing => return written,
            read = reader.read(&mut buffer), if is_open => match read {
                // Whether anybody still reads shows in writing.
                Ok(0) | Err(_) => is_open = false,
                Ok(count) => came.extend_from_slice(&buffer[..count]),
            },
        }
        if came.len() > CAME_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
    }
}

/// No milter has so much to say before it has heard all.
const CAME_MAX: usize = limits::PAYLOAD_MAX_1M;

const HALF_A_LENGTH: usize = 2;

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use tokio::io::{AsyncWrite, duplex};

    use super::{super::Exchange, *};

    /// The milter's end answers before it reads on.
    async fn sent_to(mut answer: impl AsyncFnMut(&mut (dyn AsyncWrite + Send + Unpin), &[u8])) -> Result<(), Trouble> {
        let (ours, mut theirs) = duplex(1024);
        let mut talk = Talk::new(Box::new(ours), Duration::from_secs(60), Arc::default());
        let milter = async {
            let mut bytes = [0; 1024];
            while let Ok(count @ 1..) = theirs.read(&mut bytes).await {
                answer(&mut theirs, &bytes[..count]).await;
            }
        };
        let mut log = Exchange::default();
        tokio::select! {
            sent = talk.raw(&[b'x'; 100_000], "much", true, &mut log) => sent,
            () = milter => unreachable!("the connection is open"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_milter_that_reads_on_only_when_its_answer_was_read_is_sent_all() {
        let echo = async |theirs: &mut (dyn AsyncWrite + Send + Unpin), bytes: &[u8]| {
            theirs.write_all(bytes).await.expect("it is read");
        };
        assert_eq!(sent_to(echo).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_milter_that_sends_without_end_is_read_up_to_a_limit() {
        let flood = async |theirs: &mut (dyn AsyncWrite + Send + Unpin), _: &[u8]| loop {
            theirs.write_all(&[0; 1024]).await.expect("it is read");
        };
        assert!(matches!(sent_to(flood).await, Err(Trouble::Wrong(text)) if text.contains("before all of much")));
    }
}
