//! What went over the wire in a case, for people.

use crate::diag::escape;

/// Lines in the order in which they came; the middle of a long one is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Exchange {
    first: Vec<String>,
    last: std::collections::VecDeque<String>,
    left_out: usize,
}

impl Exchange {
    /// What the battery sent.
    pub(super) fn sent(&mut self, text: &str) {
        self.push(">", text);
    }

    /// What the milter sent.
    pub(super) fn came(&mut self, text: &str) {
        self.push("<", text);
    }

    /// What happened otherwise.
    pub(super) fn note(&mut self, text: &str) {
        self.push("-", text);
    }

    /// All lines.
    pub(super) fn lines(&self) -> Vec<String> {
        let gap = (self.left_out > 0).then(|| format!("- [{} lines more]", self.left_out));
        self.first.iter().cloned().chain(gap).chain(self.last.iter().cloned()).collect()
    }

    fn push(&mut self, direction: &str, text: &str) {
        let text = escape(text);
        let shown: String = text.chars().take(MAX_CHARS).collect();
        let more = text.len() - shown.len();
        let line =
            if more == 0 { format!("{direction} {shown}") } else { format!("{direction} {shown}[{more} bytes more]") };
        if self.first.len() < KEPT_LINES {
            return self.first.push(line);
        }
        self.last.push_back(line);
        if self.last.len() > KEPT_LINES {
            self.last.pop_front();
            self.left_out += 1;
        }
    }
}

/// So many lines of the beginning are kept, and so many of the end.
const KEPT_LINES: usize = 40;

/// So much of a line.
const MAX_CHARS: usize = 160;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_a_long_exchange_is_left_out() {
        let mut exchange = Exchange::default();
        for number in 0..100 {
            exchange.sent(&number.to_string());
        }
        exchange.came(&"x".repeat(200));
        let lines = exchange.lines();
        assert_eq!((lines.len(), lines[39].as_str(), lines[40].as_str()), (81, "> 39", "- [21 lines more]"));
        assert!(lines[80].ends_with("x[40 bytes more]"), "{}", lines[80]);
    }
}
