//! What a crash may leave of the log is put right; what it cannot have left is named.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use innkeeper_domain::roster::RosterVersion;
use innkeeper_store::clock::ManualClock;
use innkeeper_store::conformance::fixture::{World, tag};
use innkeeper_store_embedded::{EmbeddedStore, OpenError};

/// Bytes in front of the rows of a frame.
const HEAD: usize = 16;

fn open(folder: &Path) -> Result<EmbeddedStore, OpenError> {
    EmbeddedStore::open(folder, Arc::new(ManualClock::at(1_000_000)))
}

fn world(folder: &Path) -> World<EmbeddedStore> {
    let clock = Arc::new(ManualClock::at(1_000_000));
    let store = EmbeddedStore::open(folder, Arc::clone(&clock) as _).unwrap();
    World {
        clock,
        store: Arc::new(store),
    }
}

/// The one segment of a small store, and where its frames begin.
fn segment(files: &common::Files) -> (PathBuf, Vec<usize>) {
    let is_segment = |name: &&PathBuf| name.extension().is_some_and(|end| end == "log");
    let name = files.0.keys().find(is_segment).unwrap().clone();
    let starts = starts(&files.0[&name]);
    (name, starts)
}

/// Where the frames of a file begin.
fn starts(bytes: &[u8]) -> Vec<usize> {
    let mut starts = vec![0];
    loop {
        let at = *starts.last().unwrap();
        let length = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        let next = at + HEAD + length as usize;
        if next >= bytes.len() {
            assert_eq!(next, bytes.len());
            return starts;
        }
        starts.push(next);
    }
}

/// The files of a store that was killed, once with every batch acknowledged, and the mark as it
/// was before the last two batches.
async fn killed(root: &Path) -> (common::Files, Vec<u8>) {
    let folder = root.join("killed");
    let world = world(&folder);
    let mut marks = Vec::new();
    for number in 1..=6 {
        world.born(tag(number), number).await;
        marks.push(fs::read(folder.join("store/mark")).unwrap());
    }
    let files = common::Files::read(&folder);
    (files, marks.swap_remove(3))
}

async fn born(folder: &Path) -> usize {
    let world = world(folder);
    let mut born = 0;
    for number in 1..=6 {
        if world.read(tag(number)).await.roster.is_some() {
            world.agreed(tag(number)).await;
            born += 1;
        }
    }
    // It goes on from there, and that stands too.
    world.born(tag(9), 9).await;
    drop(world);
    let again = self::world(folder);
    assert_eq!(again.agreed(tag(9)).await, RosterVersion(1));
    born
}

#[tokio::test]
async fn given_a_last_batch_torn_at_any_byte_when_opened_then_it_alone_is_gone() {
    let root = tempfile::tempdir().unwrap();
    let (files, mark) = killed(root.path()).await;
    let (name, starts) = segment(&files);
    let last = *starts.last().unwrap();
    let whole = files.0[&name].clone();

    for end in last..whole.len() {
        let copy = tempfile::tempdir().unwrap();
        files.leave_in(copy.path());
        fs::write(copy.path().join(&name), &whole[..end]).unwrap();

        // All of it was acknowledged: that cannot be a crash.
        let refused = open(copy.path()).expect_err("the mark knows of it");
        assert!(
            matches!(refused, OpenError::Lost { .. }),
            "{end}: {refused:?}"
        );

        fs::write(copy.path().join("store/mark"), &mark).unwrap();
        if end % 16 == 0 {
            assert_eq!(born(copy.path()).await, 5, "cut at {end}");
            continue;
        }
        let left = world(copy.path());
        assert!(left.read(tag(6)).await.roster.is_none(), "cut at {end}");
        assert_eq!(left.agreed(tag(5)).await, RosterVersion(1), "cut at {end}");
    }
    println!("{} cuts", whole.len() - last);
}

#[tokio::test]
async fn given_a_byte_flipped_before_the_last_batch_when_opened_then_nothing_is_cut_off() {
    let root = tempfile::tempdir().unwrap();
    let (files, mark) = killed(root.path()).await;
    let (name, starts) = segment(&files);
    let [.., middle, last] = starts[..] else {
        panic!("there are batches");
    };
    let whole = files.0[&name].clone();

    for at in middle..last {
        let copy = tempfile::tempdir().unwrap();
        files.leave_in(copy.path());
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        fs::write(copy.path().join(&name), bytes).unwrap();
        // A power cut may leave the mark behind; then it cannot tell.
        fs::write(copy.path().join("store/mark"), &mark).unwrap();

        let refused = open(copy.path()).expect_err("a batch follows it");

        assert!(
            matches!(refused, OpenError::Damaged { .. }),
            "{at}: {refused:?}"
        );
        assert!(refused.to_string().contains(".log"), "{refused}");
    }
    println!("{} flips", last - middle);
}

#[tokio::test]
async fn given_a_crash_at_any_step_of_a_checkpoint_when_opened_then_all_is_there() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("store-of-two");
    let first = world(&folder);
    for number in 1..=3 {
        first.born(tag(number), number).await;
    }
    first.store.checkpoint().await.unwrap();
    let after_one = common::Files::read(&folder);
    for number in 4..=6 {
        first.born(tag(number), number).await;
    }
    first.store.checkpoint().await.unwrap();
    let after_two = common::Files::read(&folder);
    drop(first);
    let checkpoint = |files: &common::Files| {
        let is_one = |name: &&PathBuf| name.extension().is_some_and(|end| end == "checkpoint");
        files.0.keys().find(is_one).unwrap().clone()
    };
    let (one, two) = (checkpoint(&after_one), checkpoint(&after_two));
    let written = &after_two.0[&two];

    // While it is written aside: any part of it may be there.
    for end in [0, 1, HEAD, written.len() / 2, written.len()] {
        let copy = tempfile::tempdir().unwrap();
        after_two.leave_in(copy.path());
        fs::remove_file(copy.path().join(&two)).unwrap();
        fs::write(copy.path().join(&one), &after_one.0[&one]).unwrap();
        let aside = copy.path().join("store/data/checkpoint.new");
        fs::write(&aside, &written[..end]).unwrap();
        assert_eq!(born(copy.path()).await, 6, "written up to {end}");
        assert!(!aside.exists());
    }
    // In place it is whole, or it is damage: it was synced before.
    let starts = starts(written);
    assert!(starts.len() > 1);
    for end in starts {
        let copy = tempfile::tempdir().unwrap();
        after_two.leave_in(copy.path());
        fs::write(copy.path().join(&two), &written[..end]).unwrap();
        let refused = open(copy.path())
            .expect_err("a part of it is missing")
            .to_string();
        assert!(refused.contains(".checkpoint"), "{refused}");
    }
    // In place, and the one before it not yet gone.
    let copy = tempfile::tempdir().unwrap();
    after_two.leave_in(copy.path());
    fs::write(copy.path().join(&one), &after_one.0[&one]).unwrap();
    assert_eq!(born(copy.path()).await, 6);
    assert!(!copy.path().join(&one).exists(), "the newer one holds it");
    // The log is as long as before: without any checkpoint it says everything again.
    let copy = tempfile::tempdir().unwrap();
    after_two.leave_in(copy.path());
    fs::remove_file(copy.path().join(&two)).unwrap();
    assert_eq!(born(copy.path()).await, 6);
}

#[tokio::test]
async fn given_a_checkpoint_of_a_later_batch_than_the_log_when_opened_then_changes_are_lost() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("store-of-one");
    let first = world(&folder);
    first.born(tag(1), 1).await;
    let before = common::Files::read(&folder);
    first.born(tag(2), 2).await;
    first.store.checkpoint().await.unwrap();
    let after = common::Files::read(&folder);
    let (name, _) = segment(&after);
    drop(first);

    let copy = tempfile::tempdir().unwrap();
    after.leave_in(copy.path());
    fs::write(
        copy.path().join("store/mark"),
        &before.0[Path::new("store/mark")],
    )
    .unwrap();
    fs::write(copy.path().join(&name), &before.0[&name]).unwrap();

    let refused = open(copy.path()).expect_err("the log ends before the checkpoint");
    assert!(matches!(refused, OpenError::Lost { .. }), "{refused:?}");
}
