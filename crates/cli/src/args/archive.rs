//! The command line of `backup`, `restore`, `export` and `import`.

use std::path::PathBuf;

use clap::Args;

use super::ClientArguments;

pub(super) const BACKUP_MORE: &str = "\
Examples:
  innkeeper backup innkeeper.backup
  innkeeper backup /mnt/daily.backup --replace
  innkeeper backup innkeeper.backup --offline --data /var/lib/innkeeper

Asks the running server, which goes on serving; what is in the back-up was there
at one point. The file appears whole, checked and synced, or not at all. It holds
no token, but hashes of keys and passwords.

Exits 3 if the server cannot be reached or the copy broke off, 4 if the file is
there already, or the sessions of that folder live in a database or server.";

pub(super) const RESTORE_MORE: &str = "\
Examples:
  innkeeper restore innkeeper.backup --data new-data
  innkeeper restore innkeeper.backup --data innkeeper-data --replace
  innkeeper restore innkeeper.backup --data new-data --admin-key

Works on the folder of a server that is stopped. Data that comes back is older than
what was acknowledged since, so no session in it is valid: everybody signs in
again. Users, keys, limits and the journal are as they were.

Exits 3 if the back-up is not whole, 4 if the folder holds a store already or is
that of a node whose sessions live in a database or server.";

pub(super) const EXPORT_MORE: &str = "\
Examples:
  innkeeper export accounts.jsonl
  innkeeper import accounts.jsonl --data new-data

Writes subjects, users, keys and the policy as JSON, one object a line, to move to
another store. Sessions and the journal stay behind.";

pub(super) const IMPORT_MORE: &str = "\
Examples:
  innkeeper import accounts.jsonl --data new-data
  innkeeper import accounts.jsonl --data new-data --admin-key

Works on the folder of a server that is stopped, and only into one that holds no
subjects, users or keys. No session comes along.

Exits 2 if the file is not of the form, 4 if the folder holds something already or
is that of a node whose sessions live in a database or server.";

/// `backup` and `export`.
#[derive(Args, Debug)]
pub(crate) struct CopyArguments {
    /// How to reach the server.
    #[command(flatten)]
    pub(crate) client: ClientArguments,
    /// The file to write
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Replace the file if it is there
    #[arg(long)]
    pub(crate) replace: bool,
    /// Read the data folder of a server that is stopped
    #[arg(long)]
    pub(crate) offline: bool,
}

/// `restore`.
#[derive(Args, Debug)]
pub(crate) struct RestoreArguments {
    /// The back-up to read
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The data folder to make the store in
    #[arg(long, value_name = "DIR", env = super::DATA_VARIABLE, default_value = "innkeeper-data")]
    pub(crate) data: PathBuf,
    /// Put a store that is there aside, as DIR/replaced-N
    #[arg(long)]
    pub(crate) replace: bool,
    /// Make a new administrator's key, and write it to DIR/admin.key
    #[arg(long)]
    pub(crate) admin_key: bool,
    /// Print JSON for programs
    #[arg(long)]
    pub(crate) json: bool,
}

/// `import`.
#[derive(Args, Debug)]
pub(crate) struct ImportArguments {
    /// The file to read, as `export` wrote it
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The data folder to import into
    #[arg(long, value_name = "DIR", env = super::DATA_VARIABLE, default_value = "innkeeper-data")]
    pub(crate) data: PathBuf,
    /// Make a new administrator's key, and write it to DIR/admin.key
    #[arg(long)]
    pub(crate) admin_key: bool,
    /// Print JSON for programs
    #[arg(long)]
    pub(crate) json: bool,
}
