//! The evaluations that are timed.

use crate::{Answers, Mail};

/// One evaluation.
pub struct Case {
    /// A short name, for the tables.
    pub name: &'static str,
    /// Its DNS.
    pub answers: Answers,
    /// What is asked.
    pub mail: Mail,
    /// The result, as both evaluators print it.
    pub result: &'static str,
}

/// Returns the five records that the comparison is about.
#[must_use]
pub fn five() -> [Case; 5] {
    [
        // Both questions of `mx` are asked, and every directive is tried.
        case("internode", INTERNODE, "203.16.215.1", "simon@internode.com.au", "softfail"),
        // The last of the networks.
        case("aol", AOL, "64.12.138.152", "steve@aol.com", "pass"),
        // A forged sender: the included record is tried to its end.
        case("netcraft include", NETCRAFT, "195.56.204.159", "geoffrey@april.netcraft.com.au", "neutral"),
        case("-all", WEBSENTRIC, "192.0.2.1", "a@websentric.com", "fail"),
        case("exists macro", EXISTS, "192.0.2.1", "someuser+list@example.com", "pass"),
    ]
}

/// Returns more evaluations, to see what the five do not show.
#[must_use]
pub fn others() -> [Case; 4] {
    [
        case("aol ptr", AOL, "203.0.113.1", "steve@aol.com", "pass"),
        case("exists over IPv6", EXISTS, "2001:db8::cb01", "someuser@example.com", "pass"),
        case("explanation", EXPLAINED, "192.0.2.9", "user@example.com", "fail"),
        case("no record", "", "192.0.2.1", "user@example.com", "none"),
    ]
}

fn case(name: &'static str, answers: &str, ip: &str, sender: &str, result: &'static str) -> Case {
    let ip = ip.parse().expect("the addresses above are addresses");
    Case { name, answers: Answers::parse(answers), mail: Mail::new(ip, sender), result }
}

const INTERNODE: &str = "
    internode.com.au TXT v=spf1 +mx +ip4:192.83.231.0/24 +ip4:203.16.214.0/24 ~all
    internode.com.au MX mail.internode.com.au
    mail.internode.com.au A 198.51.100.25";

const AOL: &str = "
    aol.com TXT v=spf1 ip4:152.163.225.0/24 ip4:205.188.139.0/24 ip4:205.188.144.0/24 ip4:205.188.156.0/23 ip4:205.188.159.0/24 ip4:64.12.136.0/23 ip4:64.12.138.0/24 ptr:mx.aol.com ?all
    1.113.0.203.in-addr.arpa PTR imo-m01.mx.aol.com
    imo-m01.mx.aol.com A 203.0.113.1";

const NETCRAFT: &str = "
    april.netcraft.com.au TXT v=spf1 include:netcraft.com.au
    netcraft.com.au TXT v=spf1 ip4:203.16.230.0/23 ip4:150.101.234.78 -all";

const WEBSENTRIC: &str = "websentric.com TXT v=spf1 -all";

const EXISTS: &str = "
    example.com TXT v=spf1 exists:%{ir}.%{l1r+-}._spf.%{d} -all
    1.2.0.192.someuser._spf.example.com A 127.0.0.2
    1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.someuser._spf.example.com A 127.0.0.2";

const EXPLAINED: &str = "
    example.com TXT v=spf1 a mx -all exp=why.example.com
    example.com A 192.0.2.1
    example.com MX mail.example.com
    mail.example.com A 192.0.2.2
    why.example.com TXT %{i} is not one of the mail hosts of %{d}, see http://example.com/why?s=%{S}";
