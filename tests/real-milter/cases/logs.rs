//! Where the log goes: a real rsyslogd, and a real systemd-journald.

use std::{fs, path::Path, process::Stdio};

use tokio::process::{Child, Command};

use crate::{
    client::Letter,
    guide,
    milter::Milter,
    mta::{Kind, run},
    world::{self, World, until},
};

/// The line of a message is in rsyslogd's file, under our name and process number, and so is one after rsyslogd was restarted.
pub(super) async fn syslog(kind: Kind) -> Result<(), String> {
    let mut world = World::start(kind, "").await?;
    fs::write("/etc/rsyslog.conf", RSYSLOG).map_err(world::text)?;
    for name in ["first", "again"] {
        // The system's own socket is rsyslogd's from here on.
        fs::remove_file("/dev/log").map_err(world::text)?;
        let mut rsyslogd = daemon("/usr/sbin/rsyslogd", &["-n", "-f", "/etc/rsyslog.conf", "-i", "NONE"])?;
        until("rsyslogd listens", async || Path::new("/dev/log").exists()).await?;
        if name == "first" {
            logging_to(&mut world, kind, "syslog").await?;
        }
        let from = format!("{name}@pass.example");
        world.deliver(Letter { from: &from, ..Letter::default() }).await?;
        let written = || fs::read_to_string("/run/mail.log").unwrap_or_default();
        let is_ours = |line: &str| line.contains(" spf-milter[") && line.contains(&format!("mail_from=<{from}> "));
        until("the line is written", async || {
            written().lines().any(|line| is_ours(line) && line.contains("result=pass"))
        })
        .await
        .map_err(|late| world.told(&format!("{late}\n{}", written())))?;
        rsyslogd.kill().await.map_err(world::text)?;
    }
    Ok(())
}

/// Each value is a field of its own, which journalctl finds it by.
pub(super) async fn journal(kind: Kind) -> Result<(), String> {
    let mut world = World::start(kind, "").await?;
    fs::create_dir_all("/run/systemd/journal").map_err(world::text)?;
    let _journald = daemon("/lib/systemd/systemd-journald", &[])?;
    until("journald listens", async || Path::new("/run/systemd/journal/socket").exists()).await?;
    logging_to(&mut world, kind, "journald").await?;
    world.deliver(Letter::default()).await?;
    let mut found = String::new();
    until("the journal has the message", async || {
        let fields = ["SPF_RESULT=pass", "SPF_MAIL_FROM=<alice@pass.example>", "SYSLOG_IDENTIFIER=spf-milter"];
        let mut journalctl = Command::new("journalctl");
        let output = run(journalctl.args(["--directory", "/run/log/journal", "--output", "json"]).args(fields)).await;
        found = output.map_or_else(|error| error, |bytes| String::from_utf8_lossy(&bytes).into_owned());
        found.contains("\"MESSAGE\":\"checked ")
    })
    .await
    .map_err(|late| world.told(&format!("{late}\n{found}")))?;
    world.ensure(found.contains("\"PRIORITY\":\"6\""), &format!("the priority in\n{found}"))
}

/// Another spf-milter in the place of the first, with its log there.
async fn logging_to(world: &mut World, kind: Kind, target: &str) -> Result<(), String> {
    world.milter.signal("TERM")?;
    world.milter.ended().await?;
    let config = guide::block(kind.guide(), "toml")?;
    world.milter = Milter::start("logging", &format!("{config}\n[log]\ntarget = \"{target}\"\n")).await?;
    Ok(())
}

fn daemon(program: &str, arguments: &[&str]) -> Result<Child, String> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    command.spawn().map_err(|error| format!("{program}: {error}"))
}

const RSYSLOG: &str = r#"
module(load="imuxsock" SysSock.Name="/dev/log" SysSock.Use="on" SysSock.RateLimit.Interval="0")
mail.* /run/mail.log
"#;
