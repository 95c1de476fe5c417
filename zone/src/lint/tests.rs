//! Sound zones, odd zones, and zones that are large.

use super::*;
use crate::{ParseOptions, parse};

fn messages(text: &str) -> Vec<(WarningKind, String)> {
    let records = parse(text, &ParseOptions::default()).unwrap();
    lint(&records).warnings().iter().map(|warning| (warning.kind, warning.message.clone())).collect()
}

fn kinds(text: &str) -> Vec<WarningKind> {
    messages(text).into_iter().map(|(kind, _)| kind).collect()
}

#[test]
fn a_sound_zone_has_no_warnings() {
    let text = "
example.com 60 SOA ns hostmaster 1 2 3 4 5
example.com NS ns.example.com
example.com MX 10 mail.example.com
example.com TXT \"v=spf1 mx \" \"-all\"
example.com TXT \"other\"
mail.example.com A 192.0.2.1
mail.example.com AAAA 2001:db8::1
www.example.com CNAME mail.example.com
";
    assert_eq!(messages(text), []);
}

#[test]
fn each_oddity_is_found() {
    use WarningKind as W;
    for (text, kind) in [
        ("a.test CNAME b.test\na.test A 192.0.2.1", W::CnameBesideOther),
        ("a.test CNAME b.test\na.test CNAME c.test", W::SeveralCname),
        ("a.test SOA a b 1 2 3 4 5\na.test SOA a b 2 2 3 4 5", W::SeveralSoa),
        ("a.test A 192.0.2.1\nA.test A 192.0.2.1", W::Duplicate),
        ("a.test 1 A 192.0.2.1\na.test 2 A 192.0.2.2", W::TtlDiffers),
        ("a.test MX 1 b.test\nb.test CNAME c.test", W::TargetIsAlias),
        ("a.test DNAME b.test\nx.a.test A 192.0.2.1", W::BelowDname),
        ("a.test SOA a b 1 2 3 4 5\nb.test A 192.0.2.1", W::OutsideZones),
        ("a.test TXT \\# 0", W::NoString),
        ("a.test TXT v=spf1 ip4:192.0.2.1 -all", W::SpaceLost),
        ("a.test SPF \"v=spf1 -all\"", W::RetiredSpfType),
        ("a.test TXT \"v=spf1 -all\"\na.test TXT \"v=spf1 mx\"", W::SeveralSpf),
    ] {
        assert_eq!(kinds(text), [kind], "{text}");
    }
}

#[test]
fn the_lost_space_is_shown() {
    let found = messages("a.test TXT v=spf1 ip4:192.0.2.1 -all");
    assert_eq!(found[0].1, "the strings of a.test are joined without a space: `v=spf1ip4:192.0.2.1`");
}

#[test]
fn the_same_record_again_is_a_duplicate_and_not_one_of_several() {
    use WarningKind as W;
    let twice = "a.test CNAME b.test\na.test CNAME b.test";
    assert_eq!(kinds(twice), [W::Duplicate]);
    assert_eq!(
        kinds(&format!("{twice}\na.test CNAME c.test\na.test CNAME c.test")),
        [W::Duplicate, W::SeveralCname, W::Duplicate, W::SeveralCname]
    );
    let spf = "a.test TXT \"v=spf1 -all\"\na.test TXT \"v=spf1 -all\"";
    assert_eq!(kinds(spf), [W::Duplicate]);
}

/// With a look at all others for each record this would take minutes.
#[test]
fn many_records_of_one_name_are_judged_each_by_itself() {
    let records = (0..40_000).map(|index| Record::new("a.test".parse().unwrap(), Rdata::txt(index.to_string())));
    let targets = (0..20_000).map(|preference| {
        Record::new("b.test".parse().unwrap(), Rdata::Mx { preference, exchange: "a.test".parse().unwrap() })
    });
    let records: Vec<_> = records.chain(targets).collect();
    assert_eq!(lint(&records), Warnings::default());
}

#[test]
fn there_is_an_end_to_warnings() {
    let text = "a.test A 192.0.2.1\n".repeat(MAX_WARNINGS + 1);
    let found = lint(&parse(&text, &ParseOptions::default()).unwrap());
    assert_eq!((found.warnings().len(), found.has_more()), (MAX_WARNINGS, false));
    let text = "a.test A 192.0.2.1\n".repeat(MAX_WARNINGS + 2);
    let found = lint(&parse(&text, &ParseOptions::default()).unwrap());
    assert_eq!((found.warnings().len(), found.has_more()), (MAX_WARNINGS, true));
}
