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
mod at_rest;
mod base64url;
mod cbc_hmac;
mod content;
mod crypto_value;
mod error;
mod form;
pub mod jwe;
pub mod jws;
mod key_wrap;
mod keys;
mod keystore;
mod pem;
mod rsa;
pub mod signature;
mod tag;
mod token;
#[cfg(test)]
mod vectors;

pub use algorithms::{Encryption, JweAlgorithm, JwsAlgorithm};
pub use at_rest::{Opened, open_at_rest, seal_at_rest};
pub use content::ContentKey;
pub use crypto_value::{CryptoValue, decrypt_idm_crypto};
pub use error::{Error, InvalidToken, KeyFault, UnknownAlgorithm};
pub use form::TokenForm;
pub use key_wrap::WrappingKey;
pub use keys::{IDM_SIGNING_ALIAS, Imported, KeyRing, KeyUse};
pub use keystore::Keystore;
pub use rsa::RsaPair;
pub use token::{MAX_CONTENT_LEN, MAX_TOKEN_LEN, open, open_any, seal};
