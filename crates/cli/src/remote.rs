//! Calls to a running server, by its API.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use innkeeper_api::{Problem, ProblemCode, Timestamp};
use reqwest::header::{ACCEPT, DATE};
use reqwest::{Client, Method, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::args::ClientArguments;
use crate::config::url::is_on_this_machine;
use crate::exit::Failure;
use crate::key_file::{self, NoKey};
use crate::print;
use crate::trust;

/// How long an answer may take that is as large as the store.
const PIECES_TIMEOUT: Duration = Duration::from_hours(6);

/// A server, and the key it is called with.
#[derive(Debug)]
pub(crate) struct Server {
    client: Client,
    base: Url,
    key: String,
}

impl Server {
    /// Reads the key and gets ready to call.
    pub(crate) fn reach(arguments: &ClientArguments) -> Result<Self, Failure> {
        let base = arguments.server.to_string();
        let base: Url = base
            .parse()
            .map_err(|error| Failure::cannot_run("--server is not an address", error))?;
        warn_if_in_clear(&base);
        let client = client(&base, arguments.ca_file.as_deref())?;
        let key = read_key(arguments)?;
        Ok(Self { client, base, key })
    }

    /// Gets ready to ask a server how it is, which takes no key; with one, more can be asked.
    pub(crate) fn at(
        base: &str,
        ca_file: Option<&Path>,
        key: Option<String>,
    ) -> Result<Self, Failure> {
        let base: Url = base
            .parse()
            .map_err(|error| Failure::cannot_run("the server has no address", error))?;
        let client = client(&base, ca_file)?;
        if key.is_some() {
            warn_if_in_clear(&base);
        }
        let key = key.unwrap_or_default();
        Ok(Self { client, base, key })
    }

    /// Whether the server takes changes. What is no Innkeeper is not one that takes none.
    pub(crate) async fn is_ready(&self) -> Result<bool, Failure> {
        let request = self.request(Method::GET, &["readyz"], &[]);
        let answer = request.send().await.map_err(|e| self.unreachable(e))?;
        let is_empty = answer.content_length().is_none_or(|bytes| bytes == 0);
        match answer.status() {
            StatusCode::OK if is_empty => Ok(true),
            StatusCode::SERVICE_UNAVAILABLE => Ok(false),
            status => Err(self.stranger(status)),
        }
    }

    /// `GET`: the answer as JSON.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<T, Failure> {
        let (answer, _) = self.get_dated(path, query).await?;
        Ok(answer)
    }

    /// `GET`: the answer as JSON, and the time of the server, where it tells.
    pub(crate) async fn get_dated<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<(T, Option<Timestamp>), Failure> {
        let answer = self.call(Method::GET, path, query, None::<&()>).await?;
        Ok((read(&answer.body)?, answer.at))
    }

    /// `POST`: the answer as JSON.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        self.post_with(path, &[], body).await
    }

    /// `POST` with a query: the answer as JSON.
    pub(crate) async fn post_with<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        let answer = self.call(Method::POST, path, query, Some(body)).await?;
        read(&answer.body)
    }

    /// `PUT`: the answer as JSON.
    pub(crate) async fn put<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        let answer = self.call(Method::PUT, path, &[], Some(body)).await?;
        read(&answer.body)
    }

    /// `DELETE`: nothing but that it is done.
    pub(crate) async fn delete(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<(), Failure> {
        let _ = self.call(Method::DELETE, path, query, None::<&()>).await?;
        Ok(())
    }

    /// `DELETE`: what is left, as JSON.
    pub(crate) async fn delete_for<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<T, Failure> {
        let answer = self.call(Method::DELETE, path, query, None::<&()>).await?;
        read(&answer.body)
    }

    /// `PATCH`: the answer as JSON.
    pub(crate) async fn patch<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        let answer = self.call(Method::PATCH, path, query, Some(body)).await?;
        read(&answer.body)
    }

    /// `POST` without a body: the answer as JSON.
    pub(crate) async fn post_to<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<T, Failure> {
        let answer = self.call(Method::POST, path, query, None::<&()>).await?;
        read(&answer.body)
    }

    /// `GET`: an answer that comes in pieces, and may take long.
    pub(crate) async fn pieces(&self, path: &[&str]) -> Result<Pieces, Failure> {
        let request = self.request(Method::GET, path, &[]);
        self.begin(request).await
    }

    /// `GET`: what happens from now on, as server-sent events.
    pub(crate) async fn live(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Pieces, Failure> {
        let request = self.request(Method::GET, path, query);
        self.begin(request.header(ACCEPT, "text/event-stream"))
            .await
    }

    async fn begin(&self, request: reqwest::RequestBuilder) -> Result<Pieces, Failure> {
        let request = request.timeout(PIECES_TIMEOUT);
        let answer = request.send().await.map_err(|e| self.unreachable(e))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(Pieces(answer));
        }
        let bytes = answer.bytes().await.map_err(|e| self.unreachable(e))?;
        // Of these there is one each: that it is not there is how this server is set up.
        let absent = problem(&bytes).filter(|it| it.code() == ProblemCode::NotFound);
        if let Some(why) = absent.as_ref().and_then(Problem::detail_text) {
            return Err(Failure::usage(why));
        }
        Err(self.refused(&Method::GET, status, &bytes))
    }

    fn request(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> reqwest::RequestBuilder {
        let mut url = self.base.clone();
        // Each part is escaped, so that a subject with a slash stays one part.
        url.path_segments_mut()
            .expect("an http address has a path")
            .clear()
            .extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.client.request(method, url).bearer_auth(&self.key)
    }

    fn unreachable(&self, error: reqwest::Error) -> Failure {
        // It was there, and said something else than HTTP.
        let is_strange = self.base.scheme() == "http" && error.is_request();
        let is_strange = is_strange && !error.is_connect() && !error.is_timeout();
        let advice = trust::advice(&error).or_else(|| {
            is_strange.then_some("if what answers there speaks TLS, say https:// for http://")
        });
        let what = format!("the server at {} cannot be reached", self.base);
        let failure = match trust::lapsed(&error) {
            Some(why) => Failure::cannot_run(&what, why),
            None => Failure::cannot_run(&what, error.without_url()),
        };
        match advice {
            Some(advice) => failure.but(advice),
            None => failure,
        }
    }

    async fn call(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<&impl Serialize>,
    ) -> Result<Answer, Failure> {
        let body = body.map(serde_json::to_value).transpose();
        let body =
            body.map_err(|error| Failure::cannot_run("the call cannot be written", error))?;
        let mut request = self.request(method.clone(), path, query);
        if let Some(body) = &body {
            request = request.json(body);
        }
        let answer = request.send().await.map_err(|e| self.unreachable(e))?;
        let status = answer.status();
        let at = answer.headers().get(DATE).and_then(|at| at.to_str().ok());
        let at = at.and_then(moment);
        let bytes = answer.bytes().await.map_err(|e| self.unreachable(e))?;
        if status.is_success() {
            let body = bytes.into();
            return Ok(Answer { body, at });
        }
        let is_absent = problem(&bytes).is_some_and(|it| it.code() == ProblemCode::NotFound);
        Err(match absent(path, query, body.as_ref()) {
            Some(what) if is_absent => Failure::found(what),
            _ => self.refused(&method, status, &bytes),
        })
    }

    /// What a refusal means to the person who called. Ours say why; a server that failed, or what
    /// stands before it, may not.
    fn refused(&self, method: &Method, status: StatusCode, body: &[u8]) -> Failure {
        match problem(body) {
            None if !status.is_server_error() => self.stranger(status),
            problem => refused(method, status, problem.as_ref()),
        }
    }

    /// Something answers, and not as our servers do.
    fn stranger(&self, status: StatusCode) -> Failure {
        let what = format!("what answers at {} is not Innkeeper", self.base);
        Failure::cannot_run(&what, format!("it answered {status}"))
            .but("name the server with --server, or with INNKEEPER_URL")
    }
}

/// What the server said, and when.
struct Answer {
    body: Vec<u8>,
    at: Option<Timestamp>,
}

/// A date as HTTP writes it (RFC 9110, 5.6.7).
fn moment(text: &str) -> Option<Timestamp> {
    let date = jiff::fmt::rfc2822::parse(text).ok()?;
    Timestamp::from_millis(date.timestamp().as_millisecond())
}

/// What a path names that is not there, and in which tenant it was looked for.
fn absent(path: &[&str], query: &[(&str, &str)], body: Option<&Value>) -> Option<String> {
    let named = path.windows(2).rev();
    let mut named = named.filter_map(|pair| Some((noun(pair[0])?, pair[1])));
    let spared = query.iter().find(|(name, _)| *name == "except");
    let (noun, name) = match spared {
        Some((_, id)) => ("session", *id),
        None => named.next()?,
    };
    let in_query = query.iter().find(|(name, _)| *name == "tenant");
    let in_body = || body.and_then(|body| body["tenant"].as_str());
    let tenant = in_query.map(|(_, tenant)| *tenant).or_else(in_body);
    let place = tenant.map_or_else(String::new, |tenant| {
        format!(" in tenant {tenant}; another one is named with --tenant")
    });
    Some(format!("not-found: there is no {noun} {name}{place}"))
}

fn noun(collection: &str) -> Option<&'static str> {
    Some(match collection {
        "sessions" => "session",
        "subjects" => "subject",
        "devices" => "device",
        "revocations" => "bulk revocation",
        "keys" => "key",
        "users" => "user",
        _ => return None,
    })
}

fn client(base: &Url, ca_file: Option<&Path>) -> Result<Client, Failure> {
    let trusted = if base.scheme() == "https" {
        trust::by(ca_file)?
    } else {
        trust::nobody()?
    };
    Client::builder()
        .tls_backend_preconfigured(trusted)
        .timeout(Duration::from_secs(35))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .map_err(|error| Failure::cannot_run("no calls can be made", error))
}

/// An answer that comes in pieces.
#[derive(Debug)]
pub(crate) struct Pieces(reqwest::Response);

impl Pieces {
    /// The next one; `None` after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        let piece = self.0.chunk().await.map_err(|error| {
            Failure::cannot_run("the server's answer broke off", error.without_url())
        })?;
        Ok(piece.map(Vec::from))
    }
}

fn warn_if_in_clear(base: &Url) {
    if base.scheme() != "https" && !is_on_this_machine(base.as_str()) {
        print::aside(format_args!(
            "warning: the API key travels in clear to {base}\n"
        ));
    }
}

fn read_key(arguments: &ClientArguments) -> Result<String, Failure> {
    let path = arguments.key_file();
    key_file::read(&path).map_err(|error| {
        let what = match error {
            NoKey::Unreadable(_) => {
                "; name the file of an API key with --key-file, or the server's data folder with \
                 --data"
            }
            NoKey::NotOne => "",
        };
        Failure::usage(format!("{} {error}{what}", path.display()))
    })
}

fn read<T: DeserializeOwned>(answer: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(answer)
        .map_err(|error| Failure::cannot_run("the server's answer is not understood", error))
}

/// The problem that an answer tells of, as all of ours do that refuse.
fn problem(body: &[u8]) -> Option<Problem> {
    serde_json::from_slice(body).ok()
}

fn refused(method: &Method, status: StatusCode, problem: Option<&Problem>) -> Failure {
    let said = problem.map_or_else(
        || format!("the server answered {status}"),
        |problem| {
            let mut text = format!("{} ({})", problem.code().title(), problem.code().as_str());
            let fields = problem.extensions().get("fields");
            for field in fields.and_then(|f| f.as_array()).into_iter().flatten() {
                let part = |name| field.get(name).and_then(|v| v.as_str()).unwrap_or_default();
                let _ = write!(text, "\n  {}: {}", part("field"), part("message"));
            }
            if let Some(detail) = problem.detail_text() {
                let _ = write!(text, "\n  {detail}");
            }
            text
        },
    );
    match status {
        StatusCode::NOT_FOUND => Failure::found(said),
        StatusCode::SERVICE_UNAVAILABLE if method.is_safe() => {
            Failure::cannot_run("the server cannot say for now; repeat", said)
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            Failure::cannot_run("nobody knows whether it was done; repeat", said)
        }
        _ if status.is_server_error() => Failure::cannot_run("the server failed", said),
        _ => Failure::usage(said),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use reqwest::{Method, StatusCode};

    use super::{absent, moment, refused};

    #[test]
    fn given_no_answer_of_the_store_when_told_then_only_a_change_may_have_been_done() {
        let said = |method: Method| {
            let failure = refused(&method, StatusCode::SERVICE_UNAVAILABLE, None);
            failure.text().to_owned()
        };

        assert!(said(Method::POST).contains("whether it was done"));
        assert!(said(Method::DELETE).contains("whether it was done"));
        assert!(!said(Method::GET).contains("done"), "{}", said(Method::GET));
    }

    #[test]
    fn given_what_is_not_there_when_told_then_the_last_thing_that_was_named_is_meant() {
        let tenant = [("tenant", "acme")];

        let session = absent(&["v1", "sessions", "ses_x"], &tenant, None);
        let path = ["v1", "subjects", "carol", "devices", "dev_x", "trust"];
        let device = absent(&path, &tenant, None);
        let body = json!({"tenant": "acme"});
        let user = absent(&["v1", "users", "carol", "password"], &[], Some(&body));
        let key = absent(&["v1", "keys", "key_x"], &[], None);

        let place = " in tenant acme; another one is named with --tenant";
        let said = |what: &str| Some(format!("not-found: there is no {what}{place}"));
        assert_eq!(session, said("session ses_x"));
        assert_eq!(device, said("device dev_x"));
        assert_eq!(user, said("user carol"));
        assert_eq!(key.as_deref(), Some("not-found: there is no key key_x"));
        assert_eq!(absent(&["v1", "events"], &tenant, None), None);
    }

    #[test]
    fn given_the_date_of_an_answer_when_read_then_it_is_a_moment() {
        let moment = |text| moment(text).map(|at| at.to_string());

        let at = moment("Sun, 06 Nov 1994 08:49:37 GMT");

        assert_eq!(at.as_deref(), Some("1994-11-06T08:49:37.000Z"));
        assert_eq!(moment("soon"), None);
    }
}
