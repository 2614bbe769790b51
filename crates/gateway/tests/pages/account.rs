//! The list of one's own sessions, and ending them.

use std::time::Duration;

use http::StatusCode;
use innkeeper_domain::policy::Policy;

use crate::harness::{House, PASSWORD};

#[tokio::test]
async fn given_sessions_of_two_people_when_one_looks_then_only_ones_own_are_there() {
    let house = House::new(Policy::default()).await;
    let mut mine = house.signed_in("alice").await;
    let _also_mine = house.signed_in("alice").await;
    let mut bobs = house.signed_in("bob").await;

    let list = mine.get("/account").await;
    let his = bobs.get("/account").await;

    assert_eq!(list.status, StatusCode::OK);
    assert_eq!(list.values("data-session").len(), 2);
    assert_eq!(list.text.matches(" data-current").count(), 1);
    let first = list.text.find(" data-session").unwrap();
    let current = list.text.find(" data-current").unwrap();
    assert!(
        list.text[first..current].matches('>').count() == 0,
        "this one is first"
    );
    assert_eq!(
        list.values("data-do"),
        [
            "sign-out",
            "stay",
            "end",
            "end-others",
            "trust",
            "end-device"
        ]
    );
    assert_eq!(his.values("data-session").len(), 1);
    assert_eq!(his.values("data-do"), ["sign-out", "stay", "trust"]);
    for id in his.values("data-session") {
        assert!(!list.text.contains(&id));
    }
}

#[tokio::test]
async fn given_a_page_that_stands_open_when_its_holder_stays_then_the_idle_time_begins_anew() {
    let house = House::new(Policy::default()).await;
    let mut mine = house.signed_in("alice").await;
    let page = mine.get("/account").await;
    assert!(
        page.text.contains("in 30 minutes</time> if you do nothing"),
        "{}",
        page.text
    );
    house.pass(29);

    let stayed = mine.post("/account/stay", &[]).await;

    assert_eq!(stayed.location(), "/account?notice=stayed");
    house.pass(29);
    let page = mine.get("/account?notice=stayed").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("You stay signed in."));
    house.pass(30);
    let late = mine.post("/account/stay", &[]).await;
    assert_ne!(
        late.status,
        StatusCode::SEE_OTHER,
        "it is over, and says so"
    );
    assert!(late.text.contains("data-reason=\"idle\""), "{}", late.text);
}

#[tokio::test]
async fn given_a_session_near_its_absolute_end_when_shown_then_staying_is_not_promised() {
    let house = House::new(Policy::default()).await;
    let mut mine = house.signed_in("alice").await;
    for _ in 0..24 {
        house.pass(29);
        mine.get("/account").await;
    }

    let page = mine.get("/account").await;

    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.values("data-do").contains(&"stay".to_owned()));
    assert!(
        page.text.contains("staying does not change that"),
        "{}",
        page.text
    );
    let stayed = mine.get("/account?notice=stayed").await;
    assert!(
        !stayed.text.contains("You stay signed in"),
        "{}",
        stayed.text
    );
}

#[tokio::test]
async fn given_ones_own_session_elsewhere_when_ended_then_it_is_gone_and_the_other_stays() {
    let house = House::new(Policy::default()).await;
    let mut mine = house.signed_in("alice").await;
    let mut other = house.signed_in("alice").await;
    let target = other.get("/account").await.values("data-session")[0].clone();

    let end = format!("/account/sessions/{target}/end");
    let page = mine.post(&end, &[]).await;

    assert_eq!(page.status, StatusCode::SEE_OTHER);
    let list = mine.get(page.location()).await;
    assert!(list.text.contains("The session is ended."));
    assert_eq!(list.values("data-session").len(), 1);
    assert!(!list.values("data-session").contains(&target));
    assert!(
        !list.text.contains("data-ended"),
        "nobody here is told to go"
    );
    let again = mine.post(&end, &[]).await;
    assert_eq!(
        again.status,
        StatusCode::SEE_OTHER,
        "ending it again is fine"
    );
}

#[tokio::test]
async fn given_a_session_of_somebody_else_when_ended_then_it_looks_absent_and_lives() {
    let house = House::new(Policy::default()).await;
    let mut mine = house.signed_in("alice").await;
    let mut bobs = house.signed_in("bob").await;
    let foreign = bobs.get("/account").await.values("data-session")[0].clone();
    let own = mine.get("/account").await.values("data-session")[0].clone();
    // Of my roster, by its tag, and of no session in it.
    let mut absent = own.clone();
    absent.truncate(own.len() - 3);
    absent.push_str("AAA");

    let mut texts = Vec::new();
    for id in [
        foreign.as_str(),
        &absent,
        "ses_x",
        "%00",
        "%ff",
        "..",
        "ik_x",
    ] {
        let page = mine.post(&format!("/account/sessions/{id}/end"), &[]).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{id}");
        texts.push(page.text);
    }

    texts.dedup();
    assert_eq!(texts.len(), 1, "foreign and absent look the same");
    assert_eq!((house.live("alice").await, house.live("bob").await), (1, 1));
}

#[tokio::test]
async fn given_this_session_when_ended_by_its_id_then_it_is_a_sign_out() {
    let house = House::new(Policy::default()).await;
    let mut mine = house.signed_in("alice").await;
    let id = mine.get("/account").await.values("data-session")[0].clone();

    let page = mine.post(&format!("/account/sessions/{id}/end"), &[]).await;

    assert_eq!(page.location(), "/sign-in?next=%2F&notice=signed-out");
    assert!(
        mine.cookies.iter().all(|c| c.contains("-device-")),
        "the session is gone"
    );
    assert_eq!(house.live("alice").await, 0);
}

#[tokio::test]
async fn given_other_sessions_when_all_are_ended_then_only_this_one_lives() {
    let house = House::new(Policy::default()).await;
    let mut mine = house.signed_in("alice").await;
    for _ in 0..3 {
        house.signed_in("alice").await;
    }
    let _bobs = house.signed_in("bob").await;

    let page = mine.post("/account/end-others", &[]).await;

    let list = mine.get(page.location()).await;
    assert_eq!(list.values("data-session").len(), 1);
    let doors = list.values("data-do");
    assert!(
        !doors.iter().any(|d| d == "end" || d == "end-others"),
        "{doors:?}"
    );
    assert_eq!((house.live("alice").await, house.live("bob").await), (1, 1));
}

#[tokio::test]
async fn given_a_sign_in_of_some_time_ago_when_others_are_ended_then_identity_is_asked_for_first() {
    let house = House::new(Policy::default()).await;
    let mut mine = house.signed_in("alice").await;
    let mut other = house.signed_in("alice").await;
    let target = other.get("/account").await.values("data-session")[0].clone();
    house.pass(15);
    mine.get("/").await;
    let fresh_enough = mine.clone().post("/account/end-others", &[]).await;
    assert_eq!(fresh_enough.location(), "/account?notice=others-ended");
    let other = house.signed_in("alice").await;
    house.pass(16);
    mine.get("/").await;
    other.clone().get("/").await;

    let end_one = format!("/account/sessions/{target}/end");
    for path in ["/account/end-others", end_one.as_str()] {
        let page = mine.post(path, &[]).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER);
        assert_eq!(page.location(), "/sign-in?next=%2Faccount&notice=confirm");
    }

    assert_eq!(house.live("alice").await, 2);
    let form = mine.get("/sign-in?next=%2Faccount&notice=confirm").await;
    assert!(form.text.contains("Sign in again to confirm"));
    assert!(form.text.contains("name=\"name\" value=\"alice\""));
    let fields = [
        ("name", "alice"),
        ("password", PASSWORD),
        ("next", "/account"),
    ];
    let signed_in = mine.post("/sign-in", &fields).await;
    assert_eq!(signed_in.location(), "/account");
    mine.post("/account/end-others", &[]).await;
    assert_eq!(house.live("alice").await, 1);
}

#[tokio::test]
async fn given_hostile_user_agents_when_listed_then_they_are_text() {
    let house = House::new(Policy::default()).await;
    let mut mine = house.signed_in("alice").await;

    for user_agent in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "'/><b>x",
        "{{ 7919*7919 }}{% include 'x' %}",
        "&lt;i&gt;",
    ] {
        let mut other = house.browser();
        other.user_agent = user_agent.into();
        other.sign_in("alice", PASSWORD).await;
        let list = mine.get("/account").await;

        for sign in ["<script", "<img", "<b>", "<i>", "62710561"] {
            assert!(!list.text.contains(sign), "{user_agent}: {}", list.text);
        }
        other.post("/sign-out", &[]).await;
    }
}

#[tokio::test]
async fn given_a_hostile_name_when_shown_again_then_it_is_text() {
    let house = House::new(Policy::default()).await;

    let page = house
        .browser()
        .sign_in("\"><script>alert(1)</script>", "x")
        .await;

    assert!(!page.text.contains("<script"), "{}", page.text);
    assert_eq!(
        page.values("name"),
        [
            "viewport",
            "color-scheme",
            "robots",
            "next",
            "attempt",
            "name",
            "password"
        ]
    );
}

#[tokio::test]
async fn given_nobody_when_the_list_is_asked_for_then_it_leads_to_the_form_and_back() {
    let house = House::new(Policy::default()).await;
    let mut browser = house.browser();

    let list = browser.get("/account").await;
    let button = browser.post("/account/end-others", &[]).await;

    assert_eq!(list.status, StatusCode::SEE_OTHER);
    assert_eq!(list.location(), "/sign-in?next=%2Faccount");
    assert_eq!(button.location(), "/sign-in?next=%2Faccount");
}

#[tokio::test]
async fn given_a_policy_without_protection_when_one_looks_then_trust_promises_none() {
    let promise = "cannot end what you do there";
    let house = House::new(Policy::default()).await;
    let protected = house.signed_in("alice").await.get("/account").await;
    let mut policy = Policy::default();
    policy.terms.protect_trusted_for = Duration::ZERO;
    let house = House::new(policy).await;

    let open = house.signed_in("alice").await.get("/account").await;

    assert!(protected.text.contains(promise));
    assert!(!open.text.contains(promise));
    assert!(open.text.contains("Browsers and apps"), "{}", open.text);
}
