//! What an MTA sends.

use std::fmt;

use super::{address::Address, codes, escape::Escaped, negotiate::Negotiate};

/// A packet from the MTA to the filter (`SMFIC_*`).
///
/// Strings are bytes without their NUL. A NUL inside of one would end it early for whoever reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// The first packet of a connection: what the MTA offers.
    #[doc(alias = "SMFIC_OPTNEG")]
    Negotiate(Negotiate),
    /// Macro values that belong to the command that follows.
    #[doc(alias = "SMFIC_MACRO")]
    Macro {
        /// The code of that command.
        for_command: u8,
        /// Names as on the wire (`i`, `{auth_type}`), and values.
        pairs: Vec<(Vec<u8>, Vec<u8>)>,
    },
    /// An SMTP client connected.
    #[doc(alias = "SMFIC_CONNECT")]
    Connect {
        /// The client's verified name, or its address in brackets.
        hostname: Vec<u8>,
        /// The client's address.
        address: Address,
    },
    /// The argument of HELO or EHLO.
    #[doc(alias = "SMFIC_HELO")]
    Helo(Vec<u8>),
    /// MAIL FROM.
    #[doc(alias = "SMFIC_MAIL")]
    Mail {
        /// The sender as the client wrote it, `<>` for none.
        sender: Vec<u8>,
        /// ESMTP parameters, as in `SIZE=10`.
        args: Vec<Vec<u8>>,
    },
    /// RCPT TO.
    #[doc(alias = "SMFIC_RCPT")]
    Rcpt {
        /// The recipient as the client wrote it.
        recipient: Vec<u8>,
        /// ESMTP parameters, as in `NOTIFY=NEVER`.
        args: Vec<Vec<u8>>,
    },
    /// DATA; from version 4 on.
    #[doc(alias = "SMFIC_DATA")]
    Data,
    /// One field of the message's header.
    #[doc(alias = "SMFIC_HEADER")]
    Header {
        /// The name without its colon.
        name: Vec<u8>,
        /// The value; folded lines are joined by LF, and none stands at the end.
        value: Vec<u8>,
    },
    /// The header is over.
    #[doc(alias = "SMFIC_EOH")]
    Eoh,
    /// A piece of the body, lines ended by CR LF; a piece may end between the two.
    #[doc(alias = "SMFIC_BODY")]
    Body(Vec<u8>),
    /// The message is over; no MTA sends a last piece of the body with it.
    #[doc(alias = "SMFIC_BODYEOB")]
    BodyEob(Vec<u8>),
    /// The message is given up, the connection goes on.
    #[doc(alias = "SMFIC_ABORT")]
    Abort,
    /// The connection is over.
    #[doc(alias = "SMFIC_QUIT")]
    Quit,
    /// The SMTP session is over; another one follows on this connection.
    #[doc(alias = "SMFIC_QUIT_NC")]
    QuitNc,
    /// An SMTP command that the MTA does not know; from version 3 on.
    #[doc(alias = "SMFIC_UNKNOWN")]
    Unknown(Vec<u8>),
}

impl Command {
    /// The code byte; see [`codes`].
    pub fn code(&self) -> u8 {
        match self {
            Self::Negotiate(_) => codes::NEGOTIATE,
            Self::Macro { .. } => codes::MACRO,
            Self::Connect { .. } => codes::CONNECT,
            Self::Helo(_) => codes::HELO,
            Self::Mail { .. } => codes::MAIL,
            Self::Rcpt { .. } => codes::RCPT,
            Self::Data => codes::DATA,
            Self::Header { .. } => codes::HEADER,
            Self::Eoh => codes::EOH,
            Self::Body(_) => codes::BODY,
            Self::BodyEob(_) => codes::BODY_EOB,
            Self::Abort => codes::ABORT,
            Self::Quit => codes::QUIT,
            Self::QuitNc => codes::QUIT_NC,
            Self::Unknown(_) => codes::UNKNOWN,
        }
    }

    /// The name for messages, as in `mail command`.
    pub fn name(&self) -> &'static str {
        name_of(self.code())
    }
}

impl fmt::Display for Command {
    /// One line for people: `mail <a@example.org> SIZE=10`. Control characters are escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Negotiate(offer) => write!(f, "negotiate {offer}"),
            Self::Macro { for_command, pairs } => {
                write!(f, "macro {}", Escaped(&[*for_command]))?;
                pairs.iter().try_for_each(|(name, value)| write!(f, " {}={}", Escaped(name), Escaped(value)))
            }
            Self::Connect { hostname, address } => write!(f, "connect {} {address}", Escaped(hostname)),
            Self::Helo(name) => write!(f, "helo {}", Escaped(name)),
            Self::Mail { sender, args } => write_envelope(f, "mail", sender, args),
            Self::Rcpt { recipient, args } => write_envelope(f, "rcpt", recipient, args),
            Self::Data => f.write_str("data"),
            Self::Header { name, value } => write!(f, "header {}: {}", Escaped(name), Escaped(value)),
            Self::Eoh => f.write_str("eoh"),
            Self::Body(bytes) => write!(f, "body {} bytes", bytes.len()),
            Self::BodyEob(bytes) if bytes.is_empty() => f.write_str("eom"),
            Self::BodyEob(bytes) => write!(f, "eom {} bytes", bytes.len()),
            Self::Abort => f.write_str("abort"),
            Self::Quit => f.write_str("quit"),
            Self::QuitNc => f.write_str("quit_nc"),
            Self::Unknown(line) => write!(f, "unknown {}", Escaped(line)),
        }
    }
}

fn write_envelope(f: &mut fmt::Formatter<'_>, verb: &str, address: &[u8], args: &[Vec<u8>]) -> fmt::Result {
    write!(f, "{verb} {}", Escaped(address))?;
    args.iter().try_for_each(|arg| write!(f, " {}", Escaped(arg)))
}

/// The name of the command with that code.
pub(super) fn name_of(code: u8) -> &'static str {
    match code {
        codes::NEGOTIATE => "negotiate command",
        codes::MACRO => "macro command",
        codes::CONNECT => "connect command",
        codes::HELO => "helo command",
        codes::MAIL => "mail command",
        codes::RCPT => "rcpt command",
        codes::DATA => "data command",
        codes::HEADER => "header command",
        codes::EOH => "eoh command",
        codes::BODY => "body command",
        codes::BODY_EOB => "eom command",
        codes::ABORT => "abort command",
        codes::QUIT => "quit command",
        codes::QUIT_NC => "quit_nc command",
        codes::UNKNOWN => "unknown command",
        _ => "command",
    }
}
