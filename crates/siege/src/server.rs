//! The binary under siege: started on a folder, paused, killed.

use std::fs::OpenOptions;
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use rustix::process::{Pid, Signal, kill_process};

/// How to start a server.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    pub(crate) binary: PathBuf,
    pub(crate) data: PathBuf,
    /// Settings, as environment variables.
    pub(crate) settings: Vec<(&'static str, String)>,
}

/// A running server. Dropping it kills it the hard way.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    /// The administrator's key.
    pub(crate) key: Arc<str>,
    /// Kept open, so that nothing that it still prints meets a closed pipe.
    _stdout: BufReader<ChildStdout>,
}

impl Start {
    /// Starts it and waits until it listens. What it logs goes to a file beside its folder.
    pub(crate) fn now(&self) -> io::Result<Server> {
        self.run(None)
    }

    /// Starts it as another node of a store whose first node this is.
    pub(crate) fn beside(&self, first: &Server) -> io::Result<Server> {
        self.run(Some(&first.key))
    }

    fn run(&self, key: Option<&Arc<str>>) -> io::Result<Server> {
        let log = self.data.with_extension("log");
        let stderr = OpenOptions::new().create(true).append(true).open(&log)?;
        let mut child = Command::new(&self.binary)
            .env_clear()
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .env("RUST_LOG", "warn")
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(&self.data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()?;
        let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let address = loop {
            let mut line = String::new();
            if stdout.read_line(&mut line)? == 0 {
                let status = child.wait()?;
                let log = log.display();
                return Err(io::Error::other(format!(
                    "it did not start ({status}): read {log}"
                )));
            }
            let greeting = line.trim().strip_prefix("innkeeper listens on http://");
            if let Some(address) = greeting.and_then(|a| a.parse().ok()) {
                break address;
            }
        };
        Ok(Server {
            child,
            address,
            key: key.map_or_else(|| read_key(&self.data), |key| Ok(Arc::clone(key)))?,
            _stdout: stdout,
        })
    }
}

fn read_key(data: &Path) -> io::Result<Arc<str>> {
    let key = std::fs::read_to_string(data.join("admin.key"))?;
    Ok(key.trim().into())
}

impl Server {
    /// Kills it the hard way, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Stops it in the middle of whatever it does.
    pub(crate) fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub(crate) fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it is our child");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
