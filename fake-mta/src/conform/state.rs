//! What one message leaves behind for the next one, and for another connection.
//!
//! What a milter says is its own business, but it has to say the same of the same message, whatever came before. What differs
//! already when nothing came before, as ids and times do, is left out of the comparison.

use milter_proto::{Command, Frame, Reply};

use super::{
    correspondent::Correspondent,
    exchange::Exchange,
    letter::{Chunk, Letter, Macros, Stage},
    step::{header, rcpt_to},
    target::Target,
    trouble::Trouble,
};
use crate::journal::Event;

/// What comes before the message, or beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// Another one, over the same connection, up to this stage; if that is not its end, an abort follows.
    Message(Stage),
    /// Another one over a connection of its own, command by command in turn.
    Beside,
}

impl Before {
    /// Looks whether the milter says the same of a message after this as without it.
    pub(super) async fn play(self, target: &Target, log: &mut Exchange) -> Result<(), Trouble> {
        for _ in 1..TRIALS {
            // Somebody may have changed the milter's mind meanwhile; not in every trial, though.
            if self.trial(target, &mut Exchange::default()).await?.is_none() {
                log.note("its answers to a message are the same with another one before or beside it");
                return Ok(());
            }
        }
        self.trial(target, log).await?.map_or(Ok(()), |difference| Err(Trouble::Wrong(difference)))
    }

    /// What differs, if anything does.
    async fn trial(self, target: &Target, log: &mut Exchange) -> Result<Option<String>, Trouble> {
        let mut quiet = Exchange::default();
        let alone = alone(target, &mut quiet).await?;
        let came = match self {
            Self::Message(until) => after(target, until, log).await?,
            Self::Beside => beside(target, log).await?,
        };
        let again = self::alone(target, &mut quiet).await?;
        let Some(volatile) = Volatile::between(&alone, &again) else {
            let text = "its answers to the same message over two new connections have nothing in common";
            return Err(Trouble::Skipped(text.to_owned()));
        };
        Ok(volatile.difference(&alone, &came, self))
    }
}

/// The message over a connection of its own.
async fn alone(target: &Target, log: &mut Exchange) -> Result<Vec<Answer>, Trouble> {
    let mut mta = Correspondent::greeted(target, log).await?;
    let came = judged(&mut mta, log).await?;
    mta.close(log).await?;
    Ok(came)
}

/// The message after another one.
async fn after(target: &Target, until: Stage, log: &mut Exchange) -> Result<Vec<Answer>, Trouble> {
    let mut mta = Correspondent::greeted(target, log).await?;
    mta.send(&Letter { until, ..other() }, log).await?;
    if until < Stage::Eom {
        mta.abort(log).await?;
    }
    let came = judged(&mut mta, log).await?;
    mta.close(log).await?;
    Ok(came)
}

/// The message and another one, in turn.
async fn beside(target: &Target, log: &mut Exchange) -> Result<Vec<Answer>, Trouble> {
    let mut mta = Correspondent::greeted(target, log).await?;
    let mut neighbour = Correspondent::greeted(target, &mut Exchange::default()).await?;
    log.note("another connection is opened, and its message sent in turn with this one");
    mta.take_record();
    mta.begin(&Letter::default());
    neighbour.begin(&other());
    while mta.turn(log).await? {
        neighbour.turn(&mut Exchange::default()).await?;
    }
    let came = answers(mta.take_record());
    while neighbour.turn(&mut Exchange::default()).await? {}
    mta.close(log).await?;
    neighbour.close(&mut Exchange::default()).await?;
    Ok(came)
}

/// Sends the message that is compared.
async fn judged(mta: &mut Correspondent, log: &mut Exchange) -> Result<Vec<Answer>, Trouble> {
    mta.take_record();
    mta.send(&Letter::default(), log).await?;
    Ok(answers(mta.take_record()))
}

/// A message that is unlike [`Letter::default`] in every part, so that whatever stays of it shows.
fn other() -> Letter {
    let fields = (0..20).map(|number| header(&format!("X-Other-{number}"), "of another message"));
    Letter {
        macros: Macros::Postfix,
        mail: Command::Mail { sender: b"<other@example.org>".to_vec(), args: vec![b"SIZE=70000".to_vec()] },
        rcpts: (0..3).map(|number| rcpt_to(&format!("<other{number}@example.com>"))).collect(),
        headers: fields.chain([header("Subject", "another one")]).collect(),
        body: vec![Chunk::Fill { count: 2, size: 30_000 }],
        ..Letter::default()
    }
}

/// What came back, and to what.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Answer {
    asked: String,
    frame: Frame,
}

fn answers(record: Vec<Event>) -> Vec<Answer> {
    let mut asked = String::new();
    let mut all = Vec::new();
    for event in record {
        match event {
            Event::Sent(_, command) => asked = command.to_string(),
            Event::Received(_, frame) => all.push(Answer { asked: asked.clone(), frame }),
            _ => {}
        }
    }
    all
}

/// Which words of the answers differ from one time to the next, when nothing came before.
struct Volatile(Vec<Vec<bool>>);

impl Volatile {
    /// `None` if the two are not even of the same shape.
    fn between(one: &[Answer], two: &[Answer]) -> Option<Self> {
        if one.len() != two.len() {
            return None;
        }
        let of = |(one, two): (&Answer, &Answer)| {
            let (first, second) = (words(&one.frame), words(&two.frame));
            let is_alike = one.asked == two.asked && one.frame.code == two.frame.code && first.len() == second.len();
            is_alike.then(|| first.iter().zip(&second).map(|(first, second)| first != second).collect())
        };
        one.iter().zip(two).map(of).collect::<Option<_>>().map(Self)
    }

    /// The first answer that is another one than without what came before.
    fn difference(&self, alone: &[Answer], came: &[Answer], before: Before) -> Option<String> {
        let place =
            (0..alone.len().max(came.len())).find(|&place| !self.is_same(place, alone.get(place), came.get(place)))?;
        let shown = |answer: Option<&Answer>| answer.map_or_else(|| "nothing more".to_owned(), shown);
        let asked = alone.get(place).or_else(|| came.get(place)).map_or("", |answer| answer.asked.as_str());
        let when = if before == Before::Beside { "beside" } else { "after" };
        Some(format!(
            "{asked}: {when} another message it answers otherwise than alone\n{when} another: {}\nalone: {}",
            shown(came.get(place)),
            shown(alone.get(place)),
        ))
    }

    fn is_same(&self, place: usize, one: Option<&Answer>, two: Option<&Answer>) -> bool {
        let (Some(one), Some(two), Some(skipped)) = (one, two, self.0.get(place)) else { return false };
        let (first, second) = (words(&one.frame), words(&two.frame));
        one.asked == two.asked
            && one.frame.code == two.frame.code
            && first.len() == second.len()
            && first.iter().zip(&second).zip(skipped).all(|((first, second), skipped)| *skipped || first == second)
    }
}

fn words(frame: &Frame) -> Vec<&[u8]> {
    frame.payload.split(|byte| byte.is_ascii_whitespace() || b"\0;=,".contains(byte)).collect()
}

fn shown(answer: &Answer) -> String {
    Reply::decode(&answer.frame).map_or_else(|error| error.to_string(), |reply| reply.to_string())
}

/// Only what differs so often is no accident.
const TRIALS: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(value: &str) -> Vec<Answer> {
        let payload = format!("X-A\0{value}\0").into_bytes();
        vec![Answer { asked: "eom".to_owned(), frame: Frame { code: b'h', payload } }]
    }

    #[test]
    fn what_differs_by_itself_is_left_out() {
        let (one, two) = (answer("id=17 rcpts=1"), answer("id=18 rcpts=1"));
        let volatile = Volatile::between(&one, &two).expect("they are of one shape");
        assert_eq!(volatile.difference(&one, &answer("id=19 rcpts=1"), Before::Beside), None);
        let difference = volatile.difference(&one, &answer("id=19 rcpts=3"), Before::Message(Stage::Eom));
        let expected = "eom: after another message it answers otherwise than alone\n\
            after another: addheader X-A: id=19 rcpts=3\nalone: addheader X-A: id=17 rcpts=1";
        assert_eq!(difference.as_deref(), Some(expected));
    }

    #[test]
    fn an_answer_more_or_less_is_a_difference() {
        let one = answer("x");
        let volatile = Volatile::between(&one, &one).expect("they are the same");
        assert!(volatile.difference(&one, &[], Before::Beside).is_some_and(|text| text.contains("nothing more")));
        let both = [one.clone(), one.clone()].concat();
        assert!(volatile.difference(&one, &both, Before::Beside).is_some());
        assert!(Volatile::between(&one, &both).is_none());
    }
}
