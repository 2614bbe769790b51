//! What a person is told of the sign-in before, and of those that failed since (AC-9).

use http::StatusCode;
use innkeeper_domain::policy::{Overflow, Policy};

use crate::harness::{House, PASSWORD};
use crate::sign_in::policy;

#[tokio::test]
async fn given_failed_sign_ins_when_signed_in_then_they_are_told_on_the_way_and_never_again() {
    let house = House::hosted(Policy::default()).await;
    let mut first = house.browser();
    first.user_agent = "Mozilla/5.0 (iPhone) Version/17.5 Safari/604.1".into();
    first.sign_in("alice", PASSWORD).await;
    let mut thief = house.browser();
    for _ in 0..3 {
        thief.sign_in("alice", "wrong").await;
    }
    house.pass(5);
    let mut mine = house.browser();

    let fields = [
        ("name", "alice"),
        ("password", PASSWORD),
        ("next", "/orders?id=7"),
    ];
    let page = mine.post("/_innkeeper/sign-in", &fields).await;
    let notice = mine.get(page.location()).await;
    let account = mine.get("/account").await;
    let later = house.browser().post("/_innkeeper/sign-in", &fields).await;

    let address = "/_innkeeper/sign-in/notice?next=%2Forders%3Fid%3D7";
    assert_eq!(page.location(), address);
    assert_eq!(notice.status, StatusCode::OK);
    for page in [&notice, &account] {
        assert!(page.text.contains("3 attempts to sign in as you failed"));
        assert!(page.text.contains("Safari on iPhone"), "{}", page.text);
        assert!(page.text.contains("5 minutes ago"));
    }
    assert!(notice.values("href").contains(&"/orders?id=7".to_owned()));
    assert_eq!(notice.values("data-do"), ["sign-out", "continue"]);
    assert_eq!(later.location(), "/orders?id=7", "they are told once");
}

#[tokio::test]
async fn given_failed_sign_ins_when_a_seat_is_chosen_then_they_are_told_on_the_way_too() {
    let house = House::hosted(policy(1, Overflow::Ask)).await;
    let mut first = house.signed_in("alice").await;
    let target = first.get("/account").await.values("data-session")[0].clone();
    let mut browser = house.browser();
    browser.sign_in("alice", "wrong").await;

    let list = browser.sign_in("alice", PASSWORD).await;
    let ticket = list.values("value")[1].clone();
    let fields = [("subject", "alice"), ("choice", &ticket), ("end", &target)];
    let chosen = browser.post("/sign-in/choice", &fields).await;

    assert_eq!(chosen.location(), "/sign-in/notice?next=%2Faccount");
    let notice = browser.get(chosen.location()).await;
    assert!(notice.text.contains("One attempt to sign in as you failed"));
}

#[tokio::test]
async fn given_the_notice_when_a_stranger_or_a_false_address_asks_then_it_leads_nowhere_else() {
    let house = House::hosted(Policy::default()).await;
    let mut mine = house.signed_in("alice").await;

    let stranger = house.browser().get("/sign-in/notice?next=%2Fa").await;
    let astray = mine.get("/sign-in/notice?next=https://evil.example").await;

    assert_eq!(stranger.location(), "/sign-in?next=%2Fa");
    assert!(!astray.text.contains("evil.example"));
    assert!(astray.values("href").contains(&"/account".to_owned()));
}
