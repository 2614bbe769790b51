//! The choice page: who holds the seats may be ended there, by a plain form.

use http::StatusCode;
use innkeeper_domain::policy::Overflow;
use innkeeper_domain::session::EndReason;
use serde_json::json;

use crate::harness::*;
use crate::sign_in::policy;

/// What the form of a choice page sends along with every choice.
fn hidden(page: &Page) -> Vec<(&'static str, String)> {
    ["subject", "choice", "next"]
        .map(|name| {
            let mark = format!("name=\"{name}\" value=\"");
            let (_, after) = page.text.split_once(&mark).expect("the field is there");
            (name, after.split('"').next().unwrap_or_default().to_owned())
        })
        .into()
}

/// Presses the buttons, or marks the boxes, of these sessions.
async fn choose(browser: &mut Browser<'_>, page: &Page, end: &[&str]) -> Page {
    let hidden = hidden(page);
    let mut fields: Vec<(&str, &str)> = hidden.iter().map(|(n, v)| (*n, v.as_str())).collect();
    fields.extend(end.iter().map(|id| ("end", *id)));
    browser.post("/sign-in/choice", &fields).await
}

#[tokio::test]
async fn given_every_seat_taken_when_one_is_chosen_then_the_person_is_in_and_that_one_is_told() {
    let house = House::new(policy(2, Overflow::Ask)).await;
    let (mut one, mut two) = (
        house.signed_in("alice").await,
        house.signed_in("alice").await,
    );
    let mut browser = house.browser();
    let fields = [
        ("name", "alice"),
        ("password", PASSWORD),
        ("next", "/account"),
    ];
    let page = browser.post("/sign-in", &fields).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    assert_eq!(page.values("data-do"), ["stay", "end", "end"]);
    let rows = page.values("data-session");

    let inside = choose(&mut browser, &page, &[&rows[1]]).await;

    assert_eq!(inside.status, StatusCode::SEE_OTHER, "{}", inside.text);
    assert_eq!(inside.location(), "/account");
    let list = browser.get("/account").await;
    assert_eq!(list.values("data-session").len(), 2);
    let told = two.get("/").await.values("data-reason");
    assert_eq!(told, ["revoked_by_user"]);
    assert_eq!(one.get("/account").await.status, StatusCode::OK);
    let standing = house.standing("alice").await;
    let ended = standing.roster.ended.last().map(|e| e.ending.reason);
    assert_eq!(ended, Some(EndReason::RevokedByUser));
}

#[tokio::test]
async fn given_a_choice_made_before_when_pressed_again_then_the_form_asks_for_another_sign_in() {
    let house = House::new(policy(1, Overflow::Ask)).await;
    let _held = house.signed_in("alice").await;
    let mut browser = house.browser();
    let page = browser.sign_in("alice", PASSWORD).await;
    let rows = page.values("data-session");
    let first = choose(&mut browser, &page, &[&rows[0]]).await;
    assert_eq!(first.status, StatusCode::SEE_OTHER);

    let again = choose(&mut house.browser(), &page, &[&rows[0]]).await;
    house.pass(6);
    let late = choose(&mut house.browser(), &page, &[&rows[0]]).await;

    for page in [again, late] {
        assert_eq!(page.status, StatusCode::CONFLICT);
        assert!(page.text.contains("sign in once more"), "{}", page.text);
        assert!(page.header("set-cookie").is_none());
    }
    assert_eq!(house.live("alice").await, 1);
}

#[tokio::test]
async fn given_a_choice_of_none_when_sent_then_nothing_ends_and_it_asks_again() {
    let house = House::new(policy(3, Overflow::Ask)).await;
    for _ in 0..3 {
        house.signed_in("alice").await;
    }
    let mut browser = house.browser();
    let page = browser.sign_in("alice", PASSWORD).await;

    let none = choose(&mut browser, &page, &[]).await;
    let rows = none.values("data-session");
    let two = choose(&mut browser, &none, &[&rows[0], &rows[1]]).await;

    assert_eq!(none.status, StatusCode::CONFLICT);
    assert_eq!(rows.len(), 3, "nothing was ended");
    assert_eq!(two.status, StatusCode::SEE_OTHER);
    assert_eq!(house.live("alice").await, 2);
}

#[tokio::test]
async fn given_a_form_that_is_not_ours_when_a_choice_is_sent_then_nothing_ends() {
    let house = House::new(policy(1, Overflow::Ask)).await;
    let _held = house.signed_in("alice").await;
    let mut browser = house.browser();
    let page = browser.sign_in("alice", PASSWORD).await;
    let rows = page.values("data-session");
    let mut bob = hidden(&page);
    bob[0].1 = "bob".into();

    let mut elsewhere = house.browser();
    elsewhere.origin = Some("https://evil.example");
    let foreign = choose(&mut elsewhere, &page, &[&rows[0]]).await;
    let garbage = choose(&mut browser, &page, &["ses_x"]).await;
    let fields: Vec<_> = bob.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let stolen = browser.post("/sign-in/choice", &fields).await;
    let twice = [&fields[..], &fields[..]].concat();
    let repeated = browser.post("/sign-in/choice", &twice).await;

    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    assert_eq!(garbage.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(stolen.status, StatusCode::CONFLICT);
    assert_eq!(repeated.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(house.live("alice").await, 1);
    assert_eq!(house.live("bob").await, 0);
}

#[tokio::test]
async fn given_a_ticket_of_the_api_when_a_browser_brings_it_then_it_is_none_and_so_the_other_way() {
    // Or what an application proved, for a machine say, would open a browser session without its
    // key; and a form of ours a session that any application holds.
    let house = House::new(policy(1, Overflow::Ask)).await;
    let _held = house.signed_in("alice").await;
    let wanted = json!({"subject": "alice"});
    let (status, refusal) = house.call("POST", "/v1/sessions", None, wanted).await;
    assert_eq!(status, 409, "{refusal}");
    let of_api = refusal["choice"].as_str().expect("there is a choice");
    let held = refusal["sessions"][0]["id"].as_str().expect("it has an id");
    let mut browser = house.browser();
    let page = browser.sign_in("alice", PASSWORD).await;
    let of_page = hidden(&page)[1].1.clone();
    let over_api = |ticket: &str| json!({"subject": "alice", "choice": ticket, "end": [held]});

    let fields = [("subject", "alice"), ("choice", of_api), ("end", held)];
    let at_page = browser.post("/sign-in/choice", &fields).await;
    let (at_api, said) = house
        .call("POST", "/v1/sessions", None, over_api(&of_page))
        .await;

    assert_eq!(at_page.status, StatusCode::CONFLICT);
    assert!(at_page.text.contains("sign in once more"));
    assert!(at_page.header("set-cookie").is_none());
    assert_eq!(at_api, 422, "{said}");
    assert_eq!(house.live("alice").await, 1);
    let (at_own, born) = house
        .call("POST", "/v1/sessions", None, over_api(of_api))
        .await;
    assert_eq!(at_own, 201, "{born}");
}
