//! The reference store passes the suite, and the suite misses none of its cases.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use innkeeper_domain::session::Timestamp;
use innkeeper_domain::token::RosterTag;
use innkeeper_store::archive::Reader;
use innkeeper_store::clock::{Clock, ManualClock};
use innkeeper_store::conformance::fixture::World;
use innkeeper_store::conformance::{Harness, RestoringHarness};
use innkeeper_store::memory::MemoryStore;
use innkeeper_store::{SessionStore, Touch, Touched};

#[derive(Debug, Default)]
struct InMemory {
    copy: Option<Vec<u8>>,
}

#[async_trait]
impl Harness for InMemory {
    type Store = MemoryStore;

    async fn new() -> Self {
        Self::default()
    }

    async fn open(&self, clock: Arc<ManualClock>) -> Arc<MemoryStore> {
        let Some(copy) = &self.copy else {
            return Arc::new(MemoryStore::new(clock));
        };
        let now = Timestamp::from_millis(clock.wall().as_secs() * 1000);
        let copy = Reader::open(&**copy).expect("it is a copy");
        Arc::new(MemoryStore::restored(copy, now, clock).expect("it is whole"))
    }
}

#[async_trait]
impl RestoringHarness for InMemory {
    async fn restored(copy: &[u8], _: Arc<ManualClock>) -> Self {
        Self {
            copy: Some(copy.into()),
        }
    }
}

innkeeper_store::conformance!(InMemory);
innkeeper_store::restoring_conformance!(InMemory);

/// A standby that shared a session with its primary would hear of visits that it was never sent.
#[tokio::test]
async fn given_a_store_and_its_copy_when_either_goes_on_then_the_other_stays_as_it_was() {
    let first = World::of(&InMemory::default()).await;
    let tag = RosterTag::from_bytes([1; 16]);
    let session = first.born(tag, 1).await;
    let (clock, store) = (Arc::clone(&first.clock), Arc::new(first.store.copied()));
    let second = World { clock, store };
    let written = second.journal().await.len();

    first.clock.pass(Duration::from_mins(1));
    let touch = Touch {
        session,
        grace_ends_at: None,
    };
    assert!(matches!(
        first.store.touch(touch).await,
        Ok(Touched::Live(_))
    ));
    first.ended(session).await;

    let roster = second.roster(tag).await;
    let held = roster.find(session).expect("it did not end there");
    assert_eq!(
        held.last_seen.get(),
        held.created_at,
        "nor was it heard from"
    );
    assert_eq!(second.journal().await.len(), written);
}

#[test]
fn given_the_sources_of_the_suite_when_read_then_every_case_is_in_its_list() {
    let lists = include_str!("../src/conformance/mod.rs");
    let modules = [
        include_str!("../src/conformance/committing.rs"),
        include_str!("../src/conformance/durability.rs"),
        include_str!("../src/conformance/faults.rs"),
        include_str!("../src/conformance/glancing.rs"),
        include_str!("../src/conformance/journal.rs"),
        include_str!("../src/conformance/races.rs"),
        include_str!("../src/conformance/reading.rs"),
        include_str!("../src/conformance/register.rs"),
        include_str!("../src/conformance/restoring.rs"),
        include_str!("../src/conformance/sweeping.rs"),
        include_str!("../src/conformance/touching.rs"),
    ];

    let cases = modules
        .iter()
        .flat_map(|source| source.split("pub async fn ").skip(1));
    let mut count = 0;
    for case in cases {
        let name = case.split('(').next().expect("a function has a name");
        let name = name.split('<').next().expect("a function has a name");
        assert!(
            lists.contains(&format!(" {name},\n")),
            "{name} is in no list"
        );
        count += 1;
    }
    assert_eq!(lists.matches(" given_").count(), count);
}
