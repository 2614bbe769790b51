//! S6: no issued secret is in any log line, list, error or store file, in whole or in part.

mod support;

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use support::{Server, files_below, innkeeper};

/// How many characters or bytes of a secret count as a part of it.
const PART: usize = 12;

/// Every way in which a part of a secret could stand somewhere: its text in pieces, the bytes it
/// stands for, and those bytes in hex and standard base64.
fn traces(secret: &str) -> BTreeSet<Vec<u8>> {
    let body = secret.split_once('_').map_or(secret, |(_, body)| body);
    // The routing tag, or the id of a key, is public: it stands in every id.
    let public = if secret.starts_with("ik_") { 16 } else { 12 };
    let bytes = URL_SAFE_NO_PAD.decode(body).expect("secrets are base64url");
    let private = &bytes[public..];
    let mut traces = BTreeSet::new();
    for part in private.windows(PART) {
        traces.insert(part.to_vec());
        traces.insert(hex(part));
    }
    // Characters of the text that come from private bytes only.
    let first = (public * 8).div_ceil(6);
    for part in body.as_bytes()[first..].windows(PART) {
        traces.insert(part.to_vec());
    }
    for shift in 0..3 {
        let text = STANDARD.encode(&private[shift..]);
        for part in text.trim_end_matches('=').as_bytes().windows(PART) {
            traces.insert(part.to_vec());
        }
    }
    traces
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| DIGITS[usize::from(digit)]).collect()
}

fn find(haystack: &[u8], traces: &BTreeSet<Vec<u8>>) -> Option<usize> {
    let sizes: BTreeSet<usize> = traces.iter().map(Vec::len).collect();
    sizes.into_iter().find_map(|size| {
        haystack
            .windows(size)
            .position(|window| traces.contains(window))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn given_secrets_that_were_issued_when_logs_lists_errors_and_files_are_searched_then_none_is_there()
 {
    let data = tempfile::tempdir().unwrap();
    let mut command = innkeeper(data.path());
    command.env("RUST_LOG", "trace");
    let server = Server::start_with(command);
    let admin_key = std::fs::read_to_string(data.path().join("admin.key")).unwrap();
    let admin_key = admin_key.trim().to_owned();
    let api = server.api(&admin_key);
    let mut shown: Vec<Value> = Vec::new();
    let mut secrets = vec![admin_key];

    let (first, _) = api.signed_in("alice").await;
    let (second, id) = api.signed_in("alice").await;
    let body = json!({"token": second});
    let (_, answer) = api
        .send(Method::POST, "/v1/sessions/rotate", Some(&body))
        .await;
    let third = answer["token"].as_str().unwrap().to_owned();
    let body = json!({"token": third, "methods": ["pwd"], "assurance": 2});
    let (_, answer) = api
        .send(Method::POST, "/v1/sessions/reauthenticated", Some(&body))
        .await;
    let fourth = answer["token"].as_str().unwrap().to_owned();
    let body = json!({"name": "web", "scopes": ["check"]});
    let (_, answer) = api.send(Method::POST, "/v1/keys", Some(&body)).await;
    secrets.push(answer["key"].as_str().unwrap().to_owned());
    secrets.extend([first.clone(), second.clone(), third, fourth.clone()]);

    // Answers that are lists or errors, some about bad requests with the secret in them.
    for path in [
        "/v1/subjects/alice",
        "/v1/subjects/alice/sessions?state=all",
        "/v1/keys",
    ] {
        shown.push(api.send(Method::GET, path, None).await.1);
    }
    shown.push(
        api.send(Method::GET, &format!("/v1/sessions/{id}"), None)
            .await
            .1,
    );
    shown.push(
        api.send(Method::GET, &format!("/v1/sessions/{fourth}"), None)
            .await
            .1,
    );
    shown.push(
        api.send(
            Method::GET,
            &format!("/nowhere/{fourth}?{fourth}={fourth}"),
            None,
        )
        .await
        .1,
    );
    let damaged = format!("{}x", &first[..first.len() - 1]);
    for token in [&damaged, &second] {
        let (status, answer) = api.check(token).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        shown.push(answer);
    }
    let odd = json!({"token": first, fourth.as_str(): fourth});
    shown.push(api.send(Method::POST, "/v1/check", Some(&odd)).await.1);
    let odd = json!({"token": [first]});
    shown.push(api.send(Method::POST, "/v1/check", Some(&odd)).await.1);

    let (status, log) = server.stop();
    assert!(status.success());
    let traces: BTreeSet<_> = secrets.iter().flat_map(|secret| traces(secret)).collect();
    assert!(
        log.matches("answered").count() >= 15,
        "each request is logged: {log}"
    );
    if let Some(place) = find(log.as_bytes(), &traces) {
        let (from, to) = (place.saturating_sub(200), (place + 60).min(log.len()));
        panic!("a part of a secret is in the log: …{}…", &log[from..to]);
    }
    for answer in shown {
        let text = answer.to_string();
        assert_eq!(find(text.as_bytes(), &traces), None, "{text}");
    }
    for (file, bytes) in files_below(data.path()) {
        if !file.ends_with("admin.key") {
            assert_eq!(find(&bytes, &traces), None, "{}", file.display());
        }
    }
    // The search would find one: the key's own file holds it.
    let key_file = std::fs::read(data.path().join("admin.key")).unwrap();
    assert!(find(&key_file, &traces).is_some());
}
