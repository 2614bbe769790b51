//! Promises that hold for any roster, policy and sequence of operations.

mod choice;
mod devices;
mod given;
mod history;
mod limits;
mod texts;

use proptest::prelude::ProptestConfig;

fn modestly() -> ProptestConfig {
    ProptestConfig {
        cases: 256,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}
