//! The policy: one document for everybody, read and replaced as a whole.

mod schema;

use std::sync::Arc;

use axum::extract::State;
use innkeeper_api::{self as api, InvalidField, InvalidFields, Problem, ProblemCode};
use innkeeper_domain::name::TenantId;
use innkeeper_domain::policy::{Fault, Policy, PolicyVersion};
use innkeeper_domain::session::Timestamp;
use innkeeper_engine::keys::KeyInfo;
use innkeeper_engine::policy::PolicyPut;
use innkeeper_engine::policy::document::Document;
use innkeeper_engine::policy::history::{HISTORY_SUBJECTS_MAX, HistoryTrial};
use innkeeper_engine::policy::trial::{Example, Trial};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::json::Json;
use crate::layer::{Admin, Caller, Door, Manage, wholly};
use crate::problem::{ProblemAnswer, invalid};
use crate::query::Query;
use crate::route::Route;
use crate::wire;

/// The document, with what is published about it.
#[derive(Debug, Deserialize, Serialize)]
#[serde(transparent)]
pub(super) struct PolicyDocument(Document);

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/policy", show, "showPolicy", "Show the policy in force").detail(
            "Members are named as in the configuration file, with an underscore where that has a \
             hyphen. Every key of `policy` is there that is not off, with the `preset` it keeps to \
             and the `reason` for each key that is laxer than that asks. There is one policy for \
             all tenants, and a key of any of them may read what its subjects are held to. Of \
             `tenants` it sees what holds for its own, and no other's name.",
        ),
        Route::put("/v1/policy", put, "putPolicy", "Replace the policy")
            .detail(
                "The whole of it: a key that is left out is as by default, or as the `preset` \
                 asks. A key that is laxer than the preset needs its `reason`, in `policy` or in \
                 the rule. With `version`, only if that one is still in force. Every roster obeys it before its next answer; \
                 sessions for which no seat or no time is left end as `policy_change`. A restart \
                 with the same configuration file keeps it; a change of the policy in the file \
                 replaces it. Only a key of all tenants may do this.",
            )
            .example(json!({
                "version": 1,
                "policy": {"max_sessions": 3, "at_limit": "refuse", "idle": 900},
                "rules": [{"when": {"group": ["admins"]}, "max_sessions": 1}],
                "limits": [{"per": "client", "when": {"client": ["tv"]}, "max_sessions": 1}],
            }))
            .refuses(&[ProblemCode::StalePolicy]),
        Route::post(
            "/v1/policy/try",
            attempt,
            "tryPolicy",
            "Say what a policy would do",
        )
        .detail(
            "Nothing is changed. The live sessions are gone through as if the policy had been \
             put now; what happens meanwhile is not in it. With `history`, the births and ends of \
             the journal are played again as if it had been in force all along, and what it would \
             have ended or turned away since then is counted. A history knows of no visits, so \
             nobody ends by silence there, and of no groups or own limits but those of today. One \
             is made at a time, 503 meanwhile, and of a journal that names no more than 250,000 \
             subjects. Only a key of all tenants may do this.",
        )
        .example(json!({"policy": {"max_sessions": 2}})),
    ]
}

/// `GET /v1/policy`: 200 with the newest there is, whoever put it.
async fn show(
    caller: Caller<Manage>,
    State(door): State<Door>,
    Query(query): Query<api::TenantQuery>,
) -> Result<Json<PolicyDocument>, ProblemAnswer> {
    caller.tenant_of(&query, None)?;
    let own = caller.key()?;
    let policy = door.authority.newest_policy().await.map_err(wire::failed)?;
    Ok(match &own.tenant {
        None => shown(&policy),
        Some(only) => shown(&seen_by(only, &policy)),
    })
}

/// The policy without what it says of other tenants, their names included.
fn seen_by(only: &TenantId, policy: &Policy) -> Policy {
    let mut seen = policy.clone();
    seen.tenants
        .retain(|row| row.tenants.is_empty() || row.tenants.contains(only));
    for row in &mut seen.tenants {
        row.tenants.retain(|tenant| tenant == only);
    }
    seen
}

/// `PUT /v1/policy`: 200 with what is in force now; 412 if another came between.
async fn put(
    caller: Caller<Admin>,
    State(door): State<Door>,
    Query(query): Query<api::TenantQuery>,
    Json(PolicyDocument(Document(policy))): Json<PolicyDocument>,
) -> Result<Json<PolicyDocument>, ProblemAnswer> {
    caller.tenant_of(&query, None)?;
    let key = of_all_tenants(&caller)?;
    refuse(&policy)?;
    let seen = Some(policy.version).filter(|seen| *seen != PolicyVersion::default());
    let authority = Arc::clone(&door.authority);
    match wholly(async move { authority.put_policy(policy, seen).await }).await? {
        PolicyPut::Done(policy) => {
            tracing::info!(version = policy.version.0, key = %key.id, "policy put");
            Ok(shown(&policy))
        }
        PolicyPut::Stale(policy) => {
            let detail = format!("The version in force is {}.", policy.version.0);
            Err(Problem::new(ProblemCode::StalePolicy).detail(detail).into())
        }
    }
}

/// `POST /v1/policy/try`: 200 with what would happen.
async fn attempt(
    caller: Caller<Admin>,
    State(door): State<Door>,
    Query(query): Query<api::PolicyTrialQuery>,
    Json(PolicyDocument(Document(policy))): Json<PolicyDocument>,
) -> Result<Json<api::PolicyTrial>, ProblemAnswer> {
    caller.tenant(query.tenant.as_deref())?;
    of_all_tenants(&caller)?;
    refuse(&policy)?;
    let back = query.history.as_deref().map(span_back).transpose()?;
    let authority = Arc::clone(&door.authority);
    let trial = wholly(async move {
        let Some(back) = back else {
            return authority.try_policy(&policy).await.map(HistoryTrial::Done);
        };
        let now = authority.now().await?;
        let since = now.as_millis().saturating_sub(back);
        let since = Timestamp::from_millis(since);
        let at_most = HISTORY_SUBJECTS_MAX;
        authority
            .try_policy_on_history(&policy, since, at_most)
            .await
    });
    match trial.await? {
        HistoryTrial::Done(trial) => Ok(Json(view(trial))),
        HistoryTrial::UnderWay => Err(Problem::new(ProblemCode::Unavailable)
            .detail("A policy is being tried on the history already. Ask again when that is over.")
            .into()),
        HistoryTrial::TooManySubjects => {
            let how = format!(
                "the journal names more than {HISTORY_SUBJECTS_MAX} subjects: leave it out, and \
                 the policy is tried on the live sessions, however many there are"
            );
            Err(invalid("history", how))
        }
    }
}

/// How many milliseconds back a history begins.
fn span_back(asked: &str) -> Result<u64, ProblemAnswer> {
    if asked == "all" {
        return Ok(u64::MAX);
    }
    let seconds = asked.parse::<u64>().ok().filter(|s| *s > 0);
    let within = seconds.filter(|_| asked.len() <= 10 && asked.bytes().all(|b| b.is_ascii_digit()));
    let within = within.filter(|_| !asked.starts_with('0'));
    within.map(|s| s * 1000).ok_or_else(|| {
        let how = "expected whole seconds, 1 to 9999999999, or all";
        invalid("history", how)
    })
}

fn view(trial: Trial) -> api::PolicyTrial {
    let bar = |(live, subjects)| api::PolicyTrialBar { live, subjects };
    let example = |example: Example| api::PolicyTrialExample {
        tenant: example.tenant.to_string(),
        subject: example.subject.to_string(),
        live: example.live,
        ended: example.ended,
        refused: example.refused,
    };
    api::PolicyTrial {
        subjects: trial.subjects,
        sessions: trial.sessions,
        subjects_hit: trial.subjects_hit,
        ended: trial.ended,
        refused: trial.refused,
        histogram: trial.histogram.into_iter().map(bar).collect(),
        examples: trial.examples.into_iter().map(example).collect(),
    }
}

/// The key, if it is not that of one tenant only.
fn of_all_tenants(caller: &Caller<Admin>) -> Result<Arc<KeyInfo>, ProblemAnswer> {
    let key = caller.key()?;
    if key.tenant.is_some() {
        return Err(Problem::new(ProblemCode::Forbidden)
            .detail("The policy is that of all tenants, and this key belongs to one.")
            .into());
    }
    Ok(key)
}

fn shown(policy: &Policy) -> Json<PolicyDocument> {
    Json(PolicyDocument(Document(policy.clone())))
}

/// Refuses what no policy may say, with every field that is wrong.
fn refuse(policy: &Policy) -> Result<(), ProblemAnswer> {
    let fields: Vec<_> = policy.faults().iter().map(field).collect();
    if fields.is_empty() {
        return Ok(());
    }
    let problem = Problem::new(ProblemCode::InvalidRequest);
    Err(problem.with(&InvalidFields { fields }).into())
}

fn field(fault: &Fault) -> InvalidField {
    let place = match fault.rule {
        None => "policy".to_owned(),
        Some(rule) => format!("rules[{rule}]"),
    };
    InvalidField {
        field: format!("{place}.{}", fault.key),
        message: format!("expected {}", fault.expected),
    }
}
