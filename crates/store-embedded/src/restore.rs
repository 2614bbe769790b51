//! Restore: a store made of a copy, aside, read back whole, and only then put in place (S20).

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use innkeeper_domain::session::Timestamp;
use innkeeper_store::archive::{CopyError, Counts, Head as CopyHead, Item};

use crate::chains;
use crate::disk::{Batch, Disk, Head, Slot};
use crate::error::OpenError;
use crate::files::{Files, LocalFiles};
use crate::folder::{Folder, Found};
use crate::load::load;
use crate::log::Sizes;
use crate::mark::Mark;
use crate::place;

/// How many records one batch takes.
const BATCH: usize = 512;

/// What to do where a store is there already.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Onto {
    /// Refuse: what is there would be lost.
    Nothing,
    /// Put it aside, and the restored one in its place.
    WhatIsThere,
}

/// A store that was restored.
#[derive(Clone, Debug)]
pub struct Restored {
    /// How much was brought back.
    pub counts: Counts,
    /// When the copy was made, by the time of the store it was made of.
    pub made_at: Timestamp,
    /// Where the store went that had been there.
    pub replaced: Option<PathBuf>,
}

/// Why nothing was restored. What was there is as it was, unless it is said that it is not.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// There is a store already.
    #[error("{} holds a store already", .path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// The copy cannot be read.
    #[error("the back-up cannot be restored")]
    Copy(#[from] CopyError),
    /// What is in the copy does not fit together.
    #[error("the back-up cannot be restored: its parts contradict each other")]
    Contradictory(#[source] OpenError),
    /// The folder cannot be used.
    #[error(transparent)]
    Folder(#[from] OpenError),
    /// It is all in its place, and may not be after a power cut.
    #[error("the back-up is in its place, but the system could not make that durable")]
    NotDurable {
        /// Where the store went that had been there.
        replaced: Option<PathBuf>,
        /// What the system said.
        source: OpenError,
    },
}

/// Makes the store in the folder at `path` of a copy, under a higher store generation: nothing in it
/// is live, whatever the copy says.
///
/// `now` is the wall clock's: it tells one restore of a copy from the next.
pub fn restore(
    path: impl AsRef<Path>,
    onto: Onto,
    copy: impl IntoIterator<Item = Result<Item, CopyError>>,
    now: Timestamp,
) -> Result<Restored, RestoreError> {
    restore_on(Arc::new(LocalFiles), path.as_ref(), onto, copy, now)
}

/// The same, on files that may be simulated.
pub fn restore_on(
    files: Arc<dyn Files>,
    path: &Path,
    onto: Onto,
    copy: impl IntoIterator<Item = Result<Item, CopyError>>,
    now: Timestamp,
) -> Result<Restored, RestoreError> {
    let folder = Folder::take(files, path)?;
    let files = &folder.files;
    let aside = folder.aside();
    let before = match (folder.has_store()?, onto) {
        (true, Onto::Nothing) => {
            let path = folder.path().to_path_buf();
            return Err(RestoreError::NotEmpty { path });
        }
        (true, Onto::WhatIsThere) => generation_of(&folder),
        (false, _) => None,
    };
    let made = folder.make_aside(|data| {
        let made = fill(
            &Disk::begin(files, data, Disk::FIRST_BATCH).map_err(|e| OpenError::io(data, e))?,
            copy,
            before,
            now,
            folder.path(),
        )?;
        Ok::<_, RestoreError>((made.head.batch, made))
    });
    let read_back = made.and_then(|made| {
        let mark =
            Mark::open(&**files, &aside.join("mark")).map_err(|e| OpenError::io(&aside, e))?;
        let data = aside.join("data");
        let read_back =
            load(&**files, &data, &mark, folder.path()).and_then(|(loaded, scanned)| {
                let disk = Disk::resume(files, &data, scanned, Sizes::default())
                    .map_err(|e| OpenError::io(&data, e))?;
                chains::follow(&disk, &loaded, folder.path())
            });
        read_back.map_err(RestoreError::Contradictory)?;
        Ok(made)
    });
    let made = match read_back {
        Ok(made) => made,
        Err(error) => {
            // The next one that comes here removes what is left of it.
            let _ = files.remove_folder(&aside);
            return Err(error);
        }
    };
    let replaced = swap(&folder, made.head.ground.store_generation.0)?;
    Ok(Restored {
        counts: made.counts,
        made_at: made.copied_at,
        replaced,
    })
}

struct Made {
    head: Head,
    counts: Counts,
    copied_at: Timestamp,
}

/// Writes every record of a copy down, and returns the head that goes with them.
fn fill(
    disk: &Disk,
    copy: impl IntoIterator<Item = Result<Item, CopyError>>,
    before: Option<u64>,
    now: Timestamp,
    path: &Path,
) -> Result<Made, RestoreError> {
    let written = |mut batch: Batch<'_>| {
        let done = batch.commit();
        done.map_err(|e| OpenError::io(path, e.into())).map(drop)
    };
    let mut begun: Option<Made> = None;
    let mut batch = disk.batch();
    let mut waiting = 0;
    for item in copy {
        let item = item?;
        if let Item::Head(head) = &item {
            begun = Some(begin(head, before, now));
            continue;
        }
        let made = begun.as_mut().ok_or(CopyError::Damaged("it has no head"))?;
        put(item, made, &mut batch);
        waiting += 1;
        if waiting == BATCH {
            made.head.batch += 1;
            batch.head(&made.head);
            written(std::mem::replace(&mut batch, disk.batch()))?;
            waiting = 0;
        }
    }
    let mut made = begun.ok_or(CopyError::Damaged("it has no head"))?;
    made.head.batch += 1;
    batch.head(&made.head);
    written(batch)?;
    Ok(made)
}

fn begin(head: &CopyHead, before: Option<u64>, now: Timestamp) -> Made {
    let mut ground = head.ground;
    let known = &mut ground.store_generation.0;
    *known = (*known).max(before.unwrap_or_default());
    let ground = ground.restored(now);
    let begun = ground.store_generation.journal_start();
    let trimmed = begun + u64::from(head.is_trimmed);
    Made {
        head: Head {
            // Each batch is numbered when it is written.
            batch: Disk::FIRST_BATCH - 1,
            place: trimmed,
            begun,
            trimmed,
            ceiling: head.now,
            ground,
            floor_rose_at: head.floor_rose_at,
        },
        counts: Counts::default(),
        copied_at: head.now,
    }
}

fn put(item: Item, made: &mut Made, batch: &mut Batch<'_>) {
    match item {
        Item::Head(_) => {}
        Item::Value(slot) => {
            made.counts.values += 1;
            let value = Slot {
                version: slot.version,
                value: slot.value,
            };
            batch.register(&slot.name, &value);
        }
        Item::Roster(roster) => {
            made.counts.rosters += 1;
            batch.roster(roster.tag, None, Some(&roster));
        }
        Item::Entry(entry) => {
            made.counts.entries += 1;
            made.head.place += 1;
            batch.entry(made.head.place, &entry.written());
        }
    }
}

/// The generation of the store that is there, if it can still be read: the restored one is
/// numbered above it.
fn generation_of(folder: &Folder) -> Option<u64> {
    let Found { data, mark, .. } = folder.open().ok()?;
    let (loaded, _) = load(&*folder.files, &data, &mark, folder.path()).ok()?;
    Some(loaded.head.ground.store_generation.0)
}

/// Puts what was made aside in its place, and what was there aside.
fn swap(folder: &Folder, number: u64) -> Result<Option<PathBuf>, RestoreError> {
    let (files, store, aside) = (&*folder.files, &folder.store(), &folder.aside());
    let moved = |e| OpenError::io(store, e);
    if !folder.has_store()? {
        files.rename(aside, store).map_err(moved)?;
        return durable(folder, None);
    }
    let kept = &free_name(folder, number)?;
    // Under this name already, so that one step puts both where they stay: a crash leaves either
    // of the two in its place, and neither without a name that is kept.
    files.rename(aside, kept).map_err(moved)?;
    folder.sync()?;
    match files.exchange(kept, store) {
        Ok(()) => {}
        // Between two of these steps there is no store. Opening does not begin an empty one beside
        // what was put aside.
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {
            files.rename(kept, aside).map_err(moved)?;
            files.rename(store, kept).map_err(moved)?;
            files.rename(aside, store).map_err(moved)?;
        }
        Err(error) => {
            // What cannot be removed is a store of which nobody was told, and dead.
            let _ = files.remove_folder(kept);
            return Err(moved(error).into());
        }
    }
    let replaced = durable(folder, Some(kept.clone()))?;
    // Renamed back by hand it would be older than what is served from here on.
    match place::disown(files, kept) {
        Ok(()) => Ok(replaced),
        Err(e) => Err(RestoreError::NotDurable {
            replaced,
            source: OpenError::io(kept, e),
        }),
    }
}

/// A name for what was there before the store of this generation.
fn free_name(folder: &Folder, number: u64) -> Result<PathBuf, OpenError> {
    let mut number = number;
    loop {
        let name = folder.path().join(format!("replaced-{number}"));
        if !folder.exists(&name)? {
            return Ok(name);
        }
        // Of a restore over a store that could not tell its generation.
        number += 1;
    }
}

fn durable(folder: &Folder, replaced: Option<PathBuf>) -> Result<Option<PathBuf>, RestoreError> {
    match folder.sync() {
        Ok(()) => Ok(replaced),
        Err(source) => Err(RestoreError::NotDurable { replaced, source }),
    }
}
