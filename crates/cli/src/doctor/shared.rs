//! A store that nodes share: its server is asked what it is and what it keeps. Nothing is changed
//! there.

use std::fmt::Display;

use innkeeper_store_postgres::Standbys;
use innkeeper_store_redis::{Durability, Replicas};

use super::store::{Looked, NAME};
use super::{Check, State};
use crate::config::{Config, StoreKind};
use crate::exit::Failure;
use crate::open_store::{look_at_postgres, look_at_redis};
use crate::promises::{Configuration, EMBEDDED, of_postgres, of_redis};

/// Looks at the server of the settings, and says which configuration it is. Of one that could not
/// be asked no more is promised than of the weakest that starts.
pub(super) async fn look(config: &Config) -> (Looked, Configuration) {
    match config.store.kind {
        StoreKind::Embedded => (
            Looked::at(State::Unknown, "nodes do not share it"),
            EMBEDDED,
        ),
        StoreKind::Postgres => {
            let weakest = innkeeper_store_postgres::Keeps {
                disk: false,
                standbys: Standbys::None,
            };
            judge(look_at_postgres(&config.store).await, weakest, of_postgres)
        }
        StoreKind::Redis => {
            let weakest = innkeeper_store_redis::Keeps {
                durability: Durability::EverySecond,
                replicas: Replicas::Unasked,
            };
            judge(look_at_redis(&config.store).await, weakest, of_redis)
        }
    }
}

fn judge<K: Display>(
    looked: Result<K, Failure>,
    weakest: K,
    promised: impl FnOnce(K) -> Configuration,
) -> (Looked, Configuration) {
    match looked {
        Ok(keeps) => {
            let detail = format!("the server keeps: {keeps}; what is in it was not read");
            let looked = Looked {
                checks: vec![Check::new(NAME, State::Ok, detail)],
                could_run: true,
                unfenced: None,
                policies: Vec::new(),
            };
            (looked, promised(keeps))
        }
        Err(failure) => {
            let looked = Looked {
                could_run: !failure.may_pass(),
                ..Looked::at(State::Failed, failure.text())
            };
            (looked, promised(weakest))
        }
    }
}
