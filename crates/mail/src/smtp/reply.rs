//! Answers of a server (RFC 5321 §4.2).

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _};

/// Longest line that is read: RFC 5321 §4.5.3.1.5 allows 512 bytes, and some servers more.
const MAX_LINE: u64 = 4096;
/// Most lines of one answer.
const MAX_LINES: usize = 256;

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    /// Three digits.
    pub(super) code: u16,
    /// The texts of its lines.
    pub(super) lines: Vec<String>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoReply {
    /// The server has closed the connection, before the first byte of an answer.
    #[error("the server closed the connection")]
    Closed,
    /// It did not answer in time.
    #[error("no answer to {0} in time")]
    Late(&'static str),
    /// Reading or writing failed.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// What it said is no answer.
    #[error("the answer to {0} cannot be understood")]
    Nonsense(&'static str),
}

impl Reply {
    /// Reads one answer. What it is an answer to is for the message only.
    pub(super) async fn read(stream: &mut (impl AsyncBufRead + Unpin), to: &'static str) -> Result<Self, NoReply> {
        let mut lines = Vec::new();
        loop {
            let mut line = Vec::new();
            let read = (&mut *stream).take(MAX_LINE).read_until(b'\n', &mut line).await?;
            if read == 0 && lines.is_empty() {
                return Err(NoReply::Closed);
            }
            let (code, last, text) = line_of(&line).ok_or(NoReply::Nonsense(to))?;
            lines.push(text);
            if last {
                return Ok(Self { code, lines });
            }
            if lines.len() >= MAX_LINES {
                return Err(NoReply::Nonsense(to));
            }
        }
    }

    /// Whether it means yes.
    pub(super) fn is_positive(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// Whether it means never.
    pub(super) fn is_permanent(&self) -> bool {
        (500..600).contains(&self.code)
    }
}

impl std::fmt::Display for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.code, self.lines.join(" "))
    }
}

/// Code, whether it is the last line, text. Control characters are left out of the text: it goes to logs and to the administrator.
fn line_of(line: &[u8]) -> Option<(u16, bool, String)> {
    let line = line.strip_suffix(b"\n")?;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let (code, rest) = line.split_at_checked(3)?;
    let code = std::str::from_utf8(code).ok().filter(|code| code.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()?;
    let (last, text) = match rest.split_first() {
        None => (true, rest),
        Some((b' ', text)) => (true, text),
        Some((b'-', text)) => (false, text),
        Some(_) => return None,
    };
    Some((code, last, String::from_utf8_lossy(text).chars().filter(|c| !c.is_control()).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(bytes: &[u8]) -> Result<Reply, NoReply> {
        Reply::read(&mut &*bytes, "EHLO").await
    }

    #[tokio::test]
    async fn an_answer_has_one_code_and_any_number_of_lines() {
        let reply = read(b"250-here\r\n250-SIZE 100\r\n250 HELP\r\n220 more").await.unwrap();
        assert_eq!((reply.code, reply.lines), (250, vec!["here".into(), "SIZE 100".into(), "HELP".into()]));
        assert_eq!(read(b"250\n").await.unwrap().lines, [""]);
        assert_eq!(read(b"550 no \x1b[31mway\r\n").await.unwrap().to_string(), "550 no [31mway");
    }

    #[tokio::test]
    async fn what_is_no_answer_is_refused_and_never_read_without_end() {
        assert!(matches!(read(b"").await, Err(NoReply::Closed)));
        let long = [b"250 ".as_slice(), &vec![b'x'; 5000], b"\r\n"].concat();
        let endless = b"250-x\r\n".repeat(1000);
        for bytes in [b"250-x\r\n".as_slice(), b"hello\r\n", b"25x y\r\n", b"250_x\r\n", b"250 x", b"\r\n", &long, &endless] {
            assert!(matches!(read(bytes).await, Err(NoReply::Nonsense("EHLO"))));
        }
    }
}
