//! Forward-auth: a proxy asks us about each request before it passes it on to an application.
//!
//! What it asks is read by `original`, what it is answered is decided by `verdict`, and both
//! are told by the route what happened. Three ideas carry the rest:
//!
//! - Only a peer of `server.trusted_peers` may ask. From anybody else the headers that name the
//!   request are just words.
//! - A path is judged as it was written, byte by byte. Where two readers could take it for
//!   different paths, it is never [public](PublicPath).
//! - An identity goes out in headers that are all set, each time, empty where nothing is known: so
//!   none that a client wrote is left to be read.

mod identity;
mod original;
mod public;
mod verdict;

use innkeeper_domain::name::TenantId;

pub(crate) use identity::Identity;
pub use identity::{HeaderNames, NotAnIdentityHeader, header_name};
pub use original::{Dialect, Original, Unreadable};
pub use public::{NotAPublicPath, PublicPath};
pub(crate) use verdict::{Asker, Forbidden, Holder, Verdict, judge};
pub use verdict::{Place, Visit};

use crate::rest::PREFIX;

/// How we stand in front of applications.
#[derive(Clone, Debug, Default)]
pub struct ForwardAuth {
    /// Whose sessions open the way: those of one tenant, since an application that reads nothing
    /// but the name of a user would take another tenant's for its own (S14).
    pub tenant: TenantId,
    /// In which headers the proxy is told who asks.
    pub names: HeaderNames,
    /// The paths that need no session.
    pub public: Box<[PublicPath]>,
    /// Where people sign in.
    pub sign_in: SignInPage,
}

/// Where people are sent who have no session.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum SignInPage {
    /// Nowhere: no page is served, and they are told 401.
    #[default]
    None,
    /// To the page of the host that they are at.
    SameHost,
    /// To the page at this origin, such as `https://app.example`. Some proxies take a path alone
    /// for one of ours.
    At(String),
}

impl ForwardAuth {
    /// Where a request for this path and query lies.
    #[must_use]
    pub fn place_of(&self, target: &[u8]) -> Place {
        let path = target.split(|byte| *byte == b'?').next();
        let path = path.unwrap_or_default();
        if is_ours(path) {
            Place::Ours
        } else if self.public.iter().any(|public| public.covers(path)) {
            Place::Public
        } else {
            Place::Guarded
        }
    }

    /// The address of the sign-in page that leads back to this path and query, if there is a page.
    #[must_use]
    pub fn sign_in_for(&self, target: &[u8]) -> Option<String> {
        let mut address = match &self.sign_in {
            SignInPage::None => return None,
            SignInPage::SameHost => String::new(),
            SignInPage::At(origin) => origin.clone(),
        };
        address.push_str(PREFIX);
        address.push_str("/sign-in?next=");
        // The page follows none that is longer; headers have their bounds too.
        let next = if target.len() > NEXT_LEN_MAX {
            b"/"
        } else {
            target
        };
        for byte in next {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
                address.push(char::from(*byte));
            } else {
                use std::fmt::Write as _;
                let _ = write!(address, "%{byte:02X}");
            }
        }
        Some(address)
    }
}

/// The longest path and query that a sign-in leads back to, in bytes.
const NEXT_LEN_MAX: usize = 2048;

/// Whether a path is one that the proxy should have brought to us.
fn is_ours(path: &[u8]) -> bool {
    path.strip_prefix(PREFIX.as_bytes())
        .is_some_and(|rest| rest.first().is_none_or(|byte| *byte == b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_public(paths: &[&str]) -> ForwardAuth {
        let public = paths.iter().map(|path| PublicPath::parse(path).unwrap());
        ForwardAuth {
            public: public.collect(),
            ..ForwardAuth::default()
        }
    }

    #[test]
    fn given_public_paths_when_places_are_told_then_all_else_is_guarded() {
        let gate = with_public(&["/static/", "/robots.txt"]);
        for (target, place) in [
            ("/static/a.css", Place::Public),
            ("/static/a.css?x=/../", Place::Public),
            ("/robots.txt", Place::Public),
            ("/robots.txt/x", Place::Guarded),
            ("/", Place::Guarded),
            ("/?/static/", Place::Guarded),
            ("/_innkeeper", Place::Ours),
            ("/_innkeeper?x", Place::Ours),
            ("/_innkeeper/sign-in?next=%2F", Place::Ours),
            ("/_innkeeperish", Place::Guarded),
        ] {
            assert_eq!(gate.place_of(target.as_bytes()), place, "{target}");
        }
    }

    #[test]
    fn given_where_people_sign_in_when_sent_there_then_the_way_back_is_one_value() {
        let to = |sign_in: SignInPage, target: &[u8]| {
            let gate = ForwardAuth {
                sign_in,
                ..ForwardAuth::default()
            };
            gate.sign_in_for(target)
        };
        let at = SignInPage::At("https://app.example".to_owned());

        assert_eq!(to(SignInPage::None, b"/"), None);
        assert_eq!(
            to(SignInPage::SameHost, b"/a?b=c&next=//evil#\xff").as_deref(),
            Some("/_innkeeper/sign-in?next=%2Fa%3Fb%3Dc%26next%3D%2F%2Fevil%23%FF")
        );
        assert_eq!(
            to(at, &[b'/'; 2049]).as_deref(),
            Some("https://app.example/_innkeeper/sign-in?next=%2F")
        );
    }
}
