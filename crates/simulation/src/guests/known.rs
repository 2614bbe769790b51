//! What is known about a subject outside the store.

use std::collections::{BTreeMap, HashMap};

use innkeeper_domain::check::Shown;
use innkeeper_domain::device::DeviceId;
use innkeeper_domain::roster::Generation;
use innkeeper_domain::session::SessionId;
use innkeeper_domain::token::SessionToken;
use innkeeper_engine::subjects::Standing;

use super::choices::{Ticket, read_device};
use super::read;
use super::sign_ins::Attempt;
use crate::history::{Answer, Call, Dev, Operation, Sid, Tok};
use crate::scribe::Scribe;

/// What is known about one subject outside the store.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Tokens that were given out, the latest last.
    pub(crate) tokens: Vec<Held>,
    pub(crate) sessions: Vec<(Sid, SessionId)>,
    /// Generations that were read, each with the look it was read at.
    pub(crate) looks: Vec<(usize, Generation)>,
    /// Sign-ins that may be repeated.
    pub(super) keys: Vec<Attempt>,
    /// Tickets that were given out, and the devices on which somebody signed in.
    pub(super) tickets: Vec<Ticket>,
    pub(super) devices: Vec<Device>,
    /// Those that were trusted, on whoever's word.
    pub(super) trusted: Vec<Dev>,
    /// The device on which each session was opened.
    pub(super) homes: HashMap<Sid, Home>,
    /// When each session that was there at the last look falls silent or grows too old; the
    /// store's time in milliseconds.
    pub(crate) deadlines: BTreeMap<Sid, u64>,
    /// The last session of which an end was acknowledged.
    gone: Option<Gone>,
}

/// A session of which an end was acknowledged.
#[derive(Clone, Copy, Debug)]
struct Gone {
    session: Sid,
    /// The node that acknowledged it.
    node: usize,
    /// When it did, by the steady clock in milliseconds.
    at: u64,
}

/// A device on which somebody signed in, with its token as text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Device {
    pub(super) dev: Dev,
    pub(super) id: DeviceId,
    pub(super) token: String,
}

/// Where a session was opened.
#[derive(Clone, Debug)]
pub(super) struct Home {
    pub(super) session: SessionId,
    pub(super) device: Device,
    /// Whether it is bound to it.
    pub(super) is_bound: bool,
}

/// A token in somebody's browser, as text, with that of the device that it is bound to.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) tok: Tok,
    pub(super) session: Sid,
    pub(crate) token: String,
    pub(crate) device: Option<String>,
}

impl Held {
    /// What the browser shows of its device.
    pub(crate) fn shown(&self) -> Shown {
        let device = self.device.as_ref().map(read_device);
        Shown::of(device.as_ref(), read(&self.token).tag())
    }
}

impl Known {
    /// Keeps a token that was given out with this answer.
    pub(crate) fn keep(&mut self, tok: Tok, token: &SessionToken, answer: &Answer) {
        let (Answer::Admitted { session, .. }
        | Answer::Valid { session, .. }
        | Answer::Done {
            kept: Some((session, _)),
            ..
        }) = answer
        else {
            unreachable!("a token is given out with its session");
        };
        let home = &self.homes[session];
        self.tokens.push(Held {
            tok,
            session: *session,
            token: token.reveal(),
            device: home.is_bound.then(|| home.device.token.clone()),
        });
    }

    /// Takes up what a look shows of who is there and until when.
    pub(crate) fn look_at(&mut self, number: usize, standing: &Standing, scribe: &mut Scribe) {
        self.looks.push((number, standing.roster.generation));
        self.deadlines.clear();
        for session in &standing.roster.sessions {
            let sid = scribe.session(session.id);
            if self.sessions.iter().all(|(s, _)| *s != sid) {
                self.sessions.push((sid, session.id));
            }
            let silent_at = session.last_seen.get().plus(session.idle);
            let deadline = silent_at.min(session.absolute_deadline);
            self.deadlines.insert(sid, deadline.as_millis());
        }
    }

    /// Takes up what an operation did: that a device is trusted, or a session gone.
    pub(crate) fn note(&mut self, operation: &Operation) {
        let Answer::Done { kept, .. } = &operation.answer else {
            return;
        };
        if let Call::Trust(device, _) = operation.call {
            self.trusted.push(device);
        }
        let gone = match &operation.call {
            Call::Revoke(session) | Call::RevokeBy(_, session) => Some(*session),
            Call::RevokeAll(stays) => self.last_but(*stays),
            Call::CredentialChanged(_) => self.last_but(kept.map(|(session, _)| session)),
            Call::Disable => self.last_but(None),
            _ => return,
        };
        let (node, at) = (operation.node, operation.ended.moment);
        self.gone = gone.map(|session| Gone { session, node, at });
    }

    /// The node by way of which the last session ended.
    pub(crate) fn left_by(&self) -> Option<usize> {
        self.gone.map(|gone| gone.node)
    }

    /// When that was acknowledged, by the steady clock in milliseconds.
    pub(crate) fn left_at(&self) -> Option<u64> {
        self.gone.map(|gone| gone.at)
    }

    /// The last token of the session that ended last.
    pub(super) fn last_gone(&self) -> Option<&Held> {
        let gone = self.gone?;
        self.tokens
            .iter()
            .rfind(|held| held.session == gone.session)
    }

    /// Whose token was given out last, but for one that stays.
    fn last_but(&self, stays: Option<Sid>) -> Option<Sid> {
        let gone = self.tokens.iter().rfind(|held| Some(held.session) != stays);
        gone.map(|held| held.session)
    }
}
