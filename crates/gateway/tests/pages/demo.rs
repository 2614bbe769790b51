//! The users of the demo.

use http::StatusCode;
use innkeeper_domain::policy::Policy;
use innkeeper_gateway::{Added, Demo, NewUser, Password, UserName};

use crate::harness::{House, PASSWORD};

#[tokio::test]
async fn given_a_new_house_when_the_demo_is_prepared_then_its_users_can_sign_in() {
    let house = House::new(Policy::default()).await;

    let demo = Demo::prepare(&house.gateway).await.unwrap();

    let names: Vec<_> = demo.users.iter().map(|u| u.name.as_str()).collect();
    assert_eq!(names, ["alice", "bob", "admin"]);
    for user in &demo.users {
        assert_eq!(user.password.len(), 16);
        assert!(user.password.bytes().all(|b| b.is_ascii_alphanumeric()));
        let page = house.browser().sign_in(&user.name, &user.password).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", user.name);
    }
    let standing = house.standing("admin").await;
    assert_eq!(standing.roster.groups[0].as_str(), "innkeeper-admins");
    assert!(house.standing("alice").await.roster.groups.is_empty());
    let shown = format!("{demo:?}");
    assert!(demo.users.iter().all(|u| !shown.contains(&u.password)));
}

#[tokio::test]
async fn given_users_of_an_earlier_start_when_prepared_again_then_they_have_new_passwords() {
    let house = House::new(Policy::default()).await;
    let mut before = house.signed_in("alice").await;

    let demo = Demo::prepare(&house.gateway).await.unwrap();
    let again = Demo::prepare(&house.gateway).await.unwrap();

    assert!(demo.replaced && again.replaced);
    let old = house.browser().sign_in("alice", PASSWORD).await;
    let older = house
        .browser()
        .sign_in("alice", &demo.users[0].password)
        .await;
    let new = house
        .browser()
        .sign_in("alice", &again.users[0].password)
        .await;
    assert_eq!(old.status, StatusCode::UNAUTHORIZED);
    assert_eq!(older.status, StatusCode::UNAUTHORIZED);
    assert_eq!(new.status, StatusCode::SEE_OTHER);
    let told = before.get("/").await;
    assert_eq!(told.values("data-reason"), ["credential_change"]);
}

#[tokio::test]
async fn given_a_name_in_another_spelling_when_a_user_is_added_then_it_is_taken() {
    let house = House::new(Policy::default()).await;
    let user = |name: &str| NewUser {
        name: UserName::parse(name).unwrap(),
        subject: None,
        groups: Vec::new(),
        password: Password::new("x"),
    };

    let taken = house.gateway.users().add(user("ALICE")).await.unwrap();
    let free = house.gateway.users().add(user("Carol")).await.unwrap();

    assert_eq!(taken, Added::NameTaken);
    assert_eq!(free, Added::Done);
    let still = house.browser().sign_in("alice", PASSWORD).await;
    assert_eq!(still.status, StatusCode::SEE_OTHER);
    let mut carol = house.browser();
    assert_eq!(
        carol.sign_in("CAROL", "x").await.status,
        StatusCode::SEE_OTHER
    );
    let home = carol.get("/").await;
    assert!(
        home.text.contains("Signed in as <bdi>carol</bdi>"),
        "by name, not by id"
    );
    assert_eq!(house.live("carol").await, 0, "the subject is another thing");
}
