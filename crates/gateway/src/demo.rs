//! The demo: two users and an administrator, with passwords made at the start.

use std::fmt;

use innkeeper_domain::name::{GroupName, SubjectId};
use innkeeper_domain::session::Initiator;
use innkeeper_engine::EngineError;

use crate::gateway::Gateway;
use crate::password::Password;
use crate::user_name::UserName;
use crate::users::{Added, NewUser, UsersError, base32};

/// The group of the demo's administrator: the one that may sign in to the console unless set.
const ADMINISTRATORS: &str = "innkeeper-admins";

/// Who is there, and their groups.
const USERS: [(&str, &[&str]); 3] = [("alice", &[]), ("bob", &[]), ("admin", &[ADMINISTRATORS])];

/// The users of the demo, with the passwords they have from now on.
#[derive(Debug)]
pub struct Demo {
    /// The users, in the order to show them.
    pub users: Vec<DemoUser>,
    /// Whether some were there before, and had their passwords replaced: sessions of theirs
    /// have ended as `credential_change`.
    pub replaced: bool,
}

/// A user of the demo.
pub struct DemoUser {
    /// The name to sign in with, which is the subject too: so that the examples of the manual,
    /// which speak of `alice`, find her sessions.
    pub name: String,
    /// The password, to be shown once.
    pub password: String,
}

impl fmt::Debug for DemoUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DemoUser")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Demo {
    /// Makes the users, or gives those of an earlier start new passwords: what was shown then
    /// was shown once.
    pub async fn prepare(gateway: &Gateway) -> Result<Self, UsersError> {
        let mut demo = Self {
            users: Vec::with_capacity(USERS.len()),
            replaced: false,
        };
        for (name, groups) in USERS {
            let entropy = gateway.door.authority.entropy();
            let password = base32(&entropy.draw::<10>().map_err(EngineError::from)?);
            demo.replaced |= !make(gateway, name, groups, &password).await?;
            demo.users.push(DemoUser {
                name: name.to_owned(),
                password,
            });
        }
        if demo.replaced {
            tracing::info!(
                "the demo users were there already: they have new passwords, and their \
                 sessions have ended"
            );
        }
        Ok(demo)
    }
}

/// Makes a user, or replaces the password of the one that is there. Says whether it is new.
async fn make(
    gateway: &Gateway,
    name: &str,
    groups: &[&str],
    password: &str,
) -> Result<bool, UsersError> {
    let group = |name: &&str| GroupName::parse(name).expect("the groups of the demo are names");
    let name = UserName::parse(name).expect("the users of the demo have names");
    loop {
        let by = Initiator::System;
        if gateway
            .users()
            .set_password(&name, Password::new(password), by)
            .await?
            .is_some()
        {
            return Ok(false);
        }
        let user = NewUser {
            subject: SubjectId::parse(name.as_str()).ok(),
            groups: groups.iter().map(group).collect(),
            password: Password::new(password),
            name: name.clone(),
        };
        if gateway.users().add(user).await? == Added::Done {
            return Ok(true);
        }
    }
}
