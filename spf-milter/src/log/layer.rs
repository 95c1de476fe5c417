//! From tracing's events to the log.

use std::time::Duration;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::{EnvFilter, Registry, reload};

use super::LogConfig;
use super::record::Record;
use super::writer::Writer;

/// The log of the process. Dropping it waits a moment for the last lines.
pub(crate) struct Log {
    writer: Writer,
    filter: Option<reload::Handle<EnvFilter, Registry>>,
}

/// Starts the log: from here on events are written, panics among them.
///
/// # Errors
/// There can be no thread for it.
pub(crate) fn start(config: LogConfig) -> std::io::Result<Log> {
    let writer = Writer::start(config)?;
    let (filter, handle) = reload::Layer::new(filter(config.level));
    let subscriber = Registry::default().with(filter).with(Lines(writer.clone()));
    let is_first = tracing::subscriber::set_global_default(subscriber).is_ok();
    // The usual hook writes to stderr, and would wait for it.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let what = panic.payload_as_str().unwrap_or("panic without a message");
        tracing::error!("panic at {place}: {what}");
    }));
    Ok(Log { writer, filter: is_first.then_some(handle) })
}

impl Log {
    /// Writes from this level on, unless `RUST_LOG` says something else.
    pub(crate) fn set_level(&self, level: Level) {
        if let Some(handle) = &self.filter {
            // The subscriber lives as long as the process.
            let _ = handle.reload(filter(level));
        }
    }

    /// How many lines were lost so far.
    pub(crate) fn lost(&self) -> u64 {
        self.writer.lost_total()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.writer.flush(LAST_LINES);
    }
}

fn filter(level: Level) -> EnvFilter {
    let usual = || EnvFilter::new(level.as_str().to_lowercase());
    EnvFilter::try_from_default_env().unwrap_or_else(|_| usual())
}

/// The layer that writes.
struct Lines(Writer);

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        self.0.write(&Record::of(event));
    }
}

/// The log of this thread from its making on, as lines of text without the time.
#[cfg(test)]
pub(crate) struct Capture {
    text: std::sync::Arc<std::sync::Mutex<String>>,
    guard: tracing::subscriber::DefaultGuard,
}

#[cfg(test)]
impl Capture {
    pub(crate) fn start() -> Self {
        struct Kept(std::sync::Arc<std::sync::Mutex<String>>);
        impl<S: Subscriber> Layer<S> for Kept {
            fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
                let line = format!("{} {}\n", event.metadata().level(), Record::of(event).text());
                self.0.lock().expect("no layer panics").push_str(&line);
            }
        }
        let text = std::sync::Arc::<std::sync::Mutex<String>>::default();
        let guard = tracing::subscriber::set_default(Registry::default().with(Kept(text.clone())));
        Self { text, guard }
    }

    pub(crate) fn end(self) -> String {
        drop(self.guard);
        self.text.lock().expect("no layer panics").clone()
    }
}

/// How long the end of the process waits for its last lines.
const LAST_LINES: Duration = Duration::from_secs(1);
