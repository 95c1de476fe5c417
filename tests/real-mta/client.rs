//! The SMTP client: says to the real MTA what the scenario's dialogue says, and writes down every reply.

use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use fake_mta::scenario::{Action, Message};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufStream},
    net::{TcpSocket, TcpStream},
    time::{sleep, timeout},
};

use crate::namespace::ADDRESSES;

/// A connection to the MTA.
pub(crate) struct Client {
    /// `None` once one side has closed.
    stream: Option<BufStream<TcpStream>>,
    /// What is said now is part of a message.
    in_message: bool,
}

impl Client {
    /// Connects from the client's address; the banner comes back too.
    pub(crate) async fn connect(client: &fake_mta::scenario::Client) -> io::Result<(Self, Vec<String>)> {
        let socket = if client.ip.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // A port of the system's: nothing that is compared shows it, and one that was used a moment ago cannot be had again.
        socket.bind(SocketAddr::new(client.ip, 0))?;
        let [v4, v6] = ADDRESSES.map(|address| address.parse::<IpAddr>().expect("these are addresses"));
        let stream = socket.connect(SocketAddr::new(if client.ip.is_ipv4() { v4 } else { v6 }, 25)).await?;
        stream.set_nodelay(true)?;
        let mut client = Self { stream: Some(BufStream::new(stream)), in_message: false };
        let banner = client.reply().await?;
        Ok((client, banner))
    }

    /// Does what a step of the dialogue says; the reply's lines come back.
    pub(crate) async fn act(
        &mut self,
        action: &Action,
        messages: &BTreeMap<String, Message>,
    ) -> io::Result<Vec<String>> {
        match action {
            Action::Smtp(line) => self.line(line).await,
            Action::Message(name) => self.message(name.as_deref(), messages).await,
            Action::Close => {
                self.stream = None;
                Ok(Vec::new())
            }
            Action::Wait(time) => {
                sleep(*time).await;
                Ok(Vec::new())
            }
            Action::Connect | Action::Tls(_) | Action::Auth { .. } | Action::Raw(_) => {
                Err(io::Error::other(format!("`{action}` is not for a real MTA")))
            }
        }
    }

    /// A command, or a line of a message.
    async fn line(&mut self, line: &str) -> io::Result<Vec<String>> {
        self.send(format!("{line}\r\n").as_bytes()).await;
        if self.in_message && line != "." {
            return Ok(Vec::new());
        }
        self.in_message = false;
        let replies = self.reply().await?;
        self.in_message = line.eq_ignore_ascii_case("DATA") && replies.iter().any(|reply| reply.starts_with("354"));
        Ok(replies)
    }

    /// DATA, unless it was said already, and the message if the MTA wants it; the 354 in between is no reply of the step.
    async fn message(&mut self, name: Option<&str>, messages: &BTreeMap<String, Message>) -> io::Result<Vec<String>> {
        if !self.in_message {
            let replies = self.line("DATA").await?;
            if !self.in_message {
                return Ok(replies);
            }
        }
        let message = name.and_then(|name| messages.get(name));
        let text = message.map_or(DEFAULT_MESSAGE, |message| &message.bytes);
        self.send(&stuffed(text)).await;
        self.in_message = false;
        self.reply().await
    }

    /// Bytes to an MTA that has gone away are lost; that it has is seen at the reply.
    async fn send(&mut self, bytes: &[u8]) {
        let Some(stream) = &mut self.stream else { return };
        if stream.write_all(bytes).await.is_err() || stream.flush().await.is_err() {
            self.stream = None;
        }
    }

    /// The lines of a reply; none if the MTA has closed.
    async fn reply(&mut self) -> io::Result<Vec<String>> {
        let mut lines = Vec::new();
        while let Some(stream) = &mut self.stream {
            let mut line = Vec::new();
            let limit = || io::Error::new(io::ErrorKind::TimedOut, "the MTA does not reply");
            match timeout(REPLY_LIMIT, stream.read_until(b'\n', &mut line)).await.map_err(|_| limit())? {
                Ok(read) if read > 0 => {}
                _ => {
                    self.stream = None;
                    break;
                }
            }
            let text = String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned();
            let is_last = text.as_bytes().get(3) != Some(&b'-');
            lines.push(text);
            if is_last {
                break;
            }
        }
        Ok(lines)
    }
}

/// The message as it goes over the wire: dots at line starts doubled, and the final dot.
fn stuffed(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + 8);
    for line in message.split_inclusive(|&byte| byte == b'\n') {
        if line.first() == Some(&b'.') {
            out.push(b'.');
        }
        out.extend_from_slice(line);
    }
    if !out.is_empty() && !out.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b".\r\n");
    out
}

/// No time-out of a scenario is as long.
const REPLY_LIMIT: Duration = Duration::from_secs(60);

/// What `[message]` sends: the fake MTA's own.
const DEFAULT_MESSAGE: &[u8] = b"From: Sender <sender@example.org>\r\n\
To: Recipient <rcpt@example.net>\r\n\
Subject: test\r\n\
Date: Sun, 01 Aug 2004 12:00:00 +0000\r\n\
Message-ID: <1@example.org>\r\n\
\r\n\
Hello.\r\n";
