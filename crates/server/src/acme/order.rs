//! One conversation with an authority, from the account to the certificate (RFC 8555 section 7).
//!
//! Easiest to break: the authority looks at once when it is told that an answer is ready, and at any node. So all answers lie in the store, and every node
//! has had time to forget that they did not, before the first one is announced.

use std::time::Duration;

use instant_acme::{
    Account, AuthorizationStatus, CertificateIdentifier, ChallengeType, Error, Identifier, NewAccount, NewOrder, Order, OrderStatus,
    RetryPolicy,
};
use process::LedgerError;
use project::Acme;
use rustls::client::verify_server_name;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::ParsedCertificate;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::answers::{Answers, FORGETS_WITHIN};
use super::kept::{Digests, KeptAccount, Shelf};
use crate::ports::AuthorityCalls;

/// How long an authority may take to look, and to issue.
const LOOKS_WITHIN: Duration = Duration::from_mins(3);
/// Answers lie in the store no longer, in seconds.
pub(super) const OPEN_FOR: i64 = 900;

/// Why there is no certificate. A sentence for the operator; an authority's own words are cut short.
#[derive(Debug, thiserror::Error)]
pub(super) enum OrderError {
    #[error("{}", shortened(&error.to_string()))]
    Authority {
        #[from]
        error: Error,
    },
    #[error("the store does not answer: {0}")]
    Store(#[from] LedgerError),
    #[error("the authority does not look at {0} over TLS (tls-alpn-01), and no other way is known here")]
    NoChallenge(String),
    #[error("the authority did not find this server at {name}: {}", shortened(said))]
    NotFound { name: String, said: String },
    #[error("the certificate that came cannot be used: {0}")]
    Unusable(String),
    #[error("it took too long")]
    TooLong,
}

/// A certificate that was issued.
pub(super) struct Issued {
    pub(super) chain: String,
    pub(super) key: String,
    /// Seconds since 1970.
    pub(super) begins: i64,
    pub(super) ends: i64,
}

/// The account of `[tls.acme]` at its authority, a new one where there is none.
pub(super) async fn account(settings: &Acme, calls: AuthorityCalls, shelf: &Shelf) -> Result<Account, OrderError> {
    let builder = Account::builder_with_http(Box::new(calls));
    let contact: Vec<&str> = settings.contact.iter().map(String::as_str).collect();
    if let Some(kept) = shelf.account(&settings.directory).await? {
        let text = serde_json::to_string(&kept.credentials).map_err(Error::from)?;
        let account = builder.from_credentials(kept.credentials).await?;
        if kept.contact != settings.contact {
            account.update_contacts(&contact).await?;
            let credentials = serde_json::from_str(&text).map_err(Error::from)?;
            shelf.keep_account(&KeptAccount { contact: settings.contact.clone(), credentials, directory: kept.directory }).await?;
        }
        return Ok(account);
    }
    let new = NewAccount { contact: &contact, terms_of_service_agreed: settings.terms_agreed, only_return_existing: false };
    let (account, credentials) = builder.create(&new, settings.directory.clone(), None).await?;
    let (directory, contact) = (settings.directory.clone(), settings.contact.clone());
    shelf.keep_account(&KeptAccount { directory, contact, credentials }).await?;
    tracing::info!("an account was made at the authority of [tls.acme]");
    Ok(account)
}

/// Orders a certificate. Where it follows another, the authority is told which one, if it wants to know.
pub(super) async fn order(
    settings: &Acme,
    account: &Account,
    answers: &Answers,
    follows: Option<CertificateIdentifier<'_>>,
    now: i64,
) -> Result<Issued, OrderError> {
    let names: Vec<Identifier> = settings.domains.iter().cloned().map(Identifier::Dns).collect();
    let mut order = begin(account, &names, follows).await?;
    let digests = asked(&mut order).await?;
    if !digests.is_empty() {
        answers.lay_out(digests, now.saturating_add(OPEN_FOR)).await?;
        tokio::time::sleep(FORGETS_WITHIN).await;
        announce(&mut order).await?;
    }
    let patience = RetryPolicy::new().timeout(LOOKS_WITHIN);
    match order.poll_ready(&patience).await {
        Ok(OrderStatus::Ready) => {}
        Ok(_) | Err(Error::Api(_)) => return Err(refusal(&mut order).await),
        Err(error) => return Err(error.into()),
    }
    let key = order.finalize().await?;
    let chain = order.poll_certificate(&patience).await?;
    issued(chain, key, settings)
}

/// Whether an error is one of these problems (RFC 8555 section 6.7).
pub(super) fn is(error: &Error, problems: &[&str]) -> bool {
    let Error::Api(problem) = error else { return false };
    problem.r#type.as_deref().and_then(|kind| kind.rsplit(':').next()).is_some_and(|kind| problems.contains(&kind))
}

async fn begin(account: &Account, names: &[Identifier], follows: Option<CertificateIdentifier<'_>>) -> Result<Order, Error> {
    let Some(follows) = follows else { return account.new_order(&NewOrder::new(names)).await };
    match account.new_order(&NewOrder::new(names).replaces(follows)).await {
        // It does not want to know, or knows of another that follows (RFC 9773 section 5).
        Err(Error::Unsupported(_)) => account.new_order(&NewOrder::new(names)).await,
        Err(error) if is(&error, &["alreadyReplaced", "malformed", "unauthorized", "conflict"]) => {
            account.new_order(&NewOrder::new(names)).await
        }
        begun => begun,
    }
}

/// What is to be shown at which name.
async fn asked(order: &mut Order) -> Result<Digests, OrderError> {
    let mut digests = Digests::new();
    let mut all = order.authorizations();
    while let Some(authorization) = all.next().await {
        let mut authorization = authorization?;
        if authorization.status == AuthorizationStatus::Valid {
            continue;
        }
        let name = authorization.identifier().to_string();
        let Some(challenge) = authorization.challenge(ChallengeType::TlsAlpn01) else { return Err(OrderError::NoChallenge(name)) };
        let digest = challenge.key_authorization().digest();
        let digest = digest.as_ref().try_into().map_err(|_| Error::Crypto)?;
        digests.insert(name, digest);
    }
    Ok(digests)
}

async fn announce(order: &mut Order) -> Result<(), Error> {
    let mut all = order.authorizations();
    while let Some(authorization) = all.next().await {
        let mut authorization = authorization?;
        if authorization.status == AuthorizationStatus::Pending
            && let Some(mut challenge) = authorization.challenge(ChallengeType::TlsAlpn01)
        {
            challenge.set_ready().await?;
        }
    }
    Ok(())
}

/// Why the authority did not accept an answer.
async fn refusal(order: &mut Order) -> OrderError {
    let state = order.state().error.as_ref().map(ToString::to_string);
    let mut all = order.authorizations();
    while let Some(Ok(mut authorization)) = all.next().await {
        let Ok(state) = authorization.refresh().await else { continue };
        let problem = state.challenges.iter().find_map(|challenge| challenge.error.as_ref());
        if let Some(problem) = problem {
            return OrderError::NotFound { name: state.identifier().to_string(), said: problem.to_string() };
        }
    }
    OrderError::Unusable(state.unwrap_or_else(|| "the authority ended the order and did not say why".to_owned()))
}

/// What came, looked at before anybody is served with it.
fn issued(chain: String, key: String, settings: &Acme) -> Result<Issued, OrderError> {
    let unusable = |text: &str| OrderError::Unusable(text.to_owned());
    let all = CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<Vec<_>, _>>();
    let all = all.map_err(|_| unusable("it is no PEM"))?;
    let first = all.first().ok_or_else(|| unusable("it is empty"))?;
    let (_, read) = X509Certificate::from_der(first).map_err(|_| unusable("it is no certificate"))?;
    let (begins, ends) = (read.validity().not_before.timestamp(), read.validity().not_after.timestamp());
    let parsed = ParsedCertificate::try_from(first).map_err(|error| OrderError::Unusable(error.to_string()))?;
    for name in &settings.domains {
        let server = ServerName::try_from(name.as_str()).map_err(|_| unusable("a name is none"))?;
        verify_server_name(&parsed, &server).map_err(|_| OrderError::Unusable(format!("it is not for {name}")))?;
    }
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let private = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|_| unusable("its key is no PEM"))?;
    rustls::sign::CertifiedKey::from_der(all.clone(), private, &provider).map_err(|error| OrderError::Unusable(error.to_string()))?;
    Ok(Issued { chain, key, begins, ends })
}

/// The words of an authority, as a log holds them.
fn shortened(text: &str) -> String {
    const MOST: usize = 400;
    let text: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(MOST + 1).collect();
    if text.chars().count() > MOST { format!("{}…", text.chars().take(MOST).collect::<String>()) } else { text }
}
