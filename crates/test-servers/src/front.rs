//! Proxies, from the system's packages, each with a recipe as it stands but for its ports.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Which proxy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ProxyKind {
    /// nginx, by `nginx.conf`.
    Nginx,
    /// Caddy, by `Caddyfile`.
    Caddy,
    /// `HAProxy`, by `haproxy.cfg` and `haproxy.lua`.
    Haproxy,
}

impl ProxyKind {
    /// All that are run.
    pub const ALL: [Self; 3] = [Self::Nginx, Self::Caddy, Self::Haproxy];

    /// The files of its recipe; the first is the one that it reads.
    #[must_use]
    pub const fn files(self) -> &'static [&'static str] {
        match self {
            Self::Nginx => &["nginx.conf"],
            Self::Caddy => &["Caddyfile"],
            Self::Haproxy => &["haproxy.cfg", "haproxy.lua"],
        }
    }
}

/// A proxy that runs, in a folder of its own.
#[derive(Debug)]
pub struct Proxy {
    folder: PathBuf,
    address: SocketAddr,
    /// Holds the input of the shell that ends the proxy with us.
    watcher: Child,
}

/// Where the recipes say that everything is.
const PROXY: &str = "8000";
const INNKEEPER: &str = "127.0.0.1:7070";
const APPLICATION: &str = "127.0.0.1:8080";

impl Proxy {
    /// Starts a proxy by its recipe in `recipes`, changed by `edit`, and waits until it listens.
    ///
    /// `edit` is handed each file with its name, before the ports are put in.
    pub fn start(
        kind: ProxyKind,
        recipes: &Path,
        innkeeper: SocketAddr,
        application: SocketAddr,
        edit: impl Fn(&str, String) -> String,
    ) -> io::Result<Self> {
        let folder = tempfile::tempdir()?.keep();
        let address = free_port()?;
        for name in kind.files() {
            let text = edit(name, fs::read_to_string(recipes.join(name))?)
                .replace(PROXY, &address.port().to_string())
                .replace(INNKEEPER, &innkeeper.to_string())
                .replace(APPLICATION, &application.to_string());
            fs::write(folder.join(name), own_files(kind, &text, &folder))?;
        }
        // A shell waits for the end of its input, which is that of this process however it ends,
        // and hears no signal that a terminal sends us.
        let watcher = Command::new("sh")
            .args([
                "-c",
                "read -r _; kill \"$(cat \"$0/pid\")\"; rm -rf -- \"$0\"",
            ])
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let proxy = Self {
            folder,
            address,
            watcher,
        };
        proxy.run(kind)?;
        Ok(proxy)
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Runs it in the background: what starts it returns when it listens.
    fn run(&self, kind: ProxyKind) -> io::Result<()> {
        let folder = self.folder.display();
        let (program, package, arguments) = match kind {
            ProxyKind::Nginx => (
                "nginx",
                "nginx",
                vec![
                    "-p".to_owned(),
                    format!("{folder}/"),
                    "-c".to_owned(),
                    format!("{folder}/nginx.conf"),
                    "-e".to_owned(),
                    format!("{folder}/log"),
                    "-g".to_owned(),
                    format!("pid {folder}/pid;"),
                ],
            ),
            ProxyKind::Caddy => (
                "caddy",
                "caddy",
                [
                    "start",
                    "--config",
                    "Caddyfile",
                    "--adapter",
                    "caddyfile",
                    "--pidfile",
                    "pid",
                ]
                .map(ToOwned::to_owned)
                .to_vec(),
            ),
            ProxyKind::Haproxy => (
                "haproxy",
                "haproxy",
                ["-D", "-f", "haproxy.cfg", "-p", "pid"]
                    .map(ToOwned::to_owned)
                    .to_vec(),
            ),
        };
        let log = fs::File::create(self.folder.join("said"))?;
        let status = Command::new(program)
            .args(arguments)
            .current_dir(&self.folder)
            .env("HOME", &self.folder)
            .env("XDG_CONFIG_HOME", &self.folder)
            .env("XDG_DATA_HOME", &self.folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .status()
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => {
                    io::Error::other(format!("{program} is not here: apt-get install {package}"))
                }
                _ => error,
            })?;
        if status.success() {
            return Ok(());
        }
        let said = fs::read_to_string(self.folder.join("said")).unwrap_or_default();
        Err(io::Error::other(format!("{program} did not start: {said}")))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.watcher.stdin.take());
        let _ = self.watcher.wait();
    }
}

/// A port that is free now.
fn free_port() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

/// nginx keeps what it receives in folders that are the system's, unless told otherwise.
fn own_files(kind: ProxyKind, text: &str, folder: &Path) -> String {
    if kind != ProxyKind::Nginx {
        return text.to_owned();
    }
    let folder = folder.display();
    let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|what| format!("    {what}_temp_path {folder}/{what};\n"));
    let own = format!("http {{\n    access_log off;\n{}", paths.concat());
    text.replacen("http {\n", &own, 1)
}
