//! One message at a time, with the guide's first lines.

use crate::{
    client::{BAD, Letter},
    mta::Kind,
    world::World,
};

/// The field is on top of what the MTA itself adds, and the MTA logs what it was told to do.
pub(super) async fn pass(kind: Kind) -> Result<(), String> {
    let world = World::start(kind, "").await?;
    let mail = world.deliver(Letter::default()).await?;
    let field =
        "Received-SPF: pass (mx.example.net: domain of alice@pass.example designates 192.0.2.10 as permitted sender)";
    world.ensure(mail.message.starts_with(field), &format!("the field on top of:\n{}", mail.message))?;
    world.ensure(mail.envelope.concat().contains("<bob@example.net>"), "the recipient")?;
    match kind {
        Kind::Sendmail => world.logged(&["Milter (spf) insert (0): header: Received-SPF: pass"]).await,
        Kind::Postfix => world.logged(&["to=<bob@example.net>", "status=sent (250"]).await,
    }
}

/// The reply is ours, nothing is delivered, and postmaster can be reached all the same.
pub(super) async fn fail(kind: Kind) -> Result<(), String> {
    let world = World::start(kind, "").await?;
    let letter = Letter { ip: BAD, from: "alice@fail.example", ..Letter::default() };
    let reply = world.send(letter).await?;
    let reason =
        "SPF validation failed: domain of alice@fail.example does not designate 203.0.113.66 as permitted sender";
    let expected = match kind {
        Kind::Sendmail => format!("550 5.7.23 <bob@example.net>... {reason}"),
        Kind::Postfix => format!("550 5.7.23 {reason}"),
    };
    world.ensure(reply == expected, &format!("`{expected}`, not `{reply}`"))?;
    match kind {
        Kind::Sendmail => {
            world.logged(&["Milter: to=<bob@example.net>, reject=550 5.7.23 SPF validation failed"]).await
        }
        Kind::Postfix => world.logged(&["milter-reject: RCPT from", "550 5.7.23 SPF validation failed"]).await,
    }?;
    let mail = world.deliver(Letter { to: "postmaster@example.net", ..letter }).await?;
    world.ensure(mail.message.contains("Received-SPF: fail "), "the field of the exempt recipient's mail")?;
    world.ensure(!mail.envelope.concat().contains("bob@"), "nothing for bob")
}

/// The subject says it, once, and the rest is delivered as it came.
pub(super) async fn softfail(kind: Kind) -> Result<(), String> {
    let world = World::start(kind, "").await?;
    let mail = world.deliver(Letter { ip: BAD, from: "alice@soft.example", ..Letter::default() }).await?;
    world.ensure(mail.message.contains("\nSubject: [softfail] hello\n"), &format!("the tag in\n{}", mail.message))?;
    world.ensure(mail.message.contains("Received-SPF: softfail "), "the field")?;
    match kind {
        Kind::Sendmail => world.logged(&["Milter (spf) change: header Subject: from", "to [softfail] hello"]).await,
        Kind::Postfix => world.logged(&["to=<bob@example.net>", "status=sent (250"]).await,
    }
}

/// The same client without a password is refused.
pub(super) async fn authenticated(kind: Kind) -> Result<(), String> {
    let world = World::start(kind, "").await?;
    let letter = Letter { ip: BAD, from: "alice@fail.example", authenticated: true, ..Letter::default() };
    let mail = world.deliver(letter).await?;
    world.ensure(!mail.message.contains("Received-SPF"), &format!("no field in\n{}", mail.message))?;
    match kind {
        Kind::Sendmail => world.logged(&["AUTH=server", "authid=alice", "mech=PLAIN"]).await,
        Kind::Postfix => world.logged(&["sasl_method=PLAIN, sasl_username=alice"]).await,
    }?;
    let reply = world.send(Letter { authenticated: false, ..letter }).await?;
    world.ensure(reply.starts_with("550 5.7.23"), &format!("a refusal without a password, not `{reply}`"))
}

/// The relay itself would fail; of its clients one does, and one passes.
pub(super) async fn xclient(kind: Kind) -> Result<(), String> {
    let world = World::start(kind, "").await?;
    let relayed = Letter { ip: "192.0.2.12", from: "alice@fail.example", ..Letter::default() };
    let reply = world.send(Letter { xclient: Some("ADDR=203.0.113.66 NAME=bad.example"), ..relayed }).await?;
    let reason = "domain of alice@fail.example does not designate 203.0.113.66 as permitted sender";
    world.ensure(reply.starts_with("550 5.7.23") && reply.ends_with(reason), &format!("a refusal, not `{reply}`"))?;
    let mail = world.deliver(Letter { xclient: Some("ADDR=192.0.2.10 NAME=client.pass.example"), ..relayed }).await?;
    let field = "domain of alice@fail.example designates 192.0.2.10 as permitted sender";
    world.ensure(mail.message.contains(field), &format!("the field in\n{}", mail.message))
}

/// sendmail would say `451 4.3.2 Please try again later` if it had taken the filter for dead.
pub(super) async fn outage(kind: Kind) -> Result<(), String> {
    let world = World::start_with_faults(kind, "", &["silent.example TXT drop"]).await?;
    let reply = world.send(Letter { from: "alice@silent.example", ..Letter::default() }).await?;
    let expected = "451 4.4.3 SPF check not completed: ";
    world.ensure(reply.starts_with(expected), &format!("`{expected}…`, not `{reply}`"))?;
    world.ensure(!world.log.has(&["error state"]), "a filter in good standing")?;
    // Others are served as ever.
    world.deliver(Letter::default()).await.map(drop)
}

/// The permissions are such that the MTA gets through, and nobody else.
pub(super) async fn unix_socket(kind: Kind) -> Result<(), String> {
    let world = World::start(kind, "unix").await?;
    let mail = world.deliver(Letter::default()).await?;
    world
        .ensure(mail.message.starts_with("Received-SPF: pass "), &format!("the field on top of:\n{}", mail.message))?;
    let reply = world.send(Letter { ip: BAD, from: "alice@fail.example", ..Letter::default() }).await?;
    world.ensure(reply.starts_with("550 5.7.23"), &format!("a refusal, not `{reply}`"))
}
