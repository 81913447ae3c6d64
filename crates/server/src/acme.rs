//! The certificate of the listener, ordered from an authority (RFC 8555) and renewed, as `[tls.acme]` says.
//!
//! Whatever belongs to an order lies in the store, sealed: all nodes serve the same certificate, one of them orders, and whichever the authority reaches
//! answers it. Easiest to break: attempts are counted by the authority. A node that starts again goes on with what is kept, and with how long to wait.

mod answers;
mod kept;
mod order;
mod schedule;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use accounts::Accounts;
use crest::{Clock, Random, random_bytes};
use instant_acme::CertificateIdentifier;
use jose::KeyRing;
use process::LedgerError;
use project::Acme;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use store::Db;
use tokio::sync::{Mutex, watch};

use self::answers::Answers;
use self::kept::{Asked, CERTIFICATE, FAILURE, KeptCertificate, KeptFailure, Shelf, open};
use self::order::{OPEN_FOR, OrderError, account, is, order};
use crate::listener::{Certificate, authority_file};
use crate::metrics;
use crate::ports::{AuthorityCalls, StoreHealth};

/// How often a node looks what others have ordered, and whether something is due.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Everything about one order.
const ORDER_WITHIN: Duration = Duration::from_mins(10);
/// How often an authority is asked whether a certificate should be renewed earlier, in seconds (RFC 9773 section 4.3.3): as it says, within these bounds.
const ASK_AFTER: (i64, i64) = (3600, 24 * 3600);
/// The same where it says nothing.
const ASK_USUALLY: i64 = 6 * 3600;

/// What orders need of the process.
pub(crate) struct Needs {
    pub(crate) db: Db,
    pub(crate) keys: Arc<KeyRing>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) health: Arc<StoreHealth>,
}

/// Orders certificates.
pub(crate) struct Orders {
    shelf: Shelf,
    answers: Arc<Answers>,
    needs: Needs,
    certificate: Arc<Certificate>,
    current: Mutex<Current>,
}

/// What this node serves.
#[derive(Default)]
struct Current {
    sealed: Option<String>,
    opened: Option<KeptCertificate>,
}

impl Orders {
    /// Orders `certificate` from now on, and has the authority answered.
    pub(crate) fn new(needs: Needs, certificate: Arc<Certificate>) -> Self {
        let holder = i64::from_be_bytes(random_bytes(needs.random.as_ref()));
        let shelf = Shelf { db: needs.db.clone(), keys: Arc::clone(&needs.keys), holder };
        let answers = Arc::new(Answers::new(shelf.clone()));
        certificate.challenged_by(Arc::clone(&answers) as Arc<dyn crate::listener::Challenges>);
        Self { shelf, answers, needs, certificate, current: Mutex::default() }
    }

    /// Serves what lies in the store, before the first request.
    pub(crate) async fn begin(&self) {
        self.needs.health.set_certified(false);
        if let Err(error) = self.take_up(&mut *self.current.lock().await).await {
            tracing::warn!(%error, "whether a certificate was ordered already is not known yet");
        }
    }

    /// Orders what is due, until `stop` says so.
    pub(crate) async fn run(self, accounts: Arc<Accounts>, mut stop: watch::Receiver<bool>) {
        let mut settings = None;
        let mut quiet = false;
        loop {
            let runtime = accounts.runtime.load_full();
            let written = runtime.project.settings.tls.as_ref().and_then(|tls| tls.acme.as_ref());
            // What cannot be used is reported where the project is read; the last that could be goes on.
            settings = written.filter(|acme| acme.problems().is_empty()).cloned().or(settings);
            if let Some(settings) = &settings {
                let turn = tokio::select! {
                    turn = self.turn(settings, runtime.root.as_deref()) => turn,
                    _ = stop.changed() => return self.give_up().await,
                };
                match turn {
                    Ok(()) => quiet = false,
                    Err(error) if !quiet => {
                        quiet = true;
                        tracing::warn!(%error, "the store does not say whether a certificate is to be ordered");
                    }
                    Err(_) => {}
                }
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = stop.changed() => return,
            }
        }
    }

    fn now(&self) -> i64 {
        self.needs.clock.unix_seconds()
    }

    fn chance(&self) -> u64 {
        u64::from_be_bytes(random_bytes(self.needs.random.as_ref()))
    }

    /// Serves the certificate of the store, where it is another one than before.
    async fn take_up(&self, current: &mut Current) -> Result<(), LedgerError> {
        let sealed = self.shelf.sealed_certificate().await?;
        if sealed == current.sealed {
            return Ok(());
        }
        let opened = sealed.as_deref().and_then(|sealed| open::<KeptCertificate>(&self.needs.keys, CERTIFICATE, sealed));
        if sealed.is_some() && opened.is_none() {
            tracing::warn!("the certificate in the store was sealed with other keys; another one is ordered");
        }
        if let Some(kept) = &opened
            && current.opened.as_ref().is_none_or(|before| before.chain != kept.chain)
        {
            match self.certificate.take(&kept.chain, &kept.key) {
                Ok(()) => {
                    self.needs.health.set_certified(true);
                    tracing::info!(tls.ends = kept.ends, "the certificate that was ordered is served");
                }
                Err(error) => tracing::error!("the certificate in the store cannot be used: {error}"),
            }
        }
        *current = Current { sealed, opened };
        Ok(())
    }

    async fn turn(&self, settings: &Acme, root: Option<&Path>) -> Result<(), LedgerError> {
        let mut current = self.current.lock().await;
        self.take_up(&mut current).await?;
        let asked = Asked::by(settings);
        let now = self.now();
        let Some(first) = due(current.opened.as_ref(), &asked, now) else { return Ok(()) };
        if first == Due::Order && self.shelf.failure(&asked).await?.is_some_and(|failure| now < failure.next) {
            return Ok(());
        }
        let until = now.saturating_add(OPEN_FOR);
        if !self.shelf.take_turn(now, until).await? {
            return Ok(());
        }
        // Another node may have done it meanwhile.
        self.take_up(&mut current).await?;
        if let Some(due) = due(current.opened.as_ref(), &asked, now) {
            let calls = match self.calls(settings, root).await {
                Ok(calls) => calls,
                Err(said) => {
                    self.failed(asked, said, 0).await?;
                    return self.shelf.end_turn().await;
                }
            };
            match due {
                Due::Question => self.question(settings, calls, &mut current).await?,
                Due::Order => self.order(settings, asked, calls, &mut current).await?,
            }
        }
        self.shelf.end_turn().await
    }

    /// The machine stops in the middle of an order: another node goes on at once.
    async fn give_up(&self) {
        let given = async {
            self.answers.take_away().await?;
            self.shelf.end_turn().await
        };
        if let Err(error) = given.await {
            tracing::debug!(%error, "an order that was not finished is given up after a while");
        }
    }

    async fn calls(&self, settings: &Acme, root: Option<&Path>) -> Result<AuthorityCalls, String> {
        let pem = match authority_file(root, settings) {
            Some(path) => {
                let read = tokio::fs::read(&path).await;
                Some(read.map_err(|error| format!("[tls.acme] ca: '{}' cannot be read: {error}", path.display()))?)
            }
            None => None,
        };
        AuthorityCalls::new(pem.as_deref())
    }

    async fn order(&self, settings: &Acme, asked: Asked, calls: AuthorityCalls, current: &mut Current) -> Result<(), LedgerError> {
        let now = self.now();
        let follows = current.opened.as_ref().filter(|kept| kept.asked.does_for(&asked)).and_then(identifier);
        let names = settings.domains.join(", ");
        tracing::info!(tls.names = names, "a certificate is ordered");
        let ordered = async {
            let account = account(settings, calls.clone(), &self.shelf).await?;
            order(settings, &account, &self.answers, follows, now).await
        };
        let ordered = tokio::time::timeout(ORDER_WITHIN, ordered).await.unwrap_or(Err(OrderError::TooLong));
        self.answers.take_away().await?;
        let issued = match ordered {
            Ok(issued) => issued,
            Err(error) => {
                if let OrderError::Authority { error } = &error
                    && is(error, &["accountDoesNotExist"])
                {
                    self.shelf.forget_account().await?;
                }
                return self.failed(asked, error.to_string(), calls.patience()).await;
            }
        };
        let renew_at = schedule::renewal(issued.begins, issued.ends, self.chance());
        let ask_at = self.now().saturating_add(ASK_USUALLY);
        let kept = KeptCertificate { asked, chain: issued.chain, key: issued.key, ends: issued.ends, renew_at, ask_at };
        self.shelf.keep_certificate(&kept).await?;
        self.shelf.forget_failure().await?;
        metrics::certificate_ordered(true);
        tracing::info!(tls.names = names, tls.renewal = renew_at, "a certificate was issued");
        self.take_up(current).await
    }

    /// Notes a failure for all nodes, and when the next attempt may be.
    async fn failed(&self, asked: Asked, said: String, patience: u64) -> Result<(), LedgerError> {
        let at = self.now();
        let times = self.shelf.failure(&asked).await?.map_or(0, |failure| failure.times).saturating_add(1);
        let next = schedule::next_attempt(at, times, patience, self.chance());
        metrics::certificate_ordered(false);
        tracing::error!(tls.attempts = times, "no certificate was issued, the next attempt is in {} s: {said}", next.saturating_sub(at));
        self.shelf.keep_failure(&KeptFailure { asked, times, at, next, said }).await
    }

    /// Asks the authority whether the certificate should be renewed earlier (RFC 9773). It need not know the question.
    async fn question(&self, settings: &Acme, calls: AuthorityCalls, current: &mut Current) -> Result<(), LedgerError> {
        let Some(mut kept) = current.opened.clone() else { return Ok(()) };
        let now = self.now();
        let mut after = ASK_USUALLY;
        let asking = async {
            let account = account(settings, calls, &self.shelf).await?;
            let Some(identifier) = identifier(&kept) else { return Ok(None) };
            Ok::<_, OrderError>(Some(account.renewal_info(&identifier).await?))
        };
        match tokio::time::timeout(ORDER_WITHIN, asking).await.unwrap_or(Err(OrderError::TooLong)) {
            Ok(Some((info, again))) => {
                let window = info.suggested_window;
                let moment = schedule::within(window.start.unix_timestamp(), window.end.unix_timestamp(), self.chance());
                if moment < kept.renew_at {
                    tracing::info!(tls.renewal = moment, "the authority wants the certificate to be renewed earlier");
                    kept.renew_at = moment;
                }
                after = i64::try_from(again.as_secs()).unwrap_or(i64::MAX).clamp(ASK_AFTER.0, ASK_AFTER.1);
            }
            Ok(None) => {}
            Err(error) => tracing::debug!(%error, "the authority does not say when a certificate should be renewed"),
        }
        kept.ask_at = now.saturating_add(after);
        self.shelf.keep_certificate(&kept).await?;
        self.take_up(current).await
    }
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Order,
    Question,
}

fn due(kept: Option<&KeptCertificate>, asked: &Asked, now: i64) -> Option<Due> {
    match kept {
        Some(kept) if kept.asked.does_for(asked) && now < kept.renew_at => (now >= kept.ask_at).then_some(Due::Question),
        _ => Some(Due::Order),
    }
}

/// How an authority knows a certificate (RFC 9773 section 4.1).
fn identifier(kept: &KeptCertificate) -> Option<CertificateIdentifier<'static>> {
    let first = CertificateDer::from_pem_slice(kept.chain.as_bytes()).ok()?;
    Some(CertificateIdentifier::try_from(&first).ok()?.into_owned())
}

/// What an operator is told of the orders in a store.
pub(crate) struct Told {
    /// The certificate, in PEM; none where none was issued, or other keys sealed it.
    pub(crate) chain: Option<String>,
    /// It is for everything that the settings name, and of that authority.
    pub(crate) fits: bool,
    /// The last failure since then: how many, when the next attempt is (seconds since 1970), and what was said.
    pub(crate) failure: Option<(u32, i64, String)>,
}

/// What lies in a store that is looked at.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn told(store: &store::Inspection, keys: &KeyRing, settings: &Acme) -> Result<Told, store::OpenError> {
    let asked = Asked::by(settings);
    let certificate = store.kept_text(CERTIFICATE)?.and_then(|sealed| open::<KeptCertificate>(keys, CERTIFICATE, &sealed));
    let failure = store.kept_text(FAILURE)?.and_then(|sealed| open::<KeptFailure>(keys, FAILURE, &sealed));
    let fits = certificate.as_ref().is_some_and(|kept| kept.asked.does_for(&asked));
    let failure = failure.filter(|failure| failure.asked == asked).map(|failure| (failure.times, failure.next, failure.said));
    Ok(Told { chain: certificate.map(|kept| kept.chain), fits, failure })
}
