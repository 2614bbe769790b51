//! Subjects: disabled and enabled, amended, and never made by looking.

use innkeeper_domain::admission::Refusal;
use innkeeper_domain::amendment::SubjectPatch;
use innkeeper_domain::name::{GroupName, TenantId};
use innkeeper_domain::policy::{Condition, Overflow, Rule, SessionLimit, Setting};
use innkeeper_domain::roster::{Contact, Generation};
use innkeeper_domain::rotation::Occasion;
use innkeeper_domain::session::{EndReason, Initiator, Origin, SessionClass};
use innkeeper_domain::token::{SessionToken, TokenSecret};
use innkeeper_engine::sign_in::SignInAnswer;

use crate::support::{
    SECOND, admitted, arrival, fenced, finish, house, house_with, policy, subject, tenant,
};

fn group(name: &str) -> GroupName {
    GroupName::parse(name).expect("it is a name")
}

#[test]
fn s2_given_a_disabled_subject_when_enabled_again_then_nothing_that_ended_comes_back() {
    let house = house();
    let signed_in = house.sign_in("alice");
    let evidence = house.generation("alice");

    assert_eq!(house.disable("alice"), 1);
    assert_eq!(
        house.why_not(&signed_in.token),
        Some(EndReason::SubjectDisabled)
    );
    let refused = house.answer(arrival("alice"));
    assert!(matches!(
        refused,
        SignInAnswer::Refused(Refusal::Disabled, ..)
    ));
    let before = house.snapshot();
    assert_eq!(house.disable("alice"), 0, "once is enough");
    assert_eq!(house.snapshot(), before);

    house.enable("alice");

    assert_eq!(
        house.why_not(&signed_in.token),
        Some(EndReason::SubjectDisabled)
    );
    let stale = house.answer(fenced("alice", evidence));
    assert!(
        matches!(stale, SignInAnswer::Refused(Refusal::StaleGeneration, ..)),
        "evidence from before it stays refused (S8)"
    );
    assert!(house.passes(&house.sign_in("alice").token));
}

/// S8: nobody has ever heard of the subject, and it is disabled all the same.
#[test]
fn s8_given_a_subject_never_seen_when_disabled_then_its_first_sign_in_is_refused() {
    let house = house();

    assert_eq!(house.disable("alice"), 0);

    let refused = house.answer(arrival("alice"));
    assert!(matches!(
        refused,
        SignInAnswer::Refused(Refusal::Disabled, ..)
    ));
}

/// S1: `SetLimits` kills down in the same step: no commit shows the lower limit and more sessions.
#[test]
fn s1_given_a_lower_limit_of_ones_own_when_set_then_the_surplus_ends_in_the_same_step() {
    let house = house();
    let mut tokens = Vec::new();
    for _ in 0..5 {
        tokens.push(house.sign_in("alice").token);
        house.clock.pass(SECOND);
    }
    let entries = house.journal().len();

    house.amend(
        "alice",
        &SubjectPatch {
            own_limit: Some(SessionLimit::new(2)),
            ..SubjectPatch::default()
        },
    );

    assert_eq!(house.journal().len(), entries + 1);
    let now = house.now();
    let every = house.stage.every_roster();
    assert!(
        every
            .iter()
            .filter(|r| r.own_limit.is_some())
            .all(|r| r.live(now).count() <= 2)
    );
    let passing: Vec<_> = tokens.iter().map(|t| house.passes(t)).collect();
    assert_eq!(passing, [false, false, false, true, true]);
    assert_eq!(house.why_not(&tokens[0]), Some(EndReason::PolicyChange));
    let _ = house.sign_in("alice");
    assert_eq!(house.live("alice"), 2);

    house.amend(
        "alice",
        &SubjectPatch {
            own_limit: Some(None),
            ..SubjectPatch::default()
        },
    );
    let _ = house.sign_in("alice");
    assert_eq!(
        house.live("alice"),
        3,
        "the policy's limit is in force again"
    );
}

/// S8 (ASVS 8.3.2): the subject joins a group with a lower limit. Live sessions stay as far as
/// there are seats, under the new generation; a sign-in begun with the old groups opens nothing.
#[test]
fn s8_given_new_groups_when_set_then_the_fence_rises_and_who_has_a_seat_stays() {
    let mut ruled = policy(5, Overflow::EvictOldest);
    ruled.rules.push(Rule {
        when: Condition {
            groups: vec![group("admins")],
            ..Condition::default()
        },
        set: Setting {
            max_sessions: SessionLimit::new(1),
            ..Setting::default()
        },
        ..Rule::default()
    });
    let house = house_with(ruled);
    let first = house.sign_in("alice");
    let second = house.sign_in("alice");
    let evidence = house.generation("alice");

    house.amend(
        "alice",
        &SubjectPatch {
            groups: Some([group("admins")].into()),
            ..SubjectPatch::default()
        },
    );

    assert_eq!(house.why_not(&first.token), Some(EndReason::PolicyChange));
    assert!(house.passes(&second.token));
    let stale = house.answer(fenced("alice", evidence));
    assert!(matches!(
        stale,
        SignInAnswer::Refused(Refusal::StaleGeneration, ..)
    ));
}

/// D1: neither looking, nor a check, nor a refusal, nor a patch that says nothing makes a roster.
#[test]
fn d1_given_a_subject_never_seen_when_looked_at_in_every_way_then_no_roster_is_made() {
    let house = house();
    let tag = house.authority.tag(&tenant(), &subject("alice"));
    let drawn = TokenSecret::from_entropy([7; 48]);
    let token = SessionToken::new(tag, drawn);

    let _ = house.generation("alice");
    assert!(!house.passes(&token));
    let _ = house.rotate(&token, Occasion::Renewal);
    let stale = house.answer(fenced("alice", Generation(99)));
    assert!(matches!(stale, SignInAnswer::Refused(..)));
    house.amend("alice", &SubjectPatch::default());
    house.amend(
        "alice",
        &SubjectPatch {
            groups: Some(Box::default()),
            own_limit: Some(None),
            contact: Some(Contact::default()),
        },
    );
    house.enable("alice");
    let _ = house.sweep();

    assert!(house.roster("alice").is_none());
    assert!(house.journal().is_empty());
}

/// Whoever acted as others was named in their sessions and their journal for good.
#[test]
fn given_somebody_who_acted_as_others_when_erased_then_no_roster_and_no_entry_names_them() {
    let house = house();
    let acting = |realm: &TenantId, name: &str, actor: &str| {
        let mut request = arrival(name);
        request.tenant = realm.clone();
        request.sign_in.class = SessionClass::Impersonation;
        request.sign_in.actor = Some(subject(actor));
        admitted(house.answer(request))
    };
    let elsewhere = TenantId::parse("elsewhere").unwrap();
    let own = house.sign_in("alice");
    let ended = acting(&tenant(), "alice", "help");
    let _ = house.revoke(ended.session.id);
    let live = acting(&tenant(), "alice", "help");
    let colleague = acting(&tenant(), "bob", "desk");
    let namesake = acting(&elsewhere, "alice", "help");

    let (realm, help) = (tenant(), subject("help"));
    finish(house.authority.erase(&realm, &help, Initiator::Admin)).expect("the store is sound");

    assert!(!house.passes(&live.token), "whoever acted is no more");
    assert!(house.passes(&own.token) && house.passes(&colleague.token));
    let roster = house.roster("alice").expect("it is there");
    let told: Vec<_> = roster
        .ended
        .iter()
        .map(|e| (e.session.id, e.ending.reason))
        .collect();
    assert_eq!(
        told.last(),
        Some(&(live.session.id, EndReason::RevokedByAdmin))
    );
    for ended in &roster.ended {
        assert_eq!(ended.session.class, SessionClass::Impersonation);
        assert_eq!(ended.session.actor, None);
        assert_eq!(ended.session.origin, Origin::default());
    }
    let acted: Vec<_> = house
        .journal()
        .into_iter()
        .filter_map(|e| Some((e.tenant, e.personal?.actor?)))
        .collect();
    assert_eq!(
        acted,
        [(tenant(), subject("desk")), (elsewhere, subject("help"))]
    );
    assert_eq!(namesake.session.actor, Some(subject("help")));
}
