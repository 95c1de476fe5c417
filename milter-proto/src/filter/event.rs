//! What happens to a filter.

use crate::Address;

/// Something that the filter is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// An SMTP client connected.
    #[doc(alias = "xxfi_connect")]
    Connect {
        /// The client's verified name, or its address in brackets.
        hostname: Vec<u8>,
        /// The client's address.
        address: Address,
    },
    /// The argument of HELO or EHLO.
    #[doc(alias = "xxfi_helo")]
    Helo(Vec<u8>),
    /// MAIL FROM: a message begins.
    #[doc(alias = "xxfi_envfrom")]
    Envfrom {
        /// The sender as the client wrote it, `<>` for none.
        sender: Vec<u8>,
        /// ESMTP parameters.
        args: Vec<Vec<u8>>,
    },
    /// RCPT TO.
    #[doc(alias = "xxfi_envrcpt")]
    Envrcpt {
        /// The recipient as the client wrote it.
        recipient: Vec<u8>,
        /// ESMTP parameters.
        args: Vec<Vec<u8>>,
    },
    /// DATA.
    #[doc(alias = "xxfi_data")]
    Data,
    /// One field of the header.
    #[doc(alias = "xxfi_header")]
    Header {
        /// The name without its colon.
        name: Vec<u8>,
        /// The value; folded lines are joined by LF.
        value: Vec<u8>,
    },
    /// The header is over.
    #[doc(alias = "xxfi_eoh")]
    Eoh,
    /// A piece of the body.
    #[doc(alias = "xxfi_body")]
    Body(Vec<u8>),
    /// The message is over.
    #[doc(alias = "xxfi_eom")]
    Eom {
        /// The last piece of the body, if it came with the end. There is one answer to both.
        body: Vec<u8>,
    },
    /// The message is given up. No answer.
    #[doc(alias = "xxfi_abort")]
    Abort,
    /// The SMTP session is over. No answer. Another one may follow.
    #[doc(alias = "xxfi_close")]
    Close,
    /// An SMTP command that the MTA does not know.
    #[doc(alias = "xxfi_unknown")]
    Unknown(Vec<u8>),
}
