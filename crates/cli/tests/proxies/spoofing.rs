//! Every trick that `doctor --proxy` knows, against every recipe that is run.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use innkeeper_test_servers::front::{Proxy, ProxyKind};
use serde_json::Value;

use crate::house::{PUBLIC, free, proxy, server};
use crate::support::Server;

/// What doctor said, and its exit code.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) report: Value,
    pub(crate) error: String,
}

impl Said {
    /// State and detail of a check.
    pub(crate) fn check(&self, name: &str) -> (&str, &str) {
        let checks = self.report["checks"].as_array().expect("there are checks");
        let check = checks.iter().find(|check| check["name"] == name);
        let check = check.unwrap_or_else(|| panic!("no {name} in {}", self.report));
        let text = |member: &str| check[member].as_str().expect("it is a text");
        (text("state"), text("detail"))
    }
}

/// Has doctor look at a proxy, in the place of the application.
pub(crate) fn doctor(server: &Server, data: &Path, proxy: &Proxy, application: SocketAddr) -> Said {
    let key = data.join("admin.key");
    asked(&[
        "--proxy",
        &format!("http://{}", proxy.address()),
        "--application",
        &application.to_string(),
        "--server",
        &server.base,
        "--key-file",
        key.to_str().expect("it is text"),
    ])
}

pub(crate) fn asked(arguments: &[&str]) -> Said {
    let output = Command::new(env!("CARGO_BIN_EXE_innkeeper"))
        .env_clear()
        .args(["doctor", "--json"])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the binary was built for this test");
    Said {
        code: output.status.code().expect("it exits by itself"),
        report: serde_json::from_slice(&output.stdout).unwrap_or_default(),
        error: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

const CHECKS: [&str; 8] = [
    "proxy_session",
    "proxy_identity",
    "proxy_forwarded",
    "proxy_methods",
    "proxy_paths",
    "proxy_credentials",
    "proxy_framing",
    "proxy_inside",
];

#[test]
fn given_the_recipes_when_every_known_trick_is_tried_then_nothing_gets_through() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path().join("data");
    let server = server(&data, PUBLIC);
    for kind in ProxyKind::ALL {
        let application = free();
        let proxy = proxy(kind, &server, application);

        let said = doctor(&server, &data, &proxy, application);

        assert_eq!(said.code, 0, "{kind:?}: {}{:#}", said.error, said.report);
        for name in CHECKS {
            let (state, detail) = said.check(name);
            assert_eq!(state, "ok", "{kind:?} {name}: {detail}");
        }
        let (_, counted) = said.check("proxy_requests");
        println!("{kind:?}: {counted}");
        let figures: Vec<usize> = counted
            .split(' ')
            .filter_map(|word| word.parse().ok())
            .collect();
        // Requests that were sent, and those that arrived: both sides saw something.
        assert!(
            figures.len() == 2 && figures[0] > 500 && figures[1] > 100,
            "{counted}"
        );
    }
}

/// Where doctor cannot see what arrives it says that it does not know, and never that all is well.
#[test]
fn given_doctor_outside_when_it_sees_answers_alone_then_it_is_inconclusive() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path().join("data");
    let server = server(&data, PUBLIC);
    let proxy = proxy(ProxyKind::Haproxy, &server, free());
    let url = format!("http://{}", proxy.address());
    let nowhere = data.join("none");
    let nowhere = nowhere.to_str().unwrap();

    let said = asked(&["--proxy", &url, "--data", nowhere]);

    assert_eq!(said.code, 5, "{}{:#}", said.error, said.report);
    assert_eq!(said.check("proxy_inside").0, "ok");
    assert_eq!(said.check("proxy_identity").0, "unknown");
    assert!(said.error.contains("--application"), "{}", said.error);
    let gone = asked(&["--proxy", &format!("http://{}", free()), "--data", nowhere]);
    assert_eq!(gone.code, 3, "{}", gone.error);
}
