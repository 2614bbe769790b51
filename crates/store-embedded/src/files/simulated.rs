//! Files that lose what a crash may lose, and fail when the dice or the test say so.
//!
//! What is read is what was written last, as from the memory of a system. What is durable is kept
//! apart: bytes when their file was synced, names when their folder was. A crash of the machine
//! forgets the rest, and of each write and each change of names that waited it may keep all, a
//! part, or nothing, in any mixture. A sync that fails leaves bytes to be read that no later sync
//! will write, as Linux does: they may be gone whenever the process begins anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::TryLockError;
use std::io;
use std::ops::DerefMut;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{File, Files, Identity, Lock};
use crate::sync::Mutex;

/// What a disk writes whole or not at all.
const SECTOR: u64 = 512;

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

/// What befell a machine.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Strokes {
    /// Crashes of the machine.
    pub crashes: u64,
    /// Processes that were killed, or went away.
    pub kills: u64,
    /// Writes that a crash took away.
    pub lost: u64,
    /// Writes of which a crash left a part.
    pub torn: u64,
    /// Changes of names that a crash took away.
    pub unnamed: u64,
    /// Syncs that failed.
    pub failed_syncs: u64,
    /// Writes for which there was no room.
    pub full: u64,
}

impl Strokes {
    /// Adds what befell another machine.
    pub fn add(&mut self, other: &Self) {
        self.crashes += other.crashes;
        self.kills += other.kills;
        self.lost += other.lost;
        self.torn += other.torn;
        self.unnamed += other.unnamed;
        self.failed_syncs += other.failed_syncs;
        self.full += other.full;
    }
}

#[derive(Debug)]
struct Machine {
    dice: Dice,
    nodes: Vec<Node>,
    steps: u64,
    crash_at: Option<u64>,
    /// One sync in so many fails; 0 if none does.
    failing: u64,
    capacity: u64,
    /// Why nothing is done any more until the next process begins.
    is_down: bool,
    /// Whoever opened a file before has it no more.
    lives: u64,
    /// The folders that somebody has locked in this life.
    locked: BTreeSet<usize>,
    strokes: Strokes,
}

#[derive(Clone, Debug)]
enum Node {
    File(Bytes),
    Folder(Names),
}

#[derive(Clone, Debug, Default)]
struct Bytes {
    seen: Vec<u8>,
    durable: Vec<u8>,
    waiting: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Write(u64, Vec<u8>),
    Cut(u64),
}

#[derive(Clone, Debug, Default)]
struct Names {
    seen: BTreeMap<String, usize>,
    durable: BTreeMap<String, usize>,
    /// Each is done as a whole or not at all: a name, and what it leads to from then on.
    waiting: Vec<Vec<(String, Option<usize>)>>,
}

impl SimulatedFiles {
    /// An empty machine, all of whose misfortunes follow from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(Machine {
            dice: Dice(seed),
            nodes: vec![Node::Folder(Names::default())],
            steps: 0,
            crash_at: None,
            failing: 0,
            capacity: u64::MAX,
            is_down: false,
            lives: 0,
            locked: BTreeSet::new(),
            strokes: Strokes::default(),
        })))
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

    /// Has one sync in `times` fail; none if that is 0.
    pub fn fail_one_sync_in(&self, times: u64) {
        self.0.lock().failing = times;
    }

    /// Gives the disk room for so many bytes.
    pub fn hold_at_most(&self, bytes: u64) {
        self.0.lock().capacity = bytes;
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
        let machine = &mut *self.0.lock();
        machine.strokes.crashes += 1;
        let (dice, strokes) = (&mut machine.dice, &mut machine.strokes);
        for node in &mut machine.nodes {
            match node {
                Node::File(bytes) => bytes.crash(dice, strokes),
                Node::Folder(names) => names.crash(dice, strokes),
            }
        }
        machine.forget_unnamed();
        machine.begin_anew();
    }

    /// The process goes away, and the system stays: what was written is still to be read, unless
    /// its sync failed and the system has forgotten it meanwhile.
    pub fn kill(&self) {
        let machine = &mut *self.0.lock();
        machine.strokes.kills += 1;
        for node in &mut machine.nodes {
            if let Node::File(bytes) = node
                && machine.dice.once_in(2)
            {
                bytes.seen = bytes.with(bytes.waiting.iter());
            }
        }
        machine.begin_anew();
    }
}

impl Machine {
    fn begin_anew(&mut self) {
        self.is_down = false;
        self.crash_at = None;
        self.lives += 1;
        self.locked.clear();
    }

    /// Frees what no name leads to any more.
    fn forget_unnamed(&mut self) {
        let mut reached = self.reached(0);
        reached.sort_unstable();
        for (number, node) in self.nodes.iter_mut().enumerate() {
            if reached.binary_search(&number).is_err() {
                *node = Node::File(Bytes::default());
            }
        }
    }

    fn used(&self) -> u64 {
        let length = |node: &Node| match node {
            Node::File(bytes) => bytes.seen.len() as u64,
            Node::Folder(_) => 0,
        };
        // What no name leads to takes no room.
        self.reached(0)
            .into_iter()
            .map(|n| length(&self.nodes[n]))
            .sum()
    }

    fn reached(&self, from: usize) -> Vec<usize> {
        let mut reached = vec![from];
        if let Node::Folder(names) = &self.nodes[from] {
            for node in names.seen.values() {
                reached.extend(self.reached(*node));
            }
        }
        reached
    }

    fn ready(&self) -> io::Result<()> {
        if self.is_down {
            return Err(io::Error::other("the machine is down"));
        }
        Ok(())
    }

    /// One more step. Says whether the machine goes down in it.
    fn step(&mut self) -> io::Result<Fate> {
        self.ready()?;
        self.steps += 1;
        if self.crash_at.is_some_and(|at| at < self.steps) {
            self.is_down = true;
            return Ok(Fate::GoesDown);
        }
        Ok(Fate::GoesOn)
    }

    fn find(&self, path: &Path) -> io::Result<usize> {
        let mut node = 0;
        for name in parts(path) {
            let Node::Folder(names) = &self.nodes[node] else {
                return Err(io::ErrorKind::NotADirectory.into());
            };
            node = *names.seen.get(&name).ok_or(io::ErrorKind::NotFound)?;
        }
        Ok(node)
    }

    fn names(&mut self, path: &Path) -> io::Result<&mut Names> {
        let node = self.find(path)?;
        match &mut self.nodes[node] {
            Node::Folder(names) => Ok(names),
            Node::File(_) => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    fn bytes(&mut self, node: usize) -> &mut Bytes {
        match &mut self.nodes[node] {
            Node::File(bytes) => bytes,
            Node::Folder(_) => unreachable!("only files are opened"),
        }
    }

    /// Lets names of the folder of `path` lead elsewhere, in one step.
    fn relink(&mut self, folder: &Path, change: Vec<(String, Option<usize>)>) -> io::Result<()> {
        let fate = self.step()?;
        let names = self.names(folder)?;
        link(&mut names.seen, &change);
        names.waiting.push(change);
        fate.tell()
    }

    fn add(&mut self, path: &Path, node: Node) -> io::Result<usize> {
        let (folder, name) = split(path)?;
        let number = self.nodes.len();
        if self.names(folder)?.seen.contains_key(&name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.nodes.push(node);
        self.relink(folder, vec![(name, Some(number))])?;
        Ok(number)
    }

    /// Whether the sync under way fails.
    fn sync_fails(&mut self) -> bool {
        let fails = self.failing > 0 && self.dice.once_in(self.failing);
        self.strokes.failed_syncs += u64::from(fails);
        fails
    }
}

/// How a step ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fate {
    GoesOn,
    GoesDown,
}

impl Fate {
    fn tell(self) -> io::Result<()> {
        match self {
            Self::GoesOn => Ok(()),
            Self::GoesDown => Err(io::Error::other("the machine went down")),
        }
    }
}

impl Bytes {
    /// What is durable, with these changes.
    fn with<'a>(&self, changes: impl Iterator<Item = &'a Change>) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        for change in changes {
            change.carry_out(&mut bytes);
        }
        bytes
    }

    fn change(&mut self, change: Change) {
        change.carry_out(&mut self.seen);
        self.waiting.push(change);
    }

    fn sync(&mut self) {
        self.durable = self.with(self.waiting.iter());
        self.waiting.clear();
    }

    /// Some of what waited reaches the disk, and none of the rest ever will.
    fn fail_to_sync(&mut self, dice: &mut Dice) {
        let waiting = std::mem::take(&mut self.waiting);
        self.durable = self.with(waiting.iter().filter(|_| dice.once_in(2)));
    }

    fn crash(&mut self, dice: &mut Dice, strokes: &mut Strokes) {
        for change in std::mem::take(&mut self.waiting) {
            match dice.below(3) {
                0 => strokes.lost += 1,
                1 => change.carry_out(&mut self.durable),
                _ => strokes.torn += u64::from(change.tear(&mut self.durable, dice)),
            }
        }
        self.seen.clone_from(&self.durable);
    }
}

impl Change {
    fn carry_out(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write(offset, written) => {
                let (from, until) = range(*offset, written.len());
                if bytes.len() < until {
                    bytes.resize(until, 0);
                }
                bytes[from..until].copy_from_slice(written);
            }
            Self::Cut(length) => bytes.truncate(range(*length, 0).0),
        }
    }

    /// Leaves a part of it: some sectors, the beginning of one, or only the length.
    fn tear(&self, bytes: &mut Vec<u8>, dice: &mut Dice) -> bool {
        let Self::Write(offset, written) = self else {
            return false;
        };
        let (from, until) = range(*offset, written.len());
        if dice.once_in(2) {
            // In order, and not to its end. Where there were bytes before, sectors stay whole.
            let mut end = offset + dice.below(written.len() as u64);
            if end < bytes.len() as u64 {
                end -= end % SECTOR;
            }
            let (kept, _) = range(end.saturating_sub(*offset), 0);
            Self::Write(*offset, written[..kept].into()).carry_out(bytes);
            return true;
        }
        if bytes.len() < until {
            bytes.resize(until, 0);
        }
        let mut is_kept = false;
        for (at, byte) in (from..until).zip(written) {
            if at == from || (at as u64).is_multiple_of(SECTOR) {
                is_kept = dice.once_in(2);
            }
            if is_kept {
                bytes[at] = *byte;
            }
        }
        true
    }
}

impl Names {
    fn sync(&mut self) {
        for change in std::mem::take(&mut self.waiting) {
            link(&mut self.durable, &change);
        }
    }

    fn crash(&mut self, dice: &mut Dice, strokes: &mut Strokes) {
        for change in std::mem::take(&mut self.waiting) {
            if dice.once_in(2) {
                link(&mut self.durable, &change);
            } else {
                strokes.unnamed += 1;
            }
        }
        self.seen.clone_from(&self.durable);
    }
}

fn link(names: &mut BTreeMap<String, usize>, change: &[(String, Option<usize>)]) {
    for (name, node) in change {
        match node {
            Some(node) => names.insert(name.clone(), *node),
            None => names.remove(name),
        };
    }
}

fn range(offset: u64, length: usize) -> (usize, usize) {
    let from = usize::try_from(offset).expect("simulated files are short");
    (from, from + length)
}

fn parts(path: &Path) -> Vec<String> {
    let parts = path.components().filter_map(|part| match part {
        std::path::Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
        _ => None,
    });
    parts.collect()
}

fn split(path: &Path) -> io::Result<(&Path, String)> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    Ok((folder, name.to_string_lossy().into_owned()))
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
            let node = machine.find(path)?;
            if let Node::Folder(_) = machine.nodes[node] {
                return Err(io::ErrorKind::IsADirectory.into());
            }
            node
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
        machine.ready()?;
        Ok(machine.names(folder)?.seen.keys().cloned().collect())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut machine = self.0.lock();
        let node = machine.find(from)?;
        let ((folder, from), (_, to)) = (split(from)?, split(to)?);
        machine.relink(folder, vec![(from, None), (to, Some(node))])
    }

    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        let mut machine = self.0.lock();
        let nodes = (machine.find(one)?, machine.find(other)?);
        let ((folder, one), (_, other)) = (split(one)?, split(other)?);
        machine.relink(folder, vec![(one, Some(nodes.1)), (other, Some(nodes.0))])
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut machine = self.0.lock();
        machine.ready()?;
        machine.find(path)?;
        let (folder, name) = split(path)?;
        machine.relink(folder, vec![(name, None)])
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.remove(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        let mut machine = self.0.lock();
        let fate = machine.step()?;
        if fate == Fate::GoesOn && machine.sync_fails() {
            // Names are in the journal of the file system, which tries again.
            return Err(io::Error::other("the folder was not synced"));
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
        machine.ready().map_err(TryLockError::Error)?;
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

/// A folder that a process has locked.
#[derive(Debug)]
struct Locked {
    files: SimulatedFiles,
    node: usize,
    /// In which life of the machine.
    life: u64,
}

impl Drop for Locked {
    fn drop(&mut self) {
        let mut machine = self.files.0.lock();
        // What a process had locked that is gone was free at once.
        if machine.lives == self.life {
            machine.locked.remove(&self.node);
        }
    }
}

impl SimulatedFiles {
    fn opened(&self, node: usize) -> Opened {
        let life = self.0.lock().lives;
        let files = self.clone();
        Opened { files, node, life }
    }
}

#[derive(Debug)]
struct Opened {
    files: SimulatedFiles,
    node: usize,
    /// In which life of the machine.
    life: u64,
}

impl Opened {
    fn machine(&self) -> io::Result<impl DerefMut<Target = Machine> + '_> {
        let machine = self.files.0.lock();
        machine.ready()?;
        if machine.lives != self.life {
            return Err(io::Error::other("the process that opened it is gone"));
        }
        Ok(machine)
    }

    fn change(&self, change: Change) -> io::Result<()> {
        let mut machine = self.machine()?;
        let fate = machine.step()?;
        machine.bytes(self.node).change(change);
        fate.tell()
    }
}

impl File for Opened {
    fn length(&self) -> io::Result<u64> {
        Ok(self.machine()?.bytes(self.node).seen.len() as u64)
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut machine = self.machine()?;
        let seen = &machine.bytes(self.node).seen;
        let rest = seen.get(range(offset, 0).0..).unwrap_or_default();
        let read = rest.len().min(into.len());
        into[..read].copy_from_slice(&rest[..read]);
        Ok(read)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let fits = {
            let mut machine = self.machine()?;
            let free = machine.capacity.saturating_sub(machine.used());
            let length = machine.bytes(self.node).seen.len() as u64;
            let fits = length.saturating_add(free).saturating_sub(offset);
            usize::try_from(fits).unwrap_or(usize::MAX)
        };
        if fits >= bytes.len() {
            return self.change(Change::Write(offset, bytes.into()));
        }
        self.change(Change::Write(offset, bytes[..fits].into()))?;
        self.files.0.lock().strokes.full += 1;
        Err(io::ErrorKind::StorageFull.into())
    }

    fn cut(&self, length: u64) -> io::Result<()> {
        self.change(Change::Cut(length))
    }

    fn sync(&self) -> io::Result<()> {
        let machine = &mut *self.machine()?;
        let fate = machine.step()?;
        let fails = fate == Fate::GoesOn && machine.sync_fails();
        let reaches = fate == Fate::GoesOn || machine.dice.once_in(2);
        let Node::File(bytes) = &mut machine.nodes[self.node] else {
            unreachable!("only files are opened");
        };
        if fails {
            bytes.fail_to_sync(&mut machine.dice);
            return Err(io::Error::other("the file was not synced"));
        }
        if reaches {
            bytes.sync();
        }
        fate.tell()
    }
}

/// A stream of choices (splitmix64).
#[derive(Clone, Debug)]
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}
