//! The ports of the library crates, as this process fulfils them: the machine's clock and generator, the hashing pool, the captcha
//! verifier and the mail budget. The only place that asks the machine for time or randomness.

mod auto_login;
mod budget;
mod captcha;
mod clock;
mod hash_pool;
mod random;
mod remote_stages;
mod scripts;

pub(crate) use auto_login::HttpAutoLogin;
pub(crate) use budget::RecipientBudget;
pub(crate) use captcha::HttpCaptcha;
pub use clock::SystemClock;
pub use hash_pool::HashPool;
pub use random::OsRandom;
pub(crate) use remote_stages::HttpStages;
pub(crate) use scripts::SandboxScripts;
