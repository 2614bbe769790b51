//! Browsers with profiles of their own, and what a person does in them.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::json;

/// A driver of browsers, ended with the test.
pub(crate) struct Driver {
    child: Child,
    address: String,
}

impl Driver {
    pub(crate) fn start() -> Self {
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
    pub(crate) async fn browser(&self, profile: &Path) -> Client {
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

/// Waits for something on a page, however long a busy machine takes for it.
pub(crate) async fn appears(browser: &Client, css: &str) -> Element {
    browser
        .wait()
        .at_most(Duration::from_secs(30))
        .for_element(Locator::Css(css))
        .await
        .unwrap_or_else(|error| panic!("{css} does not appear: {error}"))
}

/// Presses a button, or follows a link.
pub(crate) async fn press(browser: &Client, css: &str) {
    appears(browser, css).await.click().await.unwrap();
}

/// Fills in the form on the page, and sends it.
pub(crate) async fn fill_in(browser: &Client, name: &str, password: &str) {
    let form = browser.form(Locator::Css("form.stack")).await.unwrap();
    form.set_by_name("name", name).await.unwrap();
    form.set_by_name("password", password).await.unwrap();
    press(browser, "form.stack [type=submit]").await;
}
