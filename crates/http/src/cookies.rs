//! The session cookie: found by its exact bytes, set and expired by name.

mod begun;
mod device;

use std::time::Duration;

use http::header::{COOKIE, HeaderMap, HeaderValue};
use innkeeper_api::{Problem, ProblemCode};

use crate::problem::ProblemAnswer;

/// The cookie that carries the session token in a browser.
///
/// Other cookies belong to the neighbours on the same host. They are neither parsed nor judged,
/// so that none of theirs, however broken, signs anybody out of ours.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SessionCookie {
    name: &'static str,
    attributes: &'static str,
}

impl SessionCookie {
    /// The cookie everywhere but in the demo. The prefix makes browsers refuse one that was set
    /// for a whole domain, for a path, or without TLS.
    pub const HOST: Self = Self {
        name: "__Host-innkeeper",
        attributes: "; Path=/; Secure; HttpOnly; SameSite=Lax",
    };

    /// The cookie of the demo over plain http on loopback, where `Secure` cannot be had.
    pub const LOOPBACK: Self = Self {
        name: "innkeeper-demo",
        attributes: "; Path=/; HttpOnly; SameSite=Lax",
    };

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The value that the browser presented, if any.
    ///
    /// Two of them are 400 `ambiguous-credentials`, wherever they stand and even if they are
    /// equal: somebody else has set one, and no order of headers says who. A value that is not
    /// text is there all the same; it is handed out as the empty text, which no token is.
    pub fn find<'h>(&self, headers: &'h HeaderMap) -> Result<Option<&'h str>, ProblemAnswer> {
        let mut found = None;
        for header in headers.get_all(COOKIE) {
            for pair in header.as_bytes().split(|byte| *byte == b';') {
                let Some(value) = self.value_in(pair) else {
                    continue;
                };
                if found.is_some() {
                    return Err(Problem::new(ProblemCode::AmbiguousCredentials)
                        .detail("The session cookie is there more than once.")
                        .into());
                }
                found = Some(str::from_utf8(value).unwrap_or_default());
            }
        }
        Ok(found)
    }

    /// The value, if the pair is this cookie by every byte of its name.
    fn value_in<'h>(&self, pair: &'h [u8]) -> Option<&'h [u8]> {
        pair.trim_ascii()
            .strip_prefix(self.name.as_bytes())?
            .strip_prefix(b"=")
    }

    /// The `Set-Cookie` that hands a token to the browser.
    ///
    /// The value must be a token of ours: the alphabet of those needs no escaping.
    #[must_use]
    pub fn set(&self, token: &str, life: CookieLife) -> HeaderValue {
        let life = match life {
            CookieLife::BrowserSession => String::new(),
            CookieLife::Lasting(span) => format!("; Max-Age={}", span.as_secs()),
        };
        let text = format!("{}={token}{}{life}", self.name, self.attributes);
        let mut value = HeaderValue::try_from(text).expect("a token is visible ASCII");
        value.set_sensitive(true);
        value
    }

    /// The `Set-Cookie` that makes the browser forget it.
    #[must_use]
    pub fn expire(&self) -> HeaderValue {
        let text = format!("{}={}; Max-Age=0", self.name, self.attributes);
        HeaderValue::try_from(text).expect("the parts are visible ASCII")
    }
}

/// How long the browser keeps the cookie. It decides nothing: the session has its own deadlines.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CookieLife {
    /// Until the browser is closed.
    BrowserSession,
    /// For this long, where the subject asked to stay signed in.
    Lasting(Duration),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookies(values: &[&'static [u8]]) -> HeaderMap {
        values
            .iter()
            .map(|value| {
                let value = HeaderValue::from_bytes(value).expect("it is a header");
                (COOKIE, value)
            })
            .collect()
    }

    fn found(values: &[&'static [u8]]) -> Option<String> {
        let headers = cookies(values);
        let found = SessionCookie::HOST.find(&headers).expect("there is one");
        found.map(str::to_owned)
    }

    #[test]
    fn given_our_cookie_among_others_when_looked_for_then_its_value_is_found() {
        for values in [
            &[b"__Host-innkeeper=ik_x".as_slice()][..],
            &[b"a=b; __Host-innkeeper=ik_x; c=d"],
            &[b"a=b;__Host-innkeeper=ik_x;"],
            &[b"a=b", b"\t__Host-innkeeper=ik_x "],
            &[b"broken; =; \xff\xfe=\x80; __Host-innkeeper=ik_x"],
        ] {
            assert_eq!(found(values).as_deref(), Some("ik_x"), "{values:?}");
        }
    }

    #[test]
    fn given_names_that_only_resemble_ours_when_looked_for_then_none_is_found() {
        for values in [
            &[][..],
            &[b"__host-innkeeper=ik_x".as_slice()],
            &[b"__Host-Innkeeper=ik_x"],
            &[b"__Host-innkeeper =ik_x"],
            &[b"__Host-innkeeper"],
            &[b"__Host-innkeeper-device-abcdefgh=ikd_x"],
            &[b"=__Host-innkeeper=ik_x"],
            &[b"innkeeper=ik_x"],
            &[b"%5F_Host-innkeeper=ik_x"],
            &[b"a=__Host-innkeeper=ik_x"],
        ] {
            assert_eq!(found(values), None, "{values:?}");
        }
    }

    #[test]
    fn given_our_cookie_twice_when_looked_for_then_it_is_ambiguous_even_if_equal() {
        for values in [
            &[b"__Host-innkeeper=a; __Host-innkeeper=b".as_slice()][..],
            &[b"__Host-innkeeper=a; __Host-innkeeper=a"],
            &[b"__Host-innkeeper=a", b"__Host-innkeeper=a"],
            &[b"__Host-innkeeper=; x=y", b"z=1; __Host-innkeeper=a"],
        ] {
            let headers = cookies(values);

            let refusal = SessionCookie::HOST
                .find(&headers)
                .expect_err("there are two");

            assert_eq!(refusal.problem().code(), ProblemCode::AmbiguousCredentials);
            assert_eq!(refusal.problem().status_code(), 400);
        }
    }

    #[test]
    fn given_a_value_that_is_no_text_when_looked_for_then_it_is_there_and_empty() {
        assert_eq!(found(&[b"__Host-innkeeper=\xff"]).as_deref(), Some(""));
    }

    #[test]
    fn given_a_value_with_signs_when_looked_for_then_it_is_taken_as_it_is() {
        assert_eq!(
            found(&[b"__Host-innkeeper=\"a=b%20c\""]).as_deref(),
            Some("\"a=b%20c\"")
        );
    }

    #[test]
    fn given_a_token_when_the_cookie_is_set_then_it_has_every_attribute_and_hides_from_logs() {
        let session = SessionCookie::HOST.set("ik_x", CookieLife::BrowserSession);
        let lasting = SessionCookie::HOST.set("ik_x", CookieLife::Lasting(Duration::from_secs(90)));

        assert_eq!(
            session,
            "__Host-innkeeper=ik_x; Path=/; Secure; HttpOnly; SameSite=Lax"
        );
        assert_eq!(
            lasting,
            "__Host-innkeeper=ik_x; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=90"
        );
        assert!(!format!("{session:?}").contains("ik_x"));
    }

    #[test]
    fn given_a_sign_out_when_the_cookie_is_expired_then_the_attributes_are_those_it_was_set_with() {
        assert_eq!(
            SessionCookie::HOST.expire(),
            "__Host-innkeeper=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"
        );
    }
}
