//! The data folder and the disk beneath it.

use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::fs::{statfs, statvfs};

use super::{Check, State};
use crate::admin_key;
use crate::key_file::{self, NoKey};

/// Less than this, and a busy house fills it within the hour.
const ROOM_MIN: u64 = 1 << 30;

/// File systems of which something must be said, by their magic numbers (`statfs(2)`).
const SPECIAL: [(i64, &str, State, &str); 6] = [
    (
        0x0102_1994,
        "tmpfs",
        State::Failed,
        "in memory: what was acknowledged is lost with the power",
    ),
    (
        0x8584_58f6,
        "ramfs",
        State::Failed,
        "in memory: what was acknowledged is lost with the power",
    ),
    (
        0x6969,
        "NFS",
        State::Warning,
        "over the network: syncs and locks are as honest as the server",
    ),
    (
        0xff53_4d42,
        "SMB",
        State::Warning,
        "over the network: syncs and locks are as honest as the server",
    ),
    (
        0x6573_5546,
        "FUSE",
        State::Warning,
        "syncs are as honest as the program behind it",
    ),
    (
        0x794c_7630,
        "overlay",
        State::Warning,
        "a layer of a container, which goes with it: mount a volume",
    ),
];

pub(super) fn checks(data: &Path) -> Vec<Check> {
    let found = data.metadata();
    if let Err(error) = &found
        && error.kind() != ErrorKind::NotFound
    {
        let detail = format!(
            "{} cannot be looked at, try as root: {error}",
            data.display()
        );
        return vec![Check::new("folder", State::Unknown, detail)];
    }
    if !found.is_ok_and(|found| found.is_dir()) {
        let detail = format!(
            "{} is not there: `innkeeper serve` would make it; if there was one, name it with --data",
            data.display()
        );
        return vec![Check::new("folder", State::Unknown, detail)];
    }
    vec![folder(data), key(data), room(data), sync(data)]
}

fn folder(data: &Path) -> Check {
    let shown = data.display();
    match std::fs::metadata(data).map(|folder| folder.permissions().mode() & 0o777) {
        Ok(mode) if mode & 0o022 != 0 => Check::new(
            "folder",
            State::Failed,
            format!("others may write to {shown}, and so replace the store: chmod 700 it"),
        ),
        Ok(mode) if mode & 0o055 != 0 => Check::new(
            "folder",
            State::Warning,
            format!("others may look into {shown} (mode {mode:o}): chmod 700 it"),
        ),
        Ok(_) => Check::new("folder", State::Ok, format!("{shown}, for its owner only")),
        Err(error) => Check::new("folder", State::Failed, error.to_string()),
    }
}

fn key(data: &Path) -> Check {
    const NAME: &str = "admin key";
    let path = admin_key::file(data);
    if std::fs::symlink_metadata(&path).is_err() {
        let detail = format!("{} is not there: commands need --key-file", path.display());
        return Check::new(NAME, State::Warning, detail);
    }
    key_in(NAME, &path)
}

/// The key of `--key-file`.
pub(super) fn named_key(path: &Path) -> Check {
    key_in("key file", path)
}

fn key_in(name: &'static str, path: &Path) -> Check {
    match std::fs::metadata(path) {
        Err(error) => {
            let detail = format!("{} cannot be read: {error}", path.display());
            Check::new(name, State::Failed, detail)
        }
        Ok(file) if file.permissions().mode() & 0o077 != 0 => Check::new(
            name,
            State::Failed,
            format!(
                "others may read {}: chmod 600 it, then make another key",
                path.display()
            ),
        ),
        Ok(_) => match key_file::read(path) {
            Ok(_) => Check::new(name, State::Ok, "in its file, for its owner only"),
            Err(error @ NoKey::Unreadable(_)) => {
                Check::new(name, State::Failed, format!("{} {error}", path.display()))
            }
            Err(error @ NoKey::NotOne) => Check::new(
                name,
                State::Failed,
                format!(
                    "{} {error}; another key is made by innkeeper keys create NAME --scope admin \
                     --offline",
                    path.display()
                ),
            ),
        },
    }
}

fn room(data: &Path) -> Check {
    match statvfs(data) {
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let detail = format!("{} MiB free", free >> 20);
            if free < ROOM_MIN {
                let detail = format!("{detail}: a store that cannot write stops; make room");
                Check::new("disk", State::Warning, detail)
            } else {
                Check::new("disk", State::Ok, detail)
            }
        }
        Err(error) => Check::new("disk", State::Unknown, error.to_string()),
    }
}

/// What a sync is worth. A disk that lies about it cannot be told from one that does not.
fn sync(data: &Path) -> Check {
    let kind = match statfs(data) {
        #[allow(
            clippy::useless_conversion,
            reason = "the type differs between architectures"
        )]
        Ok(disk) => i64::try_from(disk.f_type).unwrap_or_default(),
        Err(error) => return Check::new("sync", State::Unknown, error.to_string()),
    };
    let special = SPECIAL.iter().find(|(magic, ..)| *magic == kind);
    match special {
        Some((_, name, state, what)) => Check::new("sync", *state, format!("{name}, {what}")),
        None => Check::new(
            "sync",
            State::Ok,
            "a local file system; that the disk beneath is honest cannot be told from here",
        ),
    }
}
