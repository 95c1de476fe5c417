//! Whether the MTAs, and what they need, are on this machine.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Where everything is.
pub(crate) struct Installed {
    /// The folder that sendmail is unpacked in.
    pub(crate) sendmail: PathBuf,
}

impl Installed {
    /// Looks for all of it.
    ///
    /// # Errors
    /// What is missing.
    pub(crate) fn find() -> Result<Self, String> {
        let sendmail = sendmail_dir();
        for file in [sendmail.join(SENDMAIL_PROGRAM), Path::new(POSTFIX_DAEMONS).join("master")] {
            if !file.exists() {
                return Err(format!("no {}", file.display()));
            }
        }
        for program in ["ip", "m4", "mount", "hostname"] {
            if !is_there(program) {
                return Err(format!("no program `{program}`"));
            }
        }
        let unshared = Command::new("unshare").args(UNSHARE).args(["ip", "link", "set", "lo", "up"]).output();
        match unshared {
            Ok(output) if output.status.success() => Ok(Self { sendmail }),
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
                Err(format!("no network namespace can be made here (that takes root): {said}"))
            }
            Err(error) => Err(format!("`unshare` does not run: {error}")),
        }
    }
}

/// The folder that `.ci/install-mtas` unpacks sendmail in.
pub(crate) fn sendmail_dir() -> PathBuf {
    let target =
        Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("cargo's folder for tests is in its target folder");
    target.join("real-mta/sendmail")
}

fn is_there(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok()
}

/// Namespaces for the network, mounts, the host's name and processes; the processes end with the first of them.
pub(crate) const UNSHARE: [&str; 7] = ["--net", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc"];

/// Below the folder of sendmail.
pub(crate) const SENDMAIL_PROGRAM: &str = "usr/libexec/sendmail/sendmail";

/// Where Debian has Postfix's daemons.
pub(crate) const POSTFIX_DAEMONS: &str = "/usr/lib/postfix/sbin";
