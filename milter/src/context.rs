//! [`Context`]: what is known beside an event.

use milter_proto::{
    Negotiate,
    filter::{FilterSession, MacroStore},
};

/// What the MTA said beside the event itself.
#[derive(Debug)]
pub struct Context {
    pub(crate) session: FilterSession,
    pub(crate) connection: u64,
}

impl Context {
    /// The value of a macro, by its name with or without braces: `i`, `auth_authen`, `{auth_authen}`.
    ///
    /// `None` if the MTA did not send it; which ones it sends is a matter of its configuration and of
    /// [`FilterOptions::symlists`](crate::FilterOptions::symlists).
    #[doc(alias = "smfi_getsymval")]
    pub fn macro_value(&self, name: &str) -> Option<&[u8]> {
        self.session.macros().get(name)
    }

    /// All macros.
    pub fn macros(&self) -> &MacroStore {
        self.session.macros()
    }

    /// What was agreed with the MTA: version, actions, steps of the protocol.
    pub fn negotiated(&self) -> &Negotiate {
        self.session.agreed()
    }

    /// The number of the connection since the start of the process, for log lines.
    pub fn connection(&self) -> u64 {
        self.connection
    }
}
