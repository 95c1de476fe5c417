//! What can go wrong in a case.

/// Why a case did not pass.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    /// The milter did what it may not.
    #[error("{0}")]
    Wrong(String),
    /// Something came after QUIT; whether it was owed before shows without one.
    #[error("{0}")]
    AfterQuit(String),
    /// It could not be started again after it had ended as it should.
    #[error("{0}")]
    Down(String),
    /// The milter closed the connection where it had to answer.
    #[error("{0}")]
    Closed(String),
    /// Nobody listens any more.
    #[error("{0}")]
    Refused(String),
    /// Nothing came in time.
    #[error("{0}")]
    Silent(String),
    /// Something is not given back.
    #[error("{0}")]
    Leak(String),
    /// The case cannot be played here.
    #[error("{0}")]
    Skipped(String),
}
