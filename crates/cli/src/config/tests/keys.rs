//! Keys that nobody knows, and known ones that are written in a wrong form.

use super::given;

#[test]
fn given_an_unknown_key_when_loaded_then_file_line_key_and_the_nearest_are_named() {
    let cases = [
        (
            "\n[policy]\nmax_session = 3",
            "c.toml:3:1: policy.max_session: unknown key; did you mean policy.max_sessions?",
        ),
        (
            "[policy]\n  max-sessions = 3",
            "c.toml:2:3: policy.max-sessions: unknown key; did you mean policy.max_sessions?",
        ),
        (
            "[server]\nidle = \"5m\"",
            "c.toml:2:1: server.idle: unknown key; did you mean policy.idle?",
        ),
        (
            "policy.idel = \"5m\"",
            "c.toml:1:8: policy.idel: unknown key; did you mean policy.idle?",
        ),
        (
            "[store]\ncolour = 1",
            "c.toml:2:1: store.colour: unknown key; the keys of [store] are kind, path, url, url_file, lease, allow_snapshots",
        ),
    ];

    for (text, expected) in cases {
        assert_eq!(given(text).refusal(), expected);
    }
}

#[test]
fn given_an_unknown_section_when_loaded_then_it_is_named_once_with_the_nearest() {
    let near = given("[polcy]\nidle = \"5m\"\nabsolute = \"1h\"\n").refusal();
    let far = given("[colours]\na = 1\n").refusal();
    let list = given("[[policy.rules]]\nidle = \"5m\"\n[[policy.rules]]\n").refusal();

    assert_eq!(
        near,
        "c.toml:1:2: polcy: unknown section; did you mean [policy]?"
    );
    assert_eq!(
        far,
        "c.toml:1:2: colours: unknown section; the sections are admin, dbsc, gateway, geo, \
         journal, log, notify, outgoing, policy, server, signals, store, telemetry"
    );
    assert_eq!(
        list,
        "c.toml:1:10: policy.rules: unknown section; did you mean [policy.rule]?"
    );
}

#[test]
fn given_an_unknown_key_with_hostile_characters_when_loaded_then_they_are_escaped() {
    let line = given("[policy]\n\"a\\u001B[31m\\n\" = 1\n").refusal();

    assert!(
        line.starts_with(r#"c.toml:2:1: policy."a\u001B[31m\u000A": unknown key"#),
        "{line}"
    );
}

#[test]
fn given_a_quoted_key_that_looks_like_a_full_one_when_loaded_then_it_is_not_taken_for_it() {
    let line = given("\"policy.idle\" = \"5m\"\n").refusal();

    assert_eq!(
        line,
        "c.toml:1:1: \"policy.idle\": unknown key; did you mean policy.idle?"
    );
}

#[test]
fn given_an_unknown_key_within_a_rule_when_loaded_then_the_rule_is_not_blamed_for_what_it_lacks() {
    let line = given("[[policy.rule]]\nwehn = { group = \"a\" }\nidle = \"5m\"\n").refusal();

    assert_eq!(
        line,
        "c.toml:2:1: policy.rule.wehn: unknown section; did you mean [policy.rule.when]?"
    );
}

#[test]
fn given_a_section_or_list_in_a_wrong_form_when_loaded_then_the_right_one_is_shown() {
    let cases = [
        (
            "policy = 5",
            "c.toml:1:10: policy: found the number 5; accepted is a table, written as [policy]",
        ),
        (
            "[[policy]]",
            "c.toml:1:1: policy: found a list; accepted is a table, written as [policy]",
        ),
        (
            "[policy.rule]\nidle = \"5m\"",
            "c.toml:1:1: policy.rule: found a table; accepted is a list of tables, each written as [[policy.rule]]",
        ),
        (
            "[policy]\nrule = [1]",
            "c.toml:2:9: policy.rule: found the number 1; accepted is a list of tables, each written as [[policy.rule]]",
        ),
        (
            "[policy.idle]\na = 1",
            "c.toml:1:1: policy.idle: found a table; accepted is a whole number and one of the units s, m, h, d, from \"1s\" to \"400d\" (a span is a text: its unit must be said)",
        ),
        (
            "[[policy.rule]]\nwhen = \"admins\"\nidle = \"5m\"",
            "c.toml:2:8: policy.rule.when: found the text \"admins\"; accepted is a table, written as [policy.rule.when]",
        ),
    ];

    for (text, expected) in cases {
        assert_eq!(given(text).refusal(), expected);
    }
}

#[test]
fn given_mistakes_of_many_kinds_when_loaded_then_all_are_said_in_the_order_of_the_file() {
    let given = given(
        "[policy]\nmax_sessions = 0\ncolour = 1\nidle = true\n[sever]\n[notify]\ndigest = \"1h\"\n",
    )
    .with("INNKEEPER_POLICY__ABSOLUTE", "1");

    let lines = given.refused();

    let places: Vec<_> = lines
        .iter()
        .map(|l| l.split(": ").next().unwrap_or(""))
        .collect();
    assert_eq!(
        places,
        [
            "c.toml:2:16",
            "c.toml:3:1",
            "c.toml:4:8",
            "c.toml:5:2",
            "c.toml:7:10",
            "INNKEEPER_POLICY__ABSOLUTE"
        ]
    );
}
