//! A provider that is away, slow to come back, or answers with rubbish.

use innkeeper_federation::{FederationError, ProviderFault};
use serde_json::json;

use crate::fake::{
    DISCOVERY, House, KEYS, TOKEN, after, answered, but, claims, document, flow, header,
    logout_claims, logout_header, now,
};

#[tokio::test]
async fn given_a_provider_that_is_away_when_a_logout_comes_then_the_known_keys_still_tell() {
    let house = House::new();
    let token = house
        .key
        .sign(&logout_header(), &logout_claims().to_string());
    assert!(house.provider.read_logout(&token, now()).await.is_ok());
    house.wire.silence(DISCOVERY);
    house.wire.silence(KEYS);

    assert!(house.provider.read_logout(&token, after(100)).await.is_ok());
    // Also when it is time to look again, and nothing can be seen.
    let start = now().as_millis() / 1000 + 4000;
    let claims = but(&logout_claims(), "iat", json!(start));
    let claims = but(&claims, "exp", json!(start + 120));
    let late = house.key.sign(&logout_header(), &claims.to_string());
    assert!(house.provider.read_logout(&late, after(4000)).await.is_ok());
}

#[tokio::test]
async fn given_a_provider_that_was_never_seen_when_a_logout_comes_then_it_is_not_taken_for_bad() {
    let house = House::new();
    house.wire.silence(KEYS);
    let token = house
        .key
        .sign(&logout_header(), &logout_claims().to_string());

    let answer = house.provider.read_logout(&token, now()).await;
    assert!(
        matches!(answer, Err(FederationError::Unavailable(Some(_)))),
        "{answer:?}"
    );
    let again = house.provider.read_logout(&token, after(1)).await;
    assert!(
        matches!(again, Err(FederationError::Unavailable(None))),
        "{again:?}"
    );
    assert_eq!(house.wire.calls_to(KEYS), 1, "it is not called without end");

    house
        .wire
        .answer(KEYS, 200, json!({"keys": [house.key.public()]}));
    assert!(house.provider.read_logout(&token, after(15)).await.is_ok());
}

#[tokio::test]
async fn given_rubbish_from_a_provider_when_a_sign_in_needs_it_then_it_says_what_is_wrong() {
    let begin = async |house: &House| house.provider.begin(&flow(), now()).await.unwrap_err();
    for (status, body) in [
        (200, "<html>".to_owned()),
        (
            200,
            but(&document(), "issuer", json!("https://evil.example")).to_string(),
        ),
        (404, String::new()),
        (302, String::new()),
    ] {
        let house = House::new();
        house.wire.answer(DISCOVERY, status, &body);

        let error = begin(&house).await;

        assert!(
            matches!(error, FederationError::Provider(_)),
            "{status} {body}: {error:?}"
        );
    }
    let house = House::new();
    house.wire.answer(DISCOVERY, 503, "");
    assert!(matches!(
        begin(&house).await,
        FederationError::Unavailable(None)
    ));
}

#[tokio::test]
async fn given_a_code_that_the_provider_refuses_when_redeemed_then_the_person_begins_again() {
    let house = House::new();
    let token = house.key.sign(&header(), &claims(&house).await.to_string());
    let redeem = async || house.provider.redeem(&flow(), &answered(), now()).await;

    house
        .wire
        .answer(TOKEN, 400, json!({"error": "invalid_grant"}));
    assert!(matches!(redeem().await, Err(FederationError::Foreign)));
    house
        .wire
        .answer(TOKEN, 401, json!({"error": "invalid_client"}));
    let refused = redeem().await;
    assert!(
        matches!(
            refused,
            Err(FederationError::Provider(ProviderFault::Status {
                status: 401,
                ..
            }))
        ),
        "{refused:?}"
    );
    house.wire.answer(TOKEN, 502, "");
    assert!(matches!(
        redeem().await,
        Err(FederationError::Unavailable(_))
    ));
    house.wire.answer(TOKEN, 200, json!({"access_token": "x"}));
    assert!(matches!(redeem().await, Err(FederationError::Provider(_))));
    house.vouch(&token);
    assert!(redeem().await.is_ok());
}

#[tokio::test]
async fn given_no_page_to_sign_out_at_when_asked_for_then_it_says_so() {
    let house = House::new();
    let there = house.provider.sign_out(now()).await.unwrap();
    assert_eq!(
        there,
        "https://id.example/end?client_id=innkeeper&post_logout_redirect_uri=\
         https%3A%2F%2Fapp.example%2F_innkeeper%2Foidc%2Fsigned-out"
    );

    let house = House::new();
    house.wire.answer(
        DISCOVERY,
        200,
        but(&document(), "end_session_endpoint", json!(null)),
    );
    let answer = house.provider.sign_out(now()).await;
    assert!(matches!(
        answer,
        Err(FederationError::Provider(ProviderFault::NoSignOut))
    ));
}
