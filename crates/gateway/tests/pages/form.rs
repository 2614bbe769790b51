//! What forms may say, from where they may come, and where they may lead.

use http::StatusCode;
use innkeeper_domain::policy::Policy;

use crate::harness::{House, ORIGIN_OF_OURS, PASSWORD, encoded};

const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn given_a_form_from_another_site_when_sent_then_it_is_refused_and_nothing_is_done() {
    let house = House::new(Policy::default()).await;
    let inside = house.signed_in("alice").await;
    let current = house.browser().clone();

    for origin in [
        None,
        Some("null"),
        Some(""),
        Some("http://evil.example"),
        Some("https://127.0.0.1:7070"),
        Some("http://127.0.0.1"),
        Some("http://127.0.0.1:7071"),
        Some("http://127.0.0.1:7070/"),
        Some("http://localhost:7070"),
    ] {
        let mut outside = current.clone();
        outside.origin = origin;
        let page = outside.sign_in("alice", PASSWORD).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{origin:?}");
        assert_eq!(page.header("set-cookie"), None);

        for path in ["/sign-out", "/account/end-others", "/_innkeeper/sign-out"] {
            let mut forged = inside.clone();
            forged.origin = origin;
            let page = forged.post(path, &[]).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{path} {origin:?}");
        }
    }
    assert_eq!(house.live("alice").await, 1);
}

#[tokio::test]
async fn given_a_place_to_go_when_signed_in_then_only_a_path_of_this_site_is_gone_to() {
    let house = House::new(Policy::default()).await;

    for (next, location) in [
        ("/account", "/account"),
        ("/orders?page=2&sort=a", "/orders?page=2&sort=a"),
        ("", "/"),
        ("//evil.example", "/"),
        ("https://evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("/%5cevil.example", "/"),
        ("/..//evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nSet-Cookie: x=y", "/"),
        ("/a\u{2028}", "/"),
        (".evil.example", "/"),
        ("@evil.example", "/"),
    ] {
        let mut browser = house.browser();
        let form = browser
            .get(&format!("/sign-in?next={}", encoded(next)))
            .await;
        let shown = form.text.replace("&#38;", "&");
        let hidden = format!("name=\"next\" value=\"{location}\"");
        assert!(shown.contains(&hidden), "{next:?}: {shown}");

        let fields = [("name", "alice"), ("password", PASSWORD), ("next", next)];
        let page = browser.post("/sign-in", &fields).await;
        // Or the budget of this address would be spent.
        house.pass(1);

        assert_eq!(page.status, StatusCode::SEE_OTHER);
        assert_eq!(page.location(), location, "{next:?}");
    }
}

#[tokio::test]
async fn given_a_form_that_is_not_ours_when_sent_then_it_is_refused_and_nobody_is_signed_in() {
    let house = House::new(Policy::default()).await;
    let good = format!("name=alice&password={}", encoded(PASSWORD));
    let large = format!("{good}&next={}", "x".repeat(70_000));

    for (content_type, body, status) in [
        (Some("text/plain"), good.as_str(), 415),
        (Some("multipart/form-data; boundary=x"), &good, 415),
        (Some("application/json"), "{}", 415),
        (None, &good, 415),
        (Some(FORM), &format!("{good}&admin=1"), 422),
        (Some(FORM), &format!("{good}&name=bob"), 422),
        (Some(FORM), &format!("{good}&n%61me=bob"), 422),
        (Some(FORM), "name=alice", 422),
        (Some(FORM), "", 422),
        (Some(FORM), &format!("{good}&next=%zz"), 422),
        (Some(FORM), &format!("{good}&next=%ff"), 422),
        (Some(FORM), &format!("{good}&attempt=short"), 422),
        (
            Some(FORM),
            &format!("{good}&attempt={}", "%0a".repeat(20)),
            422,
        ),
        (Some(FORM), &large, 413),
    ] {
        let mut browser = house.browser();
        let page = browser.send("POST", "/sign-in", content_type, body).await;

        assert_eq!(page.status.as_u16(), status, "{content_type:?} {body:.80}");
        assert!(
            page.header("content-type")
                .unwrap()
                .starts_with("text/html")
        );
        assert!(!page.text.contains("swordfish"), "nothing is repeated");
        assert!(browser.cookies.is_empty());
    }
    assert_eq!(house.live("alice").await, 0);
    let mut browser = house.browser();
    let charset = "application/x-www-form-urlencoded; charset=UTF-8";
    let page = browser.send("POST", "/sign-in", Some(charset), &good).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn given_a_button_with_fields_when_pressed_then_it_is_refused_and_nothing_is_done() {
    let house = House::new(Policy::default()).await;
    let (mut mine, _other) = (
        house.signed_in("alice").await,
        house.signed_in("alice").await,
    );

    for path in ["/sign-out", "/account/end-others"] {
        let page = mine.post(path, &[("keep", "ses_x")]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        let page = mine.send("POST", path, Some("text/plain"), "").await;
        assert_eq!(page.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{path}");
    }

    assert_eq!(house.live("alice").await, 2);
}

#[tokio::test]
async fn given_two_session_cookies_when_a_page_is_asked_for_then_neither_counts() {
    let house = House::new(Policy::default()).await;
    let (mine, other) = (house.signed_in("alice").await, house.signed_in("bob").await);
    let (mine, other) = (mine.cookies[0].clone(), other.cookies[0].clone());

    for cookies in [
        vec![format!("{mine}; {other}")],
        vec![mine.clone(), other.clone()],
        vec![mine.clone(), mine.clone()],
        vec![mine.clone(), "innkeeper-demo=".into()],
    ] {
        let mut browser = house.browser();
        browser.cookies = cookies;
        for path in ["/", "/account", "/sign-in", "/_innkeeper/account"] {
            let page = browser.get(path).await;
            assert_eq!(page.status, StatusCode::BAD_REQUEST, "{path}");
            assert!(!page.text.contains("alice") && !page.text.contains("bob"));
        }
        for path in ["/sign-in", "/sign-out", "/account/end-others"] {
            let fields = [("name", "alice"), ("password", PASSWORD)];
            let fields = if path == "/sign-in" { &fields[..] } else { &[] };
            let page = browser.post(path, fields).await;
            assert_eq!(page.status, StatusCode::BAD_REQUEST, "{path}");
        }
    }
    assert_eq!((house.live("alice").await, house.live("bob").await), (1, 1));
}

#[tokio::test]
async fn given_a_password_in_the_address_when_asked_for_then_nobody_is_signed_in() {
    let house = House::new(Policy::default()).await;
    let mut browser = house.browser();
    let query = format!("/sign-in?name=alice&password={}", encoded(PASSWORD));

    let by_get = browser.get(&query).await;
    let by_post = browser.send("POST", &query, Some(FORM), "").await;

    assert_eq!(by_get.status, StatusCode::OK);
    assert!(!by_get.text.contains("alice"));
    assert_eq!(by_post.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(browser.cookies.is_empty());
    assert_eq!(browser.origin, Some(ORIGIN_OF_OURS));
}
