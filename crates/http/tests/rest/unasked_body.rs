//! A body where none is asked for: it is taken or refused, and never passed over.

use http::{Method, StatusCode};
use innkeeper_api::NULL_REFUSED;
use innkeeper_engine::keys::KeyScope;
use serde_json::{Value, json};

use crate::every_route::routes;
use crate::published;
use crate::support::{Desk, MINUTE, desk};

/// Every call that changes something, with the body that it asks for.
async fn changes(desk: &Desk) -> Vec<(Method, String, Value)> {
    let table = routes(desk).await.into_iter();
    let table = table.filter(|route| route.method != Method::GET);
    let mut calls: Vec<_> = table
        .map(|route| {
            let body = route.body.unwrap_or_else(|| json!({}));
            (route.method, route.path, body)
        })
        .collect();
    let devices = desk.get("/v1/subjects/alice/devices").await;
    let id = devices.word("/devices/0/id");
    let one = format!("/v1/subjects/alice/devices/{id}");
    let named = json!({"name": "Kitchen"});
    calls.extend([
        (Method::PATCH, one.clone(), named),
        (Method::POST, format!("{one}/trust"), json!({})),
        (Method::DELETE, format!("{one}/trust"), json!({})),
        (Method::DELETE, one, json!({})),
        (Method::DELETE, format!("/v1/devices/{id}"), json!({})),
    ]);
    calls
}

/// A story of a tenant that nobody read: `DELETE /v1/subjects/alice/sessions` with the tenant
/// `acme` in its body was answered 200, and had ended the sessions of alice in `default`.
#[tokio::test]
async fn s14_given_a_tenant_in_the_body_when_anything_is_changed_then_it_is_that_tenant() {
    let desk = desk().await;
    let (token, _) = desk.sign_in("bob").await;
    let key = desk.key(&[KeyScope::Admin], Some("default")).await;
    for (method, path, mut body) in changes(&desk).await {
        body["tenant"] = json!("acme");
        let call = desk.call(method.clone(), &path).bearer(&key);
        let answer = call.json(&body).send().await;

        // The policy is that of all tenants, and names none.
        if path.starts_with("/v1/policy") {
            answer.assert_invalid("tenant");
        } else {
            assert_eq!(answer.status, 403, "{method} {path}: {}", answer.text);
        }
    }
    assert_eq!(desk.live("alice").await, 1, "nothing was done");

    let elsewhere = desk.call(Method::DELETE, "/v1/subjects/bob/sessions");
    let elsewhere = elsewhere
        .bearer(&desk.admin)
        .json(&json!({"tenant": "acme"}))
        .send()
        .await;
    assert_eq!(elsewhere.json, json!({"ended": 0}));
    assert_eq!(desk.check(&token).await.status, StatusCode::OK);
}

#[tokio::test]
async fn given_an_unknown_member_when_anything_is_changed_then_it_is_422_with_the_member() {
    let desk = desk().await;
    for (method, path, mut body) in changes(&desk).await {
        body["nope"] = json!(1);
        let call = desk.call(method, &path).bearer(&desk.admin);

        call.json(&body).send().await.assert_invalid("nope");
    }
    assert_eq!(desk.live("alice").await, 1, "nothing was done");
}

#[tokio::test]
async fn given_a_body_when_an_own_call_takes_none_then_it_is_422_and_nothing_changes() {
    let desk = desk().await;
    let (token, id) = desk.sign_in("alice").await;
    for (method, path) in [
        (Method::DELETE, "/me/sessions"),
        (Method::DELETE, &format!("/me/sessions/{id}")),
        (Method::POST, "/me/devices/current/trust"),
        (Method::DELETE, "/me/devices/dev_x"),
        (Method::POST, "/me/logout"),
    ] {
        for member in ["tenant", "nope"] {
            let call = desk.call(method.clone(), path).bearer(&token);
            let body = json!({member: "acme"});
            call.json(&body).send().await.assert_invalid(member);
        }
    }
    assert_eq!(desk.live("alice").await, 1, "nothing was done");

    // A form without fields is sent with a type and nothing in it.
    let form = desk.call(Method::POST, "/me/logout").bearer(&token);
    assert_eq!(form.form("").send().await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn given_a_session_to_spare_in_the_body_when_the_others_are_ended_then_it_lives_on() {
    let desk = desk().await;
    let (kept, id) = desk.sign_in("alice").await;
    let (other, _) = desk.sign_in("alice").await;

    let call = desk.call(Method::DELETE, "/v1/subjects/alice/sessions");
    let call = call.bearer(&desk.admin).json(&json!({"except": id}));
    let answer = call.send().await;

    assert_eq!(answer.json, json!({"ended": 1}));
    assert_eq!(desk.check(&kept).await.status, StatusCode::OK);
    desk.check(&other).await.assert_problem(401, "no-session");
}

/// A script whose variable was empty sent `"except": null`, and all sessions ended, its own too.
#[tokio::test]
async fn given_null_for_what_narrows_or_spares_when_sessions_are_ended_then_it_is_422_and_none_ends()
 {
    let desk = desk().await;
    let _ = desk.sign_in("alice").await;
    let own = "/v1/subjects/alice";
    for (method, path, body, field) in [
        (
            Method::DELETE,
            format!("{own}/sessions"),
            json!({"except": null}),
            "except",
        ),
        (
            Method::DELETE,
            format!("{own}/sessions"),
            json!({"tenant": null}),
            "tenant",
        ),
        (
            Method::DELETE,
            own.to_owned(),
            json!({"tenant": null}),
            "tenant",
        ),
        (
            Method::POST,
            "/v1/revocations".to_owned(),
            json!({"filter": {"subject": null, "class": "interactive"}}),
            "filter.subject",
        ),
        (
            Method::POST,
            "/v1/revocations".to_owned(),
            json!({"filter": null, "all": true}),
            "filter",
        ),
    ] {
        let call = desk.call(method, &path).bearer(&desk.admin);
        call.json(&body).send().await.assert_invalid(field);
    }
    assert_eq!(desk.live("alice").await, 1, "nothing was done");
}

/// All that says whom an order ends, as it is published.
#[tokio::test]
async fn given_null_for_whom_an_order_ends_when_it_is_given_then_it_is_422_with_the_member() {
    let desk = desk().await;
    let mut tried = 0;
    for (method, path, body) in changes(&desk).await {
        let Some(schema) = published::request_schema(&method, &path) else {
            continue;
        };
        if schema.get(NULL_REFUSED).is_none() {
            continue;
        }
        let members = schema["properties"].as_object().into_iter().flatten();
        for (name, _) in members {
            let mut body = body.clone();
            body[name] = Value::Null;
            let call = desk.call(method.clone(), &path).bearer(&desk.admin);

            call.json(&body).send().await.assert_invalid(name);
            tried += 1;
        }
    }
    assert!(tried > 12, "{tried} members");
    assert_eq!(desk.live("alice").await, 1, "nothing was done");
}

#[tokio::test]
async fn given_a_body_when_something_is_only_shown_then_it_is_422_since_nobody_would_read_it() {
    let desk = desk().await;
    let table = routes(&desk).await.into_iter();
    for route in table.filter(|route| route.method == Method::GET) {
        let call = desk.call(Method::GET, &route.path).bearer(&desk.admin);
        let answer = call.json(&json!({"tenant": "acme"})).send().await;

        assert_eq!(answer.status, 422, "{}: {}", route.path, answer.text);
    }
}

/// The call was made once to see who asked, and was a sign of life though it was refused.
#[tokio::test]
async fn given_a_body_when_the_own_session_is_shown_then_the_refusal_is_no_sign_of_life() {
    let desk = desk().await;
    let (token, _) = desk.sign_in("alice").await;
    let seen = desk
        .check(&token)
        .await
        .word("/session/last_seen_at")
        .to_owned();
    desk.clock.pass(MINUTE);

    for path in ["/me", "/me/sessions", "/me/devices"] {
        let call = desk.call(Method::GET, path).bearer(&token);
        call.json(&json!({"tenant": "acme"}))
            .send()
            .await
            .assert_invalid("");
        let call = desk.call(Method::GET, path).bearer(&token);
        call.pieces(&["", "{}"]).send().await.assert_invalid("");
    }

    let page = desk.get("/v1/subjects/alice/sessions").await;
    assert_eq!(page.word("/sessions/0/last_seen_at"), seen);
    for pieces in [&[][..], &[""]] {
        let call = desk.call(Method::GET, "/me").bearer(&token).pieces(pieces);
        assert_eq!(call.send().await.status, StatusCode::OK, "it was empty");
    }
    let page = desk.get("/v1/subjects/alice/sessions").await;
    assert_ne!(page.word("/sessions/0/last_seen_at"), seen);
}

/// Whoever had no key at all was told about the body, and had it read.
#[tokio::test]
async fn given_a_body_and_no_proof_when_something_is_only_shown_then_it_is_refused_as_without_one()
{
    let desk = desk().await;
    let scopeless = desk.key(&[], None).await;
    let table = routes(&desk).await.into_iter();
    for route in table.filter(|route| route.method == Method::GET) {
        for key in [None, Some("ikk_wrong"), Some(scopeless.as_str())] {
            let call = || {
                let call = desk.call(Method::GET, &route.path);
                match key {
                    Some(key) => call.bearer(key),
                    None => call,
                }
            };
            let without = call().send().await;
            let with = call().json(&json!({"tenant": "acme"})).send().await;
            let unread = call().unread().send().await;

            let expected = match without.status.as_u16() {
                refused @ (400 | 401 | 403) => refused,
                _ => 422,
            };
            assert_eq!(
                with.status, expected,
                "{} {key:?}: {}",
                route.path, with.text
            );
            assert!(with.status == 422 || with.json["code"] == without.json["code"]);
            assert_eq!(unread.status, expected, "{} {key:?}", route.path);
        }
    }
}
