//! The key by which a repeated sign-in is recognised as the same one.

use std::fmt;

use http::header::{HeaderMap, HeaderName};

use crate::problem::{ProblemAnswer, invalid};

/// The header that carries it.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// An idempotency key: 16 to 255 visible characters of ASCII.
///
/// Who presents it is given the answer again, token included, so it is as secret as a token for
/// as long as it is remembered; `Debug` hides it.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct IdempotencyKey<'h>(&'h str);

impl<'h> IdempotencyKey<'h> {
    /// Finds the key of a request. One that is repeated, too short, too long or not visible ASCII
    /// is 422 `invalid-request`: ignoring it would turn a repeat into a second sign-in.
    pub fn find(headers: &'h HeaderMap) -> Result<Option<Self>, ProblemAnswer> {
        let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
        let Some(value) = values.next() else {
            return Ok(None);
        };
        let is_fit = (16..=255).contains(&value.len())
            && value.as_bytes().iter().all(u8::is_ascii_graphic)
            && values.next().is_none();
        match value.to_str() {
            Ok(key) if is_fit => Ok(Some(Self(key))),
            _ => Err(invalid(
                "Idempotency-Key",
                "expected one key of 16 to 255 visible characters",
            )),
        }
    }

    /// The key itself.
    #[must_use]
    pub const fn reveal(&self) -> &'h str {
        self.0
    }
}

impl fmt::Debug for IdempotencyKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdempotencyKey(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn find(values: &[&str]) -> Result<Option<String>, ProblemAnswer> {
        let headers: HeaderMap = values
            .iter()
            .map(|value| {
                let value = HeaderValue::from_str(value).expect("it is a header");
                (IDEMPOTENCY_KEY, value)
            })
            .collect();
        Ok(IdempotencyKey::find(&headers)?.map(|key| key.reveal().to_owned()))
    }

    #[test]
    fn given_a_key_at_either_bound_when_looked_for_then_it_is_found() {
        for len in [16, 255] {
            let key = "k".repeat(len);

            assert_eq!(find(&[&key]).expect("it is fit"), Some(key));
        }
        assert_eq!(find(&[]).expect("none is fine"), None);
    }

    #[test]
    fn given_an_unfit_key_when_looked_for_then_it_is_refused() {
        let long = "k".repeat(256);
        let good = "k".repeat(16);
        for values in [
            &["k23456789012345"][..],
            &[&long],
            &["with a blank in it"],
            &[&good, &good],
            &[""],
        ] {
            assert!(find(values).is_err(), "{values:?} is refused");
        }
    }
}
