//! What the service manager is told, over the socket that it named in `NOTIFY_SOCKET` (`sd_notify(3)`).

use std::env;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::task::JoinHandle;

/// A start is given this much more time, again and again until it has ended: bringing tables up to date takes as long as it takes.
const STARTS_WITHIN: Duration = Duration::from_secs(30);
/// How often that is said.
const SAID_EVERY: Duration = Duration::from_secs(10);

/// The service manager, or nobody.
#[derive(Debug, Default)]
pub(crate) struct Manager {
    told: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
    stopping: AtomicBool,
}

impl Manager {
    /// That of this process. One that cannot be reached is said in the log and told nothing.
    pub(crate) fn of_process() -> Self {
        let Some(name) = env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else { return Self::default() };
        let watchdog = watchdog_of(env::var("WATCHDOG_USEC").ok().as_deref(), env::var("WATCHDOG_PID").ok().as_deref(), std::process::id());
        match reach(name.as_bytes()) {
            Ok(told) => Self { told: Some(told), watchdog, stopping: AtomicBool::new(false) },
            Err(error) => {
                tracing::warn!(%error, "the service manager cannot be told anything");
                Self::default()
            }
        }
    }

    /// One that listens at this path.
    #[cfg(test)]
    pub(super) fn at(path: &std::path::Path, watchdog: Option<Duration>) -> Self {
        Self { told: reach(path.as_os_str().as_bytes()).ok(), watchdog, ..Self::default() }
    }

    /// How long the service manager waits between two signs of life; `None` where it does not.
    pub(crate) fn watchdog(&self) -> Option<Duration> {
        self.watchdog.filter(|_| self.told.is_some())
    }

    /// Asks for more time until what is returned is gone.
    pub(crate) fn starting(self: &Arc<Self>) -> Starting {
        let manager = Arc::clone(self);
        let ask = move || manager.say(&format!("EXTEND_TIMEOUT_USEC={}\nSTATUS=starting", STARTS_WITHIN.as_micros()));
        ask();
        Starting(tokio::spawn(async move {
            loop {
                tokio::time::sleep(SAID_EVERY).await;
                ask();
            }
        }))
    }

    /// Requests are answered.
    pub(crate) fn ready(&self, status: &str) {
        // A reload that ends after the end has begun must not take it back.
        if !self.stopping.load(Ordering::Acquire) {
            self.say(&format!("READY=1\nSTATUS={status}"));
        }
    }

    /// Files are read again; [`Self::ready`] ends it.
    pub(crate) fn reloading(&self) {
        if !self.stopping.load(Ordering::Acquire) {
            let now = clock_gettime(ClockId::Monotonic);
            let microseconds = i128::from(now.tv_sec) * 1_000_000 + i128::from(now.tv_nsec) / 1000;
            self.say(&format!("RELOADING=1\nMONOTONIC_USEC={microseconds}\nSTATUS=reading the project again"));
        }
    }

    /// The server was told to stop, and has ended within `longest`.
    pub(crate) fn stopping(&self, longest: Duration) {
        self.stopping.store(true, Ordering::Release);
        self.say(&format!("STOPPING=1\nEXTEND_TIMEOUT_USEC={}\nSTATUS=finishing what is running", longest.as_micros()));
    }

    /// A sign of life.
    pub(crate) fn lives(&self) {
        self.say("WATCHDOG=1");
    }

    /// One line for whoever asks how the service is.
    pub(crate) fn status(&self, status: &str) {
        if !self.stopping.load(Ordering::Acquire) {
            self.say(&format!("STATUS={status}"));
        }
    }

    fn say(&self, text: &str) {
        let Some((socket, address)) = &self.told else { return };
        if let Err(error) = socket.send_to_addr(text.as_bytes(), address) {
            tracing::debug!(%error, "the service manager was not told '{text}'");
        }
    }
}

/// A start that is going on.
pub(crate) struct Starting(JoinHandle<()>);

impl Starting {
    /// Waits until no more time is asked for.
    pub(crate) async fn ended(mut self) {
        self.0.abort();
        let _ = (&mut self.0).await;
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The socket of that name, which begins with `@` where it is an abstract one.
fn reach(name: &[u8]) -> io::Result<(UnixDatagram, SocketAddr)> {
    let address = match name.strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None if name.starts_with(b"/") => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(name))?,
        None => return Err(io::Error::new(io::ErrorKind::Unsupported, "NOTIFY_SOCKET is neither a path nor an abstract name")),
    };
    let socket = UnixDatagram::unbound()?;
    // A service manager that does not read must not hold the server.
    socket.set_nonblocking(true)?;
    Ok((socket, address))
}

/// As `sd_watchdog_enabled(3)` reads it.
fn watchdog_of(microseconds: Option<&str>, process: Option<&str>, own: u32) -> Option<Duration> {
    let ours = process.is_none_or(|process| process.parse() == Ok(own));
    let microseconds = microseconds?.parse().ok().filter(|microseconds| ours && *microseconds > 0)?;
    Some(Duration::from_micros(microseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watchdog_is_ours_when_it_has_a_time_and_not_another_process() {
        let second = Some(Duration::from_secs(1));
        assert_eq!(watchdog_of(Some("1000000"), None, 7), second);
        assert_eq!(watchdog_of(Some("1000000"), Some("7"), 7), second);
        for (microseconds, process) in
            [(Some("1000000"), Some("8")), (Some("0"), None), (Some("-1"), None), (Some("x"), None), (None, Some("7"))]
        {
            assert_eq!(watchdog_of(microseconds, process, 7), None, "{microseconds:?} {process:?}");
        }
    }

    #[test]
    fn both_kinds_of_names_are_reached() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("notify");
        let file = UnixDatagram::bind(&path).unwrap();
        let hidden = format!("vestibule-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&hidden).unwrap();
        let hidden_one = UnixDatagram::bind_addr(&address).unwrap();
        for (socket, name) in [(file, path.into_os_string()), (hidden_one, format!("@{hidden}").into())] {
            let manager = Manager { told: Some(reach(name.as_bytes()).unwrap()), ..Manager::default() };
            manager.ready("well");
            let mut bytes = [0; 64];
            let length = socket.recv(&mut bytes).unwrap();
            assert_eq!(&bytes[..length], b"READY=1\nSTATUS=well");
        }
        assert!(reach(b"vsock:2:1234").is_err(), "refused, and said");
    }

    #[test]
    fn a_reload_that_ends_after_the_end_has_begun_does_not_take_it_back() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_nonblocking(true).unwrap();
        let manager = Manager { told: Some(reach(path.as_os_str().as_bytes()).unwrap()), ..Manager::default() };
        manager.stopping(Duration::from_secs(1));
        manager.ready("well");
        manager.reloading();
        let mut bytes = [0; 128];
        let length = socket.recv(&mut bytes).unwrap();
        assert_eq!(&bytes[..length], b"STOPPING=1\nEXTEND_TIMEOUT_USEC=1000000\nSTATUS=finishing what is running");
        assert!(socket.recv(&mut bytes).is_err(), "nothing else is said");
    }
}
