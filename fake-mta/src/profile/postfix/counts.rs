//! How many commands of each kind a client sent, and how many of them went well: the end of the log's last line.

use std::fmt;

use crate::smtp::Reply;

/// The commands of one session, in the order in which Postfix lists them.
#[derive(Debug, Clone, Default)]
pub(super) struct CommandCounts {
    /// By place in [`COMMANDS`]: how many went well, and how many there were.
    each: [(usize, usize); COMMANDS.len()],
}

impl CommandCounts {
    /// Counts a command and how it was answered. A command that only asks for its text counts when that is answered.
    pub(super) fn count(&mut self, verb: &str, reply: &Reply) {
        if reply.lines.is_empty() || reply.code().is_some_and(|code| code.starts_with(b"3")) {
            return;
        }
        let place = COMMANDS.iter().position(|name| name.eq_ignore_ascii_case(verb)).unwrap_or(UNKNOWN);
        let good = !reply.code().is_some_and(|code| matches!(code.first(), Some(b'4' | b'5')));
        let (went_well, all) = &mut self.each[place];
        *went_well += usize::from(good);
        *all += 1;
    }

    fn sum(&self) -> (usize, usize) {
        self.each.iter().fold((0, 0), |(good, all), (went_well, count)| (good + went_well, all + count))
    }
}

impl fmt::Display for CommandCounts {
    /// `ehlo=1 mail=1 rcpt=0/2 commands=2/4`: good ones, and all of them if some were not.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, counts) in COMMANDS.iter().zip(&self.each) {
            if counts.1 > 0 {
                write_count(f, name, *counts)?;
                f.write_str(" ")?;
            }
        }
        let sum = self.sum();
        if sum.1 == 0 { f.write_str("commands=0/0") } else { write_count(f, "commands", sum) }
    }
}

fn write_count(f: &mut fmt::Formatter<'_>, name: &str, (good, all): (usize, usize)) -> fmt::Result {
    if good == all { write!(f, "{name}={all}") } else { write!(f, "{name}={good}/{all}") }
}

const COMMANDS: [&str; 16] = [
    "helo", "ehlo", "xclient", "xforward", "starttls", "auth", "mail", "rcpt", "data", "bdat", "rset", "noop", "vrfy",
    "etrn", "quit", "unknown",
];

/// Where commands are counted that Postfix does not know.
const UNKNOWN: usize = COMMANDS.len() - 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_read_as_in_the_log() {
        let mut counts = CommandCounts::default();
        assert_eq!(counts.to_string(), "commands=0/0");
        counts.count("EHLO", &Reply::line("250 mx"));
        counts.count("RCPT", &Reply::line("550 5.1.1 no"));
        counts.count("RCPT", &Reply::line("250 2.1.5 Ok"));
        counts.count("FROB", &Reply::line("500 5.5.2 what"));
        assert_eq!(counts.to_string(), "ehlo=1 rcpt=1/2 unknown=0/1 commands=2/4");
    }
}
