//! What happens to spf-milter while clients are at work.

use std::collections::BTreeMap;

use crate::{
    client::Letter,
    guide,
    milter::Milter,
    mta::Kind,
    sink::Mail,
    traffic::{Traffic, Try},
    world::{World, until},
};

/// SIGTERM, and a new process: every message is taken in the end, once, and none of them unseen by the filter.
pub(super) async fn restart(kind: Kind) -> Result<(), String> {
    let mut world = World::start(kind, "").await?;
    let traffic = Traffic::start(&CLIENTS, "alice@pass.example");
    some_more(&world, &traffic).await?;
    world.milter.signal("TERM")?;
    world.milter.ended().await?;
    let (reply, line) = match kind {
        Kind::Sendmail => ("451 4.3.2 Please try again later", "Milter (spf): to error state"),
        Kind::Postfix => (
            "451 4.7.1 Service unavailable - try again later",
            "warning: connect to Milter service inet:127.0.0.1:8891",
        ),
    };
    until("mail is put off", async || traffic.tries().iter().any(|attempt| attempt.reply == reply))
        .await
        .map_err(|late| world.told(&format!("{late}: {:?}", traffic.tries().last())))?;
    world.logged(&[line]).await?;
    world.milter = Milter::start("again", &guide::block(kind.guide(), "toml")?).await?;
    some_more(&world, &traffic).await?;
    let tries = traffic.stop().await;
    nothing_is_lost(&world, &tries).await
}

/// Softfail is tagged before, and refused after; no message is put off because of it. A broken configuration changes nothing.
pub(super) async fn reload(kind: Kind) -> Result<(), String> {
    let world = World::start(kind, "").await?;
    let traffic = Traffic::start(&CLIENTS, "alice@soft.example");
    some_more(&world, &traffic).await?;
    let config = guide::block(kind.guide(), "toml")?;
    world.milter.reload(&with_softfail(&config, "reject")?).await?;
    until("softfail is refused", async || {
        traffic.tries().iter().any(|attempt| attempt.reply.starts_with("550 5.7.1 "))
    })
    .await
    .map_err(|late| world.told(&late))?;
    let tries = traffic.stop().await;
    let odd: Vec<&Try> = tries.iter().filter(|attempt| !attempt.reply.starts_with(['2', '5'])).collect();
    world.ensure(odd.is_empty(), &format!("only 2xx and 5xx, not {odd:?}"))?;

    world.milter.reload(&with_softfail(&config, "rejekt")?).await?;
    until("the mistake is told", async || world.milter.log().contains("the configuration was not taken"))
        .await
        .map_err(|late| world.told(&late))?;
    let reply = world.send(Letter { from: "alice@soft.example", ..Letter::default() }).await?;
    world.ensure(reply.starts_with("550 5.7.1 "), &format!("what was in force before, not `{reply}`"))
}

/// The guide's configuration with another action for softfail.
fn with_softfail(config: &str, action: &str) -> Result<String, String> {
    let line = config.lines().find(|line| line.starts_with("softfail = "));
    let line = line.ok_or("the guide's configuration speaks of softfail")?;
    Ok(config.replace(line, &format!("softfail = \"{action}\"")))
}

/// Waits until mail has flowed for a while.
pub(super) async fn some_more(world: &World, traffic: &Traffic) -> Result<(), String> {
    let goal = traffic.taken() + 20;
    let waited = until("mail flows", async || traffic.taken() >= goal).await;
    waited.map_err(|late| world.told(&format!("{late}: {:?}", traffic.tries().last())))
}

/// Every reply was a yes or a not now; what was taken arrived once, with the filter's field.
pub(super) async fn nothing_is_lost(world: &World, tries: &[Try]) -> Result<(), String> {
    let odd: Vec<&Try> = tries.iter().filter(|attempt| !attempt.reply.starts_with(['2', '4'])).collect();
    world.ensure(odd.is_empty(), &format!("only 2xx and 4xx, not {odd:?}"))?;
    let taken: Vec<&Try> = tries.iter().filter(|attempt| attempt.is_taken()).collect();
    let mails = world.arrived(taken.len()).await?;
    let mut arrived: BTreeMap<&str, usize> = BTreeMap::new();
    for mail in &mails {
        *arrived.entry(subject(mail)).or_default() += 1;
        let fields = mail.message.matches("Received-SPF: pass ").count();
        world.ensure(fields == 1, &format!("one field in\n{}", mail.message))?;
    }
    let once = taken.iter().all(|attempt| arrived.get(attempt.subject.as_str()) == Some(&1));
    world.ensure(once && mails.len() == taken.len(), &format!("each message once, not {arrived:?}"))
}

fn subject(mail: &Mail) -> &str {
    mail.message.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap_or_default()
}

/// Three of them, at addresses that pass.
pub(super) const CLIENTS: [&str; 3] = ["192.0.2.10", "192.0.2.11", "192.0.2.12"];
