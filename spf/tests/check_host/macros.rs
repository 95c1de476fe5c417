//! Macros in evaluation: §7, RFC 8616.

use spf::SpfResult::{Fail, Neutral, Pass, Permerror};

use crate::world::{CLIENT, World, check, request, result};

/// The question an `exists` asks for a sender.
fn exists_question(spec: &str, mail_from: &(impl AsRef<[u8]> + ?Sized)) -> String {
    let world = World::new(format!("example.com TXT v=spf1 exists:{spec} -all"));
    world.check_mail_from(mail_from);
    world.asked().last().cloned().expect("the record is asked for at least")
}

/// §7: macros reach names that no host has; the name is made of labels, not of escaped text.
#[test]
fn odd_local_parts_make_odd_labels() {
    for (local_part, name) in [
        ("a b", r"a\032b"),
        ("a@b", "a@b"),
        (r"a\.b", r"a\\.b"),
        ("\"quo.ted\"", "\"quo.ted\""),
        ("a/b:c=d", "a/b:c=d"),
        ("x\u{1}\u{7f}", r"x\001\127"),
        ("Mixed.CASE", "Mixed.CASE"),
    ] {
        let question = exists_question("%{l}._spf.%{d}", &format!("{local_part}@example.com"));
        assert_eq!(question, format!("{name}._spf.example.com A"));
    }
}

/// §7.3: the transformers work on local parts as on domains.
#[test]
fn a_local_part_can_be_split() {
    let mail_from = "someuser+list@example.com";
    assert_eq!(exists_question("%{ir}.%{l1r+-}._spf.%{d}", mail_from), "1.2.0.192.someuser._spf.example.com A");
    assert_eq!(exists_question("%{S}.%{d}", mail_from), "someuser%2Blist%40example.com.example.com A");
}

/// §7.3: whole labels are cut off the left until 253 bytes are left.
#[test]
fn names_over_253_bytes_are_cut_on_the_left() {
    let local_part = [&"a".repeat(63), "b".repeat(63).as_str(), &"c".repeat(63), &"d".repeat(63)].join(".");
    let question = exists_question("%{l}.%{d}", &format!("{local_part}@example.com"));
    let expected = [&"b".repeat(63), "c".repeat(63).as_str(), &"d".repeat(63)].join(".") + ".example.com A";
    assert_eq!(question, expected);
}

/// §4.8: a macro can make a name with an empty label; it does not match and is not asked for.
#[test]
fn an_empty_label_from_a_macro_does_not_match() {
    assert_eq!(exists_question("%{l}.%{d}", "a..b@example.com"), "example.com TXT");
}

/// RFC 8616 section 4: terms with `%{s}` or `%{l}` match nothing if the local part is not ASCII.
#[test]
fn a_non_ascii_local_part_never_matches() {
    for letter in ["s", "l", "S", "L", "l1r-"] {
        let record = format!("exists:%{{{letter}}}.example.net a:%{{{letter}}}.example.net -all");
        let world = World::new(format!("example.com TXT v=spf1 {record}"));
        assert_eq!(world.check_mail_from("jörg@example.com").result, Fail, "{letter}");
        assert_eq!(world.asked(), ["example.com TXT"], "{letter}");
        let world = World::new(format!("example.com TXT v=spf1 include:%{{{letter}}}.example.net +all"));
        assert_eq!(world.check_mail_from("jörg@example.com").result, Pass, "{letter}");
        let world = World::new(format!("example.com TXT v=spf1 redirect=%{{{letter}}}.example.net"));
        assert_eq!(world.check_mail_from("jörg@example.com").result, Neutral, "{letter}");
    }
    let others = World::new("example.com TXT v=spf1 exists:%{o}.example.net -all\nexample.com.example.net A 127.0.0.2");
    assert_eq!(others.check_mail_from("jörg@example.com").result, Pass);
}

/// §7.3: `%{p}` prefers the domain itself, then a name below it, then any; it is asked for only if needed.
#[test]
fn p_prefers_names_of_the_domain() {
    let zone = |names: &[&str]| {
        let records: String =
            names.iter().map(|name| format!("1.2.0.192.in-addr.arpa PTR {name}\n{name} A 192.0.2.1\n")).collect();
        World::new(format!("example.com TXT v=spf1 exists:%{{p}}._spf.example.com -all\n{records}"))
    };
    for (names, expected) in [
        (&["host.example.net", "mail.example.com", "example.com"][..], "example.com"),
        (&["host.example.net", "mail.example.com"], "mail.example.com"),
        (&["host.example.net", "badexample.com"], "host.example.net"),
        (&[], "unknown"),
    ] {
        let world = zone(names);
        world.check_mail_from("user@example.com");
        assert_eq!(world.asked().last().unwrap(), &format!("{expected}._spf.example.com A"));
    }
    let world = World::new("example.com TXT v=spf1 exists:%{i}.example.com -all");
    world.check_mail_from("user@example.com");
    assert_eq!(world.asked().len(), 2, "no reverse lookup without the macro");
}

/// §7.3: a name that is not validated, and a failed lookup, make `%{p}` unknown.
#[test]
fn p_is_unknown_without_a_validated_name() {
    for reverse in ["!SERVFAIL", "mail.example.com"] {
        let zone = format!(
            "example.com TXT v=spf1 exists:%{{p}}._spf.example.com -all
             1.2.0.192.in-addr.arpa PTR {reverse}
             mail.example.com A 192.0.2.99
             unknown._spf.example.com A 127.0.0.2"
        );
        assert_eq!(result(zone), Pass, "{reverse}");
    }
}

/// §7.2: `c`, `r` and `t` in a record are syntax errors, in either case.
#[test]
fn letters_of_explanations_are_permerror_in_a_record() {
    for letter in ["c", "r", "t", "C", "R", "T"] {
        let outcome = check(format!("example.com TXT v=spf1 exists:%{{{letter}}}.example.com -all"));
        assert_eq!(outcome.result, Permerror, "{letter}");
    }
}

/// §7.2: `%{h}` is the HELO name whatever identity is checked, and whatever it holds.
#[test]
fn h_is_the_helo_name() {
    let world = World::new("example.com TXT v=spf1 exists:%{h}.%{d} -all");
    world.check(&request(CLIENT, "user@example.com"));
    world.check(&request(CLIENT, "user@example.com").with_helo("[192.0.2.1]"));
    let asked = world.asked();
    assert_eq!((asked[1].as_str(), asked[3].as_str()), ("mail.example.org.example.com A", "[192.0.2.1].example.com A"));
}

/// §7.3: IPv6 addresses are dotted nibbles in `%{i}`, and `%{v}` names their zone.
#[test]
fn ipv6_addresses_are_dotted_nibbles() {
    let world = World::new("example.com TXT v=spf1 exists:%{ir}.%{v}._spf.%{d2} -all");
    world.check(&request("2001:db8::cb01", "user@mail.example.com").clone());
    world.check(&request("2001:db8::cb01", "user@example.com"));
    assert_eq!(
        world.asked().last().unwrap(),
        "1.0.B.C.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2.ip6._spf.example.com A"
    );
}
