//! Identical questions that are under way at the same time are asked once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use spf::{Failure, Question};
use tokio::sync::watch;

use super::response::Response;

/// The questions under way.
#[derive(Clone, Default)]
pub(super) struct Flights {
    waiting: Arc<Mutex<HashMap<Question, watch::Receiver<Option<Response>>>>>,
}

/// A question under way that somebody has to put to the servers.
pub(super) struct Flight {
    flights: Flights,
    question: Question,
    landing: watch::Sender<Option<Response>>,
}

/// The answer to a question under way.
pub(super) struct Landing(watch::Receiver<Option<Response>>);

impl Flights {
    /// Waits along with those who have asked the same already; or else opens a flight, to be landed by the caller.
    pub(super) fn join(&self, question: &Question) -> (Landing, Option<Flight>) {
        let mut waiting = self.lock();
        let under_way = waiting.len();
        match waiting.entry(question.clone()) {
            Entry::Occupied(known) => (Landing(known.get().clone()), None),
            Entry::Vacant(_) if under_way >= FLIGHTS_MAX => {
                let busy = Response::silence(Failure::Other("too many questions under way".to_owned()));
                (Landing(watch::channel(Some(busy)).1), None)
            }
            Entry::Vacant(free) => {
                let (landing, receiver) = watch::channel(None);
                free.insert(receiver.clone());
                let flight = Flight { flights: self.clone(), question: question.clone(), landing };
                (Landing(receiver), Some(flight))
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Question, watch::Receiver<Option<Response>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight {
    /// The question to be put.
    pub(super) fn question(&self) -> &Question {
        &self.question
    }

    /// Tells all who wait.
    pub(super) fn land(self, response: Response) {
        // First out of the list: who asks again as soon as he has the answer must not get the same one once more.
        self.forget();
        self.landing.send_replace(Some(response));
    }

    fn forget(&self) {
        self.flights.lock().remove(&self.question);
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        // After the landing there may be another one of the name.
        if self.landing.borrow().is_none() {
            self.forget();
        }
    }
}

impl Landing {
    /// The answer.
    pub(super) async fn wait(mut self) -> Response {
        let response = self.0.wait_for(Option::is_some).await.ok().and_then(|landed| landed.clone());
        response.unwrap_or_else(|| Response::silence(Failure::Other("the question was given up".to_owned())))
    }
}

/// Questions under way at once. Each holds a socket.
const FLIGHTS_MAX: usize = 4_096;

#[cfg(test)]
mod tests {
    use spf::{AnswerKind, Name, RecordType};

    use super::*;

    fn question(name: &str, rtype: RecordType) -> Question {
        Question::new(Name::parse(name).unwrap(), rtype)
    }

    #[tokio::test]
    async fn the_same_question_is_asked_once_and_answered_to_all() {
        let flights = Flights::default();
        let (first, flight) = flights.join(&question("a.example", RecordType::Txt));
        let (second, none) = flights.join(&question("A.Example", RecordType::Txt));
        let (_, other) = flights.join(&question("a.example", RecordType::Mx));
        assert!(none.is_none() && other.is_some());
        flight.unwrap().land(Response::said(AnswerKind::NxDomain, None));
        assert_eq!(first.wait().await.kind, AnswerKind::NxDomain);
        assert_eq!(second.wait().await.kind, AnswerKind::NxDomain);
        // It has landed: the next one who asks starts anew.
        assert!(flights.join(&question("a.example", RecordType::Txt)).1.is_some());
    }

    #[tokio::test]
    async fn an_end_does_not_touch_the_next_flight_of_the_name() {
        let (flights, question) = (Flights::default(), question("a.example", RecordType::Txt));
        let first = flights.join(&question).1.unwrap();
        first.forget();
        let (landing, second) = flights.join(&question);
        first.landing.send_replace(Some(Response::said(AnswerKind::NoData, None)));
        drop(first);
        assert!(flights.join(&question).1.is_none(), "the second is under way");
        second.unwrap().land(Response::said(AnswerKind::NxDomain, None));
        assert_eq!(landing.wait().await.kind, AnswerKind::NxDomain);
    }

    #[tokio::test]
    async fn a_flight_that_is_lost_leaves_nobody_waiting() {
        let flights = Flights::default();
        let (landing, flight) = flights.join(&question("a.example", RecordType::Txt));
        drop(flight);
        assert_eq!(landing.wait().await.kind.to_string(), "the question was given up");
        assert!(flights.lock().is_empty());
    }

    #[tokio::test]
    async fn there_is_a_limit() {
        let flights = Flights::default();
        let ask = |index: usize| flights.join(&question(&format!("n{index}.example"), RecordType::A));
        let under_way: Vec<_> = (0..FLIGHTS_MAX).map(ask).collect();
        let (landing, flight) = ask(FLIGHTS_MAX);
        assert!(flight.is_none());
        assert_eq!(landing.wait().await.kind.to_string(), "too many questions under way");
        drop(under_way);
        assert!(ask(FLIGHTS_MAX).1.is_some());
    }
}
