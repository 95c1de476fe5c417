//! What is an answer, and what no MTA takes for one.

use milter_proto::{
    Negotiate, Protocol, ProtocolError, Reply, ReplyTextError, codes,
    mta::{Received, Standing},
};

use super::trouble::Trouble;

/// The answer, if this packet is one; edits and progress are not.
///
/// What the protocol forbids and yet both MTAs take is let pass here: it is judged by the cases `answers/` and `edits/`, once, and
/// would else hide what every other case is about.
pub(super) fn judged(received: Received, offered: &Negotiate) -> Result<Option<Reply>, Trouble> {
    let Received { frame, reply, standing } = received;
    match (standing, reply) {
        (Standing::Final, Ok(reply)) => Ok(Some(reply)),
        (Standing::Violation(_), Err(_)) if frame.code == codes::REPLY_CODE => {
            Ok(Some(Reply::ReplyCode(frame.payload)))
        }
        (Standing::Violation(error), Ok(reply)) if is_taken(&error, &reply, offered) => {
            Ok(reply.is_final().then_some(reply))
        }
        (Standing::Violation(error), _) => Err(Trouble::Wrong(error.to_string())),
        _ => Ok(None),
    }
}

/// Whether sendmail and Postfix both go on with it, in whatever way.
fn is_taken(error: &ProtocolError, reply: &Reply, offered: &Negotiate) -> bool {
    match (error, reply) {
        (ProtocolError::TooLarge { .. }, _) | (ProtocolError::Unexpected { .. }, Reply::Discard) => true,
        (ProtocolError::ReplyText(text), _) => is_text_taken(text),
        // sendmail refuses a message whose body is replaced by a filter that has not said that it would.
        (ProtocolError::NotNegotiated { .. }, Reply::ReplaceBody(_)) => false,
        (ProtocolError::NotNegotiated { .. }, Reply::Skip) => offered.protocol.contains(Protocol::SKIP),
        (ProtocolError::NotNegotiated { .. }, edit) => offered.actions.contains(edit.needed_action()),
        _ => false,
    }
}

/// Postfix refuses the message if it does not find the code, or another class in the enhanced code.
fn is_text_taken(error: &ReplyTextError) -> bool {
    matches!(
        error,
        ReplyTextError::LineLength { .. }
            | ReplyTextError::Percent(_)
            | ReplyTextError::Control(_)
            | ReplyTextError::Continuation(_)
    )
}

#[cfg(test)]
mod tests {
    use milter_proto::{Actions, Command, mta::MtaSession};

    use super::*;

    /// What becomes of a packet at the end of a message, for a filter that has asked for nothing.
    fn at_eom(code: u8, payload: &[u8]) -> Result<Option<Reply>, Trouble> {
        let offer = Negotiate::offer(6);
        let mut session = MtaSession::new(offer.clone());
        let mail = Command::Mail { sender: Vec::new(), args: Vec::new() };
        let agreed = Negotiate { actions: Actions::NONE, protocol: Protocol::NONE, ..offer.clone() };
        session.send(&Command::Negotiate(offer.clone()), &mut Vec::new()).expect("it comes first");
        session.agree(agreed);
        for command in [mail, Command::BodyEob(Vec::new())] {
            session.send(&command, &mut Vec::new()).expect("it has its place");
            let mut packet = Vec::new();
            let at_end = matches!(command, Command::BodyEob(_));
            let frame = if at_end { (code, payload.to_vec()) } else { (codes::CONTINUE, Vec::new()) };
            milter_proto::Frame { code: frame.0, payload: frame.1 }.encode(&mut packet);
            session.receive(&packet);
            let received = session.next_reply().expect("a good length").expect("a whole packet");
            if at_end {
                return judged(received, &offer);
            }
        }
        unreachable!("the end comes last")
    }

    #[test]
    fn what_both_mtas_take_is_an_answer_and_what_breaks_one_of_them_is_none() {
        for (code, payload) in [
            (b'y', &b"550 5.7.1 100% sure\0"[..]),
            (b'y', b"550 5.7.1 gr\xfc\xdfe\0"),
            (b'y', b"550-5.7.1 one\n550 5.7.1 two\0"),
            (b'y', b"550 5.7.1 without an end"),
            (b'y', &[&b"550 5.7.1 "[..], &[b'x'; 1500], b"\0"].concat()),
        ] {
            assert!(matches!(at_eom(code, payload), Ok(Some(Reply::ReplyCode(_)))), "{}", payload.escape_ascii());
        }
        assert_eq!(at_eom(b'h', b"X-A\0b\0"), Ok(None));
        for (code, payload) in [
            (b'y', &b"250 2.0.0 fine\0"[..]),
            (b'y', b"550 4.7.1 no\0"),
            (b'c', b"hello"),
            (b'b', b"a body that was not asked for"),
            (b'h', b"X-A\0b"),
            (b'4', b""),
        ] {
            assert!(matches!(at_eom(code, payload), Err(Trouble::Wrong(_))), "{}", payload.escape_ascii());
        }
    }
}
