//! Each check against the applications that must fail it and those that must pass it.

mod support;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use innkeeper_probe::CHECKS;
use support::hostel::Hostel;
use support::{options, probe, recipe, verdict};

const CASES: &str = include_str!("cases.txt");
/// The policy of the recipe where a case names none.
const POLICY: &str = "max_sessions: 3, on_exceed: evict-oldest, listing: true";

struct Case {
    check: String,
    verdict: String,
    flaw: String,
    policy: String,
    seats: usize,
}

fn cases() -> Vec<Case> {
    let lines = CASES.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let mut parts = line.split('|').map(str::trim);
            let mut next = || parts.next().unwrap_or_default().to_owned();
            let (check, verdict, flaw, policy, seats) = (next(), next(), next(), next(), next());
            let policy = if policy.is_empty() {
                POLICY.to_owned()
            } else {
                policy
            };
            let seats = seats.parse().unwrap_or(3);
            Case {
                check,
                verdict,
                flaw,
                policy,
                seats,
            }
        })
        .collect()
}

#[tokio::test]
async fn given_each_flaw_when_probed_then_its_check_fails_and_the_sound_application_passes() {
    let mut wrong = Vec::new();
    for case in cases() {
        let hostel = Hostel::start(&case.flaw, case.seats).await;

        let report = probe(
            &recipe(&hostel.base, &case.policy),
            &options(&[&case.check]),
        )
        .await;

        let found = verdict(&report, &case.check);
        if found != case.verdict {
            wrong.push(format!(
                "{} on `{}` is {found}, not {}\n{}",
                case.check,
                case.flaw,
                case.verdict,
                report.to_text()
            ));
        }
        let may_stay = ["logout clears the browser", "renews what it read"];
        if !may_stay.contains(&case.flaw.as_str()) {
            if hostel.signed_in() != 0 || !report.left_behind.is_empty() {
                wrong.push(format!(
                    "{} on `{}` leaves {:?} behind",
                    case.check, case.flaw, report.left_behind
                ));
            }
        } else if case.flaw == "logout clears the browser" && report.left_behind.is_empty() {
            wrong.push("what could not be signed out is not told of".to_owned());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[tokio::test]
async fn given_a_sound_application_when_everything_is_checked_then_nothing_fails() {
    let hostel = Hostel::start("", 3).await;

    let report = probe(&recipe(&hostel.base, POLICY), &options(&[])).await;

    let text = report.to_text();
    assert!(
        !text.contains("FAIL") && !text.contains("INCONCLUSIVE"),
        "{text}"
    );
    assert_eq!(hostel.signed_in(), 0);
    assert_eq!(hostel.asked(), report.requests, "every request is counted");
    assert_eq!(
        hostel.password("alice@example.test"),
        support::hostel::PASSWORD
    );
}

#[tokio::test]
async fn given_a_broken_sign_in_when_everything_is_checked_then_every_verdict_is_inconclusive() {
    let hostel = Hostel::start("sign-in is broken", 3).await;

    let policy = format!("{POLICY}, idle: 1s, absolute: 1s");
    let report = probe(&recipe(&hostel.base, &policy), &options(&[])).await;

    assert!(!report.is_calibrated());
    for check in CHECKS {
        assert_eq!(verdict(&report, check.id), "INCONCLUSIVE", "{}", check.id);
    }
}

#[tokio::test]
async fn given_a_login_page_with_status_200_when_probed_then_it_is_not_taken_for_a_session() {
    let hostel = Hostel::start("login page is 200", 3).await;

    let report = probe(&recipe(&hostel.base, POLICY), &options(&[])).await;

    let text = report.to_text();
    assert!(
        !text.contains("FAIL") && !text.contains("INCONCLUSIVE"),
        "{text}"
    );
}

#[test]
fn given_the_checks_when_the_cases_are_read_then_each_has_one_that_fails_and_one_that_passes() {
    let cases = cases();
    for check in CHECKS.iter().filter(|check| check.id != "PRB-CAL-001") {
        for verdict in ["PASS", "FAIL"] {
            let has = |case: &Case| case.check == check.id && case.verdict == verdict;
            assert!(
                cases.iter().any(has),
                "{} has no case of {verdict}",
                check.id
            );
        }
    }
}

#[test]
fn given_the_checks_when_their_table_is_written_then_it_is_the_one_in_the_repository() {
    let table = table();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/probe-checks.md");
    if std::env::var_os("INNKEEPER_RENEW_PROBE_CHECKS").is_some() {
        std::fs::write(&file, &table).unwrap();
    }

    let written = std::fs::read_to_string(&file).unwrap_or_default();

    assert!(
        written == table,
        "docs/probe-checks.md is old: run `cargo xtask probe-checks`"
    );
}

fn table() -> String {
    let mut out = String::from(
        "# What `probe` checks\n\n\
         Written by `cargo xtask probe-checks`; a test keeps it true. Each check was held against an\n\
         application of our own that is sound (it passes), and against the flaws named in the last\n\
         column (it fails). With a broken sign-in every verdict is INCONCLUSIVE.\n\n\
         | check | covers | asks | if it fails | needs | fails on |\n\
         | --- | --- | --- | --- | --- | --- |\n",
    );
    let cases = cases();
    for check in CHECKS {
        let mut needs: Vec<String> = check
            .needs
            .iter()
            .map(|need| format!("`{}`", need.place()))
            .collect();
        needs.extend(
            check
                .class
                .allowed_by()
                .map(|word| format!("`--allow {word}`")),
        );
        let flaws: BTreeSet<&str> = cases
            .iter()
            .filter(|case| case.check == check.id && case.verdict == "FAIL")
            .map(|case| {
                if case.flaw.is_empty() {
                    "a policy it does not keep"
                } else {
                    &case.flaw
                }
            })
            .collect();
        let flaws: Vec<&str> = flaws.into_iter().collect();
        let severity = if check.id == "PRB-CAL-001" {
            "nothing is judged"
        } else {
            check.severity.word()
        };
        writeln!(
            out,
            "| {} | {} | {} | {severity} | {} | {} |",
            check.id,
            check.covers.join(", "),
            check.question,
            needs.join(", "),
            flaws.join("; ")
        )
        .unwrap();
    }
    out
}
