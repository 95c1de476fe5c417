//! The Authentication-Results field (RFC 8601).

use spf::SpfResult;

use super::text::{Charset, is_dot_atom, printable, quoted, shortened};

/// What the field says.
#[derive(Clone, Debug)]
pub(crate) struct AuthenticationResults<'a> {
    /// Who says so.
    pub(crate) authserv_id: &'a str,
    /// The results; none: the message was not checked.
    pub(crate) results: Vec<MethodResult>,
    /// Which characters the message's header can carry.
    pub(crate) charset: Charset,
}

/// The result for one identity. Texts may hold any bytes: rendering makes them harmless.
#[derive(Clone, Debug)]
pub(crate) struct MethodResult {
    /// The result.
    pub(crate) result: SpfResult,
    /// What went wrong, for the two errors.
    pub(crate) reason: Option<String>,
    /// Which part of the SMTP dialogue was checked: `mailfrom` or `helo`.
    pub(crate) property: &'static str,
    /// Its value: a domain or an address.
    pub(crate) value: Vec<u8>,
    /// What else is known, as properties of the type `policy`.
    pub(crate) policy: Vec<(&'static str, String)>,
}

impl AuthenticationResults<'_> {
    /// The name of the field.
    pub(crate) const NAME: &'static str = "Authentication-Results";

    /// The value, folded with LF and TAB.
    pub(crate) fn value(&self) -> String {
        let id = self.token(&printable(self.authserv_id, self.charset));
        if self.results.is_empty() {
            return format!("{id}; none");
        }
        let results: Vec<_> = self.results.iter().map(|result| self.result(result)).collect();
        format!("{id};\n\t{}", results.join(";\n\t"))
    }

    fn result(&self, method: &MethodResult) -> String {
        let mut out = format!("spf={}", method.result);
        if let Some(reason) = &method.reason {
            out.push_str(&format!(" reason={}\n\t", quoted(&self.clean(reason))));
        } else {
            out.push(' ');
        }
        out.push_str(&format!("smtp.{}={}", method.property, self.address(&self.clean(&method.value))));
        for (name, value) in &method.policy {
            out.push_str(&format!("\n\tpolicy.{name}={}", self.token(&self.clean(value))));
        }
        out
    }

    fn clean(&self, text: impl AsRef<[u8]>) -> String {
        shortened(&printable(text, self.charset), VALUE_BYTES_MAX)
    }

    /// A domain as it is, or `local@domain` where neither side needs quotes; else a quoted string.
    fn address(&self, text: &str) -> String {
        match text.rsplit_once('@') {
            Some((local, domain)) if is_dot_atom(local) && self.is_token(domain) => text.to_owned(),
            _ => self.token(text),
        }
    }

    /// A value (RFC 2045 section 5.1): a token, or a quoted string.
    fn token(&self, text: &str) -> String {
        if self.is_token(text) { text.to_owned() } else { quoted(text) }
    }

    fn is_token(&self, text: &str) -> bool {
        let good = |c: char| c.is_ascii_graphic() && !"()<>@,;:\\\"/[]?=".contains(c);
        !text.is_empty() && text.chars().all(|c| good(c) || (self.charset == Charset::Utf8 && !c.is_ascii()))
    }
}

/// The longest value; escaped it still fits a line.
const VALUE_BYTES_MAX: usize = 480;

#[cfg(test)]
mod tests {
    use super::*;

    fn field(results: Vec<MethodResult>) -> AuthenticationResults<'static> {
        AuthenticationResults { authserv_id: "mx.example.com", results, charset: Charset::Ascii }
    }

    fn result(value: &str) -> MethodResult {
        let value = value.as_bytes().to_vec();
        MethodResult { result: SpfResult::Pass, reason: None, property: "mailfrom", value, policy: Vec::new() }
    }

    #[test]
    fn the_forms_of_the_field() {
        let helo = MethodResult { result: SpfResult::None, property: "helo", ..result("[192.0.2.1]") };
        let reason = Some("example.com: lookup of example.com TXT failed: SERVFAIL".to_owned());
        let error = MethodResult { result: SpfResult::Temperror, reason, ..result("example.com") };
        let policy = vec![("directive", "-all".to_owned()), ("record", "v=spf1 -all".to_owned())];
        let shown = MethodResult { result: SpfResult::Fail, policy, ..result("example.com") };
        let fields = [
            vec![],
            vec![result("example.com")],
            vec![result("alice@example.com"), helo],
            vec![result("\"a b\"@example.com")],
            vec![error],
            vec![shown],
            vec![result("")],
        ];
        let drawn: Vec<_> = fields.into_iter().map(|results| field(results).value()).collect();
        insta::assert_snapshot!(drawn.join("\n\n"));
    }

    /// What a reader takes for syntax.
    fn outside_of_quotes(text: &str) -> String {
        let (mut out, mut quoted, mut escaped) = (String::new(), false, false);
        for c in text.chars() {
            match c {
                _ if escaped => escaped = false,
                '\\' if quoted => escaped = true,
                '"' => quoted = !quoted,
                _ if !quoted => out.push(c),
                _ => {}
            }
        }
        out
    }

    #[test]
    fn no_byte_ends_a_line_or_a_value() {
        for byte in 0..=255_u8 {
            let mut method = result("");
            method.value = [b"a", &[byte][..], b"b; spf=pass\r\nX: y"].concat();
            method.reason = Some(String::from_utf8_lossy(&method.value).into_owned());
            method.policy = vec![("record", String::from_utf8_lossy(&method.value).into_owned())];
            let text = field(vec![method]).value();
            assert!(text.lines().skip(1).all(|line| line.starts_with('\t')), "{byte}: {text}");
            assert!(text.chars().all(|c| c == '\n' || c == '\t' || (' '..='~').contains(&c)), "{byte}: {text}");
            assert_eq!(outside_of_quotes(&text).matches("spf=").count(), 1, "{byte}: {text}");
        }
    }

    #[test]
    fn no_line_passes_the_limit_of_998_bytes() {
        let long = "\\\"".repeat(5_000);
        let mut method = result(&long);
        method.reason = Some(long.clone());
        method.policy = vec![("record", long)];
        for line in field(vec![method]).value().lines() {
            assert!(line.len() <= 998, "{} bytes", line.len());
        }
    }
}
