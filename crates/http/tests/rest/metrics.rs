//! What is counted, as a scraper sees it.

use http::Method;
use serde_json::json;

use crate::support::{Desk, desk};

/// The value of a series.
async fn figure(desk: &Desk, series: &str) -> u64 {
    let answer = desk.call(Method::GET, "/metrics").send().await;
    let line = answer
        .text
        .lines()
        .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map_or(0, |value| value.parse().expect("it is a whole number"))
}

#[tokio::test]
async fn given_a_life_of_a_session_when_scraped_then_each_step_of_it_was_counted() {
    let desk = desk().await;
    let (token, id) = desk.sign_in("alice").await;
    for _ in 0..5 {
        desk.sign_in("bob").await;
    }
    desk.sign_in("bob").await;
    desk.check(&token).await;
    desk.check("ik_x").await;
    desk.post("/v1/check", json!({"token": token, "subject": "bob"}))
        .await;
    desk.authority.sweep().await.expect("the store is sound");
    desk.delete(&format!("/v1/sessions/{id}")).await;
    desk.check(&token).await;

    for (series, expected) in [
        (r#"innkeeper_admissions_total{outcome="admitted"}"#, 7),
        (
            r#"innkeeper_checks_total{outcome="valid",place="memory"}"#,
            1,
        ),
        (
            r#"innkeeper_checks_total{outcome="shortfall",place="memory"}"#,
            1,
        ),
        (
            r#"innkeeper_checks_total{outcome="no_session",place="store"}"#,
            1,
        ),
        (r#"innkeeper_sessions_ended_total{reason="evicted"}"#, 1),
        (
            r#"innkeeper_sessions_ended_total{reason="revoked_by_admin"}"#,
            1,
        ),
        ("innkeeper_sessions_live", 6),
        ("innkeeper_revoke_to_effect_seconds_count", 1),
        ("innkeeper_store_commit_seconds_count", 8),
        ("innkeeper_ready", 1),
    ] {
        assert_eq!(figure(&desk, series).await, expected, "{series}");
    }
}

#[tokio::test]
async fn given_requests_when_scraped_then_they_are_counted_by_route_and_never_by_path() {
    let desk = desk().await;
    let nowhere = r#"innkeeper_http_requests_total{method="any",route="elsewhere",status="404"}"#;
    let shown = r#"innkeeper_http_requests_total{method="GET",route="/v1/subjects/{subject}",status="200"}"#;
    let before = (figure(&desk, nowhere).await, figure(&desk, shown).await);
    for n in 0..3 {
        desk.get(&format!("/nowhere/{n}")).await;
        desk.get(&format!("/v1/subjects/visitor-{n}")).await;
    }

    let after = (figure(&desk, nowhere).await, figure(&desk, shown).await);
    let text = desk.call(Method::GET, "/metrics").send().await.text;

    // Other tests of this process may call the same routes meanwhile.
    assert!(after.0 >= before.0 + 3 && after.1 >= before.1 + 3);
    assert!(!text.contains("visitor"), "{text}");
}
