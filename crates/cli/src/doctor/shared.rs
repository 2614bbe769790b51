//! A store that nodes share: its server is asked what it is and what it keeps. Nothing is changed
//! there.

use super::store::{Looked, NAME};
use super::{Check, State};
use crate::config::{Config, StoreKind};
use crate::open_store::{look_at_redis, promised_by};
use crate::promises::{Configuration, EMBEDDED, POSTGRES, REDIS_EVERY_SECOND};

/// Looks at the server of the settings, and says which configuration it is.
pub(super) async fn look(config: &Config) -> (Looked, &'static Configuration) {
    match config.store.kind {
        StoreKind::Embedded => (
            Looked::at(State::Unknown, "nodes do not share it"),
            &EMBEDDED,
        ),
        StoreKind::Postgres => (
            Looked::at(
                State::Unknown,
                "PostgreSQL is not asked yet: `innkeeper serve` says at start what it refuses",
            ),
            &POSTGRES,
        ),
        StoreKind::Redis => match look_at_redis(&config.store).await {
            Ok(durability) => {
                let detail = format!("the server keeps: {durability}; what is in it was not read");
                let looked = Looked {
                    checks: vec![Check::new(NAME, State::Ok, detail)],
                    could_run: true,
                    unfenced: None,
                    policies: Vec::new(),
                };
                (looked, promised_by(durability))
            }
            Err(failure) => {
                let looked = Looked::at(State::Failed, failure.text());
                let could_run = !failure.may_pass();
                // Of what could not be asked no more is promised than of the weakest that starts.
                (
                    Looked {
                        could_run,
                        ..looked
                    },
                    &REDIS_EVERY_SECOND,
                )
            }
        },
    }
}
