//! The names of MTA profiles.

use std::{fmt, str::FromStr};

use super::vocabulary::{Unknown, lookup};

/// A profile as scenario files and the command line name it: `sendmail`, `postfix-3.7`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProfileName {
    /// Which MTA.
    pub kind: ProfileKind,
    /// The release whose behaviour is meant; `None` is the newest known.
    pub version: Option<&'static str>,
}

/// The MTA that a profile imitates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProfileKind {
    /// Sendmail.
    Sendmail,
    /// Postfix.
    Postfix,
    /// Postfix's packets with HELO and MAIL taken verbatim and no SMTP syntax check.
    Direct,
}

impl ProfileName {
    /// Every profile a file may name.
    pub const ALL: [(&'static str, Self); 5] = [
        ("sendmail", Self::newest(ProfileKind::Sendmail)),
        ("sendmail-8.17", Self { kind: ProfileKind::Sendmail, version: Some("8.17") }),
        ("postfix", Self::newest(ProfileKind::Postfix)),
        ("postfix-3.7", Self { kind: ProfileKind::Postfix, version: Some("3.7") }),
        ("direct", Self::newest(ProfileKind::Direct)),
    ];

    /// A profile in its newest release.
    pub const fn newest(kind: ProfileKind) -> Self {
        Self { kind, version: None }
    }

    /// The profile of an argument of the command line; an error in words for its user.
    pub(crate) fn from_argument(text: &str) -> Result<Self, String> {
        text.parse().map_err(|unknown: Unknown| format!("{unknown}, {}", unknown.help))
    }

    /// Whether a line for `other` holds in this profile: `S[postfix]:` holds in `postfix-3.7` too.
    pub fn is_a(&self, other: &Self) -> bool {
        self.kind == other.kind && (other.version.is_none() || self.version == other.version)
    }
}

impl fmt::Display for ProfileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            ProfileKind::Sendmail => "sendmail",
            ProfileKind::Postfix => "postfix",
            ProfileKind::Direct => "direct",
        };
        match self.version {
            Some(version) => write!(f, "{kind}-{version}"),
            None => f.write_str(kind),
        }
    }
}

impl FromStr for ProfileName {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        lookup("profile", text, &Self::ALL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_prints_as_it_is_written() {
        for (name, profile) in ProfileName::ALL {
            assert_eq!(profile.to_string(), name);
            assert_eq!(name.parse(), Ok(profile));
        }
    }

    #[test]
    fn a_line_for_postfix_holds_in_its_releases_but_not_the_other_way() {
        let postfix: ProfileName = "postfix".parse().expect("a known profile");
        let older: ProfileName = "postfix-3.7".parse().expect("a known profile");
        assert!(older.is_a(&postfix));
        assert!(!postfix.is_a(&older));
        assert!(!older.is_a(&ProfileName::newest(ProfileKind::Sendmail)));
    }
}
