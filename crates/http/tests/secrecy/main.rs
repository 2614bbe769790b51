//! No secret in any log line or refusal, in whole or in part (S6).
//!
//! A process of its own: what is logged is decided for a whole process, and other tests beside it
//! would decide it too.

#[path = "../rest/flaky.rs"]
mod flaky;
#[path = "../rest/published.rs"]
#[expect(dead_code, reason = "the other tests use the rest of it")]
mod published;
#[path = "../rest/support.rs"]
#[expect(dead_code, reason = "the other tests use the rest of it")]
mod support;

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use http::Method;
use innkeeper_domain::policy::Overflow;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::flaky::Line;
use crate::support::{Answer, Desk, MINUTE, OURS, desk_with, policy};

/// Everything that anybody logs.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// The pieces by which a secret would be known: twelve letters of it as it was handed out, and
/// twelve of its bytes in either alphabet at any alignment.
fn pieces(secret: &str) -> Vec<String> {
    let public = match secret.split_once('_') {
        // A token begins with the routing tag, a key with its own name; both are in ids.
        Some(("ik", body)) => &body[22..],
        Some(("ikk", body)) => &body[16..],
        _ => secret,
    };
    let mut texts = vec![public.to_owned()];
    let body = secret.split_once('_').map_or(secret, |(_, body)| body);
    if let Ok(bytes) = URL_SAFE_NO_PAD.decode(body) {
        let start = if secret.starts_with("ikk_") { 12 } else { 16 };
        for alignment in 0..3 {
            let bytes = &bytes[start + alignment..];
            texts.push(URL_SAFE_NO_PAD.encode(bytes));
            texts.push(STANDARD_NO_PAD.encode(bytes));
        }
        let hex = bytes[start..].iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        texts.push(hex);
    }
    let windows = |text: &String| -> Vec<String> {
        let last = text.len().saturating_sub(12);
        (0..=last)
            .map(|at| text[at..(at + 12).min(text.len())].to_owned())
            .collect()
    };
    texts.iter().flat_map(windows).collect()
}

/// A tour past every door, with good secrets, spent ones and misplaced ones. Returns the secrets
/// and every refusal.
async fn tour(desk: &Desk) -> (Vec<String>, Vec<Answer>) {
    const IDEMPOTENCY: &str = "an-idempotency-key-that-nobody-guesses";
    let mut secrets = vec![desk.admin.clone(), IDEMPOTENCY.to_owned()];
    let mut answers = Vec::new();

    let first = desk.call(Method::POST, "/v1/sessions").bearer(&desk.admin);
    let first = first.header("idempotency-key", IDEMPOTENCY);
    let first = first.json(&json!({"subject": "alice"})).send().await;
    let token = first.word("/token").to_owned();
    secrets.push(token.clone());
    let misused = desk.call(Method::POST, "/v1/sessions").bearer(&desk.admin);
    let misused = misused.header("idempotency-key", IDEMPOTENCY);
    answers.push(misused.json(&json!({"subject": "bob"})).send().await);
    let rotated = desk
        .post("/v1/sessions/rotate", json!({"token": token}))
        .await;
    let current = rotated.word("/token").to_owned();
    secrets.push(current.clone());
    let proof = json!({"token": current, "methods": ["otp"], "assurance": 2});
    let raised = desk.post("/v1/sessions/reauthenticated", proof).await;
    let raised = raised.word("/token").to_owned();
    secrets.push(raised.clone());
    let keep = json!({"keep": raised});
    let kept = desk
        .post("/v1/subjects/alice/credential-changed", keep)
        .await;
    let kept = kept.word("/token").to_owned();
    secrets.push(kept.clone());
    let made = desk
        .post("/v1/keys", json!({"name": "n", "scopes": ["check"]}))
        .await;
    let key = made.word("/key").to_owned();
    secrets.push(key.clone());

    for secret in [&token, &kept, &key, &desk.admin] {
        answers.extend(misplaced(desk, secret).await);
    }

    // While the line is bad.
    for line in [Line::Dead, Line::OneWay] {
        desk.store.set(line);
        answers.push(
            desk.post("/v1/sessions/rotate", json!({"token": kept}))
                .await,
        );
        let again = desk.call(Method::POST, "/v1/sessions").bearer(&desk.admin);
        let again = again.header("idempotency-key", IDEMPOTENCY);
        let body = json!({"subject": "carol", "replaces": token});
        answers.push(again.json(&body).send().await);
        desk.store.set(Line::Well);
    }

    // Reuse, and the end.
    desk.clock.pass(6 * MINUTE);
    answers.push(desk.check(&token).await);
    answers.push(desk.check(&kept).await);
    let gone = desk
        .call(Method::DELETE, "/me/sessions")
        .bearer(&kept)
        .origin(OURS);
    answers.push(gone.send().await);
    (secrets, answers)
}

/// A secret where a name, an id, a number or another kind of secret belongs.
async fn misplaced(desk: &Desk, secret: &str) -> Vec<Answer> {
    let mut answers = Vec::new();
    for path in [
        format!("/v1/sessions/{secret}"),
        format!("/v1/subjects/alice/sessions?after={secret}"),
        format!("/v1/subjects/alice?{secret}=1"),
        format!("/v1/subjects/alice/sessions?limit={secret}"),
        format!("/v1/{secret}"),
        format!("/{secret}/me"),
    ] {
        answers.push(desk.get(&path).await);
    }
    answers.push(desk.delete(&format!("/v1/keys/{secret}")).await);
    for body in [
        json!({"subject": [secret]}),
        json!({"subject": "alice", "class": secret}),
        json!({"subject": "alice", "ip": secret}),
        json!({"subject": "alice", "generation": secret}),
        json!({"subject": "alice", "authenticated_at": secret}),
        json!({"subject": "alice", (secret): 1}),
        json!({"subject": "alice", "contact": {(secret): 1}}),
        json!({"subject": "alice", "choice": secret}),
        json!({"subject": "alice", "end": [secret]}),
        json!({"subject": "alice", "methods": [[secret]]}),
        json!(secret),
        json!([secret]),
    ] {
        answers.push(desk.post("/v1/sessions", body).await);
    }
    let broken = desk.call(Method::POST, "/v1/check").bearer(&desk.admin);
    answers.push(
        broken
            .text(format!(r#"{{"token": "{secret}", }}"#))
            .send()
            .await,
    );
    answers.push(desk.check(&format!("{secret}x")).await);
    answers.push(desk.check(&secret.to_uppercase()).await);
    if secret != desk.admin {
        answers.push(
            desk.call(Method::GET, "/v1/keys")
                .bearer(secret)
                .send()
                .await,
        );
    }
    answers.push(
        desk.call(Method::GET, "/me")
            .cookie(secret)
            .cookie(secret)
            .send()
            .await,
    );
    let out = desk
        .call(Method::POST, "/me/logout")
        .cookie(secret)
        .origin(secret);
    answers.push(out.send().await);
    let named = desk.call(Method::GET, "/me").header("x-request-id", secret);
    answers.push(named.send().await);
    let short = desk.call(Method::POST, "/v1/sessions").bearer(&desk.admin);
    let short = short.header("idempotency-key", &format!("{secret} {secret}"));
    answers.push(short.json(&json!({"subject": "alice"})).send().await);
    answers
}

#[tokio::test]
async fn s6_given_a_tour_past_every_door_when_log_and_refusals_are_searched_then_no_secret_is_there()
 {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(FmtSpan::FULL)
        .with_writer(log.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).expect("this test is alone here");
    let desk = desk_with(policy(5, Overflow::EvictOldest)).await;

    let (secrets, answers) = tour(&desk).await;

    let logged = String::from_utf8(log.0.lock().clone()).expect("a log is text");
    assert!(
        logged.contains("a call could not be answered"),
        "it was kept"
    );
    assert!(logged.contains("reuse of an older token"), "at every level");
    assert!(logged.contains("/v1/sessions/rotate"), "with its spans");
    for answer in &answers {
        assert!(!answer.status.is_success(), "{}", answer.text);
        assert_ne!(answer.json, Value::Null);
    }
    for secret in &secrets {
        for piece in pieces(secret) {
            assert!(!logged.contains(&piece), "the log has {piece} of {secret}");
            for answer in &answers {
                assert!(!answer.text.contains(&piece), "{piece} in {}", answer.text);
                let headers = format!("{:?}", answer.headers);
                assert!(!headers.contains(&piece), "{piece} in {headers}");
            }
        }
    }
}

/// S6: sessions, subjects and lists show ids, never a token or a digest.
#[tokio::test]
async fn s6_given_sessions_when_listed_in_every_way_then_no_piece_of_a_token_shows() {
    let desk = desk_with(policy(5, Overflow::EvictOldest)).await;
    let (token, id) = desk.sign_in("alice").await;
    let (other, _) = desk.sign_in("alice").await;
    let mut shown = String::new();
    for path in [
        format!("/v1/sessions/{id}"),
        "/v1/subjects/alice".to_owned(),
        "/v1/subjects/alice/sessions?state=all".to_owned(),
        "/v1/keys".to_owned(),
    ] {
        shown += &desk.get(&path).await.text;
    }
    shown += &desk
        .call(Method::GET, "/me")
        .bearer(&token)
        .send()
        .await
        .text;
    shown += &desk
        .call(Method::GET, "/me/sessions")
        .bearer(&token)
        .send()
        .await
        .text;
    shown += &desk.check(&token).await.text;

    assert!(shown.contains(&id), "there is something to search");
    for secret in [&token, &other, &desk.admin] {
        for piece in pieces(secret) {
            assert!(!shown.contains(&piece), "{piece}");
        }
    }
}
