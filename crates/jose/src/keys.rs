//! The key ring: everything tokens are made and opened with, prepared once.
//!
//! The current generation seals; every generation still held opens, so that people keep their unfinished processes after a rotation or an import.
//! No key is built in (SEC-40). The JSON document is the only way secrets leave the ring; `Debug` shows none.

mod document;
mod generation;
mod weakness;

use zeroize::Zeroizing;

use crate::error::Error;
use crate::keystore::Keystore;
use crate::pem;
use crate::rsa::RsaPair;

use self::generation::Generation;
#[cfg(test)]
pub(crate) use self::weakness::{check_rsa, check_secret};

/// Alias under which IDM keeps the secret its self-service tokens are signed with.
pub const IDM_SIGNING_ALIAS: &str = "openidm-selfservice-key";

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

/// Keys of every purpose, in generations: the current one, perhaps one that will be it, and older ones. All of them open.
#[derive(Debug)]
pub struct KeyRing {
    current: Generation,
    /// Opens what other nodes seal that have made it their current one.
    next: Option<Generation>,
    previous: Vec<Generation>,
}

/// What a generation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyUse {
    /// It seals, and opens what it sealed.
    Seals,
    /// It will seal ([`KeyRing::seal_with_prepared`]), and opens what others seal with it.
    Prepared,
    /// It opens what it sealed before.
    Opens,
}

impl KeyRing {
    /// Makes a ring with one fresh generation: RSA with 2048 bits, signing secret and master secret.
    ///
    /// # Errors
    /// [`Error::Crypto`] when the system gives no randomness.
    pub fn generate() -> Result<Self, Error> {
        Ok(Self { current: Generation::generate()?, next: None, previous: Vec::new() })
    }

    /// The same for keys that are thrown away: the pair, which takes as long to draw as hundreds of tokens, is drawn when the first token asks for
    /// it.
    ///
    /// # Errors
    /// As [`KeyRing::generate`].
    pub fn generate_late() -> Result<Self, Error> {
        Ok(Self { current: Generation::generate_late()?, next: None, previous: Vec::new() })
    }

    /// Reads the document that [`KeyRing::to_json`] wrote.
    ///
    /// # Errors
    /// [`Error`] for a damaged document and for weak or sample keys in it.
    pub fn from_json(document: &str) -> Result<Self, Error> {
        let (generations, has_next) = document::read(document)?;
        let mut generations = generations.into_iter();
        let current = generations.next().ok_or(Error::EmptyDocument)?;
        let next = if has_next { generations.next() } else { None };
        Ok(Self { current, next, previous: generations.collect() })
    }

    /// The ring as a versioned JSON document with every secret in clear: store it with mode 0600 (decision 19).
    pub fn to_json(&self) -> Zeroizing<String> {
        document::write(self.generations(), self.next.is_some())
    }

    /// A ring with the same pair, whose secrets `fill` draws: for keys that follow from a seed and are thrown away.
    ///
    /// # Errors
    /// [`Error::Crypto`] when a key cannot be made.
    pub fn with_secrets(&self, fill: impl FnMut(&mut [u8])) -> Result<Self, Error> {
        Ok(Self { current: self.current.with_secrets(fill)?, next: None, previous: Vec::new() })
    }

    /// Makes a fresh generation the current one; tokens of the former one can still be opened.
    ///
    /// # Errors
    /// [`Error::Crypto`] when the system gives no randomness.
    pub fn rotate(&mut self) -> Result<(), Error> {
        let fresh = Generation::generate()?;
        // Another ring may have sealed with it already.
        if let Some(next) = self.next.take() {
            self.previous.insert(0, next);
        }
        self.make_current(fresh);
        Ok(())
    }

    /// Makes a fresh generation that opens and does not seal yet, for several rings that have to open what each other seals; false where there is
    /// one already.
    ///
    /// # Errors
    /// [`Error::Crypto`] when the system gives no randomness.
    pub fn prepare(&mut self) -> Result<bool, Error> {
        if self.next.is_some() {
            return Ok(false);
        }
        self.next = Some(Generation::generate()?);
        Ok(true)
    }

    /// Whether a generation is prepared.
    pub fn is_prepared(&self) -> bool {
        self.next.is_some()
    }

    /// Seals with the generation that was prepared from now on; false where none was.
    pub fn seal_with_prepared(&mut self) -> bool {
        let Some(next) = self.next.take() else { return false };
        self.make_current(next);
        true
    }

    /// The public half of each generation's pair, the one that seals first: SHA-256 over its SubjectPublicKeyInfo, the bits of its modulus, and what
    /// the generation is for.
    pub fn pairs(&self) -> impl Iterator<Item = ([u8; 32], usize, KeyUse)> {
        let uses = [KeyUse::Seals].into_iter().chain(self.next.iter().map(|_| KeyUse::Prepared)).chain(std::iter::repeat(KeyUse::Opens));
        let known = self.generations().zip(uses).filter_map(|(keys, of)| Some((keys.pair().ok()?, of)));
        known.map(|(pair, of)| (pair.fingerprint(), pair.bits(), of))
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
    /// [`Error`] when the file cannot be read, has no such key, or the keys are weak.
    pub fn import_pkcs12(&mut self, file: &[u8], password: &str, alias: &str, signing: Option<&str>) -> Result<Imported, Error> {
        let keystore = Keystore::open(file, password)?;
        let found = || keystore.aliases().map(str::to_owned).collect();
        let rsa = keystore
            .rsa(alias)
            .and_then(|pair| pair.map(|pair| RsaPair::from_pkcs8(pair.pkcs8())).transpose())
            .map_err(|fault| Error::RefusedKey { what: format!("private key `{alias}`"), fault })?
            .ok_or_else(|| Error::NoPrivateKey { alias: alias.to_owned(), found: found() })?;
        let name = signing.unwrap_or(IDM_SIGNING_ALIAS);
        let secret = keystore.secret_key(name);
        if signing.is_some() && secret.is_none() {
            return Err(Error::NoSecretKey { alias: name.to_owned(), found: found() });
        }
        let signing = secret.map(|secret| generation::idm_signing_secret(name, secret)).transpose()?;
        self.import(rsa, &format!("private key `{alias}`"), signing)
    }

    /// Takes over an RSA private key in PEM; signing and master secret stay.
    ///
    /// # Errors
    /// [`Error`] when the file has no usable RSA key.
    pub fn import_pem(&mut self, file: &[u8]) -> Result<Imported, Error> {
        self.import(pem::read_rsa(file)?, "the private key", None)
    }

    /// HMAC-SHA-256 over `label` and `parts` under a key of its own: for codes, drawn questions and decoys.
    ///
    /// Every part goes in with its length, so no two lists of parts give the same input. Imports leave the result as it
    /// is; [`KeyRing::rotate`] changes it.
    pub fn keyed(&self, label: &str, parts: &[&[u8]]) -> [u8; 32] {
        self.current.keyed(label, parts)
    }

    /// What [`KeyRing::keyed`] gives now, will give where a generation is prepared, and gave with each former generation, in this order: to find
    /// what was stored under it.
    pub fn keyed_by_each(&self, label: &str, parts: &[&[u8]]) -> Vec<[u8; 32]> {
        self.generations().map(|keys| keys.keyed(label, parts)).collect()
    }

    /// What [`KeyRing::keyed`] gave with the oldest generation that is held: neither a rotation nor the preparation of one changes it, only that
    /// the generation is forgotten.
    pub fn keyed_for_long(&self, label: &str, parts: &[&[u8]]) -> [u8; 32] {
        self.previous.last().unwrap_or(&self.current).keyed(label, parts)
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
        std::iter::once(&self.current).chain(&self.next).chain(&self.previous)
    }

    fn import(&mut self, rsa: RsaPair, what: &str, signing: Option<Zeroizing<Vec<u8>>>) -> Result<Imported, Error> {
        weakness::check_rsa(&rsa).map_err(|fault| Error::RefusedKey { what: what.to_owned(), fault })?;
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
