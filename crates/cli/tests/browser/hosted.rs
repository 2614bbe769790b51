//! Hosted sign-in in front of an application: there and back, at the limit, and put out.

use std::time::Duration;

use fantoccini::Client;
use fantoccini::cookies::Cookie;
use reqwest::{Method, StatusCode};
use serde_json::json;
use tempfile::TempDir;

use crate::driver::{Driver, appears, fill_in, press};
use crate::support::{self, Server};

const PASSWORD: &str = "correct horse battery";

/// A server with hosted sign-in and these settings beside it, where Carol may sign in.
async fn hosted(folder: &TempDir, settings: &str) -> Server {
    let file = folder.path().join("innkeeper.toml");
    std::fs::write(&file, format!("[gateway]\n{settings}")).unwrap();
    let data = folder.path().join("data");
    let mut command = support::innkeeper(&data);
    command.arg("--config").arg(file);
    let server = Server::start_with(command);
    let carol = json!({"name": "carol", "subject": "carol", "password": PASSWORD});
    let api = server.admin(&data);
    let (status, made) = api.send(Method::POST, "/v1/users", Some(&carol)).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    server
}

/// Waits until the browser is there.
async fn arrives(browser: &Client, address: &str) {
    let address = address.parse().unwrap();
    let waiting = browser.wait().at_most(Duration::from_secs(30));
    if let Err(error) = waiting.for_url(&address).await {
        let shown = browser.current_url().await.unwrap();
        panic!("{address} is not reached, but {shown}: {error}");
    }
}

/// The cookies of a browser on its page: that of the session, and that of its device.
async fn cookies(browser: &Client) -> (Cookie<'static>, Vec<Cookie<'static>>) {
    let all = browser.get_all_cookies().await.unwrap();
    let (mut session, others): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|cookie| cookie.name() == "__Host-innkeeper");
    (session.pop().expect("the browser keeps it"), others)
}

#[tokio::test(flavor = "multi_thread")]
async fn given_a_deep_link_when_a_stranger_follows_it_then_the_sign_in_leads_back_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let rule = "[[policy.rule]]\nwhen = { remember = true }\nabsolute = \"30d\"\n";
    let server = hosted(&folder, rule).await;
    let base = &server.base;
    let driver = Driver::start();
    let browser = driver.browser(&folder.path().join("browser")).await;

    // A page of ours sends a stranger to the form by itself.
    let page = format!("{base}/_innkeeper/account?from=mail");
    browser.goto(&page).await.unwrap();
    let form = format!("{base}/_innkeeper/sign-in?next=%2F_innkeeper%2Faccount");
    arrives(&browser, &form).await;
    fill_in(&browser, "carol", PASSWORD).await;
    arrives(&browser, &format!("{base}/_innkeeper/account")).await;
    appears(&browser, "[data-session][data-current]").await;

    // Plain http on this machine: the cookie is kept all the same, and goes with the browser.
    let (session, others) = cookies(&browser).await;
    assert_eq!(session.secure(), Some(true));
    assert_eq!(session.http_only(), Some(true));
    assert!(session.expires_datetime().is_none(), "{session:?}");
    assert_eq!(others.len(), 1);
    assert!(others[0].name().starts_with("__Host-innkeeper-device-"));

    // A proxy sends one who wants a page of the application, with all that was asked for.
    press(&browser, "[data-do='sign-out']").await;
    appears(&browser, "form.stack").await;
    let deep = "/orders?id=7&sort=%2B&back=//x";
    let encoded = "%2Forders%3Fid%3D7%26sort%3D%252B%26back%3D%2F%2Fx";
    let form = format!("{base}/_innkeeper/sign-in?next={encoded}");
    browser.goto(&form).await.unwrap();
    fill_in(&browser, "carol", "not that").await;
    appears(&browser, "[role=alert]").await;
    press(&browser, "[name=remember]").await;
    fill_in(&browser, "carol", PASSWORD).await;
    let told = appears(&browser, "[data-do='continue']").await;
    let page = browser.source().await.unwrap();
    assert!(
        page.contains("One attempt to sign in as you failed"),
        "{page}"
    );
    told.click().await.unwrap();
    arrives(&browser, &format!("{base}{deep}")).await;
    let (session, _) = cookies(&browser).await;
    assert!(session.expires_datetime().is_some(), "it is to last");

    browser.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn given_no_seat_left_when_one_is_chosen_then_the_person_is_in_and_that_one_is_told_by_whom()
{
    let folder = tempfile::tempdir().unwrap();
    let policy = "[policy]\nmax_sessions = 1\nat_limit = \"ask\"\n";
    let server = hosted(&folder, policy).await;
    let base = &server.base;
    let driver = Driver::start();
    let first = driver.browser(&folder.path().join("first")).await;
    let second = driver.browser(&folder.path().join("second")).await;
    let form = format!("{base}/_innkeeper/sign-in?next=%2Forders%3Fid%3D7");
    first.goto(&form).await.unwrap();
    fill_in(&first, "carol", PASSWORD).await;
    arrives(&first, &format!("{base}/orders?id=7")).await;

    second.goto(&form).await.unwrap();
    fill_in(&second, "carol", PASSWORD).await;
    press(&second, "[data-session] [data-do='end']").await;

    // No name and no password a second time.
    arrives(&second, &format!("{base}/orders?id=7")).await;
    let account = format!("{base}/_innkeeper/account");
    second.goto(&account).await.unwrap();
    appears(&second, "[data-session][data-current]").await;

    // The next click of the first one: when, why, and by what device.
    first.goto(&account).await.unwrap();
    let ended = appears(&first, "[data-ended]").await;
    let reason = ended.attr("data-reason").await.unwrap();
    assert_eq!(reason.as_deref(), Some("revoked_by_user"));
    let words = ended.text().await.unwrap();
    for word in [
        "UTC",
        "ended from another of your sessions",
        "Chrome on Linux",
    ] {
        assert!(words.contains(word), "{word} is not in {words}");
    }
    fill_in(&first, "carol", PASSWORD).await;
    appears(&first, "[data-session] [data-do='end']").await;

    first.close().await.unwrap();
    second.close().await.unwrap();
}
