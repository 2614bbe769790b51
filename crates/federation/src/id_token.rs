//! The ID token: who signed in, when and how, as the provider vouches for it (OpenID Connect Core
//! 1.0, 3.1.3.7; IPSIE SL1).

use std::time::Duration;

use innkeeper_domain::federation::FederatedSignIn;
use innkeeper_domain::name::{
    AuthenticationMethod, GroupName, IssuerSession, IssuerSubject, SubjectId,
};
use innkeeper_domain::session::{AssuranceLevel, AuthenticationEvent, Timestamp};

use crate::CLOCKS_DIFFER;
use crate::claims::Claims;
use crate::error::TokenFault;
use crate::flow::{Flow, Freshness};
use crate::jws::Unverified;
use crate::settings::Settings;

/// How long ago an ID token may have been issued that came with a code a moment ago.
const ISSUED_WITHIN: Duration = Duration::from_mins(5);
/// The most groups that a person may be in.
const GROUPS_MAX: usize = 256;

/// A person whom a provider vouches for. Only a token that was believed makes one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Vouched {
    /// Who it is here: the name of the provider, a colon, and the claim that names the person.
    pub subject: SubjectId,
    /// What to call the person on a page.
    pub display_name: Option<String>,
    /// How identity was proved, and when.
    pub authentication: AuthenticationEvent,
    /// The person's groups, where the provider is asked for them.
    pub groups: Option<Box<[GroupName]>>,
    /// What ties a session to this.
    pub sign_in: FederatedSignIn,
}

/// Refuses what says to be a token of another kind.
pub(crate) fn is_id_token(token: &Unverified<'_>) -> Result<(), TokenFault> {
    match token.kind() {
        None | Some("jwt") => Ok(()),
        Some(_) => Err(TokenFault::Kind),
    }
}

/// The subject of a person whom the provider calls so.
pub(crate) fn subject_here(settings: &Settings, text: &str) -> Option<SubjectId> {
    SubjectId::parse(&format!("{}:{text}", settings.name)).ok()
}

/// Reads claims that the provider signed, as the answer to `flow`.
pub(crate) fn judge(
    claims: &Claims,
    settings: &Settings,
    flow: &Flow,
    now: Timestamp,
) -> Result<Vouched, TokenFault> {
    claims.are_between(settings.issuer.as_str(), &settings.client_id)?;
    let issued_at = in_time(claims, ISSUED_WITHIN, now)?;
    if claims.required("nonce")? != flow.nonce() {
        return Err(TokenFault::Nonce);
    }
    if claims.has("events") {
        return Err(TokenFault::HasEvents);
    }
    let vouched_until = claims.moment("session_expiry")?;
    if vouched_until.is_some_and(|until| until <= now) {
        return Err(TokenFault::VouchedNoLonger);
    }
    let sub = claims.required("sub")?;
    let named = claims.get(&settings.subject_claim).and_then(|c| c.as_str());
    let named = named.filter(|text| !text.is_empty());
    Ok(Vouched {
        subject: named
            .and_then(|text| subject_here(settings, text))
            .ok_or(TokenFault::Claim("subject"))?,
        display_name: display_name(claims),
        authentication: AuthenticationEvent {
            at: proved_at(claims, settings, flow, now)?,
            methods: methods(claims)?,
            assurance: assurance(claims, settings)?,
        },
        groups: groups(claims, settings)?,
        sign_in: FederatedSignIn {
            issuer: settings.issuer.clone(),
            subject: IssuerSubject::parse(sub).map_err(|_| TokenFault::Claim("sub"))?,
            session: session(claims)?,
            issued_at,
            vouched_until,
        },
    })
}

/// What the provider calls its own session, if it tells.
pub(crate) fn session(claims: &Claims) -> Result<Option<IssuerSession>, TokenFault> {
    let sid = claims.text("sid")?;
    sid.map(|sid| IssuerSession::parse(sid).map_err(|_| TokenFault::Claim("sid")))
        .transpose()
}

/// When a token was issued, if that was within `span` of now and its time is not over.
pub(crate) fn in_time(
    claims: &Claims,
    span: Duration,
    now: Timestamp,
) -> Result<Timestamp, TokenFault> {
    if now.since(claims.required_moment("exp")?) >= CLOCKS_DIFFER {
        return Err(TokenFault::Expired);
    }
    let issued_at = claims.required_moment("iat")?;
    let is_yet_to_come = |at: Timestamp| at.since(now) > CLOCKS_DIFFER;
    if is_yet_to_come(issued_at) || now.since(issued_at) > span + CLOCKS_DIFFER {
        return Err(TokenFault::IssuedAt);
    }
    if claims.moment("nbf")?.is_some_and(is_yet_to_come) {
        return Err(TokenFault::IssuedAt);
    }
    Ok(issued_at)
}

/// When identity was proved. It has to be said: we always ask how old the proof may be (Core
/// 3.1.2.1), and one of unknown age would pass for a fresh one.
fn proved_at(
    claims: &Claims,
    settings: &Settings,
    flow: &Flow,
    now: Timestamp,
) -> Result<Timestamp, TokenFault> {
    let at = claims.required_moment("auth_time")?;
    if at.since(now) > CLOCKS_DIFFER {
        return Err(TokenFault::Claim("auth_time"));
    }
    let is_stale = match flow.freshness {
        Freshness::AsSet => now.since(at) > settings.max_age + CLOCKS_DIFFER,
        Freshness::Anew => flow.begun_at.since(at) > CLOCKS_DIFFER,
    };
    if is_stale {
        return Err(TokenFault::Stale);
    }
    Ok(at)
}

fn methods(claims: &Claims) -> Result<Box<[AuthenticationMethod]>, TokenFault> {
    let Some(value) = claims.get("amr") else {
        return Ok(Box::default());
    };
    let wrong = TokenFault::Claim("amr");
    let texts = Claims::texts(value, AuthenticationEvent::METHODS_MAX).ok_or(wrong)?;
    let named = texts.into_iter().map(AuthenticationMethod::parse);
    named.collect::<Result<_, _>>().map_err(|_| wrong)
}

/// What the proof was worth: as much as is set for its strength; else as much as a password.
fn assurance(claims: &Claims, settings: &Settings) -> Result<AssuranceLevel, TokenFault> {
    let acr = claims.text("acr")?;
    let set = acr.and_then(|acr| settings.assurance.get(acr).copied());
    Ok(set.unwrap_or(AssuranceLevel::new(1).expect("it is one of ten")))
}

/// The groups, where one claim is for them. Without it the person is in none; one that cannot be
/// read refuses the sign-in, since it may have been one that restricts.
fn groups(claims: &Claims, settings: &Settings) -> Result<Option<Box<[GroupName]>>, TokenFault> {
    let Some(name) = &settings.groups_claim else {
        return Ok(None);
    };
    let Some(value) = claims.get(name) else {
        return Ok(Some(Box::default()));
    };
    let wrong = TokenFault::Claim("groups");
    let texts = Claims::texts(value, GROUPS_MAX).ok_or(wrong)?;
    let named: Result<_, _> = texts.into_iter().map(GroupName::parse).collect();
    named.map(Some).map_err(|_| wrong)
}

/// A name for pages; one that could not be a name here is left out.
fn display_name(claims: &Claims) -> Option<String> {
    let of = |name| {
        let text = claims.text(name).ok().flatten()?;
        SubjectId::parse(text).ok().map(|name| name.to_string())
    };
    of("preferred_username").or_else(|| of("email"))
}
