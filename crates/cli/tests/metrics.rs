//! Metrics on a listener of their own.

mod support;

use reqwest::StatusCode;
use support::{Server, client, innkeeper};

async fn scrape(base: &str) -> (StatusCode, String) {
    let answer = client().get(format!("{base}/metrics")).send().await;
    let answer = answer.expect("it listens");
    (answer.status(), answer.text().await.expect("it is text"))
}

#[tokio::test]
async fn given_a_listener_for_metrics_when_scraped_then_they_are_there_and_nowhere_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = innkeeper(folder.path());
    command.env("INNKEEPER_SERVER__METRICS_LISTEN", "127.0.0.1:0");
    let server = Server::start_with(command);
    let line = server.greeting.iter();
    let mut line = line.filter_map(|line| line.strip_prefix("innkeeper shows metrics on "));
    let own = line
        .next()
        .expect("it says where")
        .trim_end_matches("/metrics");
    let api = server.admin(folder.path());
    let (token, _) = api.signed_in("alice").await;
    api.check(&token).await;

    let (status, text) = scrape(own).await;

    assert_eq!(status, StatusCode::OK);
    for line in [
        r#"innkeeper_admissions_total{outcome="admitted"} 1"#,
        r#"innkeeper_checks_total{outcome="valid",place="memory"} 1"#,
        "innkeeper_ready 1",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} in {text}");
    }
    // Writing to a disk takes some time, and the stopwatch of the binary runs.
    assert!(
        !text.contains("innkeeper_store_commit_seconds_sum 0\n"),
        "{text}"
    );
    for told in [&token[..], "alice", "default"] {
        assert!(!text.contains(told), "{text}");
    }
    assert_eq!(scrape(&server.base).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn given_no_listener_for_metrics_when_scraped_then_they_are_beside_everything_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());

    let (status, _) = scrape(&server.base).await;

    assert_eq!(status, StatusCode::OK);
}
