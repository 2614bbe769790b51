//! The cookies of sign-ins that were begun at a provider: one for each, so that two tabs do not
//! overwrite each other.
//!
//! The name has eight characters of the state, by which the answer finds its own. Such a cookie
//! signs nobody in.

use std::time::Duration;

use http::header::{COOKIE, HeaderMap, HeaderValue};
use innkeeper_api::{Problem, ProblemCode};

use super::SessionCookie;
use crate::problem::ProblemAnswer;

/// The most of them that a browser is left with: each may hold a long address.
const KEPT_MAX: usize = 3;

/// How many characters of the state are in the name.
const STATE_LEN: usize = 8;

impl SessionCookie {
    /// What the browser keeps of the sign-in with this state.
    ///
    /// Two of one name are 400 `ambiguous-credentials`, as with the session cookie.
    pub fn find_begun<'h>(
        &self,
        headers: &'h HeaderMap,
        state: &str,
    ) -> Result<Option<&'h str>, ProblemAnswer> {
        let Some(suffix) = suffix(state) else {
            return Ok(None);
        };
        let mut found = None;
        for (other, value) in self.begun(headers) {
            if other != suffix.as_bytes() {
                continue;
            }
            if found.is_some() {
                return Err(Problem::new(ProblemCode::AmbiguousCredentials)
                    .detail("The cookie of this sign-in is there more than once.")
                    .into());
            }
            found = Some(str::from_utf8(value).unwrap_or_default());
        }
        Ok(found)
    }

    /// The `Set-Cookie` lines that have a browser which sent these headers keep `value` for the
    /// sign-in with this state: its cookie, and the end of the oldest others beyond three.
    ///
    /// The state and the value must be of ours: letters, digits, `-` and `_`.
    #[must_use]
    pub fn set_begun(
        &self,
        headers: &HeaderMap,
        state: &str,
        value: &str,
        life: Duration,
    ) -> Vec<HeaderValue> {
        let own = suffix(state).unwrap_or_default();
        let mut others: Vec<&[u8]> = Vec::new();
        for (other, _) in self.begun(headers) {
            if other != own.as_bytes() && !others.contains(&other) {
                others.push(other);
            }
        }
        let surplus = (others.len() + 1).saturating_sub(KEPT_MAX);
        let mut set = vec![self.begun_line(own, value, life.as_secs())];
        set.extend(others[..surplus].iter().filter_map(|other| {
            let other = str::from_utf8(other).ok()?;
            Some(self.begun_line(other, "", 0))
        }));
        set
    }

    /// The `Set-Cookie` that makes the browser forget the sign-in with this state; `None` if that
    /// could be none of ours.
    #[must_use]
    pub fn end_begun(&self, state: &str) -> Option<HeaderValue> {
        Some(self.begun_line(suffix(state)?, "", 0))
    }

    fn begun<'h>(&self, headers: &'h HeaderMap) -> impl Iterator<Item = (&'h [u8], &'h [u8])> {
        let name = self.name;
        headers
            .get_all(COOKIE)
            .into_iter()
            .flat_map(|header| header.as_bytes().split(|byte| *byte == b';'))
            .filter_map(move |pair| {
                let rest = pair.trim_ascii().strip_prefix(name.as_bytes())?;
                let rest = rest.strip_prefix(b"-begun-")?;
                let (suffix, rest) = rest.split_at_checked(STATE_LEN)?;
                let value = rest.strip_prefix(b"=")?;
                suffix
                    .iter()
                    .copied()
                    .all(is_of_state)
                    .then_some((suffix, value))
            })
    }

    fn begun_line(&self, suffix: &str, value: &str, life: u64) -> HeaderValue {
        let (name, attributes) = (self.name, self.attributes);
        let text = format!("{name}-begun-{suffix}={value}{attributes}; Max-Age={life}");
        let mut header = HeaderValue::try_from(text).expect("the parts are visible ASCII");
        header.set_sensitive(true);
        header
    }
}

/// What the name of its cookie ends with, if a state could be one of ours.
fn suffix(state: &str) -> Option<&str> {
    let suffix = state.get(..STATE_LEN)?;
    suffix.bytes().all(is_of_state).then_some(suffix)
}

const fn is_of_state(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Duration = Duration::from_mins(10);

    fn headers(cookies: &str) -> HeaderMap {
        let value = HeaderValue::from_str(cookies).expect("it is a header");
        [(COOKIE, value)].into_iter().collect()
    }

    #[test]
    fn given_two_sign_ins_begun_when_one_is_looked_for_then_it_is_found_by_its_state() {
        let held = headers("__Host-innkeeper-begun-aaaaaaaa=x; __Host-innkeeper-begun-bbbbbbbb=y");
        let found = |state| SessionCookie::HOST.find_begun(&held, state);

        assert_eq!(found("bbbbbbbb-and-more").expect("it is alone"), Some("y"));
        assert_eq!(found("cccccccc").expect("it is alone"), None);
        assert_eq!(found("b").expect("it is alone"), None);
        assert_eq!(found("bbbb;bbb").expect("it is alone"), None);
    }

    #[test]
    fn given_one_twice_when_looked_for_then_it_is_ambiguous() {
        let held = headers("__Host-innkeeper-begun-aaaaaaaa=x; __Host-innkeeper-begun-aaaaaaaa=x");

        assert!(SessionCookie::HOST.find_begun(&held, "aaaaaaaa").is_err());
    }

    #[test]
    fn given_three_begun_when_a_fourth_begins_then_the_oldest_goes() {
        let held = headers(
            "__Host-innkeeper-begun-aaaaaaaa=x; a=b; __Host-innkeeper-begun-bbbbbbbb=y; \
             __Host-innkeeper-begun-cccccccc=z",
        );

        let set = SessionCookie::HOST.set_begun(&held, "dddddddd-and-more", "v", LIFE);

        let attributes = "Path=/; Secure; HttpOnly; SameSite=Lax";
        let lines = [
            format!("__Host-innkeeper-begun-dddddddd=v; {attributes}; Max-Age=600"),
            format!("__Host-innkeeper-begun-aaaaaaaa=; {attributes}; Max-Age=0"),
        ];
        assert_eq!(set, lines);
        assert!(!format!("{set:?}").contains("=v"));
    }
}
