//! Who looks at a page: somebody signed in, somebody whose session ended, or a stranger.

use http::HeaderMap;
use innkeeper_domain::check::{Demand, Shown};
use innkeeper_domain::roster::Roster;
use innkeeper_domain::session::{Ending, Timestamp};
use innkeeper_domain::token::SessionToken;
use innkeeper_engine::check::{Activity, CheckAnswer, CheckRequest, Checked, Renewal};
use innkeeper_http::problem::ProblemAnswer;
use innkeeper_http::wire;

use crate::gateway::Gateway;

/// The person behind a request for a page, as far as the session cookie says.
#[derive(Debug)]
pub(crate) enum Visitor {
    /// Signed in: to hold this is proof.
    SignedIn(Box<Checked>),
    /// Was signed in with a session that has ended.
    Ended(Box<Gone>),
    /// Nobody we know.
    Stranger,
}

/// How a session ended, for whoever still holds its token.
#[derive(Debug)]
pub(crate) struct Gone {
    pub(crate) ending: Ending,
    /// The device on which that was asked for, where it was on one and is still known. No more than
    /// its name: whoever was put out may be a thief.
    pub(crate) from: Option<String>,
    /// The store's time.
    pub(crate) now: Timestamp,
}

impl Gateway {
    /// Finds out who looks at a page. Only the cookie speaks here: no browser sends a bearer
    /// token for a page, and a proxy may use that header for a purpose of its own.
    pub(crate) async fn visitor(
        &self,
        headers: &HeaderMap,
        activity: Activity,
    ) -> Result<Visitor, ProblemAnswer> {
        let Some(token) = self.held_token(headers)? else {
            return Ok(Visitor::Stranger);
        };
        let device = self.door.cookie.find_device(headers, token.tag())?;
        let request = CheckRequest {
            tenant: Some(self.tenant.clone()),
            demand: Demand {
                device: Shown::of(device.as_ref(), token.tag()),
                ..Demand::default()
            },
            token,
            activity,
            renewal: Renewal::Never,
        };
        let answer = self.door.authority.check(&request).await;
        Ok(match answer.map_err(wire::failed)? {
            CheckAnswer::Valid(passed) => {
                Visitor::SignedIn(Box::new(passed.open().map_err(wire::failed)?))
            }
            CheckAnswer::NoSession(Some(ending)) => {
                Visitor::Ended(Box::new(self.gone(&request.token, ending).await?))
            }
            // Whoever brings a token without the device that it is bound to is nobody we know: it
            // is refused, and the form is open.
            CheckAnswer::NoSession(None) | CheckAnswer::Shortfall(_) => Visitor::Stranger,
        })
    }

    /// What to tell of the end of a session whose roster this token leads to.
    async fn gone(&self, token: &SessionToken, ending: Ending) -> Result<Gone, ProblemAnswer> {
        let authority = &self.door.authority;
        let standing = authority.roster_at(&self.tenant, token.tag()).await;
        let standing = standing.map_err(wire::failed)?;
        Ok(Gone {
            ending,
            from: standing
                .as_ref()
                .and_then(|standing| asker(&standing.roster, ending)),
            now: standing.map_or(ending.at, |standing| standing.now),
        })
    }

    /// The token in the session cookie, if it is one.
    pub(crate) fn held_token(
        &self,
        headers: &HeaderMap,
    ) -> Result<Option<SessionToken>, ProblemAnswer> {
        let value = self.door.cookie.find(headers)?;
        Ok(value.and_then(|text| SessionToken::parse(text).ok()))
    }
}

/// The name of the device on which an end was asked for.
pub(crate) fn asker(roster: &Roster, ending: Ending) -> Option<String> {
    let asker = roster.find_born(ending.asker?)?;
    Some(wire::device_name(roster, asker))
}
