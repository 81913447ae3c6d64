//! The key ring: everything tokens are made and opened with, prepared once.
//!
//! The newest generation seals; every generation still held opens, so a rotation or an import loses nobody in flight.
//! No key is built in (SEC-40). The JSON document is the only way secrets leave the ring; `Debug` shows none.

mod document;
mod generation;
mod weakness;

use zeroize::Zeroizing;

use crate::error::CryptoFailure;
use crate::keystore::{Keystore, KeystoreError};
use crate::pem::{self, PemError};
use crate::rsa::{RsaError, RsaPair};

use self::generation::Generation;
pub use self::weakness::Weakness;
#[cfg(test)]
pub(crate) use self::weakness::{check_rsa, check_secret};

/// Alias under which IDM keeps the secret its self-service tokens are signed with.
pub const IDM_SIGNING_ALIAS: &str = "openidm-selfservice-key";

/// Why keys could not be loaded, imported or made.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The document is not the JSON it should be. Position only: the text next to it is secret.
    #[error("the key document is damaged at line {line}, column {column}")]
    Document {
        /// 1-based line.
        line: usize,
        /// 1-based column.
        column: usize,
    },
    /// The document was written by a later version.
    #[error("the key document has version {0}; this program reads version 1")]
    Version(u64),
    /// The document holds no keys.
    #[error("the key document holds no keys")]
    Empty,
    /// A member of the document is not base64 or has the wrong length.
    #[error("member `{0}` of the key document is damaged")]
    Member(&'static str),
    /// A secret that others know or could guess (SEC-40).
    #[error("{what} is refused: {weakness}")]
    Weak {
        /// Which key it is.
        what: String,
        /// What is wrong with it.
        weakness: Weakness,
    },
    /// An RSA key that cannot be used.
    #[error("{what} is refused: {error}")]
    Rsa {
        /// Which key it is.
        what: String,
        /// What is wrong with it.
        error: RsaError,
    },
    /// A PEM file without a usable key.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// A PKCS #12 file that cannot be read.
    #[error(transparent)]
    Keystore(#[from] KeystoreError),
    /// The PKCS #12 file holds no private key under the alias.
    #[error("the keystore has no private key `{alias}`; it has: {}", found.join(", "))]
    NoPrivateKey {
        /// The alias that was looked for.
        alias: String,
        /// The aliases of everything in the file.
        found: Vec<String>,
    },
    /// The PKCS #12 file holds no secret key under the alias.
    #[error("the keystore has no secret key `{alias}`; it has: {}", found.join(", "))]
    NoSecretKey {
        /// The alias that was looked for.
        alias: String,
        /// The aliases of everything in the file.
        found: Vec<String>,
    },
    /// The system gave no randomness.
    #[error(transparent)]
    Crypto(#[from] CryptoFailure),
}

/// What an import brought into the ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Imported {
    /// SHA-256 over the public key that seals from now on.
    pub fingerprint: [u8; 32],
    /// Whether the signing secret was imported too, and not only the RSA pair.
    pub signing: bool,
    /// False when the ring already sealed with exactly these keys.
    pub changed: bool,
}

/// Keys of every purpose, in generations: the current one and older ones that only open.
#[derive(Debug)]
pub struct KeyRing {
    current: Generation,
    previous: Vec<Generation>,
}

impl KeyRing {
    /// Makes a ring with one fresh generation: RSA with 2048 bits, signing secret and master secret.
    ///
    /// # Errors
    /// [`KeyError::Crypto`] when the system gives no randomness.
    pub fn generate() -> Result<Self, KeyError> {
        Ok(Self { current: Generation::generate()?, previous: Vec::new() })
    }

    /// Reads the document that [`KeyRing::to_json`] wrote.
    ///
    /// # Errors
    /// [`KeyError`] for a damaged document and for weak or sample keys in it.
    pub fn from_json(document: &str) -> Result<Self, KeyError> {
        let mut generations = document::read(document)?.into_iter();
        let current = generations.next().ok_or(KeyError::Empty)?;
        Ok(Self { current, previous: generations.collect() })
    }

    /// The ring as a versioned JSON document with every secret in clear: store it with mode 0600 (design decision 19).
    pub fn to_json(&self) -> Zeroizing<String> {
        document::write(self.generations())
    }

    /// Makes a fresh generation the current one; tokens of the former one can still be opened.
    ///
    /// # Errors
    /// [`KeyError::Crypto`] when the system gives no randomness.
    pub fn rotate(&mut self) -> Result<(), KeyError> {
        let fresh = Generation::generate()?;
        self.make_current(fresh);
        Ok(())
    }

    /// Forgets all but the `keep` newest former generations: their tokens become invalid.
    pub fn forget_previous(&mut self, keep: usize) {
        self.previous.truncate(keep);
    }

    /// How many former generations can still open tokens.
    pub fn previous_len(&self) -> usize {
        self.previous.len()
    }

    /// Takes over IDM's keys from a PKCS #12 file: the RSA pair under `alias` (IDM calls it `selfservice`) and the secret under
    /// `signing`; when that is `None`, the one under [`IDM_SIGNING_ALIAS`] where the file has it. The ring's former keys still open.
    ///
    /// IDM signs with the ASCII bytes of the secret's Base64 text, and so does the ring.
    ///
    /// # Errors
    /// [`KeyError`] when the file cannot be read, has no such key, or the keys are weak.
    pub fn import_pkcs12(&mut self, file: &[u8], password: &str, alias: &str, signing: Option<&str>) -> Result<Imported, KeyError> {
        let keystore = Keystore::open(file, password)?;
        let found = || keystore.aliases().map(str::to_owned).collect();
        let rsa = keystore
            .rsa(alias)
            .map_err(|error| KeyError::Rsa { what: format!("private key `{alias}`"), error })?
            .ok_or_else(|| KeyError::NoPrivateKey { alias: alias.to_owned(), found: found() })?;
        let name = signing.unwrap_or(IDM_SIGNING_ALIAS);
        let secret = keystore.secret_key(name);
        if signing.is_some() && secret.is_none() {
            return Err(KeyError::NoSecretKey { alias: name.to_owned(), found: found() });
        }
        let signing = secret.map(|secret| generation::idm_signing_secret(name, secret)).transpose()?;
        self.import(rsa, &format!("private key `{alias}`"), signing)
    }

    /// Takes over an RSA private key in PEM; signing and master secret stay.
    ///
    /// # Errors
    /// [`KeyError`] when the file has no usable RSA key.
    pub fn import_pem(&mut self, file: &[u8]) -> Result<Imported, KeyError> {
        self.import(pem::read_rsa(file)?, "the private key", None)
    }

    /// HMAC-SHA-256 over `label` and `parts` under a key of its own: for codes, drawn questions and decoys.
    ///
    /// Every part goes in with its length, so no two lists of parts give the same input. Imports leave the result as it
    /// is; [`KeyRing::rotate`] changes it.
    pub fn keyed(&self, label: &str, parts: &[&[u8]]) -> [u8; 32] {
        self.current.keyed(label, parts)
    }

    /// What [`KeyRing::keyed`] gives now and gave with each former generation, newest first: to find what was stored under it.
    pub fn keyed_by_each(&self, label: &str, parts: &[&[u8]]) -> Vec<[u8; 32]> {
        self.generations().map(|keys| keys.keyed(label, parts)).collect()
    }

    /// Whether `value` is what [`KeyRing::keyed`] gives now or gave with a former generation; compared in constant time.
    pub fn keyed_matches(&self, label: &str, parts: &[&[u8]], value: &[u8; 32]) -> bool {
        self.generations().any(|keys| aws_lc_rs::constant_time::verify_slices_are_equal(&keys.keyed(label, parts), value).is_ok())
    }

    /// The generation that seals.
    pub(crate) fn current(&self) -> &Generation {
        &self.current
    }

    /// Every generation, the current one first.
    pub(crate) fn generations(&self) -> impl Iterator<Item = &Generation> {
        std::iter::once(&self.current).chain(&self.previous)
    }

    fn import(&mut self, rsa: RsaPair, what: &str, signing: Option<Zeroizing<Vec<u8>>>) -> Result<Imported, KeyError> {
        weakness::check_rsa(&rsa).map_err(|weakness| KeyError::Weak { what: what.to_owned(), weakness })?;
        let fingerprint = rsa.fingerprint();
        let imported = signing.is_some();
        let next = self.current.with(rsa, signing)?;
        let changed = !next.same_as(&self.current);
        if changed {
            self.make_current(next);
        }
        Ok(Imported { fingerprint, signing: imported, changed })
    }

    fn make_current(&mut self, next: Generation) {
        let former = std::mem::replace(&mut self.current, next);
        self.previous.insert(0, former);
    }
}
