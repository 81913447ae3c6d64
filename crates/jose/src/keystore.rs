//! IDM's keystore: RSA pairs and secret keys by alias, from a JCEKS file as IDM makes it, or from a PKCS #12 file.
//!
//! Java compares aliases without regard to case, and so does this module.

mod java_stream;
mod jceks;

use std::sync::OnceLock;

use p12_keystore::Pkcs12Archive;
use p12_keystore::error::Error as Pkcs12Error;
use zeroize::Zeroizing;

use crate::error::{Error, KeyFault};
use crate::rsa::RsaPair;

const JKS_MAGIC: [u8; 4] = [0xFE, 0xED, 0xFE, 0xED];

/// An opened keystore. Its keys are wiped from memory when it is dropped.
pub struct Keystore {
    private_keys: Vec<Entry>,
    secret_keys: Vec<Entry>,
}

struct Entry {
    alias: String,
    key: Zeroizing<Vec<u8>>,
    /// The pair that a private key is, read when it is needed first: a million values may be wrapped with it.
    pair: OnceLock<Result<RsaPair, KeyFault>>,
}

impl Entry {
    fn new(alias: String, key: Zeroizing<Vec<u8>>) -> Self {
        Self { alias, key, pair: OnceLock::new() }
    }
}

impl Keystore {
    /// Opens a JCEKS or a PKCS #12 file.
    ///
    /// # Errors
    /// [`Error::JavaKeystore`], [`Error::DamagedKeystore`], [`Error::KeystorePassword`].
    pub fn open(file: &[u8], password: &str) -> Result<Self, Error> {
        if file.starts_with(&jceks::MAGIC) {
            return jceks::open(file, password);
        }
        // It holds no secret keys, which is what an IDM encrypts with.
        if file.starts_with(&JKS_MAGIC) {
            return Err(Error::JavaKeystore("JKS"));
        }
        let archive = Pkcs12Archive::from_pkcs12(file, password).map_err(|error| match error {
            Pkcs12Error::MacError(_) | Pkcs12Error::UnpadError | Pkcs12Error::Pkcs5Error(_) => Error::KeystorePassword,
            other => Error::DamagedKeystore(other.to_string()),
        })?;
        let entry = |alias: Option<String>, key: &[u8]| Entry::new(alias.unwrap_or_default(), Zeroizing::new(key.to_vec()));
        Ok(Self {
            private_keys: archive.keys.into_iter().map(|bag| entry(bag.friendly_name, bag.key.as_der())).collect(),
            secret_keys: archive.secrets.into_iter().map(|bag| entry(bag.friendly_name, bag.key.key())).collect(),
        })
    }

    /// The secret key under `alias`.
    pub fn secret_key(&self, alias: &str) -> Option<&[u8]> {
        find(&self.secret_keys, alias).map(|entry| entry.key.as_slice())
    }

    /// The RSA pair under `alias`.
    ///
    /// # Errors
    /// [`KeyFault`] when there is a private key under `alias` that cannot be used.
    pub fn rsa(&self, alias: &str) -> Result<Option<&RsaPair>, KeyFault> {
        let Some(entry) = find(&self.private_keys, alias) else { return Ok(None) };
        entry.pair.get_or_init(|| RsaPair::from_pkcs8(&entry.key)).as_ref().map(Some).map_err(|fault| *fault)
    }

    /// The aliases of all private and secret keys.
    pub fn aliases(&self) -> impl Iterator<Item = &str> {
        self.private_keys.iter().chain(&self.secret_keys).map(|entry| entry.alias.as_str())
    }
}

impl std::fmt::Debug for Keystore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keystore").field("aliases", &self.aliases().collect::<Vec<_>>()).finish_non_exhaustive()
    }
}

fn find<'k>(entries: &'k [Entry], alias: &str) -> Option<&'k Entry> {
    entries.iter().find(|entry| entry.alias.eq_ignore_ascii_case(alias))
}
