//! Checkpoints: all that memory holds, in one file, so that opening need not read every change.
//!
//! The committing thread takes what there is between two batches: rosters are shared with it,
//! not copied. Another thread writes them to a file aside, syncs it, and puts it in place under
//! the number of the last batch that it holds. Only then may segments go that it makes needless.
//! Its frames are those of the log, numbered from 1.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use innkeeper_domain::roster::Roster;
use innkeeper_store::{Remembered, StoreError, record};

use crate::committer::Reply;
use crate::disk::{Disk, Head, HeadRecord, Slot};
use crate::error::{Damage, OpenError};
use crate::log::Erasure;
use crate::log::frame::{self, Frames, Next};
use crate::log::row::{self, Kind, Rows};
use crate::shared::Shared;

/// How long the rows of one frame grow.
const FRAME: usize = 1 << 18;
/// How much may be written before a checkpoint is made, if the last one was smaller.
const BEHIND: u64 = 64 << 20;
const ASIDE: &str = "checkpoint.new";

/// What memory holds after a batch.
#[derive(Debug)]
pub(crate) struct Taken {
    head: Head,
    rosters: Vec<Arc<Roster>>,
    keys: Vec<Remembered>,
    register: Vec<(String, Slot)>,
}

impl Taken {
    /// Takes it; no batch may be under way.
    pub(crate) fn of(shared: &Shared, head: &Head) -> Self {
        shared.disk.log.catch_up();
        let register = shared.register.read();
        Self {
            head: *head,
            rosters: shared.resident.all().collect(),
            keys: shared.keys.lock().all().cloned().collect(),
            register: register
                .iter()
                .map(|(n, s)| (n.clone(), s.clone()))
                .collect(),
        }
    }

    /// Writes it down, puts it in place, and removes what it makes needless.
    ///
    /// Gives up where `is_over` says so. If it fails, all is as before.
    pub(crate) fn write(&self, disk: &Disk, is_over: impl Fn() -> bool) -> io::Result<Written> {
        let aside = disk.folder.join(ASIDE);
        let written = self.write_to(&aside, disk, is_over);
        if !matches!(written, Ok(Written::InPlace)) {
            // What it took of the disk is needed for the log. It is gone if it is in place.
            let _ = fs::remove_file(&aside);
        }
        written
    }

    fn write_to(
        &self,
        aside: &Path,
        disk: &Disk,
        is_over: impl Fn() -> bool,
    ) -> io::Result<Written> {
        let mut writer = Writer::create(aside)?;
        writer.row(
            Kind::Head,
            b"",
            &record::encode(&HeadRecord::from(&self.head)),
        )?;
        for roster in &self.rosters {
            if is_over() {
                return Ok(Written::GivenUp);
            }
            writer.row(
                Kind::Roster,
                roster.tag.as_bytes(),
                &record::encode_roster(roster),
            )?;
        }
        for remembered in &self.keys {
            let bytes = record::encode_remembered(remembered);
            writer.row(Kind::Key, &remembered.key.0, &bytes)?;
        }
        for (name, slot) in &self.register {
            writer.row(Kind::Register, b"", &record::encode(&(name, slot)))?;
        }
        writer.finish()?;
        let held = self.head.batch;
        fs::rename(aside, path_of(&disk.folder, held))?;
        File::open(&disk.folder)?.sync_all()?;
        for older in numbers_in(&disk.folder)?
            .into_iter()
            .filter(|older| *older < held)
        {
            fs::remove_file(path_of(&disk.folder, older))?;
        }
        disk.log.drop_before(held, self.head.trimmed)?;
        Ok(Written::InPlace)
    }
}

/// Somebody who waits for a checkpoint, and for what is to be erased behind it.
pub(crate) type Asked = (Option<Erasure>, Reply<()>);

/// The checkpoints of an open store, written one at a time beside the commits.
#[derive(Debug, Default)]
pub(crate) struct Checkpoints {
    under_way: Option<UnderWay>,
    /// Who waits for one that begins from now on.
    asked: Vec<Asked>,
    /// How much may be written to the log before the next; `None` if that is to be looked up.
    allowance: Option<u64>,
}

impl Checkpoints {
    /// Begins one if so much was written since the last, or if it is asked for.
    ///
    /// Whoever asks while one is under way waits for it and then for its own; commits do not.
    pub(crate) fn turn(&mut self, shared: &Arc<Shared>, head: &Head, asked: Vec<Asked>) {
        self.asked.extend(asked);
        if self.under_way.as_ref().is_some_and(UnderWay::is_over) {
            self.wait();
        }
        if self.under_way.is_some() {
            return;
        }
        let allowance = *self
            .allowance
            .get_or_insert_with(|| allowance(&shared.disk.folder));
        if self.asked.is_empty() && shared.disk.log.behind() < allowance {
            return;
        }
        let asked = std::mem::take(&mut self.asked);
        let erasures: Vec<_> = asked.iter().filter_map(|(erasure, _)| *erasure).collect();
        if !erasures.is_empty() {
            shared.disk.log.turn_over();
        }
        let (shared, taken) = (Arc::clone(shared), Taken::of(shared, head));
        let is_done = Arc::new(AtomicBool::new(false));
        let done = Arc::clone(&is_done);
        let work = move || {
            let is_over = || shared.stopped.get().is_some();
            let written = taken.write(&shared.disk, is_over);
            let written = written.and_then(|written| match written {
                Written::InPlace => shared.disk.log.erase(&erasures, taken.head.batch, is_over),
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
            done.store(true, Ordering::Release);
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
        };
        let thread = thread::Builder::new().name("innkeeper-checkpoint".into());
        match thread.spawn(work) {
            Ok(thread) => self.under_way = Some(UnderWay { thread, is_done }),
            Err(error) => {
                tracing::warn!(%error, "no thread for a checkpoint; the log holds it all");
            }
        }
    }

    /// Whether somebody waits for one to begin, once that is over which is under way.
    pub(crate) fn is_awaited(&self) -> bool {
        !self.asked.is_empty()
    }

    /// Waits until none is under way.
    fn wait(&mut self) {
        if let Some(under_way) = self.under_way.take() {
            // It said itself what went wrong.
            let _ = under_way.thread.join();
            self.allowance = None;
        }
    }
}

impl UnderWay {
    fn is_over(&self) -> bool {
        self.is_done.load(Ordering::Acquire) || self.thread.is_finished()
    }
}

impl Drop for Checkpoints {
    /// Nothing writes to the folder once the store is closed: it may be opened anew.
    fn drop(&mut self) {
        self.wait();
    }
}

/// A checkpoint that another thread writes.
#[derive(Debug)]
struct UnderWay {
    thread: JoinHandle<()>,
    /// Set when all is done but telling so to those who asked.
    is_done: Arc<AtomicBool>,
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
fn allowance(folder: &Path) -> u64 {
    let newest = newest_in(folder).ok().flatten();
    let length = newest.and_then(|n| fs::metadata(path_of(folder, n)).ok());
    length.map_or(BEHIND, |found| found.len().max(BEHIND))
}

/// Hands the frames of the newest checkpoint to `take`, and says which batch it ends with: 0 if
/// there is none.
pub(crate) fn read(
    folder: &Path,
    store: &Path,
    mut take: impl FnMut(Vec<u8>) -> Result<(), OpenError>,
) -> Result<u64, OpenError> {
    let Some(held) = newest_in(folder).map_err(|e| OpenError::io(folder, e))? else {
        return Ok(0);
    };
    let path = path_of(folder, held);
    let damaged =
        |what| OpenError::damaged(store, format!("store/data/{held:016x}.checkpoint"), what);
    let io = |e| OpenError::io(&path, e);
    let mut frames = Frames::open(&path, 0).map_err(io)?;
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
pub(crate) fn clear(folder: &Path) -> io::Result<()> {
    match fs::remove_file(folder.join(ASIDE)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut numbers = numbers_in(folder)?;
    numbers.sort_unstable();
    numbers.pop();
    for older in numbers {
        fs::remove_file(path_of(folder, older))?;
    }
    Ok(())
}

fn is_end(rows: &[u8], number: u64) -> bool {
    let end = |row: row::Row<'_>| row.kind == Kind::End && row.key == number.to_be_bytes();
    matches!(Rows(rows).next(), Some(Ok(row)) if end(row))
}

fn path_of(folder: &Path, held: u64) -> PathBuf {
    folder.join(format!("{held:016x}.checkpoint"))
}

fn newest_in(folder: &Path) -> io::Result<Option<u64>> {
    Ok(numbers_in(folder)?.into_iter().max())
}

fn numbers_in(folder: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let digits = name
            .to_str()
            .and_then(|name| name.strip_suffix(".checkpoint"));
        numbers.extend(digits.and_then(|digits| u64::from_str_radix(digits, 16).ok()));
    }
    Ok(numbers)
}

/// Writes frames one after the other.
struct Writer {
    file: BufWriter<File>,
    frame: Vec<u8>,
    number: u64,
}

impl Writer {
    fn create(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)?;
        let mut frame = Vec::with_capacity(FRAME * 2);
        frame::begin(&mut frame);
        Ok(Self {
            file: BufWriter::new(file),
            frame,
            number: 1,
        })
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
        self.file.write_all(&self.frame)?;
        self.number += 1;
        frame::begin(&mut self.frame);
        Ok(())
    }

    fn finish(mut self) -> io::Result<()> {
        if self.frame.len() > frame::HEAD {
            self.end_frame()?;
        }
        row::write(&mut self.frame, Kind::End, &self.number.to_be_bytes(), b"");
        self.end_frame()?;
        let file = self
            .file
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        file.sync_all()
    }
}
