//! Search and bulk revocation over HTTP.

use std::future::ready;
use std::sync::Arc;

use http::{Method, StatusCode};
use innkeeper_engine::keys::KeyScope;
use serde_json::{Value, json};

use crate::support::{Answer, Desk, MINUTE, desk};

const REVOCATION: [&str; 11] = [
    "ended",
    "filter",
    "finished_at",
    "id",
    "matched",
    "progress",
    "reason",
    "started_at",
    "state",
    "subjects",
    "tenant",
];

impl Desk {
    /// Has somebody carry out what is ordered, as `serve` does.
    fn work(&self) {
        let authority = Arc::clone(&self.authority);
        tokio::spawn(async move {
            let failed = authority.carry_out_orders(|_| ready(())).await;
            panic!("the store is sound: {failed:?}");
        });
    }

    async fn arrives(&self, subject: &str, client: &str, ip: &str) -> String {
        let body = json!({"subject": subject, "client": client, "ip": ip, "groups": ["staff"]});
        let answer = self.post("/v1/sessions", body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        answer.word("/session/id").to_owned()
    }

    async fn fills(&self) {
        for guest in 0..9 {
            let name = format!("guest-{guest}");
            self.arrives(&name, "tv", &format!("203.0.113.{guest}"))
                .await;
            self.arrives(&name, "web", "2001:db8::1").await;
        }
    }

    async fn is_over(&self, path: &str) -> Answer {
        loop {
            let answer = self.get(path).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
            answer.assert_members("", &REVOCATION);
            if !answer.json["finished_at"].is_null() {
                return answer;
            }
            tokio::task::yield_now().await;
        }
    }

    async fn found(&self, query: &str) -> usize {
        let answer = self.get(&format!("/v1/sessions?{query}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        assert_eq!(answer.json["next"], Value::Null);
        answer.json["sessions"].as_array().expect("a list").len()
    }
}

#[tokio::test]
async fn given_a_full_house_when_searched_by_each_filter_then_what_is_meant_is_shown() {
    let desk = desk().await;
    desk.fills().await;
    desk.clock.pass(MINUTE);
    let late = desk.arrives("late", "tv", "198.51.100.1").await;

    for (query, expected) in [
        ("", 19),
        ("client=tv", 10),
        ("client=tv&subject=guest-3", 1),
        ("subject=guest-3", 2),
        ("subject=nobody", 0),
        ("ip=203.0.113.4", 1),
        ("ip=203.0.113.0%2F30", 4),
        ("ip=2001:db8::%2F32", 9),
        ("group=staff", 19),
        ("group=guests", 0),
        ("class=interactive&binding=none", 19),
        ("class=machine", 0),
        ("tenant=other", 0),
    ] {
        assert_eq!(desk.found(query).await, expected, "{query}");
    }
    let born = desk.get(&format!("/v1/sessions/{late}")).await;
    let born = born.word("/created_at");
    assert_eq!(desk.found(&format!("created_before={born}")).await, 18);
    assert_eq!(desk.found(&format!("idle_since={born}")).await, 19);

    let mut ids = Vec::new();
    let mut after = String::new();
    loop {
        let page = desk.get(&format!("/v1/sessions?limit=4{after}")).await;
        page.assert_members("", &["next", "sessions"]);
        let sessions = page.json["sessions"].as_array().expect("a list");
        ids.extend(
            sessions
                .iter()
                .map(|s| s["id"].as_str().unwrap().to_owned()),
        );
        match page.json["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 19);
}

#[tokio::test]
async fn given_a_filter_that_cannot_be_when_used_then_it_is_422_with_its_place() {
    let desk = desk().await;
    for (member, value) in [
        ("ip", json!("203.0.113.0/33")),
        ("ip", json!("203.0.113.1/24")),
        ("ip", json!("x".repeat(1000))),
        ("subject", json!("")),
        ("client", json!("a\u{202e}b")),
        ("device", json!("dev_x")),
        ("binding", json!("dbsc")),
        ("class", json!("root")),
        ("created_before", json!("yesterday")),
        ("colour", json!("red")),
    ] {
        let body = json!({"filter": {member: value}, "dry_run": true});
        let answer = desk.post("/v1/revocations", body).await;
        answer.assert_invalid(&format!("filter.{member}"));
        let query = match value.as_str() {
            Some(text) => text.replace('/', "%2F").replace('\u{202e}', "%E2%80%AE"),
            None => continue,
        };
        let answer = desk.get(&format!("/v1/sessions?{member}={query}")).await;
        answer.assert_invalid(member);
    }
    desk.get("/v1/sessions?after=x")
        .await
        .assert_invalid("after");
    let named = json!({"filter": {"client": "tv"}, "reason": "logout"});
    desk.post("/v1/revocations", named)
        .await
        .assert_invalid("reason");
}

/// The words that a refusal says are expected in a field.
fn listed(refusal: &Answer) -> Vec<String> {
    refusal.assert_problem(422, "invalid-request");
    let said = refusal.word("/fields/0/message").to_owned();
    let words = said
        .strip_prefix("expected one of: ")
        .expect("it lists them");
    words.split(", ").map(str::to_owned).collect()
}

#[tokio::test]
async fn given_a_word_that_is_not_taken_when_the_refusal_lists_words_then_each_of_them_is_taken() {
    // They were all that a session can end of or be bound to, and most were refused in turn.
    let desk = desk().await;
    let (_, id) = desk.sign_in("alice").await;
    let of_one = |word: &str| format!("/v1/sessions/{id}?reason={word}");
    let in_search = |word: &str| format!("/v1/sessions?binding={word}");
    let in_order = |filter: Value, reason: &str| json!({"filter": filter, "reason": reason, "all": true, "dry_run": true});
    let order = |body: Value| desk.post("/v1/revocations", body);

    let reasons = listed(&desk.delete(&of_one("nope")).await);
    let bindings = listed(&desk.get(&in_search("nope")).await);
    let of_bulk = listed(&order(in_order(json!({}), "nope")).await);
    let of_filter = listed(&order(in_order(json!({"binding": "nope"}), "risk")).await);

    assert_eq!(reasons, of_bulk);
    assert_eq!(bindings, of_filter);
    for reason in reasons {
        let one = desk.delete(&of_one(&reason)).await;
        assert_eq!(one.status, StatusCode::NO_CONTENT, "{reason}");
        let bulk = order(in_order(json!({}), &reason)).await;
        assert_eq!(bulk.status, StatusCode::OK, "{reason}: {}", bulk.text);
    }
    for binding in bindings {
        let found = desk.get(&in_search(&binding)).await;
        assert_eq!(found.status, StatusCode::OK, "{binding}: {}", found.text);
        let bulk = order(in_order(json!({"binding": binding}), "risk")).await;
        assert_eq!(bulk.status, StatusCode::OK, "{binding}: {}", bulk.text);
    }
}

#[tokio::test]
async fn given_a_filter_that_means_everything_when_the_word_is_missing_then_nothing_ends() {
    let desk = desk().await;
    desk.work();
    desk.fills().await;

    for body in [
        json!({}),
        json!({"filter": {}}),
        json!({"filter": null, "reason": "risk"}),
        json!({"filter": {}, "all": false, "dry_run": true}),
        json!({"filter": {"all": false}}),
    ] {
        desk.post("/v1/revocations", body)
            .await
            .assert_invalid("filter");
    }
    let answer = desk
        .post("/v1/revocations", json!({"all": true, "dry_run": true}))
        .await;
    assert_eq!(answer.json, json!({"subjects": 9, "sessions": 18}));
    assert_eq!(desk.found("").await, 18);

    let answer = desk
        .post("/v1/revocations", json!({"filter": {"all": true}}))
        .await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    let over = desk.is_over(answer.header("location").unwrap()).await;
    assert_eq!(over.json["ended"], 18);
    assert_eq!(desk.found("").await, 0);
}

#[tokio::test]
async fn given_an_order_when_carried_out_then_its_address_tells_and_the_displaced_are_told_why() {
    let desk = desk().await;
    desk.fills().await;
    let (token, _) = desk.sign_in("alice").await;
    let body = json!({"filter": {"client": "tv"}, "reason": "risk"});
    let answer = desk.post("/v1/revocations", body).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
    answer.assert_members("", &REVOCATION);
    assert_eq!(answer.json["state"], "waiting");
    let path = answer.header("location").unwrap().to_owned();
    assert_eq!(path, format!("/v1/revocations/{}", answer.word("/id")));
    desk.clock.pass(MINUTE);
    desk.arrives("guest-1", "tv", "203.0.113.1").await;
    desk.work();

    let over = desk.is_over(&path).await;

    assert_eq!(over.json["state"], "done");
    assert_eq!(over.json["filter"], json!({"client": "tv"}));
    let counts = ["subjects", "matched", "ended", "progress"].map(|n| over.json[n].as_u64());
    assert_eq!(counts, [Some(9), Some(9), Some(9), Some(100)]);
    assert_eq!(
        desk.found("client=tv").await,
        1,
        "what was born later lives"
    );
    assert_eq!(desk.check(&token).await.status, StatusCode::OK);
    let told = desk.get("/v1/subjects/guest-3/sessions?state=ended").await;
    assert_eq!(told.word("/sessions/0/end_reason"), "risk");
    assert_eq!(told.word("/sessions/0/ended_by"), "admin");
    let stopped = desk.delete(&path).await;
    assert_eq!(stopped.json, over.json, "what is over stays as it is");
}

/// The address lacked the tenant, so whoever followed it as it was given found nothing there.
#[tokio::test]
async fn given_an_order_of_a_tenant_when_its_address_is_followed_as_given_then_it_is_there() {
    let desk = desk().await;
    let key = desk.key(&[KeyScope::Admin], Some("acme & söhne")).await;
    let call = |method, path: &str| desk.call(method, path).bearer(&key);
    let body = json!({"filter": {"client": "tv"}, "tenant": "acme & söhne"});
    let ordered = call(Method::POST, "/v1/revocations").json(&body);
    let ordered = ordered.send().await;
    assert_eq!(ordered.status, StatusCode::ACCEPTED, "{}", ordered.text);
    let address = ordered.header("location").unwrap();

    let shown = call(Method::GET, address).send().await;

    assert_eq!(shown.status, StatusCode::OK, "{}", shown.text);
    assert_eq!(shown.json["id"], ordered.json["id"]);
    assert_eq!(shown.json["tenant"], "acme & söhne");
}

#[tokio::test]
async fn given_an_order_of_another_tenant_when_asked_for_then_it_looks_absent() {
    let desk = desk().await;
    let key = desk.key(&[KeyScope::Admin], Some("acme")).await;
    let body = json!({"filter": {"client": "tv"}});
    let answer = desk.post("/v1/revocations", body.clone()).await;
    let path = format!("{}?tenant=acme", answer.header("location").unwrap());

    for method in [Method::GET, Method::DELETE] {
        let answer = desk.call(method.clone(), &path).bearer(&key).send().await;
        answer.assert_problem(404, "not-found");
        let absent = "/v1/revocations/rev_AAAAAAAAAAAAAAAAAAAAAA?tenant=acme";
        let answer = desk.call(method, absent).bearer(&key).send().await;
        answer.assert_problem(404, "not-found");
    }
    let call = desk.call(Method::POST, "/v1/revocations").bearer(&key);
    call.json(&body)
        .send()
        .await
        .assert_problem(403, "forbidden");
    for _ in 0..63 {
        desk.post("/v1/revocations", body.clone()).await;
    }
    let refused = desk.post("/v1/revocations", body).await;
    refused.assert_problem(429, "too-many-revocations");
    let path = answer.header("location").unwrap();
    let stopped = desk.delete(path).await;
    assert_eq!(stopped.json["state"], "cancelling");
    desk.work();
    assert_eq!(desk.is_over(path).await.json["state"], "cancelled");
}

#[tokio::test]
async fn given_orders_when_listed_then_the_youngest_comes_first_and_no_other_tenant_is_among_them()
{
    let desk = desk().await;
    desk.arrives("alice", "web", "203.0.113.7").await;
    let order = |client: &str| json!({"filter": {"client": client}});
    let mut ids = Vec::new();
    for client in ["tv", "web", "app"] {
        let answer = desk.post("/v1/revocations", order(client)).await;
        ids.push(answer.word("/id").to_owned());
        desk.clock.pass(MINUTE);
    }
    let of_acme = json!({"tenant": "acme", "filter": {"client": "tv"}});
    desk.post("/v1/revocations", of_acme).await;
    let listed = async || {
        let answer = desk.get("/v1/revocations").await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.assert_members("/revocations/0", &REVOCATION);
        let all = answer.json["revocations"]
            .as_array()
            .expect("a list")
            .clone();
        all.into_iter().map(|r| r["id"].clone()).collect::<Vec<_>>()
    };

    assert_eq!(listed().await, [&*ids[2], &ids[1], &ids[0]]);
    desk.work();
    for id in &ids {
        desk.is_over(&format!("/v1/revocations/{id}")).await;
    }

    assert_eq!(listed().await, [&*ids[2], &ids[1], &ids[0]]);
    let foreign = desk.get("/v1/revocations?tenant=acme").await;
    assert_eq!(
        foreign.json["revocations"].as_array().map(Vec::len),
        Some(1)
    );
}
