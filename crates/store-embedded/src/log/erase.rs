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
use std::iter;
use std::path::Path;
use std::sync::Arc;

use innkeeper_domain::token::RosterTag;
use innkeeper_store::record;

use super::frame::{self, Frames, Next};
use super::row::{self, Kind, Row, Rows};
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
        for frame in frames_of(&*self.files, path)? {
            let (number, rows) = frame?;
            let mut bytes = Vec::new();
            frame::begin(&mut bytes);
            let first_entry = thin(&rows, waste, &mut bytes)?;
            frame::seal(&mut bytes, number)?;
            aside.write(&bytes)?;
            if let Some(place) = first_entry {
                anew.note(place, offset);
            }
            offset += bytes.len() as u64;
        }
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

/// Whether there is anything in it to take out.
fn concerns(files: &dyn Files, path: &Path, waste: Waste<'_>) -> io::Result<bool> {
    for frame in frames_of(files, path)? {
        let (_, rows) = frame?;
        if has_waste(&rows, waste)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The frames of a segment, each with its number and its rows.
fn frames_of(
    files: &dyn Files,
    path: &Path,
) -> io::Result<impl Iterator<Item = io::Result<(u64, Vec<u8>)>>> {
    let mut frames = Frames::open(files, path, 0)?;
    Ok(iter::from_fn(move || match frames.next() {
        Ok(Next::Frame { number, rows, .. }) => Some(Ok((number, rows))),
        Ok(Next::End) => None,
        Ok(Next::Torn { .. }) => Some(Err(unreadable(Damage::Missing))),
        Err(error) => Some(Err(error)),
    }))
}

fn has_waste(rows: &[u8], waste: Waste<'_>) -> io::Result<bool> {
    let mut sieve = Sieve::new(waste);
    for row in Rows(rows) {
        if sieve.takes_out(&row.map_err(unreadable)?)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Copies rows, without what is to be taken out. Returns the place of the first journal entry.
fn thin(rows: &[u8], waste: Waste<'_>, into: &mut Vec<u8>) -> io::Result<Option<u64>> {
    let mut sieve = Sieve::new(waste);
    let (mut first, mut has_lost) = (None, false);
    for row in Rows(rows) {
        let row = row.map_err(unreadable)?;
        if sieve.takes_out(&row)? || row.kind == Kind::Erased {
            has_lost = true;
        } else {
            row::write(into, row.kind, row.key, row.value);
        }
        first = first.or(sieve.entry.map(|(place, _)| place));
    }
    if has_lost {
        row::write(into, Kind::Erased, b"", b"");
    }
    Ok(first)
}

/// Tells the rows of a frame that are to be taken out, shown one after the other.
struct Sieve<'a> {
    waste: Waste<'a>,
    /// The last journal entry: its place and its roster.
    entry: Option<(u64, RosterTag)>,
}

impl<'a> Sieve<'a> {
    const fn new(waste: Waste<'a>) -> Self {
        Self { waste, entry: None }
    }

    fn takes_out(&mut self, row: &Row<'_>) -> io::Result<bool> {
        Ok(match row.kind {
            Kind::Roster
            | Kind::RosterAfter
            | Kind::RosterGone
            | Kind::Heard
            | Kind::Key
            | Kind::KeyGone
            | Kind::Register => true,
            Kind::Entry => {
                let place = place_of(row.key).map_err(unreadable)?;
                let entry = record::decode_entry(row.value);
                self.entry = Some((place, entry.map_err(|e| unreadable(e.into()))?.tag));
                false
            }
            // It lies behind its entry.
            Kind::Personal => self.entry.is_some_and(|(place, tag)| {
                let mut erasures = self.waste.erasures.iter();
                place <= self.waste.trimmed || erasures.any(|e| e.means(place, tag))
            }),
            Kind::Erased | Kind::Head | Kind::End => false,
        })
    }
}

fn unreadable(damage: Damage) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, damage)
}
