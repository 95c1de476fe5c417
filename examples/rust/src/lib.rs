//! A milter on miltr-server: no mail for the recipients on its list, and a field in all other mail.

use async_trait::async_trait;
use miltr_common::{
    actions::{Action, Continue, Replycode},
    commands::Recipient,
    modifications::{ModificationResponse, headers::AddHeader},
};
use miltr_server::{Milter, Server};
use tokio::net::UnixListener;
use tokio_util::compat::TokioAsyncReadCompatExt as _;

/// The milter, once for each connection.
#[derive(Clone)]
pub struct Lists {
    /// Recipients with their angle brackets, that nobody may write to.
    pub closed: Vec<String>,
}

#[async_trait]
impl Milter for Lists {
    type Error = std::convert::Infallible;

    async fn rcpt(&mut self, recipient: Recipient) -> Result<Action, Self::Error> {
        if self.closed.iter().any(|closed| *closed == recipient.recipient()) {
            return Ok(Replycode::new([5, 5, 0], [5, 7, 1], "this list is closed").into());
        }
        Ok(Continue.into())
    }

    async fn end_of_body(&mut self) -> Result<ModificationResponse, Self::Error> {
        let mut response = ModificationResponse::builder();
        response.push(AddHeader::new(b"X-Lists", b"looked at"));
        Ok(response.contin())
    }

    async fn abort(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// Serves every connection with a milter of its own.
///
/// # Errors
/// The listener does not work any more.
pub async fn serve(listener: UnixListener, milter: Lists) -> std::io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        let mut milter = milter.clone();
        tokio::spawn(async move {
            // As for sendmail: an abort ends the message, and not the connection.
            let mut server = Server::new(&mut milter, false, 65_536);
            if let Err(error) = server.handle_connection(stream.compat()).await {
                eprintln!("{error}");
            }
        });
    }
}
