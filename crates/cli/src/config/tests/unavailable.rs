//! What is not built yet is refused, unless it asks for what happens anyway.

use super::super::unavailable::{NOT_YET, Refused};
use super::{given, nothing};

/// A file that sets one key, wherever it lies.
fn setting(key: &str, literal: &str) -> String {
    match key.rsplit_once('.') {
        Some(("policy.rule", name)) => {
            format!("[[policy.rule]]\nwhen.group = \"a\"\n{name} = {literal}\n")
        }
        Some(("policy.limit", name)) => {
            format!("[[policy.limit]]\nmax_sessions = 1\n{name} = {literal}\n")
        }
        _ => format!("{key} = {literal}\n"),
    }
}

#[test]
fn given_each_line_of_the_table_when_its_key_is_set_then_it_is_refused_by_name() {
    for line in NOT_YET {
        let texts: Vec<String> = match line.refused {
            Refused::AllBut(_) => vec![setting(line.key, "\"something else\"")],
            Refused::Words(words) => words
                .iter()
                .map(|word| setting(line.key, &format!("\"{word}\"")))
                .collect(),
            Refused::Table(keys) => vec![format!("[{}]\n{} = \"x\"\n", line.key, keys[0])],
            Refused::Rows(keys) => vec![format!("[[{}]]\n{} = \"x\"\n", line.key, keys[0])],
        };

        for text in texts {
            let message = given(&text).refusal();

            let expected = format!(
                "{}: {} is not available in this version; ",
                line.key, line.what
            );
            assert!(message.contains(&expected), "{text}: {message}");
        }
    }
}

#[test]
fn given_a_value_that_changes_nothing_when_loaded_then_it_is_accepted() {
    for line in NOT_YET {
        let Refused::AllBut(literals) = line.refused else {
            continue;
        };
        for literal in literals {
            let config = given(setting(line.key, literal)).accepted();

            assert_eq!(config.policy, nothing().policy, "{} = {literal}", line.key);
        }
    }
}

#[test]
fn given_a_value_that_changes_nothing_as_a_variable_when_loaded_then_it_is_accepted_too() {
    given("")
        .with("INNKEEPER_POLICY__BINDING_MODE", "prefer")
        .with("INNKEEPER_SIGNALS__TRANSMITTER", "false")
        .accepted();
}

#[test]
fn given_a_default_that_would_promise_something_when_loaded_then_it_is_refused() {
    let text = "server.admin_listen = \"127.0.0.1:7071\"";

    assert!(
        given(text)
            .refusal()
            .contains("is not available in this version")
    );
}

#[test]
fn given_secrets_of_what_is_not_built_when_loaded_then_they_are_refused_and_not_shown() {
    let given = given(
        "[store]\nurl = \"redis://:hunter2@x\"\n[notify.smtp]\npassword = \"hunter2\"\n\
         [[notify.webhook]]\nsecret = \"hunter2\"\n",
    )
    .with("INNKEEPER_NOTIFY__SMTP__PASSWORD", "hunter2")
    .with("INNKEEPER_NOTIFY__SMTP__PASSWORD_FILE", "hunter2");

    let lines = given.refused();

    assert_eq!(lines.len(), 5, "{lines:#?}");
    assert!(!lines.concat().contains("hunter2"), "{lines:#?}");
}

#[test]
fn given_an_unknown_key_in_a_table_that_is_not_built_when_loaded_then_it_is_named_as_well() {
    let lines = given("[notify.smtp]\nhost = \"x\"\npasword = \"y\"\n").refused();

    assert_eq!(
        lines,
        [
            "c.toml:1:9: notify.smtp: sending notices is not available in this version; leave it out",
            "c.toml:3:1: notify.smtp.pasword: unknown key; did you mean notify.smtp.password?",
        ]
    );
}

/// They were passed over without a word, and somebody waited for a mail.
#[test]
fn given_sections_of_what_is_not_built_when_they_ask_for_nothing_then_a_warning_names_each() {
    let sections = "[admin]\n[notify]\n[notify.smtp]\n[signals]\n[geo]\n[dbsc]\n[store]\n";
    let config = given(format!("{sections}allow_snapshots = false\n"))
        .with("INNKEEPER_NOTIFY__DIGEST", "2m")
        .accepted();

    let warnings = config.warnings();

    let places: Vec<&str> = warnings.iter().map(|w| w.place.as_str()).collect();
    let unbuilt = ["admin", "dbsc", "geo", "notify", "signals"];
    assert_eq!(places, unbuilt);
    assert!(warnings[3].text.contains("sending notices"), "{warnings:?}");
    let config = given("").with("INNKEEPER_NOTIFY__DIGEST", "2m").accepted();
    assert_eq!(config.warnings().len(), 1, "a variable asks as well");
}
