//! What is asked past the router is answered as by the router.

use std::sync::Arc;

use innkeeper_domain::policy::Policy;
use innkeeper_engine::entropy::OsEntropy;
use innkeeper_engine::keys::{Enrolled, Issuer, KeyScope};
use innkeeper_engine::{Authority, Services};
use innkeeper_http::cookies::SessionCookie;
use innkeeper_http::envelope::enveloped;
use innkeeper_http::forward_auth::{ForwardAuth, PublicPath, SignInPage};
use innkeeper_http::layer::Door;
use innkeeper_http::often::Often;
use innkeeper_http::origin::{OriginRule, PublicOrigin};
use innkeeper_http::peers::network;
use innkeeper_http::rest;
use innkeeper_http::server::House;
use innkeeper_store::clock::ManualClock;
use innkeeper_store::memory::MemoryStore;

use crate::harness::{PATIENT, Running, start_house};

/// Two servers of one authority: by the router alone, and past it.
struct Both {
    routed: Running,
    often: Running,
    admin: String,
    checker: String,
    reader: String,
}

async fn both() -> Both {
    let store = Arc::new(MemoryStore::new(Arc::new(ManualClock::at(1_800_000_000))));
    let services = Services {
        store: Arc::clone(&store) as _,
        register: store as _,
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
        limits: PATIENT,
        trusted_peers: [network("127.0.0.1").unwrap()].into_iter().collect(),
        ..House::new(enveloped(
            rest::router(door.clone())
                .merge(rest::forward_auth_router(door.clone(), Arc::clone(&gate))),
        ))
    };
    let often = House {
        often: Some(Arc::new(Often::new(door, gate))),
        ..routed.clone()
    };
    Both {
        routed: start_house(routed).await,
        often: start_house(often).await,
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
        let often = ask(&self.often, last, request).await;
        assert_eq!(often, routed, "{request}");
        often
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
    let id = rest.split("\r\n").next().unwrap().to_owned();
    let answer = answer.replace(&id, "ID");
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
