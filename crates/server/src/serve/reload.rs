//! Takes up changes of the project's files while the server runs: what is wrong is said and refused, and what was served keeps being served.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use accounts::Runtime;
use project::{Diagnostic, Project, Severity};
use rehearsal::prove::NoKeys;
use store::{Collections, Db};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::app::App;
use super::report;
use crate::mail::transport;
use crate::refute::Tried;
use crate::reread::{self, Read};
use crate::runtime::{Material, Parts, Source};
use crate::watch as files;

/// After a reload that somebody asked for, the files are looked at again unless the watch has woken us until then.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Questions for a reload, from administrators who changed a file.
pub(super) type Asked = mpsc::Receiver<tokio::sync::oneshot::Sender<bool>>;

/// What has a project read again, beside administrators.
pub(super) struct Changes {
    /// A watch and its messages; none where files cannot be watched.
    pub(super) watched: Option<(files::Watch, mpsc::Receiver<()>)>,
    /// Whoever runs the server says so.
    pub(super) reread: mpsc::Receiver<()>,
}

/// Takes up changes of the project's files.
pub(super) struct Reload {
    pub(super) app: App,
    pub(super) parts: Parts,
    pub(super) source: Source,
    pub(super) listen: SocketAddr,
    /// What was found about definitions.
    pub(super) tried: Arc<Tried>,
    /// What the files said when they were last served or refused.
    pub(super) judged: Read,
}

/// What became of changed files.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Taken {
    /// They are served.
    Served,
    /// They are wrong, and would be again.
    Refused,
    /// They could not be taken up, and may be next time.
    NotNow,
}

impl Reload {
    pub(super) async fn run(mut self, changes: Changes, mut asked: Asked, mut stop: watch::Receiver<bool>) {
        let Changes { watched, mut reread } = changes;
        let (mut watching, mut changes) = match watched {
            Some((watch, changes)) => (Some(watch), changes),
            // The sender is gone, so the queue says nothing more; who asks is answered all the same.
            None => (None, mpsc::channel(1).1),
        };
        let mut look_again = None;
        loop {
            let (mut answer, mut told) = (None, false);
            tokio::select! {
                Some(()) = changes.recv() => {}
                () = moment(look_again) => {}
                Some(()) = reread.recv() => told = true,
                question = asked.recv() => match question {
                    Some(question) => answer = Some(question),
                    None => return,
                },
                _ = stop.changed() => return,
            }
            look_again = None;
            if let Some(watching) = &mut watching {
                watching.follow();
            }
            // Whoever told the service manager to reload waits for the end of it.
            if told {
                self.app.manager.reloading();
            }
            let (project, read) = reread::read(&self.source, self.listen);
            // Who asks has changed a file and wants to know what became of it; who is only woken may have been woken by another's file.
            if answer.is_none() && !told && read == self.judged {
                tracing::debug!("files were written, and nothing that is read has changed");
                continue;
            }
            let (taken, read) = Box::pin(self.reload(project, read)).await;
            self.tell(taken, told);
            self.judged = if taken == Taken::NotNow { Read::default() } else { read };
            if let Some(answer) = answer {
                // Whoever asked may have gone.
                let _ = answer.send(taken == Taken::Served);
                // A file that is made and removed again at once wakes nobody, and it was read in between.
                look_again = watching.as_ref().map(|_| Instant::now() + LOOK_AGAIN);
            }
        }
    }

    /// Tells the service manager what became of the files.
    fn tell(&self, taken: Taken, told: bool) {
        let status = match taken {
            Taken::Served => self.app.status(),
            Taken::Refused => format!("{}; changed files are wrong and were not taken up (see the log)", self.app.status()),
            Taken::NotNow => format!("{}; changed files could not be taken up (see the log)", self.app.status()),
        };
        if told {
            self.app.manager.ready(&status);
        } else {
            self.app.manager.status(&status);
        }
    }

    /// Takes up a project that was read just now, or says why not. Gives back what was `read`.
    async fn reload(&self, project: Project, read: Read) -> (Taken, Read) {
        let previous = self.app.accounts.runtime.load_full();
        let (source, tried, before) = (self.source.clone(), Arc::clone(&self.tried), Arc::clone(&previous));
        // Requests are answered meanwhile. What is not taken up anyway is not tried: whoever wrote it is told what is wrong, and at once.
        let compiled = tokio::task::spawn_blocking(move || {
            let (mut material, mut number) = (Material::compile(&source, project), 0);
            if newly_wrong(&material.diagnostics, &before.diagnostics).is_none() {
                let ground = material.ground(&read);
                number = material.refute(&source, &tried, &ground)?;
            }
            Ok::<_, NoKeys>((material, number, read))
        });
        match compiled.await {
            Ok(Ok((material, number, read))) => (self.take_up(material, number, &previous).await, read),
            Ok(Err(error)) => {
                tracing::error!(%error, "changed files are not taken up");
                (Taken::NotNow, Read::default())
            }
            Err(error) => {
                tracing::error!(%error, "changed files are not taken up");
                (Taken::NotNow, Read::default())
            }
        }
    }

    /// Serves what was compiled and tried, or says why not. `tried` is how many definitions had to be.
    async fn take_up(&self, mut material: Material, tried: usize, previous: &Runtime) -> Taken {
        let refuted = material.all_refuted();
        if let Some(broken) = newly_wrong(&material.diagnostics, &previous.diagnostics) {
            tracing::error!("a changed file is not taken up, what was read before keeps serving: {broken}");
            return Taken::Refused;
        }
        match self.app.db.canaries().await {
            Ok(canaries) => material.promote(&canaries),
            Err(error) => {
                tracing::error!(%error, "changed files are not taken up");
                return Taken::NotNow;
            }
        }
        let collections = material.collections();
        let mut served = previous.processes.clone();
        // What was served before was judged by the policy of before.
        if material.project.settings.prove != previous.project.settings.prove {
            served.retain(|name, _| material.refuted.iter().all(|(refuted, _)| refuted != name));
        }
        let mut runtime = material.join(&self.source, &self.parts, &served);
        for diagnostic in runtime.diagnostics.iter().filter(|found| !previous.diagnostics.contains(found)) {
            report(diagnostic);
        }
        declare(&self.app.db, &collections, &mut runtime).await;
        self.app.db.keep_audit(runtime.project.settings.audit.enabled);
        self.app.audit.enable(runtime.project.settings.audit.enabled);
        if let Err(error) = self.app.definitions.revoke(&refuted).await {
            tracing::error!(%error, "changed files are not taken up");
            return Taken::NotNow;
        }
        let kept = match self.app.definitions.keep(&runtime).await {
            Ok(kept) => kept,
            Err(error) => {
                tracing::error!(%error, "changed files are not taken up");
                return Taken::NotNow;
            }
        };
        self.tell_what_waits(&runtime, previous);
        self.app.share_limits(&runtime.project.settings.limits);
        self.app.db.limit_searches(Duration::from_millis(runtime.project.settings.limits.search_milliseconds.into()));
        self.app.canaries.begin(&runtime, self.app.accounts.now()).await;
        self.app.accounts.runtime.store(Arc::new(runtime));
        self.app.versions.note(&self.app.accounts.runtime.load().project).await;
        tracing::info!(tried, kept, "the project was read again");
        Taken::Served
    }

    /// Takes another mail server, and says what another start takes.
    fn tell_what_waits(&self, runtime: &Runtime, previous: &Runtime) {
        let (now, before) = (&runtime.project, &previous.project);
        if now.settings.tls.is_some() != before.settings.tls.is_some() {
            tracing::warn!("whether TLS is spoken is decided at the start; [tls] counts from the next one on");
        }
        if (&now.external_email, &now.settings.mail) != (&before.external_email, &before.settings.mail) {
            self.app.courier.set_transport(transport(&self.source, runtime));
        }
    }
}

/// Waits for a moment, where there is one.
async fn moment(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// An error of a companion file that was not there before, also beside others that were. A broken process file concerns that process alone
/// and stops nothing.
fn newly_wrong<'d>(found: &'d [Diagnostic], before: &[Diagnostic]) -> Option<&'d Diagnostic> {
    let is_process = |diagnostic: &Diagnostic| diagnostic.location.file.starts_with("conf/selfservice-");
    // Where it stands changes with every edit of the file.
    let said = |one: &Diagnostic, other: &Diagnostic| {
        (one.rule, &one.location.file, &one.message) == (other.rule, &other.location.file, &other.message)
    };
    let was_there = |found: &Diagnostic| before.iter().any(|before| before.is_error() && said(before, found));
    let new = |found: &&Diagnostic| found.is_error() && !is_process(found) && !was_there(found);
    project::unreadable(found).or_else(|| found.iter().find(new))
}

/// Declares what the project looks up, and reports what stored objects contradict.
pub(super) async fn declare(db: &Db, collections: &Collections, runtime: &mut Runtime) {
    let findings = match db.declare(collections).await {
        Ok(doubled) => doubled.iter().map(ToString::to_string).collect(),
        Err(error) => vec![error.to_string()],
    };
    for finding in findings {
        let location = project::Location::file("conf/managed.json");
        runtime.diagnostics.push(Diagnostic::new(Severity::Error, "store-unique", location, finding));
    }
}
