//! One connection, from its opening to its last byte.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use innkeeper_api::ProblemCode;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch as signal;
use tokio::time::{Instant, Sleep};

use super::watch::{Overdue, Watch};
use super::wire::Wire;
use super::{HEAD_LEN_MAX, House, Limits, Peer, raw, service};

/// How a connection came to its end.
enum End {
    /// As HTTP says, or by a failure of the network.
    Over,
    /// What came was no request, or its headers were too large.
    Refused(ProblemCode),
    /// The headers did not come in time.
    HeadTooSlow,
    /// Nobody is owed anything.
    Quiet,
    /// The peer does not take its answer.
    Stalled,
}

/// Opens a connection, with a handshake where there is TLS, and serves it until it ends.
///
/// `draining` is closed to say that it shall end.
pub(super) async fn open(
    stream: TcpStream,
    peer: Peer,
    watch: Watch,
    house: House,
    mut draining: signal::Receiver<()>,
) {
    let limits = house.limits;
    // Answers are written whole; waiting for more to send would only delay them.
    let _ = stream.set_nodelay(true);
    let Some(tls) = house.tls.clone() else {
        return run(stream, peer, watch, house, draining).await;
    };
    let shaken = tokio::select! {
        shaken = tokio::time::timeout(limits.header, tls.accept(stream)) => shaken,
        // Nobody who is still shaking hands has begun a request.
        _ = draining.changed() => return,
    };
    match shaken {
        Ok(Ok(stream)) => {
            watch.opened();
            run(stream, peer, watch, house, draining).await;
        }
        Ok(Err(error)) => tracing::debug!(%error, "a handshake failed"),
        Err(_) => tracing::debug!("a handshake took too long"),
    }
}

/// Serves a connection until it ends, or until it has nothing more to do while draining.
async fn run<I: AsyncRead + AsyncWrite + Unpin>(
    stream: I,
    peer: Peer,
    watch: Watch,
    house: House,
    mut draining: signal::Receiver<()>,
) {
    let limits = house.limits;
    let wire = TokioIo::new(Wire::new(stream, watch.clone()));
    let service = service_fn(|request| service::serve(&house, watch.clone(), peer, request));
    let mut connection = http1::Builder::new()
        // Our own timer stands for this one: it tells a slow header from an idle connection, and
        // does not allocate for each request.
        .header_read_timeout(None)
        // The first bounds headers and trailers, the second what is buffered of anything.
        .max_header_size(HEAD_LEN_MAX)
        .max_buf_size(HEAD_LEN_MAX)
        .serve_connection(wire, service);

    let mut timer = pin!(Timer::new(&watch));
    let mut drain = pin!(async { draining.changed().await.is_err() });
    let mut is_draining = false;
    let end = poll_fn(|cx| {
        loop {
            if let Poll::Ready(outcome) = Pin::new(&mut connection).poll(cx) {
                return Poll::Ready(match outcome {
                    Err(error) if error.is_parse_too_large() => {
                        End::Refused(ProblemCode::HeaderTooLarge)
                    }
                    Err(error) if error.is_parse() => End::Refused(ProblemCode::BadRequest),
                    Ok(()) | Err(_) => End::Over,
                });
            }
            if !is_draining && drain.as_mut().poll(cx).is_ready() {
                is_draining = true;
                // Closes at once what has begun no request, or a second one not to its end.
                Pin::new(&mut connection).graceful_shutdown();
                continue;
            }
            match timer.as_mut().poll_overdue(cx, &watch) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Overdue::Request) => {}
                Poll::Ready(Overdue::Silence) => return Poll::Ready(End::Quiet),
                Poll::Ready(Overdue::Head) => return Poll::Ready(End::HeadTooSlow),
                Poll::Ready(Overdue::Answer) => return Poll::Ready(End::Stalled),
            }
        }
    })
    .await;

    let mut stream = connection.into_parts().io.into_inner().into_stream();
    match end {
        End::HeadTooSlow => say(&mut stream, ProblemCode::RequestTimeout, limits).await,
        End::Refused(code) => say(&mut stream, code, limits).await,
        End::Over if watch.has_unread_body() => raw::linger(stream).await,
        End::Over | End::Quiet | End::Stalled => {}
    }
}

/// Tells a peer that there is no place for it.
pub(super) async fn refuse(mut stream: TcpStream, limits: Limits) {
    say(&mut stream, ProblemCode::Unavailable, limits).await;
}

/// Writes the last answer of a connection, and closes it so that the peer can read it.
async fn say<I>(stream: &mut I, code: ProblemCode, limits: Limits)
where
    I: AsyncRead + AsyncWrite + Unpin,
{
    let written = raw::write(stream, code);
    if let Ok(Ok(())) = tokio::time::timeout(limits.answer, written).await {
        raw::linger(stream).await;
    }
}

/// The one timer of a connection.
///
/// Most requests end long before any bound, and each moves the bounds further away. So the timer
/// is set back only when it has run out, and forward only when a bound comes before it: a busy
/// connection touches the runtime's timers a few times a minute, not several times a request.
struct Timer {
    sleep: Pin<Box<Sleep>>,
}

impl Timer {
    fn new(watch: &Watch) -> Self {
        let first = watch.next_bound().unwrap_or_else(Instant::now);
        Self {
            sleep: Box::pin(tokio::time::sleep_until(first)),
        }
    }

    /// The next bound that is passed; pending until then.
    fn poll_overdue(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        watch: &Watch,
    ) -> Poll<Overdue> {
        loop {
            let Some(bound) = watch.next_bound() else {
                return Poll::Pending;
            };
            if bound < self.sleep.deadline() {
                self.sleep.as_mut().reset(bound);
            }
            if self.sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            if let Some(overdue) = watch.overdue(Instant::now()) {
                return Poll::Ready(overdue);
            }
            let Some(bound) = watch.next_bound() else {
                return Poll::Pending;
            };
            self.sleep.as_mut().reset(bound);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::watch::Rest;
    use super::*;

    const LIMITS: Limits = Limits {
        connections_max: 1,
        header: Duration::from_secs(10),
        body: Duration::from_secs(10),
        request: Duration::from_secs(30),
        answer: Duration::from_secs(10),
        idle: Duration::from_secs(75),
        drain: Duration::from_secs(10),
    };

    /// The bound that the timer reports next, and after how many seconds from `start`.
    async fn next(timer: &mut Timer, watch: &Watch, start: Instant) -> (Overdue, u64) {
        let overdue = poll_fn(|cx| Pin::new(&mut *timer).poll_overdue(cx, watch)).await;
        (overdue, start.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn given_a_bound_that_moved_away_when_the_timer_runs_out_then_it_waits_for_the_new_one() {
        let start = Instant::now();
        let watch = Watch::new(LIMITS);
        let mut timer = Timer::new(&watch);
        watch.request_began(false);

        let reported = next(&mut timer, &watch, start).await;

        assert_eq!(reported, (Overdue::Request, 30));
    }

    #[tokio::test(start_paused = true)]
    async fn given_a_bound_that_came_nearer_when_the_timer_waits_then_it_is_met() {
        let start = Instant::now();
        let watch = Watch::new(LIMITS);
        let mut timer = Timer::new(&watch);
        watch.request_began(false);
        watch.answered(Rest::Some);
        watch.answer_ended();
        watch.flushed();
        let waiting = poll_fn(|cx| {
            let poll = Pin::new(&mut timer).poll_overdue(cx, &watch);
            Poll::Ready(poll.is_pending())
        });
        assert!(waiting.await);
        tokio::time::advance(Duration::from_secs(20)).await;
        watch.heard();

        let reported = next(&mut timer, &watch, start).await;

        assert_eq!(reported, (Overdue::Head, 30));
    }

    #[tokio::test(start_paused = true)]
    async fn given_a_handler_that_was_told_when_the_timer_goes_on_then_it_reports_it_once() {
        let start = Instant::now();
        let watch = Watch::new(LIMITS);
        let mut timer = Timer::new(&watch);
        watch.request_began(true);
        assert_eq!(
            next(&mut timer, &watch, start).await,
            (Overdue::Request, 10)
        );
        watch.body_abandoned();
        watch.answered(Rest::Some);
        watch.answer_ended();
        watch.flushed();

        let reported = next(&mut timer, &watch, start).await;

        assert_eq!(reported, (Overdue::Silence, 85));
    }
}
