//! The life of a session behind each proxy: sign in, use, limit, evict, revoke, sign out.

use innkeeper_test_servers::front::ProxyKind;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::application;
use crate::browser::{Browser, Page};
use crate::house::{proxy, server};

const PASSWORD: &str = "correct horse battery";
const DEEP: &str = "/reports?year=2026";
const SIGN_IN: &str = "/_innkeeper/sign-in?next=%2Freports%3Fyear%3D2026";

/// Signs in on the page that the browser was sent to, and comes back to where it was going.
async fn sign_in(browser: &mut Browser) -> Page {
    let sent = browser.visit(DEEP).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER);
    assert_eq!(sent.location.as_deref(), Some(SIGN_IN));
    let form = browser.visit(SIGN_IN).await;
    let attempt = form.quoted(r#"name="attempt" value=""#).to_owned();
    let fields = [
        ("next", "%2Freports%3Fyear%3D2026"),
        ("attempt", &attempt),
        ("name", "alice"),
        ("password", "correct+horse+battery"),
    ];
    let signed_in = browser.submit("/_innkeeper/sign-in", &fields).await;
    assert_eq!(
        signed_in.status,
        StatusCode::SEE_OTHER,
        "{}",
        signed_in.text
    );
    assert_eq!(signed_in.location.as_deref(), Some(DEEP));
    browser.visit(DEEP).await
}

/// What the browser is shown that comes back after its session ended.
async fn told(browser: &mut Browser) -> String {
    let call = browser.call("/api/reports").await;
    assert_eq!(call.status, StatusCode::UNAUTHORIZED, "{}", call.text);
    let sent = browser.visit(DEEP).await;
    assert_eq!(sent.location.as_deref(), Some(SIGN_IN));
    let page = browser.visit(SIGN_IN).await;
    page.quoted(r#"data-reason=""#).to_owned()
}

async fn live_behind(kind: ProxyKind) {
    let data = tempfile::tempdir().unwrap();
    let data = data.path().join("data");
    let server = server(&data, "[policy]\nmax_sessions = 1\n");
    let application = application::start();
    let proxy = proxy(kind, &server, application);
    let api = server.admin(&data);
    let user =
        json!({"name": "alice", "password": PASSWORD, "subject": "alice-1", "groups": ["staff"]});
    let (status, answer) = api.send(Method::POST, "/v1/users", Some(&user)).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");

    // Deep link, sign-in, and back to the deep link.
    let mut first = Browser::at(proxy.address());
    let stranger = first.call("/api/reports").await;
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);
    let shown = sign_in(&mut first).await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.text);
    let lower = shown.text.to_ascii_lowercase();
    assert!(
        lower.starts_with("get /reports?year=2026 http/1.1"),
        "{lower}"
    );
    for header in [
        "\nremote-user: alice-1\n",
        "\nremote-groups: staff\n",
        "\ninnkeeper-tenant: default\n",
        "\ninnkeeper-session: ses_",
        "\ninnkeeper-assurance: 1\n",
    ] {
        assert!(lower.contains(header), "{header} in {lower}");
    }
    let account = first.visit("/_innkeeper/account").await;
    assert_eq!(account.status, StatusCode::OK);
    let posted = first.submit("/forms", &[("field", "value")]).await;
    assert!(posted.text.ends_with("\nfield=value"), "{}", posted.text);

    // One session more than there may be: the first ends, and its holder is told why.
    let mut second = Browser::at(proxy.address());
    let shown = sign_in(&mut second).await;
    assert_eq!(shown.status, StatusCode::OK);
    assert_eq!(told(&mut first).await, "evicted");

    // Revoked by an administrator, in force with the next request.
    let (status, _) = api
        .send(Method::DELETE, "/v1/subjects/alice-1/sessions", None)
        .await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(told(&mut second).await, "revoked_by_admin");

    // Signed out.
    let mut third = Browser::at(proxy.address());
    sign_in(&mut third).await;
    let signed_out = third.submit("/_innkeeper/sign-out", &[]).await;
    assert!(signed_out.status.is_redirection(), "{}", signed_out.text);
    assert_eq!(
        third.call("/api/reports").await.status,
        StatusCode::UNAUTHORIZED
    );

    // With nobody there who could say, nothing goes on, and nobody is sent in a circle.
    let mut fourth = Browser::at(proxy.address());
    sign_in(&mut fourth).await;
    server.kill();
    let shut = fourth.visit(DEEP).await;
    assert!(
        shut.status.is_server_error(),
        "{}: {}",
        shut.status,
        shut.text
    );
    assert_eq!(shut.location, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn given_an_application_behind_nginx_when_people_use_it_then_their_sessions_are_controlled() {
    live_behind(ProxyKind::Nginx).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn given_an_application_behind_caddy_when_people_use_it_then_their_sessions_are_controlled() {
    live_behind(ProxyKind::Caddy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn given_an_application_behind_haproxy_when_people_use_it_then_their_sessions_are_controlled()
{
    live_behind(ProxyKind::Haproxy).await;
}
