//! The MTA's calendar: the dates it writes into headers, banners and queue ids.

use std::time::{SystemTime, UNIX_EPOCH};

use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

/// Where the MTA reads the date from. All dates are UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// One moment for ever, in seconds since 1970: what scenarios use, so that two runs give the same text.
    Fixed(i64),
}

impl Clock {
    /// Seconds since 1970-01-01 00:00 UTC.
    pub fn unix_seconds(self) -> i64 {
        match self {
            Self::System => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |elapsed| i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX)),
            Self::Fixed(seconds) => seconds,
        }
    }

    /// Microseconds of the running second.
    pub(crate) fn micros(self) -> u32 {
        match self {
            Self::System => SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.subsec_micros()),
            Self::Fixed(_) => 0,
        }
    }

    /// The moment that `2004-08-01T12:00:00Z` names; `None` if the text is no RFC 3339 date with time and zone.
    pub fn parse(text: &str) -> Option<Self> {
        let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        Some(Self::Fixed(moment.unix_timestamp()))
    }

    /// The moment it is.
    pub(crate) fn now(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(self.unix_seconds())
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
            .to_offset(UtcOffset::UTC)
    }

    /// `Sun, 22 Nov 2026 13:45:31` followed by `zone`, RFC 5322 section 3.3.
    pub(crate) fn rfc5322(self, zone: &str) -> String {
        let now = self.now();
        let (weekday, month) = (now.weekday().to_string(), now.month().to_string());
        format!(
            "{}, {:02} {} {} {:02}:{:02}:{:02} {zone}",
            &weekday[..3],
            now.day(),
            &month[..3],
            now.year(),
            now.hour(),
            now.minute(),
            now.second()
        )
    }

    /// `2004-08-01 12:00 UTC`.
    pub(crate) fn date_and_minute(self) -> String {
        let now = self.now();
        let (date, hour, minute) = (now.date(), now.hour(), now.minute());
        format!("{date} {hour:02}:{minute:02} UTC")
    }

    /// `202611221345`: year, month, day, hour and minute, as in sendmail's macro `t`.
    pub(crate) fn compact_minutes(self) -> String {
        let now = self.now();
        format!("{}{:02}{:02}{:02}{:02}", now.year(), u8::from(now.month()), now.day(), now.hour(), now.minute())
    }

    /// `20261122134531`: the same with seconds, as in Postfix's message ids.
    pub(crate) fn compact_seconds(self) -> String {
        format!("{}{:02}", self.compact_minutes(), self.now().second())
    }
}

impl Default for Clock {
    /// Sunday, 1 August 2004, 12:00 UTC: the summer in which the records of the talk were collected.
    fn default() -> Self {
        Self::Fixed(1_091_361_600)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_rfc_5322_has_them() {
        assert_eq!(Clock::default().rfc5322("GMT"), "Sun, 01 Aug 2004 12:00:00 GMT");
        assert_eq!(Clock::Fixed(1_795_355_131).rfc5322("+0000 (UTC)"), "Sun, 22 Nov 2026 13:45:31 +0000 (UTC)");
        assert_eq!(Clock::Fixed(1_795_355_131).compact_minutes(), "202611221345");
        assert_eq!(Clock::parse("2004-08-01T12:00:00Z"), Some(Clock::default()));
        assert_eq!(Clock::parse("yesterday"), None);
    }
}
