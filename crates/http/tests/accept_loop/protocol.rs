//! HTTP as it comes, good and bad.

use std::convert::Infallible;
use std::future::pending;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::routing::get;
use axum::{Extension, Router};
use futures_util::stream;
use http::header::CONTENT_TYPE;
use innkeeper_http::envelope::enveloped;
use innkeeper_http::peers::ClientIp;
use innkeeper_http::server::{House, Peer};
use ipnet::IpNet;
use std::net::IpAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

use crate::harness::{
    PATIENT, Running, SHORT, assert_ok, assert_problem, soon, start, start_house,
};

async fn running() -> Running {
    start(router(), PATIENT).await
}

fn router() -> Router {
    let peer = async |Extension(peer): Extension<Peer>| peer.0.ip().to_string();
    let client = async |request: Request| match ClientIp::of(request.extensions()) {
        Some(ip) => ip.to_string(),
        None => "nobody".to_owned(),
    };
    Router::new()
        .route("/", get(async || "fine"))
        .route("/peer", get(peer))
        .route("/client", get(client))
        .route("/slow", get(slow))
        .route("/panic", get(broken))
}

/// Long enough for the end of what was sent to be seen.
async fn slow() -> &'static str {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(SHORT).await;
    "at last"
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

        assert_problem(&client.rest().await, 400, "bad-request");
    }
}

/// What hyper says by itself has no body; it must not come before, after or inside of ours.
#[tokio::test]
async fn given_a_request_and_then_what_is_none_when_sent_then_both_are_answered_in_full() {
    let server = running().await;
    let mut client = server.connect().await;

    client
        .send("GET / HTTP/1.1\r\nHost: x\r\n\r\nno request\r\n\r\n")
        .await;

    let answers = client.rest().await;
    let (fine, refusal) = answers
        .split_once("fine")
        .expect("the first answer has its body");
    assert_ok(fine);
    assert_problem(refusal, 400, "bad-request");
    assert_eq!(answers.matches("HTTP/1.1 ").count(), 2, "{answers}");
}

/// `curl` never does it, but `nc -N` and many small clients do.
#[tokio::test]
async fn given_a_client_that_closes_its_side_after_asking_then_it_gets_its_answer() {
    let server = running().await;
    let mut client = server.connect().await;

    client.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await;
    client.stream.shutdown().await.expect("it is open");

    let answer = client.rest().await;
    assert_ok(&answer);
    assert!(answer.ends_with("at last"), "{answer}");
}

/// A stream has no end to wait for: who closes has gone.
#[tokio::test]
async fn given_a_listener_that_goes_away_when_its_stream_is_silent_then_the_stream_ends() {
    let (gone, mut is_gone) = mpsc::channel::<()>(1);
    let stream = async move || {
        let silence = stream::unfold(gone.clone(), async |gone| {
            pending::<()>().await;
            Some((Ok::<Bytes, Infallible>(Bytes::new()), gone))
        });
        let body = Body::from_stream(silence);
        ([(CONTENT_TYPE, "text/event-stream")], body)
    };
    let server = start(Router::new().route("/live", get(stream)), PATIENT).await;
    let mut client = server.connect().await;
    client.send("GET /live HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!(client.stream.read_u8().await.expect("it begins"), b'H');

    drop(client);
    drop(server.stop());

    assert_eq!(soon(is_gone.recv()).await, None);
}

#[tokio::test]
async fn given_a_refusal_when_read_then_the_document_quotes_the_id_of_the_header() {
    let server = running().await;
    for asked in [
        "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "?\r\n\r\n",
    ] {
        let mut client = server.connect().await;

        client.send(asked).await;

        let answer = client.answer().await;
        let id = answer
            .lines()
            .find_map(|line| line.strip_prefix("x-request-id: "))
            .expect("every answer has one");
        let quoted = format!(r#""request_id":"{id}""#);
        assert!(answer.contains(&quoted), "{answer}");
    }
}

/// Anybody may write these headers; only a proxy of ours writes them for us.
#[tokio::test]
async fn given_an_id_that_came_along_when_answered_then_only_that_of_a_trusted_peer_counts() {
    const GIVEN: &str = "9f1c2b3a-0000-4000-8000-0123456789ab";
    let trusted = [IpAddr::from([127, 0, 0, 2])];
    let house = House {
        limits: PATIENT,
        trusted_peers: trusted.map(IpNet::from).into_iter().collect(),
        ..House::new(enveloped(router()))
    };
    let server = start_house(house).await;
    let asked = format!(
        "GET /client HTTP/1.1\r\nHost: x\r\nX-Request-Id: {GIVEN}\r\n\
         X-Forwarded-For: 203.0.113.7\r\nConnection: close\r\n\r\n"
    );
    let (mut stranger, mut proxy) = (server.connect().await, server.connect_from(2).await);

    stranger.send(&asked).await;
    proxy.send(&asked).await;

    let (of_stranger, of_proxy) = (stranger.rest().await, proxy.rest().await);
    assert!(of_stranger.contains("x-request-id: req_"), "{of_stranger}");
    assert!(of_stranger.ends_with("127.0.0.1"), "{of_stranger}");
    let given = format!("x-request-id: {GIVEN}\r\n");
    assert!(of_proxy.contains(&given), "{of_proxy}");
    assert!(of_proxy.ends_with("203.0.113.7"), "{of_proxy}");
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
