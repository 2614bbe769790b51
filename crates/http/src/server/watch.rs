//! What a connection is doing, and until when it may.
//!
//! The wire, the service and the timer of one connection share a [`Watch`]. All three are polled
//! by one task, so its lock is never waited for.

use std::sync::Arc;
use std::task::{Context, Waker};

use parking_lot::Mutex;
use tokio::time::Instant;

use super::Limits;

/// The shared record of one connection.
#[derive(Clone, Debug)]
pub(super) struct Watch(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    limits: Limits,
    phase: Phase,
    /// Until when the phase may last.
    phase_until: Option<Instant>,
    /// Until when the rest of the body must have come; `None` when it has, or nobody wants it.
    body_until: Option<Instant>,
    /// Until when the peer must have taken what was written; `None` when nothing waits.
    backlog_until: Option<Instant>,
    /// Whoever waits for more of the body.
    body_reader: Option<Waker>,
    is_body_late: bool,
    is_answer_late: bool,
    has_unread_body: bool,
    /// Whoever waits to hear that the peer will say no more.
    end_reader: Option<Waker>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Phase {
    /// Nothing has come yet.
    Opening,
    /// An answer has gone, and nothing has come since.
    Idle,
    /// Part of a request's headers has come.
    Head,
    /// A request is being answered.
    Serving,
    /// The answer is being written.
    Answering(Rest),
    /// The connection is about to be closed, so that another may be served.
    Dismissed,
}

/// What of an answer is not in the buffer yet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Rest {
    /// Some of it.
    Some,
    /// It goes on for as long as somebody listens.
    Endless,
    /// Nothing.
    None,
}

/// A bound that was passed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Overdue {
    /// Nothing came.
    Silence,
    /// The headers did not come to their end.
    Head,
    /// The body or the handler is late. The service has been told, and answers by itself.
    Request,
    /// The peer does not take its answer.
    Answer,
}

impl Watch {
    /// A record for a connection that opens now.
    pub(super) fn new(limits: Limits) -> Self {
        Self(Arc::new(Mutex::new(State {
            limits,
            phase: Phase::Opening,
            phase_until: Some(Instant::now() + limits.header),
            body_until: None,
            backlog_until: None,
            body_reader: None,
            is_body_late: false,
            is_answer_late: false,
            has_unread_body: false,
            end_reader: None,
        })))
    }

    /// The handshake is over, and headers may come.
    pub(super) fn opened(&self) {
        let state = &mut *self.0.lock();
        state.phase_until = Some(Instant::now() + state.limits.header);
    }

    /// Bytes have come.
    pub(super) fn heard(&self) {
        let state = &mut *self.0.lock();
        if matches!(state.phase, Phase::Opening | Phase::Idle) {
            // A connection that just opened has been waited for since then, not since this byte.
            if state.phase == Phase::Idle {
                state.phase_until = Some(Instant::now() + state.limits.header);
            }
            state.phase = Phase::Head;
        }
    }

    /// The headers of a request are complete. False where nobody shall answer it any more.
    pub(super) fn request_began(&self, has_body: bool) -> bool {
        let state = &mut *self.0.lock();
        if state.phase == Phase::Dismissed {
            return false;
        }
        let now = Instant::now();
        state.phase = Phase::Serving;
        state.phase_until = Some(now + state.limits.request);
        state.body_until = has_body.then(|| now + state.limits.body);
        state.is_body_late = false;
        state.is_answer_late = false;
        true
    }

    /// Whether a request has come, and its answer has not gone out whole.
    pub(super) fn is_answering(&self) -> bool {
        matches!(self.0.lock().phase, Phase::Serving | Phase::Answering(_))
    }

    /// Since when it is the peer's turn to say something; `None` while it is ours.
    pub(super) fn waits_since(&self) -> Option<Instant> {
        self.0.lock().waits_since()
    }

    /// Closes the connection, if it is the peer's turn: what has come whole is answered.
    pub(super) fn dismiss(&self) -> bool {
        let state = &mut *self.0.lock();
        let waits = state.waits_since().is_some();
        if waits {
            state.phase = Phase::Dismissed;
        }
        waits
    }

    /// Whether the body is late; if not, the caller is woken once it is.
    pub(super) fn is_body_late(&self, cx: &Context<'_>) -> bool {
        let state = &mut *self.0.lock();
        if !state.is_body_late {
            match &mut state.body_reader {
                Some(reader) => reader.clone_from(cx.waker()),
                None => state.body_reader = Some(cx.waker().clone()),
            }
        }
        state.is_body_late
    }

    /// The body has come whole.
    pub(super) fn body_ended(&self) {
        let state = &mut *self.0.lock();
        state.body_until = None;
        state.body_reader = None;
    }

    /// Nobody wants the rest of the body.
    pub(super) fn body_abandoned(&self) {
        let state = &mut *self.0.lock();
        state.body_until = None;
        state.body_reader = None;
        state.has_unread_body = true;
    }

    /// Whether the handler is late.
    pub(super) fn is_answer_late(&self) -> bool {
        self.0.lock().is_answer_late
    }

    /// The handler has answered, and this is to be written after the headers.
    pub(super) fn answered(&self, rest: Rest) {
        let state = &mut *self.0.lock();
        state.phase = Phase::Answering(rest);
        state.phase_until = None;
        if rest == Rest::Endless {
            state.show_end();
        }
    }

    /// Whether it is kept back that the peer will say no more; if so, the caller is woken once it
    /// is not.
    ///
    /// A request that has come whole is answered all the same, unless the answer has no end.
    pub(super) fn hides_end(&self, cx: &Context<'_>) -> bool {
        let state = &mut *self.0.lock();
        let hides = match state.phase {
            Phase::Opening | Phase::Idle | Phase::Head | Phase::Dismissed => false,
            Phase::Serving => state.body_until.is_none(),
            Phase::Answering(rest) => rest != Rest::Endless,
        };
        if hides {
            state.end_reader = Some(cx.waker().clone());
        }
        hides
    }

    /// The last byte of the answer is in the buffer.
    pub(super) fn answer_ended(&self) {
        let state = &mut *self.0.lock();
        if matches!(state.phase, Phase::Answering(_)) {
            state.phase = Phase::Answering(Rest::None);
        }
    }

    /// The peer takes nothing for now.
    pub(super) fn backed_up(&self) {
        let state = &mut *self.0.lock();
        if state.backlog_until.is_none() {
            state.backlog_until = Some(Instant::now() + state.limits.answer);
        }
    }

    /// The peer has taken everything in the buffer.
    pub(super) fn flushed(&self) {
        let state = &mut *self.0.lock();
        state.backlog_until = None;
        if state.phase == Phase::Answering(Rest::None) {
            state.phase = Phase::Idle;
            state.phase_until = Some(Instant::now() + state.limits.idle);
            state.show_end();
        }
    }

    /// Whether an answer went out before the body had come whole.
    pub(super) fn has_unread_body(&self) -> bool {
        self.0.lock().has_unread_body
    }

    /// The first bound that will be passed.
    pub(super) fn next_bound(&self) -> Option<Instant> {
        let state = self.0.lock();
        [state.phase_until, state.body_until, state.backlog_until]
            .into_iter()
            .flatten()
            .min()
    }

    /// The bound that was passed by `now`, if any. The service is told of one that is its own.
    pub(super) fn overdue(&self, now: Instant) -> Option<Overdue> {
        let state = &mut *self.0.lock();
        let is_past = |until: Option<Instant>| until.is_some_and(|until| until <= now);
        if is_past(state.backlog_until) {
            return Some(Overdue::Answer);
        }
        if is_past(state.body_until) {
            state.body_until = None;
            state.is_body_late = true;
            if let Some(reader) = state.body_reader.take() {
                reader.wake();
            }
            return Some(Overdue::Request);
        }
        if !is_past(state.phase_until) {
            return None;
        }
        match state.phase {
            Phase::Opening | Phase::Idle => Some(Overdue::Silence),
            Phase::Head => Some(Overdue::Head),
            Phase::Serving => {
                state.phase_until = None;
                state.is_answer_late = true;
                Some(Overdue::Request)
            }
            Phase::Answering(_) | Phase::Dismissed => None,
        }
    }
}

impl State {
    fn show_end(&mut self) {
        if let Some(reader) = self.end_reader.take() {
            reader.wake();
        }
    }

    fn waits_since(&self) -> Option<Instant> {
        let limits = &self.limits;
        let span = match self.phase {
            Phase::Opening | Phase::Head => limits.header,
            Phase::Idle => limits.idle,
            // Nobody acts on half a body.
            Phase::Serving if self.body_until.is_some() => limits.request,
            Phase::Serving | Phase::Answering(_) | Phase::Dismissed => return None,
        };
        self.phase_until?.checked_sub(span)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LIMITS: Limits = Limits {
        connections_max: 1,
        header: Duration::from_secs(1),
        body: Duration::from_secs(2),
        request: Duration::from_secs(3),
        answer: Duration::from_secs(4),
        idle: Duration::from_secs(5),
        drain: Duration::from_secs(6),
    };

    async fn pass(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    fn overdue(watch: &Watch) -> Option<Overdue> {
        watch.overdue(Instant::now())
    }

    #[tokio::test(start_paused = true)]
    async fn given_a_new_connection_when_nothing_comes_then_the_silence_is_overdue() {
        let watch = Watch::new(LIMITS);

        assert_eq!(overdue(&watch), None);
        pass(1).await;

        assert_eq!(overdue(&watch), Some(Overdue::Silence));
    }

    /// A byte now and then must not move the bound, or a thousand slow peers hold every place.
    #[tokio::test(start_paused = true)]
    async fn given_headers_that_drip_when_time_passes_then_the_bound_does_not_move() {
        let watch = Watch::new(LIMITS);
        let bound = watch.next_bound();

        for _ in 0..3 {
            watch.heard();
        }

        assert_eq!(watch.next_bound(), bound);
        pass(1).await;
        assert_eq!(overdue(&watch), Some(Overdue::Head));
    }

    #[tokio::test(start_paused = true)]
    async fn given_a_body_that_drips_when_time_passes_then_its_reader_is_told() {
        let watch = Watch::new(LIMITS);
        let reader = Context::from_waker(Waker::noop());
        watch.heard();
        watch.request_began(true);

        assert!(!watch.is_body_late(&reader));
        pass(2).await;

        assert_eq!(overdue(&watch), Some(Overdue::Request));
        assert!(watch.is_body_late(&reader));
        assert!(!watch.is_answer_late());
    }

    #[tokio::test(start_paused = true)]
    async fn given_a_handler_that_is_late_when_time_passes_then_the_service_is_told_once() {
        let watch = Watch::new(LIMITS);
        watch.request_began(false);

        pass(3).await;

        assert_eq!(overdue(&watch), Some(Overdue::Request));
        assert!(watch.is_answer_late());
        assert_eq!(overdue(&watch), None);
    }

    #[tokio::test(start_paused = true)]
    async fn given_bytes_of_a_body_when_the_request_is_late_then_it_is_not_its_headers_that_are() {
        let watch = Watch::new(LIMITS);
        watch.request_began(true);
        watch.heard();
        watch.body_ended();

        pass(3).await;

        assert_eq!(overdue(&watch), Some(Overdue::Request));
    }

    #[tokio::test(start_paused = true)]
    async fn given_an_answer_that_went_out_when_nothing_follows_then_the_idle_bound_holds() {
        let watch = Watch::new(LIMITS);
        watch.request_began(false);
        watch.answered(Rest::Some);
        watch.flushed();
        assert_eq!(watch.next_bound(), None);

        watch.answer_ended();
        watch.flushed();

        pass(4).await;
        assert_eq!(overdue(&watch), None);
        pass(1).await;
        assert_eq!(overdue(&watch), Some(Overdue::Silence));
    }

    #[tokio::test(start_paused = true)]
    async fn given_a_peer_that_takes_nothing_when_time_passes_then_the_answer_is_overdue() {
        let watch = Watch::new(LIMITS);
        watch.request_began(false);
        watch.answered(Rest::Some);
        watch.backed_up();
        pass(3).await;
        watch.backed_up();

        pass(1).await;

        assert_eq!(overdue(&watch), Some(Overdue::Answer));
    }

    #[tokio::test(start_paused = true)]
    async fn given_a_connection_when_asked_since_when_it_waits_then_only_the_peers_turn_counts() {
        let start = Instant::now();
        let watch = Watch::new(LIMITS);
        assert_eq!(watch.waits_since(), Some(start));

        watch.request_began(true);
        assert_eq!(watch.waits_since(), Some(start));
        watch.body_ended();
        assert_eq!(watch.waits_since(), None);
        assert!(!watch.dismiss());
        watch.answered(Rest::Some);
        watch.answer_ended();
        assert_eq!(watch.waits_since(), None);
        pass(1).await;
        watch.flushed();
        assert_eq!(watch.waits_since(), Some(start + Duration::from_secs(1)));

        assert!(watch.dismiss());
        assert!(!watch.request_began(false));
    }

    #[tokio::test(start_paused = true)]
    async fn given_a_stream_with_nothing_to_say_when_time_passes_then_no_bound_is_passed() {
        let watch = Watch::new(LIMITS);
        watch.request_began(false);
        watch.answered(Rest::Some);
        watch.flushed();

        pass(1_000).await;

        assert_eq!(watch.next_bound(), None);
        assert_eq!(overdue(&watch), None);
    }
}
