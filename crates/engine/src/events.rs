//! Events: the journal as those outside read it, one tenant at a time.
//!
//! The journal is the only source of events (D7). Every change of an entry that others are told
//! of is one event, with a name that never changes and a place to go on from. A place is opaque
//! outside: it is sealed for its tenant, so that it can neither be carried over to another one
//! nor counted.

mod cursor;
pub mod feed;

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use innkeeper_domain::name::{SubjectId, TenantId};
use innkeeper_domain::roster::{RosterVersion, StoreGeneration};
use innkeeper_domain::session::{Origin, SessionClass, Timestamp};
use innkeeper_domain::token::RosterTag;
use innkeeper_store::journal::SessionEvent;
use innkeeper_store::{Cursor, JournalEntry, Tail};

pub(crate) use self::cursor::CursorKey;
use crate::{Authority, EngineError, ask};

/// How many entries one look at the store brings.
const LOOK: usize = 256;
/// How many entries of others one call passes over before it says where it is.
const LOOKED_MAX: usize = 65_536;

/// One event.
#[derive(Clone, Debug)]
pub struct Event {
    entry: Arc<JournalEntry>,
    place: usize,
}

/// The name of an event: its roster, the number of the commit, and its place in the entry.
///
/// It is the same however often the event is read, and no other event ever has it: the numbers of
/// a roster go on where they were even if it was swept and came back (D1).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct EventId {
    tag: RosterTag,
    seq: RosterVersion,
    place: u16,
}

impl Event {
    /// Its name.
    #[must_use]
    pub fn id(&self) -> EventId {
        EventId {
            tag: self.entry.tag,
            seq: self.entry.seq,
            place: u16::try_from(self.place).unwrap_or(u16::MAX),
        }
    }

    /// When it happened: for an expiry the deadline, however much later it was written down.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        match self.what() {
            SessionEvent::Ended { ending, .. } => ending.at,
            _ => self.entry.at,
        }
    }

    /// What happened.
    #[must_use]
    pub fn what(&self) -> &SessionEvent {
        &self.entry.events[self.place]
    }

    /// The number of the commit in its roster.
    #[must_use]
    pub fn seq(&self) -> RosterVersion {
        self.entry.seq
    }

    /// The tenant.
    #[must_use]
    pub fn tenant(&self) -> &TenantId {
        &self.entry.tenant
    }

    /// Who; `None` once erased.
    #[must_use]
    pub fn subject(&self) -> Option<&SubjectId> {
        self.entry.personal.as_ref().map(|p| &p.subject)
    }

    /// From where a session was opened, if this tells of that and it was not erased.
    #[must_use]
    pub fn origin(&self) -> Option<&Origin> {
        match self.what() {
            SessionEvent::Opened { .. } => self.entry.personal.as_ref()?.origin.as_ref(),
            _ => None,
        }
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = [0; 26];
        bytes[..16].copy_from_slice(self.tag.as_bytes());
        bytes[16..24].copy_from_slice(&self.seq.0.to_be_bytes());
        bytes[24..].copy_from_slice(&self.place.to_be_bytes());
        write!(f, "evt_{}", BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }
}

/// A place between two events.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Position {
    /// The generation of the store whose journal it is a place in.
    store: StoreGeneration,
    /// After this entry; `None` for the beginning.
    after: Option<Cursor>,
    /// Within the next entry, if some of its events lie before: which one that is, since what
    /// came before it may be let go of, and how many.
    within: Option<(Cursor, u16)>,
}

/// The answer to whoever asks for events.
#[derive(Clone, Debug)]
#[must_use]
pub enum Events {
    /// These.
    Page(EventPage),
    /// What came next is no longer kept, so nobody can go on from there.
    Expired,
}

/// Some events, in the order in which they were written down.
#[derive(Clone, Debug)]
pub struct EventPage {
    /// Each with the place after it.
    pub events: Vec<(Event, Position)>,
    /// Where to go on.
    pub next: Position,
    /// Whether there may be more already.
    pub more: bool,
}

impl Authority {
    /// The place before the first entry that is kept.
    pub async fn events_beginning(&self) -> Result<Position, EngineError> {
        Ok(Position {
            store: ask::ground(&*self.store).await?.store_generation,
            after: None,
            within: None,
        })
    }

    /// The place after all that has happened so far.
    pub async fn events_end(&self) -> Result<Position, EngineError> {
        let after = self.store.latest().await?;
        let beginning = self.events_beginning().await?;
        Ok(Position { after, ..beginning })
    }

    /// Writes a place down for those who may read the events of `tenant`.
    pub fn seal_position(
        &self,
        tenant: &TenantId,
        position: &Position,
    ) -> Result<String, EngineError> {
        self.cursor_key.seal(tenant, position, &*self.entropy)
    }

    /// Reads a place back; `None` if it was not sealed for this tenant.
    #[must_use]
    pub fn open_position(&self, tenant: &TenantId, text: &str) -> Option<Position> {
        self.cursor_key.open(tenant, text)
    }

    /// The events of a tenant after a place, of all its subjects or of one, at most `limit`.
    ///
    /// Of other tenants it shows nothing: neither what happened there nor how much. What was
    /// erased is nobody's any more, and so is not told to whoever asks for one subject; of what
    /// happened to it while another acted, only that other is forgotten.
    pub async fn events(
        &self,
        tenant: &TenantId,
        who: Option<&SubjectId>,
        from: &Position,
        limit: usize,
    ) -> Result<Events, EngineError> {
        if from.after.is_some() || from.within.is_some() {
            // A store that was restored has another journal, with places of the same names.
            let ground = ask::ground(&*self.store).await?;
            if ground.store_generation != from.store {
                return Ok(Events::Expired);
            }
        }
        let mut page = EventPage {
            events: Vec::new(),
            next: from.clone(),
            more: true,
        };
        let who = who.map(|who| self.tag(tenant, who));
        let mut looked = 0;
        loop {
            let Tail::Page(entries) = self.store.tail(page.next.after.as_ref(), LOOK).await? else {
                return Ok(Events::Expired);
            };
            let is_end = entries.len() < LOOK;
            looked += entries.len();
            let first = entries.first().map(|(cursor, _)| cursor);
            if page
                .next
                .within
                .as_ref()
                .is_some_and(|(entry, _)| first != Some(entry))
            {
                return Ok(Events::Expired);
            }
            for (cursor, entry) in entries {
                if entry.tenant == *tenant && is_of(who, &entry) {
                    page.take(&cursor, &Arc::new(entry), limit);
                    if page.events.len() >= limit {
                        return Ok(Events::Page(page));
                    }
                } else {
                    page.next.after = Some(cursor);
                    page.next.within = None;
                }
            }
            if is_end {
                page.more = false;
                return Ok(Events::Page(page));
            }
            if looked >= LOOKED_MAX {
                return Ok(Events::Page(page));
            }
        }
    }
}

/// Whether an entry tells of the subject of this tag. One that was erased is nobody's; but where it
/// was somebody who acted as the subject that was erased, what happened to the subject stays its
/// own.
fn is_of(who: Option<RosterTag>, entry: &JournalEntry) -> bool {
    who.is_none_or(|who| entry.tag == who && (entry.personal.is_some() || tells_of_acting(entry)))
}

fn tells_of_acting(entry: &JournalEntry) -> bool {
    entry.events.iter().any(|event| {
        let SessionEvent::Opened { class, .. } = event else {
            return false;
        };
        *class == SessionClass::Impersonation
    })
}

impl EventPage {
    /// Takes the events of an entry, as far as there is room, and goes on behind them.
    fn take(&mut self, cursor: &Cursor, entry: &Arc<JournalEntry>, limit: usize) {
        let first = self.next.within.take().map_or(0, |(_, told)| told.into());
        for place in first..entry.events.len() {
            if self.events.len() >= limit {
                return;
            }
            let told = place + 1;
            if told == entry.events.len() {
                self.next.after = Some(cursor.clone());
                self.next.within = None;
            } else {
                let told = u16::try_from(told).expect("an entry has some thousand events at most");
                self.next.within = Some((cursor.clone(), told));
            }
            let event = Event {
                entry: Arc::clone(entry),
                place,
            };
            self.events.push((event, self.next.clone()));
        }
        if first >= entry.events.len() {
            self.next.after = Some(cursor.clone());
        }
    }
}

impl Event {
    /// All events of an entry.
    pub fn of(entry: &Arc<JournalEntry>) -> impl Iterator<Item = Self> {
        (0..entry.events.len()).map(|place| Self {
            entry: Arc::clone(entry),
            place,
        })
    }
}
