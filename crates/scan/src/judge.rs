//! From the state of each control to findings.

mod case;

use innkeeper_report::{Evidence, Finding, Severity};

use crate::fact::{Fact, Kind, Subject, Via};
use crate::flow::Path;
use crate::knowledge::Framework;
use crate::policy::Policy;
use crate::syntax::words::{any, words};
use crate::verdict::{Controls, State, change_unseen, entry_paths};
use crate::vocabulary as v;
use case::evidence;

/// What there is to judge of one unit.
pub(crate) struct Case<'a> {
    pub(crate) root: &'a str,
    pub(crate) facts: &'a [Fact],
    pub(crate) paths: &'a [Path],
    pub(crate) controls: &'a Controls,
    pub(crate) frameworks: &'a [&'a Framework],
    pub(crate) parsed: usize,
    pub(crate) policy: &'a Policy,
    /// The framework that this is the source of, if it is one.
    pub(crate) itself: Option<&'a str>,
}

/// The findings of one unit. A unit that creates no session has none: absence needs a place.
pub(crate) fn findings(case: &Case<'_>) -> Vec<Finding> {
    let Some(main) = main_creation(case) else {
        return Vec::new();
    };
    let mut out = Vec::new();
    held_elsewhere(case, main, &mut out);
    limits(case, main, &mut out);
    sight_and_ending(case, main, &mut out);
    if case.controls["notify_new_login"] == State::No {
        out.push(case.absent(
            "CSC-NOTIFY-001",
            main,
            &[],
            "a message to the user that is sent from a way of signing in",
        ));
    }
    fixation(case, &mut out);
    on_change(case, main, &mut out);
    for (kind, rule) in [
        (Kind::NeverExpires, "CSC-EXPIRE-001"),
        (Kind::CookieConfig, "CSC-COOKIE-001"),
        (Kind::SharedStateDecides, "CSC-SHARED-001"),
        (Kind::SharedState, "CSC-SHARED-001"),
        (Kind::StoreLocal, "CSC-SHARED-002"),
        (Kind::CountsThenCreates, "CSC-RACE-001"),
        (Kind::RewritesSessions, "CSC-RACE-002"),
        (Kind::RevokesUnowned, "CSC-REVOKE-005"),
        (Kind::OwnerUnsure, "CSC-REVOKE-005"),
        (Kind::RefreshKept, "CSC-ROTATE-001"),
        (Kind::ReuseUnseen, "CSC-ROTATE-002"),
        (Kind::Leaks, "CSC-LEAK-001"),
    ] {
        let mut at: Vec<&Fact> = case.of(kind);
        at.dedup_by_key(|f| (f.file.clone(), f.line));
        for fact in at.into_iter().take(5) {
            let mut finding = case.found(rule, fact, &fact.note);
            if kind == Kind::SharedStateDecides {
                finding.severity = Severity::Critical;
            } else if kind == Kind::OwnerUnsure {
                finding.severity = Severity::Low;
            }
            out.push(finding);
        }
    }
    for finding in &mut out {
        if let Some(name) = case.itself {
            of_library(finding, name);
        }
        case.policy.weigh(finding);
    }
    out.sort_by(|a, b| (b.severity, a.rule, &a.at).cmp(&(a.severity, b.rule, &b.at)));
    out
}

/// What a framework leaves to the applications that are built on it is worth a note, and no more:
/// whether they have it is to be seen there.
fn of_library(finding: &mut Finding, name: &str) {
    const LEFT: [&str; 8] = [
        "LIMIT", "LIST", "REVOKE", "NOTIFY", "PWD", "DISABLE", "EXPIRE", "LOGOUT",
    ];
    let kind = finding.rule.0.split('-').nth(1).unwrap_or("");
    // Ending a session without asking whose it is would be its own doing.
    if LEFT.contains(&kind) && finding.rule.0 != "CSC-REVOKE-005" {
        finding.severity = Severity::Info;
        let note = format!(
            " This is {name} itself: whether the applications that are built on it have this is to be seen there."
        );
        finding.message.push_str(&note);
    }
}

/// The line a reader would call "the login": sure before likely, a way in before a helper.
fn main_creation<'a>(case: &Case<'a>) -> Option<&'a Fact> {
    let best = case.paths.iter().max_by_key(|p| {
        (
            p.is_entry && p.is_main,
            is_plain_login(&p.fact),
            p.fact.scope.contains(' '),
            p.fact.confidence,
            std::cmp::Reverse((&p.fact.file, p.fact.line)),
        )
    });
    best.map(|p| &p.fact)
}

/// Does the place say that users sign in here: no seed, no client of another service, no staff
/// acting for somebody?
fn is_plain_login(fact: &Fact) -> bool {
    let scope = words(&fact.scope);
    let folder = fact.file.rsplit_once('/').map_or("", |(folder, _)| folder);
    let place = words(&format!(
        "{} {}",
        folder,
        fact.file.rsplit('/').next().unwrap_or("")
    ));
    let beside = "admin seed command console cli integration client sdk impersonate refresh oauth oauth2 oidc saml sso";
    v::is_login_strictly(&scope) && !any(&place, beside) && !any(&scope, beside)
}

fn limits(case: &Case<'_>, main: &Fact, out: &mut Vec<Finding>) {
    let controls = case.controls;
    match controls["limit"] {
        State::None => {
            let mut finding = case.absent(
                "CSC-LIMIT-001",
                main,
                &[Kind::SingleSlot, Kind::RevokesAll],
                "a comparison of a user's sessions with a number, a bounded slot, a framework's own limit",
            );
            let all_seen = controls["listing"] == State::User
                && controls["revoke_one"] == State::User
                && controls["notify_new_login"] == State::Yes;
            if all_seen {
                finding.severity = finding.severity.min(Severity::Low);
            }
            out.push(finding);
        }
        State::OptInOff => out.extend(case.first("CSC-LIMIT-002", Kind::LimitsOff)),
        State::PerDevice => out.extend(case.first("CSC-LIMIT-003", Kind::LimitsPerDevice)),
        State::ImplicitSingleRefresh => out.extend(case.first("CSC-LIMIT-004", Kind::SingleSlot)),
        State::Enforced | State::OptInOn => {
            far_above(case, out);
            goes_past(case, out);
        }
        _ => {}
    }
}

/// Where somebody else keeps the sessions, a control that is not here may be there: that is worth
/// a note on what to look for, and no more.
fn held_elsewhere(case: &Case<'_>, main: &Fact, out: &mut Vec<Finding>) {
    let Some(keeper) = case.of(Kind::Delegated).first().copied() else {
        return;
    };
    for (control, rule, what) in [
        (
            "limit",
            "CSC-LIMIT-001",
            "how many sessions a user may hold",
        ),
        (
            "listing",
            "CSC-LIST-001",
            "whether users see where they are signed in",
        ),
        (
            "revoke_one",
            "CSC-REVOKE-001",
            "whether a user can end a session",
        ),
        (
            "notify_new_login",
            "CSC-NOTIFY-001",
            "whether a new sign-in is announced",
        ),
    ] {
        if case.controls[control] == State::Unknown {
            out.push(case.note(rule, main, keeper, what));
        }
    }
}

/// A bound this high stops floods. Ten times what the policy allows, or a hundred where it says
/// nothing.
fn far_above(case: &Case<'_>, out: &mut Vec<Finding>) {
    let wanted = case.policy.max.filter(|max| *max > 0);
    let far = wanted.map_or(100, |max| u64::from(max) * 10);
    let bounds = case.of(Kind::Limits);
    let lowest = bounds
        .iter()
        .filter_map(|f| Some((f.number?, *f)))
        .min_by_key(|(number, _)| *number);
    // A bound whose number is not to be seen may be the one that counts.
    if bounds
        .iter()
        .any(|f| f.number.is_none() && f.via != Via::Config)
    {
        return;
    }
    if let Some((number, fact)) = lowest.filter(|(number, _)| *number > far) {
        let wanted = wanted.map_or("nobody needs as many".into(), |max| {
            format!("the policy says {max}")
        });
        let seen = format!("{} allows {number}, and {wanted}", fact.note);
        out.push(case.found("CSC-LIMIT-005", fact, &seen));
    }
}

/// Ways of signing in beside a bounded one that make sessions without it.
///
/// Where a framework or a filter holds the bound, it holds for every way, and nothing is said.
fn goes_past(case: &Case<'_>, out: &mut Vec<Finding>) {
    let own = case.of(Kind::Limits);
    if own
        .iter()
        .any(|f| f.mechanism != "home-grown" || f.via == Via::Config)
    {
        return;
    }
    let entries = || case.paths.iter().filter(|p| p.is_entry);
    let covered: Vec<Evidence> = entries()
        .filter(|p| p.limited)
        .map(|p| evidence(&p.fact, "this way bounds the sessions"))
        .collect();
    // Somebody who registers has no other session, and a refresh takes no seat.
    let harmless =
        "register registration signup setup install invite refresh renew rotate impersonate";
    let mut past = entries().filter(|p| {
        let scope = words(&p.fact.scope);
        let registers = scope
            .windows(2)
            .any(|two| two[0] == "sign" && two[1] == "up");
        !p.limited
            && !registers
            && !any(&scope, harmless)
            && (v::is_login(&scope) || v::is_login(&words(&p.fact.file)))
    });
    if covered.is_empty() {
        return;
    }
    if let Some(first) = past.next() {
        let mut finding = case.found(
            "CSC-LIMIT-006",
            &first.fact,
            "a session is made and nothing on the way asks how many there are",
        );
        finding.related = covered;
        finding
            .related
            .extend(past.map(|p| evidence(&p.fact, "this way goes past the bound too")));
        out.push(finding);
    }
}

fn sight_and_ending(case: &Case<'_>, main: &Fact, out: &mut Vec<Finding>) {
    let controls = case.controls;
    if controls["revoke_one"] == State::Unknown && controls["listing"] == State::Unknown {
        return;
    }
    match controls["listing"] {
        State::None => out.push(case.absent(
            "CSC-LIST-001",
            main,
            &[Kind::RevokesOne],
            "a route that reads the sessions of a user",
        )),
        State::Admin => out.extend(case.first("CSC-LIST-002", Kind::Lists)),
        _ => {}
    }
    let (one, others) = (controls["revoke_one"], controls["revoke_others"]);
    let by_password = case.of(Kind::RevokesOnPassword).first().copied();
    match (one, others) {
        (State::User, State::User) => {}
        (State::User, _) => {
            let near = case.of(Kind::RevokesOne);
            if let Some(fact) = near.iter().find(|f| f.subject == Subject::User) {
                out.push(case.found(
                    "CSC-REVOKE-004",
                    fact,
                    "a session can be ended here, and no way ends all others",
                ));
            }
        }
        (_, State::User) => {
            let all = case
                .of(Kind::RevokesOthers)
                .into_iter()
                .chain(case.of(Kind::RevokesAll))
                .find(|f| f.subject == Subject::User);
            out.extend(all.map(|fact| {
                case.found(
                    "CSC-REVOKE-002",
                    fact,
                    "sessions end together here, and none by itself",
                )
            }));
        }
        (State::Admin, _) => out.extend(case.first("CSC-REVOKE-003", Kind::RevokesOne)),
        (_, State::Admin) => out.extend(
            case.first("CSC-REVOKE-003", Kind::RevokesAll)
                .or_else(|| case.first("CSC-REVOKE-003", Kind::RevokesOthers)),
        ),
        (State::Unknown, _) => {}
        _ => match by_password {
            Some(fact) => out.push(case.found(
                "CSC-REVOKE-002",
                fact,
                "changing the password ends sessions, and nothing else does",
            )),
            None => out.push(case.absent(
                "CSC-REVOKE-001",
                main,
                &[Kind::Logout],
                "a route that ends a session other than the present one",
            )),
        },
    }
}

fn fixation(case: &Case<'_>, out: &mut Vec<Finding>) {
    if !matches!(
        case.controls["regenerate_on_login"],
        State::No | State::SomePaths
    ) {
        return;
    }
    let paths = entry_paths(case.paths);
    let missing: Vec<&&Path> = paths.iter().filter(|p| !p.regenerates).collect();
    let covered: Vec<Evidence> = paths
        .iter()
        .filter(|p| p.regenerates)
        .map(|p| evidence(&p.fact, "this way gives the session a new id"))
        .collect();
    // Where some way is plainly called a login, the main way has to be one of those.
    let is_login = |p: &Path| v::is_login_strictly(&words(&p.fact.scope));
    let any_login = paths.iter().any(|p| p.is_main && is_login(p));
    let main = missing
        .iter()
        .find(|p| p.is_main && (!any_login || is_login(p)));
    let rule = if main.is_some() || covered.is_empty() {
        "CSC-FIX-001"
    } else {
        "CSC-FIX-002"
    };
    let Some(first) = main.or(missing.first()) else {
        return;
    };
    let mut finding = case.found(
        rule,
        &first.fact,
        "identity is written here into a session that keeps its id",
    );
    finding.related = covered;
    finding.related.extend(
        missing
            .iter()
            .filter(|p| p.fact.line != first.fact.line || p.fact.file != first.fact.file)
            .map(|p| evidence(&p.fact, "this way keeps the id too")),
    );
    out.push(finding);
}

fn on_change(case: &Case<'_>, main: &Fact, out: &mut Vec<Finding>) {
    match case.controls["password_change_revokes"] {
        State::No => {
            let finding = case.first("CSC-PWD-001", Kind::PasswordChange);
            out.extend(match change_unseen(case.facts) {
                Some(change) => finding.map(|first| {
                    let mut finding = case.found("CSC-PWD-001", change, &change.note);
                    finding.related = first.related;
                    let here = &finding.at;
                    finding
                        .related
                        .retain(|e| (&e.at.file, e.at.line) != (&here.file, here.line));
                    finding
                }),
                None => finding,
            });
        }
        State::OptIn => out.extend(case.first("CSC-PWD-002", Kind::RevokesOnPasswordOptIn)),
        _ => {}
    }
    if case.of(Kind::RefusesDisabled).is_empty() {
        out.extend(case.first("CSC-DISABLE-001", Kind::DisableKeeps));
    }
    let stored = case
        .paths
        .iter()
        .any(|p| !p.is_token && p.fact.kind == Kind::Creates);
    if stored && case.of(Kind::Expires).is_empty() {
        out.push(case.absent(
            "CSC-EXPIRE-002",
            main,
            &[Kind::NeverExpires],
            "an age, a time of silence or a lifetime of stored sessions, in code and settings",
        ));
    }
    if case.controls["logout_revokes_server_side"] == State::No {
        match case.first("CSC-LOGOUT-001", Kind::LogoutClientOnly) {
            Some(finding) => out.push(finding),
            None => out.push(case.absent(
                "CSC-LOGOUT-001",
                main,
                &[],
                "a way of signing out that ends the token on the server",
            )),
        }
    }
}
