//! A request comes in, a verified principal comes out.
//!
//! There is no ambient session here: whoever needs to know who calls takes a [`Principal`] or a
//! [`Caller`] as an argument, and neither can be made without a check that succeeded for this
//! very request (D8, ASVS 8.3.3).

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use http::header::{HeaderMap, HeaderName, HeaderValue, SET_COOKIE};
use http::request::Parts;
use innkeeper_api::{NoSession, Problem, ProblemCode, TenantQuery};
use innkeeper_domain::check::{Demand, Shortfall, Shown};
use innkeeper_domain::name::TenantId;
use innkeeper_domain::session::TokenDigest;
use innkeeper_domain::token::SessionToken;
use innkeeper_engine::check::{Activity, CheckAnswer, CheckRequest, Checked, Renewal};
use innkeeper_engine::keys::{KeyInfo, KeyScope};
use innkeeper_engine::{Authority, EngineError};
use tracing::Instrument;

use crate::body::UnaskedBody;
use crate::cookies::SessionCookie;
use crate::credentials::{Credential, bearer};
use crate::origin::OriginRule;
use crate::problem::{ProblemAnswer, invalid};
use crate::request_id;
use crate::wire;

const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

/// What every route of ours stands on.
#[derive(Clone, Debug)]
pub struct Door {
    /// Who decides.
    pub authority: Arc<Authority>,
    /// In which cookie a browser carries its token.
    pub cookie: SessionCookie,
    /// From which pages changes by cookie are taken.
    pub origins: OriginRule,
    /// Whether a logout has the browser clear what pages stored there (`Clear-Site-Data`).
    pub clears_storage: bool,
}

/// The subject that makes this request, proved by its session token.
#[derive(Debug)]
pub struct Principal {
    checked: Checked,
    token: TokenDigest,
    by_cookie: bool,
}

impl Principal {
    /// The one constructor: it takes the proof.
    const fn new(checked: Checked, token: TokenDigest, by_cookie: bool) -> Self {
        Self {
            checked,
            token,
            by_cookie,
        }
    }

    /// The session that was proved, with its roster.
    #[must_use]
    pub const fn checked(&self) -> &Checked {
        &self.checked
    }

    /// What is known of the token that proved it, for an answer that goes on: a token may cease to
    /// be good before its session ends.
    #[must_use]
    pub const fn token(&self) -> TokenDigest {
        self.token
    }

    /// Whether the proof came in a cookie, so that a browser may have sent it unasked.
    #[must_use]
    pub const fn came_by_cookie(&self) -> bool {
        self.by_cookie
    }
}

impl Door {
    /// Says to the browser of a session that its holder ended: the cookie goes, and what pages
    /// stored, where that is set.
    ///
    /// Never `"cookies"`: that would forget the device, and clear the neighbours' cookies too.
    pub fn part(&self, headers: &mut HeaderMap) {
        headers.insert(SET_COOKIE, self.cookie.expire());
        if self.clears_storage {
            let storage = HeaderValue::from_static(r#""storage""#);
            headers.insert(CLEAR_SITE_DATA, storage);
        }
    }

    /// Finds out who makes a request, by its session cookie or bearer token.
    ///
    /// 400 for two credentials, 401 `no-session` for none or a dead one, 403 for a change that
    /// another site may have caused, 503 when nobody can know.
    pub async fn principal(
        &self,
        parts: &Parts,
        activity: Activity,
    ) -> Result<Principal, ProblemAnswer> {
        if let Some(unasked) = parts.extensions.get::<UnaskedBody>() {
            // What is refused is no sign of life, and who asks is proved again behind a slow body.
            let _ = self.prove(parts, Activity::Passive).await?;
            unasked.refuse().await?;
        }
        self.prove(parts, activity).await
    }

    async fn prove(&self, parts: &Parts, activity: Activity) -> Result<Principal, ProblemAnswer> {
        let credential = Credential::of_user(&parts.headers, self.cookie)?;
        self.origins
            .guard(&parts.method, &parts.headers, &credential)?;
        let by_cookie = matches!(credential, Credential::Cookie(_));
        let token = credential.token().and_then(|t| SessionToken::parse(t).ok());
        let Some(token) = token else {
            return Err(match credential {
                Credential::Absent => no_token(),
                Credential::Cookie(_) | Credential::Bearer(_) => wire::no_session(None),
            });
        };
        let device = self.cookie.find_device(&parts.headers, token.tag())?;
        let digest = token.secret().digest();
        let request = CheckRequest {
            tenant: None,
            demand: Demand {
                device: match device {
                    // A client that sends its token by hand has no cookies. That says nothing of
                    // who it is, where a cookie without the other one does.
                    None if !by_cookie => Shown::NoPlace,
                    device => Shown::of(device.as_ref(), token.tag()),
                },
                ..Demand::default()
            },
            token,
            activity,
            renewal: Renewal::Never,
        };
        match self.authority.check(&request).await.map_err(wire::failed)? {
            CheckAnswer::Valid(passed) => {
                let checked = passed.open().map_err(wire::failed)?;
                Ok(Principal::new(checked, digest, by_cookie))
            }
            CheckAnswer::NoSession(ending) => Err(wire::no_session(ending)),
            CheckAnswer::Shortfall(Shortfall::DeviceMismatch) => {
                Err(ProblemCode::DeviceMismatch.into())
            }
            // Nothing else was demanded.
            CheckAnswer::Shortfall(Shortfall::WrongSubject | Shortfall::StepUp) => {
                Err(ProblemCode::Internal.into())
            }
        }
    }
}

impl<S> FromRequestParts<S> for Principal
where
    Door: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = ProblemAnswer;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ProblemAnswer> {
        Door::from_ref(state)
            .principal(parts, Activity::Active)
            .await
    }
}

/// What a call needs an API key for. The key's scopes decide, before the body is read.
pub trait Needs {
    /// Any of these will do.
    const SCOPES: &[KeyScope];
}

macro_rules! needs {
    ($($(#[$doc:meta])* $name:ident: $($scope:ident)+;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub enum $name {}

        impl Needs for $name {
            const SCOPES: &[KeyScope] = &[$(KeyScope::$scope),+];
        }
    )+};
}

needs! {
    /// For administrators.
    Admin: Admin;
    /// For those who sign subjects in.
    Admit: Admit;
    /// For those who check tokens.
    Check: Check;
    /// For those who read the journal.
    Events: Events;
    /// For those who look after subjects.
    Manage: Manage;
    /// For either of the two.
    ManageOrAdmit: Manage Admit;
}

/// The application that makes this request, proved by its API key, with leave for `N`.
///
/// It is proved before the body is read, and a body may take long. So nothing of the key is used
/// but its name: whoever asks for the key or for a tenant has the key proved again, and a key
/// that was revoked in between is 401, like any other that opens nothing.
#[derive(Debug)]
pub struct Caller<N> {
    authority: Arc<Authority>,
    proved: Arc<KeyInfo>,
    needs: PhantomData<fn() -> N>,
}

impl<N: Needs> Caller<N> {
    /// Proves who makes a request with these headers.
    pub(crate) fn prove(door: &Door, headers: &HeaderMap) -> Result<Self, ProblemAnswer> {
        let proved = key_of(&door.authority, headers)?;
        if !proved.opens(N::SCOPES) {
            return Err(lacks_scope());
        }
        Ok(Self {
            authority: Arc::clone(&door.authority),
            proved,
            needs: PhantomData,
        })
    }
}

impl<N> Caller<N> {
    /// As [`tenant`](Self::tenant), where both the query and the body may name it.
    ///
    /// Two different ones are 422: whoever stands before us may have judged the other.
    pub fn tenant_of(
        &self,
        query: &TenantQuery,
        body: Option<&str>,
    ) -> Result<TenantId, ProblemAnswer> {
        self.tenant(one_tenant(query, body)?)
    }

    /// The tenant that the call speaks of, if this key may name it; `default` if none is named.
    pub fn tenant(&self, named: Option<&str>) -> Result<TenantId, ProblemAnswer> {
        let key = self.key()?;
        let tenant = wire::optional("tenant", named, TenantId::parse)?.unwrap_or_default();
        if key.may_name(&tenant) {
            Ok(tenant)
        } else {
            Err(Problem::new(ProblemCode::Forbidden)
                .detail("This key belongs to another tenant.")
                .into())
        }
    }

    /// The key, if it opens anything at this moment.
    pub fn key(&self) -> Result<Arc<KeyInfo>, ProblemAnswer> {
        let key = self.authority.key(&self.proved.id);
        key.ok_or_else(wrong_key)
    }
}

impl<S, N: Needs> FromRequestParts<S> for Caller<N>
where
    Door: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = ProblemAnswer;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ProblemAnswer> {
        let caller = Self::prove(&Door::from_ref(state), &parts.headers)?;
        if let Some(unasked) = parts.extensions.get::<UnaskedBody>() {
            unasked.refuse().await?;
        }
        Ok(caller)
    }
}

/// The one tenant that a query and a body name, if either does.
pub(crate) fn one_tenant<'a>(
    query: &'a TenantQuery,
    body: Option<&'a str>,
) -> Result<Option<&'a str>, ProblemAnswer> {
    match (query.tenant.as_deref(), body) {
        (Some(query), Some(body)) if query != body => Err(invalid(
            "tenant",
            "the query and the body name different tenants",
        )),
        (query, body) => Ok(body.or(query)),
    }
}

/// Does `work` in a task of its own: a caller that hangs up half-way leaves it wholly done (S19).
///
/// For work of more than one step. A single commit is whole by the contract of the store.
pub async fn wholly<T: Send + 'static>(
    work: impl Future<Output = Result<T, EngineError>> + Send + 'static,
) -> Result<T, ProblemAnswer> {
    match tokio::spawn(request_id::within_current(work).in_current_span()).await {
        Ok(done) => done.map_err(wire::failed),
        Err(broken) if broken.is_panic() => Err(ProblemCode::Internal.into()),
        // We are being stopped, and nobody knows how far it came.
        Err(_) => Err(ProblemCode::Unavailable.into()),
    }
}

fn key_of(authority: &Authority, headers: &HeaderMap) -> Result<Arc<KeyInfo>, ProblemAnswer> {
    match bearer(headers)? {
        None => Err(no_key()),
        Some(text) => authority.authenticate_key(text).ok_or_else(wrong_key),
    }
}

/// Nothing was presented, so the challenge names no error (RFC 6750, 3.1).
fn no_key() -> ProblemAnswer {
    Problem::new(ProblemCode::Unauthenticated)
        .detail("Send an API key, as `Authorization: Bearer ikk_…`.")
        .into()
}

/// A key that opens nothing, or nothing any more.
pub(crate) fn wrong_key() -> ProblemAnswer {
    no_key().bearer_error("invalid_token")
}

fn lacks_scope() -> ProblemAnswer {
    let problem = Problem::new(ProblemCode::Forbidden)
        .detail("This key lacks the scope that the call needs.");
    ProblemAnswer::from(problem).bearer_error("insufficient_scope")
}

fn no_token() -> ProblemAnswer {
    Problem::new(ProblemCode::NoSession)
        .detail("Send a session token, in its cookie or as `Authorization: Bearer ik_…`.")
        .with(&NoSession::UNKNOWN)
        .into()
}
