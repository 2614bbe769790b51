//! A desk to call at: the whole router over the reference store, with keys of every kind.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use futures_util::stream;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, COOKIE, ORIGIN};
use http::{HeaderMap, Method, StatusCode};
use innkeeper_domain::name::TenantId;
use innkeeper_domain::policy::{Overflow, Policy, SessionLimit, Terms};
use innkeeper_engine::entropy::OsEntropy;
use innkeeper_engine::keys::{Enrolled, Issuer, KeyRevoked, KeyScope};
use innkeeper_engine::{Authority, Services};
use innkeeper_http::cookies::SessionCookie;
use innkeeper_http::envelope::enveloped;
use innkeeper_http::forward_auth::{ForwardAuth, PublicPath, SignInPage};
use innkeeper_http::layer::Door;
use innkeeper_http::origin::{OriginRule, PublicOrigin};
use innkeeper_http::peers::ClientIp;
use innkeeper_http::rest;
use innkeeper_store::clock::ManualClock;
use innkeeper_store::memory::MemoryStore;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::flaky::Flaky;
use crate::published;

pub(crate) const MINUTE: Duration = Duration::from_mins(1);
pub(crate) const OURS: &str = "https://app.example";

/// The members of a session, as API.md shows them.
pub(crate) const SESSION: [&str; 22] = [
    "assurance",
    "attributes",
    "authenticated_at",
    "binding",
    "class",
    "client",
    "created_at",
    "current",
    "device",
    "end_reason",
    "ended_at",
    "ended_by",
    "expires_at",
    "id",
    "idle_expires_at",
    "ip",
    "last_seen_at",
    "methods",
    "place",
    "state",
    "subject",
    "tenant",
];

pub(crate) struct Desk {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: Arc<Flaky>,
    pub(crate) authority: Arc<Authority>,
    pub(crate) router: Router,
    /// An administrator's key of all tenants.
    pub(crate) admin: String,
}

pub(crate) fn policy(max: u64, at_limit: Overflow) -> Policy {
    Policy {
        terms: Terms {
            max_sessions: SessionLimit::new(max).expect("a test names a limit that there is"),
            at_limit,
            ..Terms::default()
        },
        ..Policy::default()
    }
}

pub(crate) async fn desk() -> Desk {
    desk_with(policy(5, Overflow::EvictLeastRecent)).await
}

pub(crate) async fn desk_with(policy: Policy) -> Desk {
    let clock = Arc::new(ManualClock::at(1_800_000_000));
    let store = Arc::new(Flaky::new(MemoryStore::new(Arc::clone(&clock) as _)));
    let services = Services {
        store: Arc::clone(&store) as _,
        register: Arc::clone(&store) as _,
        entropy: Arc::new(OsEntropy),
    };
    let opened = Authority::open(services, policy).await;
    let authority = Arc::new(opened.expect("the store is sound"));
    let door = Door {
        authority: Arc::clone(&authority),
        cookie: SessionCookie::HOST,
        origins: OriginRule::Public(PublicOrigin::parse(OURS).expect("it is an origin")),
        clears_storage: false,
    };
    let forward_auth = ForwardAuth {
        public: [PublicPath::parse("/static/").expect("it is plain")].into(),
        sign_in: SignInPage::At(OURS.to_owned()),
        ..ForwardAuth::default()
    };
    let mut desk = Desk {
        clock,
        store,
        authority,
        router: enveloped(
            rest::router(door.clone())
                .merge(rest::metrics_router(door.clone()))
                .merge(rest::forward_auth_router(door, Arc::new(forward_auth))),
        ),
        admin: String::new(),
    };
    desk.admin = desk.key(&[KeyScope::Admin], None).await;
    desk
}

impl Desk {
    pub(crate) async fn key(&self, scopes: &[KeyScope], tenant: Option<&str>) -> String {
        let key = self.authority.prepare_key().expect("there is entropy");
        let tenant = tenant.map(|t| TenantId::parse(t).expect("it is a name"));
        let now = self.authority.now().await.expect("the store is sound");
        let scopes = scopes.to_vec();
        let authority = &self.authority;
        let enrolled = authority.enrol_key(Issuer::Operator, &key, "a key", scopes, tenant, now);
        let enrolled = enrolled.await.expect("the store is sound");
        assert!(matches!(enrolled, Enrolled::Done(_)));
        key.reveal()
    }

    pub(crate) fn call(&self, method: Method, path: &str) -> Call<'_> {
        Call {
            desk: self,
            request: Request::builder().method(method).uri(path),
            body: Body::empty(),
        }
    }

    /// By the administrator's key.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path)
            .bearer(&self.admin)
            .send()
            .await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        let call = self.call(Method::DELETE, path);
        call.bearer(&self.admin).send().await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        let call = self.call(Method::POST, path);
        call.bearer(&self.admin).json(&body).send().await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        let call = self.call(Method::PATCH, path);
        call.bearer(&self.admin).json(&body).send().await
    }

    /// Signs in, and hands out the token and the id.
    pub(crate) async fn sign_in(&self, subject: &str) -> (String, String) {
        let answer = self.post("/v1/sessions", json!({"subject": subject})).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        (
            answer.word("/token").to_owned(),
            answer.word("/session/id").to_owned(),
        )
    }

    pub(crate) async fn check(&self, token: &str) -> Answer {
        self.post("/v1/check", json!({"token": token})).await
    }

    pub(crate) async fn live(&self, subject: &str) -> u64 {
        let answer = self.get(&format!("/v1/subjects/{subject}")).await;
        answer.json["live"].as_u64().expect("it is a number")
    }
}

pub(crate) struct Call<'d> {
    desk: &'d Desk,
    request: http::request::Builder,
    body: Body,
}

impl Call<'_> {
    pub(crate) fn header(mut self, name: impl AsRef<str>, value: &str) -> Self {
        self.request = self.request.header(name.as_ref(), value);
        self
    }

    pub(crate) fn bearer(self, secret: &str) -> Self {
        self.header(AUTHORIZATION, &format!("Bearer {secret}"))
    }

    pub(crate) fn cookie(self, token: &str) -> Self {
        self.header(COOKIE, &format!("__Host-innkeeper={token}"))
    }

    /// By a peer that is listed in `server.trusted_peers`; see the accept loop.
    pub(crate) fn brought_by_proxy(mut self) -> Self {
        self.request = self.request.extension(ClientIp(None));
        self
    }

    pub(crate) fn origin(self, origin: &str) -> Self {
        self.header(ORIGIN, origin)
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.text(body.to_string())
    }

    /// As `application/x-www-form-urlencoded`, encoded already.
    pub(crate) fn form(self, body: &str) -> Self {
        let mut typed = self.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        typed.body = Body::from(body.to_owned());
        typed
    }

    pub(crate) fn text(self, body: impl Into<String>) -> Self {
        let mut typed = self.header(CONTENT_TYPE, "application/json");
        typed.body = Body::from(body.into());
        typed
    }

    /// A body that does not say how long it is.
    pub(crate) fn pieces(mut self, pieces: &'static [&'static str]) -> Self {
        let pieces = pieces.iter().map(|piece| Ok::<_, Infallible>(*piece));
        self.body = Body::from_stream(stream::iter(pieces));
        self
    }

    /// A body of which nothing may be read.
    pub(crate) fn unread(mut self) -> Self {
        let read = |_: &mut Context<'_>| -> Poll<Option<Result<String, Infallible>>> {
            panic!("it was read")
        };
        self.body = Body::from_stream(stream::poll_fn(read));
        self
    }

    /// Has the body arrive only when this key has been revoked.
    pub(crate) fn after_revoking(self, key: &str, body: &Value) -> Self {
        let authority = Arc::clone(&self.desk.authority);
        let key = authority.authenticate_key(key).expect("it is one");
        let text = body.to_string();
        let late = stream::once(async move {
            let revoked = authority.revoke_key(Issuer::Operator, &key.id).await;
            assert_eq!(revoked.expect("the store is sound"), KeyRevoked::Done);
            Ok::<_, Infallible>(text)
        });
        let mut typed = self.header(CONTENT_TYPE, "application/json");
        typed.body = Body::from_stream(late);
        typed
    }

    pub(crate) async fn send(self) -> Answer {
        let (router, request, asked) = self.request();
        let Ok(response) = router.oneshot(request).await;
        Answer::read(response, &asked).await
    }

    /// The answer as it comes, if it is one that goes on.
    pub(crate) async fn open(self) -> Result<Response, Answer> {
        let (router, request, asked) = self.request();
        let Ok(response) = router.oneshot(request).await;
        if response.status() == StatusCode::OK {
            Ok(response)
        } else {
            Err(Answer::read(response, &asked).await)
        }
    }

    fn request(self) -> (Router, Request, (Method, String)) {
        let router = self.desk.router.clone();
        let request = self.request.body(self.body).expect("the parts are valid");
        let asked = (request.method().clone(), request.uri().path().to_owned());
        (router, request, asked)
    }
}

impl Answer {
    async fn read(response: Response, (method, path): &(Method, String)) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.expect("it is at hand");
        let text = String::from_utf8(bytes.into()).expect("it is text");
        let mut answer = Answer {
            status: parts.status,
            headers: parts.headers,
            json: serde_json::from_str(&text).unwrap_or_default(),
            text,
        };
        answer.assert_has_its_envelope();
        published::assert_allows(method, path, &answer);
        answer.forget_its_name();
        answer
    }

    /// Takes the id of the request out of a problem, which must be that of the header. No two
    /// answers have the same, and tests compare answers.
    fn forget_its_name(&mut self) {
        if self.header("content-type") != Some("application/problem+json") {
            return;
        }
        let id = self.header("x-request-id").expect("every answer has one");
        let member = format!(r#","request_id":"{id}""#);
        assert!(self.text.contains(&member), "{}", self.text);
        self.text = self.text.replace(&member, "");
        let object = self.json.as_object_mut().expect("a problem is an object");
        object.remove("request_id");
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) json: Value,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn header(&self, name: impl AsRef<str>) -> Option<&str> {
        let value = self.headers.get(name.as_ref())?;
        Some(value.to_str().expect("our headers are text"))
    }

    /// The text at a pointer.
    pub(crate) fn word(&self, pointer: &str) -> &str {
        let value = self.json.pointer(pointer).and_then(Value::as_str);
        value.unwrap_or_else(|| panic!("no text at {pointer} in {}", self.text))
    }

    pub(crate) fn members(&self, pointer: &str) -> BTreeSet<&str> {
        let object = self.json.pointer(pointer).and_then(Value::as_object);
        let object = object.unwrap_or_else(|| panic!("no object at {pointer} in {}", self.text));
        object.keys().map(String::as_str).collect()
    }

    pub(crate) fn assert_members(&self, pointer: &str, expected: &[&str]) {
        let expected: BTreeSet<_> = expected.iter().copied().collect();
        assert_eq!(self.members(pointer), expected, "at {pointer}");
    }

    /// A problem of this kind, and nothing else.
    pub(crate) fn assert_problem(&self, status: u16, code: &str) {
        assert_eq!(
            (self.status.as_u16(), self.json["code"].as_str()),
            (status, Some(code)),
            "{}",
            self.text
        );
        assert_eq!(self.json["status"], status);
        assert_eq!(self.word("/type"), format!("urn:innkeeper:problem:{code}"));
        assert!(!self.word("/title").is_empty());
    }

    /// A 422 about this one field.
    pub(crate) fn assert_invalid(&self, field: &str) {
        self.assert_problem(422, "invalid-request");
        let fields = self.json["fields"].as_array().expect("there is a list");
        let named: Vec<_> = fields.iter().map(|f| f["field"].as_str()).collect();
        assert_eq!(named, [Some(field)], "{}", self.text);
        assert!(!self.word("/fields/0/message").is_empty());
    }

    /// What every answer has.
    fn assert_has_its_envelope(&self) {
        assert_eq!(self.header(CACHE_CONTROL), Some("no-store"));
        assert_eq!(self.header("x-content-type-options"), Some("nosniff"));
        assert!(self.header("x-request-id").is_some());
        let is_of_oauth = self.json["error"].is_string();
        let expected = if self.text.is_empty() {
            None
        } else if self.status.is_success() || is_of_oauth {
            let is_of_prometheus = self.text.starts_with("# HELP ");
            Some(if is_of_prometheus {
                "text/plain; version=0.0.4; charset=utf-8"
            } else {
                "application/json"
            })
        } else {
            Some("application/problem+json")
        };
        assert_eq!(self.header(CONTENT_TYPE), expected, "{}", self.text);
        if !self.status.is_success() && !self.status.is_redirection() && !is_of_oauth {
            assert!(self.json["code"].is_string(), "{}", self.text);
        }
        let challenged = self.header("www-authenticate").is_some();
        let lacks_scope = self
            .header("www-authenticate")
            .is_some_and(|text| text.contains("insufficient_scope"));
        assert_eq!(
            challenged,
            lacks_scope || self.status == StatusCode::UNAUTHORIZED
        );
    }
}

/// Whether a text is a moment as API.md writes them, to the millisecond.
pub(crate) fn is_moment(text: &str) -> bool {
    let shape: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    shape == "0000-00-00T00:00:00.000Z"
}
