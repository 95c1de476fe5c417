//! Placeholders in commands, environment and configuration.

use std::{fmt::Write as _, path::Path};

use super::SocketKind;
use crate::{
    diag::{Diag, Span},
    scenario::{Located, Unknown},
};

/// A text with placeholders, all of them known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    text: String,
    span: Span,
}

/// What the placeholders stand for in one run.
#[derive(Clone, Debug)]
pub struct Placeholders<'a> {
    /// `{bin}`: the folder of the running fake-mta.
    pub bin: &'a Path,
    /// `{dir}`: the scenario's own temporary folder.
    pub dir: &'a Path,
    /// `{listen}` and its parts: where the milter listens.
    pub listen: &'a crate::run::MilterAddr,
    /// `{dns}` and its parts: the fake DNS server.
    pub dns: std::net::SocketAddr,
    /// `{config.KEY}`: the values of `[milter.config]`.
    pub config: &'a toml::Table,
}

impl Template {
    /// Checks the placeholders of a text. `{listen.path}` is for Unix sockets, `{listen.host}` and `{listen.port}` for TCP.
    ///
    /// # Errors
    /// A placeholder that is not known, or does not fit the socket.
    pub fn parse(text: &Located<String>, socket: SocketKind) -> Result<Self, Diag> {
        let exact = text.span.text() == text.value;
        let place = |start, end| if exact { text.span.part(start..end) } else { text.span.clone() };
        for (start, end) in placeholders(text) {
            let name = &text.value[start + 1..end - 1];
            if !NAMES.contains(&name) && !name.starts_with(CONFIG) {
                let unknown = Unknown::new("placeholder", name, NAMES);
                let diag = Diag::error(unknown.to_string()).label(&place(start, end), "").help(unknown.help);
                return Err(diag.help(format!("braces that are to stay are doubled: `{{{{{name}}}}}`")));
            }
            let wrong = match socket {
                SocketKind::Unix => matches!(name, "listen.host" | "listen.port"),
                SocketKind::Inet => name == "listen.path",
            };
            if wrong {
                let help = match socket {
                    SocketKind::Unix => "use `{listen}` or `{listen.path}`, or set `socket = \"inet\"`",
                    SocketKind::Inet => {
                        "use `{listen}`, `{listen.host}` or `{listen.port}`, or set `socket = \"unix\"`"
                    }
                };
                let title = format!("`{{{name}}}` has no meaning for this kind of socket");
                return Err(Diag::error(title).label(&place(start, end), "").help(help));
            }
        }
        Ok(Self { text: text.value.clone(), span: text.span.clone() })
    }

    /// Where it stands.
    pub fn span(&self) -> &Span {
        &self.span
    }

    /// The keys of `[milter.config]` that it names, each with its place.
    pub(super) fn config_keys(&self) -> impl Iterator<Item = (&str, Span)> {
        let exact = self.span.text() == self.text;
        placeholders(&self.text).filter_map(move |(start, end)| {
            let key = self.text[start + 1..end - 1].strip_prefix(CONFIG)?;
            Some((key, if exact { self.span.part(start..end) } else { self.span.clone() }))
        })
    }

    /// The text as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// A word of a command; `None` if it is a placeholder alone and stands for nothing, as options that a scenario may give.
    pub fn expand_word(&self, values: &Placeholders<'_>) -> Option<String> {
        let is_alone = placeholders(&self.text).next() == Some((0, self.text.len()));
        Some(self.expand(values)).filter(|word| !(is_alone && word.is_empty()))
    }

    /// The text with the placeholders filled in.
    pub fn expand(&self, values: &Placeholders<'_>) -> String {
        values.fill(&self.text)
    }
}

impl Placeholders<'_> {
    /// Fills in every known placeholder, and takes a pair of braces from what has two of them; other braces stay as they are, and
    /// so do `%{…}` and `${…}`.
    pub fn fill(&self, text: &str) -> String {
        let mut filled = String::with_capacity(text.len());
        let mut at = 0;
        for (start, end) in braced(text) {
            let name = &text[start + 1..end - 1];
            let (from, to, value) = match is_doubled(text, start, end) {
                true => (start - 1, end + 1, Some(format!("{{{name}}}"))),
                false => (start, end, self.value(name)),
            };
            if let Some(value) = value {
                filled.push_str(&text[at..from]);
                filled.push_str(&value);
                at = to;
            }
        }
        filled + &text[at..]
    }

    /// Fills in the strings of a configuration.
    pub fn fill_table(&self, table: &toml::Table) -> toml::Table {
        table.iter().map(|(key, value)| (key.clone(), self.fill_value(value))).collect()
    }

    fn fill_value(&self, value: &toml::Value) -> toml::Value {
        match value {
            toml::Value::String(text) => toml::Value::String(self.fill(text)),
            toml::Value::Array(items) => toml::Value::Array(items.iter().map(|item| self.fill_value(item)).collect()),
            toml::Value::Table(table) => toml::Value::Table(self.fill_table(table)),
            other => other.clone(),
        }
    }

    fn value(&self, name: &str) -> Option<String> {
        let mut text = String::new();
        match name {
            "bin" => write!(text, "{}", self.bin.display()),
            "dir" => write!(text, "{}", self.dir.display()),
            "listen" => write!(text, "{}", self.listen),
            "listen.host" => write!(text, "{}", self.listen.tcp()?.ip()),
            "listen.port" => write!(text, "{}", self.listen.tcp()?.port()),
            "listen.path" => write!(text, "{}", self.listen.path()?.display()),
            "dns" => write!(text, "{}", self.dns),
            "dns.host" => write!(text, "{}", self.dns.ip()),
            "dns.port" => write!(text, "{}", self.dns.port()),
            _ => write!(text, "{}", scalar(self.config.get(name.strip_prefix(CONFIG)?)?)?),
        }
        .expect("a String takes everything");
        Some(text)
    }
}

/// Whether a text names the DNS server, or its host or port.
pub(crate) fn names_dns(text: &str) -> bool {
    placeholders(text).any(|(start, end)| matches!(&text[start + 1..end - 1], "dns" | "dns.host" | "dns.port"))
}

/// A value as a configuration file of another syntax has it.
fn scalar(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Array(_) | toml::Value::Table(_) => None,
        other => Some(other.to_string()),
    }
}

/// The places of everything that looks like a placeholder, braces included; what has two pairs of braces stands for itself.
fn placeholders(text: &str) -> impl Iterator<Item = (usize, usize)> {
    braced(text).filter(|(start, end)| !is_doubled(text, *start, *end))
}

fn is_doubled(text: &str, start: usize, end: usize) -> bool {
    text[..start].ends_with('{') && text[end..].starts_with('}')
}

/// The places of words in braces.
fn braced(text: &str) -> impl Iterator<Item = (usize, usize)> {
    text.match_indices('{').filter_map(move |(start, _)| {
        let end = start + text[start..].find('}')? + 1;
        let name = &text[start + 1..end - 1];
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '.' | '_' | '-'));
        (is_name && !text[..start].ends_with(['%', '$'])).then_some((start, end))
    })
}

/// What the placeholders of configuration values begin with.
const CONFIG: &str = "config.";

const NAMES: [&str; 9] =
    ["bin", "dir", "listen", "listen.host", "listen.port", "listen.path", "dns", "dns.host", "dns.port"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::MilterAddr;

    #[test]
    fn known_placeholders_are_filled_and_macros_are_not() {
        let listen: MilterAddr = "inet:4711@127.0.0.1".parse().expect("an address");
        let values = Placeholders {
            bin: Path::new("/b"),
            dir: Path::new("/d"),
            listen: &listen,
            dns: "127.0.0.1:53".parse().expect("an address"),
            config: &"mode = \"sv\"\nlevel = 3\nlist = [1]".parse().expect("a table"),
        };
        assert_eq!(
            values.fill("{config.mode} {config.level} {config.list} {config.x}"),
            "sv 3 {config.list} {config.x}"
        );
        assert_eq!(values.fill("{bin}/x {listen} {listen.port} {dns.host}"), "/b/x inet:4711@127.0.0.1 4711 127.0.0.1");
        assert_eq!(values.fill("%{dir} ${dir} {i} {listen.path} {"), "%{dir} ${dir} {i} {listen.path} {");
        assert_eq!(values.fill("{{dir}} {{x} {{{dir}}}"), "{dir} {{x} {{dir}}");
    }

    #[test]
    fn a_word_that_is_nothing_but_an_empty_value_is_left_out() {
        let listen: MilterAddr = "inet:4711@127.0.0.1".parse().expect("an address");
        let (bin, dns) = (Path::new("/b"), "127.0.0.1:53".parse().expect("an address"));
        let config = &"more = \"\"".parse().expect("a table");
        let values = Placeholders { bin, dir: bin, listen: &listen, dns, config };
        let word = |text: &str| {
            let span = Span::new(&crate::diag::Source::new("a", text), 0..text.len());
            Template::parse(&Located::new(text.to_owned(), span), SocketKind::Inet).expect("good").expand_word(&values)
        };
        assert_eq!(
            (word("{config.more}"), word("-x{config.more}"), word("")),
            (None, Some("-x".into()), Some("".into()))
        );
    }
}
