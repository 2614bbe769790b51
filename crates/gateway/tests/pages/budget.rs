//! Sign-ins beyond the budget: who waits, who does not, and what they are told.

use std::net::IpAddr;
use std::time::Duration;

use http::StatusCode;
use innkeeper_domain::budget::Budget;
use innkeeper_domain::policy::Policy;
use innkeeper_engine::metrics::Text;

use crate::harness::{Browser, House, PASSWORD, Page};

const ATTACKER: &str = "198.51.100.1";
const OWNER: &str = "203.0.113.7";

fn policy(budget: &str) -> Policy {
    let mut policy = Policy::default();
    policy.terms.sign_ins = Budget::parse(budget).unwrap();
    policy
}

fn at<'h>(house: &'h House, address: &str) -> Browser<'h> {
    let mut browser = house.browser();
    browser.address = address.parse::<IpAddr>().unwrap();
    browser
}

/// Tries wrong passwords from there, until the answer is another than that they are wrong.
async fn guess(house: &House, name: &str, address: &str) -> (usize, Page) {
    let mut browser = at(house, address);
    for tried in 0.. {
        let page = browser.sign_in(name, "wrong").await;
        if page.status != StatusCode::UNAUTHORIZED {
            return (tried, page);
        }
    }
    unreachable!("a budget is bounded")
}

#[tokio::test]
async fn given_ten_wrong_passwords_when_the_right_one_follows_then_it_is_not_looked_at() {
    let house = House::new(policy("10/1m")).await;

    let (tried, _) = guess(&house, "alice", ATTACKER).await;
    let page = at(&house, ATTACKER).sign_in("alice", PASSWORD).await;

    assert_eq!(tried, 10);
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(page.header("retry-after"), Some("6"));
    let state = r#""subject_and_address";r=0;t=6"#;
    assert_eq!(page.header("ratelimit"), Some(state));
    let policy = r#""subject_and_address";q=10;w=60"#;
    assert_eq!(page.header("ratelimit-policy"), Some(policy));
    assert!(
        page.text.contains("Wait 6 seconds, then try again."),
        "{}",
        page.text
    );
    assert!(page.values("value").contains(&"alice".to_owned()));
    assert_eq!(house.live("alice").await, 0);
}

#[tokio::test]
async fn given_a_spent_budget_when_the_wait_is_over_then_the_right_password_opens() {
    let house = House::new(policy("10/1m")).await;
    guess(&house, "alice", ATTACKER).await;

    house.clock.pass(Duration::from_secs(6));
    let page = at(&house, ATTACKER).sign_in("alice", PASSWORD).await;

    assert_eq!(page.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn given_granted_sign_ins_when_there_were_as_many_as_the_budget_then_the_next_one_waits() {
    let house = House::new(policy("3/1m")).await;
    for _ in 0..3 {
        let page = at(&house, OWNER).sign_in("alice", PASSWORD).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER);
    }

    let page = at(&house, OWNER).sign_in("alice", PASSWORD).await;

    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn given_a_flood_from_elsewhere_when_the_owner_signs_in_then_it_has_cost_the_owner_nothing() {
    // V4: a flood spends the attacker's budget.
    let house = House::new(policy("10/1m")).await;
    guess(&house, "alice", ATTACKER).await;

    let (tried, _) = guess(&house, "alice", OWNER).await;

    assert_eq!(tried, 10);
}

#[tokio::test]
async fn given_a_flood_behind_the_owners_address_when_the_browser_is_known_then_the_owner_gets_in()
{
    let house = House::new(policy("10/1m")).await;
    let mut owner = at(&house, OWNER);
    assert_eq!(
        owner.sign_in("alice", PASSWORD).await.status,
        StatusCode::SEE_OTHER
    );
    guess(&house, "alice", OWNER).await;
    for address in ["198.51.100.2", "198.51.100.3", "2001:db8::1"] {
        guess(&house, "alice", address).await;
    }

    let stranger = at(&house, OWNER).sign_in("alice", PASSWORD).await;
    let known = owner.sign_in("alice", PASSWORD).await;

    assert_eq!(stranger.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(known.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn given_a_known_browser_when_it_guesses_then_it_has_a_budget_too() {
    let house = House::new(policy("10/1m")).await;
    let mut browser = at(&house, OWNER);
    assert_eq!(
        browser.sign_in("alice", PASSWORD).await.status,
        StatusCode::SEE_OTHER
    );

    for _ in 0..10 {
        let page = browser.sign_in("alice", "wrong").await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    }
    let page = browser.sign_in("alice", PASSWORD).await;

    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(
        page.header("ratelimit"),
        Some(r#""device_and_address";r=0;t=6"#)
    );
}

#[tokio::test]
async fn given_a_device_of_bob_when_it_guesses_for_alice_then_it_is_a_stranger() {
    let house = House::new(policy("10/1m")).await;
    let mut bob = at(&house, ATTACKER);
    assert_eq!(
        bob.sign_in("bob", PASSWORD).await.status,
        StatusCode::SEE_OTHER
    );

    guess(&house, "alice", ATTACKER).await;
    let page = bob.sign_in("alice", PASSWORD).await;

    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn given_a_name_that_nobody_has_when_it_is_tried_too_often_then_it_is_told_the_same() {
    // Or the budget would tell who has an account here.
    let house = House::new(policy("10/1m")).await;

    let (tried_known, known) = guess(&house, "alice", ATTACKER).await;
    let (tried_unknown, unknown) = guess(&house, "nobody", OWNER).await;
    let (tried_no_name, no_name) = guess(&house, "\u{202e}", "192.0.2.1").await;

    assert_eq!((tried_known, tried_unknown, tried_no_name), (10, 10, 10));
    let words = known.without_attempt();
    assert_eq!(unknown.without_attempt().replace("nobody", "alice"), words);
    assert_eq!(
        no_name.without_attempt().replace('\u{202e}', "alice"),
        words
    );
    for name in ["retry-after", "ratelimit", "ratelimit-policy"] {
        assert_eq!(unknown.header(name), known.header(name));
    }
}

#[tokio::test]
async fn given_other_spellings_of_a_name_when_tried_then_they_share_one_budget() {
    // S15.
    let house = House::new(policy("2/1m")).await;
    for name in ["alice", " ALICE"] {
        let page = at(&house, ATTACKER).sign_in(name, "wrong").await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    }

    let page = at(&house, ATTACKER).sign_in("Alice", "wrong").await;

    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn given_a_spent_budget_when_counted_then_the_place_is_named_and_nobody_else() {
    let house = House::new(policy("10/1m")).await;
    guess(&house, "alice", ATTACKER).await;

    let mut text = Text::default();
    house.authority.metrics().write(&mut text);
    let text = text.into_string();

    let line =
        "innkeeper_sign_ins_over_budget_total{place=\"hosted\",budget=\"subject_and_address\"} 1\n";
    assert!(text.contains(line), "{text}");
    assert!(!text.contains("alice") && !text.contains(ATTACKER));
}

#[tokio::test]
async fn given_a_policy_with_another_budget_when_it_is_put_then_the_next_try_obeys_it() {
    let house = House::new(policy("10/1m")).await;
    let body = serde_json::json!({"policy": {"sign_ins": "1/1h"}});
    let (status, _) = house.call("PUT", "/v1/policy", None, body).await;
    assert_eq!(status, 200);

    let (tried, page) = guess(&house, "alice", ATTACKER).await;

    assert_eq!(tried, 1);
    assert!(page.text.contains("Wait 60 minutes"), "{}", page.text);
}
