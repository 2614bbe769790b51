//! Signing out.

use axum::extract::{Request, State};
use axum::response::Response;
use innkeeper_domain::session::{EndReason, Initiator};
use innkeeper_engine::check::{Activity, Checked};
use innkeeper_engine::revoke::Scope;
use innkeeper_federation::Provider;
use innkeeper_http::problem::ProblemAnswer;
use innkeeper_http::wire;

use super::Site;
use super::sign_in;
use crate::form::{self, ButtonForm};
use crate::visitor::Visitor;

/// `POST /sign-out`: ends this session, and its cookie goes.
pub(super) async fn submit(State(site): State<Site>, request: Request) -> Response {
    site.answer(try_submit(&site, request).await)
}

async fn try_submit(site: &Site, request: Request) -> Result<Response, ProblemAnswer> {
    let (parts, body) = request.into_parts();
    site.require_own_form(&parts)?;
    let ButtonForm {} = form::read(&parts.headers, body).await?;
    match site
        .gateway
        .visitor(&parts.headers, Activity::Passive)
        .await?
    {
        Visitor::SignedIn(checked) => sign_out(site, &checked).await,
        // Whoever has no session is signed out already.
        Visitor::Ended(..) | Visitor::Stranger => Ok(farewell(site, None)),
    }
}

/// Ends the session of whoever asks. The cookie goes only once the end is known to be durable.
pub(super) async fn sign_out(site: &Site, checked: &Checked) -> Result<Response, ProblemAnswer> {
    let own = Scope::Holder(checked);
    let (reason, by) = (EndReason::Logout, Initiator::User);
    let authority = &site.gateway.door.authority;
    let revoked = authority.revoke(own, checked.session.id, reason, by).await;
    // However it came about, it is over.
    let _ = revoked.map_err(wire::failed)?;
    let federation = checked.session.federation.as_deref();
    let of = |provider: &&Provider| federation.is_some_and(|f| f.issuer == *provider.issuer());
    Ok(farewell(site, site.gateway.providers().iter().find(of)))
}

/// To the form, which tells of the sign-out, and of the provider at which it is not done.
fn farewell(site: &Site, still_at: Option<&Provider>) -> Response {
    let mut response = sign_in::redirect_after_sign_out(site, still_at);
    site.gateway.door.part(response.headers_mut());
    response
}
