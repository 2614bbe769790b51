//! A store that nodes share: its server is asked what it is and what it keeps. Nothing is changed
//! there.

use innkeeper_store_redis::{Durability, Keeps, Replicas};

use super::store::{Looked, NAME};
use super::{Check, State};
use crate::config::{Config, StoreKind};
use crate::open_store::look_at_redis;
use crate::promises::{Configuration, EMBEDDED, POSTGRES, of_redis};

/// Looks at the server of the settings, and says which configuration it is.
pub(super) async fn look(config: &Config) -> (Looked, Configuration) {
    match config.store.kind {
        StoreKind::Embedded => (
            Looked::at(State::Unknown, "nodes do not share it"),
            EMBEDDED,
        ),
        StoreKind::Postgres => (
            Looked::at(
                State::Unknown,
                "PostgreSQL is not asked yet: `innkeeper serve` says at start what it refuses",
            ),
            POSTGRES,
        ),
        StoreKind::Redis => match look_at_redis(&config.store).await {
            Ok(keeps) => {
                let detail = format!("the server keeps: {keeps}; what is in it was not read");
                let looked = Looked {
                    checks: vec![Check::new(NAME, State::Ok, detail)],
                    could_run: true,
                    unfenced: None,
                    policies: Vec::new(),
                };
                (looked, of_redis(keeps))
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
                    of_redis(Keeps {
                        durability: Durability::EverySecond,
                        replicas: Replicas::Unasked,
                    }),
                )
            }
        },
    }
}
