//! Where there is no room for a batch, nothing of it is acknowledged and nothing of it is left: all
//! that was durable goes on being read while time lasts.
//!
//! The test starts itself again under a limit on the size of files, which is the one way to run
//! out of room that needs no rights.

use std::env;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use innkeeper_domain::change::Change;
use innkeeper_domain::roster::RosterVersion;
use innkeeper_store::clock::ManualClock;
use innkeeper_store::conformance::fixture::{World, tag};
use innkeeper_store::{Heard, Kept, SessionStore, StoreError};
use innkeeper_store_embedded::{EmbeddedStore, OpenError};

/// Tells a child process that it is one, and which folder to open.
const CHILD: &str = "INNKEEPER_TEST_CHILD";
const DONE: &str = "acknowledged ";

#[test]
fn given_no_room_when_committing_then_nothing_is_acknowledged_and_changes_stop() {
    if let Some(folder) = env::var_os(CHILD) {
        return runtime().block_on(commit_until_full(Path::new(&folder)));
    }
    let root = tempfile::tempdir().unwrap();
    drop(open(root.path()).unwrap());

    let test = "given_no_room_when_committing_then_nothing_is_acknowledged_and_changes_stop";
    let output = under_limit("200", test, root.path());

    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{printed}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let told = printed.lines().find_map(|line| line.strip_prefix(DONE));
    let acknowledged: u64 = told.expect("the child tells").parse().unwrap();
    let clock = Arc::new(ManualClock::at(1_000_000));
    let store = open(root.path()).expect("there is room again");
    let world = World { clock, store };
    let version = runtime().block_on(world.agreed(tag(1)));
    println!("{acknowledged} acknowledged, {} found", version.0);
    assert!(acknowledged > 10 && version >= RosterVersion(acknowledged));
}

#[test]
fn given_no_room_when_opening_then_it_says_so() {
    if let Some(folder) = env::var_os(CHILD) {
        let error = open(Path::new(&folder)).expect_err("there is no room");
        assert!(matches!(error, OpenError::Full { .. }), "{error:?}");
        assert!(error.to_string().contains("make room"), "{error}");
        return;
    }
    let test = "given_no_room_when_opening_then_it_says_so";
    let root = tempfile::tempdir().unwrap();
    let fresh = under_limit("0", test, &root.path().join("fresh"));
    assert!(
        fresh.status.success(),
        "{}",
        String::from_utf8_lossy(&fresh.stdout)
    );
    for _ in 0..2 {
        drop(open(&root.path().join("used")).unwrap());
    }
    let used = under_limit("0", test, &root.path().join("used"));
    assert!(
        used.status.success(),
        "{}",
        String::from_utf8_lossy(&used.stdout)
    );
    drop(open(&root.path().join("used")).expect("there is room again"));
}

fn open(path: &Path) -> Result<Arc<EmbeddedStore>, OpenError> {
    let clock = Arc::new(ManualClock::at(1_000_000));
    EmbeddedStore::open(path, clock).map(Arc::new)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().build().unwrap()
}

/// Runs a test of this file in a child that may write files of so many half kilobytes.
fn under_limit(blocks: &str, test: &str, folder: &Path) -> Output {
    // A write beyond the limit then fails as on a full disk, instead of ending the process.
    let script =
        format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" --exact \"$1\" --nocapture");
    Command::new("sh")
        .args(["-c", &script])
        .arg(env::current_exe().unwrap())
        .arg(test)
        .env(CHILD, folder)
        .output()
        .unwrap()
}

async fn commit_until_full(folder: &Path) {
    let clock = Arc::new(ManualClock::at(1_000_000));
    let store = EmbeddedStore::open(folder, Arc::clone(&clock) as _).unwrap();
    let store = Arc::new(store);
    let world = World { clock, store };
    world.store.ready().unwrap();
    let untouched = world.commit_of(tag(2), vec![Change::Disabled(false)]).await;
    assert!(world.store.commit(untouched.clone()).await.is_ok());
    let mut acknowledged = RosterVersion(0);
    let mut latest = untouched;
    let refusal = loop {
        let commit = world.commit_of(tag(1), vec![Change::Disabled(false)]).await;
        latest.clone_from(&commit);
        match world.store.commit(commit).await {
            Ok(_) => acknowledged = acknowledged.next(),
            Err(refusal) => break refusal,
        }
    };
    println!("{DONE}{}", acknowledged.0);

    assert!(
        matches!(refusal, StoreError::Unavailable { .. }),
        "nothing was done, and that is known: {refusal:?}"
    );
    assert!(world.store.ready().is_err());
    let next = world.store.commit(latest).await.unwrap_err();
    assert!(matches!(next, StoreError::Unavailable { .. }), "{next:?}");

    let version = world.roster(tag(1)).await.version;
    assert_eq!(version, acknowledged, "nothing of it is to be seen");
    let version = world.roster(tag(2)).await.version;
    assert_eq!(version, RosterVersion(1), "what is read is durable");
    world.clock.pass(Duration::from_millis(100));
    let mut shown = None;
    let mut look = |kept: Option<&Kept>, _| {
        shown = kept.map(|kept| kept.open().unwrap().version);
        Heard::No
    };
    assert!(world.store.glance(tag(1), &mut look), "time lasts");
    assert_eq!(shown, Some(acknowledged), "what is shown is durable");
}
