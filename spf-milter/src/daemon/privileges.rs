//! Becoming another user for good.

use std::ffi::CString;
use std::fmt;

use nix::errno::Errno;
use nix::sys::prctl::set_no_new_privs;
use nix::unistd::{
    Gid, Uid, geteuid, getgroups, getresgid, getresuid, initgroups, setgroups, setresgid, setresuid, setuid,
};

use crate::config::ProcessConfig;

/// Why the process is not who it should be: it must not go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PrivilegeError {
    #[error("only root can become {0}; start it as root, or take process.user and process.group away")]
    NotRoot(String),
    #[error("cannot become {who}: {step}: {errno}")]
    Refused { who: String, step: &'static str, errno: Errno },
    #[error("still has privileges after becoming {who}: {what}")]
    Kept { who: String, what: String },
}

/// Who the process is, to be told once there is a log.
pub(super) enum Became {
    /// Somebody else, verified.
    Other(String),
    /// It stayed who it was.
    Same {
        /// Whether that is root.
        is_root: bool,
    },
}

impl Became {
    /// Writes it into the log.
    pub(super) fn tell(&self) {
        match self {
            Self::Other(who) => tracing::info!("running as {who}"),
            Self::Same { is_root: true } => {
                tracing::warn!("running as root, which is not needed: set process.user, or User= in the unit");
            }
            Self::Same { is_root: false } => {}
        }
    }
}

/// Becomes who the configuration names, and sees to it that there is no way back.
pub(super) fn become_user(process: &ProcessConfig) -> Result<Became, PrivilegeError> {
    // No program that it could start would get privileges that it has not: nothing here starts any.
    let _ = set_no_new_privs();
    let Some(target) = Target::of(process) else {
        return Ok(Became::Same { is_root: geteuid().is_root() });
    };
    if target.is_now() {
        return Ok(Became::Same { is_root: target.uid.is_root() });
    }
    if !geteuid().is_root() {
        return Err(PrivilegeError::NotRoot(target.to_string()));
    }
    target.assume()?;
    target.verify()?;
    Ok(Became::Other(target.to_string()))
}

/// Whom to become.
struct Target {
    name: Option<CString>,
    uid: Uid,
    gid: Gid,
}

impl Target {
    fn of(process: &ProcessConfig) -> Option<Self> {
        let gid = process.group.as_ref().map(|group| group.gid);
        match &process.user {
            Some(user) => {
                let name = CString::new(user.name.as_str()).ok();
                Some(Self { name, uid: user.uid, gid: gid.unwrap_or(user.gid) })
            }
            None => gid.map(|gid| Self { name: None, uid: geteuid(), gid }),
        }
    }

    fn is_now(&self) -> bool {
        let users = getresuid().is_ok_and(|now| [now.real, now.effective, now.saved] == [self.uid; 3]);
        users && getresgid().is_ok_and(|now| [now.real, now.effective, now.saved] == [self.gid; 3])
    }

    /// Groups first: without the user's privileges they could not be changed any more.
    fn assume(&self) -> Result<(), PrivilegeError> {
        let refused = |step| move |errno| PrivilegeError::Refused { who: self.to_string(), step, errno };
        match &self.name {
            Some(name) => initgroups(name, self.gid).map_err(refused("its groups"))?,
            None => setgroups(&[self.gid]).map_err(refused("its groups"))?,
        }
        setresgid(self.gid, self.gid, self.gid).map_err(refused("its group"))?;
        setresuid(self.uid, self.uid, self.uid).map_err(refused("its user"))
    }

    fn verify(&self) -> Result<(), PrivilegeError> {
        let kept = |what: String| Err(PrivilegeError::Kept { who: self.to_string(), what });
        if !self.is_now() {
            return kept("user or group is another one".to_owned());
        }
        if self.uid.is_root() {
            return Ok(());
        }
        if getgroups().unwrap_or_default().contains(&Gid::from_raw(0)) {
            return kept("it is in root's group".to_owned());
        }
        if setuid(Uid::from_raw(0)).is_ok() {
            return kept("it could become root again".to_owned());
        }
        match capabilities() {
            Some(held) => kept(format!("capabilities {held}")),
            None => Ok(()),
        }
    }
}

/// The permitted capabilities, if there are any. Where `/proc` does not tell, the user's number must do.
fn capabilities() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let held = status.lines().find_map(|line| line.strip_prefix("CapPrm:"))?.trim();
    held.contains(|digit| digit != '0').then(|| held.to_owned())
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            write!(f, "{} ", name.to_string_lossy())?;
        }
        write!(f, "(uid {}, gid {})", self.uid, self.gid)
    }
}
