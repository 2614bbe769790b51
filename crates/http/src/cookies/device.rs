//! The device cookies: one for each subject who signed in on a browser.
//!
//! The name has eight characters of the subject's routing tag, so that two people on one browser
//! do not overwrite each other (D9). A device cookie signs nobody in.

use std::time::Duration;

use http::header::{COOKIE, HeaderMap, HeaderValue};
use innkeeper_api::{Problem, ProblemCode};
use innkeeper_domain::device::{Device, DeviceToken};
use innkeeper_domain::token::RosterTag;

use super::SessionCookie;
use crate::problem::ProblemAnswer;

/// The most device cookies that a browser is left with.
const KEPT_MAX: usize = 5;

/// How many characters of the tag are in the name.
const TAG_LEN: usize = 8;

impl SessionCookie {
    /// The device token that the browser holds for the subject of `tag`.
    ///
    /// Two of one name are 400 `ambiguous-credentials`, as with the session cookie. What cannot be
    /// read as a token is none.
    pub fn find_device(
        &self,
        headers: &HeaderMap,
        tag: RosterTag,
    ) -> Result<Option<DeviceToken>, ProblemAnswer> {
        let suffix = suffix(tag);
        let mut found = None;
        for (other, value) in self.devices(headers) {
            if other != suffix.as_bytes() {
                continue;
            }
            if found.is_some() {
                return Err(Problem::new(ProblemCode::AmbiguousCredentials)
                    .detail("The device cookie is there more than once.")
                    .into());
            }
            found = Some(value);
        }
        let text = found.and_then(|value| str::from_utf8(value).ok());
        Ok(text
            .and_then(|text| DeviceToken::parse(text).ok())
            .filter(|token| token.tag() == tag))
    }

    /// The `Set-Cookie` lines that hand a device token to a browser which sent these headers: its
    /// cookie, and the end of the oldest others beyond five. Browsers send the oldest first (RFC
    /// 6265, 5.4), and one that is set again keeps its age.
    #[must_use]
    pub fn set_device(&self, headers: &HeaderMap, token: &DeviceToken) -> Vec<HeaderValue> {
        let own = suffix(token.tag());
        let mut others: Vec<&[u8]> = Vec::new();
        for (other, _) in self.devices(headers) {
            if other != own.as_bytes() && !others.contains(&other) {
                others.push(other);
            }
        }
        let surplus = (others.len() + 1).saturating_sub(KEPT_MAX);
        let life = Duration::from_hours(Device::KEPT_FOR_HOURS).as_secs();
        let mut set = vec![self.device_line(&own, &token.reveal(), life)];
        set.extend(others[..surplus].iter().filter_map(|other| {
            let other = str::from_utf8(other).ok()?;
            Some(self.device_line(other, "", 0))
        }));
        set
    }

    /// The device cookies of a request: what follows the common part of their names, and the
    /// value. A name that could not be one of ours is somebody else's.
    fn devices<'h>(&self, headers: &'h HeaderMap) -> impl Iterator<Item = (&'h [u8], &'h [u8])> {
        let name = self.name;
        headers
            .get_all(COOKIE)
            .into_iter()
            .flat_map(|header| header.as_bytes().split(|byte| *byte == b';'))
            .filter_map(move |pair| {
                let rest = pair.trim_ascii().strip_prefix(name.as_bytes())?;
                let rest = rest.strip_prefix(b"-device-")?;
                let (suffix, rest) = rest.split_at_checked(TAG_LEN)?;
                let is_tag = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
                let value = rest.strip_prefix(b"=")?;
                suffix.iter().all(is_tag).then_some((suffix, value))
            })
    }

    fn device_line(&self, suffix: &str, value: &str, life: u64) -> HeaderValue {
        let (name, attributes) = (self.name, self.attributes);
        let text = format!("{name}-device-{suffix}={value}{attributes}; Max-Age={life}");
        let mut header = HeaderValue::try_from(text).expect("a token is visible ASCII");
        header.set_sensitive(true);
        header
    }
}

/// What the name of a subject's device cookie ends with.
fn suffix(tag: RosterTag) -> String {
    let mut text = tag.to_string();
    text.truncate(TAG_LEN);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(number: u8) -> RosterTag {
        RosterTag::from_bytes([number; 16])
    }

    fn token(number: u8) -> DeviceToken {
        DeviceToken::from_entropy(tag(number), [number; 32])
    }

    fn cookie(number: u8) -> String {
        let suffix = suffix(tag(number));
        format!(
            "__Host-innkeeper-device-{suffix}={}",
            token(number).reveal()
        )
    }

    fn headers(cookies: &[String]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let line = cookies.join("; ");
        headers.insert(COOKIE, HeaderValue::try_from(line).unwrap());
        headers
    }

    fn found(cookies: &[String], number: u8) -> Result<Option<DeviceToken>, ProblemAnswer> {
        SessionCookie::HOST.find_device(&headers(cookies), tag(number))
    }

    fn lines(cookies: &[String], number: u8) -> Vec<String> {
        let set = SessionCookie::HOST.set_device(&headers(cookies), &token(number));
        set.iter().map(|l| l.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn given_several_people_on_one_browser_when_looked_for_then_each_has_the_own_device() {
        let cookies = [cookie(1), "other=1".into(), cookie(2)];

        for number in [1, 2] {
            let device = found(&cookies, number).unwrap().unwrap();
            assert_eq!(device.digest(), token(number).digest());
        }
        assert!(found(&cookies, 3).unwrap().is_none());
    }

    #[test]
    fn given_a_cookie_that_is_not_ours_when_looked_for_then_there_is_none() {
        let name = format!("__Host-innkeeper-device-{}", suffix(tag(1)));
        for pair in [
            format!("{name}=ikd_x"),
            format!("{name}={}", token(2).reveal()),
            format!("{name}x={}", token(1).reveal()),
            format!("x{name}={}", token(1).reveal()),
            format!("{}={}", name.to_lowercase(), token(1).reveal()),
            name.clone(),
        ] {
            assert!(
                found(std::slice::from_ref(&pair), 1).unwrap().is_none(),
                "{pair}"
            );
        }
    }

    #[test]
    fn given_one_device_cookie_twice_when_looked_for_then_it_is_ambiguous() {
        assert!(found(&[cookie(1), cookie(1)], 1).is_err());
        assert!(
            found(&[cookie(1), cookie(1), cookie(2)], 2)
                .unwrap()
                .is_some()
        );
    }

    #[test]
    fn given_a_sign_in_when_its_device_is_set_then_the_cookie_lasts_and_no_script_reads_it() {
        let lines = lines(&[], 1);

        assert_eq!(lines.len(), 1);
        let attributes = "; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=34560000";
        assert_eq!(lines[0], cookie(1) + attributes);
    }

    #[test]
    fn given_five_people_on_a_browser_when_a_sixth_signs_in_then_the_oldest_is_let_go_of() {
        let five: Vec<_> = (1..=5).map(cookie).collect();

        let sixth = lines(&five, 6);
        let again = lines(&five, 3);

        assert_eq!(sixth.len(), 2);
        let gone = format!("__Host-innkeeper-device-{}=; ", suffix(tag(1)));
        assert!(sixth[1].starts_with(&gone) && sixth[1].ends_with("Max-Age=0"));
        assert_eq!(again.len(), 1, "who was there already takes nobody's place");
    }
}
