//! The names in a folder: those that are seen, and those that a crash leaves.

use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path};

use super::dice::Dice;
use super::strokes::Strokes;

/// A name, and what it leads to from then on.
pub(super) type Link = (String, Option<usize>);

#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    pub(super) seen: BTreeMap<String, usize>,
    durable: BTreeMap<String, usize>,
    /// Each is done as a whole or not at all.
    waiting: Vec<Vec<Link>>,
}

impl Names {
    /// Lets names lead elsewhere, in one step.
    pub(super) fn relink(&mut self, change: Vec<Link>) {
        link(&mut self.seen, &change);
        self.waiting.push(change);
    }

    /// All of it is durable from now on.
    pub(super) fn sync(&mut self) {
        for change in std::mem::take(&mut self.waiting) {
            link(&mut self.durable, &change);
        }
    }

    /// Of what was not synced, each change is kept or lost.
    pub(super) fn crash(&mut self, dice: &mut Dice, strokes: &mut Strokes) {
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

fn link(names: &mut BTreeMap<String, usize>, change: &[Link]) {
    for (name, node) in change {
        match node {
            Some(node) => names.insert(name.clone(), *node),
            None => names.remove(name),
        };
    }
}

/// The names on the way to a path.
pub(super) fn parts(path: &Path) -> Vec<String> {
    let parts = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
        _ => None,
    });
    parts.collect()
}

/// The folder of a path, and its name there.
pub(super) fn split(path: &Path) -> io::Result<(&Path, String)> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    Ok((folder, name.to_string_lossy().into_owned()))
}
