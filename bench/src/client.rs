//! The load: HTTP/1.1 on kept connections, as little work per request as possible, so that the generator never holds the server up.

use std::cell::Cell;
use std::net::SocketAddr;
use std::ops::Range;
use std::rc::Rc;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::Failure;

/// What a page sends with every request of a visitor.
const VISITOR: &str = "X-OpenIDM-Username: anonymous\r\nX-OpenIDM-Password: anonymous\r\nX-OpenIDM-NoSession: true\r\n";

/// One kept connection.
pub(crate) struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
    host: SocketAddr,
}

/// An answer.
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: u16,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens.
    pub(crate) async fn open(host: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: Vec::with_capacity(8192), host })
    }

    /// The bytes of a GET, to be sent again and again.
    pub(crate) fn get_request(&self, target: &str) -> Vec<u8> {
        format!("GET {target} HTTP/1.1\r\nHost: {}\r\n{VISITOR}\r\n", self.host).into_bytes()
    }

    /// Gets a resource.
    ///
    /// # Errors
    /// When the answer is no 200.
    pub(crate) async fn get(&mut self, target: &str) -> Result<Answer, Failure> {
        let request = self.get_request(target);
        self.expect(&request, target).await
    }

    /// Posts JSON with the headers of a visitor.
    ///
    /// # Errors
    /// When the answer is no 200.
    pub(crate) async fn post(&mut self, target: &str, body: &Value) -> Result<Value, Failure> {
        self.post_as(target, VISITOR, &body.to_string()).await
    }

    /// Posts with other headers.
    ///
    /// # Errors
    /// When the answer is no 200.
    pub(crate) async fn post_as(&mut self, target: &str, headers: &str, body: &str) -> Result<Value, Failure> {
        let (host, length) = (self.host, body.len());
        let request = format!(
            "POST {target} HTTP/1.1\r\nHost: {host}\r\n{headers}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        let answer = self.expect(request.as_bytes(), target).await?;
        Ok(serde_json::from_slice(&answer.body)?)
    }

    async fn expect(&mut self, request: &[u8], target: &str) -> Result<Answer, Failure> {
        let answer = self.exchange(request).await?;
        if answer.status == 200 {
            return Ok(answer);
        }
        Err(format!("{target}: {} {}", answer.status, String::from_utf8_lossy(&answer.body)).into())
    }

    /// Sends a request and reads its answer.
    ///
    /// # Errors
    /// When the connection breaks, or what comes is no HTTP.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<Answer, Failure> {
        self.stream.write_all(request).await?;
        self.read.clear();
        let mut head = None;
        loop {
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Err("the server closed the connection".into());
            }
            if head.is_none() {
                head = Head::of(&self.read)?;
            }
            if let Some(Head { status, start, length }) = head
                && let Some(body) = self.read.get(start..start + length)
            {
                return Ok(Answer { status, body: body.to_vec() });
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Head {
    status: u16,
    start: usize,
    length: usize,
}

impl Head {
    fn of(bytes: &[u8]) -> Result<Option<Self>, Failure> {
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
        let text = str::from_utf8(bytes.get(..end).unwrap_or_default())?;
        let status = text.split(' ').nth(1).ok_or("the answer has no status")?.parse()?;
        let mut headers = text.lines().filter_map(|line| line.split_once(':'));
        let length = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-length")).map(|(_, value)| value.trim().parse());
        let length = length.transpose()?.ok_or("the answer has no length")?;
        Ok(Some(Self { status, start: end + 4, length }))
    }
}

/// Does `work` once for every number of `range`, on so many connections at a time.
///
/// # Errors
/// The first that `work` meets.
pub(crate) async fn drive<F>(address: SocketAddr, connections: usize, range: Range<u64>, work: F) -> Result<(), Failure>
where
    F: AsyncFn(&mut Connection, u64) -> Result<(), Failure> + 'static,
{
    let (next, work) = (Rc::new(Cell::new(range.start)), Rc::new(work));
    let mut lanes = JoinSet::new();
    for _ in 0..connections {
        let (next, work) = (Rc::clone(&next), Rc::clone(&work));
        lanes.spawn_local(async move {
            let mut connection = Connection::open(address).await?;
            while next.get() < range.end {
                work(&mut connection, next.replace(next.get() + 1)).await?;
            }
            Ok::<(), Failure>(())
        });
    }
    while let Some(ended) = lanes.join_next().await {
        ended??;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_when_it_is_whole() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-type: x\r\nContent-Length: 2\r\n\r\n{}";
        for length in 0..answer.len() - 3 {
            assert!(Head::of(&answer[..length]).unwrap().is_none(), "{length}");
        }
        let head = Head::of(answer).unwrap().unwrap();
        assert_eq!((head.status, &answer[head.start..head.start + head.length]), (200, &b"{}"[..]));
        assert!(Head::of(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
