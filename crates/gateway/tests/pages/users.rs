//! The calls about local users, and what the pages make of them.

use http::StatusCode;
use innkeeper_domain::policy::Policy;
use innkeeper_domain::session::Initiator;
use innkeeper_gateway::UserName;
use serde_json::{Value, json};

use crate::harness::{House, PASSWORD};

const NEW: &str = "another & longer";

#[tokio::test]
async fn given_a_user_made_over_the_api_when_she_signs_in_then_she_is_let_in_at_once() {
    let house = House::new(Policy::default()).await;
    let carol =
        json!({"name": "Carol", "password": PASSWORD, "subject": "u-7", "groups": ["staff"]});

    let (status, made) = house.call("POST", "/v1/users", None, carol).await;

    assert_eq!(status, 201, "{made}");
    assert_eq!(
        made,
        json!({"name": "carol", "subject": "u-7", "groups": ["staff"]})
    );
    house.signed_in("CAROL").await;
    assert_eq!(house.live("u-7").await, 1);
}

#[tokio::test]
async fn given_a_new_password_over_the_api_when_set_then_all_ends_as_credential_change() {
    let house = House::new(Policy::default()).await;
    let mut before = house.signed_in("alice").await;
    let generation = house.standing("alice").await.roster.generation;

    let path = "/v1/users/alice/password";
    let (status, answer) = house
        .call("PUT", path, None, json!({"password": NEW}))
        .await;

    assert_eq!((status, answer), (200, json!({"ended": 1})));
    let reason = before.get("/account").await.values("data-reason");
    assert_eq!(reason, ["credential_change"]);
    assert!(house.standing("alice").await.roster.generation > generation);
    let old = house.browser().sign_in("alice", PASSWORD).await;
    assert_eq!(old.status, StatusCode::UNAUTHORIZED);
    let new = house.browser().sign_in("alice", NEW).await;
    assert_eq!(new.status, StatusCode::SEE_OTHER);
}

/// A password that still opened something would bring the groups back that were erased.
#[tokio::test]
async fn given_a_subject_when_erased_then_its_local_users_are_gone_and_no_others() {
    let house = House::new(Policy::default()).await;
    for name in ["carol", "carol-at-work"] {
        let user =
            json!({"name": name, "password": PASSWORD, "subject": "u-7", "groups": ["staff"]});
        let (status, made) = house.call("POST", "/v1/users", None, user).await;
        assert_eq!(status, 201, "{made}");
    }
    house.signed_in("carol").await;

    let (status, said) = house
        .call("DELETE", "/v1/subjects/u-7", None, Value::Null)
        .await;

    assert_eq!(status, 204, "{said}");
    for name in ["carol", "carol-at-work"] {
        let page = house.browser().sign_in(name, PASSWORD).await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED, "{name}");
    }
    let standing = house.standing("u-7").await;
    assert!(standing.roster.groups.is_empty());
    house.signed_in("bob").await;
}

#[tokio::test]
async fn given_a_user_when_removed_over_the_api_then_all_ends_and_nobody_signs_in_by_that_name() {
    let house = House::new(Policy::default()).await;
    let mut before = house.signed_in("alice").await;
    let generation = house.standing("alice").await.roster.generation;
    let path = "/v1/users/ALICE";

    let removed = house.call("DELETE", path, None, Value::Null).await;

    assert_eq!(removed, (200, json!({"ended": 1})));
    let reason = before.get("/account").await.values("data-reason");
    assert_eq!(reason, ["credential_change"]);
    assert!(house.standing("alice").await.roster.generation > generation);
    let old = house.browser().sign_in("alice", PASSWORD).await;
    assert_eq!(old.status, StatusCode::UNAUTHORIZED);
    let (status, again) = house.call("DELETE", path, None, Value::Null).await;
    assert_eq!((status, &again["code"]), (404, &json!("not-found")));
    house.signed_in("bob").await;
}

/// S17: a removal that breaks off lets nobody in, and a repeat still finds whose sessions to end.
#[tokio::test]
async fn given_a_store_that_fails_when_a_user_is_removed_then_nobody_signs_in_and_a_repeat_ends_all()
 {
    let house = House::new(Policy::default()).await;
    house.signed_in("alice").await;
    let alice = UserName::parse("alice").unwrap();
    let remove = || house.gateway.users().remove(&alice, Initiator::Admin);

    house.store.break_down();
    let broken = remove().await;
    house.store.mend();

    assert!(broken.is_err(), "{broken:?}");
    assert_eq!(house.live("alice").await, 1);
    let meanwhile = house.browser().sign_in("alice", PASSWORD).await;
    assert_eq!(meanwhile.status, StatusCode::UNAUTHORIZED);
    assert_eq!(remove().await.unwrap(), Some(1));
    assert_eq!(house.live("alice").await, 0);
    assert_eq!(remove().await.unwrap(), None);
}

#[tokio::test]
async fn given_a_name_that_is_taken_when_made_again_then_it_is_a_conflict_and_nothing_changes() {
    let house = House::new(Policy::default()).await;

    let again = json!({"name": "ALICE", "password": NEW});
    let (status, answer) = house.call("POST", "/v1/users", None, again).await;

    assert_eq!((status, &answer["code"]), (409, &json!("name-taken")));
    house.signed_in("alice").await;
}

#[tokio::test]
async fn given_what_cannot_be_a_user_when_asked_for_then_the_field_is_named() {
    let house = House::new(Policy::default()).await;
    let long = "x".repeat(1_025);
    for (field, body) in [
        ("password", json!({"name": "dave", "password": "sevens7"})),
        ("password", json!({"name": "dave", "password": long})),
        ("name", json!({"name": "a\u{202e}b", "password": PASSWORD})),
        (
            "subject",
            json!({"name": "dave", "password": PASSWORD, "subject": ""}),
        ),
        (
            "groups[0]",
            json!({"name": "dave", "password": PASSWORD, "groups": [""]}),
        ),
    ] {
        let (status, answer) = house.call("POST", "/v1/users", None, body).await;

        assert_eq!(
            (status, &answer["fields"][0]["field"]),
            (422, &json!(field)),
            "{answer}"
        );
        assert!(!answer.to_string().contains(PASSWORD));
    }
    let path = "/v1/users/mallory/password";
    let (status, _) = house
        .call("PUT", path, None, json!({"password": NEW}))
        .await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn given_users_of_two_tenants_when_listed_then_each_key_sees_its_own_and_no_secret() {
    // "a" and "a/b": names of tenants are no paths.
    let house = House::new(Policy::default()).await;
    for (tenant, name) in [("a", "b/x"), ("a/b", "x"), ("a", "alice")] {
        let user = json!({"name": name, "password": PASSWORD, "tenant": tenant});
        let (status, made) = house.call("POST", "/v1/users", Some(tenant), user).await;
        assert_eq!(status, 201, "{made}");
    }

    let (_, own) = house
        .call("GET", "/v1/users?tenant=a", Some("a"), Value::Null)
        .await;
    let (foreign, _) = house.call("GET", "/v1/users", Some("a"), Value::Null).await;

    let names: Vec<_> = own["users"]
        .as_array()
        .unwrap()
        .iter()
        .map(|u| &u["name"])
        .collect();
    assert_eq!(names, ["alice", "b/x"]);
    assert!(!own.to_string().contains("argon2"));
    assert_eq!(foreign, 403);
}

#[tokio::test]
async fn given_more_users_than_a_page_holds_when_followed_then_each_is_there_once() {
    let house = House::new(Policy::default()).await;
    for n in 0..203 {
        let user = json!({"name": format!("u{n:03}"), "password": PASSWORD});
        assert_eq!(house.call("POST", "/v1/users", None, user).await.0, 201);
    }

    let (_, first) = house.call("GET", "/v1/users", None, Value::Null).await;
    let next = first["next"].as_str().unwrap();
    let path = format!("/v1/users?after={next}");
    let (_, rest) = house.call("GET", &path, None, Value::Null).await;

    assert_eq!(first["users"].as_array().unwrap().len(), 200);
    assert_eq!(
        rest["users"].as_array().unwrap().len(),
        5,
        "with alice and bob"
    );
    assert_eq!(rest["users"][0]["name"], "u198");
    assert_eq!(rest["next"], Value::Null);
}
