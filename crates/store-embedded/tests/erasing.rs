//! What is erased is in no file of the store any more, and nothing else is gone.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use innkeeper_domain::change::Change;
use innkeeper_domain::device::DeviceLabel;
use innkeeper_domain::name::SubjectId;
use innkeeper_domain::roster::Contact;
use innkeeper_domain::session::SessionClass;
use innkeeper_domain::token::RosterTag;
use innkeeper_store::clock::ManualClock;
use innkeeper_store::conformance::fixture::{World, end, session, tag};
use innkeeper_store::register::{Put, Register};
use innkeeper_store::{Cursor, JournalEntry, SessionStore};
use innkeeper_store_embedded::{EmbeddedStore, OpenError};

fn open(folder: &Path) -> Result<World<EmbeddedStore>, OpenError> {
    let clock = Arc::new(ManualClock::at(1_000_000));
    let store = EmbeddedStore::open(folder, Arc::clone(&clock) as _)?;
    Ok(World {
        clock,
        store: Arc::new(store),
    })
}

/// Somebody of whom much is known: in the roster, and in the journal by the end of a session.
async fn move_in(world: &World<EmbeddedStore>, of: u8, first: u8, words: &[String; 3]) {
    let [label, address, kept] = words;
    for number in first..first + 3 {
        let now = world.read(tag(of)).await.now;
        let mut session = session(tag(of), number, now);
        session.origin.label = Some(DeviceLabel::parse(label).unwrap());
        session.attributes = Some(kept.as_str().into());
        let id = session.id;
        let contact = Contact {
            email: Some(address.as_str().into()),
            ..Contact::default()
        };
        let changes = vec![Change::Birth(session.into()), Change::Contact(contact)];
        world.done(tag(of), changes).await;
        let now = world.read(tag(of)).await.now;
        world.done(tag(of), vec![end(id, now)]).await;
    }
}

fn words(of: &str) -> [String; 3] {
    [
        format!("Lynx of {of}"),
        format!("{of}@example.org"),
        format!("size of {of}"),
    ]
}

/// How many of the words are found anywhere in the files of a store.
fn found(folder: &Path, words: &[String]) -> usize {
    let files = common::Files::read(folder);
    let is_in = |word: &&String| {
        let mut all = files.0.values();
        all.any(|bytes| {
            bytes
                .windows(word.len())
                .any(|part| part == word.as_bytes())
        })
    };
    words.iter().filter(is_in).count()
}

async fn erase(world: &World<EmbeddedStore>, tag: RosterTag) {
    world.done(tag, vec![Change::Erasure]).await;
    world.store.erase(tag, &[]).await.unwrap();
}

#[tokio::test]
async fn given_an_erased_subject_when_the_files_are_searched_then_nothing_of_it_is_found() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("store");
    let world = open(&folder).unwrap();
    let (alice, bob) = (words("alice"), words("bob"));
    move_in(&world, 1, 1, &alice).await;
    // Some of it lies in a checkpoint too, and some in a segment that is not the last.
    world.store.checkpoint().await.unwrap();
    move_in(&world, 2, 1, &bob).await;
    erase(&world, tag(2)).await;
    move_in(&world, 2, 4, &bob).await;
    assert_eq!((found(&folder, &alice), found(&folder, &bob)), (3, 3));

    erase(&world, tag(1)).await;

    assert_eq!((found(&folder, &alice), found(&folder, &bob)), (0, 3));
    let before = world.journal().await;
    drop(world);
    let world = open(&folder).unwrap();
    assert_eq!((found(&folder, &alice), found(&folder, &bob)), (0, 3));
    assert_eq!(world.journal().await, before);
    world.agreed(tag(1)).await;
    world.agreed(tag(2)).await;
    let _ = world.born(tag(1), 9).await;
}

#[tokio::test]
async fn given_a_crash_while_erasing_when_opened_then_all_is_there_and_erasing_goes_on() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("store");
    let world = open(&folder).unwrap();
    let alice = words("alice");
    move_in(&world, 1, 1, &alice).await;
    world.done(tag(1), vec![Change::Erasure]).await;
    world.store.checkpoint().await.unwrap();
    let before = common::Files::read(&folder);
    world.store.erase(tag(1), &[]).await.unwrap();
    let after = common::Files::read(&folder);
    drop(world);
    let is_segment = |name: &&PathBuf| name.extension().is_some_and(|end| end == "log");
    let name = before.0.keys().find(is_segment).unwrap();
    let written = &after.0[name];
    assert!(written.len() < before.0[name].len());

    // Any part of the new segment may lie aside.
    for end in [0, 1, written.len() / 2, written.len()] {
        let copy = tempfile::tempdir().unwrap();
        before.leave_in(copy.path());
        let aside = copy.path().join("store/data/log.new");
        fs::write(&aside, &written[..end]).unwrap();
        let world = open(copy.path()).unwrap();
        assert!(!aside.exists(), "written up to {end}");
        assert_ne!(found(copy.path(), &alice), 0);
        world.agreed(tag(1)).await;
        world.store.erase(tag(1), &[]).await.unwrap();
        assert_eq!(found(copy.path(), &alice), 0);
    }
}

#[tokio::test]
async fn given_a_store_that_was_erased_from_when_its_checkpoint_is_missing_then_it_does_not_open() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("store");
    let world = open(&folder).unwrap();
    move_in(&world, 1, 1, &words("alice")).await;
    erase(&world, tag(1)).await;
    drop(world);
    let is_checkpoint = |path: &PathBuf| path.extension().is_some_and(|e| e == "checkpoint");
    let data = fs::read_dir(folder.join("store/data")).unwrap();
    let checkpoint = data.map(|entry| entry.unwrap().path()).find(is_checkpoint);
    fs::remove_file(checkpoint.unwrap()).unwrap();

    let refused = open(&folder).expect_err("the log is not enough any more");

    assert!(matches!(refused, OpenError::Damaged { .. }), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn given_readers_of_the_journal_when_it_is_erased_from_then_each_page_is_whole() {
    let root = tempfile::tempdir().unwrap();
    let world = open(&root.path().join("store")).unwrap();
    for of in 1..=8 {
        move_in(&world, of, 1, &words("somebody")).await;
    }
    let count = world.journal().await.len();
    let store = Arc::clone(&world.store);
    let eraser = tokio::spawn(async move {
        for of in 1..=8 {
            store.erase(tag(of), &[]).await.unwrap();
        }
    });
    let mut rounds = 0;
    while !eraser.is_finished() || rounds == 0 {
        rounds += 1;
        assert_eq!(world.journal().await.len(), count);
    }
    eraser.await.unwrap();
    assert!(world.journal().await.iter().all(|e| e.personal.is_none()));
    println!("{rounds} readings of {count} entries beside 8 erasures");
}

/// A user that was removed stayed in the log with the hash of the password, and in the checkpoint
/// with its name.
#[tokio::test]
async fn given_values_that_were_replaced_and_removed_when_somebody_is_erased_then_no_file_has_them()
{
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("store");
    let world = open(&folder).unwrap();
    let put = |name, seen, value: Option<&str>| {
        let store = Arc::clone(&world.store);
        let value = value.map(|v| v.as_bytes().to_vec());
        async move { store.put(name, seen, value).await.unwrap() }
    };
    let words = [
        "user/removed",
        "of-removed",
        "of-replaced",
        "of-kept",
        "user/kept",
    ];
    let words = words.map(String::from);
    assert_eq!(
        put("user/removed", None, Some("of-removed")).await,
        Put::Done(1)
    );
    assert_eq!(
        put("user/kept", None, Some("of-replaced")).await,
        Put::Done(1)
    );
    world.store.checkpoint().await.unwrap();
    assert_eq!(put("user/removed", Some(1), None).await, Put::Done(2));
    assert_eq!(
        put("user/kept", Some(1), Some("of-kept")).await,
        Put::Done(2)
    );
    assert_eq!(found(&folder, &words), 5);

    world.store.erase(tag(1), &[]).await.unwrap();

    let gone = [&words[..3], &words[3..]].map(|words| found(&folder, words));
    assert_eq!(gone, [0, 2]);
    drop(world);
    let store = open(&folder).unwrap().store;
    assert_eq!(store.get("user/kept").await.unwrap().unwrap().version, 2);
    assert_eq!(found(&folder, &words[..3]), 0);
    let again = store.put("user/removed", None, Some(b"new".into())).await;
    assert_eq!(
        again.unwrap(),
        Put::Done(3),
        "its versions do not come back"
    );
}

/// Somebody who acted as another is named in the roster of that one, and in one entry of it.
#[tokio::test]
async fn given_an_entry_of_another_roster_when_it_is_erased_too_then_that_one_alone_has_lost() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("store");
    let world = open(&folder).unwrap();
    let actor = SubjectId::parse("support-7").unwrap();
    let _ = world.born(tag(2), 1).await;
    let now = world.read(tag(2)).await.now;
    let mut acting = session(tag(2), 2, now);
    acting.class = SessionClass::Impersonation;
    acting.actor = Some(actor.clone());
    acting.origin.label = Some(DeviceLabel::parse("Lynx of support").unwrap());
    let words = [actor.to_string(), "Lynx of support".to_owned()];
    let id = acting.id;
    world.done(tag(2), vec![Change::Birth(acting.into())]).await;
    let now = world.read(tag(2)).await.now;
    world.done(tag(2), vec![end(id, now)]).await;
    let before = world.journal().await;
    let entry = world.store.latest().await.unwrap().unwrap();
    assert_eq!(found(&folder, &words), 2);

    let changes = vec![Change::ActorErasure(actor)];
    world.done(tag(2), changes).await;
    let place = u64::from_be_bytes((*entry.0).try_into().unwrap()) - 1;
    let entry = Cursor(place.to_be_bytes().into());
    world.store.erase(tag(1), &[entry]).await.unwrap();

    assert_eq!(found(&folder, &words), 0);
    let named = |journal: &[JournalEntry]| -> Vec<bool> {
        journal.iter().map(|e| e.personal.is_some()).collect()
    };
    assert_eq!(named(&before), [true, true, true]);
    assert_eq!(named(&world.journal().await), [true, false, true, true]);
    drop(world);
    let world = open(&folder).unwrap();
    assert_eq!(named(&world.journal().await), [true, false, true, true]);
    assert_eq!(found(&folder, &words), 0);
    world.agreed(tag(2)).await;
}

/// What the journal has let go of lies in its segment for as long as others there are kept.
#[tokio::test]
async fn given_entries_that_were_let_go_of_when_anybody_is_erased_then_no_file_names_their_person()
{
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("store");
    let world = open(&folder).unwrap();
    let alice = words("alice");
    move_in(&world, 1, 1, &alice).await;
    world.done(tag(1), vec![Change::Erasure]).await;
    let latest = world.store.latest().await.unwrap().unwrap();
    let _ = world.born(tag(2), 1).await;
    world.store.trim(&latest).await.unwrap();
    assert_ne!(found(&folder, &alice), 0);

    world.store.erase(tag(9), &[]).await.unwrap();

    assert_eq!(found(&folder, &alice), 0);
    assert_eq!(world.journal().await.len(), 1);
    drop(world);
    let world = open(&folder).unwrap();
    assert!(world.journal().await[0].personal.is_some());
}
