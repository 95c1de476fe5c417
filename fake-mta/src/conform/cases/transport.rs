//! Bytes, packets and sockets.

use milter_proto::{Command, Frame, Negotiate, codes};

use super::super::{
    case::{Case, Level},
    letter::{Letter, Stage},
    special::Special,
    step::{Pace, Step, connect, helo, opened, opened_then, raw},
};

pub(super) fn cases() -> Vec<Case> {
    let mut all = paces();
    all.extend(silence());
    all.extend(lengths());
    all.extend(commands());
    all.extend(strangers());
    all
}

fn letter() -> Step {
    Step::Letter(Box::default())
}

fn paced(pace: Pace) -> Vec<Step> {
    let mut steps = vec![Step::Pace(pace)];
    steps.extend(opened_then([letter()]));
    steps
}

fn paces() -> Vec<Case> {
    vec![
        Case::new("transport/one-byte-writes", Level::Must, "a session that comes byte by byte is understood")
            .why("a stream has no packets: the network cuts where it likes")
            .standard("reads until the packet is whole")
            .seen("any network; sendmail writes length, code and payload in pieces")
            .script(paced(Pace::Bytes)),
        Case::new("transport/coalesced", Level::Must, "macros and command in one write are both understood")
            .why("a stream has no packets: what is read at once may hold several")
            .standard("reads packet after packet")
            .seen("Postfix, which buffers macros until it needs an answer")
            .script(paced(Pace::Together)),
        Case::new("transport/split-length", Level::Must, "packets whose length word comes in two pieces are understood")
            .why("a read may end anywhere")
            .standard("reads until the packet is whole")
            .seen("any network")
            .script(paced(Pace::Halves)),
        Case::new("transport/half-close", Level::Should, "an MTA that closes its sending side at the end of the message still gets the answer to that")
            .why("a milter that takes the end of input for the end of everything loses its verdict; one that misses it never lets go")
            .standard("answers, and closes when it reads on")
            .seen("load balancers and proxies between the two")
            .script(half_closed()),
        Case::new("transport/slow-reader", Level::Should, "answers that are read a byte at a time all come")
            .why("an MTA under load reads late, and a milter that gives up writing loses answers")
            .standard("waits until it can write")
            .seen("any MTA under load")
            .special(Special::SlowReader(2000)),
    ]
}

fn half_closed() -> Vec<Step> {
    opened_then([
        Step::Letter(Box::new(Letter { until: Stage::Body, ..Letter::default() })),
        Step::LastWord(Command::BodyEob(Vec::new())),
        Step::Closed,
    ])
}

fn silence() -> Vec<Case> {
    let beside = |before: Vec<Step>| {
        let mut steps = before;
        steps.push(Step::Park);
        steps.extend(opened_then([letter()]));
        steps
    };
    let case = |id: &str, title: &str, before: Vec<Step>| {
        Case::new(format!("silent/{id}"), Level::Must, format!("while {title}, others are served"))
            .why("one connection that says nothing must not stop the mail of everybody")
            .standard("has a thread for each connection")
            .seen("both: a client that thinks for minutes keeps the milter's connection open")
            .script(beside(before))
    };
    vec![
        case(
            "from-the-start",
            "somebody connects and says nothing",
            vec![Step::Bytes { bytes: Vec::new(), shown: "nothing".to_owned() }],
        ),
        case(
            "after-the-offer",
            "somebody has made an offer and says nothing more",
            vec![Step::Negotiate(Negotiate::offer(6))],
        ),
        case(
            "in-a-packet",
            "somebody is silent in the middle of a packet",
            vec![raw([0, 0, 0, 13, b'O', 0, 0], "the first 7 bytes of negotiate")],
        ),
        case(
            "in-a-message",
            "somebody is silent in the middle of a message",
            opened_then([Step::Letter(Box::new(Letter { until: Stage::Header, ..Letter::default() }))]),
        ),
        case(
            "in-the-data-of-a-huge-packet",
            "somebody has announced 2 GB and is silent",
            vec![raw([0x7f, 0xff, 0xff, 0xff, b'O'], "a packet of 2 147 483 647 bytes, of which none comes")],
        ),
    ]
}

/// Something that no MTA sends.
fn nonsense(id: &str, level: Level, title: &str, steps: Vec<Step>) -> Case {
    Case::new(format!("nonsense/{id}"), level, format!("{title} does no harm to anybody else"))
        .why("whoever reaches the socket can send it, and must not bring the milter down for everybody")
        .standard("closes the connection")
        .seen("none; port scanners and load balancers' probes")
        .script(steps)
}

fn offered() -> Vec<Step> {
    vec![Step::Negotiate(Negotiate::offer(6)), Step::Client(connect())]
}

fn then(mut before: Vec<Step>, step: Step) -> Vec<Step> {
    before.push(step);
    before
}

/// A packet with a payload.
fn packet(code: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    Frame { code, payload: b"payload\0".to_vec() }.encode(&mut bytes);
    bytes
}

fn lengths() -> Vec<Case> {
    vec![
        nonsense(
            "length-zero",
            Level::Must,
            "a packet of length 0",
            then(offered(), raw([0, 0, 0, 0], "a packet of length 0")),
        ),
        nonsense(
            "length-zero-first",
            Level::Must,
            "a packet of length 0 as the first thing",
            vec![raw([0, 0, 0, 0, b'O'], "a packet of length 0")],
        ),
        nonsense(
            "length-huge",
            Level::Must,
            "a packet of 2 147 483 647 bytes",
            then(
                offered(),
                raw([0x7f, 0xff, 0xff, 0xff, b'H', b'x', 0], "a packet of 2 147 483 647 bytes, of which 3 come"),
            ),
        ),
        nonsense(
            "length-negative",
            Level::Must,
            "a packet whose length is -1 to those who read it as signed",
            then(
                offered(),
                raw([0xff, 0xff, 0xff, 0xff, b'H', b'x', 0], "a packet of 4 294 967 295 bytes, of which 3 come"),
            ),
        ),
        nonsense(
            "length-minimum",
            Level::Must,
            "a packet whose length is the lowest number to those who read it as signed",
            then(offered(), raw([0x80, 0, 0, 0, b'H', b'x', 0], "a packet of 2 147 483 648 bytes, of which 3 come")),
        ),
        nonsense(
            "just-too-long",
            Level::Must,
            "a packet of one byte more than the limit",
            then(opened(), raw(too_long(), "body 65 536 bytes")),
        ),
        nonsense(
            "nothing-but-lengths",
            Level::Should,
            "a hundred empty packets",
            then(
                vec![Step::Negotiate(Negotiate::offer(6)), Step::Client(connect()), Step::Event(helo())],
                raw([0, 0, 0, 0].repeat(100), "100 packets of length 0"),
            ),
        ),
    ]
}

fn commands() -> Vec<Case> {
    let coalesced = [packet(codes::HELO), packet(b'Z'), packet(codes::HELO)].concat();
    vec![
        nonsense(
            "unknown-command",
            Level::Must,
            "a command that does not exist",
            then(opened(), raw(packet(b'Z'), "a packet with the code Z")),
        ),
        nonsense(
            "unknown-command-nul",
            Level::Must,
            "a command with the code 0",
            then(opened(), raw(packet(0), "a packet with the code 0")),
        ),
        nonsense(
            "reply-code",
            Level::Should,
            "an answer instead of a command",
            then(opened(), raw(packet(codes::REPLY_CODE), "a packet with the code y")),
        ),
        nonsense(
            "between-good-ones",
            Level::Should,
            "an unknown command between good ones in one write",
            then(offered(), raw(coalesced, "helo, a packet with the code Z, helo")),
        ),
    ]
}

fn strangers() -> Vec<Case> {
    vec![
        nonsense(
            "http",
            Level::Must,
            "an HTTP request",
            vec![raw(&b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"[..], "GET / HTTP/1.1")],
        ),
        nonsense(
            "tls",
            Level::Must,
            "a TLS handshake",
            vec![raw(&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], "a TLS ClientHello")],
        ),
        nonsense(
            "smtp",
            Level::Must,
            "an SMTP client",
            vec![raw(&b"EHLO client.example.net\r\nQUIT\r\n"[..], "EHLO client.example.net")],
        ),
        nonsense("noise", Level::Must, "a thousand bytes of noise", vec![raw(noise(), "1000 bytes of noise")]),
        nonsense(
            "noise-in-a-message",
            Level::Must,
            "noise in the middle of a message",
            then(
                opened_then([Step::Letter(Box::new(Letter { until: Stage::Header, ..Letter::default() }))]),
                raw(noise(), "1000 bytes of noise"),
            ),
        ),
    ]
}

fn too_long() -> Vec<u8> {
    let mut bytes = Vec::new();
    Command::Body(vec![b'x'; milter_proto::limits::PAYLOAD_MAX + 1]).encode(&mut bytes);
    bytes
}

/// The same in every run: a generator as simple as there is (Numerical Recipes).
fn noise() -> Vec<u8> {
    let next = |state: &u32| Some(state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
    std::iter::successors(Some(1_u32), next).map(|state| state.to_be_bytes()[0]).take(1000).collect()
}
