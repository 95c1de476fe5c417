//! A session with the fake MTA, for tests in Rust.

use std::{net::Ipv4Addr, sync::Arc};

use crate::{
    client::Client,
    connector::Sockets,
    journal::{Event, Journal},
    message::{Delivered, with_crlf, without_cr},
    profile::{Mta, Personality},
    run::{MilterAddr, MilterAddrError, Transcript},
    settings::{FilterSettings, Settings},
    smtp::{Reply, stuffed},
};

/// An SMTP session with a fake MTA that has milters: say what the client says, and look at what comes back.
///
/// ```no_run
/// use fake_mta::{Personality, Session};
///
/// #[tokio::test]
/// async fn a_closed_list_is_refused() {
///     let mut session = Session::open(Personality::Postfix, &["unix:/run/my-milter.sock"]).await.unwrap();
///     session.say("EHLO client.example.org").await;
///     session.say("MAIL FROM:<a@example.org>").await;
///     assert_eq!(session.say("RCPT TO:<list@example.net>").await, "550 5.7.1 this list is closed");
///     session.say("RCPT TO:<bob@example.net>").await;
///     session.message("From: a@example.org\nSubject: hello\n\nHello.\n").await;
///     assert!(String::from_utf8_lossy(&session.delivered()[0].message).contains("X-Seen: yes"));
/// }
/// ```
pub struct Session {
    mta: Mta,
    journal: Journal,
}

impl Session {
    /// Connects as `client.example.org [192.0.2.1]`. The milters are asked in this order, at addresses such as
    /// `unix:/path` and `inet:port@127.0.0.1`.
    ///
    /// # Errors
    /// An address that is none. A milter that is not there is none: the MTA does what it does then.
    pub async fn open(personality: Personality, milters: &[&str]) -> Result<Self, MilterAddrError> {
        let client = Client::verified(CLIENT_ADDR.into(), CLIENT_PORT, CLIENT_NAME);
        Self::open_from(personality, client, Settings::for_milters(HOSTNAME, milters), milters).await
    }

    /// Connects as another client, to an MTA with settings of its own.
    ///
    /// # Errors
    /// An address that is none.
    pub async fn open_from(
        personality: Personality,
        client: Client,
        settings: Settings,
        milters: &[&str],
    ) -> Result<Self, MilterAddrError> {
        let addresses: Vec<MilterAddr> = milters.iter().map(|addr| addr.parse()).collect::<Result<_, _>>()?;
        let journal = Journal::new();
        let connector = Arc::new(Sockets::new(addresses));
        let mut mta = Mta::new(personality, Arc::new(settings), client, connector, journal.clone());
        mta.connect().await;
        Ok(Self { mta, journal })
    }

    /// Sends a command line, and gives the reply, its lines with a line feed between them; nothing if the MTA had hung up.
    pub async fn say(&mut self, line: &str) -> String {
        let replies = self.mta.feed(format!("{line}\r\n").as_bytes()).await;
        text(&replies)
    }

    /// Sends DATA and the message, and gives the reply to it; that to DATA if there is no recipient. The message's lines may end in
    /// LF; its dots are doubled here.
    pub async fn message(&mut self, message: impl AsRef<[u8]>) -> String {
        let reply = self.say("DATA").await;
        if !self.mta.awaits_message() {
            return reply;
        }
        let message = with_crlf(&without_cr(message.as_ref()));
        text(&self.mta.feed(&stuffed(&message)).await)
    }

    /// The messages that have left the MTA so far, each with its envelope.
    pub fn delivered(&self) -> Vec<Delivered> {
        let delivered = self.journal.since(0).into_iter().filter_map(|event| match event {
            Event::Delivered(delivered) => Some(delivered),
            _ => None,
        });
        delivered.collect()
    }

    /// Everything that has happened, as `fake-mta run -v` shows it: SMTP, milter packets, log lines.
    pub fn transcript(&self) -> String {
        let mut transcript = Transcript::default();
        self.journal.since(0).iter().for_each(|event| transcript.event(event));
        transcript.text()
    }

    /// Everything that has happened, event by event.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The MTA itself, for what a command line cannot say: TLS, authentication, a client that goes away.
    pub fn mta(&mut self) -> &mut Mta {
        &mut self.mta
    }
}

impl Settings {
    /// The settings of an MTA whose milters are at these addresses, and called `milter`, `milter2`, ...
    pub fn for_milters(hostname: &str, addresses: &[&str]) -> Self {
        let name = |index: usize| if index == 0 { "milter".to_owned() } else { format!("milter{}", index + 1) };
        let filters = addresses.iter().enumerate().map(|(index, addr)| FilterSettings::new(&name(index), addr));
        let mut settings = Self::new(hostname, FilterSettings::new("milter", ""));
        settings.filters = filters.collect();
        settings
    }
}

fn text(replies: &[Reply]) -> String {
    let lines = replies.iter().flat_map(|reply| &reply.lines);
    lines.map(|line| String::from_utf8_lossy(line).into_owned()).collect::<Vec<_>>().join("\n")
}

const HOSTNAME: &str = "mx.example.com";
const CLIENT_NAME: &str = "client.example.org";
const CLIENT_ADDR: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const CLIENT_PORT: u16 = 40_000;
