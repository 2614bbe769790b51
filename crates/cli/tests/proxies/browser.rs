//! As much of a browser as a sign-in by form needs: cookies, and going where it is sent by hand.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use reqwest::header::{ACCEPT, COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::{Client, Method, StatusCode};

/// A browser of one person.
pub(crate) struct Browser {
    client: Client,
    base: String,
    cookies: BTreeMap<String, String>,
}

/// What it was answered.
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) location: Option<String>,
    pub(crate) text: String,
}

impl Page {
    /// What follows `mark` up to the next quotation mark.
    pub(crate) fn quoted(&self, mark: &str) -> &str {
        let found = self.text.split(mark).nth(1);
        let found = found.unwrap_or_else(|| panic!("no {mark} in {}", self.text));
        found.split('"').next().unwrap_or_default()
    }
}

impl Browser {
    pub(crate) fn at(proxy: SocketAddr) -> Self {
        let client = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none());
        Self {
            client: client.build().expect("it calls in clear"),
            base: format!("http://{proxy}"),
            cookies: BTreeMap::new(),
        }
    }

    /// Goes to a page.
    pub(crate) async fn visit(&mut self, path: &str) -> Page {
        let accept = "text/html,application/xhtml+xml,*/*;q=0.8";
        self.send(Method::GET, path, accept, None).await
    }

    /// Calls as a script does.
    pub(crate) async fn call(&mut self, path: &str) -> Page {
        self.send(Method::GET, path, "application/json", None).await
    }

    /// Sends a form.
    pub(crate) async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let body: Vec<_> = fields
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        self.send(Method::POST, path, "text/html", Some(body.join("&")))
            .await
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        accept: &str,
        form: Option<String>,
    ) -> Page {
        let url = format!("{}{path}", self.base);
        let cookies = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let cookies: Vec<_> = cookies.collect();
        let mut request = self.client.request(method, url).header(ACCEPT, accept);
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies.join("; "));
        }
        if let Some(form) = form {
            request = request
                .header(ORIGIN, &self.base)
                .header("content-type", "application/x-www-form-urlencoded")
                .body(form);
        }
        let answer = request.send().await.expect("the proxy answers");
        for line in answer.headers().get_all(SET_COOKIE) {
            let line = line.to_str().expect("cookies are text");
            let (name, rest) = line.split_once('=').expect("a cookie has a name");
            let value = rest.split(';').next().unwrap_or_default();
            if line.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Page {
            status: answer.status(),
            location: answer
                .headers()
                .get(LOCATION)
                .map(|to| to.to_str().expect("it is text").to_owned()),
            text: answer.text().await.expect("it is text"),
        }
    }
}
