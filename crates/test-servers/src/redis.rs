//! Redis, from the system's packages.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rustix::process::Signal;

use crate::{signal, until_said};

/// What each server is started with: deaths are on disk before they are told of.
const ALWAYS: &[&str] = &[
    "--save",
    "",
    "--appendonly",
    "yes",
    "--appendfsync",
    "always",
    "--repl-diskless-sync-delay",
    "0",
];

/// A server, on a socket in a folder of its own.
#[derive(Debug)]
pub struct Redis {
    folder: PathBuf,
    options: Vec<String>,
    child: Child,
    /// Holds the input of the shell that ends the server with us.
    _watcher: Child,
}

impl Redis {
    /// Starts a server that writes each change to disk before it answers.
    pub fn start() -> io::Result<Self> {
        Self::start_with(&[])
    }

    /// Starts one with more options, such as `["--appendfsync", "everysec"]`; the last of a kind
    /// counts.
    pub fn start_with(options: &[&str]) -> io::Result<Self> {
        let folder = tempfile::tempdir()?.keep();
        let options = ALWAYS.iter().chain(options);
        let options: Vec<String> = options.map(ToString::to_string).collect();
        // A shell waits for the end of its input, which is that of this process however it ends,
        // and hears no signal that a terminal sends us.
        let watcher = Command::new("sh")
            .args([
                "-c",
                "read -r _; kill -9 \"$(cat \"$0/pid\")\"; rm -rf -- \"$0\"",
            ])
            .arg(&folder)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let child = run(&folder, &options)?;
        Ok(Self {
            folder,
            options,
            child,
            _watcher: watcher,
        })
    }

    /// Its URL, for whoever may do everything.
    #[must_use]
    pub fn url(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// Starts one that copies whoever is reached at this address.
    pub fn replica_of(primary: SocketAddr, options: &[&str]) -> io::Result<Self> {
        let of = [primary.ip().to_string(), primary.port().to_string()];
        let of = ["--replicaof", &of[0], &of[1]];
        Self::start_with(&[&of, options].concat())
    }

    /// Its URL for a named account.
    #[must_use]
    pub fn url_of(&self, account: &str, password: &str) -> String {
        let socket = self.socket();
        format!("unix://{}?user={account}&pass={password}", socket.display())
    }

    /// Kills it, as a crash would.
    pub fn kill(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    /// Stops it in the middle of whatever it does.
    pub fn pause(&self) {
        signal(&self.child, Signal::STOP);
    }

    /// Lets it go on.
    pub fn go_on(&self) {
        signal(&self.child, Signal::CONT);
    }

    /// Starts it again on what it left, after a [`kill`](Self::kill).
    pub fn again(&mut self) -> io::Result<()> {
        self.child = run(&self.folder, &self.options)?;
        Ok(())
    }

    /// As [`again`](Self::again), with these options on top.
    pub fn again_with(&mut self, options: &[&str]) -> io::Result<()> {
        self.options.extend(options.iter().map(ToString::to_string));
        self.again()
    }

    /// Starts it again on nothing, after a [`kill`](Self::kill).
    pub fn anew(&mut self) -> io::Result<()> {
        fs::remove_dir_all(self.folder.join("appendonlydir"))?;
        self.again()
    }

    /// Stops it in order and starts it again with what it kept and these options.
    pub fn restart_with(&mut self, options: &[&str]) -> io::Result<()> {
        self.ask(&["SHUTDOWN"])?;
        self.child.wait()?;
        self.again_with(options)
    }

    /// Asks it one thing, as an operator does at a terminal.
    pub fn ask(&self, words: &[&str]) -> io::Result<String> {
        let said = Command::new("redis-cli")
            .arg("-s")
            .arg(self.socket())
            .args(words)
            .output()?;
        let text = String::from_utf8_lossy(&said.stdout).trim_end().to_owned();
        if !said.status.success() && text.is_empty() {
            let why = String::from_utf8_lossy(&said.stderr).into_owned();
            return Err(io::Error::other(format!("redis-cli: {why}")));
        }
        Ok(text)
    }

    /// The folder that it keeps its data in.
    #[must_use]
    pub fn folder(&self) -> &std::path::Path {
        &self.folder
    }

    /// The socket that it listens on.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder.join("socket")
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// Runs the server and waits until it listens.
fn run(folder: &std::path::Path, options: &[String]) -> io::Result<Child> {
    let mut child = Command::new("redis-server")
        .args(["--port", "0", "--unixsocket", "socket", "--pidfile", "pid"])
        .arg("--dir")
        .arg(folder)
        .args(options)
        .current_dir(folder)
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                io::Error::other("Redis is not here: apt-get install redis-server")
            }
            _ => error,
        })?;
    let said = child.stdout.take().expect("it is piped");
    match until_said(said, "ready to accept connections") {
        Ok(()) => Ok(child),
        Err(error) => {
            let _ = child.wait();
            Err(error)
        }
    }
}
