//! Introspection and revocation, as RFC 7662 and RFC 7009 have them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use innkeeper_engine::keys::KeyScope;
use serde_json::json;

use crate::flaky::Line;
use crate::support::{Answer, Desk, MINUTE, desk};

const INTROSPECT: &str = "/oauth/introspect";
const REVOKE: &str = "/oauth/revoke";

async fn ask(desk: &Desk, path: &str, token: &str) -> Answer {
    let call = desk.call(Method::POST, path).bearer(&desk.admin);
    call.form(&format!("token={token}")).send().await
}

fn assert_inactive(answer: &Answer) {
    assert_eq!(
        (answer.status, &*answer.text),
        (StatusCode::OK, r#"{"active":false}"#)
    );
}

fn assert_error(answer: &Answer, status: u16, error: &str) {
    let found = (answer.status.as_u16(), answer.word("/error"));
    assert_eq!(found, (status, error), "{}", answer.text);
    answer.assert_members("", &["error", "error_description"]);
}

#[tokio::test]
async fn given_a_live_session_when_introspected_then_every_claim_is_its_own() {
    let desk = desk().await;
    let asked = json!({
        "subject": "alice", "client": "web", "methods": ["pwd", "otp"], "assurance": 2,
    });
    let signed_in = desk.post("/v1/sessions", asked).await;

    let answer = ask(&desk, INTROSPECT, signed_in.word("/token")).await;

    let born = 1_800_000_000;
    let expected = json!({
        "active": true, "sub": "alice", "username": "alice", "client_id": "web",
        "token_type": "Bearer", "exp": born + 30 * 60, "iat": born, "auth_time": born,
        "acr": "2", "amr": ["pwd", "otp"], "sid": signed_in.word("/session/id"),
        "tenant": "default",
    });
    assert_eq!(answer.json, expected);
}

#[tokio::test]
async fn given_a_session_of_which_little_is_known_when_introspected_then_nothing_is_made_up() {
    let desk = desk().await;
    let (token, _) = desk.sign_in("alice").await;

    let answer = ask(&desk, INTROSPECT, &token).await;

    let said = [
        "active",
        "auth_time",
        "exp",
        "iat",
        "sid",
        "sub",
        "tenant",
        "token_type",
        "username",
    ];
    answer.assert_members("", &said);
}

/// RFC 7662, 2.2: the caller learns nothing of why.
#[tokio::test]
async fn given_a_token_that_opens_nothing_when_introspected_then_it_is_exactly_inactive() {
    let desk = desk().await;
    let (token, id) = desk.sign_in("alice").await;
    desk.delete(&format!("/v1/sessions/{id}")).await;
    let (expired, _) = desk.sign_in("bob").await;
    desk.clock.pass(31 * MINUTE);

    for dead in [&token, &expired, &id, &desk.admin, "x", "ik_%F0%9F%98%80"] {
        assert_inactive(&ask(&desk, INTROSPECT, dead).await);
    }
}

/// S14: the session of another tenant looks like none.
#[tokio::test]
async fn s14_given_a_key_of_a_tenant_when_it_asks_about_another_then_the_token_is_inactive() {
    let desk = desk().await;
    let (token, _) = desk.sign_in("alice").await;
    let foreign = desk.key(&[KeyScope::Admin], Some("acme")).await;
    let by = |path: &str| {
        let call = desk.call(Method::POST, path).bearer(&foreign);
        call.form(&format!("token={token}")).send()
    };

    let (asked, revoked) = (by(INTROSPECT).await, by(REVOKE).await);
    let named = by("/oauth/introspect?tenant=default").await;

    assert_inactive(&asked);
    assert_eq!(revoked.status, StatusCode::OK);
    assert_error(&named, 403, "insufficient_scope");
    assert_eq!(desk.live("alice").await, 1);
    let elsewhere = ask(&desk, "/oauth/introspect?tenant=acme", &token).await;
    assert_inactive(&elsewhere);
}

/// Whoever trusts several issuers asks each of them, and tokens of others can be long.
#[tokio::test]
async fn given_a_long_token_of_another_issuer_when_asked_about_then_it_is_inactive_and_published() {
    let desk = desk().await;
    let token = "e".repeat(60 * 1_024);

    assert_inactive(&ask(&desk, INTROSPECT, &token).await);
    assert_eq!(ask(&desk, REVOKE, &token).await.status, StatusCode::OK);

    let form = desk.call(Method::GET, "/openapi.json").send().await.json;
    let length = &form["components"]["schemas"]["TokenForm"]["properties"]["token"];
    assert!(
        length["maxLength"].as_u64() > Some(token.len() as u64),
        "{length}"
    );
}

#[tokio::test]
async fn given_an_introspection_when_the_holder_is_silent_then_it_counts_unless_it_is_passive() {
    let desk = desk().await;
    let (token, _) = desk.sign_in("alice").await;
    desk.clock.pass(20 * MINUTE);
    ask(&desk, INTROSPECT, &token).await;
    desk.clock.pass(20 * MINUTE);

    let passive = ask(&desk, "/oauth/introspect?passive=true", &token).await;
    desk.clock.pass(20 * MINUTE);

    assert_eq!(passive.json["active"], true);
    assert_inactive(&ask(&desk, INTROSPECT, &token).await);
}

#[tokio::test]
async fn given_a_live_session_when_its_token_is_revoked_then_it_ends_by_an_administrator() {
    let desk = desk().await;
    let (token, _) = desk.sign_in("alice").await;

    let answer = ask(&desk, REVOKE, &token).await;

    assert_eq!((answer.status, &*answer.text), (StatusCode::OK, ""));
    let refused = desk.check(&token).await;
    refused.assert_problem(401, "no-session");
    assert_eq!(refused.word("/reason"), "revoked_by_admin");
}

/// RFC 7009, 2.2: what is gone already was revoked well.
#[tokio::test]
async fn given_a_token_that_opens_nothing_when_revoked_then_it_is_200_all_the_same() {
    let desk = desk().await;
    let (token, _) = desk.sign_in("alice").await;
    ask(&desk, REVOKE, &token).await;

    for dead in [&token[..], "ik_x", "x"] {
        assert_eq!(ask(&desk, REVOKE, dead).await.status, StatusCode::OK);
    }
    let of_another_kind = ask(&desk, REVOKE, &desk.admin).await;
    assert_error(&of_another_kind, 400, "unsupported_token_type");
    assert_eq!(desk.authority.keys().len(), 1, "the key still stands");
}

/// RFC 6749, 2.3.1: both halves are encoded as a form would be, before they are joined.
#[tokio::test]
async fn given_the_key_as_basic_password_when_called_then_the_client_is_proved() {
    let desk = desk().await;
    let (token, _) = desk.sign_in("alice").await;
    let by = |text: String| {
        let basic = format!("Basic {}", STANDARD.encode(text));
        let call = desk.call(Method::POST, INTROSPECT);
        let call = call.header("authorization", &basic);
        call.form(&format!("token={token}")).send()
    };
    let encoded = desk.admin.replace('_', "%5F").replace('k', "%6b");

    for password in [&desk.admin, &encoded] {
        let answer = by(format!("shop:{password}")).await;
        assert_eq!(answer.json["active"], true, "{}", answer.text);
    }
    for wrong in [
        format!("shop{}", desk.admin),
        "shop:".into(),
        "shop:%zz".into(),
    ] {
        assert_error(&by(wrong).await, 401, "invalid_client");
    }
}

#[tokio::test]
async fn given_no_leave_when_called_then_the_refusal_is_that_of_oauth_and_says_what_to_send() {
    let desk = desk().await;
    let (token, _) = desk.sign_in("alice").await;
    for (path, scope) in [(INTROSPECT, KeyScope::Manage), (REVOKE, KeyScope::Check)] {
        let form = format!("token={token}");
        let unproved = desk.call(Method::POST, path).form(&form).send().await;
        let by_token = desk.call(Method::POST, path).bearer(&token).form(&form);
        let narrow = desk.key(&[scope], None).await;
        let narrow = desk.call(Method::POST, path).bearer(&narrow).form(&form);

        assert_error(&unproved, 401, "invalid_client");
        let challenges: Vec<_> = unproved
            .headers
            .get_all("www-authenticate")
            .iter()
            .collect();
        assert_eq!(challenges.len(), 2, "bearer and basic");
        assert_error(&by_token.send().await, 401, "invalid_client");
        assert_error(&narrow.send().await, 403, "insufficient_scope");
    }
    assert_eq!(desk.live("alice").await, 1);
}

#[tokio::test]
async fn given_an_unfit_form_when_called_then_it_is_invalid_request() {
    let desk = desk().await;
    let send = |body: &str| {
        let call = desk.call(Method::POST, INTROSPECT).bearer(&desk.admin);
        call.form(body).send()
    };

    for body in [
        "",
        "token=",
        "tokens=x",
        "token=a&token=a",
        "token=%zz",
        "token=%ff",
    ] {
        assert_error(&send(body).await, 400, "invalid_request");
    }
    let json = desk.call(Method::POST, INTROSPECT).bearer(&desk.admin);
    let json = json.json(&json!({"token": "x"})).send().await;
    assert_error(&json, 400, "invalid_request");
    assert_inactive(&send("token=x&colour=red&resource=a&resource=b").await);
}

/// S17: an answer that nobody knows is never `active: false`, nor done.
#[tokio::test]
async fn s17_given_a_store_out_of_reach_when_called_then_it_is_503_with_a_time_to_repeat() {
    for line in [Line::Dead, Line::OneWay] {
        let desk = desk().await;
        let (token, _) = desk.sign_in("alice").await;
        desk.store.set(line);

        let revoked = ask(&desk, REVOKE, &token).await;

        revoked.assert_problem(503, "unavailable");
        assert!(revoked.header("retry-after").is_some());
    }
}
