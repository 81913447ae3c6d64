//! What can go wrong: one error for whoever configures or calls, and one answer for whoever sends a token.
//!
//! [`InvalidToken`] carries no cause on purpose: a padding failure that can be told from a tag failure is an oracle
//! (RFC 7516 §11.5). It is a type of its own, so that opening a token cannot say anything else.

use std::fmt;

use aws_lc_rs::error::Unspecified;

/// A token that was not made by this key ring in the expected form, whatever is wrong with it.
///
/// Wrong MAC, other headers, text that is not canonical, truncated, too long: one error for all (decision 3, SEC-39).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid token")]
pub struct InvalidToken;

/// Why something could not be sealed, or keys could not be made, read, imported or used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A name of the configuration that is no algorithm of snapshot tokens.
    #[error("{0}")]
    UnknownAlgorithm(UnknownAlgorithm),
    /// The token would be longer than what opening accepts.
    #[error("the content is too long for a token: {length} bytes, at most {limit} fit")]
    ContentTooLong {
        /// Bytes of content that were given.
        length: usize,
        /// Bytes of content that fit.
        limit: usize,
    },
    /// The operating system gave no randomness, or a key does not have the length its algorithm needs.
    #[error("the cryptographic operation failed")]
    Crypto,

    /// The key document is not the JSON it should be. Position only: the text next to it is secret.
    #[error("the key document is damaged at line {line}, column {column}")]
    DamagedDocument {
        /// Line, counted from 1.
        line: usize,
        /// Column, counted from 1.
        column: usize,
    },
    /// The key document was written by a later version of this program.
    #[error("the key document has version {0}; this program reads version 1")]
    NewerDocument(u64),
    /// The key document holds no keys.
    #[error("the key document holds no keys")]
    EmptyDocument,
    /// A member of the key document is not base64 or has the wrong length.
    #[error("member `{0}` of the key document is damaged")]
    DamagedMember(&'static str),
    /// A key that may not be used (SEC-40) or cannot be.
    #[error("{what} is refused: {fault}")]
    RefusedKey {
        /// Which key it is.
        what: String,
        /// What is wrong with it.
        fault: KeyFault,
    },

    /// A PEM file without a private key.
    #[error("there is no `PRIVATE KEY` or `RSA PRIVATE KEY` block in the file")]
    PemWithoutKey,
    /// The private key of a PEM file is encrypted with a passphrase.
    #[error("the private key is encrypted; decrypt it first: openssl pkey -in FILE -out DECRYPTED")]
    PemEncrypted,
    /// The private key of a PEM file belongs to another algorithm.
    #[error("the private key is no RSA key")]
    PemOtherAlgorithm,
    /// A block of a PEM file does not end, or its text is not base64.
    #[error("the private key block is damaged")]
    PemDamaged,

    /// The keystore is in a format of Java's own that is not read, which is named.
    #[error(
        "the keystore is a {0} file; convert it first: keytool -importkeystore -srckeystore FILE -srcstoretype {0} \
         -destkeystore FILE.p12 -deststoretype PKCS12"
    )]
    JavaKeystore(&'static str),
    /// The keystore is neither a PKCS #12 nor a JCEKS file, or a damaged one.
    #[error("the keystore is not a readable PKCS #12 or JCEKS file: {0}")]
    DamagedKeystore(String),
    /// The password does not open the keystore.
    #[error("the password does not open the keystore")]
    KeystorePassword,
    /// The keystore holds no private key under the alias.
    #[error("the keystore has no private key `{alias}`; it has: {}", found.join(", "))]
    NoPrivateKey {
        /// The alias that was looked for.
        alias: String,
        /// The aliases of everything in the file.
        found: Vec<String>,
    },
    /// The keystore holds no secret key under the alias.
    #[error("the keystore has no secret key `{alias}`; it has: {}", found.join(", "))]
    NoSecretKey {
        /// The alias that was looked for.
        alias: String,
        /// The aliases of everything in the file.
        found: Vec<String>,
    },

    /// Not an object `{"$crypto":{"type":"x-simple-encryption","value":{…}}}`.
    #[error("not an encrypted value of type x-simple-encryption")]
    ValueNotEncrypted,
    /// Neither `key` nor `stableId` of an encrypted value names a key.
    #[error("the encrypted value names no key")]
    ValueWithoutKey,
    /// An encrypted value with `salt` or `mac`.
    #[error(
        "the value is encrypted with a key derived from `{key}` in a way that IDM does not document (it has a salt or a \
         mac); give it in clear or through the environment"
    )]
    ValueKeyDerived {
        /// Alias of the key.
        key: String,
    },
    /// The key of an encrypted value is itself encrypted with a key pair, in a way that is not known.
    #[error("the value is encrypted with a session key that `{key}` wraps with `{cipher}`; RSA with OAEP or PKCS #1 padding is supported")]
    ValueKeyWrapped {
        /// Alias of the key pair.
        key: String,
        /// The cipher named.
        cipher: String,
    },
    /// An encrypted value with another cipher than AES.
    #[error("the value is encrypted with `{cipher}` under `{key}`; only AES in the modes CBC and ECB, with PKCS5Padding, is supported")]
    ValueCipher {
        /// Alias of the key.
        key: String,
        /// The cipher named.
        cipher: String,
    },
    /// The keystore does not have the key of an encrypted value.
    #[error("the keystore has no secret key `{key}`")]
    ValueKeyMissing {
        /// Alias of the key.
        key: String,
    },
    /// A member of an encrypted value is missing or is not Base64.
    #[error("member `{member}` of the value encrypted with `{key}` is missing or damaged")]
    ValueMember {
        /// Alias of the key.
        key: String,
        /// Name of the member.
        member: &'static str,
    },
    /// The keystore's key is not the one the value was encrypted with.
    #[error("secret key `{key}` does not decrypt the value")]
    ValueWrongKey {
        /// Alias of the key.
        key: String,
    },
}

/// An algorithm name that snapshot tokens do not use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownAlgorithm {
    /// The setting the name was given for: `jweAlgorithm`, `encryptionMethod` or `jwsAlgorithm`.
    pub setting: &'static str,
    /// The name as it was given.
    pub name: String,
    /// Why a name that exists elsewhere is not used here.
    pub reason: Option<&'static str>,
    /// Every name the setting accepts, in the spelling of the configuration.
    pub known: Vec<&'static str>,
    /// The accepted name that was probably meant.
    pub nearest: Option<&'static str>,
}

impl fmt::Display for UnknownAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason {
            Some(reason) => write!(f, "{} `{}` cannot be used: {reason}", self.setting, self.name)?,
            None => write!(f, "{} `{}` is not known", self.setting, self.name)?,
        }
        write!(f, "; known: {}", self.known.join(", "))?;
        match self.nearest {
            Some(nearest) => write!(f, "; did you mean `{nearest}`?"),
            None => Ok(()),
        }
    }
}

/// Why a key is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyFault {
    /// A secret shorter than [`KeyFault::MIN_SECRET_BITS`].
    ShortSecret {
        /// Its length.
        bits: usize,
    },
    /// A secret of a few bytes over and over.
    Repetitive,
    /// Printed in a public document, or made of words of a sample.
    Sample,
    /// An RSA key with fewer than [`KeyFault::MIN_RSA_BITS`].
    SmallRsa,
    /// An RSA key with more than [`KeyFault::MAX_RSA_BITS`].
    LargeRsa,
    /// Not an RSA private key, or one whose numbers contradict each other.
    NotRsa,
}

impl KeyFault {
    /// Bits of the shortest secret: what IDM generates by default.
    pub const MIN_SECRET_BITS: usize = 128;
    /// Bits of the shortest RSA modulus that is accepted (SEC-40, RFC 7518 §4.2).
    pub const MIN_RSA_BITS: usize = 2048;
    /// Bits of the longest RSA modulus the library takes.
    pub const MAX_RSA_BITS: usize = 8192;
}

impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShortSecret { bits } => write!(f, "it has {bits} bits, and fewer than {} can be guessed", Self::MIN_SECRET_BITS),
            Self::Repetitive => f.write_str("it repeats a few bytes and can be guessed"),
            Self::Sample => f.write_str("it is a published sample that everybody knows"),
            Self::SmallRsa => write!(f, "the RSA key has fewer than {} bits", Self::MIN_RSA_BITS),
            Self::LargeRsa => write!(f, "the RSA key has more than {} bits", Self::MAX_RSA_BITS),
            Self::NotRsa => f.write_str("not a valid RSA private key"),
        }
    }
}

/// A primitive failed, which says nothing about why. Inside the crate it becomes [`InvalidToken`] or [`Error::Crypto`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CryptoFailure;

impl From<Unspecified> for CryptoFailure {
    fn from(_: Unspecified) -> Self {
        Self
    }
}

impl From<CryptoFailure> for Error {
    fn from(_: CryptoFailure) -> Self {
        Self::Crypto
    }
}

impl From<CryptoFailure> for InvalidToken {
    fn from(_: CryptoFailure) -> Self {
        Self
    }
}
