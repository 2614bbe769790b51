//! Search and bulk revocation: what a filter means, all of it and nothing else, whatever happens.

use std::collections::BTreeSet;
use std::future::{pending, ready};
use std::pin::{Pin, pin};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use futures_util::FutureExt;
use innkeeper_domain::filter::SessionFilter;
use innkeeper_domain::name::{ClientId, TenantId};
use innkeeper_domain::policy::Overflow;
use innkeeper_domain::session::{EndReason, Initiator, SessionId};
use innkeeper_engine::bulk::{BulkRevocation, Ordered, RevocationId, State};

use crate::support::{
    House, SECOND, admitted, arrival, finish, house, house_with, policy, poll_once, subject, tenant,
};

const REASON: EndReason = EndReason::Risk;

pub(crate) fn of_client(name: &str) -> SessionFilter {
    SessionFilter {
        client: ClientId::parse(name).ok(),
        ..SessionFilter::default()
    }
}

impl House {
    pub(crate) fn arrives(&self, realm: &TenantId, name: &str, client: &str) -> SessionId {
        let mut request = arrival(name);
        request.tenant = realm.clone();
        request.sign_in.client = ClientId::parse(client).ok();
        admitted(self.answer(request)).session.id
    }

    /// A house full of guests: of each, two sessions of one client and one of another.
    pub(crate) fn fills(&self, guests: usize) {
        for guest in 0..guests {
            for client in ["tv", "web", "tv"] {
                self.arrives(&tenant(), &format!("guest-{guest}"), client);
            }
        }
        self.arrives(&TenantId::parse("other").unwrap(), "guest-0", "tv");
        self.clock.pass(SECOND);
    }

    fn orders(&self, filter: SessionFilter) -> RevocationId {
        let realm = tenant();
        let ordered = self.authority.revoke_in_bulk(&realm, filter, REASON);
        match finish(ordered).expect("the store is sound") {
            Ordered::Accepted(order) => order.id,
            Ordered::TooMany => panic!("there is room"),
        }
    }

    fn order(&self, id: RevocationId) -> BulkRevocation {
        let found = finish(self.authority.bulk_revocation(&tenant(), id));
        found.expect("the store is sound").expect("it is there")
    }

    /// Has a worker go on until it has nothing to do.
    pub(crate) fn works_off(&self) {
        let mut worker = pin!(self.authority.carry_out_orders(|_| ready(())));
        self.goes_on(worker.as_mut(), usize::MAX);
    }

    /// Has a worker take so many steps, or until nothing is left to do.
    pub(crate) fn goes_on<F: Future>(&self, mut worker: Pin<&mut F>, steps: usize) {
        let mut idle = 0;
        for _ in 0..steps {
            assert!(matches!(poll_once(worker.as_mut()), Poll::Pending));
            // The stage gives way at every call, so one that only gives way wakes itself: what
            // does not change over many polls has come to rest.
            idle += 1;
            if idle > 20_000 || (idle % 50 == 0 && self.is_at_rest()) {
                return;
            }
        }
    }

    fn is_at_rest(&self) -> bool {
        let all = finish(self.authority.pending_revocations());
        all.expect("the store is sound") == 0
    }

    pub(crate) fn ended_of(&self, realm: &TenantId) -> BTreeSet<SessionId> {
        use innkeeper_store::journal::SessionEvent;
        let entries = self.journal().into_iter().filter(|e| e.tenant == *realm);
        let ends = entries.flat_map(|e| e.events).filter_map(|e| match e {
            SessionEvent::Ended { session, ending } if ending.reason == REASON => {
                assert_eq!(ending.initiator, Initiator::Admin);
                Some(session)
            }
            _ => None,
        });
        ends.collect()
    }
}

#[test]
fn given_a_full_house_when_what_a_filter_means_is_ended_then_counts_match_and_the_rest_lives() {
    let house = house();
    house.fills(300);
    let other = TenantId::parse("other").unwrap();
    let now = house.now();
    let counted = finish(house.authority.count(&tenant(), &of_client("tv"), now)).unwrap();
    assert_eq!((counted.subjects, counted.sessions), (300, 600));
    let id = house.orders(of_client("tv"));
    house.clock.pass(SECOND);
    let later = house.arrives(&tenant(), "guest-7", "tv");

    house.works_off();

    let order = house.order(id);
    assert_eq!(order.state, State::Done);
    assert_eq!(
        (order.subjects, order.matched, order.ended),
        (300, 600, 600)
    );
    assert_eq!(order.progress(), 100);
    assert!(order.finished_at.is_some());
    let ended = house.ended_of(&tenant());
    assert_eq!(ended.len(), 600);
    assert!(!ended.contains(&later), "it was born later");
    assert!(house.ended_of(&other).is_empty(), "S14");
    let left = finish(
        house
            .authority
            .count(&tenant(), &SessionFilter::default(), house.now()),
    );
    assert_eq!(left.unwrap().sessions, 301);
    house.assert_journal_is_whole();
    let again = house.orders(of_client("tv"));
    house.works_off();
    assert_eq!(
        house.order(again).ended,
        1,
        "the one that was born in between"
    );
}

/// A process that is killed leaves no session uncounted and counts none twice, wherever it was.
#[test]
fn given_a_worker_that_is_killed_anywhere_when_another_goes_on_then_the_counts_are_exact() {
    for steps in (1..400).step_by(37) {
        let house = house();
        house.fills(12);
        let id = house.orders(of_client("tv"));
        {
            let mut worker = pin!(house.authority.carry_out_orders(|_| ready(())));
            house.goes_on(worker.as_mut(), steps);
        }
        let house = house.reopened(policy(5, Overflow::EvictLeastRecent));

        house.works_off();

        let order = house.order(id);
        assert_eq!(order.state, State::Done, "killed after {steps}");
        assert_eq!(
            (order.matched, order.ended),
            (24, 24),
            "killed after {steps}"
        );
        assert_eq!(house.ended_of(&tenant()).len(), 24);
    }
}

/// What ends everybody at once keeps everybody else waiting, so it does a little and rests.
#[test]
fn given_a_full_house_when_it_is_ended_then_the_worker_rests_after_every_few_of_them() {
    let house = house();
    house.fills(300);
    house.orders(of_client("tv"));
    let seen = Mutex::new(vec![0]);
    let rest = |_| {
        seen.lock().unwrap().push(house.ended_of(&tenant()).len());
        ready(())
    };

    house.goes_on(pin!(house.authority.carry_out_orders(rest)), usize::MAX);

    let seen = seen.into_inner().unwrap();
    assert_eq!(seen.last(), Some(&600));
    let most = seen.windows(2).map(|two| two[1] - two[0]).max();
    assert_eq!(most, Some(16), "8 rosters of two sessions: {seen:?}");
}

#[test]
fn given_many_who_are_not_meant_when_they_are_looked_at_then_the_worker_rests_in_between() {
    let house = house();
    for guest in 0..2100 {
        house.arrives(&tenant(), &format!("guest-{guest}"), "tv");
    }
    house.orders(of_client("web"));
    let rests = AtomicUsize::new(0);
    let rest = |_| {
        rests.fetch_add(1, Ordering::Relaxed);
        ready(())
    };

    house.goes_on(pin!(house.authority.carry_out_orders(rest)), usize::MAX);

    assert_eq!(rests.into_inner(), 3, "one for each look of 1,024 at most");
}

/// A rest is no hiding place: who is killed in one leaves the order for the next to go on with.
#[test]
fn given_a_worker_that_is_killed_in_a_rest_when_another_goes_on_then_the_counts_are_exact() {
    for last in [0, 1, 5, 11] {
        let house = house();
        house.fills(150);
        let id = house.orders(of_client("tv"));
        let rests = AtomicUsize::new(0);
        let rest = |_| {
            let is_last = rests.fetch_add(1, Ordering::Relaxed) == last;
            if is_last {
                pending().left_future()
            } else {
                ready(()).right_future()
            }
        };
        house.goes_on(pin!(house.authority.carry_out_orders(rest)), usize::MAX);
        assert_eq!(house.order(id).state, State::Running, "in rest {last}");
        let house = house.reopened(policy(5, Overflow::EvictLeastRecent));

        house.works_off();

        let order = house.order(id);
        assert_eq!(order.state, State::Done, "killed in rest {last}");
        assert_eq!((order.matched, order.ended), (300, 300), "in rest {last}");
        assert_eq!(house.ended_of(&tenant()).len(), 300);
    }
}

/// Whichever comes first, what is said to have been ended is what was ended.
#[test]
fn given_a_cancellation_that_races_the_end_when_both_are_over_then_the_counts_are_true() {
    let mut states = BTreeSet::new();
    for steps in (0..600).step_by(60) {
        let house = house();
        house.fills(150);
        let id = house.orders(of_client("tv"));
        let mut worker = pin!(house.authority.carry_out_orders(|_| ready(())));
        house.goes_on(worker.as_mut(), steps);
        let realm = tenant();
        let stopped = house.authority.cancel_bulk_revocation(&realm, id);
        let stopped = finish(stopped).unwrap().unwrap();

        house.goes_on(worker.as_mut(), usize::MAX);

        let order = house.order(id);
        match stopped.state {
            State::Done => assert_eq!(order, stopped, "it stays as it was"),
            State::Cancelling => assert_eq!(order.state, State::Cancelled),
            other => panic!("it was to stop, and is {other:?}"),
        }
        assert_eq!(order.ended, house.ended_of(&tenant()).len() as u64);
        states.insert((
            order.state == State::Done,
            order.ended == 0,
            order.ended == 300,
        ));
        let again = finish(house.authority.cancel_bulk_revocation(&tenant(), id));
        assert_eq!(again.unwrap(), Some(order), "what is over stays as it is");
    }
    assert!(states.len() >= 3, "early, half-way and late: {states:?}");
}

/// A sign-in that was decided before the order and committed after the walk had passed it was born
/// before the order, and goes with the rest.
#[test]
fn given_a_sign_in_under_way_when_an_order_passes_it_then_it_is_found_in_the_end() {
    for steps in (0..200).step_by(33) {
        let house = house();
        for guest in 0..40 {
            house.arrives(&tenant(), &format!("guest-{guest}"), "tv");
        }
        let mut request = arrival("late");
        request.sign_in.client = ClientId::parse("tv").ok();
        let mut sign_in = pin!(house.authority.sign_in(request));
        for _ in 0..3 {
            assert!(poll_once(sign_in.as_mut()).is_pending());
        }
        let id = house.orders(of_client("tv"));
        let mut worker = pin!(house.authority.carry_out_orders(|_| ready(())));
        house.goes_on(worker.as_mut(), steps);

        let late = admitted(finish(sign_in).expect("the store is sound")).session;
        let was_over = house.order(id).state == State::Done;
        house.goes_on(worker.as_mut(), usize::MAX);

        assert!(late.created_at <= house.order(id).started_at);
        if !was_over {
            assert!(
                house.ended_of(&tenant()).contains(&late.id),
                "after {steps}"
            );
        }
        assert_eq!(house.order(id).state, State::Done);
    }
}

#[test]
fn given_a_full_house_when_searched_page_by_page_then_each_that_is_meant_is_shown_once() {
    let house = house_with(policy(9, Overflow::EvictOldest));
    house.fills(60);
    for _ in 0..6 {
        house.arrives(&tenant(), "guest-3", "tv");
    }
    let (realm, of_tv) = (tenant(), of_client("tv"));
    for limit in [1, 7, 50, 200] {
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let page = house.authority.search(&realm, &of_tv, after, limit);
            let page = finish(page).unwrap();
            assert!(page.hits.len() <= limit);
            found.extend(page.hits.iter().map(|h| h.session.id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(found.len(), 126, "in pages of {limit}");
        assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), 126);
    }
    let of_one = SessionFilter {
        subject: Some(crate::support::subject("guest-3")),
        ..of_client("tv")
    };
    let mut found = 0;
    let mut after = None;
    loop {
        let page = finish(house.authority.search(&tenant(), &of_one, after, 3)).unwrap();
        found += page.hits.len();
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, 8);
}

/// Orders named people for as long as two hundred and fifty-six others had not come after them.
#[test]
fn given_orders_over_and_under_way_when_their_subject_is_erased_then_they_are_gone_and_no_others() {
    let house = house();
    house.fills(3);
    let of_guest = |filter: SessionFilter| SessionFilter {
        subject: Some(subject("guest-1")),
        ..filter
    };
    let over = house.orders(of_guest(of_client("web")));
    house.works_off();
    let device = house.roster("guest-1").expect("it is there").devices[0].id;
    let by_device = house.orders(SessionFilter {
        device: Some(device),
        ..SessionFilter::default()
    });
    let pending = house.orders(of_guest(of_client("tv")));
    let wide = house.orders(of_client("tv"));
    // One is half-way: its batch is planned, and it is written down with that.
    let mut worker = Box::pin(house.authority.carry_out_orders(|_| ready(())));
    house.goes_on(worker.as_mut(), 40);
    let find = |id| finish(house.authority.bulk_revocation(&tenant(), id)).unwrap();
    assert!(
        [over, by_device, pending, wide]
            .into_iter()
            .all(|id| find(id).is_some())
    );

    let guest = subject("guest-1");
    finish(house.authority.erase(&tenant(), &guest, Initiator::Admin)).unwrap();

    assert!(
        [over, by_device, pending]
            .into_iter()
            .all(|id| find(id).is_none())
    );
    house.goes_on(worker.as_mut(), usize::MAX);
    assert!(
        [over, by_device, pending]
            .into_iter()
            .all(|id| find(id).is_none())
    );
    let done = house.order(wide);
    assert_eq!((done.state, done.subjects), (State::Done, 2), "{done:?}");
    let _ = house.arrives(&tenant(), "guest-1", "tv");
}
