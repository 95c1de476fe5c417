//! A filter that does what a test says, and says what was done to it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use milter::{Action, Actions, Address, Context, Eom, Filter, FilterOptions, Protocol};
use tokio::sync::Notify;

/// What to do at a stage.
#[derive(Clone)]
pub(crate) enum Do {
    Answer(Action),
    Panic,
    Hang,
    /// Add a header field, change the sender, replace the body.
    Edit,
    /// Replace the body by more than sockets hold.
    Flood,
    /// Ask for more time, wait until the test says so, and accept.
    ProgressThenWait(Arc<Notify>),
    /// Say that it was reached, and then hang.
    SayAndHang(Arc<Notify>),
}

/// What to do at which stage; everywhere else it goes on.
#[derive(Clone, Default)]
pub(crate) struct Script {
    pub(crate) stages: BTreeMap<&'static str, Do>,
    pub(crate) protocol: Protocol,
    pub(crate) log: Arc<Mutex<Vec<String>>>,
    pub(crate) filters: Arc<Mutex<usize>>,
}

impl Script {
    pub(crate) fn at(stage: &'static str, what: Do) -> Self {
        Self::default().and(stage, what)
    }

    pub(crate) fn and(mut self, stage: &'static str, what: Do) -> Self {
        self.stages.insert(stage, what);
        self
    }

    /// What was done to the filters: number of the filter, stage, argument.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().expect("nobody panics with the log").clone()
    }
}

/// The filter.
pub(crate) struct Scripted {
    script: Script,
    number: usize,
}

impl Scripted {
    pub(crate) fn new(script: Script) -> Self {
        let mut filters = script.filters.lock().expect("nobody panics with the number");
        *filters += 1;
        let number = *filters;
        drop(filters);
        Self { script, number }
    }

    fn note(&self, stage: &str, argument: &[u8]) {
        let line = format!("{} {stage} {}", self.number, argument.escape_ascii());
        self.script.log.lock().expect("nobody panics with the log").push(line.trim_end().to_owned());
    }

    async fn act(&self, stage: &'static str, argument: &[u8]) -> Action {
        self.note(stage, argument);
        match self.script.stages.get(stage) {
            Some(Do::Answer(action)) => action.clone(),
            Some(Do::Panic) => panic!("as told at {stage}"),
            Some(Do::Hang) => std::future::pending().await,
            Some(Do::SayAndHang(reached)) => {
                reached.notify_one();
                std::future::pending().await
            }
            _ => Action::Continue,
        }
    }
}

impl Filter for Scripted {
    fn options(&self) -> FilterOptions {
        FilterOptions { actions: Actions::ALL, protocol: self.script.protocol, ..FilterOptions::default() }
    }

    async fn connect(&mut self, _cx: &Context, hostname: &[u8], address: &Address) -> Action {
        assert!(address.ip().is_some());
        self.act("connect", hostname).await
    }

    async fn helo(&mut self, _cx: &Context, name: &[u8]) -> Action {
        self.act("helo", name).await
    }

    async fn envfrom(&mut self, cx: &Context, sender: &[u8], _args: &[Vec<u8>]) -> Action {
        let id = cx.macro_value("i").unwrap_or_default();
        self.act("envfrom", &[sender, b" ", id].concat()).await
    }

    async fn envrcpt(&mut self, _cx: &Context, recipient: &[u8], _args: &[Vec<u8>]) -> Action {
        self.act("envrcpt", recipient).await
    }

    async fn data(&mut self, _cx: &Context) -> Action {
        self.act("data", b"").await
    }

    async fn header(&mut self, _cx: &Context, name: &[u8], value: &[u8]) -> Action {
        self.act("header", &[name, b": ", value].concat()).await
    }

    async fn eoh(&mut self, _cx: &Context) -> Action {
        self.act("eoh", b"").await
    }

    async fn body(&mut self, _cx: &Context, piece: &[u8]) -> Action {
        self.act("body", piece).await
    }

    async fn eom(&mut self, cx: &mut Eom<'_>) -> Action {
        match self.script.stages.get("eom").cloned() {
            Some(Do::Edit) => edit(cx).map_or(Action::Tempfail, |()| Action::Accept),
            Some(Do::Flood) => {
                cx.replace_body(vec![b'x'; 32 << 20]).expect("all actions were negotiated");
                self.act("flood", b"").await
            }
            Some(Do::ProgressThenWait(go)) => {
                cx.add_header("X-Slow", "yes").expect("all actions were negotiated");
                cx.progress().await.expect("the MTA is there");
                go.notified().await;
                Action::Accept
            }
            _ => self.act("eom", b"").await,
        }
    }

    async fn abort(&mut self, _cx: &Context) {
        self.act("abort", b"").await;
    }

    async fn close(&mut self, _cx: &Context) {
        self.act("close", b"").await;
    }

    async fn unknown(&mut self, _cx: &Context, line: &[u8]) -> Action {
        self.act("unknown", line).await
    }
}

fn edit(cx: &mut Eom<'_>) -> Result<(), milter::ProtocolError> {
    cx.add_header("X-Added", "a")?;
    cx.insert_header(0, "X-First", "b\n c")?;
    cx.change_header(2, "Subject", "d")?;
    cx.delete_header(1, "Subject")?;
    cx.change_sender("<new@example.org>", Some("RET=HDRS"))?;
    cx.add_rcpt("<more@example.net>", None)?;
    cx.add_rcpt("<most@example.net>", Some("NOTIFY=NEVER"))?;
    cx.delete_rcpt("<rcpt@example.net>")?;
    cx.replace_body(vec![b'x'; 70_000])?;
    cx.quarantine("just so")?;
    assert!(cx.add_header("X-Bad", "a\r\nX-Smuggled: b").is_err());
    assert!(cx.add_header("Not a name", "a").is_err());
    Ok(())
}
