//! Replies to bytes and back.

use super::{
    codes,
    error::DecodeError,
    escape::Escaped,
    frame::{Frame, put_frame},
    negotiate::Negotiate,
    payload::{Payload, put_string},
    reply::{Reply, name_of},
};

impl Reply {
    /// Reads a packet that came from a filter.
    ///
    /// # Errors
    /// A code that no reply has, or a payload that is not laid out as the code wants it.
    pub fn decode(frame: &Frame) -> Result<Self, DecodeError> {
        let mut payload = Payload::new(name_of(frame.code), &frame.payload);
        let reply = decode_fields(frame, &mut payload)?;
        payload.end()?;
        Ok(reply)
    }

    /// Appends the packet to `out`, length word and all.
    ///
    /// # Panics
    /// If the payload has 4 GiB or more.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_frame(out, self.code(), |out| self.encode_fields(out));
    }

    /// The size of its payload in bytes.
    pub fn payload_size(&self) -> usize {
        let mut payload = Vec::new();
        self.encode_fields(&mut payload);
        payload.len()
    }

    fn encode_fields(&self, out: &mut Vec<u8>) {
        match self {
            Self::Negotiate(answer) => answer.encode(out),
            Self::Continue
            | Self::Accept
            | Self::Reject
            | Self::Tempfail
            | Self::Discard
            | Self::Skip
            | Self::Progress
            | Self::Shutdown
            | Self::ConnFail => {}
            Self::ReplyCode(text) | Self::AddRcpt(text) | Self::DeleteRcpt(text) | Self::Quarantine(text) => {
                put_string(out, text);
            }
            Self::AddHeader { name, value } => put_header(out, name, value),
            Self::InsertHeader { index, name, value } | Self::ChangeHeader { index, name, value } => {
                out.extend_from_slice(&index.to_be_bytes());
                put_header(out, name, value);
            }
            Self::ReplaceBody(bytes) => out.extend_from_slice(bytes),
            Self::ChangeFrom { address, args } | Self::AddRcptPar { address, args } => {
                put_string(out, address);
                args.iter().for_each(|args| put_string(out, args));
            }
        }
    }
}

fn decode_fields(frame: &Frame, payload: &mut Payload<'_>) -> Result<Reply, DecodeError> {
    Ok(match frame.code {
        codes::NEGOTIATE => Reply::Negotiate(Negotiate::decode(name_of(frame.code), &payload.remaining())?),
        codes::CONTINUE => Reply::Continue,
        codes::ACCEPT => Reply::Accept,
        codes::REJECT => Reply::Reject,
        codes::TEMPFAIL => Reply::Tempfail,
        codes::DISCARD => Reply::Discard,
        codes::SKIP => Reply::Skip,
        codes::PROGRESS => Reply::Progress,
        codes::SHUTDOWN => Reply::Shutdown,
        codes::CONN_FAIL => Reply::ConnFail,
        codes::REPLY_CODE => Reply::ReplyCode(payload.string("a reply text that ends in NUL")?),
        codes::ADD_HEADER => {
            let (name, value) = header(payload)?;
            Reply::AddHeader { name, value }
        }
        codes::INSERT_HEADER => {
            let (index, (name, value)) = (payload.u32(INDEX)?, header(payload)?);
            Reply::InsertHeader { index, name, value }
        }
        codes::CHANGE_HEADER => {
            let (index, (name, value)) = (payload.u32(INDEX)?, header(payload)?);
            Reply::ChangeHeader { index, name, value }
        }
        codes::REPLACE_BODY => Reply::ReplaceBody(payload.remaining()),
        codes::CHANGE_FROM => Reply::ChangeFrom { address: address(payload)?, args: args(payload)? },
        codes::ADD_RCPT => Reply::AddRcpt(address(payload)?),
        codes::ADD_RCPT_PAR => Reply::AddRcptPar { address: address(payload)?, args: args(payload)? },
        codes::DELETE_RCPT => Reply::DeleteRcpt(address(payload)?),
        codes::QUARANTINE => Reply::Quarantine(payload.string("a reason that ends in NUL")?),
        code => return Err(unknown_code(code)),
    })
}

fn header(payload: &mut Payload<'_>) -> Result<(Vec<u8>, Vec<u8>), DecodeError> {
    Ok((payload.string("a header name that ends in NUL")?, payload.string("a header value that ends in NUL")?))
}

fn address(payload: &mut Payload<'_>) -> Result<Vec<u8>, DecodeError> {
    payload.string("an address that ends in NUL")
}

fn args(payload: &mut Payload<'_>) -> Result<Option<Vec<u8>>, DecodeError> {
    if payload.is_at_end() { Ok(None) } else { payload.string("parameters that end in NUL").map(Some) }
}

fn unknown_code(code: u8) -> DecodeError {
    DecodeError {
        packet: name_of(code),
        offset: 0,
        expected: "the code of a reply",
        came: format!("`{}` (0x{code:02x})", Escaped(&[code])),
    }
}

fn put_header(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    put_string(out, name);
    put_string(out, value);
}

const INDEX: &str = "an index of four bytes";
