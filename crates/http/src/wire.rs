//! Between the domain and the wire: what one calls a session the other shows as JSON.

mod event;
mod filter;

use innkeeper_api as api;
use innkeeper_api::{Problem, ProblemCode};
use innkeeper_domain::admission::Refusal;
use innkeeper_domain::check::Shown;
use innkeeper_domain::device::{Device, DeviceClass, DeviceId, DeviceLabel, DeviceToken};
use innkeeper_domain::name::NameError;
use innkeeper_domain::notice::Notice;
use innkeeper_domain::roster::{LastSignIn, Roster};
use innkeeper_domain::seats::{Scope, WayOut};
use innkeeper_domain::session::{
    AssuranceLevel, Binding, EndReason, EndedSession, Ending, Initiator, Session, SessionClass,
    Timestamp,
};
use innkeeper_domain::token::SessionToken;
use innkeeper_engine::EngineError;
use innkeeper_engine::sign_in::TurnedAway;

pub use self::event::{EVENT_TYPES, event};
pub use self::filter::{filter, read_filter};
use crate::problem::{ProblemAnswer, invalid};

/// Which session of an answer is the one whose token made the call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Current {
    /// This one.
    Yes,
    /// Another, or none.
    No,
}

/// A moment as JSON shows it. Moments beyond what RFC 3339 can write are its last one.
#[must_use]
pub fn timestamp(at: Timestamp) -> api::Timestamp {
    /// 9999-12-31T23:59:59.999Z, less the offset that some readers add.
    const LAST: i64 = 253_402_207_200_000 - 1;
    let millis = i64::try_from(at.as_millis()).unwrap_or(LAST).min(LAST);
    api::Timestamp::from_millis(millis).expect("the moment lies between 1970 and 9999")
}

/// A moment as JSON gave it. Moments before 1970 are its first.
#[must_use]
pub fn moment(at: api::Timestamp) -> Timestamp {
    Timestamp::from_millis(u64::try_from(at.as_millis()).unwrap_or(0))
}

/// A session that is recorded as live. One whose time is up by `now` is shown as ended.
#[must_use]
pub fn session(
    roster: &Roster,
    session: &Session,
    current: Current,
    now: Timestamp,
) -> api::Session {
    show(
        roster,
        session,
        roster.unrecorded_end(session, now),
        current,
    )
}

/// A session that has ended.
#[must_use]
pub fn ended(roster: &Roster, ended: &EndedSession) -> api::Session {
    show(roster, &ended.session, Some(ended.ending), Current::No)
}

fn show(
    roster: &Roster,
    session: &Session,
    ending: Option<Ending>,
    current: Current,
) -> api::Session {
    let attributes = session
        .attributes
        .as_deref()
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    api::Session {
        id: session.id.to_string(),
        tenant: roster.tenant.as_str().to_owned(),
        subject: roster.subject.as_str().to_owned(),
        client: session.client.as_ref().map(|c| c.as_str().to_owned()),
        class: class(session.class),
        actor: session.actor.as_ref().map(|a| a.as_str().to_owned()),
        state: match ending {
            None => api::SessionState::Open,
            Some(_) => api::SessionState::Ended,
        },
        created_at: timestamp(session.created_at),
        last_seen_at: timestamp(session.last_seen.get()),
        idle_expires_at: timestamp(session.idle_deadline().min(session.absolute_deadline)),
        expires_at: timestamp(session.absolute_deadline),
        authenticated_at: timestamp(session.authentication.at),
        methods: session
            .authentication
            .methods
            .iter()
            .map(|method| method.as_str().to_owned())
            .collect(),
        assurance: Some(session.authentication.assurance.get()).filter(|a| *a > 0),
        device: device_of(roster, session),
        ip: session.origin.ip,
        place: None,
        binding: match session.binding {
            Binding::None => api::Binding::None,
            Binding::DeviceCookie(_) => api::Binding::DeviceCookie,
        },
        current: current == Current::Yes && ending.is_none(),
        attributes,
        ended_at: ending.map(|e| timestamp(e.at)),
        end_reason: ending.map(|e| end_reason(e.reason)),
        ended_by: ending.map(|e| ended_by(e.initiator)),
    }
}

/// What a device without a name is called.
pub const UNNAMED: &str = "Unknown device";

fn device_of(roster: &Roster, session: &Session) -> Option<api::Device> {
    let id = session.device_id()?;
    let known = roster.find_device(id);
    Some(api::Device {
        id: id.to_string(),
        name: device_name(roster, session),
        trusted: known.is_some_and(|d| d.is_trusted()),
    })
}

/// A device, in the list of its subject.
#[must_use]
pub fn device(
    roster: &Roster,
    device: &Device,
    current: Option<DeviceId>,
    now: Timestamp,
) -> api::DeviceView {
    let label = device.label.as_ref();
    let on_it = roster
        .live(now)
        .filter(|s| s.device_id() == Some(device.id));
    api::DeviceView {
        id: device.id.to_string(),
        name: label.map_or_else(|| UNNAMED.to_owned(), ToString::to_string),
        class: device_class(device.class),
        trusted: device.is_trusted(),
        trusted_at: device.trust.map(|trust| timestamp(trust.since)),
        first_seen_at: timestamp(device.first_seen),
        last_seen_at: timestamp(roster.device_seen(device)),
        sessions: on_it.count(),
        current: current == Some(device.id),
    }
}

/// What the device of a session is called: by its owner, else by what its browser said.
/// Hostile text: escape it.
#[must_use]
pub fn device_name(roster: &Roster, session: &Session) -> String {
    let known = roster.device_of(session).and_then(|d| d.label.as_ref());
    let label = known.or(session.origin.label.as_ref());
    label.map_or(UNNAMED, DeviceLabel::as_str).to_owned()
}

/// What a person should know.
#[must_use]
pub const fn notice(notice: Notice) -> api::Notice {
    match notice {
        Notice::Concurrent => api::Notice::Concurrent,
        Notice::DeviceMismatch => api::Notice::DeviceMismatch,
        Notice::FailedSignIns => api::Notice::FailedSignIns,
        Notice::OverLimit => api::Notice::OverLimit,
        Notice::SessionEnded => api::Notice::SessionEnded,
        Notice::UnseenDevice => api::Notice::UnseenDevice,
    }
}

/// The sign-in before that of a session, as its subject is told of it (AC-9).
#[must_use]
pub fn previous_sign_in(session: &Session) -> Option<api::SignInSummary> {
    let last = session.previous_sign_in.as_deref()?;
    Some(past_sign_in(last, session.failures_since))
}

/// A sign-in of the past, and how many failed since.
#[must_use]
pub fn past_sign_in(last: &LastSignIn, failures_since: u32) -> api::SignInSummary {
    api::SignInSummary {
        at: timestamp(last.at),
        ip: last.origin.ip,
        place: None,
        device: last.origin.label.as_ref().map(ToString::to_string),
        failures_since: failures_since.into(),
    }
}

/// The word of the API for what kind of thing a device is.
#[must_use]
pub const fn device_class(class: DeviceClass) -> api::DeviceClass {
    match class {
        DeviceClass::Desktop => api::DeviceClass::Desktop,
        DeviceClass::Mobile => api::DeviceClass::Mobile,
        DeviceClass::Tablet => api::DeviceClass::Tablet,
        DeviceClass::Tv => api::DeviceClass::Tv,
        DeviceClass::Cli => api::DeviceClass::Cli,
        DeviceClass::Other => api::DeviceClass::Other,
    }
}

const fn class(class: SessionClass) -> api::Class {
    match class {
        SessionClass::Interactive => api::Class::Interactive,
        SessionClass::Machine => api::Class::Machine,
        SessionClass::Impersonation => api::Class::Impersonation,
    }
}

/// The word of the API for why a session ended.
#[must_use]
pub const fn end_reason(reason: EndReason) -> api::EndReason {
    match reason {
        EndReason::Logout => api::EndReason::Logout,
        EndReason::Idle => api::EndReason::Idle,
        EndReason::Absolute => api::EndReason::Absolute,
        EndReason::Evicted => api::EndReason::Evicted,
        EndReason::Superseded => api::EndReason::Superseded,
        EndReason::RevokedByUser => api::EndReason::RevokedByUser,
        EndReason::RevokedByAdmin => api::EndReason::RevokedByAdmin,
        EndReason::CredentialChange => api::EndReason::CredentialChange,
        EndReason::SubjectDisabled => api::EndReason::SubjectDisabled,
        EndReason::ReuseDetected => api::EndReason::ReuseDetected,
        EndReason::DeviceMismatch => api::EndReason::DeviceMismatch,
        EndReason::Risk => api::EndReason::Risk,
        EndReason::Federation => api::EndReason::Federation,
        EndReason::PolicyChange => api::EndReason::PolicyChange,
    }
}

/// The word of the API, and of CAEP, for who ended a session.
#[must_use]
pub const fn ended_by(initiator: Initiator) -> api::EndedBy {
    match initiator {
        Initiator::Admin => api::EndedBy::Admin,
        Initiator::Policy => api::EndedBy::Policy,
        Initiator::System => api::EndedBy::System,
        Initiator::User => api::EndedBy::User,
    }
}

/// What a caller shows of the device that `token` came from. A text that is no device token shows
/// nothing, like none.
#[must_use]
pub fn shown(device: Option<&api::Secret>, token: &SessionToken) -> Shown {
    let device = device.and_then(|text| DeviceToken::parse(text.reveal()).ok());
    Shown::of(device.as_ref(), token.tag())
}

/// The refusal of a token: its holder is told how the session ended, if it was one.
#[must_use]
pub fn no_session(ending: Option<Ending>) -> ProblemAnswer {
    let told = ending.map_or(api::NoSession::UNKNOWN, |ending| api::NoSession {
        reason: api::NoSessionReason::Ended(end_reason(ending.reason)),
        ended_at: Some(timestamp(ending.at)),
        ended_by: Some(ended_by(ending.initiator)),
    });
    ProblemAnswer::from(Problem::new(ProblemCode::NoSession).with(&told))
        .bearer_error("invalid_token")
}

/// The refusal of a sign-in.
#[must_use]
pub fn refused(refusal: &Refusal, turned_away: &TurnedAway) -> ProblemAnswer {
    let TurnedAway {
        roster,
        now,
        choice,
    } = turned_away;
    match refusal {
        Refusal::Disabled => ProblemCode::SubjectDisabled.into(),
        Refusal::StaleGeneration => ProblemCode::StaleGeneration.into(),
        Refusal::DeviceNotTrusted => Problem::new(ProblemCode::DeviceNotTrusted)
            .detail("Sign-in is open only on devices that the subject has used before.")
            .into(),
        Refusal::SessionLimit(no_seat) => {
            let limit = api::LimitHit {
                scope: match no_seat.limit.scope {
                    Scope::Subject => "subject".into(),
                    Scope::Client => "client".into(),
                    Scope::DeviceClass => "device_class".into(),
                    Scope::Tenant => "tenant".into(),
                },
                max: u32::try_from(no_seat.limit.max).expect("a limit is at most 100,000,000"),
            };
            let sessions = no_seat
                .endable
                .iter()
                .filter_map(|id| roster.find(*id))
                .map(|s| session(roster, s, Current::No, *now))
                .collect();
            let told = api::SessionLimit {
                limit,
                sessions,
                choice: choice
                    .as_ref()
                    .map(|ticket| api::Ticket::new(ticket.reveal())),
                assurance: match no_seat.way_out {
                    WayOut::Choose | WayOut::Wait => None,
                    WayOut::ProveMore(least) => Some(least.get()),
                },
            };
            Problem::new(ProblemCode::SessionLimit).with(&told).into()
        }
    }
}

/// Nobody knows, or nobody can: 503, to be repeated. The cause is for the log.
#[must_use]
#[expect(
    clippy::needless_pass_by_value,
    reason = "it is what `map_err` hands over"
)]
pub fn failed(error: EngineError) -> ProblemAnswer {
    let error = &error as &dyn std::error::Error;
    tracing::error!(error, "a call could not be answered");
    ProblemAnswer::from(ProblemCode::Unavailable).retry_after(1)
}

/// Reads how much an authentication proved, or says that there is no such level.
pub fn assurance(level: u8) -> Result<AssuranceLevel, ProblemAnswer> {
    AssuranceLevel::new(level).ok_or_else(|| invalid("assurance", "expected 0 to 9"))
}

/// Reads a name from outside, or says which field is wrong and why.
pub fn name<T>(
    field: &str,
    text: &str,
    parse: impl FnOnce(&str) -> Result<T, NameError>,
) -> Result<T, ProblemAnswer> {
    parse(text).map_err(|error| invalid(field, error.to_string()))
}

/// As [`name`], where the field may be left out.
pub fn optional<T>(
    field: &str,
    text: Option<&str>,
    parse: impl FnOnce(&str) -> Result<T, NameError>,
) -> Result<Option<T>, ProblemAnswer> {
    text.map(|text| name(field, text, parse)).transpose()
}

/// As [`name`], for a list of them.
pub fn list<'t, T>(
    field: &str,
    texts: impl IntoIterator<Item = &'t str>,
    parse: impl Fn(&str) -> Result<T, NameError>,
) -> Result<Box<[T]>, ProblemAnswer> {
    texts
        .into_iter()
        .enumerate()
        .map(|(place, text)| name(&format!("{field}[{place}]"), text, &parse))
        .collect()
}
/// What a scope of the API is to the engine.
#[must_use]
pub const fn read_scope(scope: innkeeper_api::Scope) -> innkeeper_engine::keys::KeyScope {
    match scope {
        innkeeper_api::Scope::Admin => innkeeper_engine::keys::KeyScope::Admin,
        innkeeper_api::Scope::Admit => innkeeper_engine::keys::KeyScope::Admit,
        innkeeper_api::Scope::Check => innkeeper_engine::keys::KeyScope::Check,
        innkeeper_api::Scope::Events => innkeeper_engine::keys::KeyScope::Events,
        innkeeper_api::Scope::Manage => innkeeper_engine::keys::KeyScope::Manage,
    }
}
