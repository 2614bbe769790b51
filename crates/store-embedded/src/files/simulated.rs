//! Files that lose what a crash may lose, and fail when the dice or the test say so.
//!
//! What is read is what was written last, as from the memory of a system. What is durable is kept
//! apart: bytes when their file was synced, names when their folder was. A crash of the machine
//! forgets the rest, and of each write and each change of names that waited it may keep all, a
//! part, or nothing, in any mixture. A sync that fails leaves bytes to be read that no later sync
//! will write, as Linux does: they may be gone whenever the process begins anew. Whatever else is
//! asked for may fail too, and then nothing of it is done.

mod bytes;
mod dice;
mod machine;
mod names;
mod opened;
mod strokes;

use std::fmt;
use std::fs::TryLockError;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{File, Files, Identity, Lock};
use crate::sync::Mutex;
use bytes::Bytes;
use machine::{Fate, Machine, Node};
use names::{Names, parts, split};
use opened::{Locked, Opened};
pub use strokes::{Deed, Strokes};

/// A machine with files. Clones are the same machine.
#[derive(Clone)]
pub struct SimulatedFiles(Arc<Mutex<Machine>>);

impl fmt::Debug for SimulatedFiles {
    /// Says what happened, and not every byte.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let machine = self.0.lock();
        f.debug_struct("SimulatedFiles")
            .field("steps", &machine.steps)
            .field("strokes", &machine.strokes)
            .finish_non_exhaustive()
    }
}

impl SimulatedFiles {
    /// An empty machine, all of whose misfortunes follow from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(Machine::new(seed))))
    }

    /// How many steps there were: each write, sync and change of names is one.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.0.lock().steps
    }

    /// Has the machine go down at the step after so many more.
    pub fn crash_after(&self, steps: u64) {
        let mut machine = self.0.lock();
        machine.crash_at = Some(machine.steps.saturating_add(steps));
    }

    /// Has one such deed in `times` fail; none if that is 0.
    pub fn fail_one_in(&self, deed: Deed, times: u64) {
        self.0.lock().failing[deed as usize] = times;
    }

    /// Gives the disk room for so many bytes.
    pub fn hold_at_most(&self, bytes: u64) {
        self.0.lock().capacity = bytes;
    }

    /// Nothing fails any more, the disk has room, and the machine does not go down.
    pub fn spare(&self) {
        let mut machine = self.0.lock();
        machine.failing = [0; Deed::ALL.len()];
        machine.capacity = u64::MAX;
        machine.crash_at = None;
    }

    /// How many bytes there are in files.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.0.lock().used()
    }

    /// Whether the machine has gone down, and waits for [`crash`](Self::crash).
    #[must_use]
    pub fn is_down(&self) -> bool {
        self.0.lock().is_down
    }

    /// What has befallen it until now.
    #[must_use]
    pub fn strokes(&self) -> Strokes {
        self.0.lock().strokes
    }

    /// The power goes, and comes back. Whoever had a file open has it no more.
    pub fn crash(&self) {
        self.0.lock().crash();
    }

    /// The process goes away, and the system stays: what was written is still to be read, unless
    /// its sync failed and the system has forgotten it meanwhile.
    pub fn kill(&self) {
        self.0.lock().kill();
    }

    fn opened(&self, node: usize) -> Opened {
        let life = self.0.lock().lives;
        let files = self.clone();
        Opened { files, node, life }
    }
}

impl Files for SimulatedFiles {
    fn make_folder(&self, path: &Path) -> io::Result<()> {
        let mut machine = self.0.lock();
        let mut made = PathBuf::new();
        for part in parts(path) {
            made.push(part);
            if machine.find(&made).is_err() {
                machine.add(&made, Node::Folder(Names::default()))?;
            }
        }
        machine.names(path).map(drop)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn File>> {
        let node = self.0.lock().add(path, Node::File(Bytes::default()))?;
        Ok(Box::new(self.opened(node)))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn File>> {
        let node = {
            let machine = self.0.lock();
            machine.ready()?;
            machine.find_file(path)?
        };
        Ok(Box::new(self.opened(node)))
    }

    fn has(&self, path: &Path) -> io::Result<bool> {
        let machine = self.0.lock();
        machine.ready()?;
        Ok(machine.find(path).is_ok())
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let mut machine = self.0.lock();
        machine.attempt(Deed::Read)?;
        Ok(machine.names(folder)?.seen.keys().cloned().collect())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut machine = self.0.lock();
        machine.attempt(Deed::Rename)?;
        let node = machine.find(from)?;
        let ((folder, from), (_, to)) = (split(from)?, split(to)?);
        machine.relink(folder, vec![(from, None), (to, Some(node))])
    }

    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        let mut machine = self.0.lock();
        machine.attempt(Deed::Rename)?;
        let nodes = (machine.find(one)?, machine.find(other)?);
        let ((folder, one), (_, other)) = (split(one)?, split(other)?);
        machine.relink(folder, vec![(one, Some(nodes.1)), (other, Some(nodes.0))])
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut machine = self.0.lock();
        machine.ready()?;
        machine.find(path)?;
        machine.attempt(Deed::Remove)?;
        let (folder, name) = split(path)?;
        machine.relink(folder, vec![(name, None)])
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.remove(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        let mut machine = self.0.lock();
        let fate = machine.step()?;
        if fate == Fate::GoesOn {
            // Names are in the journal of the file system, which tries again.
            machine.attempt(Deed::Sync)?;
        }
        if fate == Fate::GoesOn || machine.dice.once_in(2) {
            machine.names(path)?.sync();
        }
        fate.tell()
    }

    fn free(&self, _: &Path) -> io::Result<u64> {
        let machine = self.0.lock();
        machine.ready()?;
        Ok(machine.capacity.saturating_sub(machine.used()))
    }

    fn identify(&self, path: &Path) -> io::Result<Identity> {
        let machine = self.0.lock();
        machine.ready()?;
        machine.find(path).map(identity_of)
    }

    fn lock(&self, folder: &Path) -> Result<Lock, TryLockError> {
        let mut machine = self.0.lock();
        if let Err(error) = machine.attempt(Deed::Lock) {
            // Another process has it, if it is not the disk.
            let is_held = !machine.is_down && machine.dice.once_in(2);
            return Err(if is_held {
                TryLockError::WouldBlock
            } else {
                TryLockError::Error(error)
            });
        }
        let node = machine.find(folder).map_err(TryLockError::Error)?;
        if !machine.locked.insert(node) {
            return Err(TryLockError::WouldBlock);
        }
        let (files, life) = (self.clone(), machine.lives);
        let held = vec![(folder.into(), identity_of(node))];
        Ok(Lock::new(held, Locked { files, node, life }))
    }
}

/// No number is given again, so when it was born says nothing more.
fn identity_of(node: usize) -> Identity {
    Identity {
        device: 1,
        inode: node as u64,
        born_at: None,
    }
}
