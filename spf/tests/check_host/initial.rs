//! Identities and initial processing: §2.3, §2.4, §4.1, §4.3, RFC 8616.

use spf::{CauseKind, NameError, Request, SpfResult};

use crate::world::{CLIENT, World, request};

/// §4.3: what is no domain name, or has one label, is `none`, and the DNS is not asked.
#[test]
fn malformed_domains_are_none_without_a_question() {
    let world = World::new("");
    let long_label = format!("user@{}.example", "a".repeat(64));
    let long_name = format!("user@{}example", "abc.".repeat(63));
    for mail_from in [
        "user@example",
        "user@example.",
        "user@.example.com",
        "user@a..example.com",
        "user@",
        "@",
        "user@[192.0.2.1]",
        "user@[IPv6:2001:db8::1]",
        &long_label,
        &long_name,
    ] {
        let outcome = world.check_mail_from(mail_from);
        assert_eq!(outcome.result, SpfResult::None, "{mail_from}");
        assert!(matches!(outcome.cause.kind, CauseKind::MalformedDomain(_)), "{mail_from}");
        assert!(outcome.trace.is_none(), "{mail_from}");
    }
    assert_eq!(world.asked(), Vec::<String>::new());
}

/// §4.3: the longest label and the longest name are names like others.
#[test]
fn the_longest_names_are_looked_up() {
    let label = "a".repeat(63);
    let domain = [label.as_str(), &label, &label, "b.c", &"d".repeat(57)].join(".");
    assert_eq!(domain.len(), 253);
    let world = World::new(format!("{domain} TXT v=spf1 -all"));
    assert_eq!(world.check_mail_from(&format!("user@{domain}")).result, SpfResult::Fail);
}

/// §4.3 with RFC 1035 section 3.1: a dot at the end changes nothing.
#[test]
fn a_final_dot_is_ignored() {
    let world = World::new("example.com TXT v=spf1 -all");
    assert_eq!(world.check_mail_from("user@example.com.").result, SpfResult::Fail);
    assert_eq!(world.asked(), ["example.com TXT"]);
}

/// §4.4: names compare without case, and the question keeps the case it was asked in.
#[test]
fn domains_ignore_case() {
    let world = World::new("example.com TXT v=spf1 -all");
    assert_eq!(world.check_mail_from("user@EXAMPLE.com").result, SpfResult::Fail);
    assert_eq!(world.asked(), ["EXAMPLE.com TXT"]);
}

/// §2.3: the HELO identity is the name itself, with `postmaster` before it in macros.
#[test]
fn the_helo_identity_is_checked_as_postmaster() {
    let world = World::new(
        "mail.example.org TXT v=spf1 exists:%{l}.%{o}.%{h}.example.net -all
         postmaster.mail.example.org.mail.example.org.example.net A 127.0.0.2",
    );
    let request = Request::for_helo(CLIENT.parse().unwrap(), "mail.example.org");
    assert_eq!(world.check(&request).result, SpfResult::Pass);
}

/// §2.3: a HELO that is no domain of several labels cannot be checked.
#[test]
fn a_helo_that_is_no_domain_is_none() {
    let world = World::new("");
    for helo in ["localhost", "[192.0.2.1]", "", "a..b"] {
        let request = Request::for_helo(CLIENT.parse().unwrap(), helo);
        assert_eq!(world.check(&request).result, SpfResult::None, "{helo}");
    }
    assert_eq!(world.asked(), Vec::<String>::new());
}

/// §2.4: the null sender of a bounce is `postmaster` at the HELO name.
#[test]
fn a_null_sender_is_checked_at_the_helo_name() {
    let world = World::new(
        "mail.example.org TXT v=spf1 exists:%{s}.example.net -all
         postmaster@mail.example.org.example.net A 127.0.0.2",
    );
    let outcome = world.check_mail_from("");
    assert_eq!(outcome.result, SpfResult::Pass);
    assert_eq!(world.asked(), ["mail.example.org TXT", "postmaster@mail.example.org.example.net A"]);
}

/// §4.3: a sender without a local part has the local part `postmaster`.
#[test]
fn a_missing_local_part_is_postmaster() {
    let world = World::new(
        "example.com TXT v=spf1 exists:%{l}.example.net -all
         postmaster.example.net A 127.0.0.2",
    );
    assert_eq!(world.check_mail_from("@example.com").result, SpfResult::Pass);
}

/// §4.1: the domain under check need not be that of the sender.
#[test]
fn the_domain_and_the_sender_are_arguments_of_their_own() {
    let world = World::new(
        "example.com TXT v=spf1 exists:%{d}.%{o}.example.net -all
         example.com.example.org.example.net A 127.0.0.2",
    );
    let request = Request::new(CLIENT.parse().unwrap(), "example.com", "user@example.org");
    assert_eq!(world.check(&request).result, SpfResult::Pass);
}

/// §5 last paragraph: an IPv4-mapped client is compared as IPv4 by every mechanism and macro.
#[test]
fn an_ipv4_mapped_client_counts_as_ipv4() {
    let world = World::new(
        "example.com TXT v=spf1 -ip6:::/0 -ip6:::ffff:192.0.2.1 exists:%{i}.%{v}.example.net a -all
         example.com A 192.0.2.1",
    );
    assert_eq!(world.check_ip("::ffff:192.0.2.1"), SpfResult::Pass);
    assert_eq!(world.asked(), ["example.com TXT", "192.0.2.1.in-addr.example.net A", "example.com A"]);
}

/// RFC 8616 section 4: U-labels of the sender are asked for, and expanded, as A-labels.
#[test]
fn u_labels_are_checked_as_a_labels() {
    let world = World::new(
        "xn--bcher-kva.example TXT v=spf1 exists:%{d}.%{o}.example.net -all
         xn--bcher-kva.example.xn--bcher-kva.example.example.net A 127.0.0.2",
    );
    assert_eq!(world.check_mail_from("user@bücher.example").result, SpfResult::Pass);
    assert_eq!(world.check_mail_from("user@xn--bcher-kva.example").result, SpfResult::Pass);
    assert_eq!(world.asked().first().map(String::as_str), Some("xn--bcher-kva.example TXT"));
}

/// RFC 8616 section 4 with §4.3: what has no A-label form is a malformed domain.
#[test]
fn labels_without_an_a_label_form_are_none() {
    let world = World::new("");
    let outcome = world.check(&request(CLIENT, b"user@b\xfccher.example"));
    assert_eq!(outcome.cause.kind, CauseKind::MalformedDomain(NameError::Idna));
    assert_eq!(world.asked(), Vec::<String>::new());
}
