//! Bare group commit: what waits goes into one buffer, is written and synced once, and is then
//! answered. Nothing is compared, kept or checked, so no store can do better on this disk.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use tokio::sync::oneshot;

use crate::BenchError;

type Waiting = (Box<[u8]>, oneshot::Sender<()>);

pub(crate) struct BareLog {
    waiting: Option<SyncSender<Waiting>>,
    thread: Option<JoinHandle<std::io::Result<()>>>,
}

impl BareLog {
    pub(crate) fn create(path: &Path) -> Result<Self, BenchError> {
        let file = File::create(path)?;
        let (send, receive) = sync_channel(16_384);
        let thread = thread::Builder::new()
            .name("bare-log".into())
            .spawn(move || write_down(file, &receive))?;
        Ok(Self {
            waiting: Some(send),
            thread: Some(thread),
        })
    }

    /// Writes a record, and returns once it is durable.
    pub(crate) async fn commit(&self, record: Box<[u8]>) -> Result<(), BenchError> {
        let (answer, done) = oneshot::channel();
        let waiting = self
            .waiting
            .as_ref()
            .ok_or(BenchError::Wrong("the log is closed"))?;
        let gone = BenchError::Wrong("the log stopped");
        if waiting.try_send((record, answer)).is_err() {
            return Err(gone);
        }
        done.await.map_err(|_| gone)
    }
}

fn write_down(mut file: File, waiting: &Receiver<Waiting>) -> std::io::Result<()> {
    let mut buffer = Vec::new();
    let mut answers = Vec::new();
    while let Ok(first) = waiting.recv() {
        for (record, answer) in std::iter::once(first).chain(waiting.try_iter().take(1023)) {
            buffer.extend_from_slice(&record);
            answers.push(answer);
        }
        file.write_all(&buffer)?;
        file.sync_data()?;
        buffer.clear();
        for answer in answers.drain(..) {
            // Nobody may be waiting any more.
            let _ = answer.send(());
        }
    }
    Ok(())
}

impl Drop for BareLog {
    fn drop(&mut self) {
        self.waiting = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
