//! What the [`Register`] promises.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Harness;
use super::fixture::World;
use crate::Register;
use crate::register::Put;

/// A value that was replaced meanwhile is [`Put::Stale`], and stays.
pub async fn given_a_value_replaced_meanwhile_when_put_then_it_is_stale_and_stays(
    harness: impl Harness,
) {
    let store = World::of(&harness).await.store;
    assert_eq!(store.get("a").await.unwrap(), None);
    let first = done(&*store, "a", None, Some(b"1")).await;
    let second = done(&*store, "a", Some(first), Some(b"2")).await;

    for seen in [None, Some(first), Some(second + 1)] {
        let put = store.put("a", seen, Some(b"3".into())).await.unwrap();
        assert_eq!(put, Put::Stale);
    }
    assert_eq!(
        store.put("b", Some(1), None).await.unwrap(),
        Put::Stale,
        "there is none"
    );

    let held = store.get("a").await.unwrap().unwrap();
    assert_eq!((held.version, held.value), (second, b"2".to_vec()));
}

/// Versions of one name never come back, even after the value was removed.
pub async fn given_a_removed_value_when_put_again_then_its_versions_do_not_come_back(
    harness: impl Harness,
) {
    let store = World::of(&harness).await.store;
    let mut versions = BTreeSet::new();
    let mut seen = None;
    for _ in 0..3 {
        let there = done(&*store, "a", seen, Some(b"1")).await;
        let gone = done(&*store, "a", Some(there), None).await;
        assert_eq!(store.get("a").await.unwrap(), None);
        assert!(
            versions.insert(there) && versions.insert(gone),
            "a version came back"
        );
        seen = None;
    }
}

/// It lists the values whose names begin with a prefix, in the order of their names.
pub async fn given_values_when_listed_then_those_of_the_prefix_come_in_order(
    harness: impl Harness,
) {
    let store = World::of(&harness).await.store;
    for name in ["key/b", "key/a", "kez", "key/", "ke", "key/gone"] {
        done(&*store, name, None, Some(name.as_bytes())).await;
    }
    done(&*store, "key/gone", Some(1), None).await;

    let listed = store.list("key/").await.unwrap();

    let names: Vec<_> = listed.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["key/", "key/a", "key/b"]);
    assert!(
        listed
            .iter()
            .all(|(name, held)| held.value == name.as_bytes())
    );
    assert_eq!(store.list("").await.unwrap().len(), 5);
}

/// Of many writers that saw one version, one is done.
pub async fn given_many_writers_of_one_version_when_they_race_then_one_is_done(
    harness: impl Harness,
) {
    let store = World::of(&harness).await.store;
    for round in 0..10_u64 {
        let seen = store.get("a").await.unwrap().map(|held| held.version);
        let writers: Vec<_> = (0..8_u8)
            .map(|writer| {
                let store = Arc::clone(&store);
                tokio::spawn(async move { store.put("a", seen, Some(vec![writer])).await })
            })
            .collect();
        let mut done = 0;
        for writer in writers {
            done += u64::from(writer.await.unwrap().unwrap() != Put::Stale);
        }
        assert_eq!(done, 1, "in round {round}");
    }
}

/// Versions of one name never come back, however many come and go at once.
pub async fn given_names_that_come_and_go_at_once_when_put_then_no_version_comes_back(
    harness: impl Harness,
) {
    let store = World::of(&harness).await.store;
    let comers: Vec<_> = (0..4_u8)
        .map(|comer| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let name = ["a", "b"][usize::from(comer % 2)];
                let mut versions = Vec::new();
                for _ in 0..10 {
                    let value = Some(vec![comer]);
                    let Put::Done(there) = store.put(name, None, value).await.unwrap() else {
                        continue;
                    };
                    versions.push((name, there));
                    if let Put::Done(gone) = store.put(name, Some(there), None).await.unwrap() {
                        versions.push((name, gone));
                    }
                }
                versions
            })
        })
        .collect();
    let mut versions = Vec::new();
    for comer in comers {
        versions.extend(comer.await.unwrap());
    }

    let distinct: BTreeSet<_> = versions.iter().collect();
    assert_eq!(distinct.len(), versions.len(), "{versions:?}");
    assert!(store.list("").await.unwrap().is_empty());
}

async fn done(store: &impl Register, name: &str, seen: Option<u64>, value: Option<&[u8]>) -> u64 {
    let value = value.map(<[u8]>::to_vec);
    match store
        .put(name, seen, value)
        .await
        .expect("the store answers")
    {
        Put::Done(version) => version,
        Put::Stale => panic!("nobody disturbs this"),
    }
}
