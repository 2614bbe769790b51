//! Staying signed in when the browser is closed, where the policy has a rule for it.

use std::time::Duration;

use http::StatusCode;
use innkeeper_domain::policy::{Condition, Overflow, Policy, Rule, Setting};

use crate::harness::{House, PASSWORD};
use crate::sign_in::policy;

/// A rule that lets remembered sessions live for a month.
fn with_rule(policy: Policy) -> Policy {
    let day = Duration::from_hours(24);
    let rule = Rule {
        when: Condition {
            remember: Some(true),
            ..Condition::default()
        },
        set: Setting {
            idle: Some(day * 14),
            absolute: Some(day * 30),
            ..Setting::default()
        },
        ..Rule::default()
    };
    Policy {
        rules: vec![rule],
        ..policy
    }
}

const TICKED: [(&str, &str); 3] = [
    ("name", "alice"),
    ("password", PASSWORD),
    ("remember", "yes"),
];

#[tokio::test]
async fn given_a_rule_for_the_remembered_when_the_box_is_ticked_then_cookie_and_session_last() {
    let house = House::hosted(with_rule(Policy::default())).await;
    let mut browser = house.browser();

    let form = browser.get("/sign-in").await;
    let page = browser.post("/sign-in", &TICKED).await;

    assert!(form.values("name").contains(&"remember".to_owned()));
    assert!(
        !form.text.contains(" checked"),
        "nobody is asked twice to untick it"
    );
    let cookie = page.header("set-cookie").unwrap();
    let attributes = "; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=2592000";
    assert!(cookie.ends_with(attributes), "{cookie}");
    house.pass(13 * 24 * 60);
    assert_eq!(browser.get("/account").await.status, StatusCode::OK);
    house.pass(14 * 24 * 60);
    let told = browser.get("/account").await;
    assert_eq!(told.values("data-reason"), ["idle"]);
}

#[tokio::test]
async fn given_a_rule_for_the_remembered_when_the_box_is_left_then_nothing_lasts() {
    let house = House::hosted(with_rule(Policy::default())).await;
    let mut browser = house.browser();

    let page = browser.sign_in("alice", PASSWORD).await;

    assert!(!page.header("set-cookie").unwrap().contains("Max-Age"));
    house.pass(31);
    let told = browser.get("/account").await;
    assert_eq!(told.values("data-reason"), ["idle"]);
}

/// Otherwise anybody could have a cookie that lasts, by a form of their own.
#[tokio::test]
async fn given_no_rule_for_the_remembered_when_the_box_is_sent_all_the_same_then_it_counts_for_nothing()
 {
    let house = House::hosted(Policy::default()).await;
    let mut browser = house.browser();

    let form = browser.get("/sign-in").await;
    let page = browser.post("/sign-in", &TICKED).await;

    assert!(!form.values("name").contains(&"remember".to_owned()));
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    assert!(!page.header("set-cookie").unwrap().contains("Max-Age"));
    let standing = house.standing("alice").await;
    assert!(standing.roster.live(standing.now).all(|s| !s.remember));
}

#[tokio::test]
async fn given_a_ticked_box_when_the_password_is_wrong_or_the_seats_are_taken_then_it_is_not_lost()
{
    let house = House::hosted(with_rule(policy(1, Overflow::Ask))).await;
    let mut first = house.signed_in("alice").await;
    let target = first.get("/account").await.values("data-session")[0].clone();
    let mut browser = house.browser();

    let wrong = [
        ("name", "alice"),
        ("password", "wrong"),
        ("remember", "yes"),
    ];
    let again = browser.post("/sign-in", &wrong).await;
    let list = browser.post("/sign-in", &TICKED).await;
    let ticket = list.values("value")[1].clone();
    let fields = [("subject", "alice"), ("choice", &ticket), ("end", &target)];
    let chosen = browser.post("/sign-in/choice", &fields).await;

    assert!(again.text.contains(" checked"));
    assert_eq!(list.status, StatusCode::CONFLICT);
    let cookie = chosen.header("set-cookie").unwrap();
    assert!(cookie.ends_with("; Max-Age=2592000"), "{cookie}");
}

#[tokio::test]
async fn given_another_word_in_the_box_when_sent_then_it_is_refused() {
    let house = House::hosted(with_rule(Policy::default())).await;

    let fields = [
        ("name", "alice"),
        ("password", PASSWORD),
        ("remember", "no"),
    ];
    let page = house.browser().post("/sign-in", &fields).await;

    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(house.live("alice").await, 0);
}
