//! Sessions that give orders about others: only as long as they live themselves (S2, S4, S7).

use innkeeper_domain::device::DeviceLabel;
use innkeeper_domain::session::{EndReason, Initiator};
use innkeeper_engine::check::Checked;
use innkeeper_engine::devices::{DeviceAnswer, DeviceChange, DeviceScope};
use innkeeper_engine::revoke::{Revoked, RevokedAll, Scope};
use innkeeper_engine::sign_in::SignedIn;

use crate::support::{House, finish, house, proved, rotated};

/// Ways in which the word of a session comes to count no more, after it was checked.
const WAYS: [fn(&House, &SignedIn); 2] = [
    |house, asker| assert_eq!(house.revoke(asker.session.id), Revoked::Ended),
    |house, asker| {
        let occasion = proved(3);
        let _ = rotated(house.rotate(&asker.token, occasion));
    },
];

fn ends(house: &House, asker: &Checked, other: &SignedIn) -> Revoked {
    let (reason, by) = (EndReason::RevokedByUser, Initiator::User);
    let scope = Scope::Holder(asker);
    let order = house.authority.revoke(scope, other.session.id, reason, by);
    finish(order).expect("the store is sound")
}

#[test]
fn s4_given_an_asker_that_ended_since_its_check_when_it_ends_others_then_nobody_ends() {
    for happens in WAYS {
        let house = house();
        let (asker, other) = (house.sign_in("alice"), house.sign_in("alice"));
        let checked = house.checked(&asker.token);
        happens(&house, &asker);
        let before = house.snapshot();

        let one = ends(&house, &checked, &other);
        let all = finish(house.authority.revoke_others(&checked)).expect("the store is sound");

        assert_eq!(one, Revoked::AskerGone);
        assert_eq!(all, RevokedAll::KeptIsAbsent);
        assert_eq!(house.snapshot(), before);
    }
}

#[test]
fn s4_given_an_asker_that_ended_since_its_check_when_it_orders_a_device_then_nothing_changes() {
    let changes = [
        DeviceChange::Trust,
        DeviceChange::Distrust,
        DeviceChange::Rename(DeviceLabel::of_text("Mine").expect("it is a name")),
        DeviceChange::End,
    ];
    for (happens, change) in WAYS
        .iter()
        .flat_map(|w| changes.iter().map(move |c| (w, c)))
    {
        let house = house();
        let asker = house.sign_in("alice");
        let checked = house.checked(&asker.token);
        happens(&house, &asker);
        let before = house.snapshot();

        let scope = DeviceScope::Holder(&checked);
        let order = house.authority.order_device(scope, asker.device.id, change);
        let answer = finish(order).expect("the store is sound");

        assert!(matches!(answer, DeviceAnswer::AskerGone), "{answer:?}");
        assert_eq!(house.snapshot(), before, "{change:?}");
    }
}

/// A token that was replaced is good for its grace, and a session that is over may end itself.
#[test]
fn given_an_asker_in_its_grace_or_about_itself_when_it_orders_then_it_is_done() {
    let house = house();
    let (asker, other) = (house.sign_in("alice"), house.sign_in("alice"));
    let checked = house.checked(&asker.token);
    let _ = house.renew(&asker.token);

    assert_eq!(ends(&house, &checked, &other), Revoked::Ended);
    assert_eq!(ends(&house, &checked, &asker), Revoked::Ended);
    assert_eq!(ends(&house, &checked, &asker), Revoked::Ended);
    assert_eq!(house.live("alice"), 0);
}

fn asker_of(house: &House, ended: &SignedIn) -> Option<u64> {
    let roster = house.roster("alice").expect("she signed in");
    let of_it = roster
        .ended
        .iter()
        .find(|e| e.session.id == ended.session.id);
    of_it.expect("it has ended").ending.asker
}

/// Whoever was put out wants to know by which device.
#[test]
fn given_a_session_that_ends_others_when_they_are_told_then_each_says_by_which() {
    let orders: [fn(&House, &Checked, &SignedIn); 3] = [
        |house, asker, other| assert_eq!(ends(house, asker, other), Revoked::Ended),
        |house, asker, _| {
            let all = finish(house.authority.revoke_others(asker)).expect("the store is sound");
            assert_eq!(all, RevokedAll::Ended(1));
        },
        |house, asker, other| {
            let scope = DeviceScope::Holder(asker);
            let end = DeviceChange::End;
            let order = house.authority.order_device(scope, other.device.id, &end);
            let answer = finish(order).expect("the store is sound");
            assert!(matches!(answer, DeviceAnswer::Done(_)), "{answer:?}");
        },
    ];
    for order in orders {
        let house = house();
        let (asker, other) = (house.sign_in("alice"), house.sign_in("alice"));
        let checked = house.checked(&asker.token);

        order(&house, &checked, &other);

        assert_eq!(asker_of(&house, &other), Some(asker.session.birth));
    }
}

#[test]
fn given_an_end_that_no_other_session_asked_for_when_told_then_it_names_none() {
    let house = house();
    let (mine, other) = (house.sign_in("alice"), house.sign_in("alice"));
    let checked = house.checked(&mine.token);

    assert_eq!(ends(&house, &checked, &mine), Revoked::Ended);
    assert_eq!(house.revoke(other.session.id), Revoked::Ended);

    assert_eq!(asker_of(&house, &mine), None);
    assert_eq!(asker_of(&house, &other), None);
}
