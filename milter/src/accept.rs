//! Accepting connections: room for them, and what becomes of those for which there is none.

use std::{io, sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::sleep,
};
use tracing::{info, warn};

use crate::listener::{Serving, Stream};

/// What a connection gets.
pub(crate) enum Place {
    /// A filter.
    Filter(OwnedSemaphorePermit),
    /// A word that there are too many.
    Word(OwnedSemaphorePermit),
}

/// The room for connections, shared by all listeners.
pub(crate) struct Room {
    filters: Arc<Semaphore>,
    words: Arc<Semaphore>,
    size: usize,
}

impl Room {
    /// Room for so many connections, and for some more that are turned away in an orderly way.
    pub(crate) fn new(connections_max: usize) -> Self {
        let size = connections_max.min(Semaphore::MAX_PERMITS);
        Self { filters: Arc::new(Semaphore::new(size)), words: Arc::new(Semaphore::new(WORDS_MAX)), size }
    }

    /// A place; none if even those who are turned away are too many.
    fn place(&self) -> Option<Place> {
        let filter = self.filters.clone().try_acquire_owned().map(Place::Filter);
        filter.or_else(|_| self.words.clone().try_acquire_owned().map(Place::Word)).ok()
    }

    fn free(&self) -> usize {
        self.filters.available_permits()
    }
}

/// One listener at the door. It says once that there is no room, and once that there is again.
pub(crate) struct Door {
    listener: Serving,
    room: Arc<Room>,
    is_full: bool,
    is_failing: bool,
}

impl Door {
    pub(crate) fn new(listener: Serving, room: Arc<Room>) -> Self {
        Self { listener, room, is_full: false, is_failing: false }
    }

    /// The next connection with its place. A connection without one is closed by dropping it: the MTA does then what it
    /// does without a filter, at once.
    pub(crate) async fn next(&mut self) -> (Box<dyn Stream>, Option<Place>) {
        loop {
            match self.listener.accept().await {
                Ok(stream) => {
                    self.is_failing = false;
                    let place = self.room.place();
                    self.tell_of_room(place.as_ref());
                    return (stream, place);
                }
                Err(error) => self.fail(&error).await,
            }
        }
    }

    fn tell_of_room(&mut self, place: Option<&Place>) {
        let size = self.room.size;
        if !matches!(place, Some(Place::Filter(_))) {
            if !std::mem::replace(&mut self.is_full, true) {
                warn!("all {size} connections are in use: more are turned away until some of them end");
            }
        } else if self.is_full && self.room.free() >= size / ROOM_AGAIN {
            self.is_full = false;
            info!("there is room for connections again");
        }
    }

    /// Out of file descriptors, most likely: others must end first.
    async fn fail(&mut self, error: &io::Error) {
        if !std::mem::replace(&mut self.is_failing, true) {
            warn!("cannot accept connections for now: {error}");
        }
        sleep(ACCEPT_PAUSE).await;
    }
}

/// How many connections at a time are turned away with an answer.
const WORDS_MAX: usize = 64;

/// There is room again when this part of all places is free.
const ROOM_AGAIN: usize = 10;

/// The pause after a connection could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
