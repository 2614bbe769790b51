//! The user's own calls.

use std::sync::Arc;

use http::{Method, StatusCode};
use innkeeper_http::cookies::SessionCookie;
use innkeeper_http::envelope::enveloped;
use innkeeper_http::layer::Door;
use innkeeper_http::origin::{OriginRule, PublicOrigin};
use innkeeper_http::rest;
use serde_json::{Value, json};

use crate::flaky::Line;
use crate::support::{MINUTE, OURS, SESSION, desk};

const PREFIXES: [&str; 2] = ["", "/_innkeeper"];

#[tokio::test]
async fn given_a_session_when_it_asks_who_it_is_then_it_is_told_by_cookie_and_by_bearer() {
    let desk = desk().await;
    let _ = desk.sign_in("alice").await;
    desk.clock.pass(MINUTE);
    let (token, id) = desk.sign_in("alice").await;
    desk.clock.pass(MINUTE);
    for prefix in PREFIXES {
        let path = format!("{prefix}/me?passive=true");
        for call in [
            desk.call(Method::GET, &path).cookie(&token),
            desk.call(Method::GET, &path).bearer(&token),
        ] {
            let answer = call.send().await;

            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
            answer.assert_members("", &["session", "previous_sign_in", "notices", "time_left"]);
            answer.assert_members("/session", &SESSION);
            assert_eq!(answer.json["session"]["id"], id);
            assert_eq!(answer.json["session"]["current"], true);
            assert_eq!(answer.json["time_left"], 29 * 60);
            assert_eq!(
                answer.word("/previous_sign_in/at"),
                "2027-01-15T08:00:00.000Z"
            );
        }
    }
    let active = desk.call(Method::GET, "/me").bearer(&token).send().await;
    assert_eq!(active.json["time_left"], 30 * 60);
    for query in ["?passive=1", "?passive=true&passive=false", "?x=1"] {
        let call = desk
            .call(Method::GET, &format!("/me{query}"))
            .bearer(&token);
        call.send().await.assert_problem(422, "invalid-request");
    }
}

#[tokio::test]
async fn given_what_happened_since_when_a_session_asks_then_it_is_told_as_long_as_it_stands() {
    let desk = desk().await;
    let (token, _) = desk.sign_in("alice").await;
    let notices = async || {
        let answer = desk.call(Method::GET, "/me").bearer(&token).send().await;
        answer.json["notices"].clone()
    };
    assert_eq!(notices().await, json!([]), "its own device was told of");
    desk.clock.pass(MINUTE);

    let (_, other) = desk.sign_in("alice").await;
    let news = json!(["unseen_device", "concurrent"]);
    assert_eq!(notices().await, news);
    assert_eq!(notices().await, news, "asking takes nothing away");

    let failed = desk.post("/v1/subjects/alice/failures", json!({})).await;
    assert!(failed.status.is_success(), "{}", failed.text);
    let _ = desk.delete(&format!("/v1/sessions/{other}")).await;
    let news = json!(["unseen_device", "failed_sign_ins", "session_ended"]);
    assert_eq!(notices().await, news);
}

#[tokio::test]
async fn given_no_good_token_when_any_own_call_is_made_then_it_is_401_no_session() {
    let desk = desk().await;
    let (token, id) = desk.sign_in("alice").await;
    let _ = desk.delete(&format!("/v1/sessions/{id}")).await;
    for (method, path) in [
        (Method::GET, "/me"),
        (Method::GET, "/me/sessions"),
        (Method::DELETE, "/me/sessions"),
        (Method::DELETE, "/me/sessions/ses_x"),
        (Method::POST, "/me/logout"),
    ] {
        for (credential, reason) in [
            (None, "unknown"),
            (Some("rubbish"), "unknown"),
            (Some(desk.admin.as_str()), "unknown"),
            (Some(token.as_str()), "revoked_by_admin"),
        ] {
            let mut call = desk.call(method.clone(), path);
            if let Some(credential) = credential {
                call = call.bearer(credential);
            }
            let answer = call.send().await;
            answer.assert_problem(401, "no-session");
            assert_eq!(answer.json["reason"], reason);
            let challenge = answer.header("www-authenticate").unwrap_or_default();
            assert!(challenge.starts_with("Bearer "));
        }
    }
}

#[tokio::test]
async fn s5_given_two_credentials_when_any_own_call_is_made_then_it_is_400() {
    let desk = desk().await;
    let (alice, _) = desk.sign_in("alice").await;
    let (bob, _) = desk.sign_in("bob").await;
    let both = format!("__Host-innkeeper={alice}; __Host-innkeeper={bob}");
    for call in [
        desk.call(Method::GET, "/me").header("cookie", &both),
        desk.call(Method::GET, "/me").cookie(&alice).cookie(&alice),
        desk.call(Method::GET, "/me").cookie(&alice).bearer(&bob),
        desk.call(Method::GET, "/me").bearer(&alice).bearer(&bob),
        desk.call(Method::POST, "/me/logout")
            .origin(OURS)
            .cookie(&alice)
            .bearer(&alice),
    ] {
        let answer = call.send().await;
        answer.assert_problem(400, "ambiguous-credentials");
    }
    assert_eq!(desk.live("alice").await, 1);
}

#[tokio::test]
async fn given_a_change_by_cookie_when_the_origin_is_not_ours_then_it_is_403_and_nothing_changes() {
    let desk = desk().await;
    let (token, id) = desk.sign_in("alice").await;
    let _ = desk.sign_in("alice").await;
    for (method, path) in [
        (Method::DELETE, "/me/sessions".to_owned()),
        (Method::DELETE, format!("/me/sessions/{id}")),
        (Method::POST, "/me/logout".to_owned()),
    ] {
        for prefix in PREFIXES {
            let path = format!("{prefix}{path}");
            for origin in [
                None,
                Some("null"),
                Some("https://evil.example"),
                Some("https://app.example.evil.example"),
                Some("http://app.example"),
                Some("https://app.example:8443"),
                Some("HTTPS://APP.EXAMPLE"),
            ] {
                let mut call = desk.call(method.clone(), &path).cookie(&token);
                if let Some(origin) = origin {
                    call = call.origin(origin);
                }
                call.send().await.assert_problem(403, "forbidden");
            }
            let twice = desk.call(method.clone(), &path).cookie(&token);
            let twice = twice.origin(OURS).origin(OURS).send().await;
            twice.assert_problem(403, "forbidden");
        }
    }
    assert_eq!(desk.live("alice").await, 2);
}

#[tokio::test]
async fn given_own_sessions_when_listed_then_the_one_that_asks_is_marked() {
    let desk = desk().await;
    let (_, other) = desk.sign_in("alice").await;
    let (token, id) = desk.sign_in("alice").await;
    let _ = desk.sign_in("bob").await;

    let answer = desk
        .call(Method::GET, "/me/sessions")
        .cookie(&token)
        .send()
        .await;

    answer.assert_members("", &["sessions", "next"]);
    let listed: Vec<_> = answer.json["sessions"]
        .as_array()
        .expect("it is a list")
        .iter()
        .map(|s| (s["id"].clone(), s["current"].clone()))
        .collect();
    assert_eq!(
        listed,
        [(json!(id), json!(true)), (json!(other), json!(false))]
    );
    answer.assert_members("/sessions/0", &SESSION);
    let page = desk
        .call(Method::GET, "/me/sessions?limit=1")
        .bearer(&token);
    assert!(page.send().await.json["next"].is_string());
    for query in ["?tenant=acme", "?limit=0", "?after=x"] {
        let call = desk.call(Method::GET, &format!("/me/sessions{query}"));
        call.bearer(&token)
            .send()
            .await
            .assert_problem(422, "invalid-request");
    }
}

#[tokio::test]
async fn given_own_sessions_when_one_or_all_others_are_ended_then_they_are_ended_by_the_user() {
    let desk = desk().await;
    let (first, id) = desk.sign_in("alice").await;
    let (second, _) = desk.sign_in("alice").await;
    let (token, _) = desk.sign_in("alice").await;
    let path = format!("/me/sessions/{id}");

    let one = desk.call(Method::DELETE, &path).cookie(&token).origin(OURS);
    let one = one.send().await;
    assert_eq!((one.status.as_u16(), one.text.as_str()), (204, ""));
    let again = desk.call(Method::DELETE, &path).bearer(&token).send().await;
    assert_eq!(again.status, 204, "it has ended already");
    let told = desk.check(&first).await;
    assert_eq!(told.json["reason"], "revoked_by_user");
    assert_eq!(told.json["ended_by"], "user");

    let others = desk.call(Method::DELETE, "/me/sessions").bearer(&token);
    assert_eq!(others.send().await.json, json!({"ended": 1}));
    assert_eq!(desk.check(&second).await.json["reason"], "revoked_by_user");
    assert_eq!(desk.check(&token).await.status, StatusCode::OK);

    for query in ["/me/sessions?except=x", &format!("{path}?x=1")] {
        let call = desk.call(Method::DELETE, query).bearer(&token);
        call.send().await.assert_problem(422, "invalid-request");
    }
}

/// S7: another's session, one that never was, and a text that is no id.
#[tokio::test]
async fn s7_given_a_foreign_id_when_its_end_is_asked_for_then_it_looks_like_an_absent_one() {
    let desk = desk().await;
    let (alices, foreign) = desk.sign_in("alice").await;
    let (token, mine) = desk.sign_in("mallory").await;
    let absent = format!("{}AAAAAA", &mine[..mine.len() - 6]);
    let mut bodies = Vec::new();
    for id in [foreign.as_str(), &absent, "ses_x"] {
        let path = format!("/me/sessions/{id}");
        let answer = desk.call(Method::DELETE, &path).bearer(&token).send().await;
        answer.assert_problem(404, "not-found");
        bodies.push(answer.text);
    }

    bodies.dedup();

    assert_eq!(bodies.len(), 1);
    assert_eq!(desk.check(&alices).await.status, StatusCode::OK);
}

#[tokio::test]
async fn given_an_old_authentication_when_others_are_to_end_then_a_step_up_is_asked_for() {
    let desk = desk().await;
    let (_, other) = desk.sign_in("alice").await;
    let (token, mine) = desk.sign_in("alice").await;
    desk.clock.pass(15 * MINUTE);
    let absent = format!("/me/sessions/{}AAAAAA", &mine[..mine.len() - 6]);
    let fresh = desk.call(Method::DELETE, &absent).bearer(&token);
    fresh.send().await.assert_problem(404, "not-found");
    desk.clock.pass(std::time::Duration::from_millis(1));

    for path in ["/me/sessions".to_owned(), format!("/me/sessions/{other}")] {
        let answer = desk.call(Method::DELETE, &path).bearer(&token).send().await;

        answer.assert_problem(401, "step-up-required");
        assert_eq!(answer.json["max_age"], 900);
        assert_eq!(
            answer.header("www-authenticate"),
            Some(
                r#"Bearer realm="innkeeper", error="insufficient_user_authentication", error_description="A fresh or stronger sign-in is needed.", max_age="900""#
            )
        );
    }
    assert_eq!(desk.live("alice").await, 2);
    let own = desk.call(Method::DELETE, &format!("/me/sessions/{mine}"));
    assert_eq!(
        own.bearer(&token).send().await.status,
        204,
        "one's own needs none"
    );
}

#[tokio::test]
async fn given_a_sign_out_when_by_cookie_then_the_cookie_goes_and_nothing_of_the_neighbours() {
    let desk = desk().await;
    let (token, _) = desk.sign_in("alice").await;

    let answer = desk
        .call(Method::POST, "/me/logout")
        .cookie(&token)
        .origin(OURS);
    let answer = answer.send().await;

    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""));
    assert_eq!(
        answer.header("set-cookie"),
        Some("__Host-innkeeper=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0")
    );
    assert_eq!(answer.header("vary"), Some("Cookie"));
    assert_eq!(answer.header("clear-site-data"), None);
    let told = desk.check(&token).await;
    assert_eq!(told.json["reason"], "logout");
    assert_eq!(told.json["ended_by"], "user");

    let (token, _) = desk.sign_in("alice").await;
    let bearer = desk
        .call(Method::POST, "/me/logout")
        .bearer(&token)
        .send()
        .await;
    assert_eq!(bearer.status, 204);
    assert_eq!(bearer.header("set-cookie"), None);
}

/// Never `"cookies"`, which would forget the device and the neighbours' sign-ins; and programs
/// with a bearer token have nothing to clear.
#[tokio::test]
async fn given_a_house_that_clears_storage_when_a_browser_signs_out_then_it_is_told_to() {
    let mut desk = desk().await;
    let door = Door {
        authority: Arc::clone(&desk.authority),
        cookie: SessionCookie::HOST,
        origins: OriginRule::Public(PublicOrigin::parse(OURS).expect("it is an origin")),
        clears_storage: true,
    };
    desk.router = enveloped(rest::router(door));
    let (token, _) = desk.sign_in("alice").await;
    let (other, _) = desk.sign_in("alice").await;

    let out = desk.call(Method::POST, "/me/logout");
    let browser = out.cookie(&token).origin(OURS).send().await;
    let out = desk.call(Method::POST, "/me/logout");
    let program = out.bearer(&other).send().await;

    assert_eq!(browser.header("clear-site-data"), Some(r#""storage""#));
    assert_eq!(program.header("clear-site-data"), None);
}

/// S17: neither a yes nor a sign-out while the store is out of reach.
#[tokio::test]
async fn s17_given_a_store_out_of_reach_when_own_calls_are_made_then_they_are_503() {
    let desk = desk().await;
    let (token, _) = desk.sign_in("alice").await;
    for line in [Line::Dead, Line::OneWay] {
        desk.store.set(line);
        let out = desk
            .call(Method::POST, "/me/logout")
            .cookie(&token)
            .origin(OURS);
        let out = out.send().await;
        out.assert_problem(503, "unavailable");
        assert_eq!(
            out.header("set-cookie"),
            None,
            "the cookie stays to repeat with"
        );
        if line == Line::Dead {
            for path in ["/me", "/me/sessions"] {
                let answer = desk.call(Method::GET, path).bearer(&token).send().await;
                answer.assert_problem(503, "unavailable");
            }
        }
        desk.store.set(Line::Well);
    }
    let answer = desk.call(Method::GET, "/me").bearer(&token).send().await;
    assert_eq!(answer.json["reason"], Value::from("logout"));
}
