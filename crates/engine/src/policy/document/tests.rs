use innkeeper_domain::policy::{Overflow, Policy};

use super::Document;

/// A document in which every kind of member occurs.
const FULL: &str = r#"{
    "version": 7,
    "policy": {"preset": "asvs_l3", "reason": {"absolute": "two shifts"}, "max_sessions": 4, "at_limit": "evict_oldest", "idle": 600, "absolute": 7200,
        "rotation_grace": 0, "rotate_every": 900, "freshness": 60,
        "same_device": "count", "unseen_device": "refuse", "binding": "device_cookie",
        "protect_trusted_for": 0, "sign_ins": "3/90s", "api_sign_ins": "100/1h"},
    "rules": [
        {"when": {"group": ["admins"], "client": ["web", "tv"], "class": ["machine"],
            "remember": false}, "max_sessions": 2, "at_limit": "refuse",
            "reason": {"idle": "the hall"}},
        {"when": {"remember": true}, "idle": 60, "sign_ins": "1/1d"}
    ],
    "limits": [{"per": "device_class", "max_sessions": 3, "when": {"client": ["ios"]}},
        {"per": "client", "when": {"client": ["tv"]}, "max_sessions": 1}],
    "tenants": [{"tenant": ["acme", "umbrella"], "seats": 500}, {"seats": 100000000}]
}"#;

fn read(json: &str) -> Result<Policy, String> {
    let read: Result<Document, _> = serde_json::from_str(json);
    read.map(|document| document.0).map_err(|e| e.to_string())
}

#[test]
fn given_a_document_when_read_and_written_then_it_says_the_same() {
    let policy = read(FULL).expect("it is a document");

    let written = serde_json::to_value(Document(policy.clone())).expect("it is written");

    let said: serde_json::Value = serde_json::from_str(FULL).expect("it is JSON");
    assert_eq!(written, said);
    assert_eq!(read(&written.to_string()), Ok(policy));
}

#[test]
fn given_an_empty_document_when_read_then_it_is_the_default_policy() {
    assert_eq!(read("{}"), Ok(Policy::default()));
}

#[test]
fn given_a_written_policy_when_looked_at_then_every_term_that_is_set_is_there() {
    let written = serde_json::to_value(Document(Policy::default())).expect("it is written");

    let expected = serde_json::json!({
        "max_sessions": 5, "at_limit": "evict_least_recent", "idle": 1800, "absolute": 43200,
        "rotation_grace": 30, "freshness": 900, "same_device": "replace",
        "unseen_device": "notify", "binding": "none", "protect_trusted_for": 86400,
        "sign_ins": "10/1m"
    });
    assert_eq!(written["policy"], expected);
}

/// What a preset asks is a default: what is not said beside it is as it says.
#[test]
fn given_a_preset_in_a_document_when_read_then_what_is_left_out_is_as_it_asks() {
    let policy = read(r#"{"policy": {"preset": "pci", "max_sessions": 3}}"#).expect("it is one");

    assert_eq!(policy.terms.idle.as_secs(), 900);
    assert_eq!(policy.terms.absolute, Policy::default().terms.absolute);
    assert_eq!(policy.terms.max_sessions.get(), 3);
}

#[test]
fn given_the_mode_of_binding_that_the_file_takes_when_read_then_it_is_taken_and_no_other() {
    let rule = |mode| {
        read(&format!(
            r#"{{"policy": {{"binding_mode": "{mode}"}},
            "rules": [{{"when": {{"remember": true}}, "binding_mode": "{mode}", "idle": 60}}]}}"#
        ))
    };

    assert!(rule("prefer").is_ok());
    let refusal = rule("require").expect_err("there is none yet");
    assert!(refusal.contains("expected prefer"), "{refusal}");
}

/// As in the configuration file, where `group = "admins"` is the list of that one.
#[test]
fn given_a_single_word_in_a_condition_when_read_then_it_is_the_list_of_that_one() {
    let rows = |group: &str, client: &str, class: &str, tenant: &str| {
        let json = format!(
            r#"{{"rules": [{{"when": {{"group": {group}, "client": {client}, "class": {class}}},
                "idle": 60}}], "tenants": [{{"tenant": {tenant}, "seats": 5}}]}}"#
        );
        read(&json).expect("it is a document")
    };

    let words = rows(r#""a""#, r#""tv""#, r#""machine""#, r#""acme""#);
    let lists = rows(r#"["a"]"#, r#"["tv"]"#, r#"["machine"]"#, r#"["acme"]"#);

    assert_eq!(words, lists);
}

#[test]
fn given_unknown_repeated_or_wrong_members_when_read_then_each_is_refused() {
    for (json, part) in [
        (r#"{"policies": {}}"#, "unknown field `policies`"),
        (
            r#"{"policy": {"max_session": 1}}"#,
            "unknown field `max_session`",
        ),
        (
            r#"{"policy": {"at-limit": "refuse"}}"#,
            "unknown field `at-limit`",
        ),
        (
            r#"{"policy": {"idle": 60, "idle": 61}}"#,
            "duplicate field `idle`",
        ),
        (
            r#"{"policy": {}, "policy": {}}"#,
            "duplicate field `policy`",
        ),
        (r#"{"policy": []}"#, "expected an object"),
        (r#"{"policy": {"max_sessions": 0}}"#, "1 to 1000"),
        (r#"{"policy": {"max_sessions": 1001}}"#, "1 to 1000"),
        (r#"{"policy": {"max_sessions": "5"}}"#, "expected u64"),
        (r#"{"policy": {"idle": 0}}"#, "whole seconds, 1 to 34560000"),
        (r#"{"policy": {"idle": 1.5}}"#, "expected u64"),
        (
            r#"{"policy": {"rotation_grace": 301}}"#,
            "whole seconds, 0 to 300",
        ),
        (
            r#"{"policy": {"at_limit": "evict-oldest"}}"#,
            "expected one of: evict_oldest",
        ),
        (
            r#"{"rules": [{"when": {}, "idle": 60}]}"#,
            "expected a condition",
        ),
        (r#"{"rules": [{"idle": 60}]}"#, "expected a condition"),
        (
            r#"{"rules": [{"when": {"remember": true}}]}"#,
            "expected a key of `policy`",
        ),
        (
            r#"{"rules": [{"when": {"group": []}, "idle": 60}]}"#,
            "a list of 1 to 256",
        ),
        (
            r#"{"rules": [{"when": {"group": 7}, "idle": 60}]}"#,
            "a word or a list of 1 to 256",
        ),
        (
            r#"{"rules": [{"when": {"group": ""}, "idle": 60}]}"#,
            "must not be empty",
        ),
        (
            r#"{"rules": [{"when": {"group": [""]}, "idle": 60}]}"#,
            "must not be empty",
        ),
        (
            r#"{"rules": [{"when": {"groups": ["a"]}, "idle": 60}]}"#,
            "unknown field `groups`",
        ),
        (
            r#"{"limits": [{"max_sessions": 1}]}"#,
            "missing field `per`",
        ),
        (
            r#"{"limits": [{"per": "client"}]}"#,
            "missing field `max_sessions`",
        ),
        (
            r#"{"limits": [{"per": "colour", "max_sessions": 1}]}"#,
            "expected one of: client",
        ),
        (
            r#"{"policy": {"preset": "asvs-l1"}}"#,
            "expected one of: asvs_l1, asvs_l2",
        ),
        (
            r#"{"policy": {"reason": {"idle": " "}}}"#,
            "must not be empty",
        ),
        (
            r#"{"policy": {"reason": {"colour": "x"}}}"#,
            "unknown field `colour`",
        ),
        (
            r#"{"tenants": [{"tenant": ["a"]}]}"#,
            "missing field `seats`",
        ),
        (
            r#"{"tenants": [{"tenant": [], "seats": 1}]}"#,
            "a list of 1 to 256",
        ),
        (r#"{"tenants": [{"seats": 0}]}"#, "1 to 100000000"),
        (r#"{"version": -1}"#, "expected a nonzero u64"),
        (r#"{"version": 0}"#, "expected a nonzero u64"),
    ] {
        let refusal = read(json).expect_err(json);

        assert!(refusal.contains(part), "{json}: {refusal}");
    }
}

#[test]
fn given_257_rules_when_read_then_they_are_too_many() {
    let rule = serde_json::json!({"when": {"remember": true}, "idle": 60});
    let of = |count: usize| serde_json::json!({"rules": vec![rule.clone(); count]}).to_string();

    assert!(read(&of(256)).is_ok());
    assert!(read(&of(257)).is_err());
}

#[test]
fn given_every_word_when_written_then_it_is_read_as_the_same() {
    use innkeeper_domain::policy::Word;

    for (word, choice) in Overflow::WORDS {
        let json = serde_json::json!({"policy": {"at_limit": word}}).to_string();

        assert_eq!(read(&json).expect(word).terms.at_limit, *choice);
    }
}

/// There is always a next version, and every reader of JSON tells it from this one.
#[test]
fn given_a_version_beyond_what_json_keeps_exact_when_read_then_it_is_refused() {
    for (version, is_one) in [
        ((1_u64 << 53) - 1, true),
        (1 << 53, false),
        (u64::MAX, false),
    ] {
        let text = format!(r#"{{"version": {version}}}"#);
        assert_eq!(
            serde_json::from_str::<Document>(&text).is_ok(),
            is_one,
            "{text}"
        );
    }
}
