//! What has to be in the database before anything else: the right server, and our tables.

use innkeeper_domain::roster::Floor;
use tokio_postgres::types::Type;

use crate::error::{OpenError, unavailable};
use crate::link::{Link, told};
use crate::rows::{column, get};

/// The format of the tables that this version makes and reads.
const FORMAT: i32 = 1;
/// The oldest server that has all we use.
const OLDEST: i32 = 150_000;

/// Sees to it that the server will do and that our tables are there.
pub(crate) async fn prepare(link: &Link) -> Result<(), OpenError> {
    let refused = |error: innkeeper_store::StoreError| OpenError::Refused(told(&error));
    if !look(link).await? {
        make(link).await.map_err(refused)?;
    }
    check_format(link).await
}

/// Sees whether the server will do, and says whether our tables are there, in a format that we
/// read.
pub(crate) async fn look(link: &Link) -> Result<bool, OpenError> {
    link.first().await?;
    let refused = |error: innkeeper_store::StoreError| OpenError::Refused(told(&error));
    let query = "SELECT current_setting('server_version_num')::int AS version, \
                 pg_is_in_recovery() AS standby, \
                 to_regclass('innkeeper.store') IS NOT NULL AS made";
    let rows = link.ask(query, &[]).await.map_err(refused)?;
    let row = rows
        .first()
        .ok_or_else(|| OpenError::Refused("no row came".into()))?;
    let version: i32 = get(row, "version").map_err(refused)?;
    if version < OLDEST {
        return Err(OpenError::TooOld(version / 10_000));
    }
    if get(row, "standby").map_err(refused)? {
        return Err(OpenError::ReadOnly);
    }
    let is_made = get(row, "made").map_err(refused)?;
    if is_made {
        check_format(link).await?;
    }
    Ok(is_made)
}

async fn check_format(link: &Link) -> Result<(), OpenError> {
    let refused = |error: innkeeper_store::StoreError| OpenError::Refused(told(&error));
    let query = "SELECT format FROM innkeeper.store";
    let rows = link.ask(query, &[]).await.map_err(refused)?;
    let row = rows
        .first()
        .ok_or_else(|| OpenError::Refused("the schema `innkeeper` is not whole".into()))?;
    match get::<i32>(row, "format").map_err(refused)? {
        FORMAT => Ok(()),
        newer => Err(OpenError::Newer(newer)),
    }
}

/// Makes our tables, unless another node does so at this moment.
async fn make(link: &Link) -> Result<(), innkeeper_store::StoreError> {
    // The schema's name is its lock: two nodes that begin together make it once.
    let lock = "SELECT pg_advisory_xact_lock(hashtextextended('innkeeper schema', 0))";
    let (transaction, _) = link.begin(lock, &[]).await?;
    let query = "SELECT to_regclass('innkeeper.store') IS NOT NULL AS made";
    let rows = transaction.ask(query, &[]).await.map_err(unavailable)?;
    let is_made = rows.first().map(|row| get::<bool>(row, "made"));
    if is_made.transpose()? == Some(true) {
        return transaction.abandon().await;
    }
    // Who may not make a schema may still own one that was made for it.
    let schema = "DO $$ BEGIN IF to_regnamespace('innkeeper') IS NULL \
        THEN CREATE SCHEMA innkeeper; END IF; END $$";
    transaction.run(schema).await.map_err(unavailable)?;
    transaction
        .run(include_str!("schema.sql"))
        .await
        .map_err(unavailable)?;
    let first = Floor::FIRST;
    let query = "INSERT INTO innkeeper.store (format, store_generation, floor_epoch, \
        floor_generation, floor_before, floor_version, floor_rose_at, generation_high, \
        version_high, time_ceiling) \
        VALUES ($1, 0, $2, $3, $4, $5, 0, $3, $5, 0)";
    let [epoch, generation, before, version] = [
        first.epoch,
        first.generation.0,
        first.generation_before.0,
        first.version.0,
    ]
    .map(column);
    transaction
        .ask(
            query,
            &[
                (&FORMAT, Type::INT4),
                (&epoch, Type::INT8),
                (&generation, Type::INT8),
                (&before, Type::INT8),
                (&version, Type::INT8),
            ],
        )
        .await
        .map_err(unavailable)?;
    transaction.commit().await.map_err(unavailable)
}
