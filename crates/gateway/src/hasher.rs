//! Checking passwords, a bounded number at a time.

use std::fmt;
use std::sync::Arc;
use std::thread::available_parallelism;

use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc};
use argon2::{Algorithm, Argon2, Params, Version};
use innkeeper_engine::entropy::{Entropy, NoEntropy};
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::password::Password;

/// How much work a password costs, to us and to whoever steals the hashes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Cost {
    /// Memory, in KiB.
    pub memory: u32,
    /// How often all of it is gone through.
    pub passes: u32,
}

impl Cost {
    /// What OWASP asks for of Argon2id: 19 MiB, two passes, one lane.
    pub const OWASP: Self = Self {
        memory: 19 * 1024,
        passes: 2,
    };

    /// Next to nothing, for tests that sign in often.
    pub const FOR_TESTS: Self = Self {
        memory: 8,
        passes: 1,
    };
}

/// The hash of a password, in the string format of the Password Hashing Competition.
#[derive(Clone, Deserialize, Serialize)]
#[serde(transparent)]
pub(crate) struct PasswordHash(String);

impl PasswordHash {
    /// Whether it is one that a password can be compared with.
    pub(crate) fn is_readable(&self) -> bool {
        phc::PasswordHash::new(&self.0)
            .is_ok_and(|hash| Params::try_from(&hash).is_ok() && hash.hash.is_some())
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(hidden)")
    }
}

/// Why a password was not checked. It says nothing of the password.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Unchecked {
    /// So many are being checked that this one would only make it worse.
    #[error("too many passwords are being checked")]
    Busy,
    /// Checking it came to grief.
    #[error("a password check came to grief")]
    Broken,
}

/// Who waits for a password to be worked on. Each queue has places of its own, so that a flood in
/// one keeps nobody out of the others.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Queue {
    /// Whoever shows no device of the subject's.
    Strangers,
    /// Browsers in which the subject has signed in before.
    KnownDevices,
    /// Whoever sets passwords.
    Administrators,
}

impl Queue {
    const COUNT: usize = 3;
}

/// A place in a queue.
#[derive(Debug)]
pub(crate) struct Turn(OwnedSemaphorePermit);

/// Hashes passwords away from the threads that answer requests.
///
/// Each hash takes its memory and most of a core. As many run as there are cores, some more
/// wait, in three queues, and the rest are told to come again, so that a flood takes neither.
#[derive(Debug)]
pub(crate) struct Hasher {
    argon2: Argon2<'static>,
    decoy: PasswordHash,
    running: Arc<Semaphore>,
    waiting: [Arc<Semaphore>; Queue::COUNT],
}

/// How many passwords may wait in each queue.
const WAITING_MAX: usize = 64;

impl Hasher {
    pub(crate) fn new(cost: Cost) -> Self {
        let params = Params::new(cost.memory, cost.passes, 1, None)
            .expect("the costs are constants that Argon2 allows");
        // The same work as for anybody's, and a hash that nobody has a password for.
        let decoy = format!(
            "$argon2id$v=19$m={},t={},p=1${}${}",
            cost.memory,
            cost.passes,
            "A".repeat(22),
            "A".repeat(43)
        );
        let cores = available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            decoy: PasswordHash(decoy),
            running: Arc::new(Semaphore::new(cores)),
            waiting: std::array::from_fn(|_| Arc::new(Semaphore::new(cores + WAITING_MAX))),
        }
    }

    /// Takes a place in a queue, until the password is worked on or what it returns is dropped.
    pub(crate) fn turn(&self, queue: Queue) -> Result<Turn, Unchecked> {
        let waiting = Arc::clone(&self.waiting[queue as usize]);
        let place = waiting.try_acquire_owned();
        place.map(Turn).map_err(|_| Unchecked::Busy)
    }

    /// Hashes a new password.
    pub(crate) async fn hash(
        &self,
        password: Password,
        entropy: &dyn Entropy,
    ) -> Result<Result<PasswordHash, Unchecked>, NoEntropy> {
        let turn = match self.turn(Queue::Administrators) {
            Ok(turn) => turn,
            Err(busy) => return Ok(Err(busy)),
        };
        let salt: [u8; 16] = entropy.draw()?;
        let argon2 = self.argon2.clone();
        let work = move || {
            let hash: Option<phc::PasswordHash> = argon2
                .hash_password_with_salt(password.reveal(), &salt)
                .ok();
            hash.map(|hash| PasswordHash(hash.to_string()))
        };
        Ok(match self.run(turn, work).await {
            Ok(hash) => hash.ok_or(Unchecked::Broken),
            Err(unchecked) => Err(unchecked),
        })
    }

    /// Checks a password against a user's hash; where there is no user, with the same work.
    pub(crate) async fn verify(
        &self,
        turn: Turn,
        password: Password,
        stored: Option<PasswordHash>,
    ) -> Result<bool, Unchecked> {
        let is_anybodys = stored.is_some() && !password.is_too_long();
        let against = stored.unwrap_or_else(|| self.decoy.clone());
        let argon2 = self.argon2.clone();
        let matches = self
            .run(turn, move || {
                argon2.verify_password(password.reveal(), against.0.as_str())
            })
            .await?;
        Ok(matches.is_ok() && is_anybodys)
    }

    /// Runs work on a thread that may block. The places go with it: if the caller goes away, it
    /// still counts until it is done.
    async fn run<T: Send + 'static>(
        &self,
        Turn(place): Turn,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Unchecked> {
        let running = Arc::clone(&self.running).acquire_owned().await;
        let places: [OwnedSemaphorePermit; 2] =
            [place, running.expect("the semaphore is never closed")];
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(places);
            done
        });
        done.await.map_err(|_| Unchecked::Broken)
    }
}

#[cfg(test)]
impl Hasher {
    /// Takes every place at which passwords are checked, until what it returns is dropped.
    pub(crate) async fn hold_up(&self) -> OwnedSemaphorePermit {
        let all = u32::try_from(self.running.available_permits()).expect("there are few cores");
        let running = Arc::clone(&self.running).acquire_many_owned(all).await;
        running.expect("the semaphore is never closed")
    }

    /// Lets others work until one password waits to be checked.
    pub(crate) async fn until_one_waits(&self) {
        let cores = available_parallelism().map_or(1, std::num::NonZero::get);
        let empty = |queue: &Arc<Semaphore>| queue.available_permits() == cores + WAITING_MAX;
        while self.waiting.iter().all(empty) {
            tokio::task::yield_now().await;
        }
    }

    /// Takes every place of a queue, until what it returns is dropped.
    pub(crate) fn fill(&self, queue: Queue) -> Vec<Turn> {
        std::iter::from_fn(|| self.turn(queue).ok()).collect()
    }
}

#[cfg(test)]
mod tests {
    use innkeeper_engine::entropy::OsEntropy;

    use super::*;

    async fn hash(hasher: &Hasher, password: &str) -> PasswordHash {
        let hash = hasher.hash(Password::new(password), &OsEntropy).await;
        hash.expect("there is entropy").expect("it is not busy")
    }

    async fn verify(
        hasher: &Hasher,
        password: &str,
        stored: Option<PasswordHash>,
    ) -> Result<bool, Unchecked> {
        let turn = hasher.turn(Queue::Strangers)?;
        hasher.verify(turn, Password::new(password), stored).await
    }

    #[tokio::test]
    async fn given_a_hash_when_the_right_and_a_wrong_password_are_checked_then_one_passes() {
        let hasher = Hasher::new(Cost::FOR_TESTS);
        let stored = hash(&hasher, "swordfish").await;

        let right = verify(&hasher, "swordfish", Some(stored.clone()));
        let wrong = verify(&hasher, "Swordfish", Some(stored));

        assert_eq!(right.await, Ok(true));
        assert_eq!(wrong.await, Ok(false));
    }

    #[tokio::test]
    async fn given_a_password_that_is_too_long_when_checked_then_it_is_wrong() {
        // Of one so long only the beginning is kept, so others begin alike.
        let hasher = Hasher::new(Cost::FOR_TESTS);
        let long = "x".repeat(2 * Password::LEN_MAX);
        let stored = hash(&hasher, &long).await;

        let answer = verify(&hasher, &long, Some(stored)).await;

        assert_eq!(answer, Ok(false));
    }

    #[tokio::test]
    async fn given_no_user_when_a_password_is_checked_then_it_is_wrong_for_the_same_work() {
        let hasher = Hasher::new(Cost::FOR_TESTS);

        let decoy = phc::PasswordHash::new(&hasher.decoy.0).expect("the decoy is a hash");
        let params = Params::try_from(&decoy).expect("it names its costs");

        assert_eq!(verify(&hasher, "", None).await, Ok(false));
        assert_eq!(params.m_cost(), hasher.argon2.params().m_cost());
        assert_eq!(params.t_cost(), hasher.argon2.params().t_cost());
        assert_eq!(decoy.hash.map(|h| h.len()), Some(32));
    }

    #[tokio::test]
    async fn given_the_owasp_costs_when_hashed_then_the_hash_says_so() {
        let stored = hash(&Hasher::new(Cost::OWASP), "swordfish").await;

        assert!(
            stored.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "the costs are those of OWASP"
        );
        assert_eq!(format!("{stored:?}"), "PasswordHash(hidden)");
    }

    #[tokio::test]
    async fn given_a_full_queue_when_a_password_comes_then_it_comes_again_and_others_do_not() {
        let hasher = Hasher::new(Cost::FOR_TESTS);
        let strangers = hasher.fill(Queue::Strangers);

        let refused = verify(&hasher, "x", None).await;
        let turn = hasher.turn(Queue::KnownDevices).expect("there is a place");
        let known = hasher.verify(turn, Password::new("x"), None).await;
        let new = hasher.hash(Password::new("swordfish"), &OsEntropy).await;
        drop(strangers);

        assert_eq!(refused, Err(Unchecked::Busy));
        assert_eq!(known, Ok(false));
        assert!(new.expect("there is entropy").is_ok());
        assert_eq!(verify(&hasher, "x", None).await, Ok(false));
    }

    #[tokio::test]
    async fn given_a_caller_that_goes_away_when_its_check_runs_then_it_still_holds_its_place() {
        let hasher = Hasher::new(Cost::FOR_TESTS);
        let places = hasher.running.available_permits();
        let (release, released) = std::sync::mpsc::channel::<()>();
        let (at_work, is_at_work) = tokio::sync::oneshot::channel();

        let turn = hasher.turn(Queue::Strangers).expect("there is a place");
        let mut check = Box::pin(hasher.run(turn, move || {
            let _ = at_work.send(());
            let _ = released.recv();
        }));
        tokio::select! {
            _ = &mut check => panic!("it is held up"),
            begun = is_at_work => begun.expect("it began"),
        }
        drop(check);

        assert_eq!(hasher.running.available_permits(), places - 1);
        drop(release);
        let all = u32::try_from(places).expect("there are few cores");
        let freed = hasher.running.acquire_many(all).await;
        assert!(freed.is_ok(), "the place comes free when the work is done");
    }
}
