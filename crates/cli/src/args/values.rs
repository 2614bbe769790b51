//! Values of the command line, each checked before anything is done with it.
//!
//! The messages never repeat the value: it may be hostile text, or a secret pasted by mistake.

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU64;

use innkeeper_api::Timestamp;
use innkeeper_domain::device::DeviceId;
use innkeeper_domain::filter;
use innkeeper_domain::session::SessionId;
use innkeeper_domain::span;
use innkeeper_engine::bulk::RevocationId;
use innkeeper_http::nearest::nearest;
use innkeeper_http::wire::EVENT_TYPES;

use crate::config::url::{self, NotAnOrigin};
use crate::escape::is_barred_from_names;

/// The origin of a running server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ServerUrl(String);

impl fmt::Display for ServerUrl {
    /// Scheme, host and port, without a slash at the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a value of the command line is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum BadValue {
    /// No socket address.
    #[error("accepted is an IP address and a port, such as 127.0.0.1:7070 or [::1]:7070")]
    Address,
    /// No name that the server could accept.
    #[error("accepted are 1 to 256 bytes without control or bidirectional characters, not . or ..")]
    Name,
    /// No id of a session.
    #[error(
        "the id of a session is ses_ and 38 letters, digits, - or _, as `innkeeper sessions list \
         SUBJECT` shows it; `innkeeper subjects end SUBJECT` ends all of a subject"
    )]
    SessionId,
    /// The token was given where the id of its session is meant.
    #[error(
        "this is the token itself; give the id of its session, ses_…, as `innkeeper sessions list \
         SUBJECT` shows it. Whoever has only the token ends it at POST /oauth/revoke"
    )]
    TokenForItsId,
    /// The key was given where its id is meant.
    #[error("this is the key itself; give its id, as `innkeeper keys list` shows it")]
    KeyForItsId,
    /// No id of a key.
    #[error("the id of a key has letters, digits, _ and -, as `innkeeper keys list` shows it")]
    KeyId,
    /// No id of a device.
    #[error(
        "the id of a device is dev_ and 38 letters, digits, - or _, as `innkeeper devices list \
         SUBJECT` shows it"
    )]
    DeviceId,
    /// No id of a bulk revocation.
    #[error(
        "the id of a bulk revocation is rev_ and 22 letters, digits, - or _, as `innkeeper \
         revocations list` shows it"
    )]
    RevocationId,
    /// No address, nor a range of them.
    #[error("accepted is an IP address, or a range like 203.0.113.0/24 with no bits beyond it")]
    Network,
    /// No number of things to be had.
    #[error("accepted is a whole number from 1 on")]
    Count,
    /// No moment.
    #[error("accepted is a moment like 2026-01-02T03:04:05Z")]
    Moment,
    /// No cursor.
    #[error("accepted is a cursor that was shown before, or the word now")]
    Cursor,
    /// No span of time.
    #[error("accepted is a whole number and a unit, such as 12h or 30d, or the word all")]
    History,
}

/// No type of events that is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct UnknownEventType {
    /// The known one that is nearest, if any is near.
    meant: Option<&'static str>,
}

impl fmt::Display for UnknownEventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(meant) = self.meant {
            write!(f, "did you mean {meant}? ")?;
        }
        let known = EVENT_TYPES.join(", ");
        write!(
            f,
            "the types are {known}; a word before the dot stands for all of its types"
        )
    }
}

impl std::error::Error for UnknownEventType {}

/// How far back a history is to be looked at: in whole seconds, as the API has it.
pub(super) fn history(text: &str) -> Result<String, BadValue> {
    if text == "all" {
        return Ok(text.to_owned());
    }
    let span = span::parse(text).map_err(|_| BadValue::History)?;
    match span.as_secs() {
        seconds @ 1..=9_999_999_999 => Ok(seconds.to_string()),
        _ => Err(BadValue::History),
    }
}

pub(super) fn address(text: &str) -> Result<SocketAddr, BadValue> {
    text.parse().map_err(|_| BadValue::Address)
}

pub(super) fn server_url(text: &str) -> Result<ServerUrl, NotAnOrigin> {
    url::origin(text).map(ServerUrl)
}

/// The name of a subject, a tenant or a key.
///
/// The server measures names in their canonical form, which can be a third as long.
pub(super) fn name(text: &str) -> Result<String, BadValue> {
    let fits = (1..=3 * 256).contains(&text.len())
        && !text.chars().any(is_barred_from_names)
        // Clients drop these from the path of an address, with what stands before.
        && !matches!(text, "." | "..");
    fits.then(|| text.to_owned()).ok_or(BadValue::Name)
}

pub(super) fn session_id(text: &str) -> Result<String, BadValue> {
    if text.starts_with("ik_") {
        return Err(BadValue::TokenForItsId);
    }
    let id = SessionId::parse(text).map_err(|_| BadValue::SessionId)?;
    Ok(id.to_string())
}

pub(super) fn key_id(text: &str) -> Result<String, BadValue> {
    if text.starts_with("ikk_") {
        return Err(BadValue::KeyForItsId);
    }
    is_id(text).then(|| text.to_owned()).ok_or(BadValue::KeyId)
}

pub(super) fn device_id(text: &str) -> Result<String, BadValue> {
    let id = DeviceId::parse(text).map_err(|_| BadValue::DeviceId)?;
    Ok(id.to_string())
}

pub(super) fn revocation_id(text: &str) -> Result<String, BadValue> {
    let id = RevocationId::parse(text).ok_or(BadValue::RevocationId)?;
    Ok(id.to_string())
}

/// An address or a range, as the server reads it.
pub(super) fn network(text: &str) -> Result<String, BadValue> {
    let known = filter::network(text);
    known.map(|_| text.to_owned()).ok_or(BadValue::Network)
}

pub(super) fn count(text: &str) -> Result<NonZeroU64, BadValue> {
    text.parse().map_err(|_| BadValue::Count)
}

pub(super) fn moment(text: &str) -> Result<Timestamp, BadValue> {
    Timestamp::parse(text).ok_or(BadValue::Moment)
}

/// A place in the journal; the server alone knows what is in it.
pub(super) fn cursor(text: &str) -> Result<String, BadValue> {
    let fits = (1..=512).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    fits.then(|| text.to_owned()).ok_or(BadValue::Cursor)
}

/// A type of events, or the word before its dot.
pub(super) fn event_type(text: &str) -> Result<String, UnknownEventType> {
    let families = EVENT_TYPES.iter().filter_map(|kind| kind.split_once('.'));
    let families: BTreeSet<&str> = families.map(|(family, _)| family).collect();
    if families.contains(text) || EVENT_TYPES.contains(&text) {
        return Ok(text.to_owned());
    }
    let known = families.iter().chain(EVENT_TYPES).copied();
    Err(UnknownEventType {
        meant: nearest(text, known),
    })
}

/// Whether one of our secrets may be in a text.
pub(super) fn may_hold_a_secret(text: &str) -> bool {
    ["ik_", "ikk_", "ikd_", "ikc_"].iter().any(|prefix| {
        text.match_indices(prefix)
            .any(|(at, _)| !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric()))
    })
}

fn is_id(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::{
        BadValue, UnknownEventType, count, cursor, device_id, event_type, key_id, moment, name,
        network, server_url, session_id,
    };

    #[test]
    fn given_what_names_no_session_when_a_filter_is_parsed_then_it_is_refused_before_it_is_sent() {
        for text in ["", "203.0.113.7/24", "203.0.113.0/33", "localhost"] {
            assert_eq!(network(text), Err(BadValue::Network), "{text}");
        }
        for text in ["0", "-1", "", "many"] {
            assert_eq!(count(text), Err(BadValue::Count), "{text}");
        }
        assert_eq!(network("203.0.113.0/24").as_deref(), Ok("203.0.113.0/24"));
        assert_eq!(network("2001:db8::1").as_deref(), Ok("2001:db8::1"));
        assert_eq!(moment("yesterday"), Err(BadValue::Moment));
        assert!(moment("2026-01-02T03:04:05+01:00").is_ok());
        assert_eq!(device_id("ikd_abc"), Err(BadValue::DeviceId));
    }

    #[test]
    fn given_text_that_is_no_cursor_or_no_type_when_parsed_then_it_is_refused() {
        for text in ["", "a b", "a\n", &"x".repeat(513)] {
            assert_eq!(cursor(text), Err(BadValue::Cursor), "{text}");
        }
        for (text, meant) in [
            ("", None),
            ("nonsense", None),
            ("session.*", Some("session")),
            ("Session", Some("session")),
            ("session.end", Some("session.ended")),
            ("subject.disable", Some("subject.disabled")),
        ] {
            assert_eq!(event_type(text), Err(UnknownEventType { meant }), "{text}");
        }
        assert!(event_type("session").is_ok() && event_type("session.ended").is_ok());
    }

    #[test]
    fn given_a_secret_in_place_of_an_id_when_parsed_then_it_is_refused() {
        assert_eq!(session_id("ik_abc"), Err(BadValue::TokenForItsId));
        assert_eq!(key_id("ikk_abc"), Err(BadValue::KeyForItsId));
        assert_eq!(key_id("erikk_abc").as_deref(), Ok("erikk_abc"));
    }

    #[test]
    fn given_an_id_that_would_leave_its_place_in_a_path_when_parsed_then_it_is_refused() {
        for id in [
            "ses_",
            "ses_../keys",
            "ses_a/b",
            "ses_a?x",
            "ses_a b",
            "ses_bogus",
            "alice",
        ] {
            assert_eq!(session_id(id), Err(BadValue::SessionId), "{id}");
        }
        let id = format!("ses_{}", "A".repeat(38));
        assert_eq!(session_id(&id), Ok(id));
    }

    #[test]
    fn given_a_name_with_hidden_characters_or_of_the_wrong_length_when_parsed_then_it_is_refused() {
        for text in ["", "a\nb", "a\u{202e}b", &"x".repeat(769)] {
            assert_eq!(name(text), Err(BadValue::Name));
        }
        assert_eq!(name("Zoë/1").as_deref(), Ok("Zoë/1"));
    }

    #[test]
    fn given_a_server_when_parsed_then_it_has_no_slash_at_its_end() {
        let url = server_url("http://127.0.0.1:7070/").map(|url| url.to_string());

        assert_eq!(url.as_deref(), Ok("http://127.0.0.1:7070"));
    }
}
