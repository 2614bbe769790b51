//! The logout token: the provider's word that somebody is signed out there (OpenID Connect
//! Back-Channel Logout 1.0, 2.4 and 2.6).

use std::time::Duration;

use innkeeper_domain::federation::{FederatedLogout, LoggedOut};
use innkeeper_domain::name::{IssuerSubject, SubjectId};
use innkeeper_domain::session::Timestamp;

use crate::claims::Claims;
use crate::error::TokenFault;
use crate::id_token::{in_time, session, subject_here};
use crate::jws::Unverified;
use crate::settings::Settings;

/// For how long a logout token may be on its way. The standard would have them live two minutes.
const ISSUED_WITHIN: Duration = Duration::from_mins(5);
/// The event that makes it one. It begins with http, and is a name, not an address.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// A logout that a provider told of. Only a token that was believed makes one.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Logout {
    /// What ends by it.
    pub order: FederatedLogout,
    /// Whose sessions those are, where the provider's name for the person tells.
    pub subject: Option<SubjectId>,
    /// The token's own name: it is to be heard once.
    pub token_id: String,
}

/// Refuses what does not say to be a logout token: an ID token, which browsers hold, would do
/// otherwise for one (ASVS 10.5.5).
pub(crate) fn is_logout_token(token: &Unverified<'_>) -> Result<(), TokenFault> {
    if token.kind() == Some("logout+jwt") {
        Ok(())
    } else {
        Err(TokenFault::Kind)
    }
}

/// Reads claims that the provider signed.
pub(crate) fn judge(
    claims: &Claims,
    settings: &Settings,
    now: Timestamp,
) -> Result<Logout, TokenFault> {
    claims.are_between(settings.issuer.as_str(), &settings.client_id)?;
    let issued_at = in_time(claims, ISSUED_WITHIN, now)?;
    let event = claims.get("events").and_then(|events| events.get(EVENT));
    if !event.is_some_and(serde_json::Value::is_object) {
        return Err(TokenFault::NoLogout);
    }
    if claims.has("nonce") {
        return Err(TokenFault::HasNonce);
    }
    let token_id = claims.required("jti")?;
    if token_id.is_empty() {
        return Err(TokenFault::Claim("jti"));
    }
    let sub = claims.text("sub")?;
    let named = sub.map(|sub| IssuerSubject::parse(sub).map_err(|_| TokenFault::Claim("sub")));
    let of = match (session(claims)?, named.transpose()?) {
        (Some(session), subject) => LoggedOut::Session(session, subject),
        (None, Some(subject)) => LoggedOut::Subject(subject),
        (None, None) => return Err(TokenFault::Nobody),
    };
    // Where another claim names people here, the provider's own name leads to nobody.
    let leads = settings.subject_claim == "sub";
    Ok(Logout {
        order: FederatedLogout {
            issuer: settings.issuer.clone(),
            of,
            issued_at,
        },
        subject: sub
            .filter(|_| leads)
            .and_then(|sub| subject_here(settings, sub)),
        token_id: token_id.to_owned(),
    })
}
