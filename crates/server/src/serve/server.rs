//! A server before it listens: keys, store, audit trail, and the project that is served from them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use accounts::{Accepted, Accounts, Limits, MailBudgets, Turns};
use arc_swap::ArcSwap;
use crest::{Clock, Random};
use identity::secret::Hasher;
use mail::Courier;
use process::Outbox;
use store::Db;
use tokio::sync::watch;

use super::app::App;
use super::reload::{Asked, Changes, Reload, declare};
use super::stopping::{CLOSE_WITHIN, Tasks};
use super::sweep::sweep;
use super::{Options, ServeError, Started, readable, store_url};
use crate::acme::Needs;
use crate::administrator;
use crate::audit::Audit;
use crate::canaries::Canaries;
use crate::config_files::ConfigFiles;
use crate::config_versions::ConfigVersions;
use crate::definitions::{self, KeptDefinitions};
use crate::keys::{self, KeyFileError};
use crate::listener::Served;
use crate::mail::{MailSecret, transport};
use crate::metrics::{self, Metrics};
use crate::nodes::{Nodes, Others};
use crate::ports::{
    CourierDelivery, CourierDoor, HashPool, HttpAutoLogin, HttpCaptcha, HttpProviders, HttpStages, OnRuntime, OsRandom, StoreHealth,
    SystemClock, WholeTrail, client,
};
use crate::processes;
use crate::refute::Tried;
use crate::reread::{self, Read};
use crate::runtime::{Material, Parts, Source};
use crate::sealed::{self, MailSeal, PropertySeal};
use crate::service::Manager;
use crate::shared_config::SharedConfig;

/// A server that has been set up.
pub(super) struct Server {
    pub(super) app: App,
    pub(super) rest: Arc<rest::App>,
    pub(super) health: Arc<StoreHealth>,
    pub(super) parts: Parts,
    pub(super) password: Option<String>,
    pub(super) mail_secret: MailSecret,
    pub(super) pages: Arc<pages::Pages>,
    pub(super) writer: crate::audit::AuditWriter,
    pub(super) audit: Audit,
    pub(super) reload: Option<(Asked, Arc<Tried>, Read)>,
    pub(super) shared: Option<Arc<SharedConfig>>,
    pub(super) files: Arc<ConfigFiles>,
}

impl Server {
    /// Opens keys, store and audit trail, and compiles the project.
    pub(super) async fn set_up(options: &Options, source: &Source, listen: SocketAddr, manager: Arc<Manager>) -> Result<Self, ServeError> {
        let set_up = |error: &dyn std::fmt::Display| ServeError::SetUp(error.to_string());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let random: Arc<dyn Random> = Arc::new(OsRandom::new());
        let (project, read) = reread::read(source, listen);
        readable(&project)?;
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
        let mut material = Material::compile(source, project);
        let (tried, ground) = (Arc::new(Tried::with(Some(Arc::clone(&keys)))), material.ground(&read));
        material.refute_once(source, &options.data, &tried, &ground).map_err(|error| set_up(&error))?;
        let db = Db::open(&url, material.collections()).await?;
        let marks = sealed::marks(&keys);
        let sealed_by = db.sealed_by().await?;
        if !options.new_keys && sealed_by.as_ref().is_some_and(|mark| !marks.contains(mark)) {
            return Err(others());
        }
        // A node that is ahead of this one has said so.
        let is_ahead = sealed_by.as_ref().is_some_and(|mark| sealed::is_ahead(&keys, mark));
        if let Some(present) = marks.into_iter().next().filter(|present| !is_ahead && sealed_by.as_ref() != Some(present)) {
            db.seal_by(present).await?;
        }
        db.keep_audit(audit_settings.enabled);
        db.limit_searches(Duration::from_millis(limits.search_milliseconds.into()));
        db.tell_of_searches(metrics::scanned);
        db.seal_mails(Arc::new(MailSeal(Arc::clone(&keys))));
        db.seal_values(Arc::new(PropertySeal(Arc::clone(&keys)))).await.map_err(|error| set_up(&error))?;
        let nodes = Arc::new(Nodes::new(random.as_ref()));
        nodes.look(&db, clock.unix_seconds()).await.ok();
        let budget = Arc::new(MailBudgets::new(&nodes.share(&limits), metrics::over_budget));
        let limits = Arc::new(Limits::new(&nodes.share(&limits)));
        let door = Arc::new(CourierDoor::default());
        if authorities::linked().is_some() {
            tracing::info!("this system names no certificate authorities: those of Mozilla's list, which is linked, are believed");
        }
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
            sandbox: Arc::new(script::Sandbox::new(script::Limits::default()).in_turns_of(client)),
            budget: Arc::clone(&budget) as Arc<dyn stages::MailBudget>,
            guesses: Arc::clone(&limits) as Arc<dyn stages::GuessBudget>,
            door: Arc::clone(&door) as Arc<dyn stages::MailDoor>,
            auto_login: Arc::new(HttpAutoLogin::new().map_err(|error| set_up(&error))?),
            waits: Arc::new(OnRuntime::new()),
        };
        let collections = material.collections();
        let mut broken = material.broken();
        // Of what is refuted, what was good before may have been so under another policy.
        broken.retain(|name| material.refuted.iter().all(|(refuted, _)| refuted != name));
        let kept = definitions::last_good(parts.ledger.as_ref(), &keys, &broken).await?;
        let refuted = material.all_refuted();
        material.promote(&db.canaries().await?);
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
        let canaries = Arc::new(Canaries::new(&db, &keys, &random));
        let runtime = Arc::new(ArcSwap::from_pointee(runtime));
        let definitions =
            Arc::new(KeptDefinitions::new(Arc::clone(&runtime), Arc::clone(&parts.ledger), Arc::clone(&keys), Arc::clone(&canaries)));
        definitions.revoke(&refuted).await?;
        definitions.keep(&runtime.load()).await?;
        canaries.begin(&runtime.load(), clock.unix_seconds()).await;
        let (reloads, asked) = tokio::sync::mpsc::channel(1);
        let shared = SharedConfig::of(&db, &keys, &clock, source, &reloads);
        // Before the first request: a change must find what was there before it.
        let versions = Arc::new(ConfigVersions::new(&db, &keys, &clock, source));
        versions.note(&runtime.load().project).await;
        let (served, noted) = (Arc::clone(&runtime), Arc::clone(&versions));
        let files = Arc::new(ConfigFiles::new(served, source.clone(), listen, reloads, Arc::clone(&tried), shared.clone(), noted));
        let history = WholeTrail { db: db.clone(), audit: audit.clone(), metrics: metrics.clone(), clock: Arc::clone(&clock) };
        let accounts = Arc::new(Accounts {
            runtime,
            definitions: Arc::clone(&definitions) as Arc<dyn process::Definitions<stages::Services>>,
            ledger: Arc::clone(&parts.ledger),
            sessions: Arc::new(db.clone()),
            hasher,
            keys,
            clock,
            trail: Arc::new(audit.clone()),
            history: Arc::new(history),
            meter: Arc::new(metrics.clone()),
            delivery: Arc::new(CourierDelivery(Arc::clone(&courier))),
            turns: Turns::default(),
            accepted: Accepted::new(random.as_ref()),
            random,
            limits,
            administrator,
        });
        let health = Arc::new(StoreHealth::new(db.clone(), Arc::clone(&parts.clock)));
        let others: Arc<dyn accounts::ports::OtherNodes> = Arc::new(Others { db: db.clone(), clock: Arc::clone(&parts.clock) });
        let operator = pages::Operator {
            outbox: Arc::clone(&outbox),
            health: Arc::clone(&health) as Arc<dyn accounts::ports::Health>,
            others: Arc::clone(&others),
            files: Arc::clone(&files) as Arc<dyn accounts::ports::ProjectFiles>,
            versions: Arc::clone(&versions) as Arc<dyn accounts::ports::FileVersions>,
        };
        let rest = Arc::new(rest::App {
            accounts: Arc::clone(&accounts),
            outbox,
            files: Arc::clone(&files) as Arc<dyn accounts::ports::ProjectFiles>,
            versions: Arc::clone(&versions) as Arc<dyn accounts::ports::FileVersions>,
            health: Arc::clone(&health) as Arc<dyn rest::ports::Health>,
            others,
            unbelieved: rest::Unbelieved::default(),
        });
        let mail_secret = MailSecret::new(parts.random.as_ref());
        let pages = Arc::new(pages::Pages::new(Arc::clone(&accounts), operator));
        let app = App {
            accounts,
            definitions,
            canaries,
            db,
            courier,
            metrics,
            audit: audit.clone(),
            budget,
            build: Arc::default(),
            nodes,
            versions,
            manager,
        };
        Ok(Self {
            app,
            rest,
            health,
            parts,
            password,
            mail_secret,
            pages,
            writer,
            audit,
            reload: Some((asked, tried, read)),
            shared,
            files,
        })
    }

    /// What requests are answered with.
    pub(super) fn served(&self) -> Served {
        Served {
            rest: Arc::clone(&self.rest),
            metrics: self.app.metrics.clone(),
            courier: Arc::clone(&self.app.courier),
            mail_secret: self.mail_secret.clone(),
            build: Arc::clone(&self.app.build),
            pages: Arc::clone(&self.pages),
        }
    }

    /// What certificates are ordered with.
    pub(super) fn needs_of_orders(&self) -> Needs {
        Needs {
            db: self.app.db.clone(),
            keys: Arc::clone(&self.parts.keys),
            clock: Arc::clone(&self.parts.clock),
            random: Arc::clone(&self.parts.random),
            health: Arc::clone(&self.health),
        }
    }

    /// What is said of it.
    pub(super) fn started(&self, address: SocketAddr, https: bool, source: &Source) -> Started {
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

    /// Begins what runs beside requests, until `ends`.
    pub(super) fn tasks(&mut self, source: &Source, listen: SocketAddr, changes: Changes, ends: &watch::Receiver<bool>) -> Tasks {
        let (stop_courier, stopped) = watch::channel(false);
        // The lock of the data directory says that nobody else empties this outbox.
        let courier = tokio::spawn(Arc::clone(&self.app.courier).run(true, stopped));
        let mut others = vec![tokio::spawn(sweep(self.app.clone(), ends.clone()))];
        if let Some((asked, tried, read)) = self.reload.take() {
            let (app, parts, source) = (self.app.clone(), self.parts.clone(), source.clone());
            let reload = Reload { app, parts, source, listen, tried, judged: read };
            others.push(tokio::spawn(reload.run(changes, asked, ends.clone())));
        }
        let (canaries, accounts) = (Arc::clone(&self.app.canaries), Arc::clone(&self.app.accounts));
        others.push(tokio::spawn(canaries.follow(accounts, Arc::clone(&self.files), ends.clone())));
        if let Some(shared) = &self.shared {
            others.push(tokio::spawn(Arc::clone(shared).follow(ends.clone())));
        }
        if self.app.db.is_shared() {
            let (db, accounts) = (self.app.db.clone(), Arc::clone(&self.app.accounts));
            others.push(tokio::spawn(Nodes::follow(db, accounts, ends.clone())));
        }
        Tasks { courier, stop_courier, others }
    }

    /// Closes what is left, the store last.
    pub(super) async fn close(self) {
        let Self { app, rest, health, parts, pages, writer, audit, shared, files, .. } = self;
        let db = app.db.clone();
        app.metrics.write_passages(&db, app.accounts.now()).await;
        app.nodes.leave(&db).await;
        // Each of the two knows the other.
        db.hand_mails_to(None);
        drop((app, rest, pages, health, parts, audit, shared, files));
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

/// Whether keys are missing that the store was sealed with.
async fn is_sealed(url: &str) -> Result<bool, ServeError> {
    let url = url.to_owned();
    let looked = tokio::task::spawn_blocking(move || store::is_sealed(&url)).await;
    Ok(looked.map_err(|error| ServeError::SetUp(error.to_string()))??)
}
