//! A tester that others wrote, against the published document and a running server.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use crate::failure::Failure;
use crate::shell;
use crate::tools::{self, Need};

pub(crate) const HELP: &str = "\
Usage: cargo xtask schemathesis [--seed N] [--examples N]

Starts a server on loopback with a folder of its own below target, and has schemathesis call
everything that its document publishes, in sequences along its links too. Fails at a 5xx and at any
answer that is not published. Seed 1 and 50 examples a call unless said otherwise: some minutes.

What it needs is fetched from PyPI into target/tools, in the versions of
xtask/schemathesis/requirements.txt.";

/// Runs it.
pub(crate) fn run(words: &[String]) -> Result<(), Failure> {
    let (mut seed, mut examples) = (1, 50);
    for pair in words.chunks(2) {
        match pair {
            [name, value] if name == "--seed" => seed = number(value)?,
            [name, value] if name == "--examples" => examples = number(value)?,
            _ => return Err(usage(&pair.join(" "))),
        }
    }
    test(seed, examples)
}

fn number(text: &str) -> Result<u32, Failure> {
    text.parse().map_err(|_| usage(text))
}

fn usage(what: &str) -> Failure {
    Failure::Usage(format!("`{what}` is not understood\n\n{HELP}"))
}

fn test(seed: u32, examples: u32) -> Result<(), Failure> {
    tools::ensure(&[Need::Schemathesis])?;
    let mut build = shell::cargo();
    build.args(["build", "--quiet", "-p", "innkeeper-cli"]);
    if !shell::passes(&mut build)? {
        return Err(Failure::Failed("the binary does not build".to_owned()));
    }
    let folder = shell::root().join("target/schemathesis");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(|error| could_not(&folder, &error))?;
    let server = Server::start(&folder.join("data"))?;
    let mut tester = tools::schemathesis();
    tester
        .arg(shell::root().join("xtask/schemathesis/run.py"))
        .arg(&server.base)
        .arg(folder.join("data/admin.key"))
        .arg(&folder)
        .args([seed.to_string(), examples.to_string()]);
    if shell::passes(&mut tester)? {
        Ok(())
    } else {
        Err(Failure::Failed(format!(
            "the server does not do what its document says; again: cargo xtask schemathesis \
             --seed {seed} --examples {examples}"
        )))
    }
}

fn could_not(folder: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::CouldNotRun(format!("{}: {error}", folder.display()))
}

/// The server under test; it ends with this.
struct Server {
    child: Child,
    base: String,
}

impl Server {
    fn start(data: &Path) -> Result<Self, Failure> {
        let program: PathBuf = shell::root().join("target/debug/innkeeper");
        let log = fs::File::create(data.with_extension("log"))
            .map_err(|error| could_not(data, &error))?;
        let mut child = shell::command(&program)
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .map_err(|error| could_not(&program, &error))?;
        let stdout = child.stdout.take().expect("it is piped");
        let base = BufReader::new(stdout)
            .lines()
            .map_while(Result::ok)
            .find_map(|line| Some(line.strip_prefix("innkeeper listens on ")?.to_owned()));
        let mut server = Self {
            child,
            base: String::new(),
        };
        server.base = base.ok_or_else(|| {
            let log = data.with_extension("log");
            Failure::CouldNotRun(format!("the server did not start; see {}", log.display()))
        })?;
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
