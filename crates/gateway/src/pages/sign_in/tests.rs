//! The form, while its strangers' queue is full.

use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::body::Body;
use http::header::{CONTENT_TYPE, COOKIE, HOST, ORIGIN};
use http::{HeaderValue, StatusCode};
use innkeeper_domain::budget::Budget;
use innkeeper_domain::name::TenantId;
use innkeeper_domain::policy::Policy;
use innkeeper_engine::entropy::OsEntropy;
use innkeeper_engine::{Authority, Services};
use innkeeper_http::cookies::SessionCookie;
use innkeeper_http::layer::Door;
use innkeeper_http::origin::OriginRule;
use innkeeper_http::server::Peer;
use innkeeper_store::clock::ManualClock;
use innkeeper_store::memory::MemoryStore;
use tower::ServiceExt;

use super::*;
use crate::hasher::{Cost, Queue};
use crate::password::Password;
use crate::user_name::UserName;
use crate::users::{Added, NewUser};
use crate::{Gateway, router};

/// The pages, for alice, who may try twice an hour.
async fn house() -> (Gateway, Router) {
    let store = Arc::new(MemoryStore::new(Arc::new(ManualClock::at(1_800_000_000))));
    let services = Services {
        store: Arc::clone(&store) as _,
        register: store,
        entropy: Arc::new(OsEntropy),
    };
    let mut policy = Policy::default();
    policy.terms.sign_ins = Budget::parse("2/1h").unwrap();
    let door = Door {
        authority: Arc::new(Authority::open(services, policy).await.unwrap()),
        cookie: SessionCookie::LOOPBACK,
        origins: OriginRule::Loopback,
        clears_storage: false,
    };
    let gateway = Gateway::demo(door, TenantId::default()).at_cost(Cost::FOR_TESTS);
    let alice = NewUser {
        name: UserName::parse("alice").unwrap(),
        subject: None,
        groups: Vec::new(),
        password: Password::new("swordfish"),
    };
    assert_eq!(gateway.users().add(alice).await.unwrap(), Added::Done);
    (gateway.clone(), router(gateway))
}

/// Signs alice in, with the cookies of an answer that came before.
async fn sign_in(pages: &Router, before: Option<&Response>) -> Response {
    let mut request = Request::builder()
        .method("POST")
        .uri("/sign-in")
        .header(HOST, "127.0.0.1:7070")
        .header(ORIGIN, "http://127.0.0.1:7070")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .extension(Peer(SocketAddr::from((Ipv4Addr::LOCALHOST, 50_000))));
    let set = before.map(|answer| answer.headers().get_all(SET_COOKIE));
    for line in set.into_iter().flatten() {
        let pair = line.to_str().unwrap().split(';').next().unwrap();
        request = request.header(COOKIE, HeaderValue::from_str(pair).unwrap());
    }
    let body = Body::from("name=alice&password=swordfish");
    let Ok(answer) = pages.clone().oneshot(request.body(body).unwrap()).await;
    answer
}

#[tokio::test]
async fn given_a_full_queue_of_strangers_when_one_is_turned_away_then_no_try_was_spent() {
    let (gateway, pages) = house().await;
    let flood = gateway.users().fill(Queue::Strangers);
    for _ in 0..3 {
        let refused = sign_in(&pages, None).await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
    drop(flood);

    let answers = [sign_in(&pages, None).await, sign_in(&pages, None).await];

    assert_eq!(answers.map(|a| a.status()), [StatusCode::SEE_OTHER; 2]);
}

#[tokio::test]
async fn given_a_full_queue_of_strangers_when_the_owner_comes_on_a_known_device_then_it_opens() {
    // V4: a flood spends the attacker's means.
    let (gateway, pages) = house().await;
    let known = sign_in(&pages, None).await;
    assert_eq!(known.status(), StatusCode::SEE_OTHER);
    let _flood = gateway.users().fill(Queue::Strangers);

    let stranger = sign_in(&pages, None).await;
    let owner = sign_in(&pages, Some(&known)).await;

    assert_eq!(stranger.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(owner.status(), StatusCode::SEE_OTHER);
}
