//! What the fuzz targets do with their input; `fuzz/` runs it under libFuzzer, `corpus.rs` on the committed files.

use std::borrow::Cow;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use spf::{
    Answer, EXPLANATION_BYTES_MAX, Failure, Lookup, MX_NAMES_MAX, MacroContext, MacroString, Name, Outcome,
    PTR_NAMES_MAX, Question, Rdata, Record, RecordType, Request, TERM_LOOKUPS_MAX, Table, VOID_LOOKUPS_MAX,
    check_host as evaluate,
};

/// Reads any bytes as a record.
pub(crate) fn record(data: &[u8]) {
    match Record::parse(data) {
        Ok(record) => {
            let printed = record.to_string();
            assert_eq!(Record::parse(&printed).as_ref(), Ok(&record), "{printed}");
            assert!((0..record.terms().len()).all(|index| !record.term_text(index).is_empty()));
        }
        Err(error) => assert!(error.offset <= data.len(), "{error} in {} bytes", data.len()),
    }
}

/// Reads any text as a macro-string of each kind, and expands it.
pub(crate) fn macro_string(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let names = ["rcpt", "queue_id"];
    if let Ok(parsed) = MacroString::explain_string(text) {
        assert_eq!(MacroString::explain_string(&parsed.to_string()), Ok(parsed));
    }
    if let Ok(parsed) = MacroString::configuration(text, &names) {
        let variables = |_: &str| Some(Cow::Borrowed("<a\r\n@b>"));
        let request = request("192.0.2.1", b"a\xff\n+b.c@example.com");
        let context = MacroContext { request: &request, validated_name: None, variables: &variables };
        assert!(!parsed.expand(&context).contains(char::is_control));
        assert_eq!(MacroString::configuration(&parsed.to_string(), &names), Ok(parsed));
    }
    if let Ok(parsed) = MacroString::domain_spec(text) {
        let record = format!("v=spf1 exists:{parsed} -all exp={parsed}");
        check("2001:db8::1", b"a.b-c+d@example.com", &with_record(&record));
        assert_eq!(MacroString::domain_spec(&parsed.to_string()), Ok(parsed));
    }
}

/// Evaluates: the first line is the client, the second the sender, the others are `owner TYPE data`.
pub(crate) fn check_host(data: &[u8]) {
    let mut lines = data.split(|&byte| byte == b'\n');
    let ip = lines.next().and_then(|line| str::from_utf8(line).ok()).unwrap_or_default();
    let mail_from = lines.next().unwrap_or_default();
    let mut table = Table::new();
    for (owner, rdata) in lines.filter_map(entry) {
        match rdata {
            Entry::Record(rdata) => table.add(owner, rdata),
            Entry::Failure(rtype, failure) => table.fail(owner, rtype, failure),
        }
    }
    check(ip, mail_from, &table);
}

fn with_record(record: &str) -> Table {
    let mut table = Table::new();
    table.add("example.com".parse().expect("a domain name"), Rdata::txt([record]));
    table
}

fn request<'a>(ip: &str, mail_from: &'a [u8]) -> Request<'a> {
    let ip = ip.parse().unwrap_or_else(|_| IpAddr::from([192, 0, 2, 1]));
    Request::for_mail_from(ip, "mail.example.org", mail_from).with_receiver("mx.example.net")
}

fn check(ip: &str, mail_from: &[u8], table: &Table) {
    let lookup = Counted { table, questions: AtomicUsize::new(0) };
    let outcome = block_on(evaluate(&request(ip, mail_from), &lookup));
    assert_limits(&outcome, lookup.questions.into_inner());
}

fn assert_limits(outcome: &Outcome, questions: usize) {
    let reverse = 1 + PTR_NAMES_MAX;
    let terms = usize::try_from(TERM_LOOKUPS_MAX).expect("ten fits");
    assert!(questions <= 1 + terms * (reverse + 1 + MX_NAMES_MAX) + 1 + 2 * reverse, "{questions} questions");
    assert!(outcome.term_lookups <= TERM_LOOKUPS_MAX + 1);
    assert!(outcome.void_terms <= VOID_LOOKUPS_MAX + 1);
    let cause = outcome.cause.to_string();
    assert!(cause.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{cause}");
    if let Some(explanation) = &outcome.explanation {
        assert!(explanation.text.len() <= EXPLANATION_BYTES_MAX);
        assert!(explanation.text.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{}", explanation.text);
    }
}

enum Entry {
    Record(Rdata),
    Failure(RecordType, Failure),
}

/// Reads one line of the small DNS; lines that say nothing are passed over.
fn entry(line: &[u8]) -> Option<(Name, Entry)> {
    let mut words = line.splitn(3, |&byte| byte == b' ');
    let (owner, rtype, data) = (words.next()?, words.next()?, words.next()?);
    let owner = Name::parse(owner).ok()?;
    let text = || str::from_utf8(data).ok();
    let rtype = match rtype {
        b"A" => RecordType::A,
        b"AAAA" => RecordType::Aaaa,
        b"MX" => RecordType::Mx,
        b"PTR" => RecordType::Ptr,
        b"TXT" => RecordType::Txt,
        _ => return None,
    };
    let record = match rtype {
        _ if data == b"!" => return Some((owner, Entry::Failure(rtype, Failure::Servfail))),
        RecordType::A => Rdata::A(text()?.parse().ok()?),
        RecordType::Aaaa => Rdata::Aaaa(text()?.parse().ok()?),
        RecordType::Mx => Rdata::Mx { preference: 0, exchange: Name::parse(data).unwrap_or_else(|_| Name::root()) },
        RecordType::Ptr => Rdata::Ptr(Name::parse(data).ok()?),
        RecordType::Txt => Rdata::txt([data]),
    };
    Some((owner, Entry::Record(record)))
}

struct Counted<'a> {
    table: &'a Table,
    questions: AtomicUsize,
}

impl Lookup for Counted<'_> {
    fn lookup(&self, question: Question) -> impl Future<Output = Answer> + Send {
        self.questions.fetch_add(1, Ordering::Relaxed);
        assert!(question.name.to_bytes().len() <= 253);
        self.table.lookup(question)
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}
