//! What a stored secret may be: the forms that can be verified, and those that cannot.

use std::fmt;
use std::num::NonZeroU32;

use aws_lc_rs::digest as lc;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::{HashParameters, bounds};

/// A stored value that is known to hold a secret.
#[derive(Clone, Debug)]
pub enum StoredSecret {
    /// A hash that can be verified.
    Hash(Hash),
    /// Encrypted by IDM with a key of the operator's keystore.
    Unreadable {
        /// The key's alias, or the purpose it serves.
        key: String,
    },
    /// Known to be a stored secret, but not one that can be verified.
    Unsupported(HashError),
}

/// A hash that can be verified by [`super::verify`].
#[derive(Clone)]
pub struct Hash(pub(super) Kind);

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({})", self.0.name())
    }
}

/// Why a stored secret cannot be verified, for the operator. Never holds any part of the hash.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// An algorithm or storage scheme that is not verified here.
    #[error("the algorithm {0} is not supported")]
    Algorithm(String),
    /// The beginning says what it is, the rest does not parse.
    #[error("the value begins like {0} but cannot be read")]
    Malformed(&'static str),
    /// Its parameters ask for more work than one verification may cost.
    #[error("verifying this {0} hash would cost more than is allowed")]
    TooCostly(&'static str),
}

impl HashError {
    /// Names come from imported data: shortened, and printable only.
    pub(super) fn algorithm(name: &str) -> Self {
        Self::Algorithm(name.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(60).collect())
    }
}

impl StoredSecret {
    /// A short name of the form, for reports: `argon2id`, `bcrypt`, `salted SHA-256`, `encrypted`, …
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Hash(hash) => hash.0.name(),
            Self::Unreadable { .. } => "encrypted",
            Self::Unsupported(_) => "unsupported",
        }
    }

    /// Whether [`super::verify`] can give another answer than [`super::Verdict::Unverifiable`].
    #[must_use]
    pub fn is_verifiable(&self) -> bool {
        matches!(self, Self::Hash(_))
    }

    pub(super) fn from_result(result: Result<Kind, HashError>) -> Self {
        result.map_or_else(Self::Unsupported, |kind| Self::Hash(Hash(kind)))
    }
}

/// The verifiable forms.
#[derive(Clone)]
pub(super) enum Kind {
    Argon2 {
        algorithm: argon2::Algorithm,
        version: argon2::Version,
        parameters: HashParameters,
        salt: Vec<u8>,
        digest: Vec<u8>,
    },
    /// `digest` in bcrypt's own base64.
    Bcrypt {
        cost: u32,
        salt: [u8; 16],
        digest: String,
    },
    Pbkdf2 {
        prf: Digest,
        iterations: NonZeroU32,
        layouts: Vec<Salted>,
    },
    Scrypt {
        log_n: u8,
        r: u32,
        p: u32,
        layouts: Vec<Salted>,
    },
    /// One round of a plain digest over text, then salt.
    Digest {
        digest: Digest,
        salted: Salted,
        bytes: Bytes,
    },
    /// The same of MD5.
    Md5 {
        salted: Salted,
        bytes: Bytes,
    },
    /// `encoded` in crypt's own base64.
    Md5Crypt {
        magic: &'static str,
        salt: Vec<u8>,
        encoded: String,
    },
    /// `encoded` in crypt's own base64.
    ShaCrypt {
        digest: Digest,
        rounds: u32,
        salt: Vec<u8>,
        encoded: String,
    },
}

impl Kind {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Argon2 { algorithm, .. } => algorithm.as_str(),
            Self::Bcrypt { .. } => "bcrypt",
            Self::Pbkdf2 { .. } => "PBKDF2",
            Self::Scrypt { .. } => "scrypt",
            Self::Digest { salted, .. } | Self::Md5 { salted, .. } if salted.salt.is_empty() => "unsalted digest",
            Self::Digest { digest, .. } => digest.salted_name(),
            Self::Md5 { .. } => "salted MD5",
            Self::Md5Crypt { .. } => "md5-crypt",
            Self::ShaCrypt { digest: Digest::Sha256, .. } => "sha256-crypt",
            Self::ShaCrypt { .. } => "sha512-crypt",
        }
    }
}

/// A digest and the salt it was made with.
#[derive(Clone)]
pub(super) struct Salted {
    pub(super) digest: Vec<u8>,
    pub(super) salt: Vec<u8>,
}

impl Salted {
    /// For derivations, whose digest length is the record's own choice.
    pub(super) fn derived(digest: &[u8], salt: &[u8]) -> Option<Self> {
        let fits = bounds::DIGEST_BYTES.contains(&digest.len()) && salt.len() <= bounds::SALT_BYTES;
        fits.then(|| Self { digest: digest.to_vec(), salt: salt.to_vec() })
    }

    /// `digest || salt`, the digest's length given.
    pub(super) fn split(joined: &[u8], digest_bytes: usize) -> Option<Self> {
        let (digest, salt) = joined.split_at_checked(digest_bytes)?;
        (salt.len() <= bounds::SALT_BYTES).then(|| Self { digest: digest.to_vec(), salt: salt.to_vec() })
    }
}

/// Which bytes of a text were hashed.
#[derive(Clone, Copy)]
pub(super) enum Bytes {
    /// All of its UTF-8.
    All,
    /// IDM: as many bytes of the UTF-8 as the text has UTF-16 code units (docs/protocol/companions.md, "Answers at rest"); newer
    /// versions, all.
    CutOrAll,
}

/// Digests of stored hashes. SHA-1 only verifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Digest {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
    Sha3_256,
    Sha3_384,
    Sha3_512,
}

impl Digest {
    pub(super) fn algorithm(self) -> &'static lc::Algorithm {
        match self {
            Self::Sha1 => &lc::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha224 => &lc::SHA224,
            Self::Sha256 => &lc::SHA256,
            Self::Sha384 => &lc::SHA384,
            Self::Sha512 => &lc::SHA512,
            Self::Sha3_256 => &lc::SHA3_256,
            Self::Sha3_384 => &lc::SHA3_384,
            Self::Sha3_512 => &lc::SHA3_512,
        }
    }

    pub(super) fn bytes(self) -> usize {
        self.algorithm().output_len()
    }

    fn salted_name(self) -> &'static str {
        match self {
            Self::Sha1 => "salted SHA-1",
            Self::Sha256 => "salted SHA-256",
            Self::Sha384 => "salted SHA-384",
            Self::Sha512 => "salted SHA-512",
            Self::Sha224 | Self::Sha3_256 | Self::Sha3_384 | Self::Sha3_512 => "salted digest",
        }
    }
}

/// Standard base64; padding may be there or not, as foreign systems disagree.
pub(super) const BASE64: GeneralPurpose =
    GeneralPurpose::new(&alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent));

pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text).ok()
}

/// The alphabet of passlib's PBKDF2 forms: `.` for `+`.
pub(super) fn decode_adapted(text: &str) -> Option<Vec<u8>> {
    decode(&text.replace('.', "+"))
}
