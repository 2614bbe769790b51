//! The log: every batch as one frame, synced once, in segments that are begun anew now and then.
//!
//! What a batch changed is durable when its frame is. Frames are numbered without gaps, so
//! opening knows of every one whether it is there. Only the end of the last segment can be torn
//! by a crash, and only there is anything cut off; a frame that cannot be read back anywhere
//! else is damage. Segments hold the journal too, so one stays until all of its entries were let
//! go of and a checkpoint holds what else it wrote.

pub(crate) mod frame;
pub(crate) mod row;
mod scan;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use parking_lot::{Mutex, RwLock};

pub(crate) use scan::{Scanned, scan};

use self::frame::{Frames, Next};
use self::row::{Kind, Rows};
use crate::error::Damage;

/// How long a segment grows before the next is begun.
const SEGMENT: u64 = 64 << 20;
/// How far apart the places of the journal are that are known without looking for them.
const STRIDE: u64 = 64 << 10;

/// Writes batches, and reads the journal back.
#[derive(Debug)]
pub(crate) struct Log {
    folder: PathBuf,
    writer: Mutex<Writer>,
    segments: RwLock<Vec<Segment>>,
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
    file: File,
    length: u64,
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
    pub(crate) fn create(folder: &Path, first: u64) -> io::Result<Self> {
        let segment = Segment::new(first);
        let file = begin(folder, &segment)?;
        Ok(Self::new(folder, file, 0, 0, vec![segment]))
    }

    /// Goes on with a log that was scanned, and cuts off what a crash left behind its end.
    pub(crate) fn resume(folder: &Path, scanned: Scanned) -> io::Result<Self> {
        let Some(last) = scanned.segments.last() else {
            return Err(io::Error::other("there is no segment to go on with"));
        };
        let path = last.path(folder);
        let file = OpenOptions::new().append(true).open(path)?;
        if file.metadata()?.len() != scanned.end {
            file.set_len(scanned.end)?;
            file.sync_all()?;
        }
        let (end, behind) = (scanned.end, scanned.behind);
        Ok(Self::new(folder, file, end, behind, scanned.segments))
    }

    fn new(folder: &Path, file: File, length: u64, behind: u64, segments: Vec<Segment>) -> Self {
        Self {
            folder: folder.into(),
            writer: Mutex::new(Writer {
                file,
                length,
                behind,
            }),
            segments: RwLock::new(segments),
        }
    }

    /// Writes a sealed frame and syncs it. After an error nobody knows what the disk holds.
    ///
    /// `place` is that of its first journal entry.
    pub(crate) fn append(&self, frame: &[u8], number: u64, place: Option<u64>) -> io::Result<()> {
        let mut writer = self.writer.lock();
        if writer.length >= SEGMENT {
            let segment = Segment::new(number);
            writer.file = begin(&self.folder, &segment)?;
            writer.length = 0;
            self.segments.write().push(segment);
        }
        writer.file.write_all(frame)?;
        writer.file.sync_data()?;
        if let (Some(place), Some(segment)) = (place, self.segments.write().last_mut()) {
            segment.note(place, writer.length);
        }
        writer.length += frame.len() as u64;
        writer.behind += frame.len() as u64;
        Ok(())
    }

    /// How many bytes were written since the last checkpoint.
    pub(crate) fn behind(&self) -> u64 {
        self.writer.lock().behind
    }

    /// A checkpoint begins, which will hold all that was written until now.
    pub(crate) fn catch_up(&self) {
        self.writer.lock().behind = 0;
    }

    /// Removes the segments of which nothing is needed: a checkpoint holds all up to the batch
    /// `held`, and the journal was let go of up to the place `trimmed`.
    pub(crate) fn drop_before(&self, held: u64, trimmed: u64) -> io::Result<()> {
        let mut segments = self.segments.write();
        let is_needed = |next: &Segment| {
            // A segment without places says nothing of where the journal was.
            let begins = next.places.first().map_or(0, |(place, _)| *place);
            next.first > held + 1 || begins > trimmed + 1 || begins == 0
        };
        let keep = segments
            .windows(2)
            .position(|pair| is_needed(&pair[1]))
            .unwrap_or(segments.len().saturating_sub(1));
        for segment in segments.drain(..keep) {
            fs::remove_file(segment.path(&self.folder))?;
            // Each before the next: what is left after a crash has no gap.
            File::open(&self.folder)?.sync_all()?;
        }
        Ok(())
    }

    /// Hands `take` the rows of the journal from the entry after `place` on, until it has enough.
    pub(crate) fn entries(
        &self,
        place: u64,
        mut take: impl FnMut(Kind, u64, &[u8]) -> Result<Enough, Damage>,
    ) -> Result<(), Damage> {
        let (paths, mut offset) = self.lying_after(place);
        for path in paths {
            let mut frames = Frames::open(&path, offset).map_err(Damage::Unreadable)?;
            offset = 0;
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

    /// The files in which entries after `place` lie, and where to begin in the first.
    fn lying_after(&self, place: u64) -> (Vec<PathBuf>, u64) {
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
        let paths = segments[first..].iter().map(|s| s.path(&self.folder));
        (paths.collect(), offset)
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
fn begin(folder: &Path, segment: &Segment) -> io::Result<File> {
    let file = OpenOptions::new()
        .append(true)
        .create_new(true)
        .mode(0o600)
        .open(segment.path(folder))?;
    File::open(folder)?.sync_all()?;
    Ok(file)
}
