//! The reference store passes the suite, and the suite misses none of its cases.

use std::sync::Arc;

use async_trait::async_trait;
use innkeeper_store::clock::ManualClock;
use innkeeper_store::conformance::Harness;
use innkeeper_store::memory::MemoryStore;

#[derive(Debug)]
struct InMemory;

#[async_trait]
impl Harness for InMemory {
    type Store = MemoryStore;

    async fn new() -> Self {
        Self
    }

    async fn open(&self, clock: Arc<ManualClock>) -> Arc<MemoryStore> {
        Arc::new(MemoryStore::new(clock))
    }
}

innkeeper_store::conformance!(InMemory);

#[test]
fn given_the_sources_of_the_suite_when_read_then_every_case_is_in_its_list() {
    let lists = include_str!("../src/conformance/mod.rs");
    let modules = [
        include_str!("../src/conformance/committing.rs"),
        include_str!("../src/conformance/durability.rs"),
        include_str!("../src/conformance/glancing.rs"),
        include_str!("../src/conformance/journal.rs"),
        include_str!("../src/conformance/races.rs"),
        include_str!("../src/conformance/reading.rs"),
        include_str!("../src/conformance/register.rs"),
        include_str!("../src/conformance/sweeping.rs"),
        include_str!("../src/conformance/touching.rs"),
    ];

    let cases = modules
        .iter()
        .flat_map(|source| source.split("pub async fn ").skip(1));
    let mut count = 0;
    for case in cases {
        let name = case.split('(').next().expect("a function has a name");
        assert!(
            lists.contains(&format!(" {name},\n")),
            "{name} is in no list"
        );
        count += 1;
    }
    assert_eq!(lists.matches(" given_").count(), count);
}
