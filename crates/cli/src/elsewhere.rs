//! Sessions that live in a server which nodes share, and not in the folder of a node: what copies
//! a folder has nothing to copy there, and says who has.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::exit::Failure;

/// More than any note has.
const BYTES_MAX: u64 = 4096;

/// Where sessions live that are not in a folder, in words without account and password.
///
/// A node writes them into its folder too, so that a command which works on the folder, and reads
/// no configuration, does not take it for one whose store was lost.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Elsewhere(String);

impl Elsewhere {
    /// In PostgreSQL, at this address.
    pub(crate) fn in_postgres(address: &str) -> Self {
        Self(format!(
            "the sessions live in PostgreSQL, {address}: copy them and bring them back there, with \
             pg_dump and pg_restore or as you copy the whole server; what an older copy brings \
             back, docs/stores.md says"
        ))
    }

    /// In Redis or Valkey, at this address.
    pub(crate) fn in_redis(address: &str) -> Self {
        Self(format!(
            "the sessions live in Redis, {address}: copy its files and bring them back there, as \
             you do for that server; what an older copy brings back, docs/stores.md says"
        ))
    }

    /// The words.
    pub(crate) fn words(&self) -> &str {
        &self.0
    }

    /// What is written in the folder of a node, if its sessions are elsewhere.
    pub(crate) fn noted_in(data: &Path) -> Option<Self> {
        let mut words = String::new();
        let noted = File::open(file(data)).ok()?;
        noted.take(BYTES_MAX).read_to_string(&mut words).ok()?;
        let words = words.trim_end();
        (!words.is_empty()).then(|| Self(words.to_owned()))
    }
}

/// Has the folder of a node say where its sessions live, or no longer that they are elsewhere.
pub(crate) fn note(elsewhere: Option<&Elsewhere>, data: &Path) {
    let noted = match elsewhere {
        _ if Elsewhere::noted_in(data).as_ref() == elsewhere => Ok(()),
        Some(Elsewhere(words)) => fs::write(file(data), format!("{words}\n")),
        None => fs::remove_file(file(data)),
    };
    if let Err(error) = noted {
        tracing::warn!(
            folder = %data.display(),
            %error,
            "it cannot be written here where the sessions live; commands that work on this folder \
             will not know"
        );
    }
}

/// What to say of a folder that should hold a store, and holds none.
pub(crate) fn no_store_in(data: &Path) -> Failure {
    let data_shown = data.display();
    Failure::usage(match Elsewhere::noted_in(data) {
        Some(elsewhere) => format!("{data_shown} holds no store: {}", elsewhere.words()),
        None => format!("{data_shown} holds no store: name its folder with --data"),
    })
}

/// Refuses to make a store where a node would never look at it.
pub(crate) fn refuse_store_in(data: &Path) -> Result<(), Failure> {
    let Some(elsewhere) = Elsewhere::noted_in(data) else {
        return Ok(());
    };
    Err(Failure::usage(format!(
        "{} is the folder of a node that would not read a store in it: {}. To have a store in a \
         folder, name another one with --data",
        data.display(),
        elsewhere.words()
    )))
}

fn file(data: &Path) -> PathBuf {
    data.join("shared-store")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_note_in_a_folder_when_a_store_is_looked_for_then_it_is_said_where_sessions_live() {
        let data = tempfile::tempdir().expect("there is a folder for what is temporary");
        let elsewhere = Elsewhere::in_postgres("the database inn at db.internal:5432");
        let without = no_store_in(data.path());

        note(Some(&elsewhere), data.path());

        assert!(without.text().contains("--data"), "{}", without.text());
        let with = no_store_in(data.path());
        assert!(with.text().contains("db.internal:5432"), "{}", with.text());
        assert!(with.text().contains("pg_dump"), "{}", with.text());
        assert!(refuse_store_in(data.path()).is_err());
        note(None, data.path());
        assert_eq!(Elsewhere::noted_in(data.path()), None);
        assert!(refuse_store_in(data.path()).is_ok());
    }
}
