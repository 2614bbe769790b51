//! One request on one connection of its own, byte for byte: so that the last byte can be held
//! back, and so that nothing larger or slower than agreed is ever waited for.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::ceiling;

/// How the words begin where nobody could be connected to.
pub(crate) const NO_CONNECTION: &str = "no connection";

/// What is sent where.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) address: SocketAddr,
    /// The name to hold a certificate against, where it is https.
    pub(crate) name: Option<ServerName<'static>>,
    /// The address to call from.
    pub(crate) source: Option<std::net::IpAddr>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) is_head: bool,
}

/// What came back.
#[derive(Debug, Default)]
pub(crate) struct Raw {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A request of which all but the last byte is with the application.
pub(crate) struct Held {
    stream: Box<dyn Stream>,
    last: u8,
    is_head: bool,
    within: Duration,
}

/// Connects and sends all but the last byte.
pub(crate) async fn hold(
    call: &Call,
    tls: Arc<ClientConfig>,
    within: Duration,
) -> Result<Held, String> {
    let until = Instant::now() + within;
    let sent = async {
        let socket = if call.address.is_ipv4() {
            TcpSocket::new_v4()
        } else {
            TcpSocket::new_v6()
        }?;
        if let Some(source) = call.source {
            socket.bind(SocketAddr::new(source, 0))?;
        }
        let stream = socket.connect(call.address).await?;
        stream.set_nodelay(true)?;
        let mut stream: Box<dyn Stream> = match &call.name {
            None => Box::new(stream),
            Some(name) => {
                let connector = TlsConnector::from(tls);
                Box::new(connector.connect(name.clone(), stream).await?)
            }
        };
        let (last, most) = call.bytes.split_last().expect("a request is not empty");
        stream.write_all(most).await?;
        stream.flush().await?;
        Ok::<_, std::io::Error>((stream, *last))
    };
    let (stream, last) = timeout_at(until, sent)
        .await
        .map_err(|_| format!("{NO_CONNECTION} in time"))?
        .map_err(|error| format!("{NO_CONNECTION}: {error}"))?;
    Ok(Held {
        stream,
        last,
        is_head: call.is_head,
        within,
    })
}

/// A request that the application has, and whose answer is on its way.
pub(crate) struct InFlight {
    stream: Box<dyn Stream>,
    is_head: bool,
    until: Instant,
    within: Duration,
}

impl Held {
    /// Sends the last byte.
    pub(crate) async fn fire(mut self) -> Result<InFlight, String> {
        let until = Instant::now() + self.within;
        let sent = async {
            self.stream.write_all(&[self.last]).await?;
            self.stream.flush().await
        };
        timeout_at(until, sent)
            .await
            .map_err(|_| "the request could not be sent in time".to_owned())?
            .map_err(|error| format!("the connection was cut: {error}"))?;
        Ok(InFlight {
            stream: self.stream,
            is_head: self.is_head,
            until,
            within: self.within,
        })
    }
}

impl InFlight {
    /// Reads the answer.
    pub(crate) async fn answer(mut self) -> Result<Raw, String> {
        timeout_at(self.until, read(&mut self.stream, self.is_head))
            .await
            .map_err(|_| format!("no whole answer within {:?}", self.within))?
    }
}

/// Reads one answer, and never more of it than the ceilings allow.
async fn read(stream: &mut (impl AsyncRead + Unpin), is_head: bool) -> Result<Raw, String> {
    let mut buffer = Vec::with_capacity(4096);
    let (mut raw, framing) = loop {
        match head(&buffer)? {
            // What informs comes before the answer itself.
            Some((length, raw, _)) if raw.status < 200 => {
                buffer.drain(..length);
                continue;
            }
            Some((length, raw, framing)) => {
                buffer.drain(..length);
                break (raw, framing);
            }
            None if buffer.len() > ceiling::HEAD => {
                return Err("the head of the answer is larger than 64 KiB".to_owned());
            }
            None => {}
        }
        if more(stream, &mut buffer).await? == 0 {
            return Err("the connection was cut before the answer".to_owned());
        }
    };
    if is_head || matches!(raw.status, 204 | 304) {
        return Ok(raw);
    }
    raw.body = match framing {
        Framing::Length(length) => {
            let length = within_ceiling(length)?;
            while buffer.len() < length {
                if more(stream, &mut buffer).await? == 0 {
                    return Err("the connection was cut within the answer".to_owned());
                }
            }
            buffer.truncate(length);
            buffer
        }
        Framing::Chunked => chunks(stream, buffer).await?,
        Framing::ToTheEnd => {
            while more(stream, &mut buffer).await? > 0 {
                within_ceiling(buffer.len() as u64)?;
            }
            buffer
        }
    };
    within_ceiling(raw.body.len() as u64)?;
    Ok(raw)
}

#[derive(Clone, Copy)]
enum Framing {
    Length(u64),
    Chunked,
    ToTheEnd,
}

fn head(buffer: &[u8]) -> Result<Option<(usize, Raw, Framing)>, String> {
    let mut headers = [httparse::EMPTY_HEADER; ceiling::HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response
        .parse(buffer)
        .map_err(|error| format!("the answer is not HTTP: {error}"))?;
    let httparse::Status::Complete(length) = parsed else {
        return Ok(None);
    };
    let raw = Raw {
        status: response.code.unwrap_or_default(),
        headers: response
            .headers
            .iter()
            .map(|header| {
                let value = String::from_utf8_lossy(header.value).into_owned();
                (header.name.to_ascii_lowercase(), value)
            })
            .collect(),
        body: Vec::new(),
    };
    let find = |name: &str| raw.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v);
    let framing =
        if find("transfer-encoding").is_some_and(|v| v.to_ascii_lowercase().contains("chunked")) {
            Framing::Chunked
        } else if let Some(length) = find("content-length") {
            let length = length.trim().parse();
            Framing::Length(length.map_err(|_| "the length of the answer is no number".to_owned())?)
        } else {
            Framing::ToTheEnd
        };
    Ok(Some((length, raw, framing)))
}

async fn chunks(
    stream: &mut (impl AsyncRead + Unpin),
    mut buffer: Vec<u8>,
) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    loop {
        let (start, size) = loop {
            match httparse::parse_chunk_size(&buffer) {
                Ok(httparse::Status::Complete(found)) => break found,
                Ok(httparse::Status::Partial) if buffer.len() <= ceiling::HEAD => {}
                _ => return Err("the answer is not chunked as it says".to_owned()),
            }
            if more(stream, &mut buffer).await? == 0 {
                return Err("the connection was cut within the answer".to_owned());
            }
        };
        if size == 0 {
            return Ok(body);
        }
        let size = within_ceiling(size)?;
        within_ceiling((body.len() + size) as u64)?;
        // The chunk, and the line end after it.
        while buffer.len() < start + size + 2 {
            if more(stream, &mut buffer).await? == 0 {
                return Err("the connection was cut within the answer".to_owned());
            }
        }
        body.extend_from_slice(&buffer[start..start + size]);
        buffer.drain(..start + size + 2);
    }
}

fn within_ceiling(length: u64) -> Result<usize, String> {
    usize::try_from(length)
        .ok()
        .filter(|length| *length <= ceiling::BODY)
        .ok_or_else(|| "the answer is larger than 1 MiB, and was not read further".to_owned())
}

async fn more(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
) -> Result<usize, String> {
    let mut part = [0; 8192];
    match stream.read(&mut part).await {
        Ok(length) => {
            buffer.extend_from_slice(&part[..length]);
            Ok(length)
        }
        // Some servers of https leave without a word; what a length says is checked anyway.
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(0),
        Err(error) => Err(format!("the connection was cut: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn answer(bytes: &[u8]) -> Result<Raw, String> {
        read(&mut &*bytes, false).await
    }

    #[tokio::test]
    async fn given_the_framings_of_http_when_read_then_each_body_is_whole() {
        for (bytes, body) in [
            (&b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef"[..], "abc"),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", "abc"),
            (b"HTTP/1.1 200 OK\r\n\r\nabc", "abc"),
            (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No\r\n\r\n", ""),
        ] {
            assert_eq!(answer(bytes).await.unwrap().body, body.as_bytes());
        }
    }

    #[tokio::test]
    async fn given_an_answer_that_is_cut_endless_or_no_http_when_read_then_it_says_so() {
        let large = [
            b"HTTP/1.1 200 OK\r\n\r\n".to_vec(),
            vec![b'x'; ceiling::BODY + 1],
        ]
        .concat();
        for (bytes, words) in [
            (&b""[..], "cut before"),
            (b"HTTP/1.1 200 OK\r\nContent-Le", "cut before"),
            (
                b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
                "cut within",
            ),
            (
                b"HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\nab",
                "larger than",
            ),
            (
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\na",
                "cut within",
            ),
            (
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\na",
                "larger than",
            ),
            (
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\na",
                "not chunked",
            ),
            (b"SSH-2.0-OpenSSH\r\n\r\n", "not HTTP"),
            (&large, "larger than"),
        ] {
            let said = answer(bytes).await.unwrap_err();
            assert!(said.contains(words), "{said}");
        }
    }
}
