//! The verdict: is a request let through, and if not, what is its sender told?
//!
//! One function, from values. Whatever it is not told of is refused.

use innkeeper_domain::session::Ending;

use super::Unreadable;
use crate::peers::ClientIp;

/// Who asks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Asker {
    /// A proxy of ours.
    Listed,
    /// Anybody.
    Unlisted,
}

impl Asker {
    /// By whom it brings: only of a peer that is listed is that read.
    pub(crate) const fn of(brought: Option<ClientIp>) -> Self {
        match brought {
            Some(_) => Self::Listed,
            None => Self::Unlisted,
        }
    }
}

/// Where a request would lead.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Place {
    /// Where no session is needed.
    Public,
    /// To the application.
    Guarded,
    /// To ourselves: nobody is asked about that, the proxy brings it to us.
    Ours,
    /// Nobody knows: the proxy did not say it.
    Unknown(Unreadable),
}

/// What the sender of a request would do with a page.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Visit {
    /// Show it to a person.
    Page,
    /// Something else: it is a program.
    Call,
}

/// Who sent a request, by its session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Holder<P> {
    /// Nobody was asked.
    Unasked,
    /// One whose session is live, with the proof of it.
    Live(P),
    /// One whose session has ended, or never was.
    Gone(Option<Ending>),
    /// One who has somebody's token, and not the device that it is bound to.
    WithoutDevice,
    /// One who sent two credentials, so that nobody knows which counts.
    Ambiguous,
}

/// The answer to a proxy. `P` is the proof that an identity rests on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub(crate) enum Verdict<P> {
    /// The request goes on, as that of the holder of a session, or as nobody's.
    Allow(Option<P>),
    /// Its sender has to sign in first.
    Challenge(Visit, Option<Ending>),
    /// It goes nowhere.
    Forbid(Forbidden),
}

/// Why a request goes nowhere.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Forbidden {
    /// Whoever asks is none of our proxies.
    UnlistedPeer,
    /// The proxy did not say what it asks about.
    Unreadable(Unreadable),
    /// It would lead to ourselves.
    OwnPath,
    /// There are two credentials.
    Ambiguous,
    /// The token came without its device.
    DeviceMismatch,
    /// Nobody was asked whose request it is.
    Unasked,
}

/// Decides what a proxy is answered.
///
/// On a public path nobody is named, whoever is signed in: what needs no session asks for none.
/// A person without a session is sent to the sign-in page, and never from one of our own paths,
/// so that no recipe that brings us to ourselves makes a browser go in a circle.
pub(crate) fn judge<P>(asker: Asker, place: Place, visit: Visit, holder: Holder<P>) -> Verdict<P> {
    match (asker, place) {
        (Asker::Unlisted, _) => return Verdict::Forbid(Forbidden::UnlistedPeer),
        (Asker::Listed, Place::Unknown(why)) => {
            return Verdict::Forbid(Forbidden::Unreadable(why));
        }
        (Asker::Listed, Place::Ours) => return Verdict::Forbid(Forbidden::OwnPath),
        (Asker::Listed, Place::Public) => return Verdict::Allow(None),
        (Asker::Listed, Place::Guarded) => {}
    }
    match (holder, visit) {
        (Holder::Live(proof), _) => Verdict::Allow(Some(proof)),
        (Holder::Gone(ending), visit) => Verdict::Challenge(visit, ending),
        // The form is open to them, as to any stranger.
        (Holder::WithoutDevice, Visit::Page) => Verdict::Challenge(visit, None),
        (Holder::WithoutDevice, Visit::Call) => Verdict::Forbid(Forbidden::DeviceMismatch),
        (Holder::Ambiguous, _) => Verdict::Forbid(Forbidden::Ambiguous),
        (Holder::Unasked, _) => Verdict::Forbid(Forbidden::Unasked),
    }
}

#[cfg(test)]
mod tests {
    use innkeeper_domain::session::{EndReason, Initiator, Timestamp};

    use super::*;

    const ENDED: Ending = Ending {
        at: Timestamp::from_millis(1),
        reason: EndReason::Evicted,
        initiator: Initiator::Policy,
        asker: None,
    };
    const HOLDERS: [Holder<u8>; 6] = [
        Holder::Unasked,
        Holder::Live(1),
        Holder::Gone(None),
        Holder::Gone(Some(ENDED)),
        Holder::WithoutDevice,
        Holder::Ambiguous,
    ];
    const PLACES: [Place; 4] = [
        Place::Public,
        Place::Guarded,
        Place::Ours,
        Place::Unknown(Unreadable::NotAPath),
    ];

    #[test]
    fn given_a_guarded_path_when_a_listed_proxy_asks_then_only_a_live_session_opens_it() {
        use Holder::{Ambiguous, Gone, Live, Unasked, WithoutDevice};
        use Verdict::{Allow, Challenge, Forbid};
        use Visit::{Call, Page};
        for (visit, holder, verdict) in [
            (Page, Live(7), Allow(Some(7))),
            (Call, Live(7), Allow(Some(7))),
            (Page, Gone(None), Challenge(Page, None)),
            (Call, Gone(None), Challenge(Call, None)),
            (Page, Gone(Some(ENDED)), Challenge(Page, Some(ENDED))),
            (Call, Gone(Some(ENDED)), Challenge(Call, Some(ENDED))),
            (Page, WithoutDevice, Challenge(Page, None)),
            (Call, WithoutDevice, Forbid(Forbidden::DeviceMismatch)),
            (Page, Ambiguous, Forbid(Forbidden::Ambiguous)),
            (Call, Ambiguous, Forbid(Forbidden::Ambiguous)),
            (Page, Unasked, Forbid(Forbidden::Unasked)),
            (Call, Unasked, Forbid(Forbidden::Unasked)),
        ] {
            let judged = judge(Asker::Listed, Place::Guarded, visit, holder);

            assert_eq!(judged, verdict, "{visit:?} {holder:?}");
        }
    }

    #[test]
    fn given_any_facts_when_judged_then_only_these_two_let_a_request_through() {
        let mut seen = 0;
        for asker in [Asker::Listed, Asker::Unlisted] {
            for place in PLACES {
                for visit in [Visit::Page, Visit::Call] {
                    for holder in HOLDERS {
                        let judged = judge(asker, place, visit, holder);
                        let expected = match (asker, place, holder) {
                            (Asker::Listed, Place::Public, _) => Some(None),
                            (Asker::Listed, Place::Guarded, Holder::Live(one)) => Some(Some(one)),
                            _ => None,
                        };
                        let allowed = match judged {
                            Verdict::Allow(who) => Some(who),
                            Verdict::Challenge(..) | Verdict::Forbid(_) => None,
                        };
                        assert_eq!(allowed, expected, "{asker:?} {place:?} {holder:?}");
                        seen += 1;
                    }
                }
            }
        }
        assert_eq!(seen, 2 * 4 * 2 * 6);
    }

    /// A recipe that asks us about our own sign-in page would send the browser from it to itself.
    #[test]
    fn given_our_own_paths_when_judged_then_nobody_is_sent_to_the_sign_in_page() {
        for place in [Place::Ours, Place::Unknown(Unreadable::NotAPath)] {
            for holder in HOLDERS {
                let judged = judge(Asker::Listed, place, Visit::Page, holder);

                assert!(matches!(judged, Verdict::Forbid(_)), "{place:?} {holder:?}");
            }
        }
    }
}
