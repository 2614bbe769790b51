//! The demo's pages over a store in memory: `cargo run -p innkeeper-gateway --example demo`.
//!
//! For looking at the pages while working on them. Everything is forgotten when it stops.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use innkeeper_domain::name::TenantId;
use innkeeper_domain::policy::Policy;
use innkeeper_engine::entropy::OsEntropy;
use innkeeper_engine::{Authority, Services};
use innkeeper_gateway::{Demo, Gateway, router};
use innkeeper_http::cookies::SessionCookie;
use innkeeper_http::envelope::enveloped;
use innkeeper_http::layer::Door;
use innkeeper_http::origin::OriginRule;
use innkeeper_http::rest;
use innkeeper_http::server::{self, House};
use innkeeper_store::clock::SystemClock;
use innkeeper_store::memory::MemoryStore;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = Arc::new(MemoryStore::new(Arc::new(SystemClock)));
    let services = Services {
        store: Arc::clone(&store) as _,
        register: store,
        entropy: Arc::new(OsEntropy),
    };
    let authority = Authority::open(services, Policy::default()).await?;
    let door = Door {
        authority: Arc::new(authority),
        cookie: SessionCookie::LOOPBACK,
        origins: OriginRule::Loopback,
        clears_storage: false,
    };
    let gateway = Gateway::demo(door.clone(), TenantId::default());
    for user in Demo::prepare(&gateway).await?.users {
        println!("demo user {} password {}", user.name, user.password);
    }

    let port = std::env::args()
        .nth(1)
        .map_or(Ok(7070), |port| port.parse())?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let router = enveloped(rest::router(door).merge(router(gateway)));
    server::serve(listener, House::new(router), std::future::pending()).await;
    Ok(())
}
