//! Reload: a changed policy takes effect without a restart.
//!
//! The file is read again when it changes and at SIGHUP. Only its policy is taken up; what else
//! changed is said, and waits for a restart. A file that is broken changes nothing. Along with
//! that the newest policy is looked up, which another node may have put.
//!
//! A file that is written in place can be seen half written, and half a file may well be a good
//! one that says less. So a change counts once the file has stood still from one look to the
//! next, a file that changes while it is read is left for later, and one that is empty changes
//! nothing.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use innkeeper_engine::Authority;
use innkeeper_engine::policy::Filed;
use tokio::signal::unix::Signal;
use tokio::time::MissedTickBehavior;

use crate::args::ServeArguments;
use crate::config::Config;

/// How often the file and the register are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What of the start is read again.
pub(super) struct Reload {
    /// How we were called: the file, and what holds over it.
    pub(super) arguments: ServeArguments,
    /// What is in force.
    pub(super) config: Config,
}

impl Reload {
    /// Follows the file and the register for good.
    pub(super) async fn follow(mut self, authority: Arc<Authority>, mut hangup: Option<Signal>) {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut file = Watched::new(self.state());
        loop {
            let is_told = tokio::select! {
                _ = ticks.tick() => false,
                () = super::heard(&mut hangup) => true,
            };
            let now = self.state();
            if is_told {
                file = Watched::new(now);
            }
            if is_told || file.has_settled(now) {
                self.read_again(&authority).await;
            } else if let Err(error) = authority.newest_policy().await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "the newest policy cannot be looked up");
            }
        }
    }

    fn state(&self) -> Option<State> {
        state(self.arguments.config.as_deref())
    }

    async fn read_again(&mut self, authority: &Authority) {
        let before = self.state();
        if before.is_some_and(|(_, len, _)| len == 0) {
            tracing::error!("the configuration file is empty, and nothing changes");
            return;
        }
        let config = match super::load(&self.arguments) {
            Ok(config) => config,
            Err(refused) => {
                tracing::error!("the changed configuration is refused, and nothing changes");
                for line in refused.to_string().lines() {
                    tracing::error!("{line}");
                }
                return;
            }
        };
        if self.state() != before {
            // The next look meets a file that has changed, and waits for it to stand still.
            return;
        }
        let waiting = self.config.waiting(&config);
        if !waiting.is_empty() {
            tracing::warn!(
                settings = waiting.join(", "),
                "only the policy is reloaded: what else has changed waits for a restart"
            );
        }
        super::warn_of(&config);
        put(authority, &config).await;
        self.config.policy = config.policy;
    }
}

/// Puts the policy of a configuration, and says what is in force then.
pub(super) async fn put(authority: &Authority, config: &Config) {
    match authority.file_policy(config.policy.clone()).await {
        Ok(Filed::InForce(policy)) => {
            tracing::info!(
                version = policy.version.0,
                "the policy of the file is in force"
            );
        }
        Ok(Filed::Overridden(policy)) => tracing::warn!(
            version = policy.version.0,
            "the policy in force was put over the API, and the file has not changed since; to \
             go back to the file, change it, or put its policy over the API"
        ),
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "the policy of the file could not be put");
        }
    }
}

/// What shows that a file was changed or replaced: when, how long it is, and which it is.
type State = (SystemTime, u64, u64);

/// A file that is looked at now and then.
#[derive(Debug)]
struct Watched {
    seen: Option<State>,
    is_moving: bool,
}

impl Watched {
    const fn new(seen: Option<State>) -> Self {
        Self {
            seen,
            is_moving: false,
        }
    }

    /// Whether the file has changed since it was read, and not since the last look.
    fn has_settled(&mut self, now: Option<State>) -> bool {
        let has_moved = now != self.seen;
        self.seen = now;
        let has_settled = self.is_moving && !has_moved;
        self.is_moving = has_moved;
        has_settled
    }
}

fn state(file: Option<&Path>) -> Option<State> {
    use std::os::unix::fs::MetadataExt as _;

    let known = std::fs::metadata(file?).ok()?;
    Some((known.modified().ok()?, known.len(), known.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An editor wrote the file in place, the first half was there at the first look, and its
    /// policy was in force until the second.
    #[test]
    fn given_a_file_that_grows_when_looked_at_then_it_is_read_once_it_stands_still() {
        let of_len = |len| Some((SystemTime::UNIX_EPOCH, len, 1));
        let mut file = Watched::new(of_len(10));

        let looks = [10, 4, 8, 10, 10, 10].map(|len| file.has_settled(of_len(len)));

        assert_eq!(looks, [false, false, false, false, true, false]);
    }
}
