//! The store: each promise of [`SessionStore`], by a transaction.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use innkeeper_domain::roster::{Floor, Generation, Roster, RosterVersion};
use innkeeper_domain::session::{SessionId, Timestamp};
use innkeeper_domain::token::RosterTag;
use innkeeper_store::clock::{Clock, SystemClock};
use innkeeper_store::lease::{Changes, Shared};
use innkeeper_store::{
    Commit, Cursor, Heard, Kept, KeyDigest, Outcome, Reading, SessionStore, StoreError, Tail,
    Touch, Touched,
};
use tokio::sync::Notify;
use tokio_postgres::types::Type;

use crate::error::{OpenError, unavailable};
use crate::journal::{ENDS, Ends, IS_PENDING, Place, TAIL, entry};
use crate::keeps::Keeps;
use crate::link::{Link, Transaction};
use crate::migrate;
use crate::rows::{LOOK, Look, Looked, column, get, ground, number};
use crate::time::Time;
use crate::watch::Watch;
use crate::write::{WRITE, Written};

/// What `innkeeper.write` says where a key is remembered already.
const REMEMBERED: &str = "IK001";
/// How often a listener looks for what other nodes wrote.
const LOOKS_EVERY: Duration = Duration::from_millis(50);
/// How often a reader of the journal looks again for what an open transaction holds up.
const PATIENCE: u32 = 500;

/// The most connections of one node for its work.
const CONNECTIONS: usize = 16;

/// Sessions in PostgreSQL.
#[derive(Clone, Debug)]
pub struct PostgresStore(Arc<Inner>);

struct Inner {
    url: String,
    link: Link,
    /// A connection for the ceiling of time: all others may be held by those who wait for it.
    pulse: Link,
    time: Time,
    /// What it keeps, as it was when it was opened.
    keeps: Keeps,
    /// Whether something was committed of which it is not known that it is where it has to be.
    is_open: AtomicBool,
    /// Tells those who listen that this node wrote to the journal.
    grown: Notify,
    is_reachable: AtomicBool,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL has the password in it.
        f.debug_struct("Inner")
            .field("time", &self.time)
            .finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// Opens the database at `url`, and makes our tables in it if they are not there.
    ///
    /// Time is the server's.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        Self::open_with(url, Arc::new(SystemClock), false).await
    }

    /// As [`open`](Self::open), with a clock that stands in for the server's: for tests.
    pub async fn open_on(url: &str, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        Self::open_with(url, clock, true).await
    }

    /// Asks the database at `url` what it is and what it keeps, and changes nothing there.
    pub async fn look(url: &str) -> Result<Keeps, OpenError> {
        let link = Link::to(url, 1)?;
        migrate::look(&link).await?;
        let keeps = Keeps::of(&link).await;
        link.close();
        keeps
    }

    /// What the database keeps when it crashes, or a standby takes its place.
    #[must_use]
    pub fn keeps(&self) -> Keeps {
        self.0.keeps
    }

    async fn open_with(
        url: &str,
        clock: Arc<dyn Clock>,
        is_by_hand: bool,
    ) -> Result<Self, OpenError> {
        let link = Link::to(url, CONNECTIONS)?;
        let pulse = Link::to(url, 1)?;
        migrate::prepare(&link).await?;
        let keeps = Keeps::of(&link).await?;
        let refused = |error: StoreError| OpenError::Refused(crate::link::told(&error));
        let query = "SELECT innkeeper.clock() AS now, time_ceiling FROM innkeeper.store";
        let rows = link.ask(query, &[]).await.map_err(refused)?;
        let row = rows
            .first()
            .ok_or_else(|| OpenError::Refused("the schema `innkeeper` is not whole".into()))?;
        let now: i64 = get(row, "now").map_err(refused)?;
        let ceiling: i64 = get(row, "time_ceiling").map_err(refused)?;
        let time = Time::starting(number(now), number(ceiling), clock, is_by_hand);
        let store = Self(Arc::new(Inner {
            url: url.to_owned(),
            link,
            pulse,
            time,
            keeps,
            is_open: AtomicBool::new(false),
            grown: Notify::new(),
            is_reachable: AtomicBool::new(true),
        }));
        store.0.begin_floor().await.map_err(refused)?;
        Ok(store)
    }

    /// Writes down where time is, and ends all connections.
    pub async fn close(&self) -> Result<(), StoreError> {
        let inner = &self.0;
        let now = inner.time.at(inner.clock().await?);
        let query = "UPDATE innkeeper.store SET time_ceiling = $1 WHERE time_ceiling = $2";
        let [exact, written] = [now.as_millis(), inner.time.ceiling()].map(column);
        let arguments: &[_] = &[(&exact as _, Type::INT8), (&written as _, Type::INT8)];
        inner.link.ask(query, arguments).await?;
        inner.link.close();
        inner.pulse.close();
        Ok(())
    }

    pub(crate) fn link(&self) -> &Link {
        &self.0.link
    }

    /// Does work in a task of its own, so that dropping the caller leaves no answer unread.
    pub(crate) async fn apart<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        let answer = tokio::spawn(work).await.map_err(unavailable)?;
        let is_reachable = !matches!(answer, Err(StoreError::Unavailable { .. }));
        self.0.is_reachable.store(is_reachable, Ordering::Relaxed);
        answer
    }
}

impl Inner {
    async fn clock(&self) -> Result<u64, StoreError> {
        let rows = self
            .link
            .ask("SELECT innkeeper.clock() AS now", &[])
            .await?;
        let row = rows.first().ok_or_else(|| unavailable("no row came"))?;
        Ok(number(get(row, "now")?))
    }

    /// The store's time when the server's clock said `clock`, below a ceiling that is written.
    async fn time(&self, clock: u64) -> Result<Timestamp, StoreError> {
        let now = self.time.at(clock);
        if let Some(ceiling) = self.time.ceiling_for(now) {
            let query = "UPDATE innkeeper.store SET time_ceiling = greatest(time_ceiling, $1)";
            let written = column(ceiling);
            self.pulse.change(query, &[(&written, Type::INT8)]).await?;
            self.time.raised(ceiling);
            self.let_go_of_keys(now).await?;
        }
        Ok(now)
    }

    /// Removes remembered answers whose time is over, a few at a time.
    async fn let_go_of_keys(&self, now: Timestamp) -> Result<(), StoreError> {
        let query = "DELETE FROM innkeeper.remembered WHERE key IN (SELECT key \
            FROM innkeeper.remembered WHERE valid_until <= $1 LIMIT 1000 FOR UPDATE SKIP LOCKED)";
        let at = column(now.as_millis());
        self.pulse.ask(query, &[(&at, Type::INT8)]).await.map(drop)
    }

    /// Sees to it that what was committed with a warning is where it has to be, before anything
    /// that builds on it is told: a commit that waits for it waits for all before it.
    async fn settle(&self) -> Result<(), StoreError> {
        if self.is_open.load(Ordering::SeqCst) {
            let query = "UPDATE innkeeper.store SET time_ceiling = time_ceiling";
            self.pulse.change(query, &[]).await?;
            self.is_open.store(false, Ordering::SeqCst);
        }
        Ok(())
    }

    async fn read(&self, tag: RosterTag, key: Option<KeyDigest>) -> Result<Reading, StoreError> {
        self.settle().await?;
        let look = Look::at(tag, key);
        let rows = self.link.ask(LOOK, &look.arguments()).await?;
        let looked = Looked::read(tag, &rows)?;
        let now = self.time(looked.clock).await?;
        Ok(looked.reading(now))
    }

    /// A roster that is ours until the transaction ends, and the time.
    async fn take(
        &self,
        tag: RosterTag,
        keys: impl IntoIterator<Item = KeyDigest>,
    ) -> Result<(Transaction, Looked, Timestamp), StoreError> {
        self.settle().await?;
        let look = Look::at(tag, keys).alone();
        let (transaction, rows) = self.link.begin(LOOK, &look.arguments()).await?;
        let looked = Looked::read(tag, &rows)?;
        let now = self.time(looked.clock).await?;
        Ok((transaction, looked, now))
    }

    async fn commit(&self, commit: Commit) -> Result<Outcome, StoreError> {
        let keys = commit.remember.iter().map(|remembered| remembered.key);
        let (transaction, looked, now) = match commit.seats {
            None => self.take(commit.tag, keys).await?,
            Some(_) => self.take_in_tenant(&commit, keys).await?,
        };
        let before = looked.roster.as_deref();
        let is_repeated = looked.keys.iter().any(|key| now < key.until);
        let after = commit.carry_out(before, looked.ground, now, || commit.entry.hash());
        let Some(after) = after.filter(|_| !is_repeated) else {
            transaction.abandon().await?;
            return Ok(Outcome::Stale);
        };
        if commit.seats.is_some() {
            let others = live_beside(&transaction, &commit, now).await?;
            if commit.is_beyond_seats(before, &after, others, now) {
                transaction.abandon().await?;
                return Ok(Outcome::Full);
            }
        }
        let written = Written::of(&commit, before, &looked.slots, &after, now)?;
        match transaction.ask(WRITE, &written.arguments()).await {
            Ok(_) => {}
            Err(error) if error.is(REMEMBERED) => {
                transaction.abandon().await?;
                return Ok(Outcome::Stale);
            }
            Err(error) => return Err(unavailable(error)),
        }
        // From here on it may stand, whatever we hear of it.
        if transaction.commit().await.is_err() {
            self.is_open.store(true, Ordering::SeqCst);
            return Err(StoreError::Unknown { tag: commit.tag });
        }
        self.grown.notify_waiters();
        Ok(Outcome::Done(Arc::new(after)))
    }

    /// As [`take`](Self::take), for a commit that may need one of its tenant's seats: who counts
    /// them waits for whoever counts them now.
    async fn take_in_tenant(
        &self,
        commit: &Commit,
        keys: impl IntoIterator<Item = KeyDigest>,
    ) -> Result<(Transaction, Looked, Timestamp), StoreError> {
        let query = "SELECT pg_advisory_xact_lock(hashtextextended('innkeeper tenant ' || $1, 0))";
        let tenant = commit.tenant.as_str();
        let (transaction, _) = self.link.begin(query, &[(&tenant, Type::TEXT)]).await?;
        let look = Look::at(commit.tag, keys).alone();
        let rows = transaction.ask(LOOK, &look.arguments()).await;
        let looked = Looked::read(commit.tag, &rows.map_err(unavailable)?)?;
        let now = self.time(looked.clock).await?;
        Ok((transaction, looked, now))
    }

    /// Records a visit of `at`, or of now, if the session is live now.
    async fn touch(&self, touch: Touch, at: Option<Timestamp>) -> Result<Touched, StoreError> {
        let tag = touch.session.tag();
        let (transaction, looked, now) = self.take(tag, None).await?;
        let session = looked.roster.as_ref().and_then(|roster| {
            let session = roster.find(touch.session)?;
            roster.is_live(session, now).then(|| Arc::clone(session))
        });
        let Some(session) = session else {
            transaction.abandon().await?;
            return Ok(Touched::Dead);
        };
        session.last_seen.advance(at.map_or(now, |at| at.min(now)));
        if let (Some(end), Some(previous)) = (touch.grace_ends_at, &session.previous) {
            previous.accepted_until.bring_nearer(end);
        }
        let query = "UPDATE innkeeper.session SET last_seen = $3, grace_end = $4 \
            WHERE tag = $1 AND serial = $2";
        let [tag_bytes, serial] = [tag.as_bytes().to_vec(), touch.session.serial().to_vec()];
        let seen = column(session.last_seen.get().as_millis());
        let previous = session.previous.as_ref();
        let grace = previous.map(|p| column(p.accepted_until.get().as_millis()));
        let arguments: &[_] = &[
            (&tag_bytes as _, Type::BYTEA),
            (&serial as _, Type::BYTEA),
            (&seen as _, Type::INT8),
            (&grace as _, Type::INT8),
        ];
        let done = transaction.ask(query, arguments).await;
        done.map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)?;
        Ok(Touched::Live(session))
    }

    async fn forget(&self, tag: RosterTag, version: RosterVersion) -> Result<(), StoreError> {
        let (transaction, looked, now) = self.take(tag, None).await?;
        let floor = looked.ground.floor;
        let is_gone = |r: &Arc<Roster>| r.version == version && r.is_forgettable(floor, now);
        if !looked.roster.as_ref().is_some_and(is_gone) {
            return transaction.abandon().await;
        }
        let query = "DELETE FROM innkeeper.roster WHERE tag = $1";
        let bytes = tag.as_bytes().to_vec();
        let done = transaction.ask(query, &[(&bytes, Type::BYTEA)]).await;
        done.map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)
    }

    /// Notes when the first floor began, in a store that was just made.
    async fn begin_floor(&self) -> Result<(), StoreError> {
        let now = self.time(self.clock().await?).await?;
        let query = "UPDATE innkeeper.store SET floor_rose_at = $1 WHERE floor_rose_at = 0";
        let at = column(now.as_millis());
        self.link.ask(query, &[(&at, Type::INT8)]).await.map(drop)
    }

    async fn raise_floor(&self) -> Result<Floor, StoreError> {
        // Commits hold this lock together; who raises the floor holds it alone.
        let lock = "SELECT pg_advisory_xact_lock(0)";
        let (transaction, _) = self.link.begin(lock, &[]).await?;
        let query = "SELECT innkeeper.clock() AS now, s.*, \
            greatest(s.generation_high, (SELECT max(generation) FROM innkeeper.roster)) \
                AS generations, \
            greatest(s.version_high, (SELECT max(version) FROM innkeeper.roster)) AS versions \
            FROM innkeeper.store s";
        let rows = transaction.ask(query, &[]).await.map_err(unavailable)?;
        let row = rows.first().ok_or_else(|| unavailable("no row came"))?;
        let now = self.time(number(get(row, "now")?)).await?;
        let rose_at = Timestamp::from_millis(number(get(row, "floor_rose_at")?));
        let floor = ground(row)?.floor;
        if now < rose_at.plus(Floor::RISES_EVERY) {
            transaction.abandon().await?;
            return Ok(floor);
        }
        let generations = Generation(number(get(row, "generations")?));
        let versions = RosterVersion(number(get(row, "versions")?));
        let floor = floor.raised(generations, versions);
        let query = "UPDATE innkeeper.store SET floor_epoch = $1, floor_generation = $2, \
            floor_before = $3, floor_version = $4, floor_rose_at = $5, generation_high = $2, \
            version_high = $4";
        let numbers = [
            floor.epoch,
            floor.generation.0,
            floor.generation_before.0,
            floor.version.0,
            now.as_millis(),
        ]
        .map(column);
        let arguments = numbers.each_ref().map(|number| (number as _, Type::INT8));
        let done = transaction.ask(query, &arguments).await;
        done.map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)?;
        Ok(floor)
    }

    async fn ends(&self) -> Result<Ends, StoreError> {
        Ends::read(&self.link.ask(ENDS, &[]).await?)
    }

    /// Waits until what is written can be read, for a while: somebody else's open transaction may
    /// hold it up.
    async fn catch_up(&self) -> Result<(), StoreError> {
        for _ in 0..PATIENCE {
            let rows = self.link.ask(IS_PENDING, &[]).await?;
            let pending = rows.first().map(|row| get::<bool>(row, "pending"));
            if pending.transpose()? != Some(true) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(())
    }

    async fn tail(&self, after: Option<Cursor>, limit: usize) -> Result<Tail, StoreError> {
        self.catch_up().await?;
        let ends = self.ends().await?;
        let after = match &after {
            None => ends.trimmed,
            Some(cursor) => {
                let (generation, place) = Place::of(cursor)?;
                if generation != ends.generation || place < ends.trimmed || place > ends.last {
                    return Ok(Tail::Gone);
                }
                place
            }
        };
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let arguments: &[_] = &[
            (&after.xid as _, Type::INT8),
            (&after.place as _, Type::INT8),
            (&limit as _, Type::INT8),
        ];
        let rows = self.link.ask(TAIL, arguments).await?;
        let entries = rows.iter().map(|row| {
            let (place, entry) = entry(row)?;
            Ok((place.cursor(ends.generation), entry))
        });
        Ok(Tail::Page(entries.collect::<Result<_, _>>()?))
    }

    async fn trim(&self, through: Cursor) -> Result<(), StoreError> {
        let (generation, place) = Place::of(&through)?;
        let ends = self.ends().await?;
        if generation != ends.generation || place <= ends.trimmed {
            return Ok(());
        }
        let place = place.min(ends.last);
        let query = "WITH gone AS (DELETE FROM innkeeper.journal WHERE (xid, place) <= ($1, $2)) \
            UPDATE innkeeper.store SET trimmed_xid = $1, trimmed_place = $2 \
            WHERE (trimmed_xid, trimmed_place) < ($1, $2)";
        let arguments: &[_] = &[
            (&place.xid as _, Type::INT8),
            (&place.place as _, Type::INT8),
        ];
        self.link.change(query, arguments).await.map(drop)
    }
}

#[async_trait]
impl Shared for PostgresStore {
    async fn hear(&self, session: SessionId, at: Timestamp) -> Result<(), StoreError> {
        let inner = Arc::clone(&self.0);
        let touch = Touch {
            session,
            grace_ends_at: None,
        };
        self.apart(async move { inner.touch(touch, Some(at)).await.map(drop) })
            .await
    }

    async fn count_failures(&self, tag: RosterTag, count: u32) -> Result<(), StoreError> {
        let inner = Arc::clone(&self.0);
        self.apart(async move {
            let (transaction, ..) = inner.take(tag, None).await?;
            let query = "UPDATE innkeeper.roster \
                SET failures = least(failures::bigint + $2, 2147483647)::int WHERE tag = $1";
            let bytes = tag.as_bytes().to_vec();
            let count = i64::from(count);
            let arguments: &[_] = &[(&bytes as _, Type::BYTEA), (&count as _, Type::INT8)];
            let done = transaction.ask(query, arguments).await;
            done.map_err(unavailable)?;
            transaction.commit().await.map_err(unavailable)
        })
        .await
    }

    async fn watch(&self) -> Result<Box<dyn Changes>, StoreError> {
        Ok(Box::new(Watch::begin(&self.0.url).await?))
    }
}

/// How many sessions of the commit's tenant are live beside its roster.
async fn live_beside(
    transaction: &Transaction,
    commit: &Commit,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let query = "SELECT innkeeper.live_beside($1, $2, $3) AS live";
    let tenant = commit.tenant.as_str();
    let tag = commit.tag.as_bytes().to_vec();
    let at = column(now.as_millis());
    let arguments: &[_] = &[
        (&tenant as _, Type::TEXT),
        (&tag as _, Type::BYTEA),
        (&at as _, Type::INT8),
    ];
    let rows = transaction.ask(query, arguments).await;
    let rows = rows.map_err(unavailable)?;
    let row = rows.first().ok_or_else(|| unavailable("no row came"))?;
    Ok(usize::try_from(number(get(row, "live")?)).unwrap_or(usize::MAX))
}

#[async_trait]
impl SessionStore for PostgresStore {
    async fn read(&self, tag: RosterTag, key: Option<KeyDigest>) -> Result<Reading, StoreError> {
        let inner = Arc::clone(&self.0);
        self.apart(async move { inner.read(tag, key).await }).await
    }

    fn glance(&self, _: RosterTag, _: &mut dyn FnMut(Option<&Kept>, Timestamp) -> Heard) -> bool {
        false
    }

    async fn commit(&self, commit: Commit) -> Result<Outcome, StoreError> {
        let inner = Arc::clone(&self.0);
        self.apart(async move { inner.commit(commit).await }).await
    }

    async fn touch(&self, touch: Touch) -> Result<Touched, StoreError> {
        let inner = Arc::clone(&self.0);
        self.apart(async move { inner.touch(touch, None).await })
            .await
    }

    async fn tail(&self, after: Option<&Cursor>, limit: usize) -> Result<Tail, StoreError> {
        let inner = Arc::clone(&self.0);
        let after = after.cloned();
        self.apart(async move { inner.tail(after, limit).await })
            .await
    }

    async fn latest(&self) -> Result<Option<Cursor>, StoreError> {
        let inner = Arc::clone(&self.0);
        let ends = self.apart(async move {
            inner.catch_up().await?;
            inner.ends().await
        });
        let ends = ends.await?;
        Ok((ends.last > Place::default()).then(|| ends.last.cursor(ends.generation)))
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
        self.apart(async move { inner.trim(through).await }).await
    }

    async fn erase(&self, tag: RosterTag, others: &[Cursor]) -> Result<(), StoreError> {
        let inner = Arc::clone(&self.0);
        let others = others
            .iter()
            .map(Place::of)
            .collect::<Result<Vec<_>, _>>()?;
        self.apart(async move {
            let query = "UPDATE innkeeper.journal SET personal = NULL \
                WHERE personal IS NOT NULL AND (tag = $1 OR (xid, place) IN \
                (SELECT * FROM unnest($2::bigint[], $3::bigint[])))";
            // Those of a store that was put aside since are not in this one.
            let current = inner.ends().await?.generation;
            let others = others.into_iter().filter(|(of, _)| *of == current);
            let (xids, places): (Vec<_>, Vec<_>) = others.map(|(_, p)| (p.xid, p.place)).unzip();
            let bytes = tag.as_bytes().to_vec();
            let arguments: &[_] = &[
                (&bytes as _, Type::BYTEA),
                (&xids as _, Type::INT8_ARRAY),
                (&places as _, Type::INT8_ARRAY),
            ];
            inner.link.change(query, arguments).await.map(drop)
        })
        .await
    }

    async fn walk(
        &self,
        after: Option<RosterTag>,
        limit: usize,
    ) -> Result<Vec<RosterTag>, StoreError> {
        let inner = Arc::clone(&self.0);
        self.apart(async move {
            let query = "SELECT tag FROM innkeeper.roster WHERE tag > $1 ORDER BY tag LIMIT $2";
            let after = after.map_or_else(Vec::new, |tag| tag.as_bytes().to_vec());
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let arguments: &[_] = &[(&after as _, Type::BYTEA), (&limit as _, Type::INT8)];
            let rows = inner.link.ask(query, arguments).await?;
            let tag = |row| {
                let bytes: Vec<u8> = get(row, "tag")?;
                let bytes = <[u8; 16]>::try_from(bytes);
                bytes
                    .map(RosterTag::from_bytes)
                    .map_err(|_| StoreError::Corrupt {
                        name: "tag".into(),
                        source: "it is not of sixteen bytes".into(),
                    })
            };
            rows.iter().map(tag).collect()
        })
        .await
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
        if self.0.is_reachable.load(Ordering::Relaxed) {
            Ok(())
        } else {
            Err(unavailable("the database did not answer the last time"))
        }
    }
}
