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

/// The questions are on standard error; nobody is there to answer them.
fn init(file: &str) -> (Option<i32>, String) {
    let ran = Command::new(env!("CARGO_BIN_EXE_innkeeper"))
        .env_clear()
        .args(["probe", "init", file])
        .stdin(Stdio::null())
        .output()
        .expect("the binary was built for this test");
    let said = String::from_utf8(ran.stderr).expect("it prints text");
    (ran.status.code(), said)
}

#[test]
fn given_a_recipe_that_cannot_be_written_when_one_is_begun_then_no_question_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let there = path("there.yaml");
    std::fs::write(&there, "mine").unwrap();

    for file in [&there, &path("absent/new.yaml")] {
        let (code, said) = init(file);
        assert_eq!(code, Some(2), "{said}");
        assert!(
            said.starts_with(&format!("{file} cannot be written")),
            "{said}"
        );
    }
    let (_, asked) = init(&path("new.yaml"));

    assert!(asked.contains('?'), "{asked}");
    assert_eq!(std::fs::read_to_string(&there).unwrap(), "mine");
    assert!(
        !folder.path().join("new.yaml").exists(),
        "nothing is left of a broken interview"
    );
}

#[test]
fn given_json_asked_for_when_a_run_is_only_planned_then_it_is_wrong_usage() {
    let ran = Command::new(env!("CARGO_BIN_EXE_innkeeper"))
        .env_clear()
        .args(["probe", "recipe.yaml", "--dry-run", "--json"])
        .output()
        .expect("the binary was built for this test");

    assert_eq!(ran.status.code(), Some(2));
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(
        said.contains("--json") && said.contains("--dry-run"),
        "{said}"
    );
}
