//! Users, as the sign-in page asks for them.

use innkeeper_domain::policy::Policy;
use innkeeper_domain::session::EndReason;
use innkeeper_engine::Services;
use innkeeper_engine::entropy::OsEntropy;
use innkeeper_store::clock::ManualClock;
use innkeeper_store::memory::MemoryStore;

use super::*;

async fn users() -> Users {
    let clock = Arc::new(ManualClock::at(1_800_000_000));
    let store = Arc::new(MemoryStore::new(clock));
    let services = Services {
        store: Arc::clone(&store) as _,
        register: store,
        entropy: Arc::new(OsEntropy),
    };
    let authority = Authority::open(services, Policy::default()).await.unwrap();
    Users::new(Arc::new(authority), TenantId::default(), Cost::FOR_TESTS)
}

fn alice(subject: Option<&str>) -> NewUser {
    NewUser {
        name: UserName::parse("alice").unwrap(),
        subject: subject.map(|text| SubjectId::parse(text).unwrap()),
        groups: Vec::new(),
        password: Password::new("swordfish"),
    }
}

async fn prove(users: &Users, name: &str) -> Result<Option<Proved>, UsersError> {
    let claim = users.claim(name).await?;
    let turn = users.turn(claim.queue(None))?;
    users.prove(claim, Password::new("swordfish"), turn).await
}

#[tokio::test]
async fn given_an_order_to_end_all_while_a_password_is_checked_then_the_evidence_is_from_before() {
    // S8: or whoever knows the password slips in beside the order that was to keep them out.
    let users = users().await;
    let alice = alice(Some("alice"));
    let subject = alice.subject.clone().unwrap();
    assert_eq!(users.add(alice).await.unwrap(), Added::Done);
    let held_up = users.hasher.hold_up().await;
    let proving = tokio::spawn({
        let users = users.clone();
        async move { prove(&users, "alice").await }
    });
    users.hasher.until_one_waits().await;

    let (tenant, reason) = (&users.tenant, EndReason::RevokedByAdmin);
    let ended = users
        .authority
        .revoke_all(tenant, &subject, None, reason, Initiator::Admin)
        .await;
    drop(held_up);

    let proved = proving.await.unwrap().unwrap().expect("it is right");
    let standing = users.authority.subject(tenant, &subject).await.unwrap();
    assert!(ended.is_ok());
    assert!(proved.evidence < standing.roster.generation);
}

#[tokio::test]
async fn given_a_user_without_a_subject_when_added_then_one_is_drawn_that_is_not_the_name() {
    let users = users().await;
    assert_eq!(users.add(alice(None)).await.unwrap(), Added::Done);

    let proved = prove(&users, "ALICE").await;

    let proved = proved.unwrap().expect("it is right");
    assert!(proved.subject.as_str().starts_with("usr_"));
    assert_eq!(proved.name.as_str(), "alice");
}

#[tokio::test]
async fn given_a_new_password_that_is_too_long_when_added_then_it_is_refused() {
    let users = users().await;
    let mut user = alice(None);
    user.password = Password::new(&"x".repeat(Password::LEN_MAX + 1));

    let added = users.add(user).await;

    assert!(matches!(added, Err(UsersError::PasswordTooLong)));
}

#[tokio::test]
async fn given_a_user_of_one_tenant_when_looked_for_in_another_then_there_is_none() {
    let users = users().await;
    assert_eq!(users.add(alice(None)).await.unwrap(), Added::Done);
    let elsewhere = Users {
        tenant: TenantId::parse("elsewhere").unwrap(),
        ..users.clone()
    };

    let proved = prove(&elsewhere, "alice").await;

    assert!(proved.unwrap().is_none());
}

#[test]
fn given_signs_in_tenants_and_names_when_placed_then_no_two_pairs_share_a_place() {
    // S14: nothing crosses tenants.
    let mut places: Vec<_> = [("a", "b/c"), ("a/b", "c"), ("a%2fb", "c"), ("a%2Fb", "c")]
        .into_iter()
        .map(|(tenant, name)| {
            let tenant = TenantId::parse(tenant).unwrap();
            key(&tenant, &UserName::parse(name).unwrap())
        })
        .collect();
    places.sort();
    places.dedup();

    assert_eq!(places.len(), 4, "{places:?}");
}

#[test]
fn given_random_bytes_when_written_then_no_letter_is_mistaken_for_another() {
    assert_eq!(base32(&[0; 10]), "a".repeat(16));
    assert_eq!(base32(&[0xff; 10]), "9".repeat(16));
    assert_eq!(base32(&[0b0000_1000, 0b0100_0000]), "bba");
}
