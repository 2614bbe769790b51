//! The limit is exact and ends are final, over HTTP against the real binary.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::{Method, StatusCode};
use serde_json::json;
use support::{Api, Server, token_and_id};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

const SIGN_INS: usize = 200;
const LIMIT: usize = 5;
const ROUNDS: usize = 20;
const CHECKERS: usize = 64;

/// C-004, C-074: B is 0, so no check that starts after the answer is accepted.
#[tokio::test(flavor = "multi_thread")]
async fn given_64_checkers_when_the_session_is_revoked_then_none_that_starts_after_the_answer_is_accepted()
 {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let api = server.admin(data.path());

    for round in 0..ROUNDS {
        let (token, id) = api.signed_in(&format!("subject-{round}")).await;
        let revoked = Arc::new(AtomicBool::new(false));
        let gate = Arc::new(Barrier::new(CHECKERS + 1));
        let mut checkers = JoinSet::new();
        for _ in 0..CHECKERS {
            let (api, token) = (api.clone(), token.clone());
            let (revoked, gate) = (Arc::clone(&revoked), Arc::clone(&gate));
            checkers.spawn(async move {
                gate.wait().await;
                let mut before = 0;
                loop {
                    let starts_after = revoked.load(Ordering::SeqCst);
                    let (status, body) = api.check(&token).await;
                    if starts_after {
                        assert_eq!(status, StatusCode::UNAUTHORIZED, "{body}");
                        assert_eq!(body["reason"], "revoked_by_admin");
                        return before;
                    }
                    before += 1;
                }
            });
        }
        gate.wait().await;
        let (status, _) = api
            .send(Method::DELETE, &format!("/v1/sessions/{id}"), None)
            .await;
        assert_eq!(status, StatusCode::NO_CONTENT);
        revoked.store(true, Ordering::SeqCst);

        let before: u64 = checkers.join_all().await.into_iter().sum();
        assert!(
            before > 0,
            "round {round}: nobody checked while it was revoked"
        );
    }
}

/// C-023: a slow request begins while the session lives, the session ends, and the slow request
/// then completes. A store that writes the whole record back has let the visitor in again.
#[tokio::test(flavor = "multi_thread")]
async fn given_a_slow_request_in_flight_when_the_session_ends_meanwhile_then_it_is_not_brought_back()
 {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let api = server.admin(data.path());
    let key = std::fs::read_to_string(data.path().join("admin.key")).unwrap();

    for round in 0..ROUNDS {
        let subject = format!("subject-{round}");
        let (token, id) = api.signed_in(&subject).await;
        let body = json!({"token": token}).to_string();
        let (most, last) = body.split_at(body.len() - 1);
        let mut slow = TcpStream::connect(server.base.trim_start_matches("http://"))
            .await
            .unwrap();
        let head = format!(
            "POST /v1/check HTTP/1.1\r\nHost: innkeeper\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{most}",
            key.trim(),
            body.len(),
        );
        slow.write_all(head.as_bytes()).await.unwrap();
        slow.flush().await.unwrap();

        let (status, _) = api
            .send(Method::DELETE, &format!("/v1/sessions/{id}"), None)
            .await;
        assert_eq!(status, StatusCode::NO_CONTENT);
        slow.write_all(last.as_bytes()).await.unwrap();
        let mut answer = String::new();
        slow.read_to_string(&mut answer).await.unwrap();

        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
        assert_eq!(api.check(&token).await.0, StatusCode::UNAUTHORIZED);
        assert_eq!(api.live(&subject).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn given_simultaneous_sign_ins_under_refuse_when_all_are_answered_then_the_rest_is_told_the_limit()
 {
    let data = tempfile::tempdir().unwrap();
    let mut command = support::innkeeper(data.path());
    command.env("INNKEEPER_POLICY__AT_LIMIT", "refuse");
    let server = Server::start_with(command);
    let api = server.admin(data.path());

    let answers = together(&api, SIGN_INS).await;

    let (admitted, refused): (Vec<_>, Vec<_>) = answers
        .into_iter()
        .partition(|(status, _)| *status == StatusCode::CREATED);
    assert_eq!(admitted.len(), LIMIT);
    for (status, body) in refused {
        assert_eq!(
            (status, &body["code"]),
            (StatusCode::CONFLICT, &json!("session-limit"))
        );
        assert_eq!(body["limit"], json!({"scope": "subject", "max": LIMIT}));
        assert_eq!(body["sessions"].as_array().map(Vec::len), Some(LIMIT));
    }
    for (_, body) in admitted {
        let (token, _) = token_and_id(&body);
        assert_eq!(
            api.check(&token).await.0,
            StatusCode::OK,
            "a refusal ends nobody"
        );
    }
}

/// S1 over a tenant: 200 subjects, 50 seats, one binary with its store on disk.
#[tokio::test(flavor = "multi_thread")]
async fn given_200_subjects_and_50_seats_of_the_tenant_when_all_sign_in_then_exactly_50_are_live() {
    const SEATS: usize = 50;
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("innkeeper.toml");
    std::fs::write(&file, format!("[[policy.tenant]]\nseats = {SEATS}\n")).unwrap();
    let mut command = support::innkeeper(&data.path().join("store"));
    command.arg("--config").arg(&file);
    let server = Server::start_with(command);
    let api = server.admin(&data.path().join("store"));
    let gate = Arc::new(Barrier::new(SIGN_INS));

    let mut all = JoinSet::new();
    for guest in 0..SIGN_INS {
        let (api, gate) = (api.clone(), Arc::clone(&gate));
        all.spawn(async move {
            gate.wait().await;
            api.sign_in(&format!("guest-{guest}")).await
        });
    }
    let (admitted, refused): (Vec<_>, Vec<_>) = all
        .join_all()
        .await
        .into_iter()
        .partition(|(status, _)| *status == StatusCode::CREATED);

    assert_eq!((admitted.len(), refused.len()), (SEATS, SIGN_INS - SEATS));
    for (status, body) in refused {
        assert_eq!(status, StatusCode::CONFLICT, "{body}");
        assert_eq!(body["limit"], json!({"scope": "tenant", "max": SEATS}));
        assert_eq!(body["sessions"], json!([]));
    }
    // A seat is free as soon as somebody has left it.
    let (_, id) = token_and_id(&admitted[0].1);
    let path = format!("/v1/sessions/{id}");
    assert_eq!(
        api.send(Method::DELETE, &path, None).await.0,
        StatusCode::NO_CONTENT
    );
    assert_eq!(api.sign_in("late").await.0, StatusCode::CREATED);
    assert_eq!(api.sign_in("later").await.0, StatusCode::CONFLICT);
}

/// S10: one key gives one session, however many ask with it at once.
#[tokio::test(flavor = "multi_thread")]
async fn given_one_idempotency_key_when_many_sign_in_with_it_at_once_then_one_session_is_born() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let api = server.admin(data.path());
    let key = std::fs::read_to_string(data.path().join("admin.key")).unwrap();
    let client = reqwest::Client::new();

    let mut all = JoinSet::new();
    for _ in 0..50 {
        let request = client
            .post(format!("{}/v1/sessions", server.base))
            .bearer_auth(key.trim())
            .header("Idempotency-Key", "9f4c1f6e-7a0b-4f1d-a7b3-2f8f1c0d9e55")
            .json(&json!({"subject": "dave"}));
        all.spawn(async move {
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::CREATED);
            let body: serde_json::Value = answer.json().await.unwrap();
            body["token"].as_str().unwrap().to_owned()
        });
    }
    let mut tokens = all.join_all().await;
    tokens.sort();
    tokens.dedup();

    assert_eq!(tokens.len(), 1, "the same answer, token included");
    assert_eq!(api.live("dave").await, 1);
}

async fn together(api: &Api, sign_ins: usize) -> Vec<support::Answer> {
    let gate = Arc::new(Barrier::new(sign_ins));
    let mut all = JoinSet::new();
    for _ in 0..sign_ins {
        let (api, gate) = (api.clone(), Arc::clone(&gate));
        all.spawn(async move {
            gate.wait().await;
            api.sign_in("alice").await
        });
    }
    all.join_all().await
}
