//! The real binary, started on a folder and a port of its own, and a client that talks to it.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

/// A running server. Dropping it kills it the hard way, as a crash would.
pub(crate) struct Server {
    child: Child,
    pub(crate) base: String,
    /// Everything it printed before it listened, such as the users of the demo.
    pub(crate) greeting: Vec<String>,
    log: Option<JoinHandle<String>>,
}

/// Prepares the binary on a data folder.
pub(crate) fn innkeeper(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_innkeeper"));
    command.env_clear().arg("serve").arg("--data").arg(data);
    command.arg("--listen").arg("127.0.0.1:0");
    command.env("RUST_LOG", "trace,hyper=info,mio=info");
    command
}

impl Server {
    /// Starts a server and waits until it listens.
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_with(innkeeper(data))
    }

    /// Starts a server with more arguments, and waits until it listens.
    pub(crate) fn start_with(mut command: Command) -> Self {
        command.stdin(Stdio::null());
        Self::start_with_stdin(command)
    }

    /// The same, with the standard input that the command has.
    pub(crate) fn start_with_stdin(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary was built for this test");
        let mut stderr = child.stderr.take().expect("it is piped");
        let log = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = stderr.read_to_end(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        });
        let stdout = child.stdout.take().expect("it is piped");
        let mut greeting = Vec::new();
        let mut base = None;
        for line in BufReader::new(stdout).lines() {
            let line = line.expect("the greeting is text");
            if let Some(address) = line.strip_prefix("innkeeper listens on ") {
                base = Some(address.to_owned());
                break;
            }
            greeting.push(line);
        }
        let Some(base) = base else {
            let _ = child.wait();
            panic!("it did not start:\n{}", log.join().unwrap_or_default());
        };
        Self {
            child,
            base,
            greeting,
            log: Some(log),
        }
    }

    /// Kills it the hard way.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it is our child");
        self.child.wait().expect("it is our child");
    }

    /// Asks it to stop, and returns how it did and what it logged.
    pub(crate) fn stop(self) -> (ExitStatus, String) {
        self.signal("TERM");
        self.wait()
    }

    /// Waits until it ends, and returns how it did and what it logged.
    pub(crate) fn wait(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().expect("it is our child");
        let log = self.log.take().expect("taken once");
        (status, log.join().expect("the reader does not panic"))
    }

    /// Sends it a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(status.expect("kill is there").success());
    }

    /// A client that calls it with the administrator's key of its folder.
    pub(crate) fn admin(&self, data: &Path) -> Api {
        let key =
            std::fs::read_to_string(data.join("admin.key")).expect("the first start wrote it");
        self.api(key.trim())
    }

    /// A client that calls it with the administrator's key of another folder, from which this
    /// one's data came.
    pub(crate) fn admin_of(&self, origin: &Path) -> Api {
        self.admin(origin)
    }

    /// A client that calls it with this key.
    pub(crate) fn api(&self, key: &str) -> Api {
        Api {
            client: client(),
            base: self.base.clone().into(),
            key: key.into(),
        }
    }
}

/// A client that calls straight at where it is told.
pub(crate) fn client() -> Client {
    // Once for each process; the client wants one even for plain http.
    let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().no_proxy().build();
    client.expect("it calls in clear")
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client of the API.
#[derive(Clone)]
pub(crate) struct Api {
    client: Client,
    base: Arc<str>,
    key: Arc<str>,
}

/// An answer: its status, and its body as JSON (null where there is none).
pub(crate) type Answer = (StatusCode, Value);

impl Api {
    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        self.try_send(method, path, body)
            .await
            .expect("the server answers")
    }

    /// As `send`, where the server may have been killed.
    pub(crate) async fn try_send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, reqwest::Error> {
        let url = format!("{}{path}", self.base);
        let mut request = self.client.request(method, url).bearer_auth(&self.key);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let bytes = answer.bytes().await?;
        Ok((
            status,
            serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        ))
    }

    pub(crate) async fn sign_in(&self, subject: &str) -> Answer {
        let body = json!({"subject": subject, "client": "web"});
        self.send(Method::POST, "/v1/sessions", Some(&body)).await
    }

    /// Signs in, and returns token and id.
    pub(crate) async fn signed_in(&self, subject: &str) -> (String, String) {
        let (status, body) = self.sign_in(subject).await;
        assert_eq!(status, StatusCode::CREATED, "{body}");
        token_and_id(&body)
    }

    pub(crate) async fn check(&self, token: &str) -> Answer {
        let body = json!({"token": token});
        self.send(Method::POST, "/v1/check", Some(&body)).await
    }

    pub(crate) async fn live(&self, subject: &str) -> u64 {
        let (_, body) = self
            .send(Method::GET, &format!("/v1/subjects/{subject}"), None)
            .await;
        body["live"].as_u64().expect("a count")
    }
}

pub(crate) fn token_and_id(body: &Value) -> (String, String) {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    (text(&body["token"]), text(&body["session"]["id"]))
}

/// Every file below a folder, with its bytes.
pub(crate) fn files_below(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the folder can be read") {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = std::fs::read(&path).expect("the file can be read");
                files.insert(path, bytes);
            }
        }
    }
    files
}
