//! A house over a store in memory, with a clock turned by hand, and browsers that come to it.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, ORIGIN, SET_COOKIE, USER_AGENT};
use http::{HeaderMap, Request, StatusCode};
use innkeeper_domain::name::{ClientId, SubjectId, TenantId};
use innkeeper_domain::policy::Policy;
use innkeeper_domain::token::SessionToken;
use innkeeper_engine::entropy::OsEntropy;
use innkeeper_engine::keys::{Enrolled, Issuer, KeyScope};
use innkeeper_engine::subjects::Standing;
use innkeeper_engine::{Authority, Services};
use innkeeper_gateway::{Added, Cost, Gateway, NewUser, Password, UserName, router};
use innkeeper_http::cookies::SessionCookie;
use innkeeper_http::envelope::enveloped;
use innkeeper_http::layer::Door;
use innkeeper_http::origin::OriginRule;
use innkeeper_http::rest;
use innkeeper_http::server::Peer;
use innkeeper_store::clock::ManualClock;
use innkeeper_store::memory::MemoryStore;
use serde_json::Value;
use tower::ServiceExt;

use crate::breakable::Breakable;

pub(crate) const ORIGIN_OF_OURS: &str = "http://127.0.0.1:7070";
pub(crate) const PASSWORD: &str = "swordfish & chips";

pub(crate) struct House {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: Arc<Breakable>,
    pub(crate) authority: Arc<Authority>,
    pub(crate) gateway: Gateway,
    door: Door,
    router: Router,
}

impl House {
    /// With alice and bob, who have the same password.
    pub(crate) async fn new(policy: Policy) -> Self {
        Self::with_cookie(policy, SessionCookie::LOOPBACK).await
    }

    pub(crate) async fn with_cookie(policy: Policy, cookie: SessionCookie) -> Self {
        let clock = Arc::new(ManualClock::at(1_800_000_000));
        let memory = Arc::new(MemoryStore::new(Arc::clone(&clock) as _));
        let store = Arc::new(Breakable::over(Arc::clone(&memory)));
        let services = Services {
            store: Arc::clone(&store) as _,
            register: memory,
            entropy: Arc::new(OsEntropy),
        };
        let authority = Authority::open(services, policy).await.unwrap();
        let authority = Arc::new(authority);
        let door = Door {
            authority: Arc::clone(&authority),
            cookie,
            origins: OriginRule::Loopback,
            clears_storage: false,
        };
        let gateway = Gateway::demo(door.clone(), TenantId::default()).at_cost(Cost::FOR_TESTS);
        for name in ["alice", "bob"] {
            let user = NewUser {
                name: UserName::parse(name).unwrap(),
                subject: Some(SubjectId::parse(name).unwrap()),
                groups: Vec::new(),
                password: Password::new(PASSWORD),
            };
            assert_eq!(gateway.users().add(user).await.unwrap(), Added::Done);
        }
        let router = enveloped(rest_of(&door, &gateway).merge(router(gateway.clone())));
        Self {
            clock,
            store,
            authority,
            gateway,
            door,
            router,
        }
    }

    /// Without the sample application, for sessions of the client `web`.
    pub(crate) async fn hosted(policy: Policy) -> Self {
        let demo = Self::with_cookie(policy, SessionCookie::HOST).await;
        let client = ClientId::parse("web").unwrap();
        let gateway = Gateway::new(demo.door(), TenantId::default(), client);
        demo.of_gateway(gateway.at_cost(Cost::FOR_TESTS))
    }

    pub(crate) fn door(&self) -> Door {
        self.door.clone()
    }

    /// The same authority, behind the pages of another gateway.
    pub(crate) fn of_gateway(&self, gateway: Gateway) -> Self {
        Self {
            clock: Arc::clone(&self.clock),
            store: Arc::clone(&self.store),
            authority: Arc::clone(&self.authority),
            router: enveloped(rest_of(&self.door, &gateway).merge(router(gateway.clone()))),
            gateway,
            door: self.door(),
        }
    }

    pub(crate) fn browser(&self) -> Browser<'_> {
        Browser {
            house: self,
            cookies: Vec::new(),
            origin: Some(ORIGIN_OF_OURS),
            user_agent: "Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0".into(),
            address: Ipv4Addr::LOCALHOST.into(),
        }
    }

    /// Calls the API with a key that may do everything in the tenants that `of` names, or in all.
    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        of: Option<&str>,
        body: Value,
    ) -> (u16, Value) {
        let key = self.authority.prepare_key().unwrap();
        let now = self.authority.now().await.unwrap();
        let tenant = of.map(|name| TenantId::parse(name).unwrap());
        let scopes = vec![KeyScope::Admin];
        let enrolled =
            self.authority
                .enrol_key(Issuer::Operator, &key, "a key", scopes, tenant, now);
        assert!(matches!(enrolled.await.unwrap(), Enrolled::Done(_)));
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(AUTHORIZATION, format!("Bearer {}", key.reveal()));
        let body = if body.is_null() {
            Body::empty()
        } else {
            request = request.header(CONTENT_TYPE, "application/json");
            Body::from(body.to_string())
        };
        let request = request.body(body).unwrap();
        let Ok(response) = self.router.clone().oneshot(request).await;
        let status = response.status().as_u16();
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let answer = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes).unwrap()
        };
        (status, answer)
    }

    /// A browser in which somebody has signed in.
    pub(crate) async fn signed_in(&self, name: &str) -> Browser<'_> {
        let mut browser = self.browser();
        let page = browser.sign_in(name, PASSWORD).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.text);
        browser
    }

    pub(crate) async fn standing(&self, subject: &str) -> Standing {
        let (tenant, subject) = (TenantId::default(), SubjectId::parse(subject).unwrap());
        self.authority.subject(&tenant, &subject).await.unwrap()
    }

    pub(crate) async fn live(&self, subject: &str) -> usize {
        let standing = self.standing(subject).await;
        standing.roster.live(standing.now).count()
    }

    pub(crate) fn pass(&self, minutes: u64) {
        self.clock.pass(Duration::from_mins(minutes));
    }
}

/// The REST API, which knows the users of the pages.
fn rest_of(door: &Door, gateway: &Gateway) -> Router {
    rest::router_with_users(door.clone(), Arc::new(gateway.users().clone()))
}

/// What a browser keeps and sends by itself.
#[derive(Clone)]
pub(crate) struct Browser<'h> {
    house: &'h House,
    pub(crate) cookies: Vec<String>,
    pub(crate) origin: Option<&'static str>,
    pub(crate) user_agent: String,
    /// From where it comes.
    pub(crate) address: IpAddr,
}

impl Browser<'_> {
    pub(crate) async fn get(&mut self, path: &str) -> Page {
        self.send("GET", path, None, "").await
    }

    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let body: Vec<_> = fields
            .iter()
            .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
            .collect();
        let form = "application/x-www-form-urlencoded";
        self.send("POST", path, Some(form), &body.join("&")).await
    }

    pub(crate) async fn sign_in(&mut self, name: &str, password: &str) -> Page {
        self.post("/sign-in", &[("name", name), ("password", password)])
            .await
    }

    pub(crate) async fn send(
        &mut self,
        method: &str,
        path: &str,
        content_type: Option<&str>,
        body: &str,
    ) -> Page {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, "127.0.0.1:7070")
            .header(USER_AGENT, &self.user_agent)
            .extension(Peer(SocketAddr::from((self.address, 50_000))));
        if let (Some(origin), "POST") = (self.origin, method) {
            request = request.header(ORIGIN, origin);
        }
        if let Some(content_type) = content_type {
            request = request.header(CONTENT_TYPE, content_type);
        }
        for cookie in &self.cookies {
            request = request.header(COOKIE, cookie);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let Ok(response) = self.house.router.clone().oneshot(request).await;

        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let page = Page {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.into()).unwrap(),
        };
        for set in page.headers.get_all(SET_COOKIE) {
            self.keep(set.to_str().unwrap());
        }
        page
    }

    /// Does as a cookie says. That of the session is kept in front.
    fn keep(&mut self, set: &str) {
        let pair = set.split(';').next().unwrap();
        let name = &pair[..=pair.find('=').unwrap()];
        self.cookies.retain(|kept| !kept.starts_with(name));
        if !set.contains("Max-Age=0") {
            let place = if name.contains("-device-") {
                self.cookies.len()
            } else {
                0
            };
            self.cookies.insert(place, pair.to_owned());
        }
    }

    /// The token it holds.
    pub(crate) fn token(&self) -> SessionToken {
        let (_, token) = self.cookies[0].split_once('=').unwrap();
        SessionToken::parse(token).unwrap()
    }
}

pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Page {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn location(&self) -> &str {
        self.header("location").unwrap_or_default()
    }

    /// The values of an attribute, in order.
    pub(crate) fn values(&self, attribute: &str) -> Vec<String> {
        let mark = format!(" {attribute}=\"");
        let pieces = self.text.split(mark.as_str()).skip(1);
        pieces
            .map(|piece| piece.split('"').next().unwrap().to_owned())
            .collect()
    }

    /// The text without what differs from one form to the next.
    pub(crate) fn without_attempt(&self) -> String {
        let (before, after) = self.text.split_once("name=\"attempt\" value=\"").unwrap();
        let (_, after) = after.split_once('"').unwrap();
        format!("{before}{after}")
    }
}

pub(crate) fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        let _ = write!(encoded, "%{byte:02X}");
        encoded
    })
}
