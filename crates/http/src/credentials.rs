//! What a caller presented: at most one credential, or the request is refused.

use std::fmt;

use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use innkeeper_api::{Problem, ProblemCode};
use innkeeper_domain::token::SessionToken;

use crate::cookies::SessionCookie;
use crate::problem::ProblemAnswer;

/// The session token of a request, and by which way it came.
///
/// The way matters: a browser adds its cookies to requests that others made it send, so a change
/// by cookie needs a matching origin, and one by header does not.
#[derive(Clone, Copy, Eq, PartialEq)]
pub enum Credential<'h> {
    /// Nothing was presented.
    Absent,
    /// A token in the session cookie.
    Cookie(&'h str),
    /// A token in the `Authorization` header.
    Bearer(&'h str),
}

impl<'h> Credential<'h> {
    /// Finds the one credential of a request.
    ///
    /// A cookie and a bearer token together, or either of them twice, are 400
    /// `ambiguous-credentials`. Another scheme in `Authorization` is meant for somebody else, a
    /// proxy before us perhaps, and is not looked at.
    pub fn of_user(headers: &'h HeaderMap, cookie: SessionCookie) -> Result<Self, ProblemAnswer> {
        match (bearer(headers)?, cookie.find(headers)?) {
            (None, None) => Ok(Self::Absent),
            (None, Some(token)) => Ok(Self::Cookie(token)),
            (Some(token), None) => Ok(Self::Bearer(token)),
            (Some(_), Some(_)) => Err(ambiguous("A cookie and a bearer token were presented.")),
        }
    }

    /// As [`of_user`](Self::of_user), for a request that an application behind us is meant to read.
    ///
    /// A bearer token that is none of ours is the application's own affair; beside our cookie it
    /// is not looked at.
    pub fn behind_proxy(
        headers: &'h HeaderMap,
        cookie: SessionCookie,
    ) -> Result<Self, ProblemAnswer> {
        let own = bearer(headers)?.filter(|token| token.starts_with(SessionToken::PREFIX));
        match (own, cookie.find(headers)?) {
            (None, None) => Ok(Self::Absent),
            (None, Some(token)) => Ok(Self::Cookie(token)),
            (Some(token), None) => Ok(Self::Bearer(token)),
            (Some(_), Some(_)) => Err(ambiguous("A cookie and a bearer token were presented.")),
        }
    }

    /// The token, whichever way it came.
    #[must_use]
    pub const fn token(&self) -> Option<&'h str> {
        match self {
            Self::Absent => None,
            Self::Cookie(token) | Self::Bearer(token) => Some(token),
        }
    }
}

impl fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "Absent",
            Self::Cookie(_) => "Cookie(hidden)",
            Self::Bearer(_) => "Bearer(hidden)",
        })
    }
}

/// The bearer token of a request, if any: an API key on `/v1`, a session token on `/me`.
///
/// Two `Authorization` headers are 400 `ambiguous-credentials`. A token that is not text is there
/// all the same; it is handed out as the empty text, which no key and no token is.
pub fn bearer(headers: &HeaderMap) -> Result<Option<&str>, ProblemAnswer> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(ambiguous(
            "The Authorization header is there more than once.",
        ));
    }
    Ok(first.and_then(token_in))
}

/// The token, if the scheme is `Bearer`, in any case of letters (RFC 9110, 11.1).
fn token_in(value: &HeaderValue) -> Option<&str> {
    const SCHEME: &[u8] = b"bearer";
    let (scheme, rest) = value.as_bytes().split_at_checked(SCHEME.len())?;
    let is_bearer =
        scheme.eq_ignore_ascii_case(SCHEME) && rest.first().is_none_or(u8::is_ascii_whitespace);
    is_bearer.then(|| str::from_utf8(rest.trim_ascii()).unwrap_or_default())
}

fn ambiguous(detail: &'static str) -> ProblemAnswer {
    Problem::new(ProblemCode::AmbiguousCredentials)
        .detail(detail)
        .into()
}

#[cfg(test)]
mod tests {
    use http::header::COOKIE;

    use super::*;

    fn headers(authorization: &[&'static str], cookie: &[&'static str]) -> HeaderMap {
        let authorization = authorization.iter().map(|value| (AUTHORIZATION, *value));
        let cookie = cookie.iter().map(|value| (COOKIE, *value));
        authorization
            .chain(cookie)
            .map(|(name, value)| (name, HeaderValue::from_static(value)))
            .collect()
    }

    fn of_user(authorization: &[&'static str], cookie: &[&'static str]) -> Option<String> {
        let headers = headers(authorization, cookie);
        let found = Credential::of_user(&headers, SessionCookie::HOST).ok()?;
        Some(match found {
            Credential::Absent => "absent".to_owned(),
            Credential::Cookie(token) => format!("cookie {token}"),
            Credential::Bearer(token) => format!("bearer {token}"),
        })
    }

    #[test]
    fn given_one_credential_when_looked_for_then_it_and_its_way_are_found() {
        let by_cookie = of_user(&[], &["__Host-innkeeper=ik_x"]);
        let by_header = of_user(&["Bearer ik_x"], &["other=1"]);
        let by_nothing = of_user(&[], &["other=1"]);

        assert_eq!(by_cookie.as_deref(), Some("cookie ik_x"));
        assert_eq!(by_header.as_deref(), Some("bearer ik_x"));
        assert_eq!(by_nothing.as_deref(), Some("absent"));
    }

    #[test]
    fn given_more_than_one_credential_when_looked_for_then_it_is_ambiguous() {
        for (authorization, cookie) in [
            (&["Bearer a"][..], &["__Host-innkeeper=a"][..]),
            (&["Bearer a", "Bearer a"], &[]),
            (&["Basic a", "Bearer a"], &[]),
            (&[], &["__Host-innkeeper=a; __Host-innkeeper=a"]),
        ] {
            assert_eq!(
                of_user(authorization, cookie),
                None,
                "{authorization:?} {cookie:?}"
            );
        }
    }

    #[test]
    fn given_another_scheme_when_looked_for_then_it_is_not_ours() {
        let with_cookie = of_user(&["Basic dTpw"], &["__Host-innkeeper=ik_x"]);
        let alone = of_user(&["BearerX ik_x"], &[]);

        assert_eq!(with_cookie.as_deref(), Some("cookie ik_x"));
        assert_eq!(alone.as_deref(), Some("absent"));
    }

    #[test]
    fn given_a_scheme_in_any_case_or_without_a_token_when_looked_for_then_it_is_a_bearer() {
        assert_eq!(
            of_user(&["bEARER  ik_x "], &[]).as_deref(),
            Some("bearer ik_x")
        );
        assert_eq!(of_user(&["Bearer"], &[]).as_deref(), Some("bearer "));
    }

    #[test]
    fn given_a_credential_when_debugged_then_the_token_does_not_show() {
        assert_eq!(
            format!("{:?}", Credential::Cookie("ik_x")),
            "Cookie(hidden)"
        );
    }
}
