//! A store with damaged files is served whole or not at all.
//!
//! Every file of a store is flipped, cut, blanked and removed in many places, each time on a
//! fresh copy. Opening must give exactly what was acknowledged, or name what is wrong. It must
//! never give less: that would bring ended sessions back.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use innkeeper_domain::change::Change;
use innkeeper_store::clock::ManualClock;
use innkeeper_store::conformance::fixture::{World, remembered, rotation, session, tag};
use innkeeper_store::{Register, SessionStore};
use innkeeper_store_embedded::{EmbeddedStore, OpenError};

/// How many places of one file are damaged in each manner.
const PLACES: usize = 6;

type Damage = fn(&mut Vec<u8>, usize);

const MANNERS: [(&str, Damage); 4] = [
    ("a bit flipped", |bytes, at| bytes[at] ^= 1),
    ("a byte inverted", |bytes, at| bytes[at] ^= 0xff),
    ("cut off", Vec::truncate),
    ("blanked from there on", |bytes, at| bytes[at..].fill(0)),
];

/// All of it lies in the log, as in a young store.
#[tokio::test]
async fn given_a_store_in_its_log_when_any_file_is_damaged_then_it_opens_whole_or_not_at_all() {
    let root = tempfile::tempdir().unwrap();
    let whole = root.path().join("whole");
    let told = fill(&whole).await;

    damage_everywhere(&whole, &told).await;
}

/// Half of it lies in a checkpoint, as in a store that has been used for long.
#[tokio::test]
async fn given_a_store_with_a_checkpoint_when_any_file_is_damaged_then_it_opens_whole_or_not_at_all()
 {
    let root = tempfile::tempdir().unwrap();
    let whole = root.path().join("whole");
    fill(&whole).await;
    let store = EmbeddedStore::open(&whole, clock()).unwrap();
    store.checkpoint().await.unwrap();
    drop(store);
    let told = fill(&whole).await;

    damage_everywhere(&whole, &told).await;
}

async fn damage_everywhere(whole: &Path, told: &Told) {
    let (mut harmless, mut refused) = (0, 0);
    let files = common::Files::read(whole);
    for (name, bytes) in &files.0 {
        let used = bytes.len();
        let mut trials: Vec<(String, Option<Vec<u8>>)> = vec![("removed".into(), None)];
        for (manner, damage) in MANNERS {
            for at in (0..used).step_by((used / PLACES).max(1)) {
                let mut bytes = bytes.clone();
                damage(&mut bytes, at);
                trials.push((format!("{manner} at {at} of {used}"), Some(bytes)));
            }
        }
        for (how, bytes) in trials {
            let copy = tempfile::tempdir().unwrap();
            files.leave_in(copy.path());
            match bytes {
                Some(bytes) => fs::write(copy.path().join(name), &bytes).unwrap(),
                None => fs::remove_file(copy.path().join(name)).unwrap(),
            }
            let what = format!("{}, {how}", name.display());
            match EmbeddedStore::open(copy.path(), clock()) {
                Ok(store) => {
                    assert_eq!(tell(&store).await, *told, "{what}: opened with less");
                    harmless += 1;
                }
                Err(error) => {
                    let named = error
                        .to_string()
                        .contains(&*copy.path().display().to_string());
                    assert!(named, "{what}: {error}");
                    let kind = matches!(
                        error,
                        OpenError::Damaged { .. }
                            | OpenError::Lost { .. }
                            | OpenError::Newer { .. }
                    );
                    assert!(kind, "{what}: {error:?}");
                    refused += 1;
                }
            }
        }
    }
    println!(
        "{} damages: {refused} refused, {harmless} harmless",
        refused + harmless
    );
    assert!(refused > 50 && harmless > 5);
}

/// What a store says, to be compared.
type Told = BTreeMap<String, String>;

/// Births, ends, keys, rotations, register values; stopped as by a kill.
async fn fill(path: &Path) -> Told {
    let clock = clock();
    let store = Arc::new(EmbeddedStore::open(path, Arc::clone(&clock) as _).unwrap());
    let world = World { clock, store };
    for of in 1..=8 {
        let now = world.read(tag(of)).await.now;
        let births = world.read(tag(of)).await.roster.map_or(0, |r| r.births);
        let number = u8::try_from(births).unwrap() + 1;
        let newborn = session(tag(of), number, now);
        let answer = remembered(newborn.id, of + number * 16, now);
        let birth = vec![Change::Birth(newborn.into())];
        let mut commit = world.commit_of(tag(of), birth).await;
        commit.remember = vec![answer];
        let _ = world.outcome(commit).await;
        let id = world.born(tag(of), number + 1).await;
        world.born(tag(of), number + 2).await;
        world.done(tag(of), vec![rotation(id, now)]).await;
        world.ended(id).await;
        let name = format!("value-{of}");
        let seen = world
            .store
            .get(&name)
            .await
            .unwrap()
            .map(|held| held.version);
        let _ = world
            .store
            .put(&name, seen, Some(vec![of; 40]))
            .await
            .unwrap();
        world.clock.pass(Duration::from_millis(100));
    }
    tell(&world.store).await
}

async fn tell(store: &EmbeddedStore) -> Told {
    let mut told = Told::new();
    for tag in store.walk(None, 1000).await.unwrap() {
        let reading = store.read(tag, None).await.unwrap();
        told.insert("ground".into(), format!("{:?}", reading.ground));
        told.insert(format!("keys of {tag}"), format!("{:?}", reading.keys_held));
        told.insert(format!("roster {tag}"), format!("{:?}", reading.roster));
    }
    for (cursor, entry) in store.tail(None, 10_000).await.unwrap().page().unwrap() {
        told.insert(format!("{cursor:?}"), format!("{entry:?}"));
    }
    for (name, held) in store.list("").await.unwrap() {
        told.insert(name, format!("{held:?}"));
    }
    told
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(1_000_000))
}
