//! Values of a wrong type or out of bounds: what was found, what is accepted, and why.

use innkeeper_domain::budget::Budget;

use super::given;

/// Each line of settings, with the place and a part of the message that refuses it.
fn each_refused(cases: &[(&str, &str, &str)]) {
    for (text, place, part) in cases {
        let line = given(text).refusal();

        assert!(
            line.starts_with(&format!("c.toml:{place}: ")),
            "{text}: {line}"
        );
        assert!(line.contains(part), "{text}: {line}");
    }
}

#[test]
fn given_a_limit_of_none_or_too_many_when_loaded_then_it_says_that_there_is_no_unlimited() {
    each_refused(&[
        (
            "policy.max_sessions = 0",
            "1:23",
            "found the number 0; accepted is a whole number from 1 to 1000 (there is no unlimited",
        ),
        (
            "policy.max_sessions = 1001",
            "1:23",
            "found the number 1001; accepted is a whole number from 1 to 1000 (there is no unlimited",
        ),
        (
            "policy.max_sessions = 0xFFFFFFFFFFFFFFFFFFFF",
            "1:23",
            "there is no unlimited",
        ),
        (
            "policy.max_sessions = -1",
            "1:23",
            "found the number -1; accepted is",
        ),
        (
            "policy.max_sessions = 2.0",
            "1:23",
            "found the number 2.0; accepted is",
        ),
        (
            "policy.max_sessions = \"5\"",
            "1:23",
            "found the text \"5\"; accepted is a whole number",
        ),
        ("policy.max_sessions = [5]", "1:23", "found a list"),
        ("policy.max_sessions = 2026-01-01", "1:23", "found a date"),
    ]);
}

#[test]
fn given_the_smallest_and_the_largest_limit_when_loaded_then_both_are_accepted() {
    for sessions in [1, 1000] {
        let config = given(format!("policy.max_sessions = {sessions}")).accepted();

        assert_eq!(config.policy.terms.max_sessions.get(), sessions);
    }
}

#[test]
fn given_a_budget_that_is_none_or_out_of_bounds_when_loaded_then_it_says_what_is_expected() {
    each_refused(&[
        (
            "policy.sign_ins = 10",
            "1:19",
            "found the number 10; accepted is a number of sign-ins, a slash and a span of time, \
             such as \"10/1m\", from \"1/1d\" to \"100000/1s\"",
        ),
        (
            "policy.sign_ins = \"10 per minute\"",
            "1:19",
            "accepted is a number of sign-ins, a slash",
        ),
        (
            "policy.sign_ins = \"0/1m\"",
            "1:19",
            "(none at all would lock everybody out)",
        ),
        (
            "policy.sign_ins = \"100001/1m\"",
            "1:19",
            "(there is no unlimited)",
        ),
        (
            "policy.api_sign_ins = \"10/2d\"",
            "1:23",
            "(the span must be whole seconds, 1s to 1d)",
        ),
        (
            "[[policy.rule]]\nwhen.group = \"a\"\nsign_ins = \"1/1m\"",
            "3:12",
            "policy.rule.sign_ins: found a budget in a rule by group; accepted is a `when` without \
             `group`",
        ),
    ]);
}

#[test]
fn given_budgets_when_loaded_then_they_are_in_the_policy_and_in_what_is_shown_of_it() {
    let config = given(
        "[policy]\nsign_ins = \"5/60s\"\napi_sign_ins = \"600/1h\"\n\
         [[policy.rule]]\nwhen.client = \"tv\"\napi_sign_ins = \"1/1s\"\n",
    )
    .accepted();

    assert_eq!(config.policy.terms.sign_ins.to_string(), "5/1m");
    assert_eq!(
        config.policy.terms.api_sign_ins,
        Budget::parse("600/1h").ok()
    );
    let of_rule = config.policy.rules[0].set.api_sign_ins;
    assert_eq!(of_rule, Budget::parse("1/1s").ok());
    assert_eq!(config.policy.rules[0].set.sign_ins, None);
    let shown = config.effective_toml();
    assert!(shown.contains("sign_ins = \"5/1m\"   # "), "{shown}");
    assert!(shown.contains("\napi_sign_ins = \"1/1s\"\n"), "{shown}");
}

#[test]
fn given_a_span_that_is_none_or_out_of_bounds_when_loaded_then_it_says_why() {
    each_refused(&[
        (
            "policy.idle = 30",
            "1:15",
            "found the number 30; accepted is a whole number and one of the units",
        ),
        (
            "policy.idle = \"30\"",
            "1:15",
            "(the unit is missing or unknown)",
        ),
        (
            "policy.idle = \"30 minutes\"",
            "1:15",
            "(the unit is missing or unknown)",
        ),
        ("policy.idle = \"\"", "1:15", "found the text \"\""),
        (
            "policy.idle = \"0s\"",
            "1:15",
            "from \"1s\" to \"400d\" (too short)",
        ),
        ("policy.idle = \"401d\"", "1:15", "(too long)"),
        (
            "policy.absolute = \"99999999999999999999d\"",
            "1:19",
            "(too long)",
        ),
        (
            "policy.rotation_grace = \"301s\"",
            "1:25",
            "from \"0s\" to \"5m\" (too long)",
        ),
        ("policy.freshness = \"999ms\"", "1:20", "(too short)"),
        (
            "policy.freshness = \"1500ms\"",
            "1:20",
            "units s, m, h, d, from \"1s\" to \"400d\" (not a multiple of 1s)",
        ),
        ("policy.rotate_every = \"0s\"", "1:23", "(too short)"),
    ]);
}

#[test]
fn given_spans_at_their_bounds_when_loaded_then_they_are_accepted() {
    given("[policy]\nidle = \"400d\"\nabsolute = \"400d\"\nrotation_grace = \"0s\"\n").accepted();
    given("[policy]\nidle = \"1s\"\nabsolute = \"1s\"\nrotation_grace = \"5m\"\n").accepted();
}

#[test]
fn given_an_idle_time_longer_than_the_absolute_one_when_loaded_then_what_was_set_is_blamed() {
    each_refused(&[
        (
            "policy.idle = \"13h\"",
            "1:15",
            "policy.idle: found idle = \"13h\" with absolute = \"12h\"",
        ),
        (
            "policy.absolute = \"10m\"",
            "1:19",
            "policy.absolute: found idle = \"30m\" with absolute = \"10m\"",
        ),
    ]);
}

#[test]
fn given_a_span_that_could_not_be_read_when_loaded_then_the_other_is_not_blamed_for_the_default() {
    for text in [
        "policy.idle = \"13h\"\npolicy.absolute = \"24\"",
        "policy.idle = \"13h\"\npolicy.absolut = \"24h\"",
        "policy.idle = \"13h\"\npolicy.absolute = 24h",
    ] {
        let line = given(text).with("INNKEEPER_POLICY__IDLE", "14h").refusal();

        assert!(line.starts_with("c.toml:2:"), "{line}");
    }
}

#[test]
fn given_a_word_that_is_none_of_the_accepted_when_loaded_then_they_are_listed() {
    each_refused(&[
        (
            "policy.at_limit = \"evict-oldestt\"",
            "1:19",
            "accepted is one of \"evict-oldest\", \"evict-least-recent\", \"refuse\", \"ask\", \"observe\" (did you mean \"evict-oldest\"?)",
        ),
        (
            "policy.at_limit = \"explode\"",
            "1:19",
            "found the text \"explode\"; accepted is one of",
        ),
        (
            "policy.at_limit = true",
            "1:19",
            "found true; accepted is one of",
        ),
        (
            "store.kind = \"sqlite\"",
            "1:14",
            "accepted is one of \"embedded\", \"postgres\", \"redis\"",
        ),
    ]);
}

#[test]
fn given_a_hostile_value_when_loaded_then_it_is_escaped() {
    let line = given("policy.at_limit = \"\\u001B[2J\\nfine\"").refusal();

    assert!(
        line.contains(r#"found the text "\u{1b}[2J\u{a}fine""#),
        "{line}"
    );
}

#[test]
fn given_an_address_that_is_none_when_loaded_then_an_example_is_shown() {
    each_refused(&[
        (
            "server.listen = \"localhost:7070\"",
            "1:17",
            "such as \"127.0.0.1:7070\"",
        ),
        (
            "server.listen = \"127.0.0.1\"",
            "1:17",
            "an IP address and a port",
        ),
        ("server.listen = 7070", "1:17", "found the number 7070"),
    ]);
}

#[test]
fn given_a_public_url_that_is_no_origin_when_loaded_then_it_says_why() {
    each_refused(&[
        (
            "server.public_url = \"app.example\"",
            "1:21",
            "it must begin with http:// or https://",
        ),
        (
            "server.public_url = \"https://app.example/x\"",
            "1:21",
            "it must not have a path",
        ),
        ("server.public_url = 1", "1:21", "found the number 1"),
    ]);
}

#[test]
fn given_a_password_in_the_public_url_when_loaded_then_it_is_not_shown() {
    let line = given("server.public_url = \"https://u:hunter2@app.example\"").refusal();

    assert!(
        line.contains("it must not hold a user name or a password"),
        "{line}"
    );
    assert!(!line.contains("hunter2"), "{line}");
}

#[test]
fn given_how_long_the_journal_is_kept_when_too_short_to_be_of_use_then_it_is_refused() {
    each_refused(&[
        ("journal.keep = \"23h\"", "1:16", "too short"),
        ("journal.keep = \"3651d\"", "1:16", "too long"),
    ]);
    let config = given("journal.keep = \"400d\"").accepted();
    assert_eq!(
        config.journal.keep,
        std::time::Duration::from_hours(400 * 24)
    );
    assert_eq!(
        given("").accepted().journal.keep,
        std::time::Duration::from_hours(90 * 24)
    );
}
