//! What is answered past the router is answered as by the router, and within the same bounds.

use std::sync::Arc;

use axum::Router;
use innkeeper_domain::policy::Policy;
use innkeeper_engine::entropy::OsEntropy;
use innkeeper_engine::keys::{Enrolled, Issuer, KeyScope};
use innkeeper_engine::{Authority, Services};
use innkeeper_http::cookies::SessionCookie;
use innkeeper_http::direct::Direct;
use innkeeper_http::envelope::enveloped;
use innkeeper_http::forward_auth::{ForwardAuth, PublicPath, SignInPage};
use innkeeper_http::layer::Door;
use innkeeper_http::origin::{OriginRule, PublicOrigin};
use innkeeper_http::peers::network;
use innkeeper_http::rest;
use innkeeper_http::server::{Drained, House, Limits};
use innkeeper_store::clock::ManualClock;
use innkeeper_store::memory::MemoryStore;

use crate::flaky::{Flaky, Line};
use crate::harness::{
    Client, PATIENT, Running, SHORT, assert_ok, assert_problem, soon, start_house,
};

/// Two servers of one authority: by the router alone, and past it. And one without a route, which
/// answers nothing but what goes past the router.
struct Both {
    routed: Running,
    direct: Running,
    alone: Running,
    store: Arc<Flaky>,
    admin: String,
    checker: String,
    reader: String,
}

async fn both() -> Both {
    both_within(PATIENT).await
}

async fn both_within(limits: Limits) -> Both {
    let clock = Arc::new(ManualClock::at(1_800_000_000));
    let store = Arc::new(Flaky::new(MemoryStore::new(clock)));
    let services = Services {
        store: Arc::clone(&store) as _,
        register: Arc::clone(&store) as _,
        entropy: Arc::new(OsEntropy),
    };
    let opened = Authority::open(services, Policy::default()).await;
    let authority = Arc::new(opened.expect("the store is sound"));
    let door = Door {
        authority: Arc::clone(&authority),
        cookie: SessionCookie::HOST,
        origins: OriginRule::Public(PublicOrigin::parse("https://app.example").unwrap()),
        clears_storage: false,
    };
    let gate = Arc::new(ForwardAuth {
        public: [PublicPath::parse("/static/").unwrap()].into(),
        sign_in: SignInPage::SameHost,
        ..ForwardAuth::default()
    });
    let routed = House {
        limits,
        trusted_peers: [network("127.0.0.1").unwrap()].into_iter().collect(),
        ..House::new(enveloped(
            rest::router(door.clone())
                .merge(rest::metrics_router(door.clone()))
                .merge(rest::forward_auth_router(door.clone(), Arc::clone(&gate))),
        ))
    };
    let direct = House {
        direct: Some(Arc::new(Direct::new(door, gate))),
        ..routed.clone()
    };
    let alone = House {
        router: enveloped(Router::new()),
        ..direct.clone()
    };
    Both {
        routed: start_house(routed).await,
        direct: start_house(direct).await,
        alone: start_house(alone).await,
        store,
        admin: key(&authority, KeyScope::Admin).await,
        checker: key(&authority, KeyScope::Check).await,
        reader: key(&authority, KeyScope::Events).await,
    }
}

async fn key(authority: &Authority, scope: KeyScope) -> String {
    let key = authority.prepare_key().expect("there is entropy");
    let now = authority.now().await.expect("the store is sound");
    let enrolled = authority.enrol_key(Issuer::Operator, &key, "a key", vec![scope], None, now);
    assert!(matches!(enrolled.await, Ok(Enrolled::Done(_))));
    key.reveal()
}

impl Both {
    /// Signs in, and hands out the token.
    async fn sign_in(&self, subject: &str) -> String {
        let body = format!(r#"{{"subject":"{subject}","user_agent":"Firefox/140.0"}}"#);
        let call = with_body("POST /v1/sessions", &self.admin, &body);
        let answer = ask(&self.routed, 1, &call).await;
        let (_, rest) = answer.split_once(r#""token":""#).expect("it signed in");
        rest.split('"').next().unwrap().to_owned()
    }

    /// Asks both the same from `127.0.0.LAST`, and hands out the one answer.
    async fn asked(&self, last: u8, request: &str) -> String {
        let routed = ask(&self.routed, last, request).await;
        let direct = ask(&self.direct, last, request).await;
        assert_eq!(direct, routed, "{request}");
        direct
    }
}

/// The answer without what no two have in common.
async fn ask(running: &Running, last: u8, request: &str) -> String {
    let mut client = running.connect_from(last).await;
    client.send(request).await;
    let answer = client.rest().await;
    let Some((_, rest)) = answer.split_once("x-request-id: ") else {
        panic!("{request}\n{answer}");
    };
    // What was given is the same in both; what was drawn is not.
    let id = rest.split("\r\n").next().unwrap().to_owned();
    let answer = match id.strip_prefix("req_") {
        Some(_) => answer.replace(&id, "ID"),
        None => answer,
    };
    let (head, body) = answer.split_once("\r\n\r\n").expect("it is whole");
    let mut lines: Vec<_> = head.lines().collect();
    lines.retain(|line| !line.starts_with("date: "));
    // In which order the headers stand says nothing (RFC 9110, 5.3).
    lines[1..].sort_unstable();
    lines.join("\n") + "\n\n" + body
}

fn with_body(line: &str, key: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

fn with_headers(line: &str, headers: &[&str]) -> String {
    let lines = [&["Host: x", "Connection: close"], headers].concat();
    format!("{line} HTTP/1.1\r\n{}\r\n\r\n", lines.join("\r\n"))
}

#[tokio::test]
async fn given_checks_of_every_kind_when_asked_past_the_router_then_the_answers_are_the_same() {
    let both = both().await;
    let (token, ended) = (both.sign_in("alice").await, both.sign_in("bob").await);
    let line = "DELETE /v1/subjects/bob/sessions";
    let end = with_headers(line, &[&format!("Authorization: Bearer {}", both.admin)]);
    ask(&both.routed, 1, &end).await;
    let good = format!(r#"{{"token":"{token}"}}"#);

    let mut statuses = Vec::new();
    for body in [
        good.clone(),
        format!(r#"{{"token":"{ended}"}}"#),
        r#"{"token":"ik_nothing"}"#.to_owned(),
        format!(r#"{{"token":"{token}","passive":true,"subject":"alice","tenant":"default"}}"#),
        format!(r#"{{"token":"{token}","subject":"bob"}}"#),
        format!(r#"{{"token":"{token}","assurance":3}}"#),
        format!(r#"{{"token":"{token}","tenant":"other"}}"#),
        format!(r#"{{"token":"{token}","tenant":""}}"#),
        format!(r#"{{"token":"{token}","more":1}}"#),
        format!(r#"{{"token":"{token}","token":"{token}"}}"#),
        format!("[\"{token}\"]"),
        "{".to_owned(),
        "[".repeat(40),
        String::new(),
        " ".repeat(70_000),
    ] {
        for line in [
            "POST /v1/check",
            "POST /v1/check?tenant=default",
            "POST /v1/check/",
        ] {
            let answer = both.asked(1, &with_body(line, &both.checker, &body)).await;
            statuses.push(answer[9..12].to_owned());
        }
    }
    for call in [
        with_body("POST /v1/check", &both.reader, &good),
        with_body("POST /v1/check", "ikk_nothing", &good),
        with_body("PUT /v1/check", &both.checker, &good),
        with_body("POST /v1/Check", &both.checker, &good),
        with_body("POST http://x/v1/check", &both.checker, &good),
        with_body("POST /v1/check", &both.checker, &good).replace("Bearer", "Basic"),
        with_body("POST /v1/check", &both.checker, &good).replace("/json", "/xml"),
        with_body("POST /v1/check", &both.checker, &good).replace("Host: x", "Host: x\r\nHost: x"),
        with_body("POST /v1/check", &both.checker, &good)
            .replace("Authorization", "Authorization: Bearer a\r\nAuthorization"),
        with_headers("POST /v1/check", &["Transfer-Encoding: chunked"]) + "0\r\n\r\n",
        with_headers("GET /v1/check", &[]),
        with_headers("HEAD /v1/check", &[]),
    ] {
        statuses.push(both.asked(1, &call).await[9..12].to_owned());
    }

    for status in [
        "200", "401", "403", "404", "405", "413", "415", "422", "400",
    ] {
        assert!(
            statuses.iter().any(|s| s == status),
            "{status}: {statuses:?}"
        );
    }
}

#[tokio::test]
async fn given_requests_at_a_proxy_when_judged_past_the_router_then_the_answers_are_the_same() {
    let both = both().await;
    let token = both.sign_in("alice").await;
    let cookie = format!("Cookie: a=b; __Host-innkeeper={token}");
    let twice = format!("{cookie}; __Host-innkeeper={token}");
    let bearer = format!("Authorization: Bearer {token}");
    let page = "Accept: text/html";

    let mut statuses = Vec::new();
    for headers in [
        &[][..],
        &[page],
        &[&cookie],
        &[&bearer],
        &[&twice],
        &[&cookie, &bearer],
        &["Cookie: __Host-innkeeper=ik_nothing", page],
        &[
            "X-Request-Id: 9f1c2b3a-0000-4000-8000-0123456789ab",
            &cookie,
        ],
        &["Content-Length: 3", &cookie],
    ] {
        for target in [
            "/reports?a=b",
            "/static/a.css",
            "/_innkeeper/sign-in",
            "x",
            "",
        ] {
            let words = match target {
                "" => ["A: b".to_owned(), "A: b".to_owned()],
                _ => [
                    format!("X-Forwarded-Uri: {target}\r\nX-Forwarded-Method: GET"),
                    format!("X-Original-URI: {target}\r\nX-Original-Method: GET"),
                ],
            };
            for (path, words) in ["/forward-auth", "/forward-auth/nginx"].iter().zip(&words) {
                for line in ["GET", "HEAD", "POST", "ODD"].map(|m| format!("{m} {path}")) {
                    let headers = [&[words.as_str()], headers].concat();
                    let body = if headers.contains(&"Content-Length: 3") {
                        "abc"
                    } else {
                        ""
                    };
                    let call = with_headers(&line, &headers) + body;
                    for last in [1, 2] {
                        let answer = both.asked(last, &call).await;
                        statuses.push(answer[9..12].to_owned());
                    }
                }
            }
        }
    }

    for status in ["200", "303", "401", "403"] {
        assert!(
            statuses.iter().any(|s| s == status),
            "{status}: {statuses:?}"
        );
    }
}

#[tokio::test]
async fn given_no_route_at_all_when_asked_then_what_goes_past_the_router_is_answered_and_no_more() {
    let both = both().await;
    let token = both.sign_in("alice").await;
    let body = format!(r#"{{"token":"{token}"}}"#);
    let cookie = format!("Cookie: __Host-innkeeper={token}");
    let forwarded = ["X-Forwarded-Uri: /", "X-Forwarded-Method: GET", &cookie];
    let original = ["X-Original-URI: /", "X-Original-Method: GET", &cookie];

    for (call, status) in [
        (with_body("POST /v1/check", &both.checker, &body), "200"),
        (with_headers("GET /forward-auth", &forwarded), "200"),
        (with_headers("ODD /forward-auth", &forwarded), "200"),
        (with_headers("GET /forward-auth/nginx", &original), "200"),
        (with_body("POST /v1/check?", &both.checker, &body), "404"),
        (with_body("PUT /v1/check", &both.checker, &body), "404"),
        (with_body("POST /v1/check/", &both.checker, &body), "404"),
        (with_body("POST /v1/%63heck", &both.checker, &body), "404"),
        (with_headers("HEAD /forward-auth", &forwarded), "404"),
        (with_headers("GET /forward-auth?x", &forwarded), "404"),
    ] {
        let answer = ask(&both.alone, 1, &call).await;
        assert_eq!(&answer[9..12], status, "{call}\n{answer}");
    }
}

/// The head of a check with a body of so many bytes, on a connection that stays.
fn head_of_check(key: &str, length: usize) -> String {
    format!(
        "POST /v1/check HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    )
}

#[tokio::test]
async fn given_a_check_whose_body_does_not_come_when_its_time_is_over_then_the_answer_is_408() {
    let limits = Limits {
        body: SHORT,
        ..PATIENT
    };
    let both = both_within(limits).await;
    let mut client = both.alone.connect().await;

    client.send(head_of_check(&both.checker, 20) + "{").await;

    assert_problem(&client.rest().await, 408, "request-timeout");
}

#[tokio::test]
async fn given_a_store_that_does_not_answer_when_the_time_is_over_then_the_check_is_503() {
    let limits = Limits {
        request: SHORT,
        ..PATIENT
    };
    let both = both_within(limits).await;
    let body = format!(r#"{{"token":"{}"}}"#, both.sign_in("alice").await);
    both.store.set(Line::Silent);
    let mut client = both.alone.connect().await;

    client
        .send(head_of_check(&both.checker, body.len()) + &body)
        .await;

    assert_problem(&client.answer().await, 503, "unavailable");
    both.store.set(Line::Well);
    client
        .send(head_of_check(&both.checker, body.len()) + &body)
        .await;
    assert_ok(&client.answer().await);
}

#[tokio::test]
async fn given_a_mistake_of_ours_when_a_check_meets_it_then_the_problem_says_nothing_of_it() {
    let both = both().await;
    let body = format!(r#"{{"token":"{}"}}"#, both.sign_in("alice").await);
    both.store.set(Line::Broken);
    let mut client = both.alone.connect().await;

    client
        .send(head_of_check(&both.checker, body.len()) + &body)
        .await;

    let answer = client.answer().await;
    assert_problem(&answer, 500, "internal");
    assert!(!answer.contains("secret"), "{answer}");
}

#[tokio::test]
async fn given_a_check_half_way_when_draining_then_it_is_answered_and_the_connection_ends() {
    let both = both().await;
    let body = format!(r#"{{"token":"{}"}}"#, both.sign_in("alice").await);
    let (begin, end) = body.split_at(5);
    let mut client: Client = both.alone.connect().await;
    client
        .send("GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")
        .await;
    assert_problem(&client.answer().await, 404, "not-found");
    client
        .send(head_of_check(&both.checker, body.len()) + begin)
        .await;
    until_begun(&both, &body).await;

    let serving = both.alone.stop();
    client.send(end).await;

    let answer = client.rest().await;
    assert_ok(&answer);
    assert!(answer.contains("connection: close"), "{answer}");
    let drained = soon(serving).await.expect("serving does not panic");
    assert_eq!(drained, Drained { cut: 0 });
}

/// Waits until what was sent before has been read: whoever asks later is answered later.
async fn until_begun(both: &Both, body: &str) {
    let mut other = both.alone.connect().await;
    other
        .send(head_of_check(&both.checker, body.len()) + body)
        .await;
    assert_ok(&other.answer().await);
}

#[tokio::test]
async fn given_a_body_that_is_coded_when_sent_then_it_is_refused_and_none_of_it_read() {
    let both = both().await;

    for coding in ["gzip, chunked", "chunked, chunked", "identity, chunked"] {
        let coding = format!("Transfer-Encoding: {coding}");
        for line in ["POST /v1/check", "POST /v1/check/batch"] {
            let call = with_headers(line, &[&coding]) + "0\r\n\r\n";
            let answer = both.asked(1, &call).await;
            assert_eq!(&answer[9..12], "400", "{call}\n{answer}");
        }
    }
}

#[tokio::test]
async fn given_a_check_that_is_refused_before_any_route_when_counted_then_it_is_one_of_its_route() {
    let both = both().await;
    let counted = async || {
        let metrics = ask(&both.routed, 1, &with_headers("GET /metrics", &[])).await;
        let series =
            r#"innkeeper_http_requests_total{method="POST",route="/v1/check",status="413"} "#;
        let count = metrics.lines().find_map(|line| line.strip_prefix(series));
        count.map_or(0, |count| count.parse::<u64>().expect("it is a number"))
    };
    let before = counted().await;

    let large = with_body("POST /v1/check", &both.checker, &" ".repeat(70_000));
    ask(&both.alone, 1, &large).await;

    assert!(counted().await > before);
}
