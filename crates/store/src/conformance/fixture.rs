//! Subjects, sessions and commits that read like speech, for the cases.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use innkeeper_domain::change::Change;
use innkeeper_domain::device::DeviceClass;
use innkeeper_domain::name::{SubjectId, TenantId};
use innkeeper_domain::roster::{Roster, RosterVersion};
use innkeeper_domain::session::{
    AssuranceLevel, AuthenticationEvent, Binding, EndReason, Ending, FamilyDigest, GraceEnd,
    Initiator, LastSeen, Origin, PreviousToken, Replacement, Sealed, Session, SessionClass,
    SessionId, Timestamp, TokenDigest,
};
use innkeeper_domain::token::RosterTag;
use tokio::task::yield_now;

use super::Harness;
use crate::clock::ManualClock;
use crate::{Commit, Heard, JournalEntry, KeyDigest, Outcome, Reading, Remembered, SessionStore};

/// The idle timeout of every session here.
pub const IDLE: Duration = Duration::from_hours(1);
/// How long after its birth a session's absolute deadline falls.
pub const ABSOLUTE: Duration = Duration::from_hours(12);

/// A store and its clock.
#[derive(Debug)]
pub struct World<S> {
    /// The clock, to be turned by hand.
    pub clock: Arc<ManualClock>,
    /// The store.
    pub store: Arc<S>,
}

impl<S: SessionStore> World<S> {
    /// Opens the store of a harness for the first time.
    pub async fn of<H: Harness<Store = S>>(harness: &H) -> Self {
        let clock = Arc::new(ManualClock::at(1_000_000));
        let store = harness.open(Arc::clone(&clock)).await;
        Self { clock, store }
    }

    /// Reads a roster.
    pub async fn read(&self, tag: RosterTag) -> Reading {
        self.store.read(tag, None).await.expect("the store answers")
    }

    /// The roster of `tag`, which is there.
    pub async fn roster(&self, tag: RosterTag) -> Arc<Roster> {
        self.read(tag).await.roster.expect("there is such a roster")
    }

    /// Puts changes to a roster into a commit, for its version and time as they are now.
    pub async fn commit_of(&self, tag: RosterTag, changes: Vec<Change>) -> Commit {
        commit_for(tag, &self.read(tag).await, changes)
    }

    /// Commits changes to a roster, which nobody disturbs.
    pub async fn done(&self, tag: RosterTag, changes: Vec<Change>) -> Arc<Roster> {
        let commit = self.commit_of(tag, changes).await;
        match self.outcome(commit).await {
            Outcome::Done(roster) => roster,
            Outcome::Stale | Outcome::Full => panic!("nobody disturbs this commit"),
        }
    }

    /// Makes one commit, and says what became of it.
    pub async fn outcome(&self, commit: Commit) -> Outcome {
        self.store.commit(commit).await.expect("the store answers")
    }

    /// Opens session `number` of a roster.
    pub async fn born(&self, tag: RosterTag, number: u8) -> SessionId {
        let now = self.read(tag).await.now;
        let session = session(tag, number, now);
        let id = session.id;
        self.done(tag, vec![Change::Birth(Arc::new(session))]).await;
        id
    }

    /// Ends a session.
    pub async fn ended(&self, id: SessionId) -> Arc<Roster> {
        let now = self.read(id.tag()).await.now;
        self.done(id.tag(), vec![end(id, now)]).await
    }

    /// The whole journal.
    pub async fn journal(&self) -> Vec<JournalEntry> {
        let page = self.store.tail(None, usize::MAX).await;
        let page = page.expect("the store answers").page();
        let page = page.expect("it begins where the journal does");
        page.into_iter().map(|(_, entry)| entry).collect()
    }

    /// Checks that a roster and its journal tell the same story, and returns its version.
    pub async fn agreed(&self, tag: RosterTag) -> RosterVersion {
        let entries: Vec<_> = self.journal().await;
        let entries: Vec<_> = entries.into_iter().filter(|e| e.tag == tag).collect();
        assert_chained(&entries);
        let roster = self.read(tag).await.roster;
        let (version, head) = roster.map_or_else(Default::default, |r| (r.version, r.journal_head));
        assert_eq!(entries.len() as u64, version.0, "one entry a commit");
        assert_eq!(
            entries.last().map(JournalEntry::hash).unwrap_or_default(),
            head
        );
        version
    }
}

/// Checks that entries of one roster follow each other without gaps.
pub fn assert_chained(entries: &[JournalEntry]) {
    for pair in entries.windows(2) {
        assert_eq!(pair[1].seq, pair[0].seq.next(), "numbered without gaps");
        assert_eq!(pair[1].previous, pair[0].hash(), "chained");
    }
}

/// The roster of the `number`th subject.
#[must_use]
pub fn tag(number: u8) -> RosterTag {
    let mut bytes = [number.wrapping_mul(37); 16];
    bytes[15] = number;
    RosterTag::from_bytes(bytes)
}

/// Puts changes into a commit, for the version and the time of a reading.
#[must_use]
pub fn commit_for(tag: RosterTag, reading: &Reading, changes: Vec<Change>) -> Commit {
    let absent = || {
        let subject = SubjectId::parse(&format!("subject-{tag}")).expect("it is a name");
        let ground = reading.ground;
        let roster = Roster::absent(
            tag,
            TenantId::default(),
            subject,
            ground.floor,
            ground.store_generation,
        );
        Arc::new(roster)
    };
    let roster = reading.roster.clone().unwrap_or_else(absent);
    Commit::new(&roster, changes, reading.now, Timestamp::MAX, [9; 16])
}

/// Session `number` of a roster, born at `now`.
#[must_use]
pub fn session(tag: RosterTag, number: u8, now: Timestamp) -> Session {
    Session {
        id: SessionId::from_entropy(tag, [number; SessionId::SERIAL_LEN]),
        birth: number.into(),
        generation: innkeeper_domain::roster::Generation(1),
        client: None,
        class: SessionClass::Interactive,
        actor: None,
        remember: false,
        fenced: true,
        created_at: now,
        authentication: AuthenticationEvent {
            at: now,
            methods: Box::default(),
            assurance: AssuranceLevel::new(1).expect("it is one of ten"),
        },
        weaker_proofs: None,
        last_seen: LastSeen::new(now),
        idle: IDLE,
        absolute_deadline: now.plus(ABSOLUTE),
        token: TokenDigest([number; 32]),
        token_made_at: now,
        family: FamilyDigest([number; 32]),
        previous: None,
        origin: Origin::default(),
        device: None,
        device_class: DeviceClass::Other,
        binding: Binding::None,
        previous_sign_in: None,
        failures_since: 0,
        attributes: None,
        federation: None,
    }
}

/// The end of a session at `at`, by its holder.
#[must_use]
pub fn end(id: SessionId, at: Timestamp) -> Change {
    Change::End {
        id,
        ending: Ending {
            at,
            reason: EndReason::Logout,
            initiator: Initiator::User,
            asker: None,
        },
    }
}

/// A rotation at `now`, with a grace of a minute.
#[must_use]
pub fn rotation(id: SessionId, now: Timestamp) -> Change {
    let grace = now.plus(Duration::from_mins(1));
    Change::Rotation {
        id,
        token: TokenDigest([200; 32]),
        at: now,
        previous: Box::new(PreviousToken {
            digest: TokenDigest([201; 32]),
            accepted_until: GraceEnd::new(grace),
            repeatable_until: grace,
            sealed_successor: Sealed([7; 40].into()),
            replaced_by: Replacement::Renewal,
        }),
    }
}

/// An answer to remember for a minute from `now`, under key `number`.
#[must_use]
pub fn remembered(session: SessionId, number: u8, now: Timestamp) -> Remembered {
    Remembered {
        key: KeyDigest([number; 32]),
        request: [1; 32],
        session,
        sealed: Sealed([2; 60].into()),
        until: now.plus(Duration::from_mins(1)),
    }
}

/// Waits until a store that hears of commits by a channel does so: before, no glance is answered
/// twice from one reading, and some cases compare what two of them show.
pub async fn listening<S: SessionStore>(store: &S) {
    let absent = RosterTag::from_bytes([0xee; 16]);
    while !store.glance(absent, &mut |_, _| Heard::No) {
        let _ = store.read(absent, None).await.expect("the store answers");
        yield_now().await;
    }
}

/// Polls a future this often, and drops it.
pub async fn drop_after(polls: usize, future: impl Future) {
    let mut future = pin!(future);
    for _ in 0..polls {
        let mut context = Context::from_waker(Waker::noop());
        if future.as_mut().poll(&mut context).is_ready() {
            return;
        }
        yield_now().await;
    }
}
