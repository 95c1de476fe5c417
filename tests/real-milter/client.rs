//! The SMTP clients.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufStream},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

/// A message to be handed in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Letter<'a> {
    /// The client's address, one of those in `enter.sh`.
    pub(crate) ip: &'a str,
    /// The sender, without angle brackets.
    pub(crate) from: &'a str,
    /// The recipient, without angle brackets.
    pub(crate) to: &'a str,
    /// The subject.
    pub(crate) subject: &'a str,
    /// Further lines of the header, each with its end.
    pub(crate) header: &'a str,
    /// Whether the client gives a password first.
    pub(crate) authenticated: bool,
    /// What the client says of the one that it stands for, as in `ADDR=192.0.2.1`.
    pub(crate) xclient: Option<&'a str>,
}

impl Default for Letter<'_> {
    fn default() -> Self {
        Self {
            ip: GOOD,
            from: "alice@pass.example",
            to: "bob@example.net",
            subject: "hello",
            header: "",
            authenticated: false,
            xclient: None,
        }
    }
}

impl Letter<'_> {
    /// Hands it in over a connection of its own: the first reply that ends it, or the one to the whole message.
    ///
    /// # Errors
    /// The MTA closed, or did not reply in time.
    pub(crate) async fn send(&self) -> io::Result<String> {
        let mut client = Client::connect(self.ip).await?;
        let reply = self.send_over(&mut client).await?;
        // The MTA may be the first to go.
        client.say("QUIT").await.ok();
        Ok(reply)
    }

    async fn send_over(&self, client: &mut Client) -> io::Result<String> {
        let mut commands = vec![EHLO.to_owned()];
        // The MTA takes it for a new connection.
        commands.extend(self.xclient.into_iter().flat_map(|who| [format!("XCLIENT {who}"), EHLO.to_owned()]));
        if self.authenticated {
            commands.push("AUTH PLAIN AGFsaWNlAHNlY3JldA==".to_owned());
        }
        commands.extend([format!("MAIL FROM:<{}>", self.from), format!("RCPT TO:<{}>", self.to), "DATA".to_owned()]);
        for command in commands {
            let reply = client.say(&command).await?;
            if !reply.starts_with(['2', '3']) {
                return Ok(reply);
            }
        }
        let Self { from, to, subject, header, .. } = self;
        client.say(&format!("From: <{from}>\r\nTo: <{to}>\r\nSubject: {subject}\r\n{header}\r\nHello.\r\n.")).await
    }
}

/// A connection to the MTA.
struct Client {
    stream: BufStream<TcpStream>,
}

impl Client {
    async fn connect(ip: &str) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        let local: SocketAddr = format!("{ip}:0").parse().map_err(io::Error::other)?;
        socket.bind(local)?;
        let stream = socket.connect(SocketAddr::from(([192, 0, 2, 25], 25))).await?;
        stream.set_nodelay(true)?;
        let mut client = Self { stream: BufStream::new(stream) };
        client.reply().await?;
        Ok(client)
    }

    async fn say(&mut self, text: &str) -> io::Result<String> {
        self.stream.write_all(format!("{text}\r\n").as_bytes()).await?;
        self.stream.flush().await?;
        self.reply().await
    }

    async fn reply(&mut self) -> io::Result<String> {
        let mut reply = String::new();
        loop {
            let start = reply.len();
            let read = timeout(REPLY_LIMIT, self.stream.read_line(&mut reply)).await;
            if read.map_err(|_| io::ErrorKind::TimedOut)?? == 0 {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("the MTA closed after: {reply}")));
            }
            if reply.as_bytes().get(start + 3) != Some(&b'-') {
                return Ok(reply.trim_end().to_owned());
            }
        }
    }
}

/// The client that `pass.example` names.
pub(crate) const GOOD: &str = "192.0.2.10";

const EHLO: &str = "EHLO client.pass.example";

/// A client that no record names.
pub(crate) const BAD: &str = "203.0.113.66";

/// No reply takes as long.
const REPLY_LIMIT: Duration = Duration::from_secs(60);
