//! The scribe: puts the engine's answers and the store's journal into the words of a history.

use std::collections::{BTreeMap, HashMap};

use innkeeper_domain::admission::Refusal as Turned;
use innkeeper_domain::check::Shortfall;
use innkeeper_domain::device::DeviceId;
use innkeeper_domain::name::{SubjectId, TenantId};
use innkeeper_domain::policy::SessionLimit;
use innkeeper_domain::roster::Roster;
use innkeeper_domain::seats::Scope;
use innkeeper_domain::session::{EndReason, SessionId, Timestamp, TokenDigest};
use innkeeper_domain::token::SessionToken;
use innkeeper_engine::EngineError;
use innkeeper_engine::check::CheckAnswer;
use innkeeper_engine::devices::DeviceAnswer;
use innkeeper_engine::revoke::{Revoked, RevokedAll};
use innkeeper_engine::rotate::{CredentialChanged, RotateAnswer, Rotated};
use innkeeper_engine::sign_in::{SignInAnswer, SignedIn};
use innkeeper_engine::subjects::Standing;
use innkeeper_engine::sweep::Swept;
use innkeeper_store::{JournalEntry, journal::SessionEvent};

use crate::history::{Answer, Basis, Dev, Label, Line, Refusal, Rest, Sid, Subject, Tok, View};

/// The reason that only strangers give.
pub(crate) const TRESPASS: EndReason = EndReason::RevokedByAdmin;

/// What an engine answered, of whatever kind.
#[derive(Debug)]
pub(crate) enum Reply {
    SignIn(SignInAnswer),
    Check(CheckAnswer),
    Rotate(RotateAnswer),
    Revoke(Revoked),
    RevokeAll(RevokedAll),
    Credential(CredentialChanged),
    Disable(usize),
    Enable,
    Standing(Standing),
    Device(DeviceAnswer),
    Sweep(Swept),
}

/// Numbers sessions and tokens in the order in which they are first seen.
#[derive(Debug, Default)]
pub(crate) struct Scribe {
    sessions: HashMap<SessionId, Sid>,
    tokens: HashMap<TokenDigest, Tok>,
    devices: HashMap<DeviceId, Dev>,
    /// The device on which each session was opened.
    pub(crate) opened_on: BTreeMap<Sid, Dev>,
}

const TENANTS: [&str; 2] = ["default", "annex"];
const GUEST: &str = "guest";

/// The subjects, each with the number of its tenant and its name there. Two tenants have one of
/// the same name, so that a tenant that is forgotten somewhere makes one subject of two.
const SUBJECTS: [(usize, &str); 3] = [(0, GUEST), (1, GUEST), (0, "visitor")];

/// All there are.
pub(crate) fn subjects() -> impl Iterator<Item = Subject> {
    (0..).map(Subject).take(SUBJECTS.len())
}

/// The number of the tenant of each.
pub(crate) fn tenants() -> Vec<u32> {
    let number = |tenant: usize| u32::try_from(tenant).expect("there are few");
    SUBJECTS.map(|(tenant, _)| number(tenant)).into()
}

pub(crate) fn tenant_of(subject: Subject) -> TenantId {
    tenant(SUBJECTS[subject.0 as usize].0)
}

/// The tenant that a subject is not of.
pub(crate) fn other_tenant(subject: Subject) -> TenantId {
    tenant(1 - SUBJECTS[subject.0 as usize].0)
}

fn tenant(number: usize) -> TenantId {
    TenantId::parse(TENANTS[number]).expect("it is a name")
}

pub(crate) fn name_of(subject: Subject) -> SubjectId {
    SubjectId::parse(SUBJECTS[subject.0 as usize].1).expect("it is a name")
}

fn subject_of(tenant: &TenantId, subject: &SubjectId) -> Subject {
    let found = subjects().find(|s| tenant_of(*s) == *tenant && name_of(*s) == *subject);
    found.expect("every subject is one of ours")
}

impl Scribe {
    pub(crate) fn session(&mut self, id: SessionId) -> Sid {
        let next = Sid(u32::try_from(self.sessions.len()).expect("a run is short"));
        *self.sessions.entry(id).or_insert(next)
    }

    pub(crate) fn device(&mut self, id: DeviceId) -> Dev {
        let next = Dev(u32::try_from(self.devices.len()).expect("a run is short"));
        *self.devices.entry(id).or_insert(next)
    }

    pub(crate) fn token(&mut self, token: &SessionToken) -> Tok {
        let next = Tok(u32::try_from(self.tokens.len()).expect("a run is short"));
        *self.tokens.entry(token.secret().digest()).or_insert(next)
    }

    fn view(&mut self, roster: &Roster, now: Timestamp) -> View {
        View {
            basis: Some(Basis {
                now: now.as_millis(),
                policy: roster.policy.0,
                own_limit: roster.own_limit.map(SessionLimit::get),
            }),
            live: roster.live(now).map(|s| self.session(s.id)).collect(),
        }
    }

    /// What was answered, and the token that was given out with it.
    pub(crate) fn answer(
        &mut self,
        reply: Result<Reply, EngineError>,
    ) -> (Answer, Option<SessionToken>) {
        // An error says that it may have been done: the caller must not guess either.
        let Ok(reply) = reply else {
            return (Answer::Unknown, None);
        };
        let answer = match reply {
            Reply::SignIn(SignInAnswer::Admitted(born)) => return self.admitted(*born, true),
            Reply::SignIn(SignInAnswer::Repeated(born)) => return self.admitted(*born, false),
            Reply::SignIn(SignInAnswer::Refused(refusal, turned_away)) => {
                let refusal = match refusal {
                    Turned::SessionLimit(full) if full.limit.scope == Scope::Tenant => {
                        Refusal::Tenant
                    }
                    Turned::SessionLimit(_) => Refusal::Full,
                    Turned::Disabled => Refusal::Disabled,
                    Turned::StaleGeneration => Refusal::Stale,
                    Turned::DeviceNotTrusted => Refusal::Device,
                };
                let view = self.view(&turned_away.roster, turned_away.now);
                Answer::Refused(refusal, Some(view))
            }
            Reply::SignIn(
                SignInAnswer::UnknownTicket
                | SignInAnswer::KeyMisused
                | SignInAnswer::AlreadyUsed
                | SignInAnswer::TooManyKeys
                | SignInAnswer::OverBudget(_),
            ) => Answer::Refused(Refusal::Key, None),
            Reply::Check(CheckAnswer::Valid(passed)) => {
                let checked = passed.open().expect("what rests can be opened");
                let rotated = checked.rotated.as_ref().map(|t| self.token(t));
                let answer = Answer::Valid {
                    session: self.session(checked.session.id),
                    subject: subject_of(&checked.roster.tenant, &checked.roster.subject),
                    rotated,
                    view: Some(self.view(&checked.roster, checked.now)),
                };
                return (answer, checked.rotated);
            }
            Reply::Check(CheckAnswer::NoSession(ending))
            | Reply::Rotate(RotateAnswer::NoSession(ending)) => Answer::NoSession {
                ended: ending.is_some(),
            },
            Reply::Check(CheckAnswer::Shortfall(Shortfall::DeviceMismatch))
            | Reply::Rotate(RotateAnswer::DeviceMismatch) => Answer::Mismatched,
            Reply::Check(CheckAnswer::Shortfall(Shortfall::WrongSubject | Shortfall::StepUp)) => {
                unreachable!("nobody asks for more than a token is worth")
            }
            Reply::Rotate(RotateAnswer::Rotated(rotated)) => {
                let Rotated {
                    token,
                    session,
                    roster,
                    now,
                } = *rotated;
                let answer = Answer::Valid {
                    session: self.session(session.id),
                    subject: subject_of(&roster.tenant, &roster.subject),
                    rotated: Some(self.token(&token)),
                    view: Some(self.view(&roster, now)),
                };
                return (answer, Some(token));
            }
            Reply::Revoke(Revoked::Absent | Revoked::AskerGone | Revoked::Impersonated)
            | Reply::RevokeAll(RevokedAll::KeptIsAbsent | RevokedAll::Impersonated)
            | Reply::Device(
                DeviceAnswer::Absent | DeviceAnswer::AskerGone | DeviceAnswer::Impersonated,
            ) => Answer::Absent,
            Reply::Revoke(Revoked::Protected)
            | Reply::RevokeAll(RevokedAll::Protected)
            | Reply::Device(DeviceAnswer::Protected) => Answer::Protected,
            Reply::Revoke(Revoked::Ended) => done(1),
            Reply::RevokeAll(RevokedAll::Ended(ended)) | Reply::Disable(ended) => done(ended),
            Reply::Enable | Reply::Device(DeviceAnswer::Done(_)) => done(0),
            Reply::Sweep(swept) => done(swept.expired),
            Reply::Credential(CredentialChanged { ended, kept }) => {
                let token = kept.map(|k| (self.session(k.session.id), k.token));
                let kept = token.as_ref().map(|(sid, t)| (*sid, self.token(t)));
                return (Answer::Done { ended, kept }, token.map(|t| t.1));
            }
            Reply::Standing(standing) => Answer::Seen(self.view(&standing.roster, standing.now)),
        };
        (answer, None)
    }

    /// `first` if this very answer made the session.
    fn admitted(&mut self, born: SignedIn, first: bool) -> (Answer, Option<SessionToken>) {
        let device = self.device(born.device.id);
        let session = self.session(born.session.id);
        self.opened_on.insert(session, device);
        let mut ended_as = |reason| {
            let ended = born.ended.iter();
            let ended = ended.filter(|e| first && e.ending.reason == reason);
            ended.map(|e| self.session(e.session.id)).collect()
        };
        let evicted = ended_as(EndReason::Evicted);
        let chosen = ended_as(EndReason::RevokedByUser);
        let answer = Answer::Admitted {
            session,
            token: self.token(&born.token),
            evicted,
            chosen,
            view: Some(self.view(&born.roster, born.now)),
        };
        (answer, Some(born.token))
    }

    pub(crate) fn line(&mut self, entry: &JournalEntry) -> Option<Line> {
        let personal = entry.personal.as_ref()?;
        let label = || {
            let agent = personal.origin.as_ref()?.label.as_ref()?;
            agent.as_str().parse().ok().map(Label)
        };
        let mut line = Line {
            subject: subject_of(&entry.tenant, &personal.subject),
            seq: entry.seq.0,
            at: entry.at.as_millis(),
            previous: short(entry.previous.0),
            hash: short(entry.hash().0),
            opened: Vec::new(),
            ended: Vec::new(),
            trespassed: Vec::new(),
            mismatched: Vec::new(),
            generation: None,
            disabled: None,
        };
        for event in &entry.events {
            match event {
                SessionEvent::Opened { session, .. } => {
                    line.opened.push((self.session(*session), label()));
                }
                SessionEvent::Ended { session, ending } => {
                    let sid = self.session(*session);
                    line.ended.push(sid);
                    match ending.reason {
                        TRESPASS => line.trespassed.push(sid),
                        EndReason::DeviceMismatch => line.mismatched.push(sid),
                        _ => {}
                    }
                }
                SessionEvent::GenerationRaised { to } => line.generation = Some(to.0),
                SessionEvent::Disabled => line.disabled = Some(true),
                SessionEvent::Enabled => line.disabled = Some(false),
                SessionEvent::Rotated { .. }
                | SessionEvent::Reauthenticated { .. }
                | SessionEvent::Shortened { .. }
                | SessionEvent::GroupsChanged
                | SessionEvent::LimitChanged
                | SessionEvent::ContactChanged
                | SessionEvent::PolicyObeyed { .. }
                | SessionEvent::Erased
                | SessionEvent::Mismatched { .. }
                | SessionEvent::DeviceNew { .. }
                | SessionEvent::DeviceTrusted { .. }
                | SessionEvent::DeviceDistrusted { .. }
                | SessionEvent::DeviceRenamed { .. }
                | SessionEvent::DeviceRemoved { .. } => {}
            }
        }
        Some(line)
    }

    pub(crate) fn rest(&mut self, roster: &Roster) -> Rest {
        Rest {
            subject: subject_of(&roster.tenant, &roster.subject),
            version: roster.version.0,
            generation: roster.generation.0,
            disabled: roster.disabled,
            head: short(roster.journal_head.0),
            sessions: roster.sessions.iter().map(|s| self.session(s.id)).collect(),
        }
    }
}

const fn done(ended: usize) -> Answer {
    Answer::Done { ended, kept: None }
}

/// Enough of a hash to tell one entry of a run from another.
fn short(hash: [u8; 32]) -> u64 {
    let (front, _) = hash.split_at(8);
    u64::from_be_bytes(front.try_into().expect("it was split at 8"))
}
