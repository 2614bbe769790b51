//! Reading all segments back: whether every frame is there, and where the last one ends.

use std::path::Path;

use super::Segment;
use super::frame::{self, Frames, Next};
use crate::error::{Damage, OpenError};
use crate::files::{Files, read_all};

/// What the segments of a store come to.
#[derive(Debug)]
pub(crate) struct Scanned {
    pub(crate) segments: Vec<Segment>,
    /// The number of the last batch that is whole.
    pub(crate) last: u64,
    /// Where it ends in the last segment.
    pub(crate) end: u64,
    /// Where it begins there, if nobody knows that it is durable.
    pub(crate) last_at: Option<u64>,
    /// Bytes of the batches that no checkpoint holds.
    pub(crate) behind: u64,
}

/// A frame that was read back whole.
#[derive(Debug)]
pub(crate) struct Whole<'a> {
    pub(crate) number: u64,
    pub(crate) rows: Vec<u8>,
    pub(crate) segment: &'a mut Segment,
    pub(crate) offset: u64,
}

/// Hands every frame to `take`, in order. A checkpoint holds the batches up to `held`; the mark
/// knows of those up to `acknowledged`.
pub(crate) fn scan(
    files: &dyn Files,
    folder: &Path,
    store: &Path,
    held: u64,
    acknowledged: u64,
    mut take: impl FnMut(Whole<'_>) -> Result<(), OpenError>,
) -> Result<Scanned, OpenError> {
    let mut segments = list(files, folder)?;
    let missing = |what: String| OpenError::damaged(store, what, Damage::Missing);
    let Some(first) = segments.first().map(|s| s.first) else {
        return Err(missing("store/data: the log".into()));
    };
    if first > held + 1 {
        return Err(missing(format!("store/data: batch {}", held + 1)));
    }
    let (mut expected, mut end, mut last_at, mut behind) = (first, 0, None, 0);
    let count = segments.len();
    for (place, segment) in segments.iter_mut().enumerate() {
        let path = segment.path(folder);
        let name = format!("store/data/{:016x}.log", segment.first);
        if segment.first != expected {
            return Err(missing(format!("store/data: batch {expected}")));
        }
        let mut frames = Frames::open(files, &path, 0).map_err(|e| OpenError::io(&path, e))?;
        (end, last_at) = (0, None);
        loop {
            match frames.next().map_err(|e| OpenError::io(&path, e))? {
                Next::Frame {
                    offset,
                    number,
                    rows,
                } => {
                    if number != expected {
                        let what = Damage::Contradiction("does not follow the one before it");
                        return Err(OpenError::damaged(
                            store,
                            format!("{name}: batch {number}"),
                            what,
                        ));
                    }
                    let length = (frame::HEAD + rows.len()) as u64;
                    (end, last_at) = (offset + length, Some(offset));
                    behind += if number > held { length } else { 0 };
                    take(Whole {
                        number,
                        rows,
                        segment,
                        offset,
                    })?;
                    expected += 1;
                }
                Next::End => break,
                Next::Torn { offset } => {
                    let is_last = place + 1 == count;
                    let bytes = read_all(files, &path).map_err(|e| OpenError::io(&path, e))?;
                    let rest = bytes.get(usize::try_from(offset).unwrap_or(usize::MAX)..);
                    if !is_last || frame::is_followed(rest.unwrap_or_default(), expected) {
                        let what = Damage::Contradiction("cannot be read back");
                        return Err(OpenError::damaged(
                            store,
                            format!("{name}: batch {expected}"),
                            what,
                        ));
                    }
                    break;
                }
            }
        }
    }
    let last = expected - 1;
    let acknowledged = acknowledged.max(held);
    if last < acknowledged {
        return Err(OpenError::Lost {
            path: store.into(),
            acknowledged,
            found: last,
        });
    }
    Ok(Scanned {
        segments,
        last,
        end,
        // Of what the mark knows its sync has returned.
        last_at: last_at.filter(|_| last > acknowledged),
        behind,
    })
}

/// The segments in a folder, in order.
fn list(files: &dyn Files, folder: &Path) -> Result<Vec<Segment>, OpenError> {
    let io = |e| OpenError::io(folder, e);
    let mut numbers = Vec::new();
    for name in files.list(folder).map_err(io)? {
        numbers.extend(Segment::number_in(&name));
    }
    numbers.sort_unstable();
    Ok(numbers.into_iter().map(Segment::new).collect())
}
