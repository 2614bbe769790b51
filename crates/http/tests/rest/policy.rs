//! `GET` and `PUT /v1/policy`.

use http::Method;
use innkeeper_engine::keys::KeyScope;
use serde_json::{Value, json};

use crate::support::{Answer, Desk, desk};

async fn put(desk: &Desk, body: Value) -> Answer {
    let call = desk.call(Method::PUT, "/v1/policy");
    call.bearer(&desk.admin).json(&body).send().await
}

#[tokio::test]
async fn given_a_policy_when_shown_and_put_back_then_nothing_changes() {
    let desk = desk().await;

    let shown = desk.get("/v1/policy").await;
    let back = put(&desk, shown.json.clone()).await;

    assert_eq!(shown.status, 200);
    shown.assert_members("", &["version", "policy", "rules", "limits", "tenants"]);
    assert_eq!(shown.json["version"], 1);
    assert_eq!((back.status.as_u16(), &back.json), (200, &shown.json));
}

/// The next answer about anybody obeys it, and says why.
#[tokio::test]
async fn given_a_lower_limit_when_put_then_it_is_in_force_before_the_next_answer() {
    let desk = desk().await;
    let (first, _) = desk.sign_in("alice").await;
    let (second, _) = desk.sign_in("alice").await;

    let lowered = put(&desk, json!({"version": 1, "policy": {"max_sessions": 1}})).await;

    assert_eq!(lowered.json["version"], 2);
    let displaced = desk.check(&first).await;
    displaced.assert_problem(401, "no-session");
    assert_eq!(displaced.word("/reason"), "policy_change");
    assert_eq!(desk.check(&second).await.status, 200);
    assert_eq!(desk.live("alice").await, 1);
}

#[tokio::test]
async fn given_two_who_saw_the_same_version_when_both_put_then_the_second_is_told() {
    let desk = desk().await;
    let seen = desk.get("/v1/policy").await.json;
    let with = |max: u64| {
        let mut body = seen.clone();
        body["policy"]["max_sessions"] = json!(max);
        body
    };

    let first = put(&desk, with(3)).await;
    let second = put(&desk, with(4)).await;

    assert_eq!(first.status, 200);
    second.assert_problem(412, "stale-policy");
    let shown = desk.get("/v1/policy").await;
    assert_eq!(shown.json["policy"]["max_sessions"], 3);
}

#[tokio::test]
async fn given_a_key_of_one_tenant_when_the_policy_of_all_is_put_then_it_is_forbidden() {
    let desk = desk().await;
    let key = desk.key(&[KeyScope::Admin], Some("acme")).await;

    let call = desk
        .call(Method::PUT, "/v1/policy?tenant=acme")
        .bearer(&key);
    let answer = call
        .json(&json!({"policy": {"max_sessions": 1}}))
        .send()
        .await;

    answer.assert_problem(403, "forbidden");
    assert_eq!(desk.get("/v1/policy").await.json["version"], 1);
}

#[tokio::test]
async fn given_a_key_of_one_tenant_when_the_policy_is_asked_for_then_it_is_shown() {
    let desk = desk().await;
    let key = desk.key(&[KeyScope::Manage], Some("acme")).await;
    let show = |tenant| desk.call(Method::GET, tenant).bearer(&key);

    assert_eq!(show("/v1/policy?tenant=acme").send().await.status, 200);
    let foreign = show("/v1/policy").send().await;
    foreign.assert_problem(403, "forbidden");
}

#[tokio::test]
async fn given_a_document_that_is_wrong_when_put_then_the_field_is_named_and_nothing_changes() {
    let desk = desk().await;

    for (body, field) in [
        (
            json!({"policy": {"max_sessions": 0}}),
            "policy.max_sessions",
        ),
        (json!({"policy": {"idles": 60}}), "policy.idles"),
        (
            json!({"policy": {"idle": 7200, "absolute": 3600}}),
            "policy.idle",
        ),
        (
            json!({"policy": {"at_limit": "explode"}}),
            "policy.at_limit",
        ),
        (
            json!({"rules": [{"when": {"remember": true}, "idle": 0}]}),
            "rules[0].idle",
        ),
        (
            json!({"rules": [{"when": {"remember": true}, "idle": 2, "absolute": 1}]}),
            "rules[0].idle",
        ),
        (
            json!({"rules": [{"when": {"group": []}, "idle": 5}]}),
            "rules[0].when.group",
        ),
        (
            json!({"limits": [{"per": "client"}]}),
            "limits[0].max_sessions",
        ),
        (json!({"version": 0}), "version"),
        (
            json!({"policy": {"preset": "pci", "idle": 901}}),
            "policy.idle",
        ),
        (
            json!({"policy": {"preset": "pci"}, "rules": [{"when": {"remember": true}, "idle": 901}]}),
            "rules[0].idle",
        ),
    ] {
        put(&desk, body).await.assert_invalid(field);
    }

    assert_eq!(desk.get("/v1/policy").await.json["version"], 1);
}

#[tokio::test]
async fn given_a_laxer_value_than_the_preset_when_put_with_its_reason_then_both_are_shown() {
    let desk = desk().await;
    let body = json!({"policy": {"preset": "pci", "idle": 1000, "reason": {"idle": "the hall"}}});

    let answer = put(&desk, body).await;

    assert_eq!(answer.status, 200);
    let shown = desk.get("/v1/policy").await.json;
    assert_eq!(shown["policy"]["preset"], "pci");
    assert_eq!(shown["policy"]["reason"], json!({"idle": "the hall"}));
    assert_eq!(shown["policy"]["idle"], 1000);
}

/// Whoever misspells a limit is told which one may have been meant.
#[tokio::test]
async fn given_a_member_that_is_misspelt_when_put_then_the_nearest_is_named() {
    let desk = desk().await;

    let answer = put(&desk, json!({"policy": {"max_session": 1}})).await;

    assert_eq!(
        answer.word("/fields/0/message"),
        "there is no such member; did you mean max_sessions?"
    );
}

#[tokio::test]
async fn given_a_policy_when_tried_then_it_says_whom_it_would_hit_and_nothing_changes() {
    let desk = desk().await;
    for _ in 0..3 {
        let _ = desk.sign_in("alice").await;
    }
    let _ = desk.sign_in("bob").await;

    let tried = desk.post("/v1/policy/try", json!({"policy": {"max_sessions": 1}}));

    let expected = json!({
        "subjects": 2, "sessions": 4, "subjects_hit": 1, "ended": 2, "refused": 0,
        "histogram": [{"live": 1, "subjects": 1}, {"live": 3, "subjects": 1}],
        "examples": [{"tenant": "default", "subject": "alice", "live": 3, "ended": 2, "refused": 0}],
    });
    assert_eq!(tried.await.json, expected);
    assert_eq!(desk.live("alice").await, 3);
    assert_eq!(desk.get("/v1/policy").await.json["version"], 1);
}

#[tokio::test]
async fn given_a_history_when_a_policy_is_tried_on_it_then_births_that_are_over_count_too() {
    let desk = desk().await;
    for _ in 0..3 {
        let _ = desk.sign_in("alice").await;
    }
    let path = "/v1/subjects/alice/sessions";
    let gone = desk.call(Method::DELETE, path).bearer(&desk.admin);
    assert_eq!(gone.send().await.json, json!({"ended": 3}));
    let stricter = json!({"policy": {"max_sessions": 1}});

    let now = desk.post("/v1/policy/try", stricter.clone()).await;
    let before = desk.post("/v1/policy/try?history=all", stricter.clone());
    let before = before.await;

    assert_eq!(
        (&now.json["sessions"], &now.json["ended"]),
        (&json!(0), &json!(0))
    );
    let told = |name: &str| before.json[name].clone();
    assert_eq!((told("sessions"), told("ended")), (json!(3), json!(2)));
    for wrong in ["", "0", "07", "-1", "1.5", "one", "10000000000"] {
        let path = format!("/v1/policy/try?history={wrong}");
        let answer = desk.post(&path, stricter.clone()).await;
        answer.assert_invalid("history");
    }
}

/// S14: who the other tenants are, and what they are sold, is nothing to a key of one.
#[tokio::test]
async fn s14_given_a_key_of_a_tenant_when_the_policy_is_shown_then_no_other_tenant_is_in_it() {
    let desk = desk().await;
    let rows = json!([
        {"tenant": ["acme", "rival"], "seats": 500},
        {"tenant": ["rival"], "seats": 77},
        {"seats": 9000},
    ]);
    assert_eq!(put(&desk, json!({"tenants": rows})).await.status, 200);
    let key = desk.key(&[KeyScope::Manage], Some("acme")).await;

    let call = desk.call(Method::GET, "/v1/policy?tenant=acme");
    let seen = call.bearer(&key).send().await;

    assert_eq!(seen.status, 200, "{}", seen.text);
    let own = json!([{"tenant": ["acme"], "seats": 500}, {"seats": 9000}]);
    assert_eq!(seen.json["tenants"], own);
    assert_eq!(desk.get("/v1/policy").await.json["tenants"], rows);
}
