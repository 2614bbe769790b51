//! The journal outward: in pages, and live.

use std::collections::VecDeque;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use innkeeper_api as api;
use innkeeper_api::{Problem, ProblemCode};
use innkeeper_domain::name::{SubjectId, TenantId};
use innkeeper_engine::EngineError;
use innkeeper_engine::events::feed::Reader;
use innkeeper_engine::events::{EventPage, Events, Position};
use serde_json::json;
use tokio::time::{Instant, sleep, sleep_until};

use super::sessions::page_limit;
use crate::json::Json;
use crate::layer::{self, Caller, Door};
use crate::openapi::Operation;
use crate::problem::{ProblemAnswer, invalid};
use crate::query::Query;
use crate::route::{Answer, Route};
use crate::sse::Stream;
use crate::{sse, wire};

/// How many events a stream takes up at a time: all that it ever holds.
const AT_ONCE: usize = 64;
/// How long a stream rests between two looks at the journal, so that many of them on a busy
/// journal leave the machine to those who sign in.
const REST: Duration = Duration::from_millis(20);

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(
            "/v1/events",
            events,
            "events",
            "Read what happened to the subjects of a tenant, in pages or live",
        )
        .detail(
            "Of all subjects, or with `subject` of one. With `Accept: text/event-stream` the answer goes on: each message has an event as \
             JSON, and an id from which to go on, by `Last-Event-ID` or `after`. Without `after` \
             both begin with the first event that is kept.",
        )
        .header(
            "Last-Event-ID",
            "The id of the last message that was read; of streams only.",
            &json!({"type": "string", "maxLength": 512}),
        )
        .refuses(&[ProblemCode::CursorExpired, ProblemCode::TooManyStreams]),
    ]
}

/// A page, or a stream for those who accept it.
enum Told {
    Page(api::EventPage),
    Live(Stream),
}

impl IntoResponse for Told {
    fn into_response(self) -> Response {
        match self {
            Self::Page(page) => Json(page).into_response(),
            Self::Live(stream) => stream.into_response(),
        }
    }
}

impl Answer for Told {
    fn describe(operation: &mut Operation<'_>) {
        operation.answers_json::<api::EventPage>(StatusCode::OK);
        let schema = json!({"type": "string"});
        operation.also_answers_as(StatusCode::OK, sse::EVENT_STREAM, &schema);
    }
}

/// `GET /v1/events`: 200 with what came after a cursor, or a stream of what comes.
///
/// 410 `cursor-expired` where what came next is no longer kept, 422 for what is no cursor of this
/// tenant, 429 `too-many-streams`.
async fn events(
    caller: Caller<layer::Events>,
    State(door): State<Door>,
    Query(query): Query<api::EventsQuery>,
    headers: HeaderMap,
) -> Result<Told, ProblemAnswer> {
    let tenant = caller.tenant(query.tenant.as_deref())?;
    let who = wire::optional("subject", query.subject.as_deref(), SubjectId::parse)?;
    let limit = page_limit(query.limit)?;
    let is_live = sse::is_wanted(&headers);
    // Whoever comes back says where it was; the address still says where it began.
    let last = sse::last_event_id(&headers).filter(|_| is_live);
    let from = start(&door, &tenant, last.or(query.after.as_deref())).await?;
    let first = if is_live { AT_ONCE } else { limit };
    let events = door.authority.events(&tenant, who.as_ref(), &from, first);
    let page = match events.await {
        Ok(Events::Page(page)) => page,
        Ok(Events::Expired) => return Err(expired()),
        Err(error) => return Err(wire::failed(error)),
    };
    if is_live {
        let reader = caller.key()?;
        let Some(reader) = door.authority.read_live(&tenant, &reader.id) else {
            return Err(ProblemAnswer::from(ProblemCode::TooManyStreams).retry_after(5));
        };
        let stream = Live::begin(door, caller, (tenant, who), reader, from);
        return stream.map(Told::Live).map_err(wire::failed);
    }
    shown(&door, &tenant, &page)
        .map(Told::Page)
        .map_err(wire::failed)
}

async fn start(
    door: &Door,
    tenant: &TenantId,
    after: Option<&str>,
) -> Result<Position, ProblemAnswer> {
    match after {
        None => door.authority.events_beginning().await.map_err(wire::failed),
        Some("now") => door.authority.events_end().await.map_err(wire::failed),
        Some(text) => door.authority.open_position(tenant, text).ok_or_else(|| {
            invalid(
                "after",
                "is not a cursor of these events: give `next` of a page, the id of a message, or `now`",
            )
        }),
    }
}

fn expired() -> ProblemAnswer {
    Problem::new(ProblemCode::CursorExpired)
        .detail(
            "Begin anew without `after`, and compare what you hold with the sessions as they are.",
        )
        .into()
}

fn shown(door: &Door, tenant: &TenantId, page: &EventPage) -> Result<api::EventPage, EngineError> {
    Ok(api::EventPage {
        events: page.events.iter().map(|(e, _)| wire::event(e)).collect(),
        next: door.authority.seal_position(tenant, &page.next)?,
        more: page.more,
    })
}

/// One who listens. It holds its own place, and reads on from there when it is asked for more.
struct Live {
    door: Door,
    caller: Caller<layer::Events>,
    tenant: TenantId,
    /// The one subject that is asked about, if it is one.
    who: Option<SubjectId>,
    reader: Reader,
    position: Position,
    ready: VecDeque<String>,
    /// When to give a sign of life.
    beat: Instant,
    is_over: bool,
}

impl Live {
    fn begin(
        door: Door,
        caller: Caller<layer::Events>,
        (tenant, who): (TenantId, Option<SubjectId>),
        reader: Reader,
        position: Position,
    ) -> Result<Stream, EngineError> {
        let mut live = Self {
            door,
            caller,
            tenant,
            who,
            reader,
            position,
            ready: VecDeque::new(),
            beat: Instant::now() + sse::HEARTBEAT,
            is_over: false,
        };
        let id = live.id()?;
        live.ready.push_back(sse::greeting(Some(&id)));
        Ok(sse::answer(live, |mut live| async move {
            let text = live.next().await?;
            live.beat = Instant::now() + sse::HEARTBEAT;
            Some((text, live))
        }))
    }

    /// What to say next. Whoever comes back goes on from the last id, whatever ended this.
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(text) = self.ready.pop_front() {
                return Some(text);
            }
            if self.is_over || !self.is_allowed() {
                return None;
            }
            let more = match self.look().await {
                Ok(more) => more,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "a stream ends");
                    return None;
                }
            };
            if more || !self.ready.is_empty() {
                continue;
            }
            tokio::select! {
                more = self.reader.more() => {
                    if !more {
                        return None;
                    }
                    sleep(REST).await;
                }
                () = sleep_until(self.beat) => {
                    // A key that was revoked hears nothing more, not even that.
                    let id = self.is_allowed().then(|| self.id().ok()).flatten()?;
                    return Some(sse::heartbeat(Some(&id)));
                }
            }
        }
    }

    /// Whether the key may still read of this tenant.
    fn is_allowed(&self) -> bool {
        self.caller.tenant(Some(self.tenant.as_str())).is_ok()
    }

    /// Takes up what came after its place, and says whether there is more.
    async fn look(&mut self) -> Result<bool, EngineError> {
        let authority = &self.door.authority;
        let who = self.who.as_ref();
        let events = authority.events(&self.tenant, who, &self.position, AT_ONCE);
        let Events::Page(page) = events.await? else {
            let code = ProblemCode::CursorExpired;
            let problem = Problem::new(code);
            self.ready.push_back(sse::word(code.as_str(), &problem));
            self.is_over = true;
            return Ok(true);
        };
        // A key that was revoked meanwhile is told nothing of it.
        if !self.is_allowed() {
            self.is_over = true;
            return Ok(true);
        }
        let mut text = String::new();
        for (event, after) in &page.events {
            let id = authority.seal_position(&self.tenant, after)?;
            sse::message(&mut text, Some(&id), &wire::event(event));
        }
        if !text.is_empty() {
            self.ready.push_back(text);
        }
        self.position = page.next;
        Ok(page.more)
    }

    fn id(&self) -> Result<String, EngineError> {
        let authority = &self.door.authority;
        authority.seal_position(&self.tenant, &self.position)
    }
}
