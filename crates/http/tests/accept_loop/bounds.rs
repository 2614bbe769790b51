//! Sizes and counts.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::routing::{get, post};
use innkeeper_http::body::{BODY_LEN_MAX, read_body};
use innkeeper_http::problem::ProblemAnswer;
use innkeeper_http::server::{HEAD_LEN_MAX, Limits};
use tokio::io::AsyncWriteExt;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::harness::{Client, PATIENT, Running, assert_ok, assert_problem, soon, start};

async fn running(limits: Limits) -> Running {
    let count = async |request: axum::extract::Request| -> Result<String, ProblemAnswer> {
        let body: Bytes = read_body(request.into_body()).await?;
        Ok(body.len().to_string())
    };
    let router = Router::new()
        .route("/", get(async || "fine"))
        .route("/count", post(count));
    start(router, limits).await
}

/// A request whose line and headers are `len` bytes long.
fn head_of(len: usize) -> String {
    let (start, end) = ("GET / HTTP/1.1\r\nHost: x\r\nX-Long: ", "\r\n\r\n");
    let filler = "x".repeat(len - start.len() - end.len());
    format!("{start}{filler}{end}")
}

#[tokio::test]
async fn given_headers_below_the_bound_when_sent_then_they_are_read() {
    let server = running(PATIENT).await;
    let mut client = server.connect().await;

    client.send(head_of(HEAD_LEN_MAX - 1)).await;

    assert_ok(&client.answer().await);
}

#[tokio::test]
async fn given_headers_above_the_bound_when_sent_then_the_answer_is_431() {
    let server = running(PATIENT).await;
    for len in [HEAD_LEN_MAX + 1, HEAD_LEN_MAX * 2, HEAD_LEN_MAX * 64] {
        let mut client = server.connect().await;

        client.send(head_of(len)).await;

        assert_problem(&client.rest().await, 431, "header-too-large");
    }
}

/// A bound that is looked at only while a request is incomplete lets one pass that grows over it
/// with its last piece.
#[tokio::test]
async fn given_headers_above_the_bound_in_pieces_when_sent_then_the_answer_is_431() {
    let server = running(PATIENT).await;
    let mut client = server.connect().await;
    let head = head_of(HEAD_LEN_MAX + 4_000);

    for piece in head.as_bytes().chunks(1_000) {
        client.send(piece).await;
        tokio::task::yield_now().await;
    }

    assert_problem(&client.rest().await, 431, "header-too-large");
}

#[tokio::test]
async fn given_more_headers_than_anybody_needs_when_sent_then_the_answer_is_431() {
    let server = running(PATIENT).await;
    let mut client = server.connect().await;
    let headers = "a: b\r\n".repeat(200);

    client
        .send(format!("GET / HTTP/1.1\r\nHost: x\r\n{headers}\r\n"))
        .await;

    assert_problem(&client.rest().await, 431, "header-too-large");
}

async fn send_body(client: &mut Client, body: &str) {
    let len = body.len();
    client
        .send(format!(
            "POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: {len}\r\n\r\n{body}"
        ))
        .await;
}

#[tokio::test]
async fn given_a_body_at_the_bound_when_sent_then_it_is_read() {
    let server = running(PATIENT).await;
    let mut client = server.connect().await;

    send_body(&mut client, &"x".repeat(BODY_LEN_MAX)).await;

    let answer = client.answer().await;
    assert_ok(&answer);
    assert!(answer.ends_with(&BODY_LEN_MAX.to_string()), "{answer}");
}

#[tokio::test]
async fn given_a_body_above_the_bound_when_announced_then_the_answer_is_413_without_reading_it() {
    let server = running(PATIENT).await;
    let mut client = server.connect().await;

    client
        .send("POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n")
        .await;

    assert_problem(&client.rest().await, 413, "payload-too-large");
}

/// Closing a socket before its input is read resets the connection, and clients that fail at
/// sending never look at the answer.
#[tokio::test]
async fn given_a_client_that_goes_on_sending_when_it_was_refused_then_it_is_not_reset() {
    let server = running(PATIENT).await;
    let body = "POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n";
    let head = &head_of(HEAD_LEN_MAX * 2)[..HEAD_LEN_MAX + 1_000];
    for (refused, status) in [(body, "413"), (head, "431")] {
        let mut client = server.connect().await;
        client.send(refused).await;
        let answer = client.answer().await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );

        for _ in 0..8 {
            let sent = client.stream.write_all(&[b'x'; 4_096]).await;
            sent.expect("the server still listens");
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn given_a_body_above_the_bound_when_sent_whole_then_the_client_still_reads_the_413() {
    let server = running(PATIENT).await;
    let mut client = server.connect().await;

    send_body(&mut client, &"x".repeat(BODY_LEN_MAX * 3)).await;

    assert_problem(&client.rest().await, 413, "payload-too-large");
}

#[tokio::test]
async fn given_a_body_of_unknown_length_above_the_bound_when_sent_then_the_answer_is_413() {
    let server = running(PATIENT).await;
    let mut client = server.connect().await;
    let chunk = format!("4000\r\n{}\r\n", "x".repeat(0x4000));

    client
        .send("POST /count HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await;
    client.send(chunk.repeat(5)).await;

    assert_problem(&client.rest().await, 413, "payload-too-large");
}

#[tokio::test]
async fn given_a_body_that_no_route_reads_when_sent_then_the_answer_arrives() {
    let server = running(PATIENT).await;
    let mut client = server.connect().await;
    let body = "x".repeat(BODY_LEN_MAX);

    client
        .send(format!(
            "POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: {BODY_LEN_MAX}\r\n\r\n{body}"
        ))
        .await;

    assert_problem(&client.rest().await, 404, "not-found");
}

/// Requests under way are not cut for somebody who comes later.
#[tokio::test]
async fn given_every_place_at_work_when_one_more_connects_then_it_is_told_and_a_free_place_serves()
{
    let gate = Arc::new(Semaphore::new(0));
    let wait = {
        let gate = Arc::clone(&gate);
        async move || {
            let _passed = gate.acquire().await.expect("nobody closes it");
            "through"
        }
    };
    let router = Router::new()
        .route("/", get(async || "fine"))
        .route("/wait", get(wait));
    let limits = Limits {
        connections_max: 2,
        ..PATIENT
    };
    let server = start(router, limits).await;
    let mut first = server.connect().await;
    let mut second = server.connect().await;
    for client in [&mut first, &mut second] {
        // The answer to the first request says that the second one is being read.
        client
            .send("GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
            .await;
        assert_ok(&client.answer().await);
    }

    let refused = soon(async {
        loop {
            let mut third = server.connect().await;
            third.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n").await;
            let answer = third.rest().await;
            if !answer.is_empty() {
                break answer;
            }
        }
    })
    .await;

    assert_problem(&refused, 503, "unavailable");
    gate.add_permits(2);
    assert_ok(&first.answer().await);
    assert_ok(&second.answer().await);
    assert_ok(&server.connect().await.get("/").await);
}

/// One machine opened connections and said nothing, and nobody else got in until their time was
/// over; then it opened them again.
#[tokio::test]
async fn given_a_peer_that_holds_every_other_place_when_somebody_new_comes_then_that_peer_gives_way()
 {
    let server = running(Limits {
        connections_max: 8,
        ..PATIENT
    })
    .await;
    let mut early = server.connect_from(2).await;
    assert_ok(&early.get("/").await);
    let mut silent = server.connect().await;
    let mut dripping = server.connect().await;
    dripping.send("GET / HTTP/1.1\r\n").await;
    let mut half = server.connect().await;
    half.send("POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1")
        .await;
    let mut idle = Vec::new();
    for _ in 0..4 {
        let mut client = server.connect().await;
        assert_ok(&client.get("/").await);
        idle.push(client);
    }

    let mut newcomers = Vec::new();
    for who in 3..9 {
        let mut late = server.connect_from(who).await;
        assert_ok(&late.get("/").await);
        newcomers.push(late);
    }

    assert_ok(&early.get("/").await);
    for client in [&mut silent, &mut dripping, &mut half] {
        assert!(client.is_closed().await);
    }
}

#[tokio::test]
async fn given_many_connections_at_once_when_each_asks_often_then_all_are_answered() {
    let server = running(PATIENT).await;
    let mut clients = JoinSet::new();
    for _ in 0..200 {
        let mut client = server.connect().await;
        clients.spawn(async move {
            for _ in 0..10 {
                assert_ok(&client.get("/").await);
            }
        });
    }

    let done = soon(clients.join_all()).await;

    assert_eq!(done.len(), 200);
}
