//! Edits that are negotiated, and yet not what an MTA can use.

use milter_proto::Reply;

use super::super::{
    case::{Case, Level},
    manners::Manners,
    special::Special,
};
use crate::lint::Lint;

pub(super) fn cases() -> Vec<Case> {
    let mut all = packets();
    all.extend(fields());
    all
}

fn case(id: &str, level: Level, title: &str, manners: Manners) -> Case {
    Case::new(format!("edits/{id}"), level, title)
        .seen("both, for every message: five ordinary ones are sent")
        .special(Special::Manners(manners))
}

fn packets() -> Vec<Case> {
    let no_address =
        Manners { lints: &[Lint::AddressBrackets], of: is_without_address, instead: Some("the address is empty") };
    vec![
        case(
            "whole",
            Level::Must,
            "an edit has all its parts, and each string its NUL",
            Manners::all(&[Lint::EditMalformed]),
        )
        .why("Postfix takes the milter for broken and defers the message; sendmail leaves the edit out")
        .standard("puts the packets together itself"),
        case(
            "negotiated",
            Level::Should,
            "an edit is one that the milter has asked for",
            Manners::all(&[Lint::EditNotNegotiated]),
        )
        .why("sendmail logs that the milter lied, and refuses the message with 451 if it is the body that is replaced")
        .standard("fails the call in the milter, and sends nothing"),
        case(
            "body-in-one-go",
            Level::Must,
            "the pieces of a new body follow each other, without another edit between them",
            Manners::all(&[Lint::BodyInterleaved]),
        )
        .why("Postfix refuses the message with 451 4.3.5")
        .standard("sends what the milter calls for in its order"),
        case(
            "address-control",
            Level::Should,
            "an address that is added, deleted or set has no control characters",
            Manners::all(&[Lint::AddressControl]),
        )
        .why("a line end in an address has its place in an attack alone: it would end a command of SMTP")
        .standard("hands it on"),
        case("no-address", Level::Should, "an address that is added or set is not empty", no_address)
            .why("there is nobody to deliver to, and the one who was meant does not get the message")
            .standard("fails the call in the milter"),
    ]
}

fn fields() -> Vec<Case> {
    let changes_nameless = Manners { lints: &[Lint::HeaderName], of: is_change_without_name, instead: None };
    let others = Manners { lints: &[Lint::HeaderName], of: |reply| !is_change_without_name(reply), instead: None };
    vec![
        case("nameless-change", Level::Must, "a header field that is changed or deleted has a name", changes_nameless)
            .why("Postfix refuses the message with 451 4.3.5")
            .standard("fails the call in the milter"),
        case("field-name", Level::Should, "the name of a header field is printable ASCII without spaces and colons", others)
            .why("what stands behind a colon or a space in a name becomes part of the value, and a field without a name ends the header for some")
            .standard("refuses an empty name; hands everything else on"),
        case(
            "next-line",
            Level::Should,
            "a line end in the value of a header field is followed by a space or a tab",
            Manners::all(&[Lint::HeaderFold]),
        )
        .why("who can put a line end into a value tries to put a header field of his own into the message; MTAs put a space there")
        .standard("hands it on"),
        case(
            "carriage-return",
            Level::Should,
            "the lines of a header value end with LF alone",
            Manners::all(&[Lint::HeaderCr]),
        )
        .why("a CR that stays in the message breaks signatures and mail programs")
        .standard("hands it on"),
        case(
            "control-characters",
            Level::Should,
            "the value of a header field has no control characters",
            Manners::all(&[Lint::HeaderControl]),
        )
        .why("what a client has sent would act on the terminal of whoever reads the header")
        .standard("hands them on"),
        case(
            "index",
            Level::Should,
            "the index of a header field is one that the message has",
            Manners::all(&[Lint::HeaderIndex]),
        )
        .why("the two MTAs put the field into different places: a negative index is the top for sendmail, and the end for Postfix")
        .standard("fails the call in the milter if it is negative"),
    ]
}

fn is_change_without_name(reply: &Reply) -> bool {
    matches!(reply, Reply::ChangeHeader { name, .. } if name.is_empty())
}

/// Brackets are a matter of taste, but nothing at all is no address.
fn is_without_address(reply: &Reply) -> bool {
    match reply {
        Reply::AddRcpt(address) | Reply::AddRcptPar { address, .. } | Reply::ChangeFrom { address, .. } => {
            address.is_empty()
        }
        _ => false,
    }
}
