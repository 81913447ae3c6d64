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
pub(crate) const VISITOR: &str = "X-OpenIDM-Username: anonymous\r\nX-OpenIDM-Password: anonymous\r\nX-OpenIDM-NoSession: true\r\n";

/// One kept connection.
pub(crate) struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
    host: SocketAddr,
    /// Every request has a connection of its own.
    anew: bool,
}

/// An answer.
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: u16,
    bytes: Vec<u8>,
    /// Where the body begins.
    start: usize,
}

impl Answer {
    /// The body.
    pub(crate) fn body(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    /// The body, which must be JSON.
    ///
    /// # Errors
    /// When it is not.
    pub(crate) fn json(&self) -> Result<Value, Failure> {
        Ok(serde_json::from_slice(self.body())?)
    }

    /// The values of every header of this name.
    pub(crate) fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let head = str::from_utf8(self.bytes.get(..self.start).unwrap_or_default()).unwrap_or_default();
        let fields = head.lines().filter_map(|line| line.split_once(':'));
        fields.filter(move |(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens.
    pub(crate) async fn open(host: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: Vec::with_capacity(8192), host, anew: false })
    }

    /// Connects, and again for every request.
    ///
    /// # Errors
    /// When nobody listens.
    pub(crate) async fn open_for_each(host: SocketAddr) -> Result<Self, Failure> {
        Ok(Self { anew: true, ..Self::open(host).await? })
    }

    /// Connects anew.
    ///
    /// # Errors
    /// When nobody listens.
    pub(crate) async fn reopen(&mut self) -> Result<(), Failure> {
        self.stream = Self::open(self.host).await?.stream;
        Ok(())
    }

    /// The bytes of a GET with the headers of a visitor, to be sent again and again.
    pub(crate) fn get_request(&self, target: &str) -> Vec<u8> {
        self.request("GET", target, VISITOR, None)
    }

    /// The bytes of a request. `headers` end with a line break each; a body is JSON.
    pub(crate) fn request(&self, method: &str, target: &str, headers: &str, body: Option<&str>) -> Vec<u8> {
        let host = self.host;
        let (kind, body) = match body {
            None => (String::new(), ""),
            Some(body) => (format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len()), body),
        };
        format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n{headers}{kind}\r\n{body}").into_bytes()
    }

    /// Gets a resource with the headers of a visitor.
    ///
    /// # Errors
    /// When the answer is no 200.
    pub(crate) async fn get(&mut self, target: &str) -> Result<Answer, Failure> {
        self.ask("GET", target, VISITOR, None).await
    }

    /// Posts JSON with the headers of a visitor.
    ///
    /// # Errors
    /// When the answer is no 200.
    pub(crate) async fn post(&mut self, target: &str, body: &Value) -> Result<Value, Failure> {
        self.ask("POST", target, VISITOR, Some(&body.to_string())).await?.json()
    }

    /// Sends a request with these headers.
    ///
    /// # Errors
    /// When the answer is no 200.
    pub(crate) async fn ask(&mut self, method: &str, target: &str, headers: &str, body: Option<&str>) -> Result<Answer, Failure> {
        let request = self.request(method, target, headers, body);
        let answer = self.exchange(&request).await?;
        if answer.status == 200 {
            return Ok(answer);
        }
        Err(format!("{method} {target}: {} {}", answer.status, String::from_utf8_lossy(answer.body())).into())
    }

    /// Sends a request and reads its answer.
    ///
    /// # Errors
    /// When the connection breaks, or what comes is no HTTP.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<Answer, Failure> {
        if self.anew {
            self.reopen().await?;
        }
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
            if let Some(head) = head
                && let Some(bytes) = head.whole(&self.read)?
            {
                return Ok(Answer { status: head.status, bytes, start: head.start });
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Head {
    status: u16,
    start: usize,
    /// None where the body comes in chunks (RFC 9112 section 7.1).
    length: Option<usize>,
}

impl Head {
    fn of(bytes: &[u8]) -> Result<Option<Self>, Failure> {
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
        let text = str::from_utf8(bytes.get(..end).unwrap_or_default())?;
        let status = text.split(' ').nth(1).ok_or("the answer has no status")?.parse()?;
        let field = |wanted: &str| {
            let mut headers = text.lines().filter_map(|line| line.split_once(':'));
            headers.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
        };
        let length = field("content-length").map(str::parse).transpose()?;
        if length.is_none() && field("transfer-encoding") != Some("chunked") {
            return Err("the answer has no length".into());
        }
        Ok(Some(Self { status, start: end + 4, length }))
    }

    /// The answer with its body in one piece, once all of it has come.
    fn whole(&self, read: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
        let Some(length) = self.length else { return self.joined(read) };
        Ok(read.get(..self.start + length).map(<[u8]>::to_vec))
    }

    fn joined(&self, read: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
        let mut answer = read.get(..self.start).unwrap_or_default().to_vec();
        let mut rest = read.get(self.start..).unwrap_or_default();
        loop {
            let Some(end) = rest.windows(2).position(|window| window == b"\r\n") else { return Ok(None) };
            let length = usize::from_str_radix(str::from_utf8(rest.get(..end).unwrap_or_default())?, 16)?;
            let (from, until) = (end + 2, end + 2 + length);
            let Some(chunk) = rest.get(from..until) else { return Ok(None) };
            answer.extend_from_slice(chunk);
            let Some(after) = rest.get(until + 2..) else { return Ok(None) };
            if length == 0 {
                return Ok(Some(answer));
            }
            rest = after;
        }
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
        assert_eq!((head.status, &head.whole(answer).unwrap().unwrap()[head.start..]), (200, &b"{}"[..]));
        assert!(head.whole(&answer[..answer.len() - 1]).unwrap().is_none());
        assert!(Head::of(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }

    #[test]
    fn chunks_are_joined_when_the_last_has_come() {
        let answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{\"\r\nb\r\na\":\"\r\n0\r\n\"}\r\n0\r\n\r\n";
        let head = Head::of(answer).unwrap().unwrap();
        for length in head.start..answer.len() {
            assert!(head.whole(&answer[..length]).unwrap().is_none(), "{length}");
        }
        assert_eq!(&head.whole(answer).unwrap().unwrap()[head.start..], b"{\"a\":\"\r\n0\r\n\"}");
    }

    #[test]
    fn every_header_of_a_name_is_found_and_none_in_the_body() {
        let head = b"HTTP/1.1 503 Service Unavailable\r\nset-cookie: a=1; Path=/\r\nRetry-After: 2\r\nSet-Cookie: b=2\r\n\r\n";
        let answer = Answer { status: 503, bytes: [head.as_slice(), b"set-cookie: c=3"].concat(), start: head.len() };
        assert_eq!(answer.headers("Set-Cookie").collect::<Vec<_>>(), ["a=1; Path=/", "b=2"]);
        assert_eq!(answer.headers("retry-after").next(), Some("2"));
        assert_eq!(answer.body(), b"set-cookie: c=3");
    }
}
