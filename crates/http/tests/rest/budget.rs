//! `POST /v1/sessions` under a budget.

use http::{Method, StatusCode};
use innkeeper_domain::budget::Budget;
use innkeeper_domain::name::ClientId;
use innkeeper_domain::policy::{Condition, Overflow, Rule, Setting};
use serde_json::{Value, json};

use crate::support::{Answer, Desk, MINUTE, desk, desk_with, policy};

const TEN: &str = r#""subject_and_address";q=10;w=60"#;

async fn budgeted(budget: &str) -> Desk {
    let mut policy = policy(5, Overflow::EvictLeastRecent);
    policy.terms.api_sign_ins = Budget::parse(budget).ok();
    desk_with(policy).await
}

async fn sign_in(desk: &Desk, subject: &str, ip: &str) -> Answer {
    let body = json!({"subject": subject, "ip": ip});
    desk.post("/v1/sessions", body).await
}

#[tokio::test]
async fn given_no_setting_when_signed_in_very_often_then_there_is_no_budget() {
    let desk = desk().await;

    for _ in 0..50 {
        let answer = sign_in(&desk, "alice", "203.0.113.7").await;
        assert_eq!(answer.status, StatusCode::CREATED);
        assert_eq!(answer.header("ratelimit"), None);
    }
}

#[tokio::test]
async fn given_a_budget_when_it_is_spent_then_each_answer_says_what_is_left_and_the_last_when_to_come()
 {
    let desk = budgeted("10/1m").await;
    for left in (0..10).rev() {
        let answer = sign_in(&desk, "alice", "203.0.113.7").await;

        assert_eq!(answer.status, StatusCode::CREATED);
        let state = format!(r#""subject_and_address";r={left};t={}"#, (10 - left) * 6);
        assert_eq!(answer.header("ratelimit"), Some(&*state));
        assert_eq!(answer.header("ratelimit-policy"), Some(TEN));
    }

    let answer = sign_in(&desk, "alice", "203.0.113.7").await;

    answer.assert_problem(429, "too-many-sign-ins");
    assert_eq!(answer.header("retry-after"), Some("6"));
    let state = r#""subject_and_address";r=0;t=6"#;
    assert_eq!(answer.header("ratelimit"), Some(state));
    assert_eq!(answer.header("ratelimit-policy"), Some(TEN));
    assert_eq!(desk.live("alice").await, 5);
    desk.clock.pass(MINUTE);
    let answer = sign_in(&desk, "alice", "203.0.113.7").await;
    assert_eq!(answer.status, StatusCode::CREATED);
}

#[tokio::test]
async fn given_a_spent_budget_when_another_address_or_subject_comes_then_it_has_its_own() {
    let desk = budgeted("1/1m").await;
    sign_in(&desk, "alice", "2001:db8::1").await;

    let same_network = sign_in(&desk, "alice", "2001:db8::2").await;
    let elsewhere = sign_in(&desk, "alice", "203.0.113.7").await;
    let another = sign_in(&desk, "bob", "2001:db8::1").await;

    same_network.assert_problem(429, "too-many-sign-ins");
    assert_eq!(elsewhere.status, StatusCode::CREATED);
    assert_eq!(another.status, StatusCode::CREATED);
}

#[tokio::test]
async fn given_no_address_when_signed_in_then_the_subject_alone_counts() {
    let desk = budgeted("1/1m").await;
    let one_more = async |name: &str| desk.post("/v1/sessions", json!({"subject": name})).await;
    for subject in ["alice"; 10] {
        assert_eq!(one_more(subject).await.status, StatusCode::CREATED);
    }

    let spent = one_more("alice").await;
    let another = one_more("bob").await;

    spent.assert_problem(429, "too-many-sign-ins");
    assert_eq!(spent.header("ratelimit"), Some(r#""subject";r=0;t=6"#));
    assert_eq!(another.status, StatusCode::CREATED);
}

#[tokio::test]
async fn given_a_flood_from_the_owners_address_when_the_device_is_known_then_the_owner_gets_in() {
    // V4: a flood spends the attacker's budget.
    let desk = budgeted("2/1m").await;
    let born = sign_in(&desk, "alice", "203.0.113.7").await;
    let device = born.word("/device/token").to_owned();
    for _ in 0..20 {
        sign_in(&desk, "alice", "203.0.113.7").await;
    }

    let with =
        |token: &str| json!({"subject": "alice", "ip": "203.0.113.7", "device_token": token});
    let made_up = desk.post("/v1/sessions", with("ikd_x")).await;
    let known = desk.post("/v1/sessions", with(&device)).await;

    made_up.assert_problem(429, "too-many-sign-ins");
    assert_eq!(known.status, StatusCode::CREATED);
    assert_eq!(
        known.header("ratelimit"),
        Some(r#""device_and_address";r=1;t=30"#)
    );
}

#[tokio::test]
async fn given_three_stolen_devices_that_are_tried_when_the_owner_shows_another_then_it_is_let_in()
{
    // V4: to show a device never leaves the owner worse off than not to.
    let desk = budgeted("2/1m").await;
    let mut devices = Vec::new();
    for n in 1..=4 {
        let born = sign_in(&desk, "alice", &format!("198.51.100.{n}")).await;
        devices.push(born.word("/device/token").to_owned());
    }
    let with = |token: &str, ip| json!({"subject": "alice", "ip": ip, "device_token": token});
    for token in &devices[..3] {
        for _ in 0..2 {
            let body = with(token, "203.0.113.7");
            assert_eq!(desk.post("/v1/sessions", body).await.status, 201);
        }
    }

    let owner = desk.post("/v1/sessions", with(&devices[3], "192.0.2.1"));
    let owner = owner.await;

    assert_eq!(owner.status, StatusCode::CREATED, "{}", owner.text);
}

#[tokio::test]
async fn given_a_spent_budget_when_an_answered_call_is_repeated_then_it_is_answered_again() {
    // Or a caller whose answer was lost would be told that nothing was done.
    let desk = budgeted("1/1m").await;
    let keyed = async |key: &str| {
        let call = desk.call(Method::POST, "/v1/sessions").bearer(&desk.admin);
        let body = json!({"subject": "alice", "ip": "203.0.113.7"});
        call.header("idempotency-key", key).json(&body).send().await
    };
    let first = keyed("0123456789abcdef").await;

    let again = keyed("0123456789abcdef").await;
    let another = keyed("fedcba9876543210").await;

    assert_eq!(again.status, StatusCode::CREATED);
    assert_eq!(again.word("/token"), first.word("/token"));
    another.assert_problem(429, "too-many-sign-ins");
}

#[tokio::test]
async fn given_a_refusal_at_the_limit_when_the_choice_is_made_then_the_choice_costs_nothing() {
    let mut asking = policy(1, Overflow::Ask);
    asking.terms.api_sign_ins = Budget::parse("2/1m").ok();
    let desk = desk_with(asking).await;
    sign_in(&desk, "alice", "203.0.113.7").await;
    let refused = sign_in(&desk, "alice", "203.0.113.7").await;
    refused.assert_problem(409, "session-limit");

    let choice = json!({
        "subject": "alice", "choice": refused.word("/choice"),
        "end": [refused.word("/sessions/0/id")],
    });
    let chosen = desk.post("/v1/sessions", choice).await;

    assert_eq!(chosen.status, StatusCode::CREATED, "{}", chosen.text);
}

#[tokio::test]
async fn given_a_rule_by_client_when_signed_in_then_its_budget_holds_there() {
    let mut ruled = policy(5, Overflow::EvictLeastRecent);
    ruled.rules.push(Rule {
        when: Condition {
            clients: vec![ClientId::parse("tv").expect("it is a name")],
            ..Condition::default()
        },
        set: Setting {
            api_sign_ins: Budget::parse("1/1m").ok(),
            ..Setting::default()
        },
        ..Rule::default()
    });
    let desk = desk_with(ruled).await;
    let on = |client: &str| json!({"subject": "alice", "client": client, "ip": "203.0.113.7"});

    let tv = [
        desk.post("/v1/sessions", on("tv")).await,
        desk.post("/v1/sessions", on("tv")).await,
    ];
    let web = [
        desk.post("/v1/sessions", on("web")).await,
        desk.post("/v1/sessions", on("web")).await,
    ];

    assert_eq!(tv.map(|a| a.status.as_u16()), [201, 429]);
    assert_eq!(web.map(|a| a.status.as_u16()), [201, 201]);
}

#[tokio::test]
async fn given_budgets_in_a_policy_when_put_then_they_are_held_to_what_a_budget_may_be() {
    let desk = desk().await;
    let put = async |body: Value| {
        let call = desk.call(Method::PUT, "/v1/policy").bearer(&desk.admin);
        call.json(&body).send().await
    };

    let fine = put(json!({"policy": {"sign_ins": "5/1m", "api_sign_ins": "100/1h"}})).await;
    let wrong = put(json!({"policy": {"sign_ins": "lots"}})).await;
    let number = put(json!({"policy": {"sign_ins": 10}})).await;
    let rule = json!({"when": {"group": ["admins"]}, "sign_ins": "1/1m"});
    let by_group = put(json!({"rules": [rule]})).await;

    assert_eq!(fine.status, StatusCode::OK, "{}", fine.text);
    assert_eq!(fine.word("/policy/sign_ins"), "5/1m");
    assert_eq!(fine.word("/policy/api_sign_ins"), "100/1h");
    wrong.assert_invalid("policy.sign_ins");
    assert!(wrong.text.contains("10/1m"), "{}", wrong.text);
    number.assert_invalid("policy.sign_ins");
    by_group.assert_invalid("rules[0].sign_ins");
}

#[tokio::test]
async fn given_a_spent_budget_when_counted_then_the_place_is_named() {
    let desk = budgeted("1/1m").await;
    for _ in 0..3 {
        sign_in(&desk, "alice", "203.0.113.7").await;
    }

    let metrics = desk.call(Method::GET, "/metrics").send().await.text;

    let spent =
        "innkeeper_sign_ins_over_budget_total{place=\"api\",budget=\"subject_and_address\"} 2\n";
    assert!(metrics.contains(spent), "{metrics}");
    assert!(metrics.contains("innkeeper_admissions_total{outcome=\"over_budget\"} 2\n"));
}
