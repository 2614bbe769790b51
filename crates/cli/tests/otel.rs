//! Traces, sent to a collector that is well, one that never answers, and one that is not there.
//!
//! Only in a build with the feature `otel`.
#![cfg(feature = "otel")]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use reqwest::StatusCode;
use support::Server;

/// A collector on loopback that hands on the body of each request.
fn collector() -> (SocketAddr, Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    let (to, from) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let to = to.clone();
            thread::spawn(move || take(stream.expect("it came"), &to));
        }
    });
    (address, from)
}

fn take(stream: TcpStream, to: &Sender<Vec<u8>>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut len = 0;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length: ") {
                len = value.parse().ok()?;
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; len];
        stream.read_exact(&mut body).ok()?;
        to.send(body).ok()?;
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        stream.get_mut().write_all(answer).ok()?;
    }
}

/// A server that sends traces to this address, which the configuration allows.
fn sending_to(data: &Path, to: SocketAddr) -> Command {
    let mut command = support::innkeeper(data);
    command
        .env("INNKEEPER_TELEMETRY__ENDPOINT", format!("http://{to}"))
        .env("INNKEEPER_OUTGOING__ALLOW", to.to_string());
    command
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[tokio::test]
async fn given_a_sign_in_when_it_is_traced_then_its_steps_are_told_and_nothing_of_who_it_was() {
    const TRACE: u128 = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;
    /// That of a call that goes past the router.
    const CHECKED: u128 = TRACE + 1;
    let data = tempfile::tempdir().unwrap();
    let (address, bodies) = collector();
    let mut command = sending_to(data.path(), address);
    command.env("INNKEEPER_SERVER__TRUSTED_PEERS", "127.0.0.1");
    let server = Server::start_with(command);
    let api = server.admin(data.path());

    let (token, id) = api.signed_in("mallory").await;
    assert_eq!(api.check(&token).await.0, StatusCode::OK);
    let caller = format!("00-{TRACE:032x}-00f067aa0ba902b7-01");
    let client = support::client();
    let livez = client.get(format!("{}/livez", server.base));
    let livez = livez.header("traceparent", caller).send().await.unwrap();
    let named = livez.headers()["x-request-id"].to_str().unwrap().to_owned();
    let caller = format!("00-{CHECKED:032x}-00f067aa0ba902b7-01");
    let check = client.post(format!("{}/v1/check", server.base));
    let key = std::fs::read_to_string(data.path().join("admin.key")).unwrap();
    let check = check.bearer_auth(key.trim()).header("traceparent", caller);
    let checked = check.json(&serde_json::json!({"token": token}));
    assert_eq!(checked.send().await.unwrap().status(), StatusCode::OK);
    let (status, log) = server.stop();

    assert!(status.success(), "{log}");
    let sent: Vec<u8> = bodies.try_iter().flatten().collect();
    for part in [
        "POST /v1/sessions",
        "read",
        "commit",
        "POST /v1/check",
        "http.route",
    ] {
        assert!(contains(&sent, part.as_bytes()), "no span {part}");
    }
    for trace in [TRACE, CHECKED] {
        assert!(
            contains(&sent, &trace.to_be_bytes()),
            "the caller's trace goes on"
        );
    }
    assert_eq!(named, format!("{TRACE:032x}"));
    for secret in [
        "mallory",
        &token[3..],
        &id,
        &id[4..],
        key.trim(),
        "127.0.0.1",
    ] {
        assert!(!contains(&sent, secret.as_bytes()), "{secret} was sent");
    }
}

/// The first never answers, the second is not there.
#[tokio::test]
async fn given_a_collector_that_takes_nothing_when_many_sign_in_then_each_is_answered() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let gone = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let (silent_at, gone_at) = (silent.local_addr().unwrap(), gone.local_addr().unwrap());
    drop(gone);
    for address in [silent_at, gone_at] {
        let data = tempfile::tempdir().unwrap();
        let server = Server::start_with(sending_to(data.path(), address));
        let api = server.admin(data.path());

        let (token, _) = api.signed_in("alice").await;
        for _ in 0..500 {
            assert_eq!(api.check(&token).await.0, StatusCode::OK);
        }

        let (status, log) = server.stop();
        assert!(status.success(), "{log}");
    }
}

#[test]
fn given_a_collector_that_is_not_allowed_when_started_then_it_is_a_wrong_configuration() {
    let data = tempfile::tempdir().unwrap();
    let mut command = support::innkeeper(data.path());
    command.env("INNKEEPER_TELEMETRY__ENDPOINT", "http://127.0.0.1:4318");

    let ran = command
        .output()
        .expect("the binary was built for this test");

    let error = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(2), "{error}");
    assert!(error.contains("telemetry.endpoint"), "{error}");
    assert!(error.contains("allow = [\"127.0.0.1:4318\"]"), "{error}");
}
