//! Values that are not sessions, in their table.

use async_trait::async_trait;
use innkeeper_store::StoreError;
use innkeeper_store::register::{Put, Register, Registered};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::rows::{column, get, number};
use crate::store::PostgresStore;

#[async_trait]
impl Register for PostgresStore {
    async fn get(&self, name: &str) -> Result<Option<Registered>, StoreError> {
        let query = "SELECT version, value FROM innkeeper.register \
                     WHERE name = $1 AND value IS NOT NULL";
        let rows = self.link().ask(query, &[(&name, Type::TEXT)]).await?;
        rows.first().map(registered).transpose()
    }

    async fn put(
        &self,
        name: &str,
        seen: Option<u64>,
        value: Option<Vec<u8>>,
    ) -> Result<Put, StoreError> {
        let store = self.clone();
        let name = name.to_owned();
        let rows = self.apart(async move {
            let link = store.link();
            let seen = seen.map(column);
            let arguments: [_; 3] = [
                (&name as _, Type::TEXT),
                (&seen as _, Type::INT8),
                (&value as _, Type::BYTEA),
            ];
            let query = "SELECT version FROM innkeeper.put($1, $2, $3) AS version \
                         WHERE version IS NOT NULL";
            link.change(query, &arguments).await
        });
        let rows = rows.await?;
        match rows.first() {
            Some(row) => Ok(Put::Done(number(get(row, "version")?))),
            None => Ok(Put::Stale),
        }
    }

    async fn list(&self, prefix: &str) -> Result<Vec<(String, Registered)>, StoreError> {
        let query = "SELECT name, version, value FROM innkeeper.register \
                     WHERE starts_with(name, $1) AND value IS NOT NULL ORDER BY name";
        let rows = self.link().ask(query, &[(&prefix, Type::TEXT)]).await?;
        rows.iter()
            .map(|row| Ok((get(row, "name")?, registered(row)?)))
            .collect()
    }
}

fn registered(row: &Row) -> Result<Registered, StoreError> {
    Ok(Registered {
        version: number(get(row, "version")?),
        value: get(row, "value")?,
    })
}
