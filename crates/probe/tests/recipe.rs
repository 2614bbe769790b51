//! Recipes with mistakes: each is named with its line, its place and what is accepted.

mod support;

use innkeeper_probe::{Recipe, lint};
use support::{read, recipe};

const BASE: &str = "http://127.0.0.1:3000";

fn faults(text: &str) -> String {
    let faults = Recipe::read(text).expect_err("it has a mistake");
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

fn with(from: &str, to: &str) -> String {
    let good = recipe(BASE, "max_sessions: 3");
    assert!(good.contains(from), "{from}");
    good.replacen(from, to, 1)
}

#[test]
fn given_a_mistake_when_a_recipe_is_read_then_line_and_place_and_remedy_are_named() {
    for (from, to, said) in [
        (
            "version: 1",
            "version: 2",
            "line 1: version: the version of recipes is 1",
        ),
        (
            "policy: {",
            "polici: {",
            "line 3: `polici` is no key; did you mean `policy`?",
        ),
        (
            "max_sessions: 3",
            "max_sessions: many",
            "policy.max_sessions: a number from 1 to 1000",
        ),
        (
            "max_sessions: 3",
            "on_exceed: deny-new",
            "say max_sessions too",
        ),
        (
            "{ env: ALICE_PW }",
            "hunter2",
            "line 5: users.alice.password: a secret never stands in a recipe",
        ),
        (
            "carrier: cookie, name: sid",
            "carrier: cookie",
            "line 7: session: accepted: { carrier: cookie",
        ),
        (
            "carrier: cookie, name: sid",
            "carrier: bearer, token: jwt",
            "which no request of the sign-in captures",
        ),
        (
            "GET /login\n",
            "FETCH /login\n",
            "line 11: steps.login[1]: a request begins with its method",
        ),
        (
            "{{csrf}}",
            "{{crsf}}",
            "steps.login[2]: nothing is called `crsf` here; known: csrf, user.identity",
        ),
        (
            "status: 200, json: { \"$.email\": \"{{user.name}}\" }",
            "status: 200",
            "a status alone says nothing",
        ),
        (
            "  logout: { request: POST /logout }\n",
            "",
            "steps: `logout` is missing: without it the probe would leave sessions behind",
        ),
        (
            "confirm: alice@example.test",
            "confirm: bob",
            "confirm names the account",
        ),
        (
            "{{item.id}}",
            "{{item.name}}",
            "steps.revoke: nothing is called `item.name`",
        ),
        (
            "rate: 100/s",
            "rate: fast",
            "limits.rate: a rate such as 5/s",
        ),
        (
            "bob@example.test",
            "alice@example.test",
            "users.other: other is the same account",
        ),
    ] {
        let text = with(from, to);
        let said_so = faults(&text);
        assert!(said_so.contains(said), "{from} -> {to}\n{said_so}");
    }
}

#[test]
fn given_several_mistakes_when_a_recipe_is_read_then_one_look_finds_them_all() {
    let text = with("version: 1", "version: 2")
        .replace("{{csrf}}", "{{crsf}}")
        .replace("rate: 100/s", "rate: fast");

    assert_eq!(faults(&text).lines().count(), 3, "{}", faults(&text));
}

#[test]
fn given_a_scope_without_the_base_when_a_recipe_is_read_then_it_is_refused() {
    let text = with(
        &format!("scope: [\"{BASE}\"]"),
        "scope: [\"http://127.0.0.1:4000\"]",
    );

    assert!(faults(&text).contains("the scope does not name the base"));
}

#[test]
fn given_a_recipe_without_a_step_when_linted_then_it_says_which_checks_the_step_would_add() {
    let text = with("  slow_read: { request: GET /api/slow }\n", "").replace(
        "  other: { name: bob@example.test, password: { env: BOB_PW } }\n",
        "",
    );

    let said = lint(&read(&text));

    assert!(
        said.contains("steps.slow_read would add PRB-RES-001\n"),
        "{said}"
    );
    assert!(
        said.contains("users.other would add PRB-LIST-004, PRB-REV-003, PRB-ISO-001\n"),
        "{said}"
    );
    assert!(
        said.contains("with --allow account: PRB-PWD-001\n"),
        "{said}"
    );
}
