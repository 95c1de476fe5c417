//! Where a run writes to.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Exit;
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
    /// The first text that could not be written: to which stream, and why.
    lost: Option<(&'static str, io::Error)>,
}

/// Where a text goes.
#[derive(Clone, Copy)]
enum Stream {
    Out,
    Err,
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
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
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
            lost: None,
        }
    }

    /// The program's own streams: colour and progress on a terminal only, and as `NO_COLOR` says.
    pub fn standard() -> Self {
        use io::IsTerminal as _;
        let colour = |choice| choice != anstream::ColorChoice::Never;
        let colour_out = colour(anstream::AutoStream::choice(&io::stdout()));
        let colour_err = colour(anstream::AutoStream::choice(&io::stderr()));
        let is_terminal = io::stderr().is_terminal();
        Self { colour_out, colour_err, is_terminal, ..Self::plain(io::stdout(), io::stderr()) }
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
        self.write(Stream::Out, text.as_bytes());
    }

    /// Writes bytes as they are, for another program to read.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.write(Stream::Out, bytes);
    }

    /// Writes results.
    pub fn results(&mut self, text: &str) {
        let stream = if self.report_on_out { Stream::Err } else { Stream::Out };
        self.write(stream, text.as_bytes());
    }

    /// Writes a message.
    pub fn message(&mut self, text: &str) {
        self.write(Stream::Err, text.as_bytes());
    }

    /// Writes, and remembers what was lost. A reader that went away is no reason to stop a run, and wants no more.
    fn write(&mut self, stream: Stream, bytes: &[u8]) {
        let (to, name) = match stream {
            Stream::Out => (&mut self.out, "standard output"),
            Stream::Err => (&mut self.err, "standard error"),
        };
        let written = self.progress.suspend(|| to.write_all(bytes).and_then(|()| to.flush()));
        if let Err(error) = written
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            self.lost.get_or_insert((name, error));
        }
    }

    /// The exit code that is left to say: text that could not be written is a failure, whatever else came of the work.
    pub(crate) fn ended(&mut self, exit: Exit) -> Exit {
        let Some((name, error)) = self.lost.take() else { return exit };
        self.diags(&[Diag::error(format!("cannot write to {name}: {error}"))]);
        Exit::HARNESS
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
