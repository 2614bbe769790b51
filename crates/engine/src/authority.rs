//! The authority: a store, a register, random bytes and the policy in force.

use std::fmt;
use std::sync::Arc;

use innkeeper_domain::name::{SubjectId, TenantId};
use innkeeper_domain::policy::Policy;
use innkeeper_domain::token::{RosterTag, TagKey};
use innkeeper_store::register::Put;
use innkeeper_store::{Register, SessionStore, StoreError};
use tokio::sync::Mutex;

use crate::archive::Copies;
use crate::ask;
use crate::budget::Tills;
use crate::bulk::Orders;
use crate::choice::TicketKey;
use crate::entropy::{Entropy, NoEntropy};
use crate::events::CursorKey;
use crate::events::feed::Feed;
use crate::follow::Followed;
use crate::keys::KeyRing;
use crate::lanes::Lanes;
use crate::metrics::Metrics;
use crate::policy;

/// What an authority stands on.
#[derive(Clone, Debug)]
pub struct Services {
    /// Where rosters lie.
    pub store: Arc<dyn SessionStore>,
    /// Where everything else lies.
    pub register: Arc<dyn Register>,
    /// Where random bytes come from.
    pub entropy: Arc<dyn Entropy>,
}

/// Knows every session of every subject, and decides about them.
pub struct Authority {
    pub(crate) store: Arc<dyn SessionStore>,
    pub(crate) register: Arc<dyn Register>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) lanes: Lanes,
    pub(crate) policy: Followed,
    pub(crate) keys: KeyRing,
    pub(crate) cursor_key: CursorKey,
    pub(crate) feed: Feed,
    pub(crate) copies: Option<Copies>,
    pub(crate) orders: Orders,
    /// Held by the one trial over the journal that may be under way: it holds much.
    pub(crate) histories: Mutex<()>,
    pub(crate) metrics: Metrics,
    pub(crate) tills: Tills,
    pub(crate) tag_key: TagKey,
    pub(crate) ticket_key: TicketKey,
}

/// Why the authority could not answer. It never guesses: each of these is a 503.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The store did not do it, or nobody knows whether it did. Repeat, and see.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Without random bytes nothing is born.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
    /// Others changed the roster again and again while this was decided. Repeat.
    #[error("roster {0} changed too often while this was decided")]
    Contended(RosterTag),
    /// The store's answer is about something else than was asked. Nothing in it is believed.
    #[error("the store answered about another roster than {0}")]
    Mixed(RosterTag),
    /// A roster obeys a newer policy than this node can find. It decides nothing by an older one.
    #[error("policy {obeyed} is obeyed already, and the newest to be found is {found}")]
    PolicyBehind {
        /// What the roster obeys.
        obeyed: u64,
        /// What the register holds.
        found: u64,
    },
    /// A key of this name is there already. Draw another.
    #[error("key {0} is there already")]
    KeyTaken(String),
    /// A value in the register cannot be read back. Page an operator.
    #[error("the register's {name} is unreadable")]
    Register {
        /// Which value.
        name: String,
        /// What the decoder said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

const TAG_KEY: &str = "tag-key";
const CURSOR_KEY: &str = "cursor-key";
const TICKET_KEY: &str = "ticket-key";

impl Authority {
    /// Opens an authority over a store, with `policy` in force from now on.
    ///
    /// A store that is new gets its tag key and its ticket key. If the policy differs from the one the store last
    /// knew, it gets the next version, and every roster obeys it before its next answer.
    pub async fn open(services: Services, policy: Policy) -> Result<Self, EngineError> {
        let (_, policy) = policy::file(&*services.register, policy).await?;
        Self::under(services, policy).await
    }

    /// Opens an authority over a store under the policy that it holds, for whoever changes
    /// something else in it.
    pub async fn open_as_it_is(services: Services) -> Result<Self, EngineError> {
        let policy = policy::load(&*services.register).await?;
        Self::under(services, policy.unwrap_or_default()).await
    }

    async fn under(services: Services, policy: Policy) -> Result<Self, EngineError> {
        let Services {
            store,
            register,
            entropy,
        } = services;
        let tag_key = tag_key(&*register, &*entropy).await?;
        let cursor_key = find_or_make_key(CURSOR_KEY, &*register, &*entropy).await?;
        let ticket_key = find_or_make_key(TICKET_KEY, &*register, &*entropy).await?;
        let now = ask::time(&*store).await?;
        let keys = KeyRing::load(&*register).await?;
        Ok(Self {
            store,
            register,
            entropy,
            lanes: Lanes::default(),
            policy: Followed::new(policy, now),
            keys,
            cursor_key: CursorKey::from_entropy(cursor_key),
            feed: Feed::default(),
            copies: None,
            orders: Orders::default(),
            histories: Mutex::default(),
            metrics: Metrics::default(),
            tills: Tills::default(),
            tag_key,
            ticket_key: TicketKey::from_entropy(ticket_key),
        })
    }

    /// The same, counting and measuring with these.
    #[must_use]
    pub fn counting(mut self, metrics: Metrics) -> Self {
        self.metrics = metrics;
        self
    }

    /// What has been counted.
    #[must_use]
    pub const fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The routing tag of a subject.
    #[must_use]
    pub fn tag(&self, tenant: &TenantId, subject: &SubjectId) -> RosterTag {
        RosterTag::of(&self.tag_key, tenant, subject)
    }

    /// The policy in force.
    #[must_use]
    pub fn policy(&self) -> Arc<Policy> {
        self.policy.load_full()
    }

    /// Where everything else lies: for those above who keep things of their own, like users.
    #[must_use]
    pub fn register(&self) -> &dyn Register {
        &*self.register
    }

    /// Where random bytes come from.
    #[must_use]
    pub fn entropy(&self) -> &dyn Entropy {
        &*self.entropy
    }

    /// Says whether changes can be made at all.
    pub fn ready(&self) -> Result<(), StoreError> {
        self.store.ready()
    }
}

impl fmt::Debug for Authority {
    /// Leaves the store out: what it holds is everybody's, the keys among it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority")
            .field("policy", &self.policy.load().version)
            .finish_non_exhaustive()
    }
}

/// The key that hides names in routing tags: made with the store, and never changed.
pub async fn tag_key(
    register: &dyn Register,
    entropy: &dyn Entropy,
) -> Result<TagKey, EngineError> {
    let key = find_or_make_key(TAG_KEY, register, entropy).await?;
    Ok(TagKey::from_entropy(key))
}

/// The key of that name, which every node of this store has; the first one draws it.
async fn find_or_make_key(
    name: &str,
    register: &dyn Register,
    entropy: &dyn Entropy,
) -> Result<[u8; 32], EngineError> {
    loop {
        if let Some(found) = register.get(name).await? {
            return found.value.try_into().map_err(|_| EngineError::Register {
                name: name.into(),
                source: "it is not 32 bytes long".into(),
            });
        }
        let made = entropy.draw::<32>()?;
        // Another node may have been first: then its key is the one.
        if let Put::Done(_) = register.put(name, None, Some(made.to_vec())).await? {
            return Ok(made);
        }
    }
}
