//! `spf` and mail-auth 0.15 agree wherever mail-auth follows RFC 7208.
//!
//! What is left out, because mail-auth differs from the RFC there:
//!
//! | left out | mail-auth |
//! | --- | --- |
//! | a third void term (§4.6.4) | has no limit of void lookups |
//! | `ptr`, `%{p}` (§5.5, §7.3) | compares with a dot at the end, and does not validate the name |
//! | several records of a domain (§4.5) | takes one of them |
//! | `include` with another qualifier than `+` (§5.2) | forgets it if the included record includes another |
//! | `exists` of a name that has AAAA only (§5.7) | matches |
//! | `ip6` networks that hold `::ffff:0:0/96` (§5) | match IPv4 clients |
//! | syntax errors (§4.6) | are passed over in part, or found when evaluation comes to them |
//! | prefix lengths over 32 and 128 (§5.6), bytes beyond ASCII (§3.1) | are accepted |
//! | targets that are no names, or over 253 bytes (§4.8, §7.3) | are `temperror`, and are not cut |
//! | the time for the whole check (§4.6.4) | ends as `permerror` |

mod world;

use bench_peers::Records;
use bench_peers::ours::Ours;
use bench_peers::peer::Peer;
use proptest::prelude::*;
use spf::CauseKind;
use world::world;

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

    /// Whatever the records and answers, the results are the same, whether records are kept parsed or not.
    #[test]
    fn both_come_to_the_same_result(world in world()) {
        for records in [Records::ParsedEachTime, Records::KeptParsed] {
            let ours = Ours::new(&world.answers, records).check(&world.mail);
            prop_assume!(!matches!(ours.cause.kind, CauseKind::VoidLimit(_)));
            let peer = Peer::new(&world.answers, records).check(&world.mail);
            prop_assert_eq!(ours.result.to_string(), peer.result().to_string(), "{}", ours.cause);
        }
    }
}

/// The evaluations that are timed come out as their table says, with both.
#[test]
fn the_timed_evaluations_have_their_results() {
    for case in bench_peers::cases::five().iter().chain(&bench_peers::cases::others()) {
        for records in [Records::ParsedEachTime, Records::KeptParsed] {
            let ours = Ours::new(&case.answers, records).check(&case.mail);
            let peer = Peer::new(&case.answers, records).check(&case.mail);
            assert_eq!(ours.result.to_string(), case.result, "{}", case.name);
            assert_eq!(peer.result().to_string(), case.result, "{}", case.name);
        }
    }
}

/// The hostile records are legal: they come to the end of their lookups, and no limit stops them before.
#[test]
fn the_worst_evaluations_are_legal() {
    for case in bench_peers::hostile::worst() {
        let outcome = Ours::new(&case.answers, Records::ParsedEachTime).check(&case.mail);
        assert_eq!(outcome.result.to_string(), case.result, "{}: {}", case.name, outcome.cause);
        assert_eq!((outcome.term_lookups, outcome.void_terms), (10, 0), "{}", case.name);
        assert_eq!(outcome.explanation.map(|explanation| explanation.text).as_deref(), Some("not "), "{}", case.name);
    }
}
