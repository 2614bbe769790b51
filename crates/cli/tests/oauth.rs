//! A library of OAuth that we did not write introspects and revokes at the running binary.
//!
//! It is `oauth4webapi` from npm, in the version and with the digest that the lock file names.

mod support;

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use support::Server;

const FILES: [&str; 3] = ["package.json", "package-lock.json", "client.mjs"];

/// Puts the program where its library may be installed beside it, once for each lock file.
fn installed() -> std::path::PathBuf {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oauth");
    let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join("oauth");
    std::fs::create_dir_all(&to).expect("the folder of builds can be written");
    let lock = |folder: &Path| std::fs::read(folder.join("package-lock.json")).ok();
    let is_there = lock(&from) == lock(&to) && to.join("node_modules/oauth4webapi").is_dir();
    for file in FILES {
        std::fs::copy(from.join(file), to.join(file)).expect("the program can be copied");
    }
    if !is_there {
        eprintln!("== installing oauth4webapi from npm below the folder of builds, once");
        let npm = Command::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(&to)
            .output()
            .expect("this test needs npm and node: apt-get install npm nodejs");
        let said = String::from_utf8_lossy(&npm.stderr);
        assert!(npm.status.success(), "npm could not install it:\n{said}");
    }
    to
}

#[tokio::test]
async fn given_a_library_of_oauth_when_it_introspects_and_revokes_then_it_understands_every_answer()
{
    let program = installed();
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    let key = std::fs::read_to_string(folder.path().join("admin.key")).expect("it was written");
    let (token, id) = server.admin(folder.path()).signed_in("alice").await;

    let ran = Command::new("node")
        .arg("client.mjs")
        .current_dir(program)
        .env("BASE", &server.base)
        .env("KEY", key.trim())
        .env("TOKEN", &token)
        .output()
        .expect("this test needs node: apt-get install nodejs");

    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "the library was surprised:\n{said}");
    let told: Value = serde_json::from_slice(&ran.stdout).expect("it prints JSON");
    let before = &told["before"];
    assert_eq!(before["active"], true, "{told}");
    assert_eq!(before["sub"], "alice");
    assert_eq!(before["sid"], id);
    assert_eq!(told["revoked"], "done");
    assert_eq!(told["after"], json!({"active": false}));
    assert_eq!(told["again"], "done");
    assert_eq!(told["of_a_key"]["error"], "unsupported_token_type");
    assert_eq!(told["of_a_key"]["status"], 400);
    let stranger = &told["by_a_stranger"];
    assert_eq!(stranger["status"], 401, "{told}");
    assert_eq!(stranger["schemes"], json!(["bearer", "basic"]), "{told}");
}
