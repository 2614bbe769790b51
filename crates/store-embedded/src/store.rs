//! The store that a caller meets: memory answers, the committing thread changes.

use std::io;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use innkeeper_domain::roster::{Floor, RosterVersion};
use innkeeper_domain::session::Timestamp;
use innkeeper_domain::token::RosterTag;
use innkeeper_store::clock::Clock;
use innkeeper_store::{
    Commit, Cursor, Heard, Kept, KeyDigest, Outcome, Reading, SessionStore, StoreError, Tail,
    Touch, Touched,
};
use tokio::sync::futures::Notified;
use tokio::sync::oneshot;
use tokio::task;

use crate::checkpoint::Beside;
use crate::committer::{Committer, Job, Reply, WAITING_MAX};
use crate::disk::Disk;
use crate::error::{OpenError, Stopped};
use crate::files::{Files, LocalFiles};
use crate::folder::{Folder, Found};
use crate::load::load;
use crate::log::{Erasure, Sizes};
use crate::place::Lies;
use crate::resident::{Place, Shard};
use crate::shared::Shared;
use crate::sync::atomic::Ordering;
use crate::sync::mpsc::{self, SyncSender, TrySendError};
use crate::sync::thread::{self, JoinHandle};
use crate::time::CeiledTime;

/// All sessions of one installation, in one folder of this machine.
///
/// Dropping it closes it: last-seen times and the exact time are written down. A process that
/// is killed instead loses nothing that was acknowledged.
#[derive(Debug)]
pub struct EmbeddedStore {
    pub(crate) shared: Arc<Shared>,
    /// `None` only while it is being dropped.
    jobs: Option<SyncSender<Job>>,
    committer: Turns,
    _folder: Folder,
}

/// Who does the rounds.
#[derive(Debug)]
enum Turns {
    /// A thread of its own; `None` only while the store is being dropped.
    Thread(Option<JoinHandle<()>>),
    /// Whoever calls for one, so that a seed decides when.
    #[cfg(feature = "simulated")]
    ByHand(Box<parking_lot::Mutex<Committer>>),
}

impl EmbeddedStore {
    /// Opens the store in the folder at `path`, and makes both if they are not there.
    ///
    /// Reads every record back, so a store that opens is whole.
    pub fn open(path: impl AsRef<Path>, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let files = Arc::new(LocalFiles);
        let (path, sizes) = (path.as_ref(), Sizes::default());
        Self::open_with_thread(files, path, clock, sizes, Beside::Thread)
    }

    /// Says of the store in the folder at `path`, if there is one, that others are served after it.
    /// Whoever opens it again finds no session in it valid (S20).
    ///
    /// # Errors
    ///
    /// [`OpenError::InUse`] while somebody has it open; else what the system said.
    pub fn disown(path: impl AsRef<Path>) -> Result<(), OpenError> {
        let (files, path) = (Arc::new(LocalFiles), path.as_ref());
        let store = path.join("store");
        // Without one there is nothing to lock: nodes of a shared store may have one folder.
        if !files.has(&store).map_err(|e| OpenError::io(&store, e))? {
            return Ok(());
        }
        Folder::take(files, path)?.disown()
    }

    /// Opens the store in a folder of files that may be simulated, with a committing thread that
    /// shuttle schedules. Checkpoints are its work too.
    #[cfg(feature = "shuttle")]
    pub fn open_scheduled(
        files: Arc<dyn Files>,
        path: impl AsRef<Path>,
        clock: Arc<dyn Clock>,
        sizes: Sizes,
    ) -> Result<Self, OpenError> {
        Self::open_with_thread(files, path.as_ref(), clock, sizes, Beside::NextRound)
    }

    /// Opens the store in a folder of files that may be simulated. It starts no thread: a round is
    /// done when somebody calls for [`turn`](Self::turn), and dropping it closes nothing.
    #[cfg(feature = "simulated")]
    pub fn open_simulated(
        files: Arc<dyn Files>,
        path: impl AsRef<Path>,
        clock: Arc<dyn Clock>,
        sizes: Sizes,
    ) -> Result<Self, OpenError> {
        let by_hand = |committer| Ok(Turns::ByHand(Box::new(parking_lot::Mutex::new(committer))));
        Self::open_on(
            files,
            path.as_ref(),
            clock,
            sizes,
            Beside::NextRound,
            by_hand,
        )
    }

    /// Does one round with all that waits.
    #[cfg(feature = "simulated")]
    pub fn turn(&self) {
        if let Turns::ByHand(committer) = &self.committer {
            committer.lock().turn_once();
        }
    }

    fn open_with_thread(
        files: Arc<dyn Files>,
        path: &Path,
        clock: Arc<dyn Clock>,
        sizes: Sizes,
        beside: Beside,
    ) -> Result<Self, OpenError> {
        let begin = |committer: Committer| {
            let thread = thread::Builder::new().name("innkeeper-commit".into());
            let begun = thread.spawn(move || committer.run());
            Ok(Turns::Thread(Some(begun?)))
        };
        Self::open_on(files, path, clock, sizes, beside, begin)
    }

    fn open_on(
        files: Arc<dyn Files>,
        path: &Path,
        clock: Arc<dyn Clock>,
        sizes: Sizes,
        beside: Beside,
        begin: impl FnOnce(Committer) -> io::Result<Turns>,
    ) -> Result<Self, OpenError> {
        let folder = Folder::take(files, path)?;
        let files = &folder.files;
        let Found { data, mark, lies } = folder.open()?;
        let (mut loaded, scanned) = load(&**files, &data, &mark, folder.path())?;
        if lies == Lies::Elsewhere {
            let now = u64::try_from(clock.wall().as_millis()).unwrap_or(u64::MAX);
            loaded.come_back(Timestamp::from_millis(now), folder.path())?;
            tracing::warn!(
                folder = %folder.path().display(),
                "the store lies in other files than those it was served from, or others were served \
                 after it: this is a copy, or one that was left, which may be older, so no session \
                 in it is valid any more"
            );
        }
        let disk = Disk::resume(files, &data, scanned, sizes);
        let disk = disk.map_err(|e| OpenError::io(&data, e))?;
        let time = CeiledTime::starting_at(loaded.head.ceiling, clock);
        let (head, highest) = (loaded.head, loaded.highest);
        let shared = Arc::new(Shared::new(disk, time, loaded));
        let (jobs, waiting) = mpsc::sync_channel(WAITING_MAX);
        let mut committer =
            Committer::new(Arc::clone(&shared), mark, waiting, head, highest, beside);
        // The first batch of this process shows early whether there is room to write.
        committer
            .raise_ceiling()
            .map_err(|e| e.at_opening(folder.path()))?;
        // With that batch the generation is durable under which it is served.
        folder.settle()?;
        let committer = begin(committer).map_err(|e| OpenError::io(folder.path(), e))?;
        Ok(Self {
            shared,
            jobs: Some(jobs),
            committer,
            _folder: folder,
        })
    }

    /// Writes down what is in memory only, and takes no change and hands out no time after it.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.ask(Stopped::Closed.into(), Job::Close).await
    }

    /// Waits until a write has failed in a way that leaves its fate unknown. From then on this
    /// store says nothing but that, until it is opened anew.
    pub async fn failed(&self) {
        loop {
            let mut told = std::pin::pin!(self.shared.failed.notified());
            // Before the look, so that a stop between the two is heard.
            told.as_mut().enable();
            if let Some(Stopped::Failed(_)) = self.shared.stopped.get() {
                return;
            }
            told.await;
        }
    }

    /// Writes a checkpoint: opening then reads that, and what was written after it. One is made
    /// now and then without being asked for.
    pub async fn checkpoint(&self) -> Result<(), StoreError> {
        let job = |reply| Job::Checkpoint(None, reply);
        self.ask(Stopped::Closed.into(), job).await
    }

    /// Puts a question to the committing thread, and waits for its answer.
    ///
    /// The question is put before the first await, and from there on the work is done, whether
    /// or not anybody still waits (S19). If no answer comes, the error is `lost`.
    pub(crate) async fn ask<T>(
        &self,
        lost: StoreError,
        job: impl FnOnce(Reply<T>) -> Job,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.send(job(reply))?;
        answer.await.unwrap_or(Err(lost))
    }

    fn send(&self, job: Job) -> Result<(), Stopped> {
        if let Some(stopped) = self.shared.stopped.get() {
            return Err(stopped.clone());
        }
        let jobs = self.jobs.as_ref().ok_or(Stopped::Closed)?;
        jobs.try_send(job).map_err(|e| match e {
            TrySendError::Full(_) => Stopped::Busy,
            TrySendError::Disconnected(_) => Stopped::Closed,
        })
    }

    /// Has a read of the disk done beside everything else.
    pub(crate) async fn beside<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        match self.committer {
            Turns::Thread(_) => task::spawn_blocking(read).await.map_err(|e| {
                let source = Box::new(e);
                StoreError::Unavailable { source }
            }),
            #[cfg(feature = "simulated")]
            Turns::ByHand(_) => Ok(read()),
        }
    }

    /// The time now, if memory may say so; asks ahead for more of it.
    fn now(&self) -> Option<Timestamp> {
        let now = self.shared.time.now()?;
        if self.shared.time.runs_low(now) && !self.shared.raise_asked.swap(true, Ordering::AcqRel) {
            // If it is not taken up, somebody will have to wait for it.
            let _ = self.send(Job::RaiseCeiling(None));
        }
        Some(now)
    }

    /// Waits until the ceiling lets time go on.
    async fn more_time(&self) -> Result<(), StoreError> {
        self.ask(Stopped::Closed.into(), |reply| {
            Job::RaiseCeiling(Some(reply))
        })
        .await
    }

    /// Waits until a round that changes a roster is over, and what it made is to be seen.
    ///
    /// If it failed nobody knows what is to be seen, so nothing is said about that roster.
    async fn wait_for(&self, round_over: Notified<'_>) -> Result<(), StoreError> {
        // It hears of what comes after it was made, so a stop that it missed is seen here.
        self.shared.goes_on()?;
        round_over.await;
        Ok(())
    }

    fn hear(&self, tag: RosterTag, place: &Place) {
        if self.shared.resident.hear(tag, place) {
            // If it is not taken up, there are rounds enough that look.
            let _ = self.send(Job::Heard);
        }
    }
}

impl Drop for EmbeddedStore {
    fn drop(&mut self) {
        // The thread ends when nobody is left to ask it.
        self.jobs = None;
        if let Turns::Thread(thread) = &mut self.committer
            && let Some(thread) = thread.take()
        {
            let _ = thread.join();
        }
    }
}

#[async_trait]
impl SessionStore for EmbeddedStore {
    async fn read(&self, tag: RosterTag, key: Option<KeyDigest>) -> Result<Reading, StoreError> {
        loop {
            let round_over = {
                let shard = self.shared.alone(tag)?;
                let changing = shard.get(&tag).is_some_and(|p| p.changing);
                if changing {
                    Some(self.shared.round_over.notified())
                } else if let Some(now) = self.now() {
                    let keys = self.shared.keys.lock();
                    return Ok(Reading {
                        roster: shard.get(&tag).map(|place| Arc::clone(place.opened())),
                        now,
                        ground: *self.shared.ground.read(),
                        remembered: key.and_then(|k| keys.find(k, now)).cloned(),
                        keys_held: keys.held(tag, now),
                    });
                } else {
                    None
                }
            };
            match round_over {
                Some(round_over) => self.wait_for(round_over).await?,
                None => self.more_time().await?,
            }
        }
    }

    fn glance(
        &self,
        tag: RosterTag,
        look: &mut dyn FnMut(Option<&Kept>, Timestamp) -> Heard,
    ) -> bool {
        let shard = self.shared.resident.look(tag);
        let Some(now) = self.now() else {
            return false;
        };
        let place = shard.get(&tag);
        match (look(place.map(|place| &place.kept), now), place) {
            (Heard::Yes, Some(place)) => self.hear(tag, place),
            (Heard::Yes | Heard::No, _) => {}
        }
        true
    }

    async fn commit(&self, mut commit: Commit) -> Result<Outcome, StoreError> {
        let tag = commit.tag;
        // Here and not on the committing thread, which all wait for.
        self.shared
            .resident
            .texts
            .share_in_changes(&mut commit.changes);
        let entry = commit.entry.written();
        self.ask(StoreError::Unknown { tag }, |reply| {
            Job::Commit(Box::new((commit, entry)), reply)
        })
        .await
    }

    async fn touch(&self, touch: Touch) -> Result<Touched, StoreError> {
        let tag = touch.session.tag();
        loop {
            match self.touch_in_memory(&touch)? {
                InMemory::Done(touched) => return Ok(touched),
                InMemory::TimeIsUp => self.more_time().await?,
                InMemory::Packed => drop(self.shared.alone(tag)?),
                InMemory::Changing(round_over) => self.wait_for(round_over).await?,
                InMemory::NotDurable => {
                    let job = |reply| Job::Touch(touch, reply);
                    return self.ask(StoreError::Unknown { tag }, job).await;
                }
            }
        }
    }

    async fn tail(&self, after: Option<&Cursor>, limit: usize) -> Result<Tail, StoreError> {
        self.page_after(after, limit).await
    }

    async fn latest(&self) -> Result<Option<Cursor>, StoreError> {
        Ok(self.latest_cursor())
    }

    async fn listen(&self, after: Option<&Cursor>) -> Result<(), StoreError> {
        self.wait_for_growth(after).await
    }

    async fn trim(&self, through: &Cursor) -> Result<(), StoreError> {
        self.let_go(through).await
    }

    async fn erase(&self, tag: RosterTag, others: &[Cursor]) -> Result<(), StoreError> {
        let through = self.shared.last_place();
        let place_of = |cursor| self.shared.cursors.place_of(cursor);
        let others = others.iter().map(place_of).collect::<Result<_, _>>()?;
        let erasure = Some(Erasure {
            tag,
            through,
            others,
        });
        let job = |reply| Job::Checkpoint(erasure, reply);
        self.ask(Stopped::Closed.into(), job).await
    }

    async fn walk(
        &self,
        after: Option<RosterTag>,
        limit: usize,
    ) -> Result<Vec<RosterTag>, StoreError> {
        Ok(self.shared.resident.walk(after, limit))
    }

    async fn forget(&self, tag: RosterTag, version: RosterVersion) -> Result<(), StoreError> {
        self.ask(StoreError::Unknown { tag }, |reply| {
            Job::Forget(tag, version, reply)
        })
        .await
    }

    async fn raise_floor(&self) -> Result<Floor, StoreError> {
        self.ask(Stopped::Closed.into(), Job::RaiseFloor).await
    }

    fn ready(&self) -> Result<(), StoreError> {
        self.shared.ready()
    }
}

/// How far a sign of life got without the committing thread.
enum InMemory<'a> {
    Done(Touched),
    /// The ceiling has to be raised first.
    TimeIsUp,
    /// The roster has to be opened first.
    Packed,
    /// It came too late, unless the round under way moves the deadline.
    Changing(Notified<'a>),
    /// It brings a grace nearer, which has to be durable.
    NotDurable,
}

impl EmbeddedStore {
    fn touch_in_memory(&self, touch: &Touch) -> Result<InMemory<'_>, StoreError> {
        let tag = touch.session.tag();
        let quick = self.touch_in(&self.shared.resident.look(tag), touch);
        Ok(match quick {
            // Somebody with an earlier time may be hearing from it right now, so a no is given
            // alone, as in a reading (S2).
            InMemory::Done(Touched::Dead) => self.touch_in(&*self.shared.alone(tag)?, touch),
            quick => quick,
        })
    }

    fn touch_in(&self, shard: &Shard, touch: &Touch) -> InMemory<'_> {
        let Some(now) = self.now() else {
            return InMemory::TimeIsUp;
        };
        let Some(place) = shard.get(&touch.session.tag()) else {
            return InMemory::Done(Touched::Dead);
        };
        let Kept::Open(roster) = &place.kept else {
            return InMemory::Packed;
        };
        let session = roster.find(touch.session);
        let Some(session) = session.filter(|s| roster.is_live(s, now)) else {
            return if place.changing {
                InMemory::Changing(self.shared.round_over.notified())
            } else {
                InMemory::Done(Touched::Dead)
            };
        };
        let nearer = match (touch.grace_ends_at, &session.previous) {
            (Some(end), Some(previous)) => end < previous.accepted_until.get(),
            _ => false,
        };
        if nearer {
            return InMemory::NotDurable;
        }
        if session.last_seen.advance(now) {
            self.hear(touch.session.tag(), place);
        }
        InMemory::Done(Touched::Live(Arc::clone(session)))
    }
}
