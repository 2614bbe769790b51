//! Nobody reads to the end, as in `innkeeper sessions list … | head -1`: no command falls over.

mod support;

use std::io::pipe;
use std::path::Path;
use std::process::{Command, Stdio};

use support::Server;

fn command(server: &str, data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_innkeeper"));
    command.env_clear().current_dir(data).args(arguments);
    command.env("INNKEEPER_URL", server).stdin(Stdio::null());
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn given_a_reader_that_has_gone_away_when_a_command_prints_then_it_ends_as_it_would_have() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("innkeeper-data");
    let server = Server::start(&data);
    let (_, id) = server.admin(&data).signed_in("alice").await;
    let policy = "[policy]\nmax_sessions = 2\n";
    std::fs::write(folder.path().join("policy.toml"), policy).unwrap();

    let listing: [&[&str]; 26] = [
        &["sessions", "list", "alice"],
        &["sessions", "list", "alice", "--state", "all"],
        &["sessions", "list", "alice", "--json"],
        &["sessions", "list", "--client", "web"],
        &["sessions", "show", &id],
        &["sessions", "revoke", "--client", "web", "--dry-run"],
        &["subjects", "show", "alice"],
        &["subjects", "export", "alice"],
        &["devices", "list", "alice"],
        &["devices", "list", "alice", "--json"],
        &["revocations", "list"],
        &["keys", "list"],
        &["keys", "list", "--json"],
        &["keys", "create", "shop", "--scope", "check"],
        &["users", "list"],
        &["events"],
        &["events", "--json"],
        &["events", "--follow"],
        &["events", "--follow", "--json"],
        &["policy", "check", "policy.toml"],
        &["policy", "try", "policy.toml"],
        &["doctor"],
        &["backup", "copy.backup"],
        &["completions", "bash"],
        &["man"],
        &["sessions", "--help"],
    ];
    for arguments in listing {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let output = command(&server.base, folder.path(), arguments)
            .stdout(writer)
            .output()
            .expect("the binary was built for this test");
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            (output.status.code(), &*error),
            (Some(0), ""),
            "{arguments:?}"
        );
    }
}

#[test]
fn given_nobody_who_reads_what_went_wrong_when_a_command_fails_then_its_exit_code_still_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = "http://127.0.0.1:1";
    let failing: [(&[&str], i32); 3] = [
        (&["sessions", "list", "alice"], 2),
        (&["sessions", "show", "ses_bogus"], 2),
        (&["policy", "check", "absent.toml"], 2),
    ];
    for (arguments, code) in failing {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let status = command(nowhere, folder.path(), arguments)
            .stdout(writer.try_clone().unwrap())
            .stderr(writer)
            .status()
            .expect("the binary was built for this test");
        assert_eq!(status.code(), Some(code), "{arguments:?}");
    }
}

#[test]
fn given_a_full_disk_behind_standard_output_when_a_command_prints_then_that_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let full = std::fs::File::options().write(true).open("/dev/full");
    let output = command("http://127.0.0.1:1", folder.path(), &["man"])
        .stdout(full.unwrap())
        .output()
        .expect("the binary was built for this test");

    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{error}");
    assert!(error.contains("nothing can be printed"), "{error}");
}
