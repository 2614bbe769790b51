//! The provider, in a process of its own.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

const FILES: [&str; 3] = ["package.json", "package-lock.json", "provider.mjs"];

/// A running provider. It ends with its standard input, however the test does.
pub(crate) struct Provider {
    pub(crate) issuer: String,
    input: ChildStdin,
    child: Child,
}

impl Provider {
    /// Starts it, and waits until it listens.
    pub(crate) fn start() -> Self {
        let mut child = Command::new("node")
            .arg("provider.mjs")
            .current_dir(installed())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("this test needs node: apt-get install nodejs");
        let input = child.stdin.take().expect("it is piped");
        let mut said = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let issuer = said
            .by_ref()
            .map(|line| line.expect("it says text"))
            .find_map(|line| Some(line.strip_prefix("provider listens on ")?.to_owned()))
            .expect("it says where it listens");
        // What it says later is told with the test, should that fail.
        std::thread::spawn(move || {
            for line in said.map_while(Result::ok) {
                println!("provider: {line}");
            }
        });
        Self {
            issuer,
            input,
            child,
        }
    }

    /// Tells it where the application is in truth.
    pub(crate) fn reaches(&mut self, base: &str) {
        writeln!(self.input, "{base}").expect("it reads");
        self.input.flush().expect("it reads");
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Puts the program where its library may be installed beside it, once for each lock file.
fn installed() -> PathBuf {
    static ONCE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one_at_a_time = ONCE.lock();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openid");
    let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join("openid");
    std::fs::create_dir_all(&to).expect("the folder of builds can be written");
    let lock = |folder: &Path| std::fs::read(folder.join("package-lock.json")).ok();
    let is_there = lock(&from) == lock(&to) && to.join("node_modules/oidc-provider").is_dir();
    for file in FILES {
        std::fs::copy(from.join(file), to.join(file)).expect("the program can be copied");
    }
    if !is_there {
        eprintln!("== installing oidc-provider from npm below the folder of builds, once");
        let npm = Command::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(&to)
            .output()
            .expect("this test needs npm and node: apt-get install npm nodejs");
        let said = String::from_utf8_lossy(&npm.stderr);
        assert!(npm.status.success(), "npm could not install it:\n{said}");
    }
    to
}
