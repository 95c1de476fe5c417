//! The server's side of AUTH PLAIN and AUTH LOGIN, RFC 4954, RFC 4616.

use data_encoding::BASE64;

/// One exchange of challenges and responses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SaslExchange {
    /// The mechanism in upper case.
    pub(crate) mechanism: String,
    /// LOGIN: the user, once it was told.
    login_user: Option<String>,
}

/// What comes next in an exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SaslStep {
    /// The client is asked for more; the text in Base64.
    Challenge(String),
    /// The client has told everything.
    Credentials {
        /// Whom the client says it is.
        user: String,
        /// And how it proves it.
        password: String,
    },
    /// `*`: the client has thought better of it.
    Cancelled,
    /// That is not Base64, or not what the mechanism wants.
    Malformed,
}

impl SaslExchange {
    /// Begins an exchange; `None` for a mechanism that is not known.
    pub(crate) fn begin(mechanism: &str) -> Option<Self> {
        let mechanism = mechanism.to_ascii_uppercase();
        matches!(mechanism.as_str(), "PLAIN" | "LOGIN").then_some(Self { mechanism, login_user: None })
    }

    /// Takes the client's response: the initial one, if there is one, or a line.
    pub(crate) fn step(&mut self, response: Option<&[u8]>) -> SaslStep {
        let Some(response) = response else { return self.first_challenge() };
        if response == b"*" {
            return SaslStep::Cancelled;
        }
        // RFC 4954 section 4: an empty initial response is written `=`.
        let encoded = if response == b"=" { &b""[..] } else { response };
        let Ok(decoded) = BASE64.decode(encoded) else { return SaslStep::Malformed };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if self.mechanism == "PLAIN" {
            return match decoded.split(|&byte| byte == 0).collect::<Vec<_>>()[..] {
                [_, user, password] => SaslStep::Credentials { user: text(user), password: text(password) },
                _ => SaslStep::Malformed,
            };
        }
        match self.login_user.take() {
            Some(user) => SaslStep::Credentials { user, password: text(&decoded) },
            None => {
                self.login_user = Some(text(&decoded));
                SaslStep::Challenge(BASE64.encode(b"Password:"))
            }
        }
    }

    fn first_challenge(&self) -> SaslStep {
        let prompt: &[u8] = if self.mechanism == "LOGIN" { b"Username:" } else { b"" };
        SaslStep::Challenge(BASE64.encode(prompt))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(user: &str, password: &str) -> SaslStep {
        SaslStep::Credentials { user: user.into(), password: password.into() }
    }

    #[test]
    fn plain_comes_at_once_or_after_an_empty_challenge() {
        let response = BASE64.encode(b"\0alice@example.com\0secret");
        let mut exchange = SaslExchange::begin("plain").unwrap();
        assert_eq!(exchange.step(None), SaslStep::Challenge(String::new()));
        assert_eq!(exchange.step(Some(response.as_bytes())), credentials("alice@example.com", "secret"));
    }

    #[test]
    fn login_asks_for_user_and_password() {
        let mut exchange = SaslExchange::begin("LOGIN").unwrap();
        assert_eq!(exchange.step(None), SaslStep::Challenge("VXNlcm5hbWU6".into()));
        assert_eq!(exchange.step(Some(b"YWxpY2U=")), SaslStep::Challenge("UGFzc3dvcmQ6".into()));
        assert_eq!(exchange.step(Some(b"c2VjcmV0")), credentials("alice", "secret"));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let mut exchange = SaslExchange::begin("PLAIN").unwrap();
        assert_eq!(exchange.step(Some(b"*")), SaslStep::Cancelled);
        assert_eq!(exchange.step(Some(b"not base64")), SaslStep::Malformed);
        assert_eq!(exchange.step(Some(b"YWxpY2U=")), SaslStep::Malformed);
        assert_eq!(SaslExchange::begin("CRAM-MD5"), None);
    }
}
