//! A crowd: many connections that work through one long list of calls together.

use std::io;
use std::sync::Arc;

use http::Method;
use serde_json::Value;

use crate::client::{Client, Reply, Sent};
use crate::server::Server;

/// How many calls are under way at once.
const CONNECTIONS: usize = 64;

/// Makes `count` calls, and gives back what `read` makes of their answers, in order.
///
/// An answer of which `read` makes nothing is an error: what is built on it would prove nothing.
pub(crate) async fn ask_each<T, M, R>(
    server: &Server,
    count: usize,
    make: M,
    read: R,
) -> io::Result<Vec<T>>
where
    T: Send + 'static,
    M: Fn(usize) -> Sent + Send + Sync + 'static,
    R: Fn(usize, &Reply) -> Option<T> + Send + Sync + 'static,
{
    let work = Arc::new((make, read));
    let tasks: Vec<_> = (0..CONNECTIONS.min(count))
        .map(|first| {
            let mut client = Client::of(server.address, Arc::clone(&server.key));
            let work = Arc::clone(&work);
            tokio::spawn(async move {
                let (make, read) = &*work;
                let mut found = Vec::new();
                for number in (first..count).step_by(CONNECTIONS) {
                    let reply = client.send(&make(number)).await;
                    let read = reply.as_ref().and_then(|reply| read(number, reply));
                    let lost = || io::Error::other(format!("call {number}: {reply:?}"));
                    found.push((number, read.ok_or_else(lost)?));
                }
                Ok::<_, io::Error>(found)
            })
        })
        .collect();
    let mut all = Vec::with_capacity(count);
    for task in tasks {
        all.extend(task.await.expect("a caller does not panic")?);
    }
    all.sort_unstable_by_key(|(number, _)| *number);
    Ok(all.into_iter().map(|(_, read)| read).collect())
}

/// A call with a body.
pub(crate) fn post(path: &str, body: Value) -> Sent {
    Sent {
        method: Method::POST,
        path: path.to_owned(),
        body: Some(body),
        idempotency: None,
    }
}

/// A call without one.
pub(crate) fn get(path: String) -> Sent {
    Sent {
        method: Method::GET,
        path,
        body: None,
        idempotency: None,
    }
}

/// One call; an answer of another status is an error.
pub(crate) async fn ask(client: &mut Client, status: u16, sent: &Sent) -> io::Result<Value> {
    match client.send(sent).await {
        Some((found, body)) if found == status => Ok(body),
        reply => Err(io::Error::other(format!("{}: {reply:?}", sent.path))),
    }
}

/// The text of an answer; empty where there is none.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A count of an answer; what is none is as good as wrong.
pub(crate) fn number(value: &Value) -> usize {
    let number = value.as_u64().and_then(|n| usize::try_from(n).ok());
    number.unwrap_or(usize::MAX)
}
