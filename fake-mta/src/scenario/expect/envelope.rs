//! The recipients of a message have no order: sendmail sends to the last one first, Postfix sorts them, and neither is the client's.

use super::align::{Aligned, Lines, MAX_CELLS, align};
use crate::scenario::matcher::{ANY_LINES, Bindings, Matcher};

/// The lines of an envelope that came, the recipients of each message in the order in which they are expected.
///
/// Those that nothing expects fill the places of those that did not come, and a line `...` takes the rest of them.
pub(in crate::scenario) fn in_order(expected: &[&str], actual: &[String], bindings: &Bindings) -> Vec<String> {
    if expected.len().saturating_mul(actual.len()) > MAX_CELLS {
        return actual.to_vec();
    }
    let lines: Vec<Line<'_>> = expected.iter().map(|line| Line::new(line, bindings)).collect();
    let messages =
        Messages { expected: messages(&lines), actual: actual.chunk_by(|_, next| !is_sender(next)).collect() };
    let mut wanted = vec![None; messages.actual.len()];
    for step in align(&messages) {
        if let Aligned::Match { expected, actual } | Aligned::Replaced { expected, actual } = step {
            wanted[actual] = messages.expected[expected].as_ref();
        }
    }
    let came = messages.actual.iter().zip(wanted);
    came.flat_map(|(came, wanted)| wanted.map_or_else(|| came.to_vec(), |wanted| wanted.in_order(came))).collect()
}

/// An expected line.
struct Line<'a> {
    text: &'a str,
    matcher: Matcher,
}

impl<'a> Line<'a> {
    fn new(text: &'a str, bindings: &Bindings) -> Self {
        Self { text, matcher: Matcher::checked(text, bindings) }
    }

    fn is_any(&self) -> bool {
        self.text == ANY_LINES
    }
}

/// Whether a line begins a message; an expression may say so too.
fn is_sender(line: &str) -> bool {
    line.trim_start_matches(['/', '^']).starts_with("MAIL FROM:")
}

/// What is expected of one message.
struct Wanted<'a> {
    /// Its first line, unless that stands for any number of lines.
    sender: Option<&'a Line<'a>>,
    recipients: &'a [Line<'a>],
}

/// The messages of an expected envelope; `None` stands for any number of them.
fn messages<'a>(lines: &'a [Line<'a>]) -> Vec<Option<Wanted<'a>>> {
    let mut messages = Vec::new();
    for message in lines.chunk_by(|_, next| !is_sender(next.text)) {
        let is_open = message.iter().any(Line::is_any);
        let (sender, recipients) = match message {
            [first, ..] if first.is_any() => (None, message),
            [first, rest @ ..] => (Some(first), rest),
            [] => continue,
        };
        let wanted = message.iter().any(|line| !line.is_any()).then_some(Wanted { sender, recipients });
        // `...` takes whole messages too.
        let any = is_open.then_some(None);
        match sender {
            Some(_) => messages.extend(wanted.map(Some).into_iter().chain(any)),
            None => messages.extend(any.into_iter().chain(wanted.map(Some))),
        }
    }
    messages
}

impl Wanted<'_> {
    fn fits(&self, came: &[String]) -> bool {
        let Some((sender, recipients)) = came.split_first() else { return false };
        let found = pairs(self.recipients, recipients);
        let is_open = self.recipients.iter().any(Line::is_any);
        self.sender.is_none_or(|wanted| wanted.matcher.matches(sender))
            && self.recipients.iter().zip(&found).all(|(line, found)| line.is_any() || found.is_some())
            && (is_open || found.len() == recipients.len())
    }

    fn in_order(&self, came: &[String]) -> Vec<String> {
        let Some((sender, recipients)) = came.split_first() else { return Vec::new() };
        let found = pairs(self.recipients, recipients);
        let mut others = (0..recipients.len()).filter(|at| !found.contains(&Some(*at)));
        let mut order = Vec::new();
        for (line, found) in self.recipients.iter().zip(&found) {
            match found {
                Some(at) => order.push(*at),
                None if line.is_any() => order.extend(others.by_ref()),
                None => order.extend(others.next()),
            }
        }
        order.extend(others);
        std::iter::once(sender).chain(order.into_iter().map(|at| &recipients[at])).cloned().collect()
    }
}

/// The line that came for each of those that are expected, so that as many as possible have one.
fn pairs(expected: &[Line<'_>], came: &[String]) -> Vec<Option<usize>> {
    let mut takers = Takers { expected, came, of: vec![None; came.len()] };
    let mut order: Vec<usize> = (0..expected.len()).filter(|index| !expected[*index].is_any()).collect();
    // Literal lines first: where not all can have one, a matcher must not take the line that a literal one means.
    order.sort_by_key(|index| matches!(expected[*index].matcher, Matcher::Pattern(..)));
    for index in order {
        takers.give(index, &mut vec![false; came.len()]);
    }
    let mut pairs = vec![None; expected.len()];
    for (at, taker) in takers.of.iter().enumerate() {
        if let Some(index) = taker {
            pairs[*index] = Some(at);
        }
    }
    pairs
}

/// Which expected line has taken each of those that came.
struct Takers<'a> {
    expected: &'a [Line<'a>],
    came: &'a [String],
    of: Vec<Option<usize>>,
}

impl Takers<'_> {
    /// Gives a line that came to an expected one; who has taken it may have to take another. `seen` are those that were asked for.
    fn give(&mut self, index: usize, seen: &mut [bool]) -> bool {
        let matcher = &self.expected[index].matcher;
        let fits = |at: &usize| matcher.matches(&self.came[*at]);
        // One that nobody has is found without asking others, of whom there may be many.
        let free = (0..self.came.len()).filter(|at| self.of[*at].is_none()).find(fits);
        if let Some(at) = free {
            self.of[at] = Some(index);
            return true;
        }
        for at in 0..self.came.len() {
            if seen[at] || !self.expected[index].matcher.matches(&self.came[at]) {
                continue;
            }
            seen[at] = true;
            if self.of[at].is_some_and(|taker| self.give(taker, seen)) {
                self.of[at] = Some(index);
                return true;
            }
        }
        false
    }
}

/// Messages against messages.
struct Messages<'a> {
    expected: Vec<Option<Wanted<'a>>>,
    actual: Vec<&'a [String]>,
}

impl Lines for Messages<'_> {
    fn expected_len(&self) -> usize {
        self.expected.len()
    }

    fn actual_len(&self) -> usize {
        self.actual.len()
    }

    fn fits(&self, expected: usize, actual: usize) -> bool {
        self.expected[expected].as_ref().is_none_or(|wanted| wanted.fits(self.actual[actual]))
    }

    fn is_any(&self, expected: usize) -> bool {
        self.expected[expected].is_none()
    }

    fn is_quiet(&self, _: usize) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines written short: `a>` is a sender, all else a recipient or a matcher.
    fn lines(text: &str) -> Vec<String> {
        let line = |word: &str| match word.split_once('>') {
            None if word == ANY_LINES || word.starts_with(['[', '/']) => word.replace('_', " "),
            Some((sender, _)) => format!("MAIL FROM:<{sender}>"),
            None => format!("RCPT TO:<{word}>"),
        };
        text.split(' ').filter(|word| !word.is_empty()).map(line).collect()
    }

    fn ordered(expected: &str, actual: &str) -> Vec<String> {
        let expected = lines(expected);
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        in_order(&expected, &lines(actual), &Bindings::default())
    }

    #[test]
    fn recipients_stand_as_they_are_expected_each_with_its_message() {
        for (expected, actual, wanted) in [
            ("s> a b c", "s> c b a", "s> a b c"),
            ("s> a b t> c d", "s> b a t> d c", "s> a b t> c d"),
            ("s> a t> b", "s> b t> a", "s> b t> a"),
            ("s> a a b", "s> b a a", "s> a a b"),
            // What is not expected stands where something lacks, or at the end.
            ("s> a b", "s> c b", "s> c b"),
            ("s> a b", "s> c b a d", "s> a b c d"),
            ("s> a b", "s> b", "s> b"),
            ("s> a b", "t> b a", "t> a b"),
            ("", "s> b a", "s> b a"),
        ] {
            assert_eq!(ordered(expected, actual), lines(wanted), "{expected}: {actual}");
        }
    }

    #[test]
    fn a_matcher_leaves_to_others_what_it_need_not_have() {
        assert_eq!(ordered("s> [..] b", "s> b a"), lines("s> a b"));
        assert_eq!(ordered("s> b[..] [..]c[..]", "s> bc b1"), lines("s> b1 bc"));
        assert_eq!(ordered("[..] [..] a", "s> a b"), lines("s> b a"));
        assert_eq!(ordered("s> b /MAIL_FROM:<.*/ c b", "s> b t> b c"), lines("s> b t> c b"));
    }

    #[test]
    fn dots_take_the_rest_of_the_recipients_and_whole_messages() {
        assert_eq!(ordered("s> a ... b", "s> b c a d"), lines("s> a c d b"));
        assert_eq!(ordered("... t> a b", "s> b a t> b a"), lines("s> b a t> a b"));
        assert_eq!(ordered("... t> a b", "t> b c t> b a"), lines("t> b c t> a b"));
        assert_eq!(ordered("s> ... t> a b", "s> b a u> b a t> b a"), lines("s> b a u> b a t> a b"));
    }
}
