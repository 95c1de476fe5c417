//! Records and their selection: §3, §4.4, §4.5, §4.6.

use spf::{Answer, AnswerKind, CauseKind, Failure, Lookup, Question, Rdata, Request, SpfResult, check_host};

use crate::support::block_on;
use crate::world::{CLIENT, World, check, request, result};

/// A resolver that answers every question alike.
struct Always(AnswerKind);

impl Lookup for Always {
    fn lookup(&self, _: Question) -> impl Future<Output = Answer> + Send {
        std::future::ready(Answer::new(self.0.clone()))
    }
}

fn always(kind: AnswerKind) -> SpfResult {
    block_on(check_host(&request(CLIENT, "user@example.com"), &Always(kind))).result
}

/// §4.4: any failure of the lookup but NXDOMAIN is `temperror`, whatever its kind.
#[test]
fn a_failed_record_lookup_is_temperror() {
    for failure in [
        Failure::Timeout,
        Failure::Servfail,
        Failure::Refused,
        Failure::Malformed,
        Failure::Deadline,
        Failure::Other("FORMERR".to_owned()),
    ] {
        let outcome =
            block_on(check_host(&request(CLIENT, "user@example.com"), &Always(AnswerKind::Failed(failure.clone()))));
        assert_eq!(outcome.result, SpfResult::Temperror);
        assert_eq!(outcome.cause.to_string(), format!("example.com: lookup of example.com TXT failed: {failure}"));
    }
}

/// §4.3, §4.5: a domain that does not exist, or has no SPF record, is `none`.
#[test]
fn no_record_is_none() {
    assert_eq!(always(AnswerKind::NxDomain), SpfResult::None);
    assert_eq!(always(AnswerKind::NoData), SpfResult::None);
    assert_eq!(result("example.com TXT some other text"), SpfResult::None);
    assert_eq!(result("example.com TXT v=spf10 -all"), SpfResult::None);
    assert_eq!(result("example.com TXT v=spf2.0/pra -all"), SpfResult::None);
}

/// §4.5: other TXT records do not matter, whatever bytes they hold.
#[test]
fn other_txt_records_are_discarded() {
    let records = vec![
        Rdata::txt([b"\xff\x00\r\n".as_slice()]),
        Rdata::txt(["v=spf1 -all"]),
        Rdata::txt(["google-site-verification=x"]),
        Rdata::txt([""]),
    ];
    assert_eq!(always(AnswerKind::Records(records.into())), SpfResult::Fail);
}

/// §4.5, §3.2: more than one record is an error, even if they are equal.
#[test]
fn several_records_are_permerror() {
    let outcome = check("example.com TXT v=spf1 -all\nexample.com TXT v=spf1 -all\nexample.com TXT V=SPF1");
    assert_eq!(outcome.result, SpfResult::Permerror);
    assert_eq!(outcome.cause.to_string(), "example.com: 3 SPF records where only one may be");
}

/// §3.1, §4.4: TXT is asked for once, and type 99 never.
#[test]
fn only_txt_records_are_asked_for() {
    let world = World::new("example.com TXT v=spf1 -all");
    world.check_mail_from("user@example.com");
    assert_eq!(world.asked(), ["example.com TXT"]);
}

/// §3.3: the strings of a record join without a space.
#[test]
fn the_strings_of_a_record_join() {
    let joined = Rdata::txt(["v=spf1 ip4:192.0.", "2.1 -a", "ll"]);
    assert_eq!(always(AnswerKind::Records(vec![joined].into())), SpfResult::Pass);
    let not_a_version = Rdata::txt(["v=spf1", "-all"]);
    assert_eq!(always(AnswerKind::Records(vec![not_a_version].into())), SpfResult::None);
}

/// §3.4: a record longer than the advice of 450 bytes, and than 512, is a record like others.
#[test]
fn long_records_of_many_strings_are_evaluated() {
    for networks in [30, 60, 1_000] {
        let record = format!("v=spf1 {}ip4:192.0.2.1 -all", "ip4:198.51.100.7 ".repeat(networks));
        let strings: Vec<&[u8]> = record.as_bytes().chunks(255).collect();
        assert!(record.len() > 450);
        assert_eq!(always(AnswerKind::Records(vec![Rdata::txt(strings)].into())), SpfResult::Pass, "{networks}");
    }
}

/// §3.1, §12: a record is printable ASCII.
#[test]
fn bytes_beyond_printable_ascii_are_permerror() {
    for byte in [0x00, 0x09, 0x0a, 0x0d, 0x1f, 0x7f, 0x80, 0xff] {
        let text = [b"v=spf1 a".as_slice(), &[byte], b" -all"].concat();
        let record = Rdata::txt([text]);
        assert_eq!(always(AnswerKind::Records(vec![record].into())), SpfResult::Permerror, "{byte:#x}");
    }
}

/// §4.6: the syntax of the whole record is checked before any of it is evaluated.
#[test]
fn a_syntax_error_at_the_end_stops_all_evaluation() {
    let world = World::new("example.com TXT v=spf1 a +all foo=%");
    let outcome = world.check_mail_from("user@example.com");
    assert_eq!(outcome.result, SpfResult::Permerror);
    assert!(matches!(&outcome.cause.kind, CauseKind::Syntax(error) if error.offset == 18));
    assert_eq!(world.asked(), ["example.com TXT"]);
}

/// Records of other types in an answer, such as the CNAMEs of a chain, are passed over.
#[test]
fn records_of_other_types_are_passed_over() {
    let records = vec![Rdata::A("192.0.2.1".parse().unwrap()), Rdata::txt(["v=spf1 ip4:192.0.2.1 -all"])];
    assert_eq!(always(AnswerKind::Records(records.into())), SpfResult::Pass);
    let records = vec![Rdata::A("192.0.2.1".parse().unwrap())];
    assert_eq!(always(AnswerKind::Records(records.into())), SpfResult::None);
}

/// A resolver that keeps parsed records is not asked for their text.
#[test]
fn a_parsed_record_stands_for_the_lookup() {
    struct Parsed(World);
    impl Lookup for Parsed {
        fn lookup(&self, question: Question) -> impl Future<Output = Answer> + Send {
            self.0.lookup(question)
        }
        fn parsed_record(&self, domain: &spf::Name) -> Option<std::sync::Arc<spf::Record>> {
            let record = spf::Record::parse(format!("v=spf1 exists:{domain} -all")).ok()?;
            Some(std::sync::Arc::new(record))
        }
    }
    let lookup = Parsed(World::new("example.com A 192.0.2.1"));
    let request = Request::for_helo(CLIENT.parse().unwrap(), "example.com");
    assert_eq!(block_on(check_host(&request, &lookup)).result, SpfResult::Pass);
    assert_eq!(lookup.0.asked(), ["example.com A"]);
}
