//! The embedded store beside the reference store: whatever is done to both, both say the same,
//! also after the one on disk was closed, killed, or read back from a checkpoint.

mod common;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use innkeeper_domain::change::Change;
use innkeeper_store::clock::ManualClock;
use innkeeper_store::conformance::fixture::{commit_for, end, remembered, rotation, session, tag};
use innkeeper_store::memory::MemoryStore;
use innkeeper_store::{Outcome, Reading, Register, SessionStore};
use innkeeper_store_embedded::EmbeddedStore;
use proptest::prelude::*;

const SUBJECTS: u8 = 4;

#[derive(Clone, Debug)]
enum Step {
    /// Opens a session, under a key or without.
    Birth {
        of: u8,
        key: Option<u8>,
    },
    /// Ends one of the live sessions.
    End {
        of: u8,
        which: usize,
    },
    Rotate {
        of: u8,
        which: usize,
    },
    /// Nothing but a new version.
    Enable {
        of: u8,
    },
    Put {
        name: u8,
        value: u8,
    },
    Pass {
        seconds: u64,
    },
    /// Lets go of half of the journal.
    Trim,
    Checkpoint,
    /// Lets go of the personal parts of a journal.
    Erase {
        of: u8,
    },
    Reopen,
    Kill,
}

fn step() -> impl Strategy<Value = Step> {
    let of = 0..SUBJECTS;
    prop_oneof![
        6 => (of.clone(), proptest::option::of(0..3_u8)).prop_map(|(of, key)| Step::Birth { of, key }),
        4 => (of.clone(), 0..8_usize).prop_map(|(of, which)| Step::End { of, which }),
        3 => (of.clone(), 0..8_usize).prop_map(|(of, which)| Step::Rotate { of, which }),
        2 => of.clone().prop_map(|of| Step::Enable { of }),
        1 => of.prop_map(|of| Step::Erase { of }),
        2 => (0..3_u8, any::<u8>()).prop_map(|(name, value)| Step::Put { name, value }),
        // Reopening may skip up to two seconds; nothing here ends that near to a multiple of seven.
        2 => (1..5_u64).prop_map(|weeks| Step::Pass { seconds: 7 * weeks }),
        1 => Just(Step::Trim),
        1 => Just(Step::Checkpoint),
        1 => Just(Step::Reopen),
        1 => Just(Step::Kill),
    ]
}

/// Both stores, on clocks that are turned together.
struct Pair {
    clocks: [Arc<ManualClock>; 2],
    reference: MemoryStore,
    embedded: Option<EmbeddedStore>,
    root: tempfile::TempDir,
    lives: u32,
    births: u8,
}

impl Pair {
    fn new() -> Self {
        let clocks = [0; 2].map(|_| Arc::new(ManualClock::at(1_000_000)));
        let root = tempfile::tempdir().unwrap();
        let mut pair = Self {
            reference: MemoryStore::new(Arc::clone(&clocks[0]) as _),
            clocks,
            embedded: None,
            root,
            lives: 0,
            births: 0,
        };
        pair.open();
        pair
    }

    fn folder(&self) -> PathBuf {
        self.root.path().join(self.lives.to_string())
    }

    fn open(&mut self) {
        let clock = Arc::clone(&self.clocks[1]) as _;
        self.embedded = Some(EmbeddedStore::open(self.folder(), clock).unwrap());
        // What opening skipped is caught up with, or several of them would add up.
        self.pass(7);
    }

    fn pass(&self, seconds: u64) {
        for clock in &self.clocks {
            clock.pass(Duration::from_secs(seconds));
        }
    }

    fn embedded(&self) -> &EmbeddedStore {
        self.embedded.as_ref().unwrap()
    }

    async fn commit(&self, of: u8, changes: impl Fn(&Reading) -> Vec<Change>, key: Option<u8>) {
        let stores: [&dyn SessionStore; 2] = [&self.reference, self.embedded()];
        let mut done = Vec::new();
        // The same decision for both: time may differ by what reopening skips.
        let reading = self.reference.read(tag(of), None).await.unwrap();
        let changes = changes(&reading);
        for store in stores {
            let here = store.read(tag(of), None).await.unwrap();
            let mut commit = commit_for(tag(of), &here, changes.clone());
            commit.entry.at = reading.now;
            let answer = key.and_then(|key| {
                let born = changes.iter().find_map(|change| match change {
                    Change::Birth(session) => Some(session.id),
                    _ => None,
                })?;
                Some(remembered(born, key, reading.now))
            });
            commit.remember = answer.into_iter().collect();
            let outcome = store.commit(commit).await.unwrap();
            done.push(matches!(outcome, Outcome::Done(_)));
        }
        assert_eq!(done[0], done[1]);
    }

    async fn take(&mut self, step: Step) {
        let which_of = |reading: &Reading, which: usize| {
            let sessions = reading.roster.as_ref().map_or(&[][..], |r| &r.sessions);
            (!sessions.is_empty()).then(|| sessions[which % sessions.len()].id)
        };
        match step {
            Step::Birth { of, key } => {
                self.births = self.births.wrapping_add(1);
                let number = self.births;
                let birth = |reading: &Reading| {
                    vec![Change::Birth(session(tag(of), number, reading.now).into())]
                };
                self.commit(of, birth, key).await;
            }
            Step::End { of, which } => {
                let ends = |reading: &Reading| {
                    let id = which_of(reading, which);
                    id.map(|id| end(id, reading.now)).into_iter().collect()
                };
                self.commit(of, ends, None).await;
            }
            Step::Rotate { of, which } => {
                let rotates = |reading: &Reading| {
                    let id = which_of(reading, which);
                    id.map(|id| rotation(id, reading.now)).into_iter().collect()
                };
                self.commit(of, rotates, None).await;
            }
            Step::Enable { of } => {
                self.commit(of, |_| vec![Change::Disabled(false)], None)
                    .await;
            }
            Step::Put { name, value } => {
                let registers: [&dyn Register; 2] = [&self.reference, self.embedded()];
                for register in registers {
                    let name = format!("name-{name}");
                    let seen = register.get(&name).await.unwrap().map(|held| held.version);
                    let value = (value > 40).then(|| vec![value; 3]);
                    let _ = register.put(&name, seen, value).await.unwrap();
                }
            }
            Step::Pass { seconds } => self.pass(seconds),
            Step::Trim => {
                let stores: [&dyn SessionStore; 2] = [&self.reference, self.embedded()];
                for store in stores {
                    let page = store.tail(None, usize::MAX).await.unwrap().page().unwrap();
                    if let Some((cursor, _)) = page.get(page.len() / 2) {
                        store.trim(cursor).await.unwrap();
                    }
                }
            }
            Step::Erase { of } => {
                let stores: [&dyn SessionStore; 2] = [&self.reference, self.embedded()];
                for store in stores {
                    store.erase(tag(of), &[]).await.unwrap();
                }
            }
            Step::Checkpoint => self.embedded().checkpoint().await.unwrap(),
            Step::Reopen => {
                self.embedded().close().await.unwrap();
                self.embedded = None;
                self.open();
            }
            Step::Kill => {
                let files = common::Files::read(&self.folder());
                self.lives += 1;
                files.leave_in(&self.folder());
                self.embedded = None;
                self.open();
            }
        }
    }

    /// What a store says, in text.
    async fn told(&self, store: &dyn SessionStore, register: &dyn Register) -> Vec<String> {
        let mut told = Vec::new();
        for of in 0..SUBJECTS {
            let reading = store.read(tag(of), None).await.unwrap();
            told.push(reading.roster.map_or_else(String::new, |roster| {
                let births: Vec<_> = roster
                    .sessions
                    .iter()
                    .map(|s| (s.id, s.token, s.birth))
                    .collect();
                let ended: Vec<_> = roster
                    .ended
                    .iter()
                    .map(|e| (e.session.id, e.ending))
                    .collect();
                let (version, head) = (roster.version, roster.journal_head);
                format!("{version:?} {head:?} {births:?} {ended:?}")
            }));
        }
        let page = store.tail(None, usize::MAX).await.unwrap().page().unwrap();
        told.extend(page.into_iter().map(|(_, entry)| format!("{entry:?}")));
        let values = register.list("").await.unwrap();
        told.extend(values.into_iter().map(|value| format!("{value:?}")));
        told
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn given_any_steps_when_taken_by_both_stores_then_they_say_the_same(
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
        runtime.block_on(async {
            let mut pair = Pair::new();
            for step in steps {
                pair.take(step).await;
            }
            let reference = pair.told(&pair.reference, &pair.reference).await;
            let embedded = pair.told(pair.embedded(), pair.embedded()).await;
            assert_eq!(reference, embedded);
        });
    }
}
