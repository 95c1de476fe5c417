//! All that is counted in a process.

use std::fmt;
use std::sync::Arc;

use super::text::MetricsText;

/// Something that counts.
pub trait Metrics: Send + Sync {
    /// Writes the numbers as they are now: each family with its samples.
    fn write(&self, text: &mut MetricsText);
}

/// All that is counted in a process, in the order in which it was added.
#[derive(Clone, Default)]
pub struct Registry {
    sources: Vec<Arc<dyn Metrics>>,
}

impl Registry {
    /// Adds something that counts. The names of its families must be its own.
    pub fn add(&mut self, source: Arc<dyn Metrics>) {
        self.sources.push(source);
    }

    /// The numbers as they are now, in the text format that Prometheus reads ([`MetricsText::CONTENT_TYPE`]).
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = MetricsText::default();
        for source in &self.sources {
            source.write(&mut text);
        }
        text.into_string()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("sources", &self.sources.len()).finish()
    }
}
