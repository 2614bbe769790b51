//! A folder that cannot be opened is refused by an error that names it and says what to do.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::{env, io};

use innkeeper_store::clock::ManualClock;
use innkeeper_store::{Register, SessionStore};
use innkeeper_store_embedded::{Damage, EmbeddedStore, OpenError};

/// Tells a child process that it is one, and which folder to open.
const CHILD: &str = "INNKEEPER_TEST_CHILD";

fn open(path: &Path) -> Result<EmbeddedStore, OpenError> {
    EmbeddedStore::open(path, Arc::new(ManualClock::at(1000)))
}

/// The error of a folder that cannot be opened, and what it says.
fn refused(path: &Path) -> (OpenError, String) {
    let error = open(path).expect_err("it cannot be opened");
    let said = error.to_string();
    let named = said.contains(&*path.display().to_string());
    assert!(named, "it names the folder: {said}");
    (error, said)
}

#[test]
fn given_no_folder_when_opened_then_it_is_made_for_its_owner_alone() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("deep/down");

    drop(open(&path).unwrap());

    for made in [path.clone(), path.join("store")] {
        let mode = fs::metadata(made).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}

#[test]
fn given_a_store_in_use_when_opened_again_then_it_says_that_another_process_holds_it() {
    let root = tempfile::tempdir().unwrap();
    let first = open(root.path()).unwrap();

    let (error, said) = refused(root.path());

    assert!(matches!(error, OpenError::InUse { .. }));
    assert!(said.contains("another process"), "{said}");
    drop(first);
    open(root.path()).expect("it is free again");
}

#[test]
fn given_a_file_when_opened_then_it_says_that_it_is_not_a_folder() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("file");
    fs::write(&path, "text").unwrap();

    assert!(matches!(refused(&path).0, OpenError::NotAFolder { .. }));
    let below = path.join("below");
    assert!(matches!(refused(&below).0, OpenError::NotAFolder { .. }));
}

#[test]
fn given_a_folder_of_somebody_else_when_opened_then_it_says_that_it_cannot_be_written() {
    if let Some(path) = env::var_os(CHILD) {
        let (error, said) = refused(Path::new(&path));
        assert!(matches!(error, OpenError::NotWritable { .. }), "{error:?}");
        assert!(said.contains("cannot be written"), "{said}");
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let readable = fs::Permissions::from_mode(0o555);
    let store = root.path().join("store");
    fs::create_dir(&store).unwrap();
    fs::set_permissions(&store, readable.clone()).unwrap();
    fs::set_permissions(root.path(), readable).unwrap();
    // Nothing is forbidden to root, so the child is nobody; nor may it look into our target.
    let program = tempfile::Builder::new()
        .permissions(fs::Permissions::from_mode(0o755))
        .tempdir();
    let program = program.unwrap();
    let child = program.path().join("child");
    fs::copy(env::current_exe().unwrap(), &child).unwrap();

    let test = "given_a_folder_of_somebody_else_when_opened_then_it_says_that_it_cannot_be_written";
    let mut command = Command::new(&child);
    command
        .args(["--exact", test])
        .current_dir("/")
        .env(CHILD, &store);
    let as_nobody = command.uid(65534).gid(65534).output();
    let output = match as_nobody {
        // Who is not root may not become nobody, and need not.
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => {
            let mut command = Command::new(&child);
            command.args(["--exact", test]).env(CHILD, &store).output()
        }
        output => output,
    };
    let output = output.unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && printed.contains("1 passed"),
        "{printed}"
    );
}

#[test]
fn given_a_newer_format_when_opened_then_it_says_so_and_changes_nothing() {
    let root = tempfile::tempdir().unwrap();
    drop(open(root.path()).unwrap());
    fs::write(
        root.path().join("store/format"),
        "innkeeper store, format 2\n",
    )
    .unwrap();

    let (error, said) = refused(root.path());

    let OpenError::Newer {
        found: 2, known: 1, ..
    } = error
    else {
        panic!("{error:?}");
    };
    assert!(said.contains("run the newer version"), "{said}");
}

#[test]
fn given_files_that_are_missing_when_opened_then_each_is_named() {
    let root = tempfile::tempdir().unwrap();
    drop(open(root.path()).unwrap());
    let whole = common::Files::read(root.path());

    for missing in ["store/format", "store/mark", "store/data"] {
        let copy = tempfile::tempdir().unwrap();
        whole.leave_in(copy.path());
        let path = copy.path().join(missing);
        let _ = fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));

        let (error, said) = refused(copy.path());

        let OpenError::Damaged {
            source: Damage::Missing,
            ..
        } = error
        else {
            panic!("{missing}: {error:?}");
        };
        assert!(said.contains(missing), "{said}");
    }
}

#[test]
fn given_a_store_whose_making_was_cut_short_when_opened_then_it_is_made_anew() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("new/data")).unwrap();
    fs::write(root.path().join("new/mark"), "half").unwrap();

    drop(open(root.path()).unwrap());

    assert!(!root.path().join("new").exists());
}

/// An operator puts yesterday's data back under today's mark, or the disk did.
#[tokio::test]
async fn given_data_older_than_its_mark_when_opened_then_it_says_that_changes_are_lost() {
    let root = tempfile::tempdir().unwrap();
    let store = open(root.path()).unwrap();
    let _ = store.put("a", None, Some(vec![1])).await.unwrap();
    let yesterday = common::Files::read(root.path());
    let _ = store.put("a", Some(1), Some(vec![2])).await.unwrap();
    store.close().await.unwrap();
    drop(store);
    let today = fs::read(root.path().join("store/mark")).unwrap();

    let copy = tempfile::tempdir().unwrap();
    yesterday.leave_in(copy.path());
    drop(open(copy.path()).expect("yesterday's data under yesterday's mark"));
    fs::remove_dir_all(copy.path()).unwrap();
    yesterday.leave_in(copy.path());
    fs::write(copy.path().join("store/mark"), today).unwrap();

    let OpenError::Lost {
        acknowledged,
        found,
        ..
    } = refused(copy.path()).0
    else {
        panic!("it was opened with less");
    };
    assert!(found < acknowledged);
}

#[tokio::test]
async fn given_a_closed_store_when_asked_for_a_change_then_it_says_that_it_takes_none() {
    let root = tempfile::tempdir().unwrap();
    let store = open(root.path()).unwrap();
    store.ready().unwrap();

    store.close().await.unwrap();

    assert!(store.ready().is_err());
    assert!(store.put("a", None, None).await.is_err());
    assert!(store.close().await.is_err(), "once is enough");
}
