//! Crashes at any step, on files that lose what a crash may lose: whatever was acknowledged, or
//! shown after opening, is there at the next opening; nothing is there by half; the journal has
//! no gaps; time does not fall; and what was erased does not come back.
//!
//! Every choice comes from a seed. One seed again: `INNKEEPER_TEST_SEED=7 cargo test …`.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use innkeeper_domain::change::Change;
use innkeeper_domain::roster::{Roster, RosterVersion};
use innkeeper_domain::session::{SessionId, Timestamp};
use innkeeper_store::clock::ManualClock;
use innkeeper_store::conformance::fixture::{assert_chained, commit_for, end, session, tag};
use innkeeper_store::register::{Put, Register};
use innkeeper_store::{Cursor, JournalEntry, Outcome, SessionStore, StoreError, Tail};
use innkeeper_store_embedded::files::simulated::{Deed, SimulatedFiles, Strokes};
use innkeeper_store_embedded::{EmbeddedStore, OpenError, Sizes};

const SEEDS: u64 = 60;
const LIVES: usize = 12;
const STEPS: usize = 40;
const SUBJECTS: u8 = 3;
const NAME: &str = "a name";

/// So small that everything there is to do is done often.
const SIZES: Sizes = Sizes {
    segment: 3000,
    checkpoint: 9000,
    reserve: 2000,
    rest: Duration::ZERO,
};

#[test]
fn given_crashes_at_any_step_when_opened_again_then_all_that_was_shown_is_there() {
    let one = env::var("INNKEEPER_TEST_SEED").ok();
    let one: Option<u64> = one.map(|text| text.parse().expect("a seed is a number"));
    let mut sum = Strokes::default();
    let (mut acknowledged, mut in_doubt) = (0, 0);
    for seed in one.map_or(0..SEEDS, |seed| seed..seed + 1) {
        let world = World::play(seed);
        sum.add(&world.files.strokes());
        acknowledged += world.acknowledged;
        in_doubt += world.in_doubt;
    }
    let mut rows = sum.rows();
    rows.extend([("acknowledged", acknowledged), ("in doubt", in_doubt)]);
    println!("{rows:?}");
    assert!(one.is_some() || rows.iter().all(|(_, count)| *count > 0));
}

/// What everybody was told, and what may have happened beside it.
struct World {
    seed: u64,
    dice: u64,
    /// Whether nothing befalls it any more.
    spared: bool,
    files: SimulatedFiles,
    clock: Arc<ManualClock>,
    store: Option<EmbeddedStore>,
    rosters: BTreeMap<u8, Known>,
    /// All entries of the journal that were told of, by place.
    journal: BTreeMap<Place, JournalEntry>,
    trimmed: Place,
    /// Entries up to here have no personal part, by subject.
    erased: BTreeMap<u8, Place>,
    value: (u64, Vec<u8>),
    values_in_doubt: Vec<Vec<u8>>,
    latest: Timestamp,
    births: u8,
    acknowledged: u64,
    in_doubt: u64,
}

type Place = Vec<u8>;

#[derive(Default)]
struct Known {
    version: RosterVersion,
    live: BTreeSet<SessionId>,
    /// What is live if a commit was done of which nobody knows.
    in_doubt: Vec<BTreeSet<SessionId>>,
}

impl World {
    fn play(seed: u64) -> Self {
        let mut world = Self {
            seed,
            dice: seed,
            spared: false,
            files: SimulatedFiles::new(seed),
            clock: Arc::new(ManualClock::at(1_000_000)),
            store: None,
            rosters: BTreeMap::new(),
            journal: BTreeMap::new(),
            trimmed: Place::new(),
            erased: BTreeMap::new(),
            value: (0, Vec::new()),
            values_in_doubt: Vec::new(),
            latest: Timestamp::ZERO,
            births: 0,
            acknowledged: 0,
            in_doubt: 0,
        };
        for _ in 0..LIVES {
            world.live();
        }
        world.spared = true;
        world.open();
        world
    }

    /// One life of the machine or of the process, which ends in some way.
    fn live(&mut self) {
        self.open();
        match self.below(6) {
            0 => self.files.fail_one_in(Deed::Sync, 20),
            1 | 2 => self.fail_now_and_then(12),
            3 => {
                let room = self.files.used() + self.below(12_000);
                self.files.hold_at_most(room);
                // Where what was refused is to be cut off again.
                self.files.fail_one_in(Deed::Cut, 3);
            }
            _ => {
                let steps = self.below(150);
                self.files.crash_after(steps);
            }
        }
        for _ in 0..STEPS {
            if self.store().ready().is_err() {
                break;
            }
            self.step();
        }
        if self.below(4) == 0 {
            let closed = self.wait_for(|store| Box::pin(store.close()));
            assert!(closed.is_ok() || self.store().ready().is_err());
        }
        self.end_life();
    }

    fn end_life(&mut self) {
        self.store = None;
        if self.files.is_down() || self.below(2) == 0 {
            self.files.crash();
        } else {
            self.files.kill();
        }
        self.files.spare();
    }

    /// Has one in so many deeds of some kind fail, or of every kind.
    fn fail_now_and_then(&mut self, times: u64) {
        let kinds = Deed::ALL.len() as u64;
        let drawn = usize::try_from(self.below(kinds + 1)).expect("there are few");
        match Deed::ALL.get(drawn) {
            Some(deed) => self.files.fail_one_in(*deed, times),
            None => Deed::ALL
                .iter()
                .for_each(|deed| self.files.fail_one_in(*deed, times * 4)),
        }
    }

    /// Opens the store, also if a crash or a failure comes between, and looks at all of it.
    fn open(&mut self) {
        loop {
            match self.below(4) {
                _ if self.spared => {}
                0 => {
                    let steps = self.below(25);
                    self.files.crash_after(steps);
                }
                1 => self.fail_now_and_then(6),
                _ => {}
            }
            let before = self.files.strokes();
            let files = Arc::new(self.files.clone());
            let clock = Arc::clone(&self.clock) as _;
            match EmbeddedStore::open_simulated(files, "data", clock, SIZES) {
                Ok(store) => {
                    self.store = Some(store);
                    self.fail_at_nothing();
                    if self.look() {
                        return;
                    }
                }
                Err(error) => {
                    let why = format!("seed {}: {error:?}", self.seed);
                    let is_refused = self.files.strokes().refused() > before.refused();
                    assert!(
                        self.files.is_down() || is_refused,
                        "it opens unless the machine goes down, or fails at something: {why}"
                    );
                    let is_blamed =
                        matches!(error, OpenError::Damaged { .. } | OpenError::Lost { .. });
                    assert!(!is_blamed, "what fails is not damaged: {why}");
                }
            }
            self.end_life();
        }
    }

    fn fail_at_nothing(&self) {
        for deed in Deed::ALL {
            self.files.fail_one_in(deed, 0);
        }
    }

    fn store(&self) -> &EmbeddedStore {
        self.store.as_ref().expect("it is open")
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.dice;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn subject(&mut self) -> u8 {
        u8::try_from(self.below(SUBJECTS.into())).expect("there are few")
    }

    /// Asks the store, and has rounds done until it has answered.
    fn wait_for<'a, T>(
        &'a self,
        ask: impl FnOnce(&'a EmbeddedStore) -> Pin<Box<dyn Future<Output = T> + 'a>>,
    ) -> T {
        let store = self.store();
        let mut future = ask(store);
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..100 {
            if let Poll::Ready(answer) = future.as_mut().poll(&mut context) {
                return answer;
            }
            store.turn();
        }
        panic!("seed {}: no answer comes", self.seed);
    }

    fn step(&mut self) {
        match self.below(21) {
            0..12 => self.commit_some(),
            12..15 => self.put(),
            15 => {
                let answer = self.wait_for(|store| Box::pin(store.checkpoint()));
                drop(answer);
            }
            16 => self.trim(),
            17 => self.erase(),
            18 => self.touch(),
            19 => self.read_journal(),
            _ => {
                let seconds = self.below(100);
                self.clock.pass(Duration::from_secs(seconds));
            }
        }
    }

    /// Sends up to three commits before the round that takes them.
    fn commit_some(&mut self) {
        let count = 1 + self.below(3);
        let mut drawn = Vec::new();
        for _ in 0..count {
            let of = self.subject();
            let Ok(reading) = self.wait_for(|store| Box::pin(store.read(tag(of), None))) else {
                return;
            };
            self.latest = self.latest.max(reading.now);
            let known = self.rosters.entry(of).or_default();
            let mut live = known.live.clone();
            let ends = known.live.len() > 3 || (self.below(3) == 0 && !live.is_empty());
            let change = if ends {
                let id = live.pop_first().expect("there is one");
                end(id, reading.now)
            } else {
                self.births = self.births.wrapping_add(1);
                let mut born = session(tag(of), self.births, reading.now);
                born.birth = u64::from(self.births) + (1 << 20);
                live.insert(born.id);
                Change::Birth(Arc::new(born))
            };
            drawn.push((of, commit_for(tag(of), &reading, vec![change]), live));
        }
        let store = self.store.take().expect("it is open");
        let mut context = Context::from_waker(Waker::noop());
        let mut asked: Vec<_> = drawn
            .into_iter()
            .map(|(of, commit, live)| (of, live, Box::pin(store.commit(commit))))
            .collect();
        for (.., future) in &mut asked {
            assert!(
                future.as_mut().poll(&mut context).is_pending(),
                "it waits for a round"
            );
        }
        store.turn();
        for (of, live, mut future) in asked {
            let Poll::Ready(answer) = future.as_mut().poll(&mut context) else {
                panic!("seed {}: a round answers", self.seed);
            };
            self.answered(of, live, answer);
        }
        self.store = Some(store);
    }

    fn answered(&mut self, of: u8, live: BTreeSet<SessionId>, answer: Result<Outcome, StoreError>) {
        let known = self.rosters.entry(of).or_default();
        match answer {
            Ok(Outcome::Done(roster)) => {
                self.acknowledged += 1;
                *known = Known {
                    version: roster.version,
                    live,
                    in_doubt: Vec::new(),
                };
                assert_eq!(live_of(&roster), known.live);
            }
            Ok(Outcome::Stale | Outcome::Full) => {}
            Err(_) => {
                self.in_doubt += 1;
                known.in_doubt.push(live);
            }
        }
    }

    fn put(&mut self) {
        let value = vec![u8::try_from(self.below(256)).expect("it is below"); 40];
        let (version, _) = self.value;
        let seen = (version > 0).then_some(version);
        let new = value.clone();
        match self.wait_for(|store| Box::pin(store.put(NAME, seen, Some(new)))) {
            Ok(Put::Done(version)) => self.value = (version, value),
            Ok(Put::Stale) => panic!("seed {}: nobody else writes it", self.seed),
            Err(_) => self.values_in_doubt.push(value),
        }
    }

    fn trim(&mut self) {
        let count = self.journal.len() as u64;
        let nth = usize::try_from(self.below(count.max(1))).expect("it is a length");
        let Some(place) = self.journal.keys().nth(nth).cloned() else {
            return;
        };
        let through = Cursor(place.clone().into());
        // It may be done though nobody is told.
        let _ = self.wait_for(|store| Box::pin(store.trim(&through)));
        self.trimmed = place.clone().max(self.trimmed.clone());
        self.journal.retain(|known, _| *known > place);
    }

    fn erase(&mut self) {
        let of = self.subject();
        // What was committed until now, told of or not.
        let latest = self.wait_for(|store| Box::pin(store.latest()));
        let through = latest.ok().flatten().map(|cursor| cursor.0.to_vec());
        let erased = self.wait_for(|store| Box::pin(store.erase(tag(of), &[])));
        if erased.is_ok() {
            self.erased.insert(of, through.unwrap_or_default());
        }
    }

    fn touch(&mut self) {
        let of = self.subject();
        if let Some(id) = self.rosters.get(&of).and_then(|known| known.live.first()) {
            let touch = innkeeper_store::Touch {
                session: *id,
                grace_ends_at: None,
            };
            let _ = self.wait_for(|store| Box::pin(store.touch(touch)));
        }
    }

    /// Compares all that the store says with what is known, and knows it from then on. Says
    /// whether the store could say it.
    fn look(&mut self) -> bool {
        for of in 0..SUBJECTS {
            let Ok(reading) = self.wait_for(|store| Box::pin(store.read(tag(of), None))) else {
                return false;
            };
            assert!(reading.now >= self.latest, "seed {}: time falls", self.seed);
            self.latest = reading.now;
            self.compare(of, reading.roster.as_deref());
        }
        let found = self.wait_for(|store| Box::pin(store.get(NAME)));
        let found = found
            .expect("memory answers")
            .map_or((0, Vec::new()), |f| (f.version, f.value));
        let in_doubt = std::mem::take(&mut self.values_in_doubt);
        let is_known = found == self.value;
        let is_next = found.0 == self.value.0 + 1 && in_doubt.contains(&found.1);
        assert!(
            is_known || is_next,
            "seed {}: {found:?}, and {:?}",
            self.seed,
            self.value
        );
        self.value = found;
        let tail = self.wait_for(|store| Box::pin(store.tail(None, usize::MAX)));
        self.compare_journal(tail.expect("it can be read"));
        true
    }

    fn compare(&mut self, of: u8, found: Option<&Roster>) {
        let known = self.rosters.entry(of).or_default();
        let version = found.map_or(RosterVersion(0), |roster| roster.version);
        let live = found.map(live_of).unwrap_or_default();
        let is_known = version == known.version && live == known.live;
        let is_next = version == known.version.next() && known.in_doubt.contains(&live);
        assert!(
            is_known || is_next,
            "seed {}: subject {of} has {version:?} {live:?}, and was told {:?} {:?} or {:?}",
            self.seed,
            known.version,
            known.live,
            known.in_doubt
        );
        *known = Known {
            version,
            live,
            in_doubt: Vec::new(),
        };
    }

    /// Asks for the journal, which is there as a whole or refused.
    fn read_journal(&mut self) {
        match self.wait_for(|store| Box::pin(store.tail(None, usize::MAX))) {
            Ok(tail) => self.compare_journal(tail),
            Err(error) => {
                let is_blamed = matches!(error, StoreError::Corrupt { .. });
                assert!(!is_blamed, "seed {}: {error:?}", self.seed);
            }
        }
    }

    fn compare_journal(&mut self, tail: Tail) {
        let page = tail.page().expect("it begins where it begins");
        let found: BTreeMap<Place, JournalEntry> = page
            .into_iter()
            .map(|(cursor, entry)| (cursor.0.to_vec(), entry))
            .collect();
        for (place, entry) in &self.journal {
            let same = found.get(place).map(JournalEntry::hash);
            let is_gone = *place <= self.trimmed;
            let is_same = same == Some(entry.hash());
            assert!(is_same || is_gone, "seed {}: an entry is lost", self.seed);
        }
        for of in 0..SUBJECTS {
            let entries: Vec<_> = found
                .values()
                .filter(|e| e.tag == tag(of))
                .cloned()
                .collect();
            assert_chained(&entries);
            let version = self.rosters[&of].version;
            let last = entries.last().map_or(version, |entry| entry.seq);
            assert_eq!(last, version, "seed {}: one entry a commit", self.seed);
        }
        for (of, through) in &self.erased {
            let of = |entry: &JournalEntry| entry.tag == tag(*of) && entry.personal.is_some();
            let is_back = found
                .iter()
                .any(|(place, entry)| place <= through && of(entry));
            assert!(!is_back, "seed {}: what was erased is back", self.seed);
        }
        self.journal = found;
    }
}

fn live_of(roster: &Roster) -> BTreeSet<SessionId> {
    roster.sessions.iter().map(|session| session.id).collect()
}
