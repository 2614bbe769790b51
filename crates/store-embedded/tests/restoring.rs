//! Copies that are cut, altered or made up, and folders that hold something already.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use innkeeper_domain::session::Timestamp;
use innkeeper_store::archive::{CopyError, Copying, Item, Reader};
use innkeeper_store::clock::ManualClock;
use innkeeper_store::conformance::fixture::{World, tag};
use innkeeper_store_embedded::{EmbeddedStore, Onto, OpenError, RestoreError, Restored, restore};

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

fn open(folder: &Path) -> World<EmbeddedStore> {
    let clock = Arc::new(ManualClock::at(1_800_000_000));
    let store = EmbeddedStore::open(folder, clock.clone()).expect("the store is whole");
    World {
        clock,
        store: Arc::new(store),
    }
}

async fn copy_of(world: &World<EmbeddedStore>) -> Vec<u8> {
    let store = Arc::clone(&world.store);
    let mut copying = Copying::begin(store).await.expect("the store answers");
    let mut copy = Vec::new();
    while let Some(piece) = copying.next().await.expect("the store answers") {
        copy.extend(piece);
    }
    copy
}

/// A copy of a store with two rosters, one of which has ended a session.
async fn copy() -> Vec<u8> {
    let folder = tempfile::tempdir().expect("there is room");
    let world = open(folder.path());
    world.born(tag(1), 1).await;
    let id = world.born(tag(2), 1).await;
    world.ended(id).await;
    copy_of(&world).await
}

fn bring(copy: &[u8], folder: &Path, onto: Onto) -> Result<Restored, RestoreError> {
    restore(folder, onto, Reader::open(copy)?, NOW)
}

fn read(copy: &[u8]) -> Result<usize, CopyError> {
    let items: Result<Vec<_>, _> = Reader::open(copy)?.collect();
    items.map(|items| items.len())
}

#[tokio::test]
async fn given_a_copy_that_is_cut_anywhere_when_read_then_it_is_never_taken_for_whole() {
    let copy = copy().await;
    assert_eq!(read(&copy).expect("it is whole"), 1 + 2 + 3);

    for len in 0..copy.len() {
        let cut = read(&copy[..len]).expect_err("something is missing");
        assert!(
            matches!(
                cut,
                CopyError::Foreign | CopyError::Cut | CopyError::Altered
            ),
            "{len}: {cut:?}"
        );
    }
    let longer = [&copy[..], b"x"].concat();
    assert!(matches!(read(&longer), Err(CopyError::Damaged(_))));
}

#[tokio::test]
async fn given_a_copy_with_any_bit_flipped_when_read_then_it_is_refused() {
    let copy = copy().await;

    for place in 0..copy.len() {
        let mut altered = copy.clone();
        altered[place] ^= 1 << (place % 8);
        assert!(read(&altered).is_err(), "byte {place}");
    }
}

#[tokio::test]
async fn given_a_bad_copy_when_restored_then_the_folder_holds_no_store_and_takes_the_next() {
    let copy = copy().await;
    let folder = tempfile::tempdir().expect("there is room");
    let mut altered = copy.clone();
    let middle = copy.len() / 2;
    altered[middle] ^= 1;

    for bad in [
        &copy[..copy.len() - 1],
        &copy[..middle],
        &altered,
        b"no copy",
    ] {
        let refused = bring(bad, folder.path(), Onto::Nothing);
        assert!(matches!(refused, Err(RestoreError::Copy(_))), "{refused:?}");
        let left = fs::read_dir(folder.path()).expect("it is a folder");
        assert_eq!(left.count(), 0, "nothing is left");
    }

    bring(&copy, folder.path(), Onto::Nothing).expect("this one is whole");
    open(folder.path()).agreed(tag(2)).await;
}

#[tokio::test]
async fn given_a_folder_with_a_store_when_restored_into_then_it_stays_unless_it_is_to_be_replaced()
{
    let copy = copy().await;
    let folder = tempfile::tempdir().expect("there is room");
    let world = open(folder.path());
    world.born(tag(7), 7).await;
    let in_use = bring(&copy, folder.path(), Onto::WhatIsThere);
    let in_use = in_use.expect_err("a process has it open");
    assert!(matches!(
        in_use,
        RestoreError::Folder(OpenError::InUse { .. })
    ));
    world.clock.pass(Duration::from_secs(1));
    drop(world);

    let refused = bring(&copy, folder.path(), Onto::Nothing);
    assert!(matches!(refused, Err(RestoreError::NotEmpty { .. })));
    assert_eq!(open(folder.path()).agreed(tag(7)).await.0, 1, "it is there");

    let mut generations = Vec::new();
    for _ in 0..2 {
        let restored = bring(&copy, folder.path(), Onto::WhatIsThere).expect("it was asked for");
        let kept = restored.replaced.expect("one was there");
        assert!(kept.join("format").exists(), "what was there is kept");
        let world = open(folder.path());
        assert!(world.read(tag(7)).await.roster.is_none());
        let reading = world.read(tag(1)).await;
        assert_eq!(
            reading
                .roster
                .expect("it is there")
                .live(reading.now)
                .count(),
            0
        );
        generations.push(reading.ground.store_generation);
    }
    assert!(generations[0] < generations[1], "within one minute too");
}

/// The digest only says that nobody changed the file by accident. Whoever makes one up can make
/// that up as well.
#[tokio::test]
async fn given_a_made_up_copy_when_restored_then_parts_that_contradict_each_other_are_refused() {
    let copy = copy().await;
    let whole: Vec<Item> = Reader::open(&*copy)
        .and_then(Iterator::collect)
        .expect("it is whole");
    let spoilt: [fn(&mut Vec<Item>); 4] = [
        |items| items.retain(|i| !matches!(i, Item::Entry(_))),
        |items| drop(items.pop()),
        |items| {
            for item in items {
                if let Item::Roster(roster) = item {
                    roster.version = roster.version.next();
                }
            }
        },
        |items| drop(items.remove(0)),
    ];

    for (number, spoil) in spoilt.into_iter().enumerate() {
        let folder = tempfile::tempdir().expect("there is room");
        let mut items = whole.clone();
        spoil(&mut items);
        let made_up = items.into_iter().map(Ok);
        let refused = restore(folder.path(), Onto::Nothing, made_up, NOW);
        assert!(
            matches!(
                refused,
                Err(RestoreError::Contradictory(_) | RestoreError::Copy(_))
            ),
            "{number}: {refused:?}"
        );
        assert!(!folder.path().join("store").exists());
    }
}

#[tokio::test]
async fn given_a_folder_that_is_a_link_or_a_file_when_restored_into_then_nothing_beyond_is_touched()
{
    let copy = copy().await;
    let root = tempfile::tempdir().expect("there is room");
    let file = root.path().join("file");
    fs::write(&file, b"mine").expect("there is room");

    let refused = bring(&copy, &file, Onto::WhatIsThere);

    let refused = refused.expect_err("it is a file");
    assert!(matches!(
        refused,
        RestoreError::Folder(OpenError::NotAFolder { .. })
    ));
    assert_eq!(fs::read(&file).expect("it is there"), b"mine");
    let (target, folder) = (root.path().join("elsewhere"), root.path().join("data"));
    fs::create_dir(&target).expect("there is room");
    fs::write(target.join("precious"), b"mine").expect("there is room");
    fs::create_dir(&folder).expect("there is room");
    // What is made aside must not be made in, or removed from, where a planted link leads.
    std::os::unix::fs::symlink(&target, folder.join("new")).expect("there is room");
    let _ = bring(&copy, &folder, Onto::Nothing);
    assert_eq!(fs::read_dir(&target).expect("it is there").count(), 1);
}
