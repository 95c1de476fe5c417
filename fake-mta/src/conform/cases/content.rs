//! Headers and bodies of every kind.

use milter_proto::{Command, Frame, Negotiate, codes, limits::PAYLOAD_MAX};

use super::super::{
    case::{Case, Level},
    letter::{Chunk, Letter, Macros, Stage, plain_headers},
    script::filling,
    step::{Step, connect, header, macros, misplaced, opened_then, raw, rcpt_to},
};

pub(super) fn cases() -> Vec<Case> {
    let mut all = shapes();
    all.extend(headers());
    all.push(percents());
    all.extend(bodies());
    all.extend(broken_headers());
    all.extend(broken_clients());
    all.extend(broken_envelopes());
    all
}

fn with_headers(headers: Vec<Command>) -> Vec<Step> {
    let headers = plain_headers().into_iter().chain(headers).collect();
    opened_then([Step::Letter(Box::new(Letter { headers, ..Letter::default() })), Step::Letter(Box::default())])
}

fn with_body(body: Vec<Chunk>) -> Vec<Step> {
    opened_then([Step::Letter(Box::new(Letter { body, ..Letter::default() })), Step::Letter(Box::default())])
}

fn bytes(text: impl Into<Vec<u8>>) -> Vec<Chunk> {
    vec![Chunk::Bytes(text.into())]
}

fn case(id: &str, level: Level, title: &str) -> Case {
    Case::new(format!("content/{id}"), level, format!("{title} is taken"))
}

fn shapes() -> Vec<Case> {
    let why = "anybody can send it, and mail that the milter stumbles over is deferred for ever";
    vec![
        case("no-body", Level::Must, "a message without a body")
            .why(why)
            .standard("the end of the message follows that of the header")
            .seen("both: no body chunk at all is sent")
            .script(with_body(Vec::new())),
        case("no-header", Level::Must, "a message whose header is empty")
            .why(why)
            .standard("the end of the header is told all the same")
            .seen("both, for text without a header block")
            .script(opened_then([
                Step::Letter(Box::new(Letter { headers: Vec::new(), ..Letter::default() })),
                Step::Letter(Box::default()),
            ])),
        case("nothing", Level::Must, "a message without header and body")
            .why(why)
            .standard("the end of the header and of the message")
            .seen("both, when the client sends the final dot at once")
            .script(opened_then([
                Step::Letter(Box::new(Letter { headers: Vec::new(), body: Vec::new(), ..Letter::default() })),
                Step::Letter(Box::default()),
            ])),
        case("no-end-of-header", Level::May, "a message in which the end of the header is not told")
            .why("a milter that opted out of the end of the header must still find the body")
            .standard("drops the body, and the MTA waits in vain")
            .seen("none: an MTA tells it to every milter that did not opt out of it")
            .script(opened_then([
                Step::Letter(Box::new(Letter { eoh: false, ..Letter::default() })),
                Step::Letter(Box::default()),
            ])),
    ]
}

fn headers() -> Vec<Case> {
    let why = "the client chooses it, and a milter that fails takes the mail of everybody with it";
    let thousands = (0..10_000).map(|number| header(&format!("X-Header-{number}"), "value")).collect();
    let same =
        (0..1000).map(|_| header("Received", "from a.example by b.example; Sun, 01 Aug 2004 12:00:00 +0000")).collect();
    vec![
        case("eight-bit-header", Level::Must, "a header field with bytes that are no text in any encoding")
            .why(why)
            .standard("hands them over as they are")
            .seen("both")
            .script(with_headers(vec![header("Subject", b"\xff\xfe\x80 gr\xfc\xdfe".to_vec())])),
        case("eight-bit-name", Level::May, "a header field with bytes beyond ASCII in its name")
            .why(why)
            .standard("hands it over")
            .seen(BODY_FOR_BOTH)
            .script(with_headers(vec![header("X-\u{e9}", "value")])),
        case("folded-header", Level::Must, "a folded header field")
            .why(why)
            .standard("hands it over with LF at the folds")
            .seen("both, in nearly every message")
            .script(with_headers(vec![
                header("X-Folded", b"one\n two\n\tthree".to_vec()),
                header("X-Empty-Fold", b"\n ".to_vec()),
            ])),
        case("empty-value", Level::Must, "a header field without a value")
            .why(why)
            .standard("hands over an empty string")
            .seen("both")
            .script(with_headers(vec![header("Subject", ""), header("X-Empty", "")])),
        case("strange-name", Level::Must, "a header field with a name that RFC 5322 allows and nobody uses")
            .why(why)
            .standard("hands it over")
            .seen("both: every character but spaces, control characters and the colon is good for a name")
            .script(with_headers(vec![header("()<>@,;", "x"), header(&"X".repeat(900), "x")])),
        case("spaced-name", Level::May, "a header field with a space in its name")
            .why(why)
            .standard("hands it over")
            .seen(BODY_FOR_BOTH)
            .script(with_headers(vec![header(" ", "x"), header("X Y", "x")])),
        case("empty-name", Level::May, "a header field with an empty name")
            .why(why)
            .standard("closes the connection")
            .seen(BODY_FOR_BOTH)
            .script(with_headers(vec![header("", "x")])),
        case("long-header", Level::Must, "a header field as long as a packet may be")
            .why(why)
            .standard("takes packets of up to 65 535 bytes")
            .seen("both")
            .script(with_headers(vec![header("X-Long", vec![b'x'; PAYLOAD_MAX - 8])])),
        Case::new(
            "content/longer-header",
            Level::Should,
            "a header field of 100 000 bytes does no harm to anybody else",
        )
        .why("Postfix has a limit of its own, 102 400 bytes, and does not know that of libmilter")
        .standard("closes the connection: packets end at 65 535 bytes")
        .seen("Postfix")
        .script(longer_header()),
        case("many-headers", Level::Must, "a message with 10 000 header fields")
            .why(why)
            .standard("one answer to each")
            .seen("sendmail up to 32 KiB of header, Postfix without a limit on their number")
            .script(with_headers(thousands)),
        case("same-header", Level::Must, "a message with the same header field a thousand times")
            .why(why)
            .standard("one answer to each")
            .seen("both, for mail in a loop")
            .script(with_headers(same)),
    ]
}

/// The client's name, the addresses, the macros, the header and the body look like formats of `printf`.
fn percents() -> Case {
    let address = format!("<{FORMAT}@example.org>");
    let letter = Letter {
        macros: Macros::None,
        mail: Command::Mail { sender: address.clone().into(), args: Vec::new() },
        rcpts: vec![rcpt_to(&format!("<{FORMAT}@example.com>"))],
        headers: plain_headers().into_iter().chain([header("Subject", FORMAT), header("X-%s%n", FORMAT)]).collect(),
        body: bytes(format!("{FORMAT}\r\n")),
        ..Letter::default()
    };
    case("percent", Level::Must, "a message in which everything is full of formats as in %s and %n")
        .why("a milter in C that hands text of the client to printf or syslog as the format is ended by it, or taken over")
        .standard("hands everything over as it is")
        .seen("both pass on what the client sends")
        .script(vec![
            Step::Negotiate(Negotiate::offer(6)),
            Step::Client(connect()),
            Step::Event(Command::Helo(FORMAT.into())),
            Step::Event(macros(codes::MAIL, &[("i", "4XyZ1abcde"), ("{auth_authen}", FORMAT)])),
            Step::Letter(Box::new(letter)),
            Step::Letter(Box::default()),
        ])
}

fn bodies() -> Vec<Case> {
    let why = "the client chooses it, and a milter that fails takes the mail of everybody with it";
    let nul = b"before\0after\r\n\0\r\n".to_vec();
    vec![
        case("eight-bit-body", Level::Must, "a body with bytes that are no text in any encoding")
            .why(why)
            .standard("hands them over as they are")
            .seen("both")
            .script(with_body(bytes((0..=255).cycle().take(4096).collect::<Vec<u8>>()))),
        case("nul-in-body", Level::Must, "a body with NUL bytes")
            .why("text functions of C stop at the first one")
            .standard("hands over bytes and their number")
            .seen("both")
            .script(with_body(bytes(nul))),
        case("bare-line-ends", Level::Must, "a body with bare CR and bare LF")
            .why(why)
            .standard("hands them over as they are")
            .seen("both, after their own rules on what a client may send")
            .script(with_body(bytes(&b"a\rb\nc\n\r\n\r\r\n"[..]))),
        case("split-line-end", Level::Must, "a body whose CRLF is split between two chunks")
            .why("what looks at lines has to look over the end of a chunk")
            .standard("hands over the chunks as they come")
            .seen("both, where the end of a chunk of 65 535 bytes falls between CR and LF")
            .script(with_body(vec![Chunk::Bytes(b"one\r".to_vec()), Chunk::Bytes(b"\ntwo\r\n".to_vec())])),
        case("no-last-line-end", Level::Must, "a body without an end of its last line")
            .why(why)
            .standard("hands it over as it is")
            .seen("both, with BDAT")
            .script(with_body(bytes(&b"no end"[..]))),
        case("empty-chunk", Level::May, "a body chunk without a byte")
            .why(why)
            .standard("closes the connection")
            .seen("none: both send no chunk for an empty body")
            .script(with_body(vec![Chunk::Bytes(Vec::new()), Chunk::Bytes(b"Hello.\r\n".to_vec())])),
        case("full-chunk", Level::Must, "a body chunk as large as a packet may be")
            .why("an error by one in the limit shows here")
            .standard("takes packets of up to 65 535 bytes")
            .seen("both, in every message over 65 535 bytes")
            .script(with_body(vec![Chunk::Fill { count: 2, size: PAYLOAD_MAX }])),
        case("small-chunks", Level::Should, "a body in a thousand chunks of one byte")
            .why(why)
            .standard("one answer to each")
            .seen("MTAs of other makers")
            .script(with_body(vec![Chunk::Fill { count: 1000, size: 1 }])),
        case("long-line", Level::Must, "a body of one line of 500 000 bytes")
            .why(why)
            .standard("hands it over in chunks")
            .seen("both, with BDAT or where line lengths are not limited")
            .script(with_body(vec![Chunk::Bytes(vec![b'x'; 50_000]); 10])),
        case("fifty-megabytes", Level::Must, "a body of 50 MB")
            .why("the largest mail that comes must neither end the milter nor fill its memory")
            .standard("hands over chunk after chunk, and keeps none")
            .seen("both, up to their limit on the size of messages")
            .script(with_body(vec![Chunk::Fill { count: 800, size: PAYLOAD_MAX }])),
    ]
}

/// A packet that is not what it should be.
fn malformed(id: &str, title: &str, steps: Vec<Step>) -> Case {
    Case::new(format!("malformed/{id}"), Level::Must, format!("{title} does no harm to anybody else"))
        .why("a packet that is not what it should be must not be read past its end")
        .standard("closes the connection, or takes what it finds")
        .seen("none")
        .script(steps)
}

fn packet(code: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    Frame { code, payload: payload.to_vec() }.encode(&mut bytes);
    bytes
}

fn in_header(step: Step) -> Vec<Step> {
    let letter = Letter { until: Stage::Header, ..Letter::default() };
    opened_then([Step::Letter(Box::new(letter)), step])
}

/// In place of the client.
fn client(payload: &[u8], shown: &str) -> Vec<Step> {
    vec![Step::Negotiate(Negotiate::offer(6)), raw(packet(codes::CONNECT, payload), shown)]
}

fn broken_headers() -> Vec<Case> {
    vec![
        malformed(
            "nul-in-header",
            "a header field with NUL in its value",
            in_header(raw(packet(codes::HEADER, b"X-Nul\0be\0fore\0"), "header X-Nul: be\\0fore")),
        ),
        malformed(
            "header-without-value",
            "a header field without its second string",
            in_header(raw(packet(codes::HEADER, b"Subject\0"), "header Subject, without a value")),
        ),
        malformed(
            "header-without-end",
            "a header field whose strings do not end",
            in_header(raw(packet(codes::HEADER, b"Subject"), "header Subject, without its NUL")),
        ),
        malformed(
            "header-empty",
            "a header field without a payload",
            in_header(raw(packet(codes::HEADER, b""), "header, without a payload")),
        ),
    ]
}

fn broken_clients() -> Vec<Case> {
    vec![
        malformed("connect-empty", "a client without a payload", client(b"", "connect, without a payload")),
        malformed(
            "connect-short",
            "a client whose address is cut short",
            client(b"client.example.net\x004\x9c", "connect client.example.net, cut short"),
        ),
        malformed(
            "connect-family",
            "a client of a family that nobody knows",
            client(b"client.example.net\0X\x9c\x40192.0.2.1\0", "connect client.example.net, family X"),
        ),
        malformed(
            "connect-no-address",
            "a client whose address is none",
            client(b"client.example.net\x006\x9c\x40IPv6:zz::%%\0", "connect client.example.net [IPv6:zz::%%]"),
        ),
        malformed(
            "helo-empty",
            "a HELO without a payload",
            vec![
                Step::Negotiate(Negotiate::offer(6)),
                Step::Client(connect()),
                raw(packet(codes::HELO, b""), "helo, without a payload"),
            ],
        ),
    ]
}

fn broken_envelopes() -> Vec<Case> {
    vec![
        malformed(
            "mail-empty",
            "a MAIL without a payload",
            opened_then([raw(packet(codes::MAIL, b""), "mail, without a payload")]),
        ),
        malformed(
            "mail-without-end",
            "a MAIL whose string does not end",
            opened_then([raw(
                packet(codes::MAIL, b"<sender@example.org>"),
                "mail <sender@example.org>, without its NUL",
            )]),
        ),
        malformed(
            "mail-long",
            "a sender of 60 000 bytes",
            opened_then([raw(packet(codes::MAIL, &[&filling(60_000)[..], b"\0"].concat()), "mail, 60 000 bytes")]),
        ),
        malformed("eom-with-data", "an end of the message that brings the last piece of the body", eom_with_data()),
    ]
}

fn eom_with_data() -> Vec<Step> {
    let letter = Letter { until: Stage::Body, ..Letter::default() };
    opened_then([Step::Letter(Box::new(letter)), misplaced(&Command::BodyEob(b"the rest\r\n".to_vec()))])
}

/// What the milter does with it is its own business, as long as it serves others afterwards.
fn longer_header() -> Vec<Step> {
    let mut bytes = Vec::new();
    header("X-Longer", vec![b'x'; 100_000]).encode(&mut bytes);
    let letter = Letter { until: Stage::Header, ..Letter::default() };
    opened_then([Step::Letter(Box::new(letter)), raw(bytes, "header X-Longer, 100 000 bytes")])
}

/// Reads words where there are none, and writes to the last of them.
const FORMAT: &str = "%s%s%s%s%s%s%s%s%n%n%d%%";

/// Such a line is no header field: the header ends before it.
const BODY_FOR_BOTH: &str = "none: sendmail and Postfix take such a line for the beginning of the body";
