//! `POST /v1/check`.

use http::{Method, StatusCode};
use innkeeper_domain::policy::Overflow;
use innkeeper_engine::keys::KeyScope;
use serde_json::{Value, json};

use crate::support::{MINUTE, SESSION, desk, desk_with, is_moment, policy};

#[tokio::test]
async fn given_a_good_token_when_checked_then_the_answer_has_the_members_of_the_contract() {
    let desk = desk().await;
    let (token, id) = desk.sign_in("alice").await;
    desk.clock.pass(MINUTE);
    let asked = json!({
        "token": token, "device_token": "ikd_x", "ip": "203.0.113.9", "user_agent": "Lynx",
        "subject": "alice", "assurance": 0, "max_age": 900, "passive": false,
    });

    let answer = desk.post("/v1/check", asked).await;

    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.assert_members("", &["subject", "tenant", "session", "rotated"]);
    answer.assert_members("/session", &SESSION);
    assert_eq!(answer.json["subject"], "alice");
    assert_eq!(answer.json["tenant"], "default");
    assert_eq!(answer.json["session"]["id"], id);
    assert_eq!(answer.json["session"]["current"], true);
    assert_eq!(answer.json["rotated"], Value::Null);
    let seen = answer.word("/session/last_seen_at");
    assert_eq!(seen, "2027-01-15T08:01:00.000Z");
}

#[tokio::test]
async fn given_a_passive_check_when_answered_then_it_is_no_sign_of_life() {
    let desk = desk().await;
    let (token, _) = desk.sign_in("alice").await;
    desk.clock.pass(20 * MINUTE);
    let passive = json!({"token": token, "passive": true});
    let answer = desk.post("/v1/check", passive.clone()).await;
    let seen = answer.word("/session/last_seen_at");
    assert_eq!(seen, "2027-01-15T08:00:00.000Z");

    desk.clock.pass(10 * MINUTE);

    let answer = desk.post("/v1/check", passive).await;
    answer.assert_problem(401, "no-session");
    assert_eq!(answer.json["reason"], "idle");
    assert_eq!(answer.json["ended_by"], "policy");
    assert_eq!(answer.json["ended_at"], "2027-01-15T08:30:00.000Z");
}

#[tokio::test]
async fn given_a_token_that_fails_when_checked_then_only_the_holder_of_a_once_good_one_is_told() {
    let desk = desk().await;
    let (token, id) = desk.sign_in("alice").await;
    let (other, _) = desk.sign_in("bob").await;
    let _ = desk.delete(&format!("/v1/sessions/{id}")).await;

    let told = desk.check(&token).await;

    told.assert_problem(401, "no-session");
    assert_eq!(
        told.header("www-authenticate"),
        Some(r#"Bearer realm="innkeeper", error="invalid_token""#)
    );
    let named = [
        "type", "title", "status", "code", "reason", "ended_at", "ended_by",
    ];
    told.assert_members("", &named);
    assert_eq!(told.json["reason"], "revoked_by_admin");
    assert_eq!(told.json["ended_by"], "admin");
    assert!(is_moment(told.word("/ended_at")));

    // The tag of one with the secret of the other is not a token, whatever its checksum says.
    let mut damaged = token.clone().into_bytes();
    damaged[60] = if damaged[60] == b'A' { b'B' } else { b'A' };
    let damaged = String::from_utf8(damaged).expect("it is ASCII");
    let foreign = crate::support::desk().await.sign_in("alice").await.0;
    let moved = format!("ikk_{}", &other[3..]);
    for text in [
        "",
        "ik_",
        "x",
        &id,
        &damaged,
        &foreign,
        &moved,
        &"A".repeat(2048),
    ] {
        let untold = desk.check(text).await;
        untold.assert_problem(401, "no-session");
        untold.assert_members("", &["type", "title", "status", "code", "reason"]);
        assert_eq!(untold.json["reason"], "unknown");
    }
    assert_eq!(desk.check(&other).await.status, StatusCode::OK);
}

/// S14: a token of another tenant is unknown here.
#[tokio::test]
async fn s14_given_a_token_of_another_tenant_when_checked_then_it_is_unknown() {
    let desk = desk().await;
    let body = json!({"subject": "alice", "tenant": "acme"});
    let there = desk.post("/v1/sessions", body).await;
    let token = there.word("/token");

    let answer = desk.check(token).await;

    answer.assert_problem(401, "no-session");
    assert_eq!(answer.json["reason"], "unknown");
    let right = desk
        .post("/v1/check", json!({"token": token, "tenant": "acme"}))
        .await;
    assert_eq!(right.json["tenant"], "acme");
}

#[tokio::test]
async fn given_a_demand_that_is_not_met_when_checked_then_it_is_403_with_what_is_asked() {
    let desk = desk().await;
    let body = json!({"subject": "alice", "assurance": 1});
    let token = desk
        .post("/v1/sessions", body)
        .await
        .word("/token")
        .to_owned();
    desk.clock.pass(20 * MINUTE);

    let wrong = json!({"token": token, "subject": "bob"});
    let wrong = desk.post("/v1/check", wrong).await;
    wrong.assert_problem(403, "wrong-subject");
    assert!(
        !wrong.text.contains("alice"),
        "it does not say whose it is (S5)"
    );

    let weak = json!({"token": token, "assurance": 2});
    let weak = desk.post("/v1/check", weak).await;
    weak.assert_problem(403, "step-up-required");
    assert_eq!(weak.json["assurance"], 2);
    let old = json!({"token": token, "assurance": 1, "max_age": 900});
    let old = desk.post("/v1/check", old).await;
    old.assert_problem(403, "step-up-required");
    assert_eq!(
        (&old.json["assurance"], &old.json["max_age"]),
        (&json!(1), &json!(900))
    );
}

#[tokio::test]
async fn given_an_unfit_member_when_checked_then_it_is_422() {
    let desk = desk().await;
    let (token, _) = desk.sign_in("alice").await;
    for (member, value) in [
        ("token", json!(7)),
        ("token", json!("a".repeat(2049))),
        ("device_token", json!("a".repeat(2049))),
        ("ip", json!("here")),
        ("user_agent", json!("a".repeat(1025))),
        ("subject", json!("a\0b")),
        ("assurance", json!(-1)),
        ("max_age", json!("900")),
        ("passive", json!(1)),
    ] {
        let mut body = json!({"token": token});
        body[member] = value;
        desk.post("/v1/check", body).await.assert_invalid(member);
    }
    desk.post("/v1/check", json!({}))
        .await
        .assert_invalid("token");
}

/// S9: a token that is due gets its successor at the check, and both are good for a while.
#[tokio::test]
async fn s9_given_a_token_that_is_due_when_checked_then_the_answer_brings_the_next() {
    let mut rotating = policy(5, Overflow::EvictOldest);
    rotating.terms.rotate_every = Some(10 * MINUTE);
    let desk = desk_with(rotating).await;
    let (token, _) = desk.sign_in("alice").await;
    desk.clock.pass(10 * MINUTE);

    let answer = desk.check(&token).await;

    let next = answer.word("/rotated").to_owned();
    assert_ne!(next, token);
    assert_eq!(desk.check(&token).await.word("/rotated"), next);
    assert_eq!(desk.check(&next).await.json["rotated"], Value::Null);
    desk.clock.pass(MINUTE);
    let reused = desk.check(&token).await;
    assert_eq!(reused.json["reason"], "reuse_detected");
    assert_eq!(reused.json["ended_by"], "system");
    assert_eq!(desk.check(&next).await.json["reason"], "reuse_detected");
}

#[tokio::test]
async fn given_a_batch_when_checked_then_each_result_is_what_the_single_call_answers() {
    let desk = desk().await;
    let (good, _) = desk.sign_in("alice").await;
    let (ended, id) = desk.sign_in("bob").await;
    assert_eq!(desk.delete(&format!("/v1/sessions/{id}")).await.status, 204);
    let checks = [
        json!({"token": good, "passive": true}),
        json!({"token": ended}),
        json!({"token": "ik_nothing"}),
        json!({"token": good, "subject": "bob"}),
        json!({"token": good, "assurance": 3}),
        json!({"token": good, "subject": ""}),
        json!({"token": good, "tenant": "acme", "passive": true}),
        json!({"token": "a".repeat(2049)}),
        json!({"token": good, "user_agent": "a".repeat(1025)}),
        json!({"token": good, "passive": 1}),
        json!({"tokn": good}),
        json!({"token": good, "tenant": ""}),
        json!({}),
    ];

    let batch = desk
        .post("/v1/check/batch", json!({"checks": checks}))
        .await;

    assert_eq!(batch.status, 200, "{}", batch.text);
    let results = batch.json["results"].as_array().expect("there is a list");
    assert_eq!(results.len(), checks.len());
    for (check, result) in checks.iter().zip(results) {
        let mut alone = desk.post("/v1/check", check.clone()).await;
        alone.json["status"] = json!(alone.status.as_u16());
        assert_eq!(result, &alone.json, "{check}");
    }
    let statuses: Vec<_> = results.iter().map(|r| r["status"].as_u64()).collect();
    let expected = [
        200, 401, 401, 403, 403, 422, 401, 422, 422, 422, 422, 422, 422,
    ];
    assert_eq!(statuses, expected.map(Some));
}

#[tokio::test]
async fn given_a_batch_of_none_when_checked_then_there_is_no_result_and_no_fault() {
    // Whoever has no socket open today should not have to write a case for it.
    let desk = desk().await;

    let batch = desk.post("/v1/check/batch", json!({"checks": []})).await;

    assert_eq!(
        (batch.status, &batch.json),
        (StatusCode::OK, &json!({"results": []}))
    );
}

#[tokio::test]
async fn given_a_batch_that_is_unfit_when_checked_then_the_whole_is_422() {
    let desk = desk().await;
    let one = json!({"token": "ik_x"});
    let many = vec![one.clone(); 257];

    desk.post("/v1/check/batch", json!({"checks": many}))
        .await
        .assert_invalid("checks");
    for (body, field) in [
        (json!({"checks": [], "tenant": ""}), "tenant"),
        (json!({"checks": {}}), "checks"),
        (json!({}), "checks"),
        (json!({"checks": [one, "ik_x"]}), "checks[1]"),
        (json!({"checks": [one, null]}), "checks[1]"),
        (json!({"checks": [one], "tenant": ""}), "tenant"),
    ] {
        desk.post("/v1/check/batch", body)
            .await
            .assert_invalid(field);
    }
}

/// S14: a tenant is judged for each check, and the tenant of the whole is that of the others.
#[tokio::test]
async fn s14_given_a_key_of_a_tenant_when_a_batch_names_tenants_then_each_check_is_judged() {
    let desk = desk().await;
    let body = json!({"subject": "alice", "tenant": "acme"});
    let there = desk.post("/v1/sessions", body).await;
    let token = there.word("/token");
    let key = desk.key(&[KeyScope::Check], Some("acme")).await;
    let ask = async |path: &str, body: Value| {
        let call = desk.call(Method::POST, path).bearer(&key).json(&body);
        let answer = call.send().await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let results = answer.json["results"].as_array().expect("there is a list");
        let statuses = results.iter().map(|r| r["status"].as_u64());
        statuses.collect::<Option<Vec<_>>>().expect("each has one")
    };
    let checks = json!([
        {"token": token, "tenant": "acme"},
        {"token": token},
        {"token": token, "tenant": "other"},
    ]);

    let batch = "/v1/check/batch";
    let unnamed = ask(batch, json!({"checks": checks})).await;
    let by_body = ask(batch, json!({"checks": checks, "tenant": "acme"})).await;
    let by_query = ask("/v1/check/batch?tenant=acme", json!({"checks": checks})).await;

    assert_eq!(unnamed, [200, 403, 403]);
    assert_eq!(by_body, [200, 200, 403]);
    assert_eq!(by_query, [200, 200, 403]);
}
