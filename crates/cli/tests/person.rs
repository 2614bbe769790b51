//! All that is kept of one person, through the commands: ended, exported, erased.

mod support;

use std::path::Path;
use std::process::{Command, Stdio};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use support::{Server, files_below};

struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn innkeeper(server: &Server, data: &Path, arguments: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_innkeeper"))
        .env_clear()
        .args(arguments)
        .args(["--server", &server.base, "--data"])
        .arg(data)
        .stdin(Stdio::null())
        .output()
        .expect("the binary was built for this test");
    Ran {
        code: output.status.code().expect("it exits by itself"),
        out: String::from_utf8(output.stdout).expect("it prints text"),
        err: String::from_utf8(output.stderr).expect("it prints text"),
    }
}

const ERIN: &str = "erin-4711";

/// What a file of the store would betray of the person. The id of the account is not among it:
/// it stays with the fence that refuses evidence from before, until that is swept away.
const PERSONAL: [&str; 7] = [
    "erin@example.org",
    "Europe/Berlin",
    "shelf-of-erin",
    "office-of-erin",
    "erin@intranet.example",
    "203.0.113.0/24",
    "desk-of-erin",
];

async fn sign_in(server: &Server, data: &Path) -> String {
    let body = json!({
        "subject": ERIN, "client": "web", "ip": "203.0.113.77", "groups": [PERSONAL[3]],
        "contact": {"email": PERSONAL[0], "locale": "de", "time_zone": PERSONAL[1]},
        "attributes": {"shelf": PERSONAL[2]},
        "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    });
    let api = server.admin(data);
    let (status, opened) = api.send(Method::POST, "/v1/sessions", Some(&body)).await;
    assert_eq!(status, StatusCode::CREATED, "{opened}");
    support::token_and_id(&opened).0
}

/// What is kept of the person elsewhere: a user of the sign-in page that was removed since, an order
/// that is done, and a session in which it acted as somebody else.
async fn leave_traces(server: &Server, data: &Path) {
    let api = server.admin(data);
    let user = json!({"name": PERSONAL[4], "password": "correct horse", "subject": ERIN});
    let filter = json!({"subject": ERIN, "ip": PERSONAL[5], "client": "tv"});
    let order = json!({"filter": filter, "reason": "revoked_by_admin"});
    let acting = json!({
        "subject": "bob", "class": "impersonation", "actor": ERIN, "ip": "203.0.113.77",
        "attributes": {"desk": PERSONAL[6]},
    });
    let user_page = format!("/v1/users/{}", PERSONAL[4]);
    for (method, path, body, expected) in [
        (Method::POST, "/v1/users", Some(user), StatusCode::CREATED),
        (Method::DELETE, &*user_page, None, StatusCode::OK),
        (
            Method::POST,
            "/v1/revocations",
            Some(order),
            StatusCode::ACCEPTED,
        ),
        (
            Method::POST,
            "/v1/sessions",
            Some(acting),
            StatusCode::CREATED,
        ),
    ] {
        let (status, answer) = api.send(method, path, body.as_ref()).await;
        assert_eq!(status, expected, "{path}: {answer}");
    }
}

/// Which personal values lie somewhere below the folder.
fn betrayed(data: &Path) -> Vec<&'static str> {
    let files = files_below(data);
    assert!(!files.is_empty());
    let is_there = |value: &&str| {
        let value = value.as_bytes();
        let mut bytes = files.values();
        bytes.any(|bytes| bytes.windows(value.len()).any(|part| part == value))
    };
    PERSONAL.into_iter().filter(is_there).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn given_a_person_when_erased_by_the_command_then_no_file_of_the_store_holds_a_value_of_it() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    leave_traces(&server, data.path()).await;
    let token = sign_in(&server, data.path()).await;
    // What was written lies in the files once the server has stopped.
    server.stop();
    assert_eq!(betrayed(data.path()), PERSONAL, "they were there before");
    let server = Server::start(data.path());

    let unsure = innkeeper(&server, data.path(), &["subjects", "erase", ERIN]);
    assert_eq!(unsure.code, 4, "{}", unsure.err);
    let said = "nothing was erased: erin-4711 in tenant default has 1 live session; say --yes";
    assert!(unsure.err.starts_with(said), "{}", unsure.err);
    let api = server.admin(data.path());
    assert_eq!(api.check(&token).await.0, StatusCode::OK);
    let erase = ["subjects", "erase", ERIN, "--yes"];
    let erased = innkeeper(&server, data.path(), &erase);

    assert_eq!(erased.code, 0, "{}", erased.err);
    assert_eq!(api.check(&token).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(betrayed(data.path()), [""; 0], "while it runs");
    server.stop();
    assert_eq!(betrayed(data.path()), [""; 0], "after it stopped");
}

#[tokio::test(flavor = "multi_thread")]
async fn given_a_person_when_exported_then_all_that_is_kept_is_in_one_document() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    sign_in(&server, data.path()).await;
    let api = server.admin(data.path());
    api.signed_in("bob").await;
    let user = json!({"name": "erin", "password": "correct horse", "subject": ERIN});
    let (status, _) = api.send(Method::POST, "/v1/users", Some(&user)).await;
    assert_eq!(status, StatusCode::CREATED);

    let export = ["subjects", "export", ERIN];
    let exported = innkeeper(&server, data.path(), &export);

    assert_eq!(exported.code, 0, "{}", exported.err);
    let document: Value = serde_json::from_str(&exported.out).expect("it is JSON");
    assert_eq!(document["schema"], "innkeeper.subject_export/1");
    assert_eq!(document["contact"]["email"], PERSONAL[0]);
    assert_eq!(document["users"][0]["name"], "erin");
    assert_eq!(document["devices"][0]["name"], "Firefox on Linux");
    assert_eq!(document["sessions"][0]["ip"], "203.0.113.77");
    let events = document["events"].as_array().expect("a list");
    assert!(events.iter().any(|e| e["type"] == "session.opened"));
    for value in PERSONAL[..4].iter().chain([&ERIN]) {
        assert!(exported.out.contains(value), "{value}: {}", exported.out);
    }
    for hidden in ["ik_", "ikd_", "argon2", "bob"] {
        assert!(!exported.out.contains(hidden), "{hidden}: {}", exported.out);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn given_a_key_that_may_not_see_all_of_it_when_a_person_is_exported_then_nothing_is() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    sign_in(&server, data.path()).await;
    let key = json!({"name": "desk", "scopes": ["manage", "events"]});
    let api = server.admin(data.path());
    let (_, made) = api.send(Method::POST, "/v1/keys", Some(&key)).await;
    let file = data.path().join("desk.key");
    std::fs::write(&file, made["key"].as_str().expect("it is shown once")).unwrap();
    let file = file.to_str().unwrap();

    let export = ["subjects", "export", ERIN, "--key-file", file];
    let exported = innkeeper(&server, data.path(), &export);

    assert_eq!(
        (exported.code, exported.out.as_str()),
        (2, ""),
        "{}",
        exported.err
    );
    assert!(exported.err.contains("forbidden"), "{}", exported.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn given_sessions_of_a_person_when_all_or_all_but_one_are_ended_then_new_ones_may_begin() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let api = server.admin(data.path());
    let (_, first) = api.signed_in("alice").await;
    api.signed_in("alice").await;
    let run = |arguments: &[&str]| innkeeper(&server, data.path(), arguments);

    let but_one = run(&["subjects", "end", "alice", "--except", &first]);
    assert_eq!(but_one.out, "ended 1 session\n", "{}", but_one.err);
    assert_eq!(api.live("alice").await, 1);
    let all = run(&["subjects", "end", "alice"]);
    assert_eq!(all.out, "ended 1 session\n", "{}", all.err);

    assert_eq!(api.live("alice").await, 0);
    api.signed_in("alice").await;
    let gone = run(&["subjects", "end", "alice", "--except", &first]);
    assert_eq!(gone.code, 1, "{}", gone.err);
    let said = format!("there is no session {first}");
    assert!(gone.err.contains(&said), "{}", gone.err);
}
