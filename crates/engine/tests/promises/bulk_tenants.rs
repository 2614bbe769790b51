//! Bulk revocations of several tenants: none fills, forgets or delays those of another (S14).

use std::future::ready;
use std::pin::pin;

use futures_util::future::join_all;
use innkeeper_domain::name::TenantId;
use innkeeper_domain::session::EndReason;
use innkeeper_engine::bulk::{BulkRevocation, Ordered, RevocationId, State};

use crate::bulk::of_client;
use crate::support::{House, finish, house, poll_once, tenant};

fn other() -> TenantId {
    TenantId::parse("other").expect("it is a name")
}

impl House {
    fn orders_of(&self, realm: &TenantId) -> Option<RevocationId> {
        let (filter, reason) = (of_client("tv"), EndReason::Risk);
        let ordered = self.authority.revoke_in_bulk(realm, filter, reason);
        match finish(ordered).expect("the store is sound") {
            Ordered::Accepted(order) => Some(order.id),
            Ordered::TooMany => None,
        }
    }

    fn order_of(&self, realm: &TenantId, id: RevocationId) -> Option<BulkRevocation> {
        finish(self.authority.bulk_revocation(realm, id)).expect("the store is sound")
    }
}

#[test]
fn s14_given_a_tenant_that_orders_all_it_may_when_another_does_then_it_is_let_in_and_remembered() {
    let house = house();
    let own = house.orders_of(&tenant()).expect("there is room");
    house.works_off();

    // More than are remembered, in loads of as many as may wait.
    for load in 0..5 {
        let taken = (0..70).filter_map(|_| house.orders_of(&other())).count();
        assert_eq!(taken, 64, "in load {load}");
        assert!(house.orders_of(&tenant()).is_some(), "there is room still");
        house.works_off();
    }

    let own = house.order_of(&tenant(), own).expect("it is remembered");
    assert_eq!(own.state, State::Done);
    let kept = finish(house.authority.bulk_revocations(&other(), usize::MAX));
    let kept = kept.expect("the store is sound").len();
    assert!((256..=256 + 64).contains(&kept), "{kept} are remembered");
}

#[test]
fn given_a_long_order_of_one_tenant_when_another_has_a_short_one_then_that_is_not_kept_waiting() {
    let house = house();
    house.fills(600);
    let long = house.orders_of(&tenant()).expect("there is room");
    let short = house.orders_of(&other()).expect("there is room");
    let mut worker = pin!(house.authority.carry_out_orders(|_| ready(())));

    let state = |realm: &TenantId, id| house.order_of(realm, id).expect("it is there").state;
    while state(&other(), short) != State::Done {
        assert!(poll_once(worker.as_mut()).is_pending());
    }

    assert_eq!(state(&tenant(), long), State::Running);
    assert_eq!(house.ended_of(&other()).len(), 1);
    house.goes_on(worker.as_mut(), usize::MAX);
    assert_eq!(state(&tenant(), long), State::Done);
    assert_eq!(house.ended_of(&tenant()).len(), 1200);
}

#[test]
fn given_many_orders_at_once_when_they_are_counted_then_no_more_are_let_in_than_there_is_room_for()
{
    let house = house();
    let realm = tenant();
    let orders = (0..100).map(|_| {
        let (filter, reason) = (of_client("tv"), EndReason::Risk);
        house.authority.revoke_in_bulk(&realm, filter, reason)
    });

    let answers = finish(join_all(orders));

    let taken = |a: &&Result<Ordered, _>| matches!(a, Ok(Ordered::Accepted(_)));
    assert_eq!(answers.iter().filter(taken).count(), 64);
}
