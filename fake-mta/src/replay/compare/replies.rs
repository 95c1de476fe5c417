//! Point 2: every SMTP reply, and whether the server closed the connection.

use super::{
    Sides,
    difference::{Difference, Point},
};
use crate::{
    journal::Event,
    replay::capture::{payload, unhex},
};

impl Sides<'_> {
    pub(super) fn replies(&mut self) -> Option<Difference> {
        let captured = self.capture.smtp.iter().flat_map(|entry| {
            let line = entry.get("s").and_then(|text| text.as_str()).map(|text| text.as_bytes().to_vec());
            let hex = || entry.get("s_hex").and_then(|hex| unhex(hex.as_str()?));
            let parts = || entry.get("s_gen").and_then(payload);
            line.or_else(hex).or_else(parts)
        });
        let wanted: Vec<Vec<u8>> = captured.map(|line| self.expected.apply(&line)).collect();
        let said = self.outcome.events.iter().filter_map(|event| match event {
            Event::ServerLine(line) => Some(line),
            _ => None,
        });
        let mut came: Vec<Vec<u8>> = said.map(|line| self.got.apply(line)).collect();
        let has_quit = came.last().is_some_and(|line| line.starts_with(b"221"));
        if self.client_fell_behind() {
            came.truncate(wanted.len());
        }
        Difference::first(Point::Replies, "line ", &wanted, &came).or_else(|| self.closing(has_quit))
    }

    /// The client reads one reply for each command, and closes after its last one. If the server said more in between, the client
    /// is behind, and never reads what is left over.
    fn client_fell_behind(&self) -> bool {
        let closed = self.capture.smtp.last().is_some_and(|entry| entry.contains_key("c_close"));
        let mut replies = 0;
        closed
            && self.outcome.events.iter().any(|event| {
                match event {
                    Event::ClientLine(_) | Event::ClientMessage(_) => replies = 0,
                    Event::ServerLine(line) => replies += usize::from(line.get(3) != Some(&b'-')),
                    _ => {}
                }
                replies > 1
            })
    }

    /// A server that closes after QUIT does what it should, and the client, which closes too, does not wait for it.
    fn closing(&self, has_quit: bool) -> Option<Difference> {
        if has_quit || self.capture.client.local {
            return None;
        }
        let text = |closed: bool| if closed { "the server closes" } else { "the server does not close" };
        let expected = self.capture.smtp.iter().any(|entry| entry.contains_key("s_close"));
        let got = self.outcome.events.contains(&Event::ServerClosed);
        Difference::of_text(Point::Replies, "the end", text(expected), text(got))
    }
}
