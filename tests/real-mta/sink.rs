//! The next hop: an SMTP server that takes every message and keeps it.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufStream},
    net::{TcpListener, TcpStream},
};

/// A message that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    /// The MAIL and RCPT lines, as they came.
    pub(crate) envelope: Vec<String>,
    /// The message without dot-stuffing, with LF line ends.
    pub(crate) message: String,
}

/// A server on 127.0.0.1, port 2526.
pub(crate) struct Sink {
    mails: Mails,
}

type Mails = Arc<Mutex<Vec<Mail>>>;

impl Sink {
    /// Starts it.
    pub(crate) async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 2526)).await?;
        let mails = Mails::default();
        let kept = Arc::clone(&mails);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&kept)));
            }
        });
        Ok(Self { mails })
    }

    /// What has arrived since the last call, in order.
    pub(crate) fn take(&self) -> Vec<Mail> {
        std::mem::take(&mut *self.mails.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn serve(stream: TcpStream, mails: Mails) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufStream::new(stream);
    let mut envelope = Vec::new();
    say(&mut stream, "220 sink ESMTP").await?;
    while let Some(line) = read_line(&mut stream).await? {
        let line = String::from_utf8_lossy(&line).into_owned();
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let reply = match verb.as_str() {
            "EHLO" => "250-sink\r\n250-8BITMIME\r\n250-DSN\r\n250-SMTPUTF8\r\n250 SIZE 0",
            "MAIL" | "RCPT" => {
                envelope.push(line);
                "250 2.0.0 ok"
            }
            "DATA" => {
                say(&mut stream, "354 go on").await?;
                let message = read_message(&mut stream).await?;
                let mail = Mail { envelope: std::mem::take(&mut envelope), message };
                mails.lock().unwrap_or_else(PoisonError::into_inner).push(mail);
                "250 2.0.0 ok"
            }
            "QUIT" => return say(&mut stream, "221 2.0.0 bye").await,
            _ => {
                envelope.clear();
                "250 2.0.0 ok"
            }
        };
        say(&mut stream, reply).await?;
    }
    Ok(())
}

async fn say(stream: &mut BufStream<TcpStream>, text: &str) -> io::Result<()> {
    stream.write_all(text.as_bytes()).await?;
    stream.write_all(b"\r\n").await?;
    stream.flush().await
}

/// A line without its end; `None` when the client has closed.
async fn read_line(stream: &mut BufStream<TcpStream>) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    if stream.read_until(b'\n', &mut line).await? == 0 {
        return Ok(None);
    }
    line.pop();
    line.pop_if(|byte| *byte == b'\r');
    Ok(Some(line))
}

async fn read_message(stream: &mut BufStream<TcpStream>) -> io::Result<String> {
    let mut message = Vec::new();
    loop {
        let line = read_line(stream).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        if line == b"." {
            return Ok(String::from_utf8_lossy(&message).into_owned());
        }
        message.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        message.push(b'\n');
    }
}
