//! Zone texts, good, lenient and broken.

use proptest::prelude::*;

use super::*;
use crate::{Rdata, print};

fn records(text: &str) -> String {
    print(&parse(text, &ParseOptions::default()).unwrap())
}

fn errors(text: &str) -> String {
    parse(text, &ParseOptions::default()).unwrap_err().to_string()
}

#[test]
fn a_zone_as_administrators_write_it() {
    let text = r#"
$ORIGIN example.com.
$TTL 1h30m
@       IN  SOA ns1 hostmaster.example.com. (
                2024010101 ; serial
                3h         ; refresh
                15m 1w 5m )
        IN  NS  ns1
    NS  ns2.example.net.
ns1  300 IN  A   192.0.2.53
IN   IN 300  aaaa 2001:db8::53   ; class first, an owner that looks like a class
@       MX  10 mail
        TXT "v=spf1 mx ; not a comment" ( " -all" )
$ORIGIN sub
*       TXT wild
_sip._tcp SRV 1 2 5060 @
"#;
    insta::assert_snapshot!(records(text), @r#"
    example.com. 5400 IN SOA ns1.example.com. hostmaster.example.com. 2024010101 10800 900 604800 300
    example.com. 5400 IN NS ns1.example.com.
    example.com. 5400 IN NS ns2.example.net.
    ns1.example.com. 300 IN A 192.0.2.53
    IN.example.com. 300 IN AAAA 2001:db8::53
    example.com. 5400 IN MX 10 mail.example.com.
    example.com. 5400 IN TXT "v=spf1 mx ; not a comment" " -all"
    *.sub.example.com. 5400 IN TXT "wild"
    _sip._tcp.sub.example.com. 5400 IN SRV 1 2 5060 sub.example.com.
    "#);
}

#[test]
fn a_zone_as_scenarios_write_it() {
    let text = "
netcraft.com.au.         TXT \"v=spf1 ip4:203.16.230.0/23 ip4:150.101.234.78 -all\"
april.netcraft.com.au    TXT \"v=spf1 include:netcraft.com.au\"\r
\tA 192.0.2.1
195.56.204.159.in-addr.arpa PTR host.example
";
    insta::assert_snapshot!(records(text), @r#"
    netcraft.com.au. 0 IN TXT "v=spf1 ip4:203.16.230.0/23 ip4:150.101.234.78 -all"
    april.netcraft.com.au. 0 IN TXT "v=spf1 include:netcraft.com.au"
    april.netcraft.com.au. 0 IN A 192.0.2.1
    195.56.204.159.in-addr.arpa. 0 IN PTR host.example.
    "#);
}

#[test]
fn bytes_escapes_and_generic_data() {
    let text = r#"
odd\.name\032x.test  TXT "\065\255\"\\;" plain\ word
a.test   TYPE99 \# 6 05 2d 61 6c 6c 21
b.test   SPF    "v=spf1 -all"
c.test   TYPE16 \# 0
d.test   A      \# 3 c00002
e.test   CAA    \# 4 00 00 69 73
f.test   CLASS77 TYPE65280 \# 0
"#;
    insta::assert_snapshot!(records(text), @r#"
    odd\.name\032x.test. 0 IN TXT "A\255\"\\;" "plain word"
    a.test. 0 IN SPF "-all!"
    b.test. 0 IN SPF "v=spf1 -all"
    c.test. 0 IN TXT \# 0
    d.test. 0 IN A \# 3 c00002
    e.test. 0 IN CAA \# 4 00006973
    f.test. 0 CLASS77 TYPE65280 \# 0
    "#);
}

#[test]
fn ttls_come_from_the_record_then_ttl_line_then_the_last_stated_then_the_caller() {
    let ttls = |text: &str| -> Vec<u32> {
        let options = ParseOptions { default_ttl: 7, ..ParseOptions::default() };
        parse(text, &options).unwrap().iter().map(|record| record.ttl).collect()
    };
    assert_eq!(
        ttls("a A 192.0.2.1\na 5 A 192.0.2.2\na A 192.0.2.3\n$TTL 9\na A 192.0.2.4\na 6 A 192.0.2.5\na A 192.0.2.6"),
        [7, 5, 5, 9, 6, 9]
    );
    assert_eq!(ttls("a 1w2d3h4m5s A 192.0.2.1"), [788_645]);
}

#[test]
fn broken_zones_are_read() {
    let text = "a.test CNAME b.test\na.test CNAME c.test\na.test TXT x\na.test TXT x\na.test SOA a b 1 2 3 4 5\na.test SOA a b 1 2 3 4 6";
    assert_eq!(parse(text, &ParseOptions::default()).unwrap().len(), 6);
}

#[test]
fn spans_are_the_record_without_blanks_and_comments() {
    let text = "a.test TXT ( \"x\"\n  \"y\" ) ; end\n  A 192.0.2.1\n";
    let records = parse(text, &ParseOptions::default()).unwrap();
    assert_eq!(&text[records[0].span.range()], "a.test TXT ( \"x\"\n  \"y\"");
    assert_eq!(&text[records[1].span.range()], "A 192.0.2.1");
}

#[test]
fn every_error_is_reported_with_its_place() {
    let long = "x".repeat(256);
    let text = format!(
        r#"   A 192.0.2.1
a.test TXTT "x"
a.test A 192.0.2
a.test A 192.0.2.1 192.0.2.2
a.test IN 300
a.test TXT "{long}"
a.test "v=spf1"
a..test A 192.0.2.1
$INCLUDE other.zone
$ORGIN test
$TTL 1y
a.test MX mail
a.test MX 10 "mail"
a.test TXT "open
a.test CAA 0 issue "x"
a.test A \# 4 c000
a.test AAAA ::1::2
a.test ANY x
a.test TXT
    TXT (
"#
    );
    insta::assert_snapshot!(errors(&text), @r##"
    1:4: the line starts with blank space, so it repeats the owner before, but there is none (start the line with the owner's name, in the first column)
    2:8: unknown record type `TXTT` (did you mean `TXT`?)
    3:10: an IPv4 address is expected here, not `192.0.2`
    4:20: unexpected `192.0.2.2` after the last field (remove it; a comment starts with `;`)
    5:14: the record type is missing here (for example `TXT` or `A`)
    6:12: the string has 256 bytes, more than the 255 allowed (split it into several strings: `"first part" "second part"`; readers join them without a space)
    7:8: a record type is expected here, not `"v=spf1"` (a line is `owner [TTL] [class] type data`; is the owner or the type missing?)
    8:1: the name has an empty label (two dots in a row, or a dot in front)
    9:1: `$INCLUDE` is not read: a zone text stands alone (copy the records in, or give the other file as a zone of its own)
    10:1: unknown control entry `$ORGIN` (did you mean `$ORIGIN`?)
    11:6: `1y` is no TTL (a TTL is a number of seconds up to 2147483647, or numbers with units, as `1h30m` (w, d, h, m, s))
    12:11: the preference (0 to 65535) is expected here, not `mail`
    13:14: a name is expected here, not a quoted string (remove the quotes)
    14:12: the quoted string is not closed on its line (add a `"`; a text over several lines is several strings within parentheses)
    15:12: data of type `CAA` is read in the generic form only (write `\# length hex`, as `\# 4 c0000201`)
    16:10: the length says 4 bytes, and there are 4 hexadecimal digits (two digits make a byte)
    17:13: an IPv6 address is expected here, not `::1::2`
    18:8: `ANY` is for questions only: no zone can hold it
    19:11: the text is missing here (an empty text is `""`, no string at all is `\# 0`)
    20:9: this `(` is never closed (add the `)` after the last field of the record)
    "##);
}

#[test]
fn errors_stop_at_a_limit() {
    let error = parse("a A x\n".repeat(1000), &ParseOptions::default()).unwrap_err();
    assert_eq!(error.errors().len(), MAX_ERRORS);
    assert!(error.has_more());
    let error = parse("a A x\n".repeat(MAX_ERRORS), &ParseOptions::default()).unwrap_err();
    assert!(!error.has_more());
}

#[test]
fn hostile_text_does_not_reach_messages_raw() {
    let error = errors("a.test \x1b[2J\x07 x\na.test A \u{202e}evil\n$\r\n");
    assert!(error.chars().all(|c| c == '\n' || !c.is_control()), "{error:?}");
}

fn any_name() -> impl Strategy<Value = Name> {
    let label = prop::collection::vec(any::<u8>(), 1..12);
    prop::collection::vec(label, 0..5).prop_filter_map("too long", |labels| Name::from_labels(labels).ok())
}

fn any_rdata() -> impl Strategy<Value = Rdata> {
    let bytes = prop::collection::vec(any::<u8>(), 0..40);
    let strings = prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..4);
    prop_oneof![
        any::<[u8; 4]>().prop_map(|octets| Rdata::A(octets.into())),
        any::<[u8; 16]>().prop_map(|octets| Rdata::Aaaa(octets.into())),
        (any::<u16>(), any_name()).prop_map(|(preference, exchange)| Rdata::Mx { preference, exchange }),
        strings.clone().prop_map(Rdata::Txt),
        strings.prop_map(Rdata::Spf),
        any_name().prop_map(Rdata::Cname),
        any_name().prop_map(Rdata::Dname),
        any_name().prop_map(Rdata::Ns),
        any_name().prop_map(Rdata::Ptr),
        (any_name(), any_name(), any::<[u32; 5]>()).prop_map(|(mname, rname, n)| Rdata::Soa(crate::Soa {
            mname,
            rname,
            serial: n[0],
            refresh: n[1],
            retry: n[2],
            expire: n[3],
            minimum: n[4],
        })),
        (any::<[u16; 3]>(), any_name()).prop_map(|(n, target)| Rdata::Srv {
            priority: n[0],
            weight: n[1],
            port: n[2],
            target
        }),
        // Typed data keeps its type: only what is malformed for the type stays unknown.
        (256_u16.., bytes).prop_map(|(code, bytes)| Rdata::from_wire(RecordType(code), &bytes)),
    ]
}

prop_compose! {
    fn any_record()(owner in any_name(), ttl in 0..=MAX_TTL, class in prop_oneof![Just(1), Just(3), Just(4), 5_u16..200], rdata in any_rdata()) -> Record {
        Record { owner, ttl, class: Class(class), rdata, span: Span::default() }
    }
}

proptest! {
    #[test]
    fn what_is_printed_is_read_back(records in prop::collection::vec(any_record(), 0..6)) {
        let text = print(&records);
        prop_assert!(text.bytes().all(|byte| byte == b'\n' || (0x20..0x7f).contains(&byte)), "{:?}", text);
        let back: Vec<_> = parse(&text, &ParseOptions::default()).unwrap().into_iter().map(Record::without_span).collect();
        prop_assert_eq!(back, records);
    }

    #[test]
    fn any_bytes_are_read_or_refused(text in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Err(errors) = parse(&text, &ParseOptions::default()) {
            for error in errors.errors() {
                prop_assert!(error.span.start <= error.span.end && error.span.end <= text.len());
            }
        }
    }

    #[test]
    fn any_mix_of_zone_words_is_read_or_refused(words in prop::collection::vec(prop::sample::select(WORDS), 0..60)) {
        let text = words.concat();
        if let Ok(records) = parse(&text, &ParseOptions::default()) {
            let printed = print(&records);
            let back = parse(&printed, &ParseOptions::default()).unwrap();
            prop_assert_eq!(print(&back), printed);
            let _ = crate::lint(&records);
        }
    }
}

const WORDS: &[&str] = &[
    " ",
    " ",
    " ",
    "\n",
    "\n",
    "\t",
    "\r\n",
    "(",
    ")",
    ";",
    "\"",
    "\\",
    "\\#",
    "\\065",
    "@",
    "*",
    ".",
    "a",
    "a.test",
    "IN",
    "CH",
    "300",
    "1h",
    "TXT",
    "A",
    "MX",
    "SOA",
    "TYPE16",
    "CLASS3",
    "192.0.2.1",
    "::1",
    "10",
    "0",
    "4",
    "c0000201",
    "$ORIGIN ",
    "$TTL ",
    "$INCLUDE ",
    "\"x y\"",
    "ü",
    "\u{0}",
];
