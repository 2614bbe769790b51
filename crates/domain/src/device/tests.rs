use super::*;
use crate::session::{Session, SessionId};
use crate::testing::{at, device, device_id, ends, id, live_ids, roster_with, session, trusted};

fn changes(order: DeviceOrder) -> Vec<Change> {
    match order {
        DeviceOrder::Do(changes) => changes,
        other => panic!("{other:?}"),
    }
}

fn by(initiator: Initiator, seconds: u64) -> DeviceTrust {
    DeviceTrust {
        since: at(seconds),
        by: initiator,
    }
}

#[test]
fn given_a_device_with_sessions_when_it_is_removed_then_they_end_with_it_and_no_others() {
    let mut roster = roster_with(
        [device(1), device(2)],
        [session(1).on(1), session(2).on(2), session(3).on(1)],
    );

    let changes = changes(remove(&roster, device_id(1), Initiator::User, at(5)));
    roster.apply(&changes, at(5));

    let reason = EndReason::RevokedByUser;
    assert_eq!(ends(&changes), [(id(1), reason), (id(3), reason)]);
    assert_eq!(live_ids(&roster, 5), [id(2)]);
    assert!(roster.recognise(device(1).token).is_none());
    assert!(roster.recognise(device(2).token).is_some());
}

#[test]
fn given_a_device_of_nobody_when_anything_is_ordered_then_it_is_absent() {
    let roster = roster_with([device(1)], []);
    let label = DeviceLabel::of_text("x").unwrap();
    let (foreign, user) = (device_id(9), Initiator::User);

    for order in [
        remove(&roster, foreign, user, at(5)),
        trust(&roster, foreign, Some(by(user, 5)), at(5)),
        rename(&roster, foreign, &label, at(5)),
    ] {
        assert!(matches!(order, DeviceOrder::Absent), "{order:?}");
    }
}

#[test]
fn given_trust_when_given_again_then_only_an_administrators_word_replaces_a_subjects() {
    let mut roster = roster_with([device(1)], []);
    let (user, admin) = (Initiator::User, Initiator::Admin);

    roster.apply(
        &changes(trust(&roster, device_id(1), Some(by(user, 5)), at(5))),
        at(5),
    );
    let again = trust(&roster, device_id(1), Some(by(user, 6)), at(6));
    roster.apply(
        &changes(trust(&roster, device_id(1), Some(by(admin, 7)), at(7))),
        at(7),
    );
    let lower = trust(&roster, device_id(1), Some(by(user, 8)), at(8));

    assert!(
        matches!(again, DeviceOrder::Done),
        "or its time would start anew"
    );
    assert!(matches!(lower, DeviceOrder::Done));
    assert_eq!(roster.devices[0].trust, Some(by(admin, 7)));
}

#[test]
fn given_a_new_name_when_a_device_is_renamed_then_it_is_called_that() {
    let mut roster = roster_with([device(1)], []);
    let label = DeviceLabel::parse("  Küche ").unwrap();

    roster.apply(
        &changes(rename(&roster, device_id(1), &label, at(5))),
        at(5),
    );

    assert_eq!(roster.devices[0].label.as_ref().unwrap().as_str(), "Küche");
    let again = rename(&roster, device_id(1), &label, at(6));
    assert!(matches!(again, DeviceOrder::Done));
}

#[test]
fn given_names_that_do_not_fit_when_an_owner_gives_them_then_they_are_refused() {
    for text in [
        "",
        "  ",
        "a\nb",
        "a\u{202e}b",
        "a\u{200b}",
        &"x".repeat(65),
        &"é".repeat(300),
    ] {
        assert_eq!(DeviceLabel::parse(text), Err(BadLabel), "{text:?}");
    }
    assert!(DeviceLabel::parse(&"é".repeat(64)).is_ok());
}

#[test]
fn given_what_a_browser_said_when_it_is_kept_then_it_can_be_read_back() {
    for text in [
        "a\u{202e}b",
        " x ",
        &"\u{1F600}".repeat(99),
        "\u{200b}",
        "a \u{7}",
    ] {
        let label = DeviceLabel::of_text(text).unwrap();
        assert_eq!(DeviceLabel::parse(label.as_str()), Ok(label), "{text:?}");
    }
    assert_eq!(DeviceLabel::of_text(" \u{3000} "), None);
}

/// A roster that is full of devices, number `n` seen at second `n`.
fn full_roster(trusted_ones: &[u8]) -> Roster {
    let devices = (1..=50).map(|number| Device {
        last_seen: at(number.into()),
        trust: trusted_ones
            .contains(&number)
            .then(|| by(Initiator::User, 0)),
        ..device(number)
    });
    roster_with(devices, [])
}

#[test]
fn given_a_name_when_it_is_shown_then_it_is_as_it_was_given() {
    let label = DeviceLabel::parse("Anna's phone").expect("it is a name");

    assert_eq!(label.to_string(), "Anna's phone");
}

#[test]
fn given_a_roster_with_room_when_one_more_device_comes_then_none_goes() {
    let mut roster = full_roster(&[]);
    roster.devices.pop();

    assert_eq!(find_forgettable(&roster), None);
}

#[test]
fn given_a_full_roster_when_one_more_device_comes_then_the_untrusted_seen_longest_ago_goes() {
    assert_eq!(find_forgettable(&full_roster(&[])), Some(device_id(1)));
    assert_eq!(find_forgettable(&full_roster(&[1, 2])), Some(device_id(3)));
    let all: Vec<u8> = (1..=50).collect();
    assert_eq!(find_forgettable(&full_roster(&all)), Some(device_id(1)));
}

#[test]
fn given_only_trusted_devices_when_one_must_go_then_it_is_the_one_the_subject_trusted_last() {
    let trusting = |by_whom: fn(u8) -> Initiator| {
        let devices = (1..=50).map(|number| Device {
            last_seen: at(number.into()),
            trust: Some(by(by_whom(number), number.into())),
            ..device(number)
        });
        find_forgettable(&roster_with(devices, []))
    };

    assert_eq!(trusting(|_| Initiator::User), Some(device_id(50)));
    assert_eq!(trusting(|_| Initiator::Admin), Some(device_id(50)));
    let own = |number| match number {
        7 | 9 => Initiator::User,
        _ => Initiator::Admin,
    };
    assert_eq!(trusting(own), Some(device_id(9)));
}

#[test]
fn given_a_session_that_is_in_use_when_a_device_must_go_then_its_device_was_seen_with_it() {
    let mut roster = full_roster(&[]);
    roster.sessions = vec![Arc::new(session(1).on(1).seen_at(99).build())];

    assert_eq!(find_forgettable(&roster), Some(device_id(2)));
    assert_eq!(roster.device_seen(&device(1)), at(99));
}

#[test]
fn given_a_session_that_ends_when_its_device_is_asked_then_it_still_was_seen_with_it() {
    let mut roster = roster_with([device(1)], [session(1).on(1).seen_at(7)]);
    let end = Change::end(id(1), at(9), EndReason::Logout, Initiator::User);

    roster.apply(&[end], at(9));

    assert_eq!(roster.device_seen(&roster.devices[0]), at(7));
}

#[test]
fn given_a_full_roster_when_a_device_is_born_without_room_then_the_roster_stays_bounded() {
    let mut roster = full_roster(&[]);
    let newcomer = Device {
        id: device_id(99),
        ..trusted(99, 0)
    };

    roster.apply(&[Change::DeviceBirth(Arc::new(newcomer))], at(5));

    assert_eq!(roster.devices.len(), Device::MAX);
    assert!(roster.find_device(device_id(99)).is_none());
}

#[test]
fn given_a_session_when_its_memory_is_measured_then_devices_have_not_made_it_large() {
    // The goal is 300 bytes a live session at five a subject, texts and devices included
    // (DESIGN section 3): what is inline is most of it.
    let (session, id) = (size_of::<Session>(), size_of::<SessionId>());
    assert!(session <= 432, "{session} bytes, of which its name {id}");
}
