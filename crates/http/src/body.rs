//! Reading a request body whole, within its bounds.

use std::error::Error;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::BoxError;
use axum::body::{Body, Bytes, HttpBody};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Frame, SizeHint};
use innkeeper_api::ProblemCode;
use parking_lot::Mutex;

use crate::problem::{ProblemAnswer, invalid};

/// The most that is read of a body, in bytes.
pub const BODY_LEN_MAX: usize = 64 * 1024;

/// Why a body could not be read; it travels inside the errors of axum.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// It did not arrive in time.
    #[error("the body did not arrive in time")]
    TooSlow,

    /// It is longer than [`BODY_LEN_MAX`].
    #[error("the body is too large")]
    TooLarge,

    /// The connection broke, or its framing is wrong.
    #[error("the body could not be read")]
    Broken(#[source] hyper::Error),
}

/// Reads a body whole.
///
/// Too large is 413, too slow 408, anything else 400: the caller has nothing but to pass it on.
pub async fn read_body<B>(body: B) -> Result<Bytes, ProblemAnswer>
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    let mut body = Limited::new(body, BODY_LEN_MAX);
    // Most bodies come in one piece, which is handed on as it came.
    let (mut first, mut all) = (Bytes::new(), Vec::new());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| code_of(&*error))?;
        // Trailers say nothing to us.
        let Ok(piece) = frame.into_data() else {
            continue;
        };
        if first.is_empty() {
            first = piece;
        } else {
            if all.is_empty() {
                all.extend_from_slice(&first);
            }
            all.extend_from_slice(&piece);
        }
    }
    Ok(if all.is_empty() { first } else { all.into() })
}

/// The body of an answer: whole as it lies, or as the router made it.
#[derive(Debug)]
pub(crate) enum Content {
    Whole(Bytes),
    Routed(Body),
}

impl From<Bytes> for Content {
    fn from(bytes: Bytes) -> Self {
        Self::Whole(bytes)
    }
}

impl From<Body> for Content {
    fn from(body: Body) -> Self {
        Self::Routed(body)
    }
}

impl HttpBody for Content {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match &mut *self {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(mem::take(bytes))))),
            Self::Routed(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_empty(),
            Self::Routed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Routed(body) => body.size_hint(),
        }
    }
}

/// A body that came with a call that takes none, until it is refused.
#[derive(Clone, Debug)]
pub(crate) struct UnaskedBody(Arc<Mutex<Option<Body>>>);

impl UnaskedBody {
    pub(crate) fn new(body: Body) -> Self {
        Self(Arc::new(Mutex::new(Some(body))))
    }

    /// Whether none of it has been read.
    pub(crate) fn is_unread(&self) -> bool {
        self.0.lock().is_some()
    }

    /// Refuses it, for a caller that is proved. Of one that does not say how long it is, as much
    /// is read as shows whether there is anything in it.
    pub(crate) async fn refuse(&self) -> Result<(), ProblemAnswer> {
        let Some(mut body) = self.0.lock().take() else {
            return Ok(());
        };
        if body.size_hint().lower() > 0 {
            return Err(Self::refusal());
        }
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| code_of(&error))?;
            if frame.data_ref().is_some_and(|piece| !piece.is_empty()) {
                return Err(Self::refusal());
            }
        }
        Ok(())
    }

    pub(crate) fn refusal() -> ProblemAnswer {
        let how = "a GET takes no body: name what it needs in the query";
        invalid("", how)
    }
}

fn code_of(error: &(dyn Error + 'static)) -> ProblemCode {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<LengthLimitError>() {
            return ProblemCode::PayloadTooLarge;
        }
        match error.downcast_ref() {
            Some(BodyError::TooLarge) => return ProblemCode::PayloadTooLarge,
            Some(BodyError::TooSlow) => return ProblemCode::RequestTimeout,
            Some(BodyError::Broken(_)) => return ProblemCode::BadRequest,
            None => cause = error.source(),
        }
    }
    ProblemCode::BadRequest
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    async fn refusal(body: Body) -> ProblemCode {
        let refusal = read_body(body).await.expect_err("it is refused");
        refusal.problem().code()
    }

    #[tokio::test]
    async fn given_a_body_at_the_bound_when_read_then_it_is_whole() {
        let body = Body::from(vec![b'x'; BODY_LEN_MAX]);

        let bytes = read_body(body).await.expect("it is within the bound");

        assert_eq!(bytes.len(), BODY_LEN_MAX);
    }

    #[tokio::test]
    async fn given_a_body_in_pieces_when_read_then_it_is_all_of_them_in_order() {
        let pieces = ["", "one", "", " and ", "two"].map(Ok::<_, BodyError>);

        let bytes = read_body(Body::from_stream(stream::iter(pieces))).await;

        assert_eq!(bytes.expect("it is within the bound"), "one and two");
    }

    #[tokio::test]
    async fn given_a_body_of_unknown_length_over_the_bound_when_read_then_it_is_too_large() {
        let chunks = (0..=BODY_LEN_MAX / 1024).map(|_| Ok::<_, BodyError>(vec![b'x'; 1024]));

        let code = refusal(Body::from_stream(stream::iter(chunks))).await;

        assert_eq!(code, ProblemCode::PayloadTooLarge);
    }

    #[tokio::test]
    async fn given_a_body_that_fails_when_read_then_the_code_says_how() {
        let slow = stream::iter([Err::<Vec<u8>, _>(BodyError::TooSlow)]);
        let large = stream::iter([Err::<Vec<u8>, _>(BodyError::TooLarge)]);
        let other = stream::iter([Err::<Vec<u8>, _>(std::io::Error::other("reset"))]);

        assert_eq!(
            refusal(Body::from_stream(slow)).await,
            ProblemCode::RequestTimeout
        );
        assert_eq!(
            refusal(Body::from_stream(large)).await,
            ProblemCode::PayloadTooLarge
        );
        assert_eq!(
            refusal(Body::from_stream(other)).await,
            ProblemCode::BadRequest
        );
    }
}
