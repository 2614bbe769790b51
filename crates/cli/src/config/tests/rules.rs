//! Rules and further limits.

use std::time::Duration;

use innkeeper_domain::name::{ClientId, GroupName, TenantId};
use innkeeper_domain::policy::{Overflow, Per, Seats, SessionLimit};
use innkeeper_domain::session::SessionClass;

use super::given;

fn group(name: &str) -> GroupName {
    GroupName::parse(name).expect("it is a name")
}

fn client(name: &str) -> ClientId {
    ClientId::parse(name).expect("it is a name")
}

#[test]
fn given_rules_when_loaded_then_they_keep_their_order_and_all_they_say() {
    let config = given(
        r#"
        [[policy.rule]]
        when = { group = "admins" }
        max_sessions = 2
        at_limit = "refuse"
        [[policy.rule]]
        when = { client = ["web", "tv"], class = ["machine", "impersonation"], remember = true }
        idle = "1h"
        absolute = "2h"
        rotation_grace = "10s"
        rotate_every = "15m"
        freshness = "5m"
        "#,
    )
    .accepted();

    let [first, second] = config.policy.rules.as_slice() else {
        panic!("not two rules");
    };
    assert_eq!(first.when.groups, [group("admins")]);
    assert_eq!(first.set.max_sessions, SessionLimit::new(2));
    assert_eq!(first.set.at_limit, Some(Overflow::Refuse));
    assert_eq!(first.set.idle, None);
    assert_eq!(second.when.clients, [client("web"), client("tv")]);
    let classes = [SessionClass::Machine, SessionClass::Impersonation];
    assert_eq!(second.when.classes, classes);
    assert_eq!(second.when.remember, Some(true));
    assert_eq!(second.set.rotate_every, Some(Duration::from_mins(15)));
}

#[test]
fn given_limits_when_loaded_then_when_may_be_left_out() {
    let config = given(
        "[[policy.limit]]\nper = \"client\"\nmax_sessions = 3\n\
         [[policy.limit]]\nper = \"client\"\nmax_sessions = 1\nwhen.client = \"tv\"\n",
    )
    .accepted();

    let [all, tv] = config.policy.limits.as_slice() else {
        panic!("not two limits");
    };
    assert_eq!((all.per, all.max_sessions.get()), (Per::Client, 3));
    assert!(all.when.clients.is_empty());
    assert_eq!(tv.when.clients, [client("tv")]);
}

#[test]
fn given_seats_of_tenants_when_loaded_then_the_lowest_that_speaks_of_a_tenant_holds() {
    let config = given(
        "[[policy.tenant]]\nseats = 500\n[[policy.tenant]]\ntenant = [\"acme\", \"b\"]\nseats = 20\n",
    )
    .accepted();

    let tenant = |name| TenantId::parse(name).expect("it is a name");
    let seats = |name| config.policy.seats(&tenant(name)).map(Seats::get);
    assert_eq!((seats("acme"), seats("other")), (Some(20), Some(500)));
    let again = given(config.effective_toml()).accepted();
    assert_eq!(again.policy, config.policy);
    assert_eq!(given("").accepted().policy.seats(&tenant("acme")), None);
}

#[test]
fn given_seats_that_are_none_when_loaded_then_it_says_what_is_accepted() {
    for (text, part) in [
        ("", "`seats` is missing"),
        (
            "seats = 0\n",
            "found the number 0; accepted is a whole number from 1 to 100000000",
        ),
        ("seats = \"5\"\n", "found the text \"5\""),
        ("seats = 5\ntenant = \"\"\n", "it must not be empty"),
    ] {
        let line = given(format!("[[policy.tenant]]\n{text}")).refusal();

        assert!(line.contains(part), "{line}");
    }
}

#[test]
fn given_a_rule_that_names_nobody_or_changes_nothing_when_loaded_then_it_is_refused() {
    let nobody = "c.toml:1:1: policy.rule: no condition in `when`";
    let nothing = "c.toml:1:1: policy.rule: changes nothing";

    let cases = [
        ("[[policy.rule]]\nidle = \"5m\"", nobody),
        ("[[policy.rule]]\nwhen = {}\nidle = \"5m\"", nobody),
        ("[[policy.rule]]\nwhen = { group = \"a\" }", nothing),
    ];

    for (text, expected) in cases {
        let line = given(text).refusal();

        assert!(line.starts_with(expected), "{line}");
    }
}

#[test]
fn given_a_limit_without_its_keys_when_loaded_then_each_is_asked_for() {
    let lines = given("[[policy.limit]]\n").refused();

    assert!(lines[0].contains("`per` is missing"), "{lines:#?}");
    assert!(lines[1].contains("`max_sessions` is missing"), "{lines:#?}");
}

#[test]
fn given_bad_names_in_a_condition_when_loaded_then_they_are_refused() {
    let long = format!("\"{}\"", "x".repeat(257));
    let cases = [
        ("\"\"", "(it must not be empty or blank)"),
        (long.as_str(), "(it must be at most 256 bytes in NFC)"),
        ("\"a\\u0000b\"", "(it must not contain control characters)"),
        (
            "[\"a\", \"b\\u202E\"]",
            "(it must not contain bidirectional formatting characters)",
        ),
        ("[]", "(an empty list would match nothing)"),
        ("[[\"a\"]]", "found a list"),
        ("5", "found the number 5"),
    ];

    for (name, part) in cases {
        let text = format!("[[policy.rule]]\nwhen = {{ group = {name} }}\nidle = \"5m\"\n");
        let line = given(text).refusal();

        assert!(
            line.starts_with("c.toml:2:18: policy.rule.when.group: "),
            "{line}"
        );
        assert!(line.contains(part), "{line}");
    }
}

#[test]
fn given_a_name_of_the_greatest_length_when_loaded_then_it_is_accepted() {
    let name = "ä".repeat(128);

    let config = given(format!(
        "[[policy.rule]]\nwhen = {{ group = \"{name}\" }}\nidle = \"5m\"\n"
    ))
    .accepted();

    assert_eq!(config.policy.rules[0].when.groups, [group(&name)]);
}

#[test]
fn given_a_rule_whose_own_spans_disagree_when_loaded_then_it_is_refused() {
    let text = "[[policy.rule]]\nwhen.group = \"a\"\nidle = \"2h\"\nabsolute = \"1h\"\n";

    let line = given(text).refusal();

    assert!(
        line.starts_with("c.toml:3:8: policy.rule.idle: found idle = \"2h\""),
        "{line}"
    );
}

#[test]
fn given_more_rules_than_a_policy_holds_when_loaded_then_the_first_too_many_is_named() {
    let rule = "[[policy.rule]]\nwhen.group = \"a\"\nidle = \"5m\"\n";

    given(rule.repeat(256)).accepted();
    let line = given(rule.repeat(257)).refusal();

    assert!(
        line.starts_with("c.toml:769:1: policy.rule: one table too many"),
        "{line}"
    );
}
