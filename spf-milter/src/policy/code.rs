//! Reply codes and enhanced codes.

use std::fmt;
use std::str::FromStr;

use spf::SpfResult;

/// An SMTP reply code with its enhanced status code, of one class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReplyCode {
    /// 400 to 599.
    pub(crate) code: u16,
    /// RFC 3463; its class is the first digit of `code`.
    pub(crate) enhanced: EnhancedCode,
}

impl ReplyCode {
    /// The usual code for refusing a result, by class 4 or 5.
    ///
    /// RFC 7208 section 8.6 gives 451 4.4.3 for `temperror`; RFC 7372 section 3.2 gives X.7.23 for a check that
    /// failed and X.7.24 for one that ended in an error.
    pub(crate) fn default_for(result: SpfResult, class: u8) -> Self {
        let (subject, detail) = match result {
            SpfResult::Fail => (7, 23),
            SpfResult::Temperror if class == 4 => (4, 3),
            SpfResult::Temperror | SpfResult::Permerror => (7, 24),
            SpfResult::None | SpfResult::Neutral | SpfResult::Pass | SpfResult::Softfail => (7, 1),
        };
        let code = if class == 5 { 550 } else { 451 };
        Self { code, enhanced: EnhancedCode { class, subject, detail } }
    }
}

impl fmt::Display for ReplyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.enhanced)
    }
}

/// An enhanced status code (RFC 3463), as in `5.7.23`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EnhancedCode {
    /// 4 or 5.
    pub(crate) class: u8,
    subject: u16,
    detail: u16,
}

/// A text that is no enhanced status code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an enhanced status code such as 5.7.23")]
pub(crate) struct NotEnhanced;

impl FromStr for EnhancedCode {
    type Err = NotEnhanced;

    fn from_str(text: &str) -> Result<Self, NotEnhanced> {
        let mut parts = text.split('.').map(|part| number(part, 3));
        let parts = (parts.next(), parts.next(), parts.next(), parts.next());
        let (Some(Some(class @ (4 | 5))), Some(Some(subject)), Some(Some(detail)), None) = parts else {
            return Err(NotEnhanced);
        };
        Ok(Self { class: if class == 4 { 4 } else { 5 }, subject, detail })
    }
}

impl fmt::Display for EnhancedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

/// A number of at most `digits_max` digits, without sign or needless zero.
fn number(text: &str, digits_max: usize) -> Option<u16> {
    let plain = text.len() <= digits_max && text.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = text == "0" || !text.starts_with('0');
    if plain && canonical { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_enhanced_code_reads_back_what_it_prints() {
        for text in ["5.7.23", "4.4.3", "5.0.0", "4.999.999"] {
            assert_eq!(text.parse::<EnhancedCode>().map(|code| code.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_is_no_enhanced_code_is_refused() {
        for text in ["", "5", "5.7", "5.7.1.1", "2.0.0", "5.7.x", "5.07.1", "5.7.1000", "+5.7.1", "5.-7.1", " 5.7.1"] {
            assert_eq!(text.parse::<EnhancedCode>(), Err(NotEnhanced), "{text}");
        }
    }
}
