//! A server on a free port of loopback, and a client that speaks HTTP by hand.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use innkeeper_http::envelope::enveloped;
use innkeeper_http::server::{Drained, House, Limits, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Longer than any test lasts.
const LONG: Duration = Duration::from_secs(333);

/// Bounds that no test reaches by itself; each test shortens the one it is about.
pub(crate) const PATIENT: Limits = Limits {
    connections_max: 1_024,
    header: LONG,
    body: LONG,
    request: LONG,
    answer: LONG,
    idle: LONG,
    drain: LONG,
};

/// A bound that a test waits for.
pub(crate) const SHORT: Duration = Duration::from_millis(50);

/// Waits for `work`, and fails the test instead of hanging.
pub(crate) async fn soon<F: Future>(work: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(30), work)
        .await
        .expect("nothing hangs")
}

/// A running server.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Drained>,
}

/// Starts a server with these routes.
pub(crate) async fn start(router: Router, limits: Limits) -> Running {
    let house = House {
        limits,
        ..House::new(enveloped(router))
    };
    start_house(house).await
}

/// Starts a server as it is described.
pub(crate) async fn start_house(house: House) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("loopback has a free port");
    let address = listener.local_addr().expect("it is bound");
    let (stop, stopped) = oneshot::channel();
    let serving = tokio::spawn(serve(listener, house, async {
        let _ = stopped.await;
    }));
    Running {
        address,
        stop,
        serving,
    }
}

impl Running {
    /// Opens a connection.
    pub(crate) async fn connect(&self) -> Client {
        let stream = TcpStream::connect(self.address)
            .await
            .expect("the server listens");
        Client { stream }
    }

    /// Opens a connection from another address of loopback, `127.0.0.LAST`.
    pub(crate) async fn connect_from(&self, last: u8) -> Client {
        let socket = TcpSocket::new_v4().expect("there is a socket");
        let from = SocketAddr::from(([127, 0, 0, last], 0));
        socket.bind(from).expect("all of 127/8 is ours");
        let stream = socket.connect(self.address).await;
        Client {
            stream: stream.expect("the server listens"),
        }
    }

    /// Gives the signal to stop; the handle completes when all is drained.
    pub(crate) fn stop(self) -> JoinHandle<Drained> {
        let _ = self.stop.send(());
        self.serving
    }
}

/// One connection.
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
}

impl Client {
    /// Sends bytes as they are; what the server thinks of them shows in its answer.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref()).await;
    }

    /// Everything until the server closes.
    pub(crate) async fn rest(mut self) -> String {
        let mut bytes = Vec::new();
        // A reset after the answer ends it as well; the assertion is on what came before.
        let _ = soon(self.stream.read_to_end(&mut bytes)).await;
        String::from_utf8(bytes).expect("answers are text")
    }

    /// Waits until the server closes without a word.
    pub(crate) async fn is_closed(&mut self) -> bool {
        soon(self.stream.read_u8()).await.is_err()
    }

    /// One answer with a `Content-Length`; the connection stays open.
    pub(crate) async fn answer(&mut self) -> String {
        soon(async {
            let mut bytes = Vec::new();
            loop {
                if let Some(end) = end_of_answer(&bytes)
                    && bytes.len() >= end
                {
                    assert_eq!(bytes.len(), end, "one answer came, and nothing after it");
                    return String::from_utf8(bytes).expect("answers are text");
                }
                let read = self.stream.read_buf(&mut bytes).await;
                assert_ne!(
                    read.expect("the connection lives"),
                    0,
                    "the answer is whole"
                );
            }
        })
        .await
    }

    /// Sends a request without a body and waits for its answer.
    pub(crate) async fn get(&mut self, path: &str) -> String {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"))
            .await;
        self.answer().await
    }
}

fn end_of_answer(bytes: &[u8]) -> Option<usize> {
    let text = str::from_utf8(bytes).ok()?;
    let head = text.find("\r\n\r\n")? + 4;
    let len = text[..head]
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))?;
    Some(head + len.parse::<usize>().expect("it is a number"))
}

/// Fails unless `answer` is a problem document with this status and code.
#[track_caller]
pub(crate) fn assert_problem(answer: &str, status: u16, code: &str) {
    assert!(
        answer.starts_with(&format!("HTTP/1.1 {status} ")),
        "{answer}"
    );
    assert!(
        answer.contains("content-type: application/problem+json"),
        "{answer}"
    );
    assert!(answer.contains("cache-control: no-store"), "{answer}");
    assert!(answer.contains("x-request-id: req_"), "{answer}");
    assert!(answer.contains(&format!(r#""code":"{code}""#)), "{answer}");
}

#[track_caller]
pub(crate) fn assert_ok(answer: &str) {
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}
