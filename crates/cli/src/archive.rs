//! `backup`, `restore`, `export` and `import`: all that the store keeps, out and in again.

mod file;
mod portable;
mod source;

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use innkeeper_domain::session::Timestamp;
use innkeeper_http::wire;
use innkeeper_store::archive::{CopyError, Item, Reader};
use innkeeper_store::clock::{Clock, SystemClock};
use innkeeper_store_embedded::{Onto, RestoreError, restore as bring_back};
use serde_json::json;

use self::file::NewFile;
use self::source::{Source, unless_stopped};
use crate::admin_key;
use crate::args::{CopyArguments, ImportArguments, RestoreArguments};
use crate::elsewhere;
use crate::exit::Failure;
use crate::offline;
use crate::open_store::OpenStore;
use crate::print;
use crate::table::Table;

/// What a restore cannot know: said each time, since nobody reads it beforehand.
const TIME_TRAVEL: &str = "\
All else is as it was then. Do again what was done since: keys revoked, subjects disabled or
erased, limits lowered, passwords changed.";

/// Runs `backup`.
pub(crate) async fn backup(arguments: CopyArguments) -> Result<(), Failure> {
    let mut file = NewFile::create(&arguments.file, arguments.replace)?;
    unless_stopped(copy(&arguments, &mut file)).await?;
    let checked = check(file.path())?;
    let bytes = file.keep()?;
    if arguments.client.json {
        return print::json(&json!({
            "schema": "innkeeper.backup/1",
            "file": arguments.file,
            "bytes": bytes,
            "made_at": wire::timestamp(checked.made_at),
            "subjects": checked.subjects,
            "events": checked.entries,
        }));
    }
    let mut table = Table::of_one();
    table.row("file", &arguments.file.display().to_string());
    table.row("made at", &wire::timestamp(checked.made_at).to_string());
    table.row("bytes", &bytes.to_string());
    table.row("subjects", &checked.subjects.to_string());
    table.row("journal entries", &checked.entries.to_string());
    print::lines(table)?;
    print::lines("It holds hashes of keys and passwords: keep it as you keep those.")
}

async fn copy(arguments: &CopyArguments, file: &mut NewFile) -> Result<(), Failure> {
    Source::of(arguments).await?.copy_to(file).await
}

/// What a copy turned out to hold once it was read to its end.
struct Checked {
    made_at: Timestamp,
    subjects: u64,
    entries: u64,
}

/// Reads a copy back to its end.
fn check(path: &Path) -> Result<Checked, Failure> {
    let mut copy = open(path)?;
    let mut made_at = Timestamp::ZERO;
    for item in &mut copy {
        if let Item::Head(head) = item.map_err(unreadable)? {
            made_at = head.now;
        }
    }
    let counts = copy.counts();
    Ok(Checked {
        made_at,
        subjects: counts.rosters,
        entries: counts.entries,
    })
}

fn open(path: &Path) -> Result<Reader<BufReader<File>>, Failure> {
    let file = File::open(path)
        .map_err(|e| Failure::usage(format!("{} cannot be read: {e}", path.display())))?;
    Reader::open(BufReader::with_capacity(1 << 20, file)).map_err(unreadable)
}

fn unreadable(error: CopyError) -> Failure {
    Failure::cannot_run("the back-up is not whole", error)
}

/// Runs `restore`.
pub(crate) async fn restore(arguments: &RestoreArguments) -> Result<(), Failure> {
    elsewhere::refuse_in(&arguments.data)?;
    let copy = open(&arguments.file)?;
    let onto = if arguments.replace {
        Onto::WhatIsThere
    } else {
        Onto::Nothing
    };
    let restored = bring_back(&arguments.data, onto, copy, wall_clock());
    let restored = restored.map_err(|error| match error {
        RestoreError::NotEmpty { path } => Failure::unsafe_to(format!(
            "{} holds a store already: name another folder with --data, or have it put aside \
             with --replace",
            path.display()
        )),
        error @ RestoreError::NotDurable { .. } => Failure::cannot_run(
            "restored, and what was there is kept; but see to the disk, then restore again",
            error,
        ),
        error => Failure::cannot_run("nothing was restored", error),
    })?;
    let made_at = wire::timestamp(restored.made_at);
    // What was restored is said in any case: it is in its place.
    let keyed = if arguments.admin_key {
        make_admin_key(&arguments.data).await
    } else {
        Ok(())
    };
    if arguments.json {
        print::json(&json!({
            "schema": "innkeeper.restored/1",
            "data": arguments.data,
            "made_at": made_at,
            "subjects": restored.counts.rosters,
            "events": restored.counts.entries,
            "live_sessions": 0,
            "replaced": restored.replaced,
        }))?;
        return keyed;
    }
    print::lines(format_args!(
        "restored {} subjects and {} journal entries as they were at {made_at}, into {}",
        restored.counts.rosters,
        restored.counts.entries,
        arguments.data.display()
    ))?;
    if let Some(replaced) = restored.replaced {
        print::lines(format_args!("what was there is in {}", replaced.display()))?;
    }
    print::lines(format_args!(
        "No session of then is valid: everybody signs in again. {TIME_TRAVEL}"
    ))?;
    if keyed.is_ok() && !admin_key::file(&arguments.data).exists() {
        print::lines(format_args!(
            "There is no admin.key in {}: put back the one that belongs to this back-up, or \
             restore with --admin-key to have one made.",
            arguments.data.display()
        ))?;
    }
    keyed
}

/// Makes a key that opens everything, for whoever has the back-up and no key.
async fn make_admin_key(data: &Path) -> Result<(), Failure> {
    let (store, authority) = offline::open(data).await?;
    let made = admin_key::make(&authority, data).await;
    made.map_err(|error| Failure::cannot_run("no administrator's key", error))?;
    drop(authority);
    OpenStore::Embedded(store).close().await
}

/// Runs `export`.
pub(crate) async fn export(arguments: CopyArguments) -> Result<(), Failure> {
    // The copy comes first, into a file of its own that never gets a name to keep.
    let mut name = arguments.file.clone().into_os_string();
    name.push(".copy");
    let mut copy = NewFile::create(name.as_ref(), true)?;
    unless_stopped(self::copy(&arguments, &mut copy)).await?;
    let mut file = NewFile::create(&arguments.file, arguments.replace)?;
    let counts = portable::write(open(copy.path())?, &mut file)?;
    let bytes = file.keep()?;
    if arguments.client.json {
        return print::json(&json!({
            "schema": "innkeeper.exported/1",
            "file": arguments.file,
            "bytes": bytes,
            "subjects": counts.subjects,
            "values": counts.values,
        }));
    }
    print::lines(format_args!(
        "exported {} subjects and {} users, keys and policies to {}",
        counts.subjects,
        counts.values,
        arguments.file.display()
    ))?;
    print::lines("It holds hashes of keys and passwords: keep it as you keep those.")
}

/// Runs `import`.
pub(crate) async fn import(arguments: &ImportArguments) -> Result<(), Failure> {
    elsewhere::refuse_in(&arguments.data)?;
    let counts = portable::read(&arguments.file, &arguments.data, wall_clock()).await?;
    // What was imported is said in any case: it is in its place.
    let keyed = if arguments.admin_key {
        make_admin_key(&arguments.data).await
    } else {
        Ok(())
    };
    if arguments.json {
        print::json(&json!({
            "schema": "innkeeper.imported/1",
            "data": arguments.data,
            "subjects": counts.subjects,
            "values": counts.values,
        }))?;
        return keyed;
    }
    print::lines(format_args!(
        "imported {} subjects and {} users, keys and policies into {}",
        counts.subjects,
        counts.values,
        arguments.data.display()
    ))?;
    print::lines("No session came along: everybody signs in again.")?;
    if keyed.is_ok() && !admin_key::file(&arguments.data).exists() {
        print::lines(format_args!(
            "There is no admin.key in {data}: the keys of the other store open this one; a new \
             one is made by innkeeper keys create NAME --scope admin --offline --data {data}",
            data = arguments.data.display()
        ))?;
    }
    keyed
}

fn wall_clock() -> Timestamp {
    let millis = SystemClock.wall().as_millis();
    Timestamp::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}
