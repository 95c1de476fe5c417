//! What one message leaves behind for another.

use super::super::{
    case::{Case, Level},
    letter::Stage,
    special::Special,
    state::Before,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("after-a-message", "after another one over the same connection", Before::Message(Stage::Eom))
            .standard("leaves it to the milter, which has to begin anew at MAIL")
            .seen("both, for clients with several messages"),
        case("after-an-abort-at-rcpt", "after one that was given up at RCPT", Before::Message(Stage::Rcpt))
            .standard("calls xxfi_abort, where the milter has to forget what it knows of the message")
            .seen("both, at RSET and when all recipients were refused"),
        case("after-an-abort-in-the-body", "after one that was given up in its body", Before::Message(Stage::Body))
            .standard("calls xxfi_abort, where the milter has to forget what it knows of the message")
            .seen("both, when another milter refuses the message"),
        case("two-connections", "while another one comes over another connection", Before::Beside)
            .standard("has a context and a thread for each connection")
            .seen("both, whenever two clients are there at once"),
    ]
}

fn case(id: &str, when: &str, before: Before) -> Case {
    Case::new(format!("state/{id}"), Level::Must, format!("a message {when} is answered as it is alone"))
        .why("what is left of one message in the answers to another shows strangers the mail of others, and judges it by that")
        .special(Special::State(before))
}
