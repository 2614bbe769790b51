//! `POST /v1/sessions`.

use http::{Method, StatusCode};
use innkeeper_domain::policy::{Limit, Overflow, Per, SessionLimit};
use serde_json::{Value, json};

use crate::support::{Answer, Desk, MINUTE, SESSION, desk, desk_with, is_moment, policy};

const KEY: &str = "0123456789abcdef";

async fn keyed(desk: &Desk, key: &str, body: Value) -> Answer {
    let call = desk.call(Method::POST, "/v1/sessions").bearer(&desk.admin);
    call.header("idempotency-key", key).json(&body).send().await
}

#[tokio::test]
async fn given_a_full_request_when_admitted_then_the_answer_has_the_members_of_the_contract() {
    let desk = desk().await;
    let asked = json!({
        "subject": "alice", "tenant": "default", "client": "web", "class": "interactive",
        "generation": 1, "methods": ["pwd", "otp"], "assurance": 2,
        "authenticated_at": "2027-01-15T07:59:00.5Z", "device_token": "ikd_x",
        "user_agent": "Lynx", "ip": "203.0.113.7", "groups": ["staff"],
        "contact": {"email": "a@example.org", "locale": "de", "time_zone": "Europe/Berlin"},
        "attributes": {"locale": "de", "deep": [1, {"a": null}]}, "remember": true,
    });

    let answer = desk.post("/v1/sessions", asked).await;

    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    let members = [
        "token",
        "session",
        "device",
        "ended",
        "previous_sign_in",
        "notices",
    ];
    answer.assert_members("", &members);
    answer.assert_members("/session", &SESSION);
    assert!(answer.word("/token").starts_with("ik_"));
    let session = &answer.json["session"];
    let device = &answer.json["device"];
    answer.assert_members("/device", &["id", "token", "known", "trusted"]);
    assert!(answer.word("/device/id").starts_with("dev_"));
    assert!(answer.word("/device/token").starts_with("ikd_"));
    assert_eq!(device["known"], false);
    assert!(answer.word("/session/id").starts_with("ses_"));
    for (name, value) in [
        ("tenant", json!("default")),
        ("subject", json!("alice")),
        ("client", json!("web")),
        ("class", json!("interactive")),
        ("state", json!("open")),
        ("methods", json!(["pwd", "otp"])),
        ("assurance", json!(2)),
        ("authenticated_at", json!("2027-01-15T07:59:00.500Z")),
        ("created_at", json!("2027-01-15T08:00:00.000Z")),
        ("last_seen_at", json!("2027-01-15T08:00:00.000Z")),
        ("idle_expires_at", json!("2027-01-15T08:30:00.000Z")),
        ("expires_at", json!("2027-01-15T20:00:00.000Z")),
        (
            "device",
            json!({"id": device["id"], "name": "Lynx", "trusted": false}),
        ),
        ("ip", json!("203.0.113.7")),
        ("place", Value::Null),
        ("binding", json!("none")),
        ("current", json!(true)),
        (
            "attributes",
            json!({"locale": "de", "deep": [1, {"a": null}]}),
        ),
        ("ended_at", Value::Null),
        ("end_reason", Value::Null),
        ("ended_by", Value::Null),
    ] {
        assert_eq!(session[name], value, "{name}");
    }
    assert_eq!(answer.json["ended"], json!([]));
    assert_eq!(answer.json["notices"], json!(["unseen_device"]));
    assert_eq!(answer.json["previous_sign_in"], Value::Null);
}

#[tokio::test]
async fn given_only_a_subject_when_admitted_then_the_rest_has_its_defaults() {
    let desk = desk().await;

    let answer = desk.post("/v1/sessions", json!({"subject": "alice"})).await;

    answer.assert_members("/session", &SESSION);
    let session = &answer.json["session"];
    assert_eq!(session["tenant"], "default");
    assert_eq!(session["class"], "interactive");
    assert_eq!(session["client"], Value::Null);
    assert_eq!(session["methods"], json!([]));
    assert_eq!(session["assurance"], Value::Null);
    assert_eq!(session["attributes"], json!({}));
    assert_eq!(session["authenticated_at"], session["created_at"]);
    assert!(is_moment(answer.word("/session/expires_at")));
}

#[tokio::test]
async fn given_earlier_sessions_when_admitted_then_the_answer_tells_of_them() {
    let desk = desk_with(policy(1, Overflow::EvictOldest)).await;
    let body = json!({"subject": "alice", "ip": "203.0.113.7"});
    let first = desk.post("/v1/sessions", body).await;
    desk.clock.pass(MINUTE);

    let second = desk.post("/v1/sessions", json!({"subject": "alice"})).await;

    second.assert_members(
        "/previous_sign_in",
        &["at", "ip", "place", "device", "failures_since"],
    );
    assert_eq!(
        second.json["previous_sign_in"]["at"],
        first.json["session"]["created_at"]
    );
    assert_eq!(second.json["previous_sign_in"]["ip"], "203.0.113.7");
    second.assert_members("/ended/0", &SESSION);
    let ended = &second.json["ended"][0];
    assert_eq!(ended["id"], first.json["session"]["id"]);
    assert_eq!(ended["state"], "ended");
    assert_eq!(ended["end_reason"], "evicted");
    assert_eq!(ended["ended_by"], "policy");
    assert_eq!(ended["current"], false);
    assert!(is_moment(second.word("/ended/0/ended_at")));
}

#[tokio::test]
async fn given_other_sessions_or_an_observed_limit_when_admitted_then_notices_say_so() {
    let desk = desk_with(policy(1, Overflow::Observe)).await;
    let _ = desk.sign_in("alice").await;

    let answer = desk.post("/v1/sessions", json!({"subject": "alice"})).await;

    let notices = json!(["unseen_device", "concurrent", "over_limit"]);
    assert_eq!(answer.json["notices"], notices);
}

#[tokio::test]
async fn s11_given_no_seat_when_refused_then_the_problem_says_which_limit_and_who_holds_it() {
    let mut refusing = policy(1, Overflow::Refuse);
    refusing.terms.max_sessions = SessionLimit::new(5).expect("it is a limit");
    refusing.limits.push(Limit {
        per: Per::Client,
        when: innkeeper_domain::policy::Condition::default(),
        max_sessions: SessionLimit::new(1).expect("it is a limit"),
    });
    let desk = desk_with(refusing).await;
    let body = json!({"subject": "alice", "client": "tv"});
    let held = desk.post("/v1/sessions", body.clone()).await;

    let refused = desk.post("/v1/sessions", body).await;

    refused.assert_problem(409, "session-limit");
    refused.assert_members(
        "",
        &[
            "type", "title", "status", "code", "limit", "sessions", "choice",
        ],
    );
    assert_eq!(refused.json["limit"], json!({"scope": "client", "max": 1}));
    refused.assert_members("/sessions/0", &SESSION);
    assert_eq!(
        refused.json["sessions"][0]["id"],
        held.json["session"]["id"]
    );
    assert_eq!(desk.live("alice").await, 1);

    for n in 0..4 {
        let body = json!({"subject": "alice", "client": format!("c{n}")});
        assert_eq!(desk.post("/v1/sessions", body).await.status, 201);
    }
    let full = desk.post("/v1/sessions", json!({"subject": "alice", "client": "x"}));
    let full = full.await;
    assert_eq!(full.json["limit"], json!({"scope": "subject", "max": 5}));
    assert_eq!(full.json["sessions"].as_array().map(Vec::len), Some(5));
}

#[tokio::test]
async fn s8_given_a_disabled_subject_or_old_evidence_when_signing_in_then_it_is_403_or_412() {
    let desk = desk().await;
    let seen = desk.get("/v1/subjects/alice").await;
    let generation = seen.json["generation"].clone();
    let _ = desk.post("/v1/subjects/alice/disable", json!({})).await;
    let refused = desk.post("/v1/sessions", json!({"subject": "alice"})).await;
    refused.assert_problem(403, "subject-disabled");
    let _ = desk.post("/v1/subjects/alice/enable", json!({})).await;

    let body = json!({"subject": "alice", "generation": generation});
    let stale = desk.post("/v1/sessions", body).await;

    stale.assert_problem(412, "stale-generation");
    assert_eq!(desk.live("alice").await, 0);
    let seen = desk.get("/v1/subjects/alice").await;
    let body = json!({"subject": "alice", "generation": seen.json["generation"]});
    assert_eq!(desk.post("/v1/sessions", body).await.status, 201);
}

#[tokio::test]
async fn s10_given_an_idempotency_key_when_repeated_then_the_contract_holds() {
    let desk = desk().await;
    let first = keyed(&desk, KEY, json!({"subject": "alice", "client": "web"})).await;
    assert_eq!(first.status, StatusCode::CREATED);

    // The same request in other words.
    let again = keyed(&desk, KEY, json!({"client": "web", "subject": "alice"})).await;
    assert_eq!(again.status, StatusCode::CREATED);
    assert_eq!(again.json, first.json);

    let other_body = keyed(&desk, KEY, json!({"subject": "alice", "client": "app"})).await;
    other_body.assert_invalid("Idempotency-Key");
    let other_subject = keyed(&desk, KEY, json!({"subject": "bob", "client": "web"})).await;
    other_subject.assert_invalid("Idempotency-Key");
    assert_eq!(desk.live("bob").await, 0);

    let id = first.word("/session/id");
    assert_eq!(desk.delete(&format!("/v1/sessions/{id}")).await.status, 204);
    let used = keyed(&desk, KEY, json!({"subject": "alice", "client": "web"})).await;
    used.assert_problem(409, "already-used");
}

#[tokio::test]
async fn s10_given_1024_keys_of_a_subject_when_one_more_comes_then_it_is_429_with_retry_after() {
    let desk = desk().await;
    for n in 0..1024 {
        let answer = keyed(&desk, &format!("{KEY}{n}"), json!({"subject": "alice"})).await;
        assert_eq!(answer.status, StatusCode::CREATED);
    }

    let answer = keyed(&desk, KEY, json!({"subject": "alice"})).await;

    answer.assert_problem(429, "too-many-sign-ins");
    let seconds = answer
        .header("retry-after")
        .and_then(|s| s.parse::<u64>().ok());
    assert!(seconds.is_some_and(|s| s > 0));
    desk.clock.pass(10 * MINUTE);
    let answer = keyed(&desk, KEY, json!({"subject": "alice"})).await;
    assert_eq!(answer.status, StatusCode::CREATED);
}

#[tokio::test]
async fn given_an_unfit_idempotency_key_when_signing_in_then_it_is_422_and_nobody_is_in() {
    let desk = desk().await;
    for key in ["short", &"k".repeat(256), "with a blank in it"] {
        let answer = keyed(&desk, key, json!({"subject": "alice"})).await;
        answer.assert_invalid("Idempotency-Key");
    }
    let twice = desk.call(Method::POST, "/v1/sessions").bearer(&desk.admin);
    let twice = twice
        .header("idempotency-key", KEY)
        .header("idempotency-key", KEY)
        .json(&json!({"subject": "alice"}));
    twice.send().await.assert_invalid("Idempotency-Key");
    assert_eq!(desk.live("alice").await, 0);
}

#[tokio::test]
async fn given_an_unfit_member_when_signing_in_then_it_is_422_with_its_place_and_nobody_is_in() {
    let desk = desk().await;
    let long = "a".repeat(257);
    let many = vec!["pwd"; 17];
    for (member, value, field) in [
        ("subject", json!(""), "subject"),
        ("subject", json!(7), "subject"),
        ("subject", json!(long), "subject"),
        ("subject", json!("a\0b"), "subject"),
        ("subject", json!("a\u{202e}b"), "subject"),
        ("subject", json!("a\u{2028}b"), "subject"),
        ("tenant", json!("a\nb"), "tenant"),
        ("client", json!("a\tb"), "client"),
        ("client", json!(long), "client"),
        ("class", json!("robot"), "class"),
        ("class", json!("impersonation"), "actor"),
        ("class", json!({"machine": null}), "class"),
        ("actor", json!("bob"), "actor"),
        ("generation", json!(-1), "generation"),
        ("generation", json!("1"), "generation"),
        ("generation", json!(1.5), "generation"),
        ("methods", json!("pwd"), "methods"),
        ("methods", json!(many), "methods"),
        ("methods", json!(["pwd", ""]), "methods[1]"),
        ("methods", json!(["pwd", 7]), "methods[1]"),
        ("assurance", json!(256), "assurance"),
        ("authenticated_at", json!("yesterday"), "authenticated_at"),
        ("authenticated_at", json!(1_800_000_000), "authenticated_at"),
        ("user_agent", json!("a".repeat(1025)), "user_agent"),
        ("ip", json!("203.0.113.300"), "ip"),
        ("groups", json!(["staff", "a\0b"]), "groups[1]"),
        ("groups", json!(vec!["g"; 257]), "groups"),
        ("contact", json!([]), "contact"),
        ("contact", json!({"phone": "1"}), "contact.phone"),
        (
            "contact",
            json!({"email": "a".repeat(321)}),
            "contact.email",
        ),
        (
            "contact",
            json!({"email": "a@b\r\nBcc: c@d"}),
            "contact.email",
        ),
        ("contact", json!({"locale": "d\0e"}), "contact.locale"),
        (
            "contact",
            json!({"time_zone": "\u{7f}"}),
            "contact.time_zone",
        ),
        ("attributes", json!([1]), "attributes"),
        ("attributes", json!({"a": "a".repeat(4096)}), "attributes"),
        ("remember", json!("yes"), "remember"),
        ("replaces", json!(7), "replaces"),
        ("replaces", json!("a".repeat(4096)), "replaces"),
        ("end", json!(["ses_x"]), "end"),
        ("choice", json!("ikc_unknown"), "choice"),
    ] {
        let mut body = json!({"subject": "alice"});
        body[member] = value.clone();

        let answer = desk.post("/v1/sessions", body).await;

        answer.assert_invalid(field);
        if let Some(text) = value
            .as_str()
            .filter(|t| t.len() > 6 && *t != "impersonation")
        {
            assert!(!answer.text.contains(text), "it repeats nothing: {text}");
        }
    }
    let missing = desk.post("/v1/sessions", json!({})).await;
    missing.assert_invalid("subject");
    assert_eq!(desk.live("alice").await, 0);
}

#[tokio::test]
async fn s8_given_a_token_that_the_browser_held_when_replaced_then_it_is_superseded() {
    let desk = desk().await;
    let (mine, id) = desk.sign_in("alice").await;
    let body = json!({"subject": "alice", "replaces": mine});
    let answer = desk.post("/v1/sessions", body).await;
    assert_eq!(answer.json["ended"][0]["id"], id);
    assert_eq!(answer.json["ended"][0]["end_reason"], "superseded");
    assert_eq!(answer.json["ended"][0]["ended_by"], "user");

    let alices = answer.word("/token").to_owned();
    let body = json!({"subject": "bob", "replaces": alices});
    let answer = desk.post("/v1/sessions", body).await;
    assert_eq!(
        answer.json["ended"],
        json!([]),
        "another's is not told (S5)"
    );
    let checked = desk.check(&alices).await;
    checked.assert_problem(401, "no-session");
    assert_eq!(checked.json["reason"], "superseded");

    // A text that is no token is nobody's session.
    let body = json!({"subject": "bob", "replaces": "PHPSESSID"});
    let answer = desk.post("/v1/sessions", body).await;
    assert_eq!(answer.status, StatusCode::CREATED);
}

/// A moment ahead was taken for now without a word, so a clock that went wrong, or a time zone that
/// was left out, was never found.
#[tokio::test]
async fn s13_given_a_proof_that_is_yet_to_come_when_signed_in_then_a_minute_is_let_pass_and_no_more()
 {
    let desk = desk().await;
    let at = async |moment: &str| {
        let body = json!({"subject": "alice", "authenticated_at": moment});
        desk.post("/v1/sessions", body).await
    };

    for (moment, taken) in [
        ("2027-01-15T07:00:00.000Z", "2027-01-15T07:00:00.000Z"),
        ("2027-01-15T08:00:59.000Z", "2027-01-15T08:00:00.000Z"),
    ] {
        let answer = at(moment).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        assert_eq!(answer.word("/session/authenticated_at"), taken);
    }
    let live = desk.live("alice").await;
    for moment in [
        "2027-01-15T08:01:02.000Z",
        "2027-01-15T10:00:00+01:00",
        "9999-12-31T00:00:00Z",
    ] {
        at(moment).await.assert_invalid("authenticated_at");
    }
    assert_eq!(desk.live("alice").await, live, "nothing changed");
}
