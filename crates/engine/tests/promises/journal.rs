//! The journal: one entry a commit, chained, and the personal part apart (S16).

use innkeeper_domain::amendment::SubjectPatch;
use innkeeper_domain::policy::{Overflow, SessionLimit};
use innkeeper_store::journal::SessionEvent;

use crate::support::{
    MINUTE, SECOND, admitted, arrival, copy, house_with, policy, proved, rotated, subject,
};

fn names(events: &[SessionEvent]) -> Vec<&'static str> {
    let name = |event: &SessionEvent| match event {
        SessionEvent::Opened { .. } => "opened",
        SessionEvent::Rotated { .. } => "rotated",
        SessionEvent::Reauthenticated { .. } => "reauthenticated",
        SessionEvent::Ended { .. } => "ended",
        SessionEvent::Shortened { .. } => "shortened",
        SessionEvent::GenerationRaised { .. } => "generation",
        SessionEvent::Disabled => "disabled",
        SessionEvent::Enabled => "enabled",
        SessionEvent::GroupsChanged => "groups",
        SessionEvent::LimitChanged => "limit",
        SessionEvent::ContactChanged => "contact",
        SessionEvent::PolicyObeyed { .. } => "policy",
        SessionEvent::Erased => "erased",
        SessionEvent::Mismatched { .. } => "mismatched",
        SessionEvent::DeviceNew { .. } => "device new",
        SessionEvent::DeviceTrusted { .. } => "device trusted",
        SessionEvent::DeviceDistrusted { .. } => "device distrusted",
        SessionEvent::DeviceRenamed { .. } => "device renamed",
        SessionEvent::DeviceRemoved { .. } => "device removed",
    };
    events.iter().map(name).collect()
}

/// S16: a life, from the first sign-in to the last end. Each commit has its one entry, and what
/// is no commit has none.
#[test]
fn s16_given_a_life_when_the_journal_is_read_then_each_commit_is_in_it_once() {
    let house = house_with(policy(2, Overflow::EvictOldest));
    let first = house.sign_in("alice");
    assert!(house.passes(&first.token), "a touch has no entry");
    let _ = house.sign_in("alice");
    let mut request = arrival("alice");
    request.replaces = Some(copy(&first.token));
    let third = admitted(house.answer(request));
    let renewed = house.renew(&third.token);
    let _ = house.renew(&third.token);
    let proof = proved(2);
    let raised = rotated(house.rotate(&renewed.token, proof));
    let _ = house.change_credential("alice", Some(&raised.token));
    let limit = SubjectPatch {
        own_limit: Some(SessionLimit::new(1)),
        ..SubjectPatch::default()
    };
    house.amend("alice", &limit);
    let _ = house.disable("alice");
    house.enable("alice");
    let last = house.sign_in("alice");
    let _ = house.revoke(last.session.id);
    let _ = house.revoke(last.session.id);
    let _ = house.revoke_all("alice", None);

    let told: Vec<_> = house.journal().iter().map(|e| names(&e.events)).collect();

    assert_eq!(
        told,
        [
            vec!["policy", "device new", "opened"],
            vec!["device new", "opened"],
            vec!["ended", "device new", "opened"],
            vec!["rotated"],
            vec!["rotated", "reauthenticated"],
            vec!["generation", "ended", "rotated"],
            vec!["limit"],
            vec!["generation", "ended", "disabled"],
            vec!["enabled"],
            vec!["device new", "opened"],
            vec!["ended"],
            vec!["generation"],
        ]
    );
    house.assert_journal_is_whole();
}

/// D7: the personal part can go, and the chain holds without it.
#[test]
fn s16_given_an_entry_when_its_personal_part_is_erased_then_its_hash_is_the_same() {
    let house = house_with(policy(2, Overflow::EvictOldest));
    let _ = house.sign_in("alice");
    let entry = house.journal().pop().expect("there is one");
    let personal = entry.personal.as_ref().expect("it is there");
    assert_eq!(personal.subject, subject("alice"));
    assert_eq!(
        personal.origin.as_ref().and_then(|o| o.ip),
        Some([203, 0, 113, 7].into())
    );

    let mut erased = entry.clone();
    erased.personal = None;

    assert_eq!(erased.hash(), entry.hash());
    let public = format!("{erased:?}");
    for piece in ["alice", "203.0.113.7", "Lynx"] {
        assert!(!public.contains(piece), "{piece} is personal");
    }
}

/// D7: two subjects with the same data have different digests, for each has its salt.
#[test]
fn s16_given_two_equal_sign_ins_when_written_down_then_their_personal_digests_differ() {
    let house = house_with(policy(2, Overflow::EvictOldest));
    let _ = house.sign_in("alice");
    let _ = house.sign_in("alice");

    let journal = house.journal();

    assert_ne!(journal[0].personal_digest, journal[1].personal_digest);
}

/// S16: entries that another commit wrote first are decided again, so the numbers stay whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn s16_given_many_changes_at_once_on_two_nodes_when_done_then_the_chain_is_whole() {
    let house = house_with(policy(3, Overflow::EvictLeastRecent));
    let other = house.reopened(policy(3, Overflow::EvictLeastRecent));
    let calls: Vec<_> = (0..60)
        .map(|n| {
            let node = if n % 2 == 0 { &house } else { &other };
            let authority = std::sync::Arc::clone(&node.authority);
            tokio::spawn(async move { authority.sign_in(arrival("alice")).await })
        })
        .collect();
    let mut done = 0;
    for call in calls {
        done += usize::from(call.await.expect("nothing panics").is_ok());
    }

    assert_eq!(done, 60);
    assert_eq!(house.journal().len(), 60);
    assert_eq!(house.live("alice"), 3, "on both nodes together (S1)");
    house.assert_journal_is_whole();
}

/// S13, S16: an entry is dated by the store's time, which does not fall.
#[test]
fn s13_given_a_clock_that_falls_when_entries_are_written_then_their_times_do_not() {
    let house = house_with(policy(2, Overflow::EvictOldest));
    let _ = house.sign_in("alice");
    house.clock.step_wall(std::time::Duration::from_secs(1));
    house.clock.pass(SECOND);
    let _ = house.sign_in("alice");
    house.clock.pass(MINUTE);
    let _ = house.sign_in("alice");

    let times: Vec<_> = house.journal().iter().map(|e| e.at).collect();

    assert!(times.is_sorted(), "{times:?}");
}
