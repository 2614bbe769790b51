//! The rules for sessions on trusted devices.

use innkeeper_simulation::history::{Answer, Call, Dev, Sid, Tok, Word};

use crate::story::{MINUTE, Story};

const ADMIN: Word = Word::Administrator;

/// Session 1 on device 1, which an administrator trusts; then session 2 on device 2. For ten
/// minutes the first is protected from the second.
fn trusted() -> Story {
    let mut story = Story::new()
        .admits(1, &[1])
        .does(Call::Trust(Dev(1), ADMIN))
        .admits(2, &[1, 2]);
    story.0.policies[0].protects_for = 10 * MINUTE;
    story.0.devices = [(Sid(1), Dev(1)), (Sid(2), Dev(2))].into();
    story
}

/// Session 3 on a device evicts session 1.
fn evicts(story: Story, device: u32) -> Vec<&'static str> {
    let mut story = story.admits(3, &[2, 3]);
    story.0.devices.insert(Sid(3), Dev(device));
    let last = story.0.operations.last_mut().unwrap();
    if let Answer::Admitted { evicted, .. } = &mut last.answer {
        evicted.push(Sid(1));
    }
    story.broken()
}

#[test]
fn s11_given_a_trusted_device_when_a_newcomer_evicts_from_it_then_it_is_found() {
    assert_eq!(evicts(trusted(), 3), ["S11"]);
    assert!(evicts(trusted(), 1).is_empty(), "on the same device");

    let mut unprotected = trusted();
    unprotected.0.policies[0].protects_for = 0;
    assert!(evicts(unprotected, 3).is_empty());
}

/// A thief would give it first.
#[test]
fn s11_given_the_subjects_own_word_when_it_is_too_young_to_be_believed_then_it_is_found() {
    let own = Word::Holder(Tok(20));
    let trusts = |word, later| evicts(trusted().does(Call::Trust(Dev(2), word)).later(later), 2);

    assert_eq!(trusts(own, 8 * MINUTE), ["S11"]);
    assert!(trusts(own, 10 * MINUTE).is_empty());
    assert!(trusts(ADMIN, 0).is_empty());
}

#[test]
fn s11_given_a_young_session_when_it_ends_a_trusted_one_then_it_is_found() {
    let ends = |later| {
        let story = trusted().later(later);
        story.does(Call::RevokeBy(Tok(20), Sid(1))).broken()
    };

    assert_eq!(ends(0), ["S11"]);
    assert!(ends(10 * MINUTE).is_empty());
}

#[test]
fn v4_given_a_session_when_it_is_kept_from_an_end_for_nothing_then_it_is_found() {
    let kept = |story: Story| {
        let call = Call::RevokeBy(Tok(20), Sid(1));
        story.then(call, Answer::Protected).broken()
    };
    let mut nobody_trusts = trusted();
    nobody_trusts.0.devices.insert(Sid(1), Dev(4));

    assert!(kept(trusted()).is_empty());
    assert_eq!(kept(nobody_trusts), ["V4"]);
    assert_eq!(kept(trusted().later(11 * MINUTE)), ["V4"], "it has grown");
}

#[test]
fn s4_given_a_session_that_has_ended_when_it_gives_orders_then_it_is_found() {
    let orders = |order| trusted().does(Call::Revoke(Sid(2))).does(order).broken();

    assert_eq!(orders(Call::RevokeBy(Tok(20), Sid(1))), ["S4"]);
    let trust = Call::Trust(Dev(2), Word::Holder(Tok(20)));
    assert_eq!(orders(trust), ["S4"]);
}
