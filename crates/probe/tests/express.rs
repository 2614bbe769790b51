//! A shop written with Express, as many guides write one, and the same shop remedied.

mod support;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use innkeeper_probe::{Ended, Report};
use support::hostel::{OTHER_PASSWORD, PASSWORD};
use support::{options, probe};

/// The shop, running. Dropping it kills it.
struct Shop {
    child: Child,
    recipe: String,
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Puts the shop where its libraries may be installed beside it, once for each lock file.
fn installed() -> PathBuf {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/targets/express");
    let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join("express");
    std::fs::create_dir_all(&to).expect("the folder of builds can be written");
    let lock = |folder: &Path| std::fs::read(folder.join("package-lock.json")).ok();
    let is_there = lock(&from) == lock(&to) && to.join("node_modules/express").is_dir();
    for file in std::fs::read_dir(from).expect("it is in the repository") {
        let file = file.expect("it can be read").path();
        if file.is_file() {
            let name = file.file_name().expect("a file has a name");
            std::fs::copy(&file, to.join(name)).expect("it can be copied");
        }
    }
    if !is_there {
        eprintln!("== installing express from npm below the folder of builds, once");
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

fn start(folder: &Path, form: &str) -> Shop {
    let mut child = Command::new("node")
        .arg(format!("{form}.mjs"))
        .current_dir(folder)
        .env("ALICE_PW", PASSWORD)
        .env("BOB_PW", OTHER_PASSWORD)
        .stdout(Stdio::piped())
        .spawn()
        .expect("this test needs node: apt-get install nodejs");
    let mut said = String::new();
    let out = child.stdout.take().expect("it is piped");
    BufReader::new(out)
        .read_line(&mut said)
        .expect("it says where it listens");
    let base = said
        .trim()
        .strip_prefix("listening on ")
        .expect("it listens");
    let recipe = std::fs::read_to_string(folder.join("recipe.yaml")).expect("it was copied");
    let recipe = recipe.replace("BASE", base);
    Shop { child, recipe }
}

fn with<'a>(report: &'a Report, verdict: &str) -> Vec<&'a str> {
    let conclusions = report.conclusions.iter();
    let found = conclusions.filter(|conclusion| conclusion.verdict() == verdict);
    found.map(|conclusion| conclusion.check.id).collect()
}

#[tokio::test]
async fn given_a_shop_of_express_when_it_is_remedied_then_what_failed_passes() {
    let folder = installed();
    let vulnerable = start(&folder, "vulnerable");
    let remedied = start(&folder, "remedied");

    let before = probe(&vulnerable.recipe, &options(&[])).await;
    let after = probe(&remedied.recipe, &options(&[])).await;

    let text = before.to_text();
    let fails = [
        "PRB-COOK-001",
        "PRB-LOGOUT-001",
        "PRB-FIX-001",
        "PRB-LIMIT-001",
        "PRB-PWD-001",
        "PRB-LIMIT-002",
    ];
    assert_eq!(with(&before, "FAIL"), fails, "{text}");
    // There is no list to end a session from, and no way to end the others.
    for open in [
        "PRB-LIST-001",
        "PRB-REV-001",
        "PRB-LOGOUT-002",
        "PRB-RES-001",
    ] {
        assert!(with(&before, "INCONCLUSIVE").contains(&open), "{text}");
    }
    assert!(!before.left_behind.is_empty(), "it cannot sign anybody out");

    let text = after.to_text();
    assert_eq!(after.ended(), Ended::Clean, "{text}");
    let passed = with(&after, "PASS");
    assert!(
        fails
            .iter()
            .all(|id| passed.contains(id) || *id == "PRB-COOK-001"),
        "{text}"
    );
    assert!(after.left_behind.is_empty(), "{text}");
}
