//! Query strings, held to the contract.

use std::fmt::Write as _;

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::diagnosis::Tree;
use crate::problem::{ProblemAnswer, invalid};

/// The query of the address.
///
/// Unknown and repeated parameters, wrong types and broken percent-encoding are 422
/// `invalid-request`: of two equal parameters a proxy may have judged the other one.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T, S> FromRequestParts<S> for Query<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = ProblemAnswer;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ProblemAnswer> {
        parse(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

/// Reads a query string, or says what is wrong with it.
pub fn parse<T: DeserializeOwned>(query: &str) -> Result<T, ProblemAnswer> {
    Tree::Object(members(query)?)
        .read()
        .map_err(|field| invalid(field.field, field.message))
}

/// The parameters as members of a request, repeated ones included.
pub(crate) fn members(query: &str) -> Result<Vec<(String, Tree)>, ProblemAnswer> {
    let pairs =
        pairs(query).ok_or_else(|| invalid("", "expected a query of percent-encoded UTF-8"))?;
    let members = pairs.into_iter();
    Ok(members.map(|(n, value)| (n, Tree::Raw(value))).collect())
}

/// The parameters in order, repeated ones included; nothing where the encoding is broken.
#[must_use]
pub fn pairs(query: &str) -> Option<Vec<(String, String)>> {
    query
        .split('&')
        .filter(|piece| !piece.is_empty())
        .map(|piece| {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            Some((decoded(name)?, decoded(value)?))
        })
        .collect()
}

/// A text in percent-encoding: a value of a query, or a segment of a path (RFC 3986, 2.3).
pub(crate) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// A text without its percent-encoding; nothing where that is broken.
pub(crate) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    loop {
        rest = match rest {
            [] => break,
            [b'%', high, low, tail @ ..] => {
                bytes.push(hex(*high)? << 4 | hex(*low)?);
                tail
            }
            [b'%', ..] => return None,
            [b'+', tail @ ..] => {
                bytes.push(b' ');
                tail
            }
            [byte, tail @ ..] => {
                bytes.push(*byte);
                tail
            }
        };
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use innkeeper_api::{EndSessionsQuery, MeQuery, ProblemCode, SessionsQuery, StateFilter};

    use super::*;

    fn sessions(query: &str) -> Result<SessionsQuery, ProblemAnswer> {
        parse(query)
    }

    #[test]
    fn given_no_query_when_parsed_then_everything_has_its_default() {
        let query = sessions("").expect("nothing is required");

        assert_eq!(query, SessionsQuery::default());
    }

    #[test]
    fn given_every_parameter_when_parsed_then_each_has_its_type() {
        let query = sessions("tenant=a%20b+c%C3%A4&state=all&after=x%3D&limit=20")
            .expect("the query is valid");

        assert_eq!(query.tenant.as_deref(), Some("a b c\u{e4}"));
        assert_eq!(query.state, StateFilter::All);
        assert_eq!(query.after.as_deref(), Some("x="));
        assert_eq!(query.limit, Some(20));
        assert!(parse::<MeQuery>("passive=true").is_ok_and(|query| query.passive));
    }

    #[test]
    fn given_a_bad_query_when_parsed_then_it_is_refused() {
        for query in [
            "state=open&state=open",
            "state=open&st%61te=all",
            "states=open",
            "state=closed",
            "limit=-1",
            "limit=%2B1",
            "limit=",
            "limit=65536",
            "limit=1.5",
            "tenant=%",
            "tenant=%1",
            "tenant=%zz",
            "tenant=%+1",
            "tenant=%ff",
        ] {
            let refusal = sessions(query).expect_err("the query is bad");

            assert_eq!(
                refusal.problem().code(),
                ProblemCode::InvalidRequest,
                "{query} is refused"
            );
        }
        assert!(parse::<MeQuery>("passive=1").is_err());
        assert!(parse::<MeQuery>("passive").is_err());
    }

    #[test]
    fn given_a_repeated_parameter_when_parsed_then_it_is_named() {
        let refusal =
            parse::<EndSessionsQuery>("except=a&except=b").expect_err("it is there twice");

        let fields = &refusal.problem().extensions()["fields"];

        assert_eq!(fields[0]["field"], "except");
        assert_eq!(fields[0]["message"], "it is given more than once");
    }
}
