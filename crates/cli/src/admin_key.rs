//! The first administrator's key: written to a file of its own at the first start.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use innkeeper_engine::keys::{Enrolled, Issuer, KeyInfo, KeyScope};
use innkeeper_engine::{Authority, EngineError};

/// What the key is called in the list of keys.
const NAME: &str = "admin";

/// Why there is no administrator's key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdminKeyError {
    /// It could not be made.
    #[error("the administrator's key cannot be made")]
    Engine(#[from] EngineError),
    /// It could not be written down.
    #[error("{} cannot be written", path.display())]
    File {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The file of the key in the data folder.
pub(crate) fn file(data: &Path) -> PathBuf {
    data.join("admin.key")
}

/// What to say where a key lies and its store does not: an empty one in its place would know of no
/// session, no subject and no revocation.
pub(crate) fn without_store(data: &Path) -> Option<String> {
    if data.join("store").exists() || !file(data).exists() {
        return None;
    }
    let shown = data.display();
    Some(format!(
        "{shown} holds the admin.key of a store, and not the store: bring a back-up back with \
         innkeeper restore FILE --data {shown}, or put its folder `store` back; to begin anew, \
         remove {shown}/admin.key"
    ))
}

/// Makes the first key of a store that has none, and writes it down, mode 0600, never to the log.
///
/// Once a key opens everything, none is made again: whoever moved the file away meant to.
pub(crate) async fn ensure(authority: &Authority, data: &Path) -> Result<(), AdminKeyError> {
    let keys = authority.keys();
    if keys
        .iter()
        .map(AsRef::as_ref)
        .any(KeyInfo::opens_everything)
    {
        return Ok(());
    }
    make(authority, data).await
}

/// Makes one more key that opens everything, and writes it down in place of the one in the file.
pub(crate) async fn make(authority: &Authority, data: &Path) -> Result<(), AdminKeyError> {
    let path = file(data);
    let unwritten = |source| AdminKeyError::File {
        path: path.clone(),
        source,
    };
    // The file comes first: a key that nobody could read would lock everybody out for good. One
    // that a start was cut off from completing is of no use to anybody, and is made anew.
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unwritten(error)),
        Ok(()) | Err(_) => {}
    }
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .map_err(unwritten)?;
    let made = authority.prepare_key()?;
    writeln!(file, "{}", made.reveal())
        .and_then(|()| file.sync_all())
        // Its name too: a key that is enrolled and lost with the power would lock everybody out.
        .and_then(|()| File::open(data)?.sync_all())
        .map_err(unwritten)?;
    let now = authority.now().await?;
    let scopes = vec![KeyScope::Admin];
    let enrolled = authority
        .enrol_key(Issuer::Operator, &made, NAME, scopes, None, now)
        .await?;
    let Enrolled::Done(_) = enrolled else {
        unreachable!("an operator's word is not a key's");
    };
    tracing::info!(file = %path.display(), "the administrator's key was written");
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use innkeeper_domain::name::TenantId;
    use innkeeper_domain::policy::Policy;
    use innkeeper_engine::Services;
    use innkeeper_engine::entropy::OsEntropy;
    use innkeeper_store::clock::ManualClock;
    use innkeeper_store::memory::MemoryStore;

    use super::*;

    async fn authority() -> Authority {
        let store = Arc::new(MemoryStore::new(Arc::new(ManualClock::at(1_800_000_000))));
        let services = Services {
            store: Arc::clone(&store) as _,
            register: store,
            entropy: Arc::new(OsEntropy),
        };
        let opened = Authority::open(services, Policy::default()).await;
        opened.expect("memory does not fail")
    }

    async fn enrol(authority: &Authority, scope: KeyScope, tenant: Option<TenantId>) {
        let key = authority.prepare_key().expect("there is entropy");
        let now = authority.now().await.expect("memory does not fail");
        let enrolled = authority.enrol_key(Issuer::Operator, &key, "n", vec![scope], tenant, now);
        let _ = enrolled.await.expect("memory does not fail");
    }

    /// An administrator of one tenant cannot make one of all: with only such keys left, nobody
    /// could ever have got in again.
    #[tokio::test]
    async fn given_only_lesser_keys_when_started_then_one_that_opens_everything_is_made() {
        let (authority, data) = (
            authority().await,
            tempfile::tempdir().expect("there is room"),
        );
        enrol(&authority, KeyScope::Admin, Some(TenantId::default())).await;
        enrol(&authority, KeyScope::Manage, None).await;

        ensure(&authority, data.path()).await.expect("it is made");

        let text = std::fs::read_to_string(file(data.path())).expect("it is written");
        let made = authority.authenticate_key(text.trim()).expect("it is one");
        assert!(made.opens_everything());
        ensure(&authority, data.path()).await.expect("there is one");
        assert_eq!(authority.keys().len(), 3, "none is made again");
    }
}
