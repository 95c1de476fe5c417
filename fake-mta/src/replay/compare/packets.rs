//! Point 1: every packet the MTA sent, byte for byte and in order, on each connection and over all of them.

use super::{
    Sides,
    difference::{Difference, Point},
};
use crate::{
    journal::Event,
    replay::{capture::Packet, filter::Seen},
};

impl Sides<'_> {
    pub(super) fn packets(&mut self) -> Option<Difference> {
        let mut found = None;
        let capture = self.capture;
        for (filter, captured) in capture.filters.iter().enumerate() {
            let count = self.outcome.connections.iter().filter(|(number, _)| *number == filter).count();
            for (number, connection) in captured.connections.iter().enumerate() {
                let script = connection.script().unwrap_or_default();
                let difference = self.connection(filter, number, &script);
                found = found.or(difference);
            }
            let connections = |count: usize| format!("{count} connections");
            let (expected, got) = (connections(captured.connections.len()), connections(count));
            found = found.or_else(|| Difference::of_text(Point::Packets, &format!("filter {filter}"), &expected, &got));
        }
        found.or_else(|| self.interleave())
    }

    fn connection(&mut self, filter: usize, number: usize, script: &[Packet]) -> Option<Difference> {
        let wanted: Vec<Vec<u8>> = script.iter().filter_map(sent).map(|bytes| self.expected.apply(&bytes)).collect();
        let of_filter = self.outcome.connections.iter().filter(|(owner, _)| *owner == filter);
        let seen = of_filter.map(|(_, seen)| seen).nth(number);
        let frames = seen.into_iter().flatten().filter_map(frame);
        let mut came: Vec<Vec<u8>> = frames.map(|bytes| self.got.apply(&bytes)).collect();
        if self.capture.is_cut_off() || matches!(script.last(), Some(Packet::Wait(_))) {
            // The recording ended before the filter answered: what came then is not known.
            came.truncate(wanted.len());
        }
        let place = format!("filter {filter}, connection {number}, packet ");
        Difference::first(Point::Packets, &place, &wanted, &came)
    }

    /// The order of the packets over all connections, where it was recorded.
    fn interleave(&self) -> Option<Difference> {
        if self.capture.interleave.is_empty() {
            return None;
        }
        let name = |filter: usize, connection: usize| format!("filter {filter}, connection {connection}").into_bytes();
        let sent = self.outcome.events.iter().filter_map(|event| match event {
            Event::Sent(channel, _) => Some(name(channel.filter, channel.connection)),
            _ => None,
        });
        let wanted = self.recorded_order().into_iter().map(|(filter, connection)| name(filter, connection));
        let (wanted, got): (Vec<_>, Vec<_>) = (wanted.collect(), sent.collect());
        Difference::first(Point::Packets, "packet of all connections, ", &wanted, &got)
    }

    /// Which connection each packet of the MTA went over.
    fn recorded_order(&self) -> Vec<(usize, usize)> {
        let mut scripts: Vec<Vec<std::vec::IntoIter<Packet>>> = Vec::new();
        for filter in &self.capture.filters {
            let connections = filter.connections.iter();
            scripts.push(connections.map(|connection| connection.script().unwrap_or_default().into_iter()).collect());
        }
        let mut order = Vec::new();
        for &(filter, connection, count) in &self.capture.interleave {
            let Some(script) = scripts.get_mut(filter).and_then(|connections| connections.get_mut(connection)) else {
                continue;
            };
            let entries = script.by_ref().take(count);
            let packets = entries.filter(|packet| matches!(packet, Packet::Sent(..))).count();
            order.extend(std::iter::repeat_n((filter, connection), packets));
        }
        order
    }
}

fn sent(packet: &Packet) -> Option<Vec<u8>> {
    match packet {
        Packet::Sent(code, payload) => Some([&[*code], &payload[..]].concat()),
        _ => None,
    }
}

fn frame(seen: &Seen) -> Option<Vec<u8>> {
    match seen {
        Seen::Frame(frame) => Some([&[frame.code], &frame.payload[..]].concat()),
        Seen::Eof => None,
    }
}
