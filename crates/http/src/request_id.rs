//! A name for each request, so that an answer can be found in the log.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use http::header::{HeaderMap, HeaderName, HeaderValue};

/// The header that carries the id, both ways.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of one request: `req_` and 32 hexadecimal digits.
///
/// It is unique, not secret: half of it is drawn when the process starts and half is counted.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct RequestId {
    process: u64,
    count: u64,
}

impl RequestId {
    /// The next id of this process.
    #[must_use]
    pub fn next() -> Self {
        static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one("process"));
        static COUNT: AtomicU64 = AtomicU64::new(0);
        Self {
            process: *PROCESS,
            count: COUNT.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// The id as the value of a header.
    #[must_use]
    pub fn to_header(self) -> HeaderValue {
        HeaderValue::try_from(self.to_string()).expect("the id is visible ASCII")
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "req_{:016x}{:016x}", self.process, self.count)
    }
}

/// The id that the caller gave, if it is fit for a log beside our own.
///
/// Only hexadecimal digits and hyphens, at most 36 of them, as in a UUID or a trace id. Anything
/// wider could carry a line break, a megabyte, or a token that was put there by mistake.
#[must_use]
pub fn of_caller(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(X_REQUEST_ID).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let text = value.to_str().ok()?;
    let is_fit = (1..=36).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    is_fit.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_id(values: &[&'static str]) -> HeaderMap {
        values
            .iter()
            .map(|value| (X_REQUEST_ID, HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn given_two_requests_when_they_are_named_then_the_names_differ() {
        let (one, other) = (RequestId::next(), RequestId::next());

        assert_ne!(one.to_string(), other.to_string());
        assert_eq!(one.to_string().len(), "req_".len() + 32);
    }

    #[test]
    fn given_a_trace_id_of_the_caller_when_looked_for_then_it_is_found() {
        let headers = with_id(&["9f1c2b3a-0000-4000-8000-0123456789ab"]);

        assert_eq!(
            of_caller(&headers),
            Some("9f1c2b3a-0000-4000-8000-0123456789ab")
        );
    }

    #[test]
    fn given_anything_else_of_the_caller_when_looked_for_then_there_is_none() {
        for values in [
            &[][..],
            &[""],
            &["ik_abcdef"],
            &["a b"],
            &["0123456789012345678901234567890123456"],
            &["ab", "ab"],
        ] {
            assert_eq!(of_caller(&with_id(values)), None, "{values:?}");
        }
    }
}
