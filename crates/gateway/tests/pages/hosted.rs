//! The pages in front of somebody's application: without the sample, under both addresses.

use http::StatusCode;
use innkeeper_domain::policy::Policy;

use crate::harness::{House, PASSWORD};

#[tokio::test]
async fn given_hosted_pages_when_the_front_page_is_asked_for_then_there_is_none() {
    let house = House::hosted(Policy::default()).await;

    let page = house.browser().get("/").await;

    assert_eq!(page.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn given_no_word_of_where_to_go_when_signed_in_then_it_is_to_the_application_if_there_is_one()
{
    let house = House::hosted(Policy::default()).await;

    for (base, home) in [("", "/account"), ("/_innkeeper", "/")] {
        let mut browser = house.browser();
        let fields = [("name", "alice"), ("password", PASSWORD)];
        let signed_in = browser.post(&format!("{base}/sign-in"), &fields).await;
        assert_eq!(signed_in.location(), home);
        let account = browser.get(&format!("{base}/account")).await;
        let leads_home = account.values("href").contains(&"/".to_owned());
        let out = browser.post(&format!("{base}/sign-out"), &[]).await;

        assert_eq!(leads_home, base == "/_innkeeper");
        let encoded = home.replace('/', "%2F");
        let form = format!("{base}/sign-in?next={encoded}&notice=signed-out");
        assert_eq!(out.location(), form);
    }
}

#[tokio::test]
async fn given_hosted_pages_when_signed_in_then_the_session_is_of_their_client_and_the_hosts_cookie()
 {
    let house = House::hosted(Policy::default()).await;

    let page = house.browser().sign_in("alice", PASSWORD).await;

    let cookie = page.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-innkeeper=ik_"), "{cookie}");
    assert!(cookie.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax"));
    let standing = house.standing("alice").await;
    let session = standing.roster.live(standing.now).next().unwrap();
    assert_eq!(session.client.as_ref().unwrap().as_str(), "web");
}

/// Each form of both mounts, as another site would send it: with the cookie, and its own origin.
#[tokio::test]
async fn given_a_form_of_another_site_when_sent_to_either_mount_then_nothing_is_done() {
    let house = House::hosted(Policy::default()).await;
    let mut mine = house.signed_in("alice").await;
    let _other = house.signed_in("alice").await;
    let list = mine.get("/account").await;
    let other = &list.values("data-session")[1];
    let device = &list.values("data-device")[0];
    let sign_in = [("name", "bob"), ("password", PASSWORD)];
    let forms: [(String, &[(&str, &str)]); 8] = [
        ("/sign-in".into(), &sign_in),
        (
            "/sign-in/choice".into(),
            &[("subject", "alice"), ("choice", "ikc_x")],
        ),
        ("/sign-out".into(), &[]),
        ("/account/stay".into(), &[]),
        (format!("/account/sessions/{other}/end"), &[]),
        ("/account/end-others".into(), &[]),
        ("/account/devices/current/trust".into(), &[]),
        (format!("/account/devices/{device}/end"), &[]),
    ];

    for base in ["", "/_innkeeper"] {
        for (path, fields) in &forms {
            for origin in [
                None,
                Some("null"),
                Some("https://evil.example"),
                Some("https://127.0.0.1:7070"),
                Some("http://127.0.0.1:7071"),
                Some("http://localhost:7070"),
            ] {
                let mut browser = mine.clone();
                browser.origin = origin;
                let page = browser.post(&format!("{base}{path}"), fields).await;

                assert_eq!(
                    page.status,
                    StatusCode::FORBIDDEN,
                    "{base}{path} {origin:?}"
                );
                assert!(page.header("set-cookie").is_none());
            }
        }
    }
    assert_eq!((house.live("alice").await, house.live("bob").await), (2, 0));
}
