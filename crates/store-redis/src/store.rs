//! The store: each promise of [`SessionStore`], by a function on the server.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use innkeeper_domain::roster::{Floor, Generation, RosterVersion};
use innkeeper_domain::session::{SessionId, Timestamp};
use innkeeper_domain::token::RosterTag;
use innkeeper_store::clock::{Clock, SystemClock};
use innkeeper_store::lease::{Changes, Shared};
use innkeeper_store::{
    Commit, Cursor, Heard, Kept, KeyDigest, Outcome, Reading, SessionStore, StoreError, Tail,
    Touch, Touched, notice,
};
use tokio::sync::Notify;

use crate::ask::{Ask, Reply, Status};
use crate::error::{OpenError, Trouble, malformed, unavailable};
use crate::journal::{Place, entry};
use crate::link::Link;
use crate::rows::{Looked, session};
use crate::server::{Keeps, Snapshots};
use crate::sync::Syncs;
use crate::value::{bytes, number, text};
use crate::watch::Watch;
use crate::write::{is_death, write};

/// How often a listener looks for what other nodes wrote.
const LOOKS_EVERY: Duration = Duration::from_millis(50);
/// How often the server's settings are looked at.
const SETTINGS_EVERY: Duration = Duration::from_secs(10);
/// The most tags that one step names.
const TAGS_MAX: usize = 10_000;
/// How many entries one step erases.
const ERASED_MAX: usize = 200;

/// Sessions in Redis or Valkey.
#[derive(Clone)]
pub struct RedisStore(Arc<Inner>);

struct Inner {
    link: Arc<Link>,
    /// Waits for the disk and for replicas, where what is done is kept a little later.
    syncs: Option<Syncs>,
    /// Tells those who listen that this node wrote to the journal.
    grown: Notify,
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("link", &self.0.link)
            .finish_non_exhaustive()
    }
}

impl RedisStore {
    /// Opens the server at `url`, and makes a store on it if there is none. Several URLs, with
    /// commas between, are those of a primary and of replicas that may take its place.
    ///
    /// Time is the server's.
    pub async fn open(url: &str, snapshots: Snapshots) -> Result<Self, OpenError> {
        Self::open_with(url, snapshots, Arc::new(SystemClock), false).await
    }

    /// As [`open`](Self::open), with a clock that stands in for the server's: for tests.
    pub async fn open_on(url: &str, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        Self::open_with(url, Snapshots::Refused, clock, true).await
    }

    /// Asks the server at `url` what it is and what it keeps, and changes nothing there.
    pub async fn look(url: &str, snapshots: Snapshots) -> Result<Keeps, OpenError> {
        let link = Link::to(url, snapshots, Arc::new(SystemClock), false)?;
        link.look_once().await
    }

    async fn open_with(
        url: &str,
        snapshots: Snapshots,
        clock: Arc<dyn Clock>,
        is_by_hand: bool,
    ) -> Result<Self, OpenError> {
        let link = Arc::new(Link::to(url, snapshots, clock, is_by_hand)?);
        link.open().await?;
        let syncs = link.keeps();
        let syncs = syncs.and_then(|keeps| Syncs::over(Arc::downgrade(&link), keeps));
        let inner = Arc::new(Inner {
            link,
            syncs,
            grown: Notify::new(),
        });
        tokio::spawn(watch_settings(Arc::downgrade(&inner)));
        Ok(Self(inner))
    }

    /// What the server keeps when it crashes, or a replica takes its place.
    #[must_use]
    pub fn keeps(&self) -> Keeps {
        let keeps = self.0.link.keeps();
        keeps.expect("it was looked at when the store was opened")
    }

    /// Waits until all that was done before is kept wherever it has to be.
    pub(crate) async fn keep(&self) -> Result<(), StoreError> {
        match &self.0.syncs {
            Some(syncs) => syncs.wait().await.map_err(Trouble::unavailable),
            None => Ok(()),
        }
    }

    /// Looks at the server's settings again, as is done in the background all the time.
    pub async fn look_again(&self) -> Result<(), OpenError> {
        self.0.link.look_again().await
    }

    /// Waits until the server has lost the store. From then on this says nothing but that, until
    /// it is opened anew.
    pub async fn failed(&self) {
        self.0.link.lost().await;
    }

    /// Writes down where time is, and ends the connection.
    pub async fn close(&self) -> Result<(), StoreError> {
        let rested = self.0.link.close(&Ask::of("rest")).await;
        rested.map_err(Trouble::unavailable)
    }

    /// Calls a function in a task of its own, so that dropping the caller leaves no answer unread.
    pub(crate) async fn ask(&self, ask: Ask) -> Result<Reply, Trouble> {
        let link = Arc::clone(&self.0.link);
        let asking = tokio::spawn(async move { link.ask(&ask).await });
        asking
            .await
            .unwrap_or_else(|error| Err(Trouble::Lost(error.into())))
    }

    /// As [`ask`](Self::ask), where a repeat settles what became of it.
    async fn call(&self, ask: Ask) -> Result<Reply, StoreError> {
        self.ask(ask).await.map_err(Trouble::unavailable)
    }

    /// Does several calls in a task of its own.
    async fn apart<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        tokio::spawn(work).await.map_err(unavailable)?
    }
}

/// Looks at the server's settings for as long as somebody has the store open.
async fn watch_settings(inner: Weak<Inner>) {
    loop {
        tokio::time::sleep(SETTINGS_EVERY).await;
        let Some(inner) = inner.upgrade() else { return };
        // What is wrong is logged, and told whoever calls.
        let _ = inner.link.look_again().await;
    }
}

impl Inner {
    async fn ask(&self, ask: Ask) -> Result<Reply, StoreError> {
        self.link.ask(&ask).await.map_err(Trouble::unavailable)
    }

    async fn look(&self, tag: RosterTag, key: Option<KeyDigest>) -> Result<Looked, StoreError> {
        if let Some(syncs) = &self.syncs {
            syncs.settle().await.map_err(Trouble::unavailable)?;
        }
        let digest = key.map(|key| notice::bytes(&key.0)).unwrap_or_default();
        let reply = self.ask(Ask::about("read", tag).bytes(digest)).await?;
        Looked::read(tag, reply)
    }

    async fn commit(&self, commit: Commit) -> Result<Outcome, StoreError> {
        let tag = commit.tag;
        loop {
            let looked = self.look(tag, None).await?;
            let (before, now) = (looked.roster.as_deref(), looked.now);
            let after = commit.carry_out(before, looked.ground, now, || commit.entry.hash());
            let Some(mut after) = after else {
                return Ok(Outcome::Stale);
            };
            let room = commit.room_beside(before, &after, now);
            if room.is_some_and(|room| room < 0) {
                return Ok(Outcome::Full);
            }
            let ask = write(&commit, &looked, &after, room);
            let reply = self.link.ask(&ask).await;
            let reply = reply.map_err(|trouble| trouble.at_commit(tag))?;
            match reply.status {
                Status::Done => {
                    if let Some(syncs) = &self.syncs
                        && commit.changes.iter().any(is_death)
                    {
                        let synced = syncs.wait().await;
                        synced.map_err(|trouble| trouble.at_commit(tag))?;
                    }
                    after.time_high = after.time_high.max(reply.now);
                    self.grown.notify_waiters();
                    return Ok(Outcome::Done(Arc::new(after)));
                }
                Status::Stale => return Ok(Outcome::Stale),
                Status::Full => return Ok(Outcome::Full),
                // Somebody was quicker, or time has passed: compare with what is there now.
                Status::Moved => {}
                _ => return Err(malformed()),
            }
        }
    }

    async fn forget(&self, tag: RosterTag, version: RosterVersion) -> Result<(), StoreError> {
        let looked = self.look(tag, None).await?;
        let (floor, now) = (looked.ground.floor, looked.now);
        let is_gone = looked
            .roster
            .is_some_and(|r| r.version == version && r.is_forgettable(floor, now));
        if is_gone {
            let ask = Ask::about("forget", tag).number(version.0);
            self.ask(ask).await?;
        }
        Ok(())
    }

    async fn raise_floor(&self) -> Result<Floor, StoreError> {
        loop {
            let reply = self.ask(Ask::of("floor")).await?;
            let (now, floor) = (reply.now, reply.seen.ground.floor);
            let [rose_at, generations, versions] = reply.just()?.map(number);
            if now < Timestamp::from_millis(rose_at?).plus(Floor::RISES_EVERY) {
                return Ok(floor);
            }
            let (generations, versions) = (generations?, versions?);
            let raised = floor.raised(Generation(generations), RosterVersion(versions));
            let ask = Ask::of("raise_floor")
                .number(floor.epoch)
                .number(generations)
                .number(versions)
                .number(raised.epoch)
                .number(raised.generation.0)
                .number(raised.generation_before.0)
                .number(raised.version.0);
            if self.ask(ask).await?.status == Status::Done {
                return Ok(raised);
            }
        }
    }

    async fn tail(&self, after: Option<&Cursor>, limit: usize) -> Result<Tail, StoreError> {
        let mut after = match after {
            None => String::new(),
            Some(cursor) => match Place::of(cursor)? {
                Some(place) => place.id(),
                None => return Ok(Tail::Gone),
            },
        };
        let mut page = Vec::new();
        while page.len() < limit {
            let left = u64::try_from(limit - page.len()).unwrap_or(u64::MAX);
            let reply = self.ask(Ask::of("tail").bytes(after).number(left)).await?;
            if reply.status == Status::Gone {
                return Ok(Tail::Gone);
            }
            let found = reply.list()?;
            let Some(last) = found.last().cloned() else {
                break;
            };
            for value in found {
                page.push(entry(value)?);
            }
            let [id, ..] = crate::value::just::<3>(last)?;
            after = text(id)?;
        }
        Ok(Tail::Page(page))
    }

    async fn trim(&self, through: &Cursor) -> Result<(), StoreError> {
        let Some(place) = Place::of(through)? else {
            return Ok(());
        };
        loop {
            let reply = self.ask(Ask::of("trim").bytes(place.id())).await?;
            if reply.status != Status::More {
                return Ok(());
            }
        }
    }
}

#[async_trait]
impl Shared for RedisStore {
    async fn hear(&self, session: SessionId, at: Timestamp) -> Result<(), StoreError> {
        let ask = Ask::about("visit", session.tag())
            .bytes(*session.serial())
            .number(at.as_millis())
            .bytes("");
        self.call(ask).await.map(drop)
    }

    async fn count_failures(&self, tag: RosterTag, count: u32) -> Result<(), StoreError> {
        let ask = Ask::about("failures", tag).number(count.into());
        self.call(ask).await.map(drop)
    }

    async fn watch(&self) -> Result<Box<dyn Changes>, StoreError> {
        Ok(Box::new(Watch::begin(Arc::clone(&self.0.link)).await?))
    }
}

#[async_trait]
impl SessionStore for RedisStore {
    async fn read(&self, tag: RosterTag, key: Option<KeyDigest>) -> Result<Reading, StoreError> {
        let inner = Arc::clone(&self.0);
        let looked = self.apart(async move { inner.look(tag, key).await });
        Ok(looked.await?.reading())
    }

    fn glance(&self, _: RosterTag, _: &mut dyn FnMut(Option<&Kept>, Timestamp) -> Heard) -> bool {
        false
    }

    async fn commit(&self, commit: Commit) -> Result<Outcome, StoreError> {
        let inner = Arc::clone(&self.0);
        self.apart(async move { inner.commit(commit).await }).await
    }

    async fn touch(&self, touch: Touch) -> Result<Touched, StoreError> {
        let tag = touch.session.tag();
        let grace = touch.grace_ends_at;
        let grace = grace.map_or_else(String::new, |end| end.as_millis().to_string());
        let ask = Ask::about("visit", tag)
            .bytes(*touch.session.serial())
            .bytes("")
            .bytes(grace);
        let reply = self.call(ask).await?;
        if reply.status == Status::Dead {
            return Ok(Touched::Dead);
        }
        let [record, visit] = reply.just()?;
        let session = session(tag, &bytes(record)?, &bytes(visit)?)?;
        Ok(Touched::Live(Arc::new(session)))
    }

    async fn tail(&self, after: Option<&Cursor>, limit: usize) -> Result<Tail, StoreError> {
        let inner = Arc::clone(&self.0);
        let after = after.cloned();
        self.apart(async move { inner.tail(after.as_ref(), limit).await })
            .await
    }

    async fn latest(&self) -> Result<Option<Cursor>, StoreError> {
        let [id] = self.call(Ask::of("latest")).await?.just()?;
        let id = bytes(id)?;
        if id.is_empty() {
            return Ok(None);
        }
        let place = Place::parse(&id).ok_or_else(malformed)?;
        Ok(Some(place.cursor()))
    }

    async fn listen(&self, after: Option<&Cursor>) -> Result<(), StoreError> {
        loop {
            // It hears of what comes after it was made, so it is made before looking.
            let grown = self.0.grown.notified();
            match self.tail(after, 1).await? {
                Tail::Page(page) if page.is_empty() => {}
                Tail::Page(_) | Tail::Gone => return Ok(()),
            }
            // Others write too, and tell nobody here.
            let _ = tokio::time::timeout(LOOKS_EVERY, grown).await;
        }
    }

    async fn trim(&self, through: &Cursor) -> Result<(), StoreError> {
        let inner = Arc::clone(&self.0);
        let through = through.clone();
        self.apart(async move { inner.trim(&through).await }).await
    }

    async fn erase(&self, tag: RosterTag, others: &[Cursor]) -> Result<(), StoreError> {
        for some in others.chunks(ERASED_MAX) {
            let mut ask = Ask::of("erase_entries");
            ask.push_count(some.len());
            for cursor in some {
                ask.push(Place::of(cursor)?.ok_or_else(malformed)?.id());
            }
            self.call(ask).await?;
        }
        self.call(Ask::about("erase", tag)).await.map(drop)
    }

    async fn walk(
        &self,
        after: Option<RosterTag>,
        limit: usize,
    ) -> Result<Vec<RosterTag>, StoreError> {
        let after = after.map(notice::hex).unwrap_or_default();
        let ask = Ask::of("walk")
            .bytes(after)
            .bytes(limit.min(TAGS_MAX).to_string());
        let tags = self.call(ask).await?.list()?.into_iter();
        tags.map(|tag| notice::tag(&text(tag)?).ok_or_else(malformed))
            .collect()
    }

    async fn forget(&self, tag: RosterTag, version: RosterVersion) -> Result<(), StoreError> {
        let inner = Arc::clone(&self.0);
        self.apart(async move { inner.forget(tag, version).await })
            .await
    }

    async fn raise_floor(&self) -> Result<Floor, StoreError> {
        let inner = Arc::clone(&self.0);
        self.apart(async move { inner.raise_floor().await }).await
    }

    fn ready(&self) -> Result<(), StoreError> {
        self.0.link.ready()
    }
}
