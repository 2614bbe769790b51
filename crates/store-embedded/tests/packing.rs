//! What rests is packed: what is heard of it meanwhile is kept through every change of its form,
//! a crash, a copy and an erasure.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use innkeeper_domain::change::Change;
use innkeeper_domain::device::DeviceLabel;
use innkeeper_domain::revocation::erase;
use innkeeper_domain::roster::{Contact, Generation, Roster, StoreGeneration};
use innkeeper_domain::session::{Initiator, SessionId, Timestamp, TokenDigest};
use innkeeper_store::archive::{Copying, Reader};
use innkeeper_store::clock::ManualClock;
use innkeeper_store::conformance::fixture::{commit_for, end, session, tag};
use innkeeper_store::record::{Packed, encode_roster};
use innkeeper_store::{Commit, Heard, Kept, Outcome, SessionStore, StoreError, Touch, Touched};
use innkeeper_store_embedded::files::simulated::SimulatedFiles;
use innkeeper_store_embedded::restore::restore_on;
use innkeeper_store_embedded::{EmbeddedStore, Onto, Sizes};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

const FOLDER: &str = "data";
const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const REST: Duration = Duration::from_secs(20);

/// A store that is driven by hand.
struct World {
    files: SimulatedFiles,
    clock: Arc<ManualClock>,
    store: Arc<EmbeddedStore>,
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at(1_800_000_000));
        Self::over(SimulatedFiles::new(1), clock)
    }

    fn over(files: SimulatedFiles, clock: Arc<ManualClock>) -> Self {
        let sizes = Sizes {
            rest: REST,
            ..Sizes::default()
        };
        let on = Arc::new(files.clone());
        let store = EmbeddedStore::open_simulated(on, FOLDER, Arc::clone(&clock) as _, sizes);
        Self {
            files,
            clock,
            store: Arc::new(store.expect("the store is whole")),
        }
    }

    fn crashed(self) -> Self {
        drop(self.store);
        self.files.crash();
        Self::over(self.files, self.clock)
    }

    /// Has rounds done until there is an answer.
    fn done<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..100 {
            if let Poll::Ready(answer) = future.as_mut().poll(&mut context) {
                return answer;
            }
            self.store.turn();
        }
        panic!("no answer comes");
    }

    fn decided(&self, of: u8, change: impl FnOnce(Timestamp) -> Vec<Change>) -> Commit {
        let reading = self.done(self.store.read(tag(of), None)).expect("it reads");
        let changes = change(reading.now);
        commit_for(tag(of), &reading, changes)
    }

    fn changed(&self, of: u8, change: impl FnOnce(Timestamp) -> Vec<Change>) {
        let commit = self.decided(of, change);
        let outcome = self.done(self.store.commit(commit));
        assert!(matches!(outcome.expect("there is room"), Outcome::Done(_)));
    }

    fn born(&self, of: u8, number: u8) -> SessionId {
        self.changed(of, |now| {
            vec![Change::Birth(Arc::new(session(tag(of), number, now)))]
        });
        id(of, number)
    }

    /// Leaves everything in peace for as long as it takes, also where time begins at a ceiling.
    fn rest(&self) {
        self.store.turn();
        self.clock.pass(REST * 2);
        self.store.turn();
    }

    /// The roster as memory keeps it.
    fn kept(&self, of: u8) -> Option<Kept> {
        let mut kept = None;
        let mut look = |shown: Option<&Kept>, _| {
            kept = shown.cloned();
            Heard::No
        };
        while !self.store.glance(tag(of), &mut look) {
            self.store.turn();
        }
        kept
    }

    fn packed(&self, of: u8) -> Packed {
        match self.kept(of) {
            Some(Kept::Packed(packed)) => packed,
            other => panic!("it is not packed: {other:?}"),
        }
    }

    fn is_packed(&self, of: u8) -> bool {
        matches!(self.kept(of), Some(Kept::Packed(_)))
    }

    /// Hears from a session as a check does, and says when.
    fn visited(&self, id: SessionId) -> Timestamp {
        self.clock.pass(Duration::from_secs(1));
        let mut at = None;
        let mut look = |kept: Option<&Kept>, now| {
            kept.expect("it is there").hear(id.serial(), now);
            at = Some(now);
            Heard::Yes
        };
        while !self.store.glance(id.tag(), &mut look) {
            self.store.turn();
        }
        at.expect("it was shown")
    }

    fn read(&self, of: u8) -> Arc<Roster> {
        let reading = self.done(self.store.read(tag(of), None));
        reading.expect("it reads").roster.expect("it is there")
    }

    fn seen(&self, id: SessionId) -> Timestamp {
        let roster = self.read(1);
        roster.find(id).expect("it is there").last_seen.get()
    }
}

fn id(of: u8, number: u8) -> SessionId {
    SessionId::from_entropy(tag(of), [number; SessionId::SERIAL_LEN])
}

#[test]
fn given_a_roster_when_it_is_left_in_peace_then_it_is_packed_and_a_reading_opens_it() {
    let world = World::new();
    world.born(1, 1);
    let before = encode_roster(&world.read(1));

    world.clock.pass(REST / 2);
    world.store.turn();
    assert!(!world.is_packed(1), "it has not rested");
    world.rest();
    assert!(world.is_packed(1));
    assert_eq!(encode_roster(&world.read(1)), before);
    assert!(!world.is_packed(1), "somebody may decide about it");
    world.rest();

    assert!(world.is_packed(1), "again");
}

#[test]
fn given_a_roster_that_changes_when_time_passes_then_it_rests_only_after_its_last_change() {
    let world = World::new();
    for number in 1..=5 {
        world.born(1, number);
        world.clock.pass(REST / 2);
        world.store.turn();
        assert!(!world.is_packed(1), "it changed half of that ago");
    }
    world.rest();

    assert!(world.is_packed(1));
}

#[test]
fn given_a_visit_to_a_packed_roster_when_it_is_opened_then_the_visit_is_kept() {
    let world = World::new();
    let ids = [world.born(1, 1), world.born(1, 2)];
    world.rest();
    assert!(world.is_packed(1));

    let at = world.visited(ids[1]);
    assert!(world.is_packed(1), "a visit leaves it packed");
    assert_eq!(world.seen(ids[1]), at);
    let later = world.visited(ids[0]);
    world.rest();

    assert!(world.is_packed(1));
    assert_eq!(world.seen(ids[0]), later);
    assert_eq!(world.seen(ids[1]), at, "the form changed three times");
}

/// Nothing that moved is lost or moves back, whichever form it moved in.
#[test]
fn given_visits_and_failures_in_every_form_when_opened_again_after_a_crash_then_all_are_there() {
    let world = World::new();
    let ids = [world.born(1, 1), world.born(1, 2)];
    let open = world.visited(ids[0]);
    world.rest();
    let packed = world.visited(ids[1]);
    let kept = world.kept(1).expect("it is there");
    kept.failures().add();
    // What was heard stays in memory only for so long.
    world.clock.pass(Duration::from_secs(6));
    world.store.turn();
    world.clock.pass(Duration::from_secs(6));
    world.store.turn();

    let world = world.crashed();

    assert!(world.is_packed(1), "it was read back so");
    assert_eq!(world.packed(1).failures().get(), 1);
    assert_eq!(world.seen(ids[0]), open);
    assert_eq!(world.seen(ids[1]), packed);
}

#[test]
fn given_packed_rosters_when_the_store_crashes_or_writes_a_checkpoint_then_they_are_the_same() {
    let world = World::new();
    for of in 1..=3 {
        world.born(of, 1);
        world.born(of, 2);
        let ended = id(of, 1);
        world.changed(of, |now| vec![end(ended, now)]);
    }
    let all = |world: &World| [1, 2, 3].map(|of| encode_roster(&world.read(of)));
    let before = all(&world);
    world.rest();

    let world = world.crashed();
    assert!((1..=3).all(|of| world.is_packed(of)));
    assert_eq!(all(&world), before);
    world.rest();
    world.done(world.store.checkpoint()).expect("there is room");
    assert!(
        (1..=3).all(|of| world.is_packed(of)),
        "a checkpoint opens none"
    );
    let world = world.crashed();

    assert_eq!(all(&world), before);
}

/// A packed roster is opened by what decides about it; its commit stands on what it was.
#[test]
fn given_a_packed_roster_when_a_decision_comes_late_then_it_is_carried_out_on_it() {
    let world = World::new();
    let ids = [world.born(1, 1), world.born(1, 2)];
    let commit = world.decided(1, |now| vec![end(ids[0], now)]);
    world.rest();
    assert!(world.is_packed(1), "since it was decided");
    let at = world.visited(ids[1]);

    let outcome = world
        .done(world.store.commit(commit))
        .expect("there is room");

    assert!(matches!(outcome, Outcome::Done(_)));
    let world = world.crashed();
    let roster = world.read(1);
    assert_eq!(roster.sessions.len(), 1);
    assert!(roster.find(ids[0]).is_none());
    assert!(roster.find(ids[1]).expect("it is live").last_seen.get() <= at);
}

#[test]
fn given_a_packed_roster_when_touched_then_the_session_was_heard_from() {
    let world = World::new();
    let id = world.born(1, 1);
    world.rest();
    assert!(world.is_packed(1));
    let touch = Touch {
        session: id,
        grace_ends_at: None,
    };

    let touched = world.done(world.store.touch(touch)).expect("it answers");

    let Touched::Live(session) = touched else {
        panic!("it is live");
    };
    assert_eq!(world.seen(id), session.last_seen.get());
}

/// What was opened for a change that there is no room for is as it was, and nobody waits for it.
#[test]
fn given_no_room_for_a_change_of_a_packed_roster_when_there_is_room_again_then_it_goes_on() {
    let world = World::new();
    let id = world.born(1, 1);
    world.rest();
    assert!(world.is_packed(1));
    let at = world.visited(id);
    let change = world.decided(1, |_| vec![Change::Disabled(true)]);
    world.rest();
    assert!(world.is_packed(1), "between its reading and its commit");
    world.files.hold_at_most(world.files.used() + 20);

    let refused = world.done(world.store.commit(change.clone()));

    assert!(
        matches!(refused, Err(StoreError::Unavailable { .. })),
        "{refused:?}"
    );
    let roster = world.read(1);
    assert!(!roster.disabled && world.seen(id) == at, "as it was");
    world.files.hold_at_most(u64::MAX);
    let outcome = world.done(world.store.commit(change));
    assert!(matches!(outcome.expect("there is room"), Outcome::Done(_)));
    world.rest();
    assert!(world.is_packed(1), "it rests again");
    assert!(world.read(1).disabled);
}

/// S20: what came back is dead, also where it is looked at as it lies.
#[test]
fn given_a_copy_brought_back_when_its_rosters_lie_packed_then_nothing_in_them_is_live() {
    let world = World::new();
    let id = world.born(1, 1);
    world.rest();
    assert!(world.is_packed(1), "a copy is made of it as it lies");
    let mut copying = world
        .done(Copying::begin(Arc::clone(&world.store) as _))
        .expect("it answers");
    let mut copy = Vec::new();
    while let Some(piece) = world.done(copying.next()).expect("it answers") {
        copy.extend(piece);
    }
    drop((copying, world.store));
    let reader = Reader::open(&copy[..]).expect("it is a copy");
    let files = Arc::new(world.files.clone());
    restore_on(files, FOLDER.as_ref(), Onto::WhatIsThere, reader, NOW).expect("there is room");

    let world = World::over(world.files, world.clock);

    let packed = world.packed(1);
    let now = world
        .done(world.store.read(tag(2), None))
        .expect("it reads")
        .now;
    assert!(packed.store_generation() > StoreGeneration::default());
    assert!(packed.fence().generation > Generation(1));
    assert_eq!(Kept::Packed(packed.clone()).live(now).live, 0);
    assert_eq!(packed.find_plain(TokenDigest([1; 32]), now), None);
    let roster = world.read(1);
    assert!(!roster.is_live(roster.find(id).expect("it is recorded"), now));
}

#[test]
fn given_somebody_is_erased_when_their_roster_rests_again_then_nothing_of_them_lies_packed() {
    let world = World::new();
    let words = ["Lynx of Zoe", "zoe@example.test", "size of Zoe"];
    let contact = Contact {
        email: Some(words[1].into()),
        ..Contact::default()
    };
    world.changed(1, |now| {
        let mut session = session(tag(1), 1, now);
        session.origin.label = Some(DeviceLabel::parse(words[0]).unwrap());
        session.attributes = Some(words[2].into());
        vec![Change::Birth(session.into()), Change::Contact(contact)]
    });
    world.rest();
    let found = |packed: &Packed| {
        let bytes = packed.encode().expect("it is whole");
        let is_in = |w: &&&str| bytes.windows(w.len()).any(|part| part == w.as_bytes());
        words.iter().filter(is_in).count()
    };
    assert_eq!(found(&world.packed(1)), 3);

    let roster = world.read(1);
    world.changed(1, |now| erase(&roster, Initiator::Admin, now));
    world
        .done(world.store.erase(tag(1), &[]))
        .expect("there is room");
    world.rest();

    assert_eq!(found(&world.packed(1)), 0);
    let world = world.crashed();
    assert_eq!(found(&world.packed(1)), 0);
}

/// What may happen to one roster, in any order.
#[derive(Clone, Debug)]
enum Step {
    Birth,
    End(usize),
    /// As a check does it.
    Visit(usize),
    /// As a touch does it.
    Touch(usize),
    Failure,
    /// A reading for a decision that comes to nothing.
    Read,
    Round,
    Rest,
    /// Six seconds, after which what was heard is written down.
    WriteDown,
    Checkpoint,
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Birth),
        1 => (0..9_usize).prop_map(Step::End),
        6 => (0..9_usize).prop_map(Step::Visit),
        2 => (0..9_usize).prop_map(Step::Touch),
        1 => Just(Step::Failure),
        2 => Just(Step::Read),
        2 => Just(Step::Round),
        5 => Just(Step::Rest),
        2 => Just(Step::WriteDown),
        1 => Just(Step::Checkpoint),
        1 => Just(Step::Crash),
    ]
}

/// What one roster must say: when its sessions were heard from last, and how often sign-ins failed.
#[derive(Clone, Debug, Default)]
struct Expected {
    seen: BTreeMap<u8, Timestamp>,
    failures: u32,
}

/// A roster beside what it must say, and how often each thing was done to its packed form.
struct Pair {
    world: World,
    births: u8,
    now: Expected,
    /// What a crash leaves at least: `now` may be that of any moment since.
    written: Expected,
    visited_packed: u64,
    opened: u64,
}

impl Pair {
    fn which(&self, which: usize) -> Option<u8> {
        let numbers: Vec<u8> = self.now.seen.keys().copied().collect();
        (!numbers.is_empty()).then(|| numbers[which % numbers.len()])
    }

    fn take(&mut self, step: &Step) {
        let was_packed = self.world.is_packed(1);
        match step {
            Step::Birth => {
                self.births += 1;
                self.world.born(1, self.births);
                let at = self.world.seen(id(1, self.births));
                self.now.seen.insert(self.births, at);
                self.written.seen.insert(self.births, at);
                self.opened += u64::from(was_packed);
            }
            Step::End(which) => {
                if let Some(number) = self.which(*which) {
                    let gone = id(1, number);
                    self.world.changed(1, |now| vec![end(gone, now)]);
                    self.now.seen.remove(&number);
                    self.written.seen.remove(&number);
                    self.opened += u64::from(was_packed);
                }
            }
            Step::Visit(which) => {
                if let Some(number) = self.which(*which) {
                    let at = self.world.visited(id(1, number));
                    self.now.seen.insert(number, at);
                    // A round that time had to wait for may have packed it meanwhile.
                    assert!(self.world.is_packed(1) || !was_packed, "no visit opens it");
                    self.visited_packed += u64::from(was_packed);
                }
            }
            Step::Touch(which) => {
                if let Some(number) = self.which(*which) {
                    let touch = Touch {
                        session: id(1, number),
                        grace_ends_at: None,
                    };
                    let touched = self.world.done(self.world.store.touch(touch));
                    let Touched::Live(session) = touched.expect("it answers") else {
                        panic!("it is live");
                    };
                    self.now.seen.insert(number, session.last_seen.get());
                }
            }
            Step::Failure => {
                let mut count = |kept: Option<&Kept>, _| match kept {
                    Some(kept) => {
                        kept.failures().add();
                        Heard::Yes
                    }
                    None => Heard::No,
                };
                if self.births > 0 {
                    while !self.world.store.glance(tag(1), &mut count) {
                        self.world.store.turn();
                    }
                    self.now.failures += 1;
                }
            }
            Step::Read => {
                let reading = self.world.done(self.world.store.read(tag(1), None));
                drop(reading.expect("it reads"));
                self.opened += u64::from(was_packed);
            }
            Step::Round => self.world.store.turn(),
            Step::Rest => self.world.rest(),
            Step::WriteDown => {
                for _ in 0..2 {
                    self.world.store.turn();
                    self.world.clock.pass(Duration::from_secs(6));
                    self.world.store.turn();
                }
                self.written = self.now.clone();
            }
            Step::Checkpoint => {
                let written = self.world.done(self.world.store.checkpoint());
                written.expect("there is room");
            }
            Step::Crash => self.crash(),
        }
        self.agree();
    }

    fn crash(&mut self) {
        let (files, clock) = (self.world.files.clone(), Arc::clone(&self.world.clock));
        let before = std::mem::replace(&mut self.world, World::new());
        drop(before);
        files.crash();
        self.world = World::over(files, clock);
        let Some(kept) = self.world.kept(1) else {
            assert_eq!(self.births, 0);
            return;
        };
        assert!(self.world.is_packed(1));
        // Of what was heard since it was written down, some may be lost; nothing else is.
        for (serial, at) in kept.seen() {
            let known = self.now.seen.get_mut(&serial[0]).expect("it was born");
            assert!(self.written.seen[&serial[0]] <= at && at <= *known);
            *known = at;
        }
        let failures = kept.failures().get();
        assert!(self.written.failures <= failures && failures <= self.now.failures);
        self.now.failures = failures;
        self.written = self.now.clone();
    }

    /// The roster says what it must, as it lies.
    fn agree(&self) {
        let Some(kept) = self.world.kept(1) else {
            assert_eq!(self.births, 0);
            return;
        };
        let seen: BTreeMap<u8, Timestamp> = kept
            .seen()
            .iter()
            .map(|(serial, at)| (serial[0], *at))
            .collect();
        assert_eq!(seen, self.now.seen);
        assert_eq!(kept.failures().get(), self.now.failures);
    }
}

/// However a roster is opened, packed, visited, written down and read back: no visit is lost that
/// was written down, none moves backwards, and nobody is there who has ended.
#[test]
fn given_any_steps_when_a_roster_changes_its_form_among_them_then_nothing_of_it_is_lost() {
    let (visited_packed, opened) = (Cell::new(0), Cell::new(0));
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 128,
        ..ProptestConfig::default()
    });
    let steps = proptest::collection::vec(step(), 1..40);
    let result = runner.run(&steps, |steps| {
        let mut pair = Pair {
            world: World::new(),
            births: 0,
            now: Expected::default(),
            written: Expected::default(),
            visited_packed: 0,
            opened: 0,
        };
        for step in &steps {
            pair.take(step);
        }
        visited_packed.set(visited_packed.get() + pair.visited_packed);
        opened.set(opened.get() + pair.opened);
        Ok(())
    });
    result.unwrap();
    let (visited_packed, opened) = (visited_packed.get(), opened.get());
    println!("{visited_packed} visits to the packed form, {opened} times it was opened");
    // It draws other steps each time: some hundred of both, as a rule.
    assert!(visited_packed > 20 && opened > 20);
}
