//! Signatures: by which key, by which algorithm, and how often the provider is asked for its keys.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use innkeeper_federation::{FederationError, TokenFault};
use serde_json::json;

use crate::fake::{
    House, KEYS, Key, after, answered, but, claims, document, fault, flow, header, logout_claims,
    logout_header, now,
};

#[tokio::test]
async fn given_a_header_that_is_not_to_be_believed_when_redeemed_then_it_is_refused() {
    let house = House::new();
    let claims = claims(&house).await.to_string();
    let plain = header();
    for (header, fault_expected) in [
        (but(&plain, "alg", json!("none")), TokenFault::Algorithm),
        (but(&plain, "alg", json!("None")), TokenFault::Algorithm),
        (but(&plain, "alg", json!("HS256")), TokenFault::Algorithm),
        (but(&plain, "alg", json!("ES512")), TokenFault::Algorithm),
        // It is one of ours, and not one that this provider signs by.
        (but(&plain, "alg", json!("EdDSA")), TokenFault::Algorithm),
        // It is one that it signs by, but not with this key.
        (but(&plain, "alg", json!("RS256")), TokenFault::UnknownKey),
        (but(&plain, "alg", json!(null)), TokenFault::Claim("alg")),
        (but(&plain, "crit", json!(["exp"])), TokenFault::Critical),
        (but(&plain, "typ", json!("logout+jwt")), TokenFault::Kind),
        (but(&plain, "typ", json!("at+jwt")), TokenFault::Kind),
    ] {
        let token = house.key.sign(&header, &claims);

        assert_eq!(
            fault(house.redeem(&token).await),
            fault_expected,
            "{header}"
        );
    }
}

/// With the `HS` family the public key, which everybody knows, would be the secret.
#[tokio::test]
async fn given_a_token_signed_with_the_public_key_as_a_secret_when_redeemed_then_it_is_refused() {
    let house = House::new();
    let claims = claims(&house).await.to_string();
    let encoded = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    let header = but(&header(), "alg", json!("HS256")).to_string();
    let signed = format!("{}.{}", encoded(&header), encoded(&claims));
    let public = house.key.public().to_string();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, public.as_bytes());
    let signature = ring::hmac::sign(&key, signed.as_bytes());
    let token = format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature));

    assert_eq!(fault(house.redeem(&token).await), TokenFault::Algorithm);
}

#[tokio::test]
async fn given_a_signature_that_is_not_the_providers_when_redeemed_then_it_is_refused() {
    let house = House::new();
    let claims = claims(&house).await;
    let good = house.key.sign(&header(), &claims.to_string());
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let changed = but(&claims, "sub", json!("root")).to_string();
    let (head, _) = signed.split_once('.').unwrap();
    let forged = format!(
        "{head}.{}.{signature}",
        BASE64_URL_SAFE_NO_PAD.encode(changed)
    );
    let strangers = Key::new("one").sign(&header(), &claims.to_string());

    for token in [forged, strangers, format!("{signed}.")] {
        assert_eq!(fault(house.redeem(&token).await), TokenFault::Signature);
    }
    for token in [
        "",
        "a",
        "a.b",
        "a.b.c",
        "e30.e30.e30",
        &format!("{good}.x"),
        &format!("{good}="),
    ] {
        let found = fault(house.redeem(token).await);
        let is_malformed = matches!(found, TokenFault::Malformed | TokenFault::Claim("alg"));
        assert!(is_malformed, "{token}: {found:?}");
    }
    assert_eq!(
        fault(house.redeem(&"a".repeat(40_000)).await),
        TokenFault::TooLong
    );
    assert!(house.redeem(&good).await.is_ok());
}

#[tokio::test]
async fn given_a_claim_that_is_there_twice_when_redeemed_then_neither_is_believed() {
    let house = House::new();
    let claims = claims(&house).await.to_string();
    let doubled = claims.replacen('{', r#"{"sub": "root","#, 1);
    let token = house.key.sign(&header(), &doubled);

    assert_eq!(fault(house.redeem(&token).await), TokenFault::Malformed);
}

#[tokio::test]
async fn given_two_keys_when_none_is_named_then_neither_is_guessed() {
    let house = House::new();
    let claims = claims(&house).await.to_string();
    let unnamed = but(&header(), "kid", json!(null));
    let token = house.key.sign(&unnamed, &claims);
    assert!(house.redeem(&token).await.is_ok(), "there is one alone");

    let two = House::new();
    let other = Key::new("two");
    two.wire.answer(
        KEYS,
        200,
        json!({"keys": [two.key.public(), other.public()]}),
    );
    let token = two.key.sign(&unnamed, &claims);
    assert_eq!(fault(two.redeem(&token).await), TokenFault::Signature);
}

#[tokio::test]
async fn given_a_key_that_came_later_when_it_signs_then_it_is_looked_up_and_not_without_end() {
    let house = House::new();
    let logout = logout_claims().to_string();
    let read = async |token: &str, at| house.provider.read_logout(token, at).await;
    assert!(
        read(&house.key.sign(&logout_header(), &logout), now())
            .await
            .is_ok()
    );
    assert_eq!(house.wire.calls_to(KEYS), 1);

    // Made-up ones, a hundred in a row: one of them is looked up.
    let made_up = house
        .key
        .sign(&but(&logout_header(), "kid", json!("two")), &logout);
    for _ in 0..100 {
        let answer = read(&made_up, after(20)).await;
        let is_refused = matches!(
            answer,
            Err(FederationError::Token(TokenFault::UnknownKey) | FederationError::Unavailable(None))
        );
        assert!(is_refused, "{answer:?}");
    }
    assert_eq!(house.wire.calls_to(KEYS), 2);

    // The provider has a new key, and keeps the old one beside it.
    let new = Key::new("two");
    house.wire.answer(
        KEYS,
        200,
        json!({"keys": [house.key.public(), new.public()]}),
    );
    let by_new = new.sign(&but(&logout_header(), "kid", json!("two")), &logout);
    let soon = read(&by_new, after(21)).await;
    assert!(
        matches!(soon, Err(FederationError::Unavailable(_))),
        "to be sent again: {soon:?}"
    );
    assert!(read(&by_new, after(40)).await.is_ok());
    assert_eq!(house.wire.calls_to(KEYS), 3);
}

#[tokio::test]
async fn given_a_key_that_was_taken_back_when_an_hour_has_passed_then_it_signs_nothing_more() {
    let house = House::new();
    let token = |at: u64| {
        let claims = but(&logout_claims(), "iat", json!(at));
        let claims = but(&claims, "exp", json!(at + 120));
        house.key.sign(&logout_header(), &claims.to_string())
    };
    let start = now().as_millis() / 1000;
    assert!(
        house
            .provider
            .read_logout(&token(start), now())
            .await
            .is_ok()
    );
    house
        .wire
        .answer(KEYS, 200, json!({"keys": [Key::new("two").public()]}));

    let later = house
        .provider
        .read_logout(&token(start + 3599), after(3599))
        .await;
    assert!(later.is_ok(), "{later:?}");
    let found = fault(
        house
            .provider
            .read_logout(&token(start + 3600), after(3600))
            .await,
    );

    assert_eq!(found, TokenFault::UnknownKey);
}

#[tokio::test]
async fn given_keys_for_other_uses_and_of_other_kinds_when_read_then_they_are_passed_over() {
    let house = House::new();
    let claims = claims(&house).await.to_string();
    let set = json!({"keys": [
        {"kty": "oct", "kid": "one", "k": "c2VjcmV0"},
        {"kty": "EC", "crv": "P-521", "kid": "one", "x": "AA", "y": "AA"},
        but(&house.key.public(), "use", json!("enc")),
        7,
        house.key.public(),
    ]});
    house.wire.answer(KEYS, 200, set);
    assert!(
        house
            .redeem(&house.key.sign(&header(), &claims))
            .await
            .is_ok()
    );

    let none = House::new();
    none.wire.answer(
        KEYS,
        200,
        json!({"keys": [but(&none.key.public(), "use", json!("enc"))]}),
    );
    let token = none.key.sign(&header(), &claims);
    assert_eq!(fault(none.redeem(&token).await), TokenFault::UnknownKey);
}

#[tokio::test]
async fn given_a_provider_that_signs_by_nothing_we_take_when_begun_then_nobody_is_sent_there() {
    let house = House::new();
    let only_none = but(
        &document(),
        "id_token_signing_alg_values_supported",
        json!(["none", "HS256"]),
    );
    house.wire.answer(crate::fake::DISCOVERY, 200, only_none);

    let answer = house.provider.begin(&flow(), now()).await;

    assert!(
        matches!(answer, Err(FederationError::Provider(_))),
        "{answer:?}"
    );
    let answer = house.provider.redeem(&flow(), &answered(), now()).await;
    assert!(answer.is_err());
}
