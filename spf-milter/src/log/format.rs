//! [`Format`]: a record as bytes.

use std::time::SystemTime;

use tracing::Level;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

use super::record::{Record, Value};
use super::target::Target;

/// How a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Time, level, message, fields.
    Text,
    /// Message and fields behind the priority that sd-daemon(3) describes; the reader has the time.
    Systemd,
    /// An object on a line of its own.
    Json,
}

impl Format {
    /// The configuration's words.
    pub(crate) const WORDS: [(&'static str, Self); 3] =
        [("text", Self::Text), ("systemd", Self::Systemd), ("json", Self::Json)];

    /// What stderr leads to: systemd names the journal's stream where it is its own.
    pub(super) fn usual() -> Self {
        if std::env::var_os("JOURNAL_STREAM").is_some() { Self::Systemd } else { Self::Text }
    }
}

/// The bytes that go to `target` for a record: a line, or the content of a datagram.
pub(super) fn bytes(record: &Record, format: Format, target: Target) -> Vec<u8> {
    match target {
        Target::Stderr => format!("{}\n", line(record, format)).into_bytes(),
        Target::Syslog => syslog(record, format).into_bytes(),
        Target::Journald => journal(record),
    }
}

fn line(record: &Record, format: Format) -> String {
    match format {
        Format::Text => format!("{} {:>5} {}", timestamp(), record.level, record.text()),
        Format::Systemd => format!("<{}>{}", priority(record.level), record.text()),
        Format::Json => json(record),
    }
}

fn json(record: &Record) -> String {
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let mut members = vec![
        format!("\"time\":{}", text(&timestamp())),
        format!("\"level\":{}", text(&record.level.as_str().to_lowercase())),
        format!("\"message\":{}", text(&record.message)),
    ];
    members.extend(record.fields.iter().map(|(name, value)| match value {
        Value::Bare(bare) => format!("{}:{bare}", text(name)),
        Value::Text(value) => format!("{}:{}", text(name), text(value)),
    }));
    format!("{{{}}}", members.join(","))
}

/// As the C library sends it (RFC 3164), the time in UTC.
fn syslog(record: &Record, format: Format) -> String {
    let said = if format == Format::Json { json(record) } else { record.text() };
    let priority = FACILITY_MAIL * 8 + priority(record.level);
    format!("<{priority}>{} spf-milter[{}]: {said}", syslog_time(record.time), std::process::id())
}

/// The journal's own protocol: a field a line. Values hold no line ends.
fn journal(record: &Record) -> Vec<u8> {
    let mut out = format!(
        "PRIORITY={}\nSYSLOG_FACILITY={FACILITY_MAIL}\nSYSLOG_IDENTIFIER=spf-milter\nMESSAGE={}\n",
        priority(record.level),
        record.text()
    );
    for (name, value) in &record.fields {
        // The journal takes capital letters, digits and underscores, and no other name.
        let name = name.to_uppercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        out.push_str(&format!("SPF_{name}={}\n", value.as_str()));
    }
    out.into_bytes()
}

/// The priority as syslog(3) counts it.
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}

/// Now, as RFC 3339 has it, in UTC.
fn timestamp() -> String {
    let mut out = String::new();
    // Writing into a string cannot fail.
    let _ = tracing_subscriber::fmt::time::SystemTime.format_time(&mut Writer::new(&mut out));
    out
}

/// `Mmm dd hh:mm:ss`, the day with a blank in place of a zero.
fn syslog_time(time: SystemTime) -> String {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (month, day) = month_and_day(days);
    format!("{} {day:>2} {:02}:{:02}:{:02}", MONTHS[month], second / 3_600, second / 60 % 60, second % 60)
}

/// The month, counted from 0, and the day, counted from 1, of a day since 1970-01-01.
fn month_and_day(mut days: u64) -> (usize, u64) {
    let mut year = 1970;
    let is_leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let mut month = 0;
    loop {
        let length = DAYS[month] + u64::from(month == 1 && is_leap(year));
        if days < length {
            return (month, days + 1);
        }
        days -= length;
        month += 1;
    }
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The days of the months of a year that is no leap year.
const DAYS: [u64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// The mail system (RFC 3164 section 4.1.1).
const FACILITY_MAIL: u8 = 2;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn record(value: &str) -> Record {
        let mut record = Record::new(Level::WARN, "checked").with_number("ms", 7);
        let text = Record::new(Level::INFO, value).message;
        record.fields.push(("mail_from", Value::Text(text)));
        record
    }

    #[test]
    fn a_line_in_every_format() {
        let record = record("a b=\"c\"\n@d.example");
        let shown = |format, target| String::from_utf8(bytes(&record, format, target)).unwrap();
        let text = shown(Format::Text, Target::Stderr);
        let (time, rest) = text.split_once(' ').unwrap();
        assert_eq!(rest, " WARN checked ms=7 mail_from=\"a b=\\\"c\\\"?@d.example\"\n");
        assert!(time.starts_with("20") && time.ends_with('Z'), "{time}");
        let systemd = shown(Format::Systemd, Target::Stderr);
        assert_eq!(systemd, "<4>checked ms=7 mail_from=\"a b=\\\"c\\\"?@d.example\"\n");
        let json: serde_json::Value = serde_json::from_str(&shown(Format::Json, Target::Stderr)).unwrap();
        assert_eq!((&json["level"], &json["ms"]), (&"warn".into(), &7.into()));
        assert_eq!(json["mail_from"], "a b=\"c\"?@d.example");
        let syslog = shown(Format::Text, Target::Syslog);
        assert!(syslog.starts_with("<20>") && !syslog.ends_with('\n'), "{syslog}");
        assert!(syslog.contains(&format!(" spf-milter[{}]: checked ms=7", std::process::id())), "{syslog}");
        insta::assert_snapshot!(shown(Format::Text, Target::Journald));
    }

    #[test]
    fn no_byte_ends_a_line_a_value_or_a_field() {
        for byte in 0..=u8::MAX {
            let hostile = String::from_utf8_lossy(&[b'x', byte, b'y']).into_owned();
            let record = record(&hostile);
            for format in [Format::Text, Format::Systemd, Format::Json] {
                for target in [Target::Stderr, Target::Syslog] {
                    let bytes = bytes(&record, format, target);
                    let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
                    let seen = line.iter().all(|byte| (b' '..=b'~').contains(byte));
                    assert!(seen, "{byte}: {}", line.escape_ascii());
                }
            }
            let journal = journal(&record);
            assert_eq!(journal.iter().filter(|byte| **byte == b'\n').count(), 6, "{byte}");
        }
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        let at = |seconds| syslog_time(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0), "Jan  1 00:00:00");
        assert_eq!(at(951_827_696), "Feb 29 12:34:56");
        assert_eq!(at(1_104_537_599), "Dec 31 23:59:59");
        assert_eq!(at(1_780_272_000), "Jun  1 00:00:00");
        assert_eq!(at(4_107_542_400), "Mar  1 00:00:00");
    }
}
