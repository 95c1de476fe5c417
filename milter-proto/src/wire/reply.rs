//! What a filter answers.

use std::{borrow::Cow, fmt};

use super::{codes, escape::Escaped, negotiate::Negotiate, reply_text::undouble};
use crate::limits::SHOWN_BODY_MAX;

/// A packet from the filter to the MTA (`SMFIR_*`).
///
/// Strings are bytes without their NUL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// What the filter takes of the MTA's offer.
    #[doc(alias = "SMFIC_OPTNEG")]
    Negotiate(Negotiate),
    /// Go on.
    #[doc(alias = "SMFIR_CONTINUE")]
    Continue,
    /// Take the message, or everything of this client, without asking this filter again.
    #[doc(alias = "SMFIR_ACCEPT")]
    Accept,
    /// Refuse for good.
    #[doc(alias = "SMFIR_REJECT")]
    Reject,
    /// Refuse for now.
    #[doc(alias = "SMFIR_TEMPFAIL")]
    Tempfail,
    /// Take the message and throw it away.
    #[doc(alias = "SMFIR_DISCARD")]
    Discard,
    /// Refuse with this text, `%` still doubled; [`ReplyText`](crate::ReplyText) makes well-formed ones.
    #[doc(alias = "SMFIR_REPLYCODE")]
    ReplyCode(Vec<u8>),
    /// Do not send the rest of the body.
    #[doc(alias = "SMFIR_SKIP")]
    Skip,
    /// Still working: the MTA waits longer.
    #[doc(alias = "SMFIR_PROGRESS")]
    Progress,
    /// Close the SMTP session with 421; known to Postfix alone.
    #[doc(alias = "SMFIR_SHUTDOWN")]
    Shutdown,
    /// Known to nobody.
    #[doc(alias = "SMFIR_CONN_FAIL")]
    ConnFail,
    /// Add a header field at the end.
    #[doc(alias = "SMFIR_ADDHEADER")]
    AddHeader {
        /// The name without its colon.
        name: Vec<u8>,
        /// The value; folded lines are joined by LF.
        value: Vec<u8>,
    },
    /// Insert a header field.
    #[doc(alias = "SMFIR_INSHEADER")]
    InsertHeader {
        /// Where, from 0 at the top.
        index: u32,
        /// The name without its colon.
        name: Vec<u8>,
        /// The value; folded lines are joined by LF.
        value: Vec<u8>,
    },
    /// Change a header field; an empty value deletes it.
    #[doc(alias = "SMFIR_CHGHEADER")]
    ChangeHeader {
        /// Which one of that name, from 1 at the top.
        index: u32,
        /// The name without its colon.
        name: Vec<u8>,
        /// The new value, or nothing.
        value: Vec<u8>,
    },
    /// Replace the body, or go on replacing it.
    #[doc(alias = "SMFIR_REPLBODY")]
    ReplaceBody(Vec<u8>),
    /// Change the sender.
    #[doc(alias = "SMFIR_CHGFROM")]
    ChangeFrom {
        /// The new sender.
        address: Vec<u8>,
        /// ESMTP parameters with spaces between them.
        args: Option<Vec<u8>>,
    },
    /// Add a recipient.
    #[doc(alias = "SMFIR_ADDRCPT")]
    AddRcpt(Vec<u8>),
    /// Add a recipient with ESMTP parameters.
    #[doc(alias = "SMFIR_ADDRCPT_PAR")]
    AddRcptPar {
        /// The recipient.
        address: Vec<u8>,
        /// ESMTP parameters with spaces between them.
        args: Option<Vec<u8>>,
    },
    /// Delete a recipient.
    #[doc(alias = "SMFIR_DELRCPT")]
    DeleteRcpt(Vec<u8>),
    /// Keep the message in quarantine, for this reason.
    #[doc(alias = "SMFIR_QUARANTINE")]
    Quarantine(Vec<u8>),
}

impl Reply {
    /// The code byte; see [`codes`].
    pub fn code(&self) -> u8 {
        match self {
            Self::Negotiate(_) => codes::NEGOTIATE,
            Self::Continue => codes::CONTINUE,
            Self::Accept => codes::ACCEPT,
            Self::Reject => codes::REJECT,
            Self::Tempfail => codes::TEMPFAIL,
            Self::Discard => codes::DISCARD,
            Self::ReplyCode(_) => codes::REPLY_CODE,
            Self::Skip => codes::SKIP,
            Self::Progress => codes::PROGRESS,
            Self::Shutdown => codes::SHUTDOWN,
            Self::ConnFail => codes::CONN_FAIL,
            Self::AddHeader { .. } => codes::ADD_HEADER,
            Self::InsertHeader { .. } => codes::INSERT_HEADER,
            Self::ChangeHeader { .. } => codes::CHANGE_HEADER,
            Self::ReplaceBody(_) => codes::REPLACE_BODY,
            Self::ChangeFrom { .. } => codes::CHANGE_FROM,
            Self::AddRcpt(_) => codes::ADD_RCPT,
            Self::AddRcptPar { .. } => codes::ADD_RCPT_PAR,
            Self::DeleteRcpt(_) => codes::DELETE_RCPT,
            Self::Quarantine(_) => codes::QUARANTINE,
        }
    }

    /// The name for messages, as in `addheader reply`.
    pub fn name(&self) -> &'static str {
        name_of(self.code())
    }

    /// Whether it edits the message: legal only at its end, before the final reply.
    pub fn is_modification(&self) -> bool {
        matches!(
            self,
            Self::AddHeader { .. }
                | Self::InsertHeader { .. }
                | Self::ChangeHeader { .. }
                | Self::ReplaceBody(_)
                | Self::ChangeFrom { .. }
                | Self::AddRcpt(_)
                | Self::AddRcptPar { .. }
                | Self::DeleteRcpt(_)
                | Self::Quarantine(_)
        )
    }

    /// Whether it ends the MTA's wait for an answer to a command.
    pub fn is_final(&self) -> bool {
        matches!(
            self,
            Self::Continue
                | Self::Accept
                | Self::Reject
                | Self::Tempfail
                | Self::Discard
                | Self::ReplyCode(_)
                | Self::Skip
                | Self::Shutdown
        )
    }
}

impl fmt::Display for Reply {
    /// One line as scenarios write it: `reply 550 5.7.1 no`, `insheader 0 X-A: b`. Control characters are escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Negotiate(answer) => write!(f, "negotiate {answer}"),
            Self::Continue => f.write_str("continue"),
            Self::Accept => f.write_str("accept"),
            Self::Reject => f.write_str("reject"),
            Self::Tempfail => f.write_str("tempfail"),
            Self::Discard => f.write_str("discard"),
            Self::Skip => f.write_str("skip"),
            Self::Progress => f.write_str("progress"),
            Self::Shutdown => f.write_str("shutdown"),
            Self::ConnFail => f.write_str("connfail"),
            Self::ReplyCode(text) => write_words(f, "reply", &[&undouble(text)]),
            Self::AddHeader { name, value } => write!(f, "addheader {}: {}", Escaped(name), Escaped(value)),
            Self::InsertHeader { index, name, value } => {
                write!(f, "insheader {index} {}: {}", Escaped(name), Escaped(value))
            }
            Self::ChangeHeader { index, name, value } if value.is_empty() => {
                write!(f, "delheader {index} {}", Escaped(name))
            }
            Self::ChangeHeader { index, name, value } => {
                write!(f, "chgheader {index} {}: {}", Escaped(name), Escaped(value))
            }
            Self::ReplaceBody(bytes) => write_words(f, "replbody", &[&shown_body(bytes)]),
            Self::ChangeFrom { address, args } => {
                write_words(f, "chgfrom", &[address, args.as_deref().unwrap_or_default()])
            }
            Self::AddRcpt(address) => write_words(f, "addrcpt", &[address]),
            Self::AddRcptPar { address, args } => {
                write_words(f, "addrcpt", &[address, args.as_deref().unwrap_or_default()])
            }
            Self::DeleteRcpt(address) => write_words(f, "delrcpt", &[address]),
            Self::Quarantine(reason) => write_words(f, "quarantine", &[reason]),
        }
    }
}

/// The verb and the words that are not empty.
fn write_words(f: &mut fmt::Formatter<'_>, verb: &str, words: &[&[u8]]) -> fmt::Result {
    f.write_str(verb)?;
    words.iter().filter(|word| !word.is_empty()).try_for_each(|word| write!(f, " {}", Escaped(word)))
}

/// A short body itself, and of a long one its size.
fn shown_body(bytes: &[u8]) -> Cow<'_, [u8]> {
    if bytes.len() <= SHOWN_BODY_MAX {
        return Cow::Borrowed(bytes);
    }
    Cow::Owned(format!("{} bytes", bytes.len()).into_bytes())
}

/// The name of the reply with that code.
pub(super) fn name_of(code: u8) -> &'static str {
    match code {
        codes::NEGOTIATE => "negotiate reply",
        codes::CONTINUE => "continue reply",
        codes::ACCEPT => "accept reply",
        codes::REJECT => "reject reply",
        codes::TEMPFAIL => "tempfail reply",
        codes::DISCARD => "discard reply",
        codes::REPLY_CODE => "replycode reply",
        codes::SKIP => "skip reply",
        codes::PROGRESS => "progress reply",
        codes::SHUTDOWN => "shutdown reply",
        codes::CONN_FAIL => "connfail reply",
        codes::ADD_HEADER => "addheader reply",
        codes::INSERT_HEADER => "insheader reply",
        codes::CHANGE_HEADER => "chgheader reply",
        codes::REPLACE_BODY => "replbody reply",
        codes::CHANGE_FROM => "chgfrom reply",
        codes::ADD_RCPT => "addrcpt reply",
        codes::ADD_RCPT_PAR => "addrcpt_par reply",
        codes::DELETE_RCPT => "delrcpt reply",
        codes::QUARANTINE => "quarantine reply",
        _ => "reply",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(reply: &Reply) -> String {
        reply.to_string()
    }

    #[test]
    fn replies_are_shown_as_scenarios_write_them() {
        let (name, value) = (b"X-A".to_vec(), b"a\n\tb".to_vec());
        let header = |value: &[u8]| Reply::ChangeHeader { index: 2, name: b"X-A".to_vec(), value: value.to_vec() };
        let address = b"<a@b.example>".to_vec();
        for (reply, expected) in [
            (Reply::ReplyCode(b"550 5.7.1 100%% no\r\n".to_vec()), "reply 550 5.7.1 100% no\\r\\n"),
            (Reply::AddHeader { name: name.clone(), value: value.clone() }, "addheader X-A: a\\n\\tb"),
            (Reply::InsertHeader { index: 0, name, value }, "insheader 0 X-A: a\\n\\tb"),
            (header(b"new"), "chgheader 2 X-A: new"),
            (header(b""), "delheader 2 X-A"),
            (Reply::ReplaceBody(b"hi\r\n".to_vec()), "replbody hi\\r\\n"),
            (Reply::ReplaceBody(vec![b'x'; 5000]), "replbody 5000 bytes"),
            (Reply::ReplaceBody(Vec::new()), "replbody"),
            (
                Reply::ChangeFrom { address: address.clone(), args: Some(b"RET=HDRS".to_vec()) },
                "chgfrom <a@b.example> RET=HDRS",
            ),
            (Reply::ChangeFrom { address: address.clone(), args: None }, "chgfrom <a@b.example>"),
            (Reply::AddRcpt(address.clone()), "addrcpt <a@b.example>"),
            (
                Reply::AddRcptPar { address: address.clone(), args: Some(b"NOTIFY=NEVER".to_vec()) },
                "addrcpt <a@b.example> NOTIFY=NEVER",
            ),
            (Reply::DeleteRcpt(address), "delrcpt <a@b.example>"),
            (Reply::Quarantine(b"virus?".to_vec()), "quarantine virus?"),
            (Reply::Quarantine(Vec::new()), "quarantine"),
            (Reply::ConnFail, "connfail"),
        ] {
            assert_eq!(shown(&reply), expected);
        }
    }

    #[test]
    fn a_reply_is_final_or_an_edit_or_neither() {
        assert!(Reply::Skip.is_final() && !Reply::Skip.is_modification());
        assert!(!Reply::Progress.is_final() && !Reply::Progress.is_modification());
        assert!(Reply::Quarantine(Vec::new()).is_modification());
    }
}
