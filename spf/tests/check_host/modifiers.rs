//! Modifiers: §4.6.3, §6, §6.1.

use spf::SpfResult::{Fail, Neutral, Pass, Permerror, Softfail};
use spf::{CauseKind, SpfResult};

use crate::world::{World, check, result};

/// §6.1: the target's result stands, whatever it is.
#[test]
fn redirect_takes_the_result_of_the_target() {
    for (target, expected) in [
        ("v=spf1 +all", Pass),
        ("v=spf1 -all", Fail),
        ("v=spf1 ~all", Softfail),
        ("v=spf1", Neutral),
        ("v=spf1 moo", Permerror),
        ("no record", Permerror),
        ("!TIMEOUT", SpfResult::Temperror),
    ] {
        let zone = format!("example.com TXT v=spf1 redirect=t.example.com\nt.example.com TXT {target}");
        assert_eq!(result(zone), expected, "{target}");
    }
}

/// §6.1: a target that does not exist, or is no name, is an error of the publisher.
#[test]
fn redirect_without_a_record_is_permerror() {
    for target in ["nowhere.example.com", "a..example.com", "%{l}"] {
        let outcome = check(format!("example.com TXT v=spf1 redirect={target}"));
        assert_eq!((outcome.result, outcome.cause.kind), (Permerror, CauseKind::RedirectWithoutRecord), "{target}");
    }
}

/// §4.6.3: wherever it stands, it comes after all directives; a match leaves it alone.
#[test]
fn redirect_comes_after_all_directives() {
    let world = World::new(
        "example.com TXT v=spf1 redirect=t.example.com ip4:192.0.2.1
         t.example.com TXT v=spf1 -all",
    );
    assert_eq!(world.check_ip("192.0.2.1"), Pass);
    assert_eq!(world.asked(), ["example.com TXT"]);
    assert_eq!(world.check_ip("192.0.2.2"), Fail);
}

/// §6.1: in the target `%{d}` and an unwritten domain mean the target; `%{o}` stays the sender's.
#[test]
fn redirect_changes_the_current_domain() {
    let world = World::new(
        "example.com TXT v=spf1 redirect=t.example.org
         t.example.org TXT v=spf1 exists:%{d}.%{o}.example.net a -all
         t.example.org A 192.0.2.1",
    );
    let outcome = world.check_mail_from("user@example.com");
    assert_eq!(outcome.result, Pass);
    assert_eq!(world.asked()[2..], ["t.example.org.example.com.example.net A", "t.example.org A"]);
    let matched = outcome.matched().unwrap();
    assert_eq!((matched.text(), matched.domain.to_string().as_str()), ("a", "t.example.org"));
}

/// §5.2, §6.1: a redirect inside an included record is followed there.
#[test]
fn redirect_inside_an_include_is_followed() {
    let zone = "example.com TXT v=spf1 include:t.example.com -all
        t.example.com TXT v=spf1 redirect=u.example.com
        u.example.com TXT v=spf1 ip4:192.0.2.1";
    assert_eq!(result(zone), Pass);
}

/// §6: a second `redirect` or `exp` is an error, and so is an empty one.
#[test]
fn doubled_or_empty_modifiers_are_permerror() {
    for record in [
        "redirect=a.example.com redirect=a.example.com",
        "exp=a.example.com EXP=b.example.com",
        "redirect=",
        "exp=",
        "exp=-all",
        "redirect=museum",
    ] {
        assert_eq!(result(format!("example.com TXT v=spf1 {record} +all")), Permerror, "{record}");
    }
}

/// §6: unknown modifiers change nothing, wherever and however often they stand; RFC 6652's are such.
#[test]
fn unknown_modifiers_are_ignored() {
    let zone =
        "example.com TXT v=spf1 ra=postmaster rp=100 rr=all x=%{i}%% x= x.y-z_1=a:b/c ip4:192.0.2.1 default=pass -all";
    assert_eq!(result(zone), Pass);
    assert_eq!(result("example.com TXT v=spf1 default=fail"), Neutral);
}

/// §6 and §7.1: what follows the `=` of an unknown modifier must be a macro-string all the same.
#[test]
fn unknown_modifiers_must_be_macro_strings() {
    for value in ["%", "%x", "%{", "%{z}", "%{d0}"] {
        assert_eq!(result(format!("example.com TXT v=spf1 +all x={value}")), Permerror, "{value}");
    }
}
