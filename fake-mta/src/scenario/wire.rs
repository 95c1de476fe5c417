//! `wire` blocks: the packets between MTA and milter that a step is expected to make.

use super::{
    Action, Line, LineKind, Step, dialogue,
    matcher::{ANY_LINES, Bindings, Matcher},
    node::TextLine,
    problems::Problems,
    vocabulary::Unknown,
};
use crate::diag::{Diag, Span};

/// The expected packets of a step.
#[derive(Clone, Debug)]
pub struct Wire {
    /// The `C:` line of the block, or the empty place at its start.
    pub anchor: Span,
    /// The packets, of all profiles, in order.
    pub lines: Vec<Line>,
}

/// Puts the lines of a block to the steps that its `C:` lines name, in their order.
pub(super) fn attach(steps: &mut [Step], block: &[TextLine], problems: &mut Problems) {
    let Some(start) = block.first().map(|line| line.span.part(0..0)) else { return };
    let (mut at, mut anchor) = (0, start);
    for line in block {
        let text = line.text.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let span = dialogue::trimmed(&line.span);
        if let Some(command) = text.strip_prefix("C:") {
            let action = dialogue::parse_action(command.trim(), &span);
            let Some(action) = problems.take(action) else { continue };
            match steps.iter().skip(at + 1).position(|step| step.action.value == action) {
                Some(further) => at += 1 + further,
                None => problems.add(no_step(&action, &steps[at + 1..], &span)),
            }
            anchor = span;
            // A step without packets says that there are none.
            steps[at].wire.get_or_insert_with(|| Wire { anchor: anchor.clone(), lines: Vec::new() });
        } else if let Some(line) = problems.take(parse(text, &span)) {
            let new = || Wire { anchor: anchor.clone(), lines: Vec::new() };
            steps[at].wire.get_or_insert_with(new).lines.push(line);
        }
    }
}

fn no_step(action: &Action, rest: &[Step], span: &Span) -> Diag {
    let rest: Vec<String> = rest.iter().map(|step| format!("C: {}", step.action.value)).collect();
    let unknown = Unknown::new("step", &format!("C: {action}"), rest.iter().map(String::as_str));
    Diag::error(format!("no step `C: {action}` in the rest of the dialogue")).label(span, "").help(unknown.help)
}

/// Reads `> mail <a@example.org>`, perhaps with `[postfix]` before it and ` | HEX` behind it.
fn parse(text: &str, span: &Span) -> Result<Line, Diag> {
    let (head, packet) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((list, packet)) => (Some(list), packet.trim_start()),
        None => (None, text),
    };
    let mut only = Vec::new();
    for name in head.into_iter().flat_map(|list| list.split(',')).map(str::trim) {
        only.push(
            name.parse()
                .map_err(|unknown: Unknown| Diag::error(unknown.to_string()).label(span, "").help(unknown.help))?,
        );
    }
    let arrow = packet.trim_start_matches(|c: char| c.is_ascii_digit());
    if !arrow.starts_with(['>', '<']) && packet != "..." {
        return Err(Diag::error("not a line of a wire block").label(span, "").help(
            "write what the MTA sends as `> mail <a@example.org>`, and what the milter answers as `< continue`",
        ));
    }
    let bad = |problem: String| Diag::error(format!("bad regular expression: {problem}")).label(span, "");
    let expected = Expected::new(packet);
    Matcher::new(expected.text).map_err(bad)?;
    let shown = span.text();
    let at = shown.rfind(packet).unwrap_or(0);
    let text_span = span.part(at..shown.len());
    Ok(Line { kind: LineKind::Wire, only, text: packet.to_owned(), span: span.clone(), text_span })
}

/// An expected packet: its text, and its bytes if the scenario writes them.
pub(super) struct Expected<'a> {
    /// What it says.
    pub(super) text: &'a str,
    /// Hex digits, spaces and matchers.
    pub(super) hex: Option<&'a str>,
}

impl<'a> Expected<'a> {
    /// Bytes stand behind the last ` | `, if nothing but hex digits and matchers is there.
    pub(super) fn new(line: &'a str) -> Self {
        let is_hex = |text: &str| {
            let rest = text.replace("[..]", "");
            !text.trim().is_empty() && rest.chars().all(|c| c == ' ' || c.is_ascii_hexdigit())
        };
        match line.rsplit_once(" | ") {
            Some((text, hex)) if is_hex(hex) => Self { text: text.trim_end(), hex: Some(hex) },
            _ => Self { text: line, hex: None },
        }
    }

    /// The same, ready to be compared with many packets.
    pub(super) fn compiled(&self, bindings: &Bindings) -> Compiled {
        let hex = self.hex.map(|hex| Matcher::checked(&bare(hex), &Bindings::default()));
        Compiled { text: Matcher::checked(self.text, bindings), hex, is_any: self.text == ANY_LINES }
    }
}

/// An expected packet whose matchers are compiled.
pub(super) struct Compiled {
    /// What it says.
    pub(super) text: Matcher,
    hex: Option<Matcher>,
    /// It stands for any number of packets.
    pub(super) is_any: bool,
}

impl Compiled {
    /// Whether the packet is that one.
    pub(super) fn matches(&self, packet: &Packet) -> bool {
        self.text.matches(&packet.text) && self.hex.as_ref().is_none_or(|hex| hex.matches(&bare(&packet.hex)))
    }

    /// Whether its bytes are written.
    pub(super) fn has_hex(&self) -> bool {
        self.hex.is_some()
    }
}

/// Hex digits in one form.
fn bare(hex: &str) -> String {
    hex.replace(' ', "").to_ascii_lowercase()
}

/// A packet that went over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// `> mail <a@example.org>`, `< continue`; queue ids are written as `[qid]`.
    pub text: String,
    /// Its bytes: the length, the code, the payload. Empty where the text is no packet, such as `> [close]`.
    pub hex: String,
}

impl Packet {
    /// As a scenario writes it, with its bytes if that is wanted.
    pub(super) fn written(&self, with_hex: bool) -> String {
        if with_hex && !self.hex.is_empty() { format!("{} | {}", self.text, self.hex) } else { self.text.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_stand_behind_a_bar() {
        let packet = Packet { text: "> mail <a@b>".into(), hex: "00000007 4d 3c61406200".into() };
        for (line, fits) in [
            ("> mail <a@b>", true),
            ("> mail <[..]>", true),
            ("> mail <a@b> | 000000074d3c61406200", true),
            ("> mail <a@b>   | 00000007 4D [..]00", true),
            ("> mail <a@b> | 00000008 4d 3c61406200", false),
            ("> mail <a@c> | 00000007 4d 3c61406200", false),
        ] {
            assert_eq!(Expected::new(line).compiled(&Bindings::default()).matches(&packet), fits, "{line}");
        }
        assert_eq!(Expected::new("< addheader X: a | text").hex, None);
    }
}
