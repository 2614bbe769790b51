//! So many buckets and no more, which forget nothing in anybody's favour.
//!
//! Whoever has many addresses could fill any table, and so have the own bucket thrown out and
//! begin afresh. Here a newcomer who needs the place of another takes over what that one had
//! spent (as in the Space-Saving algorithm of Metwally, Agrawal and El Abbadi). The place that is
//! given up is the one that is whole the soonest, so what is taken over is the least there is.
//! And whoever was thrown out and comes back takes over at least what was left behind: the least
//! that is in a set never falls. So a bucket shows what was spent, or more, and never less.

use super::Micros;

/// How many buckets one name may lie in.
const WAYS: usize = 16;

/// A table of buckets. All of its memory is taken once, and touched as it fills.
#[derive(Debug)]
pub(super) struct Buckets {
    sets: Box<[[Bucket; WAYS]]>,
}

/// The name, and when it is whole again. One that is whole is as good as empty.
type Bucket = [u64; 2];

/// A bucket's name: a keyed hash, so that nobody can aim at the set of another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Name {
    pub(super) set: u64,
    pub(super) own: u64,
}

impl Buckets {
    /// A table of at least so many.
    pub(super) fn new(buckets: usize) -> Self {
        let sets = vec![[[0; 2]; WAYS]; buckets.div_ceil(WAYS).max(1)];
        Self { sets: sets.into() }
    }

    /// When the bucket of this name is whole again; if it is not there, that of the place that it
    /// would take.
    pub(super) fn whole_at(&self, name: Name) -> Micros {
        let (set, way) = self.place(name);
        self.sets[set][way][1]
    }

    /// Sets when it is whole again.
    pub(super) fn set(&mut self, name: Name, whole_at: Micros) {
        let (set, way) = self.place(name);
        self.sets[set][way] = [name.own, whole_at];
    }

    /// Where it is, else where it would be.
    fn place(&self, name: Name) -> (usize, usize) {
        let many = self.sets.len() as u64;
        let set = usize::try_from(name.set % many).expect("there are no more sets than that");
        let ways = &self.sets[set];
        let own = ways.iter().position(|bucket| bucket[0] == name.own);
        let way = own.unwrap_or_else(|| {
            let soonest = (0..WAYS).min_by_key(|way| ways[*way][1]);
            soonest.expect("a set has ways")
        });
        (set, way)
    }
}
