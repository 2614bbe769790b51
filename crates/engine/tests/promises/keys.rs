//! API keys: who may call, from the answer that made the key to the one that revoked it.

use std::task::Poll;

use innkeeper_domain::name::TenantId;
use innkeeper_domain::token::ApiKey;
use innkeeper_engine::EngineError;
use innkeeper_engine::keys::{Enrolled, Issuer, KEYS_OF_ONE_TENANT, KeyRevoked, KeyScope};
use innkeeper_store::Register;

use crate::stage::Fault;
use crate::support::{House, finish, house, policy, poll_once};

fn make(house: &House, name: &str, scopes: Vec<KeyScope>, tenant: Option<TenantId>) -> ApiKey {
    let key = house.authority.prepare_key().expect("there is entropy");
    let now = house.now();
    let authority = &house.authority;
    let enrolled = authority.enrol_key(Issuer::Operator, &key, name, scopes, tenant, now);
    match finish(enrolled).expect("the store is sound") {
        Enrolled::Done(info) => assert_eq!(info.id, key.id()),
        other => panic!("an operator's word is not a key's: {other:?}"),
    }
    key
}

/// A key that opens everything.
fn root(house: &House, name: &str) -> ApiKey {
    make(house, name, vec![KeyScope::Admin], None)
}

fn revoke(house: &House, issuer: Issuer<'_>, id: &str) -> KeyRevoked {
    finish(house.authority.revoke_key(issuer, id)).expect("the store is sound")
}

fn opens(house: &House, key: &ApiKey) -> bool {
    house.authority.authenticate_key(&key.reveal()).is_some()
}

#[test]
fn s6_given_a_key_when_made_listed_and_revoked_then_it_opens_from_the_one_to_the_other() {
    let house = house();
    let drawn = house.authority.prepare_key().expect("there is entropy");
    assert!(!opens(&house, &drawn), "it is not enrolled");

    let key = make(&house, "web", vec![KeyScope::Check], None);
    assert!(opens(&house, &key));
    let listed = house.authority.keys();
    assert_eq!(listed.len(), 1);
    assert!(listed[0].opens(&[KeyScope::Check, KeyScope::Admit]));
    assert!(!listed[0].opens(&[KeyScope::Admit, KeyScope::Manage]));

    let first = revoke(&house, Issuer::Operator, &key.id());
    assert_eq!(first, KeyRevoked::Done);
    assert!(!opens(&house, &key));
    let again = revoke(&house, Issuer::Operator, &key.id());
    assert_eq!(again, KeyRevoked::Absent);
    let restarted = house.reopened(policy(5, innkeeper_domain::policy::Overflow::Refuse));
    assert!(!opens(&restarted, &key), "the register says so too");
}

#[test]
fn s6_given_a_key_when_any_letter_of_it_differs_then_it_opens_nothing() {
    let house = house();
    let key = make(&house, "web", vec![KeyScope::Admin], None);
    let text = key.reveal();
    for place in 0..text.len() {
        let mut damaged = text.clone().into_bytes();
        damaged[place] = if damaged[place] == b'A' { b'B' } else { b'A' };
        let damaged = String::from_utf8(damaged).expect("it is ASCII");
        assert!(
            house.authority.authenticate_key(&damaged).is_none(),
            "{place}"
        );
    }
    assert!(house.authority.authenticate_key(&key.id()).is_none());
}

/// S6: the name of a key is public. With another secret, under a good checksum, it opens nothing.
#[test]
fn s6_given_the_name_of_a_key_when_it_comes_with_another_secret_then_it_opens_nothing() {
    let house = house();
    let key = ApiKey::from_entropy([1; 12], [2; 32]);
    let (now, scopes) = (house.now(), vec![KeyScope::Admin]);
    let enrolled = house
        .authority
        .enrol_key(Issuer::Operator, &key, "web", scopes, None, now);
    let _ = finish(enrolled).expect("the store is sound");
    assert!(opens(&house, &key));

    let forged = ApiKey::from_entropy([1; 12], [3; 32]);

    assert_eq!(forged.id(), key.id());
    assert!(!opens(&house, &forged));
}

/// S6: the tag key, which names in tokens and ids are hidden by, is in no Debug of the authority.
#[test]
fn s6_given_an_authority_when_printed_then_the_tag_key_does_not_show() {
    let house = house();
    let held = finish(house.stage.get("tag-key")).expect("the store is sound");
    let tag_key = format!("{:?}", held.expect("it was made").value);
    assert!(tag_key.len() > 32 * 2);

    assert!(!format!("{:?}", house.authority).contains(&tag_key));
}

#[test]
fn s14_given_a_key_of_one_tenant_when_it_names_another_then_it_may_not() {
    let house = house();
    let acme = TenantId::parse("acme").expect("it is a name");
    let own = make(&house, "web", vec![KeyScope::Admin], Some(acme.clone()));
    let all = make(&house, "root", vec![KeyScope::Admin], None);

    let info = |key: &ApiKey| {
        house
            .authority
            .authenticate_key(&key.reveal())
            .expect("good")
    };

    assert!(info(&own).may_name(&acme));
    assert!(!info(&own).may_name(&TenantId::default()));
    assert!(info(&all).may_name(&acme) && info(&all).may_name(&TenantId::default()));
}

/// A story of two administrators. One makes a key; her node reads the list of all keys and is
/// slow to take it up. Meanwhile the other revokes a key and is told that it is done. Then the
/// slow list was taken up, and the revoked key opened everything again.
#[test]
fn s2_given_two_administrators_at_once_when_one_has_revoked_a_key_then_it_stays_revoked() {
    for polls in 0.. {
        let house = house();
        let admin = root(&house, "root").id();
        let revoked = root(&house, "stolen");
        let made = house.authority.prepare_key().expect("there is entropy");
        let (id, now) = (revoked.id(), house.now());
        let scopes = vec![KeyScope::Check];
        let authority = &house.authority;
        let slow = authority.enrol_key(Issuer::Key(&admin), &made, "new", scopes, None, now);
        let mut slow = Box::pin(slow);
        if (0..polls).any(|_| poll_once(slow.as_mut()).is_ready()) {
            assert!(polls >= 4, "there were points at which to be slow");
            break;
        }

        let mut order = Box::pin(authority.revoke_key(Issuer::Operator, &id));
        let mut is_slow_done = false;
        while !(0..50).any(|_| poll_once(order.as_mut()).is_ready()) {
            assert!(!is_slow_done, "nobody holds it up for ever");
            is_slow_done = poll_once(slow.as_mut()).is_ready();
        }
        assert!(!opens(&house, &revoked), "after {polls} polls");
        if !is_slow_done {
            let _ = finish(slow).expect("it is sound");
        }

        assert!(!opens(&house, &revoked), "after {polls} polls");
        assert!(opens(&house, &made));
    }
}

/// S17: the answer that revokes a key is lost. It is not a yes; the repeat finds that it is gone.
#[test]
fn s17_given_a_register_that_fails_when_a_key_is_revoked_then_the_repeat_settles_it() {
    for fault in [Fault::Unavailable, Fault::LostBefore, Fault::LostAfter] {
        for calls in 0.. {
            let house = house();
            let key = make(&house, "web", vec![KeyScope::Manage], None);
            house.stage.fail_after(calls, fault);

            let answer = finish(house.authority.revoke_key(Issuer::Operator, &key.id()));
            if !house.stage.heal() {
                assert!(calls >= 2, "a list and a replacement could fail");
                break;
            }
            assert!(answer.is_err(), "{fault:?} after {calls}");

            let _ = revoke(&house, Issuer::Operator, &key.id());
            assert!(!opens(&house, &key), "{fault:?} after {calls}");
        }
    }
}

/// A story of a thief. She held the call that makes a key open until the stolen one was revoked,
/// then let it go on, and had its successor.
#[test]
fn s6_given_a_key_that_makes_another_when_it_is_revoked_then_nothing_is_made_afterwards() {
    for polls in 0.. {
        let house = house();
        let _ = root(&house, "root");
        let stolen = root(&house, "stolen");
        let successor = house.authority.prepare_key().expect("there is entropy");
        let (id, now) = (stolen.id(), house.now());
        let (issuer, scopes) = (Issuer::Key(&id), vec![KeyScope::Admin]);
        let authority = &house.authority;
        let held = authority.enrol_key(issuer, &successor, "backdoor", scopes, None, now);
        let mut held = Box::pin(held);
        if (0..polls).any(|_| poll_once(held.as_mut()).is_ready()) {
            assert!(polls >= 4, "there were points at which to be slow");
            break;
        }

        let mut order = Box::pin(authority.revoke_key(Issuer::Operator, &id));
        let mut made = None;
        while !(0..50).any(|_| poll_once(order.as_mut()).is_ready()) {
            assert!(made.is_none(), "nobody holds it up for ever");
            made = match poll_once(held.as_mut()) {
                Poll::Ready(answer) => Some(answer.expect("it is sound")),
                Poll::Pending => None,
            };
        }

        assert!(!opens(&house, &stolen), "after {polls} polls");
        if made.is_none() {
            let late = finish(held).expect("it is sound");
            assert!(matches!(late, Enrolled::IssuerGone), "after {polls} polls");
            assert!(!opens(&house, &successor), "after {polls} polls");
        }
    }
}

/// Two administrators revoke each other at once: one of them is first, and the other's word no
/// longer counts. With both gone, nobody could have made a key again.
#[test]
fn s6_given_two_administrators_when_they_revoke_each_other_at_once_then_one_is_left() {
    for polls in 0.. {
        let house = house();
        let (one, other) = (root(&house, "one"), root(&house, "other"));
        let acme = TenantId::parse("acme").expect("it is a name");
        let _ = make(&house, "acme", vec![KeyScope::Admin], Some(acme));
        let (one_id, other_id) = (one.id(), other.id());
        let authority = &house.authority;
        let mut first = Box::pin(authority.revoke_key(Issuer::Key(&one_id), &other_id));
        if (0..polls).any(|_| poll_once(first.as_mut()).is_ready()) {
            assert!(polls >= 4, "there were points at which to be slow");
            break;
        }
        let mut second = Box::pin(authority.revoke_key(Issuer::Key(&other_id), &one_id));
        let (mut of_first, mut of_second) = (None, None);
        while of_first.is_none() || of_second.is_none() {
            if of_second.is_none()
                && let Poll::Ready(answer) = poll_once(second.as_mut())
            {
                of_second = Some(answer.expect("it is sound"));
            }
            if of_first.is_none()
                && let Poll::Ready(answer) = poll_once(first.as_mut())
            {
                of_first = Some(answer.expect("it is sound"));
            }
        }

        let left = [&one, &other].map(|key| opens(&house, key));
        assert_eq!(left.iter().filter(|l| **l).count(), 1, "after {polls}");
        let answers = [of_first, of_second];
        assert!(answers.contains(&Some(KeyRevoked::Done)), "{answers:?}");
        assert!(
            answers.contains(&Some(KeyRevoked::IssuerGone)),
            "{answers:?}"
        );
    }
}

/// A key of one tenant is no administrator of all, nor is one that merely looks after subjects.
#[test]
fn s6_given_one_key_that_opens_everything_when_it_is_revoked_then_it_stays() {
    let house = house();
    let last = root(&house, "root");
    let acme = TenantId::parse("acme").expect("it is a name");
    let narrow = make(&house, "acme", vec![KeyScope::Admin], Some(acme));
    let low = make(&house, "low", vec![KeyScope::Manage], None);

    for issuer in [Issuer::Operator, Issuer::Key(&narrow.id())] {
        let answer = revoke(&house, issuer, &last.id());
        assert_eq!(answer, KeyRevoked::LastAdmin);
    }
    let answer = revoke(&house, Issuer::Key(&low.id()), &narrow.id());
    assert_eq!(answer, KeyRevoked::IssuerGone, "it never was one");

    assert!(opens(&house, &last) && opens(&house, &narrow));
    let other = root(&house, "other");
    let answer = revoke(&house, Issuer::Key(&other.id()), &last.id());
    assert_eq!(answer, KeyRevoked::Done);
    let answer = revoke(&house, Issuer::Operator, &narrow.id());
    assert_eq!(answer, KeyRevoked::Done);
}

/// S6: the answer that revoked a key was lost. On its word nothing is done all the same.
#[test]
fn s6_given_a_key_whose_revocation_nobody_heard_of_when_it_orders_then_its_word_does_not_count() {
    let house = house();
    let (one, other) = (root(&house, "one"), root(&house, "other"));
    house.stage.fail_after(1, Fault::LostAfter);
    let lost = finish(house.authority.revoke_key(Issuer::Operator, &other.id()));
    assert!(house.stage.heal() && lost.is_err());

    let answer = revoke(&house, Issuer::Key(&other.id()), &one.id());

    assert_eq!(answer, KeyRevoked::IssuerGone);
    assert!(opens(&house, &one) && !opens(&house, &other));
}

/// S6: whoever is told that a key was made must hold one that opens something.
#[test]
fn s6_given_a_name_that_a_key_has_when_another_is_enrolled_under_it_then_it_is_no_yes() {
    let house = house();
    let [first, second] = [[2; 32], [3; 32]].map(|secret| ApiKey::from_entropy([1; 12], secret));
    let (now, scopes) = (house.now(), vec![KeyScope::Admin]);
    let enrol = |key| {
        let (authority, scopes) = (&house.authority, scopes.clone());
        finish(authority.enrol_key(Issuer::Operator, key, "web", scopes, None, now))
    };
    let _ = enrol(&first).expect("the store is sound");

    let answer = enrol(&second);

    assert!(
        matches!(answer, Err(EngineError::KeyTaken(_))),
        "{answer:?}"
    );
    assert!(opens(&house, &first) && !opens(&house, &second));
}

/// S6: neither the register nor anybody's Debug shows a key.
#[test]
fn s6_given_a_key_when_everything_is_printed_then_no_piece_of_it_shows() {
    let house = house();
    let key = make(&house, "web", vec![KeyScope::Admin], None);
    let text = key.reveal();

    let printed = format!(
        "{:?} {:?} {:?} {:?}",
        house.authority,
        house.authority.keys(),
        key,
        house.stage
    );

    // The first twelve bytes are its public name.
    let secret = &text["ikk_".len() + 16..];
    for start in 0..=secret.len() - 12 {
        assert!(!printed.contains(&secret[start..start + 12]));
    }
}

/// A tenant's administrator makes as many keys as the tenant may have; other tenants have theirs,
/// and the operator always makes one more.
#[test]
fn s14_given_a_tenant_with_all_its_keys_when_one_of_them_makes_another_then_it_is_refused() {
    let house = house();
    let acme = TenantId::parse("acme").expect("it is a name");
    let admin = make(&house, "first", vec![KeyScope::Admin], Some(acme.clone()));
    let enrol = |tenant: Option<TenantId>| {
        let key = house.authority.prepare_key().expect("there is entropy");
        let (id, scopes) = (admin.id(), vec![KeyScope::Check]);
        let issuer = Issuer::Key(&id);
        let now = house.now();
        let call = house
            .authority
            .enrol_key(issuer, &key, "more", scopes, tenant, now);
        (finish(call).expect("the store is sound"), key)
    };
    for _ in 1..KEYS_OF_ONE_TENANT - 1 {
        make(&house, "more", vec![KeyScope::Check], Some(acme.clone()));
    }

    let (last, key) = enrol(Some(acme.clone()));
    let (beyond, drawn) = enrol(Some(acme.clone()));

    assert!(matches!(last, Enrolled::Done(_)), "{last:?}");
    assert!(opens(&house, &key));
    assert!(matches!(beyond, Enrolled::TooMany), "{beyond:?}");
    assert!(!opens(&house, &drawn));
    assert_eq!(house.authority.keys().len(), KEYS_OF_ONE_TENANT);
    let (elsewhere, _) = enrol(None);
    assert!(matches!(elsewhere, Enrolled::Done(_)), "{elsewhere:?}");
    let by_operator = make(
        &house,
        "way back",
        vec![KeyScope::Admin],
        Some(acme.clone()),
    );
    assert!(opens(&house, &by_operator));
    assert_eq!(
        revoke(&house, Issuer::Operator, &key.id()),
        KeyRevoked::Done
    );
    assert_eq!(
        revoke(&house, Issuer::Operator, &by_operator.id()),
        KeyRevoked::Done
    );
    let (again, _) = enrol(Some(acme));
    assert!(matches!(again, Enrolled::Done(_)), "there is room again");
}
