//! Defaults, the environment, the command line, and which of them holds.

use std::path::{Path, PathBuf};
use std::time::Duration;

use innkeeper_domain::policy::Overflow;

use super::super::schema::StoreKind;
use super::super::{Config, Doors, Origin};
use super::{given, nothing};

#[test]
fn given_nothing_when_loaded_then_the_defaults_are_those_of_the_manual() {
    let config = nothing();

    assert_eq!(config.server.listen.to_string(), "127.0.0.1:7070");
    assert_eq!(config.server.public_url, None);
    assert_eq!(config.store.kind, StoreKind::Embedded);
    assert_eq!(config.store.path, Path::new("innkeeper-data"));
    assert_eq!(config.policy.terms.max_sessions.get(), 5);
    assert_eq!(config.policy.terms.at_limit, Overflow::EvictLeastRecent);
    assert_eq!(config.policy.terms.idle, Duration::from_mins(30));
    assert_eq!(config.policy.terms.absolute, Duration::from_hours(12));
    assert_eq!(config.policy.terms.rotation_grace, Duration::from_secs(30));
    assert_eq!(config.policy.terms.rotate_every, None);
    assert_eq!(config.policy.terms.freshness, Duration::from_mins(15));
    assert!(config.policy.rules.is_empty() && config.policy.limits.is_empty());
    assert_eq!(config.origin("policy.idle"), &Origin::Default);
}

#[test]
fn given_an_empty_file_when_loaded_then_it_is_the_same_as_none() {
    let config = given("").accepted();

    assert_eq!(config.effective_toml(), nothing().effective_toml());
}

#[test]
fn given_a_file_and_a_variable_when_loaded_then_the_variable_holds() {
    let given = given("[policy]\nmax_sessions = 3\nidle = \"5m\"\n")
        .with("INNKEEPER_POLICY__MAX_SESSIONS", "4");

    let config = given.accepted();

    assert_eq!(config.policy.terms.max_sessions.get(), 4);
    assert_eq!(config.policy.terms.idle, Duration::from_mins(5));
    let origin = config.origin("policy.max_sessions").to_string();
    assert_eq!(origin, "INNKEEPER_POLICY__MAX_SESSIONS");
    assert!(
        config
            .origin("policy.idle")
            .to_string()
            .ends_with("c.toml:3:8")
    );
}

#[test]
fn given_variables_when_loaded_then_each_takes_the_type_of_its_key() {
    let given = given("")
        .with("INNKEEPER_SERVER__LISTEN", "[::1]:80")
        .with("INNKEEPER_SERVER__PUBLIC_URL", "https://App.example/")
        .with("INNKEEPER_STORE__KIND", "embedded")
        .with("INNKEEPER_STORE__PATH", "42")
        .with("INNKEEPER_POLICY__AT_LIMIT", "refuse")
        .with("INNKEEPER_POLICY__ROTATE_EVERY", "1h");

    let config = given.accepted();

    assert_eq!(config.server.listen.to_string(), "[::1]:80");
    assert_eq!(
        config.server.public_url.as_deref(),
        Some("https://app.example")
    );
    assert_eq!(config.store.path, Path::new("42"));
    assert_eq!(config.policy.terms.at_limit, Overflow::Refuse);
    assert_eq!(
        config.policy.terms.rotate_every,
        Some(Duration::from_hours(1))
    );
}

#[test]
fn given_all_doors_when_loaded_then_the_command_line_holds() {
    let given = given("[store]\npath = \"a\"\n");

    let config = Config::load(Doors {
        file: Some(&given.file()),
        environment: vec![("INNKEEPER_STORE__PATH".into(), "b".into())],
        listen: Some(([127, 0, 0, 1], 0).into()),
        data: Some(PathBuf::from("c")),
    })
    .expect("all of these are good");

    assert_eq!(config.store.path, Path::new("c"));
    assert_eq!(config.origin("store.path"), &Origin::CommandLine("--data"));
    assert_eq!(config.server.listen.port(), 0);
}

#[test]
fn given_a_mistake_that_is_overridden_when_loaded_then_it_is_still_refused() {
    let given = given("[policy]\nmax_sessions = 0\n").with("INNKEEPER_POLICY__MAX_SESSIONS", "4");

    let line = given.refusal();

    assert!(
        line.starts_with("c.toml:2:16: policy.max_sessions: "),
        "{line}"
    );
}

#[test]
fn given_a_bad_value_in_a_variable_when_loaded_then_the_variable_and_the_key_are_named() {
    let cases = [
        (
            "INNKEEPER_POLICY__MAX_SESSIONS",
            "five",
            "policy.max_sessions: found \"five\"; accepted is a whole number from 1 to 1000",
        ),
        (
            "INNKEEPER_POLICY__MAX_SESSIONS",
            "",
            "policy.max_sessions: found \"\"; accepted is a whole number from 1 to 1000",
        ),
        (
            "INNKEEPER_SERVER__LISTEN",
            "7070",
            "server.listen: found \"7070\"; accepted is an IP address",
        ),
        (
            "INNKEEPER_STORE__PATH",
            "",
            "store.path: found \"\"; accepted is the path of a folder",
        ),
    ];

    for (name, value, message) in cases {
        let line = given("").with(name, value).refusal();

        assert!(line.starts_with(&format!("{name}: {message}")), "{line}");
    }
}

#[test]
fn given_an_unknown_variable_when_loaded_then_the_nearest_one_is_named() {
    let cases = [
        (
            "INNKEEPER_STORE__KNID",
            "did you mean INNKEEPER_STORE__KIND?",
        ),
        (
            "INNKEEPER_POLICY_IDLE",
            "did you mean INNKEEPER_POLICY__IDLE?",
        ),
        (
            "INNKEEPER_policy__idle",
            "did you mean INNKEEPER_POLICY__IDLE?",
        ),
        ("INNKEEPER_POLICY", "such as INNKEEPER_POLICY__IDLE"),
        (
            "INNKEEPER_COLOUR",
            "ours are named INNKEEPER_<SECTION>__<KEY>",
        ),
    ];

    for (name, hint) in cases {
        let line = given("").with(name, "x").refusal();

        assert!(
            line.starts_with(&format!("{name}: unknown variable; ")),
            "{line}"
        );
        assert!(line.contains(hint), "{line}");
    }
}

#[test]
fn given_a_list_of_tables_as_a_variable_when_loaded_then_it_is_sent_to_the_file() {
    for name in [
        "INNKEEPER_POLICY__RULE",
        "INNKEEPER_POLICY__RULE__0__IDLE",
        "INNKEEPER_POLICY__LIMIT__PER",
    ] {
        let line = given("").with(name, "x").refusal();

        assert!(
            line.contains("can only be written in the configuration file, as [[policy."),
            "{line}"
        );
    }
}

#[cfg(unix)]
#[test]
fn given_a_variable_that_is_not_utf_8_when_loaded_then_it_is_named() {
    use std::os::unix::ffi::OsStringExt;

    let value = std::ffi::OsString::from_vec(vec![b'a', 0xff]);

    let refused = Config::load(Doors {
        environment: vec![("INNKEEPER_STORE__PATH".into(), value)],
        ..Doors::default()
    })
    .expect_err("this is to be refused");

    let line = refused.to_string();
    assert_eq!(
        line,
        "INNKEEPER_STORE__PATH: store.path: the value is not UTF-8"
    );
}

#[test]
fn given_the_effective_configuration_when_loaded_as_a_file_then_it_is_the_same() {
    let config = given(
        r#"
        [server]
        public_url = "https://app.example"
        [store]
        path = "a\"b\\c\u001b"
        [policy]
        rotate_every = "90m"
        [[policy.rule]]
        when = { group = ["a", "b"], client = "web", class = "machine", remember = false }
        max_sessions = 2
        at_limit = "observe"
        [[policy.rule]]
        when = { remember = true }
        idle = "1500s"
        [[policy.limit]]
        per = "client"
        max_sessions = 1
        when = { client = "tv" }
        "#,
    )
    .accepted();

    let written = config.effective_toml();
    let again = given(&written).accepted();

    assert_eq!(again.server, config.server);
    assert_eq!(again.store, config.store);
    assert_eq!(again.policy, config.policy);
    assert!(!written.contains('\u{1b}'));
}

#[test]
fn given_settings_when_written_then_each_says_whence_it_came() {
    let given = given("[policy]\nidle = \"5m\"\n").with("INNKEEPER_POLICY__FRESHNESS", "1m");

    let written = given.accepted().effective_toml();

    assert!(
        written.contains("max_sessions = 5   # default\n"),
        "{written}"
    );
    assert!(written.contains("c.toml:2:8\n"), "{written}");
    assert!(
        written.contains("freshness = \"1m\"   # INNKEEPER_POLICY__FRESHNESS\n"),
        "{written}"
    );
}
