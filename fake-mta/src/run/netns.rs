//! Namespaces of our own, for milters that ask the DNS servers of `/etc/resolv.conf` and no other.
//!
//! The program is started once more by `unshare`, in a network of its own, in which port 53 is free. Each milter is then
//! started in a mount namespace in which `/etc/resolv.conf` names the DNS server of its own unit.

use std::{
    ffi::OsString,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Command, Stdio},
};

use super::{Fatal, FatalKind};
use crate::diag::Diag;

/// Whether the program runs in namespaces that it made.
pub(crate) fn is_inside() -> bool {
    std::env::var_os(MARK).is_some()
}

/// Starts the program again, with the same arguments, in namespaces of its own. It comes back only if that is not possible.
pub(crate) fn enter(args: &[OsString]) -> Diag {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return Diag::error(format!("cannot find the running program: {error}")),
    };
    let mut complaint = String::new();
    // Root needs no user namespace, and containers often allow none; others need one.
    for flags in [&["--net", "--mount"][..], &["--user", "--map-root-user", "--net", "--mount"]] {
        match attempt(flags) {
            Ok(()) => {
                let words = ["--", "sh", "-c", LOOPBACK_AND_EXEC, "fake-mta"];
                let mut command = Command::new("unshare");
                command.args(flags).args(words).arg(&program).args(args.iter().skip(1)).env(MARK, "1");
                return Diag::error(format!("cannot start `unshare`: {}", command.exec()));
            }
            Err(text) => complaint = text,
        }
    }
    Diag::error(format!("no network namespace can be made: {complaint}")).help(
        "it takes `unshare` (util-linux), `ip` (iproute2), and a kernel that lets this user make namespaces; \
         or run the milter where its resolver is a fixed address, and use --milter ADDR --dns IP:PORT",
    )
}

/// Whether namespaces of this kind can be made here.
fn attempt(flags: &[&str]) -> Result<(), String> {
    let output = Command::new("unshare")
        .args(flags)
        .args(["--", "sh", "-c", LOOPBACK_AND_EXEC, "fake-mta", "true"])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("unshare: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(crate::diag::escape(String::from_utf8_lossy(&output.stderr).trim()).into_owned())
}

/// The address of the DNS server of one of the units that run at the same time; the first is 127.0.0.1.
pub(super) fn dns_addr(number: u8) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::new(127, 0, 0, number.saturating_add(1)), 53))
}

/// The command in a mount namespace in which `/etc/resolv.conf` names this server alone.
pub(super) fn with_resolver(dir: &Path, server: IpAddr) -> Result<Vec<String>, Fatal> {
    let path = dir.join("resolv.conf");
    std::fs::write(&path, format!("nameserver {server}\noptions timeout:1 attempts:2\n"))
        .map_err(|error| Fatal::new(FatalKind::Harness, format!("cannot write {}: {error}", path.display())))?;
    let bind = "mount --bind \"$0\" /etc/resolv.conf && exec \"$@\"";
    let wrapper = ["unshare", "--mount", "--", "sh", "-c", bind].map(str::to_owned);
    Ok(wrapper.into_iter().chain([path.to_string_lossy().into_owned()]).collect())
}

/// Loopback is down in a new namespace.
const LOOPBACK_AND_EXEC: &str = "{ ip link set lo up || ifconfig lo up; } && exec \"$@\"";

/// Set in the environment of the program that runs inside.
const MARK: &str = "FAKE_MTA_NETNS";

/// So many units can run at once: 127.0.0.1 to 127.0.0.250.
pub(super) const DNS_ADDRESSES: u8 = 250;
