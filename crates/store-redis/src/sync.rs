//! Waiting until what is done is on disk, where the server syncs in its own time and can be asked
//! (`WAITAOF`).
//!
//! A server holds up the connection on which it is asked, so that has one of its own. Whatever was
//! done before a wait began is on disk when it ends: all who come meanwhile wait together for the
//! next. A connection that is new has first seen that the server is as far as this node has; one
//! that breaks leaves those who waited on it without an answer.

use std::sync::Weak;

use redis::aio::MultiplexedConnection;
use tokio::sync::{mpsc, oneshot};

use crate::ask::{Answer, Ask};
use crate::error::Trouble;
use crate::link::Link;
use crate::value::{list, send};

/// How long the server may take, in milliseconds: below what we wait for any answer.
const PATIENCE: u32 = 4000;

/// Who waits, and is told whether all that was done before is on disk.
type Waiter = oneshot::Sender<bool>;

/// Those who wait for the disk.
#[derive(Debug)]
pub(crate) struct Syncs(mpsc::UnboundedSender<Waiter>);

impl Syncs {
    /// Begins to wait for whoever asks, for as long as the link is there.
    pub(crate) fn over(link: Weak<Link>) -> Self {
        let (ask, asked) = mpsc::unbounded_channel();
        tokio::spawn(work(link, asked));
        Self(ask)
    }

    /// Waits until all that was done before is on disk.
    pub(crate) async fn wait(&self) -> Result<(), Trouble> {
        let (tell, told) = oneshot::channel();
        let is_synced = self.0.send(tell).is_ok() && told.await.unwrap_or(false);
        if is_synced {
            Ok(())
        } else {
            let why = "the server did not say that it is on disk";
            Err(Trouble::Lost(why.into()))
        }
    }
}

async fn work(link: Weak<Link>, mut asked: mpsc::UnboundedReceiver<Waiter>) {
    let mut connection = None;
    while let Some(first) = asked.recv().await {
        let mut waiters = vec![first];
        while let Ok(more) = asked.try_recv() {
            waiters.push(more);
        }
        let Some(link) = link.upgrade() else { return };
        let is_synced = match connection.take() {
            Some(open) => Ok(open),
            None => link.open_one().await,
        };
        let is_synced = match is_synced {
            Ok(mut open) => {
                let is_synced = sync(&link, &mut open).await;
                // One on which anything was amiss is not used again.
                connection = is_synced.then_some(open);
                is_synced
            }
            Err(_) => false,
        };
        for waiter in waiters {
            // Who went meanwhile needs no answer.
            let _ = waiter.send(is_synced);
        }
    }
}

/// Writes something, and waits until it is on disk.
async fn sync(link: &Link, connection: &mut MultiplexedConnection) -> bool {
    let written = link.exchange(connection, &Ask::of("sync")).await;
    if !matches!(written, Ok(Answer::Given(_))) {
        return false;
    }
    let mut wait = redis::cmd("WAITAOF");
    wait.arg(1).arg(0).arg(PATIENCE);
    let said = send(connection, &wait).await;
    let said = said.ok().and_then(|said| list(said).ok());
    // How many of the local disk and of replicas have it.
    let local = said.and_then(|said| said.into_iter().next());
    matches!(local, Some(redis::Value::Int(1..)))
}
