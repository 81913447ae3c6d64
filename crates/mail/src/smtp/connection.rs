//! One connection, from the greeting to the good-bye.
//!
//! Easiest to break: after `STARTTLS` nothing that came before it counts, least of all bytes that came with it (RFC 3207 §6); and a text
//! whose end was not answered may have been taken, so it is never given up as refused.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::login::Words;
use super::reply::{NoReply, Reply};
use super::server::{Capabilities, Security, Server};
use crate::failure::{Failure, NO_UTF8};
use crate::letter::Letter;

/// Bytes of a text that are written under one limit.
const BLOCK: usize = 64 * 1024;

/// A stream, encrypted or not.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// A connection that has been greeted and, where it must, encrypted and logged in.
pub(crate) struct Connection {
    session: Session<Box<dyn Wire>>,
    capabilities: Capabilities,
    /// A mail was begun and not ended: the next one is preceded by `RSET`.
    unfinished: bool,
    /// Mails that were sent on it.
    pub(super) sent: u32,
}

/// What became of a mail on a connection.
pub(crate) enum Sent {
    /// The server has it.
    Taken,
    /// The server said no; the connection can be used again.
    Not(Failure),
    /// The connection is of no use any more.
    Broken(Failure),
    /// The connection was of no use before the server said anything: the mail may go over another one.
    Stale,
}

struct Session<S> {
    stream: BufReader<S>,
}

fn unreachable(what: &(impl std::fmt::Display + ?Sized)) -> Failure {
    Failure::Unreachable(what.to_string())
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    fn new(stream: S) -> Self {
        Self { stream: BufReader::new(stream) }
    }

    async fn reply(&mut self, to: &'static str, limit: Duration) -> Result<Reply, NoReply> {
        timeout(limit, Reply::read(&mut self.stream, to)).await.unwrap_or(Err(NoReply::Late(to)))
    }

    async fn write(&mut self, bytes: &[u8], what: &'static str, limit: Duration) -> Result<(), NoReply> {
        let write = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        Ok(timeout(limit, write).await.map_err(|_| NoReply::Late(what))??)
    }

    async fn ask(&mut self, line: &str, name: &'static str, limit: Duration) -> Result<Reply, NoReply> {
        self.write(format!("{line}\r\n").as_bytes(), name, limit).await?;
        self.reply(name, limit).await
    }

    async fn greeted(&mut self, server: &Server) -> Result<(), Failure> {
        let reply = self.reply("the connection", server.limits.greeting).await.map_err(|error| unreachable(&error))?;
        if reply.is_positive() { Ok(()) } else { Err(unreachable(&reply)) }
    }

    /// `EHLO`; for a server that does not know it, `HELO`.
    async fn introduce(&mut self, server: &Server, own: &str) -> Result<Capabilities, Failure> {
        let name = server.greeting.as_deref().unwrap_or(own);
        let limit = server.limits.command;
        let reply = self.ask(&format!("EHLO {name}"), "EHLO", limit).await.map_err(|error| unreachable(&error))?;
        if reply.is_positive() {
            return Ok(Capabilities::read(&reply.lines));
        }
        if !matches!(reply.code, 500 | 502 | 504 | 550) {
            return Err(unreachable(&reply));
        }
        let reply = self.ask(&format!("HELO {name}"), "HELO", limit).await.map_err(|error| unreachable(&error))?;
        if reply.is_positive() { Ok(Capabilities::default()) } else { Err(unreachable(&reply)) }
    }

    async fn log_in(&mut self, server: &Server, capabilities: &Capabilities) -> Result<(), Failure> {
        let Some(login) = &server.login else { return Ok(()) };
        let words = login.words(&capabilities.auth).await.map_err(|error| unreachable(&error))?;
        let limit = server.limits.command;
        let said = match words {
            None => return Err(unreachable("the server offers no way to log in that is known here")),
            Some(Words::One(line)) => self.ask(&line, "AUTH", limit).await,
            Some(Words::Three(first, name, password)) => match self.ask(first, "AUTH", limit).await {
                Ok(reply) if reply.code == 334 => match self.ask(&name, "AUTH", limit).await {
                    Ok(reply) if reply.code == 334 => self.ask(&password, "AUTH", limit).await,
                    other => other,
                },
                other => other,
            },
        };
        let mut reply = said.map_err(|error| unreachable(&error))?;
        if reply.code == 334 {
            // The details of a refusal; an empty line asks for the refusal itself.
            reply = self.ask("", "AUTH", limit).await.map_err(|error| unreachable(&error))?;
        }
        if reply.code == 235 {
            return Ok(());
        }
        login.refused();
        Err(Failure::Unreachable(format!("the login was refused: {reply}")))
    }
}

impl Connection {
    /// Connects, says hello, encrypts and logs in, as the server's settings ask.
    ///
    /// # Errors
    /// [`Failure::Unreachable`].
    pub(crate) async fn open(server: &Server) -> Result<Self, Failure> {
        let tcp = connect(server).await?;
        // A command is written whole; waiting for more would only wait.
        tcp.set_nodelay(true).map_err(|error| unreachable(&error))?;
        let own = tcp.local_addr().map_or_else(|_| "localhost".to_owned(), |address| literal(&address));
        let (mut session, capabilities): (Session<Box<dyn Wire>>, _) = match server.security {
            Security::Tls => {
                let mut session = Session::new(Box::new(encrypt(server, tcp).await?) as Box<dyn Wire>);
                session.greeted(server).await?;
                let capabilities = session.introduce(server, &own).await?;
                (session, capabilities)
            }
            Security::None => {
                let mut session = Session::new(Box::new(tcp) as Box<dyn Wire>);
                session.greeted(server).await?;
                let capabilities = session.introduce(server, &own).await?;
                (session, capabilities)
            }
            Security::StartTls { required } => {
                let mut plain = Session::new(tcp);
                plain.greeted(server).await?;
                let capabilities = plain.introduce(server, &own).await?;
                if capabilities.start_tls {
                    let reply = plain.ask("STARTTLS", "STARTTLS", server.limits.command).await.map_err(|error| unreachable(&error))?;
                    if reply.code != 220 {
                        return Err(Failure::Unreachable(format!("the server does not encrypt: {reply}")));
                    }
                    if !plain.stream.buffer().is_empty() {
                        return Err(unreachable("the server said more than it may before it encrypts"));
                    }
                    let mut session = Session::new(Box::new(encrypt(server, plain.stream.into_inner()).await?) as Box<dyn Wire>);
                    let capabilities = session.introduce(server, &own).await?;
                    (session, capabilities)
                } else if required {
                    return Err(unreachable("the server does not offer STARTTLS, and mail must not go in the clear"));
                } else {
                    (Session { stream: BufReader::new(Box::new(plain.stream.into_inner())) }, capabilities)
                }
            }
        };
        session.log_in(server, &capabilities).await?;
        Ok(Self { session, capabilities, unfinished: false, sent: 0 })
    }

    /// Sends one mail.
    pub(crate) async fn send(&mut self, server: &Server, letter: &Letter) -> Sent {
        if let Some(refusal) = self.cannot(server, letter) {
            return Sent::Not(refusal);
        }
        let fresh = self.sent == 0;
        self.sent += 1;
        let envelope = self.envelope(letter).map(|line| line + "\r\n");
        let begun =
            if self.capabilities.pipelining { self.at_once(server, &envelope).await } else { self.in_turn(server, &envelope).await };
        match begun {
            Ok(Ok(())) => {}
            Ok(Err(reply)) => return Self::refused(&reply),
            Err((_, NoReply::Closed | NoReply::Io(_))) if !fresh => return Sent::Stale,
            Err((_, error)) => return Sent::Broken(Failure::Deferred(error.to_string())),
        }
        match self.text(server, &letter.message).await {
            Ok(reply) if reply.is_positive() => {
                self.unfinished = false;
                Sent::Taken
            }
            Ok(reply) => Self::refused(&reply),
            Err(error) => Sent::Broken(Failure::Deferred(error.to_string())),
        }
    }

    /// Asks whether the server would take this mail, and does not send it.
    pub(super) async fn would_take(&mut self, server: &Server, letter: &Letter) -> Result<(), Failure> {
        if let Some(refusal) = self.cannot(server, letter) {
            return Err(refusal);
        }
        let limit = server.limits.command;
        self.unfinished = true;
        for (line, name) in self.envelope(letter).iter().zip(["MAIL", "RCPT"]) {
            let reply = self.session.ask(line, name, limit).await.map_err(|error| unreachable(&error))?;
            if !reply.is_positive() {
                let said = format!("{name}: {reply}");
                return Err(if reply.is_permanent() { Failure::Refused(said) } else { Failure::Deferred(said) });
            }
        }
        self.session.ask("RSET", "RSET", limit).await.map_err(|error| unreachable(&error))?;
        self.unfinished = false;
        Ok(())
    }

    /// Whether the server offers SMTPUTF8.
    pub(super) fn takes_utf8(&self) -> bool {
        self.capabilities.utf8
    }

    /// Says good-bye.
    pub(crate) async fn quit(mut self, server: &Server) {
        // Whoever does not answer a good-bye is left anyway.
        let _ = self.session.ask("QUIT", "QUIT", server.limits.quit).await;
        let _ = timeout(server.limits.quit, self.session.stream.shutdown()).await;
    }

    /// Why this server can never take the mail.
    fn cannot(&self, server: &Server, letter: &Letter) -> Option<Failure> {
        if letter.utf8 && (!self.capabilities.utf8 || !server.utf8) {
            return Some(Failure::Refused(NO_UTF8.to_owned()));
        }
        let most = self.capabilities.size.filter(|most| *most > 0)?;
        let size = letter.message.len() as u64;
        (size > most).then(|| Failure::Refused(format!("the mail has {size} bytes, and the mail server takes {most}")))
    }

    /// The commands that name sender and recipient.
    fn envelope(&self, letter: &Letter) -> [String; 2] {
        [format!("MAIL FROM:<{}>{}", letter.from, self.parameters(letter)), format!("RCPT TO:<{}>", letter.to)]
    }

    fn parameters(&self, letter: &Letter) -> String {
        let mut parameters = String::new();
        if self.capabilities.size.is_some() {
            parameters.push_str(" SIZE=");
            parameters.push_str(&letter.message.len().to_string());
        }
        if self.capabilities.eight_bit && (letter.utf8 || !letter.message.is_ascii()) {
            parameters.push_str(" BODY=8BITMIME");
        }
        if letter.utf8 {
            parameters.push_str(" SMTPUTF8");
        }
        parameters
    }

    /// Writes the envelope and `DATA` in one go, and reads three answers (RFC 2920 §3.1).
    async fn at_once(&mut self, server: &Server, envelope: &[String; 2]) -> Result<Result<(), Reply>, (&'static str, NoReply)> {
        let reset = if self.unfinished { "RSET\r\n" } else { "" };
        let group = format!("{reset}{}{}DATA\r\n", envelope[0], envelope[1]);
        let (command, data) = (server.limits.command, server.limits.data);
        self.session.write(group.as_bytes(), "MAIL", command).await.map_err(|error| ("MAIL", error))?;
        if self.unfinished {
            self.session.reply("RSET", command).await.map_err(|error| ("RSET", error))?;
        }
        self.unfinished = true;
        let mail = self.session.reply("MAIL", command).await.map_err(|error| ("MAIL", error))?;
        if mail.code == 421 {
            // The server closes the connection; there are no more answers.
            return Ok(Err(mail));
        }
        let recipient = self.session.reply("RCPT", command).await.map_err(|error| ("RCPT", error))?;
        let go_on = self.session.reply("DATA", data).await.map_err(|error| ("DATA", error))?;
        let refusal = [mail, recipient].into_iter().find(|reply| !reply.is_positive());
        match refusal {
            None if go_on.code == 354 => Ok(Ok(())),
            None => Ok(Err(go_on)),
            Some(refusal) => {
                if go_on.code == 354 {
                    // It waits for a text for nobody, and gets an empty one.
                    self.session.write(b".\r\n", "DATA", data).await.map_err(|error| ("DATA", error))?;
                    self.session.reply("the text", server.limits.accepted).await.map_err(|error| ("the text", error))?;
                }
                Ok(Err(refusal))
            }
        }
    }

    /// Writes one command after the other.
    async fn in_turn(&mut self, server: &Server, envelope: &[String; 2]) -> Result<Result<(), Reply>, (&'static str, NoReply)> {
        let (command, data) = (server.limits.command, server.limits.data);
        if self.unfinished {
            self.session.ask("RSET", "RSET", command).await.map_err(|error| ("RSET", error))?;
        }
        self.unfinished = true;
        for (line, name) in envelope.iter().zip(["MAIL", "RCPT"]) {
            let reply = self.session.ask(line.trim_end(), name, command).await.map_err(|error| (name, error))?;
            if !reply.is_positive() {
                return Ok(Err(reply));
            }
        }
        let reply = self.session.ask("DATA", "DATA", data).await.map_err(|error| ("DATA", error))?;
        Ok(if reply.code == 354 { Ok(()) } else { Err(reply) })
    }

    /// Sends the text and its end, small ones in one write: apart, the end would wait for the acknowledgement of the text.
    async fn text(&mut self, server: &Server, message: &[u8]) -> Result<Reply, NoReply> {
        let stuffed = stuffed(message);
        for block in stuffed.chunks(BLOCK) {
            self.session.write(block, "the text", server.limits.data).await?;
        }
        self.session.reply("the text", server.limits.accepted).await
    }

    fn refused(reply: &Reply) -> Sent {
        // 421: the server has no time for us and closes the connection (RFC 5321 §3.8).
        if reply.code == 421 {
            return Sent::Broken(Failure::Unreachable(reply.to_string()));
        }
        Sent::Not(if reply.is_permanent() { Failure::Refused(reply.to_string()) } else { Failure::Deferred(reply.to_string()) })
    }
}

/// A text with dots before its dots, ended by a lone one (RFC 5321 §4.5.2).
fn stuffed(message: &[u8]) -> Vec<u8> {
    let mut stuffed = Vec::with_capacity(message.len() + message.len() / 64 + 8);
    for line in message.split_inclusive(|byte| *byte == b'\n') {
        if line.first() == Some(&b'.') {
            stuffed.push(b'.');
        }
        stuffed.extend_from_slice(line);
    }
    if !stuffed.ends_with(b"\r\n") {
        stuffed.extend_from_slice(b"\r\n");
    }
    stuffed.extend_from_slice(b".\r\n");
    stuffed
}

/// Tries every address of the server's name, so that one that does not answer leaves time for the next.
async fn connect(server: &Server) -> Result<TcpStream, Failure> {
    let limit = server.limits.connect;
    let look_up = tokio::net::lookup_host((server.host.as_str(), server.port));
    let addresses: Vec<SocketAddr> = timeout(limit, look_up)
        .await
        .map_err(|_| unreachable("the server's name is not found in time"))?
        .map_err(|error| unreachable(&error))?
        .collect();
    let share = limit / u32::try_from(addresses.len().max(1)).unwrap_or(1);
    let mut last = unreachable("the server's name has no address");
    for address in addresses {
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = unreachable(&error),
            Err(_) => last = unreachable("no connection in time"),
        }
    }
    Err(last)
}

async fn encrypt(server: &Server, tcp: TcpStream) -> Result<impl AsyncRead + AsyncWrite + Send + Unpin + use<>, Failure> {
    let tls = server.tls.as_ref().ok_or_else(|| unreachable("TLS is not set up"))?;
    let connected = timeout(server.limits.connect, tls.connect(tcp)).await.map_err(|_| unreachable("no TLS in time"))?;
    connected.map_err(|error| Failure::Unreachable(format!("no TLS: {error}")))
}

/// The address literal of RFC 5321 §4.1.3, for a machine without a name.
fn literal(address: &SocketAddr) -> String {
    match address.ip().to_canonical() {
        std::net::IpAddr::V4(address) => format!("[{address}]"),
        std::net::IpAddr::V6(address) => format!("[IPv6:{address}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_stuffed_and_the_end_is_a_lone_dot() {
        assert_eq!(stuffed(b"a\r\n.b\r\n..\r\n"), b"a\r\n..b\r\n...\r\n.\r\n");
        assert_eq!(stuffed(b""), b"\r\n.\r\n");
        assert_eq!(stuffed(b"a"), b"a\r\n.\r\n");
    }
}
