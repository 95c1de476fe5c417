//! The trace of an evaluation, drawn as a tree.

use spf::{SpfResult, TRACE_TERMS_MAX, TraceCheck, TraceQuery, TraceTerm, Verdict};

use crate::world::{CLIENT, World, check, request};

fn draw(check: &TraceCheck, depth: usize, text: &mut String) {
    let indent = "    ".repeat(depth);
    text.push_str(&format!("{indent}check {}\n", check.domain));
    check.query.iter().for_each(|query| draw_query(query, depth, text));
    check.terms.iter().for_each(|term| draw_term(term, depth, text));
    text.push_str(&format!("{indent}  = {} ({})\n", check.result, check.cause));
}

fn draw_term(term: &TraceTerm, depth: usize, text: &mut String) {
    let indent = "    ".repeat(depth);
    let verdict = match term.verdict {
        Verdict::Match => "match",
        Verdict::NoMatch => "no match",
        Verdict::Error => "error",
    };
    let target = term.target.as_ref().map(|target| format!(" [{target}]")).unwrap_or_default();
    let (lookups, voids) = (term.term_lookups, term.void_terms);
    text.push_str(&format!("{indent}  {}{target}: {verdict}, lookups {lookups}, voids {voids}\n", term.term));
    term.queries.iter().for_each(|query| draw_query(query, depth + 1, text));
    if let Some(check) = &term.check {
        draw(check, depth + 1, text);
    }
}

fn draw_query(query: &TraceQuery, depth: usize, text: &mut String) {
    text.push_str(&format!("{}  ? {} -> {}\n", "    ".repeat(depth), query.question, query.answer.kind));
}

/// Everything that was read, asked and decided, in order.
#[test]
fn the_trace_shows_the_whole_evaluation() {
    let outcome = check(
        "example.com TXT v=spf1 ip4:198.51.100.0/24 +A mx:m.example.com include:%{d2}.example.net exists:%{p}.example.com redirect=t.example.org
         example.com A 198.51.100.1
         m.example.com MX m1.example.com
         m.example.com MX m2.example.com
         m1.example.com A 198.51.100.2
         example.com.example.net TXT v=spf1 ptr ?all
         1.2.0.192.in-addr.arpa PTR mail.example.com
         mail.example.com A 192.0.2.1
         t.example.org TXT v=spf1 -all exp=e.example.org
         e.example.org TXT No mail from %{c}.",
    );
    let trace = outcome.trace.unwrap();
    let mut text = String::new();
    draw(&trace.check, 0, &mut text);
    text.push_str("explanation\n");
    trace.explanation.iter().for_each(|query| draw_query(query, 0, &mut text));
    text.push_str(&format!("  {:?}\n", outcome.explanation.unwrap().text));
    insta::assert_snapshot!(text);
}

/// An error leaves the trace up to the place where it happened.
#[test]
fn the_trace_ends_with_the_error() {
    let outcome = check(
        "example.com TXT v=spf1 include:i.example.com -all
         i.example.com TXT v=spf1 a:n1.example.com a:n2.example.com a:n3.example.com -all",
    );
    let mut text = String::new();
    draw(&outcome.trace.unwrap().check, 0, &mut text);
    insta::assert_snapshot!(text);
}

/// A check that finds no record, or several, has a trace all the same.
#[test]
fn the_trace_of_a_missing_record_shows_the_question() {
    let trace = check("").trace.unwrap();
    assert_eq!(trace.check.query.unwrap().question.to_string(), "example.com TXT");
    assert_eq!((trace.check.result, trace.check.record), (SpfResult::None, None));
}

#[test]
fn the_trace_keeps_a_limited_number_of_terms() {
    let record = |terms: usize| format!("example.com TXT v=spf1 {}-all", "ip4:198.51.100.1 ".repeat(terms));
    let trace = check(record(TRACE_TERMS_MAX - 1)).trace.unwrap();
    assert_eq!((trace.check.terms.len(), trace.truncated), (TRACE_TERMS_MAX, false));
    let outcome = check(record(TRACE_TERMS_MAX));
    assert_eq!(outcome.matched().unwrap().text(), "-all");
    let trace = outcome.trace.unwrap();
    assert_eq!((trace.check.terms.len(), trace.truncated), (TRACE_TERMS_MAX, true));
}

#[test]
fn the_trace_can_be_switched_off() {
    let world = World::new("example.com TXT v=spf1 a -all\nexample.com A 192.0.2.1");
    let outcome = world.check(&request(CLIENT, "user@example.com").with_trace(false));
    assert!(outcome.trace.is_none());
    assert_eq!((outcome.result, outcome.term_lookups), (SpfResult::Pass, 1));
}

/// The future can be spawned on any executor.
#[test]
fn the_future_is_send() {
    fn assert_send<T: Send>(value: T) -> T {
        value
    }
    let world = World::new("example.com TXT v=spf1 -all");
    let request = request(CLIENT, "user@example.com");
    let outcome = crate::support::block_on(assert_send(spf::check_host(&request, &world)));
    assert_eq!(outcome.result, SpfResult::Fail);
}
