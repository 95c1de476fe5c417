//! Times as files write them: `500ms`, `10s`, `5m`, `1h`.

use std::time::Duration;

/// Reads a time.
///
/// # Errors
/// A text that says what is wrong, as a lowercase fragment.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let scale = match unit.trim_start() {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(format!("`{text}` is not a time such as 500ms, 10s, 5m or 1h")),
    };
    let number: u64 = number.parse().map_err(|_| format!("`{text}` is not a time such as 500ms, 10s, 5m or 1h"))?;
    number.checked_mul(scale).map(Duration::from_millis).ok_or_else(|| format!("`{text}` is too long a time"))
}

/// Writes a time in its largest whole unit.
pub(crate) fn print(time: Duration) -> String {
    let ms = time.as_millis();
    match ms {
        0 => "0s".to_owned(),
        _ if ms.is_multiple_of(3_600_000) => format!("{}h", ms / 3_600_000),
        _ if ms.is_multiple_of(60_000) => format!("{}m", ms / 60_000),
        _ if ms.is_multiple_of(1000) => format!("{}s", ms / 1000),
        _ => format!("{ms}ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_comes_back_as_written() {
        for text in ["500ms", "10s", "5m", "1h", "0s"] {
            assert_eq!(parse(text).map(print), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "10", "s", "-1s", "1 day", "99999999999999999999s", "18446744073709551615h"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
