//! Subjects: disabled and enabled, amended, erased, and never made by looking.

use std::pin::pin;
use std::sync::Arc;

use innkeeper_domain::admission::Refusal;
use innkeeper_domain::amendment::SubjectPatch;
use innkeeper_domain::name::{GroupName, TenantId};
use innkeeper_domain::policy::{Condition, Overflow, Rule, SessionLimit, Setting};
use innkeeper_domain::roster::{Contact, Generation};
use innkeeper_domain::rotation::Occasion;
use innkeeper_domain::session::{EndReason, Initiator, Origin, SessionClass};
use innkeeper_domain::token::{SessionToken, TokenSecret};
use innkeeper_engine::events::Events;
use innkeeper_engine::sign_in::{SignInAnswer, SignedIn};

use crate::support::{
    DAY, House, SECOND, admitted, arrival, fenced, finish, house, house_with, policy, poll_once,
    proved, rotated, subject, tenant,
};

impl House {
    fn sign_in_acted(&self, realm: &TenantId, name: &str, actor: &str) -> SignedIn {
        let mut request = arrival(name);
        request.tenant = realm.clone();
        request.sign_in.class = SessionClass::Impersonation;
        request.sign_in.actor = Some(subject(actor));
        request.sign_in.attributes = Some(r#"{"case": 7}"#.into());
        admitted(self.answer(request))
    }

    fn erase(&self, name: &str) {
        let (realm, subject) = (tenant(), subject(name));
        let erased = self.authority.erase(&realm, &subject, Initiator::Admin);
        finish(erased).expect("the store is sound");
    }

    /// Who is named as an actor, in rosters and in the journal, and what the sessions carry.
    fn acted(&self, names: &[&str]) -> Vec<String> {
        let rosters = names.iter().filter_map(|name| self.roster(name));
        let sessions = rosters.flat_map(|roster| {
            let ended = roster.ended.iter().map(|e| Arc::clone(&e.session));
            roster
                .sessions
                .iter()
                .cloned()
                .chain(ended)
                .collect::<Vec<_>>()
        });
        let kept = sessions.flat_map(|s| {
            let actor = s.actor.as_ref().map(ToString::to_string);
            [actor, s.attributes.as_ref().map(ToString::to_string)]
        });
        let told = self.journal().into_iter();
        let told = told.filter_map(|e| Some(e.personal?.actor?.to_string()));
        kept.flatten().chain(told).collect()
    }

    /// The names of all that happened to a subject.
    fn events_of(&self, name: &str) -> Vec<String> {
        let beginning = finish(self.authority.events_beginning()).expect("the store is sound");
        let (realm, who) = (tenant(), subject(name));
        let read = self.authority.events(&realm, Some(&who), &beginning, 1_000);
        match finish(read).expect("the store is sound") {
            Events::Page(page) => page
                .events
                .iter()
                .map(|(e, _)| e.id().to_string())
                .collect(),
            Events::Expired => panic!("nothing was let go of"),
        }
    }
}

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
    let acting =
        |realm: &TenantId, name: &str, actor: &str| house.sign_in_acted(realm, name, actor);
    let elsewhere = TenantId::parse("elsewhere").unwrap();
    let own = house.sign_in("alice");
    let ended = acting(&tenant(), "alice", "help");
    let _ = house.revoke(ended.session.id);
    let live = acting(&tenant(), "alice", "help");
    let colleague = acting(&tenant(), "bob", "desk");
    let namesake = acting(&elsewhere, "alice", "help");

    house.erase("help");

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

/// The journal lets go of the beginning of a session that identity was proved in again, and of one
/// whose roster nobody has touched since it ended.
#[test]
fn given_sessions_whose_beginning_the_journal_let_go_of_when_their_actor_is_erased_then_none_names_it()
 {
    let mut rules = policy(5, Overflow::EvictLeastRecent);
    (rules.terms.idle, rules.terms.absolute) = (20 * DAY, 20 * DAY);
    let house = house_with(rules);
    let live = house.sign_in_acted(&tenant(), "alice", "help");
    let ended = house.sign_in_acted(&tenant(), "bob", "help");
    let _ = house.revoke(ended.session.id);
    house.clock.pass(15 * DAY);
    let live = rotated(house.rotate(&live.token, proved(1)));
    house.clock.pass(6 * DAY);
    finish(house.authority.trim_journal(20 * DAY)).expect("the store is sound");
    assert!(
        house
            .journal()
            .iter()
            .all(|e| e.personal.as_ref().unwrap().actor.is_none())
    );
    assert!(house.passes(&live.token));
    assert_eq!(house.acted(&["alice", "bob"]).len(), 4);

    house.erase("help");

    assert_eq!(house.why_not(&live.token), Some(EndReason::RevokedByAdmin));
    assert_eq!(house.acted(&["alice", "bob"]), [""; 0]);
}

/// An application that knows of nothing signs the actor in once more while it is being erased.
#[test]
fn given_an_actor_that_begins_another_session_while_it_is_erased_when_done_then_none_names_it() {
    let house = house();
    let _ = house.sign_in_acted(&tenant(), "alice", "help");
    let (realm, help) = (tenant(), subject("help"));
    let mut erasing = pin!(house.authority.erase(&realm, &help, Initiator::Admin));
    while !house.acted(&["alice"]).is_empty() {
        assert!(poll_once(erasing.as_mut()).is_pending());
    }

    let late = house.sign_in_acted(&tenant(), "bob", "help");
    finish(erasing).expect("the store is sound");

    assert!(!house.passes(&late.token));
    assert_eq!(house.acted(&["alice", "bob"]), [""; 0]);
}

/// V2: where somebody acted as a subject, the subject's own past stays its own.
#[test]
fn v2_given_a_subject_that_another_acted_as_when_that_one_is_erased_then_no_event_is_passed_over() {
    let house = house_with(policy(1, Overflow::EvictOldest));
    let _ = house.sign_in("alice");
    let _ = house.sign_in_acted(&tenant(), "alice", "help");
    let before = house.events_of("alice");

    house.erase("help");

    let after = house.events_of("alice");
    assert_eq!(after[..before.len()], before);
    assert!(after.len() > before.len(), "its end is told of too");
    assert_eq!(house.events_of("help"), [""; 0]);
}
