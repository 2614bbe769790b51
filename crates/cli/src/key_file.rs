//! An API key in a file of its own.

use std::fs;
use std::io;
use std::path::Path;

use innkeeper_domain::token::ApiKey;

/// The most that is read of a key file: a key has 67 characters.
const LEN_MAX: u64 = 4096;

/// Why a file gives no key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoKey {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// What is in it is no key, or not the whole of one.
    #[error("holds no API key; one begins with ikk_, and its last characters are a checksum")]
    NotOne,
}

/// The key in a file, as it is shown to a server. Whether a server knows it is not looked at.
pub(crate) fn read(path: &Path) -> Result<String, NoKey> {
    if fs::metadata(path)?.len() > LEN_MAX {
        return Err(NoKey::NotOne);
    }
    let bytes = fs::read(path)?;
    let key = str::from_utf8(&bytes).map_or("", str::trim);
    match ApiKey::parse(key) {
        Ok(_) => Ok(key.to_owned()),
        Err(_) => Err(NoKey::NotOne),
    }
}
