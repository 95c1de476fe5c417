//! What is around a milter that is started here.

use std::path::PathBuf;

use crate::{
    diag::Diag,
    scenario::Unit,
    under_test::{Zones, unit_with},
};

/// A DNS with these zone files; without any, one in which the battery's sender and client are honest.
///
/// # Errors
/// What is wrong in the files.
pub fn surroundings(zones: &[PathBuf]) -> Result<Unit, Vec<Diag>> {
    unit_with("conform", if zones.is_empty() { Zones::Text(ZONE) } else { Zones::Files(zones) })
}

const ZONE: &str = "\
example.org.              A    192.0.2.1
example.org.              MX   0 mail.example.org.
example.org.              TXT  \"v=spf1 +all\"
mail.example.org.         A    192.0.2.1
client.example.net.       A    192.0.2.1
client.example.net.       AAAA 2001:db8::2
client.example.net.       TXT  \"v=spf1 +all\"
1.2.0.192.in-addr.arpa.   PTR  client.example.net.
example.com.              A    192.0.2.1
example.com.              MX   0 mail.example.org.
no-mail.example.          TXT  \"v=spf1 -all\"
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_zone_is_good_and_documented() {
        assert!(surroundings(&[]).is_ok());
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/conformance.md");
        let text = std::fs::read_to_string(path).expect("docs/conformance.md can be read");
        assert!(text.contains(&format!("```text conform.zone\n{ZONE}```\n")), "docs/conformance.md has another zone");
    }
}
