//! Takes up changes of the project's files while the server runs: what is wrong is said and refused, and what was served keeps being served.

use std::net::SocketAddr;
use std::sync::Arc;

use accounts::Runtime;
use project::{Diagnostic, Project, Severity};
use rehearsal::prove::NoKeys;
use store::{Collections, Db};
use tokio::sync::{mpsc, watch};

use super::app::App;
use super::report;
use crate::mail::transport;
use crate::reread::{self, Read};
use crate::runtime::{Material, Parts, Source};
use crate::watch as files;

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
        loop {
            let (mut answer, mut told) = (None, false);
            tokio::select! {
                Some(()) = changes.recv() => {}
                Some(()) = reread.recv() => told = true,
                question = asked.recv() => match question {
                    Some(question) => answer = Some(question),
                    None => return,
                },
                _ = stop.changed() => return,
            }
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
            let taken = self.reload(project).await;
            if taken == Taken::Served {
                self.app.versions.note(&self.app.accounts.runtime.load().project).await;
            }
            self.tell(taken, told);
            self.judged = if taken == Taken::NotNow { Read::default() } else { read };
            if let Some(answer) = answer {
                // Whoever asked may have gone.
                let _ = answer.send(taken == Taken::Served);
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

    /// Takes up a project that was read just now, or says why not.
    async fn reload(&self, project: Project) -> Taken {
        let previous = self.app.accounts.runtime.load_full();
        let (source, keys) = (self.source.clone(), Arc::clone(&self.parts.keys));
        let before = Arc::clone(&previous);
        // Requests are answered meanwhile. What is not taken up anyway is not tried: whoever wrote it is told what is wrong, and at once.
        let tried = tokio::task::spawn_blocking(move || {
            let mut material = Material::compile(&source, project);
            if newly_wrong(&material.diagnostics, &before.diagnostics).is_none() {
                material.refute(&source, Some(keys))?;
            }
            Ok::<_, NoKeys>(material)
        });
        let mut material = match tried.await {
            Ok(Ok(material)) => material,
            Ok(Err(error)) => {
                tracing::error!(%error, "changed files are not taken up");
                return Taken::NotNow;
            }
            Err(error) => {
                tracing::error!(%error, "changed files are not taken up");
                return Taken::NotNow;
            }
        };
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
        let mut kept = previous.processes.clone();
        // What was served before was judged by the policy of before.
        if material.project.settings.prove != previous.project.settings.prove {
            kept.retain(|name, _| material.refuted.iter().all(|(refuted, _)| refuted != name));
        }
        let mut runtime = material.join(&self.source, &self.parts, &kept);
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
        if let Err(error) = self.app.definitions.keep(&runtime).await {
            tracing::error!(%error, "changed files are not taken up");
            return Taken::NotNow;
        }
        let (now, before) = (&runtime.project, &previous.project);
        if now.settings.tls.is_some() != before.settings.tls.is_some() {
            tracing::warn!("whether TLS is spoken is decided at the start; [tls] counts from the next one on");
        }
        if (&now.external_email, &now.settings.mail) != (&before.external_email, &before.settings.mail) {
            self.app.courier.set_transport(transport(&self.source, &runtime));
        }
        self.app.share_limits(&runtime.project.settings.limits);
        self.app.canaries.begin(&runtime, self.app.accounts.now()).await;
        self.app.accounts.runtime.store(Arc::new(runtime));
        tracing::info!("the project was read again");
        Taken::Served
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
