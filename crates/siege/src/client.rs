//! A client with one connection, made anew when it is lost.

use std::net::SocketAddr;
use std::sync::Arc;

use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// One caller's connection.
#[derive(Debug)]
pub(crate) struct Client {
    address: SocketAddr,
    key: Arc<str>,
    connection: Option<SendRequest<Full<Bytes>>>,
}

/// What is sent.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
    pub(crate) idempotency: Option<String>,
}

/// A whole answer: its status, and its body (null where there is none).
pub(crate) type Reply = (u16, Value);

impl Client {
    pub(crate) fn of(address: SocketAddr, key: Arc<str>) -> Self {
        Self {
            address,
            key,
            connection: None,
        }
    }

    /// Opens the connection, unless it is open and free for the next request.
    pub(crate) async fn connect(&mut self) -> Option<()> {
        let is_open = match &mut self.connection {
            Some(connection) => connection.ready().await.is_ok(),
            None => false,
        };
        if !is_open {
            let stream = TcpStream::connect(self.address).await.ok()?;
            stream.set_nodelay(true).ok()?;
            let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
            tokio::spawn(connection);
            self.connection = Some(sender);
        }
        Some(())
    }

    /// Sends, and waits for the whole answer; `None` if it was lost, whatever became of the call.
    pub(crate) async fn send(&mut self, sent: &Sent) -> Option<Reply> {
        self.connect().await?;
        // Taken: a call that is dropped half-way leaves no connection with an unread answer.
        let mut connection = self.connection.take()?;
        let body = sent.body.as_ref().map_or_else(Bytes::new, |body| {
            serde_json::to_vec(body).expect("a value is JSON").into()
        });
        let mut request = Request::builder()
            .method(&sent.method)
            .uri(&sent.path)
            .header(HOST, "innkeeper")
            .header(AUTHORIZATION, format!("Bearer {}", self.key));
        if sent.body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if let Some(key) = &sent.idempotency {
            request = request.header("idempotency-key", key);
        }
        let request = request.body(Full::new(body)).expect("it is well-formed");
        let answer = connection.send_request(request).await.ok()?;
        let status = answer.status().as_u16();
        let bytes = answer.into_body().collect().await.ok()?.to_bytes();
        self.connection = Some(connection);
        let body = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes).ok()?
        };
        Some((status, body))
    }
}
