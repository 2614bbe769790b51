//! A PostgreSQL server of the tests' own, in a folder of its own, on a socket there.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio_postgres::NoTls;

static SERVER: OnceLock<Server> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

struct Server {
    folder: TempDir,
    /// Holds the input of the shell that ends the server with us.
    _process: Child,
}

/// The URL of an empty database.
pub(crate) async fn database() -> String {
    let server = SERVER.get_or_init(Server::start);
    let folder = server.folder.path().display().to_string();
    let name = format!("of_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    let config = format!("host={folder} user=postgres dbname=postgres");
    let (client, connection) = tokio_postgres::connect(&config, NoTls)
        .await
        .expect("the server is up");
    tokio::spawn(connection);
    client
        .batch_execute(&format!("CREATE DATABASE {name}"))
        .await
        .expect("databases can be made");
    format!("host={folder} user=postgres dbname={name}")
}

impl Server {
    fn start() -> Self {
        let bin = bin();
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let data = folder.path().join("data");
        // The server refuses to run as root, so it is run as the user that its package made.
        let owner = is_root().then(|| ids("postgres"));
        if let Some((user, group)) = owner {
            chown(folder.path(), Some(user), Some(group)).expect("root may give folders away");
            let open = fs::Permissions::from_mode(0o755);
            fs::set_permissions(folder.path(), open).expect("it is ours");
        }
        let run = |program: &str| {
            let mut command = if owner.is_some() {
                let mut command = Command::new("setpriv");
                command
                    .args(["--reuid=postgres", "--regid=postgres", "--clear-groups"])
                    .arg(bin.join(program));
                command
            } else {
                Command::new(bin.join(program))
            };
            command.current_dir(folder.path());
            command
        };
        let made = run("initdb")
            .args(["--no-sync", "--auth=trust", "--username=postgres", "-D"])
            .arg(&data)
            .output()
            .expect("initdb runs");
        assert!(made.status.success(), "initdb: {made:?}");
        // A shell waits for the end of its input, which is that of this process however it ends.
        let script = "\"$@\" < /dev/null & read -r _; kill -QUIT $!; wait";
        let mut postgres = Command::new("sh");
        postgres.args(["-c", script, "sh"]);
        let server = run("postgres");
        postgres.arg(server.get_program()).args(server.get_args());
        let process = postgres
            .current_dir(folder.path())
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(folder.path())
            .args(["-c", "listen_addresses=", "-c", "max_connections=500"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("postgres runs");
        let server = Self {
            folder,
            _process: process,
        };
        server.wait();
        server
    }

    fn wait(&self) {
        let until = Instant::now() + Duration::from_secs(60);
        let socket = self.folder.path().join(".s.PGSQL.5432");
        while std::os::unix::net::UnixStream::connect(&socket).is_err() {
            assert!(Instant::now() < until, "the server did not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        let ready = bin().join("pg_isready");
        let is_ready = || {
            Command::new(&ready)
                .arg("-q")
                .arg("-h")
                .arg(self.folder.path())
                .status()
                .is_ok_and(|status| status.success())
        };
        while !is_ready() {
            assert!(Instant::now() < until, "the server did not start");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The folder of the newest server that is installed.
fn bin() -> PathBuf {
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|bin| bin.join("initdb").is_file())
        .collect();
    versions.sort();
    versions
        .pop()
        .expect("these tests need PostgreSQL: apt-get install postgresql")
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// User and group of that name.
fn ids(name: &str) -> (u32, u32) {
    let users = fs::read_to_string(Path::new("/etc/passwd")).expect("there are users");
    let line = users
        .lines()
        .find(|line| line.split(':').next() == Some(name));
    let line = line.expect("the package makes this user");
    let mut fields = line.split(':').skip(2).map(str::parse);
    match (fields.next(), fields.next()) {
        (Some(Ok(user)), Some(Ok(group))) => (user, group),
        _ => panic!("{line:?} is no user"),
    }
}
