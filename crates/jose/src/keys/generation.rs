//! One generation of keys: an RSA pair, a signing secret, a master secret, and all that is derived from them.
//!
//! No two purposes share key bytes: every algorithm of the inner JWE gets its own key from the master secret by HKDF
//! (RFC 5869) under its own label. The labels are stored data; changing one makes every sealed token unreadable.

use std::sync::{Arc, OnceLock};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{hkdf, hmac, rand};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::weakness;
use crate::algorithms::{Encryption, JweAlgorithm, JwsAlgorithm};
use crate::content::ContentKey;
use crate::error::{CryptoFailure, Error};
use crate::form::TokenForm;
use crate::jwe::KeyManagement;
use crate::jws::MacKey;
use crate::key_wrap::WrappingKey;
use crate::rsa::RsaPair;

/// Bytes of the master secret.
pub(super) const MASTER_LEN: usize = 32;
/// Bytes of a generated signing secret: as many as the longest MAC (RFC 7518 §3.2).
const SIGNING_LEN: usize = 64;
const HKDF_SALT: &[u8] = b"vestibule key ring 1";

/// The keys of one generation, prepared for every algorithm.
pub(crate) struct Generation {
    /// Drawn when it is first asked for, where the generation began without it.
    rsa: Arc<OnceLock<RsaPair>>,
    signing: Zeroizing<Vec<u8>>,
    master: Zeroizing<[u8; MASTER_LEN]>,
    macs: [MacKey; 3],
    direct: [ContentKey; 6],
    wrapping: [WrappingKey; 3],
    keyed: hmac::Key,
}

impl Generation {
    /// Draws every secret anew.
    pub(super) fn generate() -> Result<Self, Error> {
        let generation = Self::generate_late()?;
        generation.pair()?;
        Ok(generation)
    }

    /// Draws every secret anew, and the pair when it is first asked for.
    pub(super) fn generate_late() -> Result<Self, Error> {
        let mut signing = Zeroizing::new(vec![0; SIGNING_LEN]);
        rand::fill(&mut signing).map_err(CryptoFailure::from)?;
        let mut master = Zeroizing::new([0; MASTER_LEN]);
        rand::fill(master.as_mut_slice()).map_err(CryptoFailure::from)?;
        Ok(Self::prepare(Arc::default(), signing, master)?)
    }

    /// The pair.
    pub(super) fn pair(&self) -> Result<&RsaPair, CryptoFailure> {
        if let Some(pair) = self.rsa.get() {
            return Ok(pair);
        }
        let drawn = RsaPair::generate().map_err(|_| CryptoFailure)?;
        Ok(self.rsa.get_or_init(|| drawn))
    }

    /// Prepares stored secrets, refusing weak ones.
    pub(super) fn restore(rsa: RsaPair, signing: Zeroizing<Vec<u8>>, master: Zeroizing<[u8; MASTER_LEN]>) -> Result<Self, Error> {
        let weak = |what: &str| {
            let what = what.to_owned();
            |fault| Error::RefusedKey { what, fault }
        };
        weakness::check_rsa(&rsa).map_err(weak("the RSA key"))?;
        weakness::check_secret(&signing).map_err(weak("the signing secret"))?;
        weakness::check_secret(master.as_slice()).map_err(weak("the master secret"))?;
        Ok(Self::prepare(Arc::new(rsa.into()), signing, master)?)
    }

    /// This generation with another RSA pair and, where given, another signing secret.
    pub(super) fn with(&self, rsa: RsaPair, signing: Option<Zeroizing<Vec<u8>>>) -> Result<Self, Error> {
        let signing = signing.unwrap_or_else(|| self.signing.clone());
        Ok(Self::prepare(Arc::new(rsa.into()), signing, self.master.clone())?)
    }

    /// This generation's pair with secrets that `fill` draws.
    pub(super) fn with_secrets(&self, mut fill: impl FnMut(&mut [u8])) -> Result<Self, Error> {
        let (mut signing, mut master) = (Zeroizing::new(vec![0; SIGNING_LEN]), Zeroizing::new([0; MASTER_LEN]));
        fill(&mut signing);
        fill(master.as_mut_slice());
        Ok(Self::prepare(Arc::clone(&self.rsa), signing, master)?)
    }

    fn prepare(
        rsa: Arc<OnceLock<RsaPair>>,
        signing: Zeroizing<Vec<u8>>,
        master: Zeroizing<[u8; MASTER_LEN]>,
    ) -> Result<Self, CryptoFailure> {
        let source = hkdf::Salt::new(hkdf::HKDF_SHA256, HKDF_SALT).extract(master.as_slice());
        let direct = |encryption: Encryption| -> Result<ContentKey, CryptoFailure> {
            let label = ["jwe dir ", encryption.wire_name()];
            ContentKey::prepare(encryption, &derive(&source, label, encryption.key_len())?)
        };
        let wrapping = |algorithm: JweAlgorithm, length| -> Result<WrappingKey, CryptoFailure> {
            WrappingKey::prepare(&derive(&source, ["jwe wrap ", algorithm.wire_name()], length)?)
        };
        Ok(Self {
            macs: [JwsAlgorithm::Hs256, JwsAlgorithm::Hs384, JwsAlgorithm::Hs512].map(|a| MacKey::new(a, &signing)),
            direct: [
                direct(Encryption::A128CbcHs256)?,
                direct(Encryption::A192CbcHs384)?,
                direct(Encryption::A256CbcHs512)?,
                direct(Encryption::A128Gcm)?,
                direct(Encryption::A192Gcm)?,
                direct(Encryption::A256Gcm)?,
            ],
            wrapping: [wrapping(JweAlgorithm::A128Kw, 16)?, wrapping(JweAlgorithm::A192Kw, 24)?, wrapping(JweAlgorithm::A256Kw, 32)?],
            keyed: hmac::Key::new(hmac::HMAC_SHA256, &derive(&source, ["keyed ", "HMAC-SHA-256"], 32)?),
            rsa,
            signing,
            master,
        })
    }

    /// The key of the outer JWS.
    pub(crate) fn mac(&self, algorithm: JwsAlgorithm) -> &MacKey {
        let [hs256, hs384, hs512] = &self.macs;
        match algorithm {
            JwsAlgorithm::Hs256 => hs256,
            JwsAlgorithm::Hs384 => hs384,
            JwsAlgorithm::Hs512 => hs512,
        }
    }

    /// The key of the inner JWE.
    pub(crate) fn key_management(&self, form: TokenForm) -> Result<KeyManagement<'_>, CryptoFailure> {
        let [a128kw, a192kw, a256kw] = &self.wrapping;
        Ok(match form.jwe {
            JweAlgorithm::RsaPkcs1 => KeyManagement::RsaPkcs1(self.pair()?),
            JweAlgorithm::RsaOaep => KeyManagement::RsaOaep(self.pair()?),
            JweAlgorithm::RsaOaep256 => KeyManagement::RsaOaep256(self.pair()?),
            JweAlgorithm::A128Kw => KeyManagement::AesKeyWrap(a128kw),
            JweAlgorithm::A192Kw => KeyManagement::AesKeyWrap(a192kw),
            JweAlgorithm::A256Kw => KeyManagement::AesKeyWrap(a256kw),
            JweAlgorithm::Direct => KeyManagement::Direct(self.direct(form.encryption)),
        })
    }

    fn direct(&self, encryption: Encryption) -> &ContentKey {
        let [a128cbc, a192cbc, a256cbc, a128gcm, a192gcm, a256gcm] = &self.direct;
        match encryption {
            Encryption::A128CbcHs256 => a128cbc,
            Encryption::A192CbcHs384 => a192cbc,
            Encryption::A256CbcHs512 => a256cbc,
            Encryption::A128Gcm => a128gcm,
            Encryption::A192Gcm => a192gcm,
            Encryption::A256Gcm => a256gcm,
        }
    }

    /// See [`super::KeyRing::keyed`].
    pub(super) fn keyed(&self, label: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.keyed);
        for part in std::iter::once(label.as_bytes()).chain(parts.iter().copied()) {
            // usize has at most 64 bits on every target of Rust.
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut value = [0; 32];
        value.copy_from_slice(context.sign().as_ref());
        value
    }

    /// Whether both generations make the same tokens.
    pub(super) fn same_as(&self, other: &Self) -> bool {
        let fingerprint = |keys: &Self| keys.pair().ok().map(RsaPair::fingerprint);
        fingerprint(self) == fingerprint(other)
            && verify_slices_are_equal(&self.signing, &other.signing).is_ok()
            && verify_slices_are_equal(self.master.as_slice(), other.master.as_slice()).is_ok()
    }

    /// PKCS #8 document, signing secret and master secret, for the document. A pair that cannot be drawn is an empty one, which nobody reads back.
    pub(super) fn secrets(&self) -> [(&'static str, &[u8]); 3] {
        [("rsa", self.pair().map_or(&[][..], RsaPair::pkcs8)), ("signing", &self.signing), ("master", self.master.as_slice())]
    }
}

impl std::fmt::Debug for Generation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Generation").field("rsa", &self.rsa.get()).finish_non_exhaustive()
    }
}

/// The signing key as IDM uses it: the ASCII bytes of the secret's Base64 text.
pub(super) fn idm_signing_secret(alias: &str, secret: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let weak = |fault| Error::RefusedKey { what: format!("secret key `{alias}`"), fault };
    weakness::check_secret(secret).map_err(weak)?;
    Ok(Zeroizing::new(STANDARD.encode(secret).into_bytes()))
}

/// Length of derived output, in the form the library asks for.
struct OutputLen(usize);

impl hkdf::KeyType for OutputLen {
    fn len(&self) -> usize {
        self.0
    }
}

fn derive(source: &hkdf::Prk, label: [&str; 2], length: usize) -> Result<Zeroizing<Vec<u8>>, CryptoFailure> {
    let mut key = Zeroizing::new(vec![0; length]);
    source.expand(&label.map(str::as_bytes), OutputLen(length))?.fill(&mut key)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use crate::algorithms::JweAlgorithm;
    use crate::form::TokenForm;
    use crate::keys::KeyRing;
    use crate::token;

    #[test]
    fn a_pair_that_is_drawn_late_is_drawn_by_the_first_token_that_needs_one() {
        let ring = KeyRing::generate_late().unwrap();
        let beside = ring.with_secrets(|secret| secret.fill(7)).unwrap();
        let sealed = token::seal(&beside, TokenForm::DEFAULT, b"inside").unwrap();
        assert_eq!(token::open(&beside, TokenForm::DEFAULT, &sealed).unwrap(), b"inside");
        assert!(ring.current().rsa.get().is_none(), "nobody asked for one");
        let wrapped = TokenForm { jwe: JweAlgorithm::RsaOaep, ..TokenForm::DEFAULT };
        let sealed = token::seal(&beside, wrapped, b"inside").unwrap();
        assert_eq!(token::open(&beside, wrapped, &sealed).unwrap(), b"inside");
        let fingerprints = [&ring, &beside].map(|ring| ring.pairs().map(|(fingerprint, ..)| fingerprint).collect::<Vec<_>>());
        assert!(fingerprints[0].len() == 1 && fingerprints[0] == fingerprints[1], "one is drawn for all rings that were made of the first");
        assert!(KeyRing::generate().unwrap().current().rsa.get().is_some());
    }
}
