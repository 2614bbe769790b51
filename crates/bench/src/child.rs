//! Processes of this same program, each for one part.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde::de::DeserializeOwned;

use crate::BenchError;
use crate::keeper::Keeper;

/// A child that is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    stdout: BufReader<ChildStdout>,
    what: String,
}

/// Runs a part to its end, and reads what it found.
pub(crate) fn part<T: DeserializeOwned>(
    keeper: &Keeper,
    name: &str,
    arguments: &[&str],
) -> Result<T, BenchError> {
    let mut child = start_part(keeper, name, arguments)?;
    let line = child.line()?;
    serde_json::from_str(&line).map_err(|error| child.failed(error.to_string()))
}

/// Starts a part that goes on until it is dropped.
pub(crate) fn start_part(
    keeper: &Keeper,
    name: &str,
    arguments: &[&str],
) -> Result<Process, BenchError> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["bench", "--part", name]).args(arguments);
    Process::start(keeper, command, name)
}

/// Starts a server on a folder, with the settings that it has of its own.
pub(crate) fn start_server(keeper: &Keeper, data: &Path) -> Result<Process, BenchError> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("serve").arg("--data").arg(data);
    command.args(["--listen", "127.0.0.1:0"]).env_clear();
    // Or nobody may ask /forward-auth.
    command.env("INNKEEPER_SERVER__TRUSTED_PEERS", "127.0.0.1");
    Process::start(keeper, command, "serve")
}

impl Process {
    fn start(keeper: &Keeper, mut command: Command, what: &str) -> Result<Self, BenchError> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(if what == "serve" {
                Stdio::null()
            } else {
                Stdio::inherit()
            })
            .spawn()?;
        let stdout = child
            .stdout
            .take()
            .ok_or(BenchError::Wrong("a child has no output"))?;
        let process = Self {
            child,
            stdout: BufReader::new(stdout),
            what: what.into(),
        };
        keeper.watch(process.id())?;
        Ok(process)
    }

    /// The next line it prints.
    pub(crate) fn line(&mut self) -> Result<String, BenchError> {
        let mut line = String::new();
        match self.stdout.read_line(&mut line)? {
            0 => Err(self.failed("it ended without an answer".into())),
            _ => Ok(line.trim_end().to_owned()),
        }
    }

    /// The address behind `prefix` in a line that it prints.
    pub(crate) fn address(&mut self, prefix: &str) -> Result<String, BenchError> {
        loop {
            if let Some(address) = self.line()?.strip_prefix(prefix) {
                return Ok(address.to_owned());
            }
        }
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    fn failed(&self, said: String) -> BenchError {
        BenchError::Part {
            part: self.what.clone(),
            said,
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
