//! The log: what is in it, what is not, and what becomes of a server that cannot write it.

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use reqwest::{Method, StatusCode};
use serde_json::Value;
use support::Server;

/// A disk was full, the log on the same disk; the library that writes it complained about that
/// on standard error, which is the log, panicked because it could not, and took the server down
/// in the middle of answering.
#[tokio::test]
async fn given_a_log_that_cannot_be_written_when_there_is_much_to_say_then_it_goes_on_serving() {
    let data = tempfile::tempdir().unwrap();
    let innkeeper = support::innkeeper(data.path());
    let mut command = Command::new("sh");
    command
        .args(["-c", "exec \"$0\" \"$@\" 2>/dev/full"])
        .arg(innkeeper.get_program())
        .args(innkeeper.get_args())
        .env_clear()
        .env("RUST_LOG", "trace");

    let server = Server::start_with(command);
    let api = server.admin(data.path());

    let (token, _) = api.signed_in("alice").await;
    assert_eq!(api.check(&token).await.0, StatusCode::OK);
}

/// A server that logs as its settings say.
fn serving(data: &Path, format: &str, level: &str) -> Server {
    let mut command = support::innkeeper(data);
    command
        .env_remove("RUST_LOG")
        .env("INNKEEPER_LOG__FORMAT", format)
        .env("INNKEEPER_LOG__LEVEL", level);
    Server::start_with(command)
}

/// The lines about requests, of a log in JSON.
fn answered(log: &str) -> Vec<Value> {
    let lines = log.lines().map(|line| {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        assert!(
            line["at"].is_string() && line["level"].is_string(),
            "{line}"
        );
        line
    });
    lines.filter(|line| line["message"] == "answered").collect()
}

#[tokio::test]
async fn given_requests_when_answered_then_each_has_a_line_and_a_check_only_for_those_who_debug() {
    for (level, checks) in [("info", 0), ("debug", 1)] {
        let data = tempfile::tempdir().unwrap();
        let server = serving(data.path(), "json", level);
        let api = server.admin(data.path());
        let (token, id) = api.signed_in("mallory").await;
        assert_eq!(api.check(&token).await.0, StatusCode::OK);
        let path = format!("/v1/sessions/{id}?tenant=nobody");
        let (status, problem) = api.send(Method::GET, &path, None).await;
        assert_eq!(status, StatusCode::NOT_FOUND);

        let (_, log) = server.stop();

        let lines = answered(&log);
        let of = |route: &'static str| lines.iter().filter(move |line| line["route"] == route);
        assert_eq!(of("/v1/sessions").count(), 1, "{log}");
        assert_eq!(of("/v1/check").count(), checks, "{log}");
        let missed = of("/v1/sessions/{id}").next().expect("it has a line");
        assert_eq!(missed["status"], 404);
        assert_eq!(missed["method"], "GET");
        assert!(missed["ms"].as_f64().is_some_and(|ms| ms > 0.0), "{missed}");
        assert_eq!(missed["request_id"], problem["request_id"]);
        assert!(problem["request_id"].is_string(), "{problem}");
        for secret in ["mallory", "nobody", id.as_str(), &token[..30]] {
            assert!(!log.contains(secret), "{secret} in {log}");
        }
    }
}

/// What a stranger sends is neither repeated nor acted on: not by whoever reads the log in a
/// terminal, and not by whoever reads the answer.
#[tokio::test]
async fn given_hostile_text_in_every_place_when_sent_then_it_is_in_no_line_and_in_no_answer() {
    const MARK: &str = "qqHOSTILEqq";
    let endless = MARK.repeat(1_000);
    for format in ["text", "json"] {
        let data = tempfile::tempdir().unwrap();
        let server = serving(data.path(), format, "trace");
        let escape = format!("\u{1b}]0;{MARK}\u{7}\u{9b}31m\u{202e}");
        let mut answers = String::new();
        for head in [
            format!("GET /{MARK}%1b%0a HTTP/1.1\r\nHost: x"),
            format!("GET /v1/subjects/{endless} HTTP/1.1\r\nHost: x"),
            format!("GET /v1/subjects/a?{MARK}=%1b[31m HTTP/1.1\r\nHost: x"),
            format!("{endless} / HTTP/1.1\r\nHost: x"),
            format!("GET /livez HTTP/1.1\r\nHost: {MARK}\r\nX-Request-Id: {endless}"),
            format!("GET /livez HTTP/1.1\r\nHost: x\r\nX-Request-Id: {escape}"),
            format!("GET /livez HTTP/1.1\r\nHost: x\r\ntraceparent: 00-{MARK}-\u{9b}31m"),
            format!("GET /me HTTP/1.1\r\nHost: x\r\nCookie: __Host-innkeeper=\u{9b}{MARK}"),
            format!("GET /me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {endless}"),
            format!("POST /me/logout HTTP/1.1\r\nHost: x\r\nOrigin: https://{MARK}\u{9b}"),
            format!("GET /v1/keys HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {MARK}\u{9b}"),
            format!("GET /v1/keys HTTP/1.1\r\nHost: x\r\nUser-Agent: {escape}{endless}"),
            format!("{escape} / HTTP/1.1\r\nHost: x"),
        ] {
            let mut stream = TcpStream::connect(&server.base["http://".len()..]).unwrap();
            let asked = format!("{head}\r\nConnection: close\r\n\r\n");
            stream.write_all(asked.as_bytes()).unwrap();
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).unwrap();
            let answer = String::from_utf8(bytes).expect("answers are text");
            assert!(answer.contains("x-request-id: req_"), "{head}: {answer}");
            answers += &answer;
        }

        let (_, log) = server.stop();

        for text in [&answers, &log] {
            assert!(!text.contains(MARK), "{text}");
            assert!(
                !text.contains(['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}']),
                "{text}"
            );
        }
        assert!(log.lines().all(|line| line.len() < 4_096), "{log}");
        assert!(log.contains("other"), "the method is not repeated: {log}");
    }
}

#[test]
fn given_a_log_that_nobody_knows_when_set_then_it_is_refused_by_name() {
    for (key, value, accepted) in [
        ("FORMAT", "xml", "\"text\", \"json\""),
        ("LEVEL", "loud", "\"info\""),
    ] {
        let data = tempfile::tempdir().unwrap();
        let mut command = support::innkeeper(data.path());
        command.env(format!("INNKEEPER_LOG__{key}"), value);

        let ran = command
            .output()
            .expect("the binary was built for this test");

        let error = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(2), "{error}");
        assert!(error.contains(accepted), "{error}");
    }
}
