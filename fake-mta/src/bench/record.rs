//! What is sent: the packets of one scenario, as the fake MTA sends them.

use std::{io, sync::Arc};

use milter_proto::{Frame, FrameDecoder, codes, limits};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, UnixListener, UnixStream},
    sync::Mutex,
};

use crate::{
    link::Stream,
    run::{Fatal, FatalKind, MilterAddr, play_unit},
    scenario::Unit,
};

/// The packets of one session, cut where an answer has to come.
#[derive(Clone, Debug, Default)]
pub(super) struct Recording {
    /// Negotiation, client and HELO.
    pub(super) opening: Vec<Burst>,
    /// The messages, from the first MAIL to the end of the last.
    pub(super) messages: Vec<Burst>,
}

/// Bytes that go out in one write, and the command whose answer is then waited for.
#[derive(Clone, Debug, Default)]
pub(super) struct Burst {
    pub(super) bytes: Vec<u8>,
    /// `None` if no answer is due: the last burst of a part.
    pub(super) awaited: Option<u8>,
}

/// Plays the unit against the milter through a proxy.
pub(super) async fn record(unit: &Unit, milter: &MilterAddr, dir: &std::path::Path) -> Result<Recording, Fatal> {
    let path = dir.join("bench.sock");
    let harness = |error: io::Error| Fatal::new(FatalKind::Harness, format!("cannot record the load: {error}"));
    let listener = UnixListener::bind(&path).map_err(harness)?;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let proxy = tokio::spawn(serve(listener, milter.clone(), Arc::clone(&seen)));
    let played = play_unit(unit, &MilterAddr::Unix(path.clone())).await;
    proxy.abort();
    std::fs::remove_file(&path).map_err(harness)?;
    if let Some(fatal) = played.fatal {
        return Err(fatal);
    }
    let frames = seen.lock().await;
    let recording = cut(&frames);
    if recording.messages.is_empty() {
        return Err(Fatal::new(
            FatalKind::Harness,
            "the scenario shows the milter no MAIL: there is nothing to measure",
        ));
    }
    Ok(recording)
}

/// A packet, and whether it came from the MTA.
type Seen = (bool, Frame);

async fn serve(listener: UnixListener, milter: MilterAddr, seen: Arc<Mutex<Vec<Seen>>>) -> io::Result<()> {
    // One session after the other; of several the first is the load.
    let (mut mta, _) = listener.accept().await?;
    let mut filter = connect(&milter).await?;
    let (mut up, mut down) = (FrameDecoder::new(usize::MAX), FrameDecoder::new(usize::MAX));
    let (mut out, mut back) = ([0; 16 * 1024], [0; 16 * 1024]);
    loop {
        let (from_mta, count) = tokio::select! {
            count = mta.read(&mut out) => (true, count?),
            count = filter.read(&mut back) => (false, count?),
        };
        if count == 0 {
            return Ok(());
        }
        let (decoder, bytes) = if from_mta { (&mut up, &out[..count]) } else { (&mut down, &back[..count]) };
        decoder.push(bytes);
        while let Ok(Some(frame)) = decoder.next() {
            seen.lock().await.push((from_mta, frame));
        }
        if from_mta { filter.write_all(bytes).await? } else { mta.write_all(bytes).await? }
    }
}

/// Opens a connection to a milter.
pub(super) async fn connect(milter: &MilterAddr) -> io::Result<Box<dyn Stream>> {
    Ok(match milter {
        MilterAddr::Unix(path) => Box::new(UnixStream::connect(path).await?),
        MilterAddr::Tcp(addr) => {
            let stream = TcpStream::connect(addr).await?;
            stream.set_nodelay(true)?;
            Box::new(stream)
        }
    })
}

/// Joins what goes out between two answers, and parts opening and messages.
fn cut(frames: &[Seen]) -> Recording {
    let mut recording = Recording::default();
    let mut burst = Burst::default();
    let mut in_message = false;
    for (index, (from_mta, frame)) in frames.iter().enumerate() {
        if !from_mta {
            continue;
        }
        if [codes::QUIT, codes::QUIT_NC].contains(&frame.code) {
            break;
        }
        if !in_message && begins_message(frame) {
            in_message = true;
            if !burst.bytes.is_empty() {
                recording.opening.push(std::mem::take(&mut burst));
            }
        }
        frame.encode(&mut burst.bytes);
        if frames.get(index + 1).is_some_and(|(next_from_mta, _)| !next_from_mta) {
            burst.awaited = Some(frame.code);
            let part = if in_message { &mut recording.messages } else { &mut recording.opening };
            part.push(std::mem::take(&mut burst));
        }
    }
    if !burst.bytes.is_empty() {
        recording.messages.push(burst);
    }
    recording
}

fn begins_message(frame: &Frame) -> bool {
    frame.code == codes::MAIL || (frame.code == codes::MACRO && frame.payload.first() == Some(&codes::MAIL))
}

/// The largest packet that a milter may send.
pub(super) const REPLY_MAX: usize = limits::PAYLOAD_MAX_1M;

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> Vec<Seen> {
        // The macros of the client are those for C, and all others those for M.
        let payload = |index: usize| if index < 4 { b"C".to_vec() } else { b"M".to_vec() };
        let frame = |(index, code)| (u8::is_ascii_uppercase(&code), Frame { code, payload: payload(index) });
        text.bytes().enumerate().map(frame).collect()
    }

    #[test]
    fn bursts_end_where_an_answer_comes() {
        let recording = cut(&seen("OoDCcHcDMcRcTcLcLNcEhcAQ"));
        let awaited =
            |part: &[Burst]| part.iter().map(|burst| burst.awaited.map_or('-', char::from)).collect::<String>();
        assert_eq!((awaited(&recording.opening).as_str(), awaited(&recording.messages).as_str()), ("OCH", "MRTLNE-"));
    }
}
