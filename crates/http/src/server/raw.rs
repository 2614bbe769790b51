//! Answers written by hand, where no request was read that hyper could answer.

use std::io;
use std::time::Duration;

use innkeeper_api::ProblemCode;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::problem::ProblemAnswer;
use crate::request_id::RequestId;

/// How long a peer may go on sending after its last answer.
const LINGER: Duration = Duration::from_secs(1);

/// How much it may go on sending, in bytes.
const LINGER_LEN_MAX: u64 = 256 * 1024;

/// Writes a problem as the last answer of a connection.
pub(super) async fn write<I>(stream: &mut I, code: ProblemCode) -> io::Result<()>
where
    I: AsyncWrite + Unpin,
{
    let id = RequestId::next();
    let answer = id.around(|| {
        tracing::info!(status = code.status(), "answered what is no request");
        answer(code, id)
    });
    stream.write_all(&answer).await?;
    stream.flush().await
}

/// Closes our side, and reads for a while what the peer still sends.
///
/// Closing a socket with unread input resets the connection, and a reset can overtake the answer:
/// the peer would see a failure where it was told what was wrong.
pub(super) async fn linger<I>(mut stream: I)
where
    I: AsyncRead + AsyncWrite + Unpin,
{
    let drained = async {
        stream.shutdown().await?;
        let mut rest = stream.take(LINGER_LEN_MAX);
        tokio::io::copy(&mut rest, &mut tokio::io::sink()).await
    };
    // However it ends, the connection is over.
    let _ = tokio::time::timeout(LINGER, drained).await;
}

fn answer(code: ProblemCode, id: RequestId) -> Vec<u8> {
    let problem = ProblemAnswer::from(code).named();
    let body = problem.to_json();
    let reason = http::StatusCode::from_u16(code.status())
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or_default();
    let retry = match code {
        ProblemCode::Unavailable => "retry-after: 1\r\n",
        _ => "",
    };
    let mut answer = format!(
        "HTTP/1.1 {} {reason}\r\n\
         content-type: application/problem+json\r\n\
         content-length: {}\r\n\
         cache-control: no-store\r\n\
         x-content-type-options: nosniff\r\n\
         x-request-id: {id}\r\n\
         {retry}\
         connection: close\r\n\r\n",
        code.status(),
        body.len(),
    )
    .into_bytes();
    answer.extend(body);
    answer
}
