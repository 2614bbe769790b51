//! The connection to the server, and calls that are either answered or given up for good.
//!
//! One connection carries the calls of all tasks, each answered in its turn. Each call has a number
//! that its answer carries back; a connection on which anything is amiss is closed, so no answer is
//! ever taken for that of another call (rule 12 of the invariants). A new connection serves nobody
//! before the server was looked at and is as far as this node has seen it (rule 9).

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use innkeeper_store::StoreError;
use innkeeper_store::clock::Clock;
use parking_lot::Mutex;
use redis::Client;
use redis::aio::MultiplexedConnection;
use tokio::sync::watch;

use crate::ask::{Answer, Ask, Reply, Seen};
use crate::error::{OpenError, Trouble, is_refusal, is_replica, is_unknown_function, unavailable};
use crate::greet;
use crate::server::{Keeps, Replicas, Snapshots};
use crate::servers::Servers;
use crate::time::Time;
use crate::value::send;

/// How long anybody waits for a connection, and for an answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// A server, and the one connection to it.
pub(crate) struct Link {
    servers: Servers,
    pub(crate) time: Time,
    pub(crate) snapshots: Snapshots,
    current: Mutex<Option<Current>>,
    /// Whoever opens a connection holds this, so that one is opened at a time.
    opening: tokio::sync::Mutex<()>,
    failed: Mutex<FailedTries>,
    calls: AtomicU64,
    seen: Mutex<Option<Seen>>,
    keeps: Mutex<Option<Keeps>>,
    /// Why the server will not do any more, if so.
    unfit: Mutex<Option<String>>,
    /// Whether what this node knew of is gone for good.
    lost: watch::Sender<bool>,
    /// Whether nothing is asked any more. Whoever asks holds it, so closing waits for answers.
    is_closed: tokio::sync::RwLock<bool>,
}

/// How often no connection could be opened.
#[derive(Default)]
struct FailedTries {
    tries: u64,
    /// Why not the last time; nothing if it could.
    words: String,
}

#[derive(Clone)]
struct Current {
    number: u64,
    connection: MultiplexedConnection,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL has the password in it.
        f.debug_struct("Link")
            .field("time", &self.time)
            .finish_non_exhaustive()
    }
}

impl Link {
    /// A link to the server at `url`, or to the one of several that takes writes, which is not
    /// reached before it is needed.
    pub(crate) fn to(
        url: &str,
        snapshots: Snapshots,
        clock: Arc<dyn Clock>,
        is_by_hand: bool,
    ) -> Result<Self, OpenError> {
        Ok(Self {
            servers: Servers::at(url)?,
            time: Time::new(clock, is_by_hand),
            snapshots,
            current: Mutex::default(),
            opening: tokio::sync::Mutex::default(),
            failed: Mutex::default(),
            calls: AtomicU64::new(0),
            seen: Mutex::default(),
            keeps: Mutex::default(),
            unfit: Mutex::default(),
            lost: watch::Sender::new(false),
            is_closed: tokio::sync::RwLock::default(),
        })
    }

    /// The server that the last connection was opened to.
    pub(crate) fn client(&self) -> &Client {
        self.servers.current()
    }

    /// What the server keeps, as it was when it was first looked at.
    pub(crate) fn keeps(&self) -> Option<Keeps> {
        *self.keeps.lock()
    }

    /// How far the store was when this node last heard of it.
    pub(crate) fn seen(&self) -> Option<Seen> {
        self.seen.lock().clone()
    }

    /// Notes that what this node knew of is gone for good: the keys by which it finds rosters too.
    pub(crate) fn lose(&self) -> OpenError {
        if !self.lost.send_replace(true) {
            tracing::error!("{}", OpenError::Lost);
        }
        OpenError::Lost
    }

    /// Waits until what this node knew of is gone for good.
    pub(crate) async fn lost(&self) {
        // Its sender is ours, and goes with us.
        let _ = self.lost.subscribe().wait_for(|is_lost| *is_lost).await;
    }

    /// Notes what the server keeps; less than before will not do.
    pub(crate) fn note_keeps(&self, is: Keeps) -> Result<(), OpenError> {
        let mut kept = self.keeps.lock();
        match &mut *kept {
            // What we said at start is said no longer: better ask again than break it.
            Some(was) if !is.is_as_good_as(*was) => Err(OpenError::Weaker(*was, is)),
            Some(was) => {
                if (was.replicas, is.replicas) == (Replicas::None, Replicas::Unasked) {
                    tracing::warn!(
                        "replicas copy the server now, and nobody waits for them: an end may be \
                         lost when one of them takes over, unless min-replicas-to-write is set and \
                         innkeeper started again"
                    );
                    was.replicas = is.replicas;
                }
                Ok(())
            }
            None => {
                *kept = Some(is);
                Ok(())
            }
        }
    }

    /// A number that no call has had.
    pub(crate) fn number(&self) -> u64 {
        self.calls.fetch_add(1, Ordering::Relaxed)
    }

    /// Opens the connection if there is none.
    pub(crate) async fn open(&self) -> Result<(), OpenError> {
        self.connection().await.map(drop)
    }

    async fn connection(&self) -> Result<Current, OpenError> {
        if *self.lost.borrow() {
            return Err(OpenError::Lost);
        }
        let current = self.current.lock().clone();
        if let Some(current) = current {
            return Ok(current);
        }
        let tries = self.failed.lock().tries;
        let _alone = self.opening.lock().await;
        let current = self.current.lock().clone();
        if let Some(current) = current {
            return Ok(current);
        }
        {
            let failed = self.failed.lock();
            if failed.tries != tries {
                // Somebody tried while we waited. Each trying in turn, the last would wait for ever.
                return Err(OpenError::Unreachable(failed.words.clone()));
            }
        }
        let opened = tokio::time::timeout(PATIENCE, self.open_one()).await;
        let opened = opened.unwrap_or_else(|_| Err(unanswered()));
        self.note_opened(opened.as_ref().err());
        let current = Current {
            number: self.number(),
            connection: opened?,
        };
        *self.current.lock() = Some(current.clone());
        Ok(current)
    }

    pub(crate) async fn open_one(&self) -> Result<MultiplexedConnection, OpenError> {
        let mut connection = self.servers.connect().await?;
        greet::greet(self, &mut connection).await?;
        Ok(connection)
    }

    /// Looks at the server on a connection of its own, and changes nothing there.
    pub(crate) async fn look_once(&self) -> Result<Keeps, OpenError> {
        let looking = async {
            let mut connection = self.servers.connect().await?;
            crate::server::look(&mut connection, self.snapshots).await
        };
        let looked = tokio::time::timeout(PATIENCE, looking).await;
        looked.unwrap_or_else(|_| Err(unanswered()))
    }

    /// Notes whether a connection could be opened, and says so where it has changed.
    fn note_opened(&self, error: Option<&OpenError>) {
        let mut failed = self.failed.lock();
        let words = error.map(ToString::to_string).unwrap_or_default();
        // Of the very first try whoever opens the store is told.
        if self.seen().is_some() && words != failed.words {
            if error.is_some() {
                tracing::warn!("{words}; until then nothing is answered from it");
            } else {
                tracing::info!("the server answers again");
            }
        }
        failed.tries += u64::from(error.is_some());
        failed.words = words;
    }

    /// Closes a connection, once nobody waits for an answer on it any more.
    fn close_one(&self, number: u64) {
        let mut current = self.current.lock();
        if current.as_ref().is_some_and(|c| c.number == number) {
            *current = None;
        }
    }

    /// Asks one last thing, once all else is answered, and closes the connection.
    pub(crate) async fn close(&self, last: &Ask) -> Result<(), Trouble> {
        let mut is_closed = self.is_closed.write().await;
        if *is_closed {
            return Ok(());
        }
        *is_closed = true;
        let rested = self.ask_still(last).await;
        *self.current.lock() = None;
        rested.map(drop)
    }

    /// Calls a function.
    pub(crate) async fn ask(&self, ask: &Ask) -> Result<Reply, Trouble> {
        let is_closed = self.is_closed.read().await;
        if *is_closed {
            return Err(Trouble::NotDone("the store is closed".into()));
        }
        self.ask_still(ask).await
    }

    async fn ask_still(&self, ask: &Ask) -> Result<Reply, Trouble> {
        if let Some(why) = &*self.unfit.lock() {
            return Err(Trouble::NotDone(why.clone().into()));
        }
        let opened = self.connection().await;
        let mut current = opened.map_err(|error| Trouble::NotDone(error.into()))?;
        let before = self.seen();
        let answer = self.exchange(&mut current.connection, ask).await;
        let reply = match answer {
            Ok(Answer::Given(reply)) => *reply,
            Ok(Answer::Absent) => {
                self.close_one(current.number);
                let why = "the store is gone from the server";
                return Err(Trouble::NotDone(why.into()));
            }
            Err(Failed::Refused(why)) => return Err(Trouble::NotDone(why)),
            Err(Failed::Elsewhere(why)) => {
                self.close_one(current.number);
                return Err(Trouble::NotDone(why));
            }
            Err(Failed::Lost(why)) => {
                self.close_one(current.number);
                return Err(Trouble::Lost(why));
            }
        };
        if before.as_ref().is_some_and(|b| b.store != reply.seen.store) {
            return Err(Trouble::Lost(self.lose().into()));
        }
        if before.is_some_and(|before| reply.seen.order() < before.order()) {
            // The next connection compares, and raises the generation.
            self.close_one(current.number);
            let why = "the server shows older data than before";
            return Err(Trouble::Lost(why.into()));
        }
        self.note(&reply);
        Ok(reply)
    }

    /// Notes how far the store is.
    pub(crate) fn note(&self, reply: &Reply) {
        self.time.heard(reply.now);
        let mut seen = self.seen.lock();
        if seen
            .as_ref()
            .is_none_or(|seen| seen.order() < reply.seen.order())
        {
            *seen = Some(reply.seen.clone());
        }
    }

    /// Forgets how far the store was, since what came after this is gone.
    pub(crate) fn rewind(&self, reply: &Reply) {
        self.time.heard(reply.now);
        *self.seen.lock() = Some(reply.seen.clone());
    }

    /// Calls a function on this connection, whatever it says of the store.
    pub(crate) async fn exchange(
        &self,
        connection: &mut MultiplexedConnection,
        ask: &Ask,
    ) -> Result<Answer, Failed> {
        let call = self.number();
        let command = ask.command(call, &self.time);
        match send(connection, &command).await {
            Ok(value) => match ask.answer(call, value) {
                Ok(Some(answer)) => Ok(answer),
                Ok(None) => Err(Failed::Lost("an answer was that to another call".into())),
                Err(error) => Err(Failed::Lost(error.into())),
            },
            Err(error) if is_unknown_function(&error) || is_replica(&error) => {
                Err(Failed::Elsewhere(error.into()))
            }
            Err(error) if is_refusal(&error) => Err(Failed::Refused(error.into())),
            Err(error) => Err(Failed::Lost(error.into())),
        }
    }

    /// Looks at the server's settings again. While they will not do, nothing is answered.
    pub(crate) async fn look_again(&self) -> Result<(), OpenError> {
        let is_closed = self.is_closed.read().await;
        if *is_closed {
            return Ok(());
        }
        let mut current = self.connection().await?;
        let looked = crate::server::look(&mut current.connection, self.snapshots).await;
        let looked = looked.and_then(|is| self.note_keeps(is));
        let mut unfit = self.unfit.lock();
        match &looked {
            Ok(()) => {
                if unfit.take().is_some() {
                    tracing::warn!("the server will do again");
                }
            }
            // Whoever connects anew is told so, or finds the primary.
            Err(OpenError::Unreachable(_) | OpenError::Replica) => self.close_one(current.number),
            Err(error) => {
                let why = error.to_string();
                if unfit.as_ref() != Some(&why) {
                    tracing::error!("{why}; until then nothing is answered from it");
                }
                *unfit = Some(why);
            }
        }
        looked
    }

    /// Whether anything can be asked, as far as is known without trying.
    pub(crate) fn ready(&self) -> Result<(), StoreError> {
        if let Some(why) = &*self.unfit.lock() {
            return Err(unavailable(why.clone()));
        }
        if self.current.lock().is_none() {
            return Err(unavailable("there is no connection to the server"));
        }
        Ok(())
    }
}

pub(crate) fn unanswered() -> OpenError {
    OpenError::Unreachable("it does not answer in time".into())
}

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a call on a connection has no answer.
#[derive(Debug)]
pub(crate) enum Failed {
    /// The server said no.
    Refused(Cause),
    /// The server said no, and is not what it was: a replica, or without our functions. Whoever
    /// connects anew finds out.
    Elsewhere(Cause),
    /// Nobody can say.
    Lost(Cause),
}
