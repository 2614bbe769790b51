//! A server that came back: is it as far as this node has seen it? (Rule 9 of the invariants.)
//!
//! A server that crashed may have lost its last changes, and an end among them. So each new
//! connection begins by looking for the last journal entry that this node heard of. If it is there,
//! so is all that came before it. If not, what the server holds is older: the generation of the
//! store is raised, under which no session from before is live, and only then anybody is answered.

use innkeeper_store::record::decode_entry;
use innkeeper_store::{Ground, StoreError};
use redis::aio::MultiplexedConnection;

use crate::ask::{Answer, Ask, Reply, Seen, Status};
use crate::error::{OpenError, Trouble};
use crate::journal::Place;
use crate::link::{Failed, Link};
use crate::value::{bytes, maybe};

/// Compares the store with what this node has seen of it, and raises its generation if it is older.
pub(crate) async fn compare(
    link: &Link,
    connection: &mut MultiplexedConnection,
) -> Result<(), OpenError> {
    loop {
        let Some(seen) = link.seen() else {
            // What this node knows of the store begins here.
            let reply = given(link, connection, &Ask::of("latest")).await?;
            link.note(&reply);
            return Ok(());
        };
        let ask = Ask::of("entry").bytes(seen.newest.id());
        let reply = given(link, connection, &ask).await?;
        let now = reply.now;
        let is = reply.seen.clone();
        if is.store != seen.store {
            return Err(link.lose());
        }
        if is.ground.store_generation > seen.ground.store_generation {
            // Somebody raised it: nothing from before is live.
            link.note(&reply);
            return Ok(());
        }
        let refused = |error: StoreError| OpenError::Refused(error.to_string());
        if is.order() >= seen.order() && holds(&seen, reply).map_err(refused)? {
            return Ok(());
        }
        let floors = [is.ground.floor, seen.ground.floor];
        let later = Ground {
            floor: if floors[0].epoch < floors[1].epoch {
                floors[1]
            } else {
                floors[0]
            },
            store_generation: seen.ground.store_generation,
        };
        let raised = later.restored(now);
        tracing::error!(
            newest = is.newest.place,
            seen = seen.newest.place,
            "the server came back with older data than it had acknowledged: every session is ended \
             before anybody is answered"
        );
        let ask = Ask::of("raise_generation")
            .number(is.ground.store_generation.0)
            .number(raised.store_generation.0)
            .number(raised.floor.epoch)
            .number(raised.floor.generation.0)
            .number(raised.floor.generation_before.0)
            .number(raised.floor.version.0);
        let reply = given(link, connection, &ask).await?;
        // If another node raised it meanwhile, that one is looked at.
        if reply.status == Status::Done {
            link.note(&reply);
            return Ok(());
        }
    }
}

/// Whether the entry that was seen last is there, or was let go of since.
fn holds(seen: &Seen, reply: Reply) -> Result<bool, StoreError> {
    if seen.mark.is_empty() {
        // Nothing had happened yet under any generation.
        return Ok(true);
    }
    let [entry, trimmed] = reply.just()?;
    if let Some(entry) = maybe(entry)? {
        let entry = decode_entry(&entry);
        return Ok(entry.is_ok_and(|entry| entry.hash().0[..] == seen.mark[..]));
    }
    let trimmed = Place::parse(&bytes(trimmed)?);
    Ok(trimmed.is_some_and(|trimmed| trimmed.place >= seen.newest.place))
}

async fn given(
    link: &Link,
    connection: &mut MultiplexedConnection,
    ask: &Ask,
) -> Result<Reply, OpenError> {
    match link.exchange(connection, ask).await {
        Ok(Answer::Given(reply)) => Ok(reply),
        Ok(Answer::Absent) => Err(link.lose()),
        Err(Failed::Refused(why) | Failed::Elsewhere(why)) => {
            Err(OpenError::in_call(Trouble::NotDone(why)))
        }
        Err(Failed::Lost(why)) => Err(OpenError::in_call(Trouble::Lost(why))),
    }
}
