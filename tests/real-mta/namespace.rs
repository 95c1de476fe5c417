//! The namespaces that the process is in: their network, the host's name, and files of `/etc` of their own.

use std::{collections::BTreeSet, fs, net::IpAddr, path::Path};

use fake_mta::scenario::Unit;
use tempfile::TempDir;
use tokio::process::Command;

/// The MTA's addresses.
pub(crate) const ADDRESSES: [&str; 2] = ["192.0.2.25", "2001:db8::25"];

/// What the host is called where the scenario does not say.
pub(crate) const HOSTNAME: &str = "mx.example.com";

/// The namespaces.
pub(crate) struct Namespace {
    dir: TempDir,
}

impl Namespace {
    /// Sets up the network, and puts files of its own over those of `/etc`.
    pub(crate) async fn enter() -> Result<Self, String> {
        let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
        call("ip", &["link", "set", "lo", "up"]).await?;
        for address in ADDRESSES {
            add_address(address.parse().expect("the addresses are written above")).await?;
        }
        for (name, content) in FILES {
            let file = dir.path().join(name);
            fs::write(&file, content).map_err(|error| error.to_string())?;
            let target = Path::new("/etc").join(name);
            call("mount", &["--bind", &file.to_string_lossy(), &target.to_string_lossy()]).await?;
        }
        Ok(Self { dir })
    }

    /// Gives the host the unit's name, and the clients' addresses.
    pub(crate) async fn prepare(&self, unit: &Unit) -> Result<(), String> {
        let name = hostname(unit);
        call("hostname", &[name]).await?;
        let hosts: Vec<String> = ADDRESSES.iter().map(|address| format!("{address} {name}\n")).collect();
        let hosts = format!("127.0.0.1 localhost\n::1 localhost\n{}", hosts.concat());
        // The file keeps its place on the disk: that is what stands over the one of /etc.
        fs::write(self.dir.path().join("hosts"), hosts).map_err(|error| error.to_string())?;
        let addresses: BTreeSet<IpAddr> = unit.scenario.sessions.iter().map(|session| session.client.ip).collect();
        for address in addresses {
            add_address(address).await?;
        }
        Ok(())
    }
}

/// The name of the host in this unit.
pub(crate) fn hostname(unit: &Unit) -> &str {
    unit.scenario.mta.hostname.as_ref().map_or(HOSTNAME, |hostname| hostname.as_str())
}

/// `4.3.2.1.in-addr.arpa.`, or the nibbles below `ip6.arpa.`
pub(crate) fn reverse_name(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa.")
        }
        IpAddr::V6(ip) => {
            let nibbles = ip.octets().into_iter().rev().flat_map(|byte| [byte & 15, byte >> 4]);
            format!("{}ip6.arpa.", nibbles.map(|nibble| format!("{nibble:x}.")).collect::<String>())
        }
    }
}

/// Runs a program to its end.
///
/// # Errors
/// It failed, with what it wrote.
pub(crate) async fn call(program: &str, args: &[&str]) -> Result<(), String> {
    let output = Command::new(program).args(args).output().await.map_err(|error| format!("{program}: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{program} {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr))),
    }
}

/// Replaces nothing: an address that is there already stays.
async fn add_address(address: IpAddr) -> Result<(), String> {
    if address.is_loopback() {
        return Ok(());
    }
    match address {
        IpAddr::V4(address) => call("ip", &["addr", "replace", &format!("{address}/32"), "dev", "lo"]).await,
        // Without `nodad` the address cannot be used before the network was asked whether somebody has it.
        IpAddr::V6(address) => {
            call("ip", &["-6", "addr", "replace", &format!("{address}/128"), "dev", "lo", "nodad"]).await
        }
    }
}

const FILES: [(&str, &str); 2] = [("hosts", "127.0.0.1 localhost\n"), ("resolv.conf", "nameserver 127.0.0.1\n")];
