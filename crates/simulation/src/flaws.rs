//! Planted flaws: wrong designs that people build, of a store or of the door before it, and how soon the checker sees them.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::world::{Door, run_leases, run_over, run_through};
use crate::wrong::WrongStore;

/// A wrong design of a store.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Flaw {
    /// None: the same store done right, so that what is caught is the flaw.
    Control,
    /// The version of a commit is not compared.
    CountThenInsert,
    /// A birth that lost the race against a fence is carried over it.
    GenerationNotCompared,
    /// The moment of a commit is not compared.
    MomentNotCompared,
    /// A touch writes back the session that it read.
    TouchUpserts,
    /// A touch asks whether the session is live before it has its turn.
    DeadlineReadEarly,
    /// A commit is answered before it is carried out.
    AnsweredFirst,
    /// A commit is answered before it is synced.
    AnsweredBeforeSync,
    /// A reader sees what is not synced yet.
    SeenBeforeSync,
    /// A rotated token is good for ever.
    GraceForgotten,
    /// Time is the wall clock's.
    TimeFalls,
    /// Empty rosters are removed, and absent ones begin at the beginning.
    NoFloor,
    /// Some commits have no journal entry.
    JournalSkips,
    /// The journal is written after the commit.
    JournalLate,
    /// Keys are not remembered with the commit.
    KeyForgotten,
    /// A ticket is not remembered with the commit, only a key that came with it.
    TicketForgotten,
    /// How often a token came from elsewhere is not kept with its session.
    MismatchForgotten,
    /// The newcomer is the one who goes.
    NewcomerEvicted,
    /// Tokens are validated from a copy of their own, which is renewed now and then.
    SecondIndex,
    /// Now and then a reader gets the answer that another reader left unread.
    AnswersShift,
    /// Who was disabled is never let in again.
    EnableForgotten,
    /// Now and then a commit ends everybody, without an order.
    FenceUnordered,
    /// The seats of a tenant are counted now and then, and not with each commit.
    SeatsCountedEarly,
    /// The subject's own word for a device counts as an administrator's.
    OwnWordBelieved,
    /// Whose session it is, is not part of the question.
    OwnerNotAsked,
    /// The tenant of the caller is not part of the question.
    TenantNotAsked,
    /// None: the same leases done right.
    ControlLease,
    /// What was read is answered from however long that took.
    LeaseAtLookUpOnly,
    /// A lease lasts from when its answer came.
    LeaseFromAnswer,
    /// A notice says that a roster moved, and not how far.
    NoticeWithoutVersion,
    /// Leases stay when the channel has broken.
    LeaseWithoutChannel,
    /// A visit that is written down behind is not held against anything.
    VisitsRevive,
}

/// Every flaw, the promises it must be seen to break, and what it is in one line.
pub const FLAWS: [(Flaw, &[&str], &str); 30] = [
    (
        Flaw::CountThenInsert,
        &["S1"],
        "count, then insert: no version compared",
    ),
    (
        Flaw::GenerationNotCompared,
        &["S8"],
        "a birth is carried over a fence",
    ),
    (
        Flaw::MomentNotCompared,
        &["S11"],
        "the moment of a commit is not compared",
    ),
    (
        Flaw::TouchUpserts,
        &["S2", "S4"],
        "a touch writes back what it read",
    ),
    (
        Flaw::DeadlineReadEarly,
        &["S2", "S13"],
        "a touch reads the deadline before its turn",
    ),
    (Flaw::AnsweredFirst, &["S4"], "answered before the commit"),
    (
        Flaw::AnsweredBeforeSync,
        &["S3"],
        "answered before the sync",
    ),
    (
        Flaw::SeenBeforeSync,
        &["S2", "S9"],
        "a refusal shown before the sync of what it saw",
    ),
    (
        Flaw::GraceForgotten,
        &["S9"],
        "a token accepted after its grace",
    ),
    (Flaw::TimeFalls, &["S13"], "time falls with the wall clock"),
    (
        Flaw::NoFloor,
        &["S8"],
        "empty rosters removed without a floor",
    ),
    (Flaw::JournalSkips, &["S16"], "a commit without its entry"),
    (
        Flaw::JournalLate,
        &["S16"],
        "the journal written after the commit",
    ),
    (
        Flaw::KeyForgotten,
        &["S10"],
        "keys not kept with the commit",
    ),
    (
        Flaw::TicketForgotten,
        &["S10"],
        "tickets not remembered with the commit",
    ),
    (
        Flaw::NewcomerEvicted,
        &["S2", "S4"],
        "the newcomer chosen as the victim",
    ),
    (
        Flaw::MismatchForgotten,
        &["S4"],
        "how often a token came from elsewhere is not kept",
    ),
    (
        Flaw::AnswersShift,
        &["S2", "S4", "S13"],
        "an unread answer goes to the next reader",
    ),
    (
        Flaw::SecondIndex,
        &["S12"],
        "tokens validated from an index of their own",
    ),
    (
        Flaw::EnableForgotten,
        &["V4"],
        "enabled again, and still refused",
    ),
    (
        Flaw::FenceUnordered,
        &["V4"],
        "sessions ended without an order",
    ),
    (
        Flaw::SeatsCountedEarly,
        &["S1"],
        "seats of a tenant counted before the commit",
    ),
    (
        Flaw::OwnWordBelieved,
        &["S11"],
        "the subject's own word for a device believed at once",
    ),
    (
        Flaw::OwnerNotAsked,
        &["S7"],
        "the owner is not part of the question",
    ),
    (
        Flaw::TenantNotAsked,
        &["S14"],
        "the tenant is not part of the question",
    ),
    (
        Flaw::LeaseAtLookUpOnly,
        &["S4⁺"],
        "a lease checked only at look-up, not when answering",
    ),
    (
        Flaw::LeaseFromAnswer,
        &["S4", "S4⁺"],
        "a lease counted from the answer, not from the question",
    ),
    (
        Flaw::NoticeWithoutVersion,
        &["S4"],
        "a notice without a version: an older reading replaces a newer one",
    ),
    (
        Flaw::LeaseWithoutChannel,
        &["S17"],
        "a lease kept without a channel",
    ),
    (
        Flaw::VisitsRevive,
        &["S2", "S13"],
        "a visit written down brings a session back",
    ),
];

/// How a flaw was caught.
#[derive(Clone, Debug)]
pub struct Catch {
    /// How many seeds it took until anything was wrong.
    pub seeds: u64,
    /// How many operations.
    pub operations: u64,
    /// The rules that were broken first.
    pub rules: BTreeSet<&'static str>,
    /// How many seeds it took until one of the meant promises was broken.
    pub meant: u64,
}

/// Runs seeds over a store with this flaw until it breaks one of the promises that it must be
/// seen to break, or any if none is named; `None` if it does not.
#[must_use]
pub fn hunt(flaw: Flaw, meant: &[&str], seeds_max: u64) -> Option<Catch> {
    let mut operations = 0;
    let mut first: Option<Catch> = None;
    for seed in 0..seeds_max {
        let run = match flaw {
            Flaw::OwnerNotAsked => run_through(Door::OwnerNotAsked, seed),
            Flaw::TenantNotAsked => run_through(Door::TenantNotAsked, seed),
            Flaw::ControlLease
            | Flaw::LeaseAtLookUpOnly
            | Flaw::LeaseFromAnswer
            | Flaw::NoticeWithoutVersion
            | Flaw::LeaseWithoutChannel
            | Flaw::VisitsRevive => run_leases(flaw, seed),
            _ => run_over(seed, |clock, dice| {
                Arc::new(WrongStore::new(flaw, clock, dice))
            }),
        };
        operations += run.tally.operations;
        if run.violations.is_empty() {
            continue;
        }
        let rules: BTreeSet<_> = run.violations.iter().map(|v| v.rule).collect();
        let is_meant = meant.is_empty() || meant.iter().any(|rule| rules.contains(rule));
        let catch = first.get_or_insert(Catch {
            seeds: seed + 1,
            operations,
            rules,
            meant: 0,
        });
        if is_meant {
            catch.meant = seed + 1;
            return first;
        }
    }
    None
}
