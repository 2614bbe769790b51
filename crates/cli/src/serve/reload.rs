//! Reload: a changed policy takes effect without a restart.
//!
//! The file is read again when it changes and at SIGHUP. Only its policy is taken up; what else
//! changed is said, and waits for a restart. A file that is broken changes nothing. Along with
//! that the newest policy is looked up, which another node may have put.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use innkeeper_engine::Authority;
use innkeeper_engine::policy::Filed;
use tokio::signal::unix::Signal;
use tokio::time::MissedTickBehavior;

use crate::args::ServeArguments;
use crate::config::{Config, Doors};

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
        let mut seen = state(self.arguments.config.as_deref());
        loop {
            let is_told = tokio::select! {
                _ = ticks.tick() => false,
                () = super::heard(&mut hangup) => true,
            };
            let now = state(self.arguments.config.as_deref());
            if is_told || now != seen {
                seen = now;
                self.read_again(&authority).await;
            } else if let Err(error) = authority.newest_policy().await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "the newest policy cannot be looked up");
            }
        }
    }

    async fn read_again(&mut self, authority: &Authority) {
        let read = Config::load(Doors {
            file: self.arguments.config.as_deref(),
            environment: std::env::vars_os().collect(),
            listen: self.arguments.listen,
            data: self.arguments.data.clone(),
        });
        let config = match read {
            Ok(config) => config,
            Err(refused) => {
                tracing::error!("the changed configuration is refused, and nothing changes");
                for line in refused.to_string().lines() {
                    tracing::error!("{line}");
                }
                return;
            }
        };
        let is_more = config.server != self.config.server
            || config.store != self.config.store
            || config.log != self.config.log;
        if is_more {
            tracing::warn!("only the policy is reloaded; other changes wait for a restart");
        }
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

/// What shows that a file was changed or replaced.
fn state(file: Option<&Path>) -> Option<(SystemTime, u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;

    let known = std::fs::metadata(file?).ok()?;
    Some((known.modified().ok()?, known.len(), known.ino()))
}
