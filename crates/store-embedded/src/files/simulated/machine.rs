//! A machine: its files and folders, the steps that it has done, and those at which it fails.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use rustix::io::Errno;

use super::bytes::Bytes;
use super::dice::Dice;
use super::names::{Link, Names, parts, split};
use super::strokes::{Deed, Strokes};

#[derive(Debug)]
pub(super) struct Machine {
    pub(super) dice: Dice,
    nodes: Vec<Node>,
    pub(super) steps: u64,
    /// After how many steps it goes down.
    pub(super) crash_at: Option<u64>,
    /// One deed of each kind in so many fails; 0 if none does.
    pub(super) failing: [u64; Deed::ALL.len()],
    pub(super) capacity: u64,
    /// Why nothing is done any more until the next process begins.
    pub(super) is_down: bool,
    /// Whoever opened a file before has it no more.
    pub(super) lives: u64,
    /// The folders that somebody has locked in this life.
    pub(super) locked: BTreeSet<usize>,
    pub(super) strokes: Strokes,
}

#[derive(Clone, Debug)]
pub(super) enum Node {
    File(Bytes),
    Folder(Names),
}

/// How a step ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fate {
    GoesOn,
    GoesDown,
}

impl Fate {
    pub(super) fn tell(self) -> io::Result<()> {
        match self {
            Self::GoesOn => Ok(()),
            Self::GoesDown => Err(io::Error::other("the machine went down")),
        }
    }
}

impl Machine {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            dice: Dice(seed),
            nodes: vec![Node::Folder(Names::default())],
            steps: 0,
            crash_at: None,
            failing: [0; Deed::ALL.len()],
            capacity: u64::MAX,
            is_down: false,
            lives: 0,
            locked: BTreeSet::new(),
            strokes: Strokes::default(),
        }
    }

    /// The power goes, and comes back.
    pub(super) fn crash(&mut self) {
        self.strokes.crashes += 1;
        let (dice, strokes) = (&mut self.dice, &mut self.strokes);
        for node in &mut self.nodes {
            match node {
                Node::File(bytes) => bytes.crash(dice, strokes),
                Node::Folder(names) => names.crash(dice, strokes),
            }
        }
        self.forget_unnamed();
        self.begin_anew();
    }

    /// The process goes away, and the system stays.
    pub(super) fn kill(&mut self) {
        self.strokes.kills += 1;
        for node in &mut self.nodes {
            if let Node::File(bytes) = node
                && self.dice.once_in(2)
            {
                bytes.forget_unsynced();
            }
        }
        self.begin_anew();
    }

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

    pub(super) fn used(&self) -> u64 {
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

    pub(super) fn ready(&self) -> io::Result<()> {
        if self.is_down {
            return Err(io::Error::other("the machine is down"));
        }
        Ok(())
    }

    /// One more step. Says whether the machine goes down in it.
    pub(super) fn step(&mut self) -> io::Result<Fate> {
        self.ready()?;
        self.steps += 1;
        if self.crash_at.is_some_and(|at| at < self.steps) {
            self.is_down = true;
            return Ok(Fate::GoesDown);
        }
        Ok(Fate::GoesOn)
    }

    /// Fails if the dice say that this deed does.
    pub(super) fn attempt(&mut self, deed: Deed) -> io::Result<()> {
        self.ready()?;
        let times = self.failing[deed as usize];
        if times > 0 && self.dice.once_in(times) {
            self.strokes.failed[deed as usize] += 1;
            return Err(Errno::IO.into());
        }
        Ok(())
    }

    pub(super) fn find(&self, path: &Path) -> io::Result<usize> {
        let mut node = 0;
        for name in parts(path) {
            let Node::Folder(names) = &self.nodes[node] else {
                return Err(io::ErrorKind::NotADirectory.into());
            };
            node = *names.seen.get(&name).ok_or(io::ErrorKind::NotFound)?;
        }
        Ok(node)
    }

    pub(super) fn find_file(&self, path: &Path) -> io::Result<usize> {
        let node = self.find(path)?;
        match self.nodes[node] {
            Node::File(_) => Ok(node),
            Node::Folder(_) => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    pub(super) fn names(&mut self, path: &Path) -> io::Result<&mut Names> {
        let node = self.find(path)?;
        match &mut self.nodes[node] {
            Node::Folder(names) => Ok(names),
            Node::File(_) => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    pub(super) fn bytes(&mut self, node: usize) -> &mut Bytes {
        self.bytes_and_dice(node).0
    }

    /// Makes what is in a file durable, or some of it, and none of the rest ever.
    pub(super) fn sync(&mut self, node: usize) -> io::Result<()> {
        let fate = self.step()?;
        let attempted = match fate {
            Fate::GoesOn => self.attempt(Deed::Sync),
            Fate::GoesDown => Ok(()),
        };
        let reaches = fate == Fate::GoesOn || self.dice.once_in(2);
        let (bytes, dice) = self.bytes_and_dice(node);
        if attempted.is_err() {
            bytes.fail_to_sync(dice);
        } else if reaches {
            bytes.sync();
        }
        attempted.and(fate.tell())
    }

    fn bytes_and_dice(&mut self, node: usize) -> (&mut Bytes, &mut Dice) {
        match &mut self.nodes[node] {
            Node::File(bytes) => (bytes, &mut self.dice),
            Node::Folder(_) => unreachable!("only files are opened"),
        }
    }

    /// Lets names of a folder lead elsewhere, in one step.
    pub(super) fn relink(&mut self, folder: &Path, change: Vec<Link>) -> io::Result<()> {
        let fate = self.step()?;
        self.names(folder)?.relink(change);
        fate.tell()
    }

    pub(super) fn add(&mut self, path: &Path, node: Node) -> io::Result<usize> {
        self.attempt(Deed::Create)?;
        let (folder, name) = split(path)?;
        let number = self.nodes.len();
        if self.names(folder)?.seen.contains_key(&name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.nodes.push(node);
        self.relink(folder, vec![(name, Some(number))])?;
        Ok(number)
    }
}
