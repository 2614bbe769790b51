//! API keys: who may call, and for what.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use innkeeper_domain::name::{ClientId, TenantId};
use innkeeper_domain::session::Timestamp;
use innkeeper_domain::token::ApiKey;
use innkeeper_store::Register;
use innkeeper_store::register::Put;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use tokio::sync::{Mutex, MutexGuard};

use crate::{Authority, EngineError};

const KEYS: &str = "key/";
/// How many keys of one tenant there may be by the word of keys, and how many of all tenants. An
/// operator may always make one more.
pub const KEYS_OF_ONE_TENANT: usize = 1000;

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

    /// Whether it opens everything, of all tenants: one such key must always be left.
    #[must_use]
    pub fn opens_everything(&self) -> bool {
        self.tenant.is_none() && self.scopes.contains(&KeyScope::Admin)
    }

    /// Whether it may speak of that tenant.
    #[must_use]
    pub fn may_name(&self, tenant: &TenantId) -> bool {
        self.tenant.as_ref().is_none_or(|own| own == tenant)
    }
}

/// On whose word keys change.
#[derive(Clone, Copy, Debug)]
pub enum Issuer<'a> {
    /// Whoever runs this process.
    Operator,
    /// Whoever holds the key of this name. It must still be an administrator's when the change
    /// is made, however long ago it was shown.
    Key(&'a str),
}

impl Issuer<'_> {
    fn stands(self, keys: &Keys) -> bool {
        match self {
            Self::Operator => true,
            Self::Key(id) => keys
                .get(id)
                .is_some_and(|held| held.info.opens(&[KeyScope::Admin])),
        }
    }
}

/// The answer to an order to make a key open something.
#[derive(Debug)]
#[must_use]
pub enum Enrolled {
    /// It does.
    Done(Arc<KeyInfo>),
    /// The issuer's own key was revoked meanwhile, and nothing was done.
    IssuerGone,
    /// The tenant has [as many](KEYS_OF_ONE_TENANT) as it may already, and nothing was done.
    TooMany,
}

/// The answer to an order to revoke a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum KeyRevoked {
    /// It opens nothing any more.
    Done,
    /// There is no such key.
    Absent,
    /// The issuer's own key was revoked meanwhile, and nothing was done.
    IssuerGone,
    /// No other key opens everything, and nothing was done.
    LastAdmin,
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

type Keys = HashMap<String, Arc<Held>>;

/// All keys, in memory; the register is the truth.
#[derive(Default)]
pub(crate) struct KeyRing {
    held: ArcSwap<Keys>,
    changing: Mutex<()>,
}

/// A turn to change keys, held from the judgement of the issuer until the ring says what the
/// register does. Of two who change keys at once, the second is judged by what the first did.
struct Turn<'r> {
    ring: &'r KeyRing,
    _held: MutexGuard<'r, ()>,
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyRing({} keys)", self.held.load().len())
    }
}

impl KeyRing {
    pub(crate) async fn load(register: &dyn Register) -> Result<Self, EngineError> {
        let ring = Self::default();
        ring.turn().await.reload(register).await?;
        Ok(ring)
    }

    async fn turn(&self) -> Turn<'_> {
        Turn {
            ring: self,
            _held: self.changing.lock().await,
        }
    }
}

impl Turn<'_> {
    /// Has the ring say what the register does.
    async fn reload(&self, register: &dyn Register) -> Result<Arc<Keys>, EngineError> {
        let mut keys = HashMap::new();
        for (name, held) in register.list(KEYS).await? {
            let (info, digest) = read(&name, &held.value)?;
            let held = Held {
                info: Arc::new(info),
                digest,
                version: held.version,
            };
            keys.insert(held.info.id.clone(), Arc::new(held));
        }
        let keys = Arc::new(keys);
        self.ring.held.store(Arc::clone(&keys));
        Ok(keys)
    }

    /// Has the ring say what the register now does of one key.
    fn tell(&self, id: String, held: Option<Held>) {
        let mut keys = Keys::clone(&self.ring.held.load());
        match held {
            Some(held) => keys.insert(id, Arc::new(held)),
            None => keys.remove(&id),
        };
        self.ring.held.store(Arc::new(keys));
    }
}

fn read(name: &str, value: &[u8]) -> Result<(KeyInfo, [u8; 32]), EngineError> {
    let record: KeyRecord = serde_json::from_slice(value).map_err(|e| unreadable(name, e))?;
    let tenant = record.tenant.as_deref().map(TenantId::parse).transpose();
    let info = KeyInfo {
        id: name.trim_start_matches(KEYS).to_owned(),
        name: record.name,
        scopes: record.scopes,
        tenant: tenant.map_err(|e| unreadable(name, e))?,
        created_at: Timestamp::from_millis(record.created_at),
    };
    Ok((info, record.digest))
}

fn unreadable(
    name: &str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> EngineError {
    EngineError::Register {
        name: name.into(),
        source: source.into(),
    }
}

/// Whether a value that was kept elsewhere is a key as it would be made here.
pub fn vet(name: &str, value: &[u8]) -> Result<(), EngineError> {
    let (info, _) = read(name, value)?;
    ClientId::parse(&info.name).map_err(|e| unreadable(name, e))?;
    if info.scopes.is_empty() {
        return Err(unreadable(name, "it has no scope"));
    }
    if !ApiKey::is_id(&info.id) {
        return Err(unreadable(name, "a key is named key_ and 16 letters"));
    }
    Ok(())
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
        issuer: Issuer<'_>,
        key: &ApiKey,
        name: &str,
        scopes: Vec<KeyScope>,
        tenant: Option<TenantId>,
        now: Timestamp,
    ) -> Result<Enrolled, EngineError> {
        let turn = self.keys.turn().await;
        if let Issuer::Key(_) = issuer {
            let keys = turn.reload(&*self.register).await?;
            if !issuer.stands(&keys) {
                return Ok(Enrolled::IssuerGone);
            }
            let of_tenant = keys.values().filter(|held| held.info.tenant == tenant);
            if of_tenant.count() >= KEYS_OF_ONE_TENANT {
                return Ok(Enrolled::TooMany);
            }
        }
        let record = KeyRecord {
            name: name.into(),
            scopes: scopes.clone(),
            tenant: tenant.as_ref().map(|t| t.as_str().into()),
            digest: key.digest(),
            created_at: now.as_millis(),
        };
        let value = serde_json::to_vec(&record).expect("a record is valid JSON");
        let at = format!("{KEYS}{}", key.id());
        let put = self.register.put(&at, None, Some(value)).await?;
        let Put::Done(version) = put else {
            return Err(EngineError::KeyTaken(key.id()));
        };
        let info = Arc::new(KeyInfo {
            id: key.id(),
            name: name.into(),
            scopes,
            tenant,
            created_at: now,
        });
        let held = Held {
            info: Arc::clone(&info),
            digest: key.digest(),
            version,
        };
        turn.tell(key.id(), Some(held));
        Ok(Enrolled::Done(info))
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

    /// The key of that name, as long as it is not revoked.
    #[must_use]
    pub fn key(&self, id: &str) -> Option<Arc<KeyInfo>> {
        let keys = self.keys.held.load();
        keys.get(id).map(|held| Arc::clone(&held.info))
    }

    /// Revokes a key: it opens nothing from now on.
    ///
    /// The last key that opens everything stays, whoever asks: without one, nobody could make
    /// another.
    pub async fn revoke_key(
        &self,
        issuer: Issuer<'_>,
        id: &str,
    ) -> Result<KeyRevoked, EngineError> {
        let turn = self.keys.turn().await;
        loop {
            let keys = turn.reload(&*self.register).await?;
            if !issuer.stands(&keys) {
                return Ok(KeyRevoked::IssuerGone);
            }
            let Some(held) = keys.get(id) else {
                return Ok(KeyRevoked::Absent);
            };
            let others = || keys.values().filter(|other| other.info.id != id);
            if held.info.opens_everything() && !others().any(|other| other.info.opens_everything())
            {
                return Ok(KeyRevoked::LastAdmin);
            }
            let put = self
                .register
                .put(&format!("{KEYS}{id}"), Some(held.version), None)
                .await?;
            if let Put::Done(_) = put {
                turn.tell(id.to_owned(), None);
                return Ok(KeyRevoked::Done);
            }
        }
    }

    /// Looks up which keys there are, for those that other nodes of a shared store made or revoked.
    pub async fn follow_keys(&self) -> Result<(), EngineError> {
        let turn = self.keys.turn().await;
        turn.reload(&*self.register).await.map(drop)
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
}
