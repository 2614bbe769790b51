//! The prober as a program: what it leaves behind when it is interrupted.

mod support;

use std::process::{Command, Stdio};

use reqwest::{Method, StatusCode};
use serde_json::json;
use support::{Server, innkeeper};

const PASSWORD: &str = "correct horse battery";

fn recipe(base: &str) -> String {
    format!(
        r#"version: 1
target: {{ base: "{base}", scope: ["{base}"] }}
users: {{ frank: {{ name: frank, identity: u-9, password: {{ env: FRANK_PW }} }} }}
session: {{ carrier: cookie, name: innkeeper-demo }}
steps:
  login: |
    POST /sign-in
    [Form]
    name: {{{{user.name}}}}
    password: {{{{user.password}}}}
  whoami:
    request: GET /me
    logged_in: {{ json: {{ "$.session.subject": "{{{{user.identity}}}}" }} }}
  logout: POST /me/logout
limits: {{ rate: 2/s }}
"#
    )
}

#[tokio::test]
async fn given_a_probe_that_runs_when_it_is_interrupted_then_it_signs_out_and_says_what_is_open() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut serve = innkeeper(folder.path());
    serve.arg("--demo");
    let server = Server::start_with(serve);
    let api = server.admin(folder.path());
    let user = json!({"name": "frank", "password": PASSWORD, "subject": "u-9"});
    let (status, body) = api.send(Method::POST, "/v1/users", Some(&user)).await;
    assert_eq!(status, StatusCode::CREATED, "{body}");
    let file = folder.path().join("recipe.yaml");
    std::fs::write(&file, recipe(&server.base)).expect("it can be written");
    let probe = Command::new(env!("CARGO_BIN_EXE_innkeeper"))
        .env_clear()
        .env("FRANK_PW", PASSWORD)
        .arg("probe")
        .arg(&file)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary was built for this test");
    while api.live("u-9").await == 0 {}

    let sent = Command::new("kill")
        .args(["-s", "INT", &probe.id().to_string()])
        .status();
    assert!(sent.expect("kill is there").success());
    let ended = probe.wait_with_output().expect("it is our child");

    let printed = String::from_utf8_lossy(&ended.stdout);
    assert_eq!(ended.status.code(), Some(5), "{printed}");
    assert!(printed.contains("the probe was asked to stop"), "{printed}");
    assert_eq!(api.live("u-9").await, 0, "{printed}");
}
