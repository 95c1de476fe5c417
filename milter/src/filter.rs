//! [`Filter`]: what a filter does at each stage.

use std::future::Future;

use milter_proto::{Address, filter::FilterOptions};

use crate::{Action, Context, Eom};

/// A mail filter: one value for each SMTP session, one method for each stage of it.
///
/// Methods are written as `async fn`. All of them go on by default. A method whose event was opted out of, or an MTA
/// does not know, is not called. Texts are bytes as the client sent them: hostile until proven otherwise.
///
/// A session is `connect`, `helo`, then messages, then `close`. A message begins at `envfrom` and is over when `eom`
/// or `abort` was called or an answer ended it.
///
/// Edits are made at the end of a message, and the actions they need are named beforehand:
///
/// ```
/// use milter::{Action, Actions, Eom, Filter, FilterOptions};
///
/// struct Stamp;
///
/// impl Filter for Stamp {
///     fn options(&self) -> FilterOptions {
///         FilterOptions { actions: Actions::ADD_HEADERS, ..FilterOptions::default() }
///     }
///
///     async fn eom(&mut self, cx: &mut Eom<'_>) -> Action {
///         match cx.insert_header(0, "X-Seen", "yes") {
///             Ok(()) => Action::Accept,
///             Err(_) => Action::Tempfail,
///         }
///     }
/// }
/// ```
#[expect(unused_variables, reason = "the names of the parameters are documentation")]
pub trait Filter: Send {
    /// What to agree on with the MTA. Asked once, before all other methods.
    ///
    /// By default all events, no edits.
    #[doc(alias = "xxfi_negotiate")]
    fn options(&self) -> FilterOptions {
        FilterOptions::default()
    }

    /// A client connected; `hostname` is its verified name, or its address in brackets.
    #[doc(alias = "xxfi_connect")]
    fn connect(&mut self, cx: &Context, hostname: &[u8], address: &Address) -> impl Future<Output = Action> + Send {
        async { Action::Continue }
    }

    /// The argument of HELO or EHLO. May come again, even within a session that has had messages.
    #[doc(alias = "xxfi_helo")]
    fn helo(&mut self, cx: &Context, name: &[u8]) -> impl Future<Output = Action> + Send {
        async { Action::Continue }
    }

    /// MAIL FROM: a message begins. `sender` is as the client wrote it, `<>` for none; `args` are ESMTP parameters.
    #[doc(alias = "xxfi_envfrom")]
    fn envfrom(&mut self, cx: &Context, sender: &[u8], args: &[Vec<u8>]) -> impl Future<Output = Action> + Send {
        async { Action::Continue }
    }

    /// RCPT TO. A refusal concerns this recipient alone.
    #[doc(alias = "xxfi_envrcpt")]
    fn envrcpt(&mut self, cx: &Context, recipient: &[u8], args: &[Vec<u8>]) -> impl Future<Output = Action> + Send {
        async { Action::Continue }
    }

    /// DATA.
    #[doc(alias = "xxfi_data")]
    fn data(&mut self, cx: &Context) -> impl Future<Output = Action> + Send {
        async { Action::Continue }
    }

    /// A header field; lines of a folded value are joined by LF.
    #[doc(alias = "xxfi_header")]
    fn header(&mut self, cx: &Context, name: &[u8], value: &[u8]) -> impl Future<Output = Action> + Send {
        async { Action::Continue }
    }

    /// The header is over.
    #[doc(alias = "xxfi_eoh")]
    fn eoh(&mut self, cx: &Context) -> impl Future<Output = Action> + Send {
        async { Action::Continue }
    }

    /// A piece of the body, lines ended by CR LF. A piece may end anywhere, also between the two.
    #[doc(alias = "xxfi_body")]
    fn body(&mut self, cx: &Context, piece: &[u8]) -> impl Future<Output = Action> + Send {
        async { Action::Continue }
    }

    /// The message is over: the one place for edits.
    #[doc(alias = "xxfi_eom")]
    fn eom(&mut self, cx: &mut Eom<'_>) -> impl Future<Output = Action> + Send {
        async { Action::Continue }
    }

    /// The message is given up.
    #[doc(alias = "xxfi_abort")]
    fn abort(&mut self, cx: &Context) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// The session is over, whoever ended it. Nothing is called after this.
    #[doc(alias = "xxfi_close")]
    fn close(&mut self, cx: &Context) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// An SMTP command that the MTA does not know.
    #[doc(alias = "xxfi_unknown")]
    fn unknown(&mut self, cx: &Context, line: &[u8]) -> impl Future<Output = Action> + Send {
        async { Action::Continue }
    }
}
