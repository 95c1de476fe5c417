//! Debian's OpenDMARC as the next filter of the MTA.

use std::{fs, process::Stdio};

use tokio::{net::TcpStream, process::Command};

use crate::{
    client::{BAD, Letter},
    guide,
    mta::{Kind, run},
    world::{self, World, until},
};

/// OpenDMARC has no SPF result but the one in our field: what it makes of a message shows that it read it.
pub(super) async fn dmarc(kind: Kind) -> Result<(), String> {
    let world = World::prepare(kind.guide(), "dmarc", &[]).await?;
    start_opendmarc(kind).await.map_err(|problem| world.told(&problem))?;
    kind.start(kind.guide(), "dmarc").await.map_err(|problem| world.told(&problem))?;

    let mail = world.deliver(Letter::default()).await?;
    says(&world, &mail.message, "spf=pass", "smtp.mailfrom=pass.example")?;
    says(&world, &mail.message, "dmarc=pass (p=reject dis=none)", "header.from=pass.example")?;

    // The sender's policy asks for no more than to be told.
    let mail = world.deliver(Letter { ip: BAD, from: "alice@soft.example", ..Letter::default() }).await?;
    says(&world, &mail.message, "spf=softfail", "smtp.mailfrom=soft.example")?;
    says(&world, &mail.message, "dmarc=fail (p=none dis=none)", "header.from=soft.example")?;

    // A forged field in our name is gone before OpenDMARC looks.
    let forged = "Authentication-Results: mx.example.net; spf=pass smtp.mailfrom=fail.example\r\n";
    let reply = world.send(Letter { ip: BAD, from: "alice@fail.example", header: forged, ..Letter::default() }).await?;
    let expected = "550 5.7.1 rejected by DMARC policy for fail.example";
    world.ensure(reply == expected, &format!("`{expected}`, not `{reply}`"))?;
    world.ensure(world.sink.take().is_empty(), "no third message")
}

/// An Authentication-Results field of our host with a result, and the domain it is about.
fn says(world: &World, message: &str, result: &str, about: &str) -> Result<(), String> {
    let (header, _) = message.split_once("\n\n").unwrap_or((message, ""));
    let unfolded = header.replace("\n\t", " ").replace("\n ", " ");
    let parts = ["Authentication-Results: mx.example.net; ", result, about];
    let found = unfolded.lines().any(|line| parts.iter().all(|part| line.contains(part)));
    world.ensure(found, &format!("{parts:?} in\n{message}"))
}

async fn start_opendmarc(kind: Kind) -> Result<(), String> {
    fs::write("/etc/opendmarc.conf", guide::block(kind.guide(), "conf")?).map_err(world::text)?;
    run(Command::new("install").args(["-d", "-o", "opendmarc", "/run/opendmarc"])).await?;
    let daemon = Command::new("/usr/sbin/opendmarc")
        .args(["-f", "-c", "/etc/opendmarc.conf"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    daemon.map_err(world::text)?;
    until("OpenDMARC listens", async || TcpStream::connect("127.0.0.1:8893").await.is_ok()).await
}
