//! What surrounds the MTA in a case: DNS, spf-milter, the next hop, the log.

use std::{fmt::Display, time::Duration};

use fake_dns::FakeDns;
use tokio::{
    process::Command,
    time::{Instant, sleep},
};

use crate::{
    client::Letter,
    guide,
    milter::Milter,
    mta::{Kind, run},
    sasl,
    sink::{Mail, Sink},
    syslog::Syslog,
};

/// A host that mail comes to.
pub(crate) struct World {
    /// spf-milter.
    pub(crate) milter: Milter,
    /// What everybody else logs.
    pub(crate) log: Syslog,
    /// The next hop.
    pub(crate) sink: Sink,
    /// Kept: it answers until the end.
    _dns: FakeDns,
}

impl World {
    /// All but the MTA, with that guide's configuration of that variant and DNS faults.
    pub(crate) async fn prepare(guide: &str, variant: &str, faults: &[&str]) -> Result<Self, String> {
        let log = Syslog::start(&["/dev/log", "/var/spool/postfix/dev/log"]).map_err(text)?;
        let mut dns = FakeDns::builder().listen(([127, 0, 0, 1], 53).into());
        dns = dns.zone_text("proof", ZONE).map_err(text)?;
        for fault in faults {
            dns = dns.fault(fault.parse().map_err(text)?);
        }
        let dns = dns.start().await.map_err(text)?;
        let sink = Sink::start().await.map_err(text)?;
        sasl::start().map_err(text)?;
        if let Ok(commands) = guide::block(guide, &format!("sh {variant}")) {
            run(Command::new("sh").args(["-e", "-c", &commands])).await?;
        }
        let milter = Milter::start("spf-milter", &guide::block(guide, &format!("toml {variant}"))?).await?;
        Ok(Self { milter, log, sink, _dns: dns })
    }

    /// The whole, with the guide's lines of that variant.
    pub(crate) async fn start(kind: Kind, variant: &str) -> Result<Self, String> {
        Self::start_with_faults(kind, variant, &[]).await
    }

    /// The same with DNS faults.
    pub(crate) async fn start_with_faults(kind: Kind, variant: &str, faults: &[&str]) -> Result<Self, String> {
        let world = Self::prepare(kind.guide(), variant, faults).await?;
        kind.start(kind.guide(), variant).await.map_err(|problem| world.told(&problem))?;
        Ok(world)
    }

    /// Hands in a letter.
    pub(crate) async fn send(&self, letter: Letter<'_>) -> Result<String, String> {
        letter.send().await.map_err(|error| self.told(&error.to_string()))
    }

    /// Hands in a letter that must be taken, and waits until it has arrived.
    pub(crate) async fn deliver(&self, letter: Letter<'_>) -> Result<Mail, String> {
        let reply = self.send(letter).await?;
        self.ensure(reply.starts_with("250"), &format!("taken, but the MTA says {reply}"))?;
        let mut mails = self.arrived(1).await?;
        mails.pop().ok_or_else(|| "a mail that arrived is there".to_owned())
    }

    /// Waits until so many messages have arrived that were not taken from here before.
    pub(crate) async fn arrived(&self, count: usize) -> Result<Vec<Mail>, String> {
        let mut mails = Vec::new();
        let waited = until("the messages arrive", async || {
            mails.extend(self.sink.take());
            mails.len() >= count
        });
        waited.await.map_err(|late| self.told(&late))?;
        Ok(mails)
    }

    /// Waits for a line of the log that holds all of these.
    pub(crate) async fn logged(&self, parts: &[&str]) -> Result<(), String> {
        let waited = until("the log line comes", async || self.log.has(parts)).await;
        waited.map_err(|late| self.told(&format!("{late}: {parts:?}")))
    }

    /// A failure unless it is so.
    pub(crate) fn ensure(&self, is_so: bool, what: &str) -> Result<(), String> {
        if is_so { Ok(()) } else { Err(self.told(&format!("expected: {what}"))) }
    }

    /// The problem with the logs.
    pub(crate) fn told(&self, problem: &str) -> String {
        format!("{problem}\n--- log\n{}\n--- spf-milter\n{}", self.log.text(), self.milter.log())
    }
}

/// An error in words.
pub(crate) fn text(error: impl Display) -> String {
    error.to_string()
}

/// Looks again and again until it is so.
///
/// # Errors
/// It never was.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) -> Result<(), String> {
    let deadline = Instant::now() + LIMIT;
    while !is_so().await {
        if Instant::now() > deadline {
            return Err(format!("{what}: not within {} s", LIMIT.as_secs()));
        }
        sleep(PAUSE).await;
    }
    Ok(())
}

/// What nothing takes as long as.
const LIMIT: Duration = Duration::from_secs(90);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(5);

/// The world's names. Every sender's domain has an address, or sendmail would refuse it before the filter sees it.
const ZONE: &str = r#"
.                SOA . . 1 1 1 1 60
pass.example.    A 192.0.2.10
pass.example.    TXT "v=spf1 ip4:192.0.2.10 ip4:192.0.2.11 ip4:192.0.2.12 -all"
client.pass.example. A 192.0.2.10
fail.example.    A 192.0.2.10
fail.example.    TXT "v=spf1 ip4:192.0.2.10 -all"
soft.example.    A 192.0.2.10
soft.example.    TXT "v=spf1 ~all"
silent.example.  A 192.0.2.10
silent.example.  TXT "v=spf1 -all"
filters.example.net. A 127.0.0.1
filters.example.net. A 127.0.0.2
_dmarc.pass.example. TXT "v=DMARC1; p=reject; aspf=s"
_dmarc.fail.example. TXT "v=DMARC1; p=reject; aspf=s"
_dmarc.soft.example. TXT "v=DMARC1; p=none; aspf=s"
10.2.0.192.in-addr.arpa.   PTR client.pass.example.
"#;
