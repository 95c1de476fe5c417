//! The real MTAs, with Debian's configuration, that of the proof and the guide's lines.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::process::Command;

use crate::{
    guide, inside,
    installed::SENDMAIL_PROGRAM,
    world::{self, until},
};

/// A real MTA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Debian's sendmail 8.17.
    Sendmail,
    /// Debian's Postfix 3.7.
    Postfix,
}

impl Kind {
    /// The word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Sendmail => "sendmail",
            Self::Postfix => "postfix",
        }
    }

    /// Its guide below `docs/`.
    pub(crate) fn guide(self) -> &'static str {
        match self {
            Self::Sendmail => "sendmail.md",
            Self::Postfix => "postfix.md",
        }
    }

    /// The language of its configuration.
    fn language(self) -> &'static str {
        match self {
            Self::Sendmail => "m4",
            Self::Postfix => "ini",
        }
    }

    /// Starts it with that guide's lines of that variant (empty for the first ones); it listens when this is done. It ends with the
    /// namespaces.
    pub(crate) async fn start(self, guide: &str, variant: &str) -> Result<(), String> {
        let lines = guide::block(guide, &format!("{} {variant}", self.language()))?;
        match self {
            Self::Sendmail => start_sendmail(&lines).await?,
            Self::Postfix => start_postfix(&lines).await?,
        }
        until("the MTA listens", async || listens()).await
    }
}

async fn start_sendmail(lines: &str) -> Result<(), String> {
    let system = env::var_os(inside::SENDMAIL).map(PathBuf::from).ok_or("nobody said where sendmail is")?;
    let cf = system.join("usr/share/sendmail/cf");
    fs::write("/etc/mail/guide.m4", lines).map_err(world::text)?;
    let mut m4 = Command::new("m4");
    m4.arg(format!("-D_CF_DIR_={}/", cf.display())).arg(cf.join("m4/cf.m4")).arg(source("sendmail.mc"));
    fs::write("/etc/mail/sendmail.cf", run(&mut m4).await?).map_err(world::text)?;
    run(Command::new("install").args(["-d", "-m", "700", "/var/spool/mqueue"])).await?;
    let lib = system.join("usr/lib");
    let folders = fs::read_dir(&lib).map_err(world::text)?.flatten().map(|entry| entry.path());
    let libraries: Vec<PathBuf> = folders.filter(|path| path.to_string_lossy().ends_with("-linux-gnu")).collect();
    let daemon = Command::new(system.join(SENDMAIL_PROGRAM))
        .env("LD_LIBRARY_PATH", libraries.first().unwrap_or(&lib))
        .args(["-bD", "-q5s", "-C", "/etc/mail/sendmail.cf"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    daemon.map(drop).map_err(world::text)
}

/// With Debian's `master.cf`, whose smtpd is in a chroot, and its script that fills the chroot.
async fn start_postfix(lines: &str) -> Result<(), String> {
    let debian = fs::read_to_string("/usr/share/postfix/main.cf.debian").map_err(world::text)?;
    // Certificates are not made here.
    let kept: Vec<&str> = debian.lines().filter(|line| !line.contains("_tls_")).collect();
    let ours = fs::read_to_string(source("main.cf")).map_err(world::text)?;
    fs::write("/etc/postfix/main.cf", format!("{}\n{ours}\n{lines}", kept.join("\n"))).map_err(world::text)?;
    fs::copy("/usr/share/postfix/master.cf.dist", "/etc/postfix/master.cf").map_err(world::text)?;
    run(Command::new("postfix").arg("check")).await?;
    run(Command::new("/usr/lib/postfix/configure-instance.sh").arg("-")).await?;
    run(Command::new("postfix").arg("start")).await.map(drop)
}

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("real-milter").join(name)
}

/// Runs a program to its end; its output comes back.
///
/// # Errors
/// It failed, with what it wrote.
pub(crate) async fn run(command: &mut Command) -> Result<Vec<u8>, String> {
    let output = command.stdin(Stdio::null()).output().await.map_err(world::text)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(format!("{:?}: {}{}", command.as_std(), output.status, String::from_utf8_lossy(&output.stderr)))
}

/// Whether port 25 of 192.0.2.25 is open, as the kernel writes it: a connection would be seen by the milter.
fn listens() -> bool {
    let table = fs::read_to_string("/proc/self/net/tcp").unwrap_or_default();
    table.lines().any(|line| line.contains(" 190200C0:0019 ") && line.contains(" 0A "))
}
