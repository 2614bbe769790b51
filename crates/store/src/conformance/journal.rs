//! What [`SessionStore::tail`] promises.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use innkeeper_domain::change::Change;
use innkeeper_domain::roster::RosterVersion;
use innkeeper_domain::token::RosterTag;
use tokio::task::{JoinHandle, yield_now};

use super::Harness;
use super::fixture::{World, assert_chained, commit_for, drop_after, tag};
use crate::{Cursor, JournalEntry, SessionStore, Tail};

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

/// When it is done none of them has one any more, also after a crash, and the chain is as before;
/// the entries of other rosters are as before.
pub async fn given_an_erased_roster_when_the_journal_is_read_then_only_its_persons_are_gone(
    harness: impl Harness,
) {
    let world = World::of(&harness).await;
    for number in 1..=3 {
        for of in [1, 2] {
            let id = world.born(tag(of), number).await;
            world.ended(id).await;
        }
    }
    let before = world.journal().await;

    world.store.erase(tag(1), &[]).await.unwrap();
    world.store.erase(tag(1), &[]).await.unwrap();
    world.store.erase(tag(9), &[]).await.unwrap();

    let after = world.journal().await;
    assert_eq!(after.len(), before.len());
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(after.hash(), before.hash());
        assert_eq!(after.personal.is_some(), after.tag != tag(1));
    }
    let erased: Vec<_> = after.into_iter().filter(|e| e.tag == tag(1)).collect();
    assert_chained(&erased);
}

/// When it is done none of those others has one any more either, and all that were not named do.
pub async fn given_single_entries_of_others_when_they_are_erased_then_these_alone_lose_their_person(
    harness: impl Harness,
) {
    let world = World::of(&harness).await;
    for number in 1..=3 {
        for of in [1, 2, 3] {
            let _ = world.born(tag(of), number).await;
        }
    }
    let page = world.store.tail(None, 50).await.unwrap();
    let page = page.page().expect("nothing was let go of");
    let others: Vec<_> = [1, 5].map(|nth: usize| page[nth].0.clone()).into();
    assert_eq!([&page[1].1.tag, &page[5].1.tag], [&tag(2), &tag(3)]);

    world.store.erase(tag(1), &others).await.unwrap();

    let after = world.journal().await;
    let gone = after
        .iter()
        .enumerate()
        .filter(|(_, e)| e.personal.is_none());
    let gone: Vec<_> = gone.map(|(nth, _)| nth).collect();
    assert_eq!(gone, [0, 1, 3, 5, 6]);
    for of in [1, 2, 3] {
        let of: Vec<_> = after.iter().filter(|e| e.tag == tag(of)).cloned().collect();
        assert_chained(&of);
    }
}

/// The cursor of the last entry continues where this page ended.
pub async fn given_pages_of_any_size_when_read_on_from_their_cursors_then_nothing_is_missing_or_twice(
    harness: impl Harness,
) {
    let world = World::of(&harness).await;
    assert!(page_after(&*world.store, None, 5).await.is_empty());
    for number in 1..=11 {
        world.born(tag(number % 3), number).await;
    }
    let whole = world.journal().await;
    assert_eq!(whole.len(), 11);

    for limit in [1, 2, 5, 11, 50] {
        let mut read = Vec::new();
        let mut after = None;
        loop {
            let page = page_after(&*world.store, after.as_ref(), limit).await;
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
        let page = page_after(&*world.store, after.as_ref(), 7).await;
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
        yield_now().await;
    }

    assert_eq!(seen.len(), usize::from(WRITERS));
    for entries in seen.values() {
        assert_eq!(entries.len(), COMMITS);
        assert_eq!(entries[0].seq, RosterVersion(1));
        assert_chained(entries);
    }
}

/// A cursor whose next entry was let go of is [`Tail::Gone`], and so is one from beyond the end.
pub async fn given_a_journal_that_was_trimmed_when_read_then_nothing_is_passed_over_in_silence(
    harness: impl Harness,
) {
    let world = World::of(&harness).await;
    assert_eq!(world.store.latest().await.unwrap(), None);
    for number in 1..=9 {
        world.born(tag(number % 3), number).await;
    }
    let whole = page_after(&*world.store, None, 50).await;
    let cursor = |place: usize| &whole[place].0;
    assert_eq!(
        world.store.latest().await.unwrap().as_ref(),
        Some(cursor(8))
    );

    for (through, kept) in [(3, 4), (1, 4), (7, 8), (8, 9)] {
        world.store.trim(cursor(through)).await.unwrap();

        for place in 0..9 {
            let tail = world.store.tail(Some(cursor(place)), 50).await.unwrap();
            if place + 1 < kept {
                assert_eq!(tail, Tail::Gone, "after {place}, kept from {kept}");
            } else {
                assert_eq!(tail.page().unwrap(), whole[place + 1..]);
            }
        }
        let first = page_after(&*world.store, None, 2).await;
        assert_eq!(first, whole[kept..(kept + 2).min(9)]);
        assert_eq!(
            world.store.latest().await.unwrap().as_ref(),
            Some(cursor(8))
        );
    }

    world.born(tag(1), 10).await;
    let beyond = world.store.latest().await.unwrap().unwrap();
    let later = page_after(&*world.store, Some(cursor(8)), 5).await;
    assert_eq!(later.len(), 1, "places go on where they were");
    assert_eq!(later[0].0, beyond);
    let other = World::of(&harness_of(&harness).await).await;
    let tail = other.store.tail(Some(&beyond), 5).await.unwrap();
    assert_eq!(tail, Tail::Gone, "the cursor is of another journal");
}

/// What came after it stays, each chain can still be followed, and rosters are as before.
pub async fn given_a_journal_that_was_trimmed_when_its_chains_are_followed_then_they_hold(
    harness: impl Harness,
) {
    let world = World::of(&harness).await;
    for number in 1..=9 {
        world.born(tag(number % 3), number).await;
    }
    let whole = page_after(&*world.store, None, 50).await;
    let before: Vec<_> = (0..3).map(|of| whole_roster(&whole, tag(of))).collect();

    world.store.trim(&whole[4].0).await.unwrap();
    let last = world.born(tag(0), 10).await;

    assert!(world.roster(tag(0)).await.find(last).is_some());
    let kept = world.journal().await;
    for of in 0..3 {
        let of = tag(of);
        let kept: Vec<_> = kept.iter().filter(|e| e.tag == of).cloned().collect();
        assert_chained(&kept);
        let first = &kept[0];
        let entries = &before.iter().find(|entries| entries[0].tag == of).unwrap();
        let gone = entries.iter().find(|e| e.seq.next() == first.seq).unwrap();
        assert_eq!(first.previous, gone.hash(), "its predecessor is known");
        let roster = world.roster(of).await;
        assert_eq!(roster.journal_head, kept.last().unwrap().hash());
        assert_eq!(roster.version, kept.last().unwrap().seq);
    }
}

/// It returns if there is an entry after the cursor, and else once there is one.
pub async fn given_somebody_who_listens_when_the_journal_goes_on_then_he_is_told(
    harness: impl Harness,
) {
    let world = World::of(&harness).await;
    drop_after(3, world.store.listen(None)).await;
    for number in 1..=20 {
        let latest = world.store.latest().await.unwrap();
        {
            let mut listening = pin!(world.store.listen(latest.as_ref()));
            for _ in 0..number % 4 {
                let mut context = Context::from_waker(Waker::noop());
                let poll = listening.as_mut().poll(&mut context);
                assert!(poll.is_pending(), "nothing has happened yet");
                yield_now().await;
            }
            world.born(tag(1), number).await;
            listening.await.unwrap();
        }
        world.store.listen(latest.as_ref()).await.unwrap();

        let told = page_after(&*world.store, latest.as_ref(), 5).await;
        assert_eq!(told.len(), 1, "what one is told of is there to be read");
    }
}

async fn page_after(
    store: &impl SessionStore,
    after: Option<&Cursor>,
    limit: usize,
) -> Vec<(Cursor, JournalEntry)> {
    let tail = store.tail(after, limit).await.expect("the store answers");
    tail.page().expect("nothing was let go of")
}

fn whole_roster(whole: &[(Cursor, JournalEntry)], of: RosterTag) -> Vec<JournalEntry> {
    let entries = whole.iter().map(|(_, entry)| entry);
    entries.filter(|e| e.tag == of).cloned().collect()
}

/// Another place of the same kind, in which nothing is kept yet.
async fn harness_of<H: Harness>(_: &H) -> H {
    H::new().await
}
