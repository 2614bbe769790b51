//! Sessions that live in a server which nodes share, and not in the folder of a node: what works on
//! a folder has nothing to do there, and says who has.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, open};

use crate::exit::Failure;

/// More than any note has.
const BYTES_MAX: u64 = 4096;

/// Where sessions live that are not in a folder, in words without account and password.
///
/// A node writes them into its folder too. A store that lies there is older than what the node
/// serves, and where none lies there, none was lost: without the note neither a start whose
/// settings lost `store.kind`, nor a command that reads no settings, could know.
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

    /// What is written in the folder of a node, if its sessions are elsewhere. Whatever lies in the
    /// place of the note and is none, is an error.
    fn noted_in(data: &Path) -> io::Result<Option<Self>> {
        // A link that leads nowhere is not the absence of a note, and a pipe is not waited for.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let noted = match open(file(data), flags, Mode::empty()).map_err(io::Error::from) {
            Ok(noted) => File::from(noted),
            Err(error) => {
                return match error.kind() {
                    // Where there is no folder there is no note in it.
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(None),
                    _ => Err(error),
                };
            }
        };
        let mut words = String::new();
        noted.take(BYTES_MAX).read_to_string(&mut words)?;
        match words.trim_end() {
            "" => Err(io::Error::new(io::ErrorKind::InvalidData, "it is empty")),
            words => Ok(Some(Self(words.to_owned()))),
        }
    }
}

/// Has the folder of a node say where its sessions live. The note is there whole, or as it was.
pub(crate) fn note(elsewhere: &Elsewhere, data: &Path) -> Result<(), Failure> {
    // Only one that can be read, and says the same, need not be written again.
    if matches!(Elsewhere::noted_in(data), Ok(Some(noted)) if noted == *elsewhere) {
        return Ok(());
    }
    write(elsewhere, data).map_err(|error| {
        let what = format!(
            "{} cannot be written, which is to say that the sessions are not in this folder",
            file(data).display()
        );
        Failure::cannot_run(&what, error)
    })
}

fn write(Elsewhere(words): &Elsewhere, data: &Path) -> io::Result<()> {
    let aside = data.join("shared-store.new");
    // Left by a process that was killed here before.
    match fs::remove_file(&aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut options = OpenOptions::new();
    let mut noted = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&aside)?;
    writeln!(noted, "{words}")?;
    noted.sync_all()?;
    fs::rename(&aside, file(data))?;
    File::open(data)?.sync_all()
}

/// Refuses to serve, copy or change what lies in a folder whose node keeps its sessions elsewhere,
/// or to make a store there.
///
/// The one place where this is asked. A note that cannot be read refuses too.
pub(crate) fn refuse_in(data: &Path) -> Result<(), Failure> {
    let (shown, note) = (data.display(), file(data));
    let note = note.display();
    Err(Failure::unsafe_to(match Elsewhere::noted_in(data) {
        Ok(None) => return Ok(()),
        Ok(Some(elsewhere)) => format!(
            "{shown} is the folder of a node whose sessions are not in it: {}. To serve them, set \
             store.kind and store.url as they were. To have another store, name another folder \
             with --data. To go back to what this folder held, remove {note}: nothing that was \
             done since is known there, and no session in it is valid",
            elsewhere.words()
        ),
        Err(error) => format!(
            "whether the sessions of this node are in {shown} cannot be told, since {note} cannot \
             be read: {error}. Call as the owner of the folder; if the file is damaged, a start \
             with store.kind and store.url as they were writes it again"
        ),
    }))
}

fn file(data: &Path) -> PathBuf {
    data.join("shared-store")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn noted() -> (tempfile::TempDir, Elsewhere) {
        let data = tempfile::tempdir().expect("there is a folder for what is temporary");
        let elsewhere = Elsewhere::in_postgres("the database inn at db.internal:5432");
        note(&elsewhere, data.path()).expect("there is room");
        (data, elsewhere)
    }

    #[test]
    fn given_a_note_in_a_folder_when_a_store_is_looked_for_then_it_is_said_where_sessions_live() {
        let empty = tempfile::tempdir().expect("there is a folder for what is temporary");
        let (data, elsewhere) = noted();

        let refused = refuse_in(data.path()).expect_err("they are elsewhere");

        for part in ["db.internal:5432", "pg_dump", "store.kind", "shared-store"] {
            assert!(refused.text().contains(part), "{}", refused.text());
        }
        let read = Elsewhere::noted_in(data.path()).expect("it can be read");
        assert_eq!(read, Some(elsewhere));
        assert!(refuse_in(empty.path()).is_ok());
        assert!(refuse_in(&empty.path().join("none")).is_ok());
    }

    /// It counted as none, and the store that the node had left was served again.
    #[test]
    fn given_a_note_that_cannot_be_read_when_asked_then_it_refuses_and_is_written_anew() {
        let (data, elsewhere) = noted();
        let there = file(data.path());
        let put: [(&str, &dyn Fn() -> io::Result<()>); 4] = [
            ("nothing", &|| fs::write(&there, "")),
            ("no text", &|| fs::write(&there, [0xff, 0xfe])),
            ("a link to nothing", &|| symlink("nowhere", &there)),
            ("a folder", &|| fs::create_dir(&there)),
        ];
        for (what, put) in put {
            fs::remove_file(&there).expect("the one before");
            put().expect(what);

            let refused = refuse_in(data.path()).expect_err(what);

            assert!(refused.text().contains("cannot be read"), "{what}");
            let written = note(&elsewhere, data.path());
            let is_folder = there.is_dir();
            assert_eq!(written.is_err(), is_folder, "{what}: no folder is removed");
        }
    }

    /// Cut off in the middle, it would have said nothing, or half of where.
    #[test]
    fn given_a_note_when_another_is_written_then_it_takes_its_place_whole() {
        let (data, elsewhere) = noted();
        let before = data.path().join("before");
        fs::hard_link(file(data.path()), &before).expect("one folder, one disk");
        let cut_off = data.path().join("shared-store.new");
        fs::write(&cut_off, "the sess").expect("there is room");

        let redis = Elsewhere::in_redis("at /0 of redis.internal:6379");
        note(&redis, data.path()).expect("there is room");

        let read = Elsewhere::noted_in(data.path()).expect("it can be read");
        assert_eq!(read, Some(redis));
        let old = fs::read_to_string(before).expect("it has a name yet");
        assert_eq!(old.trim_end(), elsewhere.words(), "written aside");
        assert!(!cut_off.exists());
    }
}
