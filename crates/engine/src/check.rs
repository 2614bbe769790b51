//! Check: is this token good right now, and for what is asked of it?
//!
//! A yes comes from memory, in one look at one roster. Every no is decided on a proper reading,
//! so that nobody is called silent while a visit of theirs is being recorded.

use std::sync::Arc;
use std::time::Duration;

use innkeeper_domain::amendment::obey;
use innkeeper_domain::check::{
    Check, Demand, Presented, Shortfall, Shown, Valid, check, count_mismatch, find_valid,
};
use innkeeper_domain::name::TenantId;
use innkeeper_domain::policy::Policy;
use innkeeper_domain::roster::Roster;
use innkeeper_domain::rotation::{self, Occasion};
use innkeeper_domain::session::{AssuranceLevel, Ending, Session, SessionId, Timestamp};
use innkeeper_domain::token::{RosterTag, SessionToken, TokenDigest};
use innkeeper_store::record::Packed;
use innkeeper_store::{Heard, Kept, StoreError, Touch};

use crate::metrics::Place;
use crate::rotate::{RotateAnswer, successor_of};
use crate::settle::{Case, Step};
use crate::{Authority, EngineError};

/// A token to check.
#[derive(Debug)]
pub struct CheckRequest {
    /// The token.
    pub token: SessionToken,
    /// The tenant the caller speaks for; `None` where the token alone is the claim.
    pub tenant: Option<TenantId>,
    /// What is asked of the session beyond being live.
    pub demand: Demand,
    /// Whether this is a sign of life of its holder.
    pub activity: Activity,
    /// Whether the caller can hand a new token to its holder.
    pub renewal: Renewal,
}

/// Whether a check may give the session a new token, where the policy asks for one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Renewal {
    /// If it is due: the caller passes it on.
    IfDue,
    /// Never: the caller could not pass it on, and the old one would in time be taken for a copy.
    Never,
}

/// Whether a check counts as activity of the session's holder (SP 800-63B, 5.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Activity {
    /// The holder did something: the idle timeout starts anew.
    Active,
    /// A machine asked on its own: nothing is extended.
    Passive,
}

/// The answer to a check.
#[derive(Debug)]
#[must_use]
pub enum CheckAnswer {
    /// The session is live and does what is asked.
    Valid(Passed),
    /// There is no such session any more, or there never was (`None`).
    NoSession(Option<Ending>),
    /// The session is live, but lacks something.
    Shortfall(Shortfall),
}

/// What passed a check, as little of it as that needed: of most rosters that rest, nothing but the
/// session's name. Whoever wants more [opens](Self::open) it.
#[derive(Debug)]
pub struct Passed {
    held: Held,
    tag: RosterTag,
    now: Timestamp,
    rotated: Option<Box<SessionToken>>,
    proof: TokenDigest,
}

/// The session that passed, with its roster.
#[derive(Debug)]
enum Held {
    Open(Arc<Session>, Arc<Roster>),
    /// At this place of the roster.
    Packed(usize, Packed),
}

impl Passed {
    /// The name of the session.
    #[must_use]
    pub fn id(&self) -> SessionId {
        match &self.held {
            Held::Open(session, _) => session.id,
            Held::Packed(place, packed) => packed.rows()[*place].id(self.tag),
        }
    }

    /// The session with all that is known of it.
    pub fn open(self) -> Result<Checked, EngineError> {
        let (session, roster) = match self.held {
            Held::Open(session, roster) => (session, roster),
            Held::Packed(place, packed) => {
                let corrupt = |e| StoreError::corrupt_roster(self.tag, e);
                let roster = Arc::new(packed.open().map_err(corrupt)?);
                (Arc::clone(&roster.sessions[place]), roster)
            }
        };
        Ok(Checked {
            session,
            roster,
            now: self.now,
            rotated: self.rotated.map(|token| *token),
            proof: self.proof,
        })
    }

    /// Records that the session was heard from. Says whether that was later than before.
    fn hear(&self) -> bool {
        let last_seen = match &self.held {
            Held::Open(session, _) => &session.last_seen,
            Held::Packed(place, packed) => &packed.rows()[*place].last_seen,
        };
        last_seen.advance(self.now)
    }
}

/// A session that passed a check. The caller is its subject, for this request.
///
/// Only a check makes one, so to hold one is proof.
#[derive(Debug)]
#[non_exhaustive]
pub struct Checked {
    /// The session.
    pub session: Arc<Session>,
    /// Its roster.
    pub roster: Arc<Roster>,
    /// The store's time.
    pub now: Timestamp,
    /// The next token, where the policy asks for one at this check.
    pub rotated: Option<SessionToken>,
    /// What it was proved by.
    proof: TokenDigest,
}

impl Checked {
    /// Whether what was proved still is: its session lives, and the token that it was proved by is
    /// good. An order to others counts only if it is so in the step that carries it out.
    pub(crate) fn stands(&self, case: &Case<'_>) -> bool {
        find_valid(case.roster, self.proof, case.now())
            .is_some_and(|valid| valid.session.id == self.session.id)
    }
}

/// What a quick look comes to.
enum Glance {
    /// Good: this is the answer.
    Valid(Passed),
    /// Live, but it lacks something: this is the answer.
    Shortfall(Shortfall),
    /// Anything else: look again, properly.
    LookAgain,
}

impl Authority {
    /// How old the authentication of a session may be that ends other sessions, if that of this
    /// one is older. ASVS 7.5.2 asks for one factor, so the last proof counts, however strong.
    #[must_use]
    pub fn wants_fresher(&self, checked: &Checked) -> Option<Duration> {
        let policy = self.policy.load();
        let freshness = policy
            .terms(&checked.roster.facts(&checked.session))
            .freshness;
        let proved = checked.session.proved_at(AssuranceLevel::default());
        let is_fresh = proved.is_some_and(|at| checked.now.since(at) <= freshness);
        (!is_fresh).then_some(freshness)
    }

    /// Checks a token.
    pub async fn check(&self, request: &CheckRequest) -> Result<CheckAnswer, EngineError> {
        let policy = self.policy.load();
        let mut glance = Glance::LookAgain;
        self.store.glance(request.token.tag(), &mut |kept, now| {
            glance = match kept {
                Some(kept) if self.policy.is_fresh(now) => look(kept, request, &policy, now),
                _ => Glance::LookAgain,
            };
            match (&glance, request.activity) {
                (Glance::Valid(passed), Activity::Active) if passed.hear() => Heard::Yes,
                _ => Heard::No,
            }
        });
        drop(policy);
        let (place, answer) = match glance {
            Glance::Valid(passed) => (Place::Memory, Ok(CheckAnswer::Valid(passed))),
            Glance::Shortfall(shortfall) => (Place::Memory, Ok(CheckAnswer::Shortfall(shortfall))),
            // Apart, since it is large, and few checks come here: a future is copied as it is handed
            // on, with all that it might ever hold.
            Glance::LookAgain => (Place::Store, Box::pin(self.check_in_time(request)).await),
        };
        self.metrics.checked(place, answer.as_ref());
        answer
    }

    /// Checks by what the store says, unless that took so long that it may not be so any more.
    async fn check_in_time(&self, request: &CheckRequest) -> Result<CheckAnswer, EngineError> {
        let by = self.store.answer_by();
        let answer = self.check_properly(request).await?;
        let lets_in = match &answer {
            CheckAnswer::Valid(_) | CheckAnswer::Shortfall(_) => true,
            CheckAnswer::NoSession(_) => false,
        };
        if lets_in && by.has_passed() {
            return Err(EngineError::Store(StoreError::Unavailable {
                source: "it took longer to answer than a lease lasts".into(),
            }));
        }
        Ok(answer)
    }

    async fn check_properly(&self, request: &CheckRequest) -> Result<CheckAnswer, EngineError> {
        let tag = request.token.tag();
        loop {
            let reading = self.read(tag, None).await?;
            let Some(roster) = &reading.roster else {
                return Ok(CheckAnswer::NoSession(None));
            };
            if request.tenant.as_ref().is_some_and(|t| *t != roster.tenant) {
                return Ok(CheckAnswer::NoSession(None));
            }
            let policy = self.policy_for(&reading).await?;
            if obey(roster, &policy, reading.now).is_some() {
                // Obeying is the whole of it: settle commits that before it asks us.
                let tenant = request.tenant.as_ref();
                self.settle_at(tag, tenant, |_| Ok(Step::Answer(())))
                    .await?;
                continue;
            }
            let now = reading.now;
            let valid = match check(roster, &request.token, now) {
                Check::Valid(valid) => valid,
                Check::Reused(_) => {
                    let ending = self.end_reused(&request.token).await?;
                    return Ok(CheckAnswer::NoSession(ending));
                }
                Check::Ended(ending) => return Ok(CheckAnswer::NoSession(Some(ending))),
                Check::Replaced(_) | Check::Unknown => return Ok(CheckAnswer::NoSession(None)),
            };
            match request.demand.unmet(roster, valid.session, now) {
                None => {}
                Some(shortfall) if request.demand.device == Shown::NoPlace => {
                    return Ok(CheckAnswer::Shortfall(shortfall));
                }
                Some(Shortfall::DeviceMismatch) => match self.refuse_device(request).await? {
                    Some(answer) => return Ok(answer),
                    None => continue,
                },
                Some(shortfall @ (Shortfall::WrongSubject | Shortfall::StepUp)) => {
                    return Ok(CheckAnswer::Shortfall(shortfall));
                }
            }
            let mut passed = Passed {
                held: Held::Open(Arc::clone(valid.session), Arc::clone(roster)),
                tag,
                now,
                rotated: None,
                proof: request.token.secret().digest(),
            };
            if request.activity == Activity::Passive {
                return Ok(CheckAnswer::Valid(passed));
            }

            let terms = policy.terms(&roster.facts(valid.session));
            if terms.rotate_every.is_some() && request.renewal == Renewal::IfDue {
                match valid.presented {
                    Presented::Previous => {
                        let successor = successor_of(valid.session, &request.token);
                        passed.rotated = successor.map(Box::new);
                    }
                    Presented::Current
                        if rotation::is_due(valid.session, terms.rotate_every, now) =>
                    {
                        return self.check_and_rotate(request).await;
                    }
                    Presented::Current => {}
                }
            }
            let grace_ends_at = match valid.presented {
                Presented::Current => rotation::grace_end(valid.session, terms.rotation_grace, now),
                Presented::Previous => None,
            };
            let session = valid.session.id;
            let touch = Touch {
                session,
                grace_ends_at,
            };
            if let Some(session) = self.touch(touch).await? {
                passed.held = Held::Open(session, Arc::clone(roster));
                return Ok(CheckAnswer::Valid(passed));
            }
            // It ended between the reading and the touch: the next reading says how.
        }
    }

    /// Refuses a token that came without the device it is bound to, and counts that.
    ///
    /// Decided again on the roster as it then is: of several such requests at once each is counted
    /// once, and those after the last that counts find the session ended. `None` if the token
    /// means something else by then.
    async fn refuse_device(
        &self,
        request: &CheckRequest,
    ) -> Result<Option<CheckAnswer>, EngineError> {
        let tag = request.token.tag();
        let settled = self
            .settle_at(tag, request.tenant.as_ref(), |case| {
                let (roster, now) = (case.roster, case.now());
                let Check::Valid(valid) = check(roster, &request.token, now) else {
                    return Ok(Step::Answer(None));
                };
                let mismatch = Shortfall::DeviceMismatch;
                if request.demand.unmet(roster, valid.session, now) != Some(mismatch) {
                    return Ok(Step::Answer(None));
                }
                tracing::warn!(session = %valid.session.id, "a token without its device");
                let changes = count_mismatch(roster, valid.session, now);
                Ok(Step::Commit(changes, Some(mismatch)))
            })
            .await?;
        Ok(settled.and_then(|s| s.answer).map(CheckAnswer::Shortfall))
    }

    async fn check_and_rotate(&self, request: &CheckRequest) -> Result<CheckAnswer, EngineError> {
        let (tenant, device) = (request.tenant.as_ref(), request.demand.device);
        let rotated = self.rotate(tenant, &request.token, device, Occasion::Renewal);
        Ok(match rotated.await? {
            RotateAnswer::Rotated(rotated) => CheckAnswer::Valid(Passed {
                held: Held::Open(rotated.session, rotated.roster),
                tag: request.token.tag(),
                now: rotated.now,
                proof: rotated.token.secret().digest(),
                rotated: Some(Box::new(rotated.token)),
            }),
            RotateAnswer::NoSession(ending) => CheckAnswer::NoSession(ending),
            RotateAnswer::DeviceMismatch => CheckAnswer::Shortfall(Shortfall::DeviceMismatch),
        })
    }
}

fn look(kept: &Kept, request: &CheckRequest, policy: &Policy, now: Timestamp) -> Glance {
    if kept.policy() != policy.version
        || request.tenant.as_ref().is_some_and(|t| t != kept.tenant())
    {
        return Glance::LookAgain;
    }
    // Made here and not before: the roster comes from memory in the meantime.
    let proof = request.token.secret().digest();
    let renewing = request.renewal == Renewal::IfDue && policy.may_rotate();
    let held = match kept {
        Kept::Open(roster) => match look_at_open(roster, proof, request, policy, now) {
            Ok(held) => held,
            Err(glance) => return glance,
        },
        // What is asked beyond its life and its token, it can answer only once it is open.
        Kept::Packed(_) if renewing || !request.demand.asks_nothing() => return Glance::LookAgain,
        Kept::Packed(packed) => match packed.find_plain(proof, now) {
            Some(place) => Held::Packed(place, packed.clone()),
            None => return Glance::LookAgain,
        },
    };
    Glance::Valid(Passed {
        held,
        tag: request.token.tag(),
        now,
        rotated: None,
        proof,
    })
}

fn look_at_open(
    roster: &Arc<Roster>,
    proof: TokenDigest,
    request: &CheckRequest,
    policy: &Policy,
    now: Timestamp,
) -> Result<Held, Glance> {
    let Some(valid) = find_valid(roster, proof, now) else {
        return Err(Glance::LookAgain);
    };
    match request.demand.unmet(roster, valid.session, now) {
        None => {}
        // It is counted, and that takes more than a look.
        Some(Shortfall::DeviceMismatch) => return Err(Glance::LookAgain),
        Some(shortfall @ (Shortfall::WrongSubject | Shortfall::StepUp)) => {
            return Err(Glance::Shortfall(shortfall));
        }
    }
    // A token with a past, or one that may be due, needs more than a look.
    let renewing = request.renewal == Renewal::IfDue && policy.may_rotate();
    let plain = valid.presented == Presented::Current && valid.session.previous.is_none();
    if request.activity == Activity::Active
        && (renewing || !plain)
        && needs_more(roster, &valid, renewing, policy, now)
    {
        return Err(Glance::LookAgain);
    }
    Ok(Held::Open(Arc::clone(valid.session), Arc::clone(roster)))
}

fn needs_more(
    roster: &Roster,
    valid: &Valid<'_>,
    renewing: bool,
    policy: &Policy,
    now: Timestamp,
) -> bool {
    let session = valid.session;
    let terms = policy.terms(&roster.facts(session));
    match valid.presented {
        Presented::Previous => renewing && terms.rotate_every.is_some(),
        Presented::Current => {
            rotation::grace_end(session, terms.rotation_grace, now).is_some()
                || (renewing && rotation::is_due(session, terms.rotate_every, now))
        }
    }
}
