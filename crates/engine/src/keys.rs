//! API keys: who may call, and for what.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use innkeeper_domain::name::TenantId;
use innkeeper_domain::session::Timestamp;
use innkeeper_domain::token::ApiKey;
use innkeeper_store::Register;
use innkeeper_store::register::Put;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use tokio::sync::Mutex;

use crate::{Authority, EngineError};

const KEYS: &str = "key/";

/// What a key opens.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyScope {
    /// Everything.
    Admin,
    /// Sign-ins and rotations.
    Admit,
    /// Checks.
    Check,
    /// The journal.
    Events,
    /// Subjects and their sessions.
    Manage,
}

/// A key as it is listed: never its secret.
#[derive(Clone, Debug)]
pub struct KeyInfo {
    /// Its public name, `key_…`.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it opens.
    pub scopes: Vec<KeyScope>,
    /// The one tenant it may name; `None` for all.
    pub tenant: Option<TenantId>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl KeyInfo {
    /// Whether it opens any of these.
    #[must_use]
    pub fn opens(&self, scopes: &[KeyScope]) -> bool {
        self.scopes
            .iter()
            .any(|s| *s == KeyScope::Admin || scopes.contains(s))
    }

    /// Whether it may speak of that tenant.
    #[must_use]
    pub fn may_name(&self, tenant: &TenantId) -> bool {
        self.tenant.as_ref().is_none_or(|own| own == tenant)
    }
}

#[derive(Deserialize, Serialize)]
struct KeyRecord {
    name: String,
    scopes: Vec<KeyScope>,
    tenant: Option<String>,
    digest: [u8; 32],
    created_at: u64,
}

struct Held {
    info: Arc<KeyInfo>,
    digest: [u8; 32],
    version: u64,
}

/// All keys, in memory; the register is the truth.
#[derive(Default)]
pub(crate) struct KeyRing {
    held: ArcSwap<HashMap<String, Arc<Held>>>,
    /// Held from reading the register until the ring says the same. Of two who reload at once,
    /// the one with the older reading must not come last: it would bring a revoked key back.
    reloading: Mutex<()>,
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyRing({} keys)", self.held.load().len())
    }
}

impl KeyRing {
    pub(crate) async fn load(register: &dyn Register) -> Result<Self, EngineError> {
        let ring = Self::default();
        ring.reload(register).await?;
        Ok(ring)
    }

    async fn reload(&self, register: &dyn Register) -> Result<(), EngineError> {
        let _turn = self.reloading.lock().await;
        let mut keys = HashMap::new();
        for (name, held) in register.list(KEYS).await? {
            let unreadable =
                |source: Box<dyn std::error::Error + Send + Sync>| EngineError::Register {
                    name: name.clone(),
                    source,
                };
            let record: KeyRecord =
                serde_json::from_slice(&held.value).map_err(|e| unreadable(e.into()))?;
            let tenant = record.tenant.as_deref().map(TenantId::parse).transpose();
            let id = name.trim_start_matches(KEYS).to_owned();
            let info = KeyInfo {
                id: id.clone(),
                name: record.name,
                scopes: record.scopes,
                tenant: tenant.map_err(|e| unreadable(e.into()))?,
                created_at: Timestamp::from_millis(record.created_at),
            };
            let held = Held {
                info: Arc::new(info),
                digest: record.digest,
                version: held.version,
            };
            keys.insert(id, Arc::new(held));
        }
        self.held.store(Arc::new(keys));
        Ok(())
    }
}

impl Authority {
    /// Draws a key. It opens nothing until it is [enrolled](Self::enrol_key).
    pub fn prepare_key(&self) -> Result<ApiKey, EngineError> {
        let (id, secret) = (self.entropy.draw()?, self.entropy.draw()?);
        Ok(ApiKey::from_entropy(id, secret))
    }

    /// Makes a key open what `scopes` say. Its text is in `key` and nowhere else.
    pub async fn enrol_key(
        &self,
        key: &ApiKey,
        name: &str,
        scopes: Vec<KeyScope>,
        tenant: Option<TenantId>,
        now: Timestamp,
    ) -> Result<Arc<KeyInfo>, EngineError> {
        let record = KeyRecord {
            name: name.into(),
            scopes: scopes.clone(),
            tenant: tenant.as_ref().map(|t| t.as_str().into()),
            digest: key.digest(),
            created_at: now.as_millis(),
        };
        let value = serde_json::to_vec(&record).expect("a record is valid JSON");
        let at = format!("{KEYS}{}", key.id());
        // 96 random bits: nobody else has this name.
        let _ = self.register.put(&at, None, Some(value)).await?;
        self.keys.reload(&*self.register).await?;
        Ok(Arc::new(KeyInfo {
            id: key.id(),
            name: name.into(),
            scopes,
            tenant,
            created_at: now,
        }))
    }

    /// All keys, in the order of their making.
    #[must_use]
    pub fn keys(&self) -> Vec<Arc<KeyInfo>> {
        let mut keys: Vec<_> = self
            .keys
            .held
            .load()
            .values()
            .map(|h| Arc::clone(&h.info))
            .collect();
        keys.sort_by_cached_key(|k| (k.created_at, k.id.clone()));
        keys
    }

    /// Revokes a key: it opens nothing from now on. Says whether there was one.
    pub async fn revoke_key(&self, id: &str) -> Result<bool, EngineError> {
        loop {
            let Some(held) = self.keys.held.load().get(id).cloned() else {
                return Ok(false);
            };
            let put = self
                .register
                .put(&format!("{KEYS}{id}"), Some(held.version), None)
                .await?;
            self.keys.reload(&*self.register).await?;
            if let Put::Done(_) = put {
                return Ok(true);
            }
        }
    }

    /// The key that this text is, if it is one.
    #[must_use]
    pub fn authenticate_key(&self, text: &str) -> Option<Arc<KeyInfo>> {
        let key = ApiKey::parse(text).ok()?;
        let keys = self.keys.held.load();
        let held = keys.get(&key.id())?;
        let same: bool = held.digest.ct_eq(&key.digest()).into();
        same.then(|| Arc::clone(&held.info))
    }

    /// The store's time, for what is made outside any roster.
    pub async fn now(&self) -> Result<Timestamp, EngineError> {
        // Any roster will do: the time belongs to the store.
        let anywhere = innkeeper_domain::token::RosterTag::from_bytes([0; 16]);
        Ok(self.store.read(anywhere, None).await?.now)
    }
}
