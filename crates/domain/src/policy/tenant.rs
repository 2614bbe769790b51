//! Seats of a tenant: how many sessions all its subjects may hold together.

use super::Policy;
use crate::name::TenantId;

/// How many live sessions a tenant may hold in all.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Seats(u32);

impl Seats {
    /// The most that can be said.
    pub const MAX: Self = Self(100_000_000);

    /// Takes a number from outside; `None` for 0 and above 100,000,000.
    #[must_use]
    pub fn new(seats: u64) -> Option<Self> {
        let seats = u32::try_from(seats).ok()?;
        (1..=Self::MAX.0).contains(&seats).then_some(Self(seats))
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> usize {
        self.0 as usize
    }
}

/// A limit on all sessions of a tenant together.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TenantLimit {
    /// Which tenants, each by itself; none named is all of them.
    pub tenants: Vec<TenantId>,
    /// How many.
    pub seats: Seats,
}

impl Policy {
    /// How many sessions this tenant may hold; the lowest limit that speaks of it holds.
    #[must_use]
    pub fn seats(&self, tenant: &TenantId) -> Option<Seats> {
        let speaks = |l: &&TenantLimit| l.tenants.is_empty() || l.tenants.contains(tenant);
        self.tenants.iter().filter(speaks).map(|l| l.seats).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_number_of_seats_when_taken_then_it_is_that_many_and_within_bounds() {
        assert_eq!(Seats::new(7).map(Seats::get), Some(7));
        assert_eq!(Seats::new(100_000_000), Some(Seats::MAX));
        for beyond in [0, 100_000_001, u64::MAX] {
            assert_eq!(Seats::new(beyond), None, "{beyond}");
        }
    }
}
