//! API keys: who may call, from the answer that made the key to the one that revoked it.

use innkeeper_domain::name::TenantId;
use innkeeper_domain::token::ApiKey;
use innkeeper_engine::keys::KeyScope;
use innkeeper_store::Register;

use crate::stage::Fault;
use crate::support::{House, finish, house, policy, poll_once};

fn make(house: &House, name: &str, scopes: Vec<KeyScope>, tenant: Option<TenantId>) -> ApiKey {
    let key = house.authority.prepare_key().expect("there is entropy");
    let now = house.now();
    let enrolled = house.authority.enrol_key(&key, name, scopes, tenant, now);
    let info = finish(enrolled).expect("the store is sound");
    assert_eq!(info.id, key.id());
    key
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

    assert!(finish(house.authority.revoke_key(&key.id())).expect("it is sound"));
    assert!(!opens(&house, &key));
    assert!(!finish(house.authority.revoke_key(&key.id())).expect("it is sound"));
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
    let now = house.now();
    let enrolled = house
        .authority
        .enrol_key(&key, "web", vec![KeyScope::Admin], None, now);
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
        let revoked = make(&house, "stolen", vec![KeyScope::Admin], None);
        let made = house.authority.prepare_key().expect("there is entropy");
        let (id, now) = (revoked.id(), house.now());
        let scopes = vec![KeyScope::Check];
        let mut slow = Box::pin(house.authority.enrol_key(&made, "new", scopes, None, now));
        if (0..polls).any(|_| poll_once(slow.as_mut()).is_ready()) {
            assert!(polls >= 4, "there were points at which to be slow");
            break;
        }

        let mut order = Box::pin(house.authority.revoke_key(&id));
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
            let key = make(&house, "web", vec![KeyScope::Admin], None);
            house.stage.fail_after(calls, fault);

            let answer = finish(house.authority.revoke_key(&key.id()));
            if !house.stage.heal() {
                assert!(calls >= 2, "a replacement and a list could fail");
                break;
            }
            assert!(answer.is_err(), "{fault:?} after {calls}");

            let _ = finish(house.authority.revoke_key(&key.id())).expect("it is sound");
            assert!(!opens(&house, &key), "{fault:?} after {calls}");
        }
    }
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
