//! What can be wrong with a filter: for every case of the battery one that it has to find.

use milter_proto::{Command, codes};

use crate::{
    filter::Seen,
    manners::{Packet, of_answers, of_edits},
};

/// The one fault of a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It has none.
    None,
    OverVersion,
    OverActions,
    OverProtocol,
    NeedsMacros,
    NeedsHelo,
    NeedsHeader,
    NeedsEoh,
    NeedsBody,
    NeedsBrackets,
    NeedsSender,
    NeedsPlainClient,
    NeedsWholePackets,
    AnswersMacros,
    AnswersAbort,
    AnswersPromised,
    TrustsItsWishes,
    SkipsHeaders,
    SkipsUnasked,
    EditsUnasked,
    ClosesAtLists,
    ClosesAtArguments,
    ClosesAtQuitNc,
    ClosesAtEmptyMacros,
    ClosesAtEmptyValues,
    ClosesAtContentMacros,
    ClosesAtEightBit,
    ClosesAtFolds,
    ClosesAtStrangeNames,
    ClosesAtNul,
    ClosesAtOddLines,
    ClosesAtEmptyChunks,
    OffByOne,
    SmallPackets,
    FewRecipients,
    FewHeaders,
    FewChunks,
    SmallBodies,
    OneMessage,
    DropsTheRest,
    NeverCloses,
    OneAtATime,
    FiftyAtATime,
    ManyButNotAll,
    DiesOfNonsense,
    DiesOfSilence,
    KeepsFiles,
    KeepsThreads,
    KeepsBodies,
    KeepsNotes,
    KeepsContexts,
    Tires,
    KeepsMessages,
    SharesMessages,
    DiscardsClients,
    ClosesAtPercent,
    LosesVerdict,
    /// It answers QUIT, and the end of input.
    AnswersEnd,
    /// An abort too.
    AnswersEndAndAbort,
    /// It sends these at the end of each message.
    Edits(&'static [Packet]),
    /// It sends this in place of its answer at the end of each message.
    Answers(Packet),
}

impl Fault {
    /// The fault that the case has to find.
    pub(crate) fn found_by(id: &str) -> Self {
        let (group, name) = id.split_once('/').expect("ids have a slash");
        match group {
            "negotiate" => of_negotiation(name),
            "order" => of_order(name),
            "message" | "promise" => of_messages(name),
            "state" if name == "two-connections" => Self::SharesMessages,
            "state" => Self::KeepsMessages,
            "edits" => of_edits(name),
            "answers" => of_answers(name),
            "macros" => of_macros(name),
            "content" => of_content(name),
            "transport" => match name {
                "one-byte-writes" | "split-length" => Self::NeedsWholePackets,
                "coalesced" => Self::DropsTheRest,
                "half-close" => Self::LosesVerdict,
                _ => Self::FewHeaders,
            },
            "illegal" | "malformed" | "nonsense" => Self::DiesOfNonsense,
            "silent" => Self::OneAtATime,
            "disconnect" => Self::DiesOfSilence,
            "load" => match name {
                "connections-100" => Self::FiftyAtATime,
                "long-header" => Self::Tires,
                _ => Self::ManyButNotAll,
            },
            "leak" => match name {
                "open-files" => Self::KeepsFiles,
                "threads" => Self::KeepsThreads,
                "memory-of-messages" => Self::KeepsNotes,
                "memory-of-connections" => Self::KeepsContexts,
                _ => Self::KeepsBodies,
            },
            _ => Self::None,
        }
    }

    /// How many connections are served at once.
    pub(crate) fn seats(self) -> usize {
        match self {
            Self::OneAtATime => 1,
            Self::FiftyAtATime => 50,
            Self::ManyButNotAll => 500,
            _ => 100_000,
        }
    }

    /// Whether a filter that dies of strange things dies of this, though it is well formed.
    pub(crate) fn is_odd(self, command: &Command) -> bool {
        if self != Self::DiesOfNonsense {
            return false;
        }
        match command {
            Command::Macro { for_command, .. } => *for_command == b'!',
            Command::Mail { sender, .. } => sender.len() > 1000,
            Command::BodyEob(bytes) => !bytes.is_empty(),
            Command::Connect { address, .. } => address.ip().is_none(),
            _ => false,
        }
    }

    /// Whether it closes the connection at this.
    pub(crate) fn closes_at(self, command: &Command, seen: &Seen) -> bool {
        match (self, command) {
            (Self::ClosesAtLists, Command::Negotiate(offer)) => !offer.symlists.is_empty(),
            (Self::ClosesAtQuitNc, Command::QuitNc) => true,
            (Self::NeedsBrackets, Command::Mail { sender, .. }) => !sender.starts_with(b"<"),
            (Self::NeedsSender, Command::Mail { sender, .. }) => sender.len() <= 2,
            (Self::ClosesAtArguments, Command::Mail { args, .. }) => !args.is_empty(),
            (Self::NeedsPlainClient, Command::Connect { hostname, address }) => {
                hostname.starts_with(b"[")
                    || address.port().is_none_or(|port| port == 0)
                    || address.ip().is_none_or(|ip| ip.is_ipv6())
            }
            (Self::ClosesAtEmptyMacros, Command::Macro { pairs, .. }) => pairs.is_empty(),
            (Self::ClosesAtEmptyValues, Command::Macro { pairs, .. }) => {
                pairs.iter().any(|(_, value)| value.is_empty())
            }
            (Self::ClosesAtContentMacros, Command::Macro { for_command, .. }) => {
                [codes::HEADER, codes::BODY, codes::UNKNOWN].contains(for_command)
            }
            (Self::ClosesAtEightBit, Command::Macro { pairs, .. }) => {
                pairs.iter().any(|(_, value)| std::str::from_utf8(value).is_err())
            }
            (Self::SmallPackets, Command::Macro { pairs, .. }) => {
                pairs.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > 1000
            }
            (_, Command::Header { name, value }) => self.closes_at_header(name, value, seen),
            (_, Command::Body(bytes)) => self.closes_at_body(bytes, seen),
            _ => false,
        }
    }

    fn closes_at_header(self, name: &[u8], value: &[u8], seen: &Seen) -> bool {
        match self {
            Self::ClosesAtEightBit => std::str::from_utf8(value).is_err(),
            Self::ClosesAtFolds => value.contains(&b'\n'),
            Self::ClosesAtEmptyValues => value.is_empty(),
            Self::ClosesAtStrangeNames => {
                !name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-') || name.is_empty()
            }
            Self::ClosesAtPercent => value.contains(&b'%'),
            Self::SmallPackets => value.len() > 1000,
            Self::FewHeaders => seen.headers > 500,
            _ => false,
        }
    }

    fn closes_at_body(self, bytes: &[u8], seen: &Seen) -> bool {
        match self {
            Self::ClosesAtEightBit => std::str::from_utf8(bytes).is_err(),
            Self::ClosesAtNul => bytes.contains(&0),
            Self::ClosesAtOddLines => {
                !bytes.ends_with(b"\r\n") || bytes.windows(2).any(|pair| pair[0] != b'\r' && pair[1] == b'\n')
            }
            Self::ClosesAtEmptyChunks => bytes.is_empty(),
            Self::OffByOne => bytes.len() >= milter_proto::limits::PAYLOAD_MAX,
            Self::SmallPackets => bytes.len() > 1000,
            Self::FewChunks => seen.chunks > 1,
            Self::SmallBodies => seen.body_bytes > 100_000,
            _ => false,
        }
    }

    /// Whether it gives no answer where one is due.
    pub(crate) fn is_silent_at(self, command: &Command, seen: &Seen) -> bool {
        match (self, command) {
            (Self::NeedsMacros, Command::Mail { .. }) => seen.macros == 0,
            (Self::NeedsHelo, Command::Mail { .. }) => seen.helos == 0,
            (Self::NeedsHeader, Command::BodyEob(_)) => seen.headers == 0,
            (Self::NeedsEoh, Command::BodyEob(_)) => !seen.eoh,
            (Self::NeedsBody, Command::BodyEob(_)) => seen.chunks == 0,
            (Self::FewRecipients, Command::Rcpt { .. }) => seen.rcpts > 500,
            (Self::OneMessage, Command::Mail { .. }) => seen.messages > 0,
            _ => false,
        }
    }
}

fn of_negotiation(name: &str) -> Fault {
    const STEPS: [&str; 6] = ["NO_", "NR_", "SKIP", "RCPT_REJ", "HDR_LEADSPC", "MDS"];
    match name {
        "nothing-offered" => Fault::OverActions,
        "lists-in-the-offer" => Fault::ClosesAtLists,
        "no-macros" => Fault::NeedsMacros,
        "version-0" | "version-1" | "short" | "empty" | "twice" | "not-first" => Fault::DiesOfNonsense,
        _ => match name.strip_prefix("without-") {
            Some(flag) if STEPS.iter().any(|step| flag.starts_with(step)) => Fault::OverProtocol,
            Some(_) => Fault::OverActions,
            None => Fault::OverVersion,
        },
    }
}

fn of_order(name: &str) -> Fault {
    match name {
        "as-sendmail" | "as-postfix" => Fault::AnswersMacros,
        "helo-twice" | "tls" => Fault::AnswersAbort,
        "no-helo" => Fault::NeedsHelo,
        "unknown" => Fault::AnswersPromised,
        "many-recipients" => Fault::FewRecipients,
        "arguments" => Fault::ClosesAtArguments,
        "null-sender" => Fault::NeedsSender,
        "empty-sender" | "no-brackets" => Fault::NeedsBrackets,
        _ => Fault::NeedsPlainClient,
    }
}

fn of_messages(name: &str) -> Fault {
    match name {
        "two" | "unlike" | "hundred" | "helo-between" => Fault::OneMessage,
        "quit-nc" | "quit-nc-without-a-message" => Fault::ClosesAtQuitNc,
        "quit" | "quit-in-a-message" => Fault::NeverCloses,
        "no-reply" => Fault::AnswersPromised,
        "reply-where-it-must" => Fault::TrustsItsWishes,
        "every-event" => Fault::OverProtocol,
        "skip" => Fault::SkipsHeaders,
        "skip-withheld" => Fault::SkipsUnasked,
        "edits-withheld" => Fault::EditsUnasked,
        _ => Fault::AnswersAbort,
    }
}

fn of_macros(name: &str) -> Fault {
    match name {
        "empty-block" => Fault::ClosesAtEmptyMacros,
        "empty-value" => Fault::ClosesAtEmptyValues,
        "for-content" => Fault::ClosesAtContentMacros,
        "huge-value" | "many" => Fault::SmallPackets,
        "eight-bit" => Fault::ClosesAtEightBit,
        "odd-count" | "no-end" | "no-command" | "for-nothing-known" => Fault::DiesOfNonsense,
        _ => Fault::AnswersMacros,
    }
}

fn of_content(name: &str) -> Fault {
    match name {
        "no-body" => Fault::NeedsBody,
        "no-header" | "nothing" => Fault::NeedsHeader,
        "no-end-of-header" => Fault::NeedsEoh,
        "eight-bit-header" | "eight-bit-body" => Fault::ClosesAtEightBit,
        "folded-header" => Fault::ClosesAtFolds,
        "empty-value" => Fault::ClosesAtEmptyValues,
        "strange-name" | "empty-name" | "spaced-name" | "eight-bit-name" => Fault::ClosesAtStrangeNames,
        "percent" => Fault::ClosesAtPercent,
        "long-header" | "long-line" => Fault::SmallPackets,
        "longer-header" => Fault::DiesOfNonsense,
        "many-headers" | "same-header" => Fault::FewHeaders,
        "nul-in-body" => Fault::ClosesAtNul,
        "bare-line-ends" | "split-line-end" | "no-last-line-end" => Fault::ClosesAtOddLines,
        "empty-chunk" => Fault::ClosesAtEmptyChunks,
        "full-chunk" => Fault::OffByOne,
        "small-chunks" => Fault::FewChunks,
        _ => Fault::SmallBodies,
    }
}
