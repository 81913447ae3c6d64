//! What the stages of a server share. The server implements the traits; tests implement them in memory.

use std::sync::Arc;

use async_trait::async_trait;
use crest::ResourceError;
use identity::Managed;
use identity::metadata::Metadatum;
use identity::secret::Hasher;
use serde_json::Value;

use crate::{Consequences, RemoteStages, Scripts};

/// What the stages of a server share.
pub struct Services {
    /// Managed objects: reading them, and preparing writes.
    pub managed: Arc<Managed>,
    /// Hashes and verifies off the request's own thread.
    pub hasher: Arc<dyn Hasher>,
    /// Asks a captcha provider.
    pub captcha: Arc<dyn CaptchaVerifier>,
    /// Bounds how many mails one person gets.
    pub mail_budget: Arc<dyn MailBudget>,
    /// Whether mail can leave, or is kept where people can read it. Otherwise stages that need it fail at submission (decision 24).
    pub mail_configured: bool,
    /// What follows from a write to somebody's object.
    pub consequences: Arc<dyn Consequences>,
    /// The project's own mail texts.
    pub templates: Arc<dyn MailTemplates>,
    /// Signs people in at an access manager.
    pub auto_login: Arc<dyn AutoLogin>,
    /// Runs the project's scripts.
    pub scripts: Arc<dyn Scripts>,
    /// Asks the HTTP services that a project declares as stages.
    pub remote: Arc<dyn RemoteStages>,
    /// What configured conditions need to be kept about people, beside what their types track.
    pub needed_metadata: Vec<Metadatum>,
    /// The language of texts when none of the caller's fits, `en`.
    pub default_locale: String,
}

/// A mail text of the project, filled in for somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RenderedMail {
    /// The sender; `None` takes the mail service's own.
    pub from: Option<String>,
    /// The subject line, free of control characters.
    pub subject: String,
    /// `text/html` or `text/plain`.
    pub mime_type: String,
    /// The text.
    pub body: String,
}

/// The project's mail texts (`emailTemplate-<name>.json`, idm-docs §5.6).
pub trait MailTemplates: Send + Sync {
    /// The text `name` (`welcome`) for somebody who reads `locales` in this order, about `object`; `None` when there is no such text or
    /// it is switched off. `object` holds nothing that a mail must not show.
    fn render(&self, name: &str, locales: &[String], object: &Value) -> Option<RenderedMail>;
}

/// What an access manager said to a sign-in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignedInElsewhere {
    /// Its session token.
    pub token_id: String,
    /// Where it sends the person; empty for nowhere.
    pub success_url: String,
}

/// Signs somebody in at an access manager (`openAMAutoLogin`, idm-docs §2.2).
#[async_trait]
pub trait AutoLogin: Send + Sync {
    /// Posts to `url` with the headers `X-OpenAM-Username` and `X-OpenAM-Password`.
    ///
    /// # Errors
    /// 503 when it cannot be reached or does not answer as it should, 401 when it refuses the person. The message goes to the log.
    async fn sign_in(&self, url: &str, user_name: &str, password: &str) -> Result<SignedInElsewhere, ResourceError>;
}

/// What a captcha provider said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaptchaVerdict {
    /// A human, it thinks.
    pub solved: bool,
    /// Its error codes, for the log only: they tell a stranger nothing he should know.
    pub reasons: Vec<String>,
}

/// Asks a captcha provider whether a response is good.
#[async_trait]
pub trait CaptchaVerifier: Send + Sync {
    /// Sends `secret` and `response`, form-encoded, to `uri`. `client_address` may be empty.
    ///
    /// # Errors
    /// 503 when the provider cannot be reached or does not answer as it should.
    async fn verify(&self, uri: &str, secret: &str, response: &str, client_address: &str) -> Result<CaptchaVerdict, ResourceError>;
}

/// Bounds how many mails one person gets, so that nobody's mailbox is flooded by strangers (SEC-04).
pub trait MailBudget: Send + Sync {
    /// Whether another mail may go to `recipient`, which is counted at once. `now` in seconds since 1970. Also asked for recipients that
    /// stand for nobody, so that the work is the same.
    fn allow(&self, recipient: &str, now: i64) -> bool;
}
