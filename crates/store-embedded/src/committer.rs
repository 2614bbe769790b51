//! The committing thread: it alone changes the store, one round at a time.

use std::collections::VecDeque;
use std::fmt;
use std::iter;
use std::sync::Arc;
use std::time::Duration;

use innkeeper_domain::roster::{Floor, Roster, RosterVersion};
use innkeeper_domain::session::Timestamp;
use innkeeper_domain::token::RosterTag;
use innkeeper_store::census::Census;
use innkeeper_store::journal::WrittenEntry;
use innkeeper_store::register::Put;
use innkeeper_store::{Commit, Outcome, StoreError, Touch, Touched};
use tokio::sync::oneshot;

use crate::checkpoint::{Beside, Checkpoints};
use crate::disk::Head;
use crate::error::{Stopped, WriteError};
use crate::log::Erasure;
use crate::mark::Mark;
use crate::resident::Form;
use crate::round::{Highest, Round};
use crate::shared::Shared;
use crate::snapshot::Taken;
use crate::sync::atomic::Ordering;
use crate::sync::mpsc::{Receiver, RecvTimeoutError};

/// How many changes may wait. Beyond it the store says so, instead of growing.
pub(crate) const WAITING_MAX: usize = 16_384;
/// How many of them one batch takes.
const ROUND_MAX: usize = 1024;
/// How long a sign of life may be in memory only.
const HEARD_KEPT: Duration = Duration::from_secs(5);

/// How often to look, while there is no room, whether there is.
const ROOM_LOOK: Duration = Duration::from_secs(1);
/// How often to look whether a checkpoint is over that somebody waits for.
const CHECKPOINT_LOOK: Duration = Duration::from_millis(10);
/// How many rosters are packed after one round: what comes next waits for that.
const PACKED_MAX: usize = 128;
/// How long to wait for something to do before more of them are packed.
const PACKED_LOOK: Duration = Duration::from_millis(100);

/// Where an answer goes. Nobody may be waiting for it any more; the work is done all the same.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// What is asked of the committing thread.
#[derive(Debug)]
pub(crate) enum Job {
    Commit(Box<(Commit, WrittenEntry)>, Reply<Outcome>),
    Touch(Touch, Reply<Touched>),
    Forget(RosterTag, RosterVersion, Reply<()>),
    RaiseFloor(Reply<Floor>),
    /// Let go of the journal up to this place.
    Trim(u64, Reply<()>),
    Put(String, Option<u64>, Option<Vec<u8>>, Reply<Put>),
    /// Let time go on; a reading waits for it, unless it was asked for ahead.
    RaiseCeiling(Option<Reply<()>>),
    /// The first sign of life since they were last written down: wakes the thread, which looks
    /// itself whether there are any.
    Heard,
    /// Take everything as it is after this round.
    Snapshot(Reply<Taken>),
    /// Write everything down anew, as it is after this round, and without what is to be erased.
    Checkpoint(Option<Erasure>, Reply<()>),
    Close(Reply<()>),
}

/// An answer that is given once the fate of its round is known.
type Answer = Box<dyn FnOnce(Result<(), Stopped>)>;

pub(crate) struct Committer {
    shared: Arc<Shared>,
    mark: Mark,
    jobs: Receiver<Job>,
    head: Head,
    highest: Highest,
    census: Census,
    checkpoints: Checkpoints,
    /// Rosters that are open, and at what time they were last found not to rest.
    open: VecDeque<(RosterTag, Timestamp)>,
    /// Until when, by the steady clock, signs of life may stay in memory only.
    heard_until: Option<Duration>,
}

impl fmt::Debug for Committer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Committer").finish_non_exhaustive()
    }
}

impl Committer {
    pub(crate) fn new(
        shared: Arc<Shared>,
        mark: Mark,
        jobs: Receiver<Job>,
        head: Head,
        highest: Highest,
        beside: Beside,
    ) -> Self {
        Self {
            shared,
            mark,
            jobs,
            head,
            highest,
            census: Census::default(),
            checkpoints: Checkpoints::new(beside),
            open: VecDeque::new(),
            heard_until: None,
        }
    }

    /// Lets time begin, before anybody asks for it.
    pub(crate) fn raise_ceiling(&mut self) -> Result<(), WriteError> {
        Round::begin(
            &self.shared,
            &mut self.head,
            &mut self.highest,
            &mut self.census,
        )
        .write(&self.mark)
    }

    /// Works until it is told to close, or nobody is left to ask, or a write is in doubt.
    pub(crate) fn run(mut self) {
        let _guard = PanicGuard(Arc::clone(&self.shared));
        while self.shared.stopped.get().is_none() {
            match self.wait() {
                Some(waiting) => self.turn(waiting),
                // Why it could not is in the log; nobody is left to be told.
                None => drop(self.close()),
            }
        }
        self.refuse_rest();
    }

    /// Does one round with all that waits, on the thread of whoever calls.
    #[cfg(feature = "simulated")]
    pub(crate) fn turn_once(&mut self) {
        if self.shared.stopped.get().is_none() {
            let waiting = self.jobs.try_iter().take(ROUND_MAX).collect();
            self.turn(waiting);
        }
        self.refuse_rest();
    }

    /// Once it has stopped: answers that nothing is done any more.
    fn refuse_rest(&self) {
        while let Some(stopped) = self.shared.stopped.get()
            && let Ok(job) = self.jobs.try_recv()
        {
            job.refuse(stopped);
        }
    }

    /// Waits for something to do, then takes all that is there. `None` if nobody is left to ask.
    fn wait(&mut self) -> Option<Vec<Job>> {
        let first = if self.checkpoints.is_awaited() {
            self.jobs.recv_timeout(CHECKPOINT_LOOK)
        } else if self.shared.is_full() {
            self.jobs.recv_timeout(ROOM_LOOK)
        } else if !self.open.is_empty() {
            self.jobs.recv_timeout(PACKED_LOOK)
        } else if self.heard_until.is_some() {
            self.jobs.recv_timeout(HEARD_KEPT)
        } else {
            self.jobs.recv().map_err(|_| RecvTimeoutError::Disconnected)
        };
        match first {
            Ok(first) => {
                let more = self.jobs.try_iter().take(ROUND_MAX - 1);
                Some(iter::once(first).chain(more).collect())
            }
            Err(RecvTimeoutError::Timeout) => {
                if !self.checkpoints.is_awaited() && self.open.is_empty() {
                    self.heard_until = Some(Duration::ZERO);
                }
                Some(Vec::new())
            }
            Err(RecvTimeoutError::Disconnected) => None,
        }
    }

    /// Does what waits, as one batch, and answers when that is durable.
    fn turn(&mut self, waiting: Vec<Job>) {
        let (mut closing, mut asked, mut wanted) = (Vec::new(), Vec::new(), Vec::new());
        let mut answers = Vec::with_capacity(waiting.len());
        let shared = &self.shared;
        let mut round = Round::begin(shared, &mut self.head, &mut self.highest, &mut self.census);
        for job in waiting {
            match job {
                Job::Close(reply) => closing.push(reply),
                Job::Snapshot(reply) => asked.push(reply),
                Job::Checkpoint(erasure, reply) => wanted.push((erasure, reply)),
                job => answers.extend(job.carry_out(&mut round)),
            }
        }
        let now = shared.time.clock.steady();
        // Whoever was heard from may have found no room in the queue to say so.
        if shared.resident.has_heard() {
            self.heard_until.get_or_insert(now + HEARD_KEPT);
        }
        if self.heard_until.is_some_and(|until| until <= now) {
            self.heard_until = None;
            round.flush_heard();
        }
        let at = round.now();
        let written = round.write(&self.mark);
        shared.raise_asked.store(false, Ordering::Release);
        let written = written.map_err(|error| shared.refuse_after(error));
        for answer in answers {
            answer(written.clone());
        }
        for reply in asked {
            let taken = written
                .clone()
                .map(|()| Taken::of(&self.shared, &self.head));
            // Nobody may be waiting any more.
            let _ = reply.send(taken.map_err(StoreError::from));
        }
        if written.is_ok() {
            self.checkpoints.turn(&self.shared, &self.head, wanted);
            self.pack(at);
        } else {
            let refusal = written.clone().err();
            for ((_, reply), stopped) in wanted.into_iter().zip(refusal.into_iter().cycle()) {
                // Nobody may be waiting any more.
                let _ = reply.send(Err(stopped.into()));
            }
        }
        if !closing.is_empty() {
            let closed = written.and_then(|()| self.close());
            for reply in closing {
                // Nobody may be waiting any more.
                let _ = reply.send(closed.clone().map_err(StoreError::from));
            }
        }
    }

    /// Packs some of the rosters that rest at `now`.
    fn pack(&mut self, now: Timestamp) {
        let resident = &self.shared.resident;
        let opened = resident.take_opened().into_iter();
        self.open.extend(opened.map(|tag| (tag, now)));
        let rest = self.shared.disk.log.sizes().rest;
        for _ in 0..PACKED_MAX.min(self.open.len()) {
            let Some((tag, _)) = self.open.pop_front_if(|(_, at)| at.plus(rest) <= now) else {
                break;
            };
            let rests = |roster: &Roster| roster.time_high.plus(rest) <= now;
            if resident.pack(tag, rests) == Form::Open {
                self.open.push_back((tag, now));
            }
        }
    }

    /// Writes down what is in memory only, and where time ended.
    fn close(&mut self) -> Result<(), Stopped> {
        let shared = &self.shared;
        let mut round = Round::begin(shared, &mut self.head, &mut self.highest, &mut self.census);
        round.close();
        let written = round
            .write(&self.mark)
            .and_then(|()| self.mark.sync().map_err(WriteError::Mark));
        match written {
            Ok(()) => {
                shared.stopped.get_or_init(|| Stopped::Closed);
                shared.grown.notify_waiters();
                Ok(())
            }
            Err(error) => Err(shared.stop_after(error)),
        }
    }
}

impl Job {
    /// Does this in `round`, and hands back the answer to give once the round is durable.
    fn carry_out(self, round: &mut Round<'_>) -> Option<Answer> {
        Some(match self {
            Self::Commit(asked, reply) => {
                let (commit, entry) = *asked;
                let tag = commit.tag;
                let outcome = round.commit(commit, &entry);
                answer(reply, outcome, move |_| StoreError::Unknown { tag })
            }
            Self::Touch(touch, reply) => {
                let tag = touch.session.tag();
                let touched = round.touch(&touch);
                answer(reply, touched, move |_| StoreError::Unknown { tag })
            }
            Self::Forget(tag, version, reply) => {
                let forgotten = round.forget(tag, version);
                answer(reply, forgotten, move |_| StoreError::Unknown { tag })
            }
            Self::RaiseFloor(reply) => {
                let floor = round.raise_floor();
                answer(reply, Ok(floor), StoreError::from)
            }
            Self::Trim(through, reply) => {
                round.trim(through);
                answer(reply, Ok(()), StoreError::from)
            }
            Self::Put(name, seen, value, reply) => {
                let put = round.put(name, seen, value);
                answer(reply, Ok(put), StoreError::from)
            }
            Self::RaiseCeiling(reply) => answer(reply?, Ok(()), StoreError::from),
            Self::Heard | Self::Snapshot(_) | Self::Checkpoint(..) | Self::Close(_) => {
                return None;
            }
        })
    }

    /// Answers that nothing is done any more; this was not.
    fn refuse(self, stopped: &Stopped) {
        let error = StoreError::from(stopped.clone());
        // Nobody may be waiting any more.
        let _: Result<(), ()> = match self {
            Self::Commit(_, reply) => reply.send(Err(error)).map_err(drop),
            Self::Touch(_, reply) => reply.send(Err(error)).map_err(drop),
            Self::Put(_, _, _, reply) => reply.send(Err(error)).map_err(drop),
            Self::RaiseFloor(reply) => reply.send(Err(error)).map_err(drop),
            Self::Snapshot(reply) => reply.send(Err(error)).map_err(drop),
            Self::RaiseCeiling(Some(reply))
            | Self::Forget(_, _, reply)
            | Self::Trim(_, reply)
            | Self::Checkpoint(_, reply)
            | Self::Close(reply) => reply.send(Err(error)).map_err(drop),
            Self::RaiseCeiling(None) | Self::Heard => Ok(()),
        };
    }
}

/// Keeps `value` for `reply` until it is known whether its round was written.
fn answer<T: Send + 'static>(
    reply: Reply<T>,
    value: Result<T, StoreError>,
    lost: impl FnOnce(Stopped) -> StoreError + 'static,
) -> Answer {
    Box::new(move |written| {
        // Nobody may be waiting any more.
        let written = written.map_err(|stopped| match stopped {
            // Nothing was done, and that is known.
            Stopped::NoRoom(_) => stopped.into(),
            Stopped::Failed(_) | Stopped::Closed | Stopped::Busy => lost(stopped),
        });
        let _ = reply.send(written.and(value));
    })
}

/// Stops the store if the thread panics, which would otherwise look like a long wait.
struct PanicGuard(Arc<Shared>);

impl Drop for PanicGuard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop_after(WriteError::Panicked);
        }
    }
}
