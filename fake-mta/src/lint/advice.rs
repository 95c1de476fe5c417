//! Why each lint matters, and what the author of a filter does about it.

use super::Lint;

/// Defines what is said of the lints: why each matters, and what to do.
macro_rules! advice {
    ($($lint:ident, $why:literal, $remedy:literal;)+) => {
        impl Lint {
            /// What comes of it, beyond what the two MTAs do.
            pub fn why(self) -> &'static str {
                match self { $(Self::$lint => $why),+ }
            }

            /// What to do instead.
            pub fn remedy(self) -> &'static str {
                match self { $(Self::$lint => $remedy),+ }
            }
        }
    };
}

advice! {
    NegotiateMalformed,
        "The MTA cannot use the filter at all: mail passes it by, or is refused, as the failure policy says.",
        "Answer SMFIC_OPTNEG with three 32-bit numbers in network byte order: version, actions, protocol.";
    NegotiateVersion,
        "Numbers that one MTA puts up with end the session with the other one.",
        "Answer with the lower of your own version and the offered one; the common ones are 2 and 6.";
    NegotiateActions,
        "An action that the MTA does not know cannot be done, and both give such a filter up.",
        "Ask for `wanted & offered`, and do without the edits that are not granted.";
    NegotiateProtocol,
        "sendmail gives the filter up; with Postfix the step happens all the same, to a filter that does not expect it.",
        "Ask for `wanted & offered`, and be ready for every step that was not granted.";
    SymlistMalformed,
        "The filter does without macros that it asked for, or is given up.",
        "A list is a stage as a 32-bit number and the names with a NUL behind them; the stages are 0 to 6.";
    SymlistTooLong,
        "sendmail's own complaint stands in the SMTP dialogue, where clients take it for a reply.",
        "Ask for the macros that are used, at most 50 at a stage.";
    SymlistEomAlone,
        "sendmail mixes the two lists up: macros are missing at the end of the message.",
        "Set the lists for both stages, or for neither.";
    EditOutsideEom,
        "The connection is lost, and what the filter wanted to say of the message with it.",
        "Note what is to change, and send all edits in the answer to SMFIC_BODYEOB, before the verdict.";
    EditNotNegotiated,
        "MTAs may refuse the edit or the message; sendmail logs that the filter lied.",
        "Ask for the action in the negotiation: SMFIF_ADDHDRS for addheader and insheader, and so on.";
    EditMalformed,
        "The edit is lost without a word, or the filter is given up.",
        "End each text of the packet with NUL, and put numbers in 32 bits of network byte order before them.";
    BodyInterleaved,
        "Postfix refuses the message for now, and the sender tries again and again.",
        "Send all pieces of the new body one behind the other.";
    DiscardTooEarly,
        "There is no message yet that could be thrown away: it comes, and the filter may see none of it.",
        "Answer `discard` to MAIL at the earliest.";
    SkipOutsideBody,
        "Depending on the MTA the rest of the message is not shown, or the filter is given up.",
        "Answer `skip` to a piece of the body, and nowhere else.";
    SkipNotNegotiated,
        "MTAs that do not know it give the filter up.",
        "Ask for SMFIP_SKIP in the negotiation, and answer `continue` if it is not granted.";
    ProgressOutsideEom,
        "sendmail takes it for a broken filter and closes the connection.",
        "Report progress only while the answer to SMFIC_BODYEOB is due; be quick at the other steps.";
    ReplyShutdown,
        "Only Postfix knows it, and in the middle of a message it accepts and loses the message.",
        "Answer `tempfail`, or a reply of 421.";
    ReplyUnknown,
        "The connection is lost: either the filter speaks another protocol or its bytes are out of step.",
        "Look at the byte that begins the packet, and at the length of the one before.";
    ReplyWithPayload,
        "Postfix gives the filter up.",
        "An answer such as `continue` is a packet of length 1.";
    ReplyUnasked,
        "Every answer from then on belongs to the wrong command: a verdict hits the wrong recipient, or the wrong message.",
        "Answer each command once, and SMFIC_MACRO, SMFIC_ABORT and SMFIC_QUIT never.";
    ReplyAfterNoReply,
        "Every answer from then on belongs to the wrong command.",
        "Do not answer commands for which SMFIP_NR_… was granted, or do not ask for it.";
    ReplyMissing,
        "The client waits, and the MTA gives the filter up.",
        "Put a deadline on everything that is waited for (DNS, scanners), and at the end of the message report progress.";
    ConnectionLost,
        "The MTA cannot tell it from a crash: the failure policy decides about the mail.",
        "Answer before closing; close after SMFIC_QUIT. Look into the filter's log for a crash.";
    PacketLength,
        "sendmail may wait for bytes that never come, or die.",
        "The length is that of the command byte and what follows, in 32 bits of network byte order.";
    PacketTooLarge,
        "Both take it today; nothing says that they must.",
        "Send a new body in pieces of at most 65535 bytes, or of the size that was negotiated.";
    TextNotTerminated,
        "The client gets another text, or bytes of an earlier one.",
        "End the text of the reply with NUL.";
    TextNul,
        "The client gets another text, or a part of it.",
        "Have no NUL but the one at the end.";
    TextCode,
        "The client gets another reply: Postfix says 451 to what should have been refused.",
        "Begin with 4xx or 5xx, a space, and best an enhanced code.";
    TextEnhancedClass,
        "Clients may believe either of the two codes, and Postfix sends neither.",
        "Give both codes the same first digit: `550 5.7.1`, `451 4.7.1`.";
    TextEnhancedMalformed,
        "The client gets another code than was meant.",
        "Write three numbers with dots between them, of at most 1, 3 and 3 digits, and a text behind them: `5.7.1 no`.";
    TextMixedCodes,
        "Clients cannot tell which line counts.",
        "Begin every line with the same code, `-` behind it in all but the last line, and a space in that one.";
    TextSinglePercent,
        "sendmail drops the whole text, Postfix the sign.",
        "Double every `%` in texts of replies.";
    TextBareLf,
        "Next to the MTA's own lines a bare LF is an invitation to smuggle replies; another MTA need not mend it.",
        "Put CRLF between the lines.";
    TextLoneCr,
        "Clients take it for the end of a line, or for nothing.",
        "Take CR out of what comes from outside, and write CRLF between lines.";
    TextControl,
        "The bytes reach the logs and terminals of whoever reads the reply.",
        "Take control characters out of what comes from outside: from DNS, from the message.";
    TextEightBit,
        "Clients did not agree to anything but ASCII; sendmail makes other letters of the bytes.",
        "Write ASCII, or escape the rest.";
    TextLineTooLong,
        "RFC 5321 section 4.5.3.1.5: clients need not take it.",
        "Break the text into several lines of one code.";
    HeaderName,
        "The message has a field that other programs cannot read, or a line that they take for the body's first.",
        "Use letters, digits and `-`.";
    HeaderCr,
        "Programs take the CR for the end of the line: what comes behind it becomes a field of its own.",
        "Take CR out; fold with LF and a space.";
    HeaderFold,
        "The next line would be a field of its own, which somebody outside may have written.",
        "Begin each line but the first with a space or a tab.";
    HeaderControl,
        "The bytes reach whoever shows the message.",
        "Take control characters out of what comes from outside.";
    HeaderLineTooLong,
        "RFC 5322 section 2.1.1: the next hop may refuse the message or break the line, and signatures with it.",
        "Fold the value at about 78 characters.";
    HeaderIndex,
        "The field ends up where nobody meant it, or a second one is added in the place of a change.",
        "Count the fields that came, from 1 for chgheader (those of the same name) and from 0 for insheader.";
    AddressBrackets,
        "Both MTAs guess; another one may refuse the recipient.",
        "Write `<user@example.com>`.";
    AddressControl,
        "The address reaches the queue and the next hop as it is.",
        "Refuse such an address; do not pass it on.";
}
