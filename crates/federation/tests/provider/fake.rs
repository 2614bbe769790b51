//! A provider in memory that says whatever a test has it say, signed by keys of its own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use innkeeper_domain::name::Issuer;
use innkeeper_domain::session::{AssuranceLevel, Timestamp};
use innkeeper_federation::{
    Answered, ClientSecret, Endpoint, FederationError, Flow, Freshness, Network, Provider,
    ProviderName, Reply, Settings, TokenFault, Unreachable, Vouched,
};
use parking_lot::Mutex;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

pub(crate) const ISSUER: &str = "https://id.example";
pub(crate) const CLIENT: &str = "innkeeper";
/// Now, in seconds.
pub(crate) const NOW: u64 = 1_800_000_000;
pub(crate) const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// What answers at each address; an address that is not here does not answer.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    answers: Mutex<BTreeMap<String, (u16, Vec<u8>)>>,
    /// Every call, in order, with the form where there was one.
    pub(crate) calls: Mutex<Vec<(String, String)>>,
}

impl Wire {
    #[expect(
        clippy::needless_pass_by_value,
        reason = "what is answered is mostly made where this is called"
    )]
    pub(crate) fn answer(&self, address: &str, status: u16, body: impl ToString) {
        let body = body.to_string().into_bytes();
        self.answers
            .lock()
            .insert(address.to_owned(), (status, body));
    }

    pub(crate) fn silence(&self, address: &str) {
        self.answers.lock().remove(address);
    }

    pub(crate) fn calls_to(&self, address: &str) -> usize {
        let calls = self.calls.lock();
        calls.iter().filter(|(to, _)| to == address).count()
    }

    fn call(&self, address: &str, form: String) -> Result<Reply, Unreachable> {
        self.calls.lock().push((address.to_owned(), form));
        match self.answers.lock().get(address).cloned() {
            Some((status, body)) => Ok(Reply { status, body }),
            None => Err(Unreachable("nobody is there".into())),
        }
    }
}

#[async_trait]
impl Network for Wire {
    async fn get(&self, url: &str) -> Result<Reply, Unreachable> {
        self.call(url, String::new())
    }

    async fn post_form(
        &self,
        url: &str,
        authorization: Option<&str>,
        form: String,
    ) -> Result<Reply, Unreachable> {
        let shown = authorization.unwrap_or_default();
        self.call(url, format!("{form} {shown}"))
    }
}

/// A key of the provider.
pub(crate) struct Key {
    pub(crate) id: &'static str,
    pair: EcdsaKeyPair,
}

impl Key {
    pub(crate) fn new(id: &'static str) -> Self {
        let random = SystemRandom::new();
        let how = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(how, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(how, document.as_ref(), &random).unwrap();
        Self { id, pair }
    }

    pub(crate) fn public(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        let encoded = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.id,
            "x": encoded(&point[1..33]), "y": encoded(&point[33..]),
        })
    }

    /// A token with this header and these claims.
    pub(crate) fn sign(&self, header: &Value, claims: &str) -> String {
        let encoded = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        let signed = format!("{}.{}", encoded(&header.to_string()), encoded(claims));
        let signature = self
            .pair
            .sign(&SystemRandom::new(), signed.as_bytes())
            .unwrap();
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }
}

/// The provider, and one of ours that is set for it.
pub(crate) struct House {
    pub(crate) wire: Arc<Wire>,
    pub(crate) key: Key,
    pub(crate) provider: Provider,
}

pub(crate) fn settings() -> Settings {
    Settings {
        name: ProviderName::parse("acme").unwrap(),
        issuer: Issuer::parse(ISSUER).unwrap(),
        client_id: CLIENT.to_owned(),
        client_secret: Some(ClientSecret::new("s3cret: 100%")),
        redirect_uri: Endpoint::parse("https://app.example/_innkeeper/oidc/callback").unwrap(),
        signed_out_uri: Endpoint::parse("https://app.example/_innkeeper/oidc/signed-out").unwrap(),
        scopes: vec!["openid".to_owned(), "profile".to_owned()],
        subject_claim: "sub".to_owned(),
        groups_claim: Some("groups".to_owned()),
        max_age: Duration::from_hours(12),
        acr_values: vec!["phr".to_owned()],
        assurance: [("phr".to_owned(), AssuranceLevel::new(2).unwrap())].into(),
    }
}

pub(crate) fn document() -> Value {
    json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://id.example/auth",
        "token_endpoint": "https://id.example/token",
        "jwks_uri": "https://id.example/keys",
        "end_session_endpoint": "https://id.example/end",
        "authorization_response_iss_parameter_supported": true,
        "id_token_signing_alg_values_supported": ["ES256", "RS256", "none", "HS256"],
    })
}

pub(crate) const DISCOVERY: &str = "https://id.example/.well-known/openid-configuration";
pub(crate) const KEYS: &str = "https://id.example/keys";
pub(crate) const TOKEN: &str = "https://id.example/token";

impl House {
    pub(crate) fn new() -> Self {
        Self::with(settings())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let wire = Arc::new(Wire::default());
        let key = Key::new("one");
        wire.answer(DISCOVERY, 200, document());
        wire.answer(KEYS, 200, json!({"keys": [key.public()]}));
        Self {
            provider: Provider::new(settings, Arc::clone(&wire) as _),
            wire,
            key,
        }
    }

    /// Has the provider answer every code with this ID token.
    pub(crate) fn vouch(&self, token: &str) {
        let answer = json!({"access_token": "x", "token_type": "Bearer", "id_token": token});
        self.wire.answer(TOKEN, 200, answer);
    }

    /// Comes back from the provider with a code, which is worth this ID token.
    pub(crate) async fn redeem(&self, token: &str) -> Result<Vouched, FederationError> {
        self.vouch(token);
        self.provider.redeem(&flow(), &answered(), now()).await
    }

    /// The fault of an ID token with these claims.
    pub(crate) async fn fault_of(&self, claims: &Value) -> TokenFault {
        let token = self.key.sign(&header(), &claims.to_string());
        fault(self.redeem(&token).await)
    }

    /// The fault of a logout token with these claims.
    pub(crate) async fn fault_of_logout(&self, claims: &Value) -> TokenFault {
        let token = self.key.sign(&logout_header(), &claims.to_string());
        fault(self.provider.read_logout(&token, now()).await)
    }
}

pub(crate) fn fault<T: std::fmt::Debug>(answer: Result<T, FederationError>) -> TokenFault {
    match answer.expect_err("it is to be refused") {
        FederationError::Token(fault) => fault,
        error => panic!("it is refused for another reason: {error:?}"),
    }
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_millis(NOW * 1000)
}

pub(crate) fn after(seconds: u64) -> Timestamp {
    now().plus(Duration::from_secs(seconds))
}

pub(crate) fn flow() -> Flow {
    Flow::new([7; 32], now(), Freshness::AsSet)
}

pub(crate) fn answered() -> Answered {
    Answered {
        state: Some(flow().state()),
        code: Some("a-code".to_owned()),
        issuer: Some(ISSUER.to_owned()),
        error: None,
    }
}

/// What the provider was asked for `name` when `flow` began.
pub(crate) async fn asked(house: &House, flow: &Flow, name: &str) -> Option<String> {
    let asked = house.provider.begin(flow, now()).await.unwrap();
    let address = url::Url::parse(&asked.address).unwrap();
    let mut pairs = address.query_pairs().filter(|(key, _)| key == name);
    let found = pairs.next().map(|(_, value)| value.into_owned());
    assert!(pairs.next().is_none(), "{name} is there twice");
    found
}

pub(crate) fn header() -> Value {
    json!({"alg": "ES256", "kid": "one", "typ": "JWT"})
}

pub(crate) fn logout_header() -> Value {
    json!({"alg": "ES256", "kid": "one", "typ": "logout+jwt"})
}

/// The claims of an ID token that is believed.
pub(crate) async fn claims(house: &House) -> Value {
    let nonce = asked(house, &flow(), "nonce").await.unwrap();
    json!({
        "iss": ISSUER, "aud": CLIENT, "sub": "248289761001", "nonce": nonce,
        "iat": NOW, "exp": NOW + 300, "auth_time": NOW - 60, "sid": "s-1",
        "acr": "phr", "amr": ["pwd", "otp"], "groups": ["staff"],
        "preferred_username": "alice",
    })
}

/// The claims of a logout token that is believed.
pub(crate) fn logout_claims() -> Value {
    json!({
        "iss": ISSUER, "aud": CLIENT, "sub": "248289761001", "sid": "s-1", "jti": "t-1",
        "iat": NOW, "exp": NOW + 120, "events": {LOGOUT_EVENT: {}},
    })
}

/// The same value without a member, or with another in its place.
pub(crate) fn but(value: &Value, name: &str, other: Value) -> Value {
    let mut value = value.clone();
    let members = value.as_object_mut().unwrap();
    if other.is_null() {
        members.remove(name);
    } else {
        members.insert(name.to_owned(), other);
    }
    value
}
