//! What a proxy says of the request that it holds, and what a browser says of a page's origin.

use http::Method;
use http::header::{ACCEPT, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN};
use innkeeper_http::forward_auth::{Dialect, ForwardAuth, Original, Place, PublicPath, SignInPage};
use innkeeper_http::origin::{OriginRule, PublicOrigin};
use innkeeper_http::query::pairs;

use crate::Tally;
use crate::requests::lines;

const X_FORWARDED_METHOD: HeaderName = HeaderName::from_static("x-forwarded-method");
const X_FORWARDED_URI: HeaderName = HeaderName::from_static("x-forwarded-uri");
const X_ORIGINAL_METHOD: HeaderName = HeaderName::from_static("x-original-method");
const X_ORIGINAL_URI: HeaderName = HeaderName::from_static("x-original-uri");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const NAMES: [HeaderName; 8] = [
    X_FORWARDED_METHOD,
    X_FORWARDED_URI,
    X_ORIGINAL_METHOD,
    X_ORIGINAL_URI,
    SEC_FETCH_MODE,
    ACCEPT,
    HOST,
    ORIGIN,
];
const PUBLIC: &str = "/static/";
const OURS: &str = "https://app.example";

/// The request that a proxy holds, where it leads, and the origin of a change.
pub fn proxy(data: &[u8], tally: &mut Tally) {
    let headers = lines(data, &NAMES);
    for (dialect, kind, name) in [
        (Dialect::Forwarded, "forwarded requests", X_FORWARDED_URI),
        (Dialect::Nginx, "requests of nginx", X_ORIGINAL_URI),
    ] {
        if let Some(original) = tally.read(kind, Original::read(dialect, &headers)) {
            let told: Vec<&[u8]> = headers
                .get_all(name)
                .iter()
                .map(HeaderValue::as_bytes)
                .collect();
            assert_eq!(told, [original.target], "one of them may be the client's");
            leads(original.target, tally);
        }
    }
    origin(&headers, tally);
}

/// Where a request leads: to what is public only by a path that nobody reads in another way.
fn leads(target: &[u8], tally: &mut Tally) {
    let gate = ForwardAuth {
        public: Box::from([PublicPath::parse(PUBLIC).expect("it is plain")]),
        sign_in: SignInPage::SameHost,
        ..ForwardAuth::default()
    };
    let place = gate.place_of(target);
    let path = target
        .split(|byte| *byte == b'?')
        .next()
        .unwrap_or_default();
    tally.add("public paths", usize::from(place == Place::Public));
    tally.add("guarded paths", usize::from(place == Place::Guarded));
    tally.add("paths of ours", usize::from(place == Place::Ours));
    if place == Place::Public {
        let text = std::str::from_utf8(path).expect("it is ASCII");
        let rest = text.strip_prefix(PUBLIC).expect("it is below");
        let doubtful = |c: char| !c.is_ascii_graphic() || "%\\;?#\"<>[]^`{|}".contains(c);
        assert!(!text.contains(doubtful), "{text}");
        let mut names = rest.split('/').rev().skip_while(|name| name.is_empty());
        assert!(!rest.ends_with("//"), "{text}");
        assert!(names.all(|name| !["", ".", ".."].contains(&name)), "{text}");
    }
    // The way back is one value, and the same bytes.
    let address = gate.sign_in_for(target).expect("there is a page");
    let (_, query) = address.split_once('?').expect("it has a query");
    if let Some(way_back) = pairs(query) {
        let [(name, value)] = &way_back[..] else {
            panic!("{address} says more than one thing");
        };
        let is_back = value.as_bytes() == target || value == "/" && target.len() > 2048;
        assert!(name == "next" && is_back, "{address}");
    }
}

/// A change by cookie is taken from one origin, and only where nobody named another.
fn origin(headers: &HeaderMap, tally: &mut Tally) {
    let public = OriginRule::Public(PublicOrigin::parse(OURS).expect("it is one"));
    for (rule, kind) in [
        (public, "origins of ours"),
        (OriginRule::Loopback, "origins of loopback"),
    ] {
        let taken = rule.require(&Method::POST, headers);
        if tally.read(kind, taken).is_none() {
            continue;
        }
        let told: Vec<&str> = headers
            .get_all(ORIGIN)
            .iter()
            .filter_map(|v| v.to_str().ok())
            .collect();
        let [told] = told[..] else {
            panic!("{told:?} are not one origin");
        };
        let of_loopback = ["http://localhost", "http://127.", "http://[::1]"];
        let is_right = match rule {
            OriginRule::Public(_) => told == OURS,
            OriginRule::Loopback => of_loopback.iter().any(|start| told.starts_with(start)),
        };
        assert!(is_right, "{told}");
    }
}
