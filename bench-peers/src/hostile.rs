//! The records that buy the most work the limits allow: all lookups that are there, each with as long a record as a DNS
//! message carries.

use crate::cases::Case;
use crate::{Answers, Data, Mail};

/// Returns the worst legal evaluations. mail-auth is not asked to do them.
#[must_use]
pub fn worst() -> [Case; 3] {
    [
        // An unknown modifier is the shortest term that has to be kept.
        case("worst modifiers", RECORDS_MAX, |rest| "a= ".repeat(rest / 3)),
        // Networks that are looked at, and do not match.
        case("worst networks", RECORDS_MAX, |rest| "ip4:0.0.0.0 ".repeat(rest / 12)),
        // Macros that stand for nothing, over a local part of 2000 bytes: half of the lookups go to their terms.
        case("worst macros", RECORDS_MAX / 2, |rest| {
            let macros = "%{l1r-}".repeat((rest - 20) / 7);
            format!("a:{macros}.host.example ")
        }),
    ]
}

/// A row of records that include one another, each with as much of something as there is room for.
fn case(name: &'static str, records: usize, filler: fn(usize) -> String) -> Case {
    let mut answers = Answers::default();
    for record in 0..=records {
        let end = if record < records { format!("include:r{}.example -all", record + 1) } else { "-all".to_owned() };
        let start = "v=spf1 exp=why.example ";
        let filler = if record < records { filler(RECORD_BYTES - start.len() - end.len()) } else { String::new() };
        answers.add(format!("r{record}.example"), Data::Txt(format!("{start}{filler}{end}")));
    }
    answers.add("host.example", Data::A([203, 0, 113, 1].into()));
    let explanation = format!("not {}", "%{h1r-}%{l1r-}%{s1r-}".repeat(RECORD_BYTES / 21 - 1));
    answers.add("why.example", Data::Txt(explanation));
    let sender = format!("-{}@r0.example", "x".repeat(2000));
    let mut mail = Mail::new([192, 0, 2, 1].into(), &sender);
    mail.helo = format!("-{}.example", "x".repeat(2000));
    Case { name, answers, mail, result: "fail" }
}

/// Terms that cause lookups (RFC 7208 section 4.6.4).
const RECORDS_MAX: usize = 10;

/// What the data of one TXT record can be, without the length bytes of its strings, in a message of 65535 bytes.
const RECORD_BYTES: usize = 65_000;
