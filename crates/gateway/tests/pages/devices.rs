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
