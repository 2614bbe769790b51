//! Applications of our own, and the recipe for them.

#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod hostel;
pub(crate) mod http;

use std::time::Duration;

use innkeeper_probe::{Check, Class, NotRun, Options, Progress, Recipe, Report, Secrets};
use tokio::sync::watch;

use hostel::{OTHER_PASSWORD, PASSWORD};

/// The recipe for the hostel at `base`. What is in `policy` is put into the policy.
pub(crate) fn recipe(base: &str, policy: &str) -> String {
    format!(
        r#"version: 1
target: {{ base: "{base}", scope: ["{base}"] }}
policy: {{ {policy} }}
users:
  alice: {{ name: alice@example.test, password: {{ env: ALICE_PW }} }}
  other: {{ name: bob@example.test, password: {{ env: BOB_PW }} }}
session: {{ carrier: cookie, name: sid }}
steps:
  login:
    - |
      GET /login
      [Captures]
      csrf: css "input[name=_csrf]" attr value
    - |
      POST /login
      [Form]
      email: {{{{user.name}}}}
      password: {{{{user.password}}}}
      _csrf: {{{{csrf}}}}
  other_logins:
    mobile: |
      POST /mobile/login
      [Form]
      email: {{{{user.name}}}}
      password: {{{{user.password}}}}
  whoami:
    request: GET /api/me
    logged_in: {{ status: 200, json: {{ "$.email": "{{{{user.name}}}}" }} }}
  slow_read: {{ request: GET /api/slow }}
  list:
    request: GET /api/sessions
    items: "$.sessions[*]"
    fields: {{ id: "$.id", current: "$.current", device: "$.agent", ip: "$.ip", created: "$.created" }}
  revoke: {{ request: "DELETE /api/sessions/{{{{item.id}}}}" }}
  refresh: {{ request: POST /refresh }}
  logout: {{ request: POST /logout }}
  logout_all: {{ request: POST /api/sessions/revoke-others }}
  change_password:
    effect: account
    confirm: alice@example.test
    request: |
      POST /api/password
      {{"old": "{{{{user.password}}}}", "new": "{{{{new_password}}}}"}}
    undo: swap_back
limits:
  rate: 100/s
  max_logins: 60
  settle_within: 100ms
  answer_within: 5s
"#
    )
}

/// Reads a recipe that has no mistakes.
pub(crate) fn read(text: &str) -> Recipe {
    Recipe::read(text).unwrap_or_else(|faults| {
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        panic!("{}", lines.join("\n"))
    })
}

/// Everything allowed, and these checks alone, or all if none is named.
pub(crate) fn options(only: &[&str]) -> Options {
    Options {
        only: only
            .iter()
            .map(|id| Check::find(id).expect("it is known"))
            .collect(),
        allow: vec![Class::Burst, Class::Account],
        max_wait: Duration::from_secs(10),
        ..Options::default()
    }
}

/// The passwords of the hostel.
pub(crate) fn secrets(recipe: &Recipe) -> Secrets {
    Secrets::fetch(recipe, std::path::Path::new("."), |name| match name {
        "ALICE_PW" => Some(PASSWORD.to_owned()),
        "BOB_PW" => Some(OTHER_PASSWORD.to_owned()),
        _ => None,
    })
    .expect("they are there")
}

/// Probes with a recipe.
pub(crate) async fn try_probe(text: &str, options: &Options) -> Result<Report, NotRun> {
    let recipe = read(text);
    let secrets = secrets(&recipe);
    let progress = watch::Sender::new(Progress::default());
    let (_stay, cancelled) = watch::channel(false);
    innkeeper_probe::run(recipe, secrets, options, &progress, cancelled).await
}

/// Probes with a recipe that is not refused.
pub(crate) async fn probe(text: &str, options: &Options) -> Report {
    try_probe(text, options).await.expect("it is run")
}

/// The verdict of one check.
pub(crate) fn verdict(report: &Report, id: &str) -> &'static str {
    report
        .find(id)
        .map_or("(not made)", |conclusion| conclusion.verdict())
}
