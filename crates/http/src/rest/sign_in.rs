//! `POST /v1/sessions`: a subject signs in.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use http::HeaderMap;
use innkeeper_api as api;
use innkeeper_api::ProblemCode;
use innkeeper_domain::admission::{Recognition, SignIn};
use innkeeper_domain::device::DeviceToken;
use innkeeper_domain::name::{AuthenticationMethod, ClientId, GroupName, SubjectId};
use innkeeper_domain::roster::{Contact, Generation};
use innkeeper_domain::session::{AuthenticationEvent, Origin, SessionClass, SessionId, Timestamp};
use innkeeper_domain::ticket::ChoiceTicket;
use innkeeper_domain::token::SessionToken;
use innkeeper_engine::budget::Place;
use innkeeper_engine::choice::ChoiceRequest;
use innkeeper_engine::sign_in::{Idempotency, SignInAnswer, SignInRequest, SignedIn};
use serde_json::json;

use crate::budget::{Budgeted, over_budget};
use crate::idempotency::IdempotencyKey;
use crate::json::Json;
use crate::layer::{Admit, Caller, Door, wholly};
use crate::problem::{ProblemAnswer, invalid};
use crate::query::Query;
use crate::route::{Created, Link, Route};
use crate::user_agent;
use crate::wire::{self, Current};

pub(super) fn routes() -> Vec<Route> {
    let key = json!({"type": "string", "pattern": "^[!-~]{16,255}$"});
    let about = "Unguessable; a repeat with it gets the same answer for ten minutes.";
    let of_session = |name, operation| {
        Link::to(name, operation)
            .parameter("id", "$response.body#/session/id")
            .parameter("tenant", "$response.body#/session/tenant")
    };
    vec![
        Route::post("/v1/sessions", admit, "signIn", "Let a subject sign in")
            .detail(
                "A refusal changes nothing, and is never a failed sign-in. `session-limit` comes \
                 with a ticket in `choice` where the subject may choose whom to end: send it back \
                 within five minutes with `subject` and, in `end`, enough of the sessions that \
                 were listed. All else that was known of the sign-in is in the ticket, which works \
                 once.",
            )
            .header("Idempotency-Key", about, &key)
            .example(json!({"subject": "alice", "client": "web", "methods": ["pwd"]}))
            .refuses(&[
                ProblemCode::SubjectDisabled,
                ProblemCode::DeviceNotTrusted,
                ProblemCode::SessionLimit,
                ProblemCode::AlreadyUsed,
                ProblemCode::StaleGeneration,
                ProblemCode::TooManySignIns,
            ])
            .link(of_session("show", "showSession"))
            .link(of_session("end", "endSession"))
            .link(
                Link::to("check", "check")
                    .parameter("tenant", "$response.body#/session/tenant")
                    .body(json!({"token": "$response.body#/token"})),
            ),
    ]
}

/// How far the clock of a caller may be ahead of ours, as is usual for the times in a JWT (RFC 7519,
/// 4.1.4: "no more than a few minutes").
const CLOCKS_DIFFER: Duration = Duration::from_mins(1);

/// 201 with the token; 403, 409, 412, 422 or 429 with a problem, and nothing changed.
async fn admit(
    caller: Caller<Admit>,
    State(door): State<Door>,
    Query(query): Query<api::TenantQuery>,
    headers: HeaderMap,
    Json(asked): Json<api::SignInRequest>,
) -> Result<Budgeted<Created<api::SignInAnswer>>, ProblemAnswer> {
    let tenant = caller.tenant_of(&query, asked.tenant.as_deref())?;
    let idempotency = IdempotencyKey::find(&headers)?.map(|key| {
        let meaning = serde_json::to_vec(&asked).expect("what was read as JSON can be written");
        Idempotency::new(&tenant, key.reveal(), &meaning)
    });
    let subject = wire::name("subject", &asked.subject, SubjectId::parse)?;
    // A text that is no token is nobody's session: there is nothing to end.
    let replaces = asked
        .replaces
        .as_ref()
        .and_then(|t| SessionToken::parse(t.reveal()).ok());
    let sign_in = understand(&asked)?;
    if asked.authenticated_at.is_some() {
        let now = door.authority.now().await.map_err(wire::failed)?;
        let ahead = sign_in.authentication.at.since(now);
        if ahead > CLOCKS_DIFFER {
            return Err(invalid("authenticated_at", lies_ahead(ahead)));
        }
    }

    let authority = Arc::clone(&door.authority);
    let answer = if let Some(ticket) = &asked.choice {
        if let Some(field) = in_the_ticket(&asked) {
            let how = "is in the ticket as it was proved: leave it out";
            return Err(invalid(field, how));
        }
        let request = ChoiceRequest {
            place: Place::Api,
            tenant,
            subject,
            ticket: ChoiceTicket::parse(ticket.reveal()).map_err(|_| unknown_ticket())?,
            end: chosen(asked.end.as_deref().unwrap_or_default())?,
            replaces,
            idempotency,
        };
        wholly(async move { authority.choose(request).await }).await?
    } else if asked.end.is_some() {
        return Err(invalid("end", "needs the ticket of a refusal in `choice`"));
    } else {
        let request = SignInRequest {
            tenant,
            subject,
            sign_in,
            replaces,
            // A text that is no device token is no device that is known.
            device: asked
                .device_token
                .as_ref()
                .and_then(|t| DeviceToken::parse(t.reveal()).ok()),
            idempotency,
        };
        wholly(async move { authority.sign_in_within_budget(request).await }).await?
    };
    match answer {
        SignInAnswer::Admitted(signed_in) | SignInAnswer::Repeated(signed_in) => {
            Ok(Budgeted(signed_in.left, Created(show(&signed_in))))
        }
        SignInAnswer::Refused(refusal, turned_away) => Err(wire::refused(&refusal, &turned_away)),
        SignInAnswer::UnknownTicket => Err(unknown_ticket()),
        SignInAnswer::KeyMisused => Err(invalid(
            "Idempotency-Key",
            "this key was used for another request",
        )),
        SignInAnswer::AlreadyUsed => Err(ProblemCode::AlreadyUsed.into()),
        SignInAnswer::OverBudget(spent) => Err(over_budget(&spent)),
        SignInAnswer::TooManyKeys => {
            Err(ProblemAnswer::from(ProblemCode::TooManySignIns).retry_after(60))
        }
    }
}

/// A moment a little ahead is now: a session never rests on a proof that is yet to come. One far
/// ahead was never meant, and would have passed for the freshest there can be.
fn lies_ahead(by: Duration) -> String {
    format!(
        "lies {} seconds ahead of the clock here, {} more than clocks may differ: compare the clocks, \
         and send the moment in UTC, or leave it out for now",
        by.as_secs(),
        by.saturating_sub(CLOCKS_DIFFER).as_secs(),
    )
}

fn unknown_ticket() -> ProblemAnswer {
    invalid(
        "choice",
        "was not issued here for this subject, or its five minutes are over: sign in again",
    )
}

/// What a call with a ticket says of the sign-in for which the ticket stands already.
fn in_the_ticket(asked: &api::SignInRequest) -> Option<&'static str> {
    [
        ("client", asked.client.is_some()),
        ("class", asked.class != api::Class::Interactive),
        ("actor", asked.actor.is_some()),
        ("generation", asked.generation.is_some()),
        ("methods", !asked.methods.is_empty()),
        ("assurance", asked.assurance.is_some()),
        ("authenticated_at", asked.authenticated_at.is_some()),
        ("device_token", asked.device_token.is_some()),
        ("user_agent", asked.user_agent.is_some()),
        ("ip", asked.ip.is_some()),
        ("groups", asked.groups.is_some()),
        ("contact", asked.contact.is_some()),
        ("attributes", !asked.attributes.as_object().is_empty()),
        ("remember", asked.remember),
    ]
    .into_iter()
    .find_map(|(field, is_said)| is_said.then_some(field))
}

fn chosen(texts: &[api::Text<128>]) -> Result<Box<[SessionId]>, ProblemAnswer> {
    let read = |(place, text): (usize, &api::Text<128>)| {
        SessionId::parse(text.as_str())
            .map_err(|error| invalid(format!("end[{place}]"), error.to_string()))
    };
    texts.iter().enumerate().map(read).collect()
}

fn understand(asked: &api::SignInRequest) -> Result<SignIn, ProblemAnswer> {
    let class = match asked.class {
        api::Class::Interactive => SessionClass::Interactive,
        api::Class::Machine => SessionClass::Machine,
        api::Class::Impersonation => SessionClass::Impersonation,
    };
    let actor = wire::optional("actor", asked.actor.as_deref(), SubjectId::parse)?;
    match (class, &actor) {
        (SessionClass::Impersonation, None) => {
            return Err(invalid("actor", "say who acts as the subject"));
        }
        (SessionClass::Interactive | SessionClass::Machine, Some(_)) => {
            return Err(invalid("actor", "goes with the class impersonation only"));
        }
        _ => {}
    }
    let groups = asked
        .groups
        .as_ref()
        .map(|groups| {
            wire::list(
                "groups",
                groups.iter().map(String::as_str),
                GroupName::parse,
            )
        })
        .transpose()?;
    let attributes = asked.attributes.as_object();
    let described = user_agent::describe(asked.user_agent.as_ref().map(api::Text::as_str));
    Ok(SignIn {
        client: wire::optional("client", asked.client.as_deref(), ClientId::parse)?,
        class,
        actor,
        remember: asked.remember,
        authentication: AuthenticationEvent {
            // One that is left out or lies a little ahead is now: admission takes the earlier.
            at: asked.authenticated_at.map_or(Timestamp::MAX, wire::moment),
            methods: methods(&asked.methods)?,
            assurance: wire::assurance(asked.assurance.unwrap_or_default())?,
        },
        evidence: asked.generation.map(Generation),
        groups,
        contact: asked.contact.as_ref().map(contact).transpose()?,
        replaces: None,
        origin: Origin {
            ip: asked.ip,
            label: described.label,
        },
        device: None,
        device_class: described.class,
        attributes: (!attributes.is_empty())
            .then(|| serde_json::to_string(attributes).map(Into::into))
            .transpose()
            .expect("what was read as JSON can be written"),
        federation: None,
        end: Box::default(),
    })
}

pub(super) fn methods(
    texts: &[api::Text<64>],
) -> Result<Box<[AuthenticationMethod]>, ProblemAnswer> {
    let texts = texts.iter().map(api::Text::as_str);
    wire::list("methods", texts, AuthenticationMethod::parse)
}

/// Mail is sent by these, and a line break in an address would begin another header of it.
pub(super) fn contact(contact: &api::Contact) -> Result<Contact, ProblemAnswer> {
    fn plain(field: &str, text: Option<&str>) -> Result<Option<Box<str>>, ProblemAnswer> {
        match text {
            Some(text) if text.chars().any(char::is_control) => {
                Err(invalid(field, "must not contain control characters"))
            }
            text => Ok(text.map(Into::into)),
        }
    }
    let (email, locale) = (contact.email.as_ref(), contact.locale.as_ref());
    let time_zone = contact.time_zone.as_ref();
    Ok(Contact {
        email: plain("contact.email", email.map(api::Text::as_str))?,
        locale: plain("contact.locale", locale.map(api::Text::as_str))?,
        time_zone: plain("contact.time_zone", time_zone.map(api::Text::as_str))?,
    })
}

fn issued(signed_in: &SignedIn) -> api::IssuedDevice {
    let device = &signed_in.device;
    let known = signed_in.roster.find_device(device.id);
    api::IssuedDevice {
        id: device.id.to_string(),
        token: Some(api::Secret::new(device.token.reveal())),
        known: device.recognition == Recognition::Known,
        trusted: known.is_some_and(|d| d.is_trusted()),
    }
}

fn show(signed_in: &SignedIn) -> api::SignInAnswer {
    let roster = &signed_in.roster;
    api::SignInAnswer {
        token: api::Secret::new(signed_in.token.reveal()),
        session: wire::session(roster, &signed_in.session, Current::Yes, signed_in.now),
        device: Some(issued(signed_in)),
        ended: signed_in
            .ended
            .iter()
            .map(|e| wire::ended(roster, e))
            .collect(),
        previous_sign_in: wire::previous_sign_in(&signed_in.session),
        notices: signed_in
            .notices
            .iter()
            .map(|notice| wire::notice(*notice))
            .collect(),
    }
}
