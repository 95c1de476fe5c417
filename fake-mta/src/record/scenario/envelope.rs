//! What must have left the MTA, as far as the packets of a session tell it.

use milter_proto::Reply;

use crate::record::story::{Answer, Said, Session, Step};

/// What left the MTA, where the packets tell it all: not of messages that the milter wanted to hear no more of, or kept.
pub(super) fn envelope(session: &Session) -> Option<String> {
    let mut lines = Vec::new();
    let mut transaction = Transaction::default();
    for step in &session.steps {
        if step.is_line(b"MAIL") {
            transaction = Transaction::default();
        }
        match &step.said {
            Said::Line(line) if !step.is_refused() => transaction.take(line),
            Said::Message(_) if !step.is_refused() => {
                lines.extend(std::mem::take(&mut transaction).finish(step)?);
            }
            _ => {}
        }
        let hides = |answer: &Answer| {
            !matches!(step.said, Said::Message(_)) && !matches!(answer, Answer::Reply(reply) if is_refusal(reply))
        };
        if step.answers.iter().any(hides) {
            return None;
        }
    }
    let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
    Some(if lines.is_empty() { "envelope = []\n".to_owned() } else { format!("envelope = '''\n{lines}'''\n") })
}

fn is_refusal(reply: &Reply) -> bool {
    matches!(reply, Reply::Reject | Reply::Tempfail | Reply::ReplyCode(_))
}

/// Sender and recipients, as they were taken.
#[derive(Default)]
struct Transaction(Vec<String>);

impl Transaction {
    fn take(&mut self, line: &[u8]) {
        if line.starts_with(b"MAIL FROM:") || line.starts_with(b"RCPT TO:") {
            self.0.push(path_line(&String::from_utf8_lossy(line)));
        }
    }

    /// What is left of it at the end of the message; nothing if that cannot be told.
    fn finish(self, step: &Step) -> Option<Vec<String>> {
        let mut all: Vec<&String> = self.0.iter().collect();
        all.sort();
        all.dedup();
        let is_told = self.0.len() > 1 && all.len() == self.0.len() && leaves_envelope(&step.answers);
        is_told.then_some(self.0)
    }
}

/// Sender and recipients stay, and the MTA can do what is asked for.
fn leaves_envelope(answers: &[Answer]) -> bool {
    let is_body = |answer: &Answer| matches!(answer, Answer::Reply(Reply::ReplaceBody(_)));
    let is_plain = |answer: &Answer| match answer {
        Answer::Reply(
            Reply::AddHeader { name, .. } | Reply::InsertHeader { name, .. } | Reply::ChangeHeader { name, .. },
        ) => !name.is_empty(),
        Answer::Reply(Reply::Accept | Reply::Skip) => true,
        other => is_body(other),
    };
    // Postfix takes a body in one piece only.
    let bodies = answers.chunk_by(|left, right| is_body(left) == is_body(right)).filter(|piece| is_body(&piece[0]));
    answers.iter().all(is_plain) && bodies.count() < 2
}

/// `RCPT TO:<bob@example.net>[..]`: which parameters go along is the MTA's affair, and so is the form of an address that it completes.
fn path_line(line: &str) -> String {
    let (verb, path) = line.split_once(':').unwrap_or((line, ""));
    let path = path.split_once('>').map_or("", |(path, _)| path);
    let is_usual = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "<@._-".contains(c);
    let is_whole = path == "<" || (path.starts_with('<') && path.matches('@').count() == 1);
    if is_whole && path.chars().all(is_usual) { format!("{verb}:{path}>[..]") } else { format!("{verb}:[..]") }
}
