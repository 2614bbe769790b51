//! Bounds of time: each is shortened in turn, and what it ends is seen to end.

use std::future::pending;

use axum::Router;
use axum::extract::Request;
use axum::routing::{get, post};
use innkeeper_http::body::read_body;
use innkeeper_http::problem::ProblemAnswer;
use innkeeper_http::server::{Drained, Limits};
use tokio::io::AsyncReadExt;

use crate::harness::{PATIENT, Running, SHORT, assert_ok, assert_problem, soon, start};

/// More than the buffers of both ends hold.
const LARGE: usize = 64 * 1024 * 1024;

async fn running(limits: Limits) -> Running {
    let read = async |request: Request| -> Result<&'static str, ProblemAnswer> {
        read_body(request.into_body()).await?;
        Ok("read")
    };
    let router = Router::new()
        .route("/", get(async || "fine"))
        .route("/read", post(read))
        .route("/never", get(pending::<&'static str>))
        .route("/large", get(async || vec![b'x'; LARGE]));
    start(router, limits).await
}

#[tokio::test]
async fn given_headers_that_stop_half_way_when_their_time_is_over_then_the_answer_is_408() {
    let server = running(Limits {
        header: SHORT,
        ..PATIENT
    })
    .await;
    let mut client = server.connect().await;

    client
        .send("GET / HTTP/1.1\r\nHost: x\r\nX-Never: end")
        .await;

    assert_problem(&client.rest().await, 408, "request-timeout");
}

#[tokio::test]
async fn given_headers_that_stop_half_way_in_a_second_request_then_the_answer_is_408_too() {
    let server = running(Limits {
        header: SHORT,
        ..PATIENT
    })
    .await;
    let mut client = server.connect().await;
    assert_ok(&client.get("/").await);

    client.send("GET / HT").await;

    assert_problem(&client.rest().await, 408, "request-timeout");
}

#[tokio::test]
async fn given_a_connection_that_says_nothing_when_its_time_is_over_then_it_is_closed() {
    let server = running(Limits {
        header: SHORT,
        ..PATIENT
    })
    .await;
    let client = server.connect().await;

    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn given_an_idle_connection_when_its_time_is_over_then_it_is_closed() {
    let server = running(Limits {
        idle: SHORT,
        ..PATIENT
    })
    .await;
    let mut client = server.connect().await;
    assert_ok(&client.get("/").await);

    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn given_a_body_that_stops_half_way_when_its_time_is_over_then_the_answer_is_408() {
    let server = running(Limits {
        body: SHORT,
        ..PATIENT
    })
    .await;
    for framing in ["Content-Length: 10", "Transfer-Encoding: chunked"] {
        let mut client = server.connect().await;

        client
            .send(format!(
                "POST /read HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n5\r\n"
            ))
            .await;

        assert_problem(&client.rest().await, 408, "request-timeout");
    }
}

#[tokio::test]
async fn given_a_handler_that_never_answers_when_its_time_is_over_then_nobody_knows() {
    let server = running(Limits {
        request: SHORT,
        ..PATIENT
    })
    .await;
    let mut client = server.connect().await;

    assert_problem(&client.get("/never").await, 503, "unavailable");
    assert_ok(&client.get("/").await);
}

#[tokio::test]
async fn given_a_client_that_does_not_read_when_its_time_is_over_then_it_is_cut() {
    let server = running(Limits {
        answer: SHORT,
        ..PATIENT
    })
    .await;
    let mut client = server.connect().await;

    client.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n").await;
    soon(client.stream.read_u8()).await.expect("it has begun");

    // The server has nothing to drain once the bound has passed.
    let drained = soon(server.stop()).await.expect("serving does not panic");
    assert_eq!(drained, Drained { cut: 0 });
    let mut got = Vec::new();
    let _ = soon(client.stream.read_to_end(&mut got)).await;
    assert!(got.len() < LARGE, "{} bytes came", got.len());
}
