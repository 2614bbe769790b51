//! Nodes that share a Redis: what is refused at start, what is said, and what one does that another
//! sees.

mod support;

use std::path::Path;
use std::process::Command;

use innkeeper_test_servers::redis::Redis;
use reqwest::{Method, StatusCode};
use serde_json::Value;

use support::{Server, innkeeper};

fn on(data: &Path, url: &str, more: &[(&str, &str)]) -> Command {
    let mut command = innkeeper(data);
    command
        .env("RUST_LOG", "info")
        .env("INNKEEPER_STORE__KIND", "redis")
        .env("INNKEEPER_STORE__URL", url)
        .envs(more.iter().copied());
    command
}

/// Runs it, which does not start, and returns with which code it exits and what it says.
fn refused(mut command: Command) -> (i32, String) {
    let ran = command
        .output()
        .expect("the binary was built for this test");
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    (ran.status.code().expect("it exits by itself"), said)
}

#[test]
fn given_a_server_that_will_not_do_when_started_then_it_says_what_to_do_and_shows_no_password() {
    let data = tempfile::tempdir().unwrap();
    let started = |options: &[&str]| Redis::start_with(options).expect("this test needs Redis");
    let refused_by = |options: &[&str], more: &[(&str, &str)]| {
        let server = started(options);
        refused(on(data.path(), &server.url(), more))
    };

    let (code, said) = refused_by(&["--maxmemory-policy", "allkeys-lru"], &[]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("set maxmemory-policy noeviction"), "{said}");
    let snapshots = ["--appendonly", "no", "--save", "60 1"];
    let (code, said) = refused_by(&snapshots, &[]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("store.allow_snapshots = true"), "{said}");
    let (code, said) = refused_by(&["--cluster-enabled", "yes"], &[]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("Redis Cluster"), "{said}");
    let (code, said) = refused_by(&["--replicaof", "127.0.0.1 1"], &[]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("name its primary"), "{said}");

    let server = started(&[]);
    let url = server.url_of("nobody", "hunter2");
    let (code, said) = refused(on(data.path(), &url, &[]));
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("the account and the password"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    let (code, said) = refused(on(data.path(), "unix:///nowhere?pass=hunter2", &[]));
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("cannot be reached"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    let (code, said) = refused(on(data.path(), "rediss://:hunter2@localhost", &[]));
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("TLS (rediss://) is not built yet"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    let mut without = innkeeper(data.path());
    without.env("INNKEEPER_STORE__KIND", "redis");
    let (code, said) = refused(without);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("needs store.url = \"redis://"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn given_two_nodes_when_one_ends_a_session_then_the_other_lets_it_in_no_more() {
    let server = Redis::start_with(&["--appendfsync", "everysec"]).expect("this test needs Redis");
    let data = tempfile::tempdir().unwrap();
    let [first, second] = ["first", "second"].map(|node| data.path().join(node));
    let ask_each_time = [("INNKEEPER_STORE__LEASE", "0s")];
    let one = Server::start_with(on(&first, &server.url(), &ask_each_time));
    let other = Server::start_with(on(&second, &server.url(), &ask_each_time));
    let (here, there) = (one.admin(&first), other.admin_of(&first));

    let (token, id) = here.signed_in("alice").await;
    let (status, _) = there.check(&token).await;
    assert_eq!(status, StatusCode::OK);
    let path = format!("/v1/sessions/{id}");
    let (status, body) = here.send(Method::DELETE, &path, None).await;
    assert!(status.is_success(), "{body}");
    let (status, _) = there.check(&token).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);

    drop((here, there));
    let (stopped, log) = one.stop();
    assert!(stopped.success(), "{log}");
    assert!(
        log.contains("S3 power loss: no: 1–2 s of deaths may return"),
        "{log}"
    );
    assert!(log.contains("Redis as a store is a preview"), "{log}");
    let (stopped, log) = other.stop();
    assert!(stopped.success(), "{log}");
}

/// Runs `doctor` on these settings.
fn doctor(data: &Path, url: &str) -> (i32, Value, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_innkeeper"));
    let ran = command
        .env_clear()
        .env("INNKEEPER_STORE__KIND", "redis")
        .env("INNKEEPER_STORE__URL", url)
        .args(["doctor", "--json", "--data"])
        .arg(data)
        .output()
        .expect("the binary was built for this test");
    let said = serde_json::from_slice(&ran.stdout).unwrap_or(Value::Null);
    let error = String::from_utf8_lossy(&ran.stderr).into_owned();
    (ran.status.code().expect("it exits by itself"), said, error)
}

fn found<'v>(list: &'v Value, key: &str, name: &str) -> &'v Value {
    let list = list.as_array().expect("a list");
    let found = list.iter().find(|item| item[key] == name);
    found.unwrap_or_else(|| panic!("no {name} in {list:?}"))
}

#[test]
fn given_a_redis_when_doctor_looks_then_it_says_what_the_server_keeps_and_makes_nothing_there() {
    let data = tempfile::tempdir().unwrap();
    let started = |options: &[&str]| Redis::start_with(options).expect("this test needs Redis");

    let server = started(&["--appendfsync", "everysec"]);
    let (code, said, error) = doctor(data.path(), &server.url());
    assert_eq!(code, 0, "{said} {error}");
    assert_eq!(
        said["configuration"],
        "Redis/Valkey single, AOF every second, no WAITAOF"
    );
    assert_eq!(found(&said["checks"], "name", "store")["state"], "ok");
    let power = found(&said["promises"], "id", "S3 power loss");
    assert_eq!(power["words"], "no: 1–2 s of deaths may return");
    assert_eq!(server.ask(&["DBSIZE"]).unwrap(), "0");
    assert_eq!(server.ask(&["FUNCTION", "LIST"]).unwrap(), "");

    let evicts = started(&["--maxmemory-policy", "allkeys-lru"]);
    let (code, said, error) = doctor(data.path(), &evicts.url());
    assert_eq!(code, 1, "{said} {error}");
    let check = found(&said["checks"], "name", "store");
    assert_eq!(check["state"], "failed");
    assert_ne!(found(&said["promises"], "id", "S1")["holds"], "yes");
    assert_ne!(found(&said["promises"], "id", "S17")["holds"], "yes");

    let (code, _, error) = doctor(data.path(), "unix:///nowhere?pass=hunter2");
    assert_eq!(code, 3, "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

/// A node keeps in memory by which key it finds rosters. A server that has lost everything gets
/// another key from the next node that starts: the two would find two rosters of one subject, and
/// each would let so many in as the limit allows.
#[tokio::test(flavor = "multi_thread")]
async fn given_a_server_that_lost_everything_when_it_is_back_then_the_node_ends_and_begins_anew() {
    let nothing = ["--appendonly", "no"];
    let mut server = Redis::start_with(&nothing).expect("this test needs Redis");
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("node");
    let node = Server::start_with(on(&folder, &server.url(), &[]));
    let api = node.admin(&folder);
    let (token, _) = api.signed_in("alice").await;

    server.kill().unwrap();
    server.again().unwrap();

    // Whoever asks is told no, until the node has noticed and ended.
    while let Ok((status, _)) = api.try_send(Method::GET, "/v1/subjects/alice", None).await {
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    }
    let (stopped, log) = node.wait();
    assert_eq!(stopped.code(), Some(3), "{log}");
    assert!(log.contains("the server has lost the store"), "{log}");
    let again = Server::start_with(on(&folder, &server.url(), &[]));
    let api = again.admin(&folder);
    let (status, _) = api.check(&token).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(api.live("alice").await, 0);
}
