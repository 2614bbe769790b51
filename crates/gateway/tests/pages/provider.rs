//! Signing in with a provider: what binds the answer to the browser that began, and the pages.

use http::StatusCode;
use innkeeper_domain::policy::{Overflow, Policy};
use innkeeper_domain::session::{EndReason, Timestamp};
use innkeeper_federation::Provider;
use serde_json::{Value, json};
use url::Url;

use crate::fake::{self, ISSUER, Key, NOW, TOKEN, but};
use crate::harness::{Browser, House, Page};
use crate::sign_in::policy;

/// Whom the provider of the tests vouches for.
pub(crate) const SUBJECT: &str = "acme:248289761001";

/// A provider that says whatever a test has it say, and the house that it signs people in at.
pub(crate) struct Acme {
    pub(crate) at: fake::House,
    pub(crate) house: House,
}

impl Acme {
    pub(crate) async fn open(policy: Policy) -> Self {
        let at = fake::House::new();
        let house = House::new(policy).await;
        let provider = Provider::new(fake::settings(), at.wire.clone());
        let gateway = house.gateway.clone().with_providers(vec![provider]);
        Self {
            house: house.of_gateway(gateway),
            at,
        }
    }

    /// Presses the button: where the browser is sent.
    pub(crate) async fn begin(&self, browser: &mut Browser<'_>, next: &str) -> Url {
        let path = format!("/sign-in?provider=acme&next={next}");
        let page = browser.get(&path).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.text);
        page.location().parse().expect("it is an address")
    }

    /// The claims of an ID token that answers a request.
    pub(crate) fn claims(asked: &Url, sid: &str) -> Value {
        json!({
            "iss": ISSUER, "aud": "innkeeper", "sub": "248289761001", "sid": sid,
            "nonce": asked_for(asked, "nonce"), "iat": NOW, "exp": NOW + 300,
            "auth_time": NOW - 60, "acr": "phr", "amr": ["hwk"], "groups": ["staff"],
            "preferred_username": "alice at work",
        })
    }

    /// Comes back with a code that is worth these claims.
    pub(crate) async fn come_back(
        &self,
        browser: &mut Browser<'_>,
        asked: &Url,
        claims: &Value,
    ) -> Page {
        self.at
            .vouch(&self.at.key.sign(&fake::header(), &claims.to_string()));
        browser.get(&back(asked, "")).await
    }

    /// A browser that has signed in, with this session of the provider.
    pub(crate) async fn signed_in(&self, sid: &str) -> Browser<'_> {
        let mut browser = self.house.browser();
        let asked = self.begin(&mut browser, "/account").await;
        let claims = Self::claims(&asked, sid);
        let page = self.come_back(&mut browser, &asked, &claims).await;
        assert_eq!(page.location(), "/account", "{}", page.text);
        browser
    }

    pub(crate) async fn live(&self) -> usize {
        self.house.live(SUBJECT).await
    }
}

fn asked_for(asked: &Url, name: &str) -> String {
    let found = asked.query_pairs().find(|(key, _)| key == name);
    found.expect("it is asked for").1.into_owned()
}

/// Where the provider sends the browser back to, with more behind it.
fn back(asked: &Url, more: &str) -> String {
    let state = asked_for(asked, "state");
    format!("/oidc/callback?code=a-code&state={state}&iss=https%3A%2F%2Fid.example{more}")
}

#[tokio::test]
async fn given_the_button_when_pressed_then_the_provider_vouches_and_the_person_is_where_they_meant()
 {
    let acme = Acme::open(Policy::default()).await;
    let mut browser = acme.house.browser();
    let form = browser.get("/sign-in?next=/a?b=c").await;
    assert_eq!(form.values("data-provider"), ["acme"]);
    assert!(
        form.text
            .contains("href=\"/sign-in?provider=acme&amp;next=%2Fa%3Fb%3Dc\"")
    );

    let asked = acme.begin(&mut browser, "/a?b=c").await;
    let claims = Acme::claims(&asked, "s-1");
    let page = acme.come_back(&mut browser, &asked, &claims).await;

    assert_eq!(
        (page.status, page.location()),
        (StatusCode::SEE_OTHER, "/a?b=c")
    );
    assert_eq!(page.header("referrer-policy"), Some("same-origin"));
    assert!(
        !browser.cookies.iter().any(|c| c.contains("-begun-")),
        "it has come to its end"
    );
    let standing = acme.house.standing(SUBJECT).await;
    let session = standing
        .roster
        .live(standing.now)
        .next()
        .expect("it is live");
    assert_eq!(session.authentication.assurance.get(), 2);
    assert_eq!(
        session.authentication.at,
        Timestamp::from_millis((NOW - 60) * 1000)
    );
    assert!(session.fenced);
    assert_eq!(standing.roster.groups[0].as_str(), "staff");
    let account = browser.get("/account").await;
    assert!(account.text.contains("alice at work"), "{}", account.text);
}

#[tokio::test]
async fn given_an_answer_in_another_browser_when_it_comes_then_nobody_is_signed_in() {
    let acme = Acme::open(Policy::default()).await;
    let mut own = acme.house.browser();
    let asked = acme.begin(&mut own, "/").await;
    let claims = Acme::claims(&asked, "s-1");

    // The victim of a link, with a flow of their own and without.
    for has_begun in [false, true] {
        let mut other = acme.house.browser();
        if has_begun {
            let _ = acme.begin(&mut other, "/").await;
        }
        let page = acme.come_back(&mut other, &asked, &claims).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{}", page.text);
        assert!(page.text.contains("not begun in this browser"));
    }
    assert_eq!(acme.at.wire.calls_to(TOKEN), 0, "no code was sent on");
    assert_eq!(acme.live().await, 0);

    // Under the name of that flow, but made by nobody here, or changed.
    let (name, value) = own.cookies[0].split_once('=').unwrap();
    let mut bytes = value.as_bytes().to_vec();
    bytes[40] = if bytes[40] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(bytes).unwrap();
    for value in ["", "x", changed.as_str()] {
        let mut forger = acme.house.browser();
        forger.cookies = vec![format!("{name}={value}")];
        let page = acme.come_back(&mut forger, &asked, &claims).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{value}");
    }
    let page = acme.come_back(&mut own, &asked, &claims).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "it was the browser");
}

#[tokio::test]
async fn given_an_answer_when_it_comes_twice_or_too_late_then_it_opens_nothing() {
    let acme = Acme::open(Policy::default()).await;
    let mut browser = acme.house.browser();
    let asked = acme.begin(&mut browser, "/").await;
    let before = browser.clone();
    let claims = Acme::claims(&asked, "s-1");
    assert_eq!(
        acme.come_back(&mut browser, &asked, &claims).await.status,
        StatusCode::SEE_OTHER
    );

    // The cookie is gone; and who kept it has a proof that was used (S10).
    let page = acme.come_back(&mut browser, &asked, &claims).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    let mut keeper = before.clone();
    let _ = acme.come_back(&mut keeper, &asked, &claims).await;
    assert_eq!(acme.live().await, 1);

    acme.house.pass(10);
    let mut late = before;
    let page = acme.come_back(&mut late, &asked, &claims).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST, "{}", page.text);
}

#[tokio::test]
async fn given_a_parameter_that_is_there_twice_when_it_comes_back_then_neither_is_taken() {
    let acme = Acme::open(Policy::default()).await;
    for more in [
        "&state=x",
        "&code=x",
        "&iss=https://evil.example",
        "&error=a&error=b",
    ] {
        let mut browser = acme.house.browser();
        let asked = acme.begin(&mut browser, "/").await;

        let page = browser.get(&back(&asked, more)).await;

        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{more}");
    }
    assert_eq!(acme.at.wire.calls_to(TOKEN), 0);
}

#[tokio::test]
async fn given_an_answer_of_another_provider_when_it_comes_then_its_code_goes_nowhere() {
    let acme = Acme::open(Policy::default()).await;
    let mut browser = acme.house.browser();
    let asked = acme.begin(&mut browser, "/").await;
    let state = asked_for(&asked, "state");

    for issuer in ["", "&iss=https%3A%2F%2Fother.example"] {
        let mut browser = browser.clone();
        let page = browser
            .get(&format!("/oidc/callback?code=c&state={state}{issuer}"))
            .await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{issuer}");
    }
    assert_eq!(acme.at.wire.calls_to(TOKEN), 0);
}

#[tokio::test]
async fn given_an_error_in_the_address_when_it_is_told_then_the_words_are_ours() {
    let acme = Acme::open(Policy::default()).await;
    let mut browser = acme.house.browser();
    let asked = acme.begin(&mut browser, "/").await;
    let state = asked_for(&asked, "state");
    let evil = "%3Cscript%3Ecall+this+number%3C/script%3E";

    let page = browser
        .get(&format!(
            "/oidc/callback?state={state}&iss=https%3A%2F%2Fid.example&error={evil}\
             &error_description={evil}&error_uri={evil}"
        ))
        .await;

    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(
        page.text.contains("acme did not sign you in"),
        "{}",
        page.text
    );
    assert!(!page.text.contains("call this number") && !page.text.contains("script"));
}

#[tokio::test]
async fn given_a_place_elsewhere_as_next_when_signed_in_then_it_is_left_out() {
    let acme = Acme::open(Policy::default()).await;
    for next in [
        "https://evil.example/",
        "//evil.example",
        "/%5cevil.example",
    ] {
        let mut browser = acme.house.browser();
        let asked = acme.begin(&mut browser, next).await;
        let claims = Acme::claims(&asked, "s-1");

        let page = acme.come_back(&mut browser, &asked, &claims).await;

        assert_eq!(page.location(), "/", "{next}");
    }
}

#[tokio::test]
async fn given_a_token_that_is_not_believed_when_it_comes_then_the_page_tells_none_of_it() {
    let acme = Acme::open(Policy::default()).await;
    let mut browser = acme.house.browser();
    let asked = acme.begin(&mut browser, "/").await;
    let claims = Acme::claims(&asked, "s-1");
    acme.at
        .vouch(&Key::new("one").sign(&fake::header(), &claims.to_string()));

    let page = browser.get(&back(&asked, "")).await;

    assert_eq!(page.status, StatusCode::BAD_GATEWAY);
    assert!(
        page.text.contains("Signing in with acme does not work"),
        "{}",
        page.text
    );
    assert_eq!(acme.live().await, 0);
}

#[tokio::test]
async fn given_a_provider_that_is_away_when_the_answer_comes_then_it_may_come_again() {
    let acme = Acme::open(Policy::default()).await;
    let mut browser = acme.house.browser();
    let asked = acme.begin(&mut browser, "/").await;
    acme.at.wire.answer(TOKEN, 503, "");

    let page = browser.get(&back(&asked, "")).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.text.contains("acme does not answer"), "{}", page.text);

    let claims = Acme::claims(&asked, "s-1");
    let page = acme.come_back(&mut browser, &asked, &claims).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.text);
}

#[tokio::test]
async fn given_a_session_before_when_signed_in_then_its_token_is_dead() {
    let acme = Acme::open(Policy::default()).await;
    let mut browser = acme.house.signed_in("bob").await;
    let asked = acme.begin(&mut browser, "/").await;
    let claims = Acme::claims(&asked, "s-1");

    let page = acme.come_back(&mut browser, &asked, &claims).await;

    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.text);
    assert_eq!((acme.house.live("bob").await, acme.live().await), (0, 1));
}

#[tokio::test]
async fn given_a_session_expiry_when_it_passes_then_the_session_is_over() {
    let acme = Acme::open(Policy::default()).await;
    let mut browser = acme.house.browser();
    let asked = acme.begin(&mut browser, "/account").await;
    let claims = but(
        &Acme::claims(&asked, "s-1"),
        "session_expiry",
        json!(NOW + 120),
    );
    let _ = acme.come_back(&mut browser, &asked, &claims).await;
    assert_eq!(browser.get("/account").await.status, StatusCode::OK);

    acme.house.pass(2);

    let page = browser.get("/account").await;
    assert_eq!(page.values("data-reason"), ["absolute"]);
}

#[tokio::test]
async fn given_a_sign_out_when_done_then_the_way_on_is_offered_and_the_button_asks_anew() {
    let acme = Acme::open(Policy::default()).await;
    let mut browser = acme.signed_in("s-1").await;

    let page = browser.post("/sign-out", &[]).await;
    assert_eq!(
        page.location(),
        "/sign-in?next=%2F&notice=signed-out&at=acme"
    );
    let page = browser.get(page.location()).await;
    assert_eq!(page.values("data-do"), ["sign-out-there", "provider"]);
    assert!(
        page.text
            .contains("provider=acme&amp;next=%2F&amp;anew=yes"),
        "{}",
        page.text
    );

    let there = browser.get("/oidc/sign-out?provider=acme").await;
    assert!(
        there
            .location()
            .starts_with("https://id.example/end?client_id=innkeeper&")
    );
    let back = browser.get("/oidc/signed-out").await;
    assert_eq!(back.location(), "/sign-in?next=%2F&notice=signed-out");

    // A proof from before will not do now.
    let begun = browser.get("/sign-in?provider=acme&next=/&anew=yes").await;
    let asked: Url = begun.location().parse().unwrap();
    assert_eq!(asked_for(&asked, "prompt"), "login");
    let claims = but(&Acme::claims(&asked, "s-1"), "auth_time", json!(NOW - 61));
    let page = acme.come_back(&mut browser, &asked, &claims).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.text);
    // Words of others are not put into our mouth.
    let page = browser
        .get("/sign-in?notice=signed-out&at=evil.example")
        .await;
    assert!(!page.text.contains("evil"));
}

#[tokio::test]
async fn given_no_seat_when_one_is_chosen_then_the_session_still_rests_on_the_provider() {
    let acme = Acme::open(policy(1, Overflow::Ask)).await;
    let _first = acme.signed_in("s-1").await;
    let mut browser = acme.house.browser();
    let asked = acme.begin(&mut browser, "/account").await;
    let claims = Acme::claims(&asked, "s-2");
    let page = acme.come_back(&mut browser, &asked, &claims).await;
    assert_eq!(page.status, StatusCode::CONFLICT, "{}", page.text);

    let hidden = |name: &str| {
        let (_, after) = page
            .text
            .split_once(&format!("name=\"{name}\" value=\""))
            .unwrap();
        after.split('"').next().unwrap().to_owned()
    };
    let (subject, choice, end) = (hidden("subject"), hidden("choice"), hidden("end"));
    let fields = [("subject", &*subject), ("choice", &*choice), ("end", &*end)];
    let inside = browser.post("/sign-in/choice", &fields).await;

    assert_eq!(inside.status, StatusCode::SEE_OTHER, "{}", inside.text);
    let standing = acme.house.standing(SUBJECT).await;
    let session = standing.roster.live(standing.now).next().unwrap();
    let federation = session.federation.as_deref().expect("it came from one");
    assert_eq!(federation.session.as_ref().unwrap().as_str(), "s-2");
    let ended = &standing.roster.ended[0];
    assert_eq!(ended.ending.reason, EndReason::RevokedByUser);
}

#[tokio::test]
async fn given_no_provider_when_its_pages_are_asked_for_then_there_are_none() {
    let house = House::new(Policy::default()).await;
    let mut browser = house.browser();

    for path in [
        "/oidc/callback",
        "/oidc/sign-out",
        "/_innkeeper/oidc/signed-out",
    ] {
        assert_eq!(
            browser.get(path).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    let page = browser.get("/sign-in?provider=acme").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(!page.text.contains("data-provider"), "{}", page.text);
}
