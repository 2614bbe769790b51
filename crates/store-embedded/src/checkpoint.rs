//! Checkpoints: all that memory holds, in one file, so that opening need not read every change.
//!
//! The committing thread takes what there is between two batches: rosters are shared with it,
//! not copied. Another thread writes them to a file aside, syncs it, and puts it in place under
//! the number of the last batch that it holds. Only then may segments go that it makes needless.
//! Its frames are those of the log, numbered from 1.

use std::fmt;
use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use innkeeper_domain::token::RosterTag;
use innkeeper_store::{Kept, Remembered, StoreError, record};

use crate::aside::{Aside, has_room};
use crate::committer::Reply;
use crate::disk::{Disk, Head, HeadRecord, Slot};
use crate::error::{Damage, OpenError, WriteError};
use crate::files::{Files, is_moved, remove_if_there};
use crate::log::Erasure;
use crate::log::frame::{self, Frames, Next};
use crate::log::row::{self, Kind, Rows};
use crate::shared::Shared;

/// How long the rows of one frame grow.
const FRAME: usize = 1 << 18;
/// How long to wait after one that failed before the next is tried that nobody asks for.
const PAUSE: Duration = Duration::from_mins(1);
const ASIDE: &str = "checkpoint.new";

/// What memory holds after a batch.
#[derive(Debug)]
pub(crate) struct Taken {
    head: Head,
    /// How many bytes were written until then that no checkpoint held.
    behind: u64,
    rosters: Vec<(RosterTag, Kept)>,
    keys: Vec<Remembered>,
    register: Vec<(String, Slot)>,
}

impl Taken {
    /// Takes it; no batch may be under way.
    pub(crate) fn of(shared: &Shared, head: &Head) -> Self {
        let register = shared.register.read();
        Self {
            head: *head,
            behind: shared.disk.log.behind(),
            rosters: shared.resident.all().collect(),
            keys: shared.keys.lock().all().cloned().collect(),
            register: register
                .from("")
                .map(|(n, s)| (n.clone(), s.clone()))
                .collect(),
        }
    }

    /// Writes it down, puts it in place, and removes what it makes needless.
    ///
    /// Gives up where `is_over` says so, and fails where it would take room that the log may
    /// need. If it fails, all is as before.
    pub(crate) fn write(&self, disk: &Disk, is_over: impl Fn() -> bool) -> io::Result<Written> {
        let (files, reserve) = (&disk.files, disk.log.sizes().reserve);
        // What it holds is in the one before and in the log, and little of that is there twice.
        let length = length_of_newest(&**files, &disk.folder).unwrap_or_default() + self.behind;
        has_room(&**files, &disk.folder, length, reserve)?;
        let aside = Aside::begin(Arc::clone(files), &disk.folder, ASIDE, reserve)?;
        let mut writer = Writer::begin(aside);
        writer.row(
            Kind::Head,
            b"",
            &record::encode(&HeadRecord::from(&self.head)),
        )?;
        for (tag, kept) in &self.rosters {
            if is_over() {
                return Ok(Written::GivenUp);
            }
            let bytes = kept.encode().map_err(io::Error::other)?;
            writer.row(Kind::Roster, tag.as_bytes(), &bytes)?;
        }
        for remembered in &self.keys {
            let bytes = record::encode_remembered(remembered);
            writer.row(Kind::Key, &remembered.key.0, &bytes)?;
        }
        for (name, slot) in &self.register {
            writer.row(Kind::Register, b"", &record::encode(&(name, slot)))?;
        }
        let held = self.head.batch;
        writer
            .finish()?
            .put_in_place(&path_of(&disk.folder, held))?;
        files.sync_folder(&disk.folder)?;
        disk.log.catch_up(self.behind);
        for older in numbers_in(&**files, &disk.folder)? {
            if older < held {
                files.remove(&path_of(&disk.folder, older))?;
            }
        }
        let (last, trimmed) = (self.head.place, self.head.trimmed);
        disk.log.drop_before(held, last, trimmed)?;
        Ok(Written::InPlace)
    }
}

/// Somebody who waits for a checkpoint, and for what is to be erased behind it.
pub(crate) type Asked = (Option<Erasure>, Reply<()>);

/// The checkpoints of an open store, written one at a time beside the commits.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    beside: Beside,
    under_way: Option<UnderWay>,
    /// Who waits for one that begins from now on.
    asked: Vec<Asked>,
    /// How much may be written to the log before the next; `None` if that is to be looked up.
    allowance: Option<u64>,
    /// Until when, by the steady clock, none is tried that nobody asks for.
    paused_until: Duration,
}

/// Who writes a checkpoint while commits go on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Beside {
    /// A thread of its own.
    Thread,
    /// Whoever has the next round done, after it.
    NextRound,
}

impl Checkpoints {
    pub(crate) const fn new(beside: Beside) -> Self {
        Self {
            beside,
            under_way: None,
            asked: Vec::new(),
            allowance: None,
            paused_until: Duration::ZERO,
        }
    }

    /// Begins one if so much was written since the last, or if it is asked for.
    ///
    /// Whoever asks while one is under way waits for it and then for its own; commits do not.
    pub(crate) fn turn(&mut self, shared: &Arc<Shared>, head: &Head, asked: Vec<Asked>) {
        self.asked.extend(asked);
        if self.under_way.as_ref().is_some_and(UnderWay::is_over) {
            self.wait(shared);
        }
        if self.under_way.is_some() {
            return;
        }
        let disk = &shared.disk;
        let allowance = *self.allowance.get_or_insert_with(|| allowance(disk));
        let is_due = || {
            let is_paused = shared.time.clock.steady() < self.paused_until;
            disk.log.behind() >= allowance && !is_paused
        };
        if self.asked.is_empty() && !is_due() {
            return;
        }
        let asked = mem::take(&mut self.asked);
        let erasures: Vec<_> = asked.iter().filter_map(|(e, _)| e.clone()).collect();
        if !erasures.is_empty() {
            disk.log.turn_over();
        }
        let ended = Arc::new(OnceLock::new());
        let work = {
            let (shared, ended) = (Arc::clone(shared), Arc::clone(&ended));
            let taken = Taken::of(&shared, head);
            move || work(&shared, &taken, asked, &erasures, &ended)
        };
        if self.beside == Beside::NextRound {
            self.under_way = Some(UnderWay::NextRound(Work(Box::new(work)), ended));
            return;
        }
        let thread = thread::Builder::new().name("innkeeper-checkpoint".into());
        match thread.spawn(work) {
            Ok(thread) => self.under_way = Some(UnderWay::Thread(thread, ended)),
            Err(error) => {
                self.paused_until = shared.time.clock.steady() + PAUSE;
                tracing::warn!(%error, "no thread for a checkpoint; the log holds it all");
            }
        }
    }

    /// Whether somebody waits for one to begin, once that is over which is under way.
    pub(crate) fn is_awaited(&self) -> bool {
        !self.asked.is_empty()
    }

    /// Waits until none is under way.
    fn wait(&mut self, shared: &Shared) {
        let Some(under_way) = self.under_way.take() else {
            return;
        };
        self.allowance = None;
        // It said itself what went wrong.
        if under_way.join() != Some(Ended::Well) {
            self.paused_until = shared.time.clock.steady() + PAUSE;
        }
    }
}

/// Writes a checkpoint, erases behind it, and answers those who asked.
fn work(
    shared: &Shared,
    taken: &Taken,
    asked: Vec<Asked>,
    erasures: &[Erasure],
    ended: &OnceLock<Ended>,
) {
    let is_over = || shared.stopped.get().is_some();
    let written = taken.write(&shared.disk, is_over);
    let written = written.and_then(|written| match written {
        Written::InPlace if erasures.is_empty() => Ok(()),
        Written::InPlace => shared.disk.log.erase(erasures, &taken.head, is_over),
        Written::GivenUp if asked.is_empty() => Ok(()),
        Written::GivenUp => Err(io::Error::other("the store is being closed")),
    });
    if let Err(error) = &written {
        let error = error as &dyn std::error::Error;
        tracing::warn!(
            error,
            "no checkpoint could be written, or nothing erased; the log holds it all"
        );
    }
    if let Err(error) = &written
        && is_moved(error)
    {
        // The log is written to a folder that nobody finds, and that is not to go on unseen.
        let moved = io::Error::other(error.to_string());
        shared.stop_after(WriteError::Moved(moved));
    }
    let _ = ended.set(match &written {
        Ok(()) => Ended::Well,
        Err(_) => Ended::Failed,
    });
    for (_, reply) in asked {
        let answer = match &written {
            Ok(()) => Ok(()),
            Err(error) => Err(StoreError::Unavailable {
                source: Box::new(io::Error::new(error.kind(), error.to_string())),
            }),
        };
        // Nobody may be waiting any more.
        let _ = reply.send(answer);
    }
}

/// How one ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Ended {
    Well,
    Failed,
}

/// A checkpoint that is being written.
#[derive(Debug)]
enum UnderWay {
    /// The cell is filled when all is done but telling so to those who asked.
    Thread(JoinHandle<()>, Arc<OnceLock<Ended>>),
    NextRound(Work, Arc<OnceLock<Ended>>),
}

struct Work(Box<dyn FnOnce() + Send>);

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Work")
    }
}

impl UnderWay {
    /// Whether it would not be waited for.
    fn is_over(&self) -> bool {
        match self {
            Self::Thread(thread, ended) => ended.get().is_some() || thread.is_finished(),
            Self::NextRound(..) => true,
        }
    }

    /// Has it come to its end; `None` if it panicked.
    fn join(self) -> Option<Ended> {
        let ended = match self {
            Self::Thread(thread, ended) => {
                let _ = thread.join();
                ended
            }
            Self::NextRound(work, ended) => {
                (work.0)();
                ended
            }
        };
        ended.get().copied()
    }
}

impl Drop for Checkpoints {
    /// Nothing writes to the folder once the store is closed: it may be opened anew.
    fn drop(&mut self) {
        if let Some(UnderWay::Thread(thread, _)) = self.under_way.take() {
            let _ = thread.join();
        }
    }
}

/// What became of a checkpoint.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Written {
    InPlace,
    /// The store is being closed; the log holds it all.
    GivenUp,
}

/// How much may be written to the log before the next checkpoint: as much as the last one held,
/// so that a change is written about twice in all, and opening reads at most twice what it must.
fn allowance(disk: &Disk) -> u64 {
    let newest = length_of_newest(&*disk.files, &disk.folder).unwrap_or_default();
    newest.max(disk.log.sizes().checkpoint)
}

/// The length of the newest checkpoint: 0 if there is none.
fn length_of_newest(files: &dyn Files, folder: &Path) -> io::Result<u64> {
    match newest_in(files, folder)? {
        Some(held) => files.open(&path_of(folder, held))?.length(),
        None => Ok(0),
    }
}

/// Hands the frames of the newest checkpoint to `take`, and says which batch it ends with: 0 if
/// there is none.
pub(crate) fn read(
    files: &dyn Files,
    folder: &Path,
    store: &Path,
    mut take: impl FnMut(Vec<u8>) -> Result<(), OpenError>,
) -> Result<u64, OpenError> {
    let Some(held) = newest_in(files, folder).map_err(|e| OpenError::io(folder, e))? else {
        return Ok(0);
    };
    let path = path_of(folder, held);
    let damaged = |what| OpenError::damaged(store, name_of(held), what);
    let io = |e| OpenError::io(&path, e);
    let mut frames = Frames::open(files, &path, 0).map_err(io)?;
    let mut ended = false;
    for expected in 1_u64.. {
        match frames.next().map_err(io)? {
            Next::Frame { number, rows, .. } if number == expected && !ended => {
                ended = is_end(&rows, expected);
                if !ended {
                    take(rows)?;
                }
            }
            Next::End if ended => break,
            Next::End => return Err(damaged(Damage::Contradiction("ends before its last frame"))),
            Next::Frame { .. } | Next::Torn { .. } => {
                return Err(damaged(Damage::Contradiction("cannot be read back")));
            }
        }
    }
    Ok(held)
}

/// Removes what a crash left: one that was not finished, and ones that a newer has replaced.
pub(crate) fn clear(files: &dyn Files, folder: &Path) -> io::Result<()> {
    remove_if_there(files, &folder.join(ASIDE))?;
    let mut numbers = numbers_in(files, folder)?;
    numbers.sort_unstable();
    numbers.pop();
    for older in numbers {
        files.remove(&path_of(folder, older))?;
    }
    Ok(())
}

fn is_end(rows: &[u8], number: u64) -> bool {
    let end = |row: row::Row<'_>| row.kind == Kind::End && row.key == number.to_be_bytes();
    matches!(Rows(rows).next(), Some(Ok(row)) if end(row))
}

/// What it is called in messages.
pub(crate) fn name_of(held: u64) -> String {
    format!("store/data/{held:016x}.checkpoint")
}

fn path_of(folder: &Path, held: u64) -> PathBuf {
    folder.join(format!("{held:016x}.checkpoint"))
}

fn newest_in(files: &dyn Files, folder: &Path) -> io::Result<Option<u64>> {
    Ok(numbers_in(files, folder)?.into_iter().max())
}

fn numbers_in(files: &dyn Files, folder: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for name in files.list(folder)? {
        let digits = name.strip_suffix(".checkpoint");
        numbers.extend(digits.and_then(|digits| u64::from_str_radix(digits, 16).ok()));
    }
    Ok(numbers)
}

/// Writes frames one after the other.
struct Writer {
    file: Aside,
    frame: Vec<u8>,
    number: u64,
}

impl Writer {
    fn begin(file: Aside) -> Self {
        let mut frame = Vec::with_capacity(FRAME * 2);
        frame::begin(&mut frame);
        Self {
            file,
            frame,
            number: 1,
        }
    }

    fn row(&mut self, kind: Kind, key: &[u8], value: &[u8]) -> io::Result<()> {
        row::write(&mut self.frame, kind, key, value);
        if self.frame.len() < FRAME {
            return Ok(());
        }
        self.end_frame()
    }

    fn end_frame(&mut self) -> io::Result<()> {
        frame::seal(&mut self.frame, self.number)?;
        self.file.write(&self.frame)?;
        self.number += 1;
        frame::begin(&mut self.frame);
        Ok(())
    }

    /// Ends it, and hands it back durable.
    fn finish(mut self) -> io::Result<Aside> {
        if self.frame.len() > frame::HEAD {
            self.end_frame()?;
        }
        row::write(&mut self.frame, Kind::End, &self.number.to_be_bytes(), b"");
        self.end_frame()?;
        self.file.sync()?;
        Ok(self.file)
    }
}
