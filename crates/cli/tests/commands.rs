//! The operator's commands against a running server: what they print, and how they exit.

mod support;

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use support::Server;

struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn innkeeper(server: &str, data: &Path, arguments: &[&str]) -> Ran {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(env!("CARGO_BIN_EXE_innkeeper"))
        .env_clear()
        .args(arguments)
        .args(["--server", server, "--data"])
        .arg(data)
        .output()
        .expect("the binary was built for this test");
    Ran {
        code: status.code().expect("it exits by itself"),
        out: String::from_utf8(stdout).expect("it prints text"),
        err: String::from_utf8(stderr).expect("it prints text"),
    }
}

fn json(ran: &Ran) -> Value {
    assert_eq!(ran.code, 0, "{}", ran.err);
    serde_json::from_str(&ran.out).expect("--json prints JSON and nothing else")
}

#[tokio::test(flavor = "multi_thread")]
async fn given_sessions_of_a_subject_when_listed_shown_and_revoked_then_tables_and_json_say_so() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let api = server.admin(data.path());
    let (_, first) = api.signed_in("alice").await;
    let (token, second) = api.signed_in("alice").await;
    let run = |arguments: &[&str]| innkeeper(&server.base, data.path(), arguments);

    let table = run(&["sessions", "list", "alice"]);
    assert_eq!(table.code, 0, "{}", table.err);
    assert!(
        table.out.contains(&first) && table.out.contains(&second),
        "{}",
        table.out
    );
    let listed = json(&run(&["sessions", "list", "alice", "--json"]));
    assert_eq!(listed["schema"], "innkeeper.sessions/1");
    assert_eq!(listed["sessions"].as_array().map(Vec::len), Some(2));

    assert_eq!(run(&["sessions", "revoke", &second]).code, 0);
    assert_eq!(api.check(&token).await.0, 401);
    assert_eq!(
        run(&["sessions", "revoke", &second]).code,
        0,
        "it has ended already"
    );
    let shown = json(&run(&["sessions", "show", &second, "--json"]));
    assert_eq!(shown["session"]["end_reason"], "revoked_by_admin");
    let shown = run(&["sessions", "show", &second]);
    assert!(shown.out.contains("revoked_by_admin"), "{}", shown.out);

    let nobody = run(&["sessions", "list", "nobody"]);
    assert_eq!((nobody.code, nobody.out.as_str()), (0, "no live session\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn given_a_subject_when_disabled_and_enabled_then_nothing_that_ended_comes_back() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let api = server.admin(data.path());
    // A slash and a space in the name, so that it must be escaped in the address.
    let (token, _) = api.signed_in("a/b c").await;
    let run = |arguments: &[&str]| innkeeper(&server.base, data.path(), arguments);

    let disabled = run(&["subjects", "disable", "a/b c"]);
    assert_eq!(disabled.code, 0, "{}", disabled.err);
    assert!(disabled.out.contains("1 session"), "{}", disabled.out);
    assert_eq!(api.sign_in("a/b c").await.0, 403);
    let shown = json(&run(&["subjects", "show", "a/b c", "--json"]));
    assert_eq!(shown["subject"]["disabled"], true);

    assert_eq!(run(&["subjects", "enable", "a/b c"]).code, 0);
    assert_eq!(api.check(&token).await.0, 401);
    assert_eq!(api.sign_in("a/b c").await.0, 201);
    assert!(run(&["subjects", "show", "a/b c"]).out.contains("a/b c"));
}

#[tokio::test(flavor = "multi_thread")]
async fn given_a_new_key_when_used_and_revoked_then_it_opens_what_it_says_and_then_nothing() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let api = server.admin(data.path());
    let (token, _) = api.signed_in("alice").await;
    let run = |arguments: &[&str]| innkeeper(&server.base, data.path(), arguments);

    let made = json(&run(&[
        "keys", "create", "web", "--scope", "check", "--json",
    ]));
    assert_eq!(made["schema"], "innkeeper.keys/1");
    assert_eq!(
        (&made["scopes"], &made["tenant"]),
        (&serde_json::json!(["check"]), &Value::Null)
    );
    let (id, key) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    let web = server.api(key);
    assert_eq!(web.check(&token).await.0, 200);
    assert_eq!(web.sign_in("alice").await.0, 403, "it lacks the scope");

    let listed = run(&["keys", "list"]);
    assert!(
        listed.out.contains(id) && !listed.out.contains(key),
        "{}",
        listed.out
    );
    assert_eq!(run(&["keys", "revoke", id]).code, 0);
    assert_eq!(web.check(&token).await.0, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn given_what_cannot_be_done_when_asked_for_then_the_exit_code_says_which_kind_it_is() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let (_, id) = server.admin(data.path()).signed_in("alice").await;
    let run = |arguments: &[&str]| innkeeper(&server.base, data.path(), arguments);
    let absent = format!("{}AAAAAAAAAAAAAAAA", &id[..id.len() - 16]);

    let cases: [(&[&str], i32, &str); 4] = [
        (&["sessions", "show", &absent], 1, "not-found"),
        (&["sessions", "show", "ses_\u{1b}[31m"], 2, "ses_"),
        (&["keys", "create", "web"], 2, "--scope"),
        (&["sessions", "list", "a\u{202e}b"], 2, "bidirectional"),
    ];
    for (arguments, code, says) in cases {
        let ran = run(arguments);
        assert_eq!(ran.code, code, "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains(says), "{arguments:?}: {}", ran.err);
        assert!(
            !ran.err.contains('\u{1b}') && !ran.err.contains('\u{202e}'),
            "{}",
            ran.err
        );
    }

    let gone = server.base.clone();
    drop(server);
    let ran = innkeeper(&gone, data.path(), &["sessions", "list", "alice"]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    let nowhere = tempfile::tempdir().unwrap();
    let ran = innkeeper(&gone, nowhere.path(), &["sessions", "list", "alice"]);
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(
        ran.err.contains("admin.key") && ran.err.contains("--key-file"),
        "{}",
        ran.err
    );
}
