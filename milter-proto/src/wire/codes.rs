//! The code bytes of all packets, and their names.

/// `O`, both ways.
#[doc(alias = "SMFIC_OPTNEG")]
#[doc(alias = "SMFIR_OPTNEG")]
pub const NEGOTIATE: u8 = b'O';

/// `D`
#[doc(alias = "SMFIC_MACRO")]
pub const MACRO: u8 = b'D';
/// `C`
#[doc(alias = "SMFIC_CONNECT")]
pub const CONNECT: u8 = b'C';
/// `H`
#[doc(alias = "SMFIC_HELO")]
pub const HELO: u8 = b'H';
/// `M`
#[doc(alias = "SMFIC_MAIL")]
pub const MAIL: u8 = b'M';
/// `R`
#[doc(alias = "SMFIC_RCPT")]
pub const RCPT: u8 = b'R';
/// `T`
#[doc(alias = "SMFIC_DATA")]
pub const DATA: u8 = b'T';
/// `L`
#[doc(alias = "SMFIC_HEADER")]
pub const HEADER: u8 = b'L';
/// `N`
#[doc(alias = "SMFIC_EOH")]
pub const EOH: u8 = b'N';
/// `B`
#[doc(alias = "SMFIC_BODY")]
pub const BODY: u8 = b'B';
/// `E`
#[doc(alias = "SMFIC_BODYEOB")]
pub const BODY_EOB: u8 = b'E';
/// `A`
#[doc(alias = "SMFIC_ABORT")]
pub const ABORT: u8 = b'A';
/// `Q`
#[doc(alias = "SMFIC_QUIT")]
pub const QUIT: u8 = b'Q';
/// `K`
#[doc(alias = "SMFIC_QUIT_NC")]
pub const QUIT_NC: u8 = b'K';
/// `U`
#[doc(alias = "SMFIC_UNKNOWN")]
pub const UNKNOWN: u8 = b'U';

/// `c`
#[doc(alias = "SMFIR_CONTINUE")]
pub const CONTINUE: u8 = b'c';
/// `a`
#[doc(alias = "SMFIR_ACCEPT")]
pub const ACCEPT: u8 = b'a';
/// `r`
#[doc(alias = "SMFIR_REJECT")]
pub const REJECT: u8 = b'r';
/// `t`
#[doc(alias = "SMFIR_TEMPFAIL")]
pub const TEMPFAIL: u8 = b't';
/// `d`
#[doc(alias = "SMFIR_DISCARD")]
pub const DISCARD: u8 = b'd';
/// `y`
#[doc(alias = "SMFIR_REPLYCODE")]
pub const REPLY_CODE: u8 = b'y';
/// `s`
#[doc(alias = "SMFIR_SKIP")]
pub const SKIP: u8 = b's';
/// `p`
#[doc(alias = "SMFIR_PROGRESS")]
pub const PROGRESS: u8 = b'p';
/// `4`
#[doc(alias = "SMFIR_SHUTDOWN")]
pub const SHUTDOWN: u8 = b'4';
/// `f`
#[doc(alias = "SMFIR_CONN_FAIL")]
pub const CONN_FAIL: u8 = b'f';
/// `h`
#[doc(alias = "SMFIR_ADDHEADER")]
pub const ADD_HEADER: u8 = b'h';
/// `i`
#[doc(alias = "SMFIR_INSHEADER")]
pub const INSERT_HEADER: u8 = b'i';
/// `m`
#[doc(alias = "SMFIR_CHGHEADER")]
pub const CHANGE_HEADER: u8 = b'm';
/// `b`
#[doc(alias = "SMFIR_REPLBODY")]
pub const REPLACE_BODY: u8 = b'b';
/// `e`
#[doc(alias = "SMFIR_CHGFROM")]
pub const CHANGE_FROM: u8 = b'e';
/// `+`
#[doc(alias = "SMFIR_ADDRCPT")]
pub const ADD_RCPT: u8 = b'+';
/// `2`
#[doc(alias = "SMFIR_ADDRCPT_PAR")]
pub const ADD_RCPT_PAR: u8 = b'2';
/// `-`
#[doc(alias = "SMFIR_DELRCPT")]
pub const DELETE_RCPT: u8 = b'-';
/// `q`
#[doc(alias = "SMFIR_QUARANTINE")]
pub const QUARANTINE: u8 = b'q';

/// The commands that a filter may answer, in the order of a session, each with the word for its stage.
pub const STAGES: [(u8, &str); 11] = [
    (NEGOTIATE, "negotiate"),
    (CONNECT, "connect"),
    (HELO, "helo"),
    (MAIL, "mail"),
    (RCPT, "rcpt"),
    (DATA, "data"),
    (HEADER, "header"),
    (EOH, "eoh"),
    (BODY, "body"),
    (BODY_EOB, "eom"),
    (UNKNOWN, "unknown"),
];

/// The word for the stage of a command; `None` for commands that nobody answers.
pub fn stage(command: u8) -> Option<&'static str> {
    STAGES.iter().find(|(code, _)| *code == command).map(|(_, word)| *word)
}

/// Whether a reply edits the message.
pub const fn is_edit(reply: u8) -> bool {
    matches!(
        reply,
        ADD_HEADER
            | INSERT_HEADER
            | CHANGE_HEADER
            | REPLACE_BODY
            | CHANGE_FROM
            | ADD_RCPT
            | ADD_RCPT_PAR
            | DELETE_RCPT
            | QUARANTINE
    )
}
