//! A provider that others wrote, and that is certified, signs people in at the running binary and
//! tells it of logouts.
//!
//! It is `oidc-provider` from npm, in the version and with the digests that the lock file names.

#[path = "../support/mod.rs"]
mod support;

mod browser;
mod provider;

use reqwest::StatusCode;
use support::{Server, innkeeper};
use tempfile::TempDir;

use browser::Browser;
use provider::Provider;

/// Where browsers see us; nobody is there in truth.
const APPLICATION: &str = "https://app.example";

/// The running binary, which signs people in with a provider.
struct House {
    provider: Provider,
    server: Server,
    folder: TempDir,
}

impl House {
    fn open() -> Self {
        let mut provider = Provider::start();
        let folder = tempfile::tempdir().expect("a folder");
        let config = folder.path().join("c.toml");
        let port = provider.issuer.trim_start_matches("http://");
        let text = format!(
            "[server]\npublic_url = \"{APPLICATION}\"\n[outgoing]\nallow = [\"{port}\"]\n\
             [[gateway.provider]]\nname = \"acme\"\nissuer = \"{}\"\nclient_id = \"innkeeper\"\n\
             client_secret = \"a secret: 100% + more\"\ngroups = \"groups\"\n",
            provider.issuer
        );
        std::fs::write(&config, text).expect("the folder is ours");
        let mut command = innkeeper(&folder.path().join("data"));
        command.arg("--config").arg(config);
        let server = Server::start_with(command);
        provider.reaches(&server.base);
        Self {
            provider,
            server,
            folder,
        }
    }

    fn browser(&self) -> Browser {
        Browser::new(&self.server.base)
    }

    async fn live(&self) -> u64 {
        let admin = self.server.admin(&self.folder.path().join("data"));
        admin.live("acme:alice").await
    }
}

/// Goes to the account page by way of the provider, where alice has to type her name.
async fn sign_in(browser: &mut Browser) {
    let page = browser
        .get(&format!("{APPLICATION}/_innkeeper/sign-in"))
        .await;
    let page = browser.press(&page, "data-provider=\"acme\"").await;
    assert!(page.text.contains("name=\"login\""), "{}", page.text);
    let page = browser
        .send(
            &page,
            &[("prompt", "login"), ("login", "alice"), ("password", "x")],
        )
        .await;
    let page = if page.text.contains("value=\"consent\"") {
        browser.send(&page, &[("prompt", "consent")]).await
    } else {
        page
    };
    // The front page of the application, which is not ours to serve.
    assert_eq!(page.address, format!("{APPLICATION}/"), "{}", page.text);
    let account = browser
        .get(&format!("{APPLICATION}/_innkeeper/account"))
        .await;
    assert_eq!(account.status, StatusCode::OK, "{}", account.text);
    assert!(account.text.contains("alice at work"), "{}", account.text);
}

#[tokio::test]
async fn given_a_certified_provider_when_it_signs_in_and_logs_out_then_the_session_lives_and_ends()
{
    let house = House::open();
    let mut browser = house.browser();

    sign_in(&mut browser).await;
    assert_eq!(house.live().await, 1);

    let end = format!("{}/session/end?client_id=innkeeper", house.provider.issuer);
    let page = browser.get(&end).await;
    let _ = browser.send(&page, &[("logout", "yes")]).await;

    assert_eq!(house.live().await, 0, "the provider has told of it");
    let page = browser
        .get(&format!("{APPLICATION}/_innkeeper/account"))
        .await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    assert!(
        page.text.contains("data-reason=\"federation\""),
        "{}",
        page.text
    );
    // Nobody is signed in there any more either.
    sign_in(&mut browser).await;
    assert_eq!(house.live().await, 1);
}

#[tokio::test]
async fn given_a_sign_out_here_when_the_button_is_pressed_then_the_provider_does_not_answer_by_itself()
 {
    let house = House::open();
    let mut browser = house.browser();
    sign_in(&mut browser).await;

    let account = browser
        .get(&format!("{APPLICATION}/_innkeeper/account"))
        .await;
    let form = account.at_form("/_innkeeper/sign-out");
    let page = browser.send(&form, &[]).await;
    assert!(page.text.contains("You are signed out."), "{}", page.text);
    assert_eq!(house.live().await, 0);

    // The provider still knows her, and asks all the same.
    let asked = browser.press(&page, "data-provider=\"acme\"").await;
    assert!(asked.text.contains("name=\"login\""), "{}", asked.text);

    // Now she signs out there too, and is led back.
    let there = browser.press(&page, "data-do=\"sign-out-there\"").await;
    let back = browser.send(&there, &[("logout", "yes")]).await;
    assert!(
        back.address
            .starts_with(&format!("{APPLICATION}/_innkeeper/sign-in?")),
        "{}",
        back.address
    );
    assert!(back.text.contains("You are signed out."), "{}", back.text);
}
