//! Federation: what ties a session to the sign-in at a provider that it came from.
//!
//! When the provider says that a person is signed out there, the sessions that rest on that end
//! here too. Which those are is decided from what each session remembers, and from nothing else.

use std::sync::Arc;

use crate::change::Change;
use crate::name::{Issuer, IssuerSession, IssuerSubject};
use crate::roster::Roster;
use crate::session::{EndReason, Initiator, Session};
use crate::time::Timestamp;

/// The sign-in at a provider that a session came from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FederatedSignIn {
    /// The provider (`iss`).
    pub issuer: Issuer,
    /// What it calls the person (`sub`).
    pub subject: IssuerSubject,
    /// What it calls its own session (`sid`), where it has told.
    pub session: Option<IssuerSession>,
    /// When it vouched for the person (`iat`), by its clock.
    pub issued_at: Timestamp,
    /// Until when it does (`session_expiry`): no session that rests on it lives longer, however
    /// often it is renewed here.
    pub vouched_until: Option<Timestamp>,
}

/// The word of a provider that somebody is signed out there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FederatedLogout {
    /// The provider.
    pub issuer: Issuer,
    /// What is over there.
    pub of: LoggedOut,
    /// When it said so (`iat`), by its clock.
    pub issued_at: Timestamp,
}

/// What is over at a provider.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum LoggedOut {
    /// One session of it; of this person, where that is told too.
    Session(IssuerSession, Option<IssuerSubject>),
    /// All sessions of this person.
    Subject(IssuerSubject),
}

impl FederatedLogout {
    /// Whether what came from this sign-in ends by it (Back-Channel Logout 1.0, 2.7).
    ///
    /// The word about a person is about what was before it: a session from a later sign-in there
    /// stays, however late the word arrives. A session of the provider that is over never comes
    /// back, so all that came from it ends.
    #[must_use]
    pub fn ends(&self, sign_in: &FederatedSignIn) -> bool {
        self.issuer == sign_in.issuer
            && match &self.of {
                LoggedOut::Session(session, subject) => {
                    sign_in.session.as_ref() == Some(session)
                        && subject.as_ref().is_none_or(|s| *s == sign_in.subject)
                }
                LoggedOut::Subject(subject) => {
                    sign_in.subject == *subject && sign_in.issued_at <= self.issued_at
                }
            }
    }

    /// Decides what it ends in a roster.
    #[must_use]
    pub fn decide(&self, roster: &Roster, now: Timestamp) -> Vec<Change> {
        let now = now.max(roster.time_high);
        let (reason, by) = (EndReason::Federation, Initiator::System);
        let ends = self.ended_in(roster, now);
        let ends = ends.map(|session| Change::end(session.id, now, reason, by));
        roster.expiries(now).into_iter().chain(ends).collect()
    }

    /// The live sessions of a roster that end by it.
    pub fn ended_in<'r>(
        &'r self,
        roster: &'r Roster,
        now: Timestamp,
    ) -> impl Iterator<Item = &'r Arc<Session>> {
        let live = roster.live(now);
        live.filter(|s| s.federation.as_deref().is_some_and(|f| self.ends(f)))
    }
}

impl Session {
    /// As [`vouched`], of the sign-in that the session came from.
    pub(crate) fn vouched(&self, deadline: Timestamp) -> Timestamp {
        vouched(self.federation.as_deref(), deadline)
    }
}

/// The deadline, or an earlier one where the provider vouches for less.
pub(crate) fn vouched(from: Option<&FederatedSignIn>, deadline: Timestamp) -> Timestamp {
    let until = from.and_then(|sign_in| sign_in.vouched_until);
    until.map_or(deadline, |until| until.min(deadline))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, roster, session};

    const ISSUER: &str = "https://id.example";

    fn sign_in(sid: Option<&str>, issued: u64) -> FederatedSignIn {
        FederatedSignIn {
            issuer: Issuer::parse(ISSUER).unwrap(),
            subject: IssuerSubject::parse("248289761001").unwrap(),
            session: sid.map(|sid| IssuerSession::parse(sid).unwrap()),
            issued_at: at(issued),
            vouched_until: None,
        }
    }

    fn logout(of: LoggedOut) -> FederatedLogout {
        FederatedLogout {
            issuer: Issuer::parse(ISSUER).unwrap(),
            of,
            issued_at: at(50),
        }
    }

    fn by_sid(sid: &str, sub: Option<&str>) -> FederatedLogout {
        let sub = sub.map(|sub| IssuerSubject::parse(sub).unwrap());
        logout(LoggedOut::Session(IssuerSession::parse(sid).unwrap(), sub))
    }

    fn by_sub(sub: &str) -> FederatedLogout {
        logout(LoggedOut::Subject(IssuerSubject::parse(sub).unwrap()))
    }

    #[test]
    fn given_a_logout_by_session_when_judged_then_only_what_came_from_that_one_ends() {
        assert!(by_sid("s1", None).ends(&sign_in(Some("s1"), 10)));
        assert!(by_sid("s1", Some("248289761001")).ends(&sign_in(Some("s1"), 10)));
        assert!(!by_sid("s1", Some("another")).ends(&sign_in(Some("s1"), 10)));
        assert!(!by_sid("s1", None).ends(&sign_in(Some("s2"), 10)));
        assert!(!by_sid("s1", Some("248289761001")).ends(&sign_in(None, 10)));
        assert!(
            by_sid("s1", None).ends(&sign_in(Some("s1"), 99)),
            "it is over"
        );
    }

    #[test]
    fn given_a_logout_by_subject_when_judged_then_all_before_it_end_and_later_ones_stay() {
        assert!(by_sub("248289761001").ends(&sign_in(Some("s1"), 10)));
        assert!(by_sub("248289761001").ends(&sign_in(None, 50)));
        assert!(!by_sub("248289761001").ends(&sign_in(None, 51)));
        assert!(!by_sub("another").ends(&sign_in(None, 10)));
    }

    #[test]
    fn given_another_issuer_when_it_names_the_same_session_then_nothing_of_this_one_ends() {
        let mut foreign = by_sid("s1", None);
        foreign.issuer = Issuer::parse("https://id.example/").unwrap();

        assert!(!foreign.ends(&sign_in(Some("s1"), 10)));
    }

    #[test]
    fn given_a_roster_when_asked_what_ends_then_dead_sessions_and_those_of_no_provider_are_left() {
        let mut held = roster([session(1), session(2), session(3).idle_after(10)]);
        for place in [0, 2] {
            let session = Arc::make_mut(&mut held.sessions[place]);
            session.federation = Some(Box::new(sign_in(Some("s1"), 1)));
        }
        let logout = by_sid("s1", None);

        let ended: Vec<_> = logout.ended_in(&held, at(20)).map(|s| s.birth).collect();

        assert_eq!(ended, [1]);
    }
}
