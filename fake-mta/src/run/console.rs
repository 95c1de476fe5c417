//! Where a run writes to.

use std::{
    io::Write,
    sync::{Arc, Mutex, PoisonError},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::diag::Diag;

/// Results go to one stream, diagnostics to the other, and progress to the terminal if there is one.
pub struct Console {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    colour_out: bool,
    colour_err: bool,
    is_terminal: bool,
    /// A report for machines has standard output for itself; results go to the other stream then.
    report_on_out: bool,
    progress: ProgressBar,
}

/// What was written to a console of [`Console::recorded`].
#[derive(Clone, Debug, Default)]
pub struct Recorded(Arc<Mutex<Vec<u8>>>);

impl Recorded {
    /// All of it so far, results and diagnostics in the order in which they came.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl Write for Recorded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Console {
    /// A console whose text can be read: for tests, and for programs that show it themselves.
    pub fn recorded() -> (Self, Recorded) {
        let recorded = Recorded::default();
        (Self::plain(recorded.clone(), recorded.clone()), recorded)
    }

    /// Streams without colour and without progress.
    pub fn plain(out: impl Write + Send + 'static, err: impl Write + Send + 'static) -> Self {
        let (out, err) = (Box::new(out), Box::new(err));
        Self {
            out,
            err,
            colour_out: false,
            colour_err: false,
            is_terminal: false,
            report_on_out: false,
            progress: ProgressBar::hidden(),
        }
    }

    /// The program's own streams: colour and progress on a terminal only, and as `NO_COLOR` says.
    pub fn standard() -> Self {
        use std::io::IsTerminal as _;
        let colour = |choice| choice != anstream::ColorChoice::Never;
        let colour_out = colour(anstream::AutoStream::choice(&std::io::stdout()));
        let colour_err = colour(anstream::AutoStream::choice(&std::io::stderr()));
        let is_terminal = std::io::stderr().is_terminal();
        Self { colour_out, colour_err, is_terminal, ..Self::plain(std::io::stdout(), std::io::stderr()) }
    }

    /// Whether results are written in colour.
    pub(crate) fn colour(&self) -> bool {
        if self.report_on_out { self.colour_err } else { self.colour_out }
    }

    /// Whether a report for machines takes the stream of the results.
    pub(crate) fn set_report_on_out(&mut self, yes: bool) {
        self.report_on_out = yes;
    }

    /// Writes a report for machines.
    pub(crate) fn report(&mut self, text: &str) {
        let _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
    }

    /// Writes bytes as they are, for another program to read.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        let _ = self.out.write_all(bytes).and_then(|()| self.out.flush());
    }

    /// Writes results. A reader that went away is no reason to stop a run.
    pub fn results(&mut self, text: &str) {
        let out = if self.report_on_out { &mut self.err } else { &mut self.out };
        self.progress.suspend(|| {
            let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        });
    }

    /// Writes a message.
    pub fn message(&mut self, text: &str) {
        let err = &mut self.err;
        self.progress.suspend(|| {
            let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
        });
    }

    /// Writes diagnostics, an empty line between them.
    pub fn diags(&mut self, diags: &[Diag]) {
        let drawn: Vec<String> = diags.iter().map(|diag| diag.render(self.colour_err)).collect();
        self.message(&drawn.join("\n"));
    }

    /// Begins a progress line for so many units.
    pub(super) fn begin(&mut self, units: usize) {
        if !self.is_terminal {
            return;
        }
        let style =
            ProgressStyle::with_template("[{pos}/{len}] {wide_msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
        let length = u64::try_from(units).ok();
        self.progress = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr()).with_style(style);
    }

    /// A unit ended.
    pub(super) fn advance(&mut self, name: &str) {
        self.progress.set_message(crate::diag::escape(name).into_owned());
        self.progress.inc(1);
    }

    /// Takes the progress line away.
    pub(super) fn end(&mut self) {
        self.progress.finish_and_clear();
        self.progress = ProgressBar::hidden();
    }
}
