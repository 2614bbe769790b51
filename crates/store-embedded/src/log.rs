//! The log: every batch as one frame, synced once, in segments that are begun anew now and then.
//!
//! What a batch changed is durable when its frame is. Frames are numbered without gaps, so
//! opening knows of every one whether it is there. Only the end of the last segment can be torn
//! by a crash, and only there is anything cut off; a frame that cannot be read back anywhere
//! else is damage. Segments hold the journal too, so one stays until all of its entries were let
//! go of and a checkpoint holds what else it wrote.

mod erase;
pub(crate) mod frame;
pub(crate) mod row;
mod scan;

use std::io::{self, Read};
use std::iter;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub(crate) use erase::Erasure;
pub(crate) use scan::{Scanned, scan};

use self::frame::{Frames, Next};
use self::row::{Kind, Rows};
use crate::error::{Damage, Unwritten};
use crate::files::{File, Files, FromHere};
use crate::sync::{Mutex, RwLock};

/// How far apart the places of the journal are that are known without looking for them.
const STRIDE: u64 = 64 << 10;

/// Writes batches, and reads the journal back.
#[derive(Debug)]
pub(crate) struct Log {
    files: Arc<dyn Files>,
    folder: PathBuf,
    sizes: Sizes,
    writer: Mutex<Writer>,
    segments: RwLock<Vec<Segment>>,
}

/// How much is written before something else is due.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// How many bytes a segment of the log grows before the next is begun.
    pub segment: u64,
    /// How many bytes are written before a checkpoint is made, if the last one was smaller.
    pub checkpoint: u64,
    /// How many bytes of the disk are left to the log by whatever else is written.
    pub reserve: u64,
    /// How long a roster is left in peace before memory keeps it packed.
    pub rest: Duration,
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            segment: 64 << 20,
            checkpoint: 64 << 20,
            reserve: 8 << 20,
            rest: Duration::from_mins(1),
        }
    }
}

/// Whether a frame was the first of its segment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Begun {
    Segment,
    Nothing,
}

/// A file of frames.
#[derive(Debug)]
pub(crate) struct Segment {
    /// The number of its first batch, which is its name.
    pub(crate) first: u64,
    /// Where some of its journal entries lie: place and offset of the frame, in order.
    pub(crate) places: Vec<(u64, u64)>,
}

#[derive(Debug)]
struct Writer {
    file: Box<dyn File>,
    length: u64,
    /// Whether the next batch begins a segment, however short this one is.
    is_full: bool,
    /// Bytes written since the last checkpoint.
    behind: u64,
}

impl Segment {
    pub(crate) const fn new(first: u64) -> Self {
        Self {
            first,
            places: Vec::new(),
        }
    }

    /// Notes that the frame at `offset` begins with the entry at `place`.
    pub(crate) fn note(&mut self, place: u64, offset: u64) {
        let is_far = |(_, last): &(u64, u64)| offset >= last + STRIDE;
        if self.places.last().is_none_or(is_far) {
            self.places.push((place, offset));
        }
    }

    pub(crate) fn path(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{:016x}.log", self.first))
    }

    /// The number that a file of this name begins with, if it is a segment.
    pub(crate) fn number_in(name: &str) -> Option<u64> {
        let digits = name
            .strip_suffix(".log")
            .filter(|digits| digits.len() == 16)?;
        u64::from_str_radix(digits, 16).ok()
    }
}

impl Log {
    /// Begins a log whose first batch is `first`.
    pub(crate) fn create(
        files: Arc<dyn Files>,
        folder: &Path,
        first: u64,
        sizes: Sizes,
    ) -> io::Result<Self> {
        let segment = Segment::new(first);
        let writer = Writer {
            file: begin(&*files, folder, &segment)?,
            length: 0,
            is_full: false,
            behind: 0,
        };
        Ok(Self {
            files,
            folder: folder.into(),
            sizes,
            writer: Mutex::new(writer),
            segments: RwLock::new(vec![segment]),
        })
    }

    /// Goes on with a log that was scanned: cuts off what a crash left behind its end, and makes
    /// durable what was read, before anybody is told of it.
    pub(crate) fn resume(
        files: Arc<dyn Files>,
        folder: &Path,
        scanned: Scanned,
        sizes: Sizes,
    ) -> io::Result<Self> {
        let Some(last) = scanned.segments.last() else {
            return Err(io::Error::other("there is no segment to go on with"));
        };
        erase::clear(&*files, folder)?;
        let path = last.path(folder);
        let file = files.open(&path)?;
        if file.length()? != scanned.end {
            file.cut(scanned.end)?;
        }
        if let Some(offset) = scanned.last_at {
            write_anew(&*files, &path, offset)?;
        }
        // Whoever made it may have been killed before it was durable, its name included.
        file.sync()?;
        files.sync_folder(folder)?;
        let writer = Writer {
            file,
            length: scanned.end,
            is_full: false,
            behind: scanned.behind,
        };
        Ok(Self {
            files,
            folder: folder.into(),
            sizes,
            writer: Mutex::new(writer),
            segments: RwLock::new(scanned.segments),
        })
    }

    /// Writes a sealed frame and syncs it.
    ///
    /// What was refused for want of room before anything was synced is cut off again: it was never
    /// whole, so no opening would take it for a batch, even if the power went before the cut was
    /// durable. After any other error nobody knows what the disk holds, and above all after a sync
    /// that failed: that it returns later proves nothing.
    ///
    /// `place` is that of its first journal entry.
    pub(crate) fn append(
        &self,
        frame: &[u8],
        number: u64,
        place: Option<u64>,
    ) -> Result<Begun, Unwritten> {
        let mut writer = self.writer.lock();
        if writer.is_full || writer.length >= self.sizes.segment {
            let segment = Segment::new(number);
            writer.file = begin(&*self.files, &self.folder, &segment)?;
            writer.length = 0;
            writer.is_full = false;
            self.segments.write().push(segment);
        }
        let begun = if writer.length == 0 {
            Begun::Segment
        } else {
            Begun::Nothing
        };
        let (file, end) = (&writer.file, writer.length);
        file.write_at(frame, end)
            .map_err(|error| Unwritten::after(error, || file.cut(end)))?;
        file.sync().map_err(Unwritten::InDoubt)?;
        if let (Some(place), Some(segment)) = (place, self.segments.write().last_mut()) {
            segment.note(place, writer.length);
        }
        writer.length += frame.len() as u64;
        writer.behind += frame.len() as u64;
        Ok(begun)
    }

    pub(crate) const fn sizes(&self) -> Sizes {
        self.sizes
    }

    /// How many bytes were written that no checkpoint holds.
    pub(crate) fn behind(&self) -> u64 {
        self.writer.lock().behind
    }

    /// A checkpoint holds so many more of them.
    pub(crate) fn catch_up(&self, bytes: u64) {
        self.writer.lock().behind -= bytes;
    }

    /// Has the next batch begin a segment, so that all there are may be written anew.
    pub(crate) fn turn_over(&self) {
        let mut writer = self.writer.lock();
        // One without a frame has the number of the next batch already, and nothing to take out.
        writer.is_full = writer.length > 0;
    }

    /// Removes the segments of which nothing is needed: a checkpoint holds all up to the batch
    /// `held`, with which the journal had come to the place `last`; and the journal was let go of
    /// up to the place `trimmed`.
    pub(crate) fn drop_before(&self, held: u64, last: u64, trimmed: u64) -> io::Result<()> {
        let mut segments = self.segments.write();
        let needless = (1..segments.len())
            .take_while(|next| {
                let places = segments[*next..].iter().find_map(|s| s.places.first());
                // Where none follow, all that there were by then lie before.
                let goes_on = places.map_or(last + 1, |(place, _)| *place);
                segments[*next].first <= held + 1 && goes_on <= trimmed + 1
            })
            .count();
        for _ in 0..needless {
            self.files.remove(&segments[0].path(&self.folder))?;
            // Each before the next: what is left after a crash, or a failure, has no gap.
            segments.remove(0);
            self.files.sync_folder(&self.folder)?;
        }
        Ok(())
    }

    /// Hands `take` the rows of the journal from the entry after `place` on, until it has enough.
    pub(crate) fn entries(
        &self,
        place: u64,
        mut take: impl FnMut(Kind, u64, &[u8]) -> Result<Enough, Damage>,
    ) -> Result<(), Damage> {
        let (first, rest) = self.lying_after(place).map_err(Damage::Unreadable)?;
        let files = &*self.files;
        let rest = rest.iter().map(|path| Frames::open(files, path, 0));
        for frames in iter::once(Ok(first)).chain(rest) {
            let mut frames = frames.map_err(Damage::Unreadable)?;
            while let Next::Frame { rows, .. } = frames.next().map_err(Damage::Unreadable)? {
                for row in Rows(&rows) {
                    let row = row?;
                    if !matches!(row.kind, Kind::Entry | Kind::Personal) {
                        continue;
                    }
                    let found = place_of(row.key)?;
                    if found > place && take(row.kind, found, row.value)? == Enough::Yes {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    /// The frames in which entries after `place` lie: of the file in which they begin, which is
    /// opened before another can take its place, and the files after it.
    fn lying_after(&self, place: u64) -> io::Result<(Frames, Vec<PathBuf>)> {
        let segments = self.segments.read();
        let begins_by = |s: &Segment| {
            s.places
                .first()
                .is_some_and(|(first, _)| *first <= place + 1)
        };
        let first = segments.iter().rposition(begins_by).unwrap_or(0);
        let offset = segments.get(first).map_or(0, |segment| {
            let known = segment
                .places
                .partition_point(|(first, _)| *first <= place + 1);
            known
                .checked_sub(1)
                .map_or(0, |known| segment.places[known].1)
        });
        let mut paths = segments[first..].iter().map(|s| s.path(&self.folder));
        let begins = paths.next().ok_or(io::ErrorKind::NotFound)?;
        let frames = Frames::open(&*self.files, &begins, offset)?;
        Ok((frames, paths.collect()))
    }
}

/// Whether a reader has all it wants.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Enough {
    Yes,
    No,
}

/// The place that a row of the journal lies under.
pub(crate) fn place_of(key: &[u8]) -> Result<u64, Damage> {
    let key = key.try_into();
    key.map(u64::from_be_bytes)
        .map_err(|_| Damage::Contradiction("lies under no place"))
}

/// Makes the file of a segment, durable in its folder before anything is written to it.
fn begin(files: &dyn Files, folder: &Path, segment: &Segment) -> Result<Box<dyn File>, Unwritten> {
    let path = segment.path(folder);
    // If a name was made all the same, the next try finds it, and is in doubt.
    let file = files.create(&path);
    let file = file.map_err(|error| Unwritten::after(error, || Ok(())))?;
    files.sync_folder(folder).map_err(Unwritten::InDoubt)?;
    Ok(file)
}

/// Writes the last frame, which lies at `offset`, once more, so that a sync makes it durable.
///
/// It may be one whose sync failed: then it can be read until the power goes, and no sync would
/// write it. All before it were durable when it was begun.
fn write_anew(files: &dyn Files, path: &Path, offset: u64) -> io::Result<()> {
    let mut frame = Vec::new();
    let file = files.open(path)?;
    FromHere { file, offset }.read_to_end(&mut frame)?;
    files.open(path)?.write_at(&frame, offset)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::files::LocalFiles;

    const STORE: &str = "the store";

    /// A log of so many batches, each with one entry, in segments of about three.
    fn log_of(folder: &Path, batches: u64) -> Log {
        let log = Log::create(Arc::new(LocalFiles), folder, 1, sizes()).unwrap();
        for number in 1..=batches {
            log.append(&frame_of(number), number, Some(number)).unwrap();
        }
        log
    }

    fn sizes() -> Sizes {
        Sizes {
            segment: 3 * frame_of(1).len() as u64,
            ..Sizes::default()
        }
    }

    fn frame_of(number: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        frame::begin(&mut bytes);
        row::write(&mut bytes, Kind::Entry, &number.to_be_bytes(), b"entry");
        frame::seal(&mut bytes, number).unwrap();
        bytes
    }

    /// The first and the last batch that lie in a folder.
    fn scanned(folder: &Path, held: u64) -> Result<(u64, u64), crate::OpenError> {
        let mut first = None;
        let scanned = scan(&LocalFiles, folder, Path::new(STORE), held, 0, |whole| {
            first.get_or_insert(whole.number);
            Ok(())
        })?;
        Ok((first.unwrap_or_default(), scanned.last))
    }

    fn places(log: &Log, after: u64) -> Vec<u64> {
        let mut places = Vec::new();
        let read = log.entries(after, |kind, place, value| {
            assert_eq!((kind, value), (Kind::Entry, &b"entry"[..]));
            places.push(place);
            Ok(Enough::No)
        });
        read.unwrap();
        places
    }

    #[test]
    fn given_several_segments_when_read_then_every_entry_is_found_from_any_place() {
        let folder = tempfile::tempdir().unwrap();
        let log = log_of(folder.path(), 20);
        assert_eq!(scanned(folder.path(), 0).unwrap(), (1, 20));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 7);

        for after in 0..=20 {
            let expected: Vec<_> = (after + 1..=20).collect();
            assert_eq!(places(&log, after), expected);
        }
    }

    #[test]
    fn given_a_checkpoint_and_a_trimmed_journal_when_segments_go_then_only_what_nobody_needs() {
        for held in (0..=20).step_by(2) {
            for trimmed in (0..=20).step_by(3) {
                let folder = tempfile::tempdir().unwrap();
                let log = log_of(folder.path(), 20);

                log.drop_before(held, 20, trimmed).unwrap();

                // Segments begin at 1, 4, 7 and so on; the last one stays in any case.
                let needed = held.min(trimmed) + 1;
                let begins = (1..=19).step_by(3).filter(|first| *first <= needed).last();
                assert_eq!(scanned(folder.path(), held).unwrap().0, begins.unwrap());
                let expected: Vec<_> = (trimmed + 1..=20).collect();
                assert_eq!(places(&log, trimmed), expected);
            }
        }
    }

    #[test]
    fn given_a_segment_that_is_missing_when_scanned_then_that_is_said() {
        let folder = tempfile::tempdir().unwrap();
        log_of(folder.path(), 20);
        for first in (1..=19_u64).step_by(3) {
            let path = Segment::new(first).path(folder.path());
            let bytes = fs::read(&path).unwrap();
            fs::remove_file(&path).unwrap();

            let store = Path::new(STORE);
            let scanned = scan(&LocalFiles, folder.path(), store, 0, 20, |_| Ok(()));

            let refused = scanned.expect_err("a segment is missing");
            let is_last = matches!(refused, crate::OpenError::Lost { found: 18, .. });
            let is_missing = matches!(
                refused,
                crate::OpenError::Damaged {
                    source: Damage::Missing,
                    ..
                }
            );
            assert!(
                if first == 19 { is_last } else { is_missing },
                "{first}: {refused:?}"
            );
            fs::write(&path, bytes).unwrap();
        }
    }

    #[test]
    fn given_a_log_when_resumed_then_it_goes_on_behind_its_last_whole_frame() {
        let folder = tempfile::tempdir().unwrap();
        drop(log_of(folder.path(), 4));
        let last = Segment::new(4).path(folder.path());
        let mut torn = fs::read(&last).unwrap();
        let whole = torn.len();
        torn.extend_from_slice(&frame_of(5)[..9]);
        fs::write(&last, torn).unwrap();

        let store = Path::new(STORE);
        let found = scan(&LocalFiles, folder.path(), store, 0, 4, |_| Ok(())).unwrap();
        let log = Log::resume(Arc::new(LocalFiles), folder.path(), found, sizes()).unwrap();
        assert_eq!(fs::metadata(&last).unwrap().len(), whole as u64);
        log.append(&frame_of(5), 5, Some(5)).unwrap();

        assert_eq!(scanned(folder.path(), 0).unwrap(), (1, 5));
    }
}
