//! The stream of a connection, telling its watch what passes.
//!
//! What hyper writes while no request is being answered is its own refusal of something that is
//! no request: a status and no more. It is held back, and the connection says it in full.
//!
//! A peer that has asked and closes its side still wants the answer, while hyper would leave it
//! there. So the end of what it says is kept from hyper until the answer is out.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::watch::Watch;

/// A stream that notes when bytes come, when the peer takes none, and when it has taken all.
#[derive(Debug)]
pub(super) struct Wire<I> {
    stream: I,
    watch: Watch,
    has_held_back: bool,
}

impl<I> Wire<I> {
    pub(super) const fn new(stream: I, watch: Watch) -> Self {
        Self {
            stream,
            watch,
            has_held_back: false,
        }
    }

    pub(super) fn into_stream(self) -> I {
        self.stream
    }

    /// Whether what is written now answers no request. From then on nothing passes: the last
    /// word, and the closing after it, are the connection's own.
    fn holds_back(&mut self) -> bool {
        self.has_held_back |= !self.watch.is_answering();
        self.has_held_back
    }

    fn note_write<T>(&self, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_pending() {
            self.watch.backed_up();
        }
        outcome
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Wire<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let filled = buffer.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > filled {
            self.watch.heard();
        } else if matches!(outcome, Poll::Ready(Ok(()))) && self.watch.hides_end(cx) {
            return Poll::Pending;
        }
        outcome
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Wire<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.holds_back() {
            return Poll::Ready(Ok(bytes.len()));
        }
        let outcome = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.note_write(outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.holds_back() {
            return Poll::Ready(Ok(pieces.iter().map(|piece| piece.len()).sum()));
        }
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.note_write(outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.has_held_back {
            return Poll::Ready(Ok(()));
        }
        let outcome = Pin::new(&mut self.stream).poll_flush(cx);
        if matches!(outcome, Poll::Ready(Ok(()))) {
            self.watch.flushed();
        }
        self.note_write(outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.has_held_back {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
