//! The walk-through of the README works when pasted.

mod support;

use std::process::Command;

use support::Server;

#[test]
fn given_the_readme_when_its_curl_walk_through_is_pasted_then_it_shows_limit_list_and_end() {
    let readme = include_str!("../../../README.md");
    let block = readme
        .split("## With curl")
        .nth(1)
        .and_then(|rest| rest.split("```sh\n").nth(1))
        .and_then(|rest| rest.split("```").next())
        .expect("the README has the walk-through");
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("innkeeper-data");
    let server = Server::start(&data);
    let default = "http://127.0.0.1:7070";
    assert!(
        block.contains(default),
        "the walk-through talks to the default address"
    );
    let pasted = block.replace(default, &server.base);

    let ran = Command::new("sh")
        .arg("-c")
        .arg(pasted)
        .current_dir(folder.path())
        .output()
        .expect("sh is there");

    let out = String::from_utf8(ran.stdout).unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}");
    let lines: Vec<_> = out.lines().collect();
    let [checked, evicted, listed, ended] = lines[..] else {
        panic!("four answers were expected:\n{out}\n{said}");
    };
    assert!(checked.contains(r#""subject":"carol""#), "{checked}");
    assert!(evicted.contains(r#""code":"no-session""#), "{evicted}");
    assert!(evicted.contains(r#""reason":"evicted""#), "{evicted}");
    assert_eq!(listed.matches(r#""state":"open""#).count(), 5, "{listed}");
    assert_eq!(ended, r#"{"ended":5}"#);
}
