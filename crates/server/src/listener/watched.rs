//! An HTTP/2 connection whose frames are followed ([`wire::frames`]).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};
use wire::frames::{Abuse, Frames, Times};

use super::crowd::Unread;

/// The connection.
pub(super) struct Watched<S> {
    stream: S,
    began: Instant,
    frames: Frames,
    alarm: Option<Pin<Box<Sleep>>>,
    unread: Unread,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, times: Times, unread: Unread) -> Self {
        Self { stream, began: Instant::now(), frames: Frames::new(times), alarm: None, unread }
    }

    /// Fails when the client has had its time; else the task is woken when it will have had it.
    fn watch(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let until = self.began + self.frames.deadline(self.began.elapsed());
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        if alarm.deadline() != until {
            alarm.as_mut().reset(until);
        }
        match alarm.as_mut().poll(cx) {
            Poll::Ready(()) => Err(ended(self.frames.late())),
            Poll::Pending => Ok(()),
        }
    }

    fn sent(&mut self, sent: Poll<io::Result<usize>>, parts: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(mut length)) = sent {
            let now = self.began.elapsed();
            for part in parts {
                let taken = length.min(part.len());
                self.frames.went(now, part.get(..taken).unwrap_or_default());
                length -= taken;
            }
        }
        sent
    }
}

/// The end of a connection, as the HTTP library reports it.
fn ended(abuse: Abuse) -> io::Error {
    match abuse {
        Abuse::Flood => io::Error::new(io::ErrorKind::QuotaExceeded, "the client asks for more work than it takes answers"),
        Abuse::Slow => io::Error::new(io::ErrorKind::TimedOut, "the client does not take its answer"),
        Abuse::Idle => io::Error::new(io::ErrorKind::ConnectionAborted, "the client asks for nothing"),
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        // A client that never stops sending has its time, too.
        this.watch(cx)?;
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buffer))?;
        let now = this.began.elapsed();
        this.frames.came(now, buffer.filled().get(before..).unwrap_or_default()).map_err(ended)?;
        if !this.unread.is(this.frames.gathered()) {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::QuotaExceeded, "too many heads are not whole")));
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.sent(sent, &[io::IoSlice::new(bytes)])
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, parts: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.sent(sent, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // What was written may have begun an answer, whose time is shorter.
        self.watch(cx)?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
