//! A mail server whose every answer a test decides: it hangs, refuses, is slow. It counts what it sees.
#![expect(clippy::disallowed_methods, reason = "a limit on how long the real world may take")]

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use super::lines::PATIENCE;

/// What the server does at a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// What a good server says.
    Usual,
    /// This line.
    Say(&'static str),
    /// Nothing, until the client goes away.
    Hang,
    /// It closes the connection.
    Close,
    /// What a good server says, after this long: a server far away.
    After(Duration),
}

/// A command, or a moment: `connect`, `EHLO`, `MAIL`, `RCPT`, `DATA`, `text` (after its end), `QUIT`.
pub(crate) struct Moment<'a> {
    /// Which one.
    pub(crate) name: &'a str,
    /// The whole line.
    pub(crate) line: &'a str,
    /// The number of the connection, from 0.
    pub(crate) connection: usize,
}

/// A mail that was taken.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    pub(crate) to: String,
    pub(crate) mail_line: String,
    pub(crate) text: String,
    pub(crate) connection: usize,
    pub(crate) at: Instant,
}

type Decide = dyn Fn(&Moment<'_>) -> Answer + Send + Sync;

struct Shared {
    decide: Box<Decide>,
    extensions: &'static [&'static str],
    mails: Mutex<Vec<Taken>>,
    /// Commands as they came, connection by connection.
    commands: Mutex<Vec<(usize, String)>>,
    changed: Condvar,
    connections: AtomicUsize,
    open: AtomicUsize,
    most_open: AtomicUsize,
    stopped: AtomicBool,
    streams: Mutex<Vec<TcpStream>>,
}

/// The server. It ends when dropped, with its connections.
pub(crate) struct Sink {
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

impl Sink {
    /// A server that pipelines.
    pub(crate) fn start(decide: impl Fn(&Moment<'_>) -> Answer + Send + Sync + 'static) -> Self {
        Self::with(&["PIPELINING", "8BITMIME", "SMTPUTF8"], decide)
    }

    /// A server that offers these extensions.
    pub(crate) fn with(extensions: &'static [&'static str], decide: impl Fn(&Moment<'_>) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            decide: Box::new(decide),
            extensions,
            mails: Mutex::default(),
            commands: Mutex::default(),
            changed: Condvar::new(),
            connections: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            most_open: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
            streams: Mutex::default(),
        });
        let kept = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { continue };
                if kept.stopped.load(Ordering::SeqCst) {
                    return;
                }
                let number = kept.connections.fetch_add(1, Ordering::SeqCst);
                kept.streams.lock().unwrap().push(stream.try_clone().unwrap());
                let shared = Arc::clone(&kept);
                std::thread::spawn(move || {
                    let open = shared.open.fetch_add(1, Ordering::SeqCst) + 1;
                    shared.most_open.fetch_max(open, Ordering::SeqCst);
                    // A client that leaves in the middle ends the conversation.
                    let _ = shared.talk(stream, number);
                    shared.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { port, shared }
    }

    /// Waits until `found` says something of the mails that came so far.
    pub(crate) fn wait<T>(&self, found: impl FnMut(&[Taken]) -> Option<T>) -> Option<T> {
        self.wait_for(PATIENCE, found)
    }

    /// [`Self::wait`], for so long.
    pub(crate) fn wait_for<T>(&self, limit: Duration, mut found: impl FnMut(&[Taken]) -> Option<T>) -> Option<T> {
        let mut result = None;
        let mails = self.shared.mails.lock().unwrap();
        let waited = self.shared.changed.wait_timeout_while(mails, limit, |mails| {
            result = found(mails);
            result.is_none()
        });
        drop(waited.unwrap());
        result
    }

    /// Waits for a mail to `address`.
    #[track_caller]
    pub(crate) fn mail(&self, address: &str) -> Taken {
        let found = self.wait(|mails| mails.iter().find(|mail| mail.to == address).cloned());
        found.unwrap_or_else(|| panic!("no mail for {address} came"))
    }

    /// Waits until a command that begins so has come, and says on which connection.
    #[track_caller]
    pub(crate) fn asked(&self, begins: &str) -> usize {
        let mut result = None;
        let commands = self.shared.commands.lock().unwrap();
        let waited = self.shared.changed.wait_timeout_while(commands, PATIENCE, |commands| {
            result = commands.iter().find(|(_, line)| line.starts_with(begins)).map(|(connection, _)| *connection);
            result.is_none()
        });
        drop(waited.unwrap());
        result.unwrap_or_else(|| panic!("the server was never told {begins}"))
    }

    pub(crate) fn mails(&self) -> Vec<Taken> {
        self.shared.mails.lock().unwrap().clone()
    }

    pub(crate) fn commands(&self) -> Vec<(usize, String)> {
        self.shared.commands.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn most_open(&self) -> usize {
        self.shared.most_open.load(Ordering::SeqCst)
    }

    /// `external.email.json` that sends here.
    pub(crate) fn config(&self) -> serde_json::Value {
        serde_json::json!({
            "host": "127.0.0.1", "port": self.port, "from": "project@example.test",
            "auth": { "enable": false }, "starttls": { "enable": false },
        })
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the listener, which then sees that it is over.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        for stream in self.shared.streams.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Shared {
    fn talk(&self, stream: TcpStream, connection: usize) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut writer = stream.try_clone()?;
        let mut reader = BufReader::new(stream);
        let (mut to, mut mail_line, mut line) = (String::new(), String::new(), String::new());
        let lines: Vec<&str> = std::iter::once("sink").chain(self.extensions.iter().map(AsRef::as_ref)).collect();
        let last = lines.len() - 1;
        let lines = lines.iter().enumerate().map(|(number, line)| format!("250{}{line}\r\n", if number == last { ' ' } else { '-' }));
        let hello: String = lines.collect();
        if !self.say(&mut reader, &mut writer, "connect", "", connection, "220 sink\r\n")? {
            return Ok(());
        }
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let command = line.trim_end().to_owned();
            self.commands.lock().unwrap().push((connection, command.clone()));
            self.changed.notify_all();
            let name = command.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            let usual = match name.as_str() {
                "EHLO" => hello.as_str(),
                "MAIL" => {
                    mail_line.clone_from(&command);
                    "250 ok\r\n"
                }
                "RCPT" => {
                    command.split(['<', '>']).nth(1).unwrap_or_default().clone_into(&mut to);
                    "250 ok\r\n"
                }
                "DATA" => "354 go on\r\n",
                "QUIT" => "221 bye\r\n",
                _ => "250 ok\r\n",
            };
            if !self.say(&mut reader, &mut writer, &name, &command, connection, usual)? {
                return Ok(());
            }
            if name == "DATA" {
                let mut text = String::new();
                loop {
                    line.clear();
                    if reader.read_line(&mut line)? == 0 {
                        return Ok(());
                    }
                    if line == ".\r\n" {
                        break;
                    }
                    text.push_str(line.strip_prefix('.').unwrap_or(&line));
                }
                let taken = Taken { to: to.clone(), mail_line: mail_line.clone(), text, connection, at: Instant::now() };
                let moment = Moment { name: "text", line: &to, connection };
                if matches!((self.decide)(&moment), Answer::Usual | Answer::After(_)) {
                    self.mails.lock().unwrap().push(taken);
                    self.changed.notify_all();
                }
                if !self.say(&mut reader, &mut writer, "text", &to, connection, "250 taken\r\n")? {
                    return Ok(());
                }
            }
            if name == "QUIT" {
                return Ok(());
            }
        }
    }

    /// Whether the conversation goes on.
    fn say(
        &self,
        reader: &mut BufReader<TcpStream>,
        writer: &mut TcpStream,
        name: &str,
        line: &str,
        connection: usize,
        usual: &str,
    ) -> std::io::Result<bool> {
        match (self.decide)(&Moment { name, line, connection }) {
            Answer::Usual => writer.write_all(usual.as_bytes())?,
            Answer::Say(text) => writer.write_all(format!("{text}\r\n").as_bytes())?,
            Answer::After(time) => {
                // What is measured is a server that takes its time; nothing waits for this thread.
                std::thread::park_timeout(time);
                writer.write_all(usual.as_bytes())?;
            }
            Answer::Hang => {
                std::io::copy(reader, &mut std::io::sink())?;
                return Ok(false);
            }
            Answer::Close => return Ok(false),
        }
        Ok(true)
    }
}
