//! HTTP as it comes, good and bad.

use axum::routing::get;
use axum::{Extension, Router};
use innkeeper_http::server::Peer;

use crate::harness::{PATIENT, Running, assert_ok, assert_problem, start};

async fn running() -> Running {
    let peer = async |Extension(peer): Extension<Peer>| peer.0.ip().to_string();
    let router = Router::new()
        .route("/", get(async || "fine"))
        .route("/peer", get(peer))
        .route("/panic", get(broken));
    start(router, PATIENT).await
}

async fn broken() -> &'static str {
    panic!("a defect of the test, on purpose")
}

#[tokio::test]
async fn given_a_handler_that_panics_when_asked_then_the_problem_comes_and_the_connection_lives() {
    let server = running().await;
    let mut client = server.connect().await;

    let answer = client.get("/panic").await;

    assert_problem(&answer, 500, "internal");
    assert!(!answer.contains("on purpose"), "{answer}");
    assert_ok(&client.get("/").await);
}

#[tokio::test]
async fn given_no_host_or_two_when_asked_then_the_request_is_refused() {
    let server = running().await;
    for hosts in ["", "Host: a\r\nHost: a\r\n", "Host: a\r\nHost: b\r\n"] {
        let mut client = server.connect().await;

        client.send(format!("GET / HTTP/1.1\r\n{hosts}\r\n")).await;

        assert_problem(&client.answer().await, 400, "bad-request");
    }
}

#[tokio::test]
async fn given_http_1_0_without_a_host_when_asked_then_it_is_answered() {
    let server = running().await;
    let mut client = server.connect().await;

    client.send("GET / HTTP/1.0\r\n\r\n").await;

    let answer = client.rest().await;
    assert!(answer.contains(" 200 OK"), "{answer}");
}

#[tokio::test]
async fn given_what_is_not_http_when_sent_then_the_connection_is_closed_with_400() {
    let server = running().await;
    for bytes in [
        "\x16\x03\x01\x02\x00\x01\x00\x01\u{fc}\x03\x03",
        "GET / HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 2\r\n\r\nx",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\nx",
    ] {
        let mut client = server.connect().await;

        client.send(bytes).await;

        let answer = client.rest().await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{bytes:?}: {answer}");
    }
}

#[tokio::test]
async fn given_two_requests_at_once_when_sent_then_both_are_answered_in_order() {
    let server = running().await;
    let mut client = server.connect().await;

    client
        .send(
            "GET /peer HTTP/1.1\r\nHost: x\r\n\r\n\
             GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        )
        .await;

    let answers = client.rest().await;
    let (peer, fine) = answers
        .split_once("127.0.0.1")
        .expect("the first answer names the peer");
    assert_ok(peer);
    assert!(fine.ends_with("fine"), "{answers}");
}

#[tokio::test]
async fn given_a_method_or_a_path_without_a_route_when_asked_then_the_answer_is_a_problem() {
    let server = running().await;
    let mut client = server.connect().await;

    assert_problem(&client.get("/nothing").await, 404, "not-found");
    client.send("DELETE / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let answer = client.answer().await;

    assert_problem(&answer, 405, "method-not-allowed");
    assert!(answer.contains("allow: GET,HEAD"), "{answer}");
}

/// A caller who waits to be asked for the body must be told at once that nobody will.
#[tokio::test]
async fn given_a_caller_who_expects_to_be_asked_when_the_body_is_too_large_then_it_is_not() {
    let server = running().await;
    let mut client = server.connect().await;

    client
        .send(
            "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1000000\r\n\r\n",
        )
        .await;

    assert_problem(&client.rest().await, 413, "payload-too-large");
}
