//! One provider: what is known of it, and what is asked of it.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use innkeeper_domain::name::Issuer;
use innkeeper_domain::session::Timestamp;
use parking_lot::RwLock;
use serde::Deserialize;
use tokio::sync::{Mutex, Semaphore};
use url::form_urlencoded;

use crate::claims::Claims;
use crate::error::{FederationError, ProviderFault, TokenFault};
use crate::flow::{Answered, Asked, Flow, Freshness};
use crate::id_token::{self, Vouched};
use crate::jwk::Keys;
use crate::jws::Unverified;
use crate::logout_token::{self, Logout};
use crate::metadata::{self, Metadata, Proof};
use crate::network::{Network, Reply};
use crate::settings::{ProviderName, Settings};

/// After what time it is looked again at what a provider publishes: what it took back is believed
/// no longer than that, as long as it answers.
const FRESH_FOR: Duration = Duration::from_hours(1);
/// How soon it may be asked again for a key that nobody knows, or after it did not answer: whoever
/// sends made-up tokens does not make us call without end.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(15);
/// How many codes are redeemed at a time; further ones are turned away.
const REDEEMED_AT_ONCE: usize = 32;
/// The longest code that is taken, in bytes.
const CODE_MAX: usize = 4096;

/// One provider, as it was set and as far as it is known.
#[derive(Debug)]
pub struct Provider {
    settings: Settings,
    network: Arc<dyn Network>,
    metadata: Published<Metadata>,
    keys: Published<Keys>,
    redeeming: Semaphore,
}

/// Something that a provider publishes, as it was last read.
#[derive(Debug)]
struct Published<T> {
    known: RwLock<Option<Known<T>>>,
    /// When it was last asked for; held by who asks, so that nobody else does meanwhile.
    asked: Mutex<Option<Timestamp>>,
}

#[derive(Debug)]
struct Known<T> {
    what: Arc<T>,
    read_at: Timestamp,
}

impl<T> Default for Published<T> {
    fn default() -> Self {
        Self {
            known: RwLock::default(),
            asked: Mutex::default(),
        }
    }
}

impl<T> Published<T> {
    /// What is known, if it will do.
    fn known(&self, will_do: impl Fn(&T) -> bool) -> Option<(Arc<T>, Timestamp)> {
        let known = self.known.read();
        let known = known.as_ref().filter(|known| will_do(&known.what))?;
        Some((Arc::clone(&known.what), known.read_at))
    }

    /// What is published: as known, while that is fresh and will do; else as it is read now. Where
    /// it cannot be read, what is known goes on to hold.
    async fn get(
        &self,
        now: Timestamp,
        will_do: impl Fn(&T) -> bool,
        read: impl Future<Output = Result<T, FederationError>>,
    ) -> Result<Arc<T>, FederationError> {
        let is_fresh = |read_at: Timestamp| now.since(read_at) < FRESH_FOR;
        match self.known(&will_do) {
            Some((known, read_at)) if is_fresh(read_at) => return Ok(known),
            Some(_) | None => {}
        }
        let mut asked = self.asked.lock().await;
        // Somebody else may have asked while this waited.
        let known = self.known(&will_do);
        if let Some((known, read_at)) = &known
            && is_fresh(*read_at)
        {
            return Ok(Arc::clone(known));
        }
        let known = known.map(|(known, _)| known);
        if asked.is_some_and(|at| now.since(at) < ASKED_AGAIN_AFTER) {
            return known.ok_or(FederationError::Unavailable(None));
        }
        *asked = Some(now);
        match read.await {
            Ok(what) => {
                let what = Arc::new(what);
                *self.known.write() = Some(Known {
                    what: Arc::clone(&what),
                    read_at: now,
                });
                Ok(what)
            }
            Err(error) => match known {
                Some(known) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "what a provider publishes could not be read anew");
                    Ok(known)
                }
                None => Err(error),
            },
        }
    }
}

#[derive(Deserialize)]
struct TokenAnswer {
    id_token: String,
}

#[derive(Deserialize)]
struct TokenRefusal {
    error: String,
}

impl Provider {
    /// A provider that is called by `network`. Nothing is asked of it yet.
    #[must_use]
    pub fn new(settings: Settings, network: Arc<dyn Network>) -> Self {
        Self {
            settings,
            network,
            metadata: Published::default(),
            keys: Published::default(),
            redeeming: Semaphore::new(REDEEMED_AT_ONCE),
        }
    }

    /// How it is called here.
    #[must_use]
    pub const fn name(&self) -> &ProviderName {
        &self.settings.name
    }

    /// Its own name.
    #[must_use]
    pub const fn issuer(&self) -> &Issuer {
        &self.settings.issuer
    }

    /// Where to send a browser that begins `flow`.
    pub async fn begin(&self, flow: &Flow, now: Timestamp) -> Result<Asked, FederationError> {
        let metadata = self.metadata(now).await?;
        let settings = &self.settings;
        let (state, nonce) = (flow.state(), flow.nonce());
        let (challenge, scope) = (flow.challenge(), settings.scopes.join(" "));
        let max_age = match flow.freshness {
            Freshness::AsSet => settings.max_age.as_secs().to_string(),
            Freshness::Anew => "0".to_owned(),
        };
        let acr_values = settings.acr_values.join(" ");
        let mut pairs = vec![
            ("response_type", "code"),
            ("client_id", &settings.client_id),
            ("redirect_uri", settings.redirect_uri.as_str()),
            ("scope", &scope),
            ("state", &state),
            ("nonce", &nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("max_age", &max_age),
        ];
        if flow.freshness == Freshness::Anew {
            pairs.push(("prompt", "login"));
        }
        if !acr_values.is_empty() {
            pairs.push(("acr_values", &acr_values));
        }
        let address = metadata.authorization.with(&pairs);
        Ok(Asked { address, state })
    }

    /// Takes what the browser of `flow` came back with: the person whom the provider vouches for.
    pub async fn redeem(
        &self,
        flow: &Flow,
        answered: &Answered,
        now: Timestamp,
    ) -> Result<Vouched, FederationError> {
        if answered.state.as_deref() != Some(&flow.state()) {
            return Err(FederationError::Foreign);
        }
        let metadata = self.metadata(now).await?;
        // An answer of another provider, which would be handed this one's code or take its person
        // for ours (RFC 9207, 2.4).
        match answered.issuer.as_deref() {
            None if metadata.names_itself => return Err(FederationError::Foreign),
            Some(other) if other != self.settings.issuer.as_str() => {
                return Err(FederationError::Foreign);
            }
            None | Some(_) => {}
        }
        match answered.error.as_deref() {
            // It is busy, or down behind its front (RFC 6749, 4.1.2.1).
            Some("temporarily_unavailable" | "server_error") => {
                return Err(FederationError::Unavailable(None));
            }
            Some(_) => return Err(FederationError::Declined),
            None => {}
        }
        let code = answered.code.as_deref().ok_or(FederationError::Foreign)?;
        if code.is_empty() || code.len() > CODE_MAX {
            return Err(FederationError::Foreign);
        }
        let _turn = self
            .redeeming
            .try_acquire()
            .map_err(|_| FederationError::Unavailable(None))?;
        let token = self.exchange(flow, code, &metadata).await?;
        let token = Unverified::parse(&token)?;
        id_token::is_id_token(&token)?;
        let claims = self.believed(token, &metadata, now).await?;
        Ok(id_token::judge(&claims, &self.settings, flow, now)?)
    }

    /// Takes a logout token: what is over at the provider.
    pub async fn read_logout(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<Logout, FederationError> {
        let token = Unverified::parse(token)?;
        logout_token::is_logout_token(&token)?;
        let metadata = self.metadata(now).await?;
        let claims = self.believed(token, &metadata, now).await?;
        Ok(logout_token::judge(&claims, &self.settings, now)?)
    }

    /// Whether a logout token would be this provider's, to us, going by what it says itself.
    /// Nothing of it is believed by that.
    #[must_use]
    pub fn is_meant_by(&self, token: &str) -> bool {
        let settings = &self.settings;
        let token = Unverified::parse(token);
        let says = |token: &Unverified<'_>| {
            let said = token.hearsay();
            said.are_between(settings.issuer.as_str(), &settings.client_id)
        };
        token.is_ok_and(|token| says(&token).is_ok())
    }

    /// Where a browser signs out at the provider. We keep no ID token to show it, so the provider
    /// asks the person (RP-Initiated Logout 1.0, 2).
    pub async fn sign_out(&self, now: Timestamp) -> Result<String, FederationError> {
        let metadata = self.metadata(now).await?;
        let end_session = metadata.end_session.as_ref();
        let end_session = end_session.ok_or(ProviderFault::NoSignOut)?;
        Ok(end_session.with(&[
            ("client_id", &self.settings.client_id),
            (
                "post_logout_redirect_uri",
                self.settings.signed_out_uri.as_str(),
            ),
        ]))
    }

    async fn metadata(&self, now: Timestamp) -> Result<Arc<Metadata>, FederationError> {
        let issuer = self.settings.issuer.as_str();
        let read = async {
            let what = "the discovery document";
            let body = self.read(what, &metadata::address(issuer)).await?;
            Ok(Metadata::parse(&body, issuer)?)
        };
        self.metadata.get(now, |_| true, read).await
    }

    /// What a token says, if the provider signed it.
    async fn believed(
        &self,
        token: Unverified<'_>,
        metadata: &Metadata,
        now: Timestamp,
    ) -> Result<Claims, FederationError> {
        if !metadata.algorithms.contains(&token.algorithm) {
            return Err(TokenFault::Algorithm.into());
        }
        let has_it = |keys: &Keys| keys.has(token.key.as_deref(), token.algorithm);
        let read = async {
            let what = "the key set";
            let body = self.read(what, metadata.keys.as_str()).await?;
            let keys = Keys::parse(&body);
            Ok(keys.map_err(|source| ProviderFault::Unreadable { what, source })?)
        };
        let keys = self.keys.get(now, has_it, read).await?;
        Ok(token.verify(&keys)?)
    }

    async fn read(&self, what: &'static str, address: &str) -> Result<Vec<u8>, FederationError> {
        let answer = self.network.get(address).await;
        match answer.map_err(|error| FederationError::Unavailable(Some(error)))? {
            Reply { status: 200, body } => Ok(body),
            Reply { status, .. } => Err(refused(what, status)),
        }
    }

    /// Redeems a code: the ID token that it stands for.
    async fn exchange(
        &self,
        flow: &Flow,
        code: &str,
        metadata: &Metadata,
    ) -> Result<String, FederationError> {
        let (form, authorization) = self.redemption(flow, code, metadata.proof);
        let answer = self
            .network
            .post_form(metadata.token.as_str(), authorization.as_deref(), form)
            .await;
        let Reply { status, body } =
            answer.map_err(|error| FederationError::Unavailable(Some(error)))?;
        let what = "the token endpoint";
        if status != 200 {
            let refusal: Option<TokenRefusal> = serde_json::from_slice(&body).ok();
            return Err(match refusal {
                // Used before, made up, too old, or given to another browser.
                Some(TokenRefusal { error }) if error == "invalid_grant" => {
                    FederationError::Foreign
                }
                Some(_) | None => refused(what, status),
            });
        }
        let answer: TokenAnswer = serde_json::from_slice(&body)
            .map_err(|source| ProviderFault::Unreadable { what, source })?;
        Ok(answer.id_token)
    }

    /// The form that redeems a code, and what goes into `Authorization` with it.
    fn redemption(&self, flow: &Flow, code: &str, proof: Proof) -> (String, Option<String>) {
        let settings = &self.settings;
        let verifier = flow.verifier();
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs([
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", settings.redirect_uri.as_str()),
            ("code_verifier", &verifier),
        ]);
        let authorization = match (&settings.client_secret, proof) {
            (Some(secret), Proof::Basic) => Some(basic(&settings.client_id, secret.reveal())),
            (Some(secret), Proof::Post) => {
                form.append_pair("client_id", &settings.client_id);
                form.append_pair("client_secret", secret.reveal());
                None
            }
            (None, _) => {
                form.append_pair("client_id", &settings.client_id);
                None
            }
        };
        (form.finish(), authorization)
    }
}

fn refused(what: &'static str, status: u16) -> FederationError {
    match status {
        // It is down behind its front, or has too much to do.
        429 | 500.. => FederationError::Unavailable(None),
        _ => ProviderFault::Status { what, status }.into(),
    }
}

/// The proof of a client in the `Authorization` header, each part encoded as in a form (RFC 6749,
/// 2.3.1).
fn basic(client: &str, secret: &str) -> String {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encoded(client), encoded(secret));
    format!("Basic {}", BASE64_STANDARD.encode(pair))
}
