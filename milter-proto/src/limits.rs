//! Every limit on what a peer can make grow, in one place.

/// The largest payload that libmilter reads or writes unless more was negotiated (`MILTER_MAX_DATA_SIZE`).
pub const PAYLOAD_MAX: usize = 65_535;

/// The largest payload after [`Protocol::MDS_256K`](crate::Protocol::MDS_256K) was negotiated.
pub const PAYLOAD_MAX_256K: usize = 262_143;

/// The largest payload after [`Protocol::MDS_1M`](crate::Protocol::MDS_1M) was negotiated.
pub const PAYLOAD_MAX_1M: usize = 1_048_575;

/// The largest reply length that an MTA believes: Postfix takes up to `INT_MAX / 2`, sendmail has no limit.
///
/// Only what really comes takes memory, however much a packet declares.
pub const REPLY_PAYLOAD_MAX: usize = 0x3fff_fffe;

/// The most bytes of a message body in one packet (`MILTER_CHUNK_SIZE`).
pub const BODY_CHUNK_MAX: usize = 65_535;

/// The most lines of a multi-line reply text (`MAXREPLIES`).
pub const REPLY_LINES_MAX: usize = 32;

/// The most bytes of one line of a reply text, code not counted (`MAXREPLYLEN`).
pub const REPLY_LINE_MAX: usize = 980;

/// The most macros of one packet; what comes beyond is an error. MTAs send about forty at most.
pub const MACROS_MAX: usize = 256;

/// The most bytes of macros that are kept for one session, over all stages; what comes beyond is an error.
pub const MACRO_BYTES_MAX: usize = 256 * 1024;

/// The most ESMTP parameters of one MAIL or RCPT; what comes beyond is an error. An SMTP line has room for fewer.
pub const ARGS_MAX: usize = 256;

/// The most bytes of a body that the display of a reply shows as text.
pub const SHOWN_BODY_MAX: usize = 72;
