//! The journal outward: `GET /v1/events` in pages and live, and `GET /me/events`.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use innkeeper_engine::keys::{Issuer, KeyScope};
use innkeeper_store::SessionStore;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::support::{Answer, Call, Desk, MINUTE, desk, is_moment};

const EVENT: [&str; 9] = [
    "at", "ended_by", "id", "reason", "seq", "session", "subject", "tenant", "type",
];

/// What the first sign-in of a subject is told in.
const FIRST: [&str; 3] = ["policy.obeyed", "device.new", "session.opened"];

/// A live answer, read message by message.
struct Live {
    body: Body,
    text: String,
}

/// One message: the place to go on from, and what it says.
#[derive(Debug)]
struct Message {
    id: Option<String>,
    name: Option<String>,
    data: Option<Value>,
}

impl Live {
    /// The next message; `None` where the stream has ended.
    async fn next(&mut self) -> Option<Message> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let line = |name: &str| {
                    let mut lines = block.lines().filter_map(|l| l.strip_prefix(name));
                    lines.next().map(str::to_owned)
                };
                let message = Message {
                    id: line("id: "),
                    name: line("event: "),
                    data: line("data: ").map(|d| serde_json::from_str(&d).expect("it is JSON")),
                };
                self.text = rest.into();
                return Some(message);
            }
            let frame = self.body.frame().await?.expect("the body does not fail");
            let bytes = frame.into_data().expect("there are no trailers");
            self.text += std::str::from_utf8(&bytes).expect("it is text");
        }
    }

    /// The next event, past signs of life.
    async fn event(&mut self) -> Option<(String, Value)> {
        loop {
            let message = self.next().await?;
            if let Some(data) = message.data {
                assert_eq!(message.name, None);
                return Some((message.id.unwrap_or_default(), data));
            }
        }
    }
}

impl Live {
    /// The first sign-in of a subject, told in this order.
    async fn first(&mut self) -> (String, Value) {
        for kind in &FIRST[..2] {
            let (_, told) = self.event().await.expect("it is told");
            assert_eq!(told["type"], *kind);
        }
        let (place, told) = self.event().await.expect("it is told");
        assert_eq!(told["type"], FIRST[2]);
        (place, told)
    }
}

impl Call<'_> {
    async fn listen(self) -> Result<Live, Answer> {
        let response = self.header(ACCEPT, "text/event-stream").open().await?;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[CONTENT_TYPE], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        let mut live = Live {
            body: response.into_body(),
            text: String::new(),
        };
        let greeting = live.next().await.expect("it begins with a word");
        assert!(greeting.data.is_none());
        Ok(live)
    }
}

impl Desk {
    /// Has somebody follow the journal, as `serve` does.
    fn follow(&self) {
        let authority = Arc::clone(&self.authority);
        tokio::spawn(async move {
            let failed = authority.follow_journal().await;
            panic!("the store is sound: {failed:?}");
        });
    }

    async fn listen(&self, query: &str) -> Live {
        let call = self.call(Method::GET, &format!("/v1/events{query}"));
        let live = call.bearer(&self.admin).listen().await;
        live.expect("there is room")
    }

    async fn listen_as(&self, token: &str) -> Result<Live, Answer> {
        let call = self.call(Method::GET, "/me/events");
        call.bearer(token).listen().await
    }

    async fn signed_in_at(&self, tenant: &str, subject: &str) {
        let body = json!({"subject": subject, "tenant": tenant});
        let answer = self.post("/v1/sessions", body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    }
}

fn events(answer: &Answer) -> &[Value] {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.assert_members("", &["events", "more", "next"]);
    answer.json["events"].as_array().expect("it is a list")
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|e| e["type"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn given_a_life_when_the_events_are_read_then_they_tell_it_in_order() {
    let desk = desk().await;
    let body = json!({"subject": "alice", "client": "web", "ip": "203.0.113.7", "assurance": 2});
    let answer = desk.post("/v1/sessions", body).await;
    let (token, id) = (answer.word("/token"), answer.word("/session/id"));
    desk.post("/v1/sessions/rotate", json!({"token": token}))
        .await;
    desk.post("/v1/subjects/alice/disable", json!({})).await;

    let told = desk.get("/v1/events").await;

    let told = events(&told);
    let expected = [
        "policy.obeyed",
        "device.new",
        "session.opened",
        "session.rotated",
        "subject.generation_raised",
        "session.ended",
        "subject.disabled",
    ];
    assert_eq!(kinds(told), expected);
    let ids: BTreeSet<_> = told.iter().map(|e| e["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), told.len());
    for event in told {
        let members: BTreeSet<_> = event
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert!(EVENT.iter().all(|name| members.contains(name)), "{event}");
        assert!(is_moment(event["at"].as_str().unwrap()));
        assert_eq!(event["subject"], "alice");
        assert_eq!(event["tenant"], "default");
    }
    let opened = &told[2];
    assert_eq!(opened["session"], id);
    assert_eq!(
        (
            &opened["client"],
            &opened["ip"],
            &opened["assurance"],
            &opened["fenced"]
        ),
        (
            &json!("web"),
            &json!("203.0.113.7"),
            &json!(2),
            &json!(false)
        )
    );
    let ended = &told[5];
    assert_eq!(ended["reason"], "subject_disabled");
    assert_eq!(ended["ended_by"], "admin");
    let seqs: Vec<_> = told.iter().map(|e| e["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, [1, 1, 1, 2, 3, 3, 3]);
}

#[tokio::test]
async fn given_a_cursor_when_gone_on_from_now_or_later_then_nothing_is_missing_or_twice() {
    let desk = desk().await;
    let mut after = String::new();
    let mut read = Vec::new();
    for round in 0..4 {
        for name in ["alice", "bob"] {
            desk.sign_in(name).await;
        }
        loop {
            let page = desk.get(&format!("/v1/events?limit=3{after}")).await;
            read.extend(events(&page).to_vec());
            after = format!("&after={}", page.word("/next"));
            if page.json["more"] == false {
                break;
            }
        }
        let whole = desk.get("/v1/events").await;
        assert_eq!(read, events(&whole), "in round {round}");
    }
    let now = desk.get("/v1/events?after=now").await;
    assert!(events(&now).is_empty());
}

#[tokio::test]
async fn given_what_is_no_cursor_of_this_tenant_when_asked_for_then_it_is_refused() {
    let desk = desk().await;
    desk.signed_in_at("acme", "alice").await;
    desk.signed_in_at("other", "alice").await;
    let theirs = desk.get("/v1/events?tenant=other").await;
    let cursor = theirs.word("/next");
    let key = desk.key(&[KeyScope::Events], Some("acme")).await;

    for path in [
        format!("/v1/events?tenant=acme&after={cursor}"),
        "/v1/events?after=AAAAAAAAAAAAAAAA".into(),
        "/v1/events?after=".into(),
    ] {
        desk.get(&path).await.assert_invalid("after");
    }
    let path = format!("/v1/events?tenant=acme&after={cursor}");
    let answer = desk.call(Method::GET, &path).bearer(&key).send().await;
    answer.assert_invalid("after");
    for limit in ["0", "201"] {
        let answer = desk.get(&format!("/v1/events?limit={limit}")).await;
        answer.assert_invalid("limit");
    }
    let path = "/v1/events?tenant=other";
    let answer = desk.call(Method::GET, path).bearer(&key).send().await;
    answer.assert_problem(403, "forbidden");
    let path = "/v1/events?tenant=acme";
    let own = desk.call(Method::GET, path).bearer(&key).send().await;
    assert!(events(&own).iter().all(|e| e["tenant"] == "acme"));
    assert_eq!(kinds(events(&own)), FIRST);
}

#[tokio::test]
async fn given_a_cursor_from_before_what_is_kept_when_gone_on_from_then_it_is_410_and_says_how() {
    let desk = desk().await;
    desk.sign_in("alice").await;
    let page = desk.get("/v1/events?limit=1").await;
    let cursor = page.word("/next").to_owned();
    desk.sign_in("alice").await;
    let latest = desk.store.latest().await.unwrap().unwrap();
    desk.store.trim(&latest).await.unwrap();

    let path = format!("/v1/events?after={cursor}");
    let answer = desk.get(&path).await;

    answer.assert_problem(410, "cursor-expired");
    assert!(answer.word("/detail").contains("without `after`"));
    let call = desk.call(Method::GET, "/v1/events").bearer(&desk.admin);
    let live = call.header("last-event-id", &cursor).listen().await;
    let refused = live.err().expect("it is told at once");
    refused.assert_problem(410, "cursor-expired");
    assert!(events(&desk.get("/v1/events").await).is_empty());
}

#[tokio::test(start_paused = true)]
async fn given_a_listener_when_things_happen_then_it_is_told_and_can_go_on_where_it_was() {
    let desk = desk().await;
    desk.follow();
    desk.sign_in("alice").await;
    let mut live = desk.listen("").await;
    let (_, told) = live.first().await;
    assert_eq!(told["subject"], "alice");

    let (_, id) = desk.sign_in("bob").await;
    let (place, told) = live.first().await;
    assert_eq!(told["session"], id);
    drop(live);
    let (_, missed) = desk.sign_in("carol").await;

    // What the browser sends by itself holds over what the address still says.
    let call = desk.call(Method::GET, "/v1/events?after=now");
    let call = call.bearer(&desk.admin);
    let live = call.header("last-event-id", &place).listen().await;
    let (_, told) = live.expect("there is room").first().await;
    assert_eq!(told["session"], missed);
    let pages = desk.get(&format!("/v1/events?after={place}")).await;
    assert_eq!(kinds(events(&pages)), FIRST);
    assert_eq!(events(&pages)[2], told);
}

#[tokio::test(start_paused = true)]
async fn given_a_quiet_listener_when_others_are_busy_then_its_signs_of_life_say_nothing_of_it() {
    let desk = desk().await;
    desk.follow();
    let key = desk.key(&[KeyScope::Events], Some("acme")).await;
    let call = desk
        .call(Method::GET, "/v1/events?tenant=acme")
        .bearer(&key);
    let mut live = call.listen().await.expect("there is room");

    let mut ids = BTreeSet::new();
    for round in 0..4 {
        if round % 2 == 0 {
            desk.signed_in_at("other", "bob").await;
        }
        let beat = live.next().await.expect("it goes on");
        assert!(beat.data.is_none());
        let id = beat.id.expect("it says where to go on");
        assert_eq!(id.len(), ids.iter().next().map_or(id.len(), String::len));
        assert!(
            ids.insert(id),
            "no two are alike, whether or not others were busy"
        );
    }
    // And none of it was lost.
    let last = ids.iter().next().expect("there are four");
    desk.signed_in_at("acme", "alice").await;
    let path = format!("/v1/events?tenant=acme&after={last}");
    let told = desk.call(Method::GET, &path).bearer(&key).send().await;
    assert_eq!(kinds(events(&told)), FIRST);
}

#[tokio::test(start_paused = true)]
async fn given_a_listener_when_its_key_is_revoked_then_it_is_told_nothing_more() {
    let desk = desk().await;
    desk.follow();
    let key = desk.key(&[KeyScope::Events], None).await;
    let mut live = Vec::new();
    for _ in 0..2 {
        let call = desk.call(Method::GET, "/v1/events").bearer(&key);
        live.push(call.listen().await.expect("there is room"));
    }
    let id = desk.authority.authenticate_key(&key).unwrap().id.clone();
    let _ = desk
        .authority
        .revoke_key(Issuer::Operator, &id)
        .await
        .unwrap();

    // One is silent meanwhile, to the other something would have to be told.
    assert!(live[0].event().await.is_none());
    desk.sign_in("alice").await;
    assert!(live[1].event().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn given_as_many_listeners_as_there_may_be_when_one_more_comes_then_it_is_429() {
    let desk = desk().await;
    desk.follow();
    let mut live = Vec::new();
    for _ in 0..16 {
        live.push(desk.listen("").await);
    }

    let call = desk.call(Method::GET, "/v1/events").bearer(&desk.admin);
    let refused = call.listen().await.err().expect("there is no room");
    refused.assert_problem(429, "too-many-streams");
    assert!(refused.header("retry-after").is_some());
    live.pop();
    live.push(desk.listen("").await);

    let (token, _) = desk.sign_in("alice").await;
    let mut own = Vec::new();
    for _ in 0..4 {
        own.push(desk.listen_as(&token).await.expect("there is room"));
    }
    let refused = desk
        .listen_as(&token)
        .await
        .err()
        .expect("there is no room");
    refused.assert_problem(429, "too-many-streams");
    desk.authority.end_live();
    for mut live in live {
        while live.event().await.is_some() {}
    }
    for mut own in own {
        assert!(own.event().await.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn given_an_open_page_when_another_signs_in_and_ends_it_then_it_is_told_both_and_why() {
    let desk = desk().await;
    desk.follow();
    let (token, id) = desk.sign_in("alice").await;
    let mut live = desk.listen_as(&token).await.expect("there is room");

    desk.sign_in("bob").await;
    let (_, other) = desk.sign_in("alice").await;
    let (_, told) = live.event().await.unwrap();
    assert_eq!(
        (&told["type"], &told["session"]),
        (&json!("session.opened"), &json!(other))
    );
    desk.delete(&format!("/v1/sessions/{other}")).await;
    desk.delete(&format!("/v1/sessions/{id}")).await;

    let (_, told) = live.event().await.unwrap();
    assert_eq!(
        (&told["type"], &told["session"]),
        (&json!("session.ended"), &json!(id))
    );
    assert_eq!(told["reason"], "revoked_by_admin");
    assert!(
        live.event().await.is_none(),
        "there is nothing more to tell it"
    );
    let refused = desk.listen_as(&token).await.err().expect("it is over");
    refused.assert_problem(401, "no-session");
}

/// A page that was opened with a stolen token went on telling of the account after the owner had
/// proved identity again, and that token was dead.
#[tokio::test(start_paused = true)]
async fn given_an_open_page_when_its_token_is_replaced_at_once_then_it_hears_no_more() {
    let desk = desk().await;
    desk.follow();
    let (token, _) = desk.sign_in("alice").await;
    let mut live = desk.listen_as(&token).await.expect("there is room");
    let body = json!({"token": token, "methods": ["otp"], "assurance": 2});
    let raised = desk.post("/v1/sessions/reauthenticated", body).await;
    let raised = raised.word("/token");
    let mut again = desk.listen_as(raised).await.expect("there is room");
    let body = json!({"keep": raised});
    let changed = desk.post("/v1/subjects/alice/credential-changed", body);
    let kept = changed.await.word("/token").to_owned();
    let mut good = desk.listen_as(&kept).await.expect("there is room");

    let (_, other) = desk.sign_in("alice").await;

    assert!(live.event().await.is_none());
    assert!(again.event().await.is_none());
    assert_eq!(good.event().await.unwrap().1["session"], json!(other));
}

#[tokio::test(start_paused = true)]
async fn given_an_open_page_when_its_token_is_renewed_then_it_is_told_until_the_grace_is_over() {
    let desk = desk().await;
    desk.follow();
    let (token, _) = desk.sign_in("alice").await;
    let mut live = desk.listen_as(&token).await.expect("there is room");
    let mut silent = desk.listen_as(&token).await.expect("there is room");
    let renewed = desk.post("/v1/sessions/rotate", json!({"token": token}));
    assert_eq!(renewed.await.status, StatusCode::OK);

    let (_, other) = desk.sign_in("alice").await;
    assert_eq!(live.event().await.unwrap().1["session"], json!(other));
    assert_eq!(silent.event().await.unwrap().1["session"], json!(other));
    desk.clock.pass(5 * MINUTE);
    let silent = timeout(MINUTE, silent.event()).await;
    assert!(silent.expect("a sign of life finds out").is_none());
    desk.sign_in("alice").await;

    assert!(live.event().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn given_an_open_page_when_its_time_runs_out_then_it_did_not_keep_its_session_alive() {
    let desk = desk().await;
    desk.follow();
    let (token, id) = desk.sign_in("alice").await;
    let mut live = desk.listen_as(&token).await.expect("there is room");
    let mut before = desk.listen_as(&token).await.expect("there is room");
    desk.clock.pass(31 * MINUTE);

    let (_, told) = live.event().await.expect("a sign of life finds out");
    assert_eq!(
        (&told["session"], &told["reason"]),
        (&json!(id), &json!("idle"))
    );
    assert!(live.event().await.is_none());
    // What comes after the end is not for it, though nobody has written the end down yet.
    desk.sign_in("alice").await;
    let (_, told) = before.event().await.expect("it is told");
    assert_eq!(
        (&told["session"], &told["reason"]),
        (&json!(id), &json!("idle"))
    );
    assert!(before.event().await.is_none());
}

#[tokio::test]
async fn given_a_follower_that_lost_its_way_when_a_page_is_open_then_the_page_is_let_go() {
    let desk = desk().await;
    let (token, _) = desk.sign_in("alice").await;
    for query in ["?after=x", "?tenant=default"] {
        let call = desk
            .call(Method::GET, &format!("/me/events{query}"))
            .bearer(&token);
        let answer = call.send().await;
        answer.assert_problem(422, "invalid-request");
    }
    let call = desk
        .call(Method::GET, "/_innkeeper/me/events")
        .cookie(&token);
    let mut live = call.listen().await.expect("there is room");
    desk.authority.end_live();
    assert!(live.event().await.is_none());
}

/// S7, S14: one subject alone, in pages and live.
#[tokio::test]
async fn s7_given_a_subject_that_is_asked_about_when_events_are_read_then_no_other_is_among_them() {
    let desk = desk().await;
    for name in ["alice", "bob", "alice"] {
        desk.sign_in(name).await;
    }

    let page = desk.get("/v1/events?subject=alice").await;
    let events = page.json["events"].as_array().expect("a list");
    assert!(!events.is_empty());
    assert!(
        events.iter().all(|e| e["subject"] == "alice"),
        "{}",
        page.text
    );
    let opened = events.iter().filter(|e| e["type"] == "session.opened");
    assert_eq!(opened.count(), 2);

    let mut live = desk.listen("?subject=bob").await;
    let (_, told) = live.first().await;
    assert_eq!(told["subject"], "bob");
    let refused = desk.get("/v1/events?subject=").await;
    refused.assert_invalid("subject");
}
