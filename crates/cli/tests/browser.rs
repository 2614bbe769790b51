//! The demo in Debian's Chromium: two profiles, one user, and the end that the other one sees.

mod support;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::json;
use support::Server;

/// A driver of browsers, ended with the test.
struct Driver {
    child: Child,
    address: String,
}

impl Driver {
    fn start() -> Self {
        let mut child = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed: `cargo xtask test` does it");
        let stdout = child.stdout.take().expect("it is piped");
        let port = BufReader::new(stdout)
            .lines()
            .map_while(Result::ok)
            .find_map(|line| {
                let after = line.split("started successfully on port ").nth(1)?;
                Some(after.trim_end_matches('.').to_owned())
            })
            .expect("it says on which port it listens");
        Self {
            child,
            address: format!("http://127.0.0.1:{port}"),
        }
    }

    /// A browser with a profile of its own.
    async fn browser(&self, profile: &Path) -> Client {
        let arguments = [
            "--headless".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-quic".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            format!("--user-data-dir={}", profile.display()),
        ];
        let capabilities = json!({
            "browserName": "chrome",
            "goog:chromeOptions": {"args": arguments},
        });
        let capabilities = capabilities.as_object().expect("it is one").clone();
        ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new())
            .capabilities(capabilities)
            .connect(&self.address)
            .await
            .expect("a browser starts")
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn sign_in(browser: &Client, base: &str, name: &str, password: &str) {
    browser.goto(&format!("{base}/sign-in")).await.unwrap();
    let form = browser.form(Locator::Css("form")).await.unwrap();
    form.set_by_name("name", name).await.unwrap();
    form.set_by_name("password", password).await.unwrap();
    browser
        .find(Locator::Css("form [type=submit], form button"))
        .await
        .unwrap()
        .click()
        .await
        .unwrap();
    let signed_in = Locator::Css("[data-do='sign-out']");
    browser
        .wait()
        .at_most(Duration::from_secs(30))
        .for_element(signed_in)
        .await
        .expect("the page that follows has a way out");
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
    mine.find(Locator::Css(&end))
        .await
        .unwrap()
        .click()
        .await
        .unwrap();
    let gone = format!("body:not(:has([data-session='{target}'])) [data-session]");
    mine.wait()
        .at_most(Duration::from_secs(30))
        .for_element(Locator::Css(&gone))
        .await
        .expect("the ended session leaves the list");

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

    let trust = mine.find(Locator::Css("[data-device] [data-do='trust']"));
    trust.await.unwrap().click().await.unwrap();
    let trusted = Locator::Css("[data-device][data-trusted]");
    mine.wait()
        .at_most(Duration::from_secs(30))
        .for_element(trusted)
        .await
        .expect("the device is shown as trusted");
    let forget = mine.find(Locator::Css("[data-device] [data-do='end-device']"));
    forget.await.unwrap().click().await.unwrap();
    let alone = "body:not(:has([data-device] [data-do='end-device'])) [data-trusted]";
    mine.wait()
        .at_most(Duration::from_secs(30))
        .for_element(Locator::Css(alone))
        .await
        .expect("the other device leaves the list, and this one stays");

    mine.close().await.unwrap();
    other.close().await.unwrap();
}
