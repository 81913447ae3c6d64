//! Signing in with an identity provider: OpenID Connect and OAuth 2.0 from the client's side (docs/protocol/social.md).
//!
//! Everything a provider sends is somebody else's word. Easiest to break: an ID token counts only when issuer, audience, nonce, times and
//! signature are those of the request that was begun, and what it proves is who somebody is *there*: never that a mailbox, or an account here,
//! is theirs.
//!
//! The crate speaks to nobody. It says what is to be asked and judges what comes back; the asking is a port ([`Fetch`]), whose
//! implementation follows no redirect and reads within limits.

mod address;
mod authentication;
mod by_code;
mod dialect;
mod exchange;
mod fetch;
mod id_token;
mod links;
mod profile;
mod provider;
mod providers;
mod within;

pub use address::is_inside;
pub use by_code::ByCode;
pub use dialect::{Dialect, Lifted};
pub use exchange::{Answered, Challenge, Proven, Redirect, name_told_once};
pub use fetch::{Answer, Fetch, Request};
pub use links::{LINKED_PROPERTY, LINKS, collection, with_links};
pub use profile::{Scripted, TransformScript};
pub use provider::{Flaw, Misfit, Provider, without_secrets};
pub use providers::{Providers, SocialError};
