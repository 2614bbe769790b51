//! The choice at the limit, and the classes that are counted apart.

use http::StatusCode;
use innkeeper_domain::policy::{Condition, Overflow, Rule, SessionLimit, Setting};
use innkeeper_domain::session::SessionClass;
use serde_json::{Value, json};

use crate::support::*;

/// A desk with one seat, where the subject is asked.
async fn asking() -> Desk {
    desk_with(policy(1, Overflow::Ask)).await
}

async fn sign_in(desk: &Desk, body: Value) -> Answer {
    desk.post("/v1/sessions", body).await
}

#[tokio::test]
async fn given_a_full_house_when_one_is_chosen_then_the_ticket_stands_for_the_sign_in() {
    let desk = asking().await;
    let (token, id) = desk.sign_in("alice").await;
    let asked = json!({
        "subject": "alice", "client": "web", "methods": ["pwd", "otp"], "assurance": 2,
        "attributes": {"locale": "de"},
    });
    let refused = sign_in(&desk, asked).await;
    refused.assert_problem(409, "session-limit");
    assert_eq!(refused.json["limit"], json!({"scope": "subject", "max": 1}));
    assert_eq!(refused.word("/sessions/0/id"), id);
    let ticket = refused.word("/choice").to_owned();
    assert!(ticket.starts_with("ikc_"));

    let body = json!({"subject": "alice", "end": [id], "choice": ticket});
    let chosen = sign_in(&desk, body.clone()).await;

    assert_eq!(chosen.status, 201, "{}", chosen.text);
    let session = &chosen.json["session"];
    assert_eq!(session["client"], "web");
    assert_eq!(session["methods"], json!(["pwd", "otp"]));
    assert_eq!(session["attributes"], json!({"locale": "de"}));
    assert_eq!(chosen.json["ended"][0]["end_reason"], "revoked_by_user");
    assert_eq!(chosen.json["ended"][0]["ended_by"], "user");
    let told = desk.check(&token).await;
    assert_eq!(told.json["reason"], "revoked_by_user");
    sign_in(&desk, body)
        .await
        .assert_problem(409, "already-used");
    assert_eq!(desk.live("alice").await, 1);
}

#[tokio::test]
async fn given_a_choice_that_does_not_hold_when_sent_then_it_says_what_is_wrong_and_nobody_is_in() {
    let desk = asking().await;
    let (_, id) = desk.sign_in("alice").await;
    let (_, of_bob) = desk.sign_in("bob").await;
    let refused = sign_in(&desk, json!({"subject": "alice"})).await;
    let ticket = refused.word("/choice").to_owned();

    let with = |subject: &str, end: Value, choice: Value| {
        let body = json!({"subject": subject, "end": end, "choice": choice});
        sign_in(&desk, body)
    };
    with("bob", json!([of_bob]), json!(ticket))
        .await
        .assert_invalid("choice");
    with("alice", json!([id]), json!("ikc_unknown"))
        .await
        .assert_invalid("choice");
    with("alice", json!(["ses_x"]), json!(ticket))
        .await
        .assert_invalid("end[0]");
    sign_in(&desk, json!({"subject": "alice", "end": [id]}))
        .await
        .assert_invalid("end");
    let long = format!("ikc_{}", "A".repeat(30_000));
    with("alice", json!([id]), json!(long))
        .await
        .assert_invalid("choice");
    let many = vec![id.clone(); 1_001];
    with("alice", json!(many), json!(ticket))
        .await
        .assert_invalid("end");
    let foreign = with("alice", json!([of_bob]), json!(ticket)).await;
    foreign.assert_problem(409, "session-limit");
    assert_eq!(foreign.word("/choice"), ticket);

    assert_eq!((desk.live("alice").await, desk.live("bob").await), (1, 1));
    desk.clock.pass(5 * MINUTE);
    with("alice", json!([id]), json!(ticket))
        .await
        .assert_invalid("choice");
}

#[tokio::test]
async fn v4_given_a_policy_that_refuses_when_the_proof_is_weaker_then_it_names_what_opens() {
    let desk = desk_with(policy(1, Overflow::Refuse)).await;
    let strong = json!({"subject": "alice", "assurance": 2});
    let held = sign_in(&desk, strong.clone()).await;

    let weak = sign_in(&desk, json!({"subject": "alice", "assurance": 1})).await;
    let equal = sign_in(&desk, strong).await;

    weak.assert_problem(409, "session-limit");
    assert_eq!(weak.json["assurance"], 2);
    assert_eq!(weak.json["sessions"], json!([]));
    assert!(weak.json.get("choice").is_none());
    assert!(equal.json.get("assurance").is_none());
    let body = json!({
        "subject": "alice", "choice": equal.word("/choice"), "end": [held.word("/session/id")],
    });
    assert_eq!(sign_in(&desk, body).await.status, 201);
}

/// Our clients send a key with every sign-in, so one beside a ticket is the key of that call.
#[tokio::test]
async fn s10_given_a_choice_with_a_key_when_either_comes_with_another_then_nobody_else_is_in() {
    const KEY: &str = "one-key-of-a-call";
    let desk = asking().await;
    let (_, first) = desk.sign_in("alice").await;
    let [ticket, twin] = [(); 2].map(|()| sign_in(&desk, json!({"subject": "alice"})));
    let (ticket, twin) = (ticket.await, twin.await);
    let choose = async |ticket: &Answer, end: &str, key| {
        let call = desk.call(http::Method::POST, "/v1/sessions");
        let call = call.bearer(&desk.admin).header("idempotency-key", key);
        let body = json!({"subject": "alice", "end": [end], "choice": ticket.word("/choice")});
        call.json(&body).send().await
    };

    let born = choose(&ticket, &first, KEY).await;
    let again = choose(&ticket, &first, KEY).await;
    let id = born.word("/session/id");

    assert_eq!(
        (born.status, again.status),
        (StatusCode::CREATED, StatusCode::CREATED)
    );
    assert_eq!(again.word("/token"), born.word("/token"));
    for other in [choose(&twin, id, KEY).await, choose(&ticket, id, KEY).await] {
        other.assert_invalid("Idempotency-Key");
    }
    let other_key = choose(&ticket, &first, "another-key-of-a-call").await;
    other_key.assert_problem(409, "already-used");
    assert_eq!(desk.check(born.word("/token")).await.status, 200);
}

/// Whoever stole a password signed in until every seat but the owner's was theirs, called each of
/// those devices trusted, and was then handed a ticket that ended the owner's session.
#[tokio::test]
async fn given_a_thief_who_called_all_their_devices_trusted_when_full_then_the_owner_is_not_listed()
{
    let mut policy = policy(3, Overflow::EvictLeastRecent);
    policy.terms.protect_trusted_for = 10 * MINUTE;
    let desk = desk_with(policy).await;
    let trusting = async || {
        let (token, id) = desk.sign_in("alice").await;
        let path = "/me/devices/current/trust";
        let call = desk.call(http::Method::POST, path).bearer(&token);
        assert_eq!(call.send().await.json["trusted"], true);
        (token, id)
    };
    let (owner, owners) = trusting().await;
    desk.clock.pass(10 * MINUTE);
    let (_, first) = trusting().await;
    let (_, second) = trusting().await;

    let refused = sign_in(&desk, json!({"subject": "alice"})).await;
    let ending =
        |id: &str| json!({"subject": "alice", "choice": refused.word("/choice"), "end": [id]});
    let again = sign_in(&desk, ending(&owners)).await;
    let own = sign_in(&desk, ending(&first)).await;

    for refused in [&refused, &again] {
        refused.assert_problem(409, "session-limit");
        let listed = refused.json["sessions"]
            .as_array()
            .expect("there is a list");
        let listed: Vec<_> = listed.iter().map(|s| s["id"].as_str()).collect();
        assert_eq!(listed, [Some(&*first), Some(&*second)]);
    }
    assert_eq!(own.status, 201, "{}", own.text);
    assert_eq!(desk.check(&owner).await.status, 200);
}

#[tokio::test]
async fn s8_given_a_changed_credential_when_a_ticket_from_before_comes_then_it_is_412() {
    let desk = asking().await;
    let (_, id) = desk.sign_in("alice").await;
    let refused = sign_in(&desk, json!({"subject": "alice"})).await;
    let path = "/v1/subjects/alice/credential-changed";
    assert_eq!(desk.post(path, json!({})).await.status, 200);

    let body = json!({"subject": "alice", "choice": refused.word("/choice"), "end": [id]});
    let stale = sign_in(&desk, body).await;

    stale.assert_problem(412, "stale-generation");
    assert_eq!(desk.live("alice").await, 0);
}

#[tokio::test]
async fn given_classes_with_limits_of_their_own_when_full_then_each_is_counted_apart() {
    let mut by_class = policy(1, Overflow::Refuse);
    by_class.rules.push(Rule {
        when: Condition {
            classes: vec![SessionClass::Machine],
            ..Condition::default()
        },
        set: Setting {
            max_sessions: SessionLimit::new(2),
            ..Setting::default()
        },
        ..Rule::default()
    });
    let desk = desk_with(by_class).await;
    let machine = json!({"subject": "alice", "class": "machine"});
    let acting = json!({"subject": "alice", "class": "impersonation", "actor": "support-7"});
    let person = json!({"subject": "alice"});

    for body in [&machine, &machine, &acting, &person] {
        let answer = sign_in(&desk, body.clone()).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
    }

    for (body, max) in [(machine, 2), (acting, 1), (person, 1)] {
        let full = sign_in(&desk, body.clone()).await;
        full.assert_problem(409, "session-limit");
        assert_eq!(full.json["limit"]["max"], max);
        assert_eq!(full.json["sessions"].as_array().map(Vec::len), Some(max));
    }
    assert_eq!(desk.live("alice").await, 4);
}

#[tokio::test]
async fn given_somebody_who_acts_as_alice_when_she_looks_then_she_sees_who() {
    let desk = desk().await;
    let (token, _) = desk.sign_in("alice").await;
    let body = json!({"subject": "alice", "class": "impersonation", "actor": "support-7"});
    let acting = sign_in(&desk, body).await;

    let call = desk.call(http::Method::GET, "/me/sessions").bearer(&token);
    let seen = call.send().await;
    let checked = desk.check(acting.word("/token")).await;

    let actors: Vec<_> = seen.json["sessions"]
        .as_array()
        .expect("there is a list")
        .iter()
        .map(|s| s.get("actor").cloned())
        .collect();
    assert_eq!(actors, [Some(json!("support-7")), None]);
    assert_eq!(checked.json["session"]["actor"], "support-7");
    assert_eq!(checked.json["subject"], "alice");
}

/// What was proved is in the ticket. Whoever says it again could believe that the new word holds.
#[tokio::test]
async fn given_a_ticket_when_sent_with_a_sign_in_of_its_own_then_the_member_is_refused() {
    let desk = asking().await;
    let (_, id) = desk.sign_in("alice").await;
    let refused = sign_in(&desk, json!({"subject": "alice"})).await;
    let ticket = refused.word("/choice").to_owned();
    let body = json!({"subject": "alice", "end": [id], "choice": ticket});
    for (field, value) in [
        ("client", json!("web")),
        ("class", json!("machine")),
        ("generation", json!(1)),
        ("methods", json!(["pwd"])),
        ("assurance", json!(2)),
        ("authenticated_at", json!("2026-11-22T00:00:00.000Z")),
        ("device_token", json!("ikd_x")),
        ("user_agent", json!("curl")),
        ("ip", json!("203.0.113.7")),
        ("groups", json!(["staff"])),
        ("contact", json!({"email": "a@example.org"})),
        ("attributes", json!({"a": 1})),
        ("remember", json!(true)),
    ] {
        let mut body = body.clone();
        body[field] = value;
        sign_in(&desk, body).await.assert_invalid(field);
    }

    assert_eq!(sign_in(&desk, body).await.status, StatusCode::CREATED);
}
