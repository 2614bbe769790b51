//! The accept loop: connections in, within bounds; and out again, in good order.
//!
//! `axum::serve` sets no timer, so we run hyper ourselves. Each connection has one timer that
//! serves every bound of [`Limits`] in turn, and each bound is tested over a real socket.

mod connection;
mod limits;
mod places;
mod raw;
mod service;
mod tls;
mod watch;
mod wire;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use http::Request;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch as signal;
use tokio::task::{Id, JoinError, JoinSet};

use crate::direct::{Direct, DirectRoute};
use crate::peers::TrustedPeers;
use places::Places;
use watch::Watch;

pub use limits::Limits;
pub use tls::{Reloaded, Tls, TlsError};

/// The most that is read of a request line and its headers, in bytes. More is 431.
pub const HEAD_LEN_MAX: usize = 16 * 1024;

/// How many connections over the bound are told so at a time; more are closed in silence. And
/// how many that gave up their place may be closing beside those that took it.
const REFUSALS_MAX: usize = 64;

/// How long to wait after a failed accept. Most often no file descriptor is left, and trying at
/// once would spin until one is.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The address of the peer at the other end of the connection, among the request's extensions.
///
/// It is the browser or the proxy before us; whom to believe about the rest is for the routes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Peer(pub SocketAddr);

/// How serving ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Drained {
    /// How many connections were still at work at the deadline, and were cut.
    pub cut: usize,
}

/// What a listener serves, and how.
#[derive(Clone, Debug)]
pub struct House {
    /// The routes.
    pub router: Router,
    /// Those of them that are answered past the router, where there are such.
    pub direct: Option<Arc<Direct>>,
    /// The bounds.
    pub limits: Limits,
    /// TLS, where there is one. A handshake has as long as headers have.
    pub tls: Option<Arc<Tls>>,
    /// Who is believed about a request.
    pub trusted_peers: TrustedPeers,
}

impl House {
    /// In clear, within the usual bounds, and believing nobody.
    #[must_use]
    pub fn new(router: Router) -> Self {
        Self {
            router,
            direct: None,
            limits: Limits::default(),
            tls: None,
            trusted_peers: TrustedPeers::default(),
        }
    }

    /// What answers a request past the router, if it names a route of those.
    fn directly_asked<B>(&self, request: &Request<B>) -> Option<(&Direct, DirectRoute)> {
        Some((self.direct.as_deref()?, DirectRoute::of(request)?))
    }
}

/// Serves until `shutdown` completes, then drains.
///
/// Draining closes the listener and the idle connections at once, lets requests that have begun
/// be answered, and cuts what is left after [`Limits::drain`]. A request that is cut is done or
/// not done, as with any lost connection.
///
/// When every place is taken, whoever holds the most of them gives up the connection that waited
/// longest for its peer; where none waits, a new connection is refused.
pub async fn serve(
    listener: TcpListener,
    house: House,
    shutdown: impl Future<Output = ()>,
) -> Drained {
    let limits = house.limits;
    let (drain, draining) = signal::channel(());
    let mut connections = JoinSet::new();
    let mut places = Places::default();
    let mut refusals = JoinSet::new();
    let mut shutdown = pin!(shutdown);

    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(ended) = connections.join_next_with_id() => places.leave(note(ended)),
            Some(ended) = refusals.join_next_with_id() => { note(ended); }
            (stream, peer) = accept(&listener) => {
                let is_full = connections.len() >= limits.connections_max;
                let is_closing = connections.len() >= limits.connections_max + REFUSALS_MAX;
                if !is_full || !is_closing && places.free_one() {
                    let watch = Watch::new(limits);
                    let (of_task, house) = (watch.clone(), house.clone());
                    let open = connection::open(stream, Peer(peer), of_task, house, draining.clone());
                    places.take(peer.ip(), watch, connections.spawn(open));
                } else if house.tls.is_some() {
                    // A refusal in clear would not be understood.
                    tracing::warn!(max = limits.connections_max, "too many connections");
                } else if refusals.len() < REFUSALS_MAX {
                    tracing::warn!(max = limits.connections_max, "too many connections");
                    refusals.spawn(connection::refuse(stream, limits));
                }
            }
        }
    }

    drop(listener);
    drop(draining);
    drop(drain);
    tracing::info!(connections = connections.len(), "draining");
    let all_ended = async {
        while let Some(ended) = connections.join_next_with_id().await {
            note(ended);
        }
    };
    let _ = tokio::time::timeout(limits.drain, all_ended).await;
    let cut = connections.len();
    connections.shutdown().await;
    refusals.shutdown().await;
    Drained { cut }
}

/// The next connection. A peer that went away while it waited is nobody's failure.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if is_of_peer(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn is_of_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

/// Says it if a task panicked, and which task it was. One that was cut did what it should.
fn note(ended: Result<(Id, ()), JoinError>) -> Id {
    match ended {
        Ok((id, ())) => id,
        Err(error) => {
            if error.is_panic() {
                tracing::error!(%error, "a connection ended by a panic");
            }
            error.id()
        }
    }
}
