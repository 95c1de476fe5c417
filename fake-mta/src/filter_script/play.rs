//! One connection of a scripted filter.

use milter_proto::{Command, Frame, FrameDecoder, Protocol, Reply, codes, limits};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::sleep,
};

use super::{
    action::Action,
    rule::{Event, Stage, first_argument},
    script::Script,
};
use crate::link::Stream;

/// Plays the script until one side closes. `count` gives the number of the connection, and is asked at its first packet: what
/// connects to see whether somebody listens is not counted.
pub(super) async fn play(
    stream: impl Stream,
    script: &Script,
    count: impl FnOnce() -> u64 + Send,
    watch: &Watch,
) -> std::io::Result<()> {
    let mut link = Link { stream, decoder: FrameDecoder::new(limits::PAYLOAD_MAX_1M) };
    let Some(mut frame) = link.next().await? else { return Ok(()) };
    let mut player = Player { link, script, connection: count(), no_reply: Protocol::NONE, counts: [0; CODES], watch };
    loop {
        if !player.event(&frame).await? {
            return player.link.stream.shutdown().await;
        }
        frame = match player.link.next().await? {
            Some(frame) => frame,
            None => return Ok(()),
        };
    }
}

/// Is told what goes over the connections: their number, `>` or `<`, and a line for people.
pub(super) type Watch = dyn Fn(u64, char, &str) + Send + Sync;

struct Link<S> {
    stream: S,
    decoder: FrameDecoder,
}

impl<S: Stream> Link<S> {
    /// The next packet of the MTA; `None` at its end.
    async fn next(&mut self) -> std::io::Result<Option<Frame>> {
        let mut bytes = [0; 16 * 1024];
        loop {
            let next = self.decoder.next().map_err(std::io::Error::other)?;
            if next.is_some() {
                return Ok(next);
            }
            match self.stream.read(&mut bytes).await? {
                0 => return Ok(None),
                read => self.decoder.push(&bytes[..read]),
            }
        }
    }
}

struct Player<'a, S> {
    link: Link<S>,
    script: &'a Script,
    connection: u64,
    /// The events that the filter has said it will not answer.
    no_reply: Protocol,
    /// How many of each command came.
    counts: [u64; CODES],
    watch: &'a Watch,
}

impl<S: Stream> Player<'_, S> {
    /// Answers a packet. `false` if the connection is to be closed.
    async fn event(&mut self, frame: &Frame) -> std::io::Result<bool> {
        let command = Command::decode(frame);
        let shown = command.as_ref().map_or_else(|error| format!("malformed: {error}"), ToString::to_string);
        (self.watch)(self.connection, '>', &shown);
        let Some(stage) = Stage::of(frame.code) else { return Ok(frame.code != codes::QUIT_NC) };
        let number = self.count(stage);
        let argument = command.as_ref().ok().and_then(first_argument);
        let script = self.script;
        let open = match script.actions(self.connection, &Event { stage, number, argument }) {
            Some(actions) => self.act(actions).await?,
            None => self.default_answer(stage, frame).await?,
        };
        Ok(open && stage.code != codes::QUIT)
    }

    /// The number of this event, from 1. Recipients, header fields and body chunks begin anew with every MAIL.
    fn count(&mut self, stage: Stage) -> u64 {
        if stage.code == codes::MAIL {
            for code in MESSAGE_PARTS {
                self.counts[usize::from(code)] = 0;
            }
        }
        let count = &mut self.counts[usize::from(stage.code)];
        *count += 1;
        *count
    }

    async fn act(&mut self, actions: &[Action]) -> std::io::Result<bool> {
        for action in actions {
            match action {
                Action::Send { bytes, .. } => self.send(bytes).await?,
                Action::Wait(time) => sleep(*time).await,
                Action::Close => {
                    (self.watch)(self.connection, '<', "[close]");
                    return Ok(false);
                }
                Action::Nothing => {}
            }
        }
        Ok(true)
    }

    async fn default_answer(&mut self, stage: Stage, frame: &Frame) -> std::io::Result<bool> {
        let reply = match stage.code {
            codes::NEGOTIATE => {
                let offer = milter_proto::Negotiate::parse_lenient(&frame.payload);
                let answer = self.script.answer(self.connection, &offer);
                self.no_reply = answer.protocol.intersection(Protocol::NR_ALL);
                Reply::Negotiate(answer)
            }
            _ if !stage.is_answered || self.is_silent(stage) => return Ok(true),
            _ => Reply::Continue,
        };
        let mut bytes = Vec::new();
        reply.encode(&mut bytes);
        self.send(&bytes).await?;
        Ok(true)
    }

    fn is_silent(&self, stage: Stage) -> bool {
        !stage.no_reply.is_empty() && self.no_reply.contains(stage.no_reply)
    }

    async fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        (self.watch)(self.connection, '<', &shown(bytes));
        self.link.stream.write_all(bytes).await?;
        self.link.stream.flush().await
    }
}

/// Packets as people read them; bytes that are none in hex.
fn shown(bytes: &[u8]) -> String {
    let mut decoder = FrameDecoder::new(limits::REPLY_PAYLOAD_MAX);
    decoder.push(bytes);
    match decoder.next() {
        Ok(Some(frame)) if decoder.pending() == 0 => {
            Reply::decode(&frame).map_or_else(|error| format!("malformed: {error}"), |reply| reply.to_string())
        }
        _ => {
            let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("raw {}", digits.concat())
        }
    }
}

/// There are so many codes.
const CODES: usize = 256;

/// What is counted anew in every message.
const MESSAGE_PARTS: [u8; 3] = [codes::RCPT, codes::HEADER, codes::BODY];

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use milter_proto::Negotiate;
    use tokio::{io::DuplexStream, time::Instant};

    use super::*;
    use crate::diag::Source;

    /// What an MTA hears that says all this at once and then closes.
    async fn heard(script: &str, commands: &[Command]) -> Vec<u8> {
        let script = Script::parse(&Source::new("s.txt", script)).unwrap();
        let (mut mta, filter): (DuplexStream, DuplexStream) = tokio::io::duplex(1 << 20);
        for command in commands {
            let mut bytes = Vec::new();
            command.encode(&mut bytes);
            mta.write_all(&bytes).await.unwrap();
        }
        mta.shutdown().await.unwrap();
        play(filter, &script, || 1, &|_, _, _| {}).await.unwrap();
        let mut heard = Vec::new();
        mta.read_to_end(&mut heard).await.unwrap();
        heard
    }

    /// The codes of the packets.
    fn codes_of(bytes: &[u8]) -> String {
        let mut decoder = FrameDecoder::new(1000);
        decoder.push(bytes);
        std::iter::from_fn(|| decoder.next().unwrap()).map(|frame| char::from(frame.code)).collect()
    }

    fn rcpt(address: &str) -> Command {
        Command::Rcpt { recipient: address.into(), args: Vec::new() }
    }

    fn mail() -> Command {
        Command::Mail { sender: b"<>".to_vec(), args: Vec::new() }
    }

    #[tokio::test]
    async fn parts_of_a_message_are_counted_anew_in_every_message() {
        let commands = [mail(), rcpt("<a>"), rcpt("<b>"), mail(), rcpt("<c>"), rcpt("<d>")];
        assert_eq!(codes_of(&heard("rcpt 2: reject\nmail 2: tempfail", &commands).await), "ccrtcr");
    }

    #[tokio::test]
    async fn what_was_negotiated_away_is_not_answered() {
        let commands = [Command::Negotiate(Negotiate::offer(6)), mail(), rcpt("<a>"), Command::Data];
        assert_eq!(codes_of(&heard("negotiate protocol=NR_MAIL|NR_RCPT", &commands).await), "Oc");
        assert_eq!(codes_of(&heard("negotiate protocol=NR_MAIL\nmail: accept", &commands).await), "Oacc");
        assert_eq!(codes_of(&heard("negotiate: reject", &commands).await), "rccc");
    }

    #[tokio::test]
    async fn nothing_is_answered_to_what_needs_no_answer() {
        let macros = Command::Macro { for_command: b'M', pairs: Vec::new() };
        assert_eq!(codes_of(&heard("", &[macros, mail(), Command::Abort, Command::Quit, mail()]).await), "c");
    }

    #[tokio::test]
    async fn it_closes_where_the_script_says() {
        assert_eq!(heard("rcpt: addheader X: y; raw 0000; close", &[mail(), rcpt("<a>"), mail()]).await.len(), 16);
    }

    #[tokio::test(start_paused = true)]
    async fn it_waits_where_the_script_says() {
        let start = Instant::now();
        assert_eq!(codes_of(&heard("mail: wait 3s; accept", &[mail()]).await), "a");
        assert_eq!(start.elapsed(), Duration::from_secs(3));
    }
}
