//! What a scripted filter does at an event.

use std::time::Duration;

use milter_proto::{Frame, Reply};

use super::text::{hex, unescape};
use crate::scenario::{Unknown, parse_duration};

/// One thing that the filter does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    /// It sends these bytes.
    Send {
        /// Complete packets, or not.
        bytes: Vec<u8>,
        /// The MTA takes them as the end of its wait, or the script wants nothing behind them.
        ends: bool,
    },
    /// It waits.
    Wait(Duration),
    /// It closes the connection.
    Close,
    /// It does nothing, and does not answer either.
    Nothing,
}

impl Action {
    /// An answer.
    pub(super) fn reply(reply: &Reply) -> Self {
        let mut bytes = Vec::new();
        reply.encode(&mut bytes);
        Self::Send { bytes, ends: reply.is_final() }
    }

    /// Whether nothing follows: a rule that does not end so goes on with `continue`.
    pub(super) fn ends(&self) -> bool {
        match self {
            Self::Send { ends, .. } => *ends,
            Self::Wait(_) => false,
            Self::Close | Self::Nothing => true,
        }
    }

    /// Reads `verb arguments`.
    ///
    /// # Errors
    /// What is wrong, and how to mend it.
    pub(super) fn parse(text: &str) -> Result<Self, Wrong> {
        let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
        let Some((_, example)) = VERBS.into_iter().find(|(name, _)| *name == verb) else {
            let unknown = Unknown::new("action", verb, VERBS.map(|(name, _)| name));
            return Err(Wrong { title: unknown.to_string(), help: unknown.help });
        };
        // Spaces at the start of a text are part of it: there is one between verb and text.
        build(verb, rest).map_err(|problem| Wrong { title: problem, help: format!("write it as `{example}`") })
    }
}

/// What is wrong with an action.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// As a lowercase fragment.
    pub(super) title: String,
    /// How to mend it.
    pub(super) help: String,
}

fn build(verb: &str, rest: &str) -> Result<Action, String> {
    if let Some(reply) = bare(verb) {
        return if rest.is_empty() { Ok(Action::reply(&reply)) } else { Err(format!("`{verb}` takes no text")) };
    }
    match verb {
        "close" => Ok(Action::Close),
        "none" => Ok(Action::Nothing),
        "wait" => parse_duration(rest.trim()).map(Action::Wait),
        "raw" => hex(rest).map(|bytes| Action::Send { bytes, ends: true }),
        "packet" => packet(rest),
        _ => with_text(verb, rest).map(|reply| Action::reply(&reply)),
    }
}

fn bare(verb: &str) -> Option<Reply> {
    Some(match verb {
        "continue" => Reply::Continue,
        "accept" => Reply::Accept,
        "reject" => Reply::Reject,
        "tempfail" => Reply::Tempfail,
        "discard" => Reply::Discard,
        "skip" => Reply::Skip,
        "progress" => Reply::Progress,
        "shutdown" => Reply::Shutdown,
        "connfail" => Reply::ConnFail,
        _ => return None,
    })
}

fn with_text(verb: &str, rest: &str) -> Result<Reply, String> {
    Ok(match verb {
        "reply" => Reply::ReplyCode(doubled(&needed(rest)?)),
        "addheader" => {
            let (name, value) = field(rest)?;
            Reply::AddHeader { name, value }
        }
        "insheader" => {
            let (index, (name, value)) = indexed(rest, field)?;
            Reply::InsertHeader { index, name, value }
        }
        "chgheader" => {
            let (index, (name, value)) = indexed(rest, field)?;
            Reply::ChangeHeader { index, name, value }
        }
        "delheader" => {
            let (index, name) = indexed(rest, needed)?;
            Reply::ChangeHeader { index, name, value: Vec::new() }
        }
        "replbody" => Reply::ReplaceBody(unescape(rest)?),
        "chgfrom" => {
            let (address, args) = address(rest)?;
            Reply::ChangeFrom { address, args }
        }
        "addrcpt" => match address(rest)? {
            (address, None) => Reply::AddRcpt(address),
            (address, args) => Reply::AddRcptPar { address, args },
        },
        "delrcpt" => Reply::DeleteRcpt(needed(rest)?),
        _ => Reply::Quarantine(unescape(rest)?),
    })
}

/// A packet with any code and any payload.
fn packet(rest: &str) -> Result<Action, String> {
    let (code, payload) = rest.split_once(' ').unwrap_or((rest, ""));
    let [code] = unescape(code)?[..] else { return Err("the code of a packet is one byte".to_owned()) };
    let mut bytes = Vec::new();
    Frame { code, payload: unescape(payload)? }.encode(&mut bytes);
    Ok(Action::Send { bytes, ends: true })
}

fn needed(text: &str) -> Result<Vec<u8>, String> {
    if text.trim().is_empty() { Err("the text is missing".to_owned()) } else { unescape(text) }
}

/// A percent sign in a reply text is the start of a format; two are one.
fn doubled(text: &[u8]) -> Vec<u8> {
    text.iter().flat_map(|&byte| std::iter::repeat_n(byte, if byte == b'%' { 2 } else { 1 })).collect()
}

/// `Name: value`; without the space the value begins right behind the colon.
fn field(text: &str) -> Result<(Vec<u8>, Vec<u8>), String> {
    let (name, value) = text.split_once(':').ok_or_else(|| "a header field is `Name: value`".to_owned())?;
    Ok((unescape(name)?, unescape(value.strip_prefix(' ').unwrap_or(value))?))
}

fn indexed<T>(text: &str, rest: impl Fn(&str) -> Result<T, String>) -> Result<(u32, T), String> {
    let (index, text) = text.split_once(' ').ok_or_else(|| "the index is missing".to_owned())?;
    let index = index.parse().map_err(|_| format!("`{index}` is not an index"))?;
    Ok((index, rest(text)?))
}

/// An address, and ESMTP arguments behind it.
fn address(text: &str) -> Result<(Vec<u8>, Option<Vec<u8>>), String> {
    let (address, args) = match text.split_once(' ') {
        Some((address, args)) => (address, Some(unescape(args)?)),
        None => (text, None),
    };
    Ok((needed(address)?, args))
}

/// Every verb, with an example.
const VERBS: [(&str, &str); 24] = [
    ("continue", "continue"),
    ("accept", "accept"),
    ("reject", "reject"),
    ("tempfail", "tempfail"),
    ("discard", "discard"),
    ("skip", "skip"),
    ("progress", "progress"),
    ("shutdown", "shutdown"),
    ("connfail", "connfail"),
    ("reply", "reply 550 5.7.1 text"),
    ("addheader", "addheader Name: value"),
    ("insheader", "insheader 0 Name: value"),
    ("chgheader", "chgheader 1 Name: value"),
    ("delheader", "delheader 1 Name"),
    ("replbody", "replbody text\\r\\n"),
    ("chgfrom", "chgfrom <user@example.com>"),
    ("addrcpt", "addrcpt <user@example.com>"),
    ("delrcpt", "delrcpt <user@example.com>"),
    ("quarantine", "quarantine reason"),
    ("wait", "wait 3s"),
    ("close", "close"),
    ("none", "none"),
    ("packet", "packet y 550 5.7.1 text\\0"),
    ("raw", "raw 00000001 63"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        match Action::parse(text) {
            Ok(Action::Send { bytes, .. }) => bytes,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn actions_become_packets() {
        assert_eq!(bytes("continue"), b"\0\0\0\x01c");
        assert_eq!(bytes("reply 550 5.7.1 100% no"), b"\0\0\0\x14y550 5.7.1 100%% no\0");
        assert_eq!(bytes("addheader X-A: one"), b"\0\0\0\x09hX-A\0one\0");
        assert_eq!(bytes("insheader 2 X-A:  one"), b"\0\0\0\x0ei\0\0\0\x02X-A\0 one\0");
        assert_eq!(bytes("delheader 1 Subject"), b"\0\0\0\x0em\0\0\0\x01Subject\0\0");
        assert_eq!(bytes("addrcpt <a@b> NOTIFY=NEVER"), b"\0\0\0\x142<a@b>\0NOTIFY=NEVER\0");
        assert_eq!(bytes("chgfrom <>"), b"\0\0\0\x04e<>\0");
        assert_eq!(bytes(r"replbody a\r\n"), b"\0\0\0\x04ba\r\n");
        assert_eq!(bytes(r"packet \xff a\0b"), b"\0\0\0\x04\xffa\0b");
        assert_eq!(bytes("raw 00 00"), [0, 0]);
    }

    #[test]
    fn what_an_answer_must_follow_is_known() {
        for (text, ends) in [("progress", false), ("addheader A: b", false), ("wait 1s", false), ("reject", true)] {
            assert_eq!(Action::parse(text).map(|action| action.ends()), Ok(ends), "{text}");
        }
        assert!(Action::Close.ends() && Action::Nothing.ends());
    }

    #[test]
    fn what_is_wrong_is_said_with_an_example() {
        for (text, title, help) in [
            ("rejcet", "unknown action `rejcet`", "did you mean `reject`?"),
            ("reject now", "`reject` takes no text", "write it as `reject`"),
            ("reply", "the text is missing", "write it as `reply 550 5.7.1 text`"),
            ("insheader X: y", "`X:` is not an index", "write it as `insheader 0 Name: value`"),
            ("addheader X", "a header field is `Name: value`", "write it as `addheader Name: value`"),
            ("packet yy x", "the code of a packet is one byte", r"write it as `packet y 550 5.7.1 text\0`"),
        ] {
            assert_eq!(Action::parse(text), Err(Wrong { title: title.to_owned(), help: help.to_owned() }));
        }
    }
}
