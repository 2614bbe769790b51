//! A provider tells directly that somebody is signed out there.

use http::StatusCode;
use innkeeper_domain::policy::Policy;
use innkeeper_domain::session::{EndReason, Initiator};
use serde_json::{Value, json};

use crate::fake::{self, KEYS, Key, NOW, but, logout_claims, logout_header};
use crate::harness::Page;
use crate::provider::{Acme, SUBJECT};

/// A call of the provider, which is no browser: it has no cookies and no origin.
async fn tell(acme: &Acme, token: &str) -> Page {
    let mut caller = acme.house.browser();
    caller.origin = None;
    caller
        .post(
            "/_innkeeper/oidc/backchannel-logout",
            &[("logout_token", token)],
        )
        .await
}

fn token(acme: &Acme, claims: &Value) -> String {
    acme.at.key.sign(&logout_header(), &claims.to_string())
}

async fn tell_claims(acme: &Acme, claims: &Value) -> Page {
    tell(acme, &token(acme, claims)).await
}

#[tokio::test]
async fn given_two_sessions_when_one_is_over_by_sid_then_that_one_ends_and_its_holder_is_told() {
    for names_sub in [true, false] {
        let acme = Acme::open(Policy::default()).await;
        let (mut one, mut two) = (acme.signed_in("s-1").await, acme.signed_in("s-2").await);
        let mut bob = acme.house.signed_in("bob").await;
        let sub = if names_sub {
            json!("248289761001")
        } else {
            Value::Null
        };

        let answer = tell_claims(&acme, &but(&logout_claims(), "sub", sub)).await;

        assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, ""));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let told = one.get("/account").await;
        assert_eq!(told.values("data-reason"), ["federation"]);
        assert_eq!(two.get("/account").await.status, StatusCode::OK);
        assert_eq!(bob.get("/account").await.status, StatusCode::OK);
        let standing = acme.house.standing(SUBJECT).await;
        let ending = standing.roster.ended[0].ending;
        assert_eq!(
            (ending.reason, ending.initiator),
            (EndReason::Federation, Initiator::System)
        );
    }
}

#[tokio::test]
async fn given_two_sessions_when_the_person_is_out_by_sub_then_both_end_and_local_users_stay() {
    let acme = Acme::open(Policy::default()).await;
    let (_one, _two) = (acme.signed_in("s-1").await, acme.signed_in("s-2").await);
    let mut bob = acme.house.signed_in("bob").await;

    let answer = tell_claims(&acme, &but(&logout_claims(), "sid", Value::Null)).await;

    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(acme.live().await, 0);
    assert_eq!(bob.get("/account").await.status, StatusCode::OK);
}

#[tokio::test]
async fn given_a_token_that_was_heard_when_it_comes_again_then_it_is_refused() {
    let acme = Acme::open(Policy::default()).await;
    let by_sub = token(&acme, &but(&logout_claims(), "sid", Value::Null));
    let _one = acme.signed_in("s-1").await;
    assert_eq!(tell(&acme, &by_sub).await.status, StatusCode::OK);

    let answer = tell(&acme, &by_sub).await;

    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let told: Value = serde_json::from_str(&answer.text).unwrap();
    assert_eq!(
        told,
        json!({"error": "invalid_request", "error_description": "it was heard before"})
    );
}

/// The provider waits for an answer, gets none, and tells again. By then somebody is back.
#[tokio::test]
async fn given_a_word_about_a_person_when_it_comes_late_then_a_newer_sign_in_stays() {
    let acme = Acme::open(Policy::default()).await;
    let _back = acme.signed_in("s-2").await;
    let earlier = but(&logout_claims(), "iat", json!(NOW - 1));

    let answer = tell_claims(&acme, &but(&earlier, "sid", Value::Null)).await;

    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(acme.live().await, 1);
}

/// The ID token was given out before the logout and arrives behind it: no session of it was there
/// that could have ended.
#[tokio::test]
async fn given_a_sign_in_on_its_way_when_it_is_over_at_the_provider_then_it_opens_nothing() {
    for without in ["sid", "sub"] {
        let acme = Acme::open(Policy::default()).await;
        let mut browser = acme.house.browser();
        let asked = acme.begin(&mut browser, "/").await;
        let told = tell_claims(&acme, &but(&logout_claims(), without, Value::Null)).await;
        assert_eq!(told.status, StatusCode::OK);

        let claims = Acme::claims(&asked, "s-1");
        let page = acme.come_back(&mut browser, &asked, &claims).await;

        assert_eq!(
            page.status,
            StatusCode::PRECONDITION_FAILED,
            "{}",
            page.text
        );
        assert_eq!(acme.live().await, 0);
        // A new sign-in there is another matter.
        let asked = acme.begin(&mut browser, "/").await;
        let claims = but(&Acme::claims(&asked, "s-9"), "iat", json!(NOW + 1));
        let page = acme.come_back(&mut browser, &asked, &claims).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.text);
    }
}

#[tokio::test]
async fn given_a_token_that_is_not_to_be_believed_when_it_comes_then_400_and_all_live_on() {
    let acme = Acme::open(Policy::default()).await;
    let _one = acme.signed_in("s-1").await;
    let good = logout_claims();
    let with = |name: &str, value: Value| token(&acme, &but(&good, name, value));
    let of_kind = |header: Value| acme.at.key.sign(&header, &good.to_string());
    let tokens = [
        ("aud", with("aud", json!("another"))),
        ("iss", with("iss", json!("https://evil.example"))),
        ("nonce", with("nonce", json!("x"))),
        ("events", with("events", Value::Null)),
        ("old", with("iat", json!(NOW - 361))),
        ("none", of_kind(but(&logout_header(), "alg", json!("none")))),
        ("no typ", of_kind(but(&logout_header(), "typ", Value::Null))),
        ("ID token", of_kind(fake::header())),
        (
            "stranger",
            Key::new("one").sign(&logout_header(), &good.to_string()),
        ),
        ("nothing", String::new()),
        ("giant", "a".repeat(50_000)),
    ];
    for (what, token) in tokens {
        let answer = tell(&acme, &token).await;

        assert_eq!(
            answer.status,
            StatusCode::BAD_REQUEST,
            "{what}: {}",
            answer.text
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    assert_eq!(acme.live().await, 1);
    assert_eq!(
        tell_claims(&acme, &good).await.status,
        StatusCode::OK,
        "they were the reason"
    );
}

#[tokio::test]
async fn given_a_request_that_is_no_form_with_one_token_when_it_comes_then_it_is_400() {
    let acme = Acme::open(Policy::default()).await;
    let good = token(&acme, &logout_claims());
    let form = "application/x-www-form-urlencoded";
    let path = "/oidc/backchannel-logout";
    let mut caller = acme.house.browser();

    for (kind, body) in [
        (form, String::new()),
        (form, format!("logout_token={good}&logout_token={good}")),
        (
            "application/json",
            format!("{{\"logout_token\": \"{good}\"}}"),
        ),
        (form, "logout_token=%ff".to_owned()),
    ] {
        let answer = caller.send("POST", path, Some(kind), &body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{kind} {body}");
    }
    assert_eq!(
        caller.get(path).await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
    let more = format!("extension=x&logout_token={good}");
    let answer = caller.send("POST", path, Some(form), &more).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
}

#[tokio::test]
async fn given_a_store_that_is_away_when_a_logout_comes_then_503_and_the_repeat_ends_it() {
    let acme = Acme::open(Policy::default()).await;
    let _one = acme.signed_in("s-1").await;
    let token = token(&acme, &logout_claims());
    acme.house.store.break_down();

    let answer = tell(&acme, &token).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.header("retry-after"), Some("15"));
    acme.house.store.mend();
    assert_eq!(acme.live().await, 1);

    assert_eq!(tell(&acme, &token).await.status, StatusCode::OK);
    assert_eq!(acme.live().await, 0);
}

#[tokio::test]
async fn given_a_provider_that_is_away_when_it_has_told_before_then_its_known_keys_tell() {
    let acme = Acme::open(Policy::default()).await;
    let _one = acme.signed_in("s-1").await;
    acme.at.wire.silence(KEYS);

    assert_eq!(
        tell_claims(&acme, &logout_claims()).await.status,
        StatusCode::OK
    );
    assert_eq!(acme.live().await, 0);

    // A key that nobody knows yet is not taken for a bad one.
    let header = but(&logout_header(), "kid", json!("two"));
    let claims = but(&logout_claims(), "jti", json!("t-2"));
    let by_new = Key::new("two").sign(&header, &claims.to_string());
    assert_eq!(
        tell(&acme, &by_new).await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
}

#[tokio::test]
async fn given_logouts_that_were_heard_when_time_has_passed_then_they_are_forgotten() {
    let acme = Acme::open(Policy::default()).await;
    assert_eq!(
        tell_claims(&acme, &logout_claims()).await.status,
        StatusCode::OK
    );
    let forgotten = async || acme.house.authority.forget_logouts().await.unwrap();

    acme.house.pass(19);
    assert_eq!(forgotten().await, 0);
    acme.house.pass(1);

    assert_eq!(forgotten().await, 2, "the token and what it was about");
}
