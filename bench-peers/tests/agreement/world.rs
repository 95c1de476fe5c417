//! Random records over random answers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bench_peers::{Answers, Data, Mail};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// One evaluation.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) answers: Answers,
    pub(crate) mail: Mail,
}

const DOMAINS: &[&str] = &["a.example", "b.example", "c.example", "d.example"];

/// All hosts have both kinds of addresses, so that no term about one is void.
const HOSTS: &[&str] = &["h1.example", "h2.example", "h3.example"];

/// What `exists` finds with the macros below, for some senders and clients.
const EXISTING: &[&str] = &["1.2.0.192.e.example", "user.e.example", "user.example.a.e.example", "in-addr.e.example"];

/// Writes what both evaluators are right about; the module above says what is left out, and why.
pub(crate) fn world() -> impl Strategy<Value = World> {
    let records = vec(prop_oneof![8 => record().prop_map(Some), 1 => Just(None)], DOMAINS.len());
    let addresses = vec((client4(), client6()), HOSTS.len());
    let exchangers = vec(vec(select(HOSTS), 1..3), DOMAINS.len());
    let failing = prop_oneof![6 => Just(None), 1 => select(DOMAINS).prop_map(Some)];
    let client = prop_oneof![3 => client4().prop_map(IpAddr::V4), 1 => client6().prop_map(IpAddr::V6)];
    let local_part = select(&["user", "user.name", "user+tag", "us-er_x=y", "\"quoted\""][..]);
    (records, addresses, exchangers, failing, client, local_part, select(DOMAINS)).prop_map(
        |(records, addresses, exchangers, failing, client, local_part, domain)| World {
            answers: answers(records, &addresses, &exchangers, failing),
            mail: Mail::new(client, &format!("{local_part}@{domain}")),
        },
    )
}

fn answers(
    records: Vec<Option<String>>,
    addresses: &[(Ipv4Addr, Ipv6Addr)],
    exchangers: &[Vec<&str>],
    failing: Option<&str>,
) -> Answers {
    let mut answers = Answers::default();
    for (domain, record) in DOMAINS.iter().zip(records) {
        match record {
            _ if failing == Some(*domain) => answers.add(*domain, Data::TxtFails),
            Some(record) => answers.add(*domain, Data::Txt(record)),
            None => {}
        }
    }
    for (domain, exchangers) in DOMAINS.iter().zip(exchangers) {
        exchangers.iter().for_each(|exchanger| answers.add(*domain, Data::Mx((*exchanger).to_owned())));
    }
    let owners = HOSTS.iter().chain(DOMAINS);
    for (owner, (ip4, ip6)) in owners.zip(addresses.iter().cycle()) {
        answers.add(*owner, Data::A(*ip4));
        answers.add(*owner, Data::Aaaa(*ip6));
    }
    EXISTING.iter().for_each(|name| answers.add(*name, Data::A(Ipv4Addr::LOCALHOST)));
    answers.add("why.example", Data::Txt("%{i} may not send as %{s}, %{d}%_%{h}%%".to_owned()));
    answers
}

fn record() -> impl Strategy<Value = String> {
    let directive = (select(&["", "+", "-", "~", "?"][..]), mechanism()).prop_map(|(qualifier, mechanism)| {
        if mechanism.starts_with("include") { mechanism } else { format!("{qualifier}{mechanism}") }
    });
    let modifier = prop_oneof![
        select(DOMAINS).prop_map(|domain| format!("redirect={domain}")),
        Just("exp=why.example".to_owned()),
        Just("ra=postmaster".to_owned()),
    ];
    (vec(directive, 0..6), proptest::option::of(modifier), 0..6_usize).prop_map(|(mut terms, modifier, at)| {
        if let Some(modifier) = modifier {
            terms.insert(at.min(terms.len()), modifier);
        }
        format!("v=spf1 {}", terms.join(" ")).trim_end().to_owned()
    })
}

fn mechanism() -> impl Strategy<Value = String> {
    let cidr = || select(&["", "/24", "/30", "/0", "//64", "/28//126", "//0"][..]);
    let target = || prop_oneof![Just(String::new()), select(HOSTS).prop_map(|host| format!(":{host}"))];
    prop_oneof![
        2 => Just("all".to_owned()),
        3 => (client4(), 8..=32_u8).prop_map(|(ip, bits)| format!("ip4:{ip}/{bits}")),
        1 => client4().prop_map(|ip| format!("IP4:{ip}")),
        2 => (client6(), 32..=128_u8).prop_map(|(ip, bits)| format!("ip6:{ip}/{bits}")),
        2 => (target(), cidr()).prop_map(|(target, cidr)| format!("a{target}{cidr}")),
        1 => (prop_oneof![Just(String::new()), select(DOMAINS).prop_map(|domain| format!(":{domain}"))], cidr())
            .prop_map(|(target, cidr)| format!("mx{target}{cidr}")),
        3 => select(DOMAINS).prop_map(|domain| format!("include:{domain}")),
        2 => select(&["%{ir}", "%{l}", "%{l1}", "%{l1r+-}", "%{s1}.a", "%{v}", "%{d2}", "%{O1}", "%{lr.+}"][..])
            .prop_map(|text| format!("exists:{text}.e.example")),
    ]
}

fn client4() -> impl Strategy<Value = Ipv4Addr> {
    (0..3_u8, 0..4_u8).prop_map(|(net, host)| Ipv4Addr::new(192, 0, net, host))
}

fn client6() -> impl Strategy<Value = Ipv6Addr> {
    (0..2_u16, 0..4_u16).prop_map(|(net, host)| Ipv6Addr::new(0x2001, 0xdb8, net, 0, 0, 0, 0, host))
}
