//! Presets, and the reasons that what is laxer needs.

use std::time::Duration;

use super::{given, nothing};

const MINUTE: Duration = Duration::from_mins(1);

#[test]
fn given_a_preset_alone_when_loaded_then_what_it_asks_holds_and_the_rest_is_as_by_default() {
    let policy = given("[policy]\npreset = \"pci\"\n").accepted().policy;

    let everyday = nothing().policy.terms;
    assert_eq!(policy.preset.map(|p| p.word.as_str()), Some("pci"));
    assert_eq!(policy.terms.idle, 15 * MINUTE);
    assert_eq!(policy.terms.absolute, everyday.absolute);
    assert_eq!(policy.terms.max_sessions, everyday.max_sessions);
}

#[test]
fn given_a_laxer_value_when_loaded_then_key_value_clause_and_where_to_write_the_reason_are_said() {
    let line = given("[policy]\npreset = \"asvs-l2\"\nidle = \"1h\"\n").refusal();

    assert_eq!(
        line,
        "c.toml:3:8: policy.idle: \"1h\" is laxer than the \"30m\" that preset asvs-l2 asks for \
         (OWASP ASVS 4.0.3, level 2, 3.3.2: re-authentication after 30 minutes of inactivity); \
         make it as strict, or say why it is laxer: [policy.reason] with idle = \"…\""
    );
}

/// C-052: what a standard makes mandatory is not passed by in silence.
#[test]
fn given_aal3_when_twelve_hours_are_exceeded_then_it_is_refused() {
    let text = "[policy]\npreset = \"nist-aal3\"\nabsolute = \"13h\"\n";

    let line = given(text).refusal();

    assert!(line.contains("2.3.3"), "{line}");
    assert!(line.contains("SHALL"), "{line}");
}

#[test]
fn given_a_laxer_value_with_its_reason_when_loaded_then_it_holds_and_the_reason_is_shown() {
    let config = given(
        "[policy]\npreset = \"asvs-l2\"\nidle = \"1h\"\n[policy.reason]\nidle = \"the hall\"\n",
    )
    .accepted();

    assert_eq!(config.policy.terms.idle, 60 * MINUTE);
    let shown = config.effective_toml();
    for part in [
        "preset = \"asvs-l2\"   # ",
        "idle = \"1h\"   # ",
        "absolute = \"12h\"   # preset asvs-l2, 3.3.2",
        "[policy.reason]\nidle = \"the hall\"   # ",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    let again = given(&shown).accepted();
    assert_eq!(again.policy, config.policy);
}

#[test]
fn given_a_stricter_value_when_loaded_then_it_needs_no_reason() {
    let text = "[policy]\npreset = \"fedramp-high\"\nmax_sessions = 1\nat_limit = \"refuse\"\n";

    let policy = given(text).accepted().policy;

    assert_eq!(policy.terms.max_sessions.get(), 1);
}

#[test]
fn given_a_rule_that_is_laxer_when_loaded_then_the_reason_must_stand_in_it() {
    let preset = "[policy]\npreset = \"fedramp-high\"\n[policy.reason]\nmax_sessions = \"x\"\n";
    let rule = "[[policy.rule]]\nwhen.group = \"admins\"\nmax_sessions = 3\n";
    let because = "reason.max_sessions = \"AC-10 lets privileged accounts have three\"\n";

    let line = given(format!("{preset}{rule}")).refusal();
    let config = given(format!("{preset}{rule}{because}")).accepted();

    assert!(
        line.starts_with("c.toml:7:16: policy.rule.max_sessions: 3 is laxer than the 2 that"),
        "{line}"
    );
    let how = "reason.max_sessions = \"…\" in the same [[policy.rule]]";
    assert!(line.ends_with(how), "{line}");
    assert_eq!(config.policy.laxer().len(), 1);
    let again = given(config.effective_toml()).accepted();
    assert_eq!(again.policy, config.policy);
}

#[test]
fn given_a_preset_that_is_none_when_loaded_then_the_nearest_is_named() {
    let line = given("[policy]\npreset = \"asvs-l4\"\n").refusal();

    let near = "(did you mean \"asvs-l1\"?)";
    assert!(line.ends_with(near), "{line}");
    assert!(line.contains("\"fedramp-high\""), "{line}");
}

#[test]
fn given_reasons_that_are_none_when_loaded_then_each_is_refused_once() {
    let long = "x".repeat(513);
    let cases = [
        ("\"\"", "(it must not be empty or blank)"),
        ("\" \"", "(it must not be empty or blank)"),
        ("\"a\\nb\"", "(it must not contain control characters)"),
        ("5", "found the number 5"),
    ];

    for (reason, part) in cases {
        let text = format!(
            "[policy]\npreset = \"pci\"\nidle = \"1h\"\n[policy.reason]\nidle = {reason}\n"
        );
        let line = given(text).refusal();

        assert!(line.contains(part), "{line}");
    }
    let text = format!("[policy.reason]\nidle = \"{long}\"\n");
    assert!(given(text).refusal().contains("at most 512 bytes"));
    let unknown = given("[policy.reason]\nidel = \"x\"\n").refusal();
    assert!(
        unknown.contains("did you mean policy.reason.idle?"),
        "{unknown}"
    );
}

#[test]
fn given_variables_when_loaded_then_they_choose_a_preset_and_give_reasons_too() {
    let config = given("")
        .with("INNKEEPER_POLICY__PRESET", "nist-aal2")
        .with("INNKEEPER_POLICY__IDLE", "2h")
        .with("INNKEEPER_POLICY__REASON__IDLE", "night shift")
        .accepted();

    assert_eq!(config.policy.terms.idle, 120 * MINUTE);
    assert_eq!(config.policy.reasons["idle"].as_str(), "night shift");
}
