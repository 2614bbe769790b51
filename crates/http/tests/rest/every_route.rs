//! What holds at every route that takes an API key: who may call, and in what words.

use http::{Method, StatusCode};
use innkeeper_engine::keys::KeyScope;
use serde_json::{Value, json};

use crate::flaky::Line;
use crate::support::{Call, Desk, desk};

pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: String,
    scopes: &'static [KeyScope],
    pub(crate) body: Option<Value>,
    success: u16,
}

/// Every route, with what makes it succeed once in a house where alice is signed in.
pub(crate) async fn routes(desk: &Desk) -> Vec<Route> {
    use KeyScope::{Admin, Admit, Check, Events, Manage};
    let (token, id) = desk.sign_in("alice").await;
    let spare = desk.post("/v1/keys", json!({"name": "spare", "scopes": ["check"]}));
    let spare = spare.await.word("/id").to_owned();
    let route = |method, path: &str, scopes, body, success| Route {
        method,
        path: path.into(),
        scopes,
        body,
        success,
    };
    let by_token = json!({"token": token});
    let batch = json!({"checks": [by_token]});
    let proof = json!({"token": token, "methods": ["otp"], "assurance": 2});
    let post = |path: &str, scopes, body, success| {
        let body = Some(body);
        route(Method::POST, path, scopes, body, success)
    };
    let (get, delete) = (Method::GET, Method::DELETE);
    let session = format!("/v1/sessions/{id}");
    let of = |rest: &str| format!("/v1/subjects/alice{rest}");
    let order = json!({"filter": {"client": "tv"}});
    let ordered = desk.post("/v1/revocations", order.clone()).await;
    let revocation = ordered.header("location").unwrap().to_owned();
    let named = json!({"name": "n", "scopes": ["check"]});
    vec![
        route(get.clone(), &session, &[Manage], None, 200),
        route(get.clone(), &of(""), &[Manage, Admit], None, 200),
        route(get.clone(), &of("/sessions"), &[Manage], None, 200),
        route(get.clone(), &of("/export"), &[Manage], None, 200),
        route(get.clone(), "/v1/revocations", &[Admin], None, 200),
        route(get.clone(), "/v1/events", &[Events], None, 200),
        route(get.clone(), "/v1/sessions", &[Admin], None, 200),
        route(get.clone(), &revocation, &[Admin], None, 200),
        route(get.clone(), "/v1/keys", &[Admin], None, 200),
        route(get, "/v1/policy", &[Manage], None, 200),
        route(
            Method::PUT,
            "/v1/policy",
            &[Admin],
            Some(json!({"policy": {"max_sessions": 4}})),
            200,
        ),
        post(
            "/v1/policy/try",
            &[Admin],
            json!({"policy": {"max_sessions": 1}}),
            200,
        ),
        post("/v1/check", &[Check], by_token.clone(), 200),
        post("/v1/sessions/rotate", &[Admit], by_token, 200),
        post("/v1/sessions/reauthenticated", &[Admit], proof, 200),
        post("/v1/sessions", &[Admit], json!({"subject": "alice"}), 201),
        route(
            Method::PATCH,
            &of(""),
            &[Manage],
            Some(json!({"limits": {"max_sessions": 3}})),
            200,
        ),
        route(delete.clone(), &session, &[Manage], None, 204),
        post(&of("/credential-changed"), &[Manage], json!({}), 200),
        post(&of("/disable"), &[Manage], json!({}), 200),
        post(&of("/enable"), &[Manage], json!({}), 200),
        route(delete.clone(), &of(""), &[Manage], None, 204),
        route(delete.clone(), &of("/sessions"), &[Manage], None, 200),
        post("/v1/check/batch", &[Check], batch, 200),
        post(&of("/failures"), &[Admit], json!({}), 204),
        post("/v1/keys", &[Admin], named, 201),
        route(delete.clone(), &revocation, &[Admin], None, 200),
        post("/v1/revocations", &[Admin], order, 202),
        route(delete, &format!("/v1/keys/{spare}"), &[Admin], None, 204),
    ]
}

impl Route {
    fn call<'d>(&self, desk: &'d Desk, query: &str) -> Call<'d> {
        let call = desk.call(self.method.clone(), &format!("{}{query}", self.path));
        match &self.body {
            Some(body) => call.json(body),
            None => call,
        }
    }

    fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

#[tokio::test]
async fn given_no_key_or_a_wrong_one_when_any_route_is_called_then_it_is_401_unauthenticated() {
    let desk = desk().await;
    let (token, _) = desk.sign_in("bob").await;
    let mut damaged = desk.admin.clone().into_bytes();
    damaged[30] = if damaged[30] == b'A' { b'B' } else { b'A' };
    let damaged = String::from_utf8(damaged).expect("it is ASCII");
    let foreign = crate::support::desk().await.admin;
    for route in routes(&desk).await {
        let call = || route.call(&desk, "");
        for (came, call) in [
            (false, call()),
            (true, call().bearer("")),
            (true, call().bearer(&damaged)),
            (true, call().bearer(&foreign)),
            (true, call().bearer(&token)),
            (false, call().cookie(&token)),
            (false, call().header("authorization", &desk.admin)),
        ] {
            let answer = call.send().await;
            answer.assert_problem(401, "unauthenticated");
            assert!(
                answer
                    .word("/detail")
                    .contains("Authorization: Bearer ikk_")
            );
            let challenge = answer.header("www-authenticate");
            let wrong = r#"Bearer realm="innkeeper", error="invalid_token""#;
            // Where nothing was presented, nothing is said to be wrong with it (RFC 6750, 3.1).
            let expected = if came {
                wrong
            } else {
                r#"Bearer realm="innkeeper""#
            };
            assert_eq!(challenge, Some(expected));
        }
        let twice = route
            .call(&desk, "")
            .bearer(&desk.admin)
            .bearer(&desk.admin);
        twice
            .send()
            .await
            .assert_problem(400, "ambiguous-credentials");
    }
    assert_eq!(desk.live("alice").await, 1, "nothing was done");
}

/// A story of a thief. She had every call that takes a body lack its last byte; her key was
/// revoked, and the answer said so. Then she sent the last bytes, and each call was done.
#[tokio::test]
async fn s6_given_a_call_whose_body_is_on_its_way_when_its_key_is_revoked_then_it_is_401() {
    let count = routes(&desk().await).await.len();
    for place in 0..count {
        let desk = desk().await;
        let route = routes(&desk).await.swap_remove(place);
        let Some(body) = &route.body else { continue };
        let stolen = desk.key(&[KeyScope::Admin], None).await;
        let keys = desk.authority.keys().len();
        let before = desk.get("/v1/subjects/alice").await.text;

        let held = desk.call(route.method.clone(), &route.path);
        let held = held.bearer(&stolen).after_revoking(&stolen, body);
        let answer = held.send().await;

        answer.assert_problem(401, "unauthenticated");
        let after = desk.get("/v1/subjects/alice").await.text;
        assert_eq!(after, before, "{}", route.name());
        assert_eq!(desk.authority.keys().len(), keys - 1, "{}", route.name());
    }
}

#[tokio::test]
async fn given_an_assurance_that_there_is_not_when_sent_then_it_is_422_with_the_field() {
    let desk = desk().await;
    let (token, _) = desk.sign_in("alice").await;
    for (path, mut body, success) in [
        ("/v1/sessions", json!({"subject": "bob"}), 201),
        ("/v1/check", json!({"token": token}), 403),
        (
            "/v1/sessions/reauthenticated",
            json!({"token": token, "methods": ["otp"]}),
            200,
        ),
    ] {
        for level in [10, 255] {
            body["assurance"] = json!(level);
            desk.post(path, body.clone())
                .await
                .assert_invalid("assurance");
        }
        body["assurance"] = json!(9);
        let answer = desk.post(path, body).await;
        assert_eq!(answer.status.as_u16(), success, "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn given_a_key_when_any_route_is_called_then_its_scopes_decide() {
    let all = [
        KeyScope::Admit,
        KeyScope::Check,
        KeyScope::Events,
        KeyScope::Manage,
        KeyScope::Admin,
    ];
    for scope in all {
        let desk = desk().await;
        let key = desk.key(&[scope], None).await;
        for route in routes(&desk).await {
            let answer = route.call(&desk, "").bearer(&key).send().await;

            if scope == KeyScope::Admin || route.scopes.contains(&scope) {
                // Some of them end what the next one would need: then it is a no of another kind.
                let done = answer.status.as_u16() == route.success;
                let moot =
                    answer.json["code"] == "no-session" || answer.json["code"] == "not-found";
                assert!(done || moot, "{scope:?} {} {}", route.name(), answer.text);
            } else {
                answer.assert_problem(403, "forbidden");
            }
        }
    }
}

#[tokio::test]
async fn given_an_administrator_when_each_route_is_called_first_then_it_succeeds() {
    let count = routes(&desk().await).await.len();
    for place in 0..count {
        let desk = desk().await;
        let route = routes(&desk).await.swap_remove(place);

        let answer = route.call(&desk, "").bearer(&desk.admin).send().await;

        assert_eq!(
            answer.status.as_u16(),
            route.success,
            "{} {}",
            route.name(),
            answer.text
        );
    }
}

/// S14: a key of one tenant that names another is refused, in the query and in the body, and
/// before it is told whether anything is there.
#[tokio::test]
async fn s14_given_a_key_of_a_tenant_when_it_names_another_then_it_is_403_forbidden() {
    let desk = desk().await;
    let key = desk.key(&[KeyScope::Admin], Some("acme")).await;
    for route in routes(&desk).await {
        let by_query = route
            .call(&desk, "?tenant=default")
            .bearer(&key)
            .send()
            .await;
        by_query.assert_problem(403, "forbidden");

        let unnamed = route.call(&desk, "").bearer(&key).send().await;
        // Of a batch each result says it for itself.
        if route.path == "/v1/check/batch" {
            assert_eq!(unnamed.json["results"][0]["status"], 403);
        } else if !route.path.starts_with("/v1/keys") {
            unnamed.assert_problem(403, "forbidden");
        }

        // The policy is that of all tenants.
        let names_none = route.path.starts_with("/v1/policy");
        let body = route.body.as_ref().filter(|_| !names_none);
        if let Some(body) = body {
            let mut named = body.clone();
            named["tenant"] = json!("default");
            let by_body = desk.call(route.method.clone(), &route.path).json(&named);
            by_body
                .bearer(&key)
                .send()
                .await
                .assert_problem(403, "forbidden");
        }
    }
    assert_eq!(desk.live("alice").await, 1, "nothing was done");
}

/// A story of a tenant that nobody read: `POST …/disable?tenant=acme` was answered 200, and had
/// disabled the subject of that name in the tenant `default`.
#[tokio::test]
async fn s14_given_a_tenant_in_the_query_when_the_call_has_a_body_then_it_is_that_tenant() {
    let desk = desk().await;
    let (token, _) = desk.sign_in("alice").await;

    let disabled = desk
        .post("/v1/subjects/alice/disable?tenant=acme", json!({}))
        .await;

    assert_eq!(disabled.json, json!({"ended": 0}));
    assert_eq!(desk.check(&token).await.status, StatusCode::OK);
    let there = desk.get("/v1/subjects/alice?tenant=acme").await;
    assert_eq!(there.json["disabled"], true);
    for route in routes(&desk).await {
        let Some(mut body) = route.body.clone() else {
            continue;
        };
        body["tenant"] = json!("acme");
        let path = format!("{}?tenant=other", route.path);
        let both = desk.call(route.method.clone(), &path).json(&body);
        both.bearer(&desk.admin)
            .send()
            .await
            .assert_invalid("tenant");
    }
}

#[tokio::test]
async fn given_an_unfit_query_when_any_route_is_called_then_it_is_422_with_the_parameter() {
    let desk = desk().await;
    for route in routes(&desk).await {
        for (query, field) in [
            ("?colour=red", "colour"),
            ("?tenant=a&tenant=b", "tenant"),
            ("?tenant=", "tenant"),
            ("?tenant=a%00b", "tenant"),
            ("?tenant=a%E2%80%AEb", "tenant"),
            ("?tenant=%ff", ""),
            ("?tenant=%zz", ""),
        ] {
            let answer = route.call(&desk, query).bearer(&desk.admin).send().await;
            answer.assert_invalid(field);
        }
        let long = format!("?tenant={}", "a".repeat(257));
        let answer = route.call(&desk, &long).bearer(&desk.admin).send().await;
        answer.assert_invalid("tenant");
    }
    assert_eq!(desk.live("alice").await, 1, "nothing was done");
}

#[tokio::test]
async fn given_an_unfit_body_when_any_route_is_called_then_it_is_refused_and_nothing_changes() {
    let desk = desk().await;
    for route in routes(&desk).await {
        let Some(body) = &route.body else { continue };
        let send = |text: String| {
            let call = desk.call(route.method.clone(), &route.path);
            call.bearer(&desk.admin).text(text).send()
        };

        let mut unknown = body.clone();
        unknown["colour"] = json!("red");
        send(unknown.to_string()).await.assert_invalid("colour");
        let twice = format!(
            r#"{{"tenant": "default", "tenant": "default", {}"#,
            &body.to_string()[1..]
        );
        send(twice.replace(", }", "}"))
            .await
            .assert_invalid("tenant");
        let mut mistyped = body.clone();
        mistyped["tenant"] = json!(7);
        send(mistyped.to_string()).await.assert_invalid("tenant");
        for broken in ["{", "[]", "\"text\"", "{\"a\":}", "null", "{} {}"] {
            send(broken.to_owned()).await.assert_invalid("");
        }
        let deep = format!("{}{}", "[".repeat(40), "]".repeat(40));
        send(format!(r#"{{"a": {deep}}}"#)).await.assert_invalid("");
        let large = format!(r#"{{"tenant": "{}"}}"#, "a".repeat(65 * 1024));
        send(large).await.assert_problem(413, "payload-too-large");

        let untyped = desk.call(route.method.clone(), &route.path);
        let untyped = untyped.bearer(&desk.admin).text("{}");
        let form = untyped.header("content-type", "text/plain").send().await;
        form.assert_problem(415, "unsupported-media-type");
    }
    assert_eq!(desk.live("alice").await, 1, "nothing was done");
}

#[tokio::test]
async fn given_a_name_that_nobody_can_have_when_a_subject_is_called_then_it_is_422() {
    let desk = desk().await;
    let long = "a".repeat(257);
    for name in ["a%00b", "a%0Ab", "a%E2%80%AEb", "a%E2%81%A6b", &long] {
        for route in routes(&desk).await {
            let Some(rest) = route.path.strip_prefix("/v1/subjects/alice") else {
                continue;
            };
            let path = format!("/v1/subjects/{name}{rest}");
            let call = desk.call(route.method.clone(), &path).bearer(&desk.admin);
            let call = match &route.body {
                Some(body) => call.json(body),
                None => call,
            };
            call.send().await.assert_invalid("subject");
        }
    }
    let broken = desk.get("/v1/subjects/%ff").await;
    broken.assert_problem(422, "invalid-request");
}

/// S15: what comes in decomposed is the subject that is written composed, at every door.
#[tokio::test]
async fn s15_given_two_spellings_of_a_subject_when_called_then_they_are_one() {
    let desk = desk().await;
    let _ = desk.sign_in("zoe\u{301}").await;

    let answer = desk.get("/v1/subjects/zo%C3%A9").await;

    assert_eq!(answer.json["live"], 1);
    assert_eq!(answer.json["subject"], "zo\u{e9}");
}

/// S17: no route says yes, or no, while the store is out of reach.
#[tokio::test]
async fn s17_given_a_store_out_of_reach_when_any_route_is_called_then_it_is_503_unavailable() {
    for line in [Line::Dead, Line::OneWay] {
        let count = routes(&desk().await).await.len();
        for place in 0..count {
            let desk = desk().await;
            let route = routes(&desk).await.swap_remove(place);
            // The keys are in memory, so that a call can be refused without the store. Of a batch
            // each result says it for itself.
            if route.path == "/v1/keys" && route.method == Method::GET
                || route.path == "/v1/check/batch"
            {
                continue;
            }
            let reads_only = route.method == Method::GET
                || ["/v1/check", "/v1/policy/try"].contains(&route.path.as_str())
                || route.path.ends_with("/failures");
            if line == Line::OneWay && (reads_only || route.path.ends_with("/enable")) {
                continue;
            }
            desk.store.set(line);

            let answer = route.call(&desk, "").bearer(&desk.admin).send().await;

            answer.assert_problem(503, "unavailable");
            assert_eq!(answer.header("retry-after"), Some("1"), "{}", route.name());
            assert!(!answer.text.contains("driver"), "nothing internal leaks");
            desk.store.set(Line::Well);
            let again = route.call(&desk, "").bearer(&desk.admin).send().await;
            assert_eq!(
                again.status.as_u16(),
                route.success,
                "{line:?} {}: the repeat settles it: {}",
                route.name(),
                again.text
            );
        }
    }
}

#[tokio::test]
async fn given_a_store_that_fails_when_health_is_asked_then_it_is_alive_and_not_ready() {
    let desk = desk().await;
    for path in ["/livez", "/readyz"] {
        let answer = desk.call(Method::GET, path).send().await;
        assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, ""));
    }

    desk.store.set(Line::Dead);

    let live = desk.call(Method::GET, "/livez").send().await;
    assert_eq!(live.status, StatusCode::OK);
    let ready = desk.call(Method::GET, "/readyz").send().await;
    ready.assert_problem(503, "unavailable");
}

#[tokio::test]
async fn given_a_path_or_method_that_is_not_there_when_called_then_it_is_404_or_405() {
    let desk = desk().await;
    for path in [
        "/v1",
        "/v1/",
        "/v1/sessions/",
        "/v1/subjects",
        "/v1/subjects/alice/",
        "/v1/subjects/alice/sessions/x",
        "/v1/check.json",
        "/_innkeeper/v1/check",
        "/_innkeeper/livez",
        "/_innkeeper",
        "/me/",
        "/me/x",
    ] {
        desk.get(path).await.assert_problem(404, "not-found");
    }
    for path in [
        "/v1/sessions/rotate",
        "/v1/check",
        "/v1/subjects/alice/disable",
        "/me/logout",
    ] {
        let answer = desk.get(path).await;
        answer.assert_problem(405, "method-not-allowed");
        assert!(answer.header("allow").is_some());
    }
}
