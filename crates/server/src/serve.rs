//! Start, run, reload, stop.

mod app;
mod listening;
mod reload;
mod server;
mod stopping;
mod sweep;

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crest::{Random, random_bytes};
use project::{Diagnostic, Severity};
use tokio::sync::{mpsc, watch};

use self::listening::{figures_listener, listen};
use self::reload::Changes;
use self::server::Server;
use self::stopping::drained;
use crate::acme::Orders;
use crate::data_lock::DataLock;
use crate::exposed;
use crate::keys::KeyFileError;
use crate::listener::{self, Certificate, CertificateError, Room};
use crate::ports::Collector;
use crate::processes::ProcessStatus;
use crate::project_directory::{self, NoProject};
use crate::service::{Inherited, Manager};
use crate::spans::Sending;
use crate::watch as files;

/// What `vestibule serve` was told.
#[derive(Debug)]
pub struct Options {
    /// The project's directory; none for the embedded one.
    pub project: Option<PathBuf>,
    /// Where to listen; none for what `vestibule.toml` says, else `127.0.0.1:8080`.
    pub listen: Option<SocketAddr>,
    /// Sockets that a service manager listens on already; they are served in the place of any address.
    pub inherited: Inherited,
    /// Where the store, the keys and the audit trail are kept.
    pub data: PathBuf,
    /// Take the keys that are there, or new ones, although the store was sealed with others.
    pub new_keys: bool,
}

/// What `vestibule serve` is told while it runs.
#[derive(Debug)]
pub struct Signals {
    /// Becomes true when the server is to stop, and says so again when it is to hurry.
    pub stop: watch::Receiver<bool>,
    /// The project is to be read again, whatever became of its files. Nothing is said when the sender is gone.
    pub reread: mpsc::Receiver<()>,
}

/// Why the server does not start, or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// There is no project to serve.
    #[error(transparent)]
    NoProject(#[from] NoProject),
    /// A file that says what protects people's data cannot be read.
    #[error("{}", unreadable(.0))]
    Unreadable(Box<Diagnostic>),
    /// Another server uses the data, or it cannot be told.
    #[error("{0}")]
    Locked(String),
    /// The data directory cannot be used.
    #[error("the data directory '{}' cannot be used: {error}", path.display())]
    Data {
        /// Which path.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// Which address.
        address: SocketAddr,
        /// What the system says.
        error: io::Error,
    },
    /// There are two answers to the question where to listen.
    #[error("--listen names an address, and the service manager hands over a socket: leave one of them away")]
    ListenTwice,
    /// The figures are to be served at two places.
    #[error("[metrics] listen names an address, and the service manager hands over a socket named 'metrics': leave one of them away")]
    FiguresTwice,
    /// The certificate of `[tls]` cannot be used.
    #[error(transparent)]
    Certificate(Box<dyn std::error::Error + Send + Sync>),
    /// The keys cannot be used.
    #[error(transparent)]
    Keys(#[from] KeyFileError),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] store::OpenError),
    /// The store does not answer.
    #[error(transparent)]
    Ledger(#[from] process::LedgerError),
    /// No TLS, no metrics, no thread.
    #[error("{0}")]
    SetUp(String),
}

impl From<CertificateError> for ServeError {
    fn from(error: CertificateError) -> Self {
        Self::Certificate(Box::new(error))
    }
}

/// What the command line prints when the server is up.
#[derive(Clone, Debug)]
pub struct Started {
    /// Where the server listens; the port is the real one, also when 0 was asked for.
    pub address: SocketAddr,
    /// Whether TLS is spoken there.
    pub https: bool,
    /// Nobody said where to listen: it is this machine, under the name `localhost` too.
    pub local: bool,
    /// Our own pages are served.
    pub pages: bool,
    /// The administrator's name.
    pub administrator: String,
    /// The administrator's password, if it was made just now; it is not shown again.
    pub password: Option<String>,
    /// The processes of the project, by name, and what becomes of each.
    pub processes: Vec<ProcessStatus>,
    /// What is wrong with the project, or worth knowing.
    pub diagnostics: Vec<Diagnostic>,
    /// Where kept mails are shown, with the secret that opens the page: a path below the server's address. `None` where mails are sent.
    pub mail_page: Option<String>,
}

/// Serves until `signals.stop` becomes true, then for `drain_seconds` or until it is said once more, then finishes what is running.
///
/// # Errors
/// [`ServeError`].
pub async fn serve(mut options: Options, started: impl FnOnce(Started), signals: Signals) -> Result<(), ServeError> {
    let Signals { stop, reread } = signals;
    let manager = Arc::new(Manager::of_process());
    let starting = manager.starting();
    let inherited = std::mem::take(&mut options.inherited);
    let source = project_directory::open(options.project.as_deref())?;
    make_private_directory(&options.data).map_err(|error| ServeError::Data { path: options.data.clone(), error })?;
    let project = source.read(options.listen);
    readable(&project)?;
    let settings = project.settings;
    // Held to the end, beyond the store's own.
    let _lock = lock(&settings, &options.data)?;
    let certificate = settings.tls.as_ref().map(|tls| Certificate::open(source.root(), tls)).transpose()?;
    let listening = listen(options.listen, &settings, inherited.listeners).await?;
    let address = listening.address;
    // Watched before it is read: a file that is changed in between is read again.
    let watched = source.root().and_then(|root| match files::watch(root) {
        Ok(watched) => Some(watched),
        Err(error) => {
            tracing::warn!(%error, "the project is not watched; changes need a restart");
            None
        }
    });
    let mut server = Server::set_up(&options, &source, address, Arc::clone(&manager)).await?;
    let settings = server.app.accounts.runtime.load().project.settings.clone();
    let spans = sending(&settings.tracing, server.parts.random.as_ref());
    let figures = figures_listener(settings.metrics.listen, inherited.figures).await?;
    let stop = drained(stop, Arc::clone(&server.health), Arc::clone(&server.app.accounts), Arc::clone(&manager));
    // Whoever is still served is served whole: what runs beside requests ends with them.
    let mut tasks = server.tasks(&source, address, Changes { watched, reread }, &stop.closes);
    let room = Room::of(&settings.limits);
    if let Some(listener) = figures {
        let (served, room, until) = (server.served(), room.clone(), stop.clone());
        tasks.others.push(tokio::spawn(async move {
            if let Err(error) = listener::serve_figures(listener, &served, room, until).await {
                tracing::error!(%error, "the figures are no longer served");
            }
        }));
    }
    if let Some(certificate) = certificate.as_ref().filter(|certificate| certificate.is_ordered()) {
        let orders = Orders::new(server.needs_of_orders(), Arc::clone(certificate));
        orders.begin().await;
        tasks.others.push(tokio::spawn(orders.run(Arc::clone(&server.app.accounts), stop.closes.clone())));
    } else if let Some(certificate) = &certificate {
        let accounts = Arc::clone(&server.app.accounts);
        tasks.others.push(tokio::spawn(Arc::clone(certificate).keep_up(accounts, stop.closes.clone())));
    } else {
        exposed::tell(address, settings.trusted_proxies.len());
    }
    if let Some(shared) = &server.shared {
        shared.catch_up().await;
    }
    server.health.set_serving(true);
    started(Started { local: listening.unasked, ..server.started(address, certificate.is_some(), &source) });
    // Its last word must not come after ours.
    starting.ended().await;
    manager.ready(&server.app.status());
    tasks.others.push(tokio::spawn(server.app.clone().signs_of_life()));
    let outcome = listening.serve(&server, &room, certificate.as_ref(), &stop).await;
    tasks.finish().await;
    server.close().await;
    if let Some(spans) = spans {
        spans.finish().await;
    }
    outcome
}

/// Begins to send spans, where a collector is named. One that cannot be used keeps nobody from being served.
fn sending(settings: &project::Tracing, random: &dyn Random) -> Option<Sending> {
    let collector = Collector::new(settings.otlp.as_deref()?, &settings.headers);
    match collector {
        Ok(collector) => Some(Sending::begin(collector, settings.sample, format!("{:016x}", u64::from_be_bytes(random_bytes(random))))),
        Err(error) => {
            tracing::error!("no spans are sent: {error}");
            None
        }
    }
}

/// Refuses a project of which nobody knows what protects people's data.
///
/// # Errors
/// [`ServeError::Unreadable`].
pub(crate) fn readable(project: &project::Project) -> Result<(), ServeError> {
    project::unreadable(&project.diagnostics).map_or(Ok(()), |found| Err(ServeError::Unreadable(Box::new(found.clone()))))
}

/// The sentence for a project with a file that cannot be read.
pub(crate) fn unreadable(found: &Diagnostic) -> String {
    let place = found.location.position.map(|at| format!(":{}:{}", at.line, at.column)).unwrap_or_default();
    // A parser's message may have lines of its own.
    let message = found.message.split_whitespace().collect::<Vec<_>>().join(" ");
    format!("{}{place}: {message}: what it protects is not known, so nothing is done", found.location.file)
}

/// Writes a finding to the log, as loud as it is bad.
pub(crate) fn report(diagnostic: &Diagnostic) {
    match diagnostic.severity {
        Severity::Error => tracing::error!("{diagnostic}"),
        Severity::Warning => tracing::warn!("{diagnostic}"),
        Severity::Hint => tracing::debug!("{diagnostic}"),
    }
}

/// Takes the data directory for this server, and the store where that is a file.
fn lock(settings: &project::Settings, data: &Path) -> Result<DataLock, ServeError> {
    let file = store::Db::file(&store_url(settings, data));
    DataLock::take(data, file.as_deref()).map_err(|error| ServeError::Locked(error.to_string()))
}

pub(crate) fn store_url(settings: &project::Settings, data: &Path) -> String {
    settings.store_url.clone().unwrap_or_else(|| format!("sqlite:{}", data.join("vestibule.db").display()))
}

pub(crate) fn make_private_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
