//! Devices: trusted, renamed, ended with their sessions.

use innkeeper_domain::device::{self, DeviceId, DeviceLabel, DeviceOrder, DeviceTrust};
use innkeeper_domain::name::{SubjectId, TenantId};
use innkeeper_domain::session::Initiator;

use crate::check::Checked;
use crate::revoke::{asked_by, shield};
use crate::settle::{Case, Settled, Step};
use crate::subjects::Standing;
use crate::{Authority, EngineError};

/// Who gives an order about a device, and so whose it may be.
#[derive(Clone, Copy, Debug)]
pub enum DeviceScope<'a> {
    /// An administrator, about any of one tenant.
    Tenant(&'a TenantId),
    /// An administrator, about one of this subject.
    Subject(&'a TenantId, &'a SubjectId),
    /// A session, about one of its own subject.
    Holder(&'a Checked),
}

/// What is to become of a device.
#[derive(Clone, Debug)]
pub enum DeviceChange {
    /// The subject relies on it.
    Trust,
    /// The subject relies on it no longer.
    Distrust,
    /// It is called this.
    Rename(DeviceLabel),
    /// It is recognised no longer, and its sessions end.
    End,
}

/// The answer to an order about a device.
#[derive(Debug)]
#[must_use]
pub enum DeviceAnswer {
    /// It is so. This is the roster now.
    Done(Standing),
    /// No such device is known to this caller.
    Absent,
    /// It is protected from the session that asks, and nothing was done.
    Protected,
    /// The session that asks is live no longer, so its word counts no more, and nothing was done.
    AskerGone,
    /// Somebody else acts in the session that asks: it changes no device, and nothing was done.
    Impersonated,
}

enum Decided {
    Done,
    Absent,
    Protected,
    AskerGone,
    Impersonated,
}

impl Authority {
    /// Carries out an order about one device. When this returns, it is durable.
    pub async fn order_device(
        &self,
        scope: DeviceScope<'_>,
        id: DeviceId,
        change: &DeviceChange,
    ) -> Result<DeviceAnswer, EngineError> {
        let decide = |case: &Case<'_>| Ok(decide(case, scope, id, change));
        // As with sessions, a foreign id is looked for in the caller's own roster.
        let settled = match scope {
            DeviceScope::Tenant(tenant) => self.settle_at(id.tag(), Some(tenant), decide).await?,
            DeviceScope::Subject(tenant, subject) => {
                Some(self.settle_for(tenant, subject, &[], decide).await?)
            }
            DeviceScope::Holder(asker) => {
                let (tenant, subject) = (&asker.roster.tenant, &asker.roster.subject);
                Some(self.settle_for(tenant, subject, &[], decide).await?)
            }
        };
        Ok(settled.map_or(DeviceAnswer::Absent, answer))
    }
}

fn answer(settled: Settled<Decided>) -> DeviceAnswer {
    match settled.answer {
        Decided::Done => DeviceAnswer::Done(Standing {
            roster: settled.roster,
            now: settled.now,
        }),
        Decided::Absent => DeviceAnswer::Absent,
        Decided::Protected => DeviceAnswer::Protected,
        Decided::AskerGone => DeviceAnswer::AskerGone,
        Decided::Impersonated => DeviceAnswer::Impersonated,
    }
}

fn decide(
    case: &Case<'_>,
    scope: DeviceScope<'_>,
    id: DeviceId,
    change: &DeviceChange,
) -> Step<Decided> {
    let (roster, now) = (case.roster, case.now());
    let by = match scope {
        DeviceScope::Tenant(_) | DeviceScope::Subject(..) => Initiator::Admin,
        DeviceScope::Holder(_) => Initiator::User,
    };
    if let DeviceScope::Holder(asker) = scope {
        if !asker.stands(case) {
            return Step::Answer(Decided::AskerGone);
        }
        if asker.session.is_impersonation() {
            return Step::Answer(Decided::Impersonated);
        }
    }
    let takes_away = match change {
        DeviceChange::Distrust | DeviceChange::End => true,
        DeviceChange::Trust | DeviceChange::Rename(_) => false,
    };
    if let (DeviceScope::Holder(asker), true) = (scope, takes_away) {
        let shield = shield(case, asker);
        let is_stopped = |device| {
            shield
                .protection
                .covers_device(device, shield.evidence, now)
        };
        if roster.find_device(id).is_some_and(|d| is_stopped(d)) {
            return Step::Answer(Decided::Protected);
        }
    }
    let order = match change {
        DeviceChange::Trust => {
            let since = now.max(roster.time_high);
            device::trust(roster, id, Some(DeviceTrust { since, by }), now)
        }
        DeviceChange::Distrust => device::trust(roster, id, None, now),
        DeviceChange::Rename(label) => device::rename(roster, id, label, now),
        DeviceChange::End => device::remove(roster, id, by, now),
    };
    match order {
        DeviceOrder::Do(changes) => {
            let changes = match scope {
                DeviceScope::Holder(asker) => asked_by(changes, &asker.session),
                DeviceScope::Tenant(_) | DeviceScope::Subject(..) => changes,
            };
            Step::Commit(changes, Decided::Done)
        }
        DeviceOrder::Done => Step::Answer(Decided::Done),
        DeviceOrder::Absent => Step::Answer(Decided::Absent),
    }
}
