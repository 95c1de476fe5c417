//! What stands behind `C:`: an SMTP line, or a step in brackets.

use std::{collections::BTreeMap, fmt, time::Duration};

use crate::{
    diag::{Diag, Span},
    scenario::{duration, model::Action, vocabulary::Unknown},
};

/// Reads the text behind `C:`.
///
/// # Errors
/// An unknown step in brackets, or one without its arguments.
pub(in crate::scenario) fn parse_action(text: &str, span: &Span) -> Result<Action, Diag> {
    if !text.starts_with('[') {
        return Ok(Action::Smtp(text.to_owned()));
    }
    let Some(inner) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) else {
        return Err(Diag::error("missing `]` at the end of the step")
            .label(span, "")
            .help("an SMTP line that begins with `[` is sent by `[raw HEX]`"));
    };
    let mut words = inner.split_whitespace();
    let word = words.next().unwrap_or("");
    let args: Vec<&str> = words.collect();
    let Some((_, example)) = STEPS.into_iter().find(|(name, _)| *name == word) else {
        let unknown = Unknown::new("step", word, STEPS.map(|(name, _)| name));
        return Err(Diag::error(unknown.to_string()).label(span, "").help(unknown.help));
    };
    build(word, &args).map_err(|problem| {
        Diag::error(format!("`[{word}]`: {problem}")).label(span, "").help(format!("write it as `C: {example}`"))
    })
}

fn build(word: &str, args: &[&str]) -> Result<Action, String> {
    match (word, args) {
        ("close", []) => Ok(Action::Close),
        ("message", []) => Ok(Action::Message(None)),
        ("message", [name]) => Ok(Action::Message(Some((*name).to_owned()))),
        ("tls", args) => tls(args).map(Action::Tls),
        ("auth", [mechanism, user]) => {
            Ok(Action::Auth { mechanism: (*mechanism).to_owned(), user: (*user).to_owned() })
        }
        ("wait", [time]) => wait(time).map(Action::Wait),
        ("raw", [_, ..]) => hex(&args.concat()).map(Action::Raw),
        (_, []) => Err("arguments are missing".to_owned()),
        _ => Err("these arguments do not fit".to_owned()),
    }
}

fn tls(args: &[&str]) -> Result<BTreeMap<String, String>, String> {
    let mut values = BTreeMap::new();
    for arg in args {
        let (key, value) = arg.split_once('=').ok_or_else(|| format!("`{arg}` is not `key=value`"))?;
        if !TLS_KEYS.contains(&key) {
            let unknown = Unknown::new("key", key, TLS_KEYS);
            return Err(format!("{unknown}, {}", unknown.help));
        }
        values.insert(key.to_owned(), value.to_owned());
    }
    Ok(values)
}

fn wait(time: &str) -> Result<Duration, String> {
    let time = duration::parse(time)?;
    if time > MAX_WAIT {
        return Err(format!("a wait is at most {}", duration::print(MAX_WAIT)));
    }
    Ok(time)
}

/// Reads `0d0a` into bytes.
fn hex(digits: &str) -> Result<Vec<u8>, String> {
    let digits = digits.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return Err("an odd number of hex digits".to_owned());
    }
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    digits
        .chunks_exact(2)
        .map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?))
        .collect::<Option<Vec<u8>>>()
        .ok_or_else(|| "not hex digits".to_owned())
}

impl fmt::Display for Action {
    /// As it stands behind `C: `; the connect step has no line and prints nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect => Ok(()),
            Self::Smtp(line) => f.write_str(line),
            Self::Message(None) => f.write_str("[message]"),
            Self::Message(Some(name)) => write!(f, "[message {name}]"),
            Self::Close => f.write_str("[close]"),
            Self::Tls(values) => {
                f.write_str("[tls")?;
                values.iter().try_for_each(|(key, value)| write!(f, " {key}={value}"))?;
                f.write_str("]")
            }
            Self::Auth { mechanism, user } => write!(f, "[auth {mechanism} {user}]"),
            Self::Wait(time) => write!(f, "[wait {}]", duration::print(*time)),
            Self::Raw(bytes) => {
                f.write_str("[raw ")?;
                bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
                f.write_str("]")
            }
        }
    }
}

/// Every step in brackets, with an example.
const STEPS: [(&str, &str); 6] = [
    ("close", "[close]"),
    ("message", "[message NAME]"),
    ("tls", "[tls version=TLSv1.3 verify=OK]"),
    ("auth", "[auth PLAIN alice]"),
    ("wait", "[wait 2s]"),
    ("raw", "[raw 4845 4c4f 0d0a]"),
];

/// What `[tls …]` can say, after the macros that carry it.
const TLS_KEYS: [&str; 8] =
    ["version", "cipher", "cipher_bits", "verify", "cert_subject", "cert_issuer", "cn_subject", "cn_issuer"];

/// No scenario may hold a run for longer.
const MAX_WAIT: Duration = Duration::from_secs(60);
