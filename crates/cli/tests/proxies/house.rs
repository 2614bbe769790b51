//! An Innkeeper, an application and a proxy before both.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use innkeeper_test_servers::front::{Proxy, ProxyKind};

use crate::support::{Server, innkeeper};

/// The recipes, as everybody copies them.
pub(crate) fn recipes() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/proxies")
}

/// The settings of `docs/proxies/innkeeper.toml`, and more.
pub(crate) fn server(data: &Path, more: &str) -> Server {
    let settings = std::fs::read_to_string(recipes().join("innkeeper.toml")).expect("it is there");
    let path = data.with_extension("toml");
    let mut file = std::fs::File::create(&path).expect("there is room");
    write!(file, "{settings}\n{more}").expect("there is room");
    let mut command = innkeeper(data);
    command.arg("--config").arg(path);
    Server::start_with(command)
}

/// The address that a server listens on.
pub(crate) fn address_of(server: &Server) -> SocketAddr {
    let bare = server
        .base
        .strip_prefix("http://")
        .expect("it is plain http");
    bare.parse().expect("it is an address")
}

/// Where nobody listens yet.
pub(crate) fn free() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    listener.local_addr().expect("it is bound")
}

/// A proxy by the recipe as it stands.
pub(crate) fn proxy(kind: ProxyKind, server: &Server, application: SocketAddr) -> Proxy {
    edited(kind, server, application, |_, text| text)
}

/// A proxy by the recipe with a change.
pub(crate) fn edited(
    kind: ProxyKind,
    server: &Server,
    application: SocketAddr,
    edit: impl Fn(&str, String) -> String,
) -> Proxy {
    let proxy = Proxy::start(kind, &recipes(), address_of(server), application, edit);
    proxy.unwrap_or_else(|error| panic!("{kind:?}: {error}"))
}

/// Paths that need no session, so that there is something to be taken for one.
pub(crate) const PUBLIC: &str = "[[gateway.public]]\npath = \"/static/\"\n";
