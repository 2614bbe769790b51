//! Reading a store back: the newest checkpoint, and what was written after it.
//!
//! A store is served whole or not at all. Every frame is numbered and has a checksum, the mark
//! says how far the store had come, and the places of the journal have no gaps: so whatever was
//! acknowledged and is not there, or is not what was written, is found here.

use std::path::Path;
use std::sync::Arc;

use innkeeper_domain::roster::Roster;
use innkeeper_domain::session::Timestamp;
use innkeeper_domain::token::RosterTag;
use innkeeper_store::record::{self, RecordError};

use crate::checkpoint;
use crate::disk::{Head, Signs, Slot};
use crate::error::{Damage, OpenError};
use crate::files::Files;
use crate::keys::Keys;
use crate::log::row::{Kind, Row, Rows};
use crate::log::{self, Scanned};
use crate::mark::Mark;
use crate::register::Values;
use crate::resident::{Place, Resident};
use crate::round::Highest;
use crate::sync::mpsc::{Receiver, SyncSender, sync_channel};
use crate::sync::thread::{self, Scope, ScopedJoinHandle};

/// How many threads read rosters at most.
const READERS_MAX: usize = 8;
/// How many frames wait for each of them. One can be some megabytes long.
const WAITING: usize = 4;

/// A store as it was read back.
pub(crate) struct Loaded {
    pub(crate) head: Head,
    pub(crate) highest: Highest,
    pub(crate) resident: Resident,
    pub(crate) keys: Keys,
    pub(crate) register: Values,
}

/// Reads everything in the folder `data` of the store at `store`, and compares it. Changes
/// nothing.
pub(crate) fn load(
    files: &dyn Files,
    data: &Path,
    mark: &Mark,
    store: &Path,
) -> Result<(Loaded, Scanned), OpenError> {
    let acknowledged = acknowledged(mark, store)?;
    let resident = Resident::new();
    let mut rest = Rest::default();
    let (scanned, highest) = thread::scope(|scope| {
        let readers = Readers::start(scope, &resident, store);
        let read = checkpoint::read(files, data, store, |rows| {
            rest.take(&rows, store)?;
            readers.hand_out(rows);
            Ok(())
        });
        let read = read.and_then(|held| {
            rest.is_of(held, store)?;
            log::scan(files, data, store, held, acknowledged, |whole| {
                if let Some(place) = rest.follow_journal(&whole.rows, store)? {
                    whole.segment.note(place, whole.offset);
                }
                if whole.number <= held {
                    return Ok(());
                }
                rest.take(&whole.rows, store)?;
                readers.hand_out(whole.rows);
                Ok(())
            })
        });
        // What a reader found comes first: that it stopped is only what follows.
        let highest = readers.end()?;
        Ok((read?, highest))
    })?;
    let mut loaded = Loaded {
        head: rest.head(scanned.last, store)?,
        highest,
        resident,
        keys: rest.keys,
        register: rest.register,
    };
    loaded.come_under(store)?;
    Ok((loaded, scanned))
}

impl Loaded {
    /// Raises the store generation, since this may be older than what was acknowledged: nothing in
    /// it is live from here on (S20). `now` is the wall clock's.
    pub(crate) fn come_back(&mut self, now: Timestamp, store: &Path) -> Result<(), OpenError> {
        self.head.ground = self.head.ground.restored(now);
        self.come_under(store)
    }

    /// Has every roster come under the store generation of the head.
    fn come_under(&mut self, store: &Path) -> Result<(), OpenError> {
        let ground = self.head.ground;
        self.highest.join(Highest {
            generation: ground.floor.generation,
            version: ground.floor.version,
        });
        let highest = &mut self.highest;
        let note = |roster: &Roster| highest.include(roster);
        let under = self.resident.come_under(ground.store_generation, note);
        under.map_err(|e| refuse(store, "a roster", e.into()))?;
        for tag in self.resident.take_opened() {
            self.resident.pack(tag, |_| true);
        }
        Ok(())
    }
}

fn acknowledged(mark: &Mark, store: &Path) -> Result<u64, OpenError> {
    mark.get()
        .map_err(|e| OpenError::io(&store.join("store/mark"), e))?
        .ok_or_else(|| {
            let what = Damage::Contradiction("has no slot that can be read back");
            OpenError::damaged(store, "store/mark", what)
        })
}

/// All but the rosters, which is little.
#[derive(Default)]
struct Rest {
    head: Option<Head>,
    keys: Keys,
    register: Values,
    /// The first and the last place of the journal that were found.
    places: Option<(u64, u64)>,
}

impl Rest {
    /// Takes what is in a frame beside rosters.
    fn take(&mut self, rows: &[u8], store: &Path) -> Result<(), OpenError> {
        for row in Rows(rows) {
            let row = row.map_err(|e| refuse(store, "store/data: a row", e))?;
            let (what, taken) = match row.kind {
                Kind::Head => ("the head record", self.take_head(&row)),
                Kind::Key => ("a key", self.take_key(&row)),
                Kind::KeyGone => ("a key", self.drop_key(&row)),
                Kind::Register => ("a register value", self.take_value(&row)),
                // What is left in it does not make the rosters any more.
                Kind::Erased => (
                    "a frame",
                    Err(Damage::Contradiction(
                        "was erased from, and its checkpoint is missing",
                    )),
                ),
                Kind::Roster
                | Kind::RosterAfter
                | Kind::RosterGone
                | Kind::Heard
                | Kind::Entry
                | Kind::Personal
                | Kind::End => continue,
            };
            taken.map_err(|e| refuse(store, what, e))?;
        }
        Ok(())
    }

    fn take_head(&mut self, row: &Row<'_>) -> Result<(), Damage> {
        self.head = Some(Head::decode(row.value)?);
        Ok(())
    }

    /// Whether what was taken until now ends with the batch `held`, as its name says.
    fn is_of(&self, held: u64, store: &Path) -> Result<(), OpenError> {
        if self.head.map_or(0, |head| head.batch) == held {
            return Ok(());
        }
        let what = Damage::Contradiction("is that of another batch");
        Err(refuse(store, &checkpoint::name_of(held), what))
    }

    fn take_key(&mut self, row: &Row<'_>) -> Result<(), Damage> {
        self.keys.insert(record::decode_remembered(row.value)?);
        Ok(())
    }

    fn drop_key(&mut self, row: &Row<'_>) -> Result<(), Damage> {
        let key = row.key.try_into();
        let key = key.map_err(|_| Damage::Contradiction("is not as long as a key"))?;
        self.keys.remove(innkeeper_store::KeyDigest(key));
        Ok(())
    }

    fn take_value(&mut self, row: &Row<'_>) -> Result<(), Damage> {
        let named: (String, Slot) = record::decode(row.value)?;
        self.register.take([named]);
        Ok(())
    }

    /// Counts the entries of a frame, and says where the journal goes on in it.
    fn follow_journal(&mut self, rows: &[u8], store: &Path) -> Result<Option<u64>, OpenError> {
        let mut begins = None;
        for row in Rows(rows) {
            let named = |damage| refuse(store, "a journal entry", damage);
            let row = row.map_err(named)?;
            if row.kind != Kind::Entry {
                continue;
            }
            let place = log::place_of(row.key).map_err(named)?;
            let (first, last) = self.places.unwrap_or((place, place.wrapping_sub(1)));
            if place != last.wrapping_add(1) {
                let what = Damage::Contradiction("does not follow the one before it");
                return Err(refuse(store, &format!("journal entry {place}"), what));
            }
            self.places = Some((first, place));
            begins.get_or_insert(place);
        }
        Ok(begins)
    }

    /// The head, if it is that of the batch `last` and agrees with the journal.
    fn head(&self, last: u64, store: &Path) -> Result<Head, OpenError> {
        let head = self
            .head
            .ok_or_else(|| refuse(store, "the head record", Damage::Missing))?;
        if head.batch != last {
            let what = Damage::Contradiction("is not that of the last batch");
            return Err(refuse(store, "the head record", what));
        }
        let is_whole = match self.places {
            Some((first, last)) => first <= head.trimmed + 1 && last == head.place,
            None => head.place <= head.trimmed,
        };
        if !is_whole {
            let what = Damage::Contradiction("does not reach from its beginning to its end");
            return Err(refuse(store, "the journal", what));
        }
        Ok(head)
    }
}

/// Threads that make rosters of rows, each for some of the shards, so that the rows of one
/// roster are read in their order.
struct Readers<'scope> {
    frames: Vec<SyncSender<Arc<Vec<u8>>>>,
    threads: Vec<ScopedJoinHandle<'scope, Result<Highest, OpenError>>>,
}

impl<'scope> Readers<'scope> {
    fn start<'env>(
        scope: &'scope Scope<'scope, 'env>,
        resident: &'env Resident,
        store: &'env Path,
    ) -> Self {
        let count = std::thread::available_parallelism()
            .map_or(1, usize::from)
            .min(READERS_MAX);
        let mut readers = Self {
            frames: Vec::new(),
            threads: Vec::new(),
        };
        for number in 0..count {
            let (send, receive) = sync_channel(WAITING);
            let is_ours = move |tag: RosterTag| usize::from(tag.shard()) % count == number;
            let read = move || read_rosters(&receive, is_ours, resident, store);
            readers.frames.push(send);
            readers.threads.push(scope.spawn(read));
        }
        readers
    }

    fn hand_out(&self, rows: Vec<u8>) {
        let rows = Arc::new(rows);
        for reader in &self.frames {
            // One that has stopped says why when it is joined.
            let _ = reader.send(Arc::clone(&rows));
        }
    }

    /// Waits for them, and says how far the rosters have come that they read.
    fn end(self) -> Result<Highest, OpenError> {
        drop(self.frames);
        let mut highest = Highest::default();
        for thread in self.threads {
            let ended = thread.join();
            highest.join(ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok(highest)
    }
}

fn read_rosters(
    frames: &Receiver<Arc<Vec<u8>>>,
    is_ours: impl Fn(RosterTag) -> bool,
    resident: &Resident,
    store: &Path,
) -> Result<Highest, OpenError> {
    let mut highest = Highest::default();
    while let Ok(rows) = frames.recv() {
        for row in Rows(&rows) {
            let row = row.map_err(|e| refuse(store, "store/data: a row", e))?;
            let is_of_roster = matches!(
                row.kind,
                Kind::Roster | Kind::RosterAfter | Kind::RosterGone | Kind::Heard
            );
            if !is_of_roster {
                continue;
            }
            let tag = row.key.try_into().map(RosterTag::from_bytes);
            let tag = tag.map_err(|_| {
                refuse(
                    store,
                    "a roster",
                    Damage::Contradiction("lies under no tag"),
                )
            })?;
            if is_ours(tag) {
                read_roster(resident, tag, &row, &mut highest)
                    .map_err(|e| refuse(store, &format!("roster {tag}"), e))?;
            }
        }
    }
    Ok(highest)
}

fn read_roster(
    resident: &Resident,
    tag: RosterTag,
    row: &Row<'_>,
    highest: &mut Highest,
) -> Result<(), Damage> {
    let whose = |roster: Roster| {
        if roster.tag == tag {
            Ok(roster)
        } else {
            Err(Damage::Contradiction("lies under another tag"))
        }
    };
    match row.kind {
        Kind::Heard => merge_signs(resident, tag, &record::decode(row.value)?),
        Kind::Roster => {
            let roster = whose(record::decode_roster(row.value)?)?;
            highest.include(&roster);
            resident.put(tag, roster);
        }
        Kind::RosterAfter => {
            // It is likely to change again.
            let mut shard = resident.alone(tag)?;
            let before = shard.get(&tag).map(Place::opened);
            let before = before.ok_or(Damage::Contradiction("changed and was not there"))?;
            let mut roster = whose(record::decode_roster_after(before, row.value)?)?;
            resident.texts.share_in(&mut roster);
            highest.include(&roster);
            resident.replace(&mut shard, tag, Some(Arc::new(roster)));
        }
        _ => resident.replace(&mut resident.hold(tag), tag, None),
    }
    Ok(())
}

fn merge_signs(resident: &Resident, tag: RosterTag, signs: &Signs) {
    if let Some(kept) = resident.find(tag) {
        kept.failures().grow_to(signs.failures);
        for (serial, millis) in &signs.seen {
            kept.hear(serial, Timestamp::from_millis(*millis));
        }
    }
}

fn refuse(store: &Path, what: &str, damage: Damage) -> OpenError {
    match damage {
        Damage::Record(RecordError::Newer(found)) => OpenError::Newer {
            path: store.into(),
            found: found.into(),
            known: record::FORMAT.into(),
        },
        damage => OpenError::damaged(store, what, damage),
    }
}
