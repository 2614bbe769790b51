//! What the device of a sign-in changes about it, as a list of rules.

use super::*;
use crate::device::DeviceTrust;
use crate::policy::{Condition, Limit, Overflow, Per};
use crate::seats::Scope;
use crate::session::Binding;
use crate::testing::{
    at, client, device, device_id, device_token, ends, evicting_at, id, limit, live_ids, newborn,
    roster, roster_with, session, sign_in, trusted,
};

const DAY: u64 = 24 * 3600;

/// A sign-in that presents the token of device `number`.
fn from_device(number: u8) -> SignIn {
    SignIn {
        device: Some(device_token(number).digest()),
        ..sign_in()
    }
}

fn let_in(roster: &Roster, sign_in: &SignIn, number: u8, policy: &Policy) -> Admitted {
    match admit(roster, sign_in, newborn(number), policy, at(20)) {
        Admission::Admit(admitted) => admitted,
        Admission::Refuse(refusal) => panic!("refused: {refusal:?}"),
    }
}

fn refusal(roster: &Roster, sign_in: &SignIn, policy: &Policy, seconds: u64) -> Refusal {
    match admit(roster, sign_in, newborn(9), policy, at(seconds)) {
        Admission::Admit(admitted) => panic!("let in: {admitted:?}"),
        Admission::Refuse(refusal) => refusal,
    }
}

#[test]
fn given_no_token_of_a_device_when_the_subject_signs_in_then_a_new_device_is_on_file() {
    let mut roster = roster([]);
    let sign_in = SignIn {
        device_class: Some(DeviceClass::Mobile),
        ..sign_in()
    };

    let admitted = let_in(&roster, &sign_in, 1, &evicting_at(5));
    roster.apply(&admitted.changes, at(20));

    assert_eq!(admitted.recognition, Recognition::Unseen);
    assert!(admitted.tell_of_device);
    let known = roster.recognise(newborn(1).device_token).unwrap();
    assert_eq!((known.id, known.class), (device_id(1), DeviceClass::Mobile));
    assert!(!known.is_trusted());
    assert_eq!(admitted.session.device_id(), Some(device_id(1)));
    assert_eq!(admitted.session.device_class, DeviceClass::Mobile);
}

#[test]
fn given_the_token_of_a_known_device_when_the_subject_signs_in_then_it_is_recognised() {
    let mut roster = roster_with([device(1)], []);

    let admitted = let_in(&roster, &from_device(1), 2, &evicting_at(5));
    roster.apply(&admitted.changes, at(20));

    assert_eq!(admitted.recognition, Recognition::Known);
    assert!(!admitted.tell_of_device);
    assert_eq!(roster.devices.len(), 1);
    assert_eq!(roster.devices[0].last_seen, at(20));
    assert_eq!(admitted.session.device_id(), Some(device_id(1)));
}

#[test]
fn given_a_token_that_no_device_here_holds_when_the_subject_signs_in_then_the_device_is_new() {
    let roster = roster_with([device(1)], []);

    let admitted = let_in(&roster, &from_device(7), 2, &evicting_at(5));

    assert_eq!(admitted.recognition, Recognition::Unseen);
    assert_eq!(admitted.device, device_id(2));
}

#[test]
fn given_a_51st_device_when_it_signs_in_then_one_goes_and_nobody_is_signed_out() {
    let mut roster = roster_with(
        (1..=50).map(device),
        [session(1).on(1).seen_at(0), session(2).on(2)],
    );
    roster.devices[0] = Arc::new(device(1));

    let admitted = let_in(&roster, &sign_in(), 99, &evicting_at(5));
    roster.apply(&admitted.changes, at(20));

    assert_eq!(roster.devices.len(), 50);
    assert!(roster.find_device(device_id(99)).is_some());
    assert!(ends(&admitted.changes).is_empty());
    assert_eq!(live_ids(&roster, 20), [id(1), id(2), id(99)]);
}

#[test]
fn given_a_session_on_the_same_device_when_the_same_client_signs_in_then_it_is_superseded() {
    let roster = roster_with(
        [device(1), device(2)],
        [
            session(1).on(1).client("web"),
            session(2).on(1).client("tv"),
            session(3).on(2).client("web"),
            session(4).on(1).client("web").class(SessionClass::Machine),
        ],
    );
    let sign_in = SignIn {
        client: Some(client("web")),
        ..from_device(1)
    };

    let admitted = let_in(&roster, &sign_in, 9, &evicting_at(3));

    assert_eq!(ends(&admitted.changes), [(id(1), EndReason::Superseded)]);
}

#[test]
fn given_a_policy_that_counts_when_the_same_client_signs_in_on_the_device_then_both_are_live() {
    let roster = roster_with([device(1)], [session(1).on(1)]);
    let mut policy = evicting_at(3);
    policy.terms.same_device = SameDevice::Count;

    let admitted = let_in(&roster, &from_device(1), 9, &policy);

    assert!(ends(&admitted.changes).is_empty());
}

#[test]
fn given_the_same_device_at_the_limit_when_it_signs_in_then_nobody_else_loses_a_seat() {
    let roster = roster_with(
        [device(1), device(2)],
        [session(1).on(2).seen_at(1), session(2).on(1).seen_at(9)],
    );
    let mut policy = evicting_at(2);
    policy.terms.at_limit = Overflow::Refuse;

    let admitted = let_in(&roster, &from_device(1), 9, &policy);

    assert_eq!(ends(&admitted.changes), [(id(2), EndReason::Superseded)]);
}

#[test]
fn given_a_policy_that_refuses_unseen_devices_when_one_signs_in_then_it_is_turned_away() {
    let roster = roster_with([device(1)], [session(1).on(1)]);
    let mut policy = evicting_at(5);
    policy.terms.unseen_device = UnseenDevice::Refuse;

    assert_eq!(
        refusal(&roster, &sign_in(), &policy, 20),
        Refusal::DeviceNotTrusted
    );
    assert_eq!(
        refusal(&roster, &from_device(7), &policy, 20),
        Refusal::DeviceNotTrusted
    );
    let known = let_in(&roster, &from_device(1), 2, &policy);
    assert_eq!(known.recognition, Recognition::Known);
}

#[test]
fn given_a_policy_that_allows_unseen_devices_when_one_signs_in_then_nobody_is_told() {
    let mut policy = evicting_at(5);
    policy.terms.unseen_device = UnseenDevice::Allow;

    assert!(!let_in(&roster([]), &sign_in(), 1, &policy).tell_of_device);
}

#[test]
fn given_a_device_binding_when_the_subject_signs_in_then_the_token_it_is_handed_binds() {
    let known = roster_with([device(1)], []);
    let mut policy = evicting_at(5);
    policy.terms.binding = BindTo::Device;

    let on_known = let_in(&known, &from_device(1), 2, &policy).session;
    let on_new = let_in(&known, &sign_in(), 3, &policy).session;

    assert!(on_known.binding.is_met_by(Some(device_token(1).digest())));
    assert!(!on_known.binding.is_met_by(None));
    assert!(!on_known.binding.is_met_by(Some(device_token(3).digest())));
    assert!(on_new.binding.is_met_by(Some(newborn(3).device_token)));
    let unbound = let_in(&known, &sign_in(), 4, &evicting_at(5)).session;
    assert_eq!(unbound.binding, Binding::None);
}

/// Last in wins would favour whoever stole a password: the thief signs in last.
#[test]
fn given_trusted_sessions_in_all_seats_when_an_unseen_device_signs_in_then_none_of_them_goes() {
    let roster = roster_with([trusted(1, 0)], [session(1).on(1)]);

    let refused = refusal(&roster, &sign_in(), &evicting_at(1), 20);

    assert!(matches!(refused, Refusal::SessionLimit(full) if full.endable == [id(1)]));
}

#[test]
fn given_an_untrusted_session_beside_a_trusted_one_when_somebody_arrives_then_it_goes_first() {
    let roster = roster_with(
        [trusted(1, 0), device(2)],
        [session(1).on(1).seen_at(1), session(2).on(2).seen_at(9)],
    );

    let admitted = let_in(&roster, &sign_in(), 3, &evicting_at(2));

    assert_eq!(admitted.evicted, [id(2)]);
}

#[test]
fn given_a_device_that_was_trusted_for_long_when_it_signs_in_then_it_evicts_as_the_policy_says() {
    let mut roster = roster_with([trusted(1, 0), trusted(2, 0)], [session(1).on(1)]);
    roster.sessions[0] = Arc::new(
        session(1)
            .on(1)
            .idle_after(9 * DAY)
            .deadline(9 * DAY)
            .build(),
    );

    let young = refusal(&roster, &from_device(2), &evicting_at(1), DAY - 1);
    let ripe = admit(
        &roster,
        &from_device(2),
        newborn(9),
        &evicting_at(1),
        at(DAY),
    );

    assert!(matches!(young, Refusal::SessionLimit(_)));
    assert!(matches!(ripe, Admission::Admit(admitted) if admitted.evicted == [id(1)]));
}

#[test]
fn given_no_protection_in_the_policy_when_an_unseen_device_signs_in_then_a_trusted_session_goes() {
    let roster = roster_with([trusted(1, 0)], [session(1).on(1)]);
    let mut policy = evicting_at(1);
    policy.terms.protect_trusted_for = std::time::Duration::ZERO;

    assert_eq!(let_in(&roster, &sign_in(), 2, &policy).evicted, [id(1)]);
}

#[test]
fn given_the_browsers_own_older_token_when_it_signs_in_then_protection_does_not_keep_that() {
    // CWE-384: no token ever survives a sign-in.
    let roster = roster_with([trusted(1, 0)], [session(1).on(1)]);
    let sign_in = SignIn {
        replaces: Some(newborn(1).family),
        ..sign_in()
    };

    let admitted = let_in(&roster, &sign_in, 2, &evicting_at(1));

    assert_eq!(ends(&admitted.changes), [(id(1), EndReason::Superseded)]);
}

#[test]
fn given_a_lower_limit_when_nobody_arrives_then_sessions_on_trusted_devices_go_last() {
    let roster = roster_with(
        [trusted(1, 0), device(2)],
        [session(1).on(1).seen_at(1), session(2).on(2).seen_at(9)],
    );

    assert_eq!(
        crate::seats::surplus(&roster, &evicting_at(1), at(20)),
        [id(2)]
    );
}

fn per_device_class(sessions: u64) -> Limit {
    Limit {
        per: Per::DeviceClass,
        when: Condition::default(),
        max_sessions: limit(sessions),
    }
}

#[test]
fn given_a_limit_per_class_of_device_when_that_class_is_full_then_one_of_it_goes() {
    let roster = roster_with(
        [],
        [
            session(1).of_class(DeviceClass::Desktop).seen_at(1),
            session(2).of_class(DeviceClass::Mobile).seen_at(2),
            session(3).of_class(DeviceClass::Mobile).seen_at(3),
        ],
    );
    let mut policy = evicting_at(5);
    policy.limits = vec![per_device_class(2)];
    let arriving = |class| SignIn {
        device_class: Some(class),
        ..sign_in()
    };

    let mobile = let_in(&roster, &arriving(DeviceClass::Mobile), 9, &policy);
    let desktop = let_in(&roster, &arriving(DeviceClass::Desktop), 9, &policy);
    policy.terms.at_limit = Overflow::Refuse;
    let refused = refusal(&roster, &arriving(DeviceClass::Mobile), &policy, 20);

    assert_eq!(mobile.evicted, [id(2)]);
    assert!(desktop.evicted.is_empty());
    let Refusal::SessionLimit(full) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(
        (full.limit.scope, full.endable),
        (Scope::DeviceClass, vec![id(2), id(3)])
    );
}

#[test]
fn given_a_known_device_that_says_nothing_when_it_signs_in_then_its_class_is_known() {
    let mut phone = device(1);
    phone.class = DeviceClass::Mobile;
    let roster = roster_with([phone], []);

    let silent = let_in(&roster, &from_device(1), 2, &evicting_at(5)).session;

    assert_eq!(silent.device_class, DeviceClass::Mobile);
}

#[test]
fn given_a_name_its_owner_gave_when_the_device_signs_in_then_the_next_sign_in_is_told_of_it() {
    let mut phone = device(1);
    phone.label = Some(DeviceLabel::parse("My phone").unwrap());
    phone.trust = Some(DeviceTrust {
        since: at(0),
        by: Initiator::User,
    });
    let mut roster = roster_with([phone], []);
    let mut sign_in = from_device(1);
    sign_in.origin.label = DeviceLabel::of_text("Safari on iPhone");

    let first = let_in(&roster, &sign_in, 2, &evicting_at(5));
    roster.apply(&first.changes, at(20));
    let second = let_in(&roster, &sign_in, 3, &evicting_at(5)).session;

    let told = second.previous_sign_in.as_ref().unwrap();
    assert_eq!(told.origin.label.as_ref().unwrap().as_str(), "My phone");
    assert_eq!(
        second.origin.label.as_ref().unwrap().as_str(),
        "Safari on iPhone"
    );
}

/// A helper who acted as somebody left a device behind that was known at the next sign-in, and the
/// fifty programs of a subject pushed out the browser that it relies on.
#[test]
fn given_a_program_or_a_helper_when_it_signs_in_then_the_devices_of_the_subject_are_as_before() {
    for class in [SessionClass::Machine, SessionClass::Impersonation] {
        let owned = (1..=50).map(device);
        let mut roster = roster_with(owned, []);
        let before = roster.devices.clone();
        for presented in [None, Some(device_token(1).digest())] {
            let sign_in = SignIn {
                class,
                device: presented,
                ..sign_in()
            };

            let admitted = let_in(&roster, &sign_in, 60, &evicting_at(5));
            roster.apply(&admitted.changes, at(20));

            assert_eq!(roster.devices, before, "{class:?}");
            assert!(!admitted.tell_of_device);
            roster.sessions.clear();
        }
        let later = from_device(60);
        let admitted = let_in(&roster, &later, 70, &evicting_at(5));
        assert_eq!(admitted.recognition, Recognition::Unseen);
    }
}

/// What is not on file can still bind: its token is handed out, and looked for at each check.
#[test]
fn given_a_policy_that_binds_when_a_program_signs_in_then_its_session_is_bound_to_its_token() {
    let mut policy = evicting_at(5);
    policy.terms.binding = BindTo::Device;
    let sign_in = SignIn {
        class: SessionClass::Machine,
        ..sign_in()
    };

    let admitted = let_in(&roster([]), &sign_in, 1, &policy);

    let Binding::DeviceCookie(bound) = &admitted.session.binding else {
        panic!("it is not bound");
    };
    assert_eq!(bound.token, newborn(1).device_token);
}

#[test]
fn given_a_program_on_a_device_of_the_subject_when_it_is_busy_then_the_device_is_not_heard_from() {
    let program = session(1).on(1).class(SessionClass::Machine).seen_at(90);
    let roster = roster_with([device(1)], [program]);

    let device = &roster.devices[0];
    assert_eq!(roster.device_seen(device), device.last_seen);
}
