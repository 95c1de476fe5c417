//! An MTA that goes away, at every point of a session.

use milter_proto::{Command, Negotiate};

use super::super::{
    case::{Case, Level},
    letter::{Letter, Stage},
    step::{Step, connect, misplaced, opened, opened_then, raw},
};

pub(super) fn cases() -> Vec<Case> {
    let mut all = vec![
        case(
            "before-the-offer",
            "before it says anything",
            &[Step::Bytes { bytes: Vec::new(), shown: "nothing".to_owned() }],
        ),
        case(
            "after-the-offer",
            "after the offer, without reading the answer",
            &[misplaced(&Command::Negotiate(Negotiate::offer(6)))],
        ),
        case(
            "after-connect",
            "after the client has connected",
            &[Step::Negotiate(Negotiate::offer(6)), Step::Client(connect())],
        ),
        case("after-helo", "after HELO", &opened()),
        case("in-a-length", "in the middle of a length word", &opened_then([raw([0, 0], "half a length word")])),
        case(
            "in-a-packet",
            "in the middle of a packet",
            &opened_then([raw([0, 0, 0, 20, b'M', b'<', b'a'], "7 bytes of mail")]),
        ),
    ];
    let at = |(word, until): (&str, Stage)| {
        let steps = opened_then([Step::Letter(Box::new(Letter { until, ..Letter::default() }))]);
        case(&format!("after-{word}"), &format!("after {word}"), &steps)
    };
    all.extend(Stage::BEFORE_END.into_iter().map(at));
    let body = opened_then([Step::Letter(Box::new(Letter { until: Stage::Body, ..Letter::default() }))]);
    let unread: Vec<Step> = body.into_iter().chain([misplaced(&Command::BodyEob(Vec::new()))]).collect();
    all.push(case("after-eom", "at the end of the message, without reading the answer", &unread));
    all.push(case("after-a-message", "after a whole message", &opened_then([Step::Letter(Box::default())])));
    all
}

/// The milter is left there, ten times, and then has to serve another session.
fn case(id: &str, title: &str, steps: &[Step]) -> Case {
    let mut all = Vec::new();
    for _ in 0..TIMES {
        all.extend(steps.iter().cloned());
        all.push(Step::Vanish);
    }
    all.extend(opened_then([Step::Letter(Box::default())]));
    Case::new(
        format!("disconnect/{id}"),
        Level::Must,
        format!("an MTA that goes away {title} does no harm to the next one"),
    )
    .why(
        "MTAs are restarted and clients hang up; sendmail tells a milter nothing of a client that vanishes within DATA",
    )
    .standard("calls xxfi_abort if a message was open, and xxfi_close")
    .seen("sendmail, when the client vanishes within DATA; both, when they are killed")
    .script(all)
}

/// Once could be luck.
const TIMES: usize = 10;
