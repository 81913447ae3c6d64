//! Snapshot tokens: compact JWS and JWE, IDM's nested envelope, and the keys behind them.
//!
//! The whole crate stands on one rule (SEC-39): what a token says about itself is compared with what is expected and
//! never obeyed. There is one way to open a token, [`open`]; it authenticates before it decrypts, and it fails in one way.
//!
//! ```
//! # use vestibule_jose as jose;
//! use jose::{KeyRing, TokenForm, open, seal};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let ring = KeyRing::generate()?;
//! let token = seal(&ring, TokenForm::DEFAULT, b"state")?;
//! assert_eq!(open(&ring, TokenForm::DEFAULT, &token)?, b"state");
//! # Ok(())
//! # }
//! ```

mod algorithms;
mod base64url;
mod cbc_hmac;
mod content;
mod error;
pub mod jwe;
pub mod jws;
mod key_wrap;
mod keys;
mod keystore;
mod pem;
mod rsa;
mod token;
#[cfg(test)]
mod vectors;

pub use algorithms::{Encryption, JweAlgorithm, JwsAlgorithm, UnknownAlgorithm};
pub use content::ContentKey;
pub use error::{CryptoFailure, InvalidToken, SealError};
pub use key_wrap::WrappingKey;
pub use keys::{IDM_SIGNING_ALIAS, Imported, KeyError, KeyRing, Weakness};
pub use keystore::{CryptoValue, CryptoValueError, Keystore, KeystoreError, decrypt_idm_crypto};
pub use pem::PemError;
pub use rsa::{RsaError, RsaPair};
pub use token::{MAX_CONTENT_LEN, MAX_TOKEN_LEN, TokenForm, open, open_any, seal};
