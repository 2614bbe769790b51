//! Sessions by their ids, and those of a subject.

use std::collections::BTreeSet;

use http::{Method, StatusCode};
use innkeeper_domain::policy::Overflow;
use innkeeper_engine::keys::KeyScope;
use serde_json::{Value, json};

use crate::support::{MINUTE, SESSION, desk, desk_with, policy};

#[tokio::test]
async fn given_a_session_when_shown_and_ended_then_it_is_shown_as_it_is() {
    let desk = desk().await;
    let (token, id) = desk.sign_in("alice").await;
    let path = format!("/v1/sessions/{id}");

    let open = desk.get(&path).await;
    assert_eq!(open.status, StatusCode::OK);
    open.assert_members("", &SESSION);
    assert_eq!(open.json["state"], "open");
    assert_eq!(open.json["current"], false);

    for _ in 0..2 {
        let ended = desk.delete(&path).await;
        assert_eq!((ended.status.as_u16(), ended.text.as_str()), (204, ""));
    }

    let ended = desk.get(&path).await;
    ended.assert_members("", &SESSION);
    assert_eq!(ended.json["state"], "ended");
    assert_eq!(ended.json["end_reason"], "revoked_by_admin");
    assert_eq!(ended.json["ended_by"], "admin");
    desk.check(&token).await.assert_problem(401, "no-session");
}

#[tokio::test]
async fn s13_given_a_session_whose_time_is_up_when_shown_then_it_is_ended_though_nobody_wrote_it() {
    let desk = desk().await;
    let (_, id) = desk.sign_in("alice").await;
    desk.clock.pass(30 * MINUTE);

    let shown = desk.get(&format!("/v1/sessions/{id}")).await;

    assert_eq!(shown.json["state"], "ended");
    assert_eq!(shown.json["end_reason"], "idle");
    assert_eq!(shown.json["ended_at"], "2027-01-15T08:30:00.000Z");
    assert_eq!(desk.live("alice").await, 0);
    let open = desk.get("/v1/subjects/alice/sessions").await;
    assert_eq!(open.json["sessions"], json!([]));
}

/// S7: foreign and absent look the same, to the byte.
#[tokio::test]
async fn s7_given_a_foreign_id_when_asked_for_then_it_looks_exactly_like_an_absent_one() {
    let desk = desk().await;
    let body = json!({"subject": "alice", "tenant": "acme"});
    let there = desk.post("/v1/sessions", body).await;
    let foreign = there.word("/session/id").to_owned();
    let (_, mine) = desk.sign_in("alice").await;
    // The last letters of another's serial, under a roster that is there and one that is not.
    let absent = format!("{}AAAAAA", &mine[..mine.len() - 6]);
    let nowhere = format!("ses_{}{}", "B".repeat(20), &mine[24..]);
    let texts = [foreign, absent, nowhere, "ses_x".into(), "x".into()];
    for method in [Method::GET, Method::DELETE] {
        let mut bodies = BTreeSet::new();
        for id in &texts {
            let path = format!("/v1/sessions/{id}");
            let call = desk.call(method.clone(), &path).bearer(&desk.admin);
            let answer = call.send().await;
            answer.assert_problem(404, "not-found");
            let mut headers = answer.headers.clone();
            headers.remove("x-request-id");
            let mut headers: Vec<_> = headers.iter().map(|(n, v)| format!("{n}: {v:?}")).collect();
            headers.sort();
            bodies.insert((answer.text, headers));
        }
        assert_eq!(bodies.len(), 1);
    }
    let theirs = there.word("/token");
    let checked = desk.post("/v1/check", json!({"token": theirs, "tenant": "acme"}));
    assert_eq!(checked.await.status, StatusCode::OK, "it lives");
}

#[tokio::test]
async fn given_many_sessions_when_listed_then_pages_follow_each_other_by_an_opaque_cursor() {
    let desk = desk_with(policy(10, Overflow::EvictOldest)).await;
    let mut ids = Vec::new();
    for _ in 0..7 {
        ids.push(desk.sign_in("alice").await.1);
    }
    for id in &ids[..2] {
        let _ = desk.delete(&format!("/v1/sessions/{id}")).await;
    }
    let path = "/v1/subjects/alice/sessions";

    for (state, expected) in [("open", 5), ("ended", 2), ("all", 7)] {
        let mut found = Vec::new();
        let mut after = String::new();
        loop {
            let page = desk
                .get(&format!("{path}?state={state}&limit=2{after}"))
                .await;
            page.assert_members("", &["sessions", "next"]);
            let sessions = page.json["sessions"].as_array().expect("it is a list");
            assert!(sessions.len() <= 2);
            for (place, session) in sessions.iter().enumerate() {
                page.assert_members(&format!("/sessions/{place}"), &SESSION);
                assert_eq!(session["current"], false);
                found.push(session["id"].as_str().expect("it is text").to_owned());
            }
            match &page.json["next"] {
                Value::String(next) => after = format!("&after={next}"),
                next => {
                    assert!(next.is_null());
                    break;
                }
            }
        }
        assert_eq!(found.len(), expected, "{state}");
        assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), expected);
        let youngest: Vec<_> = ids.iter().rev().filter(|id| found.contains(id)).collect();
        assert_eq!(found.iter().collect::<Vec<_>>(), youngest);
    }
    let whole = desk.get(path).await;
    assert_eq!(whole.json["next"], Value::Null);
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
        ("state=dead", "state"),
        ("after=x", "after"),
        ("after=", "after"),
        ("after=AAAAAAAAAAAAAAAA", "after"),
    ] {
        desk.get(&format!("{path}?{query}"))
            .await
            .assert_invalid(field);
    }
}

#[tokio::test]
async fn given_a_subject_when_all_its_sessions_are_ended_then_the_excepted_one_lives_on() {
    let desk = desk().await;
    let (kept, id) = desk.sign_in("alice").await;
    let (other, _) = desk.sign_in("alice").await;
    let generation = desk.get("/v1/subjects/alice").await.json["generation"].clone();
    let path = "/v1/subjects/alice/sessions";
    let (_, bobs) = desk.sign_in("bob").await;
    for foreign in [bobs.as_str(), "ses_x"] {
        let answer = desk.delete(&format!("{path}?except={foreign}")).await;
        answer.assert_problem(404, "not-found");
    }
    assert_eq!(desk.live("alice").await, 2, "nothing was done");

    let answer = desk.delete(&format!("{path}?except={id}")).await;

    assert_eq!(answer.json, json!({"ended": 1}));
    assert_eq!(desk.check(&kept).await.status, StatusCode::OK);
    let told = desk.check(&other).await;
    assert_eq!(told.json["reason"], "revoked_by_admin");
    let seen = desk.get("/v1/subjects/alice").await;
    assert_eq!(
        seen.json["generation"].as_u64(),
        generation.as_u64().map(|g| g + 1)
    );
    assert_eq!(desk.delete(path).await.json, json!({"ended": 1}));
    desk.check(&kept).await.assert_problem(401, "no-session");
}

/// S14: a key of one tenant works in that tenant, named by query or body.
#[tokio::test]
async fn s14_given_a_key_of_a_tenant_when_it_names_its_own_then_it_works_there_and_only_there() {
    let desk = desk().await;
    let key = desk
        .key(&[KeyScope::Admit, KeyScope::Manage], Some("acme"))
        .await;
    let call = desk
        .call(Method::POST, "/v1/sessions?tenant=acme")
        .bearer(&key);
    let signed_in = call.json(&json!({"subject": "alice"})).send().await;
    assert_eq!(signed_in.json["session"]["tenant"], "acme");

    let path = format!("/v1/sessions/{}?tenant=acme", signed_in.word("/session/id"));
    let shown = desk.call(Method::GET, &path).bearer(&key).send().await;
    assert_eq!(shown.status, StatusCode::OK);
    let (_, elsewhere) = desk.sign_in("alice").await;
    let path = format!("/v1/sessions/{elsewhere}?tenant=acme");
    let foreign = desk.call(Method::DELETE, &path).bearer(&key).send().await;
    foreign.assert_problem(404, "not-found");
    assert_eq!(desk.live("alice").await, 1);
}

#[tokio::test]
async fn given_a_reason_when_a_session_is_ended_then_that_is_told_and_an_untrue_one_is_refused() {
    let desk = desk().await;
    let (token, id) = desk.sign_in("alice").await;
    let path = format!("/v1/sessions/{id}");

    for untrue in ["logout", "idle", "nonsense"] {
        let answer = desk.delete(&format!("{path}?reason={untrue}")).await;
        answer.assert_invalid("reason");
    }
    assert_eq!(desk.live("alice").await, 1);
    let answer = desk.delete(&format!("{path}?reason=risk")).await;

    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text);
    let told = desk.check(&token).await;
    assert_eq!(
        (told.word("/reason"), told.word("/ended_by")),
        ("risk", "admin")
    );
}
