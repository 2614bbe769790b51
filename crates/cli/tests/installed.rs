//! An installed machine: the settings that are packed, and commands that find the service's folder.

mod support;

use std::path::Path;
use std::process::{Command, Output};

use support::Server;

const SETTINGS: &str = include_str!("../../../dist/innkeeper.toml");
const SERVICE: &str = include_str!("../../../dist/innkeeper.service");

fn innkeeper(arguments: &[&str], data: Option<&Path>) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_innkeeper"));
    command.env_clear().args(arguments);
    command.envs(data.map(|data| ("INNKEEPER_STORE__PATH", data)));
    let Output {
        status,
        stdout,
        stderr,
    } = command
        .output()
        .expect("the binary was built for this test");
    let said = [stdout, stderr].concat();
    let said = String::from_utf8(said).expect("it prints text");
    (status.code().expect("it exits by itself"), said)
}

/// `doctor` looked at ./innkeeper-data, and found nothing.
#[test]
fn given_the_packed_settings_when_doctor_reads_them_then_it_looks_at_the_folder_of_the_service() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("innkeeper.toml");
    std::fs::write(&file, SETTINGS).unwrap();
    let file = file.to_str().expect("it is text");

    let (_, said) = innkeeper(&["doctor", "--json", "--config", file], None);

    assert!(said.contains("/var/lib/innkeeper"), "{said}");
    assert!(SERVICE.contains("--data /var/lib/innkeeper"));
    assert!(SERVICE.contains("StateDirectory=innkeeper\n"));
}

/// The service may not read a key in /etc that only root may, so its copies are what is named.
#[test]
fn given_the_packed_settings_when_tls_is_switched_on_then_they_name_what_the_unit_hands_over() {
    let switched_on: Vec<&str> = SETTINGS
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(setting) if setting.contains(['=', '[']) => setting,
            _ => line,
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("innkeeper.toml");
    std::fs::write(&file, switched_on.join("\n")).unwrap();
    let file = file.to_str().expect("it is text");

    let (code, said) = innkeeper(&["policy", "check", file], None);

    assert_eq!(code, 0, "{said}");
    for name in ["cert.pem", "key.pem"] {
        let copy = format!("/run/credentials/innkeeper.service/{name}");
        assert!(SETTINGS.contains(&copy), "{copy}");
        let handed_over = format!("LoadCredential={name}:/etc/innkeeper/{name}");
        assert!(SERVICE.contains(&handed_over), "{handed_over}");
    }
}

#[test]
fn given_the_folder_in_the_environment_when_commands_run_then_they_find_the_key_there() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let backup = data.path().join("copy").to_str().unwrap().to_owned();

    let list = ["keys", "list", "--server", &server.base];
    let copy = ["backup", &backup, "--server", &server.base];

    for arguments in [&list, &copy] {
        let (code, said) = innkeeper(arguments, None);
        assert_eq!(code, 2, "without it there is no key: {said}");
        let (code, said) = innkeeper(arguments, Some(data.path()));
        assert_eq!(code, 0, "{said}");
    }
    let elsewhere = data.path().join("restored");
    let (code, said) = innkeeper(&["restore", &backup], Some(&elsewhere));
    assert_eq!(code, 0, "{said}");
    assert!(elsewhere.join("store").is_dir());
}
