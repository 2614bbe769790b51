//! Erasing: taking what a roster had out of segments, by writing those anew without it.
//!
//! A segment is written aside, synced and put in the place of the old one, so a crash leaves one
//! or the other. All in it must be held by a checkpoint. Then its rows of rosters, answers
//! and values are of no more use, and all of them go, whose they may be: one can say of a person
//! what the journal says, in the roster of another or in a value that was removed. Frames keep their numbers, and one
//! from which something was taken says so: without its checkpoint it is not enough to open the
//! store.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;

use innkeeper_domain::token::RosterTag;
use innkeeper_store::record;

use super::frame::{self, Frames, Next};
use super::row::{self, Kind, Rows};
use super::{Log, Segment, place_of};
use crate::aside::{Aside, has_room};
use crate::disk::Head;
use crate::error::Damage;
use crate::files::{Files, remove_if_there};

const ASIDE: &str = "log.new";

/// What is to be taken out of the journal: the personal parts of the entries of a roster up to the
/// place `through`, and of those at the places `others`.
#[derive(Clone, Debug)]
pub(crate) struct Erasure {
    pub(crate) tag: RosterTag,
    pub(crate) through: u64,
    pub(crate) others: BTreeSet<u64>,
}

impl Erasure {
    fn means(&self, place: u64, tag: RosterTag) -> bool {
        (self.tag == tag && place <= self.through) || self.others.contains(&place)
    }
}

/// What is taken out of a segment: what nobody reads any more, and what is to be erased.
#[derive(Clone, Copy, Debug)]
struct Waste<'a> {
    erasures: &'a [Erasure],
    /// The entries up to this place were let go of.
    trimmed: u64,
}

impl Log {
    /// Takes it out of every segment whose batches a checkpoint holds, which ends with `held`.
    ///
    /// Gives up where `is_over` says so. After an error what was not written anew is as before.
    pub(crate) fn erase(
        &self,
        erasures: &[Erasure],
        held: &Head,
        is_over: impl Fn() -> bool,
    ) -> io::Result<()> {
        let trimmed = held.trimmed;
        let waste = Waste { erasures, trimmed };
        let firsts: Vec<_> = self.segments.read().iter().map(|s| s.first).collect();
        for first in firsts.into_iter().filter(|first| *first <= held.batch) {
            if is_over() {
                return Err(io::Error::other("the store is being closed"));
            }
            let path = Segment::new(first).path(&self.folder);
            if concerns(&*self.files, &path, waste)? {
                self.write_anew(first, &path, waste)?;
            }
        }
        Ok(())
    }

    fn write_anew(&self, first: u64, path: &Path, waste: Waste<'_>) -> io::Result<()> {
        let reserve = self.sizes.reserve;
        let length = self.files.open(path)?.length()?;
        has_room(&*self.files, &self.folder, length, reserve)?;
        let mut aside = Aside::begin(Arc::clone(&self.files), &self.folder, ASIDE, reserve)?;
        let (mut anew, mut offset) = (Segment::new(first), 0);
        each_frame(&*self.files, path, |number, rows| {
            let mut bytes = Vec::new();
            frame::begin(&mut bytes);
            let thinned = thin(rows, waste, &mut bytes)?;
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

fn concerns(files: &dyn Files, path: &Path, waste: Waste<'_>) -> io::Result<bool> {
    let mut concerned = false;
    each_frame(files, path, |_, rows| {
        let mut bytes = Vec::new();
        concerned |= thin(rows, waste, &mut bytes)?.has_lost;
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
fn thin(rows: &[u8], waste: Waste<'_>, into: &mut Vec<u8>) -> io::Result<Thinned> {
    let mut found = Thinned {
        place: None,
        has_lost: false,
    };
    let mut was_thinned = false;
    let mut entry_of = None;
    for row in Rows(rows) {
        let row = row.map_err(unreadable)?;
        let goes = match row.kind {
            Kind::Roster
            | Kind::RosterAfter
            | Kind::RosterGone
            | Kind::Heard
            | Kind::Key
            | Kind::KeyGone
            | Kind::Register => true,
            Kind::Entry => {
                let place = place_of(row.key).map_err(unreadable)?;
                found.place.get_or_insert(place);
                let entry = record::decode_entry(row.value);
                entry_of = Some((place, entry.map_err(|e| unreadable(e.into()))?.tag));
                false
            }
            // It lies behind its entry.
            Kind::Personal => entry_of.is_some_and(|(place, tag)| {
                place <= waste.trimmed || waste.erasures.iter().any(|e| e.means(place, tag))
            }),
            Kind::Erased => {
                was_thinned = true;
                continue;
            }
            Kind::Head | Kind::End => false,
        };
        if goes {
            found.has_lost = true;
        } else {
            row::write(into, row.kind, row.key, row.value);
        }
    }
    if found.has_lost || was_thinned {
        row::write(into, Kind::Erased, b"", b"");
    }
    Ok(found)
}

fn unreadable(damage: Damage) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, damage)
}
