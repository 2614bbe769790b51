//! The demo: two profiles, one user, and the end that the other one sees.

use fantoccini::{Client, Locator};

use crate::driver::{Driver, appears, fill_in, press};
use crate::support::{self, Server};

async fn sign_in(browser: &Client, base: &str, name: &str, password: &str) {
    browser.goto(&format!("{base}/sign-in")).await.unwrap();
    fill_in(browser, name, password).await;
    appears(browser, "[data-do='sign-out']").await;
}

async fn rows(browser: &Client, base: &str) -> Vec<(String, bool)> {
    browser.goto(&format!("{base}/account")).await.unwrap();
    let mut rows = Vec::new();
    for row in browser
        .find_all(Locator::Css("[data-session]"))
        .await
        .unwrap()
    {
        let id = row.attr("data-session").await.unwrap().expect("it has one");
        let is_current = row.attr("data-current").await.unwrap().is_some();
        rows.push((id, is_current));
    }
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn given_two_browser_profiles_when_one_ends_the_other_then_it_is_refused_with_the_reason() {
    let data = tempfile::tempdir().unwrap();
    let mut command = support::innkeeper(data.path());
    command.arg("--demo");
    let server = Server::start_with(command);
    let password = server
        .greeting
        .iter()
        .find_map(|line| line.strip_prefix("demo user alice password "))
        .expect("the demo names its users")
        .to_owned();
    let driver = Driver::start();
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mine = driver.browser(here.path()).await;
    let other = driver.browser(there.path()).await;

    sign_in(&mine, &server.base, "alice", &password).await;
    sign_in(&other, &server.base, "alice", &password).await;

    let seen = rows(&mine, &server.base).await;
    assert_eq!(seen.len(), 2, "both are listed: {seen:?}");
    assert_eq!(seen.iter().filter(|(_, current)| *current).count(), 1);
    let (target, _) = seen.iter().find(|(_, current)| !current).unwrap();

    let end = format!("[data-session='{target}'] [data-do='end']");
    press(&mine, &end).await;
    let gone = format!("body:not(:has([data-session='{target}'])) [data-session]");
    appears(&mine, &gone).await;

    other
        .goto(&format!("{}/account", server.base))
        .await
        .unwrap();
    let told = other
        .find(Locator::Css("[data-ended]"))
        .await
        .expect("it is told");
    let reason = told.attr("data-reason").await.unwrap();
    assert_eq!(reason.as_deref(), Some("revoked_by_user"));
    assert!(!told.text().await.unwrap().is_empty(), "and in words");
    assert!(rows(&other, &server.base).await.is_empty(), "it stays out");
    assert_eq!(rows(&mine, &server.base).await.len(), 1);

    press(&mine, "[data-device] [data-do='trust']").await;
    appears(&mine, "[data-device][data-trusted]").await;
    press(&mine, "[data-device] [data-do='end-device']").await;
    let alone = "body:not(:has([data-device] [data-do='end-device'])) [data-trusted]";
    appears(&mine, alone).await;

    mine.close().await.unwrap();
    other.close().await.unwrap();
}
