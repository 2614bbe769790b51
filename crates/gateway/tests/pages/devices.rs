//! The devices of a browser: recognised at the form, and held by several people side by side.

use http::StatusCode;
use innkeeper_domain::policy::{BindTo, Policy, UnseenDevice};
use innkeeper_domain::session::EndReason;

use crate::harness::{House, PASSWORD};

fn binding() -> Policy {
    let mut policy = Policy::default();
    policy.terms.binding = BindTo::Device;
    policy
}

#[tokio::test]
async fn given_two_people_on_one_browser_when_they_sign_in_by_turns_then_each_has_one_device() {
    let house = House::new(Policy::default()).await;
    let mut browser = house.browser();

    for name in ["alice", "bob", "alice", "bob"] {
        let page = browser.sign_in(name, PASSWORD).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.text);
    }

    for name in ["alice", "bob"] {
        let roster = house.standing(name).await.roster;
        assert_eq!(roster.devices.len(), 1, "{name}");
        let label = roster.devices[0].label.as_ref().unwrap();
        assert_eq!(label.as_str(), "Firefox on Linux");
    }
    let devices = browser.cookies.iter().filter(|c| c.contains("-device-"));
    assert_eq!(devices.count(), 2);
}

#[tokio::test]
async fn given_a_sign_out_when_the_person_comes_back_then_the_device_is_still_known() {
    let house = House::new(Policy::default()).await;
    let mut browser = house.signed_in("alice").await;
    let _ = browser.post("/sign-out", &[]).await;
    assert_eq!(browser.cookies.len(), 1, "the device stays");

    let _ = browser.sign_in("alice", PASSWORD).await;

    assert_eq!(house.standing("alice").await.roster.devices.len(), 1);
}

#[tokio::test]
async fn given_a_bound_session_when_its_cookie_is_stolen_alone_then_it_opens_nothing_and_ends() {
    let house = House::new(binding()).await;
    let mut browser = house.signed_in("alice").await;
    let mut thief = house.browser();
    thief.cookies.push(browser.cookies[0].clone());

    for _ in 0..2 {
        let page = thief.get("/account").await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "to the form");
        assert_eq!(browser.get("/account").await.status, StatusCode::OK);
    }
    let _ = thief.get("/account").await;

    let told = browser.get("/account").await;
    assert_eq!(told.values("data-reason"), ["device_mismatch"]);
    let roster = house.standing("alice").await.roster;
    assert_eq!(roster.ended[0].ending.reason, EndReason::DeviceMismatch);
}

#[tokio::test]
async fn given_a_policy_that_refuses_unseen_devices_when_one_is_at_the_form_then_it_says_so() {
    let mut policy = Policy::default();
    policy.terms.unseen_device = UnseenDevice::Refuse;
    let house = House::new(policy).await;

    let page = house.browser().sign_in("alice", PASSWORD).await;

    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.text.contains("devices that you have used before"));
    assert_eq!(house.live("alice").await, 0);
}

#[tokio::test]
async fn given_two_devices_when_the_account_is_shown_then_each_is_there_and_this_one_is_first() {
    let house = House::new(Policy::default()).await;
    let mut phone = house.browser();
    phone.user_agent = "Mozilla/5.0 (iPhone) Version/17.0 Mobile Safari/604.1".into();
    let _ = phone.sign_in("alice", PASSWORD).await;
    house.pass(5);
    let mut browser = house.signed_in("alice").await;

    let page = browser.get("/account").await;

    let roster = house.standing("alice").await.roster;
    let shown = page.values("data-device");
    assert_eq!(shown.len(), 2);
    assert_eq!(shown[0], roster.devices[1].id.to_string());
    let doors = page.values("data-do");
    let has = |word: &str| doors.iter().filter(|d| *d == word).count();
    assert_eq!((has("trust"), has("end-device")), (1, 1), "{doors:?}");
    assert!(page.text.contains("5 minutes ago"), "{}", page.text);
}

#[tokio::test]
async fn given_a_device_when_its_owner_trusts_it_then_it_is_trusted_and_asks_no_more() {
    let house = House::new(Policy::default()).await;
    let mut browser = house.signed_in("alice").await;

    let page = browser.post("/account/devices/current/trust", &[]).await;

    assert_eq!(page.location(), "/account?notice=trusted");
    assert!(house.standing("alice").await.roster.devices[0].is_trusted());
    let page = browser.get("/account?notice=trusted").await;
    assert!(page.text.contains("You trust this device now."));
    assert!(page.text.contains(" data-trusted"));
    assert!(!page.values("data-do").contains(&"trust".to_owned()));
}

#[tokio::test]
async fn given_a_sign_in_of_some_time_ago_when_a_device_is_trusted_then_identity_is_asked_for_first()
 {
    let house = House::new(Policy::default()).await;
    let mut browser = house.signed_in("alice").await;
    house.pass(16);

    let page = browser.post("/account/devices/current/trust", &[]).await;

    assert_eq!(page.location(), "/sign-in?next=%2Faccount&notice=confirm");
    assert!(!house.standing("alice").await.roster.devices[0].is_trusted());
    let again = browser.sign_in("alice", PASSWORD).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER);
    let page = browser.post("/account/devices/current/trust", &[]).await;
    assert_eq!(page.location(), "/account?notice=trusted");
}

#[tokio::test]
async fn given_another_device_when_it_is_forgotten_then_its_sessions_end_and_it_is_unknown() {
    let house = House::new(Policy::default()).await;
    let mut other = house.signed_in("alice").await;
    let mut browser = house.signed_in("alice").await;
    let id = browser.get("/account").await.values("data-device")[1].clone();

    let page = browser
        .post(&format!("/account/devices/{id}/end"), &[])
        .await;

    assert_eq!(page.location(), "/account?notice=forgotten");
    assert_eq!(house.live("alice").await, 1);
    let told = other.get("/account").await;
    assert_eq!(told.values("data-reason"), ["revoked_by_user"]);
    assert_eq!(house.standing("alice").await.roster.devices.len(), 1);
}

#[tokio::test]
async fn given_a_device_of_somebody_else_when_it_is_forgotten_then_it_looks_absent_and_stays() {
    // S7.
    let house = House::new(Policy::default()).await;
    let _ = house.signed_in("bob").await;
    let id = house.standing("bob").await.roster.devices[0].id;
    let mut browser = house.signed_in("alice").await;

    let foreign = browser
        .post(&format!("/account/devices/{id}/end"), &[])
        .await;
    let none = browser.post("/account/devices/dev_x/end", &[]).await;

    assert_eq!(
        (foreign.status, none.status),
        (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND)
    );
    assert_eq!(foreign.text, none.text);
    assert_eq!(house.standing("bob").await.roster.devices.len(), 1);
}

#[tokio::test]
async fn given_another_site_when_it_sends_the_forms_of_devices_then_nothing_is_done() {
    let house = House::new(Policy::default()).await;
    let _ = house.signed_in("alice").await;
    let mut browser = house.signed_in("alice").await;
    let id = house.standing("alice").await.roster.devices[0].id;
    for origin in [None, Some("https://evil.example"), Some("null")] {
        browser.origin = origin;
        for path in [
            "/account/devices/current/trust".into(),
            format!("/account/devices/{id}/end"),
        ] {
            let page = browser.post(&path, &[]).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{path} {origin:?}");
        }
    }

    let roster = house.standing("alice").await.roster;
    assert_eq!(roster.devices.len(), 2);
    assert!(roster.devices.iter().all(|d| !d.is_trusted()));
}
