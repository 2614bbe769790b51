//! What a recipe makes possible, before anything is sent.

use std::fmt::Write as _;

use crate::checks::{CHECKS, Check, Class, Need};
use crate::engine::Options;
use crate::recipe::Recipe;
use crate::run::CLEAN_UP_COST;

const NEEDS: [Need; 12] = [
    Need::List,
    Need::Revoke,
    Need::LogoutAll,
    Need::Other,
    Need::MaxSessions,
    Need::OtherLogins,
    Need::Refresh,
    Need::SlowRead,
    Need::ChangePassword,
    Need::Idle,
    Need::Absolute,
    Need::Cookie,
];

/// Says which checks a recipe makes possible, and which more each addition would.
#[must_use]
pub fn lint(recipe: &Recipe) -> String {
    let possible = |class: Class| -> Vec<&'static str> {
        let fits =
            |check: &&Check| check.missing(recipe).is_empty() && check.class_for(recipe) == class;
        CHECKS.iter().filter(fits).map(|check| check.id).collect()
    };
    let mut out = format!(
        "{} is described well enough for these checks:\n",
        recipe.target.base
    );
    for (class, words) in [
        (Class::Session, "always"),
        (Class::Burst, "with --allow burst"),
        (Class::Account, "with --allow account"),
    ] {
        let ids = possible(class);
        if !ids.is_empty() {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "  {words}: {}", ids.join(", "));
        }
    }
    for need in NEEDS {
        let gained: Vec<String> = CHECKS
            .iter()
            .filter_map(|check| {
                let missing = check.missing(recipe);
                if !missing.contains(&need) {
                    return None;
                }
                let others: Vec<&str> = missing
                    .iter()
                    .filter(|other| **other != need)
                    .map(|other| other.place())
                    .collect();
                Some(if others.is_empty() {
                    check.id.to_owned()
                } else {
                    format!("{} (with {})", check.id, others.join(" and "))
                })
            })
            .collect();
        if !gained.is_empty() {
            let _ = writeln!(out, "{} would add {}", need.place(), gained.join(", "));
        }
    }
    out
}

/// Says what a run would do, numbered, without doing any of it.
#[must_use]
pub fn plan(recipe: &Recipe, options: &Options) -> String {
    let mut out = format!("{}: nothing is sent\n", recipe.target.base);
    let login = recipe.steps.login.len();
    let login = u32::try_from(login).unwrap_or(u32::MAX);
    let per_login = login.saturating_add(1 + CLEAN_UP_COST);
    let (mut requests, mut logins) = (0, 0);
    for (at, check) in (1..).zip(CHECKS.iter().filter(|check| options.asks_for(check))) {
        let at: u32 = at;
        let words = if let Some(why) = options.bars(check, recipe) {
            format!("skipped: {why}")
        } else {
            {
                let (asked, signed_in) = check.cost;
                let asked = asked + signed_in * per_login;
                requests += asked;
                logins += signed_in;
                let effect = match check.class_for(recipe) {
                    Class::Session => "reads, signs in and out",
                    Class::Burst => "a burst: signs in and out, many requests at one moment",
                    Class::Account => "changes the account, and undoes it",
                };
                format!("about {asked} requests, {signed_in} sign-ins; {effect}")
            }
        };
        let _ = writeln!(
            out,
            "{at:>3}. {:<14} {}\n     {words}",
            check.id, check.question
        );
    }
    let _ = writeln!(
        out,
        "about {requests} requests and {logins} sign-ins in all, made of these:"
    );
    let steps = &recipe.steps;
    let mut lines: Vec<String> = Vec::new();
    let named = [
        ("whoami", Some(&steps.whoami.request)),
        ("list", steps.list.as_ref().map(|list| &list.request)),
        ("revoke", steps.revoke.as_ref()),
        ("refresh", steps.refresh.as_ref()),
        ("slow_read", steps.slow_read.as_ref()),
        ("logout", Some(&steps.logout)),
        ("logout_all", steps.logout_all.as_ref()),
        (
            "change_password",
            steps.change_password.as_ref().map(|effect| &effect.request),
        ),
    ];
    let login = steps.login.iter().map(|request| ("login", request));
    let others = steps
        .other_logins
        .values()
        .flatten()
        .map(|r| ("other_logins", r));
    let named = named
        .iter()
        .filter_map(|(name, request)| Some((*name, (*request)?)));
    for (name, request) in login.chain(others).chain(named) {
        lines.push(format!(
            "  {name}: {} {}",
            request.method,
            request.target.source()
        ));
    }
    out.push_str(&lines.join("\n"));
    out.push('\n');
    out
}
