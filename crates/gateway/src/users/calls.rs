//! The calls about users, as the API takes them.

use async_trait::async_trait;
use innkeeper_api as api;
use innkeeper_api::{Problem, ProblemCode};
use innkeeper_domain::name::{GroupName, SubjectId, TenantId};
use innkeeper_domain::session::Initiator;
use innkeeper_http::layer::wholly;
use innkeeper_http::problem::{ProblemAnswer, invalid};
use innkeeper_http::rest::LocalUsers;
use innkeeper_http::wire;

use super::{Added, NewUser, Users, UsersError, drawn_subject};
use crate::password::Password;
use crate::user_name::UserName;

/// The most users on one page.
const PAGE_MAX: usize = 200;

#[async_trait]
impl LocalUsers for Users {
    async fn add(
        &self,
        tenant: TenantId,
        asked: api::UserCreateRequest,
    ) -> Result<api::UserView, ProblemAnswer> {
        let name = wire::name("name", &asked.name, UserName::parse)?;
        let subject = wire::optional("subject", asked.subject.as_deref(), SubjectId::parse)?;
        let groups = asked.groups.iter().map(String::as_str);
        let groups = wire::list("groups", groups, GroupName::parse)?;
        let password = new_password(&asked.password)?;
        let subject = match subject {
            Some(subject) => subject,
            None => drawn_subject(self.authority.entropy()).map_err(wire::failed)?,
        };
        let view = api::UserView {
            name: name.to_string(),
            subject: subject.to_string(),
            groups: groups.iter().map(ToString::to_string).collect(),
        };
        let user = NewUser {
            name,
            subject: Some(subject),
            groups: groups.into_vec(),
            password,
        };
        let users = self.of(tenant);
        let added = wholly(async move { Ok(users.add(user).await) }).await?;
        match added.map_err(refused)? {
            Added::Done => Ok(view),
            Added::NameTaken => Err(ProblemCode::NameTaken.into()),
        }
    }

    async fn set_password(
        &self,
        tenant: TenantId,
        name: &str,
        password: api::NewPassword,
    ) -> Result<usize, ProblemAnswer> {
        let name = wire::name("name", name, UserName::parse)?;
        let password = new_password(&password)?;
        let users = self.of(tenant);
        let by = Initiator::Admin;
        let ended = wholly(async move { Ok(users.set_password(&name, password, by).await) });
        let ended = ended.await?.map_err(refused)?;
        ended.ok_or_else(|| ProblemCode::NotFound.into())
    }

    async fn remove(&self, tenant: TenantId, name: &str) -> Result<usize, ProblemAnswer> {
        let name = wire::name("name", name, UserName::parse)?;
        let users = self.of(tenant);
        let ended = wholly(async move { Ok(users.remove(&name, Initiator::Admin).await) });
        let ended = ended.await?.map_err(refused)?;
        ended.ok_or_else(|| ProblemCode::NotFound.into())
    }

    async fn forget(&self, tenant: TenantId, subject: SubjectId) -> Result<(), ProblemAnswer> {
        let users = self.of(tenant);
        wholly(async move { users.forget(&subject).await }).await
    }

    async fn list(
        &self,
        tenant: TenantId,
        after: Option<&str>,
    ) -> Result<api::UserPage, ProblemAnswer> {
        let after = wire::optional("after", after, UserName::parse)?;
        let all = self.of(tenant).all().await.map_err(wire::failed)?;
        let mut users = all
            .into_iter()
            .filter(|user| after.as_ref().is_none_or(|after| *after < user.name));
        let page: Vec<_> = users.by_ref().take(PAGE_MAX).collect();
        let more = users.next().is_some();
        let next = page
            .last()
            .filter(|_| more)
            .map(|user| user.name.to_string());
        let view = |user: super::User| api::UserView {
            name: user.name.to_string(),
            subject: user.subject,
            groups: user.groups,
        };
        Ok(api::UserPage {
            users: page.into_iter().map(view).collect(),
            next,
        })
    }
}

/// A password that may be somebody's from now on (ASVS 6.2.1: at least 8 characters).
fn new_password(given: &api::NewPassword) -> Result<Password, ProblemAnswer> {
    let password = Password::new(given.reveal());
    if password.is_too_short() {
        let least = Password::CHARACTERS_MIN;
        return Err(invalid(
            "password",
            format!("expected at least {least} characters"),
        ));
    }
    Ok(password)
}

fn refused(error: UsersError) -> ProblemAnswer {
    match error {
        UsersError::Engine(error) => wire::failed(error),
        UsersError::PasswordTooLong => invalid("password", UsersError::PasswordTooLong.to_string()),
        UsersError::Busy => Problem::new(ProblemCode::Unavailable)
            .detail("Too many passwords are being worked on.")
            .into(),
        UsersError::Hash => {
            tracing::error!("a password could not be hashed");
            ProblemCode::Internal.into()
        }
    }
}
