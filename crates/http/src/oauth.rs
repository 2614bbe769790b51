//! How OAuth proves a client, reads a form and refuses, where it differs from the rest of us.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::{FromRef, FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, WWW_AUTHENTICATE,
};
use http::request::Parts;
use innkeeper_api::{AnyToken, OAuthError, OAuthErrorCode, TokenForm};
use innkeeper_domain::name::TenantId;
use innkeeper_engine::Authority;
use innkeeper_engine::keys::KeyInfo;

use crate::body::read_body;
use crate::credentials::bearer;
use crate::json::Json;
use crate::layer::{Door, Needs};
use crate::openapi::{Operation, Proof};
use crate::problem::ProblemAnswer;
use crate::query;
use crate::route::Part;

/// A refusal: in the words of OAuth where it has some, else a problem document.
#[derive(Debug)]
pub enum Refusal {
    /// `{"error", "error_description"}` (RFC 6749, 5.2).
    OAuth(OAuthErrorCode, &'static str),
    /// What OAuth has no word for: a body too large, a store out of reach.
    Problem(ProblemAnswer),
}

impl From<ProblemAnswer> for Refusal {
    fn from(problem: ProblemAnswer) -> Self {
        Self::Problem(problem)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (error, description) = match self {
            Self::OAuth(error, description) => (error, description),
            Self::Problem(problem) => return problem.into_response(),
        };
        let error_description = description.to_owned();
        let body = Json(OAuthError {
            error,
            error_description,
        });
        let mut response = (status_of(error), body).into_response();
        for challenge in challenges(error) {
            let challenge = HeaderValue::from_static(challenge);
            response.headers_mut().append(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

const fn status_of(error: OAuthErrorCode) -> StatusCode {
    match error {
        OAuthErrorCode::InvalidRequest | OAuthErrorCode::UnsupportedTokenType => {
            StatusCode::BAD_REQUEST
        }
        OAuthErrorCode::InvalidClient => StatusCode::UNAUTHORIZED,
        OAuthErrorCode::InsufficientScope => StatusCode::FORBIDDEN,
    }
}

/// What a client may prove itself by (RFC 6749, 5.2; RFC 6750, 3).
const fn challenges(error: OAuthErrorCode) -> &'static [&'static str] {
    match error {
        OAuthErrorCode::InvalidClient => &[
            r#"Bearer realm="innkeeper""#,
            r#"Basic realm="innkeeper", charset="UTF-8""#,
        ],
        OAuthErrorCode::InsufficientScope => {
            &[r#"Bearer realm="innkeeper", error="insufficient_scope""#]
        }
        OAuthErrorCode::InvalidRequest | OAuthErrorCode::UnsupportedTokenType => &[],
    }
}

/// The application that makes this request, proved by its API key as bearer or as the password
/// of a basic credential, with leave for `N`.
///
/// As with [`Caller`](crate::layer::Caller), nothing of the key is kept but its name, and it is
/// proved again once the body is there.
#[derive(Debug)]
pub struct Client<N> {
    authority: Arc<Authority>,
    id: String,
    needs: PhantomData<N>,
}

impl<N> Client<N> {
    /// The tenant whose tokens this client may ask about; `None` for all of them.
    ///
    /// OAuth knows no tenants, so without a name it is that of the key.
    pub fn tenant(&self, named: Option<&str>) -> Result<Option<TenantId>, Refusal> {
        let key = self.authority.key(&self.id);
        let key = key.ok_or_else(unproved)?;
        let Some(named) = named else {
            return Ok(key.tenant.clone());
        };
        let tenant = TenantId::parse(named).map_err(|_| {
            Refusal::OAuth(
                OAuthErrorCode::InvalidRequest,
                "tenant: expected 1 to 256 bytes without control characters",
            )
        })?;
        if key.may_name(&tenant) {
            Ok(Some(tenant))
        } else {
            Err(Refusal::OAuth(
                OAuthErrorCode::InsufficientScope,
                "This key belongs to another tenant.",
            ))
        }
    }
}

impl<S, N: Needs> FromRequestParts<S> for Client<N>
where
    Door: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let authority = Door::from_ref(state).authority;
        let key = key_of(&authority, &parts.headers)?;
        if !key.opens(N::SCOPES) {
            return Err(Refusal::OAuth(
                OAuthErrorCode::InsufficientScope,
                "This key lacks the scope that the call needs.",
            ));
        }
        Ok(Self {
            authority,
            id: key.id.clone(),
            needs: PhantomData,
        })
    }
}

impl<N: Needs> Part for Client<N> {
    fn describe(operation: &mut Operation<'_>) {
        operation.proof(Proof::OAuthClient(N::SCOPES));
        for error in [
            OAuthErrorCode::InvalidRequest,
            OAuthErrorCode::InvalidClient,
            OAuthErrorCode::InsufficientScope,
        ] {
            operation.answers_json::<OAuthError>(status_of(error));
            if !challenges(error).is_empty() {
                let about = "What to send, in the words of RFC 6750 and RFC 7617.";
                operation.answer_header(status_of(error), WWW_AUTHENTICATE.as_str(), about);
            }
        }
    }
}

const fn unproved() -> Refusal {
    Refusal::OAuth(
        OAuthErrorCode::InvalidClient,
        "Send an API key, as `Authorization: Bearer ikk_…` or as the password of basic authentication.",
    )
}

fn key_of(authority: &Authority, headers: &HeaderMap) -> Result<Arc<KeyInfo>, Refusal> {
    // Two headers are ambiguous, and the word of OAuth for that is another.
    let bearer = bearer(headers).map_err(|_| {
        let words = "The Authorization header is there more than once.";
        Refusal::OAuth(OAuthErrorCode::InvalidRequest, words)
    })?;
    let password = basic_password(headers);
    let key = bearer.or(password.as_deref());
    key.and_then(|text| authority.authenticate_key(text))
        .ok_or_else(unproved)
}

/// The password of a basic credential: user name and password are each encoded as a form would
/// be before they are joined (RFC 6749, 2.3.1).
fn basic_password(headers: &HeaderMap) -> Option<String> {
    const SCHEME: &str = "basic ";
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_at_checked(SCHEME.len())?;
    if !scheme.eq_ignore_ascii_case(SCHEME) {
        return None;
    }
    let joined = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
    let (_, password) = joined.split_once(':')?;
    query::decoded(password)
}

/// The form of both calls.
#[derive(Debug)]
pub struct Form(pub TokenForm);

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        if !is_form(&parts.headers) {
            return Err(wrong("Send application/x-www-form-urlencoded."));
        }
        let body = read_body(body).await?;
        let text = str::from_utf8(&body).ok();
        let pairs = text.and_then(query::pairs);
        let pairs = pairs.ok_or_else(|| wrong("The form is not percent-encoded UTF-8."))?;
        let one = |name: &str| {
            let mut values = pairs.iter().filter(|(key, _)| key == name);
            match (values.next(), values.next()) {
                (_, Some(_)) => Err(wrong("A parameter is there more than once.")),
                (found, None) => Ok(found.map(|(_, value)| value.clone())),
            }
        };
        let token_type_hint = one("token_type_hint")?;
        match one("token")? {
            Some(token) if !token.is_empty() => Ok(Self(TokenForm {
                token: AnyToken::new(token),
                token_type_hint,
            })),
            _ => Err(wrong("The parameter `token` is missing.")),
        }
    }
}

impl Part for Form {
    fn describe(operation: &mut Operation<'_>) {
        operation.body::<TokenForm>("application/x-www-form-urlencoded", true);
        operation.answers_json::<OAuthError>(StatusCode::BAD_REQUEST);
    }
}

const fn wrong(description: &'static str) -> Refusal {
    Refusal::OAuth(OAuthErrorCode::InvalidRequest, description)
}

fn is_form(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(Ok(text)), None) = (types.next().map(HeaderValue::to_str), types.next()) else {
        return false;
    };
    let essence = text.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
        && !headers.contains_key(CONTENT_ENCODING)
}
