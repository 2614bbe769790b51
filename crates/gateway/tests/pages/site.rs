//! What all pages have in common: headers, addresses, and no script.

use http::StatusCode;
use innkeeper_domain::policy::Policy;

use crate::harness::{House, PASSWORD, Page};

fn assert_guarded(page: &Page) {
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.header("referrer-policy"), Some("same-origin"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(
        page.header("cross-origin-opener-policy"),
        Some("same-origin")
    );
    if page.status != StatusCode::SEE_OTHER {
        assert_eq!(
            page.header("content-security-policy"),
            Some(
                "default-src 'none'; style-src 'self'; form-action 'self'; \
                 frame-ancestors 'none'; base-uri 'none'"
            )
        );
        for sign in [
            "<script",
            " style=",
            " onclick",
            "javascript:",
            "http://",
            "https://",
        ] {
            assert!(!page.text.contains(sign), "{sign} in {}", page.text);
        }
    }
}

#[tokio::test]
async fn given_any_page_when_answered_then_nothing_foreign_gets_at_it() {
    let house = House::new(Policy::default()).await;
    let mut stranger = house.browser();
    let mut mine = house.signed_in("alice").await;

    for page in [
        stranger.get("/").await,
        stranger.get("/sign-in").await,
        stranger.get("/sign-in?notice=signed-out").await,
        stranger.sign_in("alice", "wrong").await,
        stranger.sign_in("alice", PASSWORD).await,
        mine.get("/").await,
        mine.get("/account").await,
        mine.get("/sign-in").await,
        mine.post("/account/sessions/ses_x/end", &[]).await,
        mine.post("/account/end-others", &[("x", "y")]).await,
        mine.clone().post("/sign-out", &[]).await,
        mine.get("/").await,
    ] {
        assert_guarded(&page);
    }
}

#[tokio::test]
async fn given_the_prefix_when_pages_are_used_then_every_address_stays_under_it() {
    let house = House::new(Policy::default()).await;
    let mut browser = house.browser();

    let sent = browser.get("/_innkeeper/account").await;
    assert_eq!(
        sent.location(),
        "/_innkeeper/sign-in?next=%2F_innkeeper%2Faccount"
    );
    let form = browser.get(sent.location()).await;
    assert_eq!(form.values("action"), ["/_innkeeper/sign-in"]);
    let next = form.values("value")[0].clone();
    let fields = [
        ("name", "alice"),
        ("password", PASSWORD),
        ("next", next.as_str()),
    ];
    let signed_in = browser.post("/_innkeeper/sign-in", &fields).await;
    assert_eq!(signed_in.location(), "/_innkeeper/account");
    let _other = house.signed_in("alice").await;
    let list = browser.get(signed_in.location()).await;

    assert_eq!(list.status, StatusCode::OK);
    for address in list.values("action") {
        assert!(address.starts_with("/_innkeeper/"), "{address}");
    }
    for address in list.values("href") {
        let is_the_application = address == "/";
        let fits = address.starts_with("/_innkeeper/") || address == "#main" || is_the_application;
        assert!(fits, "{address}");
    }
    let ended = browser.post("/_innkeeper/account/end-others", &[]).await;
    assert_eq!(ended.location(), "/_innkeeper/account?notice=others-ended");
    let out = browser.post("/_innkeeper/sign-out", &[]).await;
    assert!(out.location().starts_with("/_innkeeper/sign-in?"));
}

#[tokio::test]
async fn given_the_style_sheet_when_pages_name_it_then_it_is_there() {
    let house = House::new(Policy::default()).await;
    let mut browser = house.browser();

    for page in ["/sign-in", "/_innkeeper/sign-in"] {
        let hrefs = browser.get(page).await.values("href");
        let address = hrefs.iter().find(|href| href.contains("style")).unwrap();
        let style = browser.get(address).await;

        assert_eq!(style.status, StatusCode::OK);
        assert_eq!(
            style.header("content-type"),
            Some("text/css; charset=utf-8")
        );
        assert_eq!(style.header("x-content-type-options"), Some("nosniff"));
        assert!(!style.text.contains("@import") && !style.text.contains("url("));
    }
}

#[tokio::test]
async fn given_an_address_that_only_resembles_one_when_asked_for_then_it_is_not_there() {
    let house = House::new(Policy::default()).await;
    let mut mine = house.signed_in("alice").await;

    for path in [
        "/account/",
        "/account/x.css",
        "/account.css",
        "/_innkeeper/x",
        "/Account",
    ] {
        assert_eq!(mine.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    for path in ["/sign-out", "/account/end-others"] {
        let page = mine.get(path).await;
        assert_eq!(page.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
    assert_eq!(house.live("alice").await, 1);
}

#[tokio::test]
async fn given_a_notice_in_a_link_when_shown_then_only_words_of_ours_appear() {
    let house = House::new(Policy::default()).await;
    let mut browser = house.browser();

    let page = browser
        .get("/sign-in?notice=Call+0900-EVIL&next=/&utm=x")
        .await;

    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.text.contains("EVIL"));
}

#[tokio::test]
async fn given_a_second_sign_in_when_the_application_opens_then_it_names_the_one_before() {
    let house = House::new(Policy::default()).await;
    let mut first = house.browser();
    first.user_agent = "Mozilla/5.0 (iPhone) Version/17.5 Safari/604.1".into();
    first.sign_in("alice", PASSWORD).await;
    let alone = first.get("/").await;
    house.pass(5);

    let mut second = house.signed_in("alice").await;
    let home = second.get("/").await;

    assert!(alone.text.contains("None is on record."));
    assert!(home.text.contains("Safari on iPhone"));
    assert!(home.text.contains("5 minutes ago"));
    assert!(home.text.contains("one other place"));
}
