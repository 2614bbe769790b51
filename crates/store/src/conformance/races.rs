//! What holds when many act at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use innkeeper_domain::change::Change;
use innkeeper_domain::policy::Seats;
use innkeeper_domain::roster::{Roster, RosterVersion};
use innkeeper_domain::session::SessionId;
use tokio::task::yield_now;

use super::Harness;
use super::fixture::{IDLE, World, commit_for, end, remembered, rotation, session, tag};
use super::glancing::visit;
use crate::{Heard, Outcome, SessionStore, Touch, Touched};

const RUNNERS: u8 = 16;
const ROUNDS: u8 = 20;

/// Of any number of commits made for one version, one is done.
pub async fn given_many_commits_for_one_version_when_they_race_then_one_is_done(
    harness: impl Harness,
) {
    let world = World::of(&harness).await;
    for round in 1..=ROUNDS {
        let reading = world.read(tag(1)).await;
        let runners: Vec<_> = (0..RUNNERS)
            .map(|runner| {
                let store = Arc::clone(&world.store);
                let mut newborn = session(tag(1), round, reading.now);
                newborn.birth = runner.into();
                let commit = commit_for(tag(1), &reading, vec![Change::Birth(newborn.into())]);
                tokio::spawn(async move { store.commit(commit).await })
            })
            .collect();

        let mut done = 0;
        for runner in runners {
            let outcome = runner.await.unwrap().unwrap();
            done += u8::from(matches!(outcome, Outcome::Done(_)));
        }

        assert_eq!(done, 1, "in round {round}");
        assert_eq!(
            world.roster(tag(1)).await.sessions.len(),
            usize::from(round)
        );
        assert_eq!(world.agreed(tag(1)).await, RosterVersion(round.into()));
    }
}

/// Of any number of commits with a bound on their tenant, so many are done as there are seats,
/// while others leave theirs.
pub async fn given_a_bound_on_a_tenant_when_many_rosters_race_then_just_so_many_are_live(
    harness: impl Harness,
) {
    const SEATS: u8 = 7;
    let world = World::of(&harness).await;
    let mut there = Vec::new();
    for round in 0..3 {
        // Whoever is there leaves while the next arrive.
        let now = world.read(tag(0)).await.now;
        let leaving = std::mem::take(&mut there);
        let mut commits = Vec::new();
        for id in &leaving {
            commits.push(
                world
                    .commit_of(SessionId::tag(id), vec![end(*id, now)])
                    .await,
            );
        }
        for place in 0..40 {
            let place = 1 + round * 40 + place;
            let newborn = session(tag(place), place, now);
            there.push(newborn.id);
            let mut commit = world
                .commit_of(tag(place), vec![Change::Birth(newborn.into())])
                .await;
            commit.seats = Seats::new(SEATS.into());
            commits.push(commit);
        }
        let runners: Vec<_> = commits
            .into_iter()
            .map(|commit| {
                let store = Arc::clone(&world.store);
                tokio::spawn(async move { store.commit(commit).await })
            })
            .collect();
        for runner in runners {
            let outcome = runner.await.unwrap().unwrap();
            assert!(!matches!(outcome, Outcome::Stale));
        }

        let mut live = Vec::new();
        for id in there {
            if world.read(id.tag()).await.roster.is_some() {
                live.push(id);
            }
        }
        assert!(live.len() <= usize::from(SEATS), "in round {round}");
        let left = leaving.len();
        assert!(
            left > 0 || live.len() == usize::from(SEATS),
            "in round {round}"
        );
        there = live;
    }
}

/// A visit never brings a session back, whichever comes first.
pub async fn given_visits_racing_an_end_when_both_are_over_then_the_session_stays_ended(
    harness: impl Harness,
) {
    let world = World::of(&harness).await;
    for round in 1..=ROUNDS {
        let id = world.born(tag(1), round).await;
        world.clock.pass(Duration::from_millis(50));
        let ended = Arc::new(AtomicBool::new(false));
        let visitors: Vec<_> = (0..4)
            .map(|_| {
                let store = Arc::clone(&world.store);
                let ended = Arc::clone(&ended);
                tokio::spawn(async move {
                    loop {
                        let over = ended.load(Ordering::Acquire);
                        let (session, grace_ends_at) = (id, None);
                        let touch = Touch {
                            session,
                            grace_ends_at,
                        };
                        let touched = store.touch(touch).await.unwrap();
                        if over {
                            break assert!(matches!(touched, Touched::Dead), "it came back");
                        }
                        tokio::task::yield_now().await;
                    }
                })
            })
            .collect();

        world.ended(id).await;
        ended.store(true, Ordering::Release);

        for visitor in visitors {
            visitor.await.unwrap();
        }
        assert!(world.roster(tag(1)).await.find(id).is_none());
    }
}

/// A session that one reading finds dead is live in no reading that begins afterwards, also when
/// its deadline passes while a rotation that was decided in time is under way.
pub async fn given_rotations_racing_deadlines_when_a_session_was_found_dead_then_it_stays_dead(
    harness: impl Harness,
) {
    let world = World::of(&harness).await;
    for round in 1..=ROUNDS {
        let id = world.born(tag(round), round).await;
        let near = IDLE.saturating_sub(Duration::from_millis(1));
        world.clock.pass(near);
        let reading = world.read(id.tag()).await;
        let mut commit = commit_for(id.tag(), &reading, vec![rotation(id, reading.now)]);
        commit.stands_until = reading.now.plus(Duration::from_millis(1));
        let dead = Arc::new(AtomicBool::new(false));
        let over = Arc::new(AtomicBool::new(false));
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let (store, dead, over) = (
                    Arc::clone(&world.store),
                    Arc::clone(&dead),
                    Arc::clone(&over),
                );
                tokio::spawn(async move {
                    loop {
                        let is_last = over.load(Ordering::SeqCst);
                        let was_dead = dead.load(Ordering::SeqCst);
                        let reading = store.read(id.tag(), None).await.unwrap();
                        let roster = reading.roster.unwrap();
                        if roster.live(reading.now).any(|s| s.id == id) {
                            assert!(!was_dead, "it came back in round {round}");
                        } else {
                            dead.store(true, Ordering::SeqCst);
                        }
                        if is_last {
                            break;
                        }
                        yield_now().await;
                    }
                })
            })
            .collect();
        let store = Arc::clone(&world.store);
        let rotating = tokio::spawn(async move { store.commit(commit).await });

        // Sooner or later in its way, from one round to the next.
        for _ in 0..u32::from(round) * 60 {
            world.read(tag(0)).await;
        }
        world.clock.pass(Duration::from_millis(2));

        let _ = rotating.await.unwrap().unwrap();
        over.store(true, Ordering::SeqCst);
        for reader in readers {
            reader.await.unwrap();
        }
    }
}

/// No visit is lost to a commit that was under way.
pub async fn given_visits_racing_rotations_when_both_are_over_then_no_visit_was_lost(
    harness: impl Harness,
) {
    let world = Arc::new(World::of(&harness).await);
    let id = world.born(tag(1), 1).await;
    let rotating = Arc::clone(&world);
    let rotations = tokio::spawn(async move {
        for _ in 0..30 {
            let now = rotating.read(tag(1)).await.now;
            rotating.done(tag(1), vec![rotation(id, now)]).await;
        }
    });

    let mut last = world.read(tag(1)).await.now;
    while !rotations.is_finished() {
        world.clock.pass(Duration::from_millis(1));
        last = visit(&world, id).await;
        for _ in 0..4 {
            tokio::task::yield_now().await;
            let roster = world.roster(tag(1)).await;
            assert!(roster.find(id).unwrap().last_seen.get() >= last);
        }
    }

    rotations.await.unwrap();
    let roster = world.roster(tag(1)).await;
    assert_eq!(roster.find(id).unwrap().last_seen.get(), last);
}

/// Whoever looks after an end was acknowledged does not find the session live.
pub async fn given_an_acknowledged_end_when_glanced_at_then_nobody_finds_the_session_live(
    harness: impl Harness,
) {
    let world = World::of(&harness).await;
    for round in 1..=ROUNDS {
        let id = world.born(tag(1), round).await;
        let ended = Arc::new(AtomicBool::new(false));
        let checkers: Vec<_> = (0..4)
            .map(|_| {
                let store = Arc::clone(&world.store);
                let ended = Arc::clone(&ended);
                tokio::spawn(async move {
                    let mut over = false;
                    while !over {
                        over = ended.load(Ordering::Acquire);
                        let mut live = false;
                        let answered = store.glance(tag(1), &mut |kept, now| {
                            let roster = kept.map(|kept| kept.open().expect("it is whole"));
                            let find =
                                |r: Arc<Roster>| r.find(id).is_some_and(|s| r.is_live(s, now));
                            live = roster.is_some_and(find);
                            Heard::No
                        });
                        assert!(!(over && live), "it was acknowledged as ended");
                        assert!(answered || !live);
                        tokio::task::yield_now().await;
                    }
                })
            })
            .collect();

        world.ended(id).await;
        ended.store(true, Ordering::Release);

        for checker in checkers {
            checker.await.unwrap();
        }
    }
}

/// One key gives at most one session, at whatever rosters it is tried (S10).
pub async fn given_one_key_at_many_rosters_when_they_race_then_one_is_done(harness: impl Harness) {
    let world = World::of(&harness).await;
    for round in 1..=ROUNDS {
        let mut runners = Vec::new();
        for of in 0..RUNNERS {
            let reading = world.read(tag(of)).await;
            let newborn = session(tag(of), round, reading.now);
            let answer = remembered(newborn.id, round, reading.now);
            let births = vec![Change::Birth(newborn.into())];
            let mut commit = commit_for(tag(of), &reading, births);
            commit.remember = vec![answer];
            let store = Arc::clone(&world.store);
            runners.push(tokio::spawn(async move { store.commit(commit).await }));
        }

        let mut done = 0;
        for runner in runners {
            let outcome = runner.await.unwrap().unwrap();
            done += u8::from(matches!(outcome, Outcome::Done(_)));
        }

        assert_eq!(done, 1, "in round {round}");
    }
}
