//! What nodes keep of an order in the store that they share, sealed with their keys: the account, the certificate, the challenges that are open, and
//! the last failure.
//!
//! Easiest to break: nothing of it is written anywhere else. An account's key orders certificates in the operator's name, and the certificate's is this
//! server.

use std::collections::BTreeMap;
use std::sync::Arc;

use instant_acme::AccountCredentials;
use jose::KeyRing;
use process::LedgerError;
use project::Acme;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use store::Db;

/// Names in the store.
const ACCOUNT: &str = "acme account";
pub(super) const CERTIFICATE: &str = "acme certificate";
const CHALLENGES: &str = "acme challenges";
pub(super) const FAILURE: &str = "acme failure";
/// Whose turn it is to order.
const TURN: &str = "acme order";
/// What is kept until it is replaced: the end of 9999.
const FOR_EVER: i64 = 253_402_300_799;

/// What was asked for: an order for something else is another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Asked {
    directory: String,
    domains: Vec<String>,
    contact: Vec<String>,
}

impl Asked {
    pub(super) fn by(settings: &Acme) -> Self {
        Self { directory: settings.directory.clone(), domains: settings.domains.clone(), contact: settings.contact.clone() }
    }

    /// Whether a certificate of this order does for that one: it is of the same authority, and for these names.
    pub(super) fn does_for(&self, wanted: &Self) -> bool {
        self.directory == wanted.directory && wanted.domains.iter().all(|name| self.domains.contains(name))
    }
}

/// An account at an authority.
#[derive(Serialize, Deserialize)]
pub(super) struct KeptAccount {
    pub(super) directory: String,
    pub(super) contact: Vec<String>,
    pub(super) credentials: AccountCredentials,
}

/// A certificate that was issued.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct KeptCertificate {
    pub(super) asked: Asked,
    /// PEM, the first one for the names.
    pub(super) chain: String,
    /// PEM.
    pub(super) key: String,
    /// Seconds since 1970.
    pub(super) ends: i64,
    pub(super) renew_at: i64,
    /// When the authority is asked whether it should be earlier (RFC 9773).
    pub(super) ask_at: i64,
}

/// What became of the last attempts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct KeptFailure {
    pub(super) asked: Asked,
    /// How many one after the other.
    pub(super) times: u32,
    /// When the last one was, and when the next may be, in seconds since 1970.
    pub(super) at: i64,
    pub(super) next: i64,
    pub(super) said: String,
}

/// Digests by name (RFC 8737 section 3).
pub(super) type Digests = BTreeMap<String, [u8; 32]>;

/// Opens what was kept under a name; nothing where it was sealed with other keys.
pub(super) fn open<T: DeserializeOwned>(keys: &KeyRing, name: &str, sealed: &str) -> Option<T> {
    serde_json::from_slice(&jose::open_at_rest(keys, name, sealed)?.value).ok()
}

/// Where it is kept.
#[derive(Clone)]
pub(super) struct Shelf {
    pub(super) db: Db,
    pub(super) keys: Arc<KeyRing>,
    /// This server, among those that may order.
    pub(super) holder: i64,
}

impl Shelf {
    async fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, LedgerError> {
        let sealed = self.db.kept_text(name).await?;
        Ok(sealed.and_then(|sealed| open(&self.keys, name, &sealed)))
    }

    async fn write<T: Serialize + Sync>(&self, name: &str, value: &T, until: i64) -> Result<(), LedgerError> {
        let text = serde_json::to_vec(value).map_err(|error| LedgerError(error.to_string()))?;
        let sealed = jose::seal_at_rest(&self.keys, name, &text).map_err(|error| LedgerError(error.to_string()))?;
        self.db.keep_text(name, sealed, until).await
    }

    /// The account at this authority.
    pub(super) async fn account(&self, directory: &str) -> Result<Option<KeptAccount>, LedgerError> {
        Ok(self.read(ACCOUNT).await?.filter(|kept: &KeptAccount| kept.directory == directory))
    }

    pub(super) async fn keep_account(&self, account: &KeptAccount) -> Result<(), LedgerError> {
        self.write(ACCOUNT, account, FOR_EVER).await
    }

    pub(super) async fn forget_account(&self) -> Result<(), LedgerError> {
        self.db.forget_text(ACCOUNT).await
    }

    /// The certificate as it lies there: whoever has seen it need not open it.
    pub(super) async fn sealed_certificate(&self) -> Result<Option<String>, LedgerError> {
        self.db.kept_text(CERTIFICATE).await
    }

    pub(super) async fn keep_certificate(&self, certificate: &KeptCertificate) -> Result<(), LedgerError> {
        self.write(CERTIFICATE, certificate, FOR_EVER).await
    }

    pub(super) async fn challenges(&self) -> Result<Digests, LedgerError> {
        Ok(self.read(CHALLENGES).await?.unwrap_or_default())
    }

    pub(super) async fn keep_challenges(&self, digests: &Digests, until: i64) -> Result<(), LedgerError> {
        self.write(CHALLENGES, digests, until).await
    }

    pub(super) async fn forget_challenges(&self) -> Result<(), LedgerError> {
        self.db.forget_text(CHALLENGES).await
    }

    /// The last failure of such an order.
    pub(super) async fn failure(&self, asked: &Asked) -> Result<Option<KeptFailure>, LedgerError> {
        Ok(self.read(FAILURE).await?.filter(|kept: &KeptFailure| kept.asked == *asked))
    }

    pub(super) async fn keep_failure(&self, failure: &KeptFailure) -> Result<(), LedgerError> {
        self.write(FAILURE, failure, FOR_EVER).await
    }

    pub(super) async fn forget_failure(&self) -> Result<(), LedgerError> {
        self.db.forget_text(FAILURE).await
    }

    /// Takes the turn to order until a moment; whether it is this server's.
    pub(super) async fn take_turn(&self, now: i64, until: i64) -> Result<bool, LedgerError> {
        self.db.take_turn(TURN, self.holder, now, until).await
    }

    pub(super) async fn end_turn(&self) -> Result<(), LedgerError> {
        self.db.end_turn(TURN, self.holder).await
    }
}
