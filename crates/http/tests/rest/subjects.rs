//! Subjects: shown, amended, disabled and enabled.

use http::{Method, StatusCode};
use innkeeper_store::SessionStore;
use serde_json::{Value, json};

use crate::support::{desk, is_moment};

const MEMBERS: [&str; 9] = [
    "subject",
    "tenant",
    "generation",
    "live",
    "disabled",
    "groups",
    "limits",
    "policy",
    "last_sign_in",
];

#[tokio::test]
async fn given_a_subject_never_seen_when_shown_then_it_is_200_with_nothing_live() {
    let desk = desk().await;

    let answer = desk.get("/v1/subjects/nobody").await;

    assert_eq!(answer.status, StatusCode::OK);
    answer.assert_members("", &MEMBERS);
    assert_eq!(answer.json["live"], 0);
    assert_eq!(answer.json["disabled"], false);
    assert_eq!(answer.json["groups"], json!([]));
    assert_eq!(answer.json["limits"], Value::Null);
    assert_eq!(answer.json["last_sign_in"], Value::Null);
    assert!(answer.json["generation"].is_u64());
}

#[tokio::test]
async fn given_a_subject_when_amended_then_it_is_in_force_in_the_same_step() {
    let desk = desk().await;
    let mut tokens = Vec::new();
    for _ in 0..3 {
        tokens.push(desk.sign_in("alice").await.0);
    }
    let asked = json!({
        "groups": ["staff"], "limits": {"max_sessions": 1},
        "contact": {"email": "a@example.org", "locale": "de"},
    });

    let answer = desk.patch("/v1/subjects/alice", asked).await;

    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.assert_members("", &MEMBERS);
    assert_eq!(answer.json["live"], 1);
    assert_eq!(answer.json["groups"], json!(["staff"]));
    assert_eq!(answer.json["limits"], json!({"max_sessions": 1}));
    assert!(is_moment(answer.word("/last_sign_in/at")));
    let told = desk.check(&tokens[0]).await;
    assert_eq!(told.json["reason"], "policy_change");
    assert_eq!(told.json["ended_by"], "policy");

    let back = desk.patch(
        "/v1/subjects/alice",
        json!({"limits": null, "groups": null}),
    );
    let back = back.await;
    assert_eq!(back.json["limits"], Value::Null);
    assert_eq!(back.json["groups"], json!([]));
    let same = desk.patch("/v1/subjects/alice", json!({})).await;
    assert_eq!(same.json, back.json);
}

#[tokio::test]
async fn given_an_unfit_patch_when_sent_then_it_is_422_and_nothing_changes() {
    let desk = desk().await;
    let _ = desk.sign_in("alice").await;
    for (patch, field) in [
        (
            json!({"limits": {"max_sessions": 0}}),
            "limits.max_sessions",
        ),
        (
            json!({"limits": {"max_sessions": 1001}}),
            "limits.max_sessions",
        ),
        (
            json!({"limits": {"max_sessions": -1}}),
            "limits.max_sessions",
        ),
        (json!({"limits": {}}), "limits.max_sessions"),
        (json!({"limits": []}), "limits"),
        (json!({"limits": {"max_sessions": 1, "x": 1}}), "limits.x"),
        (json!({"groups": "staff"}), "groups"),
        (json!({"groups": ["a", "b\u{202e}"]}), "groups[1]"),
        (json!({"contact": {"email": "a\nb"}}), "contact.email"),
        (json!({"live": 0}), "live"),
    ] {
        let answer = desk.patch("/v1/subjects/alice", patch).await;
        answer.assert_invalid(field);
    }
    assert_eq!(desk.live("alice").await, 1);
}

#[tokio::test]
async fn given_a_subject_when_disabled_and_enabled_then_both_say_how_many_ended() {
    let desk = desk().await;
    let (token, _) = desk.sign_in("alice").await;
    let _ = desk.sign_in("alice").await;

    let path = "/v1/subjects/alice/disable";
    let disabled = desk
        .call(Method::POST, path)
        .bearer(&desk.admin)
        .send()
        .await;
    assert_eq!(disabled.json, json!({"ended": 2}));
    let again = desk.post(path, json!({})).await;
    assert_eq!(again.json, json!({"ended": 0}));
    let shown = desk.get("/v1/subjects/alice").await;
    assert_eq!(shown.json["disabled"], true);
    let told = desk.check(&token).await;
    assert_eq!(told.json["reason"], "subject_disabled");
    assert_eq!(told.json["ended_by"], "admin");

    let enabled = desk.post("/v1/subjects/alice/enable", json!({})).await;
    assert_eq!(
        (enabled.status, enabled.json),
        (StatusCode::OK, json!({"ended": 0}))
    );
    assert_eq!(desk.check(&token).await.json["reason"], "subject_disabled");
    let _ = desk.sign_in("alice").await;
}

#[tokio::test]
async fn given_failed_sign_ins_when_one_does_not_fail_then_it_tells_how_many_there_were() {
    let desk = desk().await;
    let unseen = desk.post("/v1/subjects/alice/failures", json!({})).await;
    assert_eq!(unseen.status, 204);
    let subject = desk.get("/v1/subjects/alice").await;
    assert_eq!(subject.json["last_sign_in"], json!(null));
    let _ = desk.sign_in("alice").await;
    let before = desk.get("/v1/events").await.json["events"].clone();
    let body = json!({"ip": "203.0.113.9", "user_agent": "curl"});
    for _ in 0..3 {
        let counted = desk.post("/v1/subjects/alice/failures", body.clone()).await;
        assert_eq!(counted.status, 204);
    }
    let events = desk.get("/v1/events").await.json["events"].clone();
    assert_eq!(events, before, "it is no commit");
    let seen = desk.get("/v1/subjects/alice").await;
    assert_eq!(seen.json["last_sign_in"]["failures_since"], 3);

    let body = json!({"subject": "alice"});
    let told = desk.post("/v1/sessions", body.clone()).await;
    let next = desk.post("/v1/sessions", body).await;

    assert_eq!(told.json["previous_sign_in"]["failures_since"], 3);
    assert_eq!(next.json["previous_sign_in"]["failures_since"], 0);
    let wrong = json!({"ip": "nowhere"});
    desk.post("/v1/subjects/alice/failures", wrong)
        .await
        .assert_invalid("ip");
}

#[tokio::test]
async fn given_a_subject_when_it_is_deleted_then_it_is_out_and_its_person_is_forgotten() {
    let desk = desk().await;
    let seen = desk.get("/v1/subjects/alice").await;
    let body = json!({
        "subject": "alice", "ip": "203.0.113.7", "user_agent": "Lynx", "groups": ["staff"],
        "contact": {"email": "alice@example.org"}, "attributes": {"shoe": "size 7"},
    });
    let held = desk.post("/v1/sessions", body).await;
    let other = desk.sign_in("bob").await;

    let deleted = desk.delete("/v1/subjects/alice").await;
    let again = desk.delete("/v1/subjects/alice").await;

    assert_eq!((deleted.status.as_u16(), again.status.as_u16()), (204, 204));
    let told = desk.check(held.word("/token")).await;
    assert_eq!(told.json["reason"], "revoked_by_admin");
    let old = json!({"subject": "alice", "generation": seen.json["generation"]});
    let stale = desk.post("/v1/sessions", old).await;
    stale.assert_problem(412, "stale-generation");
    let subject = desk.get("/v1/subjects/alice").await;
    assert_eq!(subject.json["groups"], json!([]));
    assert_eq!(subject.json["last_sign_in"], json!(null));
    let listed = desk.get("/v1/subjects/alice/sessions?state=all").await;
    let journal = desk.store.tail(None, 100).await.unwrap().page().unwrap();
    let kept = format!("{} {} {journal:?}", subject.text, listed.text);
    for personal in [
        "203.0.113.7",
        "Lynx",
        "alice@example.org",
        "size 7",
        "staff",
    ] {
        assert!(!kept.contains(personal), "{personal} is still known");
    }
    let named = journal.iter().filter(|(_, e)| e.personal.is_some()).count();
    assert_eq!(named, 1, "bob's is still there");
    assert_eq!(desk.check(&other.0).await.status, 200);
    let fresh = desk.sign_in("alice").await;
    assert_eq!(desk.check(&fresh.0).await.status, 200);
}

/// GDPR, articles 15 and 20: whoever asks is shown all of it, and nothing that opens anything.
#[tokio::test]
async fn given_a_subject_when_exported_then_all_that_is_kept_of_it_is_there_and_no_secret() {
    let desk = desk().await;
    let body = json!({
        "subject": "alice", "client": "web", "ip": "203.0.113.7", "groups": ["staff"],
        "contact": {"email": "a@example.org", "locale": "de", "time_zone": "Europe/Berlin"},
        "attributes": {"shelf": "7"},
    });
    let first = desk.post("/v1/sessions", body).await;
    let (token, id) = desk.sign_in("alice").await;
    desk.delete(&format!("/v1/sessions/{id}")).await;
    desk.sign_in("bob").await;

    let answer = desk.get("/v1/subjects/alice/export").await;

    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.assert_members(
        "",
        &["made_at", "subject", "contact", "devices", "sessions"],
    );
    answer.assert_members("/subject", &MEMBERS);
    let contact = json!({"email": "a@example.org", "locale": "de", "time_zone": "Europe/Berlin"});
    assert_eq!(answer.json["contact"], contact);
    let sessions = answer.json["sessions"].as_array().expect("a list");
    let shown: Vec<_> = sessions.iter().map(|s| (&s["id"], &s["state"])).collect();
    let (open, ended) = (json!("open"), json!("ended"));
    let id = json!(id);
    assert_eq!(
        shown,
        [(&id, &ended), (&first.json["session"]["id"], &open)]
    );
    assert_eq!(sessions[1]["attributes"], json!({"shelf": "7"}));
    assert_eq!(answer.json["devices"].as_array().map(Vec::len), Some(2));
    for hidden in ["ik_", "ikd_", "bob", &token] {
        assert!(!answer.text.contains(hidden), "{hidden}: {}", answer.text);
    }
}
