//! The real Postfix: its configuration from a unit's, its processes, its queue.

use std::{
    fmt::Write as _,
    fs::{self, File},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    time::{Duration, SystemTime},
};

use fake_mta::scenario::{DefaultAction, MacroStage, Unit};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::{
    installed::POSTFIX_DAEMONS,
    mta::{has_file, macro_lists, run, start_daemon, stop_daemon, wait_until},
    namespace::{call, hostname},
};

/// A running master and its folder.
pub(crate) struct Postfix {
    child: Child,
    dir: TempDir,
}

impl Postfix {
    /// Makes configuration and queue, and starts the master.
    pub(crate) async fn start(unit: &Unit, milter_port: u16) -> Result<Self, String> {
        let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
        make_folders(dir.path()).await?;
        write_configuration(dir.path(), unit, milter_port).map_err(|error| error.to_string())?;
        let mut command = Command::new(Path::new(POSTFIX_DAEMONS).join("master"));
        command.arg("-c").arg(dir.path()).arg("-d");
        let child = start_daemon(&mut command).await?;
        Ok(Self { child, dir })
    }

    /// Waits until nothing is in the queue but what is on hold.
    pub(crate) async fn drain(&mut self) -> Result<(), String> {
        let spool = self.dir.path().join("spool");
        // In the order in which a message passes through them: it cannot slip by.
        wait_until("the queue becomes empty", || {
            for queue in ["maildrop", "incoming", "active", "deferred"] {
                if has_file(&spool.join(queue), "")? {
                    return Ok(false);
                }
            }
            Ok(true)
        })
        .await
    }

    /// Lets go of what is on hold.
    pub(crate) async fn release_held(&mut self) -> Result<bool, String> {
        if !has_file(&self.dir.path().join("spool/hold"), "").map_err(|error| error.to_string())? {
            return Ok(false);
        }
        run(Command::new("/usr/sbin/postsuper").arg("-c").arg(self.dir.path()).args(["-H", "ALL"])).await?;
        run(Command::new("/usr/sbin/postqueue").arg("-c").arg(self.dir.path()).arg("-f")).await?;
        self.drain().await?;
        Ok(true)
    }

    /// Ends it; its log comes back.
    pub(crate) async fn stop(self) -> String {
        stop_daemon(self.child).await;
        fs::read(self.dir.path().join("maillog"))
            .map_or_else(|error| error.to_string(), |text| String::from_utf8_lossy(&text).into_owned())
    }
}

/// The folders that `postfix start` would make.
async fn make_folders(dir: &Path) -> Result<(), String> {
    let text = |error: std::io::Error| error.to_string();
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(text);
    mode(dir, 0o755)?;
    let spool = dir.join("spool");
    fs::create_dir(&spool).map_err(text)?;
    fs::create_dir(spool.join("pid")).map_err(text)?;
    for (owner, permissions, names) in FOLDERS {
        for name in *names {
            let path = if *name == "data" { dir.join(name) } else { spool.join(name) };
            fs::create_dir(&path).map_err(text)?;
            call("chown", &[owner, &path.to_string_lossy()]).await?;
            mode(&path, *permissions)?;
        }
    }
    Ok(())
}

fn write_configuration(dir: &Path, unit: &Unit, milter_port: u16) -> std::io::Result<()> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("real-mta");
    let base = fs::read_to_string(source.join("main.cf"))?.replace("{dir}", &dir.to_string_lossy());
    let main = dir.join("main.cf");
    fs::write(&main, base + &scenario_cf(unit, milter_port))?;
    // Postfix waits until nobody can be writing to the file any more: until its date is a second old.
    File::options().append(true).open(&main)?.set_modified(SystemTime::now() - Duration::from_secs(60))?;
    fs::copy(source.join("master.cf"), dir.join("master.cf"))?;
    Ok(())
}

/// The filter, and what the unit sets.
fn scenario_cf(unit: &Unit, milter_port: u16) -> String {
    let mta = &unit.scenario.mta;
    let mut cf = format!("\nmyhostname = {}\nsmtpd_milters = inet:127.0.0.1:{milter_port}\n", hostname(unit));
    let mut set = |name: &str, value: &str| writeln!(cf, "{name} = {value}").expect("a String takes all");
    if let Some(action) = &mta.default_action {
        set("milter_default_action", action_word(action.value));
    }
    let timeouts = &mta.timeouts;
    let times = [
        ("milter_connect_timeout", timeouts.connect),
        ("milter_command_timeout", timeouts.read.or(timeouts.send)),
        ("milter_content_timeout", timeouts.eom),
    ];
    for (name, time) in times {
        if let Some(time) = time {
            set(name, &format!("{}s", time.as_secs().max(1)));
        }
    }
    if let Some(version) = &mta.protocol_version {
        set("milter_protocol", &version.to_string());
    }
    for (stage, names) in macro_lists(unit) {
        set(&format!("milter_{}_macros", stage_word(stage)), names);
    }
    cf
}

fn action_word(action: DefaultAction) -> &'static str {
    match action {
        DefaultAction::Accept => "accept",
        DefaultAction::Reject => "reject",
        DefaultAction::Tempfail => "tempfail",
        DefaultAction::Shutdown => "shutdown",
        DefaultAction::Quarantine => "quarantine",
    }
}

fn stage_word(stage: MacroStage) -> &'static str {
    match stage {
        MacroStage::Connect => "connect",
        MacroStage::Helo => "helo",
        MacroStage::Mail => "mail",
        MacroStage::Rcpt => "rcpt",
        MacroStage::Data => "data",
        MacroStage::Eoh => "end_of_header",
        MacroStage::Eom => "end_of_data",
    }
}

/// Owner, permissions and names of the folders below `spool`; `data` stands beside it.
const FOLDERS: &[(&str, u32, &[&str])] = &[
    (
        "postfix",
        0o700,
        &[
            "active", "bounce", "corrupt", "data", "defer", "deferred", "flush", "hold", "incoming", "private",
            "saved", "trace",
        ],
    ),
    ("postfix:postdrop", 0o2710, &["public"]),
    ("postfix:postdrop", 0o1730, &["maildrop"]),
];
