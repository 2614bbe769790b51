//! Signing in, and being turned away.

use http::StatusCode;
use innkeeper_domain::name::{SubjectId, TenantId};
use innkeeper_domain::policy::{Overflow, Policy, SessionLimit, Terms};
use innkeeper_domain::session::{EndReason, Initiator};
use innkeeper_gateway::{Password, UserName};
use innkeeper_http::cookies::SessionCookie;
use serde_json::{Value, json};

use crate::harness::{House, PASSWORD};

pub(crate) fn policy(max_sessions: u64, at_limit: Overflow) -> Policy {
    Policy {
        terms: Terms {
            max_sessions: SessionLimit::new(max_sessions).unwrap(),
            at_limit,
            ..Terms::default()
        },
        ..Policy::default()
    }
}

#[tokio::test]
async fn given_the_right_password_when_signed_in_then_the_session_is_in_the_cookie() {
    let house = House::new(Policy::default()).await;
    let mut browser = house.browser();

    let page = browser.sign_in("alice", PASSWORD).await;

    assert_eq!(page.status, StatusCode::SEE_OTHER);
    assert_eq!(page.location(), "/");
    let cookie = page.header("set-cookie").unwrap();
    assert!(cookie.starts_with("innkeeper-demo=ik_"), "{cookie}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax"));
    assert_eq!(page.header("vary"), Some("Cookie"));
    let home = browser.get("/").await;
    assert_eq!(home.status, StatusCode::OK);
    assert!(home.text.contains("Signed in as <bdi>alice</bdi>"));

    let standing = house.standing("alice").await;
    let session = standing.roster.live(standing.now).next().unwrap();
    assert!(
        session.fenced,
        "it said which generation it was checked under"
    );
    assert_eq!(session.authentication.assurance.get(), 1);
    assert_eq!(session.authentication.methods[0].as_str(), "pwd");
    assert_eq!(session.client.as_ref().unwrap().as_str(), "demo");
    assert_eq!(session.origin.ip.unwrap().to_string(), "127.0.0.1");
}

#[tokio::test]
async fn given_a_site_with_tls_when_signed_in_then_the_cookie_is_that_of_the_host() {
    let house = House::with_cookie(Policy::default(), SessionCookie::HOST).await;

    let page = house.browser().sign_in("alice", PASSWORD).await;

    let cookie = page.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-innkeeper=ik_"), "{cookie}");
    assert!(cookie.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax"));
}

#[tokio::test]
async fn given_another_spelling_of_the_name_when_signed_in_then_it_is_the_same_user() {
    let house = House::new(Policy::default()).await;

    for name in ["Alice", " ALICE ", "alice"] {
        let page = house.browser().sign_in(name, PASSWORD).await;

        assert_eq!(page.status, StatusCode::SEE_OTHER, "{name:?}");
    }

    assert_eq!(house.live("alice").await, 3);
}

#[tokio::test]
async fn given_a_wrong_password_or_no_such_user_when_signed_in_then_the_answers_are_the_same() {
    let house = House::new(Policy::default()).await;
    let expected = house.browser().sign_in("alice", "wrong").await;
    assert_eq!(expected.status, StatusCode::UNAUTHORIZED);
    assert!(expected.text.contains("The name or the password is wrong."));

    let long = "x".repeat(5000);
    for (name, password) in [
        ("mallory", "wrong"),
        ("mallory", PASSWORD),
        ("alice", "Swordfish & chips"),
        ("alice", ""),
        ("alice", long.as_str()),
        ("", PASSWORD),
        ("a\0b", PASSWORD),
        ("a\u{202e}b", PASSWORD),
        (long.as_str(), PASSWORD),
    ] {
        let mut browser = house.browser();
        let page = browser.sign_in(name, password).await;

        let again = |text: &str| text.replace(&format!("value=\"{name}\""), "value=\"alice\"");
        assert_eq!(page.status, StatusCode::UNAUTHORIZED);
        assert_eq!(
            again(&page.without_attempt()),
            again(&expected.without_attempt())
        );
        assert_eq!(page.header("set-cookie"), None);
    }
    assert_eq!(house.live("alice").await, 0);
}

#[tokio::test]
async fn given_a_session_in_the_browser_when_signed_in_again_then_it_is_replaced() {
    let house = House::new(Policy::default()).await;
    let mut browser = house.signed_in("alice").await;
    let mut before = browser.clone();

    browser.sign_in("alice", PASSWORD).await;

    assert!(browser.token().reveal() != before.token().reveal());
    assert_eq!(house.live("alice").await, 1);
    let old = before.get("/").await;
    assert_eq!(old.values("data-reason"), ["superseded"]);
}

#[tokio::test]
async fn given_somebody_elses_session_in_the_browser_when_signed_in_then_it_ends_too() {
    let house = House::new(Policy::default()).await;
    let mut browser = house.signed_in("bob").await;
    let mut before = browser.clone();

    browser.sign_in("alice", PASSWORD).await;

    assert_eq!((house.live("alice").await, house.live("bob").await), (1, 0));
    assert_eq!(before.get("/").await.values("data-reason"), ["superseded"]);
}

#[tokio::test]
async fn given_a_token_that_a_browser_brought_when_signed_in_then_it_is_never_adopted() {
    let house = House::new(Policy::default()).await;
    let stolen = house.signed_in("bob").await;
    let mut browser = house.browser();
    browser.cookies = vec!["innkeeper-demo=ik_chosen".into()];

    browser.sign_in("alice", PASSWORD).await;

    assert!(!browser.cookies[0].contains("chosen"));
    assert!(browser.token().reveal() != stolen.token().reveal());
}

#[tokio::test]
async fn given_a_button_pressed_twice_when_answered_then_there_is_one_session() {
    let house = House::new(Policy::default()).await;
    let form = house.browser().get("/sign-in").await;
    let [_next, attempt, _name] = form.values("value").try_into().unwrap();
    let fields = [
        ("name", "alice"),
        ("password", PASSWORD),
        ("attempt", attempt.as_str()),
    ];
    let (mut first, mut second) = (house.browser(), house.browser());

    first.post("/sign-in", &fields).await;
    second.post("/sign-in", &fields).await;

    assert_eq!(first.cookies, second.cookies);
    assert_eq!(house.live("alice").await, 1);

    first.post("/sign-out", &[]).await;
    let late = second.post("/sign-in", &fields).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.text.contains("sign in once more"));
}

#[tokio::test]
async fn given_every_seat_taken_and_a_policy_that_refuses_when_signed_in_then_a_page_says_by_whom()
{
    let house = House::new(policy(2, Overflow::Refuse)).await;
    let (_one, _two) = (
        house.signed_in("alice").await,
        house.signed_in("alice").await,
    );
    let mut browser = house.browser();

    let page = browser.sign_in("alice", PASSWORD).await;

    assert_eq!(page.status, StatusCode::CONFLICT);
    assert_eq!(page.values("data-session").len(), 2);
    assert_eq!(page.values("data-do"), ["stay", "end", "end"]);
    assert!(page.text.contains("at 2 places at once"));
    assert!(browser.cookies.is_empty());
    assert_eq!(house.live("alice").await, 2);
    let wrong = house.browser().sign_in("alice", "wrong").await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert!(wrong.values("data-session").is_empty(), "nothing is shown");
}

#[tokio::test]
async fn given_a_disabled_account_when_signed_in_then_only_its_holder_is_told() {
    let house = House::new(Policy::default()).await;
    let (tenant, alice) = (TenantId::default(), SubjectId::parse("alice").unwrap());
    house
        .authority
        .disable(&tenant, &alice, Initiator::Admin)
        .await
        .unwrap();

    let right = house.browser().sign_in("alice", PASSWORD).await;
    let wrong = house.browser().sign_in("alice", "wrong").await;

    assert_eq!(right.status, StatusCode::FORBIDDEN);
    assert!(right.text.contains("This account is disabled."));
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert!(!wrong.text.contains("disabled"));
}

#[tokio::test]
async fn given_a_changed_password_when_the_old_one_is_used_then_it_is_wrong_and_all_has_ended() {
    let house = House::new(Policy::default()).await;
    let mut before = house.signed_in("alice").await;
    let name = UserName::parse("alice").unwrap();

    let changed = house
        .gateway
        .users()
        .set_password(&name, Password::new("another"), Initiator::User)
        .await;

    assert_eq!(changed.unwrap(), Some(1));
    let reason = before.get("/account").await.values("data-reason");
    assert_eq!(reason, ["credential_change"]);
    let old = house.browser().sign_in("alice", PASSWORD).await;
    assert_eq!(old.status, StatusCode::UNAUTHORIZED);
    let new = house.browser().sign_in("alice", "another").await;
    assert_eq!(new.status, StatusCode::SEE_OTHER);
    let nobody = UserName::parse("mallory").unwrap();
    let users = house.gateway.users();
    let absent = users.set_password(&nobody, Password::new("x"), Initiator::User);
    assert_eq!(absent.await.unwrap(), None);
}

#[tokio::test]
async fn given_a_store_that_does_not_answer_when_signed_in_then_nobody_is_and_a_page_says_so() {
    let house = House::new(Policy::default()).await;
    let mut inside = house.signed_in("alice").await;
    house.store.break_down();
    let mut browser = house.browser();

    let page = browser.sign_in("alice", PASSWORD).await;

    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.header("retry-after").is_some());
    assert!(
        page.header("content-type")
            .unwrap()
            .starts_with("text/html")
    );
    assert!(!page.text.contains("fire"), "the cause is for the log");
    assert!(browser.cookies.is_empty());
    let home = inside.get("/").await;
    assert_eq!(home.status, StatusCode::SERVICE_UNAVAILABLE);
    let out = inside.post("/sign-out", &[]).await;
    assert_eq!(out.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!inside.cookies.is_empty(), "it may not have ended");
}

#[tokio::test]
async fn given_a_limit_reached_when_signed_in_then_the_one_that_made_room_is_told() {
    let house = House::new(policy(1, Overflow::EvictOldest)).await;
    let mut first = house.signed_in("alice").await;

    let mut second = house.signed_in("alice").await;

    let told = first.get("/").await;
    assert_eq!(told.values("data-reason"), ["evicted"]);
    let list = second.get("/account").await;
    assert_eq!(list.values("data-session").len(), 1);
    let standing = house.standing("alice").await;
    let reasons: Vec<_> = standing
        .roster
        .remembered(standing.now)
        .map(|e| e.ending.reason)
        .collect();
    assert_eq!(reasons, [EndReason::Evicted]);
}

#[tokio::test]
async fn given_wrong_passwords_when_the_owner_is_told_of_the_last_sign_in_then_they_were_counted() {
    let house = House::new(Policy::default()).await;
    house.signed_in("alice").await;
    for _ in 0..3 {
        let guess = house.browser().sign_in("alice", "wrong").await;
        assert_eq!(guess.status, StatusCode::UNAUTHORIZED);
    }
    let nobody = house.browser().sign_in("nobody", "wrong").await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);

    let (_, alice) = house
        .call("GET", "/v1/subjects/alice", None, Value::Null)
        .await;
    let again = json!({"subject": "alice"});
    let (status, told) = house.call("POST", "/v1/sessions", None, again).await;

    assert_eq!(alice["last_sign_in"]["failures_since"], 3, "{alice}");
    assert_eq!(status, 201, "{told}");
    assert_eq!(told["previous_sign_in"]["failures_since"], 3, "{told}");
}
