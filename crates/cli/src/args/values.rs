//! Values of the command line, each checked before anything is done with it.
//!
//! The messages never repeat the value: it may be hostile text, or a secret pasted by mistake.

use std::fmt;
use std::net::SocketAddr;

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
    use super::{BadValue, key_id, name, server_url, session_id};

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
