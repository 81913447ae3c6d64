//! An HTTP/1 connection whose heads are looked at before the HTTP library reads them ([`wire::http1`]).
//!
//! Easiest to get wrong: the end. A connection that is closed while its client still sends is reset, and the client never reads why; so what still
//! comes is taken and thrown away for a moment (RFC 9112 section 9.6).

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;
use wire::http1::{Refused, Screen};

use super::crowd::Unread;

/// Bytes read at once.
const PIECE: usize = 8 * 1024;
/// How long a client that was refused may go on sending.
const LINGER: Duration = Duration::from_secs(2);
/// How much of it is taken, in bytes.
const MOST_THROWN_AWAY: usize = 1024 * 1024;

/// What the requests of one connection are answered with instead of being served.
#[derive(Clone, Default)]
pub(super) struct Refusals(Arc<Mutex<(u64, Option<Refused>)>>);

impl Refusals {
    fn put(&self, refused: &Refused) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.get_or_insert_with(|| refused.clone());
    }

    /// Counts a request; where its head could not be read, the reason.
    pub(super) fn next(&self) -> Option<Refused> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 += 1;
        let number = state.0;
        state.1.take_if(|refused| refused.number == number)
    }
}

/// The connection.
pub(super) struct Screened<S> {
    stream: S,
    screen: Screen,
    refusals: Refusals,
    /// What was read and not yet handed on.
    ready: Vec<u8>,
    given: usize,
    is_shut: bool,
    thrown_away: usize,
    linger: Option<Pin<Box<Sleep>>>,
    unread: Unread,
}

impl<S> Screened<S> {
    pub(super) fn new(stream: S, refusals: Refusals, unread: Unread) -> Self {
        Self {
            stream,
            screen: Screen::default(),
            refusals,
            ready: Vec::new(),
            given: 0,
            is_shut: false,
            thrown_away: 0,
            linger: None,
            unread,
        }
    }

    fn hand_on(&mut self, buffer: &mut ReadBuf<'_>) {
        let rest = self.ready.get(self.given..).unwrap_or_default();
        let length = rest.len().min(buffer.remaining());
        buffer.put_slice(rest.get(..length).unwrap_or_default());
        self.given += length;
        if self.given == self.ready.len() {
            // Connections that are quiet hold nothing.
            (self.ready, self.given) = (Vec::new(), 0);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Screened<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        while this.ready.is_empty() {
            if this.screen.refused().is_some() {
                // The answer ends the connection; that the client goes away before makes no difference.
                return Poll::Pending;
            }
            if this.screen.is_over() {
                // For the library the client has closed its end.
                return Poll::Ready(Ok(()));
            }
            let mut piece = [MaybeUninit::uninit(); PIECE];
            let mut piece = ReadBuf::uninit(&mut piece);
            ready!(Pin::new(&mut this.stream).poll_read(cx, &mut piece))?;
            if piece.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.screen.pass(piece.filled(), &mut this.ready);
            if !this.unread.is(this.screen.gathered()) {
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::QuotaExceeded, "too many heads are not whole")));
            }
            if let Some(refused) = this.screen.refused() {
                this.refusals.put(refused);
            }
        }
        this.hand_on(buffer);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Screened<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, parts: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if !this.is_shut {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
            this.is_shut = true;
        }
        while this.screen.is_unfinished() && this.thrown_away < MOST_THROWN_AWAY {
            let linger = this.linger.get_or_insert_with(|| Box::pin(tokio::time::sleep(LINGER)));
            if linger.as_mut().poll(cx).is_ready() {
                break;
            }
            let mut piece = [MaybeUninit::uninit(); PIECE];
            let mut piece = ReadBuf::uninit(&mut piece);
            match ready!(Pin::new(&mut this.stream).poll_read(cx, &mut piece)) {
                Ok(()) if !piece.filled().is_empty() => this.thrown_away += piece.filled().len(),
                // The client has closed its end.
                Ok(()) | Err(_) => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn the_request_that_cannot_be_read_is_the_one_that_is_refused() {
        let (mut client, server) = tokio::io::duplex(1024);
        let refusals = Refusals::default();
        let mut server = Screened::new(server, refusals.clone(), Unread::alone());
        client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\n\r\n").await.unwrap();
        let mut read = vec![0; 1024];
        let length = server.read(&mut read).await.unwrap();
        assert!(read[..length].starts_with(b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET "));
        assert_eq!(refusals.next(), None);
        assert_eq!(refusals.next().map(|refused| refused.error.code), Some(400));
        assert_eq!(refusals.next(), None);
    }

    #[tokio::test]
    async fn what_a_refused_client_still_sends_is_taken_until_it_ends() {
        let (mut client, server) = tokio::io::duplex(64);
        let mut server = Screened::new(server, Refusals::default(), Unread::alone());
        let sending = tokio::spawn(async move {
            client.write_all(b"nonsense\r\n\r\n").await.unwrap();
            client.write_all(&[b'x'; 4096]).await.unwrap();
        });
        let mut read = vec![0; 1024];
        assert!(server.read(&mut read).await.unwrap() > 0);
        server.shutdown().await.unwrap();
        sending.await.unwrap();
        assert!(server.thrown_away >= 4096 - 52, "a part may have come with the head");
    }
}
