//! The gateway: a door for browsers, and the users who come in by it.

use std::sync::Arc;

use innkeeper_domain::name::{ClientId, TenantId};
use innkeeper_federation::Provider;
use innkeeper_http::layer::Door;

use crate::hasher::Cost;
use crate::users::Users;

/// What the pages stand on.
#[derive(Clone, Debug)]
pub struct Gateway {
    pub(crate) door: Door,
    pub(crate) tenant: TenantId,
    pub(crate) client: ClientId,
    pub(crate) has_sample: bool,
    providers: Arc<[Provider]>,
    users: Users,
}

impl Gateway {
    /// A gateway for the users of one tenant, which opens sessions for `client`.
    #[must_use]
    pub fn new(door: Door, tenant: TenantId, client: ClientId) -> Self {
        let users = Users::new(Arc::clone(&door.authority), tenant.clone(), Cost::OWASP);
        Self {
            door,
            tenant,
            client,
            has_sample: false,
            providers: Arc::default(),
            users,
        }
    }

    /// A gateway as [`new`](Self::new) makes one, with the sample application at `/`. Sessions are
    /// opened for the client `demo`.
    #[must_use]
    pub fn demo(door: Door, tenant: TenantId) -> Self {
        let client = ClientId::parse("demo").expect("it is a name");
        Self {
            has_sample: true,
            ..Self::new(door, tenant, client)
        }
    }

    /// Lets passwords cost something else than [`Cost::OWASP`].
    #[must_use]
    pub fn at_cost(mut self, cost: Cost) -> Self {
        let authority = Arc::clone(&self.door.authority);
        self.users = Users::new(authority, self.tenant.clone(), cost);
        self
    }

    /// Lets the passwords of `users` be worked on in the same places as those of its others.
    #[must_use]
    pub fn with_users(mut self, users: Users) -> Self {
        self.users = users;
        self
    }

    /// Lets people sign in with these providers too, in the order to show them.
    #[must_use]
    pub fn with_providers(mut self, providers: Vec<Provider>) -> Self {
        self.providers = providers.into();
        self
    }

    /// The providers that people sign in with.
    pub(crate) fn providers(&self) -> &[Provider] {
        &self.providers
    }

    /// The provider that is called so here.
    pub(crate) fn provider(&self, name: &str) -> Option<&Provider> {
        self.providers.iter().find(|p| p.name().as_str() == name)
    }

    /// Whether people are asked if they want to stay signed in: where the policy says what then.
    pub(crate) fn offers_to_remember(&self) -> bool {
        let policy = self.door.authority.policy();
        policy.speaks_of_remembered(&self.client)
    }

    /// Who may sign in.
    #[must_use]
    pub const fn users(&self) -> &Users {
        &self.users
    }
}
