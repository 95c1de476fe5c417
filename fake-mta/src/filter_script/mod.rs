//! A filter that answers as a script says: `fake-mta filter --script FILE --listen ADDR`.
//!
//! It plays raw packets and checks nothing, so that an MTA can be shown answers that no honest filter library would send.
//! [`Script`] has the language.

mod action;
mod listen;
mod parse;
mod play;
mod rule;
mod script;
mod text;

pub use listen::{FilterOptions, serve};
pub use script::Script;

/// The language in short, for `--help`.
pub const HELP: &str = "\
A script has one rule on each line: STAGE [PICK]: ACTION; ACTION. The first rule that fits
an event answers it; an event that no rule fits is answered with `continue`.

  connect: reject
  # the second recipient of a message; this recipient; this header field
  rcpt 2: reply 550 5.7.1 not this one
  rcpt <bob@example.net>: tempfail
  header Subject: skip
  body: wait 3s; continue
  # one action on each line, for texts that hold a semicolon
  eom:
    addheader X-A: one; two
    insheader 0 X-B: three
  # what follows holds for the second connection alone
  connection 2
  negotiate version=6 actions=0x1ff protocol=SKIP|NR_HEADER macros.rcpt=\"i {rcpt_addr}\"

Stages:
  negotiate connect helo mail rcpt data header eoh body eom unknown abort quit
Answers:
  continue accept reject tempfail discard skip shutdown connfail progress
  reply CODE X.Y.Z TEXT
Edits:
  addheader N: V      insheader I N: V    chgheader I N: V     delheader I N
  replbody TEXT       chgfrom ADDR [ARGS] addrcpt ADDR [ARGS]  delrcpt ADDR
  quarantine REASON
The rest:
  wait TIME           close               none (no answer)
  packet C TEXT (any packet)              raw HEX (any bytes)

A rule whose last action is an edit, `progress` or `wait` goes on with `continue`. Texts
know \\n \\r \\t \\0 \\\\ \\; and \\xHH. FILE may be TOML with the script under the key `script`.

Example:
  fake-mta filter --script my.script --listen unix:m.sock --verbose";
