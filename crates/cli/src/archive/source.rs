//! Where a copy comes from: a running server, or the folder of one that is stopped.

use std::future::poll_fn;
use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use innkeeper_store::archive::Copying;
use innkeeper_store_embedded::EmbeddedStore;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::file::NewFile;
use crate::args::CopyArguments;
use crate::exit::Failure;
use crate::open_store::{OpenStore, embedded_in};
use crate::remote::{Pieces, Server};

/// A copy that is about to be taken.
pub(super) enum Source {
    Running(Pieces),
    Stopped(Arc<EmbeddedStore>, Box<Copying>),
}

impl Source {
    /// Begins the copy; what it holds is fixed from here on.
    pub(super) async fn of(arguments: &CopyArguments) -> Result<Self, Failure> {
        if !arguments.offline {
            let server = Server::reach(&arguments.client)?;
            return Ok(Self::Running(server.pieces(&["v1", "backup"]).await?));
        }
        let store = embedded_in(arguments.client.data()).await?;
        let copying = Copying::begin(Arc::clone(&store) as _).await;
        let copying =
            copying.map_err(|error| Failure::cannot_run("the store cannot be copied", error))?;
        Ok(Self::Stopped(store, Box::new(copying)))
    }

    /// Writes all of it into a file.
    pub(super) async fn copy_to(mut self, file: &mut NewFile) -> Result<(), Failure> {
        let bar = progress();
        while let Some(piece) = self.next().await? {
            bar.inc(piece.len() as u64);
            file.write_all(&piece)
                .map_err(|error| Failure::cannot_run("the file cannot be written", error))?;
        }
        bar.finish_and_clear();
        match self {
            Self::Running(_) => Ok(()),
            Self::Stopped(store, copying) => {
                drop(copying);
                OpenStore::Embedded(store).close().await
            }
        }
    }

    async fn next(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        match self {
            Self::Running(pieces) => pieces.next().await,
            Self::Stopped(_, copying) => copying
                .next()
                .await
                .map_err(|error| Failure::cannot_run("the store cannot be copied", error)),
        }
    }
}

/// Does this unless somebody stops us meanwhile: then it is dropped, and the file under way goes
/// with it, which a process that is ended by the signal would leave behind.
pub(super) async fn unless_stopped<T>(
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let mut told = vec![SignalKind::interrupt(), SignalKind::terminate()];
    // Under nohup it goes on when the terminal goes.
    if !ignores_hangups() {
        told.push(SignalKind::hangup());
    }
    let mut told: Vec<Signal> = told
        .into_iter()
        .filter_map(|kind| signal(kind).ok())
        .collect();
    let stopped = poll_fn(|context| {
        let mut heard = told.iter_mut().map(|one| one.poll_recv(context));
        if heard.any(|heard| heard.is_ready()) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    });
    tokio::select! {
        // Whoever sees that the work has begun is heard.
        biased;
        () = stopped => Err(Failure::cannot_run("nothing was written", "it was interrupted")),
        done = work => done,
    }
}

/// Whether whoever started us had hangups ignored (SIGHUP is 1, the lowest bit of the set).
fn ignores_hangups() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|set| u64::from_str_radix(set.trim(), 16).ok());
    ignored.is_some_and(|set| set & 1 == 1)
}

/// Shown on a terminal, quiet in a pipe.
fn progress() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {bytes} copied, {bytes_per_sec}")
        .expect("the template is well formed");
    let bar = ProgressBar::new_spinner().with_style(style);
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}
