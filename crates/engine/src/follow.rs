//! Following the policy: no node decides by one that was replaced long ago, or left behind.
//!
//! Where nodes share a store, each may bring a newer policy, and the register keeps the newest.
//! A node looks there again before it answers by a policy that it last looked up more than
//! [`FOLLOWED_WITHIN`] ago, by the store's time, and whenever a roster obeys a newer one than it
//! knows. If it cannot look, it does not answer (S17). So a policy that was put is obeyed by all
//! nodes within that time, and no roster is ever decided about by an older policy than it obeys
//! already, which could let in what the newer one refuses (S1).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use innkeeper_domain::policy::{Policy, PolicyVersion};
use innkeeper_domain::session::Timestamp;
use innkeeper_store::Reading;
use tokio::sync::Mutex;

use crate::policy;
use crate::{Authority, EngineError};

/// How long a node may answer by a policy without having looked whether there is a newer one.
pub const FOLLOWED_WITHIN: Duration = Duration::from_secs(5);

/// The newest policy that this node knows.
pub(crate) struct Followed {
    policy: ArcSwap<Policy>,
    /// When it was last known to be the newest there is; milliseconds of the store's time.
    seen_at: AtomicU64,
    /// One look at the register at a time: who waits for it need not look again.
    looking: Mutex<()>,
}

impl Followed {
    pub(crate) fn new(policy: Policy, seen_at: Timestamp) -> Self {
        Self {
            policy: ArcSwap::from_pointee(policy),
            seen_at: AtomicU64::new(seen_at.as_millis()),
            looking: Mutex::default(),
        }
    }

    /// The policy, for a moment.
    pub(crate) fn load(&self) -> Guard<Arc<Policy>> {
        self.policy.load()
    }

    /// The policy, for as long as it takes.
    pub(crate) fn load_full(&self) -> Arc<Policy> {
        self.policy.load_full()
    }

    /// Whether it may be answered by at `now`.
    pub(crate) fn is_fresh(&self, now: Timestamp) -> bool {
        let seen_at = Timestamp::from_millis(self.seen_at.load(Ordering::Relaxed));
        now.since(seen_at) <= FOLLOWED_WITHIN
    }

    /// Follows a policy if it is newer: versions never fall.
    pub(crate) fn take_up(&self, policy: Policy) {
        let policy = Arc::new(policy);
        let before = self.policy.rcu(|held| {
            let newer = policy.version > held.version;
            Arc::clone(if newer { &policy } else { held })
        });
        if before.version < policy.version {
            tracing::info!(version = policy.version.0, "policy in force");
        }
    }

    fn was_seen(&self, at: Timestamp) {
        self.seen_at.fetch_max(at.as_millis(), Ordering::Relaxed);
    }
}

impl Authority {
    /// The policy to decide by about what was read.
    pub(crate) async fn policy_for(&self, reading: &Reading) -> Result<Arc<Policy>, EngineError> {
        let obeyed = reading
            .roster
            .as_ref()
            .map_or(PolicyVersion::default(), |r| r.policy);
        let will_do =
            |policy: &Policy| policy.version >= obeyed && self.policy.is_fresh(reading.now);
        let policy = self.policy.load_full();
        if will_do(&policy) {
            return Ok(policy);
        }
        let _turn = self.policy.looking.lock().await;
        let policy = self.policy.load_full();
        if will_do(&policy) {
            return Ok(policy);
        }
        if let Some(held) = policy::load(&*self.register).await? {
            self.policy.take_up(held);
        }
        // What the register held just now was the newest at the time of the reading before it.
        self.policy.was_seen(reading.now);
        let policy = self.policy.load_full();
        if policy.version < obeyed {
            return Err(EngineError::PolicyBehind {
                obeyed: obeyed.0,
                found: policy.version.0,
            });
        }
        Ok(policy)
    }
}
