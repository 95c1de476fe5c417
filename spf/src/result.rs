use std::fmt;
use std::str::FromStr;

/// The result of a check, in the order of [RFC 7208 section 2.6](https://www.rfc-editor.org/rfc/rfc7208#section-2.6).
///
/// `Temperror` and `Permerror` are results like the others, never an `Err`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SpfResult {
    /// No domain to check, or the domain publishes no SPF record (§2.6.1).
    None,
    /// The domain says nothing about the client (§2.6.2).
    Neutral,
    /// The client is authorized (§2.6.3).
    Pass,
    /// The client is not authorized (§2.6.4).
    Fail,
    /// The client is probably not authorized (§2.6.5).
    Softfail,
    /// A transient error, most often of the DNS (§2.6.6).
    Temperror,
    /// The published records cannot be interpreted (§2.6.7).
    Permerror,
}

impl SpfResult {
    /// All results, in the order of §2.6.
    pub const ALL: [Self; 7] =
        [Self::None, Self::Neutral, Self::Pass, Self::Fail, Self::Softfail, Self::Temperror, Self::Permerror];

    /// Returns the RFC's spelling, in lower case, as headers carry it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Neutral => "neutral",
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Softfail => "softfail",
            Self::Temperror => "temperror",
            Self::Permerror => "permerror",
        }
    }
}

impl fmt::Display for SpfResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A word that is none of the seven results.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an SPF result (none, neutral, pass, fail, softfail, temperror, permerror): {0:?}")]
pub struct UnknownResult(String);

impl FromStr for SpfResult {
    type Err = UnknownResult;

    /// Reads a result in any case.
    ///
    /// # Errors
    /// The word is none of the seven.
    fn from_str(word: &str) -> Result<Self, UnknownResult> {
        Self::ALL
            .into_iter()
            .find(|result| result.as_str().eq_ignore_ascii_case(word))
            .ok_or_else(|| UnknownResult(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_result_reads_back_what_it_prints() {
        for result in SpfResult::ALL {
            assert_eq!(result.to_string().parse(), Ok(result));
            assert_eq!(result.to_string().to_uppercase().parse(), Ok(result));
        }
    }

    #[test]
    fn the_spellings_of_rfc_4408_are_refused() {
        assert!("TempErr".parse::<SpfResult>().is_err());
        assert!("".parse::<SpfResult>().is_err());
    }
}
