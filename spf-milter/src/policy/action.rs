//! What can be done with a message.

use spf::SpfResult;

use super::code::ReplyCode;
use crate::template::Template;

/// What happens to a message whose check ended in a certain result.
#[derive(Clone, Debug)]
pub(crate) enum Rule {
    /// The message goes on, and nothing is recorded in its header.
    Accept,
    /// The message goes on, with the result recorded in its header.
    Header,
    /// The client is refused.
    Refuse(Refusal),
    /// The MTA keeps the message in its quarantine or hold queue, for this reason.
    Quarantine(Template),
    /// The message is taken and thrown away.
    Discard,
    /// The subject gets this text in front.
    Tag(Template),
}

impl Rule {
    /// Whether the message goes on as if the rule did not exist, but for the header.
    pub(crate) fn is_lenient(&self) -> bool {
        matches!(self, Self::Accept | Self::Header)
    }

    /// Whether the message does not reach its recipients.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, Self::Refuse(_) | Self::Discard)
    }
}

/// A reply that refuses a command, for ever (5xx) or for now (4xx).
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    /// Reply code and enhanced code.
    pub(crate) code: ReplyCode,
    /// The text, if the domain does not explain itself.
    pub(crate) text: Template,
    /// The text for a domain that publishes an explanation.
    pub(crate) text_explained: Template,
}

/// What a rule does, in the configuration's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Let through without a word.
    Accept,
    /// Let through and record.
    Header,
    /// Refuse with a 5xx reply.
    Reject,
    /// Refuse with a 4xx reply.
    Tempfail,
    /// Hold for inspection.
    Quarantine,
    /// Take and throw away.
    Discard,
    /// Mark the subject.
    Tag,
}

impl Action {
    /// The configuration's words.
    pub(crate) const WORDS: [(&'static str, Self); 7] = [
        ("accept", Self::Accept),
        ("header", Self::Header),
        ("reject", Self::Reject),
        ("tempfail", Self::Tempfail),
        ("quarantine", Self::Quarantine),
        ("discard", Self::Discard),
        ("tag", Self::Tag),
    ];

    /// The word for it.
    pub(crate) fn word(self) -> &'static str {
        Self::WORDS[self as usize].0
    }

    /// What is done with the result of the identity that decides unless the configuration says otherwise.
    ///
    /// RFC 7208 section 8: only `fail` is a clear statement against the client (§8.4), and a transient error is
    /// worth another try (§8.6); the rest is recorded.
    pub(crate) fn default_for(result: SpfResult) -> Self {
        match result {
            SpfResult::Fail => Self::Reject,
            SpfResult::Temperror => Self::Tempfail,
            SpfResult::None | SpfResult::Neutral | SpfResult::Pass | SpfResult::Softfail | SpfResult::Permerror => {
                Self::Header
            }
        }
    }

    /// The same for a HELO name with rules of its own: an error leaves the decision to the sender's check.
    pub(crate) fn default_for_helo(result: SpfResult) -> Self {
        if result == SpfResult::Fail { Self::Reject } else { Self::Header }
    }

    /// The first digit of the replies; none where nothing is refused.
    pub(crate) fn reply_class(self) -> Option<u8> {
        match self {
            Self::Reject => Some(5),
            Self::Tempfail => Some(4),
            Self::Accept | Self::Header | Self::Quarantine | Self::Discard | Self::Tag => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_fail_and_temperror_are_refused_by_default() {
        let table: Vec<_> = SpfResult::ALL
            .into_iter()
            .map(|result| {
                let action = Action::default_for(result);
                let code = action.reply_class().map(|class| ReplyCode::default_for(result, class).to_string());
                let helo = Action::default_for_helo(result).word();
                format!("{result:10}{} {} (HELO: {helo})", action.word(), code.unwrap_or_default())
            })
            .collect();
        insta::assert_snapshot!(table.join("\n"));
    }

    #[test]
    fn every_action_is_found_by_its_word() {
        for (word, action) in Action::WORDS {
            assert_eq!(action.word(), word);
        }
    }
}
