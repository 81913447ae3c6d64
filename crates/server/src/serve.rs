//! Start, run, reload, stop. The order at the end matters: requests first, then the pass of the outbox they filled, then the audit
//! trail, then the store.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use crest::{Clock, Random};
use identity::Sessions;
use identity::secret::{HashParameters, Hasher};
use process::{Ledger, Outbox};
use project::{Diagnostic, Severity};
use store::{Collections, Db};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::accepted::Accepted;
use crate::administrator;
use crate::app::App;
use crate::audit::Audit;
use crate::config_files::ConfigFiles;
use crate::definitions::KeptDefinitions;
use crate::http::{self, SignIns};
use crate::keys::{self, KeyFileError};
use crate::limits::Limits;
use crate::mail::{Courier, Transport};
use crate::metrics::{self, Metrics};
use crate::ports::{HashPool, HttpAutoLogin, HttpCaptcha, HttpStages, OsRandom, RecipientBudget, SystemClock};
use crate::runtime::{Material, Parts, Runtime, Source};
use crate::sealed::MailSeal;
use crate::watch as files;

/// What `vestibule serve` was told.
#[derive(Clone, Debug)]
pub struct Options {
    /// The project's directory; none for the embedded one.
    pub project: Option<PathBuf>,
    /// Where to listen; none for what `vestibule.toml` says, else `127.0.0.1:8080`.
    pub listen: Option<SocketAddr>,
    /// Where the store, the keys and the audit trail are kept.
    pub data: PathBuf,
}

/// Why the server does not start, or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The project's directory is not one.
    #[error("{0} is no directory")]
    NoProject(PathBuf),
    /// The data directory cannot be used.
    #[error("{path}: {error}")]
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

/// How often expired rows are swept.
const SWEEP: Duration = Duration::from_mins(1);
/// The last pass over the outbox may take this long.
const LAST_PASS: Duration = Duration::from_secs(20);
/// Delivered mails are kept this long, in seconds.
const KEEP_DELIVERED: i64 = 7 * 24 * 3600;

/// What the command line prints when the server is up.
#[derive(Clone, Debug)]
pub struct Started {
    /// The address.
    pub address: SocketAddr,
    /// The administrator's name.
    pub administrator: String,
    /// His password, if it was made just now; it is not shown again.
    pub password: Option<String>,
    /// What is wrong with the project, or worth knowing.
    pub diagnostics: Vec<Diagnostic>,
    /// Whether mails are kept and shown at `/mail`.
    pub keeps_mail: bool,
}

/// Serves until `stop` becomes true, then finishes what is running.
///
/// # Errors
/// [`ServeError`].
pub async fn serve(options: Options, started: impl FnOnce(Started), stop: watch::Receiver<bool>) -> Result<(), ServeError> {
    let source = match &options.project {
        None => Source::Embedded,
        Some(root) if root.is_dir() => Source::Directory(root.clone()),
        Some(root) => return Err(ServeError::NoProject(root.clone())),
    };
    make_private_directory(&options.data).map_err(|error| ServeError::Data { path: options.data.clone(), error })?;
    let address = source.read(options.listen).settings.listen_at(options.listen);
    let listener = TcpListener::bind(address).await.map_err(|error| ServeError::Listen { address, error })?;
    let address = listener.local_addr().map_err(|error| ServeError::Listen { address, error })?;
    // Watched before it is read: a file that is changed in between is read again.
    let watched = source.root().and_then(|root| match files::watch(root) {
        Ok(watched) => Some(watched),
        Err(error) => {
            tracing::warn!(%error, "the project is not watched; changes need a restart");
            None
        }
    });
    let mut server = Server::set_up(&options, &source, address).await?;
    let app = Arc::clone(&server.app);
    let tasks = server.tasks(&source, address, watched, &stop);
    app.ready.store(true, Ordering::Release);
    started(server.started(address, &source));
    let outcome = http::serve(listener, Arc::clone(&app), stop).await;
    app.ready.store(false, Ordering::Release);
    tasks.finish().await;
    drop(app);
    server.close().await;
    outcome.map_err(|error| ServeError::Listen { address, error })
}

struct Server {
    app: Arc<App>,
    parts: Parts,
    password: Option<String>,
    writer: crate::audit::AuditWriter,
    audit: Audit,
    budget: Arc<RecipientBudget>,
    asked: Option<Asked>,
}

struct Tasks {
    courier: tokio::task::JoinHandle<()>,
    /// Told after the last request has been answered, because that one may have filled the outbox.
    stop_courier: watch::Sender<bool>,
    others: Vec<tokio::task::JoinHandle<()>>,
}

impl Server {
    async fn set_up(options: &Options, source: &Source, listen: SocketAddr) -> Result<Self, ServeError> {
        let set_up = |error: &dyn std::fmt::Display| ServeError::SetUp(error.to_string());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let random: Arc<dyn Random> = Arc::new(OsRandom::new());
        let project = source.read(Some(listen));
        let limits = project.settings.limits.clone();
        let keys = Arc::new(keys::open(&options.data, &project.settings.keys, source.root())?);
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let pool = Arc::new(HashPool::new(cores, limits.hash_queue as usize, Arc::clone(&random), HashParameters::default()));
        let hasher: Arc<dyn Hasher> = Arc::clone(&pool) as Arc<dyn Hasher>;
        let data_error = |error| ServeError::Data { path: options.data.clone(), error };
        let opened = administrator::open(&options.data, &project.authentication, hasher.as_ref(), random.as_ref()).await;
        let (administrator, password) = opened.map_err(data_error)?;
        let url = store_url(&project.settings, &options.data);
        let material = Material::compile(source, project);
        let db = open_store(&url, &material).await?;
        db.seal_mails(Arc::new(MailSeal(Arc::clone(&keys))));
        let budget = Arc::new(RecipientBudget::new(limits.enabled, limits.mails_per_recipient_hour, limits.mails_per_recipient_day));
        let parts = Parts {
            objects: Arc::new(db.clone()),
            ledger: Arc::new(db.clone()),
            hasher: Arc::clone(&hasher),
            captcha: Arc::new(HttpCaptcha::new().map_err(|error| set_up(&error))?),
            keys: Arc::clone(&keys),
            clock: Arc::clone(&clock),
            random: Arc::clone(&random),
            remote: Arc::new(HttpStages::new().map_err(|error| set_up(&error))?),
            sandbox: Arc::new(script::Sandbox::new(script::Limits::default())),
            budget: Arc::clone(&budget) as Arc<dyn stages::MailBudget>,
            auto_login: Arc::new(HttpAutoLogin::new().map_err(|error| set_up(&error))?),
        };
        let mut runtime = Runtime::new(source, material, &parts, None);
        index(&db, &mut runtime).await;
        let transport = transport(source, &runtime);
        let outbox: Arc<dyn Outbox> = Arc::new(db.clone());
        let courier = Courier::new(outbox, transport, Arc::clone(&clock));
        let (audit, writer) = Audit::open(&options.data.join("audit")).map_err(data_error)?;
        let handle = metrics::install().map_err(|error| set_up(&error))?;
        let metrics = Metrics::new(handle, pool, Arc::clone(&courier), audit.clone());
        let runtime = Arc::new(ArcSwap::from_pointee(runtime));
        let definitions = KeptDefinitions::new(Arc::clone(&runtime), Arc::clone(&parts.ledger), Arc::clone(&keys));
        definitions.keep(&runtime.load()).await?;
        let (reloads, asked) = tokio::sync::mpsc::channel(1);
        let accepted = Accepted::new(random.as_ref());
        let app = Arc::new(App {
            runtime,
            definitions,
            db,
            hasher,
            keys,
            clock,
            random,
            audit: audit.clone(),
            metrics,
            config: ConfigFiles::new(source.clone(), listen, reloads),
            mail: courier,
            sign_ins: SignIns::default(),
            accepted,
            limits: Limits::new(&limits),
            administrator: Arc::new(administrator),
            ready: AtomicBool::new(false),
        });
        Ok(Self { app, parts, password, writer, audit, budget, asked: Some(asked) })
    }

    fn started(&self, address: SocketAddr, source: &Source) -> Started {
        let runtime = self.app.runtime.load();
        Started {
            address,
            administrator: runtime.project.authentication.admin.username.clone(),
            password: self.password.clone(),
            diagnostics: runtime.diagnostics.clone(),
            keeps_mail: matches!(source, Source::Embedded) && matches!(*self.app.mail.transport(), Transport::Keep),
        }
    }

    fn tasks(&mut self, source: &Source, listen: SocketAddr, watched: Option<Watched>, stop: &watch::Receiver<bool>) -> Tasks {
        let (stop_courier, stopped) = watch::channel(false);
        let courier = tokio::spawn(Arc::clone(&self.app.mail).run(stopped));
        let mut others = vec![tokio::spawn(sweep(Arc::clone(&self.app), Arc::clone(&self.budget), stop.clone()))];
        if let Some(asked) = self.asked.take() {
            let reload = Reload { app: Arc::clone(&self.app), parts: self.parts.clone(), source: source.clone(), listen };
            others.push(tokio::spawn(reload.run(watched, asked, stop.clone())));
        }
        Tasks { courier, stop_courier, others }
    }

    async fn close(self) {
        let Self { app, parts, writer, audit, .. } = self;
        let db = app.db.clone();
        drop((app, parts, audit));
        // The last of the senders may still be in a connection that is closing; the writer ends when all are gone.
        let finished = tokio::task::spawn_blocking(move || writer.finish());
        if tokio::time::timeout(Duration::from_secs(5), finished).await.is_err() {
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

/// Questions for a reload, from administrators who changed a file.
type Asked = tokio::sync::mpsc::Receiver<tokio::sync::oneshot::Sender<bool>>;

/// A watch and its messages.
type Watched = (files::Watch, tokio::sync::mpsc::Receiver<()>);

/// Takes up changes of the project's files.
struct Reload {
    app: Arc<App>,
    parts: Parts,
    source: Source,
    listen: SocketAddr,
}

impl Reload {
    async fn run(self, watched: Option<Watched>, mut asked: Asked, mut stop: watch::Receiver<bool>) {
        let (_watching, mut changes) = match watched {
            Some((watch, changes)) => (Some(watch), changes),
            // The sender is gone, so the queue says nothing more; who asks is answered all the same.
            None => (None, tokio::sync::mpsc::channel(1).1),
        };
        loop {
            let mut answer = None;
            tokio::select! {
                Some(()) = changes.recv() => {}
                question = asked.recv() => match question {
                    Some(question) => answer = Some(question),
                    None => return,
                },
                _ = stop.changed() => return,
            }
            let taken = self.reload().await;
            if let Some(answer) = answer {
                // Whoever asked may have gone.
                let _ = answer.send(taken);
            }
        }
    }

    /// Says whether the files as they are now are being served.
    async fn reload(&self) -> bool {
        let previous = self.app.runtime.load_full();
        let project = self.source.read(Some(self.listen));
        let material = Material::compile(&self.source, project);
        if let Some(broken) = newly_broken(&material.diagnostics, &previous.diagnostics) {
            tracing::error!("a changed file is not taken up, what was read before keeps serving: {broken}");
            return false;
        }
        let mut runtime = Runtime::new(&self.source, material, &self.parts, Some(&previous));
        for diagnostic in runtime.diagnostics.iter().filter(|found| !previous.diagnostics.contains(found)) {
            report(diagnostic);
        }
        index(&self.app.db, &mut runtime).await;
        if let Err(error) = self.app.definitions.keep(&runtime).await {
            tracing::error!(%error, "changed files are not taken up");
            return false;
        }
        if runtime.project.external_email != previous.project.external_email {
            self.app.mail.set_transport(transport(&self.source, &runtime));
        }
        self.app.limits.set(&runtime.project.settings.limits);
        self.app.runtime.store(Arc::new(runtime));
        tracing::info!("the project was read again");
        true
    }
}

/// A companion file that was good and is not any more. A broken process file concerns that process alone and stops nothing.
fn newly_broken<'d>(found: &'d [Diagnostic], before: &[Diagnostic]) -> Option<&'d Diagnostic> {
    let is_process = |diagnostic: &Diagnostic| diagnostic.location.file.starts_with("conf/selfservice-");
    let was_broken = |file: &str| before.iter().any(|diagnostic| diagnostic.is_error() && diagnostic.location.file == file);
    found.iter().find(|diagnostic| diagnostic.is_error() && !is_process(diagnostic) && !was_broken(&diagnostic.location.file))
}

/// Writes a finding to the log, as loud as it is bad.
pub(crate) fn report(diagnostic: &Diagnostic) {
    match diagnostic.severity {
        Severity::Error => tracing::error!("{diagnostic}"),
        Severity::Warning => tracing::warn!("{diagnostic}"),
        Severity::Hint => tracing::debug!("{diagnostic}"),
    }
}

/// Opens the store. Indexes that existing objects stand against are left out here; [`index`] reports them.
async fn open_store(url: &str, material: &Material) -> Result<Db, store::OpenError> {
    match Db::open(url, material.collections()).await {
        Err(store::OpenError::Indexes(error)) => {
            tracing::error!(%error, "the store is opened without its indexes");
            Db::open(url, Collections::new()).await
        }
        opened => opened,
    }
}

async fn index(db: &Db, runtime: &mut Runtime) {
    if let Err(error) = db.ensure_indexes(&runtime.collections).await {
        let location = project::Location::file("conf/managed.json");
        runtime.diagnostics.push(Diagnostic::new(Severity::Error, "store-index", location, error.to_string()));
    }
}

fn transport(source: &Source, runtime: &Runtime) -> Transport {
    let Some(mailer) = &runtime.project.external_email else {
        return if matches!(source, Source::Embedded) { Transport::Keep } else { Transport::Missing };
    };
    let password = mailer.password.as_ref().and_then(project::SecretText::plain).map(project::Secret::expose);
    match Transport::smtp(mailer, password, default_sender(&runtime.public_url)) {
        Ok(transport) => transport,
        Err(error) => {
            tracing::error!(%error, "mails stay in the outbox");
            Transport::Missing
        }
    }
}

/// `noreply` at the public address's host, for projects that name no sender anywhere.
fn default_sender(public_url: &str) -> String {
    let host = public_url.split_once("://").map_or(public_url, |(_, rest)| rest);
    let host = host.split(['/', ':']).next().unwrap_or_default();
    let named = host.contains('.') && host.parse::<std::net::IpAddr>().is_err();
    format!("noreply@{}", if named { host } else { "localhost" })
}

pub(crate) fn store_url(settings: &project::Settings, data: &Path) -> String {
    settings.store_url.clone().unwrap_or_else(|| format!("sqlite:{}", data.join("vestibule.db").display()))
}

async fn sweep(app: Arc<App>, budget: Arc<RecipientBudget>, mut stop: watch::Receiver<bool>) {
    loop {
        let dwell = app.runtime.load().project.jsonstore.cleanup_dwell;
        tokio::select! {
            () = tokio::time::sleep(dwell.min(SWEEP)) => {}
            _ = stop.changed() => return,
        }
        let now = app.now();
        let idle = i64::try_from(app.runtime.load().project.authentication.session.idle.as_secs()).unwrap_or(i64::MAX);
        let swept = async {
            Ledger::sweep(&app.db, now).await?;
            app.db.forget_delivered(now.saturating_sub(KEEP_DELIVERED)).await
        };
        if let Err(error) = swept.await {
            tracing::warn!(%error, "expired rows could not be swept");
        }
        if let Err(error) = Sessions::sweep(&app.db, now, now.saturating_sub(idle)).await {
            tracing::warn!(%error, "ended sessions could not be swept");
        }
        budget.sweep(now);
        app.limits.sweep(now);
        app.accepted.sweep(now);
        app.metrics.upkeep();
    }
}

pub(crate) fn make_private_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_sender_is_at_the_public_host() {
        assert_eq!(default_sender("https://id.example.com:8443/x"), "noreply@id.example.com");
        assert_eq!(default_sender("http://127.0.0.1:8080"), "noreply@localhost");
        assert_eq!(default_sender("http://localhost"), "noreply@localhost");
    }
}
