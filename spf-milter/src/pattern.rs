//! Patterns for names and addresses, in lists and files.

/// A pattern for domain names or mail addresses; case does not matter.
///
/// `*` stands for any text and `?` for one character. Without an `@` the pattern is for the domain, and one that
/// begins with a dot is for all names below it. With an `@` it is for the whole address; a side left empty is any:
/// `postmaster@`, `@example.com`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    local: Option<Vec<u8>>,
    domain: Vec<u8>,
}

/// A text that is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadPattern {
    /// It would match nothing.
    #[error("a pattern must not be empty")]
    Empty,
    /// It would match everything.
    #[error("a pattern of wildcards alone is for everybody")]
    Everything,
    /// No name or address holds such a character.
    #[error("a pattern must not hold blanks, control characters or angle brackets")]
    Character,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// It cannot match, or matches everything.
    pub(crate) fn parse(text: &str) -> Result<Self, BadPattern> {
        if text.is_empty() || text == "@" {
            return Err(BadPattern::Empty);
        }
        if text.bytes().all(|byte| b"*?@.".contains(&byte)) {
            return Err(BadPattern::Everything);
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '<' || c == '>') {
            return Err(BadPattern::Character);
        }
        let any = |side: &str| if side.is_empty() { b"*".to_vec() } else { side.as_bytes().to_vec() };
        Ok(match text.rsplit_once('@') {
            Some((local, domain)) => Self { local: Some(any(local)), domain: any(domain) },
            None if text.starts_with('.') => Self { local: None, domain: format!("*{text}").into_bytes() },
            None => Self { local: None, domain: text.as_bytes().to_vec() },
        })
    }

    /// Whether a domain name is meant.
    pub(crate) fn matches_domain(&self, domain: &[u8]) -> bool {
        self.local.is_none() && glob(&self.domain, without_final_dot(domain))
    }

    /// Whether an address without angle brackets is meant; one without a domain has the empty domain.
    pub(crate) fn matches_address(&self, address: &[u8]) -> bool {
        let at = address.iter().rposition(|&byte| byte == b'@');
        let (local, domain) = at.map_or((address, &b""[..]), |at| (&address[..at], &address[at + 1..]));
        self.local.as_ref().is_none_or(|pattern| glob(pattern, local)) && glob(&self.domain, without_final_dot(domain))
    }
}

fn without_final_dot(name: &[u8]) -> &[u8] {
    name.strip_suffix(b".").unwrap_or(name)
}

/// Whether the whole text matches; takes at most pattern × text steps, so that no pattern can stall.
pub(crate) fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    // Where the last `*` stands, and where in the text it is taken to end.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&byte) if byte == b'?' || byte.eq_ignore_ascii_case(&text[t]) => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((star_at, end)) = star else { return false };
                star = Some((star_at, end + 1));
                p = star_at + 1;
                t = end + 1;
            }
        }
    }
    pattern[p.min(pattern.len())..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns_match_domains_and_addresses() {
        let table = [
            ("example.com", "a@Example.COM", true),
            ("example.com", "a@sub.example.com", false),
            (".example.com", "a@sub.example.com", true),
            (".example.com", "a@example.com", false),
            ("*.example.com", "a@b.c.example.com", true),
            ("a@example.com", "A@example.com", true),
            ("a@example.com", "b@example.com", false),
            ("@example.com", "b@example.com", true),
            ("postmaster@", "postmaster@example.org", true),
            ("postmaster@", "Postmaster", true),
            ("abuse-?@*.example", "abuse-1@x.example", true),
            ("abuse-?@*.example", "abuse-12@x.example", false),
            ("example.com", "a@example.com.", true),
            ("example.com", "example.com@evil.example", false),
            ("\"a@b\"@example.com", "\"a@b\"@example.com", true),
        ];
        for (pattern, address, matches) in table {
            let parsed = Pattern::parse(pattern).unwrap();
            assert_eq!(parsed.matches_address(address.as_bytes()), matches, "{pattern} {address}");
        }
        assert!(Pattern::parse("mail.example.com").unwrap().matches_domain(b"Mail.example.com."));
        assert!(!Pattern::parse("a@example.com").unwrap().matches_domain(b"example.com"));
    }

    #[test]
    fn what_is_for_nobody_or_everybody_is_refused() {
        for text in ["", "@"] {
            assert_eq!(Pattern::parse(text), Err(BadPattern::Empty));
        }
        for text in ["*", "*@*", "**", "*.*", "?*"] {
            assert_eq!(Pattern::parse(text), Err(BadPattern::Everything), "{text}");
        }
        for text in ["a b", "<a@b.example>", "a\u{0}"] {
            assert_eq!(Pattern::parse(text), Err(BadPattern::Character), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_text_matches_itself_and_itself_with_a_star(text in "[a-z.@]{1,20}", cut in 0usize..20) {
            let cut = cut.min(text.len());
            prop_assert!(glob(text.as_bytes(), text.as_bytes()));
            let (start, end) = (format!("{}*", &text[..cut]), format!("*{}", &text[cut..]));
            prop_assert!(glob(start.as_bytes(), text.as_bytes()));
            prop_assert!(glob(end.as_bytes(), text.as_bytes()));
            let longer = format!("{text}x");
            prop_assert!(!glob(text.as_bytes(), longer.as_bytes()));
        }
    }
}
