//! Who looks at a page: somebody signed in, somebody whose session ended, or a stranger.

use http::HeaderMap;
use innkeeper_domain::check::{Demand, Shown};
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
    /// Was signed in with a session that has ended; with the store's time.
    Ended(Ending, Timestamp),
    /// Nobody we know.
    Stranger,
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
                Visitor::Ended(ending, self.now_at(&request.token, ending).await?)
            }
            // Whoever brings a token without the device that it is bound to is nobody we know: it
            // is refused, and the form is open.
            CheckAnswer::NoSession(None) | CheckAnswer::Shortfall(_) => Visitor::Stranger,
        })
    }

    /// The store's time, to say how long ago a session of this token's roster ended.
    async fn now_at(
        &self,
        token: &SessionToken,
        ending: Ending,
    ) -> Result<Timestamp, ProblemAnswer> {
        let standing = self
            .door
            .authority
            .roster_at(&self.tenant, token.tag())
            .await;
        let standing = standing.map_err(wire::failed)?;
        Ok(standing.map_or(ending.at, |standing| standing.now))
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
