//! The keeper of a run: a process that makes its folder and hears of its children, and clears up
//! once the run is over.
//!
//! A run holds its keeper's standard input. When that closes the run has ended, in order, by a
//! signal or by a kill: then no handler of its own needs to have run, and nothing writes into the
//! folder any more but children, which end first.

use std::io::{BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tempfile::TempDir;

use crate::BenchError;

/// What every folder of a run is called to begin with.
const PREFIX: &str = "innkeeper-bench-";

/// The keeper, as the run sees it. Dropping it has the folder removed, and waits for that.
#[derive(Debug)]
pub(crate) struct Keeper {
    process: Child,
    told: Option<ChildStdin>,
    folder: PathBuf,
}

impl Keeper {
    /// Starts a keeper, which makes a folder in `place`.
    pub(crate) fn start(place: &Path) -> Result<Self, BenchError> {
        let refused = |cause| BenchError::Folder {
            folder: place.to_path_buf(),
            cause,
        };
        let place = place.canonicalize().map_err(refused)?;
        let mut process = Command::new(std::env::current_exe()?)
            .args(["bench", "--part", "keeper"])
            .current_dir(&place)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // What a terminal sends to us all is not meant for it.
            .process_group(0)
            .spawn()
            .map_err(refused)?;
        let told = process.stdin.take();
        let mut name = String::new();
        if let Some(stdout) = process.stdout.take() {
            BufReader::new(stdout).read_line(&mut name)?;
        }
        if name.is_empty() {
            process.wait()?;
            let cause = std::io::Error::other("no folder can be made there");
            return Err(refused(cause));
        }
        Ok(Self {
            folder: place.join(name.trim_end()),
            process,
            told,
        })
    }

    /// The folder of the run.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Has a child ended when the run is over.
    pub(crate) fn watch(&self, child: u32) -> Result<(), BenchError> {
        let gone = BenchError::Wrong("the keeper of the folder has ended");
        let mut told = self.told.as_ref().ok_or(gone)?;
        Ok(told.write_all(format!("{child}\n").as_bytes())?)
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.told = None;
        // It has said on standard error what went wrong.
        let _ = self.process.wait();
    }
}

/// Keeps the folder of a run, in a process of its own.
pub(crate) fn part() -> Result<(), BenchError> {
    let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(".")?;
    keep(folder)
}

fn keep(folder: TempDir) -> Result<(), BenchError> {
    let name = folder.path().file_name().unwrap_or_default();
    println!("{}", name.to_string_lossy());
    // Held by what does not pass to another process, as a number would.
    let mut children: Vec<OwnedFd> = Vec::new();
    for line in std::io::stdin().lines() {
        let child = line?.parse().ok().and_then(Pid::from_raw);
        // One that cannot be held has ended already.
        children.extend(child.and_then(|child| pidfd_open(child, PidfdFlags::empty()).ok()));
    }
    for child in &children {
        // Most have ended in order.
        let _ = pidfd_send_signal(child, Signal::KILL);
    }
    for child in &children {
        poll(&mut [PollFd::new(child, PollFlags::IN)], None).map_err(std::io::Error::from)?;
    }
    Ok(folder.close()?)
}
