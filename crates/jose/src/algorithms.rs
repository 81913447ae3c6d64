//! The algorithm names of a process file's `snapshotToken` and their spelling inside a token.
//!
//! A name that is not in these tables is refused when the file is loaded. The tables are the only place where an
//! algorithm is chosen: nothing read from a token ever selects one (SEC-39).

use std::fmt;

use crate::error::{Error, UnknownAlgorithm};

/// Declares one enum of names: every variant with its configuration and its wire spelling.
macro_rules! algorithm_names {
    (
        $(#[$doc:meta])* $name:ident for $setting:literal, reason $reason:path;
        $($(#[$variant_doc:meta])* $variant:ident = $config:literal, $wire:literal;)+
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// Every algorithm of this kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Reads the name of a configuration file; the spelling of the wire is accepted too.
            ///
            /// # Errors
            /// [`Error::UnknownAlgorithm`] with the reason, the known names and the nearest of them.
            pub fn from_config_name(name: &str) -> Result<Self, Error> {
                match name {
                    $($config => Ok(Self::$variant),)+
                    _ => Self::ALL.iter().copied().find(|known| known.wire_name() == name).ok_or_else(|| {
                        unknown($setting, name, $reason(name), vec![$($config),+])
                    }),
                }
            }

            /// The spelling of the configuration file.
            pub const fn config_name(self) -> &'static str {
                match self { $(Self::$variant => $config,)+ }
            }

            /// The spelling inside a token (RFC 7518).
            pub const fn wire_name(self) -> &'static str {
                match self { $(Self::$variant => $wire,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.config_name())
            }
        }
    };
}

algorithm_names! {
    /// How the key of the inner JWE is found (RFC 7518 §4).
    JweAlgorithm for "jweAlgorithm", reason key_management_reason;
    /// RSA with PKCS #1 v1.5 padding. IDM's default; slow, and safe only because the MAC is checked first.
    RsaPkcs1 = "RSAES_PKCS1_V1_5", "RSA1_5";
    /// RSA with OAEP over SHA-1.
    RsaOaep = "RSA_OAEP", "RSA-OAEP";
    /// RSA with OAEP over SHA-256.
    RsaOaep256 = "RSA_OAEP_256", "RSA-OAEP-256";
    /// A shared key encrypts the content itself.
    Direct = "DIRECT", "dir";
    /// AES key wrap (RFC 3394) with 128 bits.
    A128Kw = "A128KW", "A128KW";
    /// AES key wrap with 192 bits.
    A192Kw = "A192KW", "A192KW";
    /// AES key wrap with 256 bits.
    A256Kw = "A256KW", "A256KW";
}

algorithm_names! {
    /// How the content of the inner JWE is encrypted (RFC 7518 §5).
    Encryption for "encryptionMethod", reason no_reason;
    /// AES-128 in CBC mode with HMAC-SHA-256 truncated to 128 bits.
    A128CbcHs256 = "A128CBC_HS256", "A128CBC-HS256";
    /// AES-192 in CBC mode with HMAC-SHA-384 truncated to 192 bits.
    A192CbcHs384 = "A192CBC_HS384", "A192CBC-HS384";
    /// AES-256 in CBC mode with HMAC-SHA-512 truncated to 256 bits.
    A256CbcHs512 = "A256CBC_HS512", "A256CBC-HS512";
    /// AES-128 in Galois/Counter mode.
    A128Gcm = "A128GCM", "A128GCM";
    /// AES-192 in Galois/Counter mode.
    A192Gcm = "A192GCM", "A192GCM";
    /// AES-256 in Galois/Counter mode.
    A256Gcm = "A256GCM", "A256GCM";
}

algorithm_names! {
    /// How the outer JWS is authenticated (RFC 7518 §3.2).
    JwsAlgorithm for "jwsAlgorithm", reason signature_reason;
    /// HMAC with SHA-256.
    Hs256 = "HS256", "HS256";
    /// HMAC with SHA-384.
    Hs384 = "HS384", "HS384";
    /// HMAC with SHA-512.
    Hs512 = "HS512", "HS512";
}

impl Encryption {
    /// Bytes of the content encryption key.
    pub const fn key_len(self) -> usize {
        match self {
            Self::A128Gcm => 16,
            Self::A192Gcm => 24,
            Self::A256Gcm | Self::A128CbcHs256 => 32,
            Self::A192CbcHs384 => 48,
            Self::A256CbcHs512 => 64,
        }
    }

    /// Bytes of the initialisation vector.
    pub const fn iv_len(self) -> usize {
        match self {
            Self::A128Gcm | Self::A192Gcm | Self::A256Gcm => 12,
            Self::A128CbcHs256 | Self::A192CbcHs384 | Self::A256CbcHs512 => 16,
        }
    }

    /// Bytes of the authentication tag.
    pub const fn tag_len(self) -> usize {
        match self {
            Self::A128Gcm | Self::A192Gcm | Self::A256Gcm | Self::A128CbcHs256 => 16,
            Self::A192CbcHs384 => 24,
            Self::A256CbcHs512 => 32,
        }
    }
}

fn no_reason(_: &str) -> Option<&'static str> {
    None
}

fn signature_reason(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_uppercase();
    if name == "NONE" {
        return Some("without a signature anyone could make a token");
    }
    let signature = ["RS", "PS", "ES", "ED"].iter().any(|prefix| name.starts_with(prefix));
    signature.then_some("signatures other than HMAC are not used for snapshot tokens")
}

fn key_management_reason(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_uppercase();
    if name.starts_with("ECDH") {
        Some("key agreement is not used for snapshot tokens")
    } else if name.starts_with("PBES2") {
        Some("passwords are not used as keys of snapshot tokens")
    } else if name.ends_with("GCMKW") {
        Some("keys of snapshot tokens are wrapped with A128KW, A192KW or A256KW")
    } else {
        None
    }
}

/// Names this many edits apart are still offered as what was meant.
const NEAREST_EDITS: usize = 3;

fn unknown(setting: &'static str, name: &str, reason: Option<&'static str>, known: Vec<&'static str>) -> Error {
    let normal = name.to_ascii_uppercase().replace('-', "_");
    let nearest = known
        .iter()
        .map(|candidate| (strsim::osa_distance(&normal, candidate), *candidate))
        .filter(|(edits, _)| *edits <= NEAREST_EDITS)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate);
    Error::UnknownAlgorithm(UnknownAlgorithm { setting, name: name.to_owned(), reason, known, nearest })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_in_both_spellings() {
        for algorithm in JweAlgorithm::ALL {
            assert_eq!(JweAlgorithm::from_config_name(algorithm.config_name()), Ok(*algorithm));
            assert_eq!(JweAlgorithm::from_config_name(algorithm.wire_name()), Ok(*algorithm));
        }
        for encryption in Encryption::ALL {
            assert_eq!(Encryption::from_config_name(encryption.config_name()), Ok(*encryption));
            assert_eq!(Encryption::from_config_name(encryption.wire_name()), Ok(*encryption));
        }
        for algorithm in JwsAlgorithm::ALL {
            assert_eq!(JwsAlgorithm::from_config_name(algorithm.config_name()), Ok(*algorithm));
            assert_eq!(JwsAlgorithm::from_config_name(algorithm.wire_name()), Ok(*algorithm));
        }
    }

    #[test]
    fn wire_spelling_is_the_registered_one() {
        let pairs: Vec<_> = JweAlgorithm::ALL.iter().map(|a| (a.config_name(), a.wire_name())).collect();
        assert_eq!(
            pairs,
            [
                ("RSAES_PKCS1_V1_5", "RSA1_5"),
                ("RSA_OAEP", "RSA-OAEP"),
                ("RSA_OAEP_256", "RSA-OAEP-256"),
                ("DIRECT", "dir"),
                ("A128KW", "A128KW"),
                ("A192KW", "A192KW"),
                ("A256KW", "A256KW"),
            ]
        );
        for encryption in Encryption::ALL {
            assert_eq!(encryption.wire_name(), encryption.config_name().replace('_', "-"));
        }
    }

    #[test]
    fn refusal_names_reason_known_names_and_nearest() {
        let error = JwsAlgorithm::from_config_name("RS256").expect_err("RS256 is no HMAC");
        assert_eq!(
            error.to_string(),
            "jwsAlgorithm `RS256` cannot be used: signatures other than HMAC are not used for snapshot tokens; \
             known: HS256, HS384, HS512; did you mean `HS256`?"
        );
        let nearest = |error| match error {
            Error::UnknownAlgorithm(unknown) => unknown.nearest,
            other => panic!("{other}"),
        };
        assert_eq!(nearest(Encryption::from_config_name("a128gmc").unwrap_err()), Some("A128GCM"));
        assert_eq!(nearest(JweAlgorithm::from_config_name("RSA-OEAP").unwrap_err()), Some("RSA_OAEP"));
        let error = JwsAlgorithm::from_config_name("NONE").expect_err("unsigned");
        assert!(error.to_string().contains("anyone could make a token"), "{error}");
        let error = JweAlgorithm::from_config_name("something else entirely").expect_err("nonsense");
        assert!(error.to_string().starts_with("jweAlgorithm `something else entirely` is not known; known: RSAES_PKCS1_V1_5, "));
        assert_eq!(nearest(error), None);
    }
}
