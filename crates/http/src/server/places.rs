//! Who holds the places of the accept loop, and who gives one up when all are taken.
//!
//! Without this rule one peer that opens connections and says nothing keeps everybody else out
//! until a bound passes, and then opens them again.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

use tokio::task::{AbortHandle, Id};
use tokio::time::Instant;

use super::watch::Watch;

/// The connections that are open.
#[derive(Debug, Default)]
pub(super) struct Places {
    taken: HashMap<Id, Place>,
    /// How many each neighbourhood holds.
    held: HashMap<IpAddr, usize>,
}

#[derive(Debug)]
struct Place {
    holder: IpAddr,
    watch: Watch,
    task: AbortHandle,
}

impl Places {
    /// A connection opens.
    pub(super) fn take(&mut self, peer: IpAddr, watch: Watch, task: AbortHandle) {
        let holder = neighbourhood(peer);
        *self.held.entry(holder).or_default() += 1;
        let place = Place {
            holder,
            watch,
            task,
        };
        self.taken.insert(place.task.id(), place);
    }

    /// A connection has ended.
    pub(super) fn leave(&mut self, connection: Id) {
        let Some(place) = self.taken.remove(&connection) else {
            return;
        };
        if let Some(held) = self.held.get_mut(&place.holder) {
            *held -= 1;
            if *held == 0 {
                self.held.remove(&place.holder);
            }
        }
    }

    /// Closes one connection that waits for its peer, and says whether there was one.
    ///
    /// Of all that wait, it is one of whoever holds the most places, and of theirs the one that
    /// has waited longest. So a flood pays with its own connections, and what a proxy keeps open
    /// goes only where the proxy itself is the crowd. A request that has come whole is safe.
    pub(super) fn free_one(&mut self) -> bool {
        let mut waiting: Vec<(usize, Instant, Id)> = self
            .taken
            .iter()
            .filter_map(|(id, place)| {
                let since = place.watch.waits_since()?;
                Some((self.held[&place.holder], since, *id))
            })
            .collect();
        waiting.sort_unstable_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(&other.1)));
        for (_, _, id) in waiting {
            // It may have gone on meanwhile.
            if self.taken[&id].watch.dismiss() {
                self.taken[&id].task.abort();
                self.leave(id);
                return true;
            }
        }
        false
    }
}

/// What one holder of addresses has at least: an IPv4 address, or the /64 of an IPv6 one.
fn neighbourhood(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(v4) => v4.into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
    }
}
