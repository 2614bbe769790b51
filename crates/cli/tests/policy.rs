//! The policy of a running server: read again from its file, put over the API, tried and checked.

mod support;

use std::path::Path;
use std::process::{Command, Output};

use reqwest::Method;
use serde_json::{Value, json};
use support::{Api, Server, innkeeper};

/// Replaces the file in one step: the server looks by itself, and could see it half written.
fn write(file: &Path, policy: &str) {
    let aside = file.with_extension("new");
    let text = format!("[server]\nlisten = \"127.0.0.1:0\"\n[policy]\n{policy}\n");
    std::fs::write(&aside, text).expect("the folder is ours");
    std::fs::rename(aside, file).expect("the folder is ours");
}

fn started(data: &Path, file: &Path) -> Server {
    let mut command = innkeeper(data);
    command.arg("--config").arg(file);
    Server::start_with(command)
}

async fn in_force(api: &Api) -> Value {
    let (status, body) = api.send(Method::GET, "/v1/policy", None).await;
    assert_eq!(status, 200, "{body}");
    body
}

/// Asks until the policy is this: the server is told by a signal or a file, and says no more.
async fn until(api: &Api, max_sessions: u64) -> Value {
    for _ in 0..100_000 {
        let policy = in_force(api).await;
        if policy["policy"]["max_sessions"] == max_sessions {
            return policy;
        }
    }
    panic!("it never took the policy up");
}

fn run(arguments: &[&str], file: &Path, more: &[&str]) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(env!("CARGO_BIN_EXE_innkeeper"))
        .env_clear()
        .args(arguments)
        .arg(file)
        .args(more)
        .output()
        .expect("the binary was built for this test");
    let text = |bytes| String::from_utf8(bytes).expect("it prints text");
    (
        status.code().expect("it exits by itself"),
        text(stdout),
        text(stderr),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn given_a_changed_file_when_told_or_not_then_its_policy_is_in_force_without_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("innkeeper.toml");
    write(&file, "max_sessions = 4");
    let server = started(&data.path().join("store"), &file);
    let api = server.admin(&data.path().join("store"));
    assert_eq!(in_force(&api).await["policy"]["max_sessions"], 4);

    write(&file, "max_sessions = 3");
    server.signal("HUP");
    assert_eq!(until(&api, 3).await["version"], 2);
    // A file that was replaced is noticed without a signal.
    let other = data.path().join("other.toml");
    write(&other, "max_sessions = 20");
    std::fs::rename(&other, &file).unwrap();
    assert_eq!(until(&api, 20).await["version"], 3);

    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn given_a_broken_file_when_read_again_then_the_old_policy_stays_and_the_log_says_why() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("innkeeper.toml");
    write(&file, "max_sessions = 4");
    let server = started(&data.path().join("store"), &file);
    let api = server.admin(&data.path().join("store"));

    write(&file, "max_session = 3");
    server.signal("HUP");
    // A good file after it is taken up: so the broken one has been looked at.
    write(&file, "max_sessions = 3");
    server.signal("HUP");
    let policy = until(&api, 3).await;

    assert_eq!(policy["version"], 2);
    let (_, log) = server.stop();
    assert!(log.contains("the policy of the file is in force"), "{log}");
}

/// The operator's surprise that must not be: a restart undoes what was put over the API.
#[tokio::test(flavor = "multi_thread")]
async fn given_a_policy_put_over_the_api_when_restarted_with_the_same_file_then_it_stays() {
    let data = tempfile::tempdir().unwrap();
    let store = data.path().join("store");
    let file = data.path().join("innkeeper.toml");
    write(&file, "max_sessions = 4");
    let server = started(&store, &file);
    let api = server.admin(&store);
    let put = json!({"version": 1, "policy": {"max_sessions": 2}});
    let (status, body) = api.send(Method::PUT, "/v1/policy", Some(&put)).await;
    assert_eq!(status, 200, "{body}");
    server.stop();

    let again = started(&store, &file);
    let kept = in_force(&again.admin(&store)).await;

    assert_eq!(
        (&kept["version"], &kept["policy"]["max_sessions"]),
        (&json!(2), &json!(2))
    );
    let (_, log) = again.stop();
    assert!(log.contains("was put over the API"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn given_a_policy_when_tried_then_the_table_and_the_json_say_whom_it_would_hit() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("stricter.toml");
    write(&file, "max_sessions = 1");
    let server = Server::start(data.path());
    let api = server.admin(data.path());
    for _ in 0..3 {
        api.signed_in("alice").await;
    }
    let folder = data.path().to_str().expect("it is text");
    let reach = ["--server", &server.base, "--data", folder];

    let (code, table, err) = run(&["policy", "try"], &file, &reach);
    assert_eq!(code, 0, "{err}");
    assert!(
        table.starts_with("would end 2 of 3 sessions, of 1 of 1 subjects\n"),
        "{table}"
    );
    assert!(table.contains("alice"), "{table}");
    let (_, out, _) = run(&["policy", "try", "--json"], &file, &reach);
    let told: Value = serde_json::from_str(&out).expect("it is JSON");
    assert_eq!(told["schema"], "innkeeper.policy_trial/1");
    assert_eq!((&told["ended"], &told["sessions"]), (&json!(2), &json!(3)));
    assert_eq!(in_force(&api).await["version"], 1);
}

#[test]
fn given_policies_when_checked_then_the_exit_code_says_how_they_are() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("c.toml");

    write(&file, "max_sessions = 3");
    let (code, out, err) = run(&["policy", "check"], &file, &[]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.starts_with("[policy]\nmax_sessions = 3 "), "{out}");

    write(&file, "max_sessions = 3\nat_limit = \"observe\"");
    let (code, out, _) = run(&["policy", "check"], &file, &[]);
    assert_eq!(code, 1);
    assert!(
        out.contains("warning: policy: under observe no limit is in force"),
        "{out}"
    );
    let (code, out, _) = run(&["policy", "check", "--json"], &file, &[]);
    let told: Value = serde_json::from_str(&out).expect("it is JSON");
    assert_eq!(code, 1);
    assert_eq!(told["schema"], "innkeeper.policy/1");
    assert_eq!(told["warnings"][0]["place"], "policy");

    write(&file, "max_session = 3");
    let (code, _, err) = run(&["policy", "check"], &file, &[]);
    assert_eq!(code, 2);
    assert!(err.contains("did you mean policy.max_sessions?"), "{err}");
}

/// They were passed over in silence, and the operator looked for the mistake elsewhere.
#[tokio::test(flavor = "multi_thread")]
async fn given_other_settings_that_change_when_reloaded_then_the_log_names_what_waits() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("innkeeper.toml");
    write(&file, "max_sessions = 4");
    let server = started(&data.path().join("store"), &file);
    let api = server.admin(&data.path().join("store"));

    write(
        &file,
        "max_sessions = 3\n[journal]\nkeep = \"30d\"\n[notify]",
    );
    server.signal("HUP");
    until(&api, 3).await;

    let (_, log) = server.stop();
    assert!(log.contains("journal.keep"), "{log}");
    assert!(log.contains("waits for a restart"), "{log}");
    assert!(log.contains("sending notices is not available"), "{log}");
}
