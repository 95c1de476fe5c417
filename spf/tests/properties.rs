//! Properties of reading, printing and evaluating, over random input.

mod support;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use spf::{
    Answer, DEPTH_MAX, Failure, Limits, Lookup, MX_NAMES_MAX, MacroString, Name, Outcome, PTR_NAMES_MAX, Question,
    Rdata, Record, RecordType, Request, TERM_LOOKUPS_MAX, Table, VOID_LOOKUPS_MAX, check_host,
};
use support::block_on;

/// Words that records are made of, right and wrong ones.
const WORDS: &[&str] = &[
    "all",
    "-all",
    "~all",
    "?all",
    "+all",
    "a",
    "mx",
    "ptr",
    "A/24//64",
    "mx//0",
    "-a:a.example",
    "mx:b.example/0",
    "ptr:example",
    "ptr:c.example",
    "include:a.example",
    "?include:b.example",
    "include:%{l}.example",
    "exists:%{i}.a.example",
    "exists:%{p}.example",
    "exists:%{ir}.%{v}.%{d2}",
    "a:%{s}",
    "mx:%{h}",
    "ip4:192.0.2.0/24",
    "-ip4:192.0.2.1",
    "ip6:2001:db8::/32",
    "ip6:::/0",
    "redirect=a.example",
    "redirect=%{d}",
    "exp=b.example",
    "exp=%{l1r+-}.example",
    "x=%{d}%%%_",
    "ra=postmaster",
    "a..example",
    "a:a..example",
    "%{d}",
    "ip4:1.2.3",
    "a/33",
    "moo",
    "=",
    "-",
    "exists:",
    "redirect=",
    "\u{e9}",
    "a:%",
    "\t",
];

const NAMES: &[&str] = &["a.example", "b.example", "c.example", "mail.a.example", "unknown.example", "user.example"];

fn record_text() -> impl Strategy<Value = String> {
    vec(select(WORDS), 0..12).prop_map(|words| format!("v=spf1 {}", words.join(" ")))
}

/// Text over the characters that matter to the parsers.
fn syntax_text() -> impl Strategy<Value = String> {
    "[a-z0-9%{}_:=/.+~?,SLDIPVHCRT -]{0,40}"
}

fn rdata() -> impl Strategy<Value = Rdata> {
    let name = || select(NAMES).prop_map(|name| name.parse::<Name>().expect("the names are names"));
    prop_oneof![
        4 => record_text().prop_map(|text| Rdata::txt([text])),
        1 => vec(any::<u8>(), 0..60).prop_map(|bytes| Rdata::txt([[b"v=spf1 ".as_slice(), &bytes].concat()])),
        2 => (0..4u8).prop_map(|host| Rdata::A(Ipv4Addr::new(192, 0, 2, host))),
        1 => (0..4u16).prop_map(|host| Rdata::Aaaa(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, host))),
        2 => name().prop_map(|exchange| Rdata::Mx { preference: 0, exchange }),
        2 => name().prop_map(Rdata::Ptr),
    ]
}

fn table() -> impl Strategy<Value = Table> {
    let owner = prop_oneof![
        6 => select(NAMES),
        1 => Just("1.2.0.192.in-addr.arpa"),
        1 => Just("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"),
    ];
    let failure = (select(NAMES), select(&[RecordType::A, RecordType::Mx, RecordType::Txt, RecordType::Ptr][..]));
    (vec((owner, rdata()), 0..40), vec(failure, 0..2)).prop_map(|(records, failures)| {
        let mut table = Table::new();
        table.extend(records.into_iter().map(|(owner, rdata)| (owner.parse().expect("the owners are names"), rdata)));
        for (owner, rtype) in failures {
            table.fail(owner.parse().expect("the names are names"), rtype, Failure::Servfail);
        }
        table
    })
}

fn client() -> impl Strategy<Value = IpAddr> {
    select(&["192.0.2.1", "198.51.100.1", "2001:db8::1", "::ffff:192.0.2.1"][..])
        .prop_map(|ip| ip.parse().expect("the addresses are addresses"))
}

/// Counts the questions and checks that each can be sent.
struct Counted<'a> {
    table: &'a Table,
    questions: AtomicUsize,
}

impl Lookup for Counted<'_> {
    fn lookup(&self, question: Question) -> impl Future<Output = Answer> + Send {
        self.questions.fetch_add(1, Ordering::Relaxed);
        assert!(question.name.to_bytes().len() <= 253);
        assert!(question.name.labels().all(|label| (1..=63).contains(&label.len())));
        self.table.lookup(question)
    }
}

fn evaluate(ip: IpAddr, mail_from: &[u8], table: &Table) -> (Outcome, usize) {
    let lookup = Counted { table, questions: AtomicUsize::new(0) };
    let request = Request::for_mail_from(ip, "mail.a.example", mail_from);
    let outcome = block_on(check_host(&request, &lookup));
    (outcome, lookup.questions.into_inner())
}

/// One record lookup, and for each term a reverse lookup with its names and an MX lookup with its hosts; for the
/// explanation a lookup, and its own and its text's reverse lookups.
fn questions_max() -> usize {
    let reverse = 1 + PTR_NAMES_MAX;
    let terms = usize::try_from(TERM_LOOKUPS_MAX).expect("ten terms");
    1 + terms * (reverse + 1 + MX_NAMES_MAX) + 1 + 3 * reverse
}

proptest! {
    /// Parse after print is the identity on records.
    #[test]
    fn a_printed_record_reads_back_as_itself(text in prop_oneof![record_text(), syntax_text().prop_map(|text| format!("v=spf1 {text}"))]) {
        if let Ok(record) = Record::parse(&text) {
            let printed = record.to_string();
            let reread = Record::parse(&printed).expect("a printed record is a record");
            prop_assert_eq!(&reread, &record);
            prop_assert_eq!(reread.to_string(), printed);
        }
    }

    /// Parse after print is the identity on macro-strings of every kind.
    #[test]
    fn a_printed_macro_string_reads_back_as_itself(text in syntax_text()) {
        let names = ["rcpt", "queue_id"];
        if let Ok(parsed) = MacroString::domain_spec(&text) {
            prop_assert_eq!(MacroString::domain_spec(&parsed.to_string()), Ok(parsed));
        }
        if let Ok(parsed) = MacroString::explain_string(&text) {
            prop_assert_eq!(MacroString::explain_string(&parsed.to_string()), Ok(parsed));
        }
        if let Ok(parsed) = MacroString::configuration(&text, &names) {
            prop_assert_eq!(MacroString::configuration(&parsed.to_string(), &names), Ok(parsed));
        }
    }

    /// Any bytes are a record or an error whose place lies in them.
    #[test]
    fn any_bytes_are_a_record_or_an_error(bytes in vec(any::<u8>(), 0..100)) {
        let text = [b"v=spf1 ".as_slice(), &bytes].concat();
        for text in [bytes, text] {
            match Record::parse(&text) {
                Ok(record) => prop_assert!(record.text().bytes().all(|byte| matches!(byte, b' '..=b'~'))),
                Err(error) => prop_assert!(error.offset <= text.len(), "{error} in {} bytes", text.len()),
            }
        }
    }

    /// No answers make an evaluation panic, or exceed a limit.
    #[test]
    fn an_evaluation_keeps_its_limits(
        table in table(),
        ip in client(),
        domain in select(NAMES),
        local_part in vec(any::<u8>(), 0..20),
    ) {
        let mail_from = [local_part.as_slice(), b"@", domain.as_bytes()].concat();
        let (outcome, questions) = evaluate(ip, &mail_from, &table);
        prop_assert!(outcome.term_lookups <= TERM_LOOKUPS_MAX + 1);
        // An include of nothing is told as such, and may be the fourth.
        prop_assert!(outcome.void_terms <= VOID_LOOKUPS_MAX + 1);
        prop_assert!(questions <= questions_max(), "{questions} questions");
        let printed = outcome.cause.to_string();
        prop_assert!(printed.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{printed}");
        if let Some(explanation) = outcome.explanation {
            prop_assert!(explanation.text.bytes().all(|byte| matches!(byte, b' '..=b'~')));
        }
    }

    /// However deep the caller lets records nest, the evaluation ends.
    #[test]
    fn raised_limits_end_too(table in table(), ip in client(), domain in select(NAMES)) {
        let limits = Limits { terms: 2 * DEPTH_MAX, voids: 100, ..Limits::default() };
        let request = Request::new(ip, domain, domain).with_limits(limits);
        let outcome = block_on(check_host(&request, &table));
        prop_assert!(outcome.term_lookups <= 2 * DEPTH_MAX + 1);
    }

    /// How a TXT record is cut into strings does not matter.
    #[test]
    fn the_cuts_of_a_txt_record_do_not_matter(text in record_text(), cuts in vec(0..40usize, 0..6), ip in client()) {
        let mut strings = Vec::new();
        let mut rest = text.as_bytes();
        for cut in cuts {
            let (string, tail) = rest.split_at(cut.min(rest.len()));
            strings.push(string);
            rest = tail;
        }
        strings.push(rest);
        let table = |rdata| {
            let mut table = Table::new();
            table.add("a.example".parse().expect("a name"), rdata);
            table
        };
        let (whole, _) = evaluate(ip, b"user@a.example", &table(Rdata::txt([&text])));
        let (cut, _) = evaluate(ip, b"user@a.example", &table(Rdata::txt(strings)));
        prop_assert_eq!((whole.result, whole.cause), (cut.result, cut.cause));
    }

    /// A name is what its text says, and prints without odd bytes.
    #[test]
    fn a_name_is_made_of_its_labels(labels in vec(vec(any::<u8>(), 1..20), 1..8)) {
        let name = Name::from_labels(&labels).expect("few and short labels");
        prop_assert!(name.labels().eq(labels.iter().map(Vec::as_slice)));
        prop_assert!(name.to_string().bytes().all(|byte| matches!(byte, b'!'..=b'~')));
        if labels.iter().all(|label| !label.contains(&b'.')) {
            prop_assert_eq!(Name::parse(name.to_bytes()), Ok(name));
        }
    }
}
