//! What a seed meets seldom, step by step, on simulated files.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use innkeeper_domain::change::Change;
use innkeeper_domain::session::{SessionId, Timestamp};
use innkeeper_store::archive::{Copying, Reader};
use innkeeper_store::clock::ManualClock;
use innkeeper_store::conformance::fixture::{commit_for, session, tag};
use innkeeper_store::register::{Put, Register};
use innkeeper_store::{Outcome, SessionStore, StoreError, Touch};
use innkeeper_store_embedded::files::Files;
use innkeeper_store_embedded::files::simulated::{Deed, SimulatedFiles};
use innkeeper_store_embedded::restore::restore_on;
use innkeeper_store_embedded::{EmbeddedStore, Onto, OpenError, RestoreError, Sizes};

const SIZES: Sizes = Sizes {
    segment: 3000,
    checkpoint: 6000,
    reserve: 2000,
    rest: Duration::ZERO,
};
const FOLDER: &str = "data";
const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// A store that is driven by hand, and what it stands on.
struct World {
    files: SimulatedFiles,
    clock: Arc<ManualClock>,
    store: Arc<EmbeddedStore>,
    births: u8,
}

impl World {
    fn new(seed: u64) -> Self {
        Self::over(SimulatedFiles::new(seed))
    }

    fn over(files: SimulatedFiles) -> Self {
        let clock = Arc::new(ManualClock::at(1_800_000_000));
        let store = open(&files, &clock).expect("the store is whole");
        Self {
            files,
            clock,
            store: Arc::new(store),
            births: 0,
        }
    }

    /// The process goes away and comes back.
    fn killed(self) -> Self {
        drop(self.store);
        self.files.kill();
        Self::over(self.files)
    }

    /// Has rounds done until there is an answer.
    fn done<T>(&self, future: impl Future<Output = T>) -> T {
        done(&self.store, future)
    }

    fn born(&mut self, of: u8) {
        let outcome = self.try_born(of).expect("there is room");
        assert!(matches!(outcome, Outcome::Done(_)));
    }

    fn try_born(&mut self, of: u8) -> Result<Outcome, StoreError> {
        self.births += 1;
        let reading = self.done(self.store.read(tag(of), None))?;
        let birth = Change::Birth(Arc::new(session(tag(of), self.births, reading.now)));
        let commit = commit_for(tag(of), &reading, vec![birth]);
        self.done(self.store.commit(commit))
    }

    /// The live sessions of a roster, in order of birth.
    fn live(&self, of: u8) -> Vec<SessionId> {
        let reading = self.done(self.store.read(tag(of), None));
        let reading = reading.expect("it answers");
        let live = reading.roster.iter().flat_map(|r| r.live(reading.now));
        live.map(|s| s.id).collect()
    }

    fn put(&self, name: &str, bytes: usize) {
        let held = self.done(self.store.get(name)).expect("memory answers");
        let value = Some(vec![7; bytes]);
        let put = self.store.put(name, held.map(|held| held.version), value);
        let put = self.done(put).expect("there is room");
        assert!(matches!(put, Put::Done(_)));
    }

    /// The files of the store that end like this.
    fn named(&self, end: &str) -> Vec<String> {
        let mut names = self
            .files
            .list("data/store/data".as_ref())
            .expect("it is there");
        names.retain(|name| name.ends_with(end));
        names
    }

    fn copy(&self) -> Vec<u8> {
        let mut copying = self
            .done(Copying::begin(Arc::clone(&self.store) as _))
            .expect("it answers");
        let mut copy = Vec::new();
        while let Some(piece) = self.done(copying.next()).expect("it answers") {
            copy.extend(piece);
        }
        copy
    }
}

fn open(files: &SimulatedFiles, clock: &Arc<ManualClock>) -> Result<EmbeddedStore, OpenError> {
    EmbeddedStore::open_simulated(
        Arc::new(files.clone()),
        FOLDER,
        Arc::clone(clock) as _,
        SIZES,
    )
}

fn done<T>(store: &EmbeddedStore, future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..100 {
        if let Poll::Ready(answer) = future.as_mut().poll(&mut context) {
            return answer;
        }
        store.turn();
    }
    panic!("no answer comes");
}

fn bring(files: &SimulatedFiles, copy: &[u8]) -> Result<(), RestoreError> {
    let files = Arc::new(files.clone());
    let copy = Reader::open(copy)?;
    restore_on(files, FOLDER.as_ref(), Onto::WhatIsThere, copy, NOW).map(drop)
}

fn replaced(files: &SimulatedFiles) -> BTreeSet<String> {
    let mut names = files.list(FOLDER.as_ref()).expect("it is there");
    names.retain(|name| name.starts_with("replaced-"));
    names.into_iter().collect()
}

/// A checkpoint took what room there was left; the log then found none, and the store stopped,
/// though its commits were small and would have fitted for a long time.
#[test]
fn given_no_room_for_a_checkpoint_when_one_is_due_then_commits_go_on_and_it_waits_for_room() {
    let mut world = World::new(1);
    world.born(1);
    world.files.hold_at_most(world.files.used() + 9000);
    while world.files.free(FOLDER.as_ref()).expect("it is up") > 700 {
        world.put("a name", 150);
    }
    assert_eq!(
        world.named(".checkpoint").len(),
        0,
        "it would not have fitted"
    );
    assert_eq!(
        world.files.strokes().full,
        0,
        "nobody has found the disk full"
    );
    world.store.ready().expect("it takes changes");
    let refused = world
        .done(world.store.checkpoint())
        .expect_err("it does not fit");
    let why = std::error::Error::source(&refused)
        .expect("it says why")
        .to_string();
    assert!(why.contains("make room"), "{why}");
    let refused = world.done(world.store.erase(tag(1), &[]));
    assert!(refused.is_err(), "it needs a checkpoint");

    world.files.hold_at_most(u64::MAX);
    world.put("a name", 10);
    world.put("a name", 10);
    assert_eq!(world.named(".checkpoint").len(), 0, "a minute is not over");
    world.clock.pass(Duration::from_secs(61));
    world.put("a name", 10);
    world.put("a name", 10);

    assert_eq!(world.named(".checkpoint").len(), 1);
    world
        .done(world.store.erase(tag(1), &[]))
        .expect("there is room");
}

/// A store that had found its disk full refused all changes for good, however much room was made,
/// and nobody restarted it, since it went on running.
#[test]
fn given_no_room_for_a_commit_when_there_is_room_again_then_changes_are_taken_without_opening_anew()
{
    let mut world = World::new(1);
    world.born(1);
    let kept = world.live(1);
    for free in [0, 1, 20] {
        world.files.hold_at_most(world.files.used() + free);

        let refused = world.try_born(1).expect_err("there is no room");

        assert!(
            matches!(refused, StoreError::Unavailable { .. }),
            "{refused:?}"
        );
        world.store.ready().expect_err("it says so");
        assert_eq!(world.live(1), kept, "nothing was done");
        assert!(world.try_born(2).is_err(), "nor is it for anybody else");
        world.clock.pass(Duration::from_secs(3));
        world.store.turn();
        world.store.ready().expect_err("there is none yet");
        world.files.hold_at_most(u64::MAX);
        world.store.turn();
        world.store.ready().expect("nobody had to ask");
    }
    world.born(1);
    world.born(2);
    let both = (world.live(1), world.live(2));
    assert_eq!((both.0.len(), both.1.len()), (2, 1));

    let world = world.killed();
    assert_eq!((world.live(1), world.live(2)), both);
}

/// There was room for the name of a new segment, and none for its first batch. An erasure had the
/// next batch begin another, which has the same name, and the store stopped.
#[test]
fn given_a_segment_without_a_batch_when_somebody_is_erased_then_the_next_batch_goes_into_it() {
    let mut world = World::new(1);
    world.born(1);
    let begun = loop {
        let before = world.named(".log");
        world.files.hold_at_most(world.files.used());
        world.try_born(2).expect_err("there is no room");
        world.files.hold_at_most(u64::MAX);
        if world.named(".log") != before {
            break world.named(".log");
        }
        world.put("a name", 100);
    };

    world
        .done(world.store.erase(tag(1), &[]))
        .expect("there is room");

    world.born(2);
    assert_eq!(world.named(".log").last(), begun.last());
    let world = world.killed();
    assert_eq!(world.live(2).len(), 1);
}

/// What was refused may lie there in part when the power goes.
#[test]
fn given_no_room_for_a_commit_when_the_power_goes_then_it_is_cut_off_and_all_before_it_is_there() {
    let mut world = World::new(1);
    world.born(1);
    let kept = world.live(1);
    world.files.hold_at_most(world.files.used() + 20);
    world.try_born(1).expect_err("there is no room");

    drop(world.store);
    world.files.crash();
    world.files.hold_at_most(u64::MAX);

    assert_eq!(World::over(world.files).live(1), kept);
}

/// A sync that failed is never tried again: that it returns later proves nothing.
#[test]
fn given_a_sync_that_failed_when_all_is_well_again_then_the_store_stays_stopped_and_says_so() {
    let mut world = World::new(1);
    world.born(1);
    let store = Arc::clone(&world.store);
    let mut failed = pin!(store.failed());
    let mut context = Context::from_waker(Waker::noop());
    assert!(failed.as_mut().poll(&mut context).is_pending());

    world.files.fail_one_in(Deed::Sync, 1);
    let refused = world.try_born(1).expect_err("the sync failed");
    world.files.fail_one_in(Deed::Sync, 0);

    assert!(matches!(refused, StoreError::Unknown { .. }), "{refused:?}");
    assert!(failed.as_mut().poll(&mut context).is_ready());
    world.try_born(2).expect_err("it has stopped");
    world.store.ready().expect_err("until it is opened anew");
}

/// What was refused for want of room is cut off again. If that fails too, nobody knows what a
/// power cut would leave.
#[test]
fn given_no_room_when_what_was_written_cannot_be_cut_off_then_the_store_stops_in_doubt() {
    let mut world = World::new(1);
    world.born(1);
    world.files.hold_at_most(world.files.used() + 20);
    world.files.fail_one_in(Deed::Cut, 1);

    let refused = world.try_born(1).expect_err("there is no room");
    world.files.spare();

    assert!(matches!(refused, StoreError::Unknown { .. }), "{refused:?}");
    world.try_born(2).expect_err("it has stopped");
    let world = world.killed();
    assert_eq!(
        world.live(1).len(),
        1,
        "what was torn is cut off at the next opening"
    );
}

/// The next segment is begun when it is needed; a batch without one has no place to go.
#[test]
fn given_a_segment_that_cannot_be_made_when_a_batch_needs_it_then_the_store_stops_in_doubt() {
    let mut world = World::new(1);
    world.files.fail_one_in(Deed::Create, 1);

    let refused = (0..100).find_map(|of| world.try_born(of).err());
    world.files.spare();

    let refused = refused.expect("a hundred births are more than a segment");
    assert!(matches!(refused, StoreError::Unknown { .. }), "{refused:?}");
    world.try_born(1).expect_err("it has stopped");
    world.killed().born(200);
}

/// It was reported as damage that no later try could mend.
#[test]
fn given_a_read_that_fails_when_the_journal_is_asked_for_then_it_is_unavailable_for_now() {
    let mut world = World::new(1);
    world.born(1);
    world.files.fail_one_in(Deed::Read, 1);

    let refused = world
        .done(world.store.tail(None, 10))
        .expect_err("the read failed");
    world.files.spare();

    assert!(
        matches!(refused, StoreError::Unavailable { .. }),
        "{refused:?}"
    );
    let page = world
        .done(world.store.tail(None, 10))
        .expect("it reads again");
    assert_eq!(page.page().expect("nothing was let go of").len(), 1);
}

#[test]
fn given_a_deed_that_fails_when_a_store_is_opened_then_it_is_refused_and_opens_the_next_time() {
    for deed in Deed::ALL {
        let mut world = World::new(1);
        world.born(1);
        let (files, clock) = (world.files.clone(), Arc::clone(&world.clock));
        drop(world);
        files.kill();
        files.fail_one_in(deed, 1);

        let refused = open(&files, &clock);
        files.kill();
        files.spare();

        // Where nothing is torn and nothing left over, nothing is cut off or removed.
        let is_needed = !matches!(deed, Deed::Cut | Deed::Remove);
        assert_eq!(refused.is_err(), is_needed, "{deed:?}: {refused:?}");
        let is_blamed = matches!(
            refused,
            Err(OpenError::Damaged { .. } | OpenError::Lost { .. })
        );
        assert!(!is_blamed, "{deed:?}: {refused:?}");
        assert_eq!(World::over(files).live(1).len(), 1, "{deed:?}");
    }
}

/// The register changed and nobody signed in: the segments had no place of the journal, each kept
/// itself and all before it, and the disk filled up.
#[test]
fn given_segments_without_journal_entries_when_a_checkpoint_holds_them_then_they_go() {
    let mut world = World::new(1);
    world.born(1);
    let latest = world.done(world.store.latest()).expect("memory answers");
    world
        .done(world.store.trim(&latest.expect("there is one")))
        .expect("there is room");
    for _ in 0..100 {
        world.put("a name", 200);
    }

    world.done(world.store.checkpoint()).expect("there is room");

    let left = world.named(".log");
    assert!(left.len() <= 2, "{left:?}");
    let world = world.killed();
    let held = world
        .done(world.store.get("a name"))
        .expect("memory answers");
    assert_eq!(held.expect("it is there").version, 100);
}

#[test]
fn given_a_journal_that_is_kept_when_a_checkpoint_is_made_then_its_segments_stay() {
    let mut world = World::new(1);
    world.born(1);
    for _ in 0..100 {
        world.put("a name", 200);
    }

    world.done(world.store.checkpoint()).expect("there is room");

    let world = world.killed();
    let page = world
        .done(world.store.tail(None, 10))
        .expect("it can be read");
    assert_eq!(page.page().expect("from its beginning").len(), 1);
}

/// Under another name a checkpoint would hide the batches between the two.
#[test]
fn given_a_checkpoint_under_the_name_of_another_batch_when_opened_then_it_is_refused() {
    let mut world = World::new(1);
    world.born(1);
    world.done(world.store.checkpoint()).expect("there is room");
    for _ in 0..3 {
        world.born(1);
    }
    let World {
        files,
        clock,
        store,
        ..
    } = world;
    drop(store);
    let data = std::path::Path::new("data/store/data");
    let names = files.list(data).expect("it is there");
    let name = names
        .iter()
        .find_map(|name| name.strip_suffix(".checkpoint"));
    let held = u64::from_str_radix(name.expect("there is one"), 16).expect("a number");
    let path = |held| data.join(format!("{held:016x}.checkpoint"));
    files
        .rename(&path(held), &path(held + 2))
        .expect("it is there");

    let refused = open(&files, &clock).expect_err("batches would be missing");

    let said = refused.to_string();
    assert!(said.contains(".checkpoint"), "{said}");
    files
        .rename(&path(held + 2), &path(held))
        .expect("it is there");
    open(&files, &clock).expect("it is whole");
}

/// The first who was heard from said so to a queue that was full, and nobody after it did.
#[test]
fn given_a_full_queue_when_somebody_is_heard_from_then_that_is_written_down_all_the_same() {
    let mut world = World::new(1);
    world.born(1);
    let roster = |world: &World| {
        let reading = world
            .done(world.store.read(tag(1), None))
            .expect("it answers");
        reading.roster.expect("it is there")
    };
    let id = roster(&world).sessions[0].id;
    world.clock.pass(Duration::from_millis(1500));
    let _ = roster(&world);
    let mut context = Context::from_waker(Waker::noop());
    let mut waiting = Vec::new();
    loop {
        let mut put = Box::pin(world.store.put("a name", Some(99), None));
        match put.as_mut().poll(&mut context) {
            Poll::Pending => waiting.push(put),
            Poll::Ready(answer) => break drop(answer.expect_err("the queue is full")),
        }
    }
    let touch = Touch {
        session: id,
        grace_ends_at: None,
    };
    let _ = world
        .done(world.store.touch(touch))
        .expect("memory answers");
    let seen = roster(&world).sessions[0].last_seen.get();
    for _ in 0..waiting.len() {
        world.store.turn();
    }
    drop(waiting);
    world.clock.pass(Duration::from_secs(6));
    world.store.turn();

    let world = world.killed();

    assert_eq!(roster(&world).sessions[0].last_seen.get(), seen);
}

/// A crash while a store is replaced by its copy leaves one of the two, whole, and keeps the other
/// one unless nothing was restored yet.
#[test]
fn given_a_crash_at_any_step_of_a_restore_when_opened_then_one_of_both_stores_is_there() {
    let mut copied = World::new(1);
    copied.born(1);
    let copy = copied.copy();
    let (mut before, mut after) = (0, 0);
    for step in 0.. {
        let mut world = World::new(step);
        world.born(2);
        let (files, clock) = (world.files.clone(), Arc::clone(&world.clock));
        drop(world);
        files.kill();
        files.crash_after(step);
        let restored = bring(&files, &copy);
        let is_over = !files.is_down();
        assert_eq!(restored.is_ok(), is_over, "{restored:?}");
        files.crash();

        let store = open(&files, &clock).expect("one of both is there");

        let is_there = |of| {
            done(&store, store.read(tag(of), None))
                .expect("it answers")
                .roster
        };
        match (is_there(1), is_there(2)) {
            (Some(_), None) => {
                after += 1;
                assert_eq!(
                    replaced(&files).len(),
                    1,
                    "step {step}: the one before is kept"
                );
            }
            (None, Some(_)) => {
                before += 1;
                assert!(restored.is_err());
            }
            both => panic!("step {step}: {both:?}"),
        }
        if is_over {
            break;
        }
    }
    println!("{before} crashes before it was in place, {after} after");
    assert!(before > 10 && after > 0);
}

/// Neither could tell its generation, so both got the same name, and the second restore failed
/// half-way with words that said that nothing had happened.
#[test]
fn given_stores_that_cannot_be_read_when_replaced_twice_in_a_minute_then_both_are_kept() {
    let mut world = World::new(1);
    world.born(1);
    let copy = world.copy();
    let files = world.files.clone();
    drop(world);

    for _ in 0..2 {
        let mark = files.open("data/store/mark".as_ref()).expect("it is there");
        mark.cut(0).expect("it is up");
        bring(&files, &copy).expect("there is room");
    }

    assert_eq!(replaced(&files).len(), 2, "{:?}", replaced(&files));
    World::over(files);
}

/// The mark is not synced for each batch, so a power cut could set it back beyond the last
/// segment; if that was then lost, the store opened with what was left.
#[test]
fn given_a_power_cut_when_the_last_segment_is_lost_then_the_mark_still_knows_of_it() {
    for seed in 0..40 {
        let mut world = World::new(seed);
        while world.named(".log").len() < 3 {
            world.born(1);
        }
        let (files, clock) = (world.files.clone(), Arc::clone(&world.clock));
        drop(world);
        files.crash();
        let data = std::path::Path::new("data/store/data");
        let names = files.list(data).expect("it is there");
        let last = names
            .iter()
            .filter(|name| name.strip_suffix(".log").is_some())
            .max();
        files
            .remove(&data.join(last.expect("there are some")))
            .expect("it is there");

        let refused = open(&files, &clock).expect_err("a segment is lost");

        assert!(
            matches!(refused, OpenError::Lost { .. }),
            "seed {seed}: {refused:?}"
        );
    }
}

/// A checkpoint was in its place, and the sync of that failed. Opening believed it and removed the
/// one before; a power cut then took the new name, and neither was left.
#[test]
fn given_a_checkpoint_whose_name_is_not_durable_when_opened_then_the_one_before_stays_until_it_is()
{
    let mut met = 0;
    for seed in 0..400 {
        let mut world = World::new(seed);
        world.born(1);
        let latest = world.done(world.store.latest()).expect("memory answers");
        for name in ["a", "b", "c"] {
            world.put(name, 1200);
        }
        world
            .done(world.store.trim(&latest.expect("there is one")))
            .expect("there is room");
        world.done(world.store.checkpoint()).expect("there is room");
        world.put("a", 1200);
        world.files.fail_one_in(Deed::Sync, 3);
        let failed = world.done(world.store.checkpoint());
        world.files.fail_one_in(Deed::Sync, 0);
        if failed.is_ok() || world.named(".checkpoint").len() < 2 {
            continue;
        }
        met += 1;
        let (files, clock) = (world.files.clone(), Arc::clone(&world.clock));
        drop(world);
        files.kill();
        files.crash_after(seed % 12);
        let _ = open(&files, &clock);
        files.crash();

        open(&files, &clock).expect("one of both is there, and what follows it");
    }
    println!("{met} checkpoints whose name was not durable");
    assert!(met > 20);
}
