//! The claims of a token: an object in which nothing is said twice.

use std::collections::BTreeMap;
use std::fmt;

use innkeeper_domain::session::Timestamp;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;

use crate::error::TokenFault;

/// The longest text of a claim that is taken, in bytes.
const TEXT_MAX: usize = 1024;

/// The members of a JSON object. One that is there twice makes it unreadable: of the two, another
/// reader may have judged the other (RFC 7519, 4).
#[derive(Debug)]
pub(crate) struct Claims(BTreeMap<String, Value>);

impl Claims {
    pub(crate) fn parse(json: &[u8]) -> Result<Self, TokenFault> {
        serde_json::from_slice(json).map_err(|_| TokenFault::Malformed)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The text of a claim, if it is there.
    pub(crate) fn text(&self, name: &'static str) -> Result<Option<&str>, TokenFault> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.len() <= TEXT_MAX => Ok(Some(text)),
            Some(_) => Err(TokenFault::Claim(name)),
        }
    }

    /// The text of a claim that must be there.
    pub(crate) fn required(&self, name: &'static str) -> Result<&str, TokenFault> {
        self.text(name)?.ok_or(TokenFault::Claim(name))
    }

    /// The moment of a claim (`NumericDate`), if it is there.
    pub(crate) fn moment(&self, name: &'static str) -> Result<Option<Timestamp>, TokenFault> {
        /// In the year 9999, like the times of the API.
        const SECONDS_MAX: f64 = 253_402_300_799.0;
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let seconds = value.as_f64().ok_or(TokenFault::Claim(name))?;
        if !(0.0..=SECONDS_MAX).contains(&seconds) {
            return Err(TokenFault::Claim(name));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is within bounds, and parts of a millisecond say nothing"
        )]
        let millis = (seconds * 1000.0) as u64;
        Ok(Some(Timestamp::from_millis(millis)))
    }

    /// The moment of a claim that must be there.
    pub(crate) fn required_moment(&self, name: &'static str) -> Result<Timestamp, TokenFault> {
        self.moment(name)?.ok_or(TokenFault::Claim(name))
    }

    /// The texts of a claim that is a list of them, or one; at most `most`.
    pub(crate) fn texts<'c>(value: &'c Value, most: usize) -> Option<Vec<&'c str>> {
        let list = match value {
            Value::String(text) => vec![text.as_str()],
            Value::Array(list) => {
                let texts: Option<Vec<&'c str>> = list.iter().map(Value::as_str).collect();
                texts?
            }
            _ => return None,
        };
        let fits = list.len() <= most && list.iter().all(|text| text.len() <= TEXT_MAX);
        fits.then_some(list)
    }

    /// Whether the token is by this provider, for this client and for nobody else (OpenID Connect
    /// Core 3.1.3.7, 2 to 5: further audiences are refused unless they are trusted, and we know
    /// none).
    pub(crate) fn are_between(&self, issuer: &str, client: &str) -> Result<(), TokenFault> {
        if self.required("iss")? != issuer {
            return Err(TokenFault::Issuer);
        }
        let audience = self.get("aud").and_then(|aud| Self::texts(aud, 16));
        if audience.as_deref() != Some(&[client]) {
            return Err(TokenFault::Audience);
        }
        if self.text("azp")?.is_some_and(|azp| azp != client) {
            return Err(TokenFault::AuthorizedParty);
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Claims;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object in which nothing is said twice")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Claims, A::Error> {
                let mut members = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if members.insert(name, value).is_some() {
                        return Err(A::Error::custom("a member is there twice"));
                    }
                }
                Ok(Claims(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(json: &str) -> Result<Claims, TokenFault> {
        Claims::parse(json.as_bytes())
    }

    #[test]
    fn given_a_claim_that_is_there_twice_when_read_then_nothing_is() {
        assert!(claims(r#"{"sub": "a", "iss": "b"}"#).is_ok());
        for json in [
            r#"{"sub": "a", "sub": "b"}"#,
            r#"{"sub": "a", "s\u0075b": "b"}"#,
            r#"["sub"]"#,
            r#"{"sub": "a"} x"#,
            "",
        ] {
            assert_eq!(claims(json).unwrap_err(), TokenFault::Malformed, "{json}");
        }
    }

    #[test]
    fn given_moments_when_read_then_only_seconds_of_real_times_are() {
        let moment = |json: &str| claims(json).unwrap().moment("exp");

        assert_eq!(moment("{}"), Ok(None));
        let at = |millis| Ok(Some(Timestamp::from_millis(millis)));
        assert_eq!(moment(r#"{"exp": 1700000000}"#), at(1_700_000_000_000));
        assert_eq!(moment(r#"{"exp": 1700000000.5}"#), at(1_700_000_000_500));
        for json in [
            r#"{"exp": "1700000000"}"#,
            r#"{"exp": -1}"#,
            r#"{"exp": 1e300}"#,
            r#"{"exp": null}"#,
        ] {
            assert_eq!(moment(json), Err(TokenFault::Claim("exp")), "{json}");
        }
    }

    #[test]
    fn given_audiences_when_judged_then_only_this_client_alone_is_right() {
        let judged = |json: &str| claims(json).unwrap().are_between("https://i", "me");

        assert_eq!(judged(r#"{"iss": "https://i", "aud": "me"}"#), Ok(()));
        assert_eq!(
            judged(r#"{"iss": "https://i", "aud": ["me"], "azp": "me"}"#),
            Ok(())
        );
        for (json, fault) in [
            (r#"{"iss": "https://i/", "aud": "me"}"#, TokenFault::Issuer),
            (r#"{"aud": "me"}"#, TokenFault::Claim("iss")),
            (r#"{"iss": "https://i"}"#, TokenFault::Audience),
            (
                r#"{"iss": "https://i", "aud": "you"}"#,
                TokenFault::Audience,
            ),
            (
                r#"{"iss": "https://i", "aud": ["me", "you"]}"#,
                TokenFault::Audience,
            ),
            (r#"{"iss": "https://i", "aud": []}"#, TokenFault::Audience),
            (
                r#"{"iss": "https://i", "aud": "me", "azp": "you"}"#,
                TokenFault::AuthorizedParty,
            ),
        ] {
            assert_eq!(judged(json), Err(fault), "{json}");
        }
    }
}
