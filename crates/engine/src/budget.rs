//! Sign-in budgets: asked before any password is looked at, and counted by this process alone.
//!
//! Nothing of them is stored or journaled: a restart begins with whole budgets, and each of
//! several nodes has its own.

use std::net::IpAddr;
use std::time::Duration;

use innkeeper_domain::budget::{Attempt, Budgets, Left, Network, Spent};
use innkeeper_domain::device::{DeviceClass, DeviceDigest};
use innkeeper_domain::name::{ClientId, TenantId};
use innkeeper_domain::policy::{Facts, Policy};
use innkeeper_domain::roster::Roster;
use innkeeper_domain::session::{SessionClass, Timestamp};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::Authority;

/// How often at most the log tells of sign-ins that were turned away, at each place.
const TOLD_EVERY: Duration = Duration::from_mins(1);

/// Where somebody tries to sign in. Each place counts for itself, and takes its own tickets only.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Place {
    /// On our own pages, by `sign_ins`.
    Hosted,
    /// Through an application, by `api_sign_ins`.
    Api,
}

impl Place {
    /// Every one.
    pub(crate) const ALL: [Self; 2] = [Self::Hosted, Self::Api];

    /// Its word, for logs and metrics.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Hosted => "hosted",
            Self::Api => "api",
        }
    }
}

/// A try to sign in, as far as it is known before any proof.
#[derive(Clone, Copy, Debug)]
pub struct Try<'a> {
    /// In which tenant.
    pub tenant: &'a TenantId,
    /// Whom they say they are, in a canonical form; the same for who exists and who does not.
    pub who: &'a str,
    /// From which address, if that is known.
    pub ip: Option<IpAddr>,
    /// The device that they show.
    pub device: Option<DeviceDigest>,
    /// For which application.
    pub client: Option<&'a ClientId>,
    /// For a session of which class.
    pub class: SessionClass,
    /// Whether to be remembered.
    pub remember: bool,
}

/// What was spent at each place.
#[derive(Debug, Default)]
pub(crate) struct Tills {
    hosted: Mutex<Till>,
    api: Mutex<Till>,
}

#[derive(Debug, Default)]
struct Till {
    budgets: Budgets,
    tell_again_at: Timestamp,
    untold: u64,
}

impl Authority {
    /// Takes one try from the budgets that it is counted against, or says how long to wait.
    ///
    /// `roster` is that of whom they say they are, with the store's time; where there is no such
    /// subject, any empty one. `None` where the policy sets no budget for this place.
    pub fn spend(
        &self,
        place: Place,
        tried: &Try<'_>,
        roster: &Roster,
        now: Timestamp,
    ) -> Result<Option<Left>, Spent> {
        self.spend_under(&self.policy(), place, tried, roster, now)
    }

    pub(crate) fn spend_under(
        &self,
        policy: &Policy,
        place: Place,
        tried: &Try<'_>,
        roster: &Roster,
        now: Timestamp,
    ) -> Result<Option<Left>, Spent> {
        // No rule sets a budget by group, and the kind of device is what they say of themselves.
        let terms = policy.terms(&Facts {
            groups: &[],
            client: tried.client,
            class: tried.class,
            remember: tried.remember,
            device_class: DeviceClass::Other,
        });
        let (till, budget) = match place {
            Place::Hosted => (&self.tills.hosted, Some(terms.sign_ins)),
            Place::Api => (&self.tills.api, terms.api_sign_ins),
        };
        let Some(budget) = budget else {
            return Ok(None);
        };
        let network = tried.ip.map(Network::of);
        let known = tried.device.and_then(|device| roster.recognise(device));
        let attempt = Attempt::of_stranger(&self.tag_key, tried.tenant, tried.who, network);
        let attempt = match known {
            Some(device) => attempt.on_known_device(&self.tag_key, device.id),
            None => attempt,
        };
        let mut till = till.lock();
        let spent = match till.budgets.spend(&attempt, budget, now) {
            Ok(left) => return Ok(Some(left)),
            Err(spent) => spent,
        };
        self.metrics.over_budget(place, spent.against);
        till.tell(place, &spent, network, now);
        Err(spent)
    }
}

impl Till {
    /// One line a minute: a flood must not fill the log. Whom they tried is not in it.
    fn tell(&mut self, place: Place, spent: &Spent, network: Option<Network>, now: Timestamp) {
        self.untold += 1;
        if now < self.tell_again_at {
            return;
        }
        tracing::warn!(
            place = place.word(),
            budget = spent.against.word(),
            address = network.map(tracing::field::display),
            turned_away = self.untold,
            "sign-ins are turned away: their budget is spent"
        );
        self.tell_again_at = now.plus(TOLD_EVERY);
        self.untold = 0;
    }
}
