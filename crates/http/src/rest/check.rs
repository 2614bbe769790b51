//! `POST /v1/check`: is this token good?

use std::borrow::Cow;
use std::time::Duration;

use axum::BoxError;
use axum::body::{Bytes, HttpBody};
use axum::extract::State;
use http::{HeaderMap, StatusCode};
use innkeeper_api as api;
use innkeeper_api::{Problem, ProblemCode};
use innkeeper_domain::check::{Demand, Shortfall};
use innkeeper_domain::name::{SubjectId, TenantId};
use innkeeper_domain::token::SessionToken;
use innkeeper_engine::check::{Activity, CheckAnswer, CheckRequest, Checked, Renewal};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::json;

use crate::diagnosis::Tree;
use crate::json::{self, Json};
use crate::layer::{self, Caller, Door, one_tenant};
use crate::problem::{ProblemAnswer, invalid};
use crate::query::Query;
use crate::route::Route;
use crate::wire::{self, Current};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::post(
            "/v1/check",
            check,
            "check",
            "Say whether a token is good, and whose it is",
        )
        .example(json!({"token": "ik_…", "subject": "alice", "max_age": 900}))
        .refuses(&[
            ProblemCode::NoSession,
            ProblemCode::DeviceMismatch,
            ProblemCode::WrongSubject,
            ProblemCode::StepUpRequired,
        ]),
        Route::post(
            "/v1/check/batch",
            check_batch,
            "checkBatch",
            "Check up to 256 tokens at once",
        )
        .detail(
            "Each result is what the single call would answer, with its status in it: also 422, \
             and 403 for a tenant that the key may not name. The whole is 422 only where it is no \
             list of at most 256 objects, or names no fit tenant for those that name none.",
        )
        .example(json!({"checks": [{"token": "ik_…"}, {"token": "ik_…", "passive": true}]})),
    ]
}

/// 200 with a result for each, in the same order.
async fn check_batch(
    caller: Caller<layer::Check>,
    State(door): State<Door>,
    Query(query): Query<api::TenantQuery>,
    Json(asked): Json<api::CheckBatchRequest<Unread>>,
) -> Result<Json<api::CheckBatchAnswer>, ProblemAnswer> {
    // What is wrong with the whole call is told once, and not once for each.
    let stray = asked.checks.iter().position(|one| !one.is_object());
    if let Some(at) = stray {
        return Err(invalid(format!("checks[{at}]"), "expected an object"));
    }
    let named = one_tenant(&query, asked.tenant.as_deref())?;
    match named {
        Some(_) => drop(caller.tenant(named)?),
        None => drop(caller.key()?),
    }
    let mut results = Vec::with_capacity(asked.checks.len());
    for one in &asked.checks {
        results.push(match judge_unread(&caller, &door, named, one).await {
            Ok(answer) => {
                let status = StatusCode::OK.as_u16();
                api::CheckBatchResult::Good(Box::new(api::CheckBatchGood { status, answer }))
            }
            Err(refusal) => api::CheckBatchResult::Refused(refusal.problem().clone()),
        });
    }
    Ok(Json(api::CheckBatchAnswer { results }))
}

/// 200 with the session; 401 `no-session` with the reason; 403 where it lacks something.
async fn check(
    caller: Caller<layer::Check>,
    State(door): State<Door>,
    Query(query): Query<api::TenantQuery>,
    Json(asked): Json<api::CheckRequest>,
) -> Result<Json<api::CheckAnswer>, ProblemAnswer> {
    answer(&caller, &door, &query, &asked).await
}

/// The same for a request that names nothing in a query, by its headers and its body.
pub(crate) async fn check_plainly<B>(
    door: &Door,
    headers: &HeaderMap,
    body: B,
) -> Result<Json<api::CheckAnswer>, ProblemAnswer>
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    let caller = Caller::<layer::Check>::prove(door, headers)?;
    let asked: api::CheckRequest = json::read(headers, body).await?;
    answer(&caller, door, &api::TenantQuery::default(), &asked).await
}

async fn answer(
    caller: &Caller<layer::Check>,
    door: &Door,
    query: &api::TenantQuery,
    asked: &api::CheckRequest,
) -> Result<Json<api::CheckAnswer>, ProblemAnswer> {
    let tenant = caller.tenant_of(query, asked.tenant.as_deref())?;
    judge(door, tenant, asked).await.map(Json)
}

/// A check of a batch as it was written. What is wrong with it is wrong with it alone.
#[derive(Deserialize)]
#[serde(transparent)]
struct Unread(Tree);

/// What it should be.
impl JsonSchema for Unread {
    fn schema_name() -> Cow<'static, str> {
        api::CheckRequest::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        api::CheckRequest::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        api::CheckRequest::json_schema(generator)
    }
}

impl Unread {
    const fn is_object(&self) -> bool {
        matches!(self.0, Tree::Object(_))
    }
}

/// Judges it as if it came alone; where it names no tenant, it is of the one that is `named`.
async fn judge_unread(
    caller: &Caller<layer::Check>,
    door: &Door,
    named: Option<&str>,
    Unread(written): &Unread,
) -> Result<api::CheckAnswer, ProblemAnswer> {
    let read = written.read::<api::CheckRequest>();
    let asked = read.map_err(|field| invalid(field.field, field.message))?;
    let tenant = caller.tenant(asked.tenant.as_deref().or(named))?;
    judge(door, tenant, &asked).await
}

async fn judge(
    door: &Door,
    tenant: TenantId,
    asked: &api::CheckRequest,
) -> Result<api::CheckAnswer, ProblemAnswer> {
    let subject = wire::optional("subject", asked.subject.as_deref(), SubjectId::parse)?;
    let assurance = asked.assurance.map(wire::assurance).transpose()?;
    let Ok(token) = SessionToken::parse(asked.token.reveal()) else {
        return Err(wire::no_session(None));
    };
    let device = wire::shown(asked.device_token.as_ref(), &token);
    let request = CheckRequest {
        token,
        tenant: Some(tenant),
        demand: Demand {
            subject,
            assurance,
            max_age: asked.max_age.map(Duration::from_secs),
            device,
        },
        activity: if asked.passive {
            Activity::Passive
        } else {
            Activity::Active
        },
        renewal: Renewal::IfDue,
    };
    match door.authority.check(&request).await.map_err(wire::failed)? {
        CheckAnswer::Valid(passed) => Ok(show(&passed.open().map_err(wire::failed)?)),
        CheckAnswer::NoSession(ending) => Err(wire::no_session(ending)),
        CheckAnswer::Shortfall(Shortfall::DeviceMismatch) => {
            Err(ProblemCode::DeviceMismatch.into())
        }
        CheckAnswer::Shortfall(Shortfall::WrongSubject) => Err(ProblemCode::WrongSubject.into()),
        CheckAnswer::Shortfall(Shortfall::StepUp) => {
            let asked = api::StepUp {
                assurance: asked.assurance,
                max_age: asked.max_age,
            };
            Err(Problem::new(ProblemCode::StepUpRequired)
                .with(&asked)
                .into())
        }
    }
}

fn show(checked: &Checked) -> api::CheckAnswer {
    let roster = &checked.roster;
    api::CheckAnswer {
        subject: roster.subject.as_str().to_owned(),
        tenant: roster.tenant.as_str().to_owned(),
        session: wire::session(roster, &checked.session, Current::Yes, checked.now),
        rotated: checked
            .rotated
            .as_ref()
            .map(|t| api::Secret::new(t.reveal())),
    }
}
