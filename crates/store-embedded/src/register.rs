//! The register: in memory as a whole, like everything that is asked for often.

use std::collections::BTreeMap;

use async_trait::async_trait;
use innkeeper_store::StoreError;
use innkeeper_store::register::{Put, REMOVED, Register, Registered};

use crate::committer::Job;
use crate::disk::Slot;
use crate::error::Stopped;
use crate::store::EmbeddedStore;

/// The values, by name. Of a removed one it holds how high its version came, and not its name.
#[derive(Debug, Default)]
pub(crate) struct Values(BTreeMap<String, Slot>);

impl Values {
    /// The value of that name.
    pub(crate) fn find(&self, name: &str) -> Option<&Slot> {
        self.0.get(name)
    }

    /// The highest version that a removed value had.
    pub(crate) fn removed(&self) -> u64 {
        self.find(REMOVED).map_or(0, |slot| slot.version)
    }

    /// What there is from a name on, in the order of the names.
    pub(crate) fn from(&self, name: &str) -> impl Iterator<Item = (&String, &Slot)> {
        self.0.range(name.to_owned()..)
    }

    /// Takes values in as a round leaves them, or a row of the log.
    pub(crate) fn take(&mut self, slots: impl IntoIterator<Item = (String, Slot)>) {
        for (name, slot) in slots {
            if slot.value.is_some() {
                self.0.insert(name, slot);
                continue;
            }
            let version = slot.version.max(self.removed());
            let value = None;
            self.0.remove(&name);
            self.0.insert(REMOVED.into(), Slot { version, value });
        }
    }
}

#[async_trait]
impl Register for EmbeddedStore {
    async fn get(&self, name: &str) -> Result<Option<Registered>, StoreError> {
        let register = self.shared.register.read();
        Ok(register.find(name).and_then(registered))
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
        Ok(register
            .from(prefix)
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
