//! Events outward: no gaps, nothing of another tenant, names that never come back (D7, S14, S16).

use std::collections::BTreeSet;
use std::pin::pin;

use innkeeper_domain::name::TenantId;
use innkeeper_domain::policy::Overflow;
use innkeeper_domain::session::{EndReason, Initiator, SessionId};
use innkeeper_engine::events::{Event, EventPage, Events, Position};
use innkeeper_store::SessionStore;
use innkeeper_store::journal::SessionEvent;

use crate::support::{
    DAY, House, admitted, arrival, finish, house, house_with, policy, poll_once, subject, tenant,
};

fn realm(name: &str) -> TenantId {
    TenantId::parse(name).expect("a test names a tenant that there can be")
}

impl House {
    fn sign_in_at(&self, realm: &TenantId, name: &str) -> SessionId {
        let mut request = arrival(name);
        request.tenant = realm.clone();
        admitted(self.answer(request)).session.id
    }

    fn beginning(&self) -> Position {
        finish(self.authority.events_beginning()).expect("the store is sound")
    }

    fn events_after(&self, realm: &TenantId, from: &Position, limit: usize) -> Events {
        finish(self.authority.events(realm, None, from, limit)).expect("the store is sound")
    }

    fn page_after(&self, realm: &TenantId, from: &Position, limit: usize) -> EventPage {
        match self.events_after(realm, from, limit) {
            Events::Page(page) => page,
            Events::Expired => panic!("nothing was let go of"),
        }
    }

    fn all_events(&self, realm: &TenantId) -> Vec<Event> {
        let page = self.page_after(realm, &self.beginning(), 10_000);
        assert!(!page.more);
        page.events.into_iter().map(|(event, _)| event).collect()
    }
}

fn names(events: &[Event]) -> Vec<String> {
    events.iter().map(|e| e.id().to_string()).collect()
}

/// S14, S16: in pages of any size, each tenant reads all that is its own and nothing else.
#[test]
fn s14_given_two_tenants_when_each_reads_in_pages_of_any_size_then_it_reads_its_own_without_gaps() {
    let house = house();
    let (ours, theirs) = (realm("acme"), realm("other"));
    for round in 0..7 {
        house.sign_in_at(&ours, &format!("alice-{round}"));
        for _ in 0..round {
            house.sign_in_at(&theirs, "bob");
        }
    }
    let of = |realm: &TenantId| {
        let entries = house.journal().into_iter().filter(|e| e.tenant == *realm);
        entries.map(|e| e.events.len()).sum::<usize>()
    };

    for realm in [&ours, &theirs] {
        let whole = house.all_events(realm);
        assert_eq!(whole.len(), of(realm));
        assert!(whole.iter().all(|e| e.tenant() == realm));
        for limit in [1, 2, 5, 100] {
            let mut read = Vec::new();
            let mut from = house.beginning();
            loop {
                let page = house.page_after(realm, &from, limit);
                assert!(page.events.len() <= limit);
                for (event, after) in page.events {
                    // Whoever loses the connection here goes on from here.
                    let sealed = house.authority.seal_position(realm, &after).unwrap();
                    from = house.authority.open_position(realm, &sealed).unwrap();
                    read.push(event);
                }
                if !page.more {
                    break;
                }
            }
            assert_eq!(names(&read), names(&whole), "in pages of {limit}");
            assert_eq!(names(&read).len(), of(realm));
        }
    }
    let of_theirs = house.page_after(&theirs, &house.beginning(), 3).next;
    let sealed = house.authority.seal_position(&theirs, &of_theirs).unwrap();
    assert_eq!(house.authority.open_position(&ours, &sealed), None);
}

/// Whoever asks for one subject is told all of it and nothing of another, also where the place
/// lies between two events of somebody else; what was erased is nobody's.
#[test]
fn s7_given_many_subjects_when_the_events_of_one_are_read_then_no_other_is_among_them() {
    let house = house();
    for _ in 0..3 {
        for name in ["alice", "bob"] {
            let _ = house.sign_in(name);
        }
    }
    let of = |name: &str, from: &Position, limit| {
        let (tenant, who) = (tenant(), subject(name));
        let read = house.authority.events(&tenant, Some(&who), from, limit);
        match finish(read).expect("the store is sound") {
            Events::Page(page) => page,
            Events::Expired => panic!("nothing was let go of"),
        }
    };
    let beginning = house.beginning();
    let whole = house.all_events(&tenant());
    let alices = whole
        .iter()
        .filter(|e| e.subject() == Some(&subject("alice")));
    let alices = names(&alices.cloned().collect::<Vec<_>>());

    let mut read = Vec::new();
    let mut from = beginning.clone();
    loop {
        let page = of("alice", &from, 1);
        read.extend(page.events.into_iter().map(|(event, _)| event));
        from = page.next;
        if !page.more {
            break;
        }
    }
    assert_eq!(names(&read), alices);
    assert!(!alices.is_empty());

    let bob = subject("bob");
    let before = whole.iter().position(|e| e.subject() == Some(&bob));
    let before = before.expect("bob came too");
    // Bob's first entry tells of several things, and this place is behind the first of them.
    let within_bobs = house.page_after(&tenant(), &beginning, before + 1);
    let rest = of("alice", &within_bobs.next, 1_000);
    assert_eq!(rest.events.len(), alices.len() - before);

    let (tenant, alice) = (tenant(), subject("alice"));
    let erased = house.authority.erase(&tenant, &alice, Initiator::Admin);
    finish(erased).expect("the store is sound");
    assert!(of("alice", &beginning, 1_000).events.is_empty());
}

/// One commit that ends many is told in parts, and none of them is lost between two pages.
#[test]
fn s16_given_a_commit_of_many_events_when_read_one_by_one_then_each_is_told_once() {
    let house = house_with(policy(9, Overflow::EvictOldest));
    let sessions: BTreeSet<_> = (0..9).map(|_| house.sign_in("alice").session.id).collect();
    let before = finish(house.authority.events_end()).unwrap();
    house.disable("alice");

    let mut ended = Vec::new();
    let mut from = before;
    loop {
        let page = house.page_after(&tenant(), &from, 1);
        let Some((event, _)) = page.events.first() else {
            break;
        };
        if let SessionEvent::Ended { session, .. } = event.what() {
            ended.push(*session);
        }
        from = page.next;
    }

    assert_eq!(ended.len(), 9);
    assert_eq!(ended.into_iter().collect::<BTreeSet<_>>(), sessions);
}

/// D1: a roster that was swept and comes back tells of nothing under an old name.
#[test]
fn s16_given_a_roster_that_was_swept_and_came_back_when_read_then_no_name_comes_twice() {
    let house = house();
    for _ in 0..3 {
        let _ = house.sign_in("alice");
        house.clock.pass(401 * DAY);
        for _ in 0..3 {
            house.clock.pass(DAY);
            house.sweep();
        }
        assert!(house.roster("alice").is_none(), "it was let go of");
    }

    let told = names(&house.all_events(&tenant()));

    assert_eq!(told.iter().collect::<BTreeSet<_>>().len(), told.len());
    assert!(told.len() >= 6, "three lives: {told:?}");
}

/// D7: an expiry is told at its deadline, whether the sweep or the next commit writes it down.
#[test]
fn d7_given_an_expiry_when_the_sweep_or_a_commit_records_it_then_it_is_told_at_its_deadline() {
    let house = house();
    let swept = house.sign_in("alice").session;
    let met = house.sign_in("bob").session;
    house.clock.pass(DAY);
    house.sweep();
    let _ = house.sign_in("bob");

    for session in [swept, met] {
        let told: Vec<_> = house
            .all_events(&tenant())
            .into_iter()
            .filter(|e| matches!(e.what(), SessionEvent::Ended { session: id, .. } if *id == session.id))
            .collect();

        assert_eq!(told.len(), 1);
        assert_eq!(told[0].at(), session.expires_at());
        let SessionEvent::Ended { ending, .. } = told[0].what() else {
            panic!("it was looked for");
        };
        assert_eq!(ending.reason, EndReason::Idle);
    }
}

/// A cursor from before what is kept is told so; what is left can be read from the beginning.
#[test]
fn s16_given_a_place_that_is_no_longer_kept_when_gone_on_from_then_it_says_so() {
    let house = house();
    let start = house.beginning();
    for _ in 0..4 {
        let _ = house.sign_in("alice");
    }
    let early = house.page_after(&tenant(), &start, 2).next;
    let latest = finish(house.stage.inner.latest()).unwrap().unwrap();
    finish(house.stage.inner.trim(&latest)).unwrap();
    let last = house.sign_in("alice").session.id;

    let answer = house.events_after(&tenant(), &early, 10);

    assert!(matches!(answer, Events::Expired));
    let left = house.all_events(&tenant());
    let opened =
        |e: &Event| matches!(e.what(), SessionEvent::Opened { session, .. } if *session == last);
    assert!(left.iter().any(opened));
}

/// Whoever waits for a subject hears of that subject only; whoever does not listen loses his
/// place, and nobody waits for him.
#[test]
fn given_watchers_when_much_happens_then_each_hears_of_its_own_and_the_deaf_one_is_let_go() {
    let house = house();
    let alice = house.sign_in("alice").session.id;
    let bob = house.sign_in("bob").session.id;
    let mut follow = pin!(house.authority.follow_journal());
    let mut settle = || {
        for _ in 0..200 {
            assert!(poll_once(follow.as_mut()).is_pending());
        }
    };
    settle();
    let mut listening = house.authority.watch(&tenant(), alice).unwrap();
    let mut deaf = house.authority.watch(&tenant(), bob).unwrap();

    for _ in 0..3 {
        let _ = house.sign_in("alice");
    }
    settle();
    for _ in 0..3 {
        let entry = finish(listening.next()).expect("it is told");
        assert_eq!(entry.tag, alice.tag());
    }
    assert!(poll_once(pin!(listening.next())).is_pending());
    for _ in 0..50 {
        let _ = house.sign_in("bob");
        settle();
    }

    let mut heard = 0;
    while finish(deaf.next()).is_some() {
        heard += 1;
    }
    assert!((1..50).contains(&heard), "its queue is short: {heard}");
    let _ = house.sign_in("alice");
    settle();
    assert!(
        finish(listening.next()).is_some(),
        "others are told all the same"
    );
}

/// A subject that signs in often leaves places to the others, and a tenant to other tenants.
#[test]
fn s14_given_a_subject_and_a_tenant_that_watch_all_they_may_when_others_do_then_they_are_let_in() {
    let house = house_with(policy(100, Overflow::Refuse));
    let often: Vec<_> = (0..20).map(|_| house.sign_in("alice").session.id).collect();
    let watch = |session| house.authority.watch(&tenant(), session);

    let of_subject: Vec<_> = (0..100).filter_map(|n| watch(often[n % 20])).collect();

    assert_eq!(of_subject.len(), 64);
    let others: Vec<_> = (0..300)
        .map(|n| house.sign_in(&format!("guest-{n}")).session.id)
        .collect();
    let of_tenant: Vec<_> = (0..1200).filter_map(|n| watch(others[n % 300])).collect();
    assert_eq!(of_subject.len() + of_tenant.len(), 1024);
    let acme = realm("acme");
    let bob = house.sign_in_at(&acme, "bob");
    assert!(house.authority.watch(&acme, bob).is_some());
}

/// Bounds: so many for one session, key or tenant, so many in all, and each place is given back.
#[test]
fn given_ten_thousand_who_want_to_listen_when_they_ask_then_few_are_let_in_and_places_come_back() {
    let house = house();
    let sessions: Vec<_> = (0..600)
        .map(|n| house.sign_in(&format!("guest-{n}")).session.id)
        .collect();

    let of_one: Vec<_> = (0..10)
        .filter_map(|_| house.authority.watch(&tenant(), sessions[0]))
        .collect();
    let watches: Vec<_> = (0..10_000)
        .filter_map(|n| house.authority.watch(&tenant(), sessions[n % 600]))
        .collect();
    let of_key: Vec<_> = (0..100)
        .filter_map(|_| house.authority.read_live(&tenant(), "one"))
        .collect();
    let of_tenant: Vec<_> = (0..100)
        .filter_map(|n| house.authority.read_live(&tenant(), &format!("key-{n}")))
        .collect();
    let elsewhere = |n: usize| TenantId::parse(&format!("tenant-{}", n % 100)).unwrap();
    let readers: Vec<_> = (0..10_000)
        .filter_map(|n| {
            house
                .authority
                .read_live(&elsewhere(n), &format!("key-{n}"))
        })
        .collect();

    assert_eq!((of_one.len(), of_one.len() + watches.len()), (4, 1024));
    assert_eq!((of_key.len(), of_key.len() + of_tenant.len()), (16, 32));
    assert_eq!(32 + readers.len(), 256, "the others have what is left");
    drop((of_one, watches, of_key, of_tenant, readers));
    assert!(house.authority.watch(&tenant(), sessions[1]).is_some());
    assert!(house.authority.read_live(&tenant(), "one").is_some());
    let mut last = house.authority.watch(&tenant(), sessions[2]).unwrap();
    let mut reader = house.authority.read_live(&tenant(), "two").unwrap();
    house.authority.end_live();
    assert!(finish(last.next()).is_none());
    assert!(!finish(reader.more()));
    assert!(house.authority.watch(&tenant(), sessions[2]).is_none());
    assert!(house.authority.read_live(&tenant(), "two").is_none());
}
