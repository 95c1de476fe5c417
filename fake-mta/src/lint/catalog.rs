//! Every lint: its name, its title, and what each MTA would do.

use std::fmt;

/// Defines the lints: a variant, its stable name, what it says, what sendmail does and what Postfix does.
macro_rules! lints {
    ($($lint:ident, $id:literal, $title:literal, $sendmail:literal, $postfix:literal;)+) => {
        /// Something that a careful filter does not do. The names are stable: scenarios and reports use them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Lint {
            $(#[doc = $title] $lint,)+
        }

        impl Lint {
            /// All lints, in the order of a session.
            pub const ALL: &'static [Self] = &[$(Self::$lint),+];

            /// The stable name: `edit-not-negotiated`.
            pub fn id(self) -> &'static str {
                match self { $(Self::$lint => $id),+ }
            }

            /// What is wrong, in a few words.
            pub fn title(self) -> &'static str {
                match self { $(Self::$lint => $title),+ }
            }

            /// What that MTA does when it meets this.
            pub fn outcome(self, mta: MtaKind) -> &'static str {
                match (self, mta) {
                    $((Self::$lint, MtaKind::Sendmail) => $sendmail, (Self::$lint, MtaKind::Postfix) => $postfix),+
                }
            }
        }
    };
}

/// An MTA that lints speak of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MtaKind {
    /// sendmail 8.17.
    Sendmail,
    /// Postfix 3.7.
    Postfix,
}

impl MtaKind {
    /// Both, in the order of the documentation.
    pub const ALL: [Self; 2] = [Self::Sendmail, Self::Postfix];
}

impl fmt::Display for MtaKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sendmail => "sendmail",
            Self::Postfix => "Postfix",
        })
    }
}

impl Lint {
    /// The lint of that name.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|lint| lint.id() == id)
    }
}

impl fmt::Display for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

// `fails`: the failure policy decides, F= of sendmail and milter_default_action of Postfix, and the filter is lost for the session.
lints! {
    NegotiateMalformed, "negotiate-malformed", "the answer to the offer cannot be read",
        "fails",
        "fails";
    NegotiateVersion, "negotiate-version", "the answer has a protocol version that was not offered",
        "takes 0 and 2 up to 0x01000002, fails at 1 and above",
        "takes any lower number, fails at a higher one";
    NegotiateActions, "negotiate-actions", "the filter wants actions that were not offered",
        "fails",
        "fails";
    NegotiateProtocol, "negotiate-protocol", "the filter wants protocol steps that were not offered",
        "fails",
        "takes it";
    SymlistMalformed, "symlist-malformed", "a macro list cannot be read",
        "stops reading the lists there, without a word",
        "passes over a stage that does not exist; fails at a list without its end";
    SymlistTooLong, "symlist-too-long", "a macro list has more than 50 names",
        "speaks its own error text into the SMTP dialogue",
        "takes it";
    SymlistEomAlone, "symlist-eom-alone", "of the macro lists for eoh and eom there is only one",
        "eom alone: ignores it; eoh alone: sends no macros at eom",
        "takes each for itself";
    EditOutsideEom, "edit-outside-eom", "an edit before the end of the message",
        "closes the connection; at connect to data the command itself still succeeds, at header to body the message fails",
        "fails at once; a quarantine at mail, rcpt or data is done, and the filter is asked no more";
    EditNotNegotiated, "edit-not-negotiated", "an edit that was not negotiated",
        "does it and logs that the filter lied; leaves a new body out and refuses the message with 451",
        "does it";
    EditMalformed, "edit-malformed", "an edit that cannot be read",
        "leaves it out",
        "fails";
    BodyInterleaved, "body-interleaved", "pieces of a new body with other edits between them",
        "joins them",
        "refuses the message with 451 4.3.5";
    DiscardTooEarly, "discard-too-early", "a discard where there is no message yet",
        "at connect: lets all mail pass and asks the filter no more; at helo: goes on",
        "goes on and logs a warning";
    SkipOutsideBody, "skip-outside-body", "a skip that does not answer a piece of the body",
        "at header and eoh: sends no body; at eom: fails; elsewhere: asks the filter no more in this session",
        "leaves out what follows of the same kind; at eom: goes on";
    SkipNotNegotiated, "skip-not-negotiated", "a skip that was not negotiated",
        "takes it",
        "takes it";
    ProgressOutsideEom, "progress-outside-eom", "a progress report before the end of the message",
        "closes the connection; at connect to data the command itself still succeeds, at header to body the message fails",
        "waits on";
    ReplyShutdown, "reply-shutdown", "a shutdown, which only Postfix knows",
        "closes the connection; at connect to data the command itself still succeeds, later the message fails",
        "at connect to data: 421; at header to eom: 250, and the message is lost";
    ReplyUnknown, "reply-unknown", "an answer that has no place in the protocol",
        "closes the connection; at connect to data the command itself still succeeds, later the message fails",
        "fails at once";
    ReplyWithPayload, "reply-with-payload", "an answer with bytes behind it",
        "ignores them",
        "fails";
    ReplyUnasked, "reply-unasked", "more answers than questions",
        "takes each for the answer to the next command",
        "takes each for the answer to the next command";
    ReplyAfterNoReply, "reply-after-no-reply", "an answer where the filter had promised none",
        "takes it for the answer to the next command that has one",
        "takes it for the answer to the next command that has one";
    ReplyMissing, "reply-missing", "no answer came in time",
        "fails after R= (10 s), also at eom",
        "fails after milter_command_timeout (30 s) or milter_content_timeout (300 s)";
    ConnectionLost, "connection-lost", "the filter closed the connection instead of an answer",
        "fails",
        "fails";
    PacketLength, "packet-length", "a packet whose length makes no sense",
        "waits for so many bytes; at 0 and beyond 2 GiB its process dies, and the client's connection with it",
        "fails";
    PacketTooLarge, "packet-too-large", "a packet above the size that was negotiated",
        "takes it",
        "takes it";
    TextNotTerminated, "text-not-terminated", "a reply text without NUL at its end",
        "sends its own text for the stage",
        "sends it, perhaps with stale bytes behind it";
    TextNul, "text-nul", "a reply text with a NUL inside",
        "sends its own text for the stage",
        "cuts it there";
    TextCode, "text-code", "a reply text that does not begin with a code of 4xx or 5xx",
        "sends its own text for the stage",
        "sends 451 4.3.5 and closes the connection to the filter";
    TextEnhancedClass, "text-enhanced-class", "an enhanced code of another class than the code",
        "sends it",
        "sends 451 4.3.5 and closes the connection to the filter";
    TextEnhancedMalformed, "text-enhanced-malformed", "an enhanced code that is none, or has no text behind it",
        "puts 4.0.0 or 5.0.0 before it",
        "sends it if its first digit is that of the code, else 451 4.3.5";
    TextMixedCodes, "text-mixed-codes", "a reply text whose lines have different codes, or a wrong sign behind them",
        "sends it",
        "sends it: only the first line is looked at";
    TextSinglePercent, "text-single-percent", "a single % in a reply text, which has to be doubled",
        "sends its own text for the stage",
        "leaves the % out";
    TextBareLf, "text-bare-lf", "a reply text with LF, not CRLF, between its lines",
        "sends it as lines",
        "sends it as lines";
    TextLoneCr, "text-lone-cr", "a reply text with a CR that no LF follows",
        "sends it",
        "sends it";
    TextControl, "text-control", "a reply text with control characters",
        "sends them",
        "sends them";
    TextEightBit, "text-eight-bit", "a reply text with bytes beyond ASCII",
        "strips their high bit",
        "sends them";
    TextLineTooLong, "text-line-too-long", "a line of a reply text above 512 bytes",
        "sends it",
        "sends it";
    HeaderName, "header-name", "a header name that is empty or has illegal characters",
        "writes it; ignores an empty one",
        "writes it; at chgheader an empty one is refused with 451 4.3.5";
    HeaderCr, "header-cr", "a header value with a CR",
        "drops it before LF, else writes it",
        "drops it before LF, else writes it";
    HeaderFold, "header-fold", "a header value whose next line does not begin with a space",
        "puts a space there",
        "puts a tab there";
    HeaderControl, "header-control", "a header value with control characters",
        "writes them",
        "writes them";
    HeaderLineTooLong, "header-line-too-long", "a header line above 998 bytes",
        "writes it",
        "writes it";
    HeaderIndex, "header-index", "a header index that no field has",
        "insheader: appends, negative ones go to the top; chgheader: 0 means 1, beyond the last one it adds",
        "insheader: appends; chgheader: 0 means 1, beyond the last one it adds";
    AddressBrackets, "address-brackets", "an address without angle brackets",
        "takes it",
        "takes it";
    AddressControl, "address-control", "an address with control characters",
        "takes it as it is",
        "takes it as it is";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_again_and_none_is_there_twice() {
        for lint in Lint::ALL {
            assert_eq!(Lint::from_id(lint.id()), Some(*lint));
            assert!(lint.id().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{lint}");
        }
        assert_eq!(Lint::from_id("edit"), None);
    }
}
