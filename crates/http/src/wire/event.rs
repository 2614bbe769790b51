//! Events of the journal as JSON shows them.

use innkeeper_api as api;
use innkeeper_domain::session::SessionId;
use innkeeper_engine::events::Event;
use innkeeper_store::journal::SessionEvent;

use super::{class, device_class, end_reason, ended_by, timestamp};

/// An event, as everybody outside is told of it.
#[must_use]
pub fn event(event: &Event) -> api::Event {
    let mut told = api::Event {
        id: event.id().to_string(),
        seq: event.seq().0,
        at: timestamp(event.at()),
        kind: kind(event.what()).to_owned(),
        tenant: event.tenant().to_string(),
        subject: event.subject().map(ToString::to_string),
        session: session(event.what()).map(|id| id.to_string()),
        reason: None,
        ended_by: None,
        details: api::EventDetails::default(),
    };
    let details = &mut told.details;
    match event.what() {
        SessionEvent::Opened {
            class: of,
            client,
            assurance,
            fenced,
            device,
            ..
        } => {
            details.client = client.as_ref().map(ToString::to_string);
            details.class = Some(class(*of));
            details.assurance = Some(assurance.get()).filter(|a| *a > 0);
            details.ip = event.origin().and_then(|o| o.ip);
            details.fenced = Some(*fenced);
            details.device = device.map(|d| d.to_string());
        }
        SessionEvent::Reauthenticated { assurance, .. } => {
            details.assurance = Some(assurance.get()).filter(|a| *a > 0);
        }
        SessionEvent::Ended { ending, .. } => {
            told.reason = Some(end_reason(ending.reason));
            told.ended_by = Some(ended_by(ending.initiator));
        }
        SessionEvent::GenerationRaised { to } => details.generation = Some(to.0),
        SessionEvent::PolicyObeyed { policy } => details.policy = Some(policy.0),
        SessionEvent::DeviceNew { device, class } => {
            details.device = Some(device.to_string());
            details.device_class = Some(device_class(*class));
        }
        SessionEvent::DeviceTrusted { device, .. }
        | SessionEvent::DeviceDistrusted { device }
        | SessionEvent::DeviceRenamed { device }
        | SessionEvent::DeviceRemoved { device } => details.device = Some(device.to_string()),
        SessionEvent::Mismatched { .. }
        | SessionEvent::Rotated { .. }
        | SessionEvent::Shortened { .. }
        | SessionEvent::Disabled
        | SessionEvent::Enabled
        | SessionEvent::GroupsChanged
        | SessionEvent::LimitChanged
        | SessionEvent::ContactChanged
        | SessionEvent::Erased => {}
    }
    told
}

macro_rules! kinds {
    ($($variant:ident => $name:literal,)+) => {
        /// Every type of event that is told; more may come.
        pub const EVENT_TYPES: &[&str] = &[$($name),+];

        const fn kind(what: &SessionEvent) -> &'static str {
            match what {
                $(SessionEvent::$variant { .. } => $name,)+
            }
        }
    };
}

kinds! {
    Opened => "session.opened",
    Rotated => "session.rotated",
    Reauthenticated => "session.reauthenticated",
    Ended => "session.ended",
    Shortened => "session.shortened",
    GenerationRaised => "subject.generation_raised",
    Disabled => "subject.disabled",
    Enabled => "subject.enabled",
    GroupsChanged => "subject.groups_changed",
    LimitChanged => "subject.limits_changed",
    ContactChanged => "subject.contact_changed",
    Erased => "subject.erased",
    PolicyObeyed => "policy.obeyed",
    DeviceNew => "device.new",
    DeviceTrusted => "device.trusted",
    DeviceDistrusted => "device.distrusted",
    DeviceRenamed => "device.renamed",
    DeviceRemoved => "device.removed",
    Mismatched => "risk.device_mismatch",
}

const fn session(what: &SessionEvent) -> Option<SessionId> {
    match what {
        SessionEvent::Opened { session, .. }
        | SessionEvent::Rotated { session }
        | SessionEvent::Reauthenticated { session, .. }
        | SessionEvent::Ended { session, .. }
        | SessionEvent::Shortened { session }
        | SessionEvent::Mismatched { session } => Some(*session),
        SessionEvent::GenerationRaised { .. }
        | SessionEvent::Disabled
        | SessionEvent::Enabled
        | SessionEvent::GroupsChanged
        | SessionEvent::LimitChanged
        | SessionEvent::ContactChanged
        | SessionEvent::Erased
        | SessionEvent::PolicyObeyed { .. }
        | SessionEvent::DeviceNew { .. }
        | SessionEvent::DeviceTrusted { .. }
        | SessionEvent::DeviceDistrusted { .. }
        | SessionEvent::DeviceRenamed { .. }
        | SessionEvent::DeviceRemoved { .. } => None,
    }
}
