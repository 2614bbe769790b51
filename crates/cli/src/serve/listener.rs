//! Where we listen: on a socket that the service manager opened, or on one of our own.

use std::net::SocketAddr;

use listenfd::ListenFd;
use tokio::net::TcpListener;

use crate::exit::Failure;

/// Takes the socket that was handed down (`LISTEN_FDS`, as systemd does), or binds one.
///
/// In a socket that is handed down connections wait while we start anew, and none is refused. The
/// configured address then says nothing.
pub(super) async fn listener(address: SocketAddr) -> Result<TcpListener, Failure> {
    let mut handed_down = ListenFd::from_env();
    if handed_down.len() > 1 {
        return Err(Failure::usage(
            "more than one socket was handed down; one is served: give the unit one ListenStream",
        ));
    }
    let unusable =
        |error| Failure::cannot_run("the socket that was handed down is unusable", error);
    if let Some(listener) = handed_down.take_tcp_listener(0).map_err(unusable)? {
        listener.set_nonblocking(true).map_err(unusable)?;
        let listener = TcpListener::from_std(listener).map_err(unusable)?;
        tracing::info!("listening on the socket that was handed down");
        return Ok(listener);
    }
    bind(address, "name another address with --listen").await
}

/// Binds the listener of the metrics, which is never handed down.
pub(super) async fn for_metrics(address: SocketAddr) -> Result<TcpListener, Failure> {
    bind(address, "name another in server.metrics_listen").await
}

async fn bind(address: SocketAddr, otherwise: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        let what = format!("cannot listen on {address}: stop what does, or {otherwise}");
        Failure::cannot_run(&what, error)
    })
}
