//! What proxies are told about requests.

use std::collections::BTreeSet;

use http::{Method, StatusCode};
use innkeeper_domain::policy::{BindTo, Overflow};
use innkeeper_engine::keys::KeyScope;
use serde_json::json;

use crate::flaky::Line;
use crate::support::{Answer, Call, Desk, desk, desk_with, policy};

const HEADERS: [&str; 5] = [
    "remote-user",
    "remote-groups",
    "innkeeper-tenant",
    "innkeeper-session",
    "innkeeper-assurance",
];
const HTML: &str = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8";

/// A listed proxy asks about a `GET` of this path, as Caddy does.
fn ask<'d>(desk: &'d Desk, target: &str) -> Call<'d> {
    desk.call(Method::GET, "/forward-auth")
        .brought_by_proxy()
        .header("x-forwarded-method", "GET")
        .header("x-forwarded-uri", target)
}

/// The same, as nginx does.
fn ask_as_nginx<'d>(desk: &'d Desk, target: &str) -> Call<'d> {
    desk.call(Method::GET, "/forward-auth/nginx")
        .brought_by_proxy()
        .header("x-original-method", "GET")
        .header("x-original-uri", target)
}

impl Answer {
    fn assert_allows(&self, user: &str) {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        for name in HEADERS {
            let values: Vec<_> = self.headers.get_all(name).iter().collect();
            assert_eq!(values.len(), 1, "{name} is there once");
        }
        assert_eq!(self.header("remote-user"), Some(user));
        let varies: BTreeSet<_> = self.header("vary").unwrap().split(", ").collect();
        assert_eq!(
            varies,
            BTreeSet::from(["Accept", "Authorization", "Cookie"])
        );
        assert!(self.header("set-cookie").is_none());
        assert_eq!(self.text, "");
    }

    /// Nobody goes on, and nothing is said of anybody.
    fn assert_refuses(&self) {
        assert!(!self.status.is_success(), "{}", self.status);
        for name in HEADERS {
            assert!(self.header(name).is_none(), "{name}");
        }
    }
}

#[tokio::test]
async fn given_a_session_when_a_listed_proxy_asks_then_every_header_names_its_holder() {
    let desk = desk().await;
    let answer = desk.post(
        "/v1/sessions",
        json!({"subject": "zoë", "groups": ["staff", "a,b"], "assurance": 2, "methods": ["pwd"]}),
    );
    let answer = answer.await;
    let (token, id) = (answer.word("/token"), answer.word("/session/id"));

    for call in [ask(&desk, "/x"), ask_as_nginx(&desk, "/x")] {
        let answer = call.cookie(token).send().await;

        let user = answer.headers.get("remote-user").unwrap();
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(user.as_bytes(), "zoë".as_bytes());
        assert_eq!(answer.header("remote-groups"), Some("staff"));
        assert_eq!(answer.header("innkeeper-tenant"), Some("default"));
        assert_eq!(answer.header("innkeeper-session"), Some(id));
        assert_eq!(answer.header("innkeeper-assurance"), Some("2"));
    }
    let by_bearer = ask(&desk, "/x").bearer(token).send().await;
    assert_eq!(by_bearer.header("innkeeper-session"), Some(id));
}

#[tokio::test]
async fn given_any_method_when_asked_with_it_or_about_it_then_the_verdict_is_the_same() {
    let desk = desk().await;
    let (token, _) = desk.sign_in("alice").await;
    for method in [
        "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND",
    ] {
        let call = |with: &str| {
            desk.call(
                Method::from_bytes(with.as_bytes()).unwrap(),
                "/forward-auth",
            )
            .brought_by_proxy()
            .header("x-forwarded-method", method)
            .header("x-forwarded-uri", "/x")
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .header("accept", "*/*")
            .unread()
        };

        for with in [method, "GET"] {
            call(with)
                .cookie(&token)
                .send()
                .await
                .assert_allows("alice");
        }
        // The answer to HEAD has no body to look at.
        let with = if method == "HEAD" { "GET" } else { method };
        let stranger = call(with).send().await;
        stranger.assert_problem(401, "no-session");
        stranger.assert_refuses();
    }
}

#[tokio::test]
async fn given_nobody_when_a_person_would_see_the_page_then_the_way_leads_to_sign_in_and_back() {
    let desk = desk().await;
    let page = "https://app.example/_innkeeper/sign-in?next=%2Fa%3Fb%3D%2F%2Fc";

    let person = ask(&desk, "/a?b=//c").header("accept", HTML).send().await;
    let program = ask(&desk, "/a?b=//c").header("accept", "*/*").send().await;
    let behind_nginx = ask_as_nginx(&desk, "/a?b=//c").header("accept", HTML);
    let behind_nginx = behind_nginx.send().await;
    let program_behind_nginx = ask_as_nginx(&desk, "/a").send().await;

    assert_eq!(person.status, StatusCode::SEE_OTHER);
    assert_eq!(person.header("location"), Some(page));
    program.assert_problem(401, "no-session");
    assert_eq!(program.header("location"), None);
    behind_nginx.assert_problem(401, "no-session");
    assert_eq!(behind_nginx.header("location"), Some(page));
    assert_eq!(program_behind_nginx.header("location"), None);
    for answer in [person, program, behind_nginx, program_behind_nginx] {
        answer.assert_refuses();
        assert!(answer.header("vary").is_some());
    }
}

#[tokio::test]
async fn given_a_session_that_ended_when_asked_then_its_holder_learns_why() {
    let desk = desk_with(policy(1, Overflow::EvictLeastRecent)).await;
    let (token, _) = desk.sign_in("alice").await;
    desk.sign_in("alice").await;

    let program = ask(&desk, "/").cookie(&token).send().await;
    let person = ask(&desk, "/")
        .cookie(&token)
        .header("accept", HTML)
        .send()
        .await;

    program.assert_problem(401, "no-session");
    assert_eq!(program.word("/reason"), "evicted");
    assert_eq!(person.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn given_a_peer_that_is_not_listed_when_it_asks_then_it_is_refused_whatever_it_brings() {
    let desk = desk().await;
    let (token, _) = desk.sign_in("alice").await;
    for (path, method, target) in [
        ("/forward-auth", "x-forwarded-method", "x-forwarded-uri"),
        ("/forward-auth/nginx", "x-original-method", "x-original-uri"),
    ] {
        for about in ["/x", "/static/a.css"] {
            let call = desk.call(Method::GET, path).cookie(&token);
            let call = call.header(method, "GET").header(target, about);

            let answer = call.header("accept", HTML).send().await;

            answer.assert_problem(403, "forbidden");
            assert!(answer.word("/detail").contains("server.trusted_peers"));
            answer.assert_refuses();
        }
    }
}

#[tokio::test]
async fn given_a_proxy_that_does_not_say_what_it_asks_when_it_asks_then_it_is_refused() {
    let desk = desk().await;
    let (token, _) = desk.sign_in("alice").await;
    let bare = |path: &str| {
        let call = desk.call(Method::GET, path).brought_by_proxy();
        call.cookie(&token).header("accept", HTML)
    };
    let mut refused = 0;
    for call in [
        bare("/forward-auth"),
        bare("/forward-auth?uri=/x&method=GET"),
        bare("/forward-auth").header("x-forwarded-uri", "/x"),
        bare("/forward-auth").header("x-forwarded-method", "GET"),
        bare("/forward-auth")
            .header("x-original-method", "GET")
            .header("x-original-uri", "/x"),
        bare("/forward-auth/nginx")
            .header("x-forwarded-method", "GET")
            .header("x-forwarded-uri", "/x"),
        ask(&desk, "/x")
            .header("x-forwarded-uri", "/x")
            .cookie(&token),
        ask(&desk, "/static/a").header("x-forwarded-method", "GET"),
        ask(&desk, "").cookie(&token),
        ask(&desk, "*").cookie(&token),
        ask(&desk, "http://app.example/x").cookie(&token),
        ask(&desk, "/_innkeeper/sign-in?next=/").header("accept", HTML),
        ask(&desk, "/_innkeeper").cookie(&token),
    ] {
        let answer = call.send().await;

        answer.assert_problem(403, "forbidden");
        answer.assert_refuses();
        refused += 1;
    }
    assert_eq!(refused, 13);
}

#[tokio::test]
async fn given_a_public_path_when_asked_then_it_is_open_and_nobody_is_named() {
    let desk = desk().await;
    let (token, _) = desk.sign_in("alice").await;

    ask(&desk, "/static/a.css").send().await.assert_allows("");
    ask(&desk, "/static/a.css?v=/../1")
        .send()
        .await
        .assert_allows("");
    ask(&desk, "/static/a.css")
        .cookie(&token)
        .send()
        .await
        .assert_allows("");
    ask_as_nginx(&desk, "/static/")
        .send()
        .await
        .assert_allows("");
    for target in [
        "/static",
        "/static/../x",
        "/static/%2e%2e/x",
        "/static//x",
        "/static/..;/x",
    ] {
        let answer = ask(&desk, target).send().await;

        answer.assert_problem(401, "no-session");
        let signed_in = ask(&desk, target).cookie(&token).send().await;
        signed_in.assert_allows("alice");
    }
}

#[tokio::test]
async fn given_more_than_one_credential_when_asked_then_none_opens_the_way() {
    let desk = desk().await;
    let (token, _) = desk.sign_in("alice").await;
    let (other, _) = desk.sign_in("bob").await;
    let cookie = |token: &str| format!("__Host-innkeeper={token}");
    for call in [
        ask(&desk, "/").cookie(&token).cookie(&other),
        ask(&desk, "/").cookie(&token).cookie(&token),
        ask(&desk, "/").cookie(&token).cookie(""),
        ask(&desk, "/").header("cookie", &[cookie("x"), cookie(&token)].join("; ")),
        ask(&desk, "/").cookie(&token).bearer(&other),
        ask(&desk, "/").bearer(&token).bearer(&token),
    ] {
        let answer = call.header("accept", HTML).send().await;

        answer.assert_problem(403, "ambiguous-credentials");
        answer.assert_refuses();
    }
}

/// An application behind us may have tokens of its own, in the same header.
#[tokio::test]
async fn given_a_bearer_token_of_the_application_when_asked_then_the_cookie_counts() {
    let desk = desk().await;
    let (token, _) = desk.sign_in("alice").await;
    let key = desk.key(&[KeyScope::Admin], None).await;

    let with_cookie = ask(&desk, "/")
        .cookie(&token)
        .bearer("eyJhbGciOiJub25lIn0.e30.");
    let alone = ask(&desk, "/").bearer("eyJhbGciOiJub25lIn0.e30.");

    with_cookie.send().await.assert_allows("alice");
    alone.send().await.assert_problem(401, "no-session");
    let by_key = ask(&desk, "/").bearer(&key).send().await;
    by_key.assert_problem(401, "no-session");
}

#[tokio::test]
async fn given_a_session_of_another_tenant_when_asked_then_it_opens_nothing() {
    let desk = desk().await;
    let body = json!({"subject": "alice", "tenant": "other"});
    let answer = desk.post("/v1/sessions", body).await;
    let token = answer.word("/token");

    let answer = ask(&desk, "/").cookie(token).send().await;

    answer.assert_problem(401, "no-session");
    answer.assert_refuses();
}

#[tokio::test]
async fn given_a_name_that_no_header_carries_when_asked_then_it_arrives_as_no_other() {
    let desk = desk().await;
    for name in ["alice ", " alice", "alice\u{a0}"] {
        let answer = desk.post("/v1/sessions", json!({"subject": name})).await;
        let token = answer.word("/token");

        let answer = ask(&desk, "/").cookie(token).send().await;

        answer.assert_problem(403, "forbidden");
        answer.assert_refuses();
    }
}

#[tokio::test]
async fn given_a_store_that_is_away_when_asked_then_it_is_503_and_no_way_round() {
    let desk = desk().await;
    let (token, _) = desk.sign_in("alice").await;
    desk.store.set(Line::Dead);

    for call in [ask(&desk, "/"), ask_as_nginx(&desk, "/")] {
        let answer = call.cookie(&token).header("accept", HTML).send().await;

        answer.assert_problem(503, "unavailable");
        assert_eq!(answer.header("location"), None);
        answer.assert_refuses();
    }
    desk.store.set(Line::Well);
    ask(&desk, "/")
        .cookie(&token)
        .send()
        .await
        .assert_allows("alice");
}

#[tokio::test]
async fn given_a_bound_session_when_its_device_does_not_come_along_then_it_opens_nothing() {
    let mut bound = policy(5, Overflow::EvictLeastRecent);
    bound.terms.binding = BindTo::Device;
    let desk = desk_with(bound).await;
    let answer = desk.post("/v1/sessions", json!({"subject": "alice"})).await;
    let (token, device) = (answer.word("/token"), answer.word("/device/token"));
    let suffix = &answer.word("/device/id")["dev_".len()..][..8];
    let line = format!("__Host-innkeeper-device-{suffix}={device}");

    let whole = ask(&desk, "/").cookie(token).header("cookie", &line);
    whole.send().await.assert_allows("alice");
    let program = ask(&desk, "/").cookie(token).send().await;
    let person = ask(&desk, "/")
        .cookie(token)
        .header("accept", HTML)
        .send()
        .await;
    let by_hand = ask(&desk, "/").bearer(token).send().await;

    program.assert_problem(403, "device-mismatch");
    assert_eq!(person.status, StatusCode::SEE_OTHER);
    by_hand.assert_problem(403, "device-mismatch");
    let twice = ask(&desk, "/")
        .cookie(token)
        .header("cookie", &line)
        .header("cookie", &line);
    twice
        .send()
        .await
        .assert_problem(403, "ambiguous-credentials");
}

/// A proxy that drops the new cookie would sign its user out, so none is made there.
#[tokio::test]
async fn given_a_token_that_is_due_when_asked_then_it_is_a_sign_of_life_and_no_rotation() {
    let mut rotating = policy(5, Overflow::EvictLeastRecent);
    rotating.terms.rotate_every = Some(crate::support::MINUTE);
    let desk = desk_with(rotating).await;
    let (token, id) = desk.sign_in("alice").await;
    let idle = || async {
        let answer = desk.get(&format!("/v1/sessions/{id}")).await;
        answer.word("/idle_expires_at").to_owned()
    };
    let before = idle().await;
    desk.clock.pass(crate::support::MINUTE * 5);

    ask(&desk, "/")
        .cookie(&token)
        .send()
        .await
        .assert_allows("alice");

    assert!(idle().await > before, "it counts as activity");
    let answer = desk.check(&token).await;
    assert!(
        answer.json["rotated"].is_string(),
        "it was not rotated there"
    );
}

/// Every 2xx of these routes is one of the two above; what is written nowhere is not there.
#[tokio::test]
async fn given_forward_auth_below_the_prefix_when_asked_then_there_is_nothing() {
    let desk = desk().await;
    let (token, _) = desk.sign_in("alice").await;
    for path in [
        "/_innkeeper/forward-auth",
        "/forward-auth/",
        "/forward-auth/nginx/x",
    ] {
        let call = desk
            .call(Method::GET, path)
            .brought_by_proxy()
            .cookie(&token);

        call.send().await.assert_problem(404, "not-found");
    }
}

/// Traefik (`pkg/middlewares/auth/forward.go`) asks by `GET`, passes on what the client sent, sets
/// these five anew, and reads a `Location` as an address of the server that it asked.
#[tokio::test]
async fn given_what_traefik_sends_when_asked_then_its_words_count_and_the_way_is_an_address() {
    let desk = desk().await;
    let (token, _) = desk.sign_in("alice").await;
    let call = || {
        desk.call(Method::GET, "/forward-auth")
            .brought_by_proxy()
            .header("x-original-uri", "/static/made-up-by-the-client.css")
            .header("remote-user", "mallory")
            .header("accept", HTML)
            .header("x-forwarded-for", "203.0.113.7")
            .header("x-forwarded-host", "app.example")
            .header("x-forwarded-proto", "https")
            .header("x-forwarded-method", "GET")
            .header("x-forwarded-uri", "/reports?x=1")
    };

    call().cookie(&token).send().await.assert_allows("alice");
    let stranger = call().send().await;

    assert_eq!(stranger.status, StatusCode::SEE_OTHER);
    let way = "https://app.example/_innkeeper/sign-in?next=%2Freports%3Fx%3D1";
    assert_eq!(stranger.header("location"), Some(way));
}

/// Envoy (`ext_authz_http_impl.cc`) asks by the method of the request, without a body, at the path
/// of the request behind a prefix; in our recipe that is a query, which says nothing.
#[tokio::test]
async fn given_what_envoy_sends_when_asked_then_the_path_behind_the_prefix_says_nothing() {
    let desk = desk().await;
    let (token, _) = desk.sign_in("alice").await;
    let call = |method: &str, target: &str| {
        let with = Method::from_bytes(method.as_bytes()).unwrap();
        desk.call(with, &format!("/forward-auth?{target}"))
            .brought_by_proxy()
            .header("content-length", "0")
            .header("x-forwarded-method", method)
            .header("x-forwarded-uri", target)
    };

    for method in ["GET", "POST", "OPTIONS"] {
        let holder = call(method, "/reports?x=1").cookie(&token).send().await;
        holder.assert_allows("alice");
        let stranger = call(method, "/reports?tenant=other").send().await;
        stranger.assert_problem(401, "no-session");
        stranger.assert_refuses();
    }
}
