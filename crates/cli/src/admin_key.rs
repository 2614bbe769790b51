//! The first administrator's key: written to a file of its own at the first start.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use innkeeper_engine::keys::KeyScope;
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

/// Makes the first key of a store that has none, and writes it down, mode 0600, never to the log.
///
/// Once a key opens everything, none is made again: whoever moved the file away meant to.
pub(crate) async fn ensure(authority: &Authority, data: &Path) -> Result<(), AdminKeyError> {
    let has_admin = |scopes: &[KeyScope]| scopes.contains(&KeyScope::Admin);
    if authority.keys().iter().any(|key| has_admin(&key.scopes)) {
        return Ok(());
    }
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
        .map_err(unwritten)?;
    let now = authority.now().await?;
    authority
        .enrol_key(&made, NAME, vec![KeyScope::Admin], None, now)
        .await?;
    tracing::info!(file = %path.display(), "the administrator's key was written");
    Ok(())
}
