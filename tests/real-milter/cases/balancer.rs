//! Two spf-milters, behind Debian's HAProxy or behind a name that has the addresses of both.

use std::{fs, process::Stdio};

use tokio::{net::TcpStream, process::Command};

use super::under_traffic::{CLIENTS, nothing_is_lost, some_more};
use crate::{
    guide,
    milter::Milter,
    mta::Kind,
    traffic::Traffic,
    world::{self, World, until},
};

/// It is killed, not stopped: sessions that are with it are torn. The other one serves the rest.
pub(super) async fn one_of_two_dies(kind: Kind) -> Result<(), String> {
    let mut world = World::prepare(GUIDE, "one", &[]).await?;
    let other = Milter::start("other", &guide::block(GUIDE, "toml two")?).await?;
    start_haproxy().await.map_err(|problem| world.told(&problem))?;
    kind.start(GUIDE, "").await.map_err(|problem| world.told(&problem))?;

    let traffic = Traffic::start(&CLIENTS, "alice@pass.example");
    let both_work = || world.milter.log().contains("result=pass") && other.log().contains("result=pass");
    until("both filters work", async || both_work()).await.map_err(|late| world.told(&late))?;
    world.milter.signal("KILL")?;
    world.milter.killed().await;
    some_more(&world, &traffic).await?;
    let tries = traffic.stop().await;
    nothing_is_lost(&world, &tries).await?;
    // Only what was under way when it died had to come again.
    let put_off = tries.iter().filter(|attempt| !attempt.is_taken()).count();
    world.ensure(put_off <= CLIENTS.len(), &format!("a retry for each session under way, not {put_off}"))
}

/// Nothing but the name stands between them: the MTA connects to the second address when nobody is at the first.
pub(super) async fn next_address(kind: Kind) -> Result<(), String> {
    let mut world = World::prepare(GUIDE, "name one", &[]).await?;
    let other = Milter::start("other", &guide::block(GUIDE, "toml name two")?).await?;
    kind.start(GUIDE, "name").await.map_err(|problem| world.told(&problem))?;

    let traffic = Traffic::start(&CLIENTS, "alice@pass.example");
    some_more(&world, &traffic).await?;
    world.ensure(world.milter.log().contains("result=pass"), "work for the first")?;
    world.milter.signal("KILL")?;
    world.milter.killed().await;
    some_more(&world, &traffic).await?;
    let tries = traffic.stop().await;
    world.ensure(other.log().contains("result=pass"), "work for the second")?;
    nothing_is_lost(&world, &tries).await?;
    let put_off = tries.iter().filter(|attempt| !attempt.is_taken()).count();
    world.ensure(put_off <= CLIENTS.len(), &format!("a retry for each session under way, not {put_off}"))
}

async fn start_haproxy() -> Result<(), String> {
    fs::write("/etc/haproxy.cfg", guide::block(GUIDE, "haproxy")?).map_err(world::text)?;
    let started = Command::new("/usr/sbin/haproxy")
        .args(["-db", "-f", "/etc/haproxy.cfg"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    started.map_err(world::text)?;
    until("HAProxy listens", async || TcpStream::connect("127.0.0.1:8890").await.is_ok()).await
}

const GUIDE: &str = "balancer.md";
