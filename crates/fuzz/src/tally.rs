//! What was taken of what was tried.

use std::collections::BTreeMap;

/// How often each kind of thing was accepted. A kind that was looked for and never found is in it
/// with a zero: what stands behind it was not tried.
#[derive(Debug, Default)]
pub struct Tally(BTreeMap<&'static str, usize>);

impl Tally {
    /// So many more of a kind, or none.
    pub fn add(&mut self, kind: &'static str, number: usize) {
        *self.0.entry(kind).or_default() += number;
    }

    /// What a parser made of an input, counted where it took it.
    pub fn read<T, E>(&mut self, kind: &'static str, read: Result<T, E>) -> Option<T> {
        self.add(kind, usize::from(read.is_ok()));
        read.ok()
    }

    /// Each kind with its number.
    pub fn kinds(&self) -> impl Iterator<Item = (&'static str, usize)> {
        self.0.iter().map(|(kind, number)| (*kind, *number))
    }
}
