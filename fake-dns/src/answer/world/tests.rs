//! Messages against a world, without sockets.

use std::net::Ipv4Addr;

use proptest::prelude::*;
use zone::ParseOptions;

use super::*;

fn world(faults: &[&str]) -> World {
    let records =
        zone::parse("example.com TXT x\n*.example.com MX 10 example.com\n", &ParseOptions::default()).unwrap();
    let rules = faults.iter().map(|rule| rule.parse().unwrap()).collect();
    World::new(records.into_iter().collect(), Mode::Recursive, rules, Journal::new(16, usize::MAX), None)
}

fn react(world: &World, message: &[u8]) -> Option<Reply> {
    // Not `react`: a panic shall fail the test.
    world.read_and_answer(message.to_vec(), SocketAddr::from((Ipv4Addr::LOCALHOST, 53)), Transport::Udp)
}

/// A question for `example.com TXT` with an OPT record.
const QUESTION: &[u8] =
    b"\x12\x34\x01\0\0\x01\0\0\0\0\0\x01\x07example\x03com\0\0\x10\0\x01\0\0\x29\x04\xd0\0\0\0\0\0\0";

#[test]
fn a_delay_is_part_of_the_reply() {
    let reply = react(&world(&["* ANY delay 3s", "* ANY duplicate 2"]), QUESTION).unwrap();
    assert_eq!((reply.delay, reply.messages.len()), (Duration::from_secs(3), 2));
}

#[test]
fn a_panic_costs_one_answer() {
    let world = World::new(
        Store::default(),
        Mode::Recursive,
        Rules::default(),
        Journal::new(16, usize::MAX),
        Some(std::sync::Arc::new(|_| panic!("observer"))),
    );
    let from = SocketAddr::from((Ipv4Addr::LOCALHOST, 53));
    assert_eq!(world.react(QUESTION.to_vec(), from, Transport::Tcp), None);
    assert_eq!(world.stats().malformed, 1);
}

proptest! {
    #[test]
    fn any_bytes_are_survived(message in prop::collection::vec(any::<u8>(), 0..120)) {
        react(&world(&[]), &message);
    }

    #[test]
    fn any_change_of_a_question_is_survived(
        changes in prop::collection::vec((0..QUESTION.len(), any::<u8>()), 0..6),
        length in 0..=QUESTION.len(),
        fault in prop::sample::select(&["* ANY wrong-question", "* ANY cut", "* ANY wrong-owner", "* ANY truncate", "* ANY nxdomain"][..]),
    ) {
        let mut message = QUESTION.to_vec();
        for (at, byte) in changes {
            message[at] = byte;
        }
        message.truncate(length);
        for reply in react(&world(&[fault]), &message).into_iter().flat_map(|reply| reply.messages) {
            prop_assert!(reply.len() <= 65_535);
        }
    }
}
