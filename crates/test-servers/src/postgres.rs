//! PostgreSQL, from the system's packages.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};

use crate::until_said;

/// A running server.
#[derive(Debug)]
pub struct Postgres {
    folder: PathBuf,
    bin: PathBuf,
    options: Vec<String>,
    child: Child,
    databases: AtomicU32,
    /// Holds the input of the shell that ends the server with us.
    _watcher: Child,
}

impl Postgres {
    /// Makes a cluster and starts it.
    ///
    /// It refuses to run as root, so there it runs as the user that its package made.
    pub fn start() -> io::Result<Self> {
        Self::start_with(&[])
    }

    /// Starts one with more settings, such as `["fsync=off"]`.
    pub fn start_with(settings: &[&str]) -> io::Result<Self> {
        let bin = bin().ok_or_else(|| {
            io::Error::other("PostgreSQL is not here: apt-get install postgresql")
        })?;
        let folder = tempfile::tempdir()?;
        if is_root() {
            let (user, group) = ids("postgres")?;
            chown(folder.path(), Some(user), Some(group))?;
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        }
        let made = as_server(&bin.join("initdb"))
            .current_dir(folder.path())
            .args(["--no-sync", "--auth=trust", "--username=postgres", "-D"])
            .arg(folder.path().join("data"))
            .output()?;
        if !made.status.success() {
            let said = String::from_utf8_lossy(&made.stderr);
            return Err(io::Error::other(format!("initdb: {said}")));
        }
        let options: Vec<String> = settings.iter().map(|s| format!("--{s}")).collect();
        // A shell waits for the end of its input, which is that of this process however it ends,
        // and hears no signal that a terminal sends us.
        let folder = folder.keep();
        let stop = as_server(&bin.join("pg_ctl"));
        let watcher = Command::new("sh")
            .args(["-c", "read -r _; \"$@\"; rm -rf -- \"$0\""])
            .arg(&folder)
            .arg(stop.get_program())
            .args(stop.get_args())
            .args(["stop", "--mode=immediate", "--silent", "--pgdata"])
            .arg(folder.join("data"))
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self {
            child: run(&bin, &folder, &options)?,
            folder,
            bin,
            options,
            databases: AtomicU32::new(0),
            _watcher: watcher,
        })
    }

    /// Makes an empty database, and says its URL.
    pub fn database(&self) -> io::Result<String> {
        let name = format!("of_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.ask("postgres", &format!("CREATE DATABASE {name}"))?;
        let folder = self.folder.display();
        Ok(format!("host={folder} user=postgres dbname={name}"))
    }

    /// The URL of a database as it is seen through a port of this machine.
    #[must_use]
    pub fn seen_through(address: SocketAddr, url: &str) -> String {
        let (_, rest) = url.split_once(' ').expect("it begins with the host");
        format!("host={} port={} {rest}", address.ip(), address.port())
    }

    /// The socket that it listens on.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder.join(".s.PGSQL.5432")
    }

    /// Asks a database one thing, as an operator does at a terminal.
    pub fn ask(&self, database: &str, query: &str) -> io::Result<String> {
        let said = Command::new(self.bin.join("psql"))
            .args([
                "--username=postgres",
                "--no-psqlrc",
                "--quiet",
                "--tuples-only",
            ])
            .args(["--no-align", "--host"])
            .arg(&self.folder)
            .args(["--dbname", database, "--command", query])
            .output()?;
        if !said.status.success() {
            let why = String::from_utf8_lossy(&said.stderr);
            return Err(io::Error::other(format!("psql: {why}")));
        }
        Ok(String::from_utf8_lossy(&said.stdout).trim_end().to_owned())
    }

    /// Stops it, all its processes, in the middle of whatever they do.
    pub fn pause(&self) {
        self.signal_all(Signal::STOP);
    }

    /// Lets it go on.
    pub fn go_on(&self) {
        self.signal_all(Signal::CONT);
    }

    /// Kills it, all its processes, as a crash of the machine would (without losing what is not
    /// yet on disk).
    pub fn kill(&mut self) -> io::Result<()> {
        // So that no process is made meanwhile.
        self.pause();
        let mut left = children(self.child.id());
        self.signal_all(Signal::KILL);
        self.child.wait()?;
        // What they share has to be free before another server begins on it.
        while !left.is_empty() {
            left.retain(|pid| is_running(*pid));
            thread::yield_now();
        }
        Ok(())
    }

    /// Starts it again on what it left, after a [`kill`](Self::kill).
    pub fn again(&mut self) -> io::Result<()> {
        self.child = run(&self.bin, &self.folder, &self.options)?;
        Ok(())
    }

    /// The first of its processes comes first, and no other is made once that is stopped.
    fn signal_all(&self, signal: Signal) {
        let before = children(self.child.id());
        crate::signal(&self.child, signal);
        for pid in before.into_iter().chain(children(self.child.id())) {
            // It may have ended meanwhile.
            let _ = kill_process(pid, signal);
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// Runs the server and waits until it takes connections.
fn run(bin: &Path, folder: &Path, options: &[String]) -> io::Result<Child> {
    let mut child = as_server(&bin.join("postgres"))
        .current_dir(folder)
        .arg("-D")
        .arg(folder.join("data"))
        .arg("-k")
        .arg(folder)
        .args(["--listen_addresses=", "--max_connections=500"])
        .args([
            "--logging_collector=off",
            "--log_destination=stderr",
            "--lc_messages=C",
        ])
        .args(options)
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let said = child.stderr.take().expect("it is piped");
    match until_said(said, "ready to accept connections") {
        Ok(()) => Ok(child),
        Err(error) => {
            let _ = child.wait();
            Err(error)
        }
    }
}

/// The processes that a process has made and that are there.
fn children(of: u32) -> Vec<Pid> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|entry| {
        let pid = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
        let (_, parent) = state_and_parent(pid)?;
        (parent == of).then_some(pid)
    });
    pids.collect()
}

/// Whether a process is there, and more than a name that nobody has asked for yet.
fn is_running(pid: Pid) -> bool {
    state_and_parent(pid).is_some_and(|(state, _)| state != "Z")
}

fn state_and_parent(pid: Pid) -> Option<(String, u32)> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    // The name, in brackets, may have anything in it.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    Some((fields.next()?.to_owned(), fields.next()?.parse().ok()?))
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The program, run as the user of the server.
fn as_server(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=postgres", "--regid=postgres", "--clear-groups"])
        .arg(program);
    command
}

/// The programs of the newest version that is installed.
fn bin() -> Option<PathBuf> {
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|bin| bin.join("initdb").is_file())
        .collect();
    let number = |bin: &PathBuf| {
        let version = bin.parent().and_then(Path::file_name);
        version
            .and_then(|v| v.to_str()?.parse().ok())
            .unwrap_or(0_u32)
    };
    versions.sort_by_key(number);
    versions.pop()
}

/// User and group of that name.
fn ids(name: &str) -> io::Result<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd")?;
    let line = users
        .lines()
        .find(|line| line.split(':').next() == Some(name));
    let mut fields = line.unwrap_or_default().split(':').skip(2).map(str::parse);
    match (fields.next(), fields.next()) {
        (Some(Ok(user)), Some(Ok(group))) => Ok((user, group)),
        _ => Err(io::Error::other(format!("there is no user {name}"))),
    }
}
