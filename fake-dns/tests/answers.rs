//! Answers over real sockets, to packets built by hand.

mod common;

use common::{
    A, MX, TXT, ask, ask_tcp, builder, frame, head, holds, question, read_frame, receive, section, serve, udp,
    with_edns,
};
use fake_dns::{Mode, StartError};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use zone::{Name, Rdata, Record};

const ZONE: &str = "
has.example.com   A    192.0.2.1
*.example.com     TXT  wild
example.com       TXT  \"v=spf1 -all\"
example.com       MX   10 mail.example.com
alias.example.com CNAME target.other.test
target.other.test A    192.0.2.9
";

#[tokio::test]
async fn the_answer_repeats_the_question_byte_for_byte() {
    let dns = serve(ZONE, &[]).await;
    let question = question(0x1234, "eXaMpLe.CoM", TXT);
    let answer = ask(dns.addr(), &question).await;
    assert_eq!(answer[12..question.len()], question[12..]);
    let head = head(&answer);
    assert_eq!(
        (head.id, head.qr, head.aa, head.tc, head.rd, head.ra, head.rcode),
        (0x1234, true, true, false, true, true, 0)
    );
    assert_eq!(head.counts, [1, 1, 0, 0]);
    assert!(holds(&answer, b"\x0bv=spf1 -all"));
}

#[tokio::test]
async fn udp_and_tcp_give_the_same_answer() {
    let dns = serve(ZONE, &[]).await;
    for (name, rtype) in [("example.com", MX), ("alias.example.com", A), ("no.such.test", TXT), (".", A)] {
        let question = question(7, name, rtype);
        assert_eq!(ask(dns.addr(), &question).await, ask_tcp(dns.addr(), &question).await, "{name}");
    }
}

#[tokio::test]
async fn wildcards_do_not_cover_names_that_exist() {
    let dns = serve(ZONE, &[]).await;
    let outcome = async |name: &str| {
        let head = head(&ask(dns.addr(), &question(1, name, TXT)).await);
        (head.rcode, head.counts)
    };
    assert_eq!(outcome("has.example.com").await, (0, [1, 0, 1, 0]));
    assert_eq!(outcome("x.has.example.com").await, (3, [1, 0, 1, 0]));
    assert_eq!(outcome("y.example.com").await, (0, [1, 1, 0, 0]));
}

#[tokio::test]
async fn aliases_are_chased_and_names_compressed() {
    let dns = serve(ZONE, &[]).await;
    let answer = ask(dns.addr(), &question(1, "alias.example.com", A)).await;
    assert_eq!(head(&answer).counts, [1, 2, 0, 0]);
    assert!(answer.ends_with(&[0, 4, 192, 0, 2, 9]));
    assert_eq!(answer.windows(6).filter(|window| *window == b"target").count(), 1);
}

#[tokio::test]
async fn authoritative_mode_has_no_ra_and_refuses_other_zones() {
    let zone = "example.com SOA ns hostmaster 1 2 3 4 5\nexample.com TXT x\n";
    let dns = builder(zone, &[]).mode(Mode::Authoritative).start().await.unwrap();
    let ours = head(&ask(dns.addr(), &question(1, "example.com", TXT)).await);
    assert_eq!((ours.aa, ours.ra, ours.rcode), (true, false, 0));
    let foreign = head(&ask(dns.addr(), &question(1, "other.test", TXT)).await);
    assert_eq!((foreign.aa, foreign.ra, foreign.rcode), (false, false, 5));
}

#[tokio::test]
async fn a_long_answer_is_truncated_to_what_the_asker_can_take() {
    let text = "x".repeat(250);
    let zone: String = (0..6).map(|index| format!("example.com TXT {index}{text}\n")).collect();
    let dns = serve(&zone, &[]).await;
    let plain = question(1, "example.com", TXT);

    let short = ask(dns.addr(), &plain).await;
    assert_eq!((head(&short).tc, head(&short).counts, short.len()), (true, [1, 0, 0, 0], plain.len()));
    let with_opt = ask(dns.addr(), &with_edns(plain.clone(), 1232, 0)).await;
    assert_eq!((head(&with_opt).tc, head(&with_opt).counts), (true, [1, 0, 0, 1]));
    let large = ask(dns.addr(), &with_edns(plain.clone(), 4096, 0)).await;
    assert_eq!((head(&large).tc, head(&large).counts), (false, [1, 6, 0, 1]));
    let mut wants_dnssec = with_edns(plain.clone(), 1232, 0);
    let flags = wants_dnssec.len() - 4;
    wants_dnssec[flags] = 0x80;
    let answer = ask(dns.addr(), &wants_dnssec).await;
    assert_eq!(answer[answer.len() - 4..], [0x80, 0, 0, 0]);
    // RFC 6891 §6.2.3: less than 512 means 512.
    let tiny = ask(dns.addr(), &with_edns(question(1, "no.example.test", TXT), 10, 0)).await;
    assert!(!head(&tiny).tc);
    let stream = ask_tcp(dns.addr(), &plain).await;
    assert_eq!((head(&stream).tc, head(&stream).counts), (false, [1, 6, 0, 0]));

    let log = dns.log();
    assert_eq!(log.iter().map(|entry| entry.answer.truncated).collect::<Vec<_>>(), [true, false, false]);
    assert_eq!(dns.log_with_repeats().len(), 6);
}

#[tokio::test]
async fn an_unknown_edns_version_is_badvers() {
    let dns = serve(ZONE, &[]).await;
    let answer = ask(dns.addr(), &with_edns(question(1, "example.com", TXT), 1232, 1)).await;
    assert_eq!((head(&answer).rcode, head(&answer).counts), (0, [1, 0, 0, 1]));
    // The upper bits of code 16 stand in the OPT record: name, type, class, then these.
    let opt = &answer[answer.len() - 11..];
    assert_eq!((opt[2], opt[5]), (41, 1));
    assert_eq!(dns.log()[0].answer.rcode.unwrap().to_string(), "BADVERS");
}

#[tokio::test]
async fn messages_on_one_connection_may_be_pipelined() {
    let dns = serve(ZONE, &[]).await;
    let mut stream = TcpStream::connect(dns.addr()).await.unwrap();
    let questions: Vec<u8> = (0..50).flat_map(|id| frame(&question(id, "example.com", TXT))).collect();
    let (first, second) = questions.split_at(questions.len() / 2 + 1);
    stream.write_all(first).await.unwrap();
    assert_eq!(head(&read_frame(&mut stream).await).id, 0);
    stream.write_all(second).await.unwrap();
    for id in 1..50 {
        assert_eq!(head(&read_frame(&mut stream).await).id, id);
    }
}

#[tokio::test]
async fn odd_records_go_out_as_they_are() {
    let odd = Name::from_labels([b"\x00\xff. ".as_slice(), b"test"]).unwrap();
    let records = [
        Record::new(odd.clone(), Rdata::txt([b'v'; 300])),
        Record::new("none.test".parse().unwrap(), Rdata::Txt(vec![])),
        Record::new("empty.test".parse().unwrap(), Rdata::txt("")),
        Record::new("cut.test".parse().unwrap(), Rdata::Unknown { rtype: zone::RecordType::A, bytes: vec![1, 2, 3] }),
    ];
    let dns = builder("", &[]).records(records).start().await.unwrap();

    let mut message = question(1, "", TXT);
    message.truncate(12);
    message.extend(odd.to_wire());
    message.extend([0, 16, 0, 1]);
    let answer = ask(dns.addr(), &message).await;
    assert!(holds(&answer, &[&[1, 46, 255][..], &[b'v'; 255], &[45], &[b'v'; 45]].concat()));
    assert!(ask(dns.addr(), &question(2, "none.test", TXT)).await.ends_with(&[0, 0, 0, 0, 0, 0]));
    assert!(ask(dns.addr(), &question(3, "empty.test", TXT)).await.ends_with(&[0, 0, 0, 0, 0, 1, 0]));
    assert!(ask(dns.addr(), &question(4, "cut.test", A)).await.ends_with(&[0, 0, 0, 0, 0, 3, 1, 2, 3]));
    assert_eq!(dns.log()[0].question(), r"\000\255\.\032.test TXT");
}

#[tokio::test]
async fn a_record_that_cannot_be_sent_is_refused_at_the_start() {
    let record = Record::new("a.test".parse().unwrap(), Rdata::Txt(vec![vec![b'x'; 256]]));
    let error = builder("", &[]).records([record]).start().await.unwrap_err();
    assert!(matches!(error, StartError::Record { .. }));
    let text = "the TXT record of a.test. cannot be sent: a text string has 256 bytes, more than the 255 allowed: split it into several strings";
    assert_eq!(error.to_string(), text);
}

#[tokio::test]
async fn a_taken_address_is_an_error() {
    let first = serve(ZONE, &[]).await;
    let error = builder(ZONE, &[]).listen(first.addr()).start().await.unwrap_err();
    assert!(matches!(error, StartError::Bind { addr, .. } if addr == first.addr()), "{error}");
}

#[tokio::test]
async fn bad_messages_get_what_they_deserve() {
    let dns = serve(ZONE, &[]).await;
    let good = question(0x0a0b, "example.com", TXT);
    let changed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut message = good.clone();
        change(&mut message);
        message
    };
    let two_questions = changed(&|message| {
        message[5] = 2;
        message.extend(section("example.com", A));
    });
    for (what, message, rcode) in [
        ("opcode NOTIFY", changed(&|message| message[2] = 0x21), 4),
        ("opcode 15", changed(&|message| message[2] = 0x79), 4),
        ("no question", changed(&|message| message[5] = 0), 1),
        ("two questions", two_questions, 1),
        ("a question cut off", changed(&|message| message.truncate(16)), 1),
        ("more questions than there are", changed(&|message| message[4] = 0xff), 1),
        (
            "a name that points to itself",
            changed(&|message| message.splice(12.., [0xc0, 12, 0, 16, 0, 1]).for_each(drop)),
            1,
        ),
        ("a reserved label type", changed(&|message| message[12] = 0x80), 1),
    ] {
        let answer = ask(dns.addr(), &message).await;
        let head = head(&answer);
        assert_eq!((head.id, head.qr, head.rcode, answer.len()), (0x0a0b, true, rcode, 12), "{what}");
        assert_eq!(answer[2] & 0x79, message[2] & 0x79, "{what}");
        assert_eq!(ask_tcp(dns.addr(), &message).await, answer, "{what}");
    }
    for (what, rtype, rcode) in [("a zone transfer", 252, 4), ("OPT as a type", 41, 1)] {
        let answer = ask(dns.addr(), &question(1, "example.com", rtype)).await;
        assert_eq!((head(&answer).rcode, head(&answer).counts), (rcode, [1, 0, 0, 0]), "{what}");
    }
    assert_eq!(dns.stats().malformed, 16);
}

#[tokio::test]
async fn what_is_no_question_is_ignored() {
    let dns = serve(ZONE, &[]).await;
    let socket = udp(dns.addr()).await;
    let mut answer_bit = question(1, "example.com", TXT);
    answer_bit[2] |= 0x80;
    for message in [&b""[..], b"short", &answer_bit, &question(2, "example.com", TXT)] {
        socket.send(message).await.unwrap();
    }
    assert_eq!(head(&receive(&socket).await).id, 2);
    let mut stream = TcpStream::connect(dns.addr()).await.unwrap();
    for message in [&b""[..], b"short", &answer_bit, &question(3, "example.com", TXT)] {
        stream.write_all(&frame(message)).await.unwrap();
    }
    assert_eq!(head(&read_frame(&mut stream).await).id, 3);
    assert_eq!(dns.stats().malformed, 6);
    assert_eq!(dns.log().len(), 2);
}

#[tokio::test]
async fn a_storm_of_garbage_does_not_stop_the_server() {
    let dns = serve(ZONE, &[]).await;
    let socket = udp(dns.addr()).await;
    let good = question(1, "example.com", TXT);
    // A fixed sequence (xorshift), so that a failure comes again.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    for round in 0..3000 {
        let mut message = with_edns(good.clone(), 512, 0);
        let [a, b, c, d, cut, ..] = random();
        let length = message.len();
        message[2 + usize::from(a) % (length - 2)] = b;
        message[2 + usize::from(c) % (length - 2)] = d;
        if round % 3 == 0 {
            message.truncate(usize::from(cut) % length);
        }
        socket.send(&message).await.unwrap();
        if round % 50 == 0 {
            ask_tcp(dns.addr(), &good).await;
            // The answer says that all before it was read, so that the socket's buffer does not overflow.
            ask(dns.addr(), &good).await;
        }
    }
    assert_eq!(head(&ask(dns.addr(), &good).await).rcode, 0);
}
