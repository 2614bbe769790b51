//! What a roster says of all of its sessions at once.

use super::Generation;
use crate::session::{Timestamp, Vitals};

/// What decides of a roster, with the [`Vitals`] of a session and the time, whether that session is
/// live.
#[derive(Clone, Copy, Debug)]
pub struct Fence {
    /// Whether the subject may hold no session at all.
    pub disabled: bool,
    /// The generation under which its sessions live.
    pub generation: Generation,
    /// The largest store time the roster has seen (`hi`): no time before it is believed.
    pub time_high: Timestamp,
}

impl Fence {
    /// Whether a session of these vitals is live at `now`: the one place where that is decided.
    #[must_use]
    pub fn is_live(&self, session: &Vitals, now: Timestamp) -> bool {
        !self.disabled
            && session.generation == self.generation
            && session.is_unexpired(now.max(self.time_high))
    }
}
