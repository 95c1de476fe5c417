//! Point 3: the messages that went to the next hop, each with its envelope.

use super::{
    Sides,
    difference::{Difference, Point},
};
use crate::{journal::Event, message::Delivered, replay::capture::CapturedMessage};

impl Sides<'_> {
    pub(super) fn delivered(&mut self) -> Option<Difference> {
        let captured = self.capture.delivered.iter().map(captured_message);
        let relayed = self.outcome.events.iter().filter_map(|event| match event {
            Event::Delivered(delivered) if delivered.held.is_none() => relayed_message(delivered),
            _ => None,
        });
        let (mut wanted, mut came): (Vec<_>, Vec<_>) = (captured.collect(), relayed.collect());
        // Two messages overtake each other on their way: the order in which they arrive is nobody's doing.
        wanted.sort_by_cached_key(|lines| self.expected.mask(&lines.join(&b'\n')));
        came.sort_by_cached_key(|lines| self.got.mask(&lines.join(&b'\n')));
        let length = wanted.len().max(came.len());
        (0..length).find_map(|number| {
            let bound = |lines: Option<&Vec<Vec<u8>>>| lines.cloned().unwrap_or_default();
            let expected: Vec<_> = bound(wanted.get(number)).iter().map(|line| self.expected.apply(line)).collect();
            let got: Vec<_> = bound(came.get(number)).iter().map(|line| self.got.apply(line)).collect();
            Difference::first(Point::Delivered, &format!("message {number}, line "), &expected, &got)
        })
    }
}

/// The lines of envelope and message.
fn captured_message(message: &CapturedMessage) -> Vec<Vec<u8>> {
    let mut lines = vec![envelope_line(message.mail_from.as_bytes())];
    lines.extend(message.rcpt_to.iter().map(|line| envelope_line(line.as_bytes())));
    let text = message.text().unwrap_or_default();
    lines.extend(text.split(|&byte| byte == b'\n').map(<[u8]>::to_vec));
    lines
}

/// A MAIL or RCPT line without its verb and without SIZE.
fn envelope_line(line: &[u8]) -> Vec<u8> {
    let start = line.iter().position(|&byte| byte == b':').map_or(0, |at| at + 1);
    let words = line[start..].split(|&byte| byte == b' ').filter(|word| !word.starts_with(b"SIZE="));
    words.collect::<Vec<_>>().join(&b' ')
}

/// The same of what the fake MTA sends on; `None` if all recipients have their mailbox here.
fn relayed_message(message: &Delivered) -> Option<Vec<Vec<u8>>> {
    let line = |path: &[u8], params: &[Vec<u8>]| [&[path.to_vec()], params].concat().join(&b' ');
    let mut lines = vec![line(&message.sender, &message.sender_params)];
    let relayed = message.recipients.iter().filter(|(path, _)| !message.local.contains(path));
    lines.extend(relayed.map(|(path, params)| line(path, params)));
    if lines.len() == 1 {
        return None;
    }
    lines.extend(message.message.split(|&byte| byte == b'\n').map(<[u8]>::to_vec));
    Some(lines)
}
