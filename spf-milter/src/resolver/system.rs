//! The name servers of `/etc/resolv.conf`.

use std::net::{IpAddr, SocketAddr};

/// The file that resolv.conf(5) describes.
pub(super) const RESOLV_CONF: &str = "/etc/resolv.conf";

/// Reads the `nameserver` lines; what else the file says (search lists, options) is of no use to SPF.
pub(super) fn name_servers(text: &str) -> Vec<SocketAddr> {
    let mut found: Vec<SocketAddr> = text.lines().filter_map(name_server).take(SERVERS_MAX).collect();
    if found.is_empty() {
        // resolv.conf(5): without any such line it is the server on this machine.
        found.push(SocketAddr::from(([127, 0, 0, 1], DNS_PORT)));
    }
    found
}

fn name_server(line: &str) -> Option<SocketAddr> {
    let mut words = line.split_ascii_whitespace();
    let address: IpAddr = match (words.next(), words.next()) {
        (Some("nameserver"), Some(address)) => address.parse().ok()?,
        _ => return None,
    };
    Some(SocketAddr::new(address, DNS_PORT))
}

/// What the C library reads.
const SERVERS_MAX: usize = 3;

const DNS_PORT: u16 = 53;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nameserver_lines_are_read_in_order() {
        let text = "# nameserver 10.0.0.1\nsearch example.com\n nameserver\t192.0.2.1\nnameserver 2001:db8::1 # x\n\
                    nameserver fe80::1%eth0\nnameserver\n;nameserver 10.0.0.2\noptions ndots:2\n";
        let servers: Vec<_> = name_servers(text).iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["192.0.2.1:53", "[2001:db8::1]:53"]);
    }

    #[test]
    fn without_one_it_is_the_local_server() {
        assert_eq!(name_servers(""), ["127.0.0.1:53".parse().unwrap()]);
    }
}
