//! The page for somebody whose session has ended.

use http::StatusCode;
use innkeeper_domain::amendment::SubjectPatch;
use innkeeper_domain::check::Shown;
use innkeeper_domain::name::{SubjectId, TenantId};
use innkeeper_domain::policy::{Overflow, Policy, SessionLimit};
use innkeeper_domain::rotation::Occasion;
use innkeeper_domain::session::{EndReason, Initiator, SessionId};
use innkeeper_engine::revoke::{Revoked, Scope};
use innkeeper_gateway::{Added, Cost, Gateway, NewUser, Password, UserName};

use crate::harness::{Browser, House, PASSWORD};
use crate::sign_in::policy;

/// A session of alice's that somebody, or something, is about to end.
async fn house() -> House {
    House::new(Policy::default()).await
}

fn alice() -> (TenantId, SubjectId) {
    (TenantId::default(), SubjectId::parse("alice").unwrap())
}

async fn id(browser: &mut Browser<'_>) -> SessionId {
    let list = browser.get("/account").await;
    SessionId::parse(&list.values("data-session")[0]).unwrap()
}

/// Every page tells of the end, once each, and never sends the browser elsewhere.
async fn assert_told(browser: &Browser<'_>, reason: &str, words: &str) {
    for path in [
        "/",
        "/account",
        "/sign-in",
        "/sign-in?next=/account",
        "/_innkeeper/account",
        "/_innkeeper/sign-in",
    ] {
        let mut browser = browser.clone();
        let page = browser.get(path).await;

        assert_eq!(page.status, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(page.values("data-reason"), [reason], "{path}");
        assert!(page.text.contains(" data-ended"), "{path}");
        assert!(page.text.contains(words), "{path}: {}", page.text);
        assert!(page.text.contains("UTC</time>"), "it says when");
        assert!(page.text.contains("<dt>Ended by</dt>"), "it says by whom");
        assert!(page.text.contains("name=\"password\""), "and has a form");
        assert!(page.values("data-session").is_empty());
        let cookie = page.header("set-cookie").unwrap();
        assert_eq!(
            cookie,
            "innkeeper-demo=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"
        );
        let after = browser.get("/sign-in").await;
        assert_eq!(after.status, StatusCode::OK, "then it is forgotten");
        assert!(!after.text.contains("data-ended"));
    }
}

#[tokio::test]
async fn given_silence_when_a_page_is_asked_for_then_it_tells_of_the_idle_end() {
    let house = house().await;
    let browser = house.signed_in("alice").await;

    house.pass(30);

    assert_told(&browser, "idle", "not used for a while").await;
    assert_told(&browser, "idle", "the rules of this site").await;
}

#[tokio::test]
async fn given_a_whole_day_of_use_when_a_page_is_asked_for_then_it_tells_of_the_longest_time() {
    let house = house().await;
    let mut browser = house.signed_in("alice").await;

    for _ in 0..71 {
        house.pass(10);
        assert_eq!(browser.get("/").await.status, StatusCode::OK);
    }
    house.pass(10);

    assert_told(&browser, "absolute", "longest allowed time").await;
}

#[tokio::test]
async fn given_a_sign_out_in_another_tab_when_a_page_is_asked_for_then_it_tells_of_it() {
    let house = house().await;
    let browser = house.signed_in("alice").await;

    let out = browser.clone().post("/sign-out", &[]).await;

    assert_eq!(out.location(), "/sign-in?next=%2F&notice=signed-out");
    assert_told(&browser, "logout", "You signed out.").await;
}

#[tokio::test]
async fn given_an_end_by_another_session_when_a_page_is_asked_for_then_it_tells_of_it() {
    let house = house().await;
    let mut mine = house.signed_in("alice").await;
    let other = house.signed_in("alice").await;

    mine.post("/account/end-others", &[]).await;

    let words = "This session was ended from another of your sessions.";
    assert_told(&other, "revoked_by_user", words).await;
}

const IPHONE: &str = "Mozilla/5.0 (iPhone) Version/17.5 Safari/604.1";

#[tokio::test]
async fn given_an_end_for_or_by_another_device_when_a_page_is_asked_for_then_that_is_named() {
    let orders: [(Overflow, &str); 3] = [
        (Overflow::EvictLeastRecent, "evicted"),
        (Overflow::Ask, "revoked_by_user"),
        (Overflow::Observe, "revoked_by_user"),
    ];
    for (at_limit, reason) in orders {
        let house = House::new(policy(1, at_limit)).await;
        let mut mine = house.signed_in("alice").await;
        let target = id(&mut mine).await.to_string();
        let mut phone = house.browser();
        phone.user_agent = IPHONE.into();

        let page = phone.sign_in("alice", PASSWORD).await;
        match at_limit {
            Overflow::Ask => {
                let ticket = page.values("value")[1].clone();
                let fields = [("subject", "alice"), ("choice", &ticket), ("end", &target)];
                let chosen = phone.post("/sign-in/choice", &fields).await;
                assert_eq!(chosen.status, StatusCode::SEE_OTHER);
            }
            Overflow::Observe => {
                let path = format!("/account/sessions/{target}/end");
                let ended = phone.post(&path, &[]).await;
                assert_eq!(ended.location(), "/account?notice=ended");
            }
            _ => assert_eq!(page.status, StatusCode::SEE_OTHER),
        }
        let list = phone.get("/account").await;
        let told = mine.get("/sign-in?next=/orders").await;

        assert_eq!(told.values("data-reason"), [reason]);
        let device = "<dt>From</dt><dd><bdi>Safari on iPhone</bdi></dd>";
        assert!(told.text.contains(device), "{}", told.text);
        assert!(!told.text.contains("127.0.0.1"), "and nothing else of it");
        assert!(told.values("value").contains(&"/orders".to_owned()));
        assert!(
            list.text
                .contains("That was on <bdi>Safari on iPhone</bdi>.")
        );
    }
}

#[tokio::test]
async fn given_an_end_that_no_session_asked_for_when_told_then_no_device_is_named() {
    let house = house().await;
    let browser = house.signed_in("alice").await;
    let mut out = browser.clone();
    out.post("/sign-out", &[]).await;

    let told = browser.clone().get("/account").await;

    assert_eq!(told.values("data-reason"), ["logout"]);
    assert!(!told.text.contains("<dt>From</dt>"));
}

#[tokio::test]
async fn given_an_end_by_an_administrator_when_a_page_is_asked_for_then_it_tells_of_it() {
    let house = house().await;
    let mut browser = house.signed_in("alice").await;
    let target = id(&mut browser).await;

    let (tenant, _) = alice();
    let (reason, by) = (EndReason::RevokedByAdmin, Initiator::Admin);
    let scope = Scope::Tenant(&tenant);
    let revoked = house.authority.revoke(scope, target, reason, by).await;

    assert_eq!(revoked.unwrap(), Revoked::Ended);
    assert_told(&browser, "revoked_by_admin", "<dd>an administrator</dd>").await;
}

#[tokio::test]
async fn given_a_disabled_account_when_a_page_is_asked_for_then_it_tells_of_it() {
    let house = house().await;
    let browser = house.signed_in("alice").await;

    let (tenant, subject) = alice();
    let disabled = house.authority.disable(&tenant, &subject, Initiator::Admin);

    assert_eq!(disabled.await.unwrap(), 1);
    assert_told(&browser, "subject_disabled", "Your account was disabled.").await;
}

#[tokio::test]
async fn given_a_copy_of_the_token_in_use_when_a_page_is_asked_for_then_it_tells_of_it() {
    let house = house().await;
    let browser = house.signed_in("alice").await;
    let first = browser.token();
    let rotate = |token| {
        let authority = &house.authority;
        async move {
            match authority
                .rotate(None, &token, Shown::Nothing, Occasion::Renewal)
                .await
                .unwrap()
            {
                innkeeper_engine::rotate::RotateAnswer::Rotated(rotated) => rotated.token,
                innkeeper_engine::rotate::RotateAnswer::NoSession(_)
                | innkeeper_engine::rotate::RotateAnswer::DeviceMismatch => panic!("it is live"),
            }
        }
    };
    let second = rotate(first).await;
    let _third = rotate(second).await;
    house.pass(6);

    // The browser still has the first token, which somebody must have copied.
    assert_told(&browser, "reuse_detected", "an old copy of this session").await;
}

#[tokio::test]
async fn given_a_lower_limit_when_a_page_is_asked_for_then_it_tells_of_the_changed_rules() {
    let house = house().await;
    let first = house.signed_in("alice").await;
    house.pass(1);
    let _second = house.signed_in("alice").await;

    let (tenant, subject) = alice();
    let patch = SubjectPatch {
        groups: None,
        own_limit: Some(SessionLimit::new(1)),
        contact: None,
    };
    house
        .authority
        .amend(&tenant, &subject, &patch)
        .await
        .unwrap();

    assert_told(&first, "policy_change", "rules for sessions were changed").await;
}

#[tokio::test]
async fn given_an_ended_session_when_a_button_is_pressed_then_nothing_is_done_and_it_tells() {
    let house = house().await;
    let mut mine = house.signed_in("alice").await;
    let mut other = house.signed_in("alice").await;
    mine.post("/account/end-others", &[]).await;
    let before = other.clone();

    for path in ["/account/end-others", "/account/sessions/ses_x/end"] {
        let page = before.clone().post(path, &[]).await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(page.values("data-reason"), ["revoked_by_user"]);
    }

    assert_eq!(house.live("alice").await, 1);
    let again = other.sign_in("alice", PASSWORD).await;
    assert_eq!(
        again.status,
        StatusCode::SEE_OTHER,
        "signing in still works"
    );
}

#[tokio::test]
async fn given_a_session_of_another_tenant_when_a_page_is_asked_for_then_it_counts_for_nothing() {
    // S14: nothing crosses tenants.
    let house = house().await;
    let elsewhere = TenantId::parse("elsewhere").unwrap();
    let gateway = Gateway::demo(house.door(), elsewhere.clone()).at_cost(Cost::FOR_TESTS);
    let (_, subject) = alice();
    let user = NewUser {
        name: UserName::parse("alice").unwrap(),
        subject: Some(subject.clone()),
        groups: Vec::new(),
        password: Password::new("another"),
    };
    assert_eq!(gateway.users().add(user).await.unwrap(), Added::Done);
    let there = house.of_gateway(gateway);
    let mut browser = there.browser();
    browser.sign_in("alice", "another").await;
    assert_eq!(browser.get("/account").await.status, StatusCode::OK);

    let mut here = house.browser();
    here.cookies.clone_from(&browser.cookies);
    let page = here.get("/account").await;
    let _ = house
        .authority
        .revoke_all(
            &elsewhere,
            &subject,
            None,
            EndReason::Risk,
            Initiator::System,
        )
        .await
        .unwrap();
    let later = here.get("/account").await;

    assert_eq!(page.location(), "/sign-in?next=%2Faccount");
    assert_eq!(
        later.location(),
        "/sign-in?next=%2Faccount",
        "nor is its end told"
    );
}

#[tokio::test]
async fn given_a_token_nobody_knows_when_a_page_is_asked_for_then_it_is_the_plain_form() {
    let house = house().await;
    let other_house = House::new(Policy::default()).await;
    let foreign = other_house.signed_in("alice").await.cookies;

    for cookie in [
        "innkeeper-demo=",
        "innkeeper-demo=ik_x",
        foreign[0].as_str(),
    ] {
        let mut browser = house.browser();
        browser.cookies = vec![cookie.to_owned()];

        let form = browser.get("/sign-in").await;
        let home = browser.get("/").await;

        assert_eq!(form.status, StatusCode::OK);
        assert!(!form.text.contains("data-ended"));
        assert_eq!(home.status, StatusCode::SEE_OTHER);
        assert_eq!(home.location(), "/sign-in?next=%2F");
    }
}
