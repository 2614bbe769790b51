//! The operator's commands against a running server: what they print, and how they exit.

mod support;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

use reqwest::Method;
use serde_json::Value;
use support::{Server, token_and_id};

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

fn time_left(table: &str) -> String {
    let line = table.lines().find(|line| line.contains("time left"));
    let line = line.expect("it is shown").replace("time left", "");
    line.trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn given_sessions_of_a_subject_when_listed_shown_and_revoked_then_tables_and_json_say_so() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let api = server.admin(data.path());
    let (_, first) = api.signed_in("alice").await;
    let body = serde_json::json!({
        "subject": "alice", "client": "app", "methods": ["pwd"],
        "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    });
    let (_, opened) = api.send(Method::POST, "/v1/sessions", Some(&body)).await;
    let (token, second) = token_and_id(&opened);
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

    let shown = json(&run(&["sessions", "show", &second, "--json"]));
    assert_eq!(shown["session"]["state"], "open");
    let shown = run(&["sessions", "show", &second]);
    for told in ["Firefox on Linux", "idle until", "expires", "pwd"] {
        assert!(shown.out.contains(told), "{told}: {}", shown.out);
    }
    // The clocks of two processes need not agree to the second.
    let left = time_left(&shown.out);
    assert!(
        ["30m", "29m 5"].iter().any(|l| left.starts_with(l)),
        "{left}"
    );

    assert_eq!(
        run(&["sessions", "revoke", &second, "--reason", "risk"]).code,
        0
    );
    assert_eq!(api.check(&token).await.0, 401);
    let again = run(&["sessions", "revoke", &second]);
    assert_eq!(again.code, 0, "it has ended already");
    let why = format!("{second} had ended before: risk, at ");
    assert!(again.out.starts_with(&why), "{}", again.out);
    let shown = json(&run(&["sessions", "show", &second, "--json"]));
    assert_eq!(shown["session"]["end_reason"], "risk");
    let shown = run(&["sessions", "show", &second]);
    assert!(shown.out.contains("risk"), "{}", shown.out);
    assert_eq!(time_left(&shown.out), "–", "nothing is left of an end");
    for (state, ids) in [
        ("open", vec![&first]),
        ("ended", vec![&second]),
        ("all", vec![&first, &second]),
    ] {
        let listed = run(&["sessions", "list", "alice", "--state", state]);
        for id in [&first, &second] {
            let is_there = listed.out.contains(id);
            assert_eq!(is_there, ids.contains(&id), "{state}: {}", listed.out);
        }
        assert_eq!(
            listed.out.contains("risk"),
            state != "open",
            "{}",
            listed.out
        );
    }

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
async fn given_a_subject_that_nobody_knows_when_asked_about_then_that_is_said() {
    // `subjects disable alcie` shut out nobody, and looked like all was well.
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let api = server.admin(data.path());
    let machine = serde_json::json!({"subject": "till", "class": "machine"});
    let (_, opened) = api.send(Method::POST, "/v1/sessions", Some(&machine)).await;
    let run = |arguments: &[&str]| innkeeper(&server.base, data.path(), arguments);
    run(&["sessions", "revoke", &token_and_id(&opened).1]);

    let shown = run(&["subjects", "show", "alcie"]);
    let others = [
        run(&["sessions", "list", "alcie"]),
        run(&["devices", "list", "alcie"]),
        run(&["subjects", "erase", "alcie"]),
        run(&["subjects", "disable", "alcie"]),
    ];
    let acted_on = ["end", "enable"].map(|verb| (verb, format!("alcie-{verb}")));
    for (verb, subject) in acted_on {
        let ran = run(&["subjects", verb, &subject]);
        let said = format!("no sessions, devices or settings of {subject} are on file");
        assert!(ran.err.starts_with(&said), "{}{}", ran.out, ran.err);
        assert_eq!(ran.code, 0, "the server did as it was told");
    }
    for of_one in [
        &["subjects", "show", "eilac", "--json"][..],
        &["subjects", "export", "eilac"],
        &["sessions", "list", "eilac", "--json"],
        &["devices", "list", "eilac", "--json"],
        &["subjects", "enable", "eilac-2", "--json"],
    ] {
        let for_programs = run(of_one);
        json(&for_programs);
        assert!(
            for_programs.err.starts_with("no sessions, devices"),
            "{of_one:?}"
        );
    }
    let contact = serde_json::json!({"contact": {"email": "erin@example.com"}});
    let (status, _) = api
        .send(Method::PATCH, "/v1/subjects/erin", Some(&contact))
        .await;
    assert!(status.is_success());
    assert_eq!(run(&["subjects", "export", "erin"]).err, "");
    assert_eq!(run(&["sessions", "list", "erin"]).err, "");
    assert!(
        run(&["subjects", "show", "erin"])
            .out
            .contains("live sessions")
    );
    let erased = run(&["subjects", "erase", "alcie-erase", "--yes"]);
    assert!(
        erased
            .err
            .starts_with("no sessions, devices or settings of alcie-erase"),
        "{}",
        erased.err
    );
    let known = [
        run(&["sessions", "list", "till"]),
        run(&["subjects", "disable", "alcie"]),
    ];

    let said = "no sessions, devices or settings of alcie are on file in tenant default";
    assert!(shown.out.starts_with(said), "{}", shown.out);
    assert_eq!(shown.code, 0);
    for ran in others {
        assert!(ran.err.starts_with(said), "{}{}", ran.out, ran.err);
    }
    for ran in known {
        assert_eq!((ran.code, &ran.err[..]), (0, ""), "{}", ran.out);
    }
    let shown = run(&["subjects", "show", "till"]).out;
    assert!(shown.contains("live sessions"), "{shown}");
}

/// A server of files was taken for ours: there was "no subject alice", and one "takes no changes".
#[tokio::test(flavor = "multi_thread")]
async fn given_something_else_that_answers_when_called_then_nothing_is_concluded_from_it() {
    let data = tempfile::tempdir().unwrap();
    drop(Server::start(data.path()));
    for (answer, is_ours) in [
        ("404 Not Found", false),
        ("301 Moved Permanently", false),
        ("405 Method Not Allowed", false),
        ("200 OK", false),
        ("503 Service Unavailable", true),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let head =
            format!("HTTP/1.1 {answer}\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>");
        std::thread::spawn(move || {
            for caller in listener.incoming() {
                let mut caller = caller.unwrap();
                // The whole request, or the answer may be lost to a reset.
                let mut said = BufReader::new(caller.try_clone().unwrap()).lines();
                while said.next().is_some_and(|line| !line.unwrap().is_empty()) {}
                let _ = caller.write_all(head.as_bytes());
            }
        });

        let asked = innkeeper(&url, data.path(), &["subjects", "show", "alice"]);
        let elsewhere = data.path().join("elsewhere");
        std::fs::create_dir_all(&elsewhere).unwrap();
        let doctor = Command::new(env!("CARGO_BIN_EXE_innkeeper"))
            .env_clear()
            .current_dir(elsewhere)
            .args(["doctor", "--server", &url])
            .output()
            .unwrap();

        assert_eq!(asked.code, 3, "{}", asked.err);
        assert_eq!(doctor.status.code(), Some(if is_ours { 1 } else { 3 }));
        let examined = String::from_utf8_lossy(&doctor.stdout).into_owned();
        let is_stranger = examined.contains("is not Innkeeper");
        assert_eq!(is_stranger, !is_ours, "{examined}");
        assert_eq!(examined.contains("takes no changes"), is_ours, "{examined}");
        assert!(!asked.err.contains("no subject"), "{}", asked.err);
        if !is_ours && answer != "200 OK" {
            assert!(asked.err.contains("is not Innkeeper"), "{}", asked.err);
        }
    }
}

/// It named an option that nobody had written.
#[test]
fn given_an_empty_variable_when_a_command_is_called_then_the_variable_is_named() {
    let ran = Command::new(env!("CARGO_BIN_EXE_innkeeper"))
        .env_clear()
        .env("INNKEEPER_STORE__PATH", "")
        .args(["keys", "list"])
        .output()
        .unwrap();

    let said = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(2), "{said}");
    assert!(said.contains("'INNKEEPER_STORE__PATH'"), "{said}");
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
    let shown = run(&["keys", "create", "till", "--scope", "check,admit"]);
    for told in ["scopes", "admit, check", "all", "ikk_"] {
        assert!(shown.out.contains(told), "{told}: {}", shown.out);
    }
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
    let of_acme = ["keys", "create", "acme", "--scope", "check"];
    run(&[&of_acme[..], &["--tenant", "acme"]].concat());
    let names = |arguments: &[&str]| {
        let keys = json(&run(arguments))["keys"].clone();
        let keys = keys.as_array().expect("a list").clone();
        let names = keys.into_iter().map(|key| key["name"].to_string());
        names.collect::<Vec<_>>()
    };
    assert_eq!(names(&["keys", "list", "--json"]).len(), 4);
    let listed = names(&["keys", "list", "--tenant", "acme", "--json"]);
    assert_eq!(listed, ["\"acme\""]);
    assert_eq!(run(&["keys", "revoke", id]).code, 0);
    assert_eq!(web.check(&token).await.0, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn given_more_keys_than_a_page_holds_when_listed_then_none_is_left_out() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let api = server.admin(data.path());
    for number in 0..210 {
        let body = serde_json::json!({"name": format!("n{number}"), "scopes": ["check"]});
        let made = api.send(Method::POST, "/v1/keys", Some(&body)).await;
        assert_eq!(made.0, 201, "{}", made.1);
    }

    let list = ["keys", "list", "--json"];
    let listed = json(&innkeeper(&server.base, data.path(), &list));

    // With the one that the first start made.
    assert_eq!(listed["keys"].as_array().map(Vec::len), Some(211));
}

#[tokio::test(flavor = "multi_thread")]
async fn given_what_cannot_be_done_when_asked_for_then_the_exit_code_says_which_kind_it_is() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let (_, id) = server.admin(data.path()).signed_in("alice").await;
    let run = |arguments: &[&str]| innkeeper(&server.base, data.path(), arguments);
    let absent = format!("{}AAAAAAAAAAAAAAAA", &id[..id.len() - 16]);

    let of_acme = ["sessions", "show", &id, "--tenant", "acme"];
    let cases: [(&[&str], i32, &str); 9] = [
        (&["sessions", "show", &absent], 1, "not-found"),
        (&["sessions", "show", &absent], 1, &absent),
        (&of_acme, 1, "in tenant acme"),
        (&["sessions", "show", "ses_\u{1b}[31m"], 2, "ses_"),
        (&["sessions", "show", "ses_bogus"], 2, "38 letters"),
        (
            &["sessions", "revoke", "alice"],
            2,
            "innkeeper subjects end",
        ),
        (&["sessions", "revoke", "ik_secret"], 2, "sessions list"),
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

#[tokio::test(flavor = "multi_thread")]
async fn given_devices_when_listed_trusted_renamed_and_forgotten_then_the_server_did_so() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let api = server.admin(data.path());
    let (_, opened) = api.sign_in("alice").await;
    let (token, _) = token_and_id(&opened);
    let id = opened["device"]["id"].as_str().expect("there is one");
    let run = |arguments: &[&str]| innkeeper(&server.base, data.path(), arguments);

    let device = |ran: &Ran| json(ran)["device"].clone();
    let trusted = run(&["devices", "trust", "alice", id, "--json"]);
    assert_eq!(device(&trusted)["trusted"], true);
    let renamed = run(&["devices", "rename", "alice", id, "Front desk", "--json"]);
    assert_eq!(device(&renamed)["name"], "Front desk");
    let table = run(&["devices", "list", "alice"]).out;
    for told in [id, "Front desk", "since 2"] {
        assert!(table.contains(told), "{told}: {table}");
    }
    let distrusted = run(&["devices", "distrust", "alice", id, "--json"]);
    assert_eq!(device(&distrusted)["trusted"], false);

    assert_eq!(run(&["devices", "revoke", id]).code, 0);
    assert_eq!(api.check(&token).await.0, 401);
    let none = run(&["devices", "list", "alice"]);
    assert_eq!((none.code, none.out.as_str()), (0, "no device\n"));
    let gone = run(&["devices", "trust", "alice", id]);
    let said = format!("not-found: there is no device {id} in tenant default");
    assert_eq!(gone.code, 1, "{}", gone.err);
    assert!(gone.err.starts_with(&said), "{}", gone.err);
    let wrong = run(&["devices", "revoke", "ikd_secret"]);
    assert_eq!(wrong.code, 2, "{}", wrong.err);
    assert!(wrong.err.contains("devices list"), "{}", wrong.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn given_bulk_revocations_when_listed_shown_and_stopped_then_it_says_what_became_of_them() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let api = server.admin(data.path());
    api.signed_in("alice").await;
    let run = |arguments: &[&str]| innkeeper(&server.base, data.path(), arguments);
    let none = run(&["revocations", "list"]);
    assert_eq!(none.out, "no bulk revocation\n", "{}", none.err);

    let order = ["sessions", "revoke", "--client", "web", "--yes", "--json"];
    let id = json(&run(&order))["revocation"]["id"].clone();
    let id = id.as_str().expect("it has a name");

    for arguments in [
        &["revocations", "list"][..],
        &["revocations", "show", id],
        &["revocations", "stop", id],
    ] {
        let ran = run(arguments);
        assert_eq!(ran.code, 0, "{}", ran.err);
        for told in [id, "done", "100 %", "revoked_by_admin", "--client web"] {
            assert!(ran.out.contains(told), "{arguments:?}: {told}: {}", ran.out);
        }
    }
    let stopped = run(&["revocations", "stop", id]);
    assert_eq!(stopped.err, format!("{id} was over before: done\n"));
    let listed = json(&run(&["revocations", "list", "--json"]));
    assert_eq!(listed["revocations"][0]["id"], id);
    let absent = run(&["revocations", "show", "rev_AAAAAAAAAAAAAAAAAAAAAA"]);
    assert_eq!(absent.code, 1, "{}", absent.err);
    assert!(
        absent.err.contains("there is no bulk revocation"),
        "{}",
        absent.err
    );
    assert_eq!(run(&["revocations", "show", "rev_bogus"]).code, 2);
}

/// The usage asked for what the variable had said already.
#[test]
fn given_the_server_in_the_environment_when_a_word_is_missing_then_the_usage_asks_for_that_alone() {
    let usage = |more: &[&str]| {
        let ran = Command::new(env!("CARGO_BIN_EXE_innkeeper"))
            .env_clear()
            .env("INNKEEPER_URL", "http://127.0.0.1:1")
            .env("INNKEEPER_STORE__PATH", "d")
            .args(["subjects", "show"])
            .args(more)
            .output()
            .expect("the binary was built for this test");
        String::from_utf8(ran.stderr).expect("it prints text")
    };

    let said = usage(&[]);

    assert!(
        said.contains("Usage: innkeeper subjects show <SUBJECT>"),
        "{said}"
    );
    let said = usage(&["--server=http://127.0.0.1:2"]);
    assert!(said.contains("show --server <URL> <SUBJECT>"), "{said}");
}
