//! Policies that are put: by a file, over the API, and by both.

use innkeeper_domain::policy::{Overflow, PolicyVersion};
use innkeeper_domain::session::EndReason;
use innkeeper_engine::policy::{Filed, PolicyPut};

use crate::support::{House, finish, house, policy, poll_once};

fn put(house: &House, max: u64, seen: Option<u64>) -> PolicyPut {
    let policy = policy(max, Overflow::EvictLeastRecent);
    let seen = seen.map(PolicyVersion);
    finish(house.authority.put_policy(policy, seen)).expect("the store is sound")
}

fn file(house: &House, max: u64) -> Filed {
    let policy = policy(max, Overflow::EvictLeastRecent);
    finish(house.authority.file_policy(policy)).expect("the store is sound")
}

fn in_force(house: &House) -> (u64, usize) {
    let policy = house.authority.policy();
    (policy.version.0, policy.terms.max_sessions.get())
}

/// S1, S2: lowered and raised again; what ended stays ended.
#[test]
fn s1_given_a_policy_that_is_lowered_and_raised_when_obeyed_then_nobody_comes_back() {
    let house = house();
    let tokens: Vec<_> = (0..5).map(|_| house.sign_in("alice").token).collect();

    assert!(matches!(put(&house, 1, None), PolicyPut::Done(_)));
    assert_eq!(tokens.iter().filter(|t| house.passes(t)).count(), 1);
    assert_eq!(house.why_not(&tokens[0]), Some(EndReason::PolicyChange));
    assert!(matches!(put(&house, 5, None), PolicyPut::Done(_)));

    assert_eq!(tokens.iter().filter(|t| house.passes(t)).count(), 1);
    assert_eq!(in_force(&house), (3, 5));
}

#[test]
fn given_two_puts_that_saw_the_same_version_when_they_meet_then_one_is_done() {
    let house = house();
    let seen = Some(house.authority.policy().version);
    let one = house
        .authority
        .put_policy(policy(3, Overflow::Refuse), seen);
    let other = house
        .authority
        .put_policy(policy(4, Overflow::Refuse), seen);
    let (mut one, mut other) = (Box::pin(one), Box::pin(other));
    // Both have read before either writes.
    for _ in 0..3 {
        assert!(poll_once(one.as_mut()).is_pending());
        assert!(poll_once(other.as_mut()).is_pending());
    }

    let one = finish(one).expect("the store is sound");
    let other = finish(other).expect("the store is sound");

    assert!(matches!(one, PolicyPut::Done(_)), "{one:?}");
    assert!(matches!(other, PolicyPut::Stale(held) if held.version.0 == 2));
    assert_eq!(in_force(&house), (2, 3));
}

/// Without a version each is done, one after the other: no number is given twice.
#[test]
fn given_two_puts_without_a_version_when_they_meet_then_each_has_its_own() {
    let house = house();
    let one = house
        .authority
        .put_policy(policy(3, Overflow::Refuse), None);
    let other = house
        .authority
        .put_policy(policy(4, Overflow::Refuse), None);
    let (mut one, mut other) = (Box::pin(one), Box::pin(other));
    for _ in 0..3 {
        assert!(poll_once(one.as_mut()).is_pending());
        assert!(poll_once(other.as_mut()).is_pending());
    }

    let one = finish(one).expect("the store is sound");
    let other = finish(other).expect("the store is sound");

    assert!(matches!(one, PolicyPut::Done(policy) if policy.version.0 == 2));
    assert!(matches!(other, PolicyPut::Done(policy) if policy.version.0 == 3));
}

/// An operator puts a policy over the API and later restarts the server: the file that was there
/// all along must not undo it.
#[test]
fn given_a_policy_put_over_the_api_when_restarted_with_the_same_file_then_it_stays() {
    let house = house();
    let _ = put(&house, 2, None);

    let again = house.reopened(policy(5, Overflow::EvictLeastRecent));

    assert_eq!(in_force(&again), (2, 2));
    assert!(matches!(file(&again, 5), Filed::Overridden(_)));
    assert_eq!(in_force(&again), (2, 2));
}

#[test]
fn given_a_policy_put_over_the_api_when_the_file_changes_then_the_file_holds() {
    let house = house();
    let _ = put(&house, 2, None);

    assert!(matches!(file(&house, 3), Filed::InForce(_)));

    assert_eq!(in_force(&house), (3, 3));
    let again = house.reopened(policy(3, Overflow::EvictLeastRecent));
    assert_eq!(in_force(&again), (3, 3));
}

/// The file is made to say what was put: nothing changes, and later changes of it are changes.
#[test]
fn given_a_file_that_says_what_was_put_when_filed_then_the_version_stays() {
    let house = house();
    let _ = put(&house, 2, None);

    assert!(matches!(file(&house, 2), Filed::InForce(_)));
    assert_eq!(in_force(&house), (2, 2));
    assert!(matches!(file(&house, 5), Filed::InForce(_)));

    assert_eq!(in_force(&house), (3, 5));
}

#[test]
fn given_the_policy_in_force_when_put_again_then_nobody_has_to_obey_anew() {
    let house = house();

    let _ = put(&house, 5, None);

    assert_eq!(in_force(&house), (1, 5));
}

/// S1: two hundred sign-ins at a limit of five while it is lowered to two and raised to three.
#[test]
fn s1_given_sign_ins_at_the_limit_when_policies_are_put_among_them_then_no_roster_breaks_its_own() {
    let house = house();
    let mut guests: Vec<_> = (0..200)
        .map(|_| Box::pin(house.authority.sign_in(crate::support::arrival("alice"))))
        .collect();
    let mut admitted = 0;
    for _ in 0..20_000 {
        match (admitted, in_force(&house).0) {
            (60.., 1) => drop(put(&house, 2, None)),
            (130.., 2) => drop(put(&house, 3, None)),
            _ => {}
        }
        guests.retain_mut(|guest| match poll_once(guest.as_mut()) {
            std::task::Poll::Ready(answer) => {
                let _ = answer.expect("the store is sound");
                admitted += 1;
                false
            }
            std::task::Poll::Pending => true,
        });
        if guests.is_empty() {
            break;
        }
    }

    assert_eq!(admitted, 200);
    let (limits, now) = ([0, 5, 2, 3], house.now());
    for roster in house.stage.every_roster() {
        let version = usize::try_from(roster.policy.0).expect("it is small");
        assert!(roster.live(now).count() <= limits[version], "{version}");
    }
    assert_eq!(house.live("alice"), 3);
    house.assert_journal_is_whole();
}

/// What a trial says is what happens: the same function decides, session for session.
#[test]
fn given_a_trial_when_the_policy_is_put_then_exactly_what_it_said_happens() {
    let house = house();
    let names: Vec<String> = (0..300).map(|n| format!("guest {n}")).collect();
    for (place, name) in names.iter().enumerate() {
        for _ in 0..=place % 5 {
            let _ = house.sign_in(name);
        }
    }
    let before = house.snapshot();
    let stricter = policy(2, Overflow::EvictOldest);

    let trial = finish(house.authority.try_policy(&stricter)).expect("the store is sound");

    assert_eq!(house.snapshot(), before, "nothing was done");
    assert_eq!((trial.subjects, trial.sessions), (300, 900));
    assert_eq!((trial.subjects_hit, trial.ended), (180, 360));
    assert_eq!(trial.histogram, (1..=5).map(|live| (live, 60)).collect());
    assert!(trial.examples.iter().all(|e| (e.live, e.ended) == (5, 3)));
    let put = house.authority.put_policy(stricter, None);
    assert!(matches!(finish(put), Ok(PolicyPut::Done(_))));
    let ended: usize = names
        .iter()
        .map(|name| {
            let before = house.live(name);
            let _ = house.generation(name);
            before - house.live(name)
        })
        .sum();
    assert_eq!(ended, trial.ended);
}
