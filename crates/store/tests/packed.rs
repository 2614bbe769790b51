//! A packed roster is the roster it was made of: it says the same of every token, and opened again
//! it is written down byte for byte as before.

use std::sync::Arc;
use std::time::Duration;

use innkeeper_domain::check::{Presented, find_valid};
use innkeeper_domain::device::{DeviceDigest, DeviceLabel};
use innkeeper_domain::name::{SubjectId, TenantId};
use innkeeper_domain::policy::PolicyVersion;
use innkeeper_domain::roster::{FailureCount, Floor, Generation, Roster, StoreGeneration};
use innkeeper_domain::session::{
    Binding, BoundDevice, GraceEnd, LastSeen, PreviousToken, Replacement, Sealed, Session,
    Timestamp, TokenDigest, WeakerProofs,
};
use innkeeper_store::Kept;
use innkeeper_store::conformance::fixture::{session, tag};
use innkeeper_store::record::{Packed, encode_roster};
use proptest::prelude::*;

const NOW: u64 = 1_800_000_000;

fn at(second: u64) -> Timestamp {
    Timestamp::from_millis(second * 1000)
}

/// What is drawn of one session.
#[derive(Clone, Debug)]
struct Drawn {
    generation: u64,
    seen: u64,
    idle: u64,
    deadline: u64,
    rotated: bool,
    bound: bool,
    weaker: Option<u64>,
    label: Option<String>,
    attributes: Option<String>,
}

prop_compose! {
    fn drawn()(
        generation in 2..4_u64,
        seen in 0..60_u64,
        idle in prop_oneof![Just(0), 1..90_u64, Just(u64::MAX / 2000)],
        deadline in 0..120_u64,
        rotated in proptest::bool::weighted(0.2),
        bound in proptest::bool::weighted(0.2),
        weaker in proptest::option::of(0..30_u64),
        label in proptest::option::of("[a-zA-Z ]{1,20}x"),
        attributes in proptest::option::of("[{}a-z]{0,40}"),
    ) -> Drawn {
        Drawn { generation, seen, idle, deadline, rotated, bound, weaker, label, attributes }
    }
}

fn made(number: u8, drawn: &Drawn) -> Session {
    let mut session = session(tag(1), number, at(NOW));
    session.generation = Generation(drawn.generation);
    session.last_seen = LastSeen::new(at(NOW + drawn.seen));
    session.idle = Duration::from_secs(drawn.idle);
    session.absolute_deadline = at(NOW + drawn.deadline);
    session.origin.label = drawn
        .label
        .as_deref()
        .and_then(|l| DeviceLabel::parse(l).ok());
    session.attributes = drawn.attributes.as_deref().map(Into::into);
    session.weaker_proofs = drawn
        .weaker
        .map(|since| Box::new(WeakerProofs([at(NOW + since); WeakerProofs::LEVELS])));
    if drawn.rotated {
        session.previous = Some(Box::new(PreviousToken {
            digest: TokenDigest([100 + number; 32]),
            accepted_until: GraceEnd::new(at(NOW + 40)),
            repeatable_until: at(NOW + 50),
            sealed_successor: Sealed([number; 40].into()),
            replaced_by: Replacement::Renewal,
        }));
    }
    if drawn.bound {
        session.binding = Binding::DeviceCookie(Box::new(BoundDevice {
            token: DeviceDigest([number; 32]),
            mismatches: 1,
        }));
    }
    session
}

prop_compose! {
    fn roster()(
        sessions in proptest::collection::vec(drawn(), 0..8),
        disabled in proptest::bool::weighted(0.1),
        time_high in 0..100_u64,
        failures in 0..9_u32,
    ) -> Roster {
        let subject = SubjectId::parse("zoe").unwrap();
        let tenant = TenantId::parse("acme").unwrap();
        let mut roster =
            Roster::absent(tag(1), tenant, subject, Floor::default(), StoreGeneration(4));
        roster.generation = Generation(3);
        roster.time_high = at(NOW + time_high);
        roster.disabled = disabled;
        roster.policy = PolicyVersion(7);
        roster.failures = FailureCount::new(failures);
        let numbered = (1..).zip(&sessions);
        roster.sessions = numbered.map(|(number, drawn)| Arc::new(made(number, drawn))).collect();
        roster
    }
}

proptest! {
    #[test]
    fn given_any_roster_when_packed_and_opened_then_it_is_written_as_before(roster in roster()) {
        let packed = Packed::of(&roster);

        prop_assert_eq!(packed.encode().unwrap(), encode_roster(&roster));
        prop_assert_eq!(encode_roster(&packed.open().unwrap()), encode_roster(&roster));
        let opened = packed.open().unwrap();
        prop_assert_eq!(format!("{opened:?}"), format!("{roster:?}"));
    }

    /// A yes of the packed form is a yes of the open one, for the same session; and it says yes to
    /// the current token of every session that is live and plain.
    #[test]
    fn given_any_roster_when_packed_then_it_says_of_each_token_what_it_said_open(
        roster in roster(),
        later in 0..130_u64,
    ) {
        let (packed, now) = (Packed::of(&roster), at(NOW + later));

        for number in 0..=255 {
            let token = TokenDigest([number; 32]);
            let open = find_valid(&roster, token, now);
            let plain = open.filter(|v| {
                v.session.is_plain() && v.presented == Presented::Current
            });
            let place = packed.find_plain(token, now);
            let named = place.map(|place| packed.rows()[place].id(tag(1)));
            prop_assert_eq!(named, plain.map(|valid| valid.session.id));
        }
    }

    #[test]
    fn given_any_roster_when_packed_then_it_counts_as_it_did_open(
        roster in roster(),
        later in 0..130_u64,
    ) {
        let (open, now) = (Kept::Open(Arc::new(roster.clone())), at(NOW + later));
        let packed = Kept::Packed(Packed::of(&roster));

        prop_assert_eq!(packed.live(now), open.live(now));
        prop_assert_eq!(packed.recorded(), open.recorded());
        prop_assert_eq!(packed.seen(), open.seen());
        prop_assert_eq!(packed.tenant(), open.tenant());
        prop_assert_eq!(packed.policy(), open.policy());
        prop_assert_eq!(packed.failures().get(), open.failures().get());
    }

    /// Whatever moved in one form is in the other afterwards, and nothing moved back.
    #[test]
    fn given_visits_to_either_form_when_the_other_catches_up_then_it_has_the_latest(
        roster in roster(),
        visits in proptest::collection::vec((0..8_usize, 0..90_u64), 0..12),
    ) {
        let open = Kept::Open(Arc::new(roster.clone()));
        let packed = Kept::Packed(Packed::of(&roster));
        let mut latest: Vec<_> = open.seen();
        for (count, (place, later)) in visits.iter().enumerate() {
            let Some((serial, seen)) = latest.get_mut(*place) else { continue };
            let moment = at(NOW + later);
            [&open, &packed][count % 2].hear(serial, moment);
            *seen = (*seen).max(moment);
        }
        packed.failures().add();

        open.catch_up(&packed);
        packed.catch_up(&open);

        prop_assert_eq!(open.seen(), latest.clone());
        prop_assert_eq!(packed.seen(), latest);
        prop_assert_eq!(open.failures().get(), roster.failures.get() + 1);
        prop_assert_eq!(encode_roster(&packed.open().unwrap()), open.encode().unwrap());
    }
}

#[test]
fn given_a_packed_roster_that_memory_has_damaged_when_opened_then_it_is_an_error() {
    let mut roster = Roster::absent(
        tag(1),
        TenantId::default(),
        SubjectId::parse("zoe").unwrap(),
        Floor::default(),
        StoreGeneration(4),
    );
    roster.sessions = vec![Arc::new(session(tag(1), 1, at(NOW)))];

    let damaged = Packed::of(&roster).damaged();

    assert!(damaged.open().is_err());
    assert!(damaged.encode().is_err());
    assert!(Kept::Packed(damaged).open().is_err());
}
