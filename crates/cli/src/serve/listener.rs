//! Where we listen: on a socket that the service manager opened, or on one of our own.

use std::io;
use std::net::SocketAddr;

use listenfd::ListenFd;
use rustix::net::sockopt::socket_acceptconn;
use tokio::net::{TcpListener, TcpSocket};

use crate::exit::Failure;

/// How many connections may wait to be accepted, when many come at once. The system may hold it
/// lower (`net.core.somaxconn`).
const WAITING_MAX: u32 = 4096;

/// Takes the socket that was handed down (`LISTEN_FDS`, as systemd does), or binds one.
///
/// In a socket that is handed down connections wait while we start anew, and none is refused. The
/// configured address then says nothing.
pub(super) fn listener(address: SocketAddr) -> Result<TcpListener, Failure> {
    let mut handed_down = ListenFd::from_env();
    if handed_down.len() > 1 {
        return Err(Failure::usage(
            "more than one socket was handed down; one is served: give the unit one ListenStream",
        ));
    }
    let unusable = |error: std::io::Error| {
        Failure::cannot_run("the socket that was handed down is unusable", error)
    };
    if let Some(listener) = handed_down.take_tcp_listener(0).map_err(unusable)? {
        if !socket_acceptconn(&listener).map_err(|error| unusable(error.into()))? {
            return Err(Failure::usage(
                "the socket that was handed down does not listen: give the unit a ListenStream \
                 and Accept=no",
            ));
        }
        listener.set_nonblocking(true).map_err(unusable)?;
        let listener = TcpListener::from_std(listener).map_err(unusable)?;
        tracing::info!("listening on the socket that was handed down");
        return Ok(listener);
    }
    bind(address, "name another address with --listen")
}

/// Binds the listener of the metrics, which is never handed down.
pub(super) fn for_metrics(address: SocketAddr) -> Result<TcpListener, Failure> {
    bind(address, "name another in server.metrics_listen")
}

fn bind(address: SocketAddr, otherwise: &str) -> Result<TcpListener, Failure> {
    listen(address).map_err(|error| {
        let what = format!("cannot listen on {address}: stop what does, or {otherwise}");
        Failure::cannot_run(&what, error)
    })
}

/// As [`TcpListener::bind`], but with room for more than 128 who wait.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // Or a restart would have to wait for connections that are being forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(WAITING_MAX)
}
