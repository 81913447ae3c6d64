//! Signatures of others and our own signatures for others: ID tokens of identity providers (RFC 7515, RFC 7517, RFC 7518 §3), and the
//! assertions by which a client shows who it is (RFC 7523).
//!
//! Easiest to break: the algorithm comes from the caller's list and from the key, never from the token alone. There is no HMAC in the list, so
//! that a public key can never be taken for a secret, and no `none`.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519,
    EcdsaKeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PKCS1_SHA256,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaKeyPair, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};
use aws_lc_rs::{digest, hmac};
use serde_json::{Map, Value};

use crate::jws::{self, MacKey, Parts};
use crate::{JwsAlgorithm, MAX_TOKEN_LEN, base64url, pem};

/// Keys of a set that are looked at.
const MAX_KEYS: usize = 64;

/// An asymmetric signature algorithm (RFC 7518 §3.1, RFC 8037 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignatureAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
    /// Ed25519.
    EdDsa,
}

impl SignatureAlgorithm {
    /// Every algorithm.
    pub const ALL: [Self; 10] =
        [Self::Rs256, Self::Rs384, Self::Rs512, Self::Ps256, Self::Ps384, Self::Ps512, Self::Es256, Self::Es384, Self::Es512, Self::EdDsa];

    /// The name in a header.
    #[must_use]
    pub const fn wire_name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm of a name.
    #[must_use]
    pub fn from_wire_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.wire_name() == name)
    }

    /// The left half of the hash of a text by the algorithm's own hash, base64url: `at_hash` (OpenID Connect Core 1.0 §3.1.3.6).
    #[must_use]
    pub fn half_hash(self, text: &str) -> String {
        let algorithm = match self {
            Self::Rs256 | Self::Ps256 | Self::Es256 => &digest::SHA256,
            Self::Rs384 | Self::Ps384 | Self::Es384 => &digest::SHA384,
            Self::Rs512 | Self::Ps512 | Self::Es512 | Self::EdDsa => &digest::SHA512,
        };
        let hash = digest::digest(algorithm, text.as_bytes());
        let bytes = hash.as_ref();
        base64url::encode(bytes.get(..bytes.len() / 2).unwrap_or_default())
    }

    fn rsa(self) -> Option<&'static RsaParameters> {
        Some(match self {
            Self::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
            Self::Rs384 => &RSA_PKCS1_2048_8192_SHA384,
            Self::Rs512 => &RSA_PKCS1_2048_8192_SHA512,
            Self::Ps256 => &RSA_PSS_2048_8192_SHA256,
            Self::Ps384 => &RSA_PSS_2048_8192_SHA384,
            Self::Ps512 => &RSA_PSS_2048_8192_SHA512,
            _ => return None,
        })
    }
}

/// Why a signed token is refused. For the log: whoever sent the token learns nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    /// It is no compact JWS with a JSON header.
    #[error("it is no signed token")]
    Malformed,
    /// Its algorithm is not one of those expected, `none` and HMAC among them.
    #[error("its algorithm is not accepted")]
    Algorithm,
    /// It has a header that must be understood and is not (RFC 7515 §4.1.11).
    #[error("it has a critical header that is not known")]
    Critical,
    /// It is not of the kind that is wanted: an access token, a logout token.
    #[error("it is another kind of token")]
    Kind,
    /// No key of the set has its `kid`, or none is of its algorithm.
    #[error("there is no key for it")]
    UnknownKey,
    /// Several keys might be meant.
    #[error("several keys might be meant, and it does not say which")]
    AmbiguousKey,
    /// The signature is not that of the key.
    #[error("the signature is wrong")]
    Wrong,
}

enum PublicKey {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    Point { algorithm: SignatureAlgorithm, bytes: Vec<u8> },
}

impl PublicKey {
    /// Reads a JWK (RFC 7518 §6, RFC 8037 §2).
    fn read(jwk: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let bytes = |name: &str| base64url::decode(text(name)?).ok();
        let point = |algorithm, length: usize| {
            let (x, y) = (bytes("x")?, bytes("y")?);
            let fits = x.len() == length && y.len() == length;
            fits.then(|| Self::Point { algorithm, bytes: [&[4_u8][..], &x, &y].concat() })
        };
        match (text("kty")?, text("crv")) {
            ("RSA", _) => Some(Self::Rsa { n: bytes("n")?, e: bytes("e")? }),
            ("EC", Some("P-256")) => point(SignatureAlgorithm::Es256, 32),
            ("EC", Some("P-384")) => point(SignatureAlgorithm::Es384, 48),
            ("EC", Some("P-521")) => point(SignatureAlgorithm::Es512, 66),
            ("OKP", Some("Ed25519")) => {
                let x = bytes("x").filter(|x| x.len() == 32)?;
                Some(Self::Point { algorithm: SignatureAlgorithm::EdDsa, bytes: x })
            }
            _ => None,
        }
    }

    fn fits(&self, algorithm: SignatureAlgorithm) -> bool {
        match self {
            Self::Rsa { .. } => algorithm.rsa().is_some(),
            Self::Point { algorithm: own, .. } => *own == algorithm,
        }
    }

    fn verifies(&self, algorithm: SignatureAlgorithm, signed: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Rsa { n, e } => {
                let Some(parameters) = algorithm.rsa() else { return false };
                RsaPublicKeyComponents { n, e }.verify(parameters, signed, signature).is_ok()
            }
            Self::Point { algorithm: own, bytes } if *own == algorithm => {
                let by: &'static dyn VerificationAlgorithm = match algorithm {
                    SignatureAlgorithm::Es256 => &ECDSA_P256_SHA256_FIXED,
                    SignatureAlgorithm::Es384 => &ECDSA_P384_SHA384_FIXED,
                    SignatureAlgorithm::Es512 => &ECDSA_P521_SHA512_FIXED,
                    SignatureAlgorithm::EdDsa => &ED25519,
                    _ => return false,
                };
                UnparsedPublicKey::new(by, bytes).verify(signed, signature).is_ok()
            }
            Self::Point { .. } => false,
        }
    }
}

struct PublishedKey {
    id: Option<String>,
    algorithm: Option<String>,
    key: PublicKey,
}

/// The public keys somebody signs with (RFC 7517 §5).
#[derive(Default)]
pub struct PublishedKeys(Vec<PublishedKey>);

/// A token whose signature is good. Nothing of its content was judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// The claims.
    pub claims: Map<String, Value>,
    /// What it is signed with.
    pub algorithm: SignatureAlgorithm,
}

impl PublishedKeys {
    /// Reads a set. Keys for encryption, of unknown kinds and beyond the 64th are left out (RFC 7517 §5).
    #[must_use]
    pub fn read(set: &Value) -> Self {
        let listed = set.get("keys").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let read = |jwk: &Value| {
            let jwk = jwk.as_object()?;
            let text = |name: &str| jwk.get(name).and_then(Value::as_str);
            if text("use").is_some_and(|purpose| purpose != "sig") {
                return None;
            }
            let verifies = |operations: &Vec<Value>| operations.iter().any(|operation| operation == "verify");
            if jwk.get("key_ops").and_then(Value::as_array).is_some_and(|operations| !verifies(operations)) {
                return None;
            }
            Some(PublishedKey { id: text("kid").map(str::to_owned), algorithm: text("alg").map(str::to_owned), key: PublicKey::read(jwk)? })
        };
        Self(listed.iter().take(MAX_KEYS).filter_map(read).collect())
    }

    /// How many keys can be used.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no key can be used.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The claims of a token that was signed with one of these keys, by one of these algorithms.
    ///
    /// The key is the one that the token's `kid` names. A token without one is accepted where one key alone fits. Addresses and keys inside the
    /// header (`jku`, `jwk`, `x5u`) are not looked at.
    ///
    /// # Errors
    /// Why not, for the log.
    pub fn verify(&self, token: &str, accepted: &[SignatureAlgorithm]) -> Result<Verified, SignatureFault> {
        if token.len() > MAX_TOKEN_LEN {
            return Err(SignatureFault::Malformed);
        }
        let parts = Parts::split(token).map_err(|_| SignatureFault::Malformed)?;
        let object = |text: &str| {
            let bytes = base64url::decode(text).ok()?;
            serde_json::from_slice::<Map<String, Value>>(&bytes).ok()
        };
        let header = object(parts.header).ok_or(SignatureFault::Malformed)?;
        let text = |name: &str| header.get(name).and_then(Value::as_str);
        if header.contains_key("crit") || header.contains_key("b64") {
            return Err(SignatureFault::Critical);
        }
        if !text("typ").is_none_or(|kind| kind.eq_ignore_ascii_case("JWT")) {
            return Err(SignatureFault::Kind);
        }
        let algorithm = text("alg").and_then(SignatureAlgorithm::from_wire_name).filter(|algorithm| accepted.contains(algorithm));
        let algorithm = algorithm.ok_or(SignatureFault::Algorithm)?;
        let kid = match header.get("kid") {
            None => None,
            Some(Value::String(kid)) => Some(kid.as_str()),
            Some(_) => return Err(SignatureFault::Malformed),
        };
        let fits = |key: &&PublishedKey| {
            let named = kid.is_none() || key.id.as_deref() == kid;
            named && key.key.fits(algorithm) && key.algorithm.as_deref().is_none_or(|own| own == algorithm.wire_name())
        };
        let mut candidates = self.0.iter().filter(fits);
        let key = candidates.next().ok_or(SignatureFault::UnknownKey)?;
        if candidates.next().is_some() {
            return Err(SignatureFault::AmbiguousKey);
        }
        let signature = base64url::decode(parts.mac).map_err(|_| SignatureFault::Malformed)?;
        if !key.key.verifies(algorithm, parts.signed.as_bytes(), &signature) {
            return Err(SignatureFault::Wrong);
        }
        Ok(Verified { claims: object(parts.payload).ok_or(SignatureFault::Malformed)?, algorithm })
    }
}

impl std::fmt::Debug for PublishedKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| key.id.as_deref().unwrap_or("(no kid)"))).finish()
    }
}

enum Signer {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
}

/// A private key that signs assertions for others: RS256 with an RSA key, ES256 with one on P-256.
pub struct SigningKey(Signer);

impl SigningKey {
    /// Reads a PEM text with a `PRIVATE KEY` (PKCS #8), as identity providers hand them out.
    #[must_use]
    pub fn from_pem(text: &str) -> Option<Self> {
        let der = pem::pkcs8(text)?;
        if let Ok(pair) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der) {
            return Some(Self(Signer::P256(pair)));
        }
        RsaKeyPair::from_pkcs8(&der).ok().map(|pair| Self(Signer::Rsa(pair)))
    }

    /// A new key on P-256; `None` when the system gives no randomness.
    #[must_use]
    pub fn generate() -> Option<Self> {
        EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).ok().map(|pair| Self(Signer::P256(pair)))
    }

    /// The algorithm it signs with.
    #[must_use]
    pub const fn algorithm(&self) -> SignatureAlgorithm {
        match self.0 {
            Signer::Rsa(_) => SignatureAlgorithm::Rs256,
            Signer::P256(_) => SignatureAlgorithm::Es256,
        }
    }

    /// The compact JWS of claims. `kid` names the key to whoever verifies it. `None` when the system gives no randomness.
    #[must_use]
    pub fn sign(&self, kid: Option<&str>, claims: &Value) -> Option<String> {
        let mut header = Map::new();
        header.insert("typ".to_owned(), "JWT".into());
        header.insert("alg".to_owned(), self.algorithm().wire_name().into());
        if let Some(kid) = kid {
            header.insert("kid".to_owned(), kid.into());
        }
        let mut token = base64url::encode(Value::Object(header).to_string());
        token.push('.');
        base64url::push(&mut token, claims.to_string().as_bytes());
        let signature = match &self.0 {
            Signer::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), token.as_bytes(), &mut signature).ok()?;
                signature
            }
            Signer::P256(pair) => pair.sign(&SystemRandom::new(), token.as_bytes()).ok()?.as_ref().to_vec(),
        };
        token.push('.');
        base64url::push(&mut token, &signature);
        Some(token)
    }

    /// The public half as a JWK; `None` for an RSA key, whose owner publishes it as they made it.
    #[must_use]
    pub fn public_jwk(&self, kid: Option<&str>) -> Option<Value> {
        use signature::KeyPair as _;
        let mut jwk = match &self.0 {
            Signer::P256(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = (point.get(1..33)?, point.get(33..65)?);
                serde_json::json!({ "kty": "EC", "crv": "P-256", "x": base64url::encode(x), "y": base64url::encode(y) })
            }
            Signer::Rsa(_) => return None,
        };
        let members = jwk.as_object_mut()?;
        members.insert("use".to_owned(), "sig".into());
        members.insert("alg".to_owned(), self.algorithm().wire_name().into());
        if let Some(kid) = kid {
            members.insert("kid".to_owned(), kid.into());
        }
        Some(jwk)
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SigningKey").field(&self.algorithm()).finish()
    }
}

/// The compact JWS (HS256) of claims under a shared secret: `client_secret_jwt` (OpenID Connect Core 1.0 §9).
#[must_use]
pub fn sign_with_secret(secret: &str, claims: &Value) -> String {
    let key = MacKey::new(JwsAlgorithm::Hs256, secret.as_bytes());
    jws::sign(&key, r#"{"typ":"JWT","alg":"HS256"}"#, claims.to_string().as_bytes())
}

/// The HMAC-SHA256 of a text under a shared secret, in hexadecimal letters: how Facebook's client shows that a token is its own
/// (`appsecret_proof`, *Securing Graph API Requests*).
#[must_use]
pub fn proof_of_secret(secret: &str, text: &str) -> String {
    let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), text.as_bytes());
    mac.as_ref().iter().fold(String::new(), |letters, byte| letters + &format!("{byte:02x}"))
}

/// The S256 challenge of a verifier (RFC 7636 §4.2).
#[must_use]
pub fn s256(verifier: &str) -> String {
    base64url::encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn key() -> SigningKey {
        SigningKey::generate().unwrap()
    }

    fn published(keys: &[Value]) -> PublishedKeys {
        PublishedKeys::read(&json!({ "keys": keys }))
    }

    fn with_header(token: &str, header: &Value) -> String {
        let (_, rest) = token.split_once('.').unwrap();
        format!("{}.{rest}", base64url::encode(header.to_string()))
    }

    #[test]
    fn a_signature_is_good_with_its_own_key_alone() {
        let (own, other) = (key(), key());
        let token = own.sign(Some("a"), &json!({"sub": "1"})).unwrap();
        let keys = published(&[own.public_jwk(Some("a")).unwrap(), other.public_jwk(Some("b")).unwrap()]);
        let verified = keys.verify(&token, &SignatureAlgorithm::ALL).unwrap();
        assert_eq!((verified.claims["sub"].clone(), verified.algorithm), (json!("1"), SignatureAlgorithm::Es256));
        let swapped = published(&[other.public_jwk(Some("a")).unwrap()]);
        assert_eq!(swapped.verify(&token, &SignatureAlgorithm::ALL), Err(SignatureFault::Wrong));
        let mut damaged = token.clone();
        damaged.truncate(token.len() - 4);
        assert!(keys.verify(&damaged, &SignatureAlgorithm::ALL).is_err());
    }

    #[test]
    fn what_the_header_asks_for_is_not_obeyed() {
        let own = key();
        let token = own.sign(Some("a"), &json!({"sub": "1"})).unwrap();
        let keys = published(&[own.public_jwk(Some("a")).unwrap()]);
        let refused = |header: &Value| keys.verify(&with_header(&token, header), &SignatureAlgorithm::ALL).unwrap_err();
        assert_eq!(refused(&json!({"alg": "none"})), SignatureFault::Algorithm);
        assert_eq!(refused(&json!({"alg": "None", "kid": "a"})), SignatureFault::Algorithm);
        assert_eq!(refused(&json!({"alg": "HS256", "kid": "a"})), SignatureFault::Algorithm);
        assert_eq!(refused(&json!({"alg": "RS256", "kid": "a"})), SignatureFault::UnknownKey);
        assert_eq!(refused(&json!({"alg": "ES256", "kid": "x"})), SignatureFault::UnknownKey);
        assert_eq!(refused(&json!({"alg": "ES256", "kid": "a", "crit": ["exp"]})), SignatureFault::Critical);
        assert_eq!(refused(&json!({"alg": "ES256", "kid": "a", "typ": "at+jwt"})), SignatureFault::Kind);
        assert_eq!(refused(&json!({"alg": "ES256", "kid": 1})), SignatureFault::Malformed);
        assert_eq!(keys.verify(&token, &[SignatureAlgorithm::Rs256]), Err(SignatureFault::Algorithm));
        for nonsense in ["", "a.b", "a.b.c", "a.b.c.d", "..", "e30.e30."] {
            assert!(keys.verify(nonsense, &SignatureAlgorithm::ALL).is_err(), "{nonsense}");
        }
    }

    #[test]
    fn a_public_key_is_no_secret() {
        let own = key();
        let jwk = own.public_jwk(Some("a")).unwrap();
        let forged = sign_with_secret(&jwk.to_string(), &json!({"sub": "1"}));
        assert_eq!(published(&[jwk]).verify(&forged, &SignatureAlgorithm::ALL), Err(SignatureFault::Algorithm));
    }

    #[test]
    fn a_token_without_kid_needs_one_key_that_fits() {
        let (own, other) = (key(), key());
        let token = own.sign(None, &json!({"sub": "1"})).unwrap();
        assert!(published(&[own.public_jwk(None).unwrap()]).verify(&token, &SignatureAlgorithm::ALL).is_ok());
        assert!(published(&[own.public_jwk(Some("a")).unwrap()]).verify(&token, &SignatureAlgorithm::ALL).is_ok());
        let two = published(&[own.public_jwk(None).unwrap(), other.public_jwk(None).unwrap()]);
        assert_eq!(two.verify(&token, &SignatureAlgorithm::ALL), Err(SignatureFault::AmbiguousKey));
    }

    #[test]
    fn keys_for_something_else_are_left_out() {
        let mut for_encryption = key().public_jwk(Some("a")).unwrap();
        for_encryption["use"] = json!("enc");
        let short = json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"});
        let secret = json!({"kty": "oct", "k": "AAAA"});
        assert!(published(&[for_encryption, short, secret, json!(7)]).is_empty());
        assert!(PublishedKeys::read(&json!([])).is_empty());
    }

    /// RFC 4231 §4.3.
    #[test]
    fn the_proof_of_a_secret_is_that_of_the_standard() {
        let proof = proof_of_secret("Jefe", "what do ya want for nothing?");
        assert_eq!(proof, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    /// RFC 7636 appendix B.
    #[test]
    fn the_challenge_is_that_of_the_standard() {
        assert_eq!(s256("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
