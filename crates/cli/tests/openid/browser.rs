//! A browser without scripts: it keeps cookies for each host, follows redirects, and sends forms.

use reqwest::header::{COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, StatusCode, Url};

use crate::APPLICATION;

/// How many redirects are followed.
const HOPS_MAX: usize = 12;

pub(crate) struct Browser {
    client: Client,
    /// Where the application is in truth.
    base: String,
    /// Host, name and value.
    cookies: Vec<(String, String, String)>,
}

/// A page, and where it is.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) address: String,
    pub(crate) status: StatusCode,
    pub(crate) text: String,
}

impl Page {
    /// The same, from the form that is sent to this place on.
    pub(crate) fn at_form(&self, action: &str) -> Self {
        let mark = format!("action=\"{action}\"");
        let place = self.text.find(&mark).expect("the form is there");
        Self {
            text: self.text[place..].to_owned(),
            ..self.clone()
        }
    }

    /// The value of the first attribute of that name behind `mark`.
    fn value_behind(&self, mark: &str, attribute: &str) -> Option<String> {
        let (_, rest) = self.text.split_once(mark)?;
        let (_, rest) = rest.split_once(&format!("{attribute}=\""))?;
        Some(
            rest.split('"')
                .next()?
                .replace("&amp;", "&")
                .replace("&#38;", "&"),
        )
    }

    fn follow(&self, to: &str) -> String {
        let here: Url = self.address.parse().expect("it is an address");
        here.join(to).expect("it leads somewhere").into()
    }
}

impl Browser {
    pub(crate) fn new(base: &str) -> Self {
        let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .build();
        Self {
            client: client.expect("it calls in clear"),
            base: base.to_owned(),
            cookies: Vec::new(),
        }
    }

    pub(crate) async fn get(&mut self, address: &str) -> Page {
        self.go(Method::GET, address, "", None).await
    }

    /// Follows the link that has this in its tag.
    pub(crate) async fn press(&mut self, page: &Page, mark: &str) -> Page {
        let (before, _) = page.text.split_once(mark).expect("the link is there");
        let tag = before.rfind("<a").expect("it is a link");
        let link = Page {
            text: page.text[tag..].to_owned(),
            ..page.clone()
        };
        let to = link.value_behind("<a", "href").expect("it leads somewhere");
        self.get(&page.follow(&to)).await
    }

    /// Sends the first form of a page, with these fields and its hidden `xsrf`.
    pub(crate) async fn send(&mut self, page: &Page, fields: &[(&str, &str)]) -> Page {
        let action = page
            .value_behind("", "action")
            .expect("the form leads somewhere");
        let mut form = Url::parse("http://form").expect("it is an address");
        form.query_pairs_mut().extend_pairs(fields);
        if let Some(xsrf) = page.value_behind("name=\"xsrf\"", "value") {
            form.query_pairs_mut().append_pair("xsrf", &xsrf);
        }
        let body = form.query().unwrap_or_default().to_owned();
        let from: Url = page.address.parse().expect("it is an address");
        let origin = from.origin().ascii_serialization();
        let to = page.follow(&action);
        self.go(Method::POST, &to, &body, Some(origin)).await
    }

    async fn go(
        &mut self,
        method: Method,
        address: &str,
        body: &str,
        origin: Option<String>,
    ) -> Page {
        let (mut method, mut address) = (method, address.to_owned());
        let mut origin = origin;
        for _ in 0..HOPS_MAX {
            let url: Url = address.parse().expect("it is an address");
            let host = url.authority().to_owned();
            let there = address.replacen(APPLICATION, &self.base, 1);
            let mut request = self.client.request(method.clone(), there);
            for (_, name, value) in self.cookies.iter().filter(|(of, ..)| *of == host) {
                request = request.header(COOKIE, format!("{name}={value}"));
            }
            if method == Method::POST {
                let form = "application/x-www-form-urlencoded";
                request = request.header("content-type", form).body(body.to_owned());
                if let Some(origin) = origin.take() {
                    request = request.header(ORIGIN, origin);
                }
            }
            let answer = request.send().await.expect("it answers");
            for set in answer.headers().get_all(SET_COOKIE) {
                self.keep(&host, set.to_str().expect("it is text"));
            }
            let location = answer.headers().get(LOCATION).cloned();
            let page = Page {
                address: address.clone(),
                status: answer.status(),
                text: answer.text().await.expect("it is text"),
            };
            let Some(location) = location else {
                return page;
            };
            address = page.follow(location.to_str().expect("it is text"));
            method = Method::GET;
        }
        panic!("it is led around without end, lately to {address}");
    }

    fn keep(&mut self, host: &str, set: &str) {
        let (pair, attributes) = set.split_once(';').unwrap_or((set, ""));
        let (name, value) = pair.split_once('=').expect("it is a cookie");
        self.cookies
            .retain(|(of, known, _)| of != host || known != name);
        let attributes = attributes.to_ascii_lowercase();
        let is_over = attributes.contains("max-age=0") || attributes.contains("01 jan 1970");
        if !is_over {
            self.cookies
                .push((host.to_owned(), name.to_owned(), value.to_owned()));
        }
    }
}
