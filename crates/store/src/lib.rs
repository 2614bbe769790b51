//! What every session store promises.
//!
//! A store keeps rosters and refuses what has become stale; it decides nothing. The whole of
//! what can happen to a session is [`SessionStore::commit`] and [`SessionStore::touch`]: there
//! is no upsert, and no caller saves a whole record.

pub mod answer_by;
pub mod archive;
pub mod census;
pub mod clock;
pub mod commit;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod journal;
pub mod kept;
pub mod lease;
pub mod memory;
pub mod notice;
pub mod passage;
pub mod record;
pub mod register;

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use innkeeper_domain::roster::{Floor, Roster, RosterVersion, StoreGeneration};
use innkeeper_domain::session::{Sealed, Session, SessionId, Timestamp};
use innkeeper_domain::token::RosterTag;

pub use answer_by::AnswerBy;
pub use commit::{Commit, Outcome};
pub use journal::{Cursor, JournalEntry, Tail};
pub use kept::Kept;
pub use passage::Passage;
pub use register::Register;

/// Keeps sessions, and keeps ended sessions ended.
///
/// Every line under a *Contract* heading is one case of the conformance suite. A back end that
/// passes the suite is a store; one that needs a special case in the callers is not.
#[async_trait]
pub trait SessionStore: fmt::Debug + Send + Sync {
    /// Reads a roster for a decision, with the store's time, which is the decision's `now`.
    ///
    /// # Contract
    ///
    /// - What is read was durable before it was handed out; no reader sees a commit that a crash
    ///   could still undo.
    /// - `now` never falls, from one reading to the next and across a reopening.
    /// - A session that it shows as dead is live in no reading that begins afterwards: it does not
    ///   show a roster from before a commit or touch that is under way and was in time for a
    ///   deadline that has passed at `now`.
    /// - An absent roster is `None`, and reading makes none.
    /// - With a key, what is remembered under it comes along, whichever roster it belongs to.
    async fn read(&self, tag: RosterTag, key: Option<KeyDigest>) -> Result<Reading, StoreError>;

    /// Shows a roster to `look` without waiting, if memory may answer for the store right now.
    ///
    /// Returns `false`, and has not called `look`, where it may not: then [`read`](Self::read).
    /// While `look` runs no reading for a decision is handed out, so a session that it hears
    /// from cannot have been found silent at the same moment.
    ///
    /// A session that is live in it may be let in. That one is not is no answer: it shows the
    /// roster from before a commit that is under way, which may just move the deadline.
    ///
    /// It may show one that is packed at rest. To [open](Kept::open) that makes a copy for `look`
    /// alone; only a reading has the store keep it open.
    ///
    /// # Contract
    ///
    /// - What it shows is what [`read`](Self::read) would have shown, if nothing is under way.
    /// - If `look` heard from a session or counted a failure, that reaches the disk in the end.
    fn glance(
        &self,
        tag: RosterTag,
        look: &mut dyn FnMut(Option<&Kept>, Timestamp) -> Heard,
    ) -> bool;

    /// By when a check must be answered that is begun now and reads properly.
    ///
    /// Without others who commit to the same store there is no such moment.
    fn answer_by(&self) -> AnswerBy {
        AnswerBy::any_time()
    }

    /// Makes one commit: changes, journal entry and keys in one step, or nothing.
    ///
    /// # Contract
    ///
    /// - A commit made for another version than the roster has is `Stale`, and changes nothing; so
    ///   is one made for an absent roster before the floor rose.
    /// - A commit whose moment has passed by the store's own clock, read in that step, is
    ///   `Stale`, and changes nothing.
    /// - A commit of whose keys one is remembered already, for whichever roster, is `Stale`, and
    ///   changes nothing.
    /// - A commit with a bound on the sessions of its tenant is `Full`, and changes nothing, if it
    ///   adds one and would leave more of them live than that, as they are in that step: what
    ///   ended or expired before it is not counted, whatever races with it is in order.
    /// - Of any number of commits made for one version, one is done.
    /// - A commit that is done survives a crash, with all that was done before it.
    /// - It has exactly one journal entry, numbered without gaps in its roster.
    /// - Dropping the future leaves it wholly done or wholly not done.
    async fn commit(&self, commit: Commit) -> Result<Outcome, StoreError>;

    /// Records that a session was heard from, if it is live.
    ///
    /// # Contract
    ///
    /// - A session that was ended, or had expired by the store's clock, stays as it is. A visit
    ///   never brings a session back.
    /// - `last_seen` never moves backwards, in whatever order visits arrive, nor beyond the
    ///   store's clock.
    /// - An unknown id is [`Touched::Dead`], and nothing is created.
    /// - It makes no journal entry and no new version.
    /// - A grace that it brings nearer is durable before it returns.
    async fn touch(&self, touch: Touch) -> Result<Touched, StoreError>;

    /// Reads the journal after a cursor, at most `limit` entries.
    ///
    /// # Contract
    ///
    /// - Entries of one roster come in the order of their numbers.
    /// - An entry is not passed over because a slower commit was still open.
    /// - The cursor of the last entry continues where this page ended.
    /// - A cursor whose next entry was let go of is [`Tail::Gone`], and so is one from beyond the
    ///   end: nothing is passed over in silence. Without a cursor it begins at the first entry
    ///   that is kept.
    async fn tail(&self, after: Option<&Cursor>, limit: usize) -> Result<Tail, StoreError>;

    /// The cursor of the last entry, kept or not; `None` if there never was one.
    async fn latest(&self) -> Result<Option<Cursor>, StoreError>;

    /// Waits until the journal goes on after a cursor.
    ///
    /// # Contract
    ///
    /// - It returns if there is an entry after the cursor, and else once there is one.
    /// - Dropping the future leaves nothing behind.
    async fn listen(&self, after: Option<&Cursor>) -> Result<(), StoreError>;

    /// Lets go of the journal up to and with the entry of this cursor.
    ///
    /// # Contract
    ///
    /// - What came after it stays, in its place, and each chain can still be followed: the first
    ///   entry of a roster that is kept names the hash of the one before it.
    /// - Rosters are as before: no verdict rests on the journal (S18).
    async fn trim(&self, through: &Cursor) -> Result<(), StoreError>;

    /// Erases the personal part of every entry that the journal holds of this roster when it is
    /// asked to, and of those `others`, which tell of the same person. May take as long as reading
    /// the whole journal.
    ///
    /// # Contract
    ///
    /// - When it is done none of them has one any more, also after a crash, and the chain is as
    ///   before: their hashes cover a digest of it.
    /// - When it is done, nothing that the store keeps holds what a roster has no more, nor a value
    ///   of the register that was replaced or removed, nor the name of one that was removed.
    /// - If it fails, some may still have theirs; asked again it does the rest.
    /// - All other entries are as before, and so are all rosters.
    async fn erase(&self, tag: RosterTag, others: &[Cursor]) -> Result<(), StoreError>;

    /// Names rosters in the order of their tags, after `after`, at most `limit`.
    ///
    /// For sweeping and searching: what it names is read again before anything is done to it.
    ///
    /// # Contract
    ///
    /// - Every roster that is there throughout a walk is named in it once.
    async fn walk(
        &self,
        after: Option<RosterTag>,
        limit: usize,
    ) -> Result<Vec<RosterTag>, StoreError>;

    /// Lets go of a roster in which nothing is left, if it still has that version.
    ///
    /// # Contract
    ///
    /// - One that is not [forgettable](Roster::is_forgettable) stays.
    /// - Afterwards the roster reads as absent, and every verdict is as before (S18).
    async fn forget(&self, tag: RosterTag, version: RosterVersion) -> Result<(), StoreError>;

    /// Raises the floor above everything that any roster has reached, at most daily.
    ///
    /// # Contract
    ///
    /// - Neither the generation nor the version of the floor ever falls.
    async fn raise_floor(&self) -> Result<Floor, StoreError>;

    /// Says whether changes can be made at all, as far as the store knows without trying.
    fn ready(&self) -> Result<(), StoreError>;
}

/// A roster as it was read, with all that a decision about it needs from the store.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The roster; `None` if the store holds none.
    pub roster: Option<Arc<Roster>>,
    /// The store's time.
    pub now: Timestamp,
    /// Where absent rosters begin.
    pub ground: Ground,
    /// What is remembered under the key that was asked for.
    pub remembered: Option<Remembered>,
    /// How many keys this roster has in memory at `now`.
    pub keys_held: usize,
}

/// The numbers under which a store reads what it does not hold.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Ground {
    /// Where absent rosters begin.
    pub floor: Floor,
    /// The generation of the store's data.
    pub store_generation: StoreGeneration,
}

/// Whether a glance moved what moves between commits, so that it has to be kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Heard {
    /// A session's last-seen moved, or the count of failed sign-ins.
    Yes,
    /// Nothing moved.
    No,
}

/// The digest of an idempotency key, and of its tenant.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct KeyDigest(pub [u8; 32]);

/// An answer that may have to be given again.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Remembered {
    /// The key it is remembered under.
    pub key: KeyDigest,
    /// The digest of the request, to know a repeat from another request.
    pub request: [u8; 32],
    /// The session that was born.
    pub session: SessionId,
    /// The answer's secrets, sealed under the key: only who sent it can open them.
    pub sealed: Sealed,
    /// Until when it is remembered.
    pub until: Timestamp,
}

/// A sign of life.
#[derive(Clone, Copy, Debug)]
pub struct Touch {
    /// The session that was heard from.
    pub session: SessionId,
    /// The new end of the previous token's grace, now that its successor was seen.
    pub grace_ends_at: Option<Timestamp>,
}

/// What became of a sign of life.
#[derive(Clone, Debug)]
pub enum Touched {
    /// The session is live and was heard from.
    Live(Arc<Session>),
    /// There is no such live session, and nothing was done.
    Dead,
}

/// Why a store could not do what it was asked.
///
/// The variants differ in what the caller does next, not in what went wrong inside. A missing
/// session is not among them, nor is a commit that came too late: absence and `Stale` are answers.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The commit was sent and its answer was lost. It may stand: read, and see.
    #[error("commit to roster {tag} has an unknown outcome")]
    Unknown {
        /// The roster in question.
        tag: RosterTag,
    },

    /// A stored record cannot be read back. Retrying is useless; page an operator.
    #[error("stored record {name} is unreadable")]
    Corrupt {
        /// Which record.
        name: String,
        /// What the decoder said.
        source: Box<dyn Error + Send + Sync>,
    },

    /// The back end did not answer. Fail closed: silence is not "no such session".
    #[error("session store is unavailable")]
    Unavailable {
        /// What the driver said.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl StoreError {
    /// The roster `tag` cannot be read back.
    #[must_use]
    pub fn corrupt_roster(tag: RosterTag, source: record::RecordError) -> Self {
        Self::Corrupt {
            name: format!("of roster {tag}"),
            source: Box::new(source),
        }
    }
}
