//! What is sent: the packets of scenarios, as the fake MTA sends them.

use std::{io, sync::Arc};

use fake_dns::FakeDns;
use milter_proto::{Frame, FrameDecoder, codes};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{UnixListener, UnixStream},
    sync::Mutex,
    task::JoinSet,
};

use super::{ahead::Train, answers::FINAL, scenarios::Scenarios, together::told_the_same};
use crate::{
    connector::connect,
    run::{Fatal, FatalKind, MilterAddr, World, play_unit},
};

/// The packets of one session, cut where an answer has to come.
#[derive(Clone, Debug)]
pub(super) struct Recording {
    /// Negotiation, client and HELO.
    pub(super) opening: Vec<Burst>,
    /// The messages, from the first MAIL to the end of the last.
    pub(super) messages: Vec<Burst>,
    /// The same in one piece.
    pub(super) train: Train,
}

impl Recording {
    /// The stage behind which nothing of the message was sent, if it is not the end of the message: the milter had its verdict.
    pub(super) fn cut_short(&self) -> Option<&'static str> {
        let last = self.messages.iter().rev().find_map(|burst| burst.awaited)?;
        if last == codes::BODY_EOB { None } else { codes::stage(last) }
    }
}

/// Bytes that go out in one write, and the command whose answer is then waited for.
#[derive(Clone, Debug, Default)]
pub(super) struct Burst {
    pub(super) bytes: Vec<u8>,
    /// `None` if no answer is due: the last burst of a part.
    pub(super) awaited: Option<u8>,
    /// The final answer that came.
    pub(super) answer: Option<u8>,
}

/// Plays the units against the world's milter through a proxy: a recording for each session that shows the milter a message.
///
/// # Errors
/// A scenario breaks off, or the milter is shown nothing.
pub(super) async fn record(scenarios: &Scenarios, world: &World) -> Result<Arc<[Recording]>, Fatal> {
    let units = &scenarios.units;
    let (path, milter) = (world.dir().join("bench.sock"), world.milter());
    let harness = |error: io::Error| Fatal::new(FatalKind::Harness, format!("cannot record the load: {error}"));
    let listener = UnixListener::bind(&path).map_err(harness)?;
    let proxy = Arc::new(Proxy { milter: milter.clone(), sessions: Mutex::default(), refused: Mutex::default() });
    let serving = tokio::spawn(Arc::clone(&proxy).serve(listener));
    let played = play_all(scenarios, &MilterAddr::Unix(path.clone()), world.dns()).await;
    serving.abort();
    std::fs::remove_file(&path).map_err(harness)?;
    if let Some(error) = proxy.refused.lock().await.take() {
        return Err(Fatal::new(FatalKind::Harness, format!("cannot connect to {milter}: {error}")));
    }
    played?;
    let mut recordings = Vec::new();
    for session in proxy.sessions.lock().await.iter() {
        recordings.push(cut(&session.lock().await));
    }
    recordings.retain(|recording| !recording.messages.is_empty());
    if recordings.is_empty() {
        let text = match units.as_slice() {
            [_] => "the scenario shows the milter no MAIL: there is nothing to measure",
            _ => "the scenarios show the milter no MAIL: there is nothing to measure",
        };
        return Err(Fatal::new(FatalKind::Harness, text));
    }
    Ok(recordings.into())
}

/// Plays one after the other, up to the first that breaks off.
async fn play_all(scenarios: &Scenarios, milter: &MilterAddr, dns: &FakeDns) -> Result<(), Fatal> {
    let units = &scenarios.units;
    for unit in units {
        let mark = dns.mark();
        if let Some(mut fatal) = play_unit(unit, milter).await.fatal {
            if units.len() > 1 {
                fatal.notes.push(format!("the scenario: {}: {}", unit.scenario.path().display(), unit.name()));
            }
            return Err(fatal);
        }
        told_the_same(unit, &scenarios.world, &dns.log_since(mark))?;
    }
    Ok(())
}

/// A packet, and whether it came from the MTA.
type Seen = (bool, Frame);

/// What went over one connection.
type Session = Arc<Mutex<Vec<Seen>>>;

/// Between the fake MTA and the milter, while the load is recorded.
struct Proxy {
    milter: MilterAddr,
    /// The connections, in the order in which they came.
    sessions: Mutex<Vec<Session>>,
    /// Why the milter could not be reached.
    refused: Mutex<Option<io::Error>>,
}

impl Proxy {
    async fn serve(self: Arc<Self>, listener: UnixListener) -> io::Result<()> {
        let mut connections = JoinSet::new();
        loop {
            let (mta, _) = listener.accept().await?;
            let session = Session::default();
            self.sessions.lock().await.push(Arc::clone(&session));
            connections.spawn(Arc::clone(&self).pass(mta, session));
        }
    }

    /// Passes everything on, until one side closes.
    async fn pass(self: Arc<Self>, mut mta: UnixStream, session: Session) -> io::Result<()> {
        let mut filter = match connect(&self.milter).await {
            Ok(filter) => filter,
            Err(error) => {
                self.refused.lock().await.get_or_insert(error);
                return Ok(());
            }
        };
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
                session.lock().await.push((from_mta, frame));
            }
            if from_mta { filter.write_all(bytes).await? } else { mta.write_all(bytes).await? }
        }
    }
}

/// Joins what goes out between two answers, and parts opening and messages.
fn cut(frames: &[Seen]) -> Recording {
    let (mut opening, mut messages) = (Vec::new(), Vec::new());
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
                opening.push(std::mem::take(&mut burst));
            }
        }
        frame.encode(&mut burst.bytes);
        if frames.get(index + 1).is_some_and(|(next_from_mta, _)| !next_from_mta) {
            burst.awaited = Some(frame.code);
            burst.answer = final_answer(&frames[index + 1..]);
            let part = if in_message { &mut messages } else { &mut opening };
            part.push(std::mem::take(&mut burst));
        }
    }
    if !burst.bytes.is_empty() {
        messages.push(burst);
    }
    Recording { train: Train::new(&messages), opening, messages }
}

/// The answer among what the milter sent before the MTA's next packet.
fn final_answer(frames: &[Seen]) -> Option<u8> {
    let came = frames.iter().take_while(|(from_mta, _)| !from_mta);
    came.map(|(_, frame)| frame.code).find(|code| FINAL.contains(code))
}

fn begins_message(frame: &Frame) -> bool {
    frame.code == codes::MAIL || (frame.code == codes::MACRO && frame.payload.first() == Some(&codes::MAIL))
}

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
        let answers = recording.messages.iter().map(|burst| burst.answer.map_or('-', char::from)).collect::<String>();
        assert_eq!(answers, "cccccc-");
    }
}
