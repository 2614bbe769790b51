//! `rotate`, `reauthenticated` and `credential-changed`.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{MINUTE, SESSION, desk};

#[tokio::test]
async fn s9_given_a_token_when_rotated_then_the_answer_brings_the_next_and_repeats_it() {
    let desk = desk().await;
    let (token, id) = desk.sign_in("alice").await;

    let answer = desk
        .post("/v1/sessions/rotate", json!({"token": token}))
        .await;

    assert_eq!(answer.status, StatusCode::OK);
    answer.assert_members("", &["token", "session"]);
    answer.assert_members("/session", &SESSION);
    assert_eq!(answer.json["session"]["id"], id);
    assert_eq!(answer.json["session"]["current"], true);
    let again = desk
        .post("/v1/sessions/rotate", json!({"token": token}))
        .await;
    assert_eq!(again.json["token"], answer.json["token"]);
    assert_eq!(desk.check(answer.word("/token")).await.status, 200);
    desk.clock.pass(MINUTE);
    let late = desk
        .post("/v1/sessions/rotate", json!({"token": token}))
        .await;
    late.assert_problem(401, "no-session");
    assert_eq!(late.json["reason"], "reuse_detected");
}

#[tokio::test]
async fn s8_given_a_proof_of_identity_when_told_then_the_session_is_raised_under_a_new_token() {
    let desk = desk().await;
    let (token, _) = desk.sign_in("alice").await;
    desk.clock.pass(MINUTE);
    let proof = json!({"token": token, "methods": ["pwd", "hwk"], "assurance": 3});

    let answer = desk
        .post("/v1/sessions/reauthenticated", proof.clone())
        .await;

    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.assert_members("", &["token", "session"]);
    let session = &answer.json["session"];
    assert_eq!(session["assurance"], 3);
    assert_eq!(session["methods"], json!(["pwd", "hwk"]));
    assert_eq!(session["authenticated_at"], "2027-01-15T08:01:00.000Z");
    assert_eq!(session["expires_at"], "2027-01-15T20:01:00.000Z");
    let old = desk.check(&token).await;
    old.assert_problem(401, "no-session");
    assert_eq!(old.json["reason"], "unknown");
    let again = desk.post("/v1/sessions/reauthenticated", proof).await;
    assert_eq!(again.json["token"], answer.json["token"]);
    assert_eq!(desk.check(answer.word("/token")).await.status, 200);

    for (member, value) in [
        ("methods", Value::Null),
        ("methods", json!(["a\0"])),
        ("assurance", json!("3")),
    ] {
        let mut proof = json!({"token": token, "methods": ["pwd"], "assurance": 3});
        proof[member] = value;
        let answer = desk.post("/v1/sessions/reauthenticated", proof).await;
        answer.assert_problem(422, "invalid-request");
    }
    let bare = desk.post("/v1/sessions/reauthenticated", json!({"token": token}));
    bare.await.assert_invalid("methods");
}

#[tokio::test]
async fn given_a_token_that_fails_when_a_new_one_is_asked_for_then_it_is_401_no_session() {
    let desk = desk().await;
    let body = json!({"subject": "alice", "tenant": "acme"});
    let there = desk.post("/v1/sessions", body).await;
    let (ended, id) = desk.sign_in("alice").await;
    let _ = desk.delete(&format!("/v1/sessions/{id}")).await;
    for (token, reason) in [
        ("rubbish", "unknown"),
        (there.word("/token"), "unknown"),
        (&ended, "revoked_by_admin"),
    ] {
        for path in ["/v1/sessions/rotate", "/v1/sessions/reauthenticated"] {
            let mut body = json!({"token": token});
            if path.ends_with("reauthenticated") {
                body["methods"] = json!(["pwd"]);
                body["assurance"] = json!(1);
            }
            let answer = desk.post(path, body).await;
            answer.assert_problem(401, "no-session");
            assert_eq!(answer.json["reason"], reason);
        }
    }
}

#[tokio::test]
async fn s8_given_a_changed_credential_when_told_then_all_end_but_the_kept_one() {
    let desk = desk().await;
    let (mine, id) = desk.sign_in("alice").await;
    let (other, _) = desk.sign_in("alice").await;
    let path = "/v1/subjects/alice/credential-changed";

    let answer = desk.post(path, json!({"keep": mine})).await;

    assert_eq!(answer.status, StatusCode::OK);
    answer.assert_members("", &["ended", "token", "session"]);
    answer.assert_members("/session", &SESSION);
    assert_eq!(answer.json["ended"], 1);
    assert_eq!(answer.json["session"]["id"], id);
    let checked = desk.check(&other).await;
    assert_eq!(checked.json["reason"], "credential_change");
    let again = desk.post(path, json!({"keep": mine})).await;
    assert_eq!(again.json["token"], answer.json["token"]);
    assert_eq!(again.json["ended"], 0);
    assert_eq!(desk.check(answer.word("/token")).await.status, 200);

    desk.post(path, json!({"keep": "x"}))
        .await
        .assert_invalid("keep");
    let bodiless = desk
        .call(Method::POST, path)
        .bearer(&desk.admin)
        .send()
        .await;
    assert_eq!(
        bodiless.json,
        json!({"ended": 1}),
        "and no token, no session"
    );
    assert_eq!(desk.live("alice").await, 0);
}

/// A session of level 3 to whose holder a password alone was believed: told as a proof, it made
/// the hardware key fresh, and both timeouts began anew.
#[tokio::test]
async fn given_a_strong_session_when_less_is_proved_then_what_was_strong_is_no_fresher_by_it() {
    let desk = desk().await;
    let body = json!({"subject": "alice", "methods": ["hwk", "pin"], "assurance": 3});
    let opened = desk.post("/v1/sessions", body).await;
    desk.clock.pass(MINUTE);
    let weak = json!({"token": opened.word("/token"), "methods": ["pwd"], "assurance": 1});

    let answer = desk.post("/v1/sessions/reauthenticated", weak).await;

    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let session = &answer.json["session"];
    assert_eq!(session["assurance"], 3);
    for member in ["authenticated_at", "expires_at"] {
        assert_eq!(session[member], opened.json["session"][member], "{member}");
    }
    let token = answer.word("/token");
    for (assurance, status) in [(3, 403), (2, 403), (1, 200), (0, 200)] {
        let demand = json!({"token": token, "assurance": assurance, "max_age": 5});
        let checked = desk.post("/v1/check", demand).await;
        assert_eq!(checked.status, status, "level {assurance}");
    }
    let active = desk.call(Method::POST, "/oauth/introspect");
    let active = active.bearer(&desk.admin).form(&format!("token={token}"));
    let active = active.send().await;
    assert_eq!(active.json["acr"], "3");
    assert_eq!(active.json["auth_time"], 1_800_000_000);
}

#[tokio::test]
async fn given_no_proof_when_it_is_told_as_one_then_it_is_422_and_renews_nothing() {
    let desk = desk().await;
    let (token, _) = desk.sign_in("alice").await;
    for (methods, assurance, field) in [
        (json!(["pwd"]), 0, "assurance"),
        (json!([]), 1, "methods"),
        (json!([]), 0, "methods"),
    ] {
        let body = json!({"token": token, "methods": methods, "assurance": assurance});
        let answer = desk.post("/v1/sessions/reauthenticated", body).await;
        answer.assert_invalid(field);
    }
    assert_eq!(desk.check(&token).await.status, 200, "and nothing changed");
}

/// Whoever had a copy of the token before the second factor named it as the one to keep, and was
/// handed the token that the second factor was given for.
#[tokio::test]
async fn s9_given_a_token_that_a_second_factor_replaced_when_it_is_to_be_kept_then_all_end() {
    let desk = desk().await;
    let (copy, _) = desk.sign_in("alice").await;
    let proof = json!({"token": copy, "methods": ["otp"], "assurance": 2});
    let raised = desk.post("/v1/sessions/reauthenticated", proof).await;

    let path = "/v1/subjects/alice/credential-changed";
    let answer = desk.post(path, json!({"keep": copy})).await;

    assert_eq!(answer.json, json!({"ended": 1}), "and no token, no session");
    let checked = desk.check(raised.word("/token")).await;
    assert_eq!(checked.json["reason"], "credential_change");
}
