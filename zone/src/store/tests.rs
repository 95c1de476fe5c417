//! Lookups in small zones.

use super::*;
use crate::{ParseOptions, parse};

fn store(text: &str) -> Store {
    parse(text, &ParseOptions::default()).unwrap().into_iter().collect()
}

fn ask(store: &Store, name: &str, rtype: RecordType, mode: Mode) -> String {
    let answer = store.lookup(&name.parse().unwrap(), rtype, mode);
    let section = |title: &str, records: &[Record]| -> String {
        records.iter().map(|record| format!("\n{title} {record}")).collect()
    };
    format!(
        "{:?}{}{}{}{}",
        answer.outcome,
        if answer.authoritative { " aa" } else { "" },
        section("answer", &answer.records),
        section("authority", &answer.authority),
        section("additional", &answer.additional),
    )
}

fn outcome(store: &Store, name: &str, rtype: RecordType) -> (Outcome, usize) {
    let answer = store.lookup(&name.parse().unwrap(), rtype, Mode::Recursive);
    (answer.outcome, answer.records.len())
}

/// The zone of RFC 4592 §2.2.1.
const WILDCARD_ZONE: &str = "
$ORIGIN example.
example.                 3600 IN  SOA   ns hostmaster 1 2 3 4 5
example.                 3600     NS    ns.example.com.
*.example.               3600     TXT   \"this is a wildcard\"
*.example.               3600     MX    10 host1.example.
sub.*.example.           3600     TXT   \"this is not a wildcard\"
host1.example.           3600     A     192.0.2.1
_ssh._tcp.host1.example. 3600     SRV   0 0 22 host1
_ssh._tcp.host2.example. 3600     SRV   0 0 22 host2
subdel.example.          3600     NS    ns.example.com.
";

#[test]
fn wildcards_are_those_of_rfc_4592() {
    let zone = store(WILDCARD_ZONE);
    use Outcome::{NoError, NxDomain};
    for (name, rtype, expected) in [
        ("host3.example", RecordType::MX, (NoError, 1)),
        ("host3.example", RecordType::A, (NoError, 0)),
        ("foo.bar.example", RecordType::TXT, (NoError, 1)),
        ("host1.example", RecordType::MX, (NoError, 0)),
        ("sub.*.example", RecordType::MX, (NoError, 0)),
        ("_telnet._tcp.host1.example", RecordType::SRV, (NxDomain, 0)),
        ("ghost.*.example", RecordType::MX, (NxDomain, 0)),
        ("*.example", RecordType::TXT, (NoError, 1)),
        ("_tcp.host2.example", RecordType::TXT, (NoError, 0)),
        ("host2.example", RecordType::TXT, (NoError, 0)),
    ] {
        assert_eq!(outcome(&zone, name, rtype), expected, "{name} {rtype}");
    }
}

#[test]
fn a_wildcard_stays_off_names_that_exist() {
    let zone = store("has.example A 192.0.2.1\n*.example TXT wild\n");
    assert_eq!(outcome(&zone, "has.example", RecordType::TXT), (Outcome::NoError, 0));
    assert_eq!(outcome(&zone, "x.has.example", RecordType::TXT), (Outcome::NxDomain, 0));
    assert_eq!(outcome(&zone, "y.example", RecordType::TXT), (Outcome::NoError, 1));
    assert_eq!(outcome(&zone, "x.y.example", RecordType::TXT), (Outcome::NoError, 1));
}

#[test]
fn a_wildcard_answers_in_the_name_asked() {
    let zone = store("*.example TXT wild\n");
    insta::assert_snapshot!(ask(&zone, "AbC.example", RecordType::TXT, Mode::Recursive), @r#"
    NoError aa
    answer abc.example. 0 IN TXT "wild"
    "#);
}

#[test]
fn without_soa_the_records_are_the_world() {
    let zone = store("example.com TXT x\n_spf.example.com A 192.0.2.1\n");
    insta::assert_snapshot!(ask(&zone, "nowhere.test", RecordType::A, Mode::Authoritative), @r"
    NxDomain aa
    authority . 0 IN SOA ns. hostmaster. 1 3600 600 86400 0
    ");
    insta::assert_snapshot!(ask(&zone, "a._spf.example.com", RecordType::A, Mode::Recursive), @r"
    NxDomain aa
    authority example.com. 0 IN SOA ns.example.com. hostmaster.example.com. 1 3600 600 86400 0
    ");
    assert_eq!(outcome(&zone, "com", RecordType::A), (Outcome::NoError, 0));
}

#[test]
fn negative_answers_carry_the_zones_soa_with_the_lesser_ttl() {
    let zone = store("example.com 3600 SOA ns hostmaster 1 2 3 4 30\nexample.com A 192.0.2.1\n");
    insta::assert_snapshot!(ask(&zone, "x.example.com", RecordType::A, Mode::Recursive), @r"
    NxDomain aa
    authority example.com. 30 IN SOA ns. hostmaster. 1 2 3 4 30
    ");
}

#[test]
fn aliases_are_followed_across_names() {
    let zone = store("a.test CNAME b.other\nb.other CNAME c.test\nc.test A 192.0.2.1\ngone.test CNAME nowhere.test\n");
    assert_eq!(outcome(&zone, "a.test", RecordType::A), (Outcome::NoError, 3));
    assert_eq!(outcome(&zone, "a.test", RecordType::CNAME), (Outcome::NoError, 1));
    assert_eq!(outcome(&zone, "a.test", RecordType::TXT), (Outcome::NoError, 2));
    assert_eq!(outcome(&zone, "gone.test", RecordType::A), (Outcome::NxDomain, 1));
}

#[test]
fn alias_loops_end() {
    let zone =
        store("a.test CNAME b.test\nb.test CNAME a.test\nself.test CNAME self.test\n*.w.test CNAME x.y.w.test\n");
    assert_eq!(outcome(&zone, "a.test", RecordType::A), (Outcome::NoError, 2));
    assert_eq!(outcome(&zone, "self.test", RecordType::A), (Outcome::NoError, 1));
    assert_eq!(outcome(&zone, "q.w.test", RecordType::A), (Outcome::NoError, 2));
}

#[test]
fn a_long_chain_is_cut() {
    let text: String = (0..40).map(|index| format!("n{index}.test CNAME n{}.test\n", index + 1)).collect();
    assert_eq!(outcome(&store(&text), "n0.test", RecordType::A), (Outcome::NoError, MAX_CHAIN + 1));
}

#[test]
fn a_cname_beside_other_data_gives_way_to_what_is_asked() {
    let zone = store("a.test CNAME b.test\na.test TXT here\nb.test A 192.0.2.1\n");
    assert_eq!(outcome(&zone, "a.test", RecordType::TXT), (Outcome::NoError, 1));
    assert_eq!(outcome(&zone, "a.test", RecordType::A), (Outcome::NoError, 2));
    assert_eq!(outcome(&zone, "a.test", RecordType::ANY), (Outcome::NoError, 2));
}

#[test]
fn a_dname_moves_the_names_below() {
    let zone = store("old.test 60 DNAME new.test\nwww.new.test A 192.0.2.1\n");
    insta::assert_snapshot!(ask(&zone, "WWW.old.test", RecordType::A, Mode::Recursive), @r"
    NoError aa
    answer old.test. 60 IN DNAME new.test.
    answer www.old.test. 60 IN CNAME www.new.test.
    answer www.new.test. 60 IN A 192.0.2.1
    ");
    assert_eq!(outcome(&zone, "old.test", RecordType::A), (Outcome::NoError, 0));
    let long = format!(
        "{0}.{0}.{0}.{1}.test DNAME x.test\nd.test DNAME {0}.{0}.{0}.{1}.test\n",
        "a".repeat(60),
        "b".repeat(50)
    );
    assert_eq!(outcome(&store(&long), &format!("{}.d.test", "c".repeat(60)), RecordType::A), (Outcome::YxDomain, 1));
}

#[test]
fn authoritative_mode_refers_and_refuses() {
    let text = "
$ORIGIN example.com.
@        60 SOA ns hostmaster 1 2 3 4 5
@           NS  ns
ns          A   192.0.2.53
sub         NS  ns.sub
sub         NS  ns.elsewhere.test.
ns.sub      A   192.0.2.54
x.sub       TXT hidden
to          CNAME www.sub
away        CNAME www.elsewhere.test.
stray.test. TXT out
";
    let zone = store(text);
    insta::assert_snapshot!(ask(&zone, "x.sub.example.com", RecordType::TXT, Mode::Authoritative), @r"
    NoError
    authority sub.example.com. 60 IN NS ns.sub.example.com.
    authority sub.example.com. 60 IN NS ns.elsewhere.test.
    additional ns.sub.example.com. 60 IN A 192.0.2.54
    ");
    insta::assert_snapshot!(ask(&zone, "www.elsewhere.test", RecordType::A, Mode::Authoritative), @"Refused");
    insta::assert_snapshot!(ask(&zone, "to.example.com", RecordType::A, Mode::Authoritative), @r"
    NoError aa
    answer to.example.com. 60 IN CNAME www.sub.example.com.
    authority sub.example.com. 60 IN NS ns.sub.example.com.
    authority sub.example.com. 60 IN NS ns.elsewhere.test.
    additional ns.sub.example.com. 60 IN A 192.0.2.54
    ");
    insta::assert_snapshot!(ask(&zone, "away.example.com", RecordType::A, Mode::Authoritative), @r"
    NoError aa
    answer away.example.com. 60 IN CNAME www.elsewhere.test.
    ");
    insta::assert_snapshot!(ask(&zone, "stray.test", RecordType::TXT, Mode::Authoritative), @r#"
    NoError aa
    answer stray.test. 60 IN TXT "out"
    "#);
    insta::assert_snapshot!(ask(&zone, "x.sub.example.com", RecordType::TXT, Mode::Recursive), @r#"
    NoError aa
    answer x.sub.example.com. 60 IN TXT "hidden"
    "#);
}

#[test]
fn duplicates_are_answered_twice_and_case_does_not_matter() {
    let zone = store("a.test TXT x\nA.TEST TXT x\na.test TXT y\n");
    assert_eq!(outcome(&zone, "a.TEST", RecordType::TXT), (Outcome::NoError, 3));
}

#[test]
fn classes_are_kept_apart() {
    let zone = store("a.test CH TXT chaos\n");
    assert_eq!(outcome(&zone, "a.test", RecordType::TXT), (Outcome::NoError, 0));
    let chaos =
        |class| zone.lookup_in(&"a.test".parse().unwrap(), RecordType::TXT, class, Mode::Recursive).records.len();
    assert_eq!((chaos(Class::CH), chaos(Class::ANY)), (1, 1));
}
