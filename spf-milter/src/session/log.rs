//! The log line of a message, and text in log lines.

use std::fmt;

use spf::SpfResult;

use super::message::{Judged, Message, Spared};
use crate::headers::{Charset, printable, shortened};
use crate::judge::Findings;
use crate::policy::{Rule, Waiver};

/// What is said of a message that was received whole.
pub(super) fn action(rule: &Rule, spared: Option<Spared>) -> String {
    let would = |rule: &Rule| match rule {
        Rule::Accept | Rule::Header => "accepted".to_owned(),
        Rule::Refuse(refusal) => format!("refused with {}", refusal.code),
        Rule::Quarantine(_) => "quarantined".to_owned(),
        Rule::Discard => "discarded".to_owned(),
        Rule::Tag(_) => "tagged".to_owned(),
    };
    match spared {
        _ if rule.is_lenient() => would(rule),
        None => would(rule),
        Some(Spared::Waived(Waiver::DryRun)) => format!("would be {}", would(rule)),
        Some(Spared::Waived(Waiver::Dmarc)) => format!("left to DMARC: would be {}", would(rule)),
        Some(Spared::Exempt(exemption)) => format!("exempt: {}: would be {}", exemption.as_str(), would(rule)),
    }
}

impl Message {
    /// Writes the line of a message that ended before its end of data; does nothing if there is one already.
    pub(super) fn log_unfinished(&mut self) {
        self.log("unfinished");
    }

    /// Writes the message's line into the log, once.
    pub(super) fn log(&mut self, action: &str) {
        if std::mem::replace(&mut self.logged, true) {
            return;
        }
        let text = |text: Option<&str>| text.unwrap_or("-").to_owned();
        let findings = if let Judged::Checked(findings) = &self.judged { Some(findings) } else { None };
        let check = findings.map(Findings::deciding);
        let cause = check.map(|check| check.outcome.cause.to_string());
        tracing::info!(
            queue_id = %LogText(text(self.queue_id.as_deref()).as_bytes()),
            ip = %self.ip,
            helo = %LogText(self.helo.as_deref().unwrap_or(b"-")),
            mail_from = %LogText(&[b"<", self.mail_from.as_slice(), b">"].concat()),
            identity = %check.map_or("-", |check| check.identity.as_str()),
            result = %check.map_or("-", |check| check.result().as_str()),
            mechanism = %LogText(text(check.and_then(|check| check.mechanism())).as_bytes()),
            cause = %LogText(text(cause.as_deref()).as_bytes()),
            helo_result = %findings.and_then(Findings::helo_result).map_or("-", SpfResult::as_str),
            action,
            lookups = check.map_or(0, |check| check.outcome.term_lookups),
            voids = check.map_or(0, |check| check.outcome.void_terms),
            ms = u64::try_from(self.elapsed.as_millis()).unwrap_or(u64::MAX),
            "checked",
        );
    }
}

/// Text from the network, shown in one piece: printable, not too long, and quoted where a blank, a quote or an
/// equals sign would blur where it ends.
pub(super) struct LogText<'a>(pub(super) &'a [u8]);

impl fmt::Display for LogText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = shortened(&printable(self.0, Charset::Utf8), TEXT_BYTES_MAX);
        let plain = !text.is_empty() && !text.contains([' ', '"', '\\', '=']);
        if plain { f.write_str(&text) } else { write!(f, "\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")) }
    }
}

/// The longest text in a log line.
const TEXT_BYTES_MAX: usize = 400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_keeps_to_its_place() {
        let table: [(&[u8], &str); 5] = [
            (b"a@b.example", "a@b.example"),
            (b"", "\"\""),
            (b"x result=pass", "\"x result=pass\""),
            (b"a\"b\\", r#""a\"b\\""#),
            (b"a\r\n\x1b[31m\xff", "a???[31m?"),
        ];
        for (text, shown) in table {
            assert_eq!(LogText(text).to_string(), shown);
        }
    }
}
