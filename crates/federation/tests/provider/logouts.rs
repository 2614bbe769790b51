//! Logout tokens: every rule of Back-Channel Logout 1.0, 2.6.

use innkeeper_domain::federation::LoggedOut;
use innkeeper_federation::TokenFault;
use serde_json::{Value, json};

use crate::fake::{
    CLIENT, House, LOGOUT_EVENT, NOW, but, claims, fault, header, logout_claims, logout_header,
    now, settings,
};

#[tokio::test]
async fn given_a_believed_token_when_read_then_it_says_what_is_over_and_whose_that_is() {
    let house = House::new();
    let read = async |claims: &Value| {
        let token = house.key.sign(&logout_header(), &claims.to_string());
        assert!(house.provider.is_meant_by(&token));
        house.provider.read_logout(&token, now()).await.unwrap()
    };

    let both = read(&logout_claims()).await;
    assert!(matches!(&both.order.of, LoggedOut::Session(sid, Some(sub))
        if sid.as_str() == "s-1" && sub.as_str() == "248289761001"));
    assert_eq!(both.subject.unwrap().as_str(), "acme:248289761001");
    assert_eq!(both.token_id, "t-1");

    let by_sub = read(&but(&logout_claims(), "sid", Value::Null)).await;
    assert!(matches!(by_sub.order.of, LoggedOut::Subject(_)));

    let by_sid = read(&but(&logout_claims(), "sub", Value::Null)).await;
    assert!(matches!(by_sid.order.of, LoggedOut::Session(_, None)));
    assert_eq!(by_sid.subject, None, "every roster is looked at");
}

#[tokio::test]
async fn given_one_claim_that_is_wrong_when_read_then_nothing_is_over() {
    let house = House::new();
    let good = logout_claims();
    let cases: Vec<(&str, Value, TokenFault)> = vec![
        ("iss", json!("https://evil.example"), TokenFault::Issuer),
        ("aud", json!("another"), TokenFault::Audience),
        ("aud", json!([CLIENT, "another"]), TokenFault::Audience),
        ("exp", json!(NOW - 61), TokenFault::Expired),
        ("exp", Value::Null, TokenFault::Claim("exp")),
        ("iat", json!(NOW + 61), TokenFault::IssuedAt),
        ("iat", json!(NOW - 361), TokenFault::IssuedAt),
        ("iat", Value::Null, TokenFault::Claim("iat")),
        ("jti", Value::Null, TokenFault::Claim("jti")),
        ("jti", json!(""), TokenFault::Claim("jti")),
        ("nonce", json!("x"), TokenFault::HasNonce),
        ("events", Value::Null, TokenFault::NoLogout),
        ("events", json!({}), TokenFault::NoLogout),
        ("events", json!([LOGOUT_EVENT]), TokenFault::NoLogout),
        ("events", json!({LOGOUT_EVENT: true}), TokenFault::NoLogout),
        (
            "events",
            json!({"https://schemas.openid.net/event/backchannel-logout": {}}),
            TokenFault::NoLogout,
        ),
        ("sid", json!(7), TokenFault::Claim("sid")),
        ("sub", json!(7), TokenFault::Claim("sub")),
    ];
    for (name, value, fault) in cases {
        let found = house
            .fault_of_logout(&but(&good, name, value.clone()))
            .await;

        assert_eq!(found, fault, "{name} = {value}");
    }
    let nobody = but(&but(&good, "sub", Value::Null), "sid", Value::Null);
    assert_eq!(house.fault_of_logout(&nobody).await, TokenFault::Nobody);
}

#[tokio::test]
async fn given_a_token_of_another_kind_when_read_then_it_is_no_logout_token() {
    let house = House::new();
    let id_token = house.key.sign(&header(), &claims(&house).await.to_string());
    assert_eq!(
        fault(house.provider.read_logout(&id_token, now()).await),
        TokenFault::Kind
    );

    for typ in [json!("JWT"), json!("secevent+jwt"), Value::Null] {
        let header = but(&logout_header(), "typ", typ);
        let token = house.key.sign(&header, &logout_claims().to_string());
        assert_eq!(
            fault(house.provider.read_logout(&token, now()).await),
            TokenFault::Kind
        );
    }
    let full = but(&logout_header(), "typ", json!("application/logout+JWT"));
    let token = house.key.sign(&full, &logout_claims().to_string());
    assert!(house.provider.read_logout(&token, now()).await.is_ok());

    // The other way round: it has the right nonce, and is no ID token all the same.
    let mut mixed = claims(&house).await;
    mixed["events"] = json!({LOGOUT_EVENT: {}});
    assert_eq!(house.fault_of(&mixed).await, TokenFault::HasEvents);
}

#[tokio::test]
async fn given_a_token_of_another_provider_or_client_when_asked_then_it_is_not_meant() {
    let house = House::new();
    for (name, value) in [
        ("iss", json!("https://evil.example")),
        ("aud", json!("another")),
    ] {
        let claims = but(&logout_claims(), name, value);
        let token = house.key.sign(&logout_header(), &claims.to_string());

        assert!(!house.provider.is_meant_by(&token), "{name}");
    }
    assert!(!house.provider.is_meant_by("no token"));
}

#[tokio::test]
async fn given_people_named_by_another_claim_when_a_logout_names_sub_then_whose_it_is_is_not_known()
{
    let mut settings = settings();
    settings.subject_claim = "email".to_owned();
    let house = House::with(settings);
    let token = house
        .key
        .sign(&logout_header(), &logout_claims().to_string());

    let logout = house.provider.read_logout(&token, now()).await.unwrap();

    assert_eq!(logout.subject, None);
}
