//! Waiting until what is done is kept: on disk, where the server syncs in its own time and can be
//! asked (`WAITAOF`), and on replicas, where it takes no changes without them (`WAIT`).
//!
//! A server holds up the connection on which it is asked, so that has one of its own. Whatever was
//! done before a wait began is kept when it ends: all who come meanwhile wait together for the
//! next. What a wait did not confirm, the next one has to before this node tells of anything that
//! builds on it: a repeat of an end that is there, but not yet kept, must not be told that it is.
//! A connection that is new has first seen that the server is as far as this node has; where one
//! breaks, a new one is asked once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use redis::Value;
use redis::aio::MultiplexedConnection;
use tokio::sync::{mpsc, oneshot};

use crate::ask::{Answer, Ask};
use crate::error::Trouble;
use crate::link::{Failed, Link};
use crate::server::{Durability, Keeps, Replicas};
use crate::value::{list, send};

/// How long the server may take, in milliseconds: below what we wait for any answer.
const PATIENCE: u32 = 4000;

/// Who waits, and is told whether all that was done before is kept.
type Waiter = oneshot::Sender<bool>;

/// What is waited for.
#[derive(Clone, Copy, Debug)]
struct Places {
    disk: bool,
    replicas: u32,
}

/// Those who wait until something is kept.
#[derive(Debug)]
pub(crate) struct Syncs {
    ask: mpsc::UnboundedSender<Waiter>,
    /// Whether something was done of which it is not known that it is kept.
    is_open: Arc<AtomicBool>,
}

impl Syncs {
    /// Begins to wait for whoever asks, for as long as the link is there; none if all is kept as
    /// soon as it is done.
    pub(crate) fn over(link: Weak<Link>, keeps: Keeps) -> Option<Self> {
        let places = Places {
            disk: keeps.durability == Durability::Waited,
            replicas: match keeps.replicas {
                Replicas::None | Replicas::Unasked => 0,
                Replicas::Asked(count) => count,
            },
        };
        if !places.disk && places.replicas == 0 {
            return None;
        }
        let (ask, asked) = mpsc::unbounded_channel();
        let is_open = Arc::default();
        tokio::spawn(work(link, places, asked, Arc::clone(&is_open)));
        Some(Self { ask, is_open })
    }

    /// Waits until all that was done before is kept.
    pub(crate) async fn wait(&self) -> Result<(), Trouble> {
        let (tell, told) = oneshot::channel();
        let is_kept = self.ask.send(tell).is_ok() && told.await.unwrap_or(false);
        if is_kept {
            Ok(())
        } else {
            let why = "the server did not say that it is kept on disk and on replicas";
            Err(Trouble::Lost(why.into()))
        }
    }

    /// Waits for what an earlier wait left open, if it did.
    pub(crate) async fn settle(&self) -> Result<(), Trouble> {
        if self.is_open.load(Ordering::Acquire) {
            self.wait().await?;
        }
        Ok(())
    }
}

async fn work(
    link: Weak<Link>,
    places: Places,
    mut asked: mpsc::UnboundedReceiver<Waiter>,
    is_open: Arc<AtomicBool>,
) {
    let mut connection = None;
    while let Some(first) = asked.recv().await {
        let mut waiters = vec![first];
        while let Ok(more) = asked.try_recv() {
            waiters.push(more);
        }
        let Some(link) = link.upgrade() else { return };
        let mut is_kept = match &mut connection {
            Some(open) => sync(&link, open, places).await,
            None => None,
        };
        if is_kept.is_none() {
            // That a new one is as far as what we wait for is seen before it is used at all.
            connection = link.open_one().await.ok();
            if let Some(open) = &mut connection {
                is_kept = sync(&link, open, places).await;
            }
        }
        let is_kept = is_kept == Some(true);
        if !is_kept {
            // One on which anything was amiss is not used again.
            connection = None;
        }
        is_open.store(!is_kept, Ordering::Release);
        for waiter in waiters {
            // Who went meanwhile needs no answer.
            let _ = waiter.send(is_kept);
        }
    }
}

/// Writes something, and waits until it is kept; none if the connection is of no use.
async fn sync(link: &Link, connection: &mut MultiplexedConnection, places: Places) -> Option<bool> {
    match link.exchange(connection, &Ask::of("sync")).await {
        Ok(Answer::Given(_)) => {}
        Ok(Answer::Absent) | Err(Failed::Elsewhere(_) | Failed::Lost(_)) => return None,
        Err(Failed::Refused(_)) => return Some(false),
    }
    if places.disk {
        let mut wait = redis::cmd("WAITAOF");
        wait.arg(1).arg(0).arg(PATIENCE);
        let said = send(connection, &wait).await.ok()?;
        // How many of the local disk and of replicas have it.
        let local = list(said).ok()?.into_iter().next();
        if !matches!(local, Some(Value::Int(1..))) {
            return Some(false);
        }
    }
    if places.replicas > 0 {
        let mut wait = redis::cmd("WAIT");
        wait.arg(places.replicas).arg(PATIENCE);
        let said = send(connection, &wait).await.ok()?;
        return Some(matches!(said, Value::Int(count) if count >= i64::from(places.replicas)));
    }
    Some(true)
}
