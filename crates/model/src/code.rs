//! The code: the same operations, decided by the domain and committed as a store commits.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use innkeeper_domain::admission::{Admission, Newborn, Refusal, SignIn, admit};
use innkeeper_domain::amendment::{SubjectPatch, amend};
use innkeeper_domain::change::{Change, Keep};
use innkeeper_domain::check::{Check, Shown, check};
use innkeeper_domain::device::{DeviceSerial, DeviceToken};
use innkeeper_domain::name::{SubjectId, TenantId};
use innkeeper_domain::policy::{Overflow, Policy, SessionLimit, Terms};
use innkeeper_domain::revocation::{self, Revocation};
use innkeeper_domain::roster::{Floor, Generation, Roster, StoreGeneration};
use innkeeper_domain::rotation::{Occasion, Rotation, Successor, rotate};
use innkeeper_domain::session::{
    AssuranceLevel, AuthenticationEvent, EndReason, Initiator, Origin, Sealed, SessionClass,
    SessionId, Timestamp,
};
use innkeeper_domain::token::{RosterTag, SessionToken, TokenSecret};
use innkeeper_store::{Commit, Ground};

use crate::spec::{ABSOLUTE, Answer, IDLE, Number, Spec, Token};

/// How long a tick is: two of them are the longest that a rotated token is good.
const TICK: Duration = Duration::from_secs(150);

fn at(tick: u64) -> Timestamp {
    let millis = u64::try_from(TICK.as_millis()).expect("it is short");
    Timestamp::from_millis((1 + tick) * millis)
}

fn tag() -> RosterTag {
    RosterTag::from_bytes([7; 16])
}

fn id(number: Number) -> SessionId {
    SessionId::from_entropy(tag(), [number; 12])
}

fn token(number: Number, token: Token) -> SessionToken {
    let first = TokenSecret::from_entropy([number; 48]);
    let secret = match token {
        0 => first,
        later => first.successor([later; 32]),
    };
    SessionToken::new(tag(), secret)
}

/// An operation, as a caller asks for it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Ask {
    /// A session, on evidence of this generation.
    SignIn(Number, u64),
    /// The end of one session.
    Revoke(Number),
    /// The end of all.
    RevokeAll,
    /// The end of all, and no more.
    Disable,
    /// Sign-ins again.
    Enable,
    /// Another limit.
    Limit(usize),
    /// The token after this one of a session, which is to have that number.
    Rotate(Number, Token, Token),
}

/// What was decided, and waits to be committed.
#[derive(Clone, Debug)]
pub struct Decided {
    /// When.
    pub at: u64,
    commit: Arc<Commit>,
}

/// What a decision came to.
#[derive(Clone, Debug)]
pub enum Decision {
    /// Commit this.
    Commit(Decided),
    /// Nothing changes; to a sign-in, this is the answer.
    Nothing(Option<Answer>),
}

/// A roster in a store, under a policy.
#[derive(Clone, Debug)]
pub struct Code {
    roster: Arc<Roster>,
    policy: Arc<Policy>,
}

impl Code {
    /// An absent roster.
    #[must_use]
    pub fn new(limit: usize, evicts: bool) -> Self {
        let absent = Roster::absent(
            tag(),
            TenantId::default(),
            SubjectId::parse("guest").expect("it is a name"),
            Floor::FIRST,
            StoreGeneration::default(),
        );
        let policy = Policy {
            terms: Terms {
                max_sessions: seats(limit),
                at_limit: if evicts {
                    Overflow::EvictOldest
                } else {
                    Overflow::Refuse
                },
                idle: TICK * u32::try_from(IDLE).expect("it is small"),
                absolute: TICK * u32::try_from(ABSOLUTE).expect("it is small"),
                ..Terms::default()
            },
            ..Policy::default()
        };
        Self {
            roster: Arc::new(absent),
            policy: Arc::new(policy),
        }
    }

    /// The generation that a look shows.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.roster.generation.0
    }

    /// Reads, and decides.
    #[must_use]
    pub fn decide(&self, ask: Ask, now: u64) -> Decision {
        let (roster, moment) = (&*self.roster, at(now));
        let (reason, by) = (EndReason::RevokedByUser, Initiator::User);
        let changes = match ask {
            Ask::SignIn(number, evidence) => {
                match admit(
                    roster,
                    &sign_in(evidence),
                    newborn(number),
                    &self.policy,
                    moment,
                ) {
                    Admission::Admit(admitted) => admitted.changes,
                    Admission::Refuse(refusal) => return Decision::Nothing(Some(answer(&refusal))),
                }
            }
            Ask::Revoke(number) => {
                match revocation::revoke(roster, id(number), reason, by, moment) {
                    Revocation::End(changes) => changes,
                    Revocation::AlreadyEnded | Revocation::Absent => {
                        return Decision::Nothing(None);
                    }
                }
            }
            Ask::RevokeAll => revocation::revoke_all(roster, Keep::None, reason, by, moment),
            Ask::Disable => {
                revocation::disable(roster, Initiator::Admin, moment).unwrap_or_default()
            }
            Ask::Enable => revocation::enable(roster, moment).unwrap_or_default(),
            Ask::Limit(limit) => {
                let patch = SubjectPatch {
                    own_limit: Some(Some(seats(limit))),
                    ..SubjectPatch::default()
                };
                amend(roster, &patch, &self.policy, moment).unwrap_or_default()
            }
            Ask::Rotate(number, old, next) => {
                let successor = Successor {
                    digest: token(number, next).secret().digest(),
                    sealed: Sealed([next].into()),
                };
                let (old, why) = (token(number, old), Occasion::Renewal);
                match rotate(
                    roster,
                    &old,
                    Shown::Nothing,
                    successor,
                    why,
                    &self.policy,
                    moment,
                ) {
                    Rotation::Rotate { changes, .. } => changes,
                    Rotation::Repeat { .. }
                    | Rotation::DeviceMismatch { .. }
                    | Rotation::Refuse => {
                        return Decision::Nothing(None);
                    }
                }
            }
        };
        if changes.is_empty() {
            return Decision::Nothing(None);
        }
        let stands_until = roster.changes_stand_until(&changes, moment);
        let commit = Commit::new(roster, changes, moment, stands_until, [0; 16]);
        Decision::Commit(Decided {
            at: now,
            commit: Arc::new(commit),
        })
    }

    /// The token that a repeated rotation is answered with.
    #[must_use]
    pub fn repeats(&self, number: Number, old: Token, now: u64) -> Option<Token> {
        let successor = Successor {
            digest: token(number, Token::MAX).secret().digest(),
            sealed: Sealed(Box::default()),
        };
        let old = token(number, old);
        match rotate(
            &self.roster,
            &old,
            Shown::Nothing,
            successor,
            Occasion::Renewal,
            &self.policy,
            at(now),
        ) {
            Rotation::Repeat { sealed, .. } => sealed.0.first().copied(),
            Rotation::Rotate { .. } | Rotation::DeviceMismatch { .. } | Rotation::Refuse => None,
        }
    }

    /// Commits what was decided, unless the roster or the clock has moved on.
    #[must_use]
    pub fn commit(&self, decided: &Decided, now: u64) -> Option<Self> {
        let ground = Ground {
            floor: Floor::FIRST,
            ..Ground::default()
        };
        let commit = &decided.commit;
        let hash = || commit.entry.hash();
        let roster = commit.carry_out(Some(&self.roster), ground, at(now), hash)?;
        Some(Self {
            roster: Arc::new(roster),
            policy: Arc::clone(&self.policy),
        })
    }

    /// Records that a session was heard from, if it is live.
    #[must_use]
    pub fn touch(&self, number: Number, now: u64) -> Self {
        let mut roster = (*self.roster).clone();
        for session in &mut roster.sessions {
            // Its own copy: this roster is one of many that share their sessions.
            *session = Arc::new((**session).clone());
        }
        let live = roster
            .find(id(number))
            .filter(|s| roster.is_live(s, at(now)));
        if let Some(session) = live {
            session.last_seen.advance(at(now));
        }
        Self {
            roster: Arc::new(roster),
            policy: Arc::clone(&self.policy),
        }
    }

    /// Who is live, of the sign-ins below `count`.
    #[must_use]
    pub fn live(&self, count: Number, now: u64) -> Vec<Number> {
        let live: Vec<_> = self.roster.live(at(now)).map(|s| s.id).collect();
        (0..count).filter(|n| live.contains(&id(*n))).collect()
    }

    /// Whether a token is good.
    #[must_use]
    pub fn is_valid(&self, number: Number, tok: Token, now: u64) -> bool {
        let presented = token(number, tok);
        matches!(check(&self.roster, &presented, at(now)), Check::Valid(_))
    }

    /// Whether it agrees with the specification on everything but sessions.
    #[must_use]
    pub fn agrees(&self, spec: &Spec) -> bool {
        let own = self.roster.own_limit.map(SessionLimit::get);
        let limit = own.unwrap_or(self.policy.terms.max_sessions.get());
        self.roster.generation == Generation(spec.generation)
            && self.roster.disabled == spec.disabled
            && limit == spec.limit
    }
}

/// Whatever moves what is decided next. The chain of the journal does not: it only tells one
/// history from another.
impl Hash for Code {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let r = &self.roster;
        (r.version.0, r.generation.0, r.disabled, r.births).hash(hasher);
        (r.time_high.as_millis(), r.own_limit.map(SessionLimit::get)).hash(hasher);
        for session in &r.sessions {
            (session.id.to_string(), session.birth, session.generation.0).hash(hasher);
            (session.last_seen.get().as_millis(), session.token).hash(hasher);
            session.absolute_deadline.as_millis().hash(hasher);
            if let Some(previous) = &session.previous {
                (previous.digest, previous.accepted_until.get().as_millis()).hash(hasher);
            }
        }
        for ended in &r.ended {
            ended.session.id.to_string().hash(hasher);
        }
    }
}

impl Hash for Decided {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        (
            self.at,
            self.commit.version.0,
            self.commit.stands_until.as_millis(),
        )
            .hash(hasher);
        for change in &self.commit.changes {
            if let Change::End { id, .. } = change {
                id.to_string().hash(hasher);
            }
        }
        self.commit.changes.len().hash(hasher);
    }
}

fn seats(limit: usize) -> SessionLimit {
    let limit = u64::try_from(limit).expect("it is small");
    SessionLimit::new(limit).expect("it is at least 1")
}

fn newborn(number: Number) -> Newborn {
    Newborn {
        id: id(number),
        token: token(number, 0).secret().digest(),
        family: token(number, 0).secret().family(),
        device: DeviceSerial([number; 12]),
        device_token: DeviceToken::from_entropy(tag(), [number; 32]).digest(),
    }
}

fn answer(refusal: &Refusal) -> Answer {
    match refusal {
        Refusal::Disabled => Answer::Disabled,
        Refusal::StaleGeneration => Answer::Stale,
        _ => Answer::Full,
    }
}

fn sign_in(evidence: u64) -> SignIn {
    SignIn {
        client: None,
        class: SessionClass::Interactive,
        actor: None,
        remember: false,
        authentication: AuthenticationEvent {
            at: Timestamp::ZERO,
            methods: Box::default(),
            assurance: AssuranceLevel::default(),
        },
        evidence: Some(Generation(evidence)),
        groups: None,
        contact: None,
        replaces: None,
        origin: Origin::default(),
        device: None,
        device_class: None,
        attributes: None,
        federation: None,
        end: Box::default(),
    }
}
