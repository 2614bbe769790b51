//! The cookies of one side, as a browser would keep them.

use crate::origin::Origin;

/// One cookie with what its header said of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Cookie {
    pub(crate) name: String,
    pub(crate) value: String,
    host: String,
    pub(crate) domain: Option<String>,
    path: String,
    pub(crate) is_secure: bool,
    pub(crate) is_http_only: bool,
    pub(crate) same_site: Option<String>,
    pub(crate) max_age: Option<String>,
}

/// All cookies of one side.
#[derive(Clone, Debug, Default)]
pub(crate) struct Jar(Vec<Cookie>);

/// More cookies than these are not kept.
const COOKIES_MAX: usize = 64;

impl Jar {
    /// Takes a `Set-Cookie` header. The cookie is returned, unless the header removes it.
    ///
    /// Secure cookies are kept on plain http too: the scope sees to it that this is a machine of
    /// one's own, and a browser does the same on loopback.
    pub(crate) fn take(&mut self, origin: &Origin, path: &str, header: &str) -> Option<Cookie> {
        let mut parts = header.split(';');
        let (name, value) = parts.next()?.split_once('=')?;
        let mut cookie = Cookie {
            name: name.trim().to_owned(),
            value: value.trim().trim_matches('"').to_owned(),
            host: origin.host.clone(),
            domain: None,
            path: default_path(path),
            is_secure: false,
            is_http_only: false,
            same_site: None,
            max_age: None,
        };
        let mut is_removed = false;
        for part in parts {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            let value = value.trim();
            match key.trim().to_ascii_lowercase().as_str() {
                "secure" => cookie.is_secure = true,
                "httponly" => cookie.is_http_only = true,
                "samesite" => cookie.same_site = Some(value.to_owned()),
                "path" if value.starts_with('/') => value.clone_into(&mut cookie.path),
                "domain" => {
                    let domain = value.trim_start_matches('.').to_ascii_lowercase();
                    if !is_within(&origin.host, &domain) {
                        return None;
                    }
                    cookie.domain = Some(domain);
                }
                "max-age" => {
                    is_removed = value.parse::<i64>().is_ok_and(|seconds| seconds <= 0);
                    cookie.max_age = Some(value.to_owned());
                }
                // The one date that is written to remove a cookie.
                "expires" => is_removed |= value.contains("1970"),
                _ => {}
            }
        }
        if cookie.name.is_empty() || !is_sendable(&cookie.name) || !is_sendable(&cookie.value) {
            return None;
        }
        self.0.retain(|known| {
            (&known.name, &known.host, &known.path) != (&cookie.name, &cookie.host, &cookie.path)
        });
        if is_removed || self.0.len() >= COOKIES_MAX {
            return None;
        }
        self.0.push(cookie.clone());
        Some(cookie)
    }

    /// Puts a cookie in that no answer set.
    pub(crate) fn put(&mut self, origin: &Origin, name: &str, value: &str) {
        self.0.retain(|known| known.name != name);
        self.take(origin, "/", &format!("{name}={value}; Path=/"));
    }

    /// The `Cookie` header for a request.
    pub(crate) fn header(&self, origin: &Origin, path: &str) -> Option<String> {
        let path = path.split('?').next().unwrap_or(path);
        let fitting: Vec<String> = self
            .0
            .iter()
            .filter(|cookie| match &cookie.domain {
                Some(domain) => is_within(&origin.host, domain),
                None => cookie.host == origin.host,
            })
            .filter(|cookie| {
                path.strip_prefix(cookie.path.as_str()).is_some_and(|rest| {
                    rest.is_empty() || rest.starts_with('/') || cookie.path.ends_with('/')
                })
            })
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect();
        (!fitting.is_empty()).then(|| fitting.join("; "))
    }

    /// The cookie of this name that came last.
    pub(crate) fn find(&self, name: &str) -> Option<&Cookie> {
        self.0.iter().rev().find(|cookie| cookie.name == name)
    }

    /// The values of all cookies.
    pub(crate) fn values(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|cookie| cookie.value.as_str())
    }
}

/// Nothing that could end a header.
fn is_sendable(text: &str) -> bool {
    text.len() <= 8 << 10 && !text.chars().any(|c| c.is_control() || c == ';')
}

fn is_within(host: &str, domain: &str) -> bool {
    host == domain
        || (domain.contains('.')
            && host
                .strip_suffix(domain)
                .is_some_and(|rest| rest.ends_with('.')))
}

fn default_path(path: &str) -> String {
    let path = path.split('?').next().unwrap_or(path);
    match path.rfind('/') {
        Some(0) | None => "/".to_owned(),
        Some(at) => path[..at].to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Origin {
        Origin::read(text).unwrap()
    }

    #[test]
    fn given_cookies_when_sent_then_host_path_and_removal_are_obeyed() {
        let here = origin("http://app.test:3000");
        let mut jar = Jar::default();
        jar.take(
            &here,
            "/login",
            "sid=1; Path=/; HttpOnly; Secure; SameSite=Lax",
        );
        jar.take(&here, "/login", "deep=2; Path=/api");
        jar.take(&here, "/login", "gone=3");
        jar.take(&here, "/login", "gone=; Max-Age=0");

        assert_eq!(jar.header(&here, "/x").as_deref(), Some("sid=1"));
        assert_eq!(
            jar.header(&here, "/api/me?x=/").as_deref(),
            Some("sid=1; deep=2")
        );
        assert_eq!(jar.header(&here, "/apiary").as_deref(), Some("sid=1"));
        assert_eq!(jar.header(&origin("http://evil.test"), "/"), None);
        let kept = jar.find("sid").unwrap();
        assert!(kept.is_secure && kept.is_http_only);
    }

    #[test]
    fn given_a_foreign_domain_or_a_line_break_when_set_then_the_cookie_is_not_kept() {
        let here = origin("http://app.test");
        let mut jar = Jar::default();

        assert!(jar.take(&here, "/", "a=1; Domain=evil.test").is_none());
        assert!(jar.take(&here, "/", "a=1; Domain=test").is_none());
        assert!(jar.take(&here, "/", "a=1\r\nX: y").is_none());
        assert_eq!(jar.header(&here, "/"), None);
    }
}
