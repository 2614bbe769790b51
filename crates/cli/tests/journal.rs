//! Events and filters by hand, against a running server.

mod support;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use support::Server;

fn innkeeper(server: &str, data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_innkeeper"));
    command.env_clear().args(arguments);
    command.args(["--server", server, "--data"]).arg(data);
    command.stdin(Stdio::null());
    command
}

fn run(server: &Server, data: &Path, arguments: &[&str]) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = innkeeper(&server.base, data, arguments)
        .output()
        .expect("the binary was built for this test");
    let text = |bytes| String::from_utf8(bytes).expect("it prints text");
    let code = status.code().expect("it exits by itself");
    (code, text(stdout), text(stderr))
}

fn json(ran: &(i32, String, String)) -> Value {
    assert_eq!(ran.0, 0, "{}", ran.2);
    serde_json::from_str(&ran.1).expect("--json prints JSON and nothing else")
}

/// One that follows, and is ended with the test.
struct Follower(Child);

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn given_one_who_follows_when_the_server_is_killed_and_comes_back_then_each_event_is_told_once()
 {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let address = server.base.trim_start_matches("http://").to_owned();
    let api = server.admin(data.path());
    api.signed_in("alice").await;
    let arguments = ["events", "--follow", "--type", "session.opened", "--json"];
    let mut command = innkeeper(&server.base, data.path(), &arguments);
    let mut follower = Follower(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(follower.0.stdout.take().unwrap()).lines();
    let mut next = || -> Value {
        let line = lines.next().expect("it goes on").expect("it prints text");
        serde_json::from_str(&line).expect("a line is one object")
    };

    let first = next();
    assert_eq!(first["schema"], "innkeeper.event/1");
    assert_eq!(first["event"]["subject"], "alice");
    api.signed_in("bob").await;
    assert_eq!(next()["event"]["subject"], "bob");
    server.kill();
    let mut again = Command::new(env!("CARGO_BIN_EXE_innkeeper"));
    again.env_clear().args(["serve", "--listen", &address]);
    again.arg("--data").arg(data.path());
    let server = Server::start_with(again);
    server.admin(data.path()).signed_in("carol").await;
    assert_eq!(next()["event"]["subject"], "carol");

    let after = first["cursor"].as_str().unwrap();
    let arguments = ["events", "--after", after, "--type", "session", "--json"];
    let since = json(&run(&server, data.path(), &arguments));
    let subjects = since["events"].as_array().unwrap().iter();
    let subjects: Vec<_> = subjects.map(|e| e["subject"].as_str().unwrap()).collect();
    assert_eq!(subjects, ["bob", "carol"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn given_events_when_read_in_pages_with_a_limit_then_each_is_printed_once_and_in_order() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let api = server.admin(data.path());
    for name in ["a", "b", "c", "d", "e"] {
        api.signed_in(name).await;
    }
    let mut seen = Vec::new();
    let mut after: Option<String> = None;
    while seen.len() < 5 {
        let mut arguments = vec![
            "events",
            "--type",
            "session.opened",
            "--limit",
            "2",
            "--json",
        ];
        arguments.extend(after.as_deref().into_iter().flat_map(|a| ["--after", a]));
        let page = json(&run(&server, data.path(), &arguments));
        let events = page["events"].as_array().unwrap();
        assert!((1..=2).contains(&events.len()), "{page}");
        let names = events
            .iter()
            .map(|e| e["subject"].as_str().unwrap().to_owned());
        seen.extend(names);
        after = Some(page["next"].as_str().unwrap().to_owned());
    }

    assert_eq!(seen, ["a", "b", "c", "d", "e"]);
    let (code, out, _) = run(&server, data.path(), &["events", "--after", "now"]);
    assert_eq!((code, &out[..]), (0, "no event\n"));
    let (code, _, said) = run(&server, data.path(), &["events", "--after", "nonsense"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("after"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn given_a_filter_when_revoked_in_a_pipe_then_nothing_ends_without_yes_and_the_rest_stays() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let api = server.admin(data.path());
    let (alice, _) = api.signed_in("alice").await;
    let (bob, _) = api.signed_in("bob").await;
    let run = |arguments: &[&str]| run(&server, data.path(), arguments);

    let counted = json(&run(&[
        "sessions",
        "revoke",
        "--client",
        "web",
        "--dry-run",
        "--json",
    ]));
    assert_eq!(counted["schema"], "innkeeper.revocation_count/1");
    assert_eq!(
        (&counted["sessions"], &counted["subjects"]),
        (&2.into(), &2.into())
    );
    let (code, out, said) = run(&["sessions", "revoke", "--client", "web"]);
    assert_eq!((code, &out[..]), (4, ""), "{said}");
    assert!(
        said.contains("2 sessions of 2 subjects") && said.contains("--yes"),
        "{said}"
    );
    assert_eq!(api.check(&alice).await.0, 200);

    let by = [
        "sessions",
        "revoke",
        "--client",
        "web",
        "--subject",
        "alice",
    ];
    let (code, out, said) = run(&[&by[..], &["--reason", "risk", "--yes"]].concat());
    assert_eq!(
        (code, &out[..]),
        (0, "ended 1 session of 1 subject\n"),
        "{said}"
    );
    assert_eq!(said, "", "it is quiet in a pipe");
    let (status, why) = api.check(&alice).await;
    assert_eq!((status.as_u16(), &why["reason"]), (401, &"risk".into()));
    assert_eq!(api.check(&bob).await.0, 200);
    let found = json(&run(&["sessions", "list", "--client", "web", "--json"]));
    assert_eq!(found["sessions"].as_array().map(Vec::len), Some(1));
    assert_eq!(found["sessions"][0]["subject"], "bob");
}

#[tokio::test(flavor = "multi_thread")]
async fn given_one_subject_or_no_such_type_when_events_are_asked_for_then_only_its_own_or_an_error()
{
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let api = server.admin(data.path());
    for subject in ["alice", "bob", "alice"] {
        api.signed_in(subject).await;
    }
    let opened = ["events", "--type", "session.opened", "--subject", "alice"];

    let of_one = json(&run(
        &server,
        data.path(),
        &[&opened[..], &["--json"]].concat(),
    ));
    let events = of_one["events"].as_array().expect("a list");
    let subjects: Vec<_> = events.iter().map(|e| &e["subject"]).collect();
    assert_eq!(subjects, ["alice", "alice"]);
    let followed = [&opened[..], &["--follow", "--limit", "2"]].concat();
    let (code, out, err) = run(&server, data.path(), &followed);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("alice") && !out.contains("bob"), "{out}");

    for (kind, says) in [
        ("session.closed", "did you mean session.opened?"),
        ("nonsense", "the types are session.opened, "),
    ] {
        let (code, _, err) = run(&server, data.path(), &["events", "--type", kind]);
        assert_eq!(code, 2, "{err}");
        assert!(err.contains(says), "{err}");
    }
}
