//! PostgreSQL, from the system's packages.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A running server.
#[derive(Debug)]
pub struct Postgres {
    folder: PathBuf,
    bin: PathBuf,
    databases: AtomicU32,
    /// Holds the input of the shell that ends the server with us.
    _watcher: Child,
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
        let options = format!(
            "-k {} -c listen_addresses= -c max_connections=500",
            folder.path().display()
        );
        let started = as_server(is_root, &bin.join("pg_ctl"))
            .current_dir(folder.path())
            .args(["start", "--wait", "--silent", "--pgdata"])
            .arg(&data)
            .arg("--log")
            .arg(folder.path().join("log"))
            .args(["--options", &options])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        if !started.success() {
            let log = fs::read_to_string(folder.path().join("log"))?;
            return Err(io::Error::other(format!("it did not start: {log}")));
        }
        // A shell waits for the end of its input, which is that of this process however it ends,
        // and hears no signal that a terminal sends us.
        let folder = folder.keep();
        let stop = as_server(is_root, &bin.join("pg_ctl"));
        let watcher = Command::new("sh")
            .args(["-c", "read -r _; \"$@\"; rm -rf -- \"$0\""])
            .arg(&folder)
            .arg(stop.get_program())
            .args(stop.get_args())
            .args(["stop", "--mode=immediate", "--silent", "--pgdata"])
            .arg(&data)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self {
            folder,
            bin,
            databases: AtomicU32::new(0),
            _watcher: watcher,
        })
    }

    /// Makes an empty database, and says its URL.
    pub fn database(&self) -> io::Result<String> {
        let name = format!("of_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let made = Command::new(self.bin.join("createdb"))
            .args(["--username=postgres", "--host"])
            .arg(&self.folder)
            .arg(&name)
            .output()?;
        if !made.status.success() {
            let said = String::from_utf8_lossy(&made.stderr);
            return Err(io::Error::other(format!("createdb: {said}")));
        }
        let folder = self.folder.display();
        Ok(format!("host={folder} user=postgres dbname={name}"))
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
