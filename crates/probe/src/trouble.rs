//! Why something could not be found out.

/// What came between a check and its verdict.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Trouble {
    /// The application gave no answer that can be judged: this check is inconclusive.
    #[error("{0}")]
    Answer(String),
    /// The budget does not reach any further: this check is inconclusive.
    #[error("{0}")]
    Short(String),
    /// A rail stops the whole run.
    #[error("{0}")]
    Stop(String),
    /// Somebody asked the probe to stop.
    #[error("the probe was asked to stop")]
    Cancelled,
}
