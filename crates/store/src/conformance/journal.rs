//! What [`SessionStore::tail`] promises.

use std::collections::HashMap;
use std::sync::Arc;

use innkeeper_domain::change::Change;
use innkeeper_domain::roster::RosterVersion;
use innkeeper_domain::token::RosterTag;
use tokio::task::JoinHandle;

use super::Harness;
use super::fixture::{World, assert_chained, commit_for, tag};
use crate::{JournalEntry, SessionStore};

/// Entries of one roster come in the order of their numbers.
pub async fn given_entries_of_many_rosters_when_read_then_each_roster_is_in_order_and_chained(
    harness: impl Harness,
) {
    let world = World::of(&harness).await;
    for number in 1..=6 {
        for of in [3, 1, 2] {
            let id = world.born(tag(of), number).await;
            world.ended(id).await;
        }
    }

    let mut by_roster: HashMap<RosterTag, Vec<JournalEntry>> = HashMap::new();
    for entry in world.journal().await {
        assert!(entry.personal.is_some(), "nobody erased it");
        by_roster.entry(entry.tag).or_default().push(entry);
    }
    assert_eq!(by_roster.len(), 3);
    for entries in by_roster.values() {
        assert_eq!(entries.len(), 12);
        assert_eq!(entries[0].seq, RosterVersion(1));
        assert_chained(entries);
    }
}

/// The cursor of the last entry continues where this page ended.
pub async fn given_pages_of_any_size_when_read_on_from_their_cursors_then_nothing_is_missing_or_twice(
    harness: impl Harness,
) {
    let world = World::of(&harness).await;
    assert!(world.store.tail(None, 5).await.unwrap().is_empty());
    for number in 1..=11 {
        world.born(tag(number % 3), number).await;
    }
    let whole = world.journal().await;
    assert_eq!(whole.len(), 11);

    for limit in [1, 2, 5, 11, 50] {
        let mut read = Vec::new();
        let mut after = None;
        loop {
            let page = world.store.tail(after.as_ref(), limit).await.unwrap();
            assert!(page.len() <= limit);
            let Some((last, _)) = page.last() else {
                break;
            };
            after = Some(last.clone());
            read.extend(page.into_iter().map(|(_, entry)| entry));
        }
        assert_eq!(read, whole, "in pages of {limit}");
    }
}

/// An entry is not passed over because a slower commit was still open.
pub async fn given_commits_in_flight_when_the_journal_is_followed_then_no_entry_is_passed_over(
    harness: impl Harness,
) {
    const WRITERS: u8 = 8;
    const COMMITS: usize = 25;
    let world = World::of(&harness).await;
    let mut writers = Vec::new();
    for number in 0..WRITERS {
        let store = Arc::clone(&world.store);
        writers.push(tokio::spawn(async move {
            for _ in 0..COMMITS {
                let reading = store.read(tag(number), None).await.unwrap();
                let commit = commit_for(tag(number), &reading, vec![Change::Disabled(false)]);
                let _ = store.commit(commit).await.unwrap();
            }
        }));
    }

    let mut seen: HashMap<RosterTag, Vec<JournalEntry>> = HashMap::new();
    let mut after = None;
    loop {
        // Asked before reading: what is read after that is all there will be.
        let quiet = writers.iter().all(JoinHandle::is_finished);
        let page = world.store.tail(after.as_ref(), 7).await.unwrap();
        if quiet && page.is_empty() {
            break;
        }
        for (cursor, entry) in page {
            after = Some(cursor);
            let read = world.roster(entry.tag).await;
            assert!(
                read.version >= entry.seq,
                "the roster shows what its journal tells"
            );
            seen.entry(entry.tag).or_default().push(entry);
        }
        tokio::task::yield_now().await;
    }

    assert_eq!(seen.len(), usize::from(WRITERS));
    for entries in seen.values() {
        assert_eq!(entries.len(), COMMITS);
        assert_eq!(entries[0].seq, RosterVersion(1));
        assert_chained(entries);
    }
}
