//! Commands that copy a folder, where the sessions live in a server that nodes share.

mod support;

use std::path::Path;
use std::process::Command;

use innkeeper_test_servers::postgres::Postgres;
use innkeeper_test_servers::redis::Redis;
use support::{Server, innkeeper};

fn serve(data: &Path, kind: &str, url: &str) -> Command {
    let mut command = innkeeper(data);
    command
        .env("INNKEEPER_STORE__KIND", kind)
        .env("INNKEEPER_STORE__URL", url);
    command
}

/// Runs a command that has nothing to do here, and returns what it says.
fn refused(words: &[&str], data: &Path) -> String {
    let ran = Command::new(env!("CARGO_BIN_EXE_innkeeper"))
        .env_clear()
        .args(words)
        .arg("--data")
        .arg(data)
        .output()
        .expect("the binary was built for this test");
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert_eq!(ran.status.code(), Some(2), "{words:?}: {said}");
    said
}

/// It said that there was nothing here, or that the store was lost: whoever had just lost a
/// database was sent to look for a folder that had never been.
#[test]
fn given_a_shared_store_when_a_folder_is_to_be_copied_then_it_says_where_sessions_live() {
    let postgres = Postgres::start().expect("this test needs PostgreSQL");
    let database = postgres.database().expect("a database is made");
    let database = format!("{database} password=hunter2");
    let redis = Redis::start().expect("this test needs Redis");
    let user = [
        "ACL", "SETUSER", "inn", "on", ">hunter2", "~*", "&*", "+@all",
    ];
    redis.ask(&user).expect("an account is made");
    let of_redis = redis.url_of("inn", "hunter2");
    for (kind, url, name, way) in [
        ("postgres", &database, "PostgreSQL, the database", "pg_dump"),
        ("redis", &of_redis, "Redis, at /", "files"),
    ] {
        let root = tempfile::tempdir().unwrap();
        let (data, file) = (root.path().join("node"), root.path().join("file"));
        let file = file.to_str().expect("our folders have plain names");
        let server = Server::start_with(serve(&data, kind, url));
        let online = ["backup", "export"];
        let online = online.map(|word| refused(&[word, file, "--server", &server.base], &data));
        let (stopped, log) = server.stop();
        assert!(stopped.success(), "{log}");

        let offline = ["backup", "export"].map(|word| refused(&[word, file, "--offline"], &data));
        let into = ["restore", "import"].map(|word| refused(&[word, file], &data));
        let key = ["keys", "create", "web", "--scope", "check", "--offline"];
        let key = refused(&key, &data);

        for said in online.iter().chain(&offline).chain(&into).chain([&key]) {
            assert!(said.contains(name) && said.contains(way), "{said}");
            assert!(said.contains("docs/stores.md"), "{said}");
            assert!(!said.contains("hunter2"), "{said}");
        }
        assert!(!data.join("store").exists(), "nothing was made");
        assert!(!Path::new(file).exists(), "nothing was written");

        // A setting that went missing makes no empty store in its place.
        let lost = innkeeper(&data).output().expect("it runs");
        let said = String::from_utf8_lossy(&lost.stderr);
        assert_eq!(lost.status.code(), Some(4), "{said}");
        assert!(said.contains(name) && said.contains("store.kind"), "{said}");
    }
}

#[test]
fn given_a_folder_that_goes_back_to_a_store_of_its_own_when_copied_then_it_is() {
    let redis = Redis::start().expect("this test needs Redis");
    let root = tempfile::tempdir().unwrap();
    let (data, file) = (root.path().join("node"), root.path().join("file"));
    for command in [
        innkeeper(&data),
        serve(&data, "redis", &redis.url()),
        innkeeper(&data),
    ] {
        let (stopped, log) = Server::start_with(command).stop();
        assert!(stopped.success(), "{log}");
    }

    let ran = Command::new(env!("CARGO_BIN_EXE_innkeeper"))
        .env_clear()
        .args(["backup", "--offline", "--data"])
        .args([&data, &file])
        .output()
        .expect("the binary was built for this test");

    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}");
    assert!(file.exists());
    assert!(!data.join("shared-store").exists());
}
