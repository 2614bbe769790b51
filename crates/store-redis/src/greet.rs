//! What comes before anything else on a connection: the right server, our functions, our store, and
//! nothing older than what this node has seen.

use innkeeper_domain::roster::{Floor, StoreGeneration};
use innkeeper_domain::session::Timestamp;
use redis::Value;
use redis::aio::MultiplexedConnection;

use crate::error::{OpenError, is_unknown_function};
use crate::incarnation;
use crate::link::Link;
use crate::server;
use crate::value::{just, maybe, number, parsed, send};

/// The format of the functions and keys that this version makes and reads.
const FORMAT: u64 = 1;
/// Our functions.
const LIBRARY: &str = include_str!("functions.lua");

/// Sees to it that the server will do, and that all we need is there.
pub(crate) async fn greet(
    link: &Link,
    connection: &mut MultiplexedConnection,
) -> Result<(), OpenError> {
    link.note_keeps(server::look(connection, link.snapshots).await?)?;
    let mut about = about(connection).await?;
    if about.as_ref().is_none_or(|about| about.library < FORMAT) {
        load(connection).await?;
        about = self::about(connection).await?;
    }
    let about = about.ok_or_else(|| OpenError::Refused("it keeps no functions".into()))?;
    if about.library > FORMAT {
        return Err(OpenError::Newer(about.library));
    }
    match about.store {
        Some(format) if format > FORMAT => return Err(OpenError::Newer(format)),
        Some(_) => {}
        None if link.seen().is_some() => return Err(link.lose()),
        None => {
            let now = link.time.wall().unwrap_or(about.now);
            make(connection, now).await?;
        }
    }
    incarnation::compare(link, connection).await
}

/// What `innkeeper_about` says.
struct About {
    library: u64,
    store: Option<u64>,
    now: Timestamp,
}

/// What there is; `None` if our functions are not there.
async fn about(connection: &mut MultiplexedConnection) -> Result<Option<About>, OpenError> {
    let mut ask = redis::cmd("FCALL");
    ask.arg("innkeeper_about").arg(0);
    let said = match send(connection, &ask).await {
        Ok(said) => said,
        Err(error) if is_unknown_function(&error) => return Ok(None),
        Err(error) => return Err(OpenError::of(&error)),
    };
    let read = |said: Value| {
        let [library, store, now] = just(said)?;
        let store = maybe(store)?.map(|format| parsed(&format));
        Ok(About {
            library: number(library)?,
            store: store.transpose()?,
            now: Timestamp::from_millis(number(now)?),
        })
    };
    let read = read(said).map_err(|error: innkeeper_store::StoreError| error.to_string());
    read.map(Some).map_err(OpenError::Refused)
}

/// Loads our functions, in place of an older version of them.
async fn load(connection: &mut MultiplexedConnection) -> Result<(), OpenError> {
    let mut load = redis::cmd("FUNCTION");
    load.arg("LOAD").arg("REPLACE").arg(LIBRARY);
    let loaded = send(connection, &load).await;
    loaded.map(drop).map_err(|error| OpenError::of(&error))
}

/// Makes a store, unless another node does so at this moment.
///
/// Its generation is that of the clock, so that no cursor from an earlier life of this server means
/// anything.
async fn make(connection: &mut MultiplexedConnection, now: Timestamp) -> Result<(), OpenError> {
    let floor = Floor::FIRST;
    let mut ask = redis::cmd("FCALL");
    ask.arg("innkeeper_make")
        .arg(0)
        .arg(StoreGeneration(0).restored(now).0)
        .arg(floor.epoch)
        .arg(floor.generation.0)
        .arg(floor.generation_before.0)
        .arg(floor.version.0)
        .arg(now.as_millis());
    let made = send(connection, &ask).await;
    made.map(drop).map_err(|error| OpenError::of(&error))
}
