//! The real sendmail: its configuration from a unit's, its process, its quarantine.

use std::{
    fmt::Write as _,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use fake_mta::scenario::{DefaultAction, MacroStage, Unit};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::{
    inside,
    installed::SENDMAIL_PROGRAM,
    mta::{has_file, macro_lists, run, start_daemon, stop_daemon},
    namespace::hostname,
};

/// A running daemon and its folder.
pub(crate) struct Sendmail {
    child: Child,
    dir: TempDir,
}

impl Sendmail {
    /// Makes the configuration, and starts the daemon.
    pub(crate) async fn start(unit: &Unit, milter_port: u16) -> Result<Self, String> {
        let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
        write_configuration(dir.path(), unit, milter_port).await?;
        let mut command = program(dir.path());
        command.arg("-bD").arg("-X").arg(dir.path().join("traffic"));
        let child = start_daemon(&mut command).await?;
        Ok(Self { child, dir })
    }

    /// Lets go of what is in quarantine, and runs the queue.
    pub(crate) async fn release_held(&mut self) -> Result<bool, String> {
        if !has_file(&self.dir.path().join("queue"), "hf").map_err(|error| error.to_string())? {
            return Ok(false);
        }
        run(program(self.dir.path()).args(["-qQ", "-Q"])).await?;
        run(program(self.dir.path()).arg("-qf")).await?;
        Ok(true)
    }

    /// Ends it. There is no syslog in the namespace: what went over its SMTP connections comes back.
    pub(crate) async fn stop(self) -> String {
        stop_daemon(self.child).await;
        fs::read(self.dir.path().join("traffic"))
            .map_or_else(|error| error.to_string(), |text| String::from_utf8_lossy(&text).into_owned())
    }
}

/// sendmail with the configuration in `dir`.
fn program(dir: &Path) -> Command {
    let system = system_dir();
    let mut command = Command::new(system.join(SENDMAIL_PROGRAM));
    command.env("LD_LIBRARY_PATH", libraries(&system)).arg("-C").arg(dir.join("sendmail.cf"));
    command
}

/// `usr/lib/x86_64-linux-gnu`, or as this machine's kind is called.
fn libraries(system: &Path) -> PathBuf {
    let lib = system.join("usr/lib");
    let folders = fs::read_dir(&lib).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut fitting = folders.filter(|path| path.to_string_lossy().ends_with("-linux-gnu"));
    fitting.next().unwrap_or(lib)
}

fn system_dir() -> PathBuf {
    std::env::var_os(inside::SENDMAIL).map(PathBuf::from).expect("whoever starts the process inside names the folder")
}

async fn write_configuration(dir: &Path, unit: &Unit, milter_port: u16) -> Result<(), String> {
    let text = |error: std::io::Error| error.to_string();
    let queue = dir.join("queue");
    fs::create_dir(&queue).map_err(text)?;
    fs::set_permissions(&queue, fs::Permissions::from_mode(0o700)).map_err(text)?;
    fs::write(dir.join("scenario.m4"), scenario_m4(unit, milter_port)).map_err(text)?;
    let cf = system_dir().join("usr/share/sendmail/cf");
    let mut m4 = Command::new("m4");
    m4.arg(format!("-D_CF_DIR_={}/", cf.display()))
        .arg(format!("-DTEST_DIR={}", dir.display()))
        .arg(format!("-DTEST_HOSTNAME={}", hostname(unit)))
        .arg(cf.join("m4/cf.m4"))
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("real-mta/sendmail.mc"));
    fs::write(dir.join("sendmail.cf"), run(&mut m4).await?).map_err(text)
}

/// The filter, and what the unit sets.
fn scenario_m4(unit: &Unit, milter_port: u16) -> String {
    let mta = &unit.scenario.mta;
    let name = mta.filter.as_ref().map_or("milter", |name| name.as_str());
    let flag = match mta.default_action.as_ref().map(|action| action.value) {
        None | Some(DefaultAction::Tempfail) => "F=T, ",
        Some(DefaultAction::Reject) => "F=R, ",
        Some(DefaultAction::Shutdown) => "F=4, ",
        Some(DefaultAction::Accept | DefaultAction::Quarantine) => "",
    };
    let mut m4 = format!(
        "INPUT_MAIL_FILTER(`{name}', `S=inet:{milter_port}@127.0.0.1, {flag}T={}')dnl\n",
        timeouts(&mta.timeouts)
    );
    for (stage, names) in macro_lists(unit) {
        writeln!(m4, "define(`confMILTER_MACROS_{}', `{names}')dnl", stage_word(stage)).expect("a String takes all");
    }
    m4
}

/// `C:5m;S:10s;R:10s;E:5m`, in seconds.
fn timeouts(set: &fake_mta::scenario::Timeouts) -> String {
    let seconds = |time: Option<Duration>, default: u64| time.map_or(default, |time| time.as_secs().max(1));
    format!(
        "C:{}s;S:{}s;R:{}s;E:{}s",
        seconds(set.connect, 300),
        seconds(set.send, 10),
        seconds(set.read, 10),
        seconds(set.eom, 300)
    )
}

fn stage_word(stage: MacroStage) -> &'static str {
    match stage {
        MacroStage::Connect => "CONNECT",
        MacroStage::Helo => "HELO",
        MacroStage::Mail => "ENVFROM",
        MacroStage::Rcpt => "ENVRCPT",
        MacroStage::Data => "DATA",
        MacroStage::Eoh => "EOH",
        MacroStage::Eom => "EOM",
    }
}
