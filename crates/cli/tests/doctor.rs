//! `doctor` on folders that are well and folders that are not.

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use support::Server;

fn doctor(data: &Path, more: &[(&str, &str)]) -> (i32, Value, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_innkeeper"));
    command
        .env_clear()
        .args(["doctor", "--json", "--data"])
        .arg(data);
    command.envs(more.iter().copied());
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
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(&data.path().join("data"));
    let empty = data.path().join("empty");

    let (code, alone, error) = doctor(&empty, &[]);
    assert_eq!(code, 0, "{error}");
    assert_eq!(state(&alone, "folder"), "unknown");
    assert_eq!(state(&alone, "store"), "unknown");
    assert_eq!(holds(&alone, "S8"), "conditional");
    let (code, named, error) = doctor(&empty, &[("INNKEEPER_URL", &server.base)]);
    assert_eq!(code, 0, "{error}");
    assert_eq!(state(&named, "store"), "ok");
    server.stop();
    let (_, gone, _) = doctor(&data.path().join("data"), &[]);
    assert_eq!(holds(&gone, "S8"), "yes");
}

fn holds<'v>(said: &'v Value, id: &str) -> &'v Value {
    let promises = said["promises"].as_array().expect("a list");
    let found = promises.iter().find(|promise| promise["id"] == id);
    &found.unwrap_or_else(|| panic!("no promise {id} in {said}"))["holds"]
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
