//! A mail server that takes everything and keeps the newest mail of each recipient until somebody asks for it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::Failure;

/// The mail server. It ends with the runtime.
pub(crate) struct Mailbox {
    address: SocketAddr,
    shelf: Rc<Shelf>,
}

#[derive(Default)]
struct Shelf {
    mails: RefCell<HashMap<String, String>>,
    arrived: Notify,
}

/// How long a mail may take.
const PATIENCE: Duration = Duration::from_mins(1);

impl Mailbox {
    /// Listens on a free port of this machine.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) async fn start() -> Result<Rc<Self>, Failure> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let shelf = Rc::new(Shelf::default());
        let kept = Rc::clone(&shelf);
        tokio::task::spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shelf = Rc::clone(&kept);
                tokio::task::spawn_local(async move {
                    // A client that leaves in the middle tries again; whoever waits for the mail notices if not.
                    let _ = shelf.talk(stream).await;
                });
            }
        });
        Ok(Rc::new(Self { address, shelf }))
    }

    /// Its port.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Throws away what came for somebody and was never taken: notices of earlier sign-ins, or mails of another server.
    pub(crate) fn discard(&self, recipient: &str) {
        self.shelf.mails.borrow_mut().remove(recipient);
    }

    /// The newest mail to a recipient, taken away; waits for it.
    ///
    /// # Errors
    /// When none comes within a minute.
    pub(crate) async fn take(&self, recipient: &str) -> Result<String, Failure> {
        let wait = async {
            loop {
                let arrived = self.shelf.arrived.notified();
                if let Some(mail) = self.shelf.mails.borrow_mut().remove(recipient) {
                    return mail;
                }
                arrived.await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.map_err(|_| format!("no mail came for {recipient}").into())
    }
}

impl Shelf {
    async fn talk(&self, stream: TcpStream) -> Result<(), Failure> {
        stream.set_nodelay(true)?;
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 mailbox\r\n").await?;
        let (mut line, mut recipient) = (String::new(), String::new());
        while next_line(&mut stream, &mut line).await? {
            let command = line.trim_end();
            let reply: &[u8] = match command.get(..4).unwrap_or_default().to_ascii_uppercase().as_str() {
                "EHLO" => b"250-mailbox\r\n250 8BITMIME\r\n",
                "RCPT" => {
                    recipient = command.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                    b"250 OK\r\n"
                }
                "DATA" => {
                    stream.write_all(b"354 go on\r\n").await?;
                    let mail = read_mail(&mut stream).await?;
                    self.mails.borrow_mut().insert(std::mem::take(&mut recipient), mail);
                    self.arrived.notify_waiters();
                    b"250 OK\r\n"
                }
                "QUIT" => {
                    stream.write_all(b"221 bye\r\n").await?;
                    return Ok(());
                }
                _ => b"250 OK\r\n",
            };
            stream.write_all(reply).await?;
        }
        Ok(())
    }
}

async fn next_line(stream: &mut BufReader<TcpStream>, line: &mut String) -> Result<bool, Failure> {
    line.clear();
    Ok(stream.read_line(line).await? > 0)
}

async fn read_mail(stream: &mut BufReader<TcpStream>) -> Result<String, Failure> {
    let (mut mail, mut line) = (String::new(), String::new());
    while next_line(stream, &mut line).await? {
        if line == ".\r\n" {
            return Ok(mail);
        }
        mail.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
    Err("the mail broke off".into())
}

/// What stands between two marks in a mail's text. Quoted-printable lines are joined; the marks hold nothing that is quoted.
pub(crate) fn between(mail: &str, before: &str, after: &str) -> Option<String> {
    let joined = mail.replace("=\r\n", "");
    let start = joined.find(before)? + before.len();
    let length = joined.get(start..)?.find(after)?;
    joined.get(start..start + length).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_across_soft_line_breaks() {
        assert_eq!(between("x <strong>123456</strong> y", "<strong>", "</strong>").as_deref(), Some("123456"));
        assert_eq!(between("x <str=\r\nong>12=\r\n3456</strong> y", "<strong>", "</strong>").as_deref(), Some("123456"));
        assert_eq!(between("x <strong>123456", "<strong>", "</strong>"), None);
    }
}
