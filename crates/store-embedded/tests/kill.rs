//! A process that is killed in the middle of its work loses nothing that it acknowledged.
//!
//! The test starts itself again as a child, which opens and ends sessions as fast as it can and
//! says what is done, one line each. It is killed without warning, and the folder opened anew.

use std::collections::BTreeSet;
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use innkeeper_domain::change::Change;
use innkeeper_domain::session::{SessionId, Timestamp};
use innkeeper_store::Outcome;
use innkeeper_store::SessionStore;
use innkeeper_store::clock::{ManualClock, SystemClock};
use innkeeper_store::conformance::fixture::{World, commit_for, end, session, tag};
use innkeeper_store::journal::SessionEvent;
use innkeeper_store_embedded::EmbeddedStore;

/// How often the everyday set kills.
const KILLS: u32 = 10;
/// Subjects whose sessions the child opens and ends at once.
const SUBJECTS: u8 = 6;
/// Tells the child that it is one, and where its folder is.
const CHILD: &str = "INNKEEPER_TEST_CHILD";

#[test]
fn given_a_process_killed_at_its_work_when_opened_again_then_all_it_acknowledged_is_there() {
    if let Some(folder) = env::var_os(CHILD) {
        return work(Path::new(&folder));
    }
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("store");
    let (mut live, mut ended) = (BTreeSet::new(), BTreeSet::new());
    let mut last_time = 0;
    for kill in 1..=KILLS {
        let mut child = start(&folder);
        // Each time at another point; the pipe holds some lines that were written after it.
        let told = BufReader::new(child.stdout.take().unwrap());
        let mut lines = told
            .lines()
            .map_while(Result::ok)
            .filter(|l| l.starts_with("@ "));
        let acknowledged: Vec<_> = lines.by_ref().take(37 * kill as usize).collect();
        child.kill().unwrap();
        for line in acknowledged.into_iter().chain(lines) {
            // A line that the kill cut off was not told whole.
            let [_, what, id, now, "."] = *line.split(' ').collect::<Vec<_>>() else {
                continue;
            };
            let id = SessionId::parse(id).unwrap();
            last_time = now.parse::<u64>().unwrap().max(last_time);
            match what {
                "born" => live.insert(id.to_string()),
                _ => live.remove(&id.to_string()) && ended.insert(id.to_string()),
            };
        }
        child.wait().unwrap();
        let untold = check(&folder, &live, &ended, last_time);
        live.retain(|id| !untold.contains(id));
        ended.extend(untold);
        println!(
            "kill {kill}: {} ends and {} births stand",
            ended.len(),
            live.len()
        );
    }
    assert!(
        ended.len() > 100 && !live.is_empty(),
        "the child was at work"
    );
}

fn start(folder: &Path) -> Child {
    let test =
        "given_a_process_killed_at_its_work_when_opened_again_then_all_it_acknowledged_is_there";
    Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What the child does until it is killed.
fn work(folder: &Path) {
    let store = Arc::new(EmbeddedStore::open(folder, Arc::new(SystemClock)).unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let subjects: Vec<_> = (0..SUBJECTS)
        .map(|of| runtime.spawn(open_and_end(Arc::clone(&store), of)))
        .collect();
    for subject in subjects {
        runtime.block_on(subject).unwrap();
    }
}

/// Opens sessions of a subject, three at a time, and ends the oldest.
async fn open_and_end(store: Arc<EmbeddedStore>, of: u8) {
    loop {
        let reading = store.read(tag(of), None).await.unwrap();
        let sessions = reading.roster.as_ref().map_or(&[][..], |r| &r.sessions);
        let births = reading.roster.as_ref().map_or(0, |r| r.births);
        let (what, id, change) = if sessions.len() < 3 {
            let mut newborn = session(tag(of), 0, reading.now);
            newborn.birth = births + 1;
            let mut serial = [of; 12];
            serial[..8].copy_from_slice(&newborn.birth.to_be_bytes());
            newborn.id = SessionId::from_entropy(tag(of), serial);
            ("born", newborn.id, Change::Birth(newborn.into()))
        } else {
            ("ended", sessions[0].id, end(sessions[0].id, reading.now))
        };
        let commit = commit_for(tag(of), &reading, vec![change]);
        if let Outcome::Done(roster) = store.commit(commit).await.unwrap() {
            let now = roster.time_high.as_millis();
            writeln!(std::io::stdout().lock(), "\n@ {what} {id} {now} .").unwrap();
        }
    }
}

/// All that was acknowledged stands, and roster, journal and time agree with it.
///
/// Returns the sessions whose end was done and not told any more.
fn check(
    folder: &Path,
    live: &BTreeSet<String>,
    ended: &BTreeSet<String>,
    last_time: u64,
) -> BTreeSet<String> {
    let clock = Arc::new(ManualClock::at(0));
    let store = EmbeddedStore::open(folder, Arc::clone(&clock) as _).expect("it is whole");
    let world = World {
        clock,
        store: Arc::new(store),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    runtime.block_on(async {
        let mut held = BTreeSet::new();
        for of in 0..SUBJECTS {
            let reading = world.read(tag(of)).await;
            assert!(
                reading.now >= Timestamp::from_millis(last_time),
                "time fell"
            );
            if let Some(roster) = reading.roster {
                assert!(roster.sessions.len() <= 3, "over the limit");
                held.extend(roster.sessions.iter().map(|s| s.id.to_string()));
                world.agreed(tag(of)).await;
            }
        }
        for id in ended {
            assert!(!held.contains(id), "{id} came back");
        }
        let untold: BTreeSet<_> = live.difference(&held).cloned().collect();
        let mut ends = BTreeSet::new();
        for entry in world.journal().await {
            ends.extend(entry.events.iter().filter_map(|event| match event {
                SessionEvent::Ended { session, .. } => Some(session.to_string()),
                _ => None,
            }));
        }
        assert!(
            untold.is_subset(&ends),
            "a birth is missing, and no end of it is recorded"
        );
        assert!(ended.is_subset(&ends));
        untold
    })
}
