//! Local users: who may sign in here, and by what proof.

mod calls;

use std::fmt;
use std::sync::Arc;

use innkeeper_domain::device::DeviceToken;
use innkeeper_domain::name::{GroupName, NameError, SubjectId, TenantId};
use innkeeper_domain::roster::Generation;
use innkeeper_domain::session::Initiator;
use innkeeper_engine::entropy::Entropy;
use innkeeper_engine::subjects::Standing;
use innkeeper_engine::{Authority, EngineError};
use innkeeper_store::register::Put;
use serde::{Deserialize, Serialize};

use crate::hasher::{Cost, Hasher, PasswordHash, Queue, Turn, Unchecked};
use crate::password::Password;
use crate::user_name::UserName;

/// Under which name all of them lie.
const FOLDERS: &str = "user/";

/// The users of one tenant, in the register.
#[derive(Clone, Debug)]
pub struct Users {
    authority: Arc<Authority>,
    tenant: TenantId,
    hasher: Arc<Hasher>,
}

/// A user to be made.
#[derive(Debug)]
pub struct NewUser {
    /// The name to sign in with.
    pub name: UserName,
    /// The immutable id whose sessions are counted. Left out, a random one is drawn, so that a
    /// name that is given to somebody else one day brings along nothing of its last holder.
    pub subject: Option<SubjectId>,
    /// The groups a sign-in brings along; none leaves those of the subject as they are.
    pub groups: Vec<GroupName>,
    /// The password.
    pub password: Password,
}

/// A user, without what is secret.
#[derive(Debug)]
struct User {
    name: UserName,
    subject: String,
    groups: Vec<String>,
}

/// What became of a user to be made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum Added {
    /// The user is there now.
    Done,
    /// Somebody has that name already, and nothing changed.
    NameTaken,
}

/// A user with another password.
#[derive(Debug)]
struct Changed {
    /// The version of the record that has it.
    version: u64,
    /// How many sessions ended.
    ended: usize,
}

/// A user whose password was right a moment ago.
///
/// Only [`Users::prove`] makes one, so to hold one is proof.
#[derive(Debug)]
#[non_exhaustive]
pub(crate) struct Proved {
    pub(crate) name: UserName,
    pub(crate) subject: SubjectId,
    pub(crate) groups: Vec<GroupName>,
    /// The generation before the password was looked at. A change of credentials in between
    /// makes this evidence stale (S8).
    pub(crate) evidence: Generation,
}

/// Somebody who says to be a user, before any proof.
#[derive(Debug)]
pub(crate) struct Claim {
    /// `None` if what was typed can be nobody's name.
    name: Option<UserName>,
    record: Option<UserRecord>,
    /// That of the user; of a name that nobody has, a random one.
    pub(crate) subject: SubjectId,
    /// How the subject stands before the password is looked at, so that a change of it in between
    /// shows.
    pub(crate) standing: Standing,
}

impl Claim {
    /// Whom they say they are: of all that can be nobody's name, the same.
    pub(crate) fn who(&self) -> &str {
        self.name.as_ref().map_or("", UserName::as_str)
    }

    /// Where to wait, for who shows that device.
    pub(crate) fn queue(&self, device: Option<&DeviceToken>) -> Queue {
        let roster = &self.standing.roster;
        let digest = device.and_then(|token| token.digest_for(roster.tag));
        match digest.and_then(|digest| roster.recognise(digest)) {
            Some(_) => Queue::KnownDevices,
            None => Queue::Strangers,
        }
    }
}

/// Why users cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UsersError {
    /// The authority did not answer.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Too many passwords are being worked on. Try again.
    #[error("too many passwords are being checked")]
    Busy,
    /// A new password is longer than [`Password::LEN_MAX`].
    #[error("a password must be at most {max} bytes long", max = Password::LEN_MAX)]
    PasswordTooLong,
    /// A password could not be worked on at all.
    #[error("a password could not be hashed")]
    Hash,
}

impl From<Unchecked> for UsersError {
    fn from(unchecked: Unchecked) -> Self {
        match unchecked {
            Unchecked::Busy => Self::Busy,
            Unchecked::Broken => Self::Hash,
        }
    }
}

/// A user as the register keeps it.
#[derive(Deserialize, Serialize)]
struct UserRecord {
    subject: String,
    #[serde(default)]
    groups: Vec<String>,
    password: PasswordHash,
}

impl fmt::Debug for UserRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserRecord")
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

impl Users {
    /// The users of `tenant`, whose passwords cost `cost` from now on.
    #[must_use]
    pub fn new(authority: Arc<Authority>, tenant: TenantId, cost: Cost) -> Self {
        Self {
            authority,
            tenant,
            hasher: Arc::new(Hasher::new(cost)),
        }
    }

    /// The users of another tenant, whose passwords wait for the same places.
    fn of(&self, tenant: TenantId) -> Self {
        Self {
            authority: Arc::clone(&self.authority),
            tenant,
            hasher: Arc::clone(&self.hasher),
        }
    }

    /// Whether a value that was kept elsewhere is a user as it would be kept here.
    pub fn vet(place: &str, value: &[u8]) -> Result<(), EngineError> {
        let (tenant, name) = read_key(place)?;
        if key(&tenant, &name) != place {
            return Err(unreadable(place, Foreign));
        }
        let record = read_record(place, value)?;
        SubjectId::parse(&record.subject).map_err(|error| unreadable(place, error))?;
        for group in &record.groups {
            GroupName::parse(group).map_err(|error| unreadable(place, error))?;
        }
        if record.password.is_readable() {
            Ok(())
        } else {
            Err(unreadable(place, Foreign))
        }
    }

    /// All users, in the order of their names.
    async fn all(&self) -> Result<Vec<User>, EngineError> {
        let prefix = folder(&self.tenant);
        let held = self.authority.register().list(&prefix).await?;
        let mut users = held
            .into_iter()
            .map(|(key, held)| {
                let record = read_record(&key, &held.value)?;
                let name = UserName::parse(&key[prefix.len()..]);
                Ok(User {
                    name: name.map_err(|error| unreadable(&key, error))?,
                    subject: record.subject,
                    groups: record.groups,
                })
            })
            .collect::<Result<Vec<_>, EngineError>>()?;
        users.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        Ok(users)
    }

    /// Makes a user, unless the name is taken.
    pub async fn add(&self, user: NewUser) -> Result<Added, UsersError> {
        let subject = match user.subject {
            Some(subject) => subject,
            None => drawn_subject(self.authority.entropy())?,
        };
        let record = UserRecord {
            subject: subject.to_string(),
            groups: user.groups.iter().map(ToString::to_string).collect(),
            password: self.hash(user.password).await?,
        };
        let put = self.put(&user.name, None, &record).await?;
        Ok(match put {
            Put::Done(_) => Added::Done,
            Put::Stale => Added::NameTaken,
        })
    }

    /// Gives a user another password, and ends all sessions that rest on the old one.
    ///
    /// Says how many, or `None` where there is no such user. The password is changed first: a
    /// sign-in with the old one that is under way then finds its evidence stale (S8).
    pub async fn set_password(
        &self,
        name: &UserName,
        password: Password,
        initiator: Initiator,
    ) -> Result<Option<usize>, UsersError> {
        let changed = self.change_password(name, password, initiator).await?;
        Ok(changed.map(|changed| changed.ended))
    }

    /// Ends all sessions of a user and removes it: nobody signs in by that name any more.
    ///
    /// Says how many ended, or `None` where there is no such user. What is known of the subject
    /// stays; erasing that is another order.
    ///
    /// The user goes last, and with a password that nobody knows: whoever is interrupted finds it
    /// again and repeats, and meanwhile nobody signs in. The other way around, sessions could be
    /// left whose user nobody finds.
    pub async fn remove(
        &self,
        name: &UserName,
        initiator: Initiator,
    ) -> Result<Option<usize>, UsersError> {
        let mut ended = 0;
        loop {
            let nobodys = self.authority.entropy().draw::<32>();
            let nobodys = Password::new(&base32(&nobodys.map_err(EngineError::from)?));
            let Some(changed) = self.change_password(name, nobodys, initiator).await? else {
                return Ok((ended > 0).then_some(ended));
            };
            ended += changed.ended;
            let (key, register) = (self.key(name), self.authority.register());
            let gone = register.put(&key, Some(changed.version), None).await;
            if let Put::Done(_) = gone.map_err(EngineError::from)? {
                return Ok(Some(ended));
            }
        }
    }

    /// Removes every user of a subject: whatever proof they had is of no use any more.
    async fn forget(&self, subject: &SubjectId) -> Result<(), EngineError> {
        let users = self.all().await?;
        for user in users.iter().filter(|user| user.subject == subject.as_str()) {
            // Somebody may be changing the password; whoever has got another subject stays.
            while let Some((record, version)) = self.find(&user.name).await? {
                let (key, register) = (self.key(&user.name), self.authority.register());
                if record.subject != subject.as_str()
                    || matches!(register.put(&key, Some(version), None).await?, Put::Done(_))
                {
                    break;
                }
            }
        }
        Ok(())
    }

    async fn change_password(
        &self,
        name: &UserName,
        password: Password,
        initiator: Initiator,
    ) -> Result<Option<Changed>, UsersError> {
        let hash = self.hash(password).await?;
        let (subject, version) = loop {
            let Some((mut record, version)) = self.find(name).await? else {
                return Ok(None);
            };
            record.password = hash.clone();
            if let Put::Done(version) = self.put(name, Some(version), &record).await? {
                let subject = self.read_name(name, &record.subject, SubjectId::parse)?;
                break (subject, version);
            }
        };
        let changed = self
            .authority
            .credential_changed(&self.tenant, &subject, None, initiator)
            .await?;
        let ended = changed.ended;
        Ok(Some(Changed { version, ended }))
    }

    /// Looks up whom somebody says to be. An unknown name takes the same steps as a known one.
    pub(crate) async fn claim(&self, typed_name: &str) -> Result<Claim, EngineError> {
        let name = UserName::parse(typed_name).ok();
        let found = match &name {
            Some(name) => self.find(name).await?,
            None => None,
        };
        let record = found.map(|(record, _)| record);
        let subject = match (&name, &record) {
            (Some(name), Some(record)) => {
                self.read_name(name, &record.subject, SubjectId::parse)?
            }
            _ => drawn_subject(self.authority.entropy())?,
        };
        let standing = self.authority.subject(&self.tenant, &subject).await?;
        Ok(Claim {
            name,
            record,
            subject,
            standing,
        })
    }

    /// Takes a place to wait for a password to be looked at. Take it before a budget is asked:
    /// who finds none has tried nothing.
    pub(crate) fn turn(&self, queue: Queue) -> Result<Turn, UsersError> {
        Ok(self.hasher.turn(queue)?)
    }

    /// Finds out whether a password is that of a claim; `None` if not, and then that counts as a
    /// failed sign-in of the user.
    ///
    /// That of an unknown name takes the same work as a wrong one, and the same steps: its drawn
    /// subject has no roster in which anything would count. It is much work, so ask the budget
    /// first.
    pub(crate) async fn prove(
        &self,
        claim: Claim,
        password: Password,
        turn: Turn,
    ) -> Result<Option<Proved>, UsersError> {
        let Claim {
            name,
            record,
            subject,
            standing,
        } = claim;
        let evidence = standing.roster.generation;
        let stored = record.as_ref().map(|record| record.password.clone());
        let is_right = self.hasher.verify(turn, password, stored).await?;
        let (Some(name), Some(record), true) = (name, record, is_right) else {
            let counted = self.authority.count_failure(&self.tenant, &subject).await;
            if let Err(error) = counted {
                // The password is wrong, whatever became of that.
                tracing::warn!(%error, "a failed sign-in was not counted");
            }
            return Ok(None);
        };
        let groups = record
            .groups
            .iter()
            .map(|group| self.read_name(&name, group, GroupName::parse))
            .collect::<Result<_, _>>()?;
        Ok(Some(Proved {
            name,
            subject,
            groups,
            evidence,
        }))
    }

    /// Takes every place of a queue, until what it returns is dropped.
    #[cfg(test)]
    pub(crate) fn fill(&self, queue: Queue) -> Vec<Turn> {
        self.hasher.fill(queue)
    }

    async fn hash(&self, password: Password) -> Result<PasswordHash, UsersError> {
        if password.is_too_long() {
            return Err(UsersError::PasswordTooLong);
        }
        let hash = self.hasher.hash(password, self.authority.entropy()).await;
        Ok(hash.map_err(EngineError::from)??)
    }

    async fn find(&self, name: &UserName) -> Result<Option<(UserRecord, u64)>, EngineError> {
        let key = self.key(name);
        let found = self.authority.register().get(&key).await?;
        found
            .map(|held| Ok((read_record(&key, &held.value)?, held.version)))
            .transpose()
    }

    async fn put(
        &self,
        name: &UserName,
        seen: Option<u64>,
        record: &UserRecord,
    ) -> Result<Put, EngineError> {
        let value = serde_json::to_vec(record).expect("a record has string keys only");
        let register = self.authority.register();
        Ok(register.put(&self.key(name), seen, Some(value)).await?)
    }

    fn key(&self, name: &UserName) -> String {
        key(&self.tenant, name)
    }

    fn read_name<T>(
        &self,
        user: &UserName,
        text: &str,
        parse: impl FnOnce(&str) -> Result<T, NameError>,
    ) -> Result<T, EngineError> {
        parse(text).map_err(|error| unreadable(&self.key(user), error))
    }
}

/// Where a user lies.
fn key(tenant: &TenantId, name: &UserName) -> String {
    format!("{}{name}", folder(tenant))
}

/// Where the users of a tenant lie. The tenant cannot hold the sign that ends it, so that no two
/// pairs of tenant and name come to lie in one place (S14).
fn folder(tenant: &TenantId) -> String {
    let tenant = tenant.as_str().replace('%', "%25").replace('/', "%2F");
    format!("{FOLDERS}{tenant}/")
}

/// Whose user lies there, and what it is called.
fn read_key(key: &str) -> Result<(TenantId, UserName), EngineError> {
    let place = key.strip_prefix(FOLDERS).and_then(|at| at.split_once('/'));
    let (tenant, name) = place.ok_or_else(|| unreadable(key, Foreign))?;
    let tenant = tenant.replace("%2F", "/").replace("%25", "%");
    Ok((
        TenantId::parse(&tenant).map_err(|error| unreadable(key, error))?,
        UserName::parse(name).map_err(|error| unreadable(key, error))?,
    ))
}

/// Something in the place of a user that was never written there.
#[derive(Debug, thiserror::Error)]
#[error("it is no user as one is kept here")]
struct Foreign;

fn read_record(key: &str, value: &[u8]) -> Result<UserRecord, EngineError> {
    serde_json::from_slice(value).map_err(|error| unreadable(key, error))
}

fn unreadable(key: &str, error: impl std::error::Error + Send + Sync + 'static) -> EngineError {
    EngineError::Register {
        name: key.to_owned(),
        source: error.into(),
    }
}

fn drawn_subject(entropy: &dyn Entropy) -> Result<SubjectId, EngineError> {
    let text = format!("usr_{}", base32(&entropy.draw::<16>()?));
    Ok(SubjectId::parse(&text).expect("it is made of letters and digits"))
}

/// Random bytes as letters and digits that are not mistaken for each other.
pub(crate) fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstvwxyz0123456789";
    let mut text = String::with_capacity(bytes.len() * 8 / 5 + 1);
    let (mut held, mut bits) = (0_u32, 0);
    for byte in bytes {
        held = held << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            let index = (held >> bits) & 31;
            text.push(char::from(ALPHABET[index as usize]));
        }
        held &= 31;
    }
    text
}

#[cfg(test)]
mod tests;
