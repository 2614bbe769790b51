//! Commands that copy a folder, where the sessions live in a server that nodes share.

mod support;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _};
use std::path::Path;
use std::process::{Command, Stdio};

use innkeeper_test_servers::postgres::Postgres;
use innkeeper_test_servers::redis::Redis;
use reqwest::StatusCode;
use serde_json::Value;
use support::{Server, files_below, innkeeper};

fn serve(data: &Path, kind: &str, url: &str) -> Command {
    let mut command = innkeeper(data);
    command
        .env("INNKEEPER_STORE__KIND", kind)
        .env("INNKEEPER_STORE__URL", url);
    command
}

/// Starts a server that is to refuse, and returns what it says.
fn refused_start(mut command: Command, code: i32) -> String {
    let mut said = tempfile::tempfile().expect("there is room for what is temporary");
    let stderr = said.try_clone().expect("it is open");
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(stderr)
        .spawn()
        .expect("the binary was built for this test");
    let mut greeting = String::new();
    let stdout = child.stdout.take().expect("it is piped");
    // One that listens would never end by itself.
    let greeted = BufReader::new(stdout).read_line(&mut greeting);
    let greeted = greeted.expect("the greeting is text");
    if greeted > 0 {
        child.kill().expect("it is our child");
    }
    let ended = child.wait().expect("it is our child");
    assert_eq!(greeting, "", "it was to refuse");
    let mut text = String::new();
    said.rewind().expect("it is a file");
    said.read_to_string(&mut text).expect("it says text");
    assert_eq!(ended.code(), Some(code), "{text}");
    text
}

/// Runs a command on a folder, and returns its exit code, and what it printed and said.
fn run(words: &[&str], data: &Path) -> (Option<i32>, String, String) {
    let ran = Command::new(env!("CARGO_BIN_EXE_innkeeper"))
        .env_clear()
        .args(words)
        .arg("--data")
        .arg(data)
        .output()
        .expect("the binary was built for this test");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (ran.status.code(), text(&ran.stdout), text(&ran.stderr))
}

/// Runs a command that has nothing to do here, and returns what it says.
fn refused(words: &[&str], data: &Path, code: i32) -> String {
    let (ended, _, said) = run(words, data);
    assert_eq!(ended, Some(code), "{words:?}: {said}");
    said
}

/// What each command that works on a folder says where that is refused: nothing is written to
/// `file`, which is there already for those that read it.
fn refused_offline(data: &Path, file: &Path, to_read: &Path) -> Vec<String> {
    let (file, to_read) = (text(file), text(to_read));
    let said = [
        &["backup", file, "--offline"][..],
        &["export", file, "--offline"],
        &["restore", to_read],
        &["restore", to_read, "--replace", "--admin-key"],
        &["import", to_read],
        &["keys", "create", "web", "--scope", "check", "--offline"],
    ];
    let said = said.map(|words| refused(words, data, 4));
    assert!(!Path::new(file).exists(), "nothing was written");
    said.into()
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
        let server = Server::start_with(serve(&data, kind, url));
        let online = ["backup", "export"].map(|word| {
            let words = [word, text(&file), "--server", &server.base];
            refused(&words, &data, 2)
        });
        let (stopped, log) = server.stop();
        assert!(stopped.success(), "{log}");

        let offline = refused_offline(&data, &file, &file);

        for said in online.iter().chain(&offline) {
            assert!(said.contains(name) && said.contains(way), "{said}");
            assert!(said.contains("docs/stores.md"), "{said}");
            assert!(!said.contains("hunter2"), "{said}");
        }
        assert!(!data.join("store").exists(), "nothing was made");

        // A setting that went missing makes no empty store in its place.
        let said = refused_start(innkeeper(&data), 4);
        assert!(said.contains(name) && said.contains("store.kind"), "{said}");
    }
}

/// Somebody signed in over the store of the folder. The node was moved to Redis, where all sessions
/// were to be ended, and later a start lost `store.kind`: the token of then was good again, and
/// back-ups had been of the old store all the time.
#[tokio::test(flavor = "multi_thread")]
async fn given_a_folder_that_was_left_for_redis_when_its_settings_are_lost_then_it_is_not_served() {
    let redis = Redis::start().expect("this test needs Redis");
    let root = tempfile::tempdir().unwrap();
    let (data, file) = (root.path().join("node"), root.path().join("file"));
    let before = root.path().join("before");
    let server = Server::start(&data);
    let (token, _) = server.admin(&data).signed_in("alice").await;
    refused_start(serve(&data, "redis", &redis.url()), 3);
    assert!(!data.join("shared-store").exists(), "one node at a time");
    server.stop();
    let (code, _, said) = run(&["backup", "--offline", text(&before)], &data);
    assert_eq!(code, Some(0), "{said}");
    let server = Server::start_with(serve(&data, "redis", &redis.url()));
    let (status, _) = server.admin(&data).check(&token).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    server.stop();
    let as_it_was = files_below(&data);

    let said = refused_start(innkeeper(&data), 4);
    let mut offline = refused_offline(&data, &file, &before);
    let (examined, checks, _) = run(&["doctor"], &data);

    offline.push(said);
    for said in &offline {
        assert!(said.contains("Redis, at /"), "{said}");
        assert!(said.contains("store.kind"), "{said}");
        assert!(said.contains("shared-store"), "{said}");
    }
    assert_eq!(examined, Some(1), "{checks}");
    assert!(checks.contains("Redis, at /"), "{checks}");
    let is = files_below(&data);
    assert!(is == as_it_was, "nothing was changed, nor the note removed");
    let (again, log) = Server::start_with(serve(&data, "redis", &redis.url())).stop();
    assert!(again.success(), "as it was set before: {log}");
}

/// The way back that the refusal names: what had been there was good again with it.
#[tokio::test(flavor = "multi_thread")]
async fn given_a_folder_that_is_gone_back_to_when_served_then_no_session_of_then_is_valid() {
    let redis = Redis::start().expect("this test needs Redis");
    let root = tempfile::tempdir().unwrap();
    let (data, file) = (root.path().join("node"), root.path().join("file"));
    let server = Server::start(&data);
    let (token, _) = server.admin(&data).signed_in("alice").await;
    server.stop();
    Server::start_with(serve(&data, "redis", &redis.url())).stop();

    fs::remove_file(data.join("shared-store")).expect("the note is there");

    let words = "keys create rescue --scope admin --offline --json";
    let words: Vec<_> = words.split(' ').collect();
    let (code, made, said) = run(&words, &data);
    assert_eq!(code, Some(0), "{said}");
    let made: Value = serde_json::from_str(&made).expect("it prints JSON");
    let server = Server::start(&data);
    let api = server.api(made["key"].as_str().expect("it is shown once"));
    let (status, told) = api.check(&token).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "{told}");
    let (new, _) = api.signed_in("alice").await;
    assert_eq!(api.live("alice").await, 1, "and one that is new");
    let (stopped, log) = server.stop();
    assert!(stopped.success(), "{log}");
    let (code, _, said) = run(&["backup", "--offline", text(&file)], &data);
    assert_eq!(code, Some(0), "{said}");
    let server = Server::start(&data);
    let api = server.api(made["key"].as_str().expect("it is shown once"));
    assert_eq!(api.check(&new).await.0, StatusCode::OK, "it is served on");
}

/// It counted as none.
#[test]
fn given_a_note_that_cannot_be_read_when_asked_for_then_nothing_is_served_or_copied() {
    let root = tempfile::tempdir().unwrap();
    let (data, file) = (root.path().join("node"), root.path().join("file"));
    let before = root.path().join("before");
    Server::start(&data).stop();
    let (code, _, said) = run(&["backup", "--offline", text(&before)], &data);
    assert_eq!(code, Some(0), "{said}");
    fs::write(data.join("shared-store"), "").unwrap();

    let said = refused_start(innkeeper(&data), 4);
    let mut offline = refused_offline(&data, &file, &before);

    offline.push(said);
    for said in &offline {
        assert!(said.contains("cannot be read"), "{said}");
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("our folders have plain names")
}
