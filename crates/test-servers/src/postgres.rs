//! PostgreSQL, from the system's packages.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server.
#[derive(Debug)]
pub struct Postgres {
    folder: TempDir,
    bin: PathBuf,
    databases: AtomicU32,
    /// Holds the input of the shell that ends the server with us.
    _process: Child,
}

impl Postgres {
    /// Makes a cluster and starts it.
    ///
    /// It refuses to run as root, so there it runs as the user that its package made.
    pub fn start() -> io::Result<Self> {
        let bin = bin().ok_or_else(|| {
            io::Error::other("PostgreSQL is not here: apt-get install postgresql")
        })?;
        let folder = tempfile::tempdir()?;
        let is_root = rustix::process::geteuid().is_root();
        if is_root {
            let (user, group) = ids("postgres")?;
            chown(folder.path(), Some(user), Some(group))?;
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        }
        let data = folder.path().join("data");
        let made = as_server(is_root, &bin.join("initdb"))
            .current_dir(folder.path())
            .args(["--no-sync", "--auth=trust", "--username=postgres", "-D"])
            .arg(&data)
            .output()?;
        if !made.status.success() {
            let said = String::from_utf8_lossy(&made.stderr);
            return Err(io::Error::other(format!("initdb: {said}")));
        }
        // A shell waits for the end of its input, which is that of this process however it ends.
        let script = "\"$@\" < /dev/null & read -r _; kill -QUIT $!; wait";
        let server = as_server(is_root, &bin.join("postgres"));
        let process = Command::new("sh")
            .args(["-c", script, "sh"])
            .arg(server.get_program())
            .args(server.get_args())
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(folder.path())
            .args(["-c", "listen_addresses=", "-c", "max_connections=500"])
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let server = Self {
            folder,
            bin,
            databases: AtomicU32::new(0),
            _process: process,
        };
        server.wait()?;
        Ok(server)
    }

    /// Makes an empty database, and says its URL.
    pub fn database(&self) -> io::Result<String> {
        let name = format!("of_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let made = Command::new(self.bin.join("createdb"))
            .args(["--username=postgres", "--host"])
            .arg(self.folder.path())
            .arg(&name)
            .output()?;
        if !made.status.success() {
            let said = String::from_utf8_lossy(&made.stderr);
            return Err(io::Error::other(format!("createdb: {said}")));
        }
        let folder = self.folder.path().display();
        Ok(format!("host={folder} user=postgres dbname={name}"))
    }

    fn wait(&self) -> io::Result<()> {
        let until = Instant::now() + PATIENCE;
        let socket = self.folder.path().join(".s.PGSQL.5432");
        while UnixStream::connect(&socket).is_err() || !self.is_ready() {
            if Instant::now() > until {
                return Err(io::Error::other("PostgreSQL did not start within a minute"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn is_ready(&self) -> bool {
        let mut asking = Command::new(self.bin.join("pg_isready"));
        asking.args(["-q", "-h"]).arg(self.folder.path());
        asking.status().is_ok_and(|status| status.success())
    }
}

/// The program, run as the user of the server.
fn as_server(is_root: bool, program: &Path) -> Command {
    if !is_root {
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
    versions.sort();
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
