//! One request: bounded, handed to the router, and answered whatever happens.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, TRANSFER_ENCODING};
use http::{Extensions, Request, Response, Version};
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use innkeeper_api::{Problem, ProblemCode};
use tower::Service;

use super::watch::{Rest, Watch};
use super::{House, Peer};
use crate::body::{BODY_LEN_MAX, BodyError, Content};
use crate::envelope::{Asked, around, finish};
use crate::forward_auth::Asker;
use crate::peers::{ClientIp, TrustedPeers};
use crate::problem::ProblemAnswer;
use crate::request_id::RequestId;
use crate::rest::forward_auth::Proxy;
use crate::sse::EVENT_STREAM;
use crate::traceparent::TraceParent;

/// Answers one request, in time.
///
/// A handler that is late is dropped: its work at the store goes on in the store's own task, so
/// the caller is told that nobody knows.
pub(super) async fn serve(
    house: &House,
    watch: Watch,
    peer: Peer,
    request: Request<Incoming>,
) -> Result<Response<AnswerBody>, Infallible> {
    if !watch.request_began(!request.body().is_end_stream()) {
        // The connection is being closed, and must not look as if it had done something.
        std::future::pending::<()>().await;
    }
    let arrival = Arrival::of(&request, peer, &house.trusted_peers);
    let (id, trace) = (arrival.id, arrival.trace);
    let direct = house.directly_asked(&request);
    let route = direct.map(|(_, route)| route);
    let asked = Asked::before_router(request.method().clone(), route, trace);

    let answered = if let Some(refusal) = refusal(&request) {
        if !request.body().is_end_stream() {
            watch.body_abandoned();
        }
        Err(refusal)
    } else if let Some((direct, route)) = direct {
        let (parts, body) = request.into_parts();
        let body = RequestBody::new(body, &watch);
        let work = pin!(direct.answer(route, arrival.proxy(), &parts.headers, body));
        let enveloped = pin!(around(id, &asked, work));
        in_time(&watch, enveloped).await.ok_or_else(late)
    } else {
        let mut request = request.map(|body| RequestBody::wrap(body, &watch));
        arrival.note(request.extensions_mut());
        let routed = house.router.clone().call(request);
        match in_time(&watch, pin!(id.within(routed))).await {
            Some(Ok(response)) => Ok(response.map(Content::from)),
            Some(Err(never)) => match never {},
            None => Err(late()),
        }
    };
    // What no route answered is enveloped, counted and logged all the same.
    let response = answered.unwrap_or_else(|refusal| finish(id, &asked, refusal));

    watch.answered(rest_of(&response));
    Ok(response.map(|body| AnswerBody { body, watch }))
}

/// What is known of a request by the connection that it came on.
struct Arrival {
    id: RequestId,
    peer: Peer,
    /// Whom a trusted peer brought.
    client: Option<ClientIp>,
    trace: Option<TraceParent>,
}

impl Arrival {
    fn of(request: &Request<Incoming>, peer: Peer, trusted: &TrustedPeers) -> Self {
        let (ip, headers) = (peer.0.ip(), request.headers());
        let believed = trusted.contains(ip).then_some(headers);
        Self {
            id: believed
                .and_then(RequestId::given)
                .unwrap_or_else(RequestId::next),
            peer,
            client: believed.map(|headers| ClientIp(trusted.client_of(ip, headers))),
            trace: believed.and_then(TraceParent::of),
        }
    }

    fn proxy(&self) -> Proxy {
        Proxy {
            asker: Asker::of(self.client),
            peer: Some(self.peer),
        }
    }

    fn note(self, extensions: &mut Extensions) {
        extensions.insert(self.peer);
        if let Some(client) = self.client {
            extensions.insert(client);
        }
        if let Some(trace) = self.trace {
            extensions.insert(trace);
        }
    }
}

/// The refusal of a request whose work goes on at the store, or never came to it.
fn late() -> ProblemAnswer {
    ProblemCode::Unavailable.into()
}

fn rest_of(response: &Response<Content>) -> Rest {
    let kind = response.headers().get(CONTENT_TYPE);
    if kind.is_some_and(|kind| kind.as_bytes().starts_with(EVENT_STREAM.as_bytes())) {
        Rest::Endless
    } else {
        Rest::Some
    }
}

/// What is wrong with a request, before any route looks at it.
fn refusal(request: &Request<Incoming>) -> Option<ProblemAnswer> {
    let refuse = |detail| Some(Problem::new(ProblemCode::BadRequest).detail(detail).into());
    if !has_one_host(request) {
        return refuse("Exactly one Host header is needed.");
    }
    if !is_plain(request.headers()) {
        return refuse("Send the body as it is, at most in chunks.");
    }
    let is_too_large = content_length(request.headers()).is_some_and(|len| len > BODY_LEN_MAX);
    is_too_large.then(|| ProblemCode::PayloadTooLarge.into())
}

/// HTTP/1.1 asks for it (RFC 9112, 3.2), and an origin is compared with it.
fn has_one_host(request: &Request<Incoming>) -> bool {
    match request.headers().get_all(HOST).iter().count() {
        0 => request.version() < Version::HTTP_11,
        1 => true,
        _ => false,
    }
}

/// Whether the body is coded in no way but chunks (RFC 9112, 6.1). A proxy that undoes another
/// coding would have judged another body.
fn is_plain(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => true,
        (Some(coding), None) => coding
            .as_bytes()
            .trim_ascii()
            .eq_ignore_ascii_case(b"chunked"),
        (Some(_), Some(_)) => false,
    }
}

/// The announced length; hyper has refused one that is no number.
fn content_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The outcome, or nothing once the request is late.
async fn in_time<F: Future>(watch: &Watch, mut work: Pin<&mut F>) -> Option<F::Output> {
    poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
        // The timer of the connection polls this again once it has passed.
        Poll::Pending if watch.is_answer_late() => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    })
    .await
}

/// The body of a request, within its size and its time.
struct RequestBody {
    body: Incoming,
    watch: Watch,
    room: usize,
    is_done: bool,
}

impl RequestBody {
    fn wrap(body: Incoming, watch: &Watch) -> Body {
        if body.is_end_stream() {
            return Body::empty();
        }
        Body::new(Self::new(body, watch))
    }

    fn new(body: Incoming, watch: &Watch) -> Self {
        Self {
            body,
            watch: watch.clone(),
            room: BODY_LEN_MAX,
            is_done: false,
        }
    }
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Pending if self.watch.is_body_late(cx) => {
                return Poll::Ready(Some(Err(BodyError::TooSlow)));
            }
            Poll::Pending => return Poll::Pending,
            Poll::Ready(frame) => frame,
        };
        Poll::Ready(match frame {
            None => {
                self.is_done = true;
                self.watch.body_ended();
                None
            }
            Some(Err(error)) => Some(Err(BodyError::Broken(error))),
            Some(Ok(frame)) => {
                let len = frame.data_ref().map_or(0, Bytes::len);
                match self.room.checked_sub(len) {
                    Some(room) => {
                        self.room = room;
                        Some(Ok(frame))
                    }
                    None => Some(Err(BodyError::TooLarge)),
                }
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        if self.body.is_end_stream() {
            self.watch.body_ended();
        } else {
            self.watch.body_abandoned();
        }
    }
}

/// The body of an answer, telling the watch when it has been handed over.
pub(super) struct AnswerBody {
    body: Content,
    watch: Watch,
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        self.watch.answer_ended();
    }
}
