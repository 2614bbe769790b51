//! A copy of the folder may be older than what was served: it is known for a copy, and nothing in
//! it is valid. And whoever serves a folder that was moved away writes into no other.

mod common;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use innkeeper_domain::change::Change;
use innkeeper_domain::roster::StoreGeneration;
use innkeeper_domain::session::{SessionId, Timestamp};
use innkeeper_store::archive::{Copying, Reader};
use innkeeper_store::clock::ManualClock;
use innkeeper_store::conformance::fixture::{World, session, tag};
use innkeeper_store::{Cursor, SessionStore, StoreError, Tail};
use innkeeper_store_embedded::{EmbeddedStore, Onto, OpenError, restore};

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

fn open(folder: &Path) -> World<EmbeddedStore> {
    let clock = Arc::new(ManualClock::at(1_800_000_000));
    let store = EmbeddedStore::open(folder, clock.clone()).expect("the store is whole");
    World {
        clock,
        store: Arc::new(store),
    }
}

async fn is_live(world: &World<EmbeddedStore>, id: SessionId) -> bool {
    let reading = world.read(id.tag()).await;
    let roster = reading.roster.expect("it is there");
    roster.live(reading.now).any(|session| session.id == id)
}

/// Opens a session under the generation that its roster has now.
async fn signed_in(world: &World<EmbeddedStore>, of: u8, number: u8) -> SessionId {
    let reading = world.read(tag(of)).await;
    let mut newborn = session(tag(of), number, reading.now);
    let id = newborn.id;
    newborn.generation = reading.roster.expect("it is there").generation;
    let birth = Change::Birth(Arc::new(newborn));
    world.done(tag(of), vec![birth]).await;
    id
}

async fn generation(world: &World<EmbeddedStore>) -> StoreGeneration {
    world.read(tag(9)).await.ground.store_generation
}

async fn latest(world: &World<EmbeddedStore>) -> Cursor {
    let latest = world.store.latest().await.expect("memory answers");
    latest.expect("there are entries")
}

/// Somebody signed in and the server was stopped; the folder was copied and served on, the session
/// was ended, and the copy was put back: the session was valid again.
#[tokio::test]
async fn given_a_copy_of_the_folder_when_put_back_then_what_was_ended_meanwhile_stays_so() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("data");
    let world = open(&folder);
    let id = world.born(tag(1), 1).await;
    drop(world);
    let copy = common::Files::read(&folder);
    let left = root.path().join("left");
    copy.leave_in(&left);
    assert!(is_live(&open(&left), id).await, "its place alone tells");
    let world = open(&folder);
    assert!(is_live(&world, id).await, "it was only stopped");
    world.born(tag(2), 1).await;
    world.ended(id).await;
    let (told, before) = (latest(&world).await, generation(&world).await);
    drop(world);

    fs::remove_dir_all(&folder).unwrap();
    copy.copy_to(&folder);
    let world = open(&folder);

    assert!(!is_live(&world, id).await);
    assert!(generation(&world).await > before);
    let after = world.store.tail(Some(&told), 10).await.unwrap();
    assert_eq!(after, Tail::Gone, "it is another journal");
    let page = world.store.tail(None, 10).await.unwrap().page().unwrap();
    assert_eq!(page.len(), 1, "with the entries of the copy");
    let begins = page.last().unwrap().0.clone();
    let new = signed_in(&world, 1, 2).await;
    let more = world.store.tail(Some(&begins), 10).await.unwrap();
    assert_eq!(more.page().unwrap().len(), 1, "it goes on");
    world.agreed(tag(1)).await;
    let now = generation(&world).await;
    drop(world);
    let world = open(&folder);
    assert!(is_live(&world, new).await, "it lies there now");
    assert!(!is_live(&world, id).await);
    assert_eq!(generation(&world).await, now);
}

/// A node left the store of its folder for one that many share, and came back to it years later.
#[tokio::test]
async fn given_a_store_that_was_disowned_when_opened_then_nothing_in_it_is_valid() {
    let root = tempfile::tempdir().unwrap();
    EmbeddedStore::disown(root.path()).expect("there is none");
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0, "as before");
    let world = open(root.path());
    let id = world.born(tag(1), 1).await;
    let before = generation(&world).await;
    let refused = EmbeddedStore::disown(root.path());
    assert!(matches!(refused, Err(OpenError::InUse { .. })));
    drop(world);

    EmbeddedStore::disown(root.path()).expect("nobody has it open");
    EmbeddedStore::disown(root.path()).expect("and once more is no harm");

    let world = open(root.path());
    assert!(!is_live(&world, id).await);
    assert!(generation(&world).await > before);
    let new = signed_in(&world, 1, 2).await;
    drop(world);
    assert!(is_live(&open(root.path()), new).await, "it is served again");
}

/// `cp` without removing anything first keeps the numbers of the files.
#[tokio::test]
async fn given_a_copy_written_over_the_files_when_opened_then_nothing_in_it_is_valid() {
    let root = tempfile::tempdir().unwrap();
    let world = open(root.path());
    let id = world.born(tag(1), 1).await;
    drop(world);
    let copy = common::Files::read(root.path());
    let world = open(root.path());
    world.ended(id).await;
    drop(world);

    copy.copy_to(root.path());

    assert!(!is_live(&open(root.path()), id).await);
}

#[tokio::test]
async fn given_a_store_that_a_restore_put_aside_when_renamed_back_then_nothing_in_it_is_valid() {
    let root = tempfile::tempdir().unwrap();
    let world = open(root.path());
    let id = world.born(tag(1), 1).await;
    let mut copying = Copying::begin(Arc::clone(&world.store) as _).await.unwrap();
    let mut copy = Vec::new();
    while let Some(piece) = copying.next().await.unwrap() {
        copy.extend(piece);
    }
    drop((copying, world));
    let reader = Reader::open(&*copy).unwrap();
    let restored = restore(root.path(), Onto::WhatIsThere, reader, NOW).unwrap();
    let replaced = restored.replaced.expect("one was there");
    assert!(!is_live(&open(root.path()), id).await);

    fs::remove_dir_all(root.path().join("store")).unwrap();
    fs::rename(replaced, root.path().join("store")).unwrap();

    assert!(!is_live(&open(root.path()), id).await);
}

/// A restore was cut off between two changes of names, on files that cannot exchange two in one
/// step. The next start began an empty store, and removed the restored one.
#[tokio::test]
async fn given_no_store_beside_one_that_was_put_aside_when_opened_then_none_is_begun() {
    let root = tempfile::tempdir().unwrap();
    drop(open(root.path()));
    fs::rename(
        root.path().join("store"),
        root.path().join("replaced-29000000"),
    )
    .unwrap();
    fs::create_dir(root.path().join("new")).unwrap();
    fs::write(root.path().join("new/format"), "restored").unwrap();

    let refused = EmbeddedStore::open(root.path(), Arc::new(ManualClock::at(1)));

    let refused = refused.expect_err("there is one under another name");
    assert!(
        matches!(refused, OpenError::NotInPlace { .. }),
        "{refused:?}"
    );
    assert!(refused.to_string().contains("rename replaced-29000000"));
    let left = fs::read(root.path().join("new/format")).unwrap();
    assert_eq!(left, b"restored");
}

/// The folder of a server was moved and a copy put in its place, which another server had open.
/// An erasure at the first replaced the segment that the second was writing.
#[tokio::test]
async fn given_a_folder_that_was_moved_when_served_on_then_nothing_is_done_to_the_one_in_its_place()
{
    let root = tempfile::tempdir().unwrap();
    let (folder, moved) = (root.path().join("data"), root.path().join("moved"));
    let first = open(&folder);
    let id = first.born(tag(1), 1).await;
    fs::rename(&folder, &moved).unwrap();
    common::Files::read(&moved).copy_to(&folder);
    let second = open(&folder);
    assert!(!is_live(&second, id).await, "it serves a copy");
    let new = second.born(tag(2), 1).await;
    let before = common::Files::read(&folder).0;

    let erased = first.store.erase(tag(1), &[]).await;

    assert!(matches!(erased, Err(StoreError::Unavailable { .. })));
    first.store.failed().await;
    first.store.ready().expect_err("it takes no change");
    assert!(common::Files::read(&folder).0 == before);
    second.ended(new).await;
    drop((first, second));
    let second = open(&folder);
    assert!(!is_live(&second, new).await);
    second.agreed(tag(2)).await;
}

/// The file that was locked could be removed, and then another process locked a new one and wrote
/// to the same log.
#[tokio::test]
async fn given_a_store_in_use_when_everything_that_can_be_removed_is_then_it_is_still_in_use() {
    let root = tempfile::tempdir().unwrap();
    let world = open(root.path());
    for entry in fs::read_dir(root.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::remove_file(path).unwrap();
        }
    }

    let refused = EmbeddedStore::open(root.path(), Arc::new(ManualClock::at(1)));

    assert!(matches!(refused, Err(OpenError::InUse { .. })));
    world.born(tag(1), 1).await;
}
