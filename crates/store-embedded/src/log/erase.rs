//! Erasing: taking what a roster had out of segments, by writing those anew without it.
//!
//! A segment is written aside, synced and put in the place of the old one, so a crash leaves one
//! or the other. All in it must be held by a checkpoint: rows of rosters go too, since they say of
//! a person what the journal says. Frames keep their numbers, and one from which something was
//! taken says so: without its checkpoint it is not enough to open the store.

use std::io;
use std::path::Path;
use std::sync::Arc;

use innkeeper_domain::token::RosterTag;
use innkeeper_store::record;

use super::frame::{self, Frames, Next};
use super::row::{self, Kind, Rows};
use super::{Log, Segment, place_of};
use crate::aside::{Aside, has_room};
use crate::error::Damage;
use crate::files::{Files, remove_if_there};

const ASIDE: &str = "log.new";

/// What is to be taken out: all rows of a roster, and the personal parts of its journal entries up
/// to the place `through`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Erasure {
    pub(crate) tag: RosterTag,
    pub(crate) through: u64,
}

impl Log {
    /// Takes it out of every segment whose batches a checkpoint holds, which is up to `held`.
    ///
    /// Gives up where `is_over` says so. After an error what was not written anew is as before.
    pub(crate) fn erase(
        &self,
        erasures: &[Erasure],
        held: u64,
        is_over: impl Fn() -> bool,
    ) -> io::Result<()> {
        let firsts: Vec<_> = self.segments.read().iter().map(|s| s.first).collect();
        for first in firsts.into_iter().filter(|first| *first <= held) {
            if is_over() {
                return Err(io::Error::other("the store is being closed"));
            }
            let path = Segment::new(first).path(&self.folder);
            if concerns(&*self.files, &path, erasures)? {
                self.write_anew(first, &path, erasures)?;
            }
        }
        Ok(())
    }

    fn write_anew(&self, first: u64, path: &Path, erasures: &[Erasure]) -> io::Result<()> {
        let reserve = self.sizes.reserve;
        let length = self.files.open(path)?.length()?;
        has_room(&*self.files, &self.folder, length, reserve)?;
        let mut aside = Aside::begin(Arc::clone(&self.files), &self.folder, ASIDE, reserve)?;
        let (mut anew, mut offset) = (Segment::new(first), 0);
        each_frame(&*self.files, path, |number, rows| {
            let mut bytes = Vec::new();
            frame::begin(&mut bytes);
            let thinned = thin(rows, erasures, &mut bytes)?;
            frame::seal(&mut bytes, number)?;
            aside.write(&bytes)?;
            if let Some(place) = thinned.place {
                anew.note(place, offset);
            }
            offset += bytes.len() as u64;
            Ok(())
        })?;
        aside.sync()?;
        let mut segments = self.segments.write();
        let Some(known) = segments.iter_mut().find(|s| s.first == first) else {
            // Nobody has need of it any more.
            return Ok(());
        };
        // In one step for whoever reads: the offsets are those of the new file.
        aside.put_in_place(path)?;
        *known = anew;
        drop(segments);
        self.files.sync_folder(&self.folder)
    }
}

/// Removes what a crash left of a segment that was being written anew.
pub(super) fn clear(files: &dyn Files, folder: &Path) -> io::Result<()> {
    remove_if_there(files, &folder.join(ASIDE))
}

fn concerns(files: &dyn Files, path: &Path, erasures: &[Erasure]) -> io::Result<bool> {
    let mut concerned = false;
    each_frame(files, path, |_, rows| {
        let mut bytes = Vec::new();
        concerned |= thin(rows, erasures, &mut bytes)?.has_lost;
        Ok(())
    })?;
    Ok(concerned)
}

fn each_frame(
    files: &dyn Files,
    path: &Path,
    mut take: impl FnMut(u64, &[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut frames = Frames::open(files, path, 0)?;
    loop {
        match frames.next()? {
            Next::Frame { number, rows, .. } => take(number, &rows)?,
            Next::End => return Ok(()),
            Next::Torn { .. } => return Err(unreadable(Damage::Missing)),
        }
    }
}

/// What was found in the rows of a frame.
struct Thinned {
    /// The place of its first journal entry.
    place: Option<u64>,
    has_lost: bool,
}

/// Copies rows, without what is to be taken out.
fn thin(rows: &[u8], erasures: &[Erasure], into: &mut Vec<u8>) -> io::Result<Thinned> {
    let mut found = Thinned {
        place: None,
        has_lost: false,
    };
    let mut lost: Vec<RosterTag> = Vec::new();
    let mut entry_of = None;
    for row in Rows(rows) {
        let row = row.map_err(unreadable)?;
        let goes = match row.kind {
            Kind::Roster | Kind::RosterAfter | Kind::RosterGone | Kind::Heard => erasures
                .iter()
                .find(|e| row.key == e.tag.as_bytes())
                .map(|e| e.tag),
            Kind::Entry => {
                let place = place_of(row.key).map_err(unreadable)?;
                found.place.get_or_insert(place);
                let entry = record::decode_entry(row.value);
                entry_of = Some((place, entry.map_err(|e| unreadable(e.into()))?.tag));
                None
            }
            // It lies behind its entry.
            Kind::Personal => entry_of.and_then(|(place, tag)| {
                let is_meant = |e: &&Erasure| e.tag == tag && place <= e.through;
                erasures.iter().find(is_meant).map(|e| e.tag)
            }),
            _ => None,
        };
        match goes {
            Some(tag) => lost.push(tag),
            None => row::write(into, row.kind, row.key, row.value),
        }
    }
    lost.sort_unstable();
    lost.dedup();
    found.has_lost = !lost.is_empty();
    for tag in lost {
        row::write(into, Kind::Erased, tag.as_bytes(), b"");
    }
    Ok(found)
}

fn unreadable(damage: Damage) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, damage)
}
