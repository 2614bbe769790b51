//! Signing in: what is asked, what is believed, and what is not.

use base64::Engine as _;
use innkeeper_domain::session::Timestamp;
use innkeeper_federation::{Answered, FederationError, Flow, Freshness, TokenFault};
use serde_json::{Value, json};

use crate::fake::{
    CLIENT, House, ISSUER, NOW, TOKEN, answered, asked, but, claims, flow, header, now, settings,
};

#[tokio::test]
async fn given_a_flow_when_begun_then_all_that_binds_the_answer_to_it_is_asked() {
    let house = House::new();

    for (name, value) in [
        ("response_type", "code"),
        ("client_id", CLIENT),
        (
            "redirect_uri",
            "https://app.example/_innkeeper/oidc/callback",
        ),
        ("scope", "openid profile"),
        ("code_challenge_method", "S256"),
        ("max_age", "43200"),
        ("acr_values", "phr"),
        ("state", &flow().state()),
    ] {
        assert_eq!(
            asked(&house, &flow(), name).await.as_deref(),
            Some(value),
            "{name}"
        );
    }
    assert_eq!(asked(&house, &flow(), "prompt").await, None);
    let anew = Flow::new([7; 32], now(), Freshness::Anew);
    assert_eq!(
        asked(&house, &anew, "prompt").await.as_deref(),
        Some("login")
    );
    assert_eq!(asked(&house, &anew, "max_age").await.as_deref(), Some("0"));
}

#[tokio::test]
async fn given_a_believed_token_when_redeemed_then_the_person_is_vouched_for_as_it_says() {
    let house = House::new();
    let claims = but(&claims(&house).await, "session_expiry", json!(NOW + 900));

    let vouched = house
        .redeem(&house.key.sign(&header(), &claims.to_string()))
        .await
        .unwrap();

    assert_eq!(vouched.subject.as_str(), "acme:248289761001");
    assert_eq!(vouched.display_name.as_deref(), Some("alice"));
    let proved = &vouched.authentication;
    assert_eq!(proved.at, Timestamp::from_millis((NOW - 60) * 1000));
    assert_eq!(proved.assurance.get(), 2);
    let methods: Vec<_> = proved.methods.iter().map(ToString::to_string).collect();
    assert_eq!(methods, ["pwd", "otp"]);
    assert_eq!(vouched.groups.unwrap()[0].as_str(), "staff");
    let sign_in = vouched.sign_in;
    assert_eq!(
        (sign_in.issuer.as_str(), sign_in.subject.as_str()),
        (ISSUER, "248289761001")
    );
    assert_eq!(sign_in.session.unwrap().as_str(), "s-1");
    assert_eq!(
        sign_in.vouched_until,
        Some(Timestamp::from_millis((NOW + 900) * 1000))
    );
}

#[tokio::test]
async fn given_a_code_when_redeemed_then_the_client_proves_itself_and_the_verifier_goes_along() {
    let house = House::new();
    let claims = claims(&house).await;
    let challenge = asked(&house, &flow(), "code_challenge").await.unwrap();

    let _ = house
        .redeem(&house.key.sign(&header(), &claims.to_string()))
        .await
        .unwrap();

    let calls = house.wire.calls.lock();
    let (_, sent) = calls.iter().find(|(to, _)| to == TOKEN).unwrap();
    let (form, shown) = sent.split_once(" Basic ").unwrap();
    let form: Vec<_> = url::form_urlencoded::parse(form.as_bytes()).collect();
    let value = |name: &str| {
        form.iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.clone())
            .unwrap()
    };
    assert_eq!(value("code"), "a-code");
    assert_eq!(
        value("redirect_uri"),
        "https://app.example/_innkeeper/oidc/callback"
    );
    let hash = ring::digest::digest(&ring::digest::SHA256, value("code_verifier").as_bytes());
    assert_eq!(
        base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(hash),
        challenge
    );
    let pair = base64::prelude::BASE64_STANDARD.decode(shown).unwrap();
    assert_eq!(pair, b"innkeeper:s3cret%3A+100%25");
}

#[tokio::test]
async fn given_an_answer_that_belongs_to_something_else_when_redeemed_then_no_code_is_sent() {
    let house = House::new();
    let other = Flow::new([8; 32], now(), Freshness::AsSet);
    let cases = [
        (
            "another browser's",
            Answered {
                state: Some(other.state()),
                ..answered()
            },
        ),
        (
            "no state",
            Answered {
                state: None,
                ..answered()
            },
        ),
        (
            "no code",
            Answered {
                code: None,
                ..answered()
            },
        ),
        (
            "no issuer, though it is promised",
            Answered {
                issuer: None,
                ..answered()
            },
        ),
        (
            "another provider's (RFC 9207)",
            Answered {
                issuer: Some("https://evil.example".to_owned()),
                ..answered()
            },
        ),
        (
            "a giant code",
            Answered {
                code: Some("x".repeat(5000)),
                ..answered()
            },
        ),
    ];
    for (what, answered) in cases {
        let answer = house.provider.redeem(&flow(), &answered, now()).await;

        assert!(
            matches!(answer, Err(FederationError::Foreign)),
            "{what}: {answer:?}"
        );
    }
    assert_eq!(house.wire.calls_to(TOKEN), 0);
}

#[tokio::test]
async fn given_an_error_of_the_provider_when_it_comes_back_then_it_is_told_which_kind_it_is() {
    let house = House::new();
    let with = |error: &str| Answered {
        error: Some(error.to_owned()),
        ..answered()
    };

    for declined in ["access_denied", "login_required", "<script>"] {
        let answer = house.provider.redeem(&flow(), &with(declined), now()).await;
        assert!(
            matches!(answer, Err(FederationError::Declined)),
            "{answer:?}"
        );
    }
    let busy = house
        .provider
        .redeem(&flow(), &with("temporarily_unavailable"), now())
        .await;
    assert!(matches!(busy, Err(FederationError::Unavailable(_))));
    // An error cannot be pinned on somebody by a link.
    let mut foreign = with("access_denied");
    foreign.state = None;
    let answer = house.provider.redeem(&flow(), &foreign, now()).await;
    assert!(matches!(answer, Err(FederationError::Foreign)));
}

#[tokio::test]
async fn given_one_claim_that_is_wrong_when_redeemed_then_nobody_is_vouched_for() {
    let house = House::new();
    let good = claims(&house).await;
    let cases: Vec<(&str, Value, TokenFault)> = vec![
        ("iss", json!("https://evil.example"), TokenFault::Issuer),
        ("iss", Value::Null, TokenFault::Claim("iss")),
        ("aud", json!("another"), TokenFault::Audience),
        ("aud", json!([CLIENT, "another"]), TokenFault::Audience),
        ("azp", json!("another"), TokenFault::AuthorizedParty),
        ("exp", json!(NOW - 61), TokenFault::Expired),
        ("exp", Value::Null, TokenFault::Claim("exp")),
        ("iat", json!(NOW + 61), TokenFault::IssuedAt),
        ("iat", json!(NOW - 361), TokenFault::IssuedAt),
        ("nbf", json!(NOW + 61), TokenFault::IssuedAt),
        ("nonce", json!("another"), TokenFault::Nonce),
        ("nonce", Value::Null, TokenFault::Claim("nonce")),
        ("sub", Value::Null, TokenFault::Claim("sub")),
        ("sub", json!(""), TokenFault::Claim("subject")),
        ("sub", json!("a\nb"), TokenFault::Claim("subject")),
        ("sub", json!(["a"]), TokenFault::Claim("sub")),
        ("auth_time", Value::Null, TokenFault::Claim("auth_time")),
        ("auth_time", json!(NOW + 61), TokenFault::Claim("auth_time")),
        ("auth_time", json!(NOW - 43_261), TokenFault::Stale),
        ("session_expiry", json!(NOW), TokenFault::VouchedNoLonger),
        ("events", json!({}), TokenFault::HasEvents),
        ("amr", json!(["pwd", 7]), TokenFault::Claim("amr")),
        ("acr", json!(7), TokenFault::Claim("acr")),
        ("groups", json!([""]), TokenFault::Claim("groups")),
        (
            "groups",
            json!({"staff": true}),
            TokenFault::Claim("groups"),
        ),
        ("sid", json!("x".repeat(300)), TokenFault::Claim("sid")),
    ];
    for (name, value, fault) in cases {
        let found = house.fault_of(&but(&good, name, value.clone())).await;

        assert_eq!(found, fault, "{name} = {value}");
    }
    let token = house.key.sign(&header(), &good.to_string());
    assert!(
        house.redeem(&token).await.is_ok(),
        "what was changed was the reason"
    );
}

#[tokio::test]
async fn given_a_proof_from_before_when_one_anew_was_asked_for_then_it_will_not_do() {
    let house = House::new();
    let anew = Flow::new([7; 32], now(), Freshness::Anew);
    let answer = async |proved_at: u64| {
        let claims = but(&claims(&house).await, "auth_time", json!(proved_at));
        house.vouch(&house.key.sign(&header(), &claims.to_string()));
        house.provider.redeem(&anew, &answered(), now()).await
    };

    assert!(answer(NOW - 60).await.is_ok());
    let stale = answer(NOW - 61).await;
    assert!(
        matches!(stale, Err(FederationError::Token(TokenFault::Stale))),
        "{stale:?}"
    );
}

#[tokio::test]
async fn given_claims_that_are_left_out_when_redeemed_then_the_least_is_taken_for_true() {
    let house = House::new();
    let mut claims = claims(&house).await;
    for name in ["acr", "amr", "groups", "sid", "preferred_username"] {
        claims = but(&claims, name, Value::Null);
    }

    let vouched = house
        .redeem(&house.key.sign(&header(), &claims.to_string()))
        .await
        .unwrap();

    assert_eq!(vouched.authentication.assurance.get(), 1);
    assert!(vouched.authentication.methods.is_empty());
    assert_eq!(
        vouched.groups.as_deref(),
        Some(&[][..]),
        "in none, since none is said"
    );
    assert_eq!(
        (vouched.sign_in.session, vouched.display_name),
        (None, None)
    );
}

#[tokio::test]
async fn given_another_claim_for_the_subject_when_redeemed_then_that_one_names_the_person() {
    let mut settings = settings();
    settings.subject_claim = "email".to_owned();
    let house = House::with(settings);
    let good = claims(&house).await;
    assert_eq!(house.fault_of(&good).await, TokenFault::Claim("subject"));
    let named = but(&good, "email", json!("alice@example.org"));

    let vouched = house
        .redeem(&house.key.sign(&header(), &named.to_string()))
        .await
        .unwrap();

    assert_eq!(vouched.subject.as_str(), "acme:alice@example.org");
}
