//! The ports of the library crates, as this process fulfils them: the machine's clock and generator, the hashing pool, the captcha
//! verifier, the delivery of mails. The only place that asks the machine for time or randomness.

mod audit_events;
mod authority;
mod auto_login;
mod calls;
mod captcha;
mod clock;
mod collector;
mod delivery;
mod hash_pool;
mod health;
mod mail_door;
mod providers;
mod random;
mod remote_stages;
mod scripts;

pub(crate) use audit_events::WholeTrail;
pub(crate) use authority::AuthorityCalls;
pub(crate) use auto_login::HttpAutoLogin;
pub(crate) use calls::{client_within, failure, within};
pub(crate) use captcha::HttpCaptcha;
pub use clock::SystemClock;
pub(crate) use collector::Collector;
pub(crate) use delivery::CourierDelivery;
pub use hash_pool::HashPool;
pub(crate) use hash_pool::{client, on_behalf_of};
pub(crate) use health::StoreHealth;
pub(crate) use mail_door::CourierDoor;
pub(crate) use providers::{HttpProviders, SandboxTransforms, Transforms};
pub use random::OsRandom;
pub(crate) use remote_stages::HttpStages;
pub(crate) use scripts::OnRuntime;
