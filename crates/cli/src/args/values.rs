//! Values of the command line, each checked before anything is done with it.
//!
//! The messages never repeat the value: it may be hostile text, or a secret pasted by mistake.

use std::fmt;
use std::net::SocketAddr;

use innkeeper_api::Timestamp;
use innkeeper_domain::filter;

use crate::config::url::{self, NotAnOrigin};
use crate::shown::is_barred_from_names;

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
    #[error("the id of a session begins with ses_")]
    SessionId,
    /// The key was given where its id is meant.
    #[error("this is the key itself; give its id, as `innkeeper keys list` shows it")]
    KeyForItsId,
    /// No id of a key.
    #[error("the id of a key has letters, digits, _ and -, as `innkeeper keys list` shows it")]
    KeyId,
    /// No id of a device.
    #[error("the id of a device begins with dev_")]
    DeviceId,
    /// No address, nor a range of them.
    #[error("accepted is an IP address, or a range like 203.0.113.0/24 with no bits beyond it")]
    Network,
    /// No moment.
    #[error("accepted is a moment like 2026-01-02T03:04:05Z")]
    Moment,
    /// No cursor.
    #[error("accepted is a cursor that was shown before, or the word now")]
    Cursor,
    /// No type of events.
    #[error("accepted is a type like session.ended, or the word before its dot")]
    EventType,
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
    let rest = text.strip_prefix("ses_").ok_or(BadValue::SessionId)?;
    is_id(rest)
        .then(|| text.to_owned())
        .ok_or(BadValue::SessionId)
}

pub(super) fn key_id(text: &str) -> Result<String, BadValue> {
    if text.starts_with("ikk_") {
        return Err(BadValue::KeyForItsId);
    }
    is_id(text).then(|| text.to_owned()).ok_or(BadValue::KeyId)
}

pub(super) fn device_id(text: &str) -> Result<String, BadValue> {
    let rest = text.strip_prefix("dev_").ok_or(BadValue::DeviceId)?;
    is_id(rest)
        .then(|| text.to_owned())
        .ok_or(BadValue::DeviceId)
}

/// An address or a range, as the server reads it.
pub(super) fn network(text: &str) -> Result<String, BadValue> {
    let known = filter::network(text);
    known.map(|_| text.to_owned()).ok_or(BadValue::Network)
}

pub(super) fn moment(text: &str) -> Result<Timestamp, BadValue> {
    Timestamp::parse(text).ok_or(BadValue::Moment)
}

/// A place in the journal; the server alone knows what is in it.
pub(super) fn cursor(text: &str) -> Result<String, BadValue> {
    let fits = (1..=512).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    fits.then(|| text.to_owned()).ok_or(BadValue::Cursor)
}

/// A type of events, or the word before its dot. More types may come, so none is unknown here.
pub(super) fn event_type(text: &str) -> Result<String, BadValue> {
    let fits = (1..=64).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.ends_with(|c: char| c.is_ascii_lowercase())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b == b'_' || b == b'.');
    fits.then(|| text.to_owned()).ok_or(BadValue::EventType)
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
        BadValue, cursor, device_id, event_type, key_id, moment, name, network, server_url,
        session_id,
    };

    #[test]
    fn given_what_names_no_session_when_a_filter_is_parsed_then_it_is_refused_before_it_is_sent() {
        for text in ["", "203.0.113.7/24", "203.0.113.0/33", "localhost"] {
            assert_eq!(network(text), Err(BadValue::Network), "{text}");
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
        for text in ["", "session.", ".ended", "Session", "a b", "session.*"] {
            assert_eq!(event_type(text), Err(BadValue::EventType), "{text}");
        }
        assert!(event_type("session").is_ok() && event_type("session.ended").is_ok());
    }

    #[test]
    fn given_a_secret_in_place_of_an_id_when_parsed_then_it_is_refused() {
        assert_eq!(session_id("ik_abc"), Err(BadValue::SessionId));
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
            "alice",
        ] {
            assert_eq!(session_id(id), Err(BadValue::SessionId), "{id}");
        }
        assert_eq!(session_id("ses_aZ-0_9").as_deref(), Ok("ses_aZ-0_9"));
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
