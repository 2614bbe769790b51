//! The rails: what tries to leave the scope, exceed the budget, leak a secret or leave a session
//! behind, and does not.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use innkeeper_probe::{CHECKS, Ended, NotRun, Options, Progress, Recipe, plan};
use support::hostel::{Hostel, OTHER_PASSWORD, PASSWORD};
use support::http::{Response, answering, listen, read as read_request};
use support::{options, probe, read, recipe, secrets, try_probe, verdict};
use tokio::io::AsyncWriteExt;
use tokio::sync::watch;

const POLICY: &str = "max_sessions: 3, on_exceed: evict-oldest";

/// An application that counts who comes.
async fn watched() -> (String, Arc<AtomicU32>) {
    let count = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&count);
    let base = answering(move |_| {
        seen.fetch_add(1, Ordering::Relaxed);
        async { Response::new(200, "alice@example.test") }
    })
    .await;
    (base, count)
}

#[tokio::test]
async fn given_an_address_outside_the_scope_when_a_step_names_it_then_it_is_not_called() {
    let hostel = Hostel::start("", 3).await;
    let (elsewhere, seen) = watched().await;
    let text =
        recipe(&hostel.base, POLICY).replace("GET /login", &format!("GET {elsewhere}/login"));

    let report = probe(&text, &options(&[])).await;

    assert_eq!(report.ended(), Ended::Stopped);
    assert!(
        report
            .stopped
            .as_ref()
            .unwrap()
            .contains("outside the scope"),
        "{report:?}"
    );
    assert_eq!(seen.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn given_a_redirect_elsewhere_when_it_is_followed_then_the_run_stops_before_it_leaves() {
    let hostel = Hostel::start("", 3).await;
    let text = recipe(&hostel.base, POLICY).replace(
        "GET /login\n",
        "GET /elsewhere\n      [Options]\n      follow: true\n",
    );

    let report = probe(&text, &options(&[])).await;

    assert_eq!(report.ended(), Ended::Stopped);
    assert!(
        report
            .stopped
            .unwrap()
            .contains("http://elsewhere.test is outside the scope")
    );
}

#[tokio::test]
async fn given_limits_beyond_the_ceilings_when_probed_then_nothing_is_sent() {
    let (base, seen) = watched().await;
    for (limit, beyond) in [
        ("rate: 100/s", "rate: 101/s"),
        ("max_logins: 60", "max_logins: 301"),
        ("max_logins: 60", "max_requests: 5001"),
        ("max_logins: 60", "burst_requests: 5001"),
        ("max_logins: 60", "burst_logins: 301"),
        ("max_logins: 60", "concurrency: 33"),
        ("max_logins: 60", "max_time: 16m"),
    ] {
        let text = recipe(&base, POLICY).replace(limit, beyond);

        let refused = try_probe(&text, &options(&[])).await;

        assert!(
            matches!(&refused, Err(NotRun::Refused(words)) if words.contains("is the most")),
            "{refused:?}"
        );
    }
    assert_eq!(seen.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn given_a_small_budget_when_it_runs_out_then_verdicts_are_open_and_sessions_are_closed() {
    for requests in [8, 12, 20, 35] {
        let hostel = Hostel::start("", 3).await;
        let text = recipe(&hostel.base, POLICY).replace(
            "max_logins: 60",
            &format!("max_logins: 60\n  max_requests: {requests}"),
        );

        let report = probe(&text, &Options::default()).await;

        assert!(
            report.requests <= requests,
            "{} of {requests}",
            report.requests
        );
        assert_eq!(hostel.asked(), report.requests);
        assert_eq!(hostel.signed_in(), 0, "{}", report.to_text());
        assert!(!report.to_text().contains("FAIL"), "{}", report.to_text());
        assert_eq!(verdict(&report, "PRB-LIMIT-001"), "INCONCLUSIVE");
    }
}

#[tokio::test]
async fn given_nothing_allowed_when_probed_then_bursts_and_changes_are_skipped_and_say_why() {
    let hostel = Hostel::start("", 3).await;

    let report = probe(&recipe(&hostel.base, POLICY), &Options::default()).await;

    for (id, word) in [
        ("PRB-LIMIT-002", "--allow burst"),
        ("PRB-RES-001", "--allow burst"),
        ("PRB-ISO-001", "--allow burst"),
        ("PRB-PWD-001", "--allow account"),
    ] {
        assert_eq!(verdict(&report, id), "SKIPPED");
        assert!(report.find(id).unwrap().reason.contains(word));
    }
    assert_eq!(report.ended(), Ended::Clean, "{}", report.to_text());
}

#[tokio::test]
async fn given_an_account_that_is_locked_or_a_server_that_is_busy_when_probed_then_the_run_stops() {
    for (flaw, words) in [
        ("locks out", "the account seems to be locked"),
        ("busy later", "429"),
        ("busy for an hour", "asks to wait 3600 s"),
    ] {
        let hostel = Hostel::start(flaw, 3).await;

        let report = probe(&recipe(&hostel.base, POLICY), &options(&[])).await;

        assert_eq!(report.ended(), Ended::Stopped, "{flaw}");
        assert!(
            report.stopped.as_ref().unwrap().contains(words),
            "{report:?}"
        );
        assert!(!report.to_text().contains("FAIL"));
    }
}

#[tokio::test]
async fn given_a_refusal_that_locks_the_account_when_the_limit_is_met_then_the_run_stops_there() {
    let hostel = Hostel::start("locks out on refusal", 3).await;

    let report = probe(&recipe(&hostel.base, POLICY), &options(&["PRB-LIMIT-001"])).await;

    assert_eq!(report.ended(), Ended::Stopped, "{}", report.to_text());
    assert_eq!(hostel.signed_in(), 0);
}

#[tokio::test]
async fn given_everything_that_was_secret_when_the_report_is_read_then_nothing_of_it_is_there() {
    let hostel = Hostel::start("list shows tokens", 3).await;

    let report = probe(&recipe(&hostel.base, POLICY), &options(&[])).await;

    let written = format!("{}\n{}\n{report:?}", report.to_text(), report.to_json());
    let json_of_other = serde_json::Value::from(OTHER_PASSWORD).to_string();
    let form =
        |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let mut secrets = hostel.secrets();
    assert!(secrets.len() > 20);
    secrets.extend([PASSWORD, OTHER_PASSWORD, json_of_other.trim_matches('"')].map(str::to_owned));
    secrets.extend([
        form(PASSWORD),
        form(OTHER_PASSWORD),
        format!("{PASSWORD}-Probe1"),
    ]);
    for secret in secrets {
        assert!(!written.contains(&secret), "{secret} is in the report");
    }
    assert!(
        written.contains("(password)"),
        "the transcript has the sign-ins"
    );
}

#[tokio::test]
async fn given_a_probe_that_is_asked_to_stop_when_it_does_then_no_session_is_left_behind() {
    for check in CHECKS.iter().filter(|check| check.id != "PRB-CAL-001") {
        let hostel = Hostel::start("", 3).await;
        let recipe = read(&recipe(&hostel.base, POLICY));
        let secrets = secrets(&recipe);
        let progress = watch::Sender::new(Progress::default());
        let (stop, cancelled) = watch::channel(false);
        let mut seen = progress.subscribe();
        let options = options(&[check.id]);
        let running = innkeeper_probe::run(recipe, secrets, &options, &progress, cancelled);
        let stopping = async {
            let _ = seen
                .wait_for(|progress| progress.check == Some(check))
                .await;
            let before = hostel.asked();
            while hostel.asked() < before + 3 {
                tokio::task::yield_now().await;
                if stop.is_closed() {
                    break;
                }
            }
            stop.send_replace(true);
            std::future::pending::<()>().await;
        };

        let report = tokio::select! {
            report = running => report.unwrap(),
            () = stopping => unreachable!("it waits for ever"),
        };

        assert_eq!(hostel.signed_in(), 0, "{}: {}", check.id, report.to_text());
        assert_eq!(
            hostel.password("alice@example.test"),
            PASSWORD,
            "{}",
            check.id
        );
    }
}

#[tokio::test]
async fn given_a_password_that_cannot_be_changed_back_when_rehearsed_then_the_run_says_what_it_is()
{
    let hostel = Hostel::start("password changes once", 3).await;

    let report = probe(&recipe(&hostel.base, POLICY), &options(&["PRB-PWD-001"])).await;

    assert_eq!(report.ended(), Ended::Stopped);
    let words = report.stopped.unwrap();
    assert!(
        words.contains("the old one with `-Probe1` at its end"),
        "{words}"
    );
}

#[tokio::test]
async fn given_a_public_host_when_it_is_not_owned_or_not_proven_then_nothing_is_sent() {
    let text = recipe("http://192.0.2.1", POLICY);
    let owned = Options {
        owned: vec!["192.0.2.1".to_owned()],
        ..Options::default()
    };

    let Err(NotRun::Refused(not_owned)) = try_probe(&text, &Options::default()).await else {
        panic!("it is refused")
    };
    let Err(NotRun::Refused(not_proven)) = try_probe(&text, &owned).await else {
        panic!("it is refused")
    };

    assert!(not_owned.contains("--i-own 192.0.2.1"), "{not_owned}");
    assert!(
        not_proven.contains("http://192.0.2.1/.well-known/innkeeper-probe"),
        "{not_proven}"
    );
}

#[tokio::test]
async fn given_a_server_that_cuts_dribbles_or_never_ends_when_probed_then_nothing_is_judged() {
    let endless = "HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n";
    for start in [
        "",
        "HTTP/1.1 200 OK\r\nContent-Le",
        endless,
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx",
    ] {
        for goes_on in [false, true] {
            let base = listen(move |mut stream| async move {
                if read_request(&mut stream).await.is_some() {
                    let _ = stream.write_all(start.as_bytes()).await;
                    if goes_on {
                        std::future::pending::<()>().await;
                    }
                }
            })
            .await;
            let text = recipe(&base, POLICY).replace("answer_within: 5s", "answer_within: 50ms");

            let report = probe(&text, &options(&[])).await;

            assert_eq!(report.ended(), Ended::Inconclusive, "{start}");
            assert!(!report.to_text().contains("FAIL") && !report.to_text().contains("PASS"));
        }
    }
}

#[tokio::test]
async fn given_nobody_at_the_address_when_probed_then_it_could_not_run() {
    let not_run = try_probe(&recipe("http://127.0.0.1:9", POLICY), &options(&[])).await;

    assert!(
        matches!(not_run, Err(NotRun::Unreachable(_))),
        "{not_run:?}"
    );
}

#[test]
fn given_a_recipe_when_its_run_is_planned_then_each_check_is_numbered_with_what_it_takes() {
    let recipe: Recipe = read(&recipe("http://127.0.0.1:9", POLICY));

    let plan = plan(&recipe, &Options::default());

    assert!(plan.contains("nothing is sent"), "{plan}");
    assert!(plan.contains(" 26. PRB-ISO-001"), "{plan}");
    assert!(plan.contains("skipped: needs --allow account"), "{plan}");
    assert!(plan.contains("login: POST /login"), "{plan}");
}
