//! Limits on how long a client may take: to send a body, and to take an answer (SEC-52).
//!
//! Easiest to get wrong: a limit on one wait only. A client that sends or takes a byte now and then never waits long, and holds its connection
//! for ever; so there is a limit on the whole, which grows with what was moved.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::crowd::{Turn, Waiting};

/// Bytes a second that an answer is taken at, at least.
pub(super) const SLOWEST: u64 = 4096;

/// A connection whose writes do not wait for ever.
pub(crate) struct PatientWrites<S> {
    stream: S,
    /// How long an answer may lie, beyond the time its bytes need at [`SLOWEST`].
    within: Duration,
    /// Since when this answer waits, and what was taken of it.
    waiting: Option<(Instant, u64)>,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl<S> PatientWrites<S> {
    pub(crate) fn new(stream: S, within: Duration) -> Self {
        Self { stream, within, waiting: None, alarm: None }
    }

    fn taken(&mut self, bytes: usize) {
        if let Some((_, taken)) = &mut self.waiting {
            *taken = taken.saturating_add(bytes as u64);
        }
    }

    /// The client does not take what is written. Fails when it had its time.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let (since, taken) = *self.waiting.get_or_insert_with(|| (Instant::now(), 0));
        let until = since + self.within + Duration::from_secs(taken / SLOWEST);
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        if alarm.deadline() != until {
            alarm.as_mut().reset(until);
        }
        ready!(alarm.as_mut().poll(cx));
        Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, "the client does not take its answer"))
    }

    fn poll_write_with(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(bytes)) => {
                self.taken(bytes);
                Poll::Ready(Ok(bytes))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => self.poll_patience(cx).map(Err),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for PatientWrites<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for PatientWrites<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.poll_write_with(cx, written)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, parts: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.poll_write_with(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = ready!(Pin::new(&mut self.stream).poll_flush(cx));
        // Everything was taken; the next answer has its own time.
        self.waiting = None;
        Poll::Ready(flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A request's body that has to come within a time, and says while it is waited for.
pub(crate) struct TimedBody {
    body: Incoming,
    turn: Arc<Turn>,
    within: Duration,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl TimedBody {
    pub(crate) fn new(body: Incoming, turn: Arc<Turn>, within: Duration) -> Self {
        Self { body, turn, within, alarm: None }
    }
}

impl Body for TimedBody {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            this.turn.works();
            let bytes = match &frame {
                Some(Ok(frame)) => frame.data_ref().map_or(0, Bytes::len),
                Some(Err(_)) | None => 0,
            };
            if !this.turn.holds(bytes) {
                let full = io::Error::new(io::ErrorKind::QuotaExceeded, "too many bodies are not whole");
                return Poll::Ready(Some(Err(full.into())));
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        this.turn.waits();
        let within = this.within;
        let alarm = this.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep(within)));
        ready!(alarm.as_mut().poll(cx));
        this.turn.works();
        Poll::Ready(Some(Err(io::Error::new(io::ErrorKind::TimedOut, "the body did not come in time").into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for TimedBody {
    fn drop(&mut self) {
        self.turn.has_all();
    }
}

/// An answer that counts while any byte of it waits for its client.
pub(crate) struct WaitingBody {
    body: axum::body::Body,
    waiting: Arc<Waiting>,
}

impl WaitingBody {
    pub(crate) fn new(body: axum::body::Body, waiting: Waiting) -> Self {
        Self { body, waiting: Arc::new(waiting) }
    }
}

/// Some bytes of it, which lie in the connection's own buffer when the body has ended.
struct Piece {
    bytes: Bytes,
    _waiting: Arc<Waiting>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Body for WaitingBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        let piece = |bytes| Bytes::from_owner(Piece { bytes, _waiting: Arc::clone(&self.waiting) });
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.map_data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// A connection whose client has next to no time beyond what its bytes need.
    fn impatient<S>(stream: S) -> PatientWrites<S> {
        PatientWrites::new(stream, Duration::from_millis(20))
    }

    #[tokio::test]
    async fn sec_52_a_client_that_takes_nothing_loses_its_connection() {
        let (_client, server) = tokio::io::duplex(16);
        assert_eq!(impatient(server).write_all(&[0; 64]).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn sec_52_a_client_that_takes_a_byte_now_and_then_does_as_well() {
        let (mut client, server) = tokio::io::duplex(16);
        let reader = tokio::spawn(async move {
            let mut byte = [0; 1];
            while client.read_exact(&mut byte).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        let mut server = impatient(server);
        assert_eq!(server.write_all(&[0; 4096]).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(server);
        reader.await.unwrap();
    }

    #[tokio::test]
    async fn an_answer_that_is_taken_slowly_but_steadily_arrives() {
        let (mut client, server) = tokio::io::duplex(8192);
        let reader = tokio::spawn(async move {
            let mut part = vec![0; 8192];
            let mut all = 0;
            while let Ok(bytes @ 1..) = client.read(&mut part).await {
                all += bytes;
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            all
        });
        let mut server = impatient(server);
        server.write_all(&vec![0; 8192 * 60]).await.unwrap();
        server.flush().await.unwrap();
        drop(server);
        assert_eq!(reader.await.unwrap(), 8192 * 60);
    }
}
