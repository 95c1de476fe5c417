//! From TOML text to a valid [`Config`], or to all that is wrong with it.

use std::io::Read as _;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::path::Path;

use milter::ListenAddr;
use toml::de::DeTable;

use super::dns::read_dns;
use super::exempt::read_exemptions;
use super::headers::read_headers;
use super::model::{Config, LISTEN_DEFAULT};
use super::records::read_records;
use super::rules::read_policy;
use super::sanity;
use super::service::read_service;
use super::table::{Found, TableReader};
use crate::diagnostic::{Problem, Problems};
use crate::template::parse_explanation;

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file `{path}`: {source}")]
    Read {
        /// The file.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is in another character set.
    #[error(
        "{path}:{line}:{column}: byte 0x{byte:02x} is no UTF-8; save the file as UTF-8, for instance with \
         `iconv -f latin1 -t utf8`"
    )]
    NotText {
        /// The file.
        path: String,
        /// The line, from 1.
        line: usize,
        /// The character in the line, from 1.
        column: usize,
        /// The byte that belongs to no character.
        byte: u8,
    },
    /// The file says what it must not say.
    #[error("{0}")]
    Invalid(Problems),
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// The file cannot be read, or something in it is wrong; the error names every place.
    pub(crate) fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = read_text(path)?;
        Self::parse(&path.display().to_string(), &text).map_err(ConfigError::Invalid)
    }

    /// Reads the text of the file `path`.
    ///
    /// # Errors
    /// Something in it is wrong; the error names every place.
    pub(crate) fn parse(path: &str, text: &str) -> Result<Self, Problems> {
        let problems = |list| Problems::new(path, text, list);
        let table = DeTable::parse(text).map_err(|error| problems(vec![syntax_error(&error)]))?;
        let found = Found::default();
        let config = read_config(TableReader::new(text, table.get_ref(), &found));
        let found = found.into_inner();
        if found.is_empty() { Ok(config) } else { Err(problems(found)) }
    }
}

/// Reads the text of a configuration file.
///
/// # Errors
/// It cannot be read, or is no text.
pub(crate) fn read_text(path: &Path) -> Result<String, ConfigError> {
    let shown = path.display().to_string();
    let bytes = read_bounded(path, FILE_BYTES_MAX);
    let bytes = bytes.map_err(|source| ConfigError::Read { path: shown.clone(), source })?;
    String::from_utf8(bytes).map_err(|error| not_text(&shown, error.as_bytes(), error.utf8_error().valid_up_to()))
}

/// Reads a file that may be anything, a device without an end too.
///
/// # Errors
/// It cannot be read, or has more than `bytes_max`.
pub(crate) fn read_bounded(path: &Path, bytes_max: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(bytes_max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        return Err(std::io::Error::other(format!("it has more than {bytes_max} bytes")));
    }
    Ok(bytes)
}

fn not_text(path: &str, bytes: &[u8], offset: usize) -> ConfigError {
    let before = String::from_utf8_lossy(&bytes[..offset]);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
    ConfigError::NotText { path: path.to_owned(), line, column, byte: bytes[offset] }
}

impl Default for Config {
    fn default() -> Self {
        Self::parse("(defaults)", "").expect("the empty configuration is valid: every key has a default")
    }
}

/// Reads all keys; where one is wrong its default stands in, so that all problems are found at once.
fn read_config(mut reader: TableReader<'_>) -> Config {
    let listen = reader.parsed("listen", |text, span| parse_listen(text).map_err(|what| Problem::new(span, what)));
    let hostname = reader.parsed("hostname", |text, span| parse_hostname("hostname", text, span));
    let default_explanation = reader.macro_string("default_explanation", parse_explanation);
    let policy = read_policy(&mut reader);
    let exempt = read_exemptions(&mut reader);
    let records = read_records(&mut reader);
    let headers = read_headers(&mut reader);
    let service = read_service(&mut reader);
    let (dns, limits) = read_dns(&mut reader);
    let listen = listen.unwrap_or_else(|| LISTEN_DEFAULT.parse().expect("the default address is valid"));
    let config = Config {
        listen,
        hostname,
        default_explanation,
        policy: policy.policy,
        check_helo: policy.check_helo,
        why_link: policy.why_link,
        exempt,
        records,
        headers,
        dns,
        service,
        limits,
    };
    sanity::check(&reader, &config);
    reader.finish();
    config
}

/// Reads an address to listen on, as the configuration and the command line write it.
///
/// # Errors
/// It is none; the text says how one looks.
pub(crate) fn parse_listen(text: &str) -> Result<ListenAddr, String> {
    text.parse().map_err(|error| format!("{error}"))
}

/// Reads the address of a name server; without a port it is 53.
///
/// # Errors
/// It is none; the text says how one looks.
pub(crate) fn parse_resolver(text: &str) -> Result<SocketAddr, String> {
    let address = text.parse().or_else(|_| text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 53)));
    match address {
        Ok(address) if address.port() == 0 => Err("the port of a resolver cannot be 0".to_owned()),
        Ok(address) => Ok(address),
        Err(_) => {
            let text = text.escape_default();
            Err(format!("`{text}` is not the address of a resolver such as 192.0.2.1:53 or [2001:db8::1]:53"))
        }
    }
}

/// Reads the value of `key`, which must be a host name.
pub(super) fn parse_hostname(key: &str, text: &str, span: Range<usize>) -> Result<String, Problem> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if text.is_empty() || text.len() > 253 || !text.bytes().all(good) {
        let hint = "a name such as \"mx.example.com\"; without this key the MTA's own name is taken";
        return Err(Problem::new(span, format!("`{key}` must be a host name")).hint(hint));
    }
    Ok(text.to_owned())
}

/// The largest configuration file.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

fn syntax_error(error: &toml::de::Error) -> Problem {
    let message = error.message().trim_end().replace('\n', ", ");
    Problem::new(error.span().unwrap_or(0..0), message)
}
