//! The tricks: how a request may try to be taken for another one.
//!
//! Each is sent by a stranger, and most also by the holder of a session, who tries to be somebody
//! else. Whatever a client makes up has [`MARKER`] in it, so that it can be recognised.

mod headers;
mod lines;

use super::wire::Target;

/// What the client makes up has this in it.
pub(super) const MARKER: &str = "mallory";
/// Where it says to come from (RFC 5737).
pub(super) const MARKER_IP: &str = "203.0.113.66";

/// The checks.
const OPEN: &str = "proxy_session";
const IDENTITY: &str = "proxy_identity";
const FORWARDED: &str = "proxy_forwarded";
const METHODS: &str = "proxy_methods";
const PATHS: &str = "proxy_paths";
const CREDENTIALS: &str = "proxy_credentials";
pub(super) const FRAMING: &str = "proxy_framing";
const INSIDE: &str = "proxy_inside";

/// What would be wrong with the headers of an application if one of these were a client's.
const IDENTITIES: [&str; 5] = [
    "Remote-User",
    "Remote-Groups",
    "Innkeeper-Tenant",
    "Innkeeper-Session",
    "Innkeeper-Assurance",
];

/// By whom a trick is sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Sender {
    /// Somebody without a session.
    Stranger,
    /// Somebody with one.
    Holder,
}

/// What a trick would have to reach in order to succeed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Aim {
    /// The application, by a stranger; or, by the holder of a session, as somebody else.
    Application,
    /// The application, and with a session it must get there: no trick at all.
    Passes,
    /// The application, and also with a session nothing may arrive.
    Nowhere,
    /// What Innkeeper keeps for those with a key.
    Inside,
}

/// The session of the holder.
#[derive(Debug)]
pub(super) struct Who {
    /// Its token.
    pub(super) token: String,
    /// The cookie of its device.
    pub(super) device: String,
    /// What an application has to be told of it.
    pub(super) identity: [(&'static str, String); 5],
}

/// One request that tries something.
#[derive(Debug)]
pub(super) struct Trick {
    /// The check that it is of.
    pub(super) check: &'static str,
    /// What it tries, for people.
    pub(super) name: String,
    pub(super) senders: &'static [Sender],
    pub(super) aim: Aim,
    /// The request; `{host}` and `{who}` stand for the lines with the host and the credential,
    /// `{authority}` for the host alone, `{token}` for the token or one that was made up, `{device}`
    /// for the cookie of its device.
    template: String,
}

const BOTH: &[Sender] = &[Sender::Stranger, Sender::Holder];
const STRANGER: &[Sender] = &[Sender::Stranger];

impl Trick {
    /// The request, byte by byte.
    pub(super) fn bytes(&self, target: &Target, who: Option<&Who>) -> Vec<u8> {
        let credential = who.map_or_else(String::new, |who| {
            format!(
                "Authorization: Bearer {}\r\nCookie: {}\r\n",
                who.token, who.device
            )
        });
        let token = who.map_or("ik_mallory", |who| &who.token);
        let text = self
            .template
            .replace("{host}", &format!("Host: {}\r\n", target.host))
            .replace("{authority}", &target.host)
            .replace("{who}", &credential)
            .replace("{token}", token)
            .replace("{device}", who.map_or("", |who| &who.device));
        // One char a byte, for what is no UTF-8.
        text.chars()
            .map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?'))
            .collect()
    }
}

/// All of them.
pub(super) fn all() -> Vec<Trick> {
    [
        lines::framing(),
        open(),
        headers::identity(),
        headers::forwarded(),
        lines::methods(),
        lines::paths(),
        headers::credentials(),
        lines::inside(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A trick of these headers, on a page like any other.
fn with_headers(check: &'static str, name: String, headers: &str) -> Trick {
    Trick {
        check,
        name,
        senders: BOTH,
        aim: Aim::Application,
        template: format!(
            "GET /innkeeper-doctor HTTP/1.1\r\n{{host}}{{who}}{headers}Connection: close\r\n\r\n"
        ),
    }
}

/// No trick: a stranger stays out, the holder of a session gets in.
fn open() -> Vec<Trick> {
    ["*/*", "text/html"]
        .into_iter()
        .map(|accept| Trick {
            aim: Aim::Passes,
            ..with_headers(
                OPEN,
                format!("a plain request for {accept}"),
                &format!("Accept: {accept}\r\n"),
            )
        })
        .collect()
}
