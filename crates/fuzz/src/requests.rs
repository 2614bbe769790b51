//! Header lines, as anybody may send them.

use std::net::IpAddr;

use http::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use innkeeper_domain::device::DeviceToken;
use innkeeper_domain::token::RosterTag;
use innkeeper_http::cookies::{CookieLife, SessionCookie};
use innkeeper_http::credentials::{Credential, bearer};
use innkeeper_http::peers::{TrustedPeers, network};
use innkeeper_http::request_id::{RequestId, X_REQUEST_ID};
use innkeeper_http::traceparent::{TRACEPARENT, TraceParent};
use innkeeper_http::user_agent;

use crate::Tally;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const NAMES: [HeaderName; 6] = [
    COOKIE,
    X_FORWARDED_FOR,
    AUTHORIZATION,
    TRACEPARENT,
    X_REQUEST_ID,
    USER_AGENT,
];

/// Whose device cookie is looked for.
pub(crate) const OWNER: RosterTag = RosterTag::from_bytes([7; 16]);

/// Headers of these names: each line begins with a byte that says which one it is.
pub(crate) fn lines(data: &[u8], names: &[HeaderName]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n').take(64) {
        if let Some((first, rest)) = line.split_first()
            && let Ok(value) = HeaderValue::from_bytes(rest)
        {
            let name = names[usize::from(*first) % names.len()].clone();
            headers.append(name, value);
        }
    }
    headers
}

/// Cookies, forwarded addresses, credentials, ids and traces.
pub fn headers(data: &[u8], tally: &mut Tally) {
    let headers = lines(data, &NAMES);
    cookies(&headers, tally);
    forwarded(headers.clone(), tally);
    let bearer = bearer(&headers).ok().flatten();
    tally.add("bearers", usize::from(bearer.is_some()));
    if let Some(token) = bearer
        && let Ok(credential) = Credential::of_user(&headers, SessionCookie::HOST)
    {
        assert_eq!(credential, Credential::Bearer(token));
    }
    let given = RequestId::given(&headers);
    tally.add("request ids", usize::from(given.is_some()));
    if let Some(id) = given {
        // Theirs, or else their trace: narrow either way.
        let header = id.to_header();
        let is_narrow = |byte: &u8| byte.is_ascii_hexdigit() || *byte == b'-';
        assert!(header.len() <= 36 && header.as_bytes().iter().all(is_narrow));
        if TraceParent::of(&headers).is_none() {
            assert_eq!(Some(&header), headers.get(X_REQUEST_ID));
        }
    }
    let trace = TraceParent::of(&headers);
    tally.add("traces", usize::from(trace.is_some()));
    let _ = user_agent::describe_request(&headers);
}

fn cookies(headers: &HeaderMap, tally: &mut Tally) {
    for cookie in [SessionCookie::HOST, SessionCookie::LOOPBACK] {
        let found = cookie.find(headers).ok().flatten();
        tally.add("session cookies", usize::from(found.is_some()));
        if let Some(value) = found {
            assert!(!value.contains(';'), "one cookie has become two");
            // What is found is found again where it stands alone, and twice it is nobody's.
            let alone = format!("{}={value}", cookie.name());
            let twice = format!("{alone}; {alone}");
            let of = |text: &str| {
                let value = HeaderValue::from_bytes(text.as_bytes()).expect("it was in a header");
                HeaderMap::from_iter([(COOKIE, value)])
            };
            assert_eq!(cookie.find(&of(&alone)).ok(), Some(Some(value)));
            assert!(cookie.find(&of(&twice)).is_err());
        }
        let device = cookie.find_device(headers, OWNER).ok().flatten();
        tally.add("device cookies", usize::from(device.is_some()));
        if let Some(token) = device {
            assert_eq!(token.tag(), OWNER);
        }
        let other = RosterTag::from_bytes([8; 16]);
        let token = DeviceToken::from_entropy(other, [9; 32]);
        for line in cookie.set_device(headers, &token) {
            let line = line.to_str().expect("we wrote it");
            assert!(line.starts_with(cookie.name()), "{line}");
        }
        let _ = cookie.set("ik_x", CookieLife::BrowserSession);
    }
}

fn forwarded(mut headers: HeaderMap, tally: &mut Tally) {
    let ranges = ["10.0.0.0/8", "::1"].map(|text| network(text).expect("it is a range"));
    let trusted: TrustedPeers = ranges.into_iter().collect();
    let of = |text: &str| text.parse::<IpAddr>().expect("it is an address");
    let stranger = of("203.0.113.7");
    assert_eq!(trusted.client_of(stranger, &headers), Some(stranger));
    let named = trusted.client_of(of("10.1.2.3"), &headers);
    assert_eq!(named, named.map(|address| address.to_canonical()));
    tally.add(
        "clients named",
        usize::from(named.is_some_and(|one| one != of("10.1.2.3"))),
    );
    // Who is named last by a trusted peer is the client, whatever stands before.
    headers.append(
        X_FORWARDED_FOR,
        HeaderValue::from_static("198.51.100.9, 10.9.9.9"),
    );
    let client = trusted.client_of(of("::ffff:10.1.2.3"), &headers);
    assert_eq!(client, Some(of("198.51.100.9")));
}
