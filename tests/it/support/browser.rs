//! A real Chromium, driven over its debugging pipe: no driver, no port, nothing to install but the browser.
//!
//! Easiest to get wrong: the pipe is the browser's life. It ends when the pipe does, so nothing is left behind however the tests end; the
//! profile's directory is the reaper's.

mod tab;

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::reaper;
pub(crate) use tab::Tab;

/// How long anything in the browser may take to become true.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);

/// Headless, and silent towards the rest of the world. Tabs in the background work like others.
const FLAGS: [&str; 21] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-breakpad",
    "--disable-crash-reporter",
    "--disable-extensions",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
    "--ignore-certificate-errors",
    // A foreign site of the tests may reach this machine: what stops it must be the server.
    "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests",
    "--proxy-server=direct://",
    "--lang=en",
    "--remote-debugging-pipe",
];

/// What the browser has said.
#[derive(Default)]
struct Inbox {
    answers: HashMap<u64, Value>,
    /// By the session of a tab.
    events: HashMap<String, Vec<Value>>,
    ended: bool,
}

/// The browser.
pub(crate) struct Browser {
    input: Mutex<ChildStdin>,
    next: AtomicU64,
    inbox: Arc<(Mutex<Inbox>, Condvar)>,
}

/// Somebody's browser: cookies, cache and history of its own. It is gone with its last tab.
#[derive(Clone)]
pub(crate) struct Profile(Arc<Context>);

struct Context(String);

/// The one browser of the test binary, started when the first test asks for it.
pub(crate) fn browser() -> &'static Browser {
    static BROWSER: LazyLock<Browser> = LazyLock::new(Browser::start);
    &BROWSER
}

/// Chromium: `VESTIBULE_CHROMIUM`, else by its usual names, first the one without windows, which takes half the time.
pub(crate) fn binary() -> PathBuf {
    named("VESTIBULE_CHROMIUM", &["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"])
        .expect("the tests in a browser need Chromium: run `make tools`, or set VESTIBULE_CHROMIUM")
}

/// Firefox, where there is one: `VESTIBULE_FIREFOX`, else by its usual names. Most tests need none.
pub(crate) fn firefox() -> Option<PathBuf> {
    named("VESTIBULE_FIREFOX", &["firefox-esr", "firefox"])
}

/// The program that a variable names, else the first that is found by one of these names.
fn named(variable: &str, names: &[&str]) -> Option<PathBuf> {
    if let Some(named) = std::env::var_os(variable) {
        return Some(named.into());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).flat_map(|place| names.iter().map(move |name| place.join(name))).find(|place| place.is_file())
}

impl Browser {
    #[expect(clippy::zombie_processes, reason = "it ends when our end of its pipe is gone")]
    fn start() -> Self {
        let home = tempfile::Builder::new().prefix("vestibule-browser-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap().keep();
        // It reads commands from descriptor 3 and answers on 4.
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1", "sh"])
            .arg(binary())
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", home.display()))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &home)
            .env("TMPDIR", &home)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        reaper::watch(child.id(), &home);
        let inbox: Arc<(Mutex<Inbox>, Condvar)> = Arc::default();
        let (output, kept) = (child.stdout.take().unwrap(), Arc::clone(&inbox));
        std::thread::spawn(move || listen(output, &kept));
        let browser = Self { input: Mutex::new(child.stdin.take().unwrap()), next: AtomicU64::new(1), inbox };
        let version = browser.call(None, "Browser.getVersion", json!({}));
        assert!(version.is_ok(), "Chromium did not start: {version:?}; run `make tools`");
        browser
    }

    /// A new profile.
    pub(crate) fn profile(&'static self) -> Profile {
        let made = self.must(None, "Target.createBrowserContext", json!({ "disposeOnDetach": true }));
        Profile(Arc::new(Context(made["browserContextId"].as_str().unwrap().to_owned())))
    }

    /// One command and its answer.
    fn call(&self, session: Option<&str>, method: &str, parameters: Value) -> Result<Value, String> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut message = json!({ "id": id, "method": method });
        message["params"] = parameters;
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        // A browser that has ended is noticed below.
        let _ = self.input.lock().unwrap().write_all(&bytes);
        let (mutex, condvar) = &*self.inbox;
        let waiting = |inbox: &mut Inbox| !inbox.ended && !inbox.answers.contains_key(&id);
        let (mut inbox, _) = condvar.wait_timeout_while(mutex.lock().unwrap(), PATIENCE * 2, waiting).unwrap();
        let answer = inbox.answers.remove(&id).ok_or_else(|| format!("the browser does not answer {method}"))?;
        match answer.get("error") {
            Some(error) => Err(format!("{method}: {}", error["message"].as_str().unwrap_or_default())),
            None => Ok(answer["result"].clone()),
        }
    }

    #[track_caller]
    fn must(&self, session: Option<&str>, method: &str, parameters: Value) -> Value {
        self.call(session, method, parameters).unwrap_or_else(|error| panic!("{error}"))
    }

    /// What was said in a tab so far.
    fn events(&self, session: &str) -> Vec<Value> {
        self.inbox.0.lock().unwrap().events.get(session).cloned().unwrap_or_default()
    }

    /// Waits until what was said in a tab is complete, and hands it out.
    fn complete_events(&self, session: &str, complete: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let (mutex, condvar) = &*self.inbox;
        let said = |inbox: &Inbox| inbox.events.get(session).cloned().unwrap_or_default();
        let waiting = |inbox: &mut Inbox| !inbox.ended && !complete(inbox.events.get(session).map(Vec::as_slice).unwrap_or_default());
        let (inbox, _) = condvar.wait_timeout_while(mutex.lock().unwrap(), PATIENCE, waiting).unwrap();
        said(&inbox)
    }

    /// Waits for something to be said in a tab, from `mark` on; `mark` moves behind it.
    fn event<T>(&self, session: &str, mark: &mut usize, mut find: impl FnMut(&Value) -> Option<T>) -> Option<T> {
        let (mutex, condvar) = &*self.inbox;
        let mut found = None;
        let waiting = |inbox: &mut Inbox| {
            let events = inbox.events.get(session).map(Vec::as_slice).unwrap_or_default();
            while let (None, Some(event)) = (&found, events.get(*mark)) {
                *mark += 1;
                found = find(event);
            }
            found.is_none() && !inbox.ended
        };
        drop(condvar.wait_timeout_while(mutex.lock().unwrap(), PATIENCE, waiting).unwrap());
        found
    }
}

/// Reads messages, each ended by a zero, until the pipe ends.
fn listen(output: impl Read, inbox: &(Mutex<Inbox>, Condvar)) {
    let mut reader = BufReader::new(output);
    let mut bytes = Vec::new();
    while matches!(reader.read_until(0, &mut bytes), Ok(read) if read > 0) {
        bytes.pop();
        if let Ok(message) = serde_json::from_slice::<Value>(&bytes) {
            let mut inbox = inbox.0.lock().unwrap();
            match (message["id"].as_u64(), message["sessionId"].as_str()) {
                (Some(id), _) => drop(inbox.answers.insert(id, message)),
                (None, Some(session)) => inbox.events.entry(session.to_owned()).or_default().push(message),
                (None, None) => {}
            }
        }
        inbox.1.notify_all();
        bytes.clear();
    }
    inbox.0.lock().unwrap().ended = true;
    inbox.1.notify_all();
}

impl Profile {
    /// A new tab, empty.
    pub(crate) fn tab(&self) -> Tab {
        Tab::new(browser(), self.clone())
    }

    /// A new tab on an address.
    #[track_caller]
    pub(crate) fn open(&self, url: &str) -> Tab {
        let tab = self.tab();
        tab.open(url);
        tab
    }

    /// The cookies a server would be sent.
    pub(crate) fn cookies(&self) -> Vec<Value> {
        let all = browser().must(None, "Storage.getCookies", json!({ "browserContextId": self.0.0 }));
        all["cookies"].as_array().cloned().unwrap_or_default()
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        let _ = browser().call(None, "Target.disposeBrowserContext", json!({ "browserContextId": self.0 }));
    }
}
