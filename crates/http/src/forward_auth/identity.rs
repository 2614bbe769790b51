//! Who a request is from, in the headers that an application behind a proxy reads.

use std::fmt::Write as _;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use innkeeper_domain::name::GroupName;
use innkeeper_engine::check::Checked;

/// In which headers the proxy is told who a request is from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HeaderNames {
    /// The subject.
    pub user: HeaderName,
    /// Its groups, with commas between.
    pub groups: HeaderName,
    /// Its tenant.
    pub tenant: HeaderName,
    /// The id of its session, which opens nothing.
    pub session: HeaderName,
    /// How much its authentication proved, 0 to 9.
    pub assurance: HeaderName,
}

impl Default for HeaderNames {
    fn default() -> Self {
        Self {
            user: HeaderName::from_static("remote-user"),
            groups: HeaderName::from_static("remote-groups"),
            tenant: HeaderName::from_static("innkeeper-tenant"),
            session: HeaderName::from_static("innkeeper-session"),
            assurance: HeaderName::from_static("innkeeper-assurance"),
        }
    }
}

impl HeaderNames {
    /// Them all, in the order of the fields.
    #[must_use]
    pub const fn all(&self) -> [&HeaderName; 5] {
        [
            &self.user,
            &self.groups,
            &self.tenant,
            &self.session,
            &self.assurance,
        ]
    }
}

/// Why a text names no header for an identity.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "it must be letters, digits and hyphens, such as \"Remote-User\" or \"X-Auth-User\", at most \
     64 of them, and no header that HTTP or the proxy gives a meaning of its own"
)]
pub struct NotAnIdentityHeader;

/// What HTTP, browsers and proxies read in a meaning of their own. An answer that set one of them
/// to a name would be read as something else.
const TAKEN: [&str; 32] = [
    "accept",
    "age",
    "allow",
    "alt-svc",
    "authorization",
    "cache-control",
    "connection",
    "cookie",
    "date",
    "etag",
    "expect",
    "expires",
    "forwarded",
    "host",
    "keep-alive",
    "last-modified",
    "location",
    "origin",
    "pragma",
    "range",
    "referer",
    "retry-after",
    "server",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "vary",
    "via",
    "www-authenticate",
    "x-request-id",
];

/// What those begin with that come in families.
const TAKEN_FAMILIES: [&str; 8] = [
    "access-control-",
    "content-",
    "if-",
    "proxy-",
    "sec-",
    "x-accel-",
    "x-forwarded-",
    "x-original-",
];

/// Reads the name of a header for an identity.
///
/// No underscore: applications that turn headers into variables cannot tell `Remote_User` from
/// `Remote-User`, so a proxy has to drop the one in order to own the other.
pub fn header_name(text: &str) -> Result<HeaderName, NotAnIdentityHeader> {
    let lower = text.to_ascii_lowercase();
    let is_word = (1..=64).contains(&lower.len())
        && lower
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let is_taken = TAKEN.contains(&lower.as_str())
        || TAKEN_FAMILIES
            .iter()
            .any(|family| lower.starts_with(family));
    if !is_word || is_taken {
        return Err(NotAnIdentityHeader);
    }
    HeaderName::try_from(lower).map_err(|_| NotAnIdentityHeader)
}

/// The values of those headers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Identity {
    user: HeaderValue,
    groups: HeaderValue,
    tenant: HeaderValue,
    session: HeaderValue,
    assurance: HeaderValue,
}

impl Identity {
    /// Nobody's: each value is there, and empty.
    pub(crate) fn nobody() -> Self {
        let empty = || HeaderValue::from_static("");
        Self {
            user: empty(),
            groups: empty(),
            tenant: empty(),
            session: empty(),
            assurance: empty(),
        }
    }

    /// That of whoever passed a check; `None` if a header cannot carry its name: at the end of a
    /// value spaces are lost (RFC 9110, 5.5), and ` admin` would arrive as `admin`.
    pub(crate) fn of(checked: &Checked) -> Option<Self> {
        let (roster, session) = (&checked.roster, &checked.session);
        let mut id = String::with_capacity(64);
        let _ = write!(id, "{}", session.id);
        Some(Self {
            user: whole(roster.subject.as_str())?,
            groups: list(&roster.groups),
            tenant: whole(roster.tenant.as_str())?,
            session: HeaderValue::try_from(id).ok()?,
            assurance: HeaderValue::from(u16::from(session.authentication.assurance.get())),
        })
    }

    /// Writes it into an answer.
    pub(crate) fn write(self, names: &HeaderNames, headers: &mut HeaderMap) {
        headers.insert(names.user.clone(), self.user);
        headers.insert(names.groups.clone(), self.groups);
        headers.insert(names.tenant.clone(), self.tenant);
        headers.insert(names.session.clone(), self.session);
        headers.insert(names.assurance.clone(), self.assurance);
    }
}

/// A name as it stands, in UTF-8, if it arrives as it stands.
fn whole(name: &str) -> Option<HeaderValue> {
    if name.trim() != name {
        return None;
    }
    HeaderValue::from_bytes(name.as_bytes()).ok()
}

/// Groups with commas between, in their order. One that has a comma or a space at an end would be
/// read as others, so it is left out: who cannot be told to be in a group is not in it.
fn list(groups: &[GroupName]) -> HeaderValue {
    let mut text = String::new();
    for group in groups {
        let name = group.as_str();
        if name.contains(',') || name.trim() != name {
            continue;
        }
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(name);
    }
    HeaderValue::from_maybe_shared(text.into_bytes())
        .unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(names: &[&str]) -> HeaderValue {
        let names: Vec<_> = names.iter().map(|n| GroupName::parse(n).unwrap()).collect();
        list(&names)
    }

    #[test]
    fn given_groups_when_listed_then_none_is_read_as_another() {
        assert_eq!(groups(&[]), "");
        assert_eq!(groups(&["staff", "it-ops"]), "staff,it-ops");
        assert_eq!(groups(&["a b", "Ärzte"]).as_bytes(), "a b,Ärzte".as_bytes());
        assert_eq!(
            groups(&["staff,admins", " admins", "x\u{a0}", "staff"]),
            "staff"
        );
    }

    #[test]
    fn given_a_name_when_it_would_arrive_as_another_then_it_has_no_value() {
        assert_eq!(whole("Zoë").unwrap().as_bytes(), "Zoë".as_bytes());
        assert_eq!(whole("a, b").unwrap(), "a, b");
        for name in [" admin", "admin ", "\u{a0}admin", "admin\u{2003}"] {
            assert_eq!(whole(name), None, "{name:?}");
        }
    }

    #[test]
    fn given_nobody_when_written_then_every_header_is_there_and_replaces_what_was() {
        let names = HeaderNames::default();
        let mut headers = HeaderMap::new();
        headers.append("remote-user", HeaderValue::from_static("forged"));

        Identity::nobody().write(&names, &mut headers);

        assert_eq!(headers.len(), 5);
        for name in names.all() {
            assert_eq!(headers.get_all(name).iter().collect::<Vec<_>>(), [""]);
        }
    }

    #[test]
    fn given_names_of_a_configuration_when_read_then_those_with_another_meaning_are_refused() {
        for text in ["Remote-User", "X-Auth-Request-Email", "innkeeper-session"] {
            assert!(header_name(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "Remote_User",
            "Remote User",
            "Remote-User:",
            "é",
            "Cookie",
            "SET-COOKIE",
            "Content-Length",
            "X-Forwarded-For",
            "X-Accel-Redirect",
            "X-Request-Id",
        ] {
            assert_eq!(header_name(text), Err(NotAnIdentityHeader), "{text}");
        }
    }
}
