//! Networks in lists.

use std::net::IpAddr;

use ipnet::IpNet;

/// Reads a network such as `192.0.2.0/24`, or a single address.
///
/// # Errors
/// It is none, it is for everybody, or the address is not the network's own; the text says which.
pub(crate) fn parse_network(text: &str) -> Result<IpNet, String> {
    let network = match text.parse::<IpAddr>() {
        Ok(ip) => IpNet::from(ip.to_canonical()),
        Err(_) => text.parse().map_err(|_| {
            let text = text.escape_default();
            format!("`{text}` is no network such as 192.0.2.0/24 or 2001:db8::/32")
        })?,
    };
    if network.prefix_len() == 0 {
        return Err(format!("`{network}` is for everybody"));
    }
    if network.trunc() != network {
        return Err(format!("`{network}` is an address inside of a network; did you mean {}?", network.trunc()));
    }
    Ok(network)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_and_addresses_are_read() {
        for (text, network) in [
            ("192.0.2.0/24", "192.0.2.0/24"),
            ("192.0.2.1", "192.0.2.1/32"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("::ffff:192.0.2.1", "192.0.2.1/32"),
        ] {
            assert_eq!(parse_network(text).map(|network| network.to_string()), Ok(network.to_owned()));
        }
    }

    #[test]
    fn what_is_no_network_is_told() {
        let texts = ["192.0.2", "0.0.0.0/0", "::/0", "192.0.2.1/24", "192.0.2.0/33", "a\nb"];
        let lines = texts.map(|text| parse_network(text).unwrap_err());
        insta::assert_snapshot!(lines.join("\n"));
    }
}
