//! What stands where the application does, for the while: it hears what arrives there.
//!
//! It reads by itself, without a library that would put right what is wrong: what arrived is to be
//! seen byte by byte.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::escape::Shown;

/// The most that is read of a head, or of a body.
const PART_MAX: usize = 256 * 1024;

/// A request that arrived.
#[derive(Clone, Debug)]
pub(super) struct Arrival {
    /// Its first line.
    pub(super) line: String,
    /// Its headers as they were written, in their order.
    pub(super) headers: Vec<(String, String)>,
}

impl Arrival {
    /// Its first line, for people.
    pub(super) fn shown(&self) -> String {
        let short: String = self.line.chars().take(80).collect();
        Shown(&short).to_string()
    }

    /// The values of all headers that some application could take for this one: in any case, and
    /// with any separator.
    pub(super) fn values_like<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let alike = move |(written, _): &&(String, String)| plain(written) == name;
        self.headers
            .iter()
            .filter(alike)
            .map(|(_, value)| value.as_str())
    }
}

/// The name as an application sees it that makes variables of headers.
pub(super) fn plain(name: &str) -> String {
    name.trim().to_ascii_lowercase().replace('_', "-")
}

/// The listener in the place of the application.
#[derive(Debug)]
pub(super) struct StandIn {
    heard: Arc<Mutex<Vec<Arrival>>>,
    task: JoinHandle<()>,
}

impl StandIn {
    pub(super) async fn listen(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let heard = Arc::default();
        let task = tokio::spawn(accept(listener, Arc::clone(&heard)));
        Ok(Self { heard, task })
    }

    /// What has arrived since the last time.
    pub(super) fn take(&self) -> Vec<Arrival> {
        std::mem::take(&mut *self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, heard: Arc<Mutex<Vec<Arrival>>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let heard = Arc::clone(&heard);
        tokio::spawn(async move {
            // However it ends: what arrived was noted.
            let _ = hear(stream, &heard).await;
        });
    }
}

/// Hears one connection to its end.
async fn hear(mut stream: TcpStream, arrivals: &Mutex<Vec<Arrival>>) -> io::Result<()> {
    let mut buffer = Vec::new();
    loop {
        let Some(head) = read_through(&mut stream, &mut buffer, b"\r\n\r\n").await? else {
            return Ok(());
        };
        let arrival = read_head(&head);
        let is_head = arrival.line.starts_with("HEAD ");
        let length = arrival
            .values_like("content-length")
            .next()
            .and_then(|n| n.parse().ok());
        let is_chunked = arrival
            .values_like("transfer-encoding")
            .any(|v| v.to_ascii_lowercase().contains("chunked"));
        arrivals
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(arrival);
        if is_chunked {
            read_chunks(&mut stream, &mut buffer).await?;
        } else {
            let length: usize = length.unwrap_or(0);
            while buffer.len() < length {
                more(&mut stream, &mut buffer).await?;
            }
            buffer.drain(..length);
        }
        let body = if is_head { "" } else { "heard" };
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\n{body}"
        );
        stream.write_all(answer.as_bytes()).await?;
    }
}

fn read_head(head: &[u8]) -> Arrival {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.split("\r\n");
    let line = lines.next().unwrap_or_default().to_owned();
    let headers = lines.filter(|line| !line.is_empty()).map(|line| {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        (name.to_owned(), value.trim().to_owned())
    });
    Arrival {
        line,
        headers: headers.collect(),
    }
}

/// Reads the pieces of a body and what follows them.
async fn read_chunks(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<()> {
    loop {
        let Some(size) = read_through(stream, buffer, b"\r\n").await? else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        let size = String::from_utf8_lossy(&size);
        let digits = size.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(digits, 16).map_err(|_| io::ErrorKind::InvalidData)?;
        if size == 0 {
            // Trailers, to the empty line.
            while read_through(stream, buffer, b"\r\n")
                .await?
                .is_some_and(|line| line.len() > 2)
            {}
            return Ok(());
        }
        if size > PART_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
        while buffer.len() < size + 2 {
            more(stream, buffer).await?;
        }
        buffer.drain(..size + 2);
    }
}

/// What stands before and with `end`; nothing at the end of the connection.
async fn read_through(
    stream: &mut TcpStream,
    buffer: &mut Vec<u8>,
    end: &[u8],
) -> io::Result<Option<Vec<u8>>> {
    loop {
        if let Some(at) = buffer.windows(end.len()).position(|window| window == end) {
            return Ok(Some(buffer.drain(..at + end.len()).collect()));
        }
        if buffer.len() > PART_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
        match more(stream, buffer).await {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && buffer.is_empty() => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        }
    }
}

async fn more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<()> {
    match stream.read_buf(buffer).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}
