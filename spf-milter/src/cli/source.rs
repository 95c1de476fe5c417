//! Where the command-line tools get their answers.

use std::path::Path;
use std::time::Duration;

use super::args::DnsArgs;
use crate::config::read_bounded;
use crate::diagnostic::{Problem, Problems};
use crate::resolver::{DnsOptions, DnsResolver, DnsSource, ResolverError, ZoneLookup};

/// Why a tool has nobody to ask.
#[derive(Debug, thiserror::Error)]
pub(super) enum SourceError {
    /// A zone file cannot be read.
    #[error("cannot read the zone file `{path}`: {source}")]
    Read {
        /// The file.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// A zone file is wrong.
    #[error("{0}")]
    Zone(Problems),
    /// The domain is none.
    #[error("not a domain that can be looked up: {0}")]
    Domain(String),
    /// The resolver cannot be set up.
    #[error(transparent)]
    Resolver(#[from] ResolverError),
}

/// Sets up what the command line names: zone files, name servers, or the system's name servers.
pub(super) fn open(args: &DnsArgs) -> Result<DnsSource, SourceError> {
    if !args.zone.is_empty() {
        let mut records = Vec::new();
        for path in &args.zone {
            records.extend(read_zone(path)?);
        }
        return Ok(DnsSource::Zone(ZoneLookup::new(records)));
    }
    let resolver = match args.resolver.as_slice() {
        [] => DnsResolver::system(&DnsOptions::default())?,
        servers => DnsResolver::new(servers, &DnsOptions::default())?,
    };
    Ok(DnsSource::Dns(resolver))
}

fn read_zone(path: &Path) -> Result<Vec<zone::Record>, SourceError> {
    let shown = path.display().to_string();
    let text =
        read_bounded(path, ZONE_BYTES_MAX).map_err(|source| SourceError::Read { path: shown.clone(), source })?;
    zone::parse(&text, &zone::ParseOptions::default()).map_err(|errors| {
        let problems = errors.errors().iter().map(|error| {
            let problem = Problem::new(error.span.range(), error.message.clone());
            error.help.iter().fold(problem, Problem::hint)
        });
        SourceError::Zone(Problems::new(&shown, &byte_for_byte(&text), problems.collect()))
    })
}

/// The text for drawings, in which a byte that is no UTF-8 is one byte too, so that places stay right.
fn byte_for_byte(text: &[u8]) -> String {
    let mut shown = String::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        shown.push_str(chunk.valid());
        shown.extend(chunk.invalid().iter().map(|_| '?'));
    }
    shown
}

/// The largest zone file.
const ZONE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The time for a tool's questions, as long as RFC 7208 section 4.6.4 allows a check.
pub(super) const BUDGET: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_utf8_keep_their_place() {
        assert_eq!(byte_for_byte(b"; \xe9\xe9 \xc3\xa9\xf0\x9f\nb"), "; ?? \u{e9}??\nb");
    }
}
