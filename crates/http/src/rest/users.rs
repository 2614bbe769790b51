//! Local users, for administrators.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use axum::extract::FromRequestParts;
use axum::{Extension, Router};
use http::request::Parts;
use innkeeper_api as api;
use innkeeper_api::{Problem, ProblemCode};
use innkeeper_domain::name::{SubjectId, TenantId};
use serde_json::json;

use super::subjects;
use crate::json::Json;
use crate::layer::{Admin, Caller, Door};
use crate::openapi::Operation;
use crate::problem::ProblemAnswer;
use crate::query::Query;
use crate::query_or_body::QueryOrBody;
use crate::route::{self, Created, Part, Route};
use crate::segment::Segment;

/// Who keeps the users that sign in here, for the calls about them.
///
/// Each call is done wholly, whether or not its caller waits for the answer (S19).
#[async_trait]
pub trait LocalUsers: fmt::Debug + Send + Sync {
    /// Makes a user; 409 `name-taken` where there is one of that name.
    async fn add(
        &self,
        tenant: TenantId,
        asked: api::UserCreateRequest,
    ) -> Result<api::UserView, ProblemAnswer>;

    /// Gives a user another password and ends all sessions that rest on the old one; says how
    /// many. 404 where there is no such user.
    async fn set_password(
        &self,
        tenant: TenantId,
        name: &str,
        password: api::NewPassword,
    ) -> Result<usize, ProblemAnswer>;

    /// Ends all sessions of a user and removes it; says how many ended. 404 where there is no such
    /// user.
    async fn remove(&self, tenant: TenantId, name: &str) -> Result<usize, ProblemAnswer>;

    /// Removes every user whose sessions are counted under that subject, and ends nothing: that
    /// is for whoever erases the subject to do, afterwards.
    async fn forget(&self, tenant: TenantId, subject: SubjectId) -> Result<(), ProblemAnswer>;

    /// A page of the users, in the order of their names.
    async fn list(
        &self,
        tenant: TenantId,
        after: Option<&str>,
    ) -> Result<api::UserPage, ProblemAnswer>;
}

/// The calls that concern local users, which know these. Where there are none, those about users
/// alone are 404.
pub(super) fn router(users: Option<Arc<dyn LocalUsers>>) -> Router<Door> {
    let router = route::router([routes(), subjects::routes_with_users()].concat());
    match users {
        Some(users) => router.layer(Extension(users)),
        None => router,
    }
}

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::post("/v1/users", add, "addUser", "Make a local user")
            .detail("The user can sign in at once.")
            .example(
                json!({"name": "carol", "password": "correct horse battery", "groups": ["staff"]}),
            )
            .refuses(&[ProblemCode::NameTaken]),
        Route::get(
            "/v1/users",
            list,
            "listUsers",
            "List the local users of a tenant",
        ),
        Route::put(
            "/v1/users/{name}/password",
            set_password,
            "setPassword",
            "Give a local user another password",
        )
        .detail(
            "Ends all sessions of the user as `credential_change`, and raises the generation, so \
             that no sign-in with the old password is let in.",
        )
        .example(json!({"password": "correct horse battery"})),
        Route::delete(
            "/v1/users/{name}",
            remove,
            "removeUser",
            "Remove a local user",
        )
        .detail(
            "Ends all sessions of the user as `credential_change`, and raises the generation, so \
             that no sign-in under way is let in. The user goes last: a call that broke off \
             leaves a user with whom nobody can sign in, and is repeated. What is known of the \
             subject stays, until that is deleted.",
        ),
    ]
}

/// `POST /v1/users`: 201 with the user.
async fn add(
    caller: Caller<Admin>,
    Directory(users): Directory,
    Query(query): Query<api::TenantQuery>,
    Json(asked): Json<api::UserCreateRequest>,
) -> Result<Created<api::UserView>, ProblemAnswer> {
    let tenant = caller.tenant_of(&query, asked.tenant.as_deref())?;
    users.add(tenant, asked).await.map(Created)
}

/// `GET /v1/users`: 200 with a page of them.
async fn list(
    caller: Caller<Admin>,
    Directory(users): Directory,
    Query(query): Query<api::UsersQuery>,
) -> Result<Json<api::UserPage>, ProblemAnswer> {
    let tenant = caller.tenant(query.tenant.as_deref())?;
    users.list(tenant, query.after.as_deref()).await.map(Json)
}

/// `PUT /v1/users/{name}/password`: 200 with how many sessions ended.
async fn set_password(
    caller: Caller<Admin>,
    Directory(users): Directory,
    Segment(name): Segment<String>,
    Query(query): Query<api::TenantQuery>,
    Json(asked): Json<api::PasswordRequest>,
) -> Result<Json<api::EndedCount>, ProblemAnswer> {
    let tenant = caller.tenant_of(&query, asked.tenant.as_deref())?;
    let ended = users.set_password(tenant, &name, asked.password).await?;
    Ok(Json(api::EndedCount { ended }))
}

/// `DELETE /v1/users/{name}`: 200 with how many sessions ended.
async fn remove(
    caller: Caller<Admin>,
    Directory(users): Directory,
    Segment(name): Segment<String>,
    QueryOrBody(named): QueryOrBody<api::TenantQuery>,
) -> Result<Json<api::EndedCount>, ProblemAnswer> {
    let tenant = caller.tenant(named.tenant.as_deref())?;
    let ended = users.remove(tenant, &name).await?;
    Ok(Json(api::EndedCount { ended }))
}

/// Who keeps local users, if anybody does.
pub(super) struct MaybeDirectory(pub(super) Option<Arc<dyn LocalUsers>>);

impl<S: Sync> FromRequestParts<S> for MaybeDirectory {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get().map(Arc::clone)))
    }
}

impl Part for MaybeDirectory {
    fn describe(_: &mut Operation<'_>) {}
}

/// The local users, where there are any to keep.
struct Directory(Arc<dyn LocalUsers>);

impl<S: Sync> FromRequestParts<S> for Directory {
    type Rejection = ProblemAnswer;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ProblemAnswer> {
        let users = parts.extensions.get::<Arc<dyn LocalUsers>>();
        users.map(|users| Self(Arc::clone(users))).ok_or_else(|| {
            Problem::new(ProblemCode::NotFound)
                .detail("No users are kept here.")
                .into()
        })
    }
}

impl Part for Directory {
    fn describe(operation: &mut Operation<'_>) {
        operation.refuses(ProblemCode::NotFound);
    }
}
