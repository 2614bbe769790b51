//! Calls to a running server, by its API.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use innkeeper_api::Problem;
use reqwest::header::ACCEPT;
use reqwest::{Client, Method, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::args::ClientArguments;
use crate::exit::Failure;
use crate::trust;

/// The most that is read of a key file: a key has 67 characters.
const KEY_FILE_MAX: u64 = 4096;

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
        if base.scheme() != "https" && !is_loopback(&base) {
            eprintln!("warning: the API key travels in clear to {base}");
        }
        let client = client(&base, arguments.ca_file.as_deref())?;
        let key = read_key(arguments)?;
        Ok(Self { client, base, key })
    }

    /// Gets ready to ask a server how it is, which takes no key.
    pub(crate) fn anonymous(base: &str, ca_file: Option<&Path>) -> Result<Self, Failure> {
        let base: Url = base
            .parse()
            .map_err(|error| Failure::cannot_run("the server has no address", error))?;
        let client = client(&base, ca_file)?;
        let key = String::new();
        Ok(Self { client, base, key })
    }

    /// Whether the server takes changes; `None` if nobody answers.
    pub(crate) async fn is_ready(&self) -> Option<bool> {
        let url = self.base.join("readyz").ok()?;
        let answer = self.client.get(url).send().await.ok()?;
        Some(answer.status().is_success())
    }

    /// `GET`: the answer as JSON.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<T, Failure> {
        let answer = self.call(Method::GET, path, query, None::<&()>).await?;
        read(&answer)
    }

    /// `POST`: the answer as JSON.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        let answer = self.call(Method::POST, path, &[], Some(body)).await?;
        read(&answer)
    }

    /// `PUT`: the answer as JSON.
    pub(crate) async fn put<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        let answer = self.call(Method::PUT, path, &[], Some(body)).await?;
        read(&answer)
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
        Err(refused(status, &bytes))
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
        let what = format!("the server at {} cannot be reached", self.base);
        Failure::cannot_run(&what, error.without_url())
    }

    async fn call(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<&impl Serialize>,
    ) -> Result<Vec<u8>, Failure> {
        let mut request = self.request(method, path, query);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.map_err(|e| self.unreachable(e))?;
        let status = answer.status();
        let bytes = answer.bytes().await.map_err(|e| self.unreachable(e))?;
        if status.is_success() {
            Ok(bytes.into())
        } else {
            Err(refused(status, &bytes))
        }
    }
}

fn client(base: &Url, ca_file: Option<&Path>) -> Result<Client, Failure> {
    let trusted = if base.scheme() == "https" {
        trust::only(ca_file)?
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

fn is_loopback(server: &Url) -> bool {
    let host = server.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse()
            .is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

fn read_key(arguments: &ClientArguments) -> Result<String, Failure> {
    let path = arguments.key_file();
    let text = fs::metadata(&path)
        .and_then(|file| {
            if file.len() > KEY_FILE_MAX {
                return Err(io::Error::other("it is too long for a key"));
            }
            fs::read_to_string(&path)
        })
        .map_err(|error| {
            Failure::usage(format!(
                "{} cannot be read: {error}; name the file of an API key with --key-file, or the \
                 server's data folder with --data",
                path.display()
            ))
        })?;
    let key = text.trim();
    if !key.starts_with("ikk_") || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Failure::usage(format!(
            "{} holds no API key; one begins with ikk_",
            path.display()
        )));
    }
    Ok(key.to_owned())
}

fn read<T: DeserializeOwned>(answer: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(answer)
        .map_err(|error| Failure::cannot_run("the server's answer is not understood", error))
}

/// What a refusal means to the person who called.
fn refused(status: StatusCode, body: &[u8]) -> Failure {
    let problem: Option<Problem> = serde_json::from_slice(body).ok();
    let said = problem.as_ref().map_or_else(
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
        StatusCode::SERVICE_UNAVAILABLE => {
            Failure::cannot_run("nobody knows whether it was done; repeat", said)
        }
        _ if status.is_server_error() => Failure::cannot_run("the server failed", said),
        _ => Failure::usage(said),
    }
}
