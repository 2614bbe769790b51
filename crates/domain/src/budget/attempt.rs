//! Who tries to sign in, as far as that is known before any proof, and what it costs whom.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use super::Budget;
use super::buckets::{Buckets, Name};
use crate::device::DeviceId;
use crate::name::TenantId;
use crate::time::Timestamp;
use crate::token::TagKey;

/// Where somebody is: one IPv4 address, or the /64 of an IPv6 one, which is what one customer of a
/// provider is given at least (RFC 6177).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Network(IpAddr);

impl Network {
    /// The network of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(own) => IpAddr::V4(own),
            IpAddr::V6(one) => {
                let [a, b, c, d, ..] = one.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
        })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(own) => own.fmt(f),
            IpAddr::V6(net) => write!(f, "{net}/64"),
        }
    }
}

/// What a try is counted against.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Against {
    /// This subject, tried from this network: the budget as it is set.
    SubjectAndNetwork,
    /// This network, whoever is tried from there: ten times as much, since many people share one.
    Network,
    /// This subject, tried by strangers from anywhere: ten times as much.
    Subject,
    /// A device that this subject has used before, on this network: the budget as it is set. Only
    /// who holds its token, and is there, spends it.
    DeviceAndNetwork,
    /// All such devices of a subject together, wherever they are: three times as much, or whoever
    /// took the tokens of many, or one to many networks, would guess as many times faster.
    Devices,
}

impl Against {
    /// Every one.
    pub const ALL: [Self; 5] = [
        Self::SubjectAndNetwork,
        Self::Network,
        Self::Subject,
        Self::DeviceAndNetwork,
        Self::Devices,
    ];

    /// Its word, for logs, metrics and fields.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::SubjectAndNetwork => "subject_and_address",
            Self::Network => "address",
            Self::Subject => "subject",
            Self::DeviceAndNetwork => "device_and_address",
            Self::Devices => "devices",
        }
    }

    /// How many times the budget it is.
    const fn times(self) -> u32 {
        match self {
            Self::SubjectAndNetwork | Self::DeviceAndNetwork => 1,
            Self::Devices => 3,
            Self::Network | Self::Subject => 10,
        }
    }
}

/// A try, by what it is counted against.
///
/// A stranger's counts against the subject from there, against the network, and against what all
/// strangers together may try of this subject. So whoever floods one subject from one place has
/// spent the own budget, and not that of the subject elsewhere; whoever tries many subjects has
/// spent that of the place; and many places together guess no faster than ten times the budget.
/// Of one whose network is not known the last alone counts: all such would share the first with
/// the owner.
///
/// What strangers may try of a subject the owner would have to share with the flood, and the other
/// two with whoever is behind the same address. So a device that the subject has used before
/// counts apart, by its token and the network that it is on: a thief of the token spends what is
/// the thief's own, as long as that is elsewhere. All devices of a subject have one more bucket
/// together. Where that is spent, by whoever holds the tokens of others or takes one to many
/// networks, a device still has what a stranger has: to show it never leaves the owner worse off
/// (V4). A thief with the same token behind the same address is not to be told from the owner, and
/// spends what the owner has there; nor is one where no address is known, and then what strangers
/// have is all that is left to either.
#[derive(Clone, Debug)]
pub struct Attempt {
    counted: Vec<(Against, Name)>,
    /// Where it is made, if that is known.
    place: Option<Box<str>>,
    /// What it is counted against where that is spent; nothing if it is then turned away.
    otherwise: Vec<(Against, Name)>,
}

impl Attempt {
    /// A try by somebody who shows no device of this subject's. `who` is what they call
    /// themselves, whether or not there is such a subject.
    #[must_use]
    pub fn of_stranger(
        key: &TagKey,
        tenant: &TenantId,
        who: &str,
        network: Option<Network>,
    ) -> Self {
        let known: Option<Box<str>> = network.map(|n| n.to_string().into());
        let place = known.as_deref();
        let counted = [
            (Against::SubjectAndNetwork, Some(who), place),
            (Against::Subject, Some(who), None),
            (Against::Network, None, place),
        ];
        let counted = counted
            .into_iter()
            .filter(|(against, ..)| place.is_some() || *against == Against::Subject);
        let named = counted.map(|(against, who, place)| {
            let parts = [Some(tenant.as_str()), who, place];
            (against, name(key, against, parts))
        });
        Self {
            counted: named.collect(),
            place: known.clone(),
            otherwise: Vec::new(),
        }
    }

    /// The same try on a device that the subject has used before.
    #[must_use]
    pub fn on_known_device(self, key: &TagKey, device: DeviceId) -> Self {
        let (own, all) = (device.to_string(), device.tag().to_string());
        let named = |against, id: &str, place| {
            let parts = [Some(id), None, place];
            (against, name(key, against, parts))
        };
        let place = self.place.as_deref();
        let own = named(Against::DeviceAndNetwork, &own, place);
        let all = named(Against::Devices, &all, None);
        // The own one bounds a device where it is. Where that is anywhere, a thief anywhere would
        // have it keep the owner from what is left to strangers.
        let otherwise = match place {
            Some(_) => [vec![own], self.counted].concat(),
            None => self.counted,
        };
        Self {
            counted: vec![own, all],
            place: self.place,
            otherwise,
        }
    }
}

/// The name of a bucket. The address of a network is the same for all tenants: whoever floods one
/// is slow at the others as well.
fn name(key: &TagKey, against: Against, parts: [Option<&str>; 3]) -> Name {
    let parts = match (against, parts) {
        (Against::Network, [_, _, place]) => [None, None, place],
        (_, parts) => parts,
    };
    let digest = key.name_of_bucket(against.word(), &parts);
    let half = |at: usize| u64::from_be_bytes(std::array::from_fn(|i| digest[at + i]));
    Name {
        set: half(0),
        own: half(8),
    }
}

/// What is left after a try.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Left {
    /// Of what.
    pub against: Against,
    /// How much that is in all.
    pub budget: Budget,
    /// How many more at once.
    pub left: u32,
    /// After which time all of it is there again.
    pub whole_in: Duration,
}

/// There is nothing left, and nothing was counted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Spent {
    /// Of what.
    pub against: Against,
    /// How much that is in all.
    pub budget: Budget,
    /// After which time one more may be tried. Never nothing.
    pub wait: Duration,
}

/// What was spent lately, in a bounded number of buckets.
#[derive(Debug)]
pub struct Budgets {
    strangers: Buckets,
    /// Apart, so that no stranger can fill it: only who holds a device's token has a bucket here.
    devices: Buckets,
}

impl Default for Budgets {
    fn default() -> Self {
        Self::new(Self::STRANGERS, Self::DEVICES)
    }
}

impl Budgets {
    /// One MiB.
    const STRANGERS: usize = 65_536;
    const DEVICES: usize = 16_384;

    /// Nothing was spent yet. At least so many buckets are kept of either kind.
    pub(super) fn new(strangers: usize, devices: usize) -> Self {
        Self {
            strangers: Buckets::new(strangers),
            devices: Buckets::new(devices),
        }
    }

    /// Takes one try from all that it is counted against, or from none.
    ///
    /// What is left, or how long to wait, is told of the one that binds most. A try that is
    /// turned away costs nothing: who keeps trying gets as many through as who waits.
    pub fn spend(
        &mut self,
        attempt: &Attempt,
        budget: Budget,
        now: Timestamp,
    ) -> Result<Left, Spent> {
        let now = now.as_millis().saturating_mul(1000);
        match self.take(&attempt.counted, budget, now) {
            Err(_) if !attempt.otherwise.is_empty() => self.take(&attempt.otherwise, budget, now),
            taken => taken,
        }
    }

    fn take(
        &mut self,
        counted: &[(Against, Name)],
        budget: Budget,
        now: u64,
    ) -> Result<Left, Spent> {
        let refusals = counted.iter().filter_map(|(against, name)| {
            let budget = budget.times(against.times());
            let wait = budget
                .take(self.table(*against).whole_at(*name), now)
                .err()?;
            Some(Spent {
                against: *against,
                budget,
                wait,
            })
        });
        if let Some(spent) = refusals.max_by_key(|spent| spent.wait) {
            return Err(spent);
        }
        let mut tightest: Option<Left> = None;
        for (against, name) in counted {
            let budget = budget.times(against.times());
            let table = self.table_mut(*against);
            // Looked up again: the one before may have taken the place that was looked at.
            let whole_at = budget.charge(table.whole_at(*name), now);
            table.set(*name, whole_at);
            let left = Left {
                against: *against,
                budget,
                left: budget.left(whole_at, now),
                whole_in: Duration::from_micros(whole_at.saturating_sub(now)),
            };
            if tightest.is_none_or(|other| left.left < other.left) {
                tightest = Some(left);
            }
        }
        Ok(tightest.expect("a try is counted against something"))
    }

    const fn table(&self, against: Against) -> &Buckets {
        match against {
            Against::DeviceAndNetwork | Against::Devices => &self.devices,
            Against::SubjectAndNetwork | Against::Network | Against::Subject => &self.strangers,
        }
    }

    const fn table_mut(&mut self, against: Against) -> &mut Buckets {
        match against {
            Against::DeviceAndNetwork | Against::Devices => &mut self.devices,
            Against::SubjectAndNetwork | Against::Network | Against::Subject => &mut self.strangers,
        }
    }
}
