//! A server that came back: is it as far as this node has seen it? (Rule 9 of the invariants.)
//!
//! A server that crashed, or a replica that took its place, may be without the last changes, and an
//! end among them. So each new connection begins by looking for the last journal entry that this
//! node heard of. If it is there, so is all that came before it. If not, the last one that ended
//! something is looked for: where that is there, only what began since is gone, which is safe. Else
//! the generation of the store is raised, under which no session from before is live, and only then
//! anybody is answered.

use innkeeper_store::record::decode_entry;
use innkeeper_store::{Ground, StoreError};
use redis::aio::MultiplexedConnection;

use crate::ask::{Answer, Ask, Marked, Reply, Seen, Status};
use crate::error::{OpenError, Trouble};
use crate::journal::Place;
use crate::link::{Failed, Link};
use crate::value::{bytes, maybe};

/// Compares the store with what this node has seen of it, and raises its generation if an end is
/// gone.
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
        let (is, is_whole) = find(link, connection, &seen.newest).await?;
        if is.seen.store != seen.store {
            return Err(link.lose());
        }
        let (ground, then) = (is.seen.ground, seen.ground);
        if ground.store_generation > then.store_generation {
            // Somebody raised it: nothing from before is live.
            link.note(&is);
            return Ok(());
        }
        if is_whole && is.seen.order() >= seen.order() {
            return Ok(());
        }
        let is_older = ground.store_generation < then.store_generation
            || ground.floor.epoch < then.floor.epoch;
        let settled = if !is_older && find(link, connection, &seen.death).await?.1 {
            go_on(link, connection, &is, &seen).await?
        } else {
            raise(link, connection, &is, &seen).await?
        };
        // If another node did something meanwhile, what that left is looked at.
        if settled {
            return Ok(());
        }
    }
}

/// Goes on without what began since the last end that was seen: whoever was let in then has to sign
/// in again.
async fn go_on(
    link: &Link,
    connection: &mut MultiplexedConnection,
    is: &Reply,
    seen: &Seen,
) -> Result<bool, OpenError> {
    tracing::warn!(
        newest = is.seen.newest.place.place,
        seen = seen.newest.place.place,
        "the server came back without its last changes; no end that this node knows of was among \
         them"
    );
    let ask = Ask::of("go_on_behind")
        .number(seen.ground.store_generation.0)
        .number(seen.newest.place.place);
    let reply = given(link, connection, &ask).await?;
    if reply.status == Status::Done {
        link.rewind(&reply);
    }
    Ok(reply.status == Status::Done)
}

/// Ends every session, by raising the generation of the store above all that was ever seen.
async fn raise(
    link: &Link,
    connection: &mut MultiplexedConnection,
    is: &Reply,
    seen: &Seen,
) -> Result<bool, OpenError> {
    let floors = [is.seen.ground.floor, seen.ground.floor];
    let later = Ground {
        floor: if floors[0].epoch < floors[1].epoch {
            floors[1]
        } else {
            floors[0]
        },
        store_generation: seen.ground.store_generation,
    };
    let raised = later.restored(is.now);
    tracing::error!(
        newest = is.seen.newest.place.place,
        seen = seen.newest.place.place,
        "the server came back with older data than it had acknowledged: every session is ended \
         before anybody is answered"
    );
    let ask = Ask::of("raise_generation")
        .number(is.seen.ground.store_generation.0)
        .number(raised.store_generation.0)
        .number(raised.floor.epoch)
        .number(raised.floor.generation.0)
        .number(raised.floor.generation_before.0)
        .number(raised.floor.version.0);
    let reply = given(link, connection, &ask).await?;
    if reply.status == Status::Done {
        link.note(&reply);
    }
    Ok(reply.status == Status::Done)
}

/// Whether an entry is there, or was let go of since.
async fn find(
    link: &Link,
    connection: &mut MultiplexedConnection,
    sought: &Marked,
) -> Result<(Reply, bool), OpenError> {
    let ask = Ask::of("entry").bytes(sought.place.id());
    let reply = given(link, connection, &ask).await?;
    let found = holds(sought, &reply);
    let found = found.map_err(|error| OpenError::Refused(error.to_string()))?;
    Ok((reply, found))
}

fn holds(sought: &Marked, reply: &Reply) -> Result<bool, StoreError> {
    if sought.hash.is_empty() {
        // Nothing had happened yet under any generation.
        return Ok(true);
    }
    let [entry, trimmed] = reply.clone().just()?;
    if let Some(entry) = maybe(entry)? {
        let entry = decode_entry(&entry);
        return Ok(entry.is_ok_and(|entry| entry.hash().0[..] == sought.hash[..]));
    }
    let trimmed = Place::parse(&bytes(trimmed)?);
    Ok(trimmed.is_some_and(|trimmed| trimmed.place >= sought.place.place))
}

async fn given(
    link: &Link,
    connection: &mut MultiplexedConnection,
    ask: &Ask,
) -> Result<Reply, OpenError> {
    match link.exchange(connection, ask).await {
        Ok(Answer::Given(reply)) => Ok(*reply),
        Ok(Answer::Absent) => Err(link.lose()),
        Err(Failed::Refused(why) | Failed::Elsewhere(why)) => {
            Err(OpenError::in_call(Trouble::NotDone(why)))
        }
        Err(Failed::Lost(why)) => Err(OpenError::in_call(Trouble::Lost(why))),
    }
}
