//! An MTA that reads late.

use std::time::Duration;

use milter_proto::{Command, FrameDecoder, Reply, limits};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    time::{Instant, timeout, timeout_at},
};

use super::{Talk, Trouble};

impl Talk {
    /// Sends a command so often without waiting, while the answers are read a byte at a time.
    pub(in crate::conform) async fn pipelined(
        &mut self,
        command: &Command,
        count: usize,
    ) -> Result<Vec<Reply>, Trouble> {
        let mut one = Vec::new();
        command.encode(&mut one);
        self.last = command.to_string();
        self.lenient = true;
        let (limit, last) = (self.limit, self.last.clone());
        let (mut reader, mut writer) = tokio::io::split(&mut self.stream);
        let writing = async {
            let written = timeout(limit, writer.write_all(&one.repeat(count))).await;
            written.map_err(|_| Trouble::Silent(format!("the milter read nothing more of {last}")))
        };
        let reading = read_slowly(&mut reader, count, limit);
        let (written, replies) = tokio::join!(writing, reading);
        // An error of writing shows in what did not come.
        written.map(drop)?;
        replies
    }
}

/// Reads so many answers; fewer if one of them is a verdict.
async fn read_slowly(
    stream: &mut (impl AsyncRead + Unpin),
    count: usize,
    limit: Duration,
) -> Result<Vec<Reply>, Trouble> {
    let mut decoder = FrameDecoder::new(limits::PAYLOAD_MAX);
    let mut replies = Vec::new();
    let deadline = Instant::now() + limit;
    while replies.len() < count {
        let read = timeout_at(deadline, stream.read_u8()).await;
        let read = read.map_err(|_| Trouble::Silent(format!("{} of {count} answers came", replies.len())))?;
        let byte = read.map_err(|_| {
            Trouble::Closed(format!("the connection was closed after {} of {count} answers", replies.len()))
        })?;
        decoder.push(&[byte]);
        let frame = decoder.next().map_err(|error| Trouble::Wrong(error.to_string()))?;
        if let Some(frame) = frame {
            let reply = Reply::decode(&frame).map_err(|error| Trouble::Wrong(error.to_string()))?;
            let ends = reply != Reply::Continue;
            replies.push(reply);
            if ends {
                break;
            }
        }
    }
    Ok(replies)
}
