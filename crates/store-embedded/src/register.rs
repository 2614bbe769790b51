//! The register: in memory as a whole, like everything that is asked for often.

use async_trait::async_trait;
use innkeeper_store::StoreError;
use innkeeper_store::register::{Put, Register, Registered};

use crate::committer::Job;
use crate::disk::Slot;
use crate::error::Stopped;
use crate::store::EmbeddedStore;

#[async_trait]
impl Register for EmbeddedStore {
    async fn get(&self, name: &str) -> Result<Option<Registered>, StoreError> {
        let register = self.shared.register.read();
        Ok(register.get(name).and_then(registered))
    }

    async fn put(
        &self,
        name: &str,
        seen: Option<u64>,
        value: Option<Vec<u8>>,
    ) -> Result<Put, StoreError> {
        let name = name.into();
        self.ask(Stopped::Closed.into(), |reply| {
            Job::Put(name, seen, value, reply)
        })
        .await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<(String, Registered)>, StoreError> {
        let register = self.shared.register.read();
        let named = register.range(prefix.to_owned()..);
        Ok(named
            .take_while(|(name, _)| name.starts_with(prefix))
            .filter_map(|(name, slot)| Some((name.clone(), registered(slot)?)))
            .collect())
    }
}

fn registered(slot: &Slot) -> Option<Registered> {
    slot.value.clone().map(|value| Registered {
        version: slot.version,
        value,
    })
}
