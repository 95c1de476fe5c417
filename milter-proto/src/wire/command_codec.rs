//! Commands to bytes and back.

use super::{
    address::Address,
    codes,
    command::{Command, name_of},
    error::DecodeError,
    escape::Escaped,
    frame::{Frame, put_frame},
    negotiate::Negotiate,
    payload::{Payload, put_string},
};
use crate::limits::MACROS_MAX;

impl Command {
    /// Reads a packet that came from an MTA.
    ///
    /// # Errors
    /// A code that no command has, or a payload that is not laid out as the code wants it.
    pub fn decode(frame: &Frame) -> Result<Self, DecodeError> {
        let mut payload = Payload::new(name_of(frame.code), &frame.payload);
        let command = decode_fields(frame, &mut payload)?;
        payload.end()?;
        Ok(command)
    }

    /// Appends the packet to `out`, length word and all.
    ///
    /// # Panics
    /// If the payload has 4 GiB or more.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_frame(out, self.code(), |out| self.encode_fields(out));
    }

    fn encode_fields(&self, out: &mut Vec<u8>) {
        match self {
            Self::Negotiate(offer) => offer.encode(out),
            Self::Macro { for_command, pairs } => {
                out.push(*for_command);
                pairs.iter().for_each(|(name, value)| put_pair(out, name, value));
            }
            Self::Connect { hostname, address } => {
                put_string(out, hostname);
                address.encode(out);
            }
            Self::Mail { sender: address, args } | Self::Rcpt { recipient: address, args } => {
                put_string(out, address);
                args.iter().for_each(|arg| put_string(out, arg));
            }
            Self::Header { name, value } => put_pair(out, name, value),
            Self::Helo(text) | Self::Unknown(text) => put_string(out, text),
            Self::Body(bytes) | Self::BodyEob(bytes) => out.extend_from_slice(bytes),
            Self::Data | Self::Eoh | Self::Abort | Self::Quit | Self::QuitNc => {}
        }
    }
}

fn decode_fields(frame: &Frame, payload: &mut Payload<'_>) -> Result<Command, DecodeError> {
    Ok(match frame.code {
        codes::NEGOTIATE => Command::Negotiate(Negotiate::decode(name_of(frame.code), &payload.remaining())?),
        codes::MACRO => macros(payload)?,
        codes::CONNECT => Command::Connect {
            hostname: payload.string("a host name that ends in NUL")?,
            address: Address::decode(payload)?,
        },
        codes::HELO => Command::Helo(payload.string("a name that ends in NUL")?),
        codes::MAIL => Command::Mail { sender: payload.string("a sender that ends in NUL")?, args: payload.args()? },
        codes::RCPT => {
            Command::Rcpt { recipient: payload.string("a recipient that ends in NUL")?, args: payload.args()? }
        }
        codes::HEADER => Command::Header {
            name: payload.string("a header name that ends in NUL")?,
            value: payload.string("a header value that ends in NUL")?,
        },
        codes::UNKNOWN => Command::Unknown(payload.string("a command line that ends in NUL")?),
        codes::BODY => Command::Body(payload.remaining()),
        codes::BODY_EOB => Command::BodyEob(payload.remaining()),
        codes::DATA => Command::Data,
        codes::EOH => Command::Eoh,
        codes::ABORT => Command::Abort,
        codes::QUIT => Command::Quit,
        codes::QUIT_NC => Command::QuitNc,
        code => return Err(unknown_code(code)),
    })
}

fn macros(payload: &mut Payload<'_>) -> Result<Command, DecodeError> {
    let for_command = payload.byte("the code of a command")?;
    let mut pairs = Vec::new();
    while !payload.is_at_end() {
        if pairs.len() == MACROS_MAX {
            return Err(payload.error("the end after so many macros"));
        }
        pairs.push((
            payload.string("a macro name that ends in NUL")?,
            payload.string("a macro value that ends in NUL")?,
        ));
    }
    Ok(Command::Macro { for_command, pairs })
}

fn unknown_code(code: u8) -> DecodeError {
    DecodeError {
        packet: name_of(code),
        offset: 0,
        expected: "the code of a command",
        came: format!("`{}` (0x{code:02x})", Escaped(&[code])),
    }
}

fn put_pair(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    put_string(out, name);
    put_string(out, value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::ARGS_MAX;

    fn outcome(code: u8, head: &[u8], count: usize) -> String {
        let payload = [head, &vec![0; count]].concat();
        Command::decode(&Frame { code, payload }).map_or_else(|error| error.to_string(), |_| "read".to_owned())
    }

    #[test]
    fn what_is_counted_is_counted_before_it_is_kept() {
        assert_eq!(outcome(codes::MAIL, b"<>\0", ARGS_MAX), "read");
        assert!(outcome(codes::MAIL, b"<>\0", 1_000_000).contains("the end after so many parameters at byte 259"));
        assert!(outcome(codes::RCPT, b"<>\0", ARGS_MAX + 1).contains("the end after so many parameters"));
        assert_eq!(outcome(codes::MACRO, b"M", 2 * MACROS_MAX), "read");
        assert!(outcome(codes::MACRO, b"M", 2 * MACROS_MAX + 2).contains("the end after so many macros"));
    }
}
