//! The offer and its answer.

use milter_proto::{Actions, Command, Frame, Negotiate, Protocol, codes};

use super::super::{
    case::{Case, Level},
    letter::{Letter, Macros},
    step::{Step, connect, helo, misplaced, raw},
};

pub(super) fn cases() -> Vec<Case> {
    let mut all = versions();
    all.extend(actions());
    all.extend(steps());
    all.extend(extremes());
    all.extend(without_macros());
    all.extend(broken());
    all
}

/// An offer that the milter has to meet, and a whole message under what was agreed.
fn under(offer: Negotiate) -> Vec<Step> {
    let mut steps = after(offer.clone());
    steps[0] = Step::Negotiate(offer);
    steps
}

/// An offer that the milter may refuse by closing, and a whole message under what was agreed.
fn after(offer: Negotiate) -> Vec<Step> {
    let letter = Letter { macros: Macros::Sendmail, ..Letter::default() };
    vec![Step::Offer(offer), Step::Client(connect()), Step::Event(helo()), Step::Letter(Box::new(letter))]
}

fn versions() -> Vec<Case> {
    let seen = [
        "sendmail 8.12 and 8.13; Postfix with milter_protocol = 2",
        "Postfix with milter_protocol = 3",
        "Postfix with milter_protocol = 4",
        "nobody; Postfix's table has no such version",
        "sendmail since 8.14, Postfix since 2.6",
    ];
    let one = |(version, seen): (u32, &'static str)| {
        let level = if version == 5 { Level::May } else { Level::Must };
        Case::new(
            format!("negotiate/version-{version}"),
            level,
            format!("an offer of version {version} is answered with that version or a lower one, and a message is taken under it"),
        )
        .why("an answer beyond the offer takes the milter out of service: sendmail and Postfix treat it as failed")
        .standard("answers with the lower one of 6 and the MTA's version; closes if it needs what was not offered")
        .seen(seen)
        .script(if version == 6 { under(Negotiate::offer(version)) } else { after(Negotiate::offer(version)) })
    };
    (2..=6).zip(seen).map(one).collect()
}

fn actions() -> Vec<Case> {
    let one = |bit: u32| {
        let flag = Actions::from_bits(1 << bit);
        let offer = Negotiate::offer(6);
        let offer = Negotiate { actions: offer.actions.without(flag), ..offer };
        Case::new(
            format!("negotiate/without-{flag}"),
            if ACTIONS_OF_OLD.contains(flag) { Level::May } else { Level::Should },
            format!("an MTA that does not offer the action {flag} is not asked for it, and never sent such an edit"),
        )
        .why("an MTA treats a milter that asks for more than was offered as failed, and mail is deferred or unfiltered")
        .standard("logs the mismatch and closes the connection, or does without")
        .seen(if ACTIONS_OF_OLD.contains(flag) {
            "no version of sendmail or Postfix that is left"
        } else {
            "sendmail 8.12 and 8.13, which lack what came later"
        })
        .script(after(offer))
    };
    (0..9).map(one).collect()
}

fn steps() -> Vec<Case> {
    let one = |bit: u32| {
        let flag = Protocol::from_bits(1 << bit);
        let offer = Negotiate::offer(6);
        let offer = Negotiate { protocol: offer.protocol.without(flag), ..offer };
        Case::new(
            format!("negotiate/without-{flag}"),
            if STEPS_OF_OLD.contains(flag) { Level::May } else { Level::Should },
            format!("an MTA that does not offer {flag} is not asked for it, and every event it sends is answered"),
        )
        .why("a milter that counts on a flag without looking leaves an event unanswered, and the MTA waits out its time limit")
        .standard("answers itself for NR flags that were not offered, drops NO_DATA and NO_UNKNOWN, closes for the others")
        .seen(if STEPS_OF_OLD.contains(flag) {
            "none alone: they are in every offer since version 2"
        } else {
            "sendmail 8.13 and Postfix with a lower milter_protocol lack it, though not alone: see negotiate/version-2 to version-4"
        })
        .script(after(offer))
    };
    (0..=20).map(one).collect()
}

fn extremes() -> Vec<Case> {
    let full = Negotiate::offer(6);
    let nothing = Negotiate { actions: Actions::NONE, protocol: Protocol::NONE, ..full.clone() };
    let all_bits = Negotiate {
        version: 7,
        actions: Actions::from_bits(0xffff),
        protocol: Protocol::from_bits(0x0fff_ffff),
        ..full.clone()
    };
    let large = Negotiate { protocol: full.protocol | Protocol::MDS_ALL, ..full.clone() };
    vec![
        Case::new(
            "negotiate/nothing-offered",
            Level::Should,
            "an offer without actions and steps is met within it, or refused by closing",
        )
        .why("an MTA may show a milter the mail without letting it touch anything")
        .standard("takes 0 for what version 1 had: four actions, six steps")
        .seen("small MTAs and test programs")
        .script(after(nothing)),
        Case::new(
            "negotiate/too-new",
            Level::Should,
            "an MTA of a later version is answered with a version that the milter knows",
        )
        .why("the day an MTA raises its version, every milter has to go on working")
        .standard("answers with version 6 and only flags that it knows")
        .seen("none yet: 6 is the latest")
        .script(under(all_bits)),
        Case::new(
            "negotiate/too-new-by-far",
            Level::May,
            "the highest version number there can be is answered with a lower one",
        )
        .why("a number read as signed turns negative")
        .standard("reads the number as signed, and closes the connection")
        .seen("none")
        .script(under(Negotiate { version: u32::MAX, ..full.clone() })),
        Case::new(
            "negotiate/large-packets",
            Level::May,
            "an offer of larger packets is taken or left, and a message is taken either way",
        )
        .why("the bits stand beside those of the steps, and a milter that copies the offer promises what it cannot do")
        .standard("echoes the larger one if it was built for it")
        .seen("sendmail with Milter.maxdatasize")
        .script(under(large)),
        Case::new(
            "negotiate/lists-in-the-offer",
            Level::Should,
            "bytes behind the three numbers of an offer are no reason to fail",
        )
        .why("macro lists have their place in the answer, but the packet has the same shape both ways")
        .standard("reads the first twelve bytes and passes over the rest")
        .seen("none")
        .script(under(Negotiate { symlists: vec![(0, b"j".to_vec()), (2, Vec::new())], ..full.clone() })),
    ]
}

fn without_macros() -> Vec<Case> {
    vec![
        Case::new(
            "negotiate/no-macros",
            Level::Must,
            "a whole message without a single macro is not deferred: the lists that a milter asks for may come out empty",
        )
        .why("an administrator may empty the lists, and sendmail sends nothing for an empty one")
        .standard("looks macros up when the milter asks, and finds none")
        .seen("sendmail with empty Milter.macros.*")
        .script(vec![
            Step::Negotiate(Negotiate::offer(6)),
            Step::Event(connect()),
            Step::Event(helo()),
            Step::Letter(Box::new(Letter { macros: Macros::None, ..Letter::default() })),
            Step::NotDeferred,
        ]),
    ]
}

fn broken() -> Vec<Case> {
    let packet = |payload: &[u8]| {
        let mut bytes = Vec::new();
        Frame { code: codes::NEGOTIATE, payload: payload.to_vec() }.encode(&mut bytes);
        bytes
    };
    let zero = Negotiate { version: 0, ..Negotiate::offer(6) };
    let one = Negotiate { version: 1, ..Negotiate::offer(2) };
    let survive = |case: Case| {
        case.why("whoever reaches the socket can send it, and must not bring the milter down for everybody")
            .standard("closes the connection")
            .seen("none")
    };
    vec![
        survive(Case::new("negotiate/version-0", Level::Should, "an offer of version 0 does no harm"))
            .script(vec![misplaced(&Command::Negotiate(zero))]),
        survive(Case::new("negotiate/version-1", Level::Should, "an offer of version 1 does no harm"))
            .script(vec![misplaced(&Command::Negotiate(one))]),
        survive(Case::new("negotiate/short", Level::Must, "an offer that is cut short does no harm"))
            .script(vec![raw(packet(&[0, 0, 0, 6, 0, 0, 1]), "negotiate, 7 bytes of 12")]),
        survive(Case::new("negotiate/empty", Level::Must, "an offer without a payload does no harm"))
            .script(vec![raw(packet(&[]), "negotiate, without a payload")]),
        survive(Case::new("negotiate/twice", Level::Should, "a second offer in the middle of a session does no harm"))
            .script(vec![
                Step::Negotiate(Negotiate::offer(6)),
                Step::Client(connect()),
                misplaced(&Command::Negotiate(Negotiate::offer(2))),
            ]),
        survive(Case::new("negotiate/not-first", Level::Must, "a client before the offer does no harm"))
            .script(vec![misplaced(&connect())]),
    ]
}

/// What version 2 has, and every version since.
const STEPS_OF_OLD: Protocol = Protocol::from_bits(0x7f);

/// The actions of sendmail 8.12.
const ACTIONS_OF_OLD: Actions = Actions::from_bits(0x1f);
