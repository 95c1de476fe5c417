//! What an earlier refusal does to the commands after it.

use super::{filter::Verdict, reply_text, session::Sendmail, text};
use crate::smtp::Reply;

/// What an earlier refusal does to the commands after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Access {
    Open,
    /// Every MAIL is refused for now.
    Tempfail,
    /// Nearly everything is refused: the text of a `550 5.0.0`, or a whole reply of a filter.
    Null(NullText),
}

/// The words of a session in which nearly everything is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NullText {
    Plain(&'static str),
    Filter(Vec<u8>),
}

impl Sendmail {
    /// A filter, or the lack of one, refuses the connection: the banner says so, or the commands after it.
    pub(super) fn refuse_connection(&mut self, verdict: Verdict, what: &str, ending: &str) -> Reply {
        let verdict = match verdict {
            Verdict::Code(text) if reply_text::ends_session(&text) => Verdict::Shutdown,
            Verdict::Code(text) if text.starts_with(b"4") => Verdict::Tempfail,
            Verdict::Code(_) => Verdict::Reject,
            other => other,
        };
        let hostname = self.host.settings.hostname.clone();
        match verdict {
            Verdict::Reject => {
                self.log(&format!("Milter: {what}, rejecting commands"));
                self.access = Access::Null(NullText::Plain(text::NOT_ACCEPTING));
                self.unfiltered = true;
                Reply::line(format!("554 {hostname} ESMTP not accepting messages"))
            }
            Verdict::Tempfail => {
                self.log(&format!("Milter: {what}, temp failing commands"));
                self.access = Access::Tempfail;
                self.unfiltered = true;
                text::greeting(&self.host, self.release)
            }
            Verdict::Shutdown => {
                self.log(&format!("Milter: {what}, {ending}"));
                Reply::line(format!("421 4.7.0 {hostname} closing connection")).closing()
            }
            _ => text::greeting(&self.host, self.release),
        }
    }

    /// After a refusal of the connection or of HELO only a few commands are still served.
    pub(super) fn refused_by_access(&self, verb: &str) -> Option<Reply> {
        let Access::Null(text) = &self.access else { return None };
        let served = matches!(verb, "QUIT" | "HELO" | "EHLO" | "NOOP" | "RSET");
        (!served).then(|| match text {
            NullText::Plain(text) => Reply::line(format!("550 5.0.0 {text}")),
            NullText::Filter(text) => reply_text::reply(self.release, text, None),
        })
    }
}
