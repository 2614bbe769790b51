//! Bytes to a proxy as they are, and what comes back.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::exit::Failure;
use crate::trust;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(15);

/// The most that is read of one, in bytes.
const REPLY_MAX: usize = 256 * 1024;

/// The proxy.
pub(super) struct Target {
    /// What a browser would write in `Host`.
    pub(super) host: String,
    name: String,
    port: u16,
    tls: Option<TlsConnector>,
}

impl Target {
    pub(super) fn of(url: &str, ca_file: Option<&Path>) -> Result<Self, Failure> {
        let no_address = || Failure::usage("--proxy is no address such as http://127.0.0.1:8000");
        let url: Url = url.parse().map_err(|_| no_address())?;
        let name = url.host_str().ok_or_else(no_address)?.to_owned();
        let port = url.port_or_known_default().ok_or_else(no_address)?;
        let host = match url.port() {
            Some(port) => format!("{name}:{port}"),
            None => name.clone(),
        };
        let tls = match url.scheme() {
            "https" => Some(TlsConnector::from(Arc::new(trust::by(ca_file)?))),
            _ => None,
        };
        Ok(Self {
            host,
            name,
            port,
            tls,
        })
    }
}

/// What came back.
#[derive(Debug)]
pub(super) struct Reply {
    /// `None` where there was no answer.
    pub(super) status: Option<u16>,
    /// All of it.
    pub(super) text: String,
}

impl Reply {
    pub(super) const fn nothing() -> Self {
        Self {
            status: None,
            text: String::new(),
        }
    }

    /// Reads an answer. What came before it (1xx) says nothing, but for the end of HTTP (101).
    fn read(mut bytes: &[u8]) -> Self {
        while let Some(rest) = behind_interim(bytes) {
            bytes = rest;
        }
        let text = String::from_utf8_lossy(bytes).into_owned();
        let status = text
            .strip_prefix("HTTP/1.")
            .and_then(|rest| rest.get(2..5)?.parse().ok());
        Self { status, text }
    }

    /// The value of a header of the answer.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let head = self.text.split("\r\n\r\n").next()?;
        head.lines().find_map(|line| {
            let (written, value) = line.split_once(':')?;
            written.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// Sends bytes on a connection of their own, and reads until the answer is whole.
pub(super) async fn send(target: &Target, bytes: &[u8]) -> io::Result<Reply> {
    let talk = async {
        let stream =
            TcpStream::connect((target.name.trim_matches(['[', ']']), target.port)).await?;
        match &target.tls {
            None => talk(stream, bytes).await,
            Some(tls) => {
                let bare = target.name.trim_matches(['[', ']']).to_owned();
                let name = ServerName::try_from(bare).map_err(io::Error::other)?;
                talk(tls.connect(name, stream).await?, bytes).await
            }
        }
    };
    match tokio::time::timeout(TIMEOUT, talk).await {
        Ok(reply) => reply,
        Err(_) => Ok(Reply::nothing()),
    }
}

async fn talk<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, bytes: &[u8]) -> io::Result<Reply> {
    // A proxy that refuses early may not read to the end; what it said is read all the same.
    let _ = stream.write_all(bytes).await;
    let _ = stream.flush().await;
    let is_head = bytes.starts_with(b"HEAD ");
    let mut answer = Vec::new();
    while !is_whole(&answer, is_head) && answer.len() < REPLY_MAX {
        match stream.read_buf(&mut answer).await {
            Ok(0) => break,
            Ok(_) => {}
            Err(_) if !answer.is_empty() => break,
            Err(error) => return Err(error),
        }
    }
    Ok(Reply::read(&answer))
}

/// What follows an interim answer, if there is one in front.
fn behind_interim(answer: &[u8]) -> Option<&[u8]> {
    let is_interim = answer.starts_with(b"HTTP/1.1 1") && !answer.starts_with(b"HTTP/1.1 101");
    let end = head_end(answer).filter(|_| is_interim)?;
    Some(&answer[end..])
}

fn head_end(answer: &[u8]) -> Option<usize> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some(end + 4)
}

/// Whether an answer that says how long it is has come in whole.
fn is_whole(mut answer: &[u8], is_head: bool) -> bool {
    while let Some(rest) = behind_interim(answer) {
        answer = rest;
    }
    let Some(end) = head_end(answer) else {
        return false;
    };
    let reply = Reply::read(&answer[..end]);
    if is_head || matches!(reply.status, Some(101 | 204 | 304)) {
        return true;
    }
    match reply
        .header("content-length")
        .and_then(|n| n.parse::<usize>().ok())
    {
        Some(length) => answer.len() >= end + length,
        None => answer.ends_with(b"\r\n0\r\n\r\n"),
    }
}
