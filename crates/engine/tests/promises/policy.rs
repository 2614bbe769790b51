//! A newer policy is obeyed before the next answer.

use innkeeper_domain::check::Shown;
use innkeeper_domain::name::TenantId;
use innkeeper_domain::policy::{Condition, Overflow, Policy, Rule, SessionLimit, Setting};
use innkeeper_domain::rotation::Occasion;
use innkeeper_domain::session::{EndReason, Initiator};
use innkeeper_domain::token::SessionToken;
use innkeeper_engine::check::CheckAnswer;
use innkeeper_engine::revoke::{Revoked, Scope};
use innkeeper_engine::rotate::RotateAnswer;
use innkeeper_engine::sign_in::SignInAnswer;
use innkeeper_store::journal::SessionEvent;

use crate::stage::Glances;
use crate::support::{
    HOUR, House, MINUTE, SECOND, arrival, check_of, copy, finish, house, house_with, policy,
    poll_once, subject, tenant,
};

fn stricter() -> Policy {
    policy(1, Overflow::EvictLeastRecent)
}

type IsLetIn = fn(&House, &SessionToken) -> bool;

/// What a token that has lost its seat may be presented to. None may take it for good.
fn doors() -> [(&'static str, IsLetIn); 3] {
    [
        ("check", |house, token| house.passes(token)),
        ("proper check", |house, token| {
            house.stage.set_glances(Glances::Refused);
            house.passes(token)
        }),
        ("rotate", |house, token| {
            let answer = house.rotate(token, Occasion::Renewal);
            matches!(answer, RotateAnswer::Rotated(_))
        }),
    ]
}

/// S1: the limit is lowered from 5 to 1. The very next call of any kind finds it in force.
#[test]
fn s1_given_a_lower_limit_when_any_call_comes_next_then_it_is_in_force_before_the_answer() {
    for (name, is_let_in) in doors() {
        let house = house();
        let silent = house.sign_in("alice");
        house.clock.pass(SECOND);
        let recent = house.sign_in("alice");
        let newer = house.reopened(stricter());

        assert!(!is_let_in(&newer, &silent.token), "{name}");

        assert_eq!(newer.live("alice"), 1, "{name}");
        assert_eq!(newer.why_not(&silent.token), Some(EndReason::PolicyChange));
        assert!(newer.passes(&recent.token), "{name}");
    }
}

#[test]
fn s1_given_a_lower_limit_when_the_subject_is_only_looked_at_then_it_is_in_force() {
    let house = house();
    for _ in 0..5 {
        let _ = house.sign_in("alice");
    }
    let newer = house.reopened(policy(2, Overflow::Refuse));

    let standing = finish(newer.authority.subject(&tenant(), &subject("alice")));

    let standing = standing.expect("it is sound");
    assert_eq!(standing.roster.live(standing.now).count(), 2);
    assert_eq!(standing.roster.policy, newer.authority.policy().version);
    let last = newer.journal().pop().expect("obeying is a commit");
    let obeyed = SessionEvent::PolicyObeyed {
        policy: newer.authority.policy().version,
    };
    assert!(last.events.contains(&obeyed));
    newer.assert_journal_is_whole();
}

/// S1: under a lower limit that refuses, the sign-in finds a house already put in order.
#[test]
fn s1_given_a_lower_limit_that_refuses_when_signing_in_then_the_house_is_in_order_first() {
    let house = house();
    for _ in 0..5 {
        let _ = house.sign_in("alice");
    }
    let newer = house.reopened(policy(2, Overflow::Refuse));

    let answer = newer.answer(arrival("alice"));

    assert!(matches!(answer, SignInAnswer::Refused(..)), "{answer:?}");
    assert_eq!(newer.live("alice"), 2);
}

/// S13: a shorter absolute timeout holds for the sessions there are; a longer one for new ones.
#[test]
fn s13_given_shorter_timeouts_when_obeyed_then_they_hold_for_live_sessions_and_longer_ones_do_not()
{
    let house = house();
    let signed_in = house.sign_in("alice");
    let mut shorter = policy(5, Overflow::EvictLeastRecent);
    shorter.terms.absolute = HOUR;
    let newer = house.reopened(shorter);
    assert!(newer.passes(&signed_in.token));
    for _ in 0..2 {
        newer.clock.pass(20 * MINUTE);
        assert!(newer.passes(&signed_in.token));
    }

    let longer = newer.reopened(policy(5, Overflow::EvictLeastRecent));
    assert!(longer.passes(&signed_in.token));
    longer.clock.pass(20 * MINUTE);

    assert_eq!(longer.why_not(&signed_in.token), Some(EndReason::Absolute));
}

/// S13: the time that a new policy leaves is already over: the end is now, and the policy's doing.
#[test]
fn s13_given_a_timeout_that_is_over_when_obeyed_then_the_session_ends_by_the_policy() {
    let house = house();
    let signed_in = house.sign_in("alice");
    house.clock.pass(20 * MINUTE);
    let mut shorter = policy(5, Overflow::EvictLeastRecent);
    shorter.terms.idle = 10 * MINUTE;

    let newer = house.reopened(shorter);

    assert_eq!(
        newer.why_not(&signed_in.token),
        Some(EndReason::PolicyChange)
    );
    assert_eq!(newer.live("alice"), 0);
}

#[test]
fn given_the_same_policy_when_opened_again_then_its_version_stays() {
    let house = house();
    let version = house.authority.policy().version;

    let same = house.reopened(policy(5, Overflow::EvictLeastRecent));
    let mut other = policy(5, Overflow::EvictLeastRecent);
    other.rules.push(Rule {
        when: Condition {
            remember: Some(true),
            ..Condition::default()
        },
        set: Setting {
            max_sessions: SessionLimit::new(2),
            ..Setting::default()
        },
        ..Rule::default()
    });
    let other = house.reopened(other);

    assert_eq!(same.authority.policy().version, version);
    assert_eq!(other.authority.policy().version.0, version.0 + 1);
}

/// A roster without a live session has nothing that could disobey: reading it writes nothing.
#[test]
fn s18_given_nobody_signed_in_when_the_policy_changes_then_looking_writes_nothing() {
    let house = house();
    let signed_in = house.sign_in("alice");
    let _ = house.revoke(signed_in.session.id);
    let newer = house.reopened(stricter());
    let before = newer.snapshot();

    let _ = finish(newer.authority.subject(&tenant(), &subject("alice"))).expect("it is sound");
    assert!(!newer.passes(&signed_in.token));

    assert_eq!(newer.snapshot(), before);
}

/// S11: the policy takes one seat of three, and shortens a silent session to its last second.
/// Decided at once, the oldest must go; a second later the silent one has gone by itself, and the
/// oldest may stay. A decision that was made before that moment must not be committed after it.
#[test]
fn s11_given_a_shortening_that_runs_out_at_once_when_obeyed_late_then_it_is_decided_again() {
    let house = house_with(policy(3, Overflow::EvictOldest));
    let oldest = house.sign_in("alice");
    let second = house.sign_in("alice");
    let silent = house.sign_in("alice");
    house.clock.pass((10 * MINUTE).saturating_sub(SECOND));
    assert!(house.passes(&oldest.token) && house.passes(&second.token));
    let mut stricter = policy(2, Overflow::EvictOldest);
    stricter.terms.idle = 10 * MINUTE;
    let newer = house.reopened(stricter);
    let (realm, alice) = (tenant(), subject("alice"));
    let mut looking = Box::pin(newer.authority.subject(&realm, &alice));
    for _ in 0..3 {
        assert!(
            poll_once(looking.as_mut()).is_pending(),
            "it has read, not written"
        );
    }

    newer.clock.pass(SECOND);
    let _ = finish(looking).expect("it is sound");

    assert!(!newer.passes(&silent.token));
    assert!(newer.passes(&oldest.token) && newer.passes(&second.token));
}

/// S2: nobody is brought back by a policy that allows more again.
#[test]
fn s2_given_sessions_that_a_policy_ended_when_it_is_relaxed_then_they_stay_dead() {
    let house = house();
    let tokens: Vec<_> = (0..5).map(|_| house.sign_in("alice").token).collect();
    let strict = house.reopened(stricter());
    let survivors = tokens.iter().filter(|t| strict.passes(t)).count();
    assert_eq!(survivors, 1);

    let relaxed = strict.reopened(policy(5, Overflow::EvictLeastRecent));

    let survivors = tokens.iter().filter(|t| relaxed.passes(t)).count();
    assert_eq!(survivors, 1);
    assert_eq!(relaxed.disable("alice"), 1);
}

/// S14, S7: another tenant's call finds nothing here, so it changes nothing here either, not even
/// what the policy has long asked for.
#[test]
fn s14_given_a_newer_policy_when_another_tenant_calls_then_nothing_is_committed_here() {
    let mallory = TenantId::parse("mallory").expect("it is a name");
    let call = |name: &str, house: &House, token: &SessionToken, id| match name {
        "revoke" => {
            let (reason, by) = (EndReason::RevokedByAdmin, Initiator::Admin);
            let order = house
                .authority
                .revoke(Scope::Tenant(&mallory), id, reason, by);
            assert_eq!(finish(order).expect("it is sound"), Revoked::Absent);
        }
        "show" => {
            let shown = finish(house.authority.roster_at(&mallory, id.tag()));
            assert!(shown.expect("it is sound").is_none());
        }
        "rotate" => {
            let order =
                house
                    .authority
                    .rotate(Some(&mallory), token, Shown::Nothing, Occasion::Renewal);
            let answer = finish(order).expect("it is sound");
            assert!(matches!(answer, RotateAnswer::NoSession(None)));
        }
        "check" => {
            let mut asked = check_of(token);
            asked.tenant = Some(mallory.clone());
            let answer = finish(house.authority.check(&asked)).expect("it is sound");
            assert!(matches!(answer, CheckAnswer::NoSession(None)));
        }
        "supersede" => {
            let mut request = arrival("mallory");
            request.tenant = mallory.clone();
            request.replaces = Some(copy(token));
            let answer = house.answer(request);
            assert!(matches!(answer, SignInAnswer::Admitted(_)));
        }
        _ => unreachable!("there are no others"),
    };
    for name in ["revoke", "show", "rotate", "check", "supersede"] {
        let house = house();
        let signed_in = [house.sign_in("alice"), house.sign_in("alice")];
        let newer = house.reopened(stricter());
        let before = newer.roster("alice").expect("she is signed in").version;

        for alice in &signed_in {
            call(name, &newer, &alice.token, alice.session.id);
        }

        let after = newer.roster("alice").expect("she is signed in").version;
        assert_eq!(after, before, "{name}");
    }
}
