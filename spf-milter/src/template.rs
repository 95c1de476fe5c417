//! Macro-strings of the configuration: the letters of RFC 7208 section 7 and names of our own.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use spf::{MacroContext, MacroString, ParseError, ParseErrorKind, Request};

use crate::diagnostic::did_you_mean;

/// A text with macros, ready to be expanded for a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template(MacroString);

/// What the names of our own stand for in one reply.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variables<'a> {
    /// `%{rcpt}`: the recipient as in RCPT TO, without angle brackets.
    pub(crate) rcpt: &'a str,
    /// `%{explanation}`: the domain's explanation, or the configured default.
    pub(crate) explanation: &'a str,
    /// `%{reason}`: a sentence about what the result means.
    pub(crate) reason: &'a str,
    /// `%{result}`: the result's name.
    pub(crate) result: &'a str,
    /// `%{identity}`: what was checked, `mailfrom` or `helo`.
    pub(crate) identity: &'a str,
    /// `%{why}`: the link to a page that explains the refusal.
    pub(crate) why: &'a str,
}

/// Why a text is no macro-string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TemplateError {
    /// The bytes that are wrong.
    pub(crate) span: Range<usize>,
    /// What is wrong with them.
    pub(crate) what: String,
    /// How to mend it.
    pub(crate) hint: String,
}

impl Template {
    /// Reads a text in which all names may stand.
    pub(crate) fn parse(text: &str) -> Result<Self, TemplateError> {
        MacroString::configuration(text, &NAMES).map(Self).map_err(|error| explain(text, &error, &NAMES))
    }

    /// Whether one of the names stands in the text.
    pub(crate) fn uses(&self, name: &str) -> bool {
        // A doubled percent sign is none.
        let text = self.to_string().replace("%%", "").to_ascii_lowercase();
        text.split("%{").skip(1).any(|rest| rest.split('}').next() == Some(name))
    }

    /// Whether the text could be part of a header field that is not encoded.
    pub(crate) fn is_printable_ascii(&self) -> bool {
        self.to_string().bytes().all(|byte| (b' '..=b'~').contains(&byte))
    }

    /// Puts in the values of one message. They may come from the network: see [`crate::headers::printable`].
    pub(crate) fn expand(&self, request: &Request<'_>, variables: &Variables<'_>) -> String {
        let value = |name: &str| match name {
            "rcpt" => Some(Cow::Borrowed(variables.rcpt)),
            "explanation" => Some(Cow::Borrowed(variables.explanation)),
            "reason" => Some(Cow::Borrowed(variables.reason)),
            "result" => Some(Cow::Borrowed(variables.result)),
            "identity" => Some(Cow::Borrowed(variables.identity)),
            "why" => Some(Cow::Borrowed(variables.why)),
            _ => None,
        };
        self.0.expand(&MacroContext { request, validated_name: None, variables: &value })
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Reads the default explanation: it has the letters alone, because the names speak of replies.
pub(crate) fn parse_explanation(text: &str) -> Result<MacroString, TemplateError> {
    MacroString::configuration(text, &[]).map_err(|error| explain(text, &error, &[]))
}

fn explain(text: &str, error: &ParseError, names: &[&str]) -> TemplateError {
    let (bytes, hint) = match &error.kind {
        ParseErrorKind::UnknownVariable(name) => (name.len(), unknown_name(name, names)),
        ParseErrorKind::MacroLetter(letter) => (letter.len_utf8(), known_names(names)),
        ParseErrorKind::UnclosedMacro => (text.len() - error.offset.min(text.len()), known_names(names)),
        _ => (1, HINT.to_owned()),
    };
    TemplateError { span: error.offset..error.offset + bytes, what: error.kind.to_string(), hint }
}

fn unknown_name(name: &str, names: &[&str]) -> String {
    did_you_mean(name, names).map_or_else(|| known_names(names), |near| format!("did you mean `%{{{near}}}`?"))
}

fn known_names(names: &[&str]) -> String {
    let letters = "the letters of RFC 7208 section 7.2, s l o d i p v h c r t";
    if names.is_empty() {
        return format!("an explanation knows {letters}; names such as %{{rcpt}} belong to reply texts");
    }
    let names: Vec<_> = names.iter().map(|name| format!("%{{{name}}}")).collect();
    format!("there are {letters}, and {}", names.join(", "))
}

const HINT: &str = "macros are written as in RFC 7208 section 7, for example %{s} or %{S}; a percent sign itself is %%";

/// The names of our own.
const NAMES: [&str; 6] = ["rcpt", "explanation", "reason", "result", "identity", "why"];

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    const VARIABLES: Variables<'_> = Variables {
        rcpt: "g@b.example",
        explanation: "100%{s}",
        reason: "r",
        result: "fail",
        identity: "mailfrom",
        why: "https://why.example/",
    };

    fn expand(text: &str) -> String {
        let ip = IpAddr::from([192, 0, 2, 1]);
        let request = Request::for_mail_from(ip, "helo.example", "A.B@a.example").with_receiver("mx.b.example");
        Template::parse(text).unwrap().expand(&request, &VARIABLES)
    }

    #[test]
    fn letters_and_names_stand_side_by_side() {
        assert_eq!(
            expand("[RCPT TO: <%{rcpt}>] http://why.example/?sender=%{S}&ip=%{c}&receiver=%{r}"),
            "[RCPT TO: <g@b.example>] http://why.example/?sender=A.B%40a.example&ip=192.0.2.1&receiver=mx.b.example"
        );
        assert_eq!(expand("%{result} %{RCPT} %{d} %{h}"), "fail g%40b.example a.example helo.example");
        assert_eq!(expand("%{identity} %{why}"), "mailfrom https://why.example/");
    }

    #[test]
    fn the_names_in_a_text_are_known() {
        let uses = |text: &str| Template::parse(text).unwrap().uses("why");
        assert!(uses("see %{why}") && uses("%{WHY}") && uses("100%%%{why}"));
        assert!(!uses("why") && !uses("100%%{why}") && !uses("%{reason}"));
    }

    #[test]
    fn what_comes_in_is_not_expanded_again() {
        assert_eq!(expand("%{explanation}"), "100%{s}");
    }

    #[test]
    fn an_error_says_where_and_what_there_is() {
        let texts = ["see %{recpt}", "see %{x}", "100% sure", "%{s", "%{s0}", "%{recipient}"];
        let lines = texts.map(|text| {
            let error = Template::parse(text).unwrap_err();
            format!("{text}\n  {:?} {}\n  {}", error.span, error.what, error.hint)
        });
        insta::assert_snapshot!(lines.join("\n"));
    }
}
