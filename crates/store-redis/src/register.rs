//! Values that are not sessions, in their key.

use async_trait::async_trait;
use innkeeper_store::StoreError;
use innkeeper_store::register::{Put, Register, Registered};

use crate::ask::{Ask, Status};
use crate::error::{Trouble, malformed};
use crate::store::RedisStore;
use crate::value::{bytes, just, list, maybe, number, parsed, text};

#[async_trait]
impl Register for RedisStore {
    async fn get(&self, name: &str) -> Result<Option<Registered>, StoreError> {
        let ask = Ask::of("get").bytes(name);
        let reply = self.ask(ask).await.map_err(Trouble::unavailable)?;
        let [held] = reply.just()?;
        maybe(held)?.map(|held| registered(&held)).transpose()
    }

    async fn put(
        &self,
        name: &str,
        seen: Option<u64>,
        value: Option<Vec<u8>>,
    ) -> Result<Put, StoreError> {
        let function = if value.is_some() { "put" } else { "remove" };
        let ask = Ask::of(function)
            .bytes(name)
            .bytes(seen.map_or_else(String::new, |seen| seen.to_string()))
            .bytes(value.unwrap_or_default());
        let reply = self.ask(ask).await.map_err(Trouble::unavailable)?;
        if reply.status == Status::Stale {
            return Ok(Put::Stale);
        }
        let [version] = reply.just()?;
        let version = number(version)?;
        // A key that was taken away must not come back either.
        self.keep().await?;
        Ok(Put::Done(version))
    }

    async fn list(&self, prefix: &str) -> Result<Vec<(String, Registered)>, StoreError> {
        let mut found = Vec::new();
        let mut after = Vec::new();
        loop {
            let ask = Ask::of("list").bytes(prefix).bytes(after);
            let reply = self.ask(ask).await.map_err(Trouble::unavailable)?;
            let [go_on, values] = reply.just()?;
            for value in list(values)? {
                let [name, held] = just(value)?;
                found.push((text(name)?, registered(&bytes(held)?)?));
            }
            match maybe(go_on)? {
                Some(last) => after = last,
                None => return Ok(found),
            }
        }
    }
}

/// A value behind its version.
fn registered(held: &[u8]) -> Result<Registered, StoreError> {
    let place = held.iter().position(|byte| *byte == b'+');
    let place = place.ok_or_else(malformed)?;
    Ok(Registered {
        version: parsed(&held[..place])?,
        value: held[place + 1..].to_vec(),
    })
}
