//! [`Eom`]: the edits that a filter can make at the end of a message.

use std::{io, ops::Deref};

use milter_proto::{ProtocolError, Reply};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::Context;

/// The end of a message: the context, and the edits.
///
/// Edits are sent together with the answer, in their order. They are dropped if the callback panics or takes too long.
/// Each needs the action that it names from [`Actions`](crate::Actions) in
/// [`Filter::options`](crate::Filter::options).
pub struct Eom<'a> {
    context: &'a Context,
    edits: &'a mut Vec<Reply>,
    edit_bytes: usize,
    edit_bytes_max: usize,
    sink: Sink<'a>,
}

/// Where packets go that cannot wait.
pub(crate) struct Sink<'a> {
    pub(crate) writer: &'a mut (dyn AsyncWrite + Send + Unpin),
    /// Set while a packet is half written.
    pub(crate) is_torn: &'a mut bool,
}

impl Deref for Eom<'_> {
    type Target = Context;

    fn deref(&self) -> &Context {
        self.context
    }
}

impl<'a> Eom<'a> {
    pub(crate) fn new(context: &'a Context, edits: &'a mut Vec<Reply>, edit_bytes_max: usize, sink: Sink<'a>) -> Self {
        Self { context, edits, edit_bytes: 0, edit_bytes_max, sink }
    }

    /// Adds a header field at the end of the header. Needs `ADD_HEADERS`.
    ///
    /// Lines of a folded value are joined by LF and begin with white space. With `HDR_LEADSPC` negotiated the value
    /// begins with the space that stands after the colon.
    ///
    /// # Errors
    /// The action was not negotiated; the name is none; the text would break the header; too much was edited.
    #[doc(alias = "smfi_addheader")]
    pub fn add_header(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), ProtocolError> {
        self.edit(Reply::AddHeader { name: name.as_ref().to_vec(), value: value.as_ref().to_vec() })
    }

    /// Inserts a header field, at index 0 above all that the message came with. Needs `ADD_HEADERS`.
    ///
    /// # Errors
    /// As [`add_header`](Self::add_header).
    #[doc(alias = "smfi_insheader")]
    pub fn insert_header(
        &mut self,
        index: u32,
        name: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Result<(), ProtocolError> {
        self.edit(Reply::InsertHeader { index, name: name.as_ref().to_vec(), value: value.as_ref().to_vec() })
    }

    /// Changes the value of the header field that is the `index`th of its name, from 1. Needs `CHANGE_HEADERS`.
    ///
    /// # Errors
    /// As [`add_header`](Self::add_header).
    #[doc(alias = "smfi_chgheader")]
    pub fn change_header(
        &mut self,
        index: u32,
        name: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Result<(), ProtocolError> {
        self.edit(Reply::ChangeHeader { index, name: name.as_ref().to_vec(), value: value.as_ref().to_vec() })
    }

    /// Deletes the header field that is the `index`th of its name, from 1. Needs `CHANGE_HEADERS`.
    ///
    /// After that sendmail goes on counting the deleted field and Postfix does not: delete from the highest index
    /// downwards.
    ///
    /// # Errors
    /// As [`add_header`](Self::add_header).
    pub fn delete_header(&mut self, index: u32, name: impl AsRef<[u8]>) -> Result<(), ProtocolError> {
        self.change_header(index, name, "")
    }

    /// Replaces the body, lines ended by CR LF; another call appends. Needs `CHANGE_BODY`.
    ///
    /// Postfix wants all pieces in a row, with no other edit between them.
    ///
    /// # Errors
    /// The action was not negotiated; too much was edited.
    #[doc(alias = "smfi_replacebody")]
    pub fn replace_body(&mut self, body: impl AsRef<[u8]>) -> Result<(), ProtocolError> {
        let body = body.as_ref();
        if body.is_empty() {
            return self.edit(Reply::ReplaceBody(Vec::new()));
        }
        let piece_max = milter_proto::limits::BODY_CHUNK_MAX;
        body.chunks(piece_max).try_for_each(|piece| self.edit(Reply::ReplaceBody(piece.to_vec())))
    }

    /// Changes the envelope sender, with ESMTP parameters with spaces between them, if any. Needs `CHANGE_FROM`.
    ///
    /// # Errors
    /// The action was not negotiated; the text has control characters; too much was edited.
    #[doc(alias = "smfi_chgfrom")]
    pub fn change_sender(&mut self, address: impl AsRef<[u8]>, args: Option<&str>) -> Result<(), ProtocolError> {
        self.edit(Reply::ChangeFrom { address: address.as_ref().to_vec(), args: args.map(Into::into) })
    }

    /// Adds a recipient. Needs `ADD_RCPT`, and with ESMTP parameters `ADD_RCPT_PAR`.
    ///
    /// # Errors
    /// As [`change_sender`](Self::change_sender).
    #[doc(alias = "smfi_addrcpt")]
    #[doc(alias = "smfi_addrcpt_par")]
    pub fn add_rcpt(&mut self, address: impl AsRef<[u8]>, args: Option<&str>) -> Result<(), ProtocolError> {
        let address = address.as_ref().to_vec();
        self.edit(match args {
            None => Reply::AddRcpt(address),
            Some(args) => Reply::AddRcptPar { address, args: Some(args.into()) },
        })
    }

    /// Deletes a recipient; the address must be written as the client wrote it. Needs `DELETE_RCPT`.
    ///
    /// # Errors
    /// As [`change_sender`](Self::change_sender).
    #[doc(alias = "smfi_delrcpt")]
    pub fn delete_rcpt(&mut self, address: impl AsRef<[u8]>) -> Result<(), ProtocolError> {
        self.edit(Reply::DeleteRcpt(address.as_ref().to_vec()))
    }

    /// Keeps the message in the MTA's quarantine or hold queue. Needs `QUARANTINE`.
    ///
    /// # Errors
    /// As [`change_sender`](Self::change_sender).
    #[doc(alias = "smfi_quarantine")]
    pub fn quarantine(&mut self, reason: impl AsRef<[u8]>) -> Result<(), ProtocolError> {
        self.edit(Reply::Quarantine(reason.as_ref().to_vec()))
    }

    /// Tells the MTA, at once, that this takes a while: it waits longer.
    ///
    /// # Errors
    /// The connection is broken.
    #[doc(alias = "smfi_progress")]
    pub async fn progress(&mut self) -> io::Result<()> {
        let mut packet = Vec::new();
        Reply::Progress.encode(&mut packet);
        *self.sink.is_torn = true;
        self.sink.writer.write_all(&packet).await?;
        self.sink.writer.flush().await?;
        *self.sink.is_torn = false;
        Ok(())
    }

    fn edit(&mut self, edit: Reply) -> Result<(), ProtocolError> {
        self.context.session.may_reply(&edit)?;
        let bytes = self.edit_bytes + edit.payload_size();
        if bytes > self.edit_bytes_max {
            return Err(ProtocolError::TooLarge { packet: "all edits", bytes, limit: self.edit_bytes_max });
        }
        self.edit_bytes = bytes;
        self.edits.push(edit);
        Ok(())
    }
}
