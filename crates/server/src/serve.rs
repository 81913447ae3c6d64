//! Start, run, reload, stop. The order at the end matters: requests first, then the pass of the outbox they filled, then the audit
//! trail, then the store.

mod reload;

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use accounts::{Accepted, Accounts, Limits, MailBudgets, Runtime, Turns};
use arc_swap::ArcSwap;
use crest::{Clock, Random};
use identity::secret::Hasher;
use mail::Courier;
use process::{Ledger, Outbox, Sessions};
use project::{Diagnostic, Severity};
use store::{Collections, Db};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

use self::reload::{Asked, Changes, Reload};
use crate::administrator;
use crate::audit::{Audit, Noted};
use crate::client_build::Kept;
use crate::config_files::ConfigFiles;
use crate::data_lock::DataLock;
use crate::definitions::{self, KeptDefinitions};
use crate::exposed;
use crate::keys::{self, KeyFileError};
use crate::listener::{self, Certificate, CertificateError, Room, Served, Stop};
use crate::mail::{MailSecret, transport};
use crate::metrics::{self, Metrics};
use crate::nodes::{Nodes, Others};
use crate::ports::{
    CourierDelivery, CourierDoor, HashPool, HttpAutoLogin, HttpCaptcha, HttpProviders, HttpStages, OsRandom, StoreHealth, SystemClock,
    WholeTrail,
};
use crate::processes::{self, ProcessState, ProcessStatus};
use crate::project_directory::{self, NoProject};
use crate::reread::{self, Read};
use crate::runtime::{Material, Parts, Source};
use crate::sealed::{MailSeal, PropertySeal};
use crate::service::{self, Alive, Inherited, Manager};
use crate::shared_config::SharedConfig;
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

/// How often expired rows are swept.
const SWEEP: Duration = Duration::from_mins(1);
/// The last pass over the outbox may take this long.
const LAST_PASS: Duration = Duration::from_secs(20);
/// The audit trail and the store are closed within this time.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);
/// Delivered mails are kept this long, in seconds.
const KEEP_DELIVERED: i64 = 7 * 24 * 3600;

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
    let mut starting = manager.starting();
    let outcome = serve_for(&manager, &mut starting, &mut options, started, stop, reread).await;
    starting.abort();
    outcome
}

async fn serve_for(
    manager: &Arc<Manager>,
    starting: &mut tokio::task::JoinHandle<()>,
    options: &mut Options,
    started: impl FnOnce(Started),
    stop: watch::Receiver<bool>,
    reread: mpsc::Receiver<()>,
) -> Result<(), ServeError> {
    let Inherited { listeners, figures } = std::mem::take(&mut options.inherited);
    let options = &*options;
    let source = project_directory::open(options.project.as_deref())?;
    make_private_directory(&options.data).map_err(|error| ServeError::Data { path: options.data.clone(), error })?;
    let settings = source.read(options.listen).settings;
    // Held to the end, beyond the store's own.
    let _lock = lock(&settings, &options.data)?;
    let certificate = settings.tls.as_ref().map(|tls| Certificate::open(source.root(), tls)).transpose()?;
    let Listening { address, first: listener, others, unasked } = listen(options.listen, &settings, listeners).await?;
    // Watched before it is read: a file that is changed in between is read again.
    let watched = source.root().and_then(|root| match files::watch(root) {
        Ok(watched) => Some(watched),
        Err(error) => {
            tracing::warn!(%error, "the project is not watched; changes need a restart");
            None
        }
    });
    let mut server = Server::set_up(options, &source, address, Arc::clone(manager)).await?;
    let figures = figures_listener(&server, figures).await?;
    let mut tasks = server.tasks(&source, address, Changes { watched, reread }, &stop);
    let room = Room::of(&server.app.accounts.runtime.load().project.settings.limits);
    let stop = drained(stop, Arc::clone(&server.health), Arc::clone(&server.app.accounts), Arc::clone(manager));
    if let Some(listener) = figures {
        let (served, room, until) = (server.served(), room.clone(), stop.clone());
        tasks.others.push(tokio::spawn(async move {
            if let Err(error) = listener::serve_figures(listener, &served, room, until).await {
                tracing::error!(%error, "the figures are no longer served");
            }
        }));
    }
    if let Some(certificate) = &certificate {
        let accounts = Arc::clone(&server.app.accounts);
        tasks.others.push(tokio::spawn(Arc::clone(certificate).keep_up(accounts, stop.told.clone())));
    } else {
        exposed::tell(address, server.app.accounts.runtime.load().project.settings.trusted_proxies.len());
    }
    if let Some(shared) = &server.shared {
        shared.catch_up().await;
    }
    for listener in others {
        let (served, room, certificate, until) = (server.served(), room.clone(), certificate.clone(), stop.clone());
        tasks.others.push(tokio::spawn(async move {
            if let Err(error) = listener::serve(listener, served, room, certificate, until).await {
                tracing::error!(%error, "one of the addresses is no longer served");
            }
        }));
    }
    server.health.set_serving(true);
    started(Started { local: unasked, ..server.started(address, certificate.is_some(), &source) });
    starting.abort();
    // Its last word must not come after ours.
    let _ = starting.await;
    manager.ready(&server.app.status());
    tasks.others.push(tokio::spawn(server.app.clone().signs_of_life()));
    let outcome = listener::serve(listener, server.served(), room, certificate, stop).await;
    tasks.finish().await;
    server.close().await;
    outcome.map_err(|error| ServeError::Listen { address, error })
}

/// From when it is told to stop until it takes no more connections a server has `drain_seconds`, in which it is not ready.
fn drained(mut told: watch::Receiver<bool>, health: Arc<StoreHealth>, accounts: Arc<Accounts>, manager: Arc<Manager>) -> Stop {
    let (close, closes) = watch::channel(false);
    let stop = Stop { told: told.clone(), closes };
    tokio::spawn(async move {
        // Whoever could tell it is gone: that is the end as well.
        let _ = told.wait_for(|told| *told).await;
        health.set_serving(false);
        let drain = Duration::from_secs(accounts.runtime.load().project.settings.limits.drain_seconds.into());
        manager.stopping(drain + listener::FINISH_WITHIN + LAST_PASS + CLOSE_WITHIN);
        tokio::select! {
            () = tokio::time::sleep(drain) => {}
            // Told a second time.
            _ = told.changed() => {}
        }
        let _ = close.send(true);
    });
    stop
}

/// Where requests come in.
struct Listening {
    /// The address of the first listener.
    address: SocketAddr,
    first: TcpListener,
    /// Further addresses that are served alike.
    others: Vec<TcpListener>,
    /// Nobody said where to listen.
    unasked: bool,
}

/// Listens where the service manager does already, else where it was said, else on this machine.
async fn listen(
    asked: Option<SocketAddr>,
    settings: &project::Settings,
    inherited: Vec<std::net::TcpListener>,
) -> Result<Listening, ServeError> {
    let address = settings.listen_at(asked);
    let failed = |error| ServeError::Listen { address, error };
    let mut inherited = inherited.into_iter();
    let Some(first) = inherited.next() else {
        let first = TcpListener::bind(address).await.map_err(failed)?;
        let address = first.local_addr().map_err(failed)?;
        let unasked = asked.is_none() && settings.listen.is_none();
        let others = if unasked { other_loopback(address).await } else { None };
        return Ok(Listening { address, first, others: others.into_iter().collect(), unasked });
    };
    if asked.is_some() {
        return Err(ServeError::ListenTwice);
    }
    let first = TcpListener::from_std(first).map_err(failed)?;
    let others = inherited.map(TcpListener::from_std).collect::<io::Result<_>>().map_err(failed)?;
    let address = first.local_addr().map_err(failed)?;
    if settings.listen.is_some() {
        tracing::info!(%address, "the service manager says where to listen, and not [server] listen");
    }
    Ok(Listening { address, first, others, unasked: false })
}

/// `localhost` is both loopback addresses, and a browser may take either. A machine without the second one has the first.
async fn other_loopback(address: SocketAddr) -> Option<TcpListener> {
    let other = SocketAddr::new(std::net::Ipv6Addr::LOCALHOST.into(), address.port());
    let bound = TcpListener::bind(other).await;
    if let Err(error) = &bound {
        tracing::debug!(%other, %error, "only one of the two loopback addresses is listened on");
    }
    bound.ok()
}

/// The listener of `[metrics] listen`, or the one that the service manager has for it.
async fn figures_listener(server: &Server, inherited: Option<std::net::TcpListener>) -> Result<Option<TcpListener>, ServeError> {
    let named = server.app.accounts.runtime.load().project.settings.metrics.listen;
    let (listener, address) = match (inherited, named) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => return Err(ServeError::FiguresTwice),
        (None, Some(address)) => (TcpListener::bind(address).await, address),
        (Some(inherited), None) => (TcpListener::from_std(inherited), SocketAddr::from(([0, 0, 0, 0], 0))),
    };
    let listener = listener.map_err(|error| ServeError::Listen { address, error })?;
    let address = listener.local_addr().unwrap_or(address);
    tracing::info!(%address, "figures are served at /metrics without credentials");
    Ok(Some(listener))
}

/// What a reload and the sweep work on.
#[derive(Clone)]
struct App {
    accounts: Arc<Accounts>,
    definitions: Arc<KeptDefinitions>,
    db: Db,
    courier: Arc<Courier>,
    metrics: Metrics,
    audit: Audit,
    budget: Arc<MailBudgets>,
    build: Arc<Kept>,
    nodes: Arc<Nodes>,
    manager: Arc<Manager>,
}

impl App {
    /// One line for whoever asks the service manager.
    fn status(&self) -> String {
        let statuses = processes::statuses(&self.accounts.runtime.load());
        let count = |state| statuses.iter().filter(|process| process.state == state).count();
        let (served, broken) = (count(ProcessState::Served), count(ProcessState::Broken));
        let broken = if broken == 0 { String::new() } else { format!(", {broken} broken and not served (see the log)") };
        format!("serving, processes: {served}{broken}")
    }

    /// Tells the service manager that the server lives, as long as tasks are run and the store gives an answer, of whichever kind.
    async fn signs_of_life(self) {
        let (db, accounts) = (self.db.clone(), Arc::clone(&self.accounts));
        let look = move || {
            let (db, now) = (db.clone(), accounts.now());
            async move { if db.can_write(now).await.is_ok() { Alive::Well } else { Alive::WithoutStore } }
        };
        let status = |found| match found {
            Alive::Well => self.status(),
            Alive::WithoutStore => "the store cannot be written to: requests are answered with 503".to_owned(),
        };
        service::watch(Arc::clone(&self.manager), look, status).await;
    }

    /// Takes this node's share of limits.
    fn share_limits(&self, limits: &project::Limits) {
        let share = self.nodes.share(limits);
        self.accounts.limits.set(&share);
        self.budget.set(&share);
    }
}

struct Server {
    app: App,
    rest: Arc<rest::App>,
    health: Arc<StoreHealth>,
    parts: Parts,
    password: Option<String>,
    mail_secret: MailSecret,
    pages: Arc<pages::Pages>,
    writer: crate::audit::AuditWriter,
    audit: Audit,
    reload: Option<(Asked, Read)>,
    shared: Option<Arc<SharedConfig>>,
}

struct Tasks {
    courier: tokio::task::JoinHandle<()>,
    /// Told after the last request has been answered, because that one may have filled the outbox.
    stop_courier: watch::Sender<bool>,
    others: Vec<tokio::task::JoinHandle<()>>,
}

impl Server {
    async fn set_up(options: &Options, source: &Source, listen: SocketAddr, manager: Arc<Manager>) -> Result<Self, ServeError> {
        let set_up = |error: &dyn std::fmt::Display| ServeError::SetUp(error.to_string());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let random: Arc<dyn Random> = Arc::new(OsRandom::new());
        let (project, read) = reread::read(source, listen);
        let limits = project.settings.limits.clone();
        let url = store_url(&project.settings, &options.data);
        let key_document = keys::document(&options.data, &project.settings.keys, source.root());
        let others = || ServeError::from(KeyFileError::OfAnotherStore { keys: key_document.clone(), store: store::name_of(&url) });
        if !options.new_keys && !key_document.exists() && is_sealed(&url).await? {
            return Err(others());
        }
        let keys = Arc::new(keys::open(&options.data, &project.settings.keys, source.root())?);
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let pool = Arc::new(HashPool::new(cores, limits.hash_queue as usize, Arc::clone(&random), project.settings.hashing));
        let hasher: Arc<dyn Hasher> = Arc::clone(&pool) as Arc<dyn Hasher>;
        let data_error = |error| ServeError::Data { path: options.data.clone(), error };
        let opened = administrator::open(&options.data, &project.authentication, hasher.as_ref(), random.as_ref()).await;
        let (administrator, password) = opened.map_err(data_error)?;
        let audit_settings = project.settings.audit;
        let material = Material::compile(source, project);
        let db = open_store(&url, &material).await?;
        let marks = keys::marks(&keys);
        let sealed_by = db.sealed_by().await?;
        if !options.new_keys && sealed_by.as_ref().is_some_and(|mark| !marks.contains(mark)) {
            return Err(others());
        }
        if let Some(newest) = marks.into_iter().next().filter(|newest| sealed_by.as_ref() != Some(newest)) {
            db.seal_by(newest).await?;
        }
        db.keep_audit(audit_settings.enabled);
        db.seal_mails(Arc::new(MailSeal(Arc::clone(&keys))));
        db.seal_values(Arc::new(PropertySeal(Arc::clone(&keys)))).await.map_err(|error| set_up(&error))?;
        let nodes = Arc::new(Nodes::new(random.as_ref()));
        nodes.look(&db, clock.unix_seconds()).await;
        let budget = Arc::new(MailBudgets::new(&nodes.share(&limits), metrics::over_budget));
        let door = Arc::new(CourierDoor::default());
        let parts = Parts {
            objects: Arc::new(db.clone()),
            ledger: Arc::new(db.clone()),
            hasher: Arc::clone(&hasher),
            captcha: Arc::new(HttpCaptcha::new().map_err(|error| set_up(&error))?),
            providers: Arc::new(HttpProviders::new().map_err(|error| set_up(&error))?),
            keys: Arc::clone(&keys),
            clock: Arc::clone(&clock),
            random: Arc::clone(&random),
            remote: Arc::new(HttpStages::new().map_err(|error| set_up(&error))?),
            sandbox: Arc::new(script::Sandbox::new(script::Limits::default())),
            budget: Arc::clone(&budget) as Arc<dyn stages::MailBudget>,
            door: Arc::clone(&door) as Arc<dyn stages::MailDoor>,
            auto_login: Arc::new(HttpAutoLogin::new().map_err(|error| set_up(&error))?),
        };
        let collections = material.collections();
        let kept = definitions::last_good(parts.ledger.as_ref(), &keys, &material.broken()).await?;
        let mut runtime = material.join(source, &parts, &kept);
        declare(&db, &collections, &mut runtime).await;
        let transport = transport(source, &runtime);
        let outbox: Arc<dyn Outbox> = Arc::new(db.clone());
        let courier = Courier::new(Arc::clone(&outbox), transport, Arc::clone(&clock));
        door.open(&courier);
        db.hand_mails_to(Some(Arc::clone(&courier) as Arc<dyn process::Handover>));
        let (audit, writer) = Audit::open(&options.data.join("audit"), audit_settings.enabled).map_err(data_error)?;
        let handle = metrics::install().map_err(|error| set_up(&error))?;
        let metrics = Metrics::new(handle, pool, Arc::clone(&courier), audit.clone());
        let runtime = Arc::new(ArcSwap::from_pointee(runtime));
        let definitions = Arc::new(KeptDefinitions::new(Arc::clone(&runtime), Arc::clone(&parts.ledger), Arc::clone(&keys)));
        definitions.keep(&runtime.load()).await?;
        let (reloads, asked) = tokio::sync::mpsc::channel(1);
        let shared = SharedConfig::of(&db, &keys, &clock, source, &reloads);
        let files = ConfigFiles::new(Arc::clone(&runtime), source.clone(), listen, reloads, shared.clone());
        let accounts = Arc::new(Accounts {
            runtime,
            definitions: Arc::clone(&definitions) as Arc<dyn process::Definitions<stages::Services>>,
            ledger: Arc::clone(&parts.ledger),
            sessions: Arc::new(db.clone()),
            hasher,
            keys,
            clock,
            trail: Arc::new(audit.clone()),
            meter: Arc::new(metrics.clone()),
            delivery: Arc::new(CourierDelivery(Arc::clone(&courier))),
            turns: Turns::default(),
            accepted: Accepted::new(random.as_ref()),
            random,
            limits: Limits::new(&nodes.share(&limits)),
            administrator,
        });
        let health = Arc::new(StoreHealth::new(db.clone(), Arc::clone(&parts.clock)));
        let rest = Arc::new(rest::App {
            accounts: Arc::clone(&accounts),
            outbox,
            files: Arc::new(files),
            audit: Arc::new(WholeTrail { db: db.clone(), audit: audit.clone() }),
            health: Arc::clone(&health) as Arc<dyn rest::ports::Health>,
            others: Arc::new(Others { db: db.clone(), clock: Arc::clone(&parts.clock) }),
            unbelieved: rest::Unbelieved::default(),
        });
        let mail_secret = MailSecret::new(parts.random.as_ref());
        let pages = Arc::new(pages::Pages::new(Arc::clone(&accounts)));
        let app = App { accounts, definitions, db, courier, metrics, audit: audit.clone(), budget, build: Arc::default(), nodes, manager };
        Ok(Self { app, rest, health, parts, password, mail_secret, pages, writer, audit, reload: Some((asked, read)), shared })
    }

    fn served(&self) -> Served {
        Served {
            rest: Arc::clone(&self.rest),
            metrics: self.app.metrics.clone(),
            courier: Arc::clone(&self.app.courier),
            mail_secret: self.mail_secret.clone(),
            build: Arc::clone(&self.app.build),
            pages: Arc::clone(&self.pages),
        }
    }

    fn started(&self, address: SocketAddr, https: bool, source: &Source) -> Started {
        let runtime = self.app.accounts.runtime.load();
        Started {
            address,
            https,
            local: false,
            pages: runtime.project.settings.pages.builtin,
            administrator: runtime.project.authentication.admin.username.clone(),
            password: self.password.clone(),
            processes: processes::statuses(&runtime),
            diagnostics: runtime.diagnostics.clone(),
            mail_page: (matches!(source, Source::Embedded) && self.app.courier.transport().keeps()).then(|| self.mail_secret.path()),
        }
    }

    fn tasks(&mut self, source: &Source, listen: SocketAddr, changes: Changes, stop: &watch::Receiver<bool>) -> Tasks {
        let (stop_courier, stopped) = watch::channel(false);
        // The lock of the data directory says that nobody else empties this outbox.
        let courier = tokio::spawn(Arc::clone(&self.app.courier).run(true, stopped));
        let mut others = vec![tokio::spawn(sweep(self.app.clone(), stop.clone()))];
        if let Some((asked, read)) = self.reload.take() {
            let reload = Reload { app: self.app.clone(), parts: self.parts.clone(), source: source.clone(), listen, judged: read };
            others.push(tokio::spawn(reload.run(changes, asked, stop.clone())));
        }
        if let Some(shared) = &self.shared {
            others.push(tokio::spawn(Arc::clone(shared).follow(stop.clone())));
        }
        if self.app.db.is_shared() {
            let (db, accounts) = (self.app.db.clone(), Arc::clone(&self.app.accounts));
            others.push(tokio::spawn(Arc::clone(&self.app.nodes).follow(db, accounts, stop.clone())));
        }
        Tasks { courier, stop_courier, others }
    }

    async fn close(self) {
        let Self { app, rest, health, parts, pages, writer, audit, shared, .. } = self;
        let db = app.db.clone();
        app.nodes.leave(&db).await;
        // Each of the two knows the other.
        db.hand_mails_to(None);
        drop((app, rest, pages, health, parts, audit, shared));
        // The last of the senders may still be in a connection that is closing; the writer ends when all are gone.
        let finished = tokio::task::spawn_blocking(move || writer.finish());
        if tokio::time::timeout(CLOSE_WITHIN, finished).await.is_err() {
            tracing::warn!("the audit trail was not finished in time");
        }
        if let Err(error) = db.close().await {
            tracing::warn!(%error, "the store was not closed cleanly; it recovers at the next start");
        }
    }
}

impl Tasks {
    async fn finish(self) {
        // The courier going first has logged why.
        let _ = self.stop_courier.send(true);
        match tokio::time::timeout(LAST_PASS, self.courier).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the outbox was not finished"),
            Err(_) => tracing::warn!("a mail server is slow; what is left is sent after the next start"),
        }
        for task in self.others {
            task.abort();
            // An aborted task is what we asked for; one that failed before has logged it.
            let _ = task.await;
        }
    }
}

/// Writes a finding to the log, as loud as it is bad.
pub(crate) fn report(diagnostic: &Diagnostic) {
    match diagnostic.severity {
        Severity::Error => tracing::error!("{diagnostic}"),
        Severity::Warning => tracing::warn!("{diagnostic}"),
        Severity::Hint => tracing::debug!("{diagnostic}"),
    }
}

/// Whether keys are missing that the store was sealed with.
async fn is_sealed(url: &str) -> Result<bool, ServeError> {
    let url = url.to_owned();
    let looked = tokio::task::spawn_blocking(move || store::is_sealed(&url)).await;
    Ok(looked.map_err(|error| ServeError::SetUp(error.to_string()))??)
}

/// Opens the store; what is to be unique is unique before the first request.
async fn open_store(url: &str, material: &Material) -> Result<Db, store::OpenError> {
    Db::open(url, material.collections()).await
}

/// Declares what the project looks up, and reports what stored objects contradict.
async fn declare(db: &Db, collections: &Collections, runtime: &mut Runtime) {
    let findings = match db.declare(collections).await {
        Ok(doubled) => doubled.iter().map(ToString::to_string).collect(),
        Err(error) => vec![error.to_string()],
    };
    for finding in findings {
        let location = project::Location::file("conf/managed.json");
        runtime.diagnostics.push(Diagnostic::new(Severity::Error, "store-unique", location, finding));
    }
}

/// Takes the data directory for this server, and the store where the project puts it elsewhere.
fn lock(settings: &project::Settings, data: &Path) -> Result<DataLock, ServeError> {
    let elsewhere = settings.store_url.as_deref().and_then(store::Db::file);
    DataLock::take(data, elsewhere.as_deref()).map_err(|error| ServeError::Locked(error.to_string()))
}

pub(crate) fn store_url(settings: &project::Settings, data: &Path) -> String {
    settings.store_url.clone().unwrap_or_else(|| format!("sqlite:{}", data.join("vestibule.db").display()))
}

async fn sweep(app: App, mut stop: watch::Receiver<bool>) {
    let mut noted = Noted::default();
    loop {
        let dwell = app.accounts.runtime.load().project.jsonstore.cleanup_dwell;
        tokio::select! {
            () = tokio::time::sleep(dwell.min(SWEEP)) => {}
            _ = stop.changed() => return,
        }
        let now = app.accounts.now();
        if app.nodes.look(&app.db, now).await {
            app.share_limits(&app.accounts.runtime.load().project.settings.limits);
        }
        let idle = i64::try_from(app.accounts.runtime.load().project.authentication.session.idle.as_secs()).unwrap_or(i64::MAX);
        let swept = async {
            Ledger::sweep(&app.db, now).await?;
            if let Some(days) = app.accounts.runtime.load().project.settings.audit.retain_days {
                let before = now.saturating_sub(i64::from(days) * 24 * 3600);
                let forgotten = app.db.forget_audit(before).await?;
                if forgotten > 0 {
                    tracing::info!(audit.events = forgotten, "events of the store that are older than [audit] retain_days were removed");
                }
                app.audit.forget(before);
            }
            app.db.forget_delivered(now.saturating_sub(KEEP_DELIVERED)).await
        };
        if let Err(error) = swept.await {
            tracing::warn!(%error, "expired rows could not be swept");
        }
        let longest = app.accounts.runtime.load().project.settings.longest_instance();
        if let Err(error) = noted.note(&app.db, app.audit.directory(), now, longest).await {
            tracing::warn!(%error, "who is on revoked definitions could not be noted");
        }
        if let Err(error) = Sessions::sweep(&app.db, now, now.saturating_sub(idle)).await {
            tracing::warn!(%error, "ended sessions could not be swept");
        }
        // A store that is away has taken its time; an old moment would look as if the clock had been set back.
        let now = app.accounts.now();
        app.budget.sweep(now);
        app.accounts.limits.sweep(now);
        app.accounts.accepted.sweep(now);
        app.metrics.upkeep();
        app.build.upkeep();
    }
}

pub(crate) fn make_private_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
