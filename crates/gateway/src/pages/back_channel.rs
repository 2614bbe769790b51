//! Back-channel logout: a provider tells us directly that somebody is signed out there (OpenID
//! Connect Back-Channel Logout 1.0, 2.5 to 2.8).

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use innkeeper_engine::EngineError;
use innkeeper_engine::federation::LogoutAnswer;
use innkeeper_federation::{FederationError, Logout, TokenFault};
use innkeeper_http::layer::wholly;
use serde_json::json;

use super::Site;
use crate::form;

/// Why a logout was not carried out, by what the provider does next.
enum Undone {
    /// The request or its token is wrong: sending it again is useless.
    Refused(String),
    /// Nobody can know now: it is to be sent again.
    Unknown,
}

/// `POST /oidc/backchannel-logout`: 200 once every session that rests on what is over has ended,
/// for good; 400 for what is not to be believed; 503 where that cannot be known now.
pub(super) async fn submit(State(site): State<Site>, request: Request) -> Response {
    let mut response = match try_submit(&site, request).await {
        Ok(ended) => {
            tracing::info!(ended, "a provider told of a logout");
            StatusCode::OK.into_response()
        }
        Err(Undone::Refused(why)) => {
            tracing::info!(why, "a logout token was refused");
            let told = json!({"error": "invalid_request", "error_description": why});
            (StatusCode::BAD_REQUEST, Json(told)).into_response()
        }
        Err(Undone::Unknown) => {
            let retry_after = [(RETRY_AFTER, HeaderValue::from(15))];
            (StatusCode::SERVICE_UNAVAILABLE, retry_after).into_response()
        }
    };
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    response
}

async fn try_submit(site: &Site, request: Request) -> Result<usize, Undone> {
    let (parts, body) = request.into_parts();
    let token = read(&parts.headers, body).await?;
    let Logout {
        order,
        subject,
        token_id,
        ..
    } = believed(site, &token).await?;
    let authority = Arc::clone(&site.gateway.door.authority);
    let tenant = site.gateway.tenant.clone();
    let end = async move {
        let whose = subject.as_ref();
        authority
            .end_federated(&tenant, &order, whose, &token_id)
            .await
    };
    match wholly(end).await {
        Ok(LogoutAnswer::Ended(ended)) => Ok(ended),
        Ok(LogoutAnswer::Replayed) => Err(Undone::Refused("it was heard before".to_owned())),
        Err(_) => Err(Undone::Unknown),
    }
}

async fn read(headers: &HeaderMap, body: axum::body::Body) -> Result<String, Undone> {
    let token = form::read_logout(headers, body).await;
    token.map_err(|_| Undone::Refused("expected a form with one logout_token".to_owned()))
}

/// What the provider says, if it is one of ours.
async fn believed(site: &Site, token: &str) -> Result<Logout, Undone> {
    let mut providers = site.gateway.providers().iter();
    let Some(provider) = providers.find(|provider| provider.is_meant_by(token)) else {
        let why = "it is no token of a provider that is set here, to this client alone";
        return Err(Undone::Refused(why.to_owned()));
    };
    let now = site.gateway.door.authority.now().await;
    let now = now.map_err(|error: EngineError| unknown(&error))?;
    provider
        .read_logout(token, now)
        .await
        .map_err(|error| match error {
            FederationError::Token(fault) => refused(fault),
            error => unknown(&error),
        })
}

fn refused(fault: TokenFault) -> Undone {
    Undone::Refused(fault.to_string())
}

fn unknown(error: &(dyn std::error::Error + 'static)) -> Undone {
    tracing::warn!(
        error,
        "a logout could not be carried out; it is to be sent again"
    );
    Undone::Unknown
}
