//! The way out: what has begun is finished, and nothing else is waited for.

use std::future::pending;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use innkeeper_http::server::{Drained, Limits};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};

use crate::harness::{PATIENT, SHORT, assert_ok, soon, start};

/// Routes of which one says that it has begun and then waits to be told to end.
struct Gate {
    begun: Notify,
    release: Notify,
}

fn gated() -> (Arc<Gate>, Router) {
    let gate = Arc::new(Gate {
        begun: Notify::new(),
        release: Notify::new(),
    });
    let of_handler = Arc::clone(&gate);
    let handler = async move || {
        of_handler.begun.notify_one();
        of_handler.release.notified().await;
        "finished"
    };
    let router = Router::new()
        .route("/", get(async || "fine"))
        .route("/gate", get(handler));
    (gate, router)
}

#[tokio::test]
async fn given_a_request_in_flight_when_draining_then_it_is_answered_and_nobody_else_is_let_in() {
    let (gate, router) = gated();
    let server = start(router, PATIENT).await;
    let address = server.address;
    let mut client = server.connect().await;
    client.send("GET /gate HTTP/1.1\r\nHost: x\r\n\r\n").await;
    soon(gate.begun.notified()).await;

    let serving = server.stop();
    soon(async { while TcpStream::connect(address).await.is_ok() {} }).await;
    gate.release.notify_one();

    let answer = client.rest().await;
    assert_ok(&answer);
    assert!(answer.contains("connection: close"), "{answer}");
    assert!(answer.ends_with("finished"), "{answer}");
    let drained = soon(serving).await.expect("serving does not panic");
    assert_eq!(drained, Drained { cut: 0 });
}

#[tokio::test]
async fn given_idle_and_fresh_connections_when_draining_then_they_are_closed_at_once() {
    let (_, router) = gated();
    let server = start(router, PATIENT).await;
    let fresh = server.connect().await;
    let mut idle = server.connect().await;
    assert_ok(&idle.get("/").await);

    let serving = server.stop();

    assert_eq!(fresh.rest().await, "");
    assert_eq!(idle.rest().await, "");
    let drained = soon(serving).await.expect("serving does not panic");
    assert_eq!(drained, Drained { cut: 0 });
}

#[tokio::test]
async fn given_headers_half_way_when_draining_then_the_request_may_still_be_completed() {
    let (gate, router) = gated();
    let server = start(router, PATIENT).await;
    let mut client = server.connect().await;
    let mut other = server.connect().await;
    client.send("GET / HTTP/1.1\r\nHo").await;
    // Once this one is answered, the loop has taken the bytes before it too.
    other.send("GET /gate HTTP/1.1\r\nHost: x\r\n\r\n").await;
    soon(gate.begun.notified()).await;
    tokio::task::yield_now().await;

    let serving = server.stop();
    client.send("st: x\r\n\r\n").await;

    assert_ok(&client.rest().await);
    gate.release.notify_one();
    assert_ok(&other.rest().await);
    soon(serving).await.expect("serving does not panic");
}

#[tokio::test]
async fn given_a_request_that_never_ends_when_the_deadline_passes_then_it_is_cut() {
    let (begun, mut has_begun) = mpsc::channel(1);
    let handler = async move || {
        let _ = begun.send(()).await;
        pending::<&'static str>().await
    };
    let limits = Limits {
        drain: SHORT,
        ..PATIENT
    };
    let server = start(Router::new().route("/never", get(handler)), limits).await;
    let mut client = server.connect().await;
    client.send("GET /never HTTP/1.1\r\nHost: x\r\n\r\n").await;
    soon(has_begun.recv()).await;

    let drained = soon(server.stop()).await.expect("serving does not panic");

    assert_eq!(drained, Drained { cut: 1 });
    assert_eq!(client.rest().await, "");
}

/// S19: a caller who goes away must not leave work that nobody waits for. To us it looks like one
/// who has only said everything, so it is the bound of time that ends the work.
#[tokio::test]
async fn given_a_caller_who_goes_away_when_its_time_is_over_then_the_handler_is_dropped() {
    struct Told(mpsc::Sender<()>);
    impl Drop for Told {
        fn drop(&mut self) {
            let _ = self.0.try_send(());
        }
    }
    let (begun, mut has_begun) = mpsc::channel(1);
    let (dropped, mut is_dropped) = mpsc::channel(1);
    let handler = async move || {
        let _told = Told(dropped.clone());
        let _ = begun.send(()).await;
        pending::<&'static str>().await
    };
    let limits = Limits {
        request: SHORT,
        ..PATIENT
    };
    let server = start(Router::new().route("/never", get(handler)), limits).await;
    let mut client = server.connect().await;
    client.send("GET /never HTTP/1.1\r\nHost: x\r\n\r\n").await;
    soon(has_begun.recv()).await;

    drop(client);

    assert_eq!(soon(is_dropped.recv()).await, Some(()));
}
