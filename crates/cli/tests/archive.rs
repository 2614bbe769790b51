//! Back-ups of a server at work, brought back; and files that are not what they say.

mod support;

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use support::Server;

struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn run(arguments: &[&str]) -> Ran {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(env!("CARGO_BIN_EXE_innkeeper"))
        .env_clear()
        .args(arguments)
        .output()
        .expect("the binary was built for this test");
    Ran {
        code: status.code().expect("it exits by itself"),
        out: String::from_utf8(stdout).expect("it prints text"),
        err: String::from_utf8(stderr).expect("it prints text"),
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("our folders have plain names")
}

/// The whole of it over the real binary: a copy is taken while people sign in and are signed out,
/// the server goes on, and later the copy comes back.
#[tokio::test(flavor = "multi_thread")]
async fn given_a_backup_under_load_when_restored_then_no_session_is_valid_and_no_key_is_lost() {
    let root = tempfile::tempdir().unwrap();
    let (data, again, file) = (
        root.path().join("a"),
        root.path().join("b"),
        root.path().join("f"),
    );
    let server = Server::start(&data);
    let api = server.admin(&data);
    let made = json!({"name": "web", "scopes": ["check"]});
    let (_, key) = api.send(Method::POST, "/v1/keys", Some(&made)).await;
    let key = key["key"].as_str().expect("it is shown once").to_owned();
    let (before, _) = api.signed_in("alice").await;
    let (_, _) = api
        .send(
            Method::POST,
            "/v1/subjects/mallory/disable",
            Some(&json!({})),
        )
        .await;
    let stop = Arc::new(AtomicBool::new(false));
    let load: Vec<_> = (0..4)
        .map(|worker| {
            let (api, stop) = (api.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut tokens = Vec::new();
                for round in 0.. {
                    let (token, id) = api.signed_in(&format!("user-{worker}-{}", round % 7)).await;
                    tokens.push(token);
                    if round % 3 == 0 {
                        let _ = api
                            .send(Method::DELETE, &format!("/v1/sessions/{id}"), None)
                            .await;
                    }
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                }
                tokens
            })
        })
        .collect();

    let arguments = [
        "backup",
        text(&file),
        "--server",
        &server.base,
        "--data",
        text(&data),
    ];
    let backup = run(&[&arguments[..], &["--json"]].concat());
    stop.store(true, Ordering::Relaxed);
    assert_eq!(backup.code, 0, "{}", backup.err);
    let said: Value = serde_json::from_str(&backup.out).expect("--json prints JSON");
    assert_eq!(said["schema"], "innkeeper.backup/1");
    assert!(said["events"].as_u64() >= Some(3), "{said}");
    let permissions = fs::metadata(&file).unwrap().permissions();
    assert_eq!(permissions.mode() & 0o777, 0o600);
    let mut tokens = vec![before];
    for worker in load {
        tokens.extend(worker.await.unwrap());
    }
    assert!(tokens.len() > 4, "there was load");
    let (_, view) = api.send(Method::GET, "/v1/subjects/alice", None).await;
    let evidence = view["generation"].as_u64().expect("a number");
    let refused = run(&["restore", text(&file), "--data", text(&data), "--replace"]);
    assert_eq!(refused.code, 3, "a server has it open: {}", refused.err);
    server.stop();

    let restored = run(&["restore", text(&file), "--data", text(&again), "--json"]);
    assert_eq!(restored.code, 0, "{}", restored.err);
    let said: Value = serde_json::from_str(&restored.out).expect("--json prints JSON");
    assert_eq!(said["schema"], "innkeeper.restored/1");

    let server = Server::start(&again);
    let api = server.admin_of(&data);
    let mut ended = 0;
    for token in &tokens {
        let (status, body) = api.check(token).await;
        assert_eq!(status, 401, "{body}");
        ended += usize::from(body["reason"] == "revoked_by_admin");
    }
    assert!(ended > 0, "the holders are told");
    assert_eq!(server.api(&key).check(&tokens[0]).await.0, 401);
    let (status, problem) = server.api(&key).check("ik_no").await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (401, &json!("no-session")),
        "the key opens"
    );
    assert_eq!(api.sign_in("mallory").await.0, 403, "who was shut out is");
    let old = json!({"subject": "alice", "generation": evidence});
    let (status, problem) = api.send(Method::POST, "/v1/sessions", Some(&old)).await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (412, &json!("stale-generation"))
    );
    let (token, _) = api.signed_in("alice").await;
    assert_eq!(api.check(&token).await.0, 200, "life goes on");
    println!("{} sessions of then, none valid", tokens.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn given_a_file_or_store_that_is_there_when_written_to_then_it_stays_unless_it_may_go() {
    let root = tempfile::tempdir().unwrap();
    let (data, file) = (root.path().join("data"), root.path().join("file"));
    Server::start(&data).stop();
    let offline = |file: &Path| {
        let arguments = ["backup", text(file), "--offline", "--data", text(&data)];
        arguments.map(ToOwned::to_owned)
    };
    let call =
        |arguments: &[String]| run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(call(&offline(&file)).code, 0);
    let precious = root.path().join("precious");
    fs::write(&precious, "mine").unwrap();
    let link = root.path().join("link");
    symlink(&precious, &link).unwrap();

    for taken in [&file, &link] {
        let ran = call(&offline(taken));
        assert_eq!(ran.code, 4, "{}", ran.err);
        assert!(ran.err.contains("--replace"), "{}", ran.err);
    }
    let forced = [&offline(&link)[..], &["--replace".to_owned()]].concat();
    assert_eq!(call(&forced).code, 0);
    assert_eq!(
        fs::read_to_string(&precious).unwrap(),
        "mine",
        "the link went, not its target"
    );
    assert!(fs::symlink_metadata(&link).unwrap().is_file());
    let restored = run(&["restore", text(&file), "--data", text(&data)]);
    assert_eq!(restored.code, 4, "{}", restored.err);
    let restored = run(&["restore", text(&file), "--data", text(&data), "--replace"]);
    assert_eq!(restored.code, 0, "{}", restored.err);
    assert!(restored.out.contains("replaced-"), "{}", restored.out);
    let names = fs::read_dir(root.path()).unwrap();
    let names: Vec<_> = names
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(
        !names.iter().any(|name| name.contains(".part")),
        "{names:?}"
    );
    Server::start(&data).stop();
}

/// The folder of a stopped server was copied, served on, and put back later: a session that had
/// been ended was valid again.
#[tokio::test(flavor = "multi_thread")]
async fn given_a_copy_of_the_folder_when_put_back_then_what_was_ended_is_not_valid_and_it_is_said()
{
    let root = tempfile::tempdir().unwrap();
    let (data, copy) = (root.path().join("data"), root.path().join("copy"));
    let cp = |from: &Path, to: &Path| {
        let copied = Command::new("cp").arg("-a").arg(from).arg(to).status();
        assert!(copied.expect("cp is there").success());
    };
    let server = Server::start(&data);
    let (token, id) = server.admin(&data).signed_in("alice").await;
    let (status, _) = server.stop();
    assert!(status.success());
    cp(&data, &copy);
    let server = Server::start(&data);
    let api = server.admin(&data);
    assert_eq!(api.check(&token).await.0, 200, "it was only stopped");
    let path = format!("/v1/sessions/{id}");
    let (_, _) = api.send(Method::DELETE, &path, None).await;
    assert_eq!(api.check(&token).await.0, 401);
    server.stop();

    fs::remove_dir_all(&data).unwrap();
    cp(&copy, &data);
    let server = Server::start(&data);

    assert_eq!(server.admin(&data).check(&token).await.0, 401);
    let (_, log) = server.stop();
    assert!(log.contains("this is a copy"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn given_an_administrator_of_one_tenant_when_asking_for_a_backup_then_it_is_forbidden() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let api = server.admin(data.path());
    let of_one = json!({"name": "acme", "scopes": ["admin"], "tenant": "acme"});
    let (_, acme) = api.send(Method::POST, "/v1/keys", Some(&of_one)).await;
    let acme = server.api(acme["key"].as_str().expect("it is shown once"));

    let (status, problem) = acme.send(Method::GET, "/v1/backup", None).await;

    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (403, &json!("forbidden"))
    );
}

/// Whoever has the back-up and lost the rest has no key either.
#[tokio::test(flavor = "multi_thread")]
async fn given_a_lost_key_when_restored_with_a_new_one_then_it_opens_everything() {
    let root = tempfile::tempdir().unwrap();
    let (data, again, file) = (
        root.path().join("a"),
        root.path().join("b"),
        root.path().join("f"),
    );
    Server::start(&data).stop();
    let arguments = ["backup", text(&file), "--offline", "--data", text(&data)];
    assert_eq!(run(&arguments).code, 0);

    let restored = run(&[
        "restore",
        text(&file),
        "--data",
        text(&again),
        "--admin-key",
    ]);

    assert_eq!(restored.code, 0, "{}", restored.err);
    assert!(
        !restored.out.contains("There is no admin.key"),
        "{}",
        restored.out
    );
    let server = Server::start(&again);
    let (status, keys) = server
        .admin(&again)
        .send(Method::GET, "/v1/keys", None)
        .await;
    assert_eq!(status, 200);
    assert_eq!(
        keys["keys"].as_array().map(Vec::len),
        Some(2),
        "the old one is known too"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn given_an_export_when_imported_into_a_new_store_then_accounts_come_and_sessions_do_not() {
    let root = tempfile::tempdir().unwrap();
    // The name that the copy of an export could have taken for itself.
    let (data, again, file) = (
        root.path().join("a"),
        root.path().join("b"),
        root.path().join("f.copy"),
    );
    let server = Server::start(&data);
    let api = server.admin(&data);
    let (token, _) = api.signed_in("alice").await;
    let patch = json!({"limits": {"max_sessions": 2}, "groups": ["staff"]});
    let (status, _) = api
        .send(Method::PATCH, "/v1/subjects/alice", Some(&patch))
        .await;
    assert_eq!(status, 200);
    let _ = api
        .send(
            Method::POST,
            "/v1/subjects/mallory/disable",
            Some(&json!({})),
        )
        .await;
    let arguments = [
        "export",
        text(&file),
        "--server",
        &server.base,
        "--data",
        text(&data),
    ];
    let exported = run(&arguments);
    assert_eq!(exported.code, 0, "{}", exported.err);
    let lines = fs::read_to_string(&file).unwrap();
    assert!(
        !lines.contains("tag-key") && lines.contains("alice"),
        "{lines}"
    );
    let (_, view) = api.send(Method::GET, "/v1/subjects/alice", None).await;
    let evidence = view["generation"].as_u64().expect("a number");
    server.stop();

    let imported = run(&["import", text(&file), "--data", text(&again)]);
    assert_eq!(imported.code, 0, "{}", imported.err);

    let server = Server::start(&again);
    let api = server.admin_of(&data);
    assert_eq!(api.check(&token).await.0, 401);
    let (_, alice) = api.send(Method::GET, "/v1/subjects/alice", None).await;
    assert_eq!(alice["limits"]["max_sessions"], 2);
    assert_eq!(alice["groups"], json!(["staff"]));
    assert_eq!(api.sign_in("mallory").await.0, 403);
    let old = json!({"subject": "alice", "generation": evidence});
    let (status, problem) = api.send(Method::POST, "/v1/sessions", Some(&old)).await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (412, &json!("stale-generation"))
    );
    server.stop();
    let told = "keys create NAME --scope admin --offline --data";
    assert!(imported.out.contains(told), "{}", imported.out);
    let keyed = root.path().join("keyed");
    let import = ["import", text(&file), "--data", text(&keyed), "--admin-key"];
    let ran = run(&import);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(!ran.out.contains(told), "{}", ran.out);
    assert!(keyed.join("admin.key").exists());
    let twice = run(&["import", text(&file), "--data", text(&again)]);
    assert_eq!(twice.code, 4, "{}", twice.err);
}

#[test]
fn given_a_file_that_is_no_export_when_imported_then_it_is_refused_before_anything_is_made() {
    let root = tempfile::tempdir().unwrap();
    let (data, file) = (root.path().join("data"), root.path().join("file"));
    let title = r#"{"schema":"innkeeper.export/1","made_at":"2026-11-22T00:00:00.000Z"}"#;
    let subject = |name: &str, max: u64| {
        format!(
            r#"{{"subject":"{name}","tenant":"default","disabled":false,"groups":[],"max_sessions":{max},"email":null,"locale":null,"time_zone":null}}"#
        )
    };
    let end = r#"{"end":{"values":0,"subjects":0},"sha256":"00"}"#;
    let long = "x".repeat(2 << 20);
    let cases = [
        String::new(),
        "no json\n".to_owned(),
        title.to_owned(),
        format!("{title}\n{end}\n"),
        format!("{title}\n{}\n{end}\n", subject("a\u{202e}b", 2)),
        format!("{title}\n{}\n{end}\n", subject("alice", 0)),
        format!("{title}\n{}\n{end}\n", subject("alice", 2)),
        format!("{title}\n{{\"value\":\"tag-key\",\"json\":[1]}}\n{end}\n"),
        format!("{title}\n{{\"subject\":\"alice\",\"sessions\":[]}}\n{end}\n"),
        format!("{title}\n{{\"value\":\"{long}\",\"json\":1}}\n{end}\n"),
        format!("{title}\n{}\n", "[".repeat(100_000)),
        title.replace("export/1", "export/2") + "\n",
    ];

    for case in cases {
        fs::write(&file, &case).unwrap();
        let ran = run(&["import", text(&file), "--data", text(&data)]);
        assert_eq!(ran.code, 2, "{:.80}: {}", case, ran.err);
        assert!(ran.err.contains("line "), "{}", ran.err);
        assert!(
            ran.err.len() < 2_000 && !ran.err.contains('\u{202e}'),
            "{}",
            ran.err
        );
        assert!(!data.exists(), "nothing was made");
    }
}

/// A file as `export` makes it of these lines.
fn sealed(lines: &[String], values: usize, subjects: usize) -> String {
    let title = r#"{"schema":"innkeeper.export/1","made_at":"2026-11-22T00:00:00.000Z"}"#;
    let lines = lines.join("\n");
    let text = format!("{title}\n{lines}\n");
    let digest = Sha256::digest(&text);
    let hex = digest.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a text takes it");
        hex
    });
    let end = json!({"end": {"values": values, "subjects": subjects}, "sha256": hex}).to_string();
    format!("{text}{end}\n")
}

fn account(subject: &str, email: Option<&str>, disabled: bool) -> String {
    json!({
        "subject": subject, "tenant": "default", "disabled": disabled, "groups": [],
        "max_sessions": null, "email": email, "locale": null, "time_zone": null,
    })
    .to_string()
}

fn value(name: &str, json: &Value) -> String {
    format!(r#"{{"value":{},"json":{json}}}"#, json!(name))
}

/// Half of a file would leave those out who come last in it: the disabled too.
#[test]
fn given_a_file_with_a_bad_line_when_imported_then_nothing_of_it_is() {
    let root = tempfile::tempdir().unwrap();
    let (data, file) = (root.path().join("data"), root.path().join("file"));
    let key = |name: &str, scopes: Value| json!({"name": name, "scopes": scopes, "tenant": null, "digest": vec![7; 32], "created_at": 1});
    let at = "key/key_AAAAAAAAAAAAAAAA";
    let policy = |version: u64, max: u64| {
        json!({
            "document": {"version": version, "policy": {"max_sessions": max}},
            "by": "file",
            "filed": vec![0; 32],
        })
    };
    let user = |subject: &str, password: &str| json!({"subject": subject, "password": password});
    let hash = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$\
                AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let good = [
        value(at, &key("web", json!(["check"]))),
        value("policy", &policy(3, 5)),
        value("user/default/alice", &user("u1", hash)),
        value("user/a%2Fb/alice", &user("u1", hash)),
    ];
    let bad = [
        value(at, &json!({"name": "x"})),
        value(at, &key("", json!(["check"]))),
        value(at, &key("web", json!([]))),
        value("key/x", &key("web", json!(["check"]))),
        value("policy", &policy(3, 5000)),
        value("policy", &policy(u64::MAX, 5)),
        value("policy/old", &policy(3, 5)),
        value("policy-old", &policy(3, 5)),
        value("user/default/alice", &user("a\u{202e}b", hash)),
        value("user/default/alice", &user("u1", "secret")),
        value("user/default/Alice", &user("u1", hash)),
        value("user/alice", &user("u1", hash)),
        account("alice", None, false),
        account("bob", Some("b@example.org\r\nBcc: c@example.org"), false),
        account("bob", Some(&"b".repeat(400)), false),
    ];
    let seal = |lines: &[String]| {
        let values = lines.iter().filter(|line| line.starts_with("{\"value\""));
        let values = values.count();
        sealed(lines, values, lines.len() - values)
    };

    for bad in bad {
        let lines = [
            account("alice", None, false),
            bad,
            account("mallory", None, true),
        ];
        fs::write(&file, seal(&lines)).unwrap();
        let ran = run(&["import", text(&file), "--data", text(&data)]);
        assert_eq!(ran.code, 2, "{}: {}", lines[1], ran.err);
        assert!(ran.err.contains("line 3"), "{}: {}", lines[1], ran.err);
        assert!(!data.exists(), "{}: nothing was made", lines[1]);
    }
    fs::write(&file, seal(&good)).unwrap();
    let ran = run(&["import", text(&file), "--data", text(&data)]);
    assert_eq!(ran.code, 0, "{}", ran.err);
}

/// Control-C left `.daily.backup.4711.part` behind, for each time that somebody lost patience.
#[test]
fn given_a_server_that_is_slow_when_a_copy_is_interrupted_then_nothing_is_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", server.local_addr().unwrap());
    let key = folder.path().join("key");
    let secret = Server::start(&folder.path().join("data"));
    std::fs::copy(folder.path().join("data/admin.key"), &key).unwrap();
    drop(secret);
    let out = folder.path().join("out");
    std::fs::create_dir(&out).unwrap();
    // A timer that stops a unit says TERM, a terminal that goes says HUP.
    let signals = ["INT", "TERM", "HUP"];
    let ways = signals.map(|signal| [("backup", signal), ("export", signal)]);
    for (what, signal) in ways.into_iter().flatten() {
        // Whoever runs the tests may have been told not to listen to HUP, as by nohup.
        let mut command = Command::new("env");
        command.args(["-i", "--default-signal=HUP"]);
        command.arg(env!("CARGO_BIN_EXE_innkeeper"));
        command.arg(what).arg(out.join("copy"));
        command.args(["--server", &url, "--key-file"]).arg(&key);
        let child = command
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let (_asked, _) = server.accept().expect("it asks");
        assert_eq!(std::fs::read_dir(&out).unwrap().count(), 1, "it has begun");

        let pid = child.id().to_string();
        let told = Command::new("kill").args(["-s", signal, &pid]).status();
        assert!(told.expect("kill is there").success());

        let ran = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(3), "{said}");
        assert!(said.contains("interrupted"), "{said}");
        assert_eq!(std::fs::read_dir(&out).unwrap().count(), 0);
    }
}
