//! The log of questions.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;

use zone::{Class, Name, Record, RecordType};

use crate::Rcode;

/// How a question came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// A datagram.
    Udp,
    /// A message on a stream, its length in front (RFC 1035 §4.2.2).
    Tcp,
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
        })
    }
}

/// One question and what was done about it. It is written when the question is read, before any delay.
///
/// Printed, it is one line without control bytes: `4 udp example.com TXT -> NOERROR "v=spf1 -all"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// The number of the entry, counted from 0 and never used twice; see [`FakeDns::mark`](crate::FakeDns::mark).
    pub seq: u64,
    /// How it came.
    pub transport: Transport,
    /// The message id.
    pub id: u16,
    /// The name in the spelling of the question (a resolver may mix cases); it compares without case.
    pub name: Name,
    /// The type asked for.
    pub rtype: RecordType,
    /// The class asked for.
    pub class: Class,
    /// The step of the scenario at that time; see [`FakeDns::set_step`](crate::FakeDns::set_step).
    pub step: u64,
    /// Whether id, name, type and transport were in the log already: a retransmission.
    pub repeat: bool,
    /// The faults applied, as rules spell them, joined by `, `.
    pub fault: Option<String>,
    /// What was answered.
    pub answer: LoggedAnswer,
}

impl LogEntry {
    /// The question for people and for comparing: name in lower case without final dot, and type, as `example.com TXT`.
    #[must_use]
    pub fn question(&self) -> String {
        format!("{} {}", self.name.to_lowercase().to_text_without_dot(), self.rtype)
    }
}

impl fmt::Display for LogEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.seq, self.transport, self.question())?;
        if self.class != Class::IN {
            write!(f, " {}", self.class)?;
        }
        write!(f, " -> {}", self.answer)?;
        if let Some(fault) = &self.fault {
            write!(f, " [fault: {fault}]")?;
        }
        if self.repeat {
            f.write_str(" [repeat]")?;
        }
        Ok(())
    }
}

/// The answer as it was meant before its bytes were tampered with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoggedAnswer {
    /// The response code; `None` when nothing was sent, or raw bytes.
    pub rcode: Option<Rcode>,
    /// The answer section before truncation, shared by all copies of the entry.
    pub records: Arc<[Record]>,
    /// Whether TC was set, so that the asker should come again over TCP.
    pub truncated: bool,
}

impl fmt::Display for LoggedAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(rcode) = self.rcode else { return f.write_str("no answer") };
        write!(f, "{rcode}")?;
        if self.truncated {
            return f.write_str(" truncated");
        }
        for (index, record) in self.records.iter().enumerate() {
            let separator = if index == 0 { " " } else { " | " };
            write!(f, "{separator}{} {}", record.rtype(), record.rdata)?;
        }
        Ok(())
    }
}

/// The entries kept, oldest first; bounded.
pub(crate) struct Journal {
    entries: VecDeque<LogEntry>,
    /// How many entries of a kind are kept: tells retransmissions.
    seen: HashMap<Key, usize>,
    next_seq: u64,
    capacity: usize,
    /// What the entries take.
    bytes: usize,
    bytes_max: usize,
}

type Key = (Transport, u16, Name, RecordType);

impl Journal {
    /// Keeps the last `capacity` entries, as far as they fit into `bytes_max`; the very last one in any case.
    pub(crate) fn new(capacity: usize, bytes_max: usize) -> Self {
        let (entries, seen) = (VecDeque::new(), HashMap::new());
        Self { entries, seen, next_seq: 0, capacity: capacity.max(1), bytes: 0, bytes_max }
    }

    /// Numbers and keeps the entry, and gives it back as kept.
    pub(crate) fn push(&mut self, mut entry: LogEntry) -> LogEntry {
        let bytes = bytes(&entry);
        while self.entries.len() >= self.capacity || self.bytes.saturating_add(bytes) > self.bytes_max {
            if self.entries.is_empty() {
                break;
            }
            self.evict();
        }
        self.bytes += bytes;
        entry.seq = self.next_seq;
        self.next_seq += 1;
        let count = self.seen.entry(key(&entry)).or_default();
        entry.repeat = *count > 0;
        *count += 1;
        self.entries.push_back(entry.clone());
        entry
    }

    fn evict(&mut self) {
        let Some(oldest) = self.entries.pop_front() else { return };
        self.bytes -= bytes(&oldest);
        let key = key(&oldest);
        if let Some(count) = self.seen.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                self.seen.remove(&key);
            }
        }
    }

    pub(crate) fn mark(&self) -> u64 {
        self.next_seq
    }

    /// The entries numbered `mark` and above that are still kept.
    pub(crate) fn since(&self, mark: u64) -> impl Iterator<Item = &LogEntry> {
        self.entries.iter().filter(move |entry| entry.seq >= mark)
    }
}

/// What an entry takes, with its place among those that tell retransmissions.
fn bytes(entry: &LogEntry) -> usize {
    let name: usize = entry.name.labels().map(|label| label.len() + 1).sum();
    let fault = entry.fault.as_ref().map_or(0, String::len);
    let records: usize = entry.answer.records.iter().map(Record::memory_bytes).sum();
    2 * (size_of::<LogEntry>() + size_of::<Key>() + name) + fault + records
}

fn key(entry: &LogEntry) -> Key {
    (entry.transport, entry.id, entry.name.clone(), entry.rtype)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, id: u16) -> LogEntry {
        LogEntry {
            seq: 0,
            transport: Transport::Udp,
            id,
            name: name.parse().unwrap(),
            rtype: RecordType::TXT,
            class: Class::IN,
            step: 0,
            repeat: false,
            fault: None,
            answer: LoggedAnswer::default(),
        }
    }

    #[test]
    fn a_repeat_is_the_same_id_name_and_type() {
        let mut journal = Journal::new(10, usize::MAX);
        assert!(!journal.push(entry("a.example", 1)).repeat);
        assert!(journal.push(entry("A.exAMPle", 1)).repeat);
        assert!(!journal.push(entry("a.example", 2)).repeat);
        assert!(!journal.push(entry("b.example", 1)).repeat);
    }

    #[test]
    fn the_oldest_entries_go_first_and_are_forgotten() {
        let mut journal = Journal::new(2, usize::MAX);
        for id in 0..3 {
            journal.push(entry("a.example", id));
        }
        assert_eq!(journal.since(0).map(|entry| entry.seq).collect::<Vec<_>>(), [1, 2]);
        assert!(!journal.push(entry("a.example", 0)).repeat);
        assert_eq!(journal.seen.len(), 2);
        assert_eq!(journal.mark(), 4);
    }

    #[test]
    fn large_answers_leave_room_for_few_and_the_last_one_stays() {
        let large = |id| {
            let mut entry = entry("a.example", id);
            let record = Record::new("a.example".parse().unwrap(), zone::Rdata::txt("x".repeat(60_000)));
            entry.answer.records = vec![record].into();
            entry
        };
        let mut journal = Journal::new(100_000, 1_000_000);
        for id in 0..1_000 {
            journal.push(large(id));
            assert!(journal.bytes <= 1_000_000 && journal.entries.len() <= 15);
        }
        assert_eq!((journal.entries.len(), journal.mark()), (15, 1_000));
        journal.bytes_max = 1;
        journal.push(large(0));
        assert_eq!(journal.entries.len(), 1);
        assert_eq!(journal.bytes, bytes(&journal.entries[0]));
    }

    #[test]
    fn copies_of_an_entry_share_its_records() {
        let mut journal = Journal::new(2, usize::MAX);
        let copy = journal.push(entry("a.example", 1));
        assert!(Arc::ptr_eq(&copy.answer.records, &journal.entries[0].answer.records));
    }

    #[test]
    fn a_line_says_question_answer_and_fault() {
        let mut entry = entry("Example.COM", 7);
        assert_eq!(entry.to_string(), "0 udp example.com TXT -> no answer");
        entry.answer.rcode = Some(Rcode::NOERROR);
        entry.answer.records =
            zone::parse("example.com TXT \"a\\007\"", &zone::ParseOptions::default()).unwrap().into();
        entry.fault = Some("delay 5ms".to_owned());
        entry.repeat = true;
        let line = r#"0 udp example.com TXT -> NOERROR TXT "a\007" [fault: delay 5ms] [repeat]"#;
        assert_eq!(entry.to_string(), line);
    }
}
