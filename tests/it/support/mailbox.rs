//! One mail server for the whole test binary. Addresses tell tests apart: every person of every test has their own.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{LazyLock, Mutex};

use serde_json::Value;

use super::lines::Lines;

/// A mail that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// As it came over the wire.
    pub(crate) raw: Vec<u8>,
}

impl Mail {
    fn read(value: &Value) -> Option<Self> {
        use base64::Engine as _;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Some(Self {
            from: value["from"].as_str()?.to_owned(),
            to: value["to"].as_array()?.iter().map(text).collect(),
            headers: value["headers"].as_array()?.iter().map(|pair| (text(&pair[0]), text(&pair[1]))).collect(),
            body: text(&value["body"]),
            raw: base64::prelude::BASE64_STANDARD.decode(value["raw"].as_str()?).ok()?,
        })
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(have, _)| have.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }

    pub(crate) fn subject(&self) -> &str {
        self.header("Subject")
    }

    fn is_for(&self, address: &str) -> bool {
        self.to.iter().any(|to| to.eq_ignore_ascii_case(address))
    }
}

/// The mail server's end in the tests.
pub(crate) struct Mailbox {
    pub(crate) port: u16,
    lines: Lines,
    orders: Mutex<std::process::ChildStdin>,
}

/// The mail server, started when the first test asks for it.
pub(crate) fn mailbox() -> &'static Mailbox {
    static MAILBOX: LazyLock<Mailbox> = LazyLock::new(Mailbox::start);
    &MAILBOX
}

/// The root of the repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The Python with the tests' packages: `VESTIBULE_PYTHON`, else what `make tools` made, else the system's.
pub(crate) fn python() -> PathBuf {
    let made = repository().join("target/tools/venv/bin/python");
    std::env::var_os("VESTIBULE_PYTHON").map(PathBuf::from).or_else(|| made.exists().then_some(made)).unwrap_or_else(|| "python3".into())
}

impl Mailbox {
    /// Another mail server, for a test that looks at every mail there is.
    #[expect(clippy::zombie_processes, reason = "it ends when our end of its pipe is gone")]
    pub(crate) fn start() -> Self {
        let mut sink = Command::new(python())
            .arg(repository().join("tests/tools/smtp_sink.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the mail server of the tests needs Python: run `make tools`");
        let lines = Lines::of(sink.stdout.take().unwrap());
        let port = lines.wait(0, |line| serde_json::from_str::<Value>(line).ok()?["listening"].as_u64());
        let port = port.expect("the mail server of the tests did not start; it needs aiosmtpd: run `make tools`");
        Self { port: port.try_into().unwrap(), lines, orders: Mutex::new(sink.stdin.take().unwrap()) }
    }

    /// The next line to come; what is older is not looked at by [`Self::after`].
    pub(crate) fn mark(&self) -> usize {
        self.lines.count()
    }

    /// Waits for the first mail to `address`.
    #[track_caller]
    pub(crate) fn wait_for(&self, address: &str) -> Mail {
        self.after(0, address)
    }

    /// Waits for the first mail to `address` since the mark.
    #[track_caller]
    pub(crate) fn after(&self, mark: usize, address: &str) -> Mail {
        self.with(mark, address, "")
    }

    /// Waits for the first mail to `address` since the mark whose text has these words.
    #[track_caller]
    pub(crate) fn with(&self, mark: usize, address: &str, words: &str) -> Mail {
        let found = self.lines.wait(mark, |line| {
            let mail = Mail::read(&serde_json::from_str(line).ok()?)?;
            (mail.is_for(address) && mail.body.contains(words)).then_some(mail)
        });
        found.unwrap_or_else(|| panic!("no mail for {address} came"))
    }

    /// Waits until this many mails to `address` have come since the mark. Whether more come is for [`Self::count`] to say, after something
    /// that would come behind them.
    #[track_caller]
    pub(crate) fn so_many(&self, mark: usize, address: &str, wanted: usize) {
        let mut come = 0;
        let found = self.lines.wait(mark, |line| {
            come +=
                usize::from(serde_json::from_str(line).ok().and_then(|line| Mail::read(&line)).is_some_and(|mail| mail.is_for(address)));
            (come == wanted).then_some(())
        });
        assert!(found.is_some(), "{come} mails for {address} came, not {wanted}");
    }

    /// Waits for the next mail to anybody, and moves the mark behind it.
    pub(crate) fn next(&self, mark: &mut usize) -> Option<Mail> {
        let mut next = *mark;
        let mail = self.lines.wait(*mark, |line| {
            next += 1;
            Mail::read(&serde_json::from_str(line).ok()?)
        });
        *mark = next;
        mail
    }

    /// Waits until the server has said so about an address: `refused`, `deferred` or `waiting`.
    #[track_caller]
    pub(crate) fn said(&self, mark: usize, word: &str, address: &str) {
        let found = self.lines.wait(mark, |line| {
            let value: Value = serde_json::from_str(line).ok()?;
            (value[word].as_str()? == address).then_some(())
        });
        assert!(found.is_some(), "the mail server was never asked about {address}");
    }

    /// Lets mails to a `defer-` or `slow-` address through from now on.
    pub(crate) fn admit(&self, address: &str) {
        writeln!(self.orders.lock().unwrap(), "admit {address}").unwrap();
    }

    /// How many mails to `address` have come since the mark, up to this moment. A mail that is sent in the background comes when it comes:
    /// wait for one that comes behind it, or for its delivery, before counting.
    pub(crate) fn count(&self, mark: usize, address: &str) -> usize {
        let text = self.lines.text();
        let mails = text.lines().skip(mark).filter_map(|line| Mail::read(&serde_json::from_str(line).ok()?));
        mails.filter(|mail| mail.is_for(address)).count()
    }
}
