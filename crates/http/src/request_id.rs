//! A name for each request, so that an answer can be found in the log.
//!
//! The id of the request that a thread works on is at hand as [`RequestId::current`]: the log
//! puts it on every line, and problem documents quote it. That costs a few nanoseconds a request,
//! where a span of `tracing` costs one or two microseconds, and so even a check has its id.

use std::cell::Cell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::hash::{BuildHasher, RandomState};
use std::pin::pin;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::traceparent::TraceParent;

/// The header that carries the id, both ways.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How long an id is at most: as long as ours, and as a UUID.
const LEN_MAX: usize = 36;

/// The id of one request: `req_` and 32 hexadecimal digits, or what a trusted proxy named it.
///
/// It is unique, not secret: half of it is drawn when the process starts and half is counted.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct RequestId(Name);

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Name {
    /// Ours.
    Drawn { process: u64, count: u64 },
    /// A proxy's: hexadecimal digits and hyphens.
    Given { text: [u8; LEN_MAX], len: u8 },
    /// The trace that the caller is in.
    Trace(u128),
}

thread_local! {
    static CURRENT: Cell<Option<RequestId>> = const { Cell::new(None) };
}

impl RequestId {
    /// The next id of this process.
    #[must_use]
    pub fn next() -> Self {
        static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one("process"));
        static COUNT: AtomicU64 = AtomicU64::new(0);
        Self(Name::Drawn {
            process: *PROCESS,
            count: COUNT.fetch_add(1, Ordering::Relaxed),
        })
    }

    /// The id that a trusted proxy gave the request in `X-Request-Id`, else its trace.
    ///
    /// Only hexadecimal digits and hyphens, at most 36 of them, as in a UUID. Anything wider
    /// could carry a line break, a megabyte, or a token that was put there by mistake.
    #[must_use]
    pub fn given(headers: &HeaderMap) -> Option<Self> {
        named(headers).or_else(|| {
            let trace = TraceParent::of(headers)?.trace;
            Some(Self(Name::Trace(trace)))
        })
    }

    /// The request that this thread works on at this moment, if it is one.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.get()
    }

    /// Does `work` as part of this request.
    pub fn around<T>(self, work: impl FnOnce() -> T) -> T {
        /// Puts back what was there, also where `work` panics.
        struct Back(Option<RequestId>);
        impl Drop for Back {
            fn drop(&mut self) {
                CURRENT.set(self.0);
            }
        }

        let _back = Back(CURRENT.replace(Some(self)));
        work()
    }

    /// As [`around`](Self::around), for work that waits.
    pub async fn within<F: Future>(self, work: F) -> F::Output {
        let mut work = pin!(work);
        poll_fn(|cx| self.around(|| work.as_mut().poll(cx))).await
    }

    /// The id as the value of a header.
    #[must_use]
    pub fn to_header(self) -> HeaderValue {
        let (bytes, len) = self.written();
        HeaderValue::from_bytes(&bytes[..len]).expect("the id is visible ASCII")
    }

    /// The id as text, and how long that is.
    fn written(&self) -> ([u8; LEN_MAX], usize) {
        match self.0 {
            Name::Drawn { process, count } => {
                let mut text = *b"req_00000000000000000000000000000000";
                write_hex(process, &mut text[4..20]);
                write_hex(count, &mut text[20..]);
                (text, LEN_MAX)
            }
            Name::Given { text, len } => (text, len.into()),
            Name::Trace(trace) => {
                let mut text = [0; LEN_MAX];
                text[..32].copy_from_slice(format!("{trace:032x}").as_bytes());
                (text, 32)
            }
        }
    }
}

fn write_hex(number: u64, digits: &mut [u8]) {
    let mut rest = number;
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789abcdef"[usize::from(rest.to_le_bytes()[0] & 0xf)];
        rest >>= 4;
    }
}

/// Does `work` as part of the request that this thread works on now, wherever it goes on.
pub fn within_current<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let id = RequestId::current();
    async move {
        match id {
            Some(id) => id.within(work).await,
            None => work.await,
        }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bytes, len) = self.written();
        f.write_str(str::from_utf8(&bytes[..len]).expect("only ASCII was taken"))
    }
}

fn named(headers: &HeaderMap) -> Option<RequestId> {
    let mut values = headers.get_all(X_REQUEST_ID).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let given = value.as_bytes();
    let is_fit = (1..=LEN_MAX).contains(&given.len())
        && given.iter().all(|b| b.is_ascii_hexdigit() || *b == b'-');
    is_fit.then(|| {
        let mut text = [0; LEN_MAX];
        text[..given.len()].copy_from_slice(given);
        let len = u8::try_from(given.len()).expect("it is at most 36");
        RequestId(Name::Given { text, len })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_id(values: &[&'static str]) -> HeaderMap {
        values
            .iter()
            .map(|value| (X_REQUEST_ID, HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn given_two_requests_when_they_are_named_then_the_names_differ() {
        let (one, other) = (RequestId::next(), RequestId::next());

        assert_ne!(one.to_string(), other.to_string());
        assert_eq!(one.to_string().len(), "req_".len() + 32);
    }

    #[test]
    fn given_a_name_of_a_proxy_when_read_then_it_is_written_the_same() {
        for name in [
            "9f1c2b3a-0000-4000-8000-0123456789ab",
            "DE305D5475b4431badb2eb6b9e546014",
            "0",
        ] {
            let given = RequestId::given(&with_id(&[name])).expect("it is fit");

            assert_eq!(given.to_string(), name);
        }
    }

    #[test]
    fn given_a_trace_and_no_name_when_read_then_the_trace_is_the_name() {
        let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let mut headers = with_id(&["not fit"]);
        headers.insert("traceparent", HeaderValue::from_static(header));

        let given = RequestId::given(&headers).expect("there is a trace");

        assert_eq!(given.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
    }

    #[test]
    fn given_anything_else_when_read_then_there_is_none() {
        for values in [
            &[][..],
            &[""],
            &["ik_abcdef"],
            &["a b"],
            &["0123456789012345678901234567890123456"],
            &["ab", "ab"],
        ] {
            assert_eq!(RequestId::given(&with_id(values)), None, "{values:?}");
        }
    }

    #[tokio::test]
    async fn given_two_requests_on_one_thread_when_they_take_turns_then_each_knows_its_own() {
        let work = async |id: RequestId| {
            id.within(async {
                for _ in 0..3 {
                    assert_eq!(RequestId::current(), Some(id));
                    tokio::task::yield_now().await;
                }
            })
            .await;
        };

        tokio::join!(work(RequestId::next()), work(RequestId::next()));

        assert_eq!(RequestId::current(), None);
    }

    #[test]
    fn given_work_that_panics_when_it_is_over_then_the_thread_has_no_request() {
        let id = RequestId::next();

        let ended = std::panic::catch_unwind(|| id.around(|| panic!("on purpose")));

        assert!(ended.is_err());
        assert_eq!(RequestId::current(), None);
    }
}
