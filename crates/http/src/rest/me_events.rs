//! `GET /me/events`: what happens to one's own account, live.
//!
//! Told are another sign-in, and that this session has ended and why; then the stream ends. It is
//! no sign of life: a page left open would keep its session alive for ever. And it is for who
//! holds a good token: once the one that opened it was replaced, whoever has that hears no more.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use innkeeper_api as api;
use innkeeper_api::ProblemCode;
use innkeeper_domain::check::find_valid;
use innkeeper_domain::name::TenantId;
use innkeeper_domain::session::{Ending, SessionId, TokenDigest};
use innkeeper_engine::check::Activity;
use innkeeper_engine::events::Event;
use innkeeper_engine::events::feed::Watch;
use innkeeper_store::JournalEntry;
use innkeeper_store::journal::SessionEvent;
use tokio::time::{Instant, sleep_until};

use super::me::Nothing;
use crate::layer::{Door, Principal};
use crate::problem::ProblemAnswer;
use crate::query::Query;
use crate::route::Route;
use crate::sse::Stream;
use crate::{sse, wire};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(
            "/me/events",
            events,
            "ownEvents",
            "Be told of another sign-in, and of the end of this session and why",
        )
        .detail(
            "Server-sent events, each with an event as JSON; the stream ends after the end was \
             told, or once the token that opened it is no longer good: after the grace of a \
             rotation, and at once after a reauthentication or a changed credential. It does not \
             count as activity.",
        )
        .takes::<(Principal, Query<Nothing>)>()
        .refuses(&[ProblemCode::TooManyStreams]),
    ]
}

/// `GET /me/events`: a stream of server-sent events; 429 `too-many-streams` if this session,
/// its subject or its tenant has many already.
async fn events(State(door): State<Door>, request: Request) -> Result<Stream, ProblemAnswer> {
    let (mut parts, _) = request.into_parts();
    let Query(Nothing {}) = Query::from_request_parts(&mut parts, &door).await?;
    let principal = door.principal(&parts, Activity::Passive).await?;
    let checked = principal.checked();
    let (session, token) = (checked.session.id, principal.token());
    let Some(watch) = door.authority.watch(&checked.roster.tenant, session) else {
        return Err(ProblemAnswer::from(ProblemCode::TooManyStreams).retry_after(5));
    };
    let live = Live {
        tenant: checked.roster.tenant.clone(),
        door,
        session,
        token,
        watch,
        ready: VecDeque::from([sse::greeting(None)]),
        beat: Instant::now() + sse::HEARTBEAT,
        // It may have ended between the check and our beginning to watch.
        is_in_doubt: true,
        is_over: false,
    };
    Ok(sse::answer(live, |mut live| async move {
        let text = live.next().await?;
        live.beat = Instant::now() + sse::HEARTBEAT;
        Some((text, live))
    }))
}

struct Live {
    door: Door,
    tenant: TenantId,
    session: SessionId,
    token: TokenDigest,
    watch: Watch,
    ready: VecDeque<String>,
    beat: Instant,
    is_in_doubt: bool,
    is_over: bool,
}

/// How this session, and the token that this was opened with, stand.
enum Standing {
    /// Both are good.
    Good,
    /// The session lives, but by another token.
    Replaced,
    Ended(Option<Ending>),
}

/// That the session has ended, as told by its roster rather than by the journal.
#[derive(serde::Serialize)]
struct Over {
    #[serde(rename = "type")]
    kind: &'static str,
    session: String,
    at: Option<api::Timestamp>,
    reason: Option<api::EndReason>,
    ended_by: Option<api::EndedBy>,
}

impl Live {
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(text) = self.ready.pop_front() {
                return Some(text);
            }
            if self.is_over {
                return None;
            }
            if self.is_in_doubt {
                self.is_in_doubt = false;
                match self.standing().await? {
                    Standing::Good => {}
                    Standing::Replaced => return None,
                    Standing::Ended(ending) => {
                        self.end(ending);
                        continue;
                    }
                }
                // Not before: a sign of life is for a good token too.
                if Instant::now() >= self.beat {
                    return Some(sse::heartbeat(None));
                }
            }
            tokio::select! {
                // Without an entry some were missed, and whoever comes back looks anew.
                entry = self.watch.next() => self.take(&entry?).await?,
                () = sleep_until(self.beat) => self.is_in_doubt = true,
            }
        }
    }

    /// Tells of an entry, if it is about another sign-in or the end of this session.
    async fn take(&mut self, entry: &Arc<JournalEntry>) -> Option<()> {
        let mut text = String::new();
        let mut is_over = false;
        for event in Event::of(entry) {
            let is_of_interest = match event.what() {
                SessionEvent::Opened { session, .. } => *session != self.session,
                SessionEvent::Rotated { session, .. } => {
                    self.is_in_doubt |= *session == self.session;
                    false
                }
                SessionEvent::Ended { session, .. } => {
                    is_over |= *session == self.session;
                    *session == self.session
                }
                _ => false,
            };
            if is_of_interest {
                sse::message(&mut text, None, &wire::event(&event));
            }
        }
        if !is_over && !text.is_empty() {
            // Time may have ended it before, or the grace of its token: what comes after that is
            // not for it.
            match self.standing().await? {
                Standing::Good => {}
                Standing::Replaced => return None,
                Standing::Ended(ending) => {
                    self.end(ending);
                    return Some(());
                }
            }
        }
        if !text.is_empty() {
            self.ready.push_back(text);
        }
        self.is_over = is_over;
        Some(())
    }

    async fn standing(&self) -> Option<Standing> {
        let tag = self.session.tag();
        let found = self.door.authority.roster_at(&self.tenant, tag).await;
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a stream ends");
                return None;
            }
        };
        let Some(found) = found else {
            return Some(Standing::Ended(None));
        };
        let (roster, now) = (&found.roster, found.now);
        if find_valid(roster, self.token, now).is_some() {
            return Some(Standing::Good);
        }
        if roster.live(now).any(|s| s.id == self.session) {
            return Some(Standing::Replaced);
        }
        let ending = match roster.find_ended(self.session, now) {
            Some(ended) => Some(ended.ending),
            None => roster.find(self.session).and_then(|s| s.expiry(now)),
        };
        Some(Standing::Ended(ending))
    }

    fn end(&mut self, ending: Option<Ending>) {
        let over = Over {
            kind: "session.ended",
            session: self.session.to_string(),
            at: ending.map(|e| wire::timestamp(e.at)),
            reason: ending.map(|e| wire::end_reason(e.reason)),
            ended_by: ending.map(|e| wire::ended_by(e.initiator)),
        };
        let mut text = String::new();
        sse::message(&mut text, None, &over);
        self.ready.push_back(text);
        self.is_over = true;
    }
}
