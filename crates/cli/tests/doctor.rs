//! `doctor` on folders that are well and folders that are not.

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use support::Server;

fn doctor(data: &Path, more: &[(&str, &str)]) -> (i32, Value, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_innkeeper"));
    command.args(["doctor", "--json", "--data"]).arg(data);
    ran(command, more)
}

fn ran(mut command: Command, more: &[(&str, &str)]) -> (i32, Value, String) {
    command.env_clear().envs(more.iter().copied());
    let ran = command
        .output()
        .expect("the binary was built for this test");
    let said = serde_json::from_slice(&ran.stdout).unwrap_or(Value::Null);
    let error = String::from_utf8_lossy(&ran.stderr).into_owned();
    (ran.status.code().expect("it exits by itself"), said, error)
}

fn state<'v>(said: &'v Value, name: &str) -> &'v Value {
    let checks = said["checks"].as_array().expect("a list");
    let found = checks.iter().find(|check| check["name"] == name);
    &found.unwrap_or_else(|| panic!("no check {name} in {said}"))["state"]
}

#[tokio::test(flavor = "multi_thread")]
async fn given_a_store_when_examined_then_it_is_read_whole_and_unfenced_sign_ins_are_counted() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("data");
    let server = Server::start(&folder);
    server.admin(&folder).signed_in("alice").await;
    let listen = server.base.trim_start_matches("http://").to_owned();

    let (code, running, error) = doctor(&folder, &[("INNKEEPER_SERVER__LISTEN", &listen)]);
    assert_eq!(code, 0, "{error}");
    assert_eq!(running["schema"], "innkeeper.doctor/1");
    assert_eq!(state(&running, "store"), "ok");
    server.stop();
    let (code, stopped, error) = doctor(&folder, &[]);

    assert_eq!(code, 0, "{error}");
    assert_eq!(state(&stopped, "store"), "ok");
    assert_eq!(state(&stopped, "unfenced sign-ins"), "warning");
    assert_eq!(state(&stopped, "mail"), "not_configured");
    let promises = stopped["promises"].as_array().expect("a list");
    let power = promises.iter().find(|p| p["id"] == "S3 power loss");
    assert_eq!(power.expect("it is there")["holds"], "conditional");
    assert_eq!(holds(&stopped, "S8"), "conditional");
    assert_eq!(holds(&stopped, "S1"), "yes");
    assert_eq!(holds(&stopped, "S17"), "yes");
    let observing = [("INNKEEPER_POLICY__AT_LIMIT", "observe")];
    let (_, observed, _) = doctor(&folder, &observing);
    assert_eq!(holds(&observed, "S1"), "no");
}

#[tokio::test(flavor = "multi_thread")]
async fn given_a_server_elsewhere_when_named_then_it_is_asked_and_nothing_more_is_claimed() {
    let elsewhere = |folder: &Path, more: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_innkeeper"));
        command.current_dir(folder).args(["doctor", "--json"]);
        ran(command, more)
    };
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(&data.path().join("data"));
    let empty = data.path().join("empty");

    let (code, alone, error) = doctor(&empty, &[]);
    assert_eq!(code, 3, "{error}");
    assert_eq!(state(&alone, "folder"), "unknown");
    assert_eq!(state(&alone, "store"), "unknown");
    assert!(detail(&alone, "store").contains("`innkeeper serve` would make it"));
    let (code, another, error) = doctor(&empty, &[("INNKEEPER_URL", &server.base)]);
    assert_eq!(code, 3, "{error}");
    for nothing in [alone, another] {
        let promises = nothing["promises"].as_array().expect("a list");
        assert!(promises.iter().all(|promise| promise["holds"] != "yes"));
    }
    let named = [("INNKEEPER_URL", server.base.as_str())];
    let (code, asked, error) = elsewhere(data.path(), &named);
    assert_eq!(code, 3, "{error}");
    assert_eq!(state(&asked, "store"), "ok");
    assert_eq!(state(&asked, "policy"), "unknown");
    assert_eq!(holds(&asked, "S1"), "conditional");
    assert_eq!(holds(&asked, "S10"), "conditional");
    let (code, held, error) = doctor(
        &data.path().join("data"),
        &[("INNKEEPER_URL", "http://127.0.0.1:9")],
    );
    assert_eq!(code, 3, "{error}");
    assert_eq!(holds(&held, "S17"), "conditional");
    let other = Server::start(&data.path().join("other"));
    let named = [("INNKEEPER_URL", other.base.as_str())];
    let (code, held, error) = doctor(&data.path().join("data"), &named);
    assert_eq!(code, 3, "{error}");
    assert_eq!(state(&held, "store"), "unknown");
    server.stop();
    let (_, gone, _) = doctor(&data.path().join("data"), &[]);
    assert_eq!(holds(&gone, "S8"), "yes");
}

fn holds<'v>(said: &'v Value, id: &str) -> &'v Value {
    let promises = said["promises"].as_array().expect("a list");
    let found = promises.iter().find(|promise| promise["id"] == id);
    &found.unwrap_or_else(|| panic!("no promise {id} in {said}"))["holds"]
}

fn detail<'v>(said: &'v Value, name: &str) -> &'v str {
    let checks = said["checks"].as_array().expect("a list");
    let found = checks.iter().find(|check| check["name"] == name);
    let found = found.unwrap_or_else(|| panic!("no check {name} in {said}"));
    found["detail"].as_str().expect("a text")
}

#[tokio::test(flavor = "multi_thread")]
async fn given_a_policy_over_the_api_when_examined_then_the_one_in_force_is_judged() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let body = json!({"policy": {"at_limit": "observe"}});
    let (status, said) = server
        .admin(data.path())
        .send(Method::PUT, "/v1/policy", Some(&body))
        .await;
    assert_eq!(status, StatusCode::OK, "{said}");

    let (_, running, _) = doctor(data.path(), &[("INNKEEPER_URL", &server.base)]);
    server.stop();
    let (_, stopped, _) = doctor(data.path(), &[]);

    assert_eq!(detail(&running, "policy"), "version 2 is in force");
    assert_eq!(holds(&running, "S1"), "no");
    assert_eq!(detail(&stopped, "policy"), "version 2 is in force");
    assert_eq!(holds(&stopped, "S1"), "no");
}

#[test]
fn given_proxies_in_the_settings_when_examined_then_those_are_told() {
    let data = tempfile::tempdir().unwrap();
    Server::start(data.path()).stop();
    let proxies = |list| doctor(data.path(), &[("INNKEEPER_SERVER__TRUSTED_PEERS", list)]).1;

    let (few, all) = (proxies("10.0.0.0/8,192.0.2.7"), proxies("0.0.0.0/0"));

    assert_eq!(state(&few, "proxy"), "ok");
    assert!(detail(&few, "proxy").starts_with("10.0.0.0/8, 192.0.2.7"));
    assert_eq!(state(&all, "proxy"), "warning");
    assert_eq!(
        state(&doctor(data.path(), &[]).1, "proxy"),
        "not_configured"
    );
}

#[test]
fn given_a_key_file_that_holds_none_when_examined_or_served_then_it_is_said() {
    let data = tempfile::tempdir().unwrap();
    Server::start(data.path()).stop();
    let file = data.path().join("admin.key");
    let key = fs::read_to_string(&file).expect("the first start wrote it");
    let (cut, other) = (&key[..key.len() - 3], key.replacen("ikk_", "ikt_", 1));

    for junk in ["", "hello", cut, &other] {
        fs::write(&file, junk).unwrap();
        let (code, said, error) = doctor(data.path(), &[]);
        assert_eq!(code, 1, "{error}");
        assert_eq!(state(&said, "admin key"), "failed", "{junk:?}");
    }
    let (_, log) = Server::start(data.path()).stop();
    assert!(log.contains("holds none that can be read"), "{log}");
    fs::write(&file, key).unwrap();
    assert_eq!(state(&doctor(data.path(), &[]).1, "admin key"), "ok");
}

#[test]
fn given_what_is_wrong_when_examined_then_it_is_named_and_the_exit_code_says_so() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    Server::start(&data).stop();

    let (code, _, error) = doctor(&data, &[("INNKEEPER_POLICY__MAX_SESSIONS", "0")]);
    assert_eq!(code, 2, "{error}");
    fs::set_permissions(data.join("admin.key"), Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(&data, Permissions::from_mode(0o777)).unwrap();
    let (code, said, error) = doctor(&data, &[]);
    assert_eq!(code, 1, "{error}");
    assert_eq!(state(&said, "folder"), "failed");
    assert_eq!(state(&said, "admin key"), "failed");
    fs::set_permissions(&data, Permissions::from_mode(0o700)).unwrap();
    fs::set_permissions(data.join("admin.key"), Permissions::from_mode(0o600)).unwrap();
    fs::write(data.join("store/format"), "nonsense").unwrap();
    let (code, said, error) = doctor(&data, &[]);
    assert_eq!(code, 1, "{error}");
    assert_eq!(state(&said, "store"), "failed");
}

/// Less can be asked with half a key than with a lesser one: no more may be said.
#[tokio::test(flavor = "multi_thread")]
async fn given_a_key_file_that_opens_too_little_when_examined_then_it_could_not_be_looked_at() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("data");
    let server = Server::start(&folder);
    let whole = fs::read_to_string(folder.join("admin.key")).unwrap();
    let lesser = json!({"name": "web", "scopes": ["check"]});
    let api = server.admin(&folder);
    let (_, lesser) = api.send(Method::POST, "/v1/keys", Some(&lesser)).await;
    let asked_with = |key: &str| {
        let file = data.path().join("other.key");
        fs::write(&file, key).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_innkeeper"));
        command.args(["doctor", "--json", "--data"]).arg(&folder);
        command.arg("--key-file").arg(&file);
        ran(command, &[("INNKEEPER_URL", &server.base)])
    };

    for key in [&whole[..20], lesser["key"].as_str().expect("shown once")] {
        let (code, said, error) = asked_with(key);
        assert_eq!(code, 3, "{error}");
        for id in ["S1", "S10", "S17"] {
            assert_eq!(holds(&said, id), "conditional", "{id}");
        }
    }
    let (_, cut, _) = asked_with(&whole[..20]);
    assert_eq!(state(&cut, "key file"), "failed");
    let (code, said, error) = asked_with(&whole);
    assert_eq!(code, 0, "{error}");
    assert_eq!(state(&said, "key file"), "ok");
    assert_eq!(holds(&said, "S10"), "yes");
}
