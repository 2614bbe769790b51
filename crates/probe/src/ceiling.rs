//! What no recipe and no flag can raise.

use std::time::Duration;

/// Requests of one run, bursts and cleaning up included.
pub const REQUESTS: u32 = 5_000;
/// Sign-ins of one run, bursts included.
pub const LOGINS: u32 = 300;
/// Requests a second, outside bursts.
pub const RATE: f64 = 100.0;
/// Requests at one time.
pub const CONCURRENCY: u32 = 32;
/// How long one run may take.
pub const TIME: Duration = Duration::from_mins(15);
/// How much of a body is read.
pub const BODY: usize = 1 << 20;
/// How much of a head is read.
pub const HEAD: usize = 64 << 10;
/// How many headers an answer may have.
pub const HEADERS: usize = 128;
/// How many redirects are followed, one after another.
pub const REDIRECTS: u32 = 10;
