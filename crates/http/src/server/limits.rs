//! How many connections, and how long each part of a request may take.

use std::time::Duration;

/// The bounds of the accept loop. Each has a timer or a counter that really runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// How many connections are served at a time; one more is answered 503 and closed.
    pub connections_max: usize,
    /// From the first byte of a request to the end of its headers, and on a new connection from
    /// its opening. Then 408, or nothing where nothing has come.
    pub header: Duration,
    /// From the end of the headers to the end of the body. Then 408.
    pub body: Duration,
    /// From the end of the headers to the answer. Then 503 `unavailable`, since nobody knows
    /// whether it was done.
    pub request: Duration,
    /// How long bytes of an answer may wait for the peer to take them. Then the connection is cut.
    pub answer: Duration,
    /// The silence allowed between two requests of one connection. Then it is closed.
    pub idle: Duration,
    /// How long requests that have begun may go on after the signal to stop.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 4_096,
            header: Duration::from_secs(10),
            body: Duration::from_secs(10),
            request: Duration::from_secs(30),
            answer: Duration::from_secs(10),
            // Longer than the 60 seconds of common proxies, so that it is they who close: a request
            // that meets our closing would be lost.
            idle: Duration::from_secs(75),
            drain: Duration::from_secs(20),
        }
    }
}
