//! What the stages of a server share. The server implements the traits; tests implement them in memory.

use std::sync::Arc;

use async_trait::async_trait;
use crest::ResourceError;
use identity::Managed;
use identity::metadata::Metadatum;
use identity::secret::Hasher;
use process::StageContext;
use serde_json::Value;

use crate::{Consequences, RemoteStages, Scripts};

/// The context stages of this crate run in.
pub(crate) type Cx<'a> = StageContext<'a, Services>;

/// What the stages of a server share.
pub struct Services {
    /// Managed objects: reading them, and preparing writes.
    pub managed: Arc<Managed>,
    /// Hashes and verifies off the request's own thread.
    pub hasher: Arc<dyn Hasher>,
    /// The identity providers.
    pub social: Arc<social::Providers>,
    /// Whether people sign in with them.
    pub social_sign_in: bool,
    /// `selfservice.propertymap.json`: what a provider's profile offers a new person.
    pub property_map: Option<Value>,
    /// Asks a captcha provider.
    pub captcha: Arc<dyn CaptchaVerifier>,
    /// Bounds how many mails one person gets.
    pub mail_budget: Arc<dyn MailBudget>,
    /// Bounds how many wrong answers and codes one network gives.
    pub guesses: Arc<dyn GuessBudget>,
    /// Knows what the mail service can take.
    pub mail_door: Arc<dyn MailDoor>,
    /// Whether mail can leave, or is kept where people can read it. Otherwise stages that need it fail at submission (decision 24).
    pub mail_configured: bool,
    /// What follows from a write to somebody's object.
    pub consequences: Arc<dyn Consequences>,
    /// The project's own mail texts.
    pub templates: Arc<dyn MailTemplates>,
    /// Ours.
    pub own_mails: Arc<dyn OwnMails>,
    /// Signs people in at an access manager.
    pub auto_login: Arc<dyn AutoLogin>,
    /// Runs the project's scripts.
    pub scripts: Arc<dyn Scripts>,
    /// Asks the HTTP services that a project declares as stages.
    pub remote: Arc<dyn RemoteStages>,
    /// What configured conditions need to be kept about people, beside what their types track.
    pub needed_metadata: Vec<Metadatum>,
    /// Seconds for which answers that a session alone has set are no proof by themselves.
    pub questions_settle: i64,
    /// The processes that people owe at sign-in, by name: in these a completed form stays completed.
    pub listed: Vec<String>,
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

/// The project's mail texts (`emailTemplate-<name>.json`, docs/protocol/mail.md, "Mail service").
pub trait MailTemplates: Send + Sync {
    /// The text `name` (`welcome`) for somebody who reads `locales` in this order, about `object`; `None` when there is no such text or
    /// it is switched off. `object` holds nothing that a mail must not show.
    fn render(&self, name: &str, locales: &[String], object: &Value) -> Option<RenderedMail>;
}

/// Mails of the server's own, in every language it speaks.
pub trait OwnMails: Send + Sync {
    /// Subject and text of the mail `name` (`noticePasswordChanged`) for somebody who reads `locales` in this order; the text is plain, the
    /// subject one line. `values` fill it in; a value that looks like a place for another is left alone.
    fn mail(&self, name: &str, locales: &[String], values: &[(&str, &str)]) -> (String, String);
}

/// What an access manager said to a sign-in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignedInElsewhere {
    /// Its session token.
    pub token_id: String,
    /// Where it sends the person; empty for nowhere.
    pub success_url: String,
}

/// Signs somebody in at an access manager (`openAMAutoLogin`, docs/protocol/stages.md, "openAMAutoLogin").
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
    /// Its error codes, for the log only: they are not for callers.
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

/// Knows what the mail service can take, so that nothing is accepted which cannot be sent.
#[async_trait]
pub trait MailDoor: Send + Sync {
    /// Why the mail service cannot write to an address that is well-formed; nothing when it can. It asks the mail server where that is not
    /// known.
    ///
    /// # Errors
    /// 503 when it cannot be found out now.
    async fn refuses(&self, address: &identity::MailAddress) -> Result<Option<MailRefusal>, ResourceError>;
}

/// Why the mail service cannot write to an address that is well-formed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailRefusal {
    /// It is no address as far as this mail service is configured.
    NoAddress,
    /// The mail server cannot take it; the reason.
    NotTaken(String),
}

/// A mail that somebody asks for.
#[derive(Clone, Copy, Debug)]
pub struct MailRequest<'a> {
    /// Where it would go.
    pub recipient: &'a str,
    /// The address of the client that asks; empty when nobody outside did.
    pub client: &'a str,
    /// The process that sends it; empty for none.
    pub process: &'a str,
    /// The recipient stands for nobody.
    pub nobody: bool,
    /// The recipient is owed it, a mail of this kind: they must be able to object to what was done to their account.
    pub owed: Option<&'static str>,
}

impl<'a> MailRequest<'a> {
    /// A mail of the process that is running.
    pub(crate) fn of(cx: &'a process::StageContext<'_, Services>, recipient: &'a str, nobody: bool) -> Self {
        Self { recipient, client: &cx.caller.address, process: cx.process(), nobody, owed: None }
    }
}

/// Bounds how many mails go out, so that nobody's mailbox is flooded by strangers (SEC-04).
pub trait MailBudget: Send + Sync {
    /// Lets the mail go, which is counted at once. `now` in seconds since 1970. Also asked for recipients that stand for nobody, so
    /// that the work is the same.
    ///
    /// # Errors
    /// The budget that is used up: `recipient_hour`.
    fn allow(&self, request: &MailRequest<'_>, now: i64) -> Result<(), &'static str>;

    /// A number for the client at an address, which says nothing else: mails of one client wait for each other.
    fn client(&self, address: &str) -> Option<i64>;

    /// Gives a recipient their budgets back.
    fn clear_recipient(&self, recipient: &str);

    /// Gives the network of an address its budget back.
    fn clear_client(&self, client: std::net::IpAddr);
}

/// Bounds what one network may guess at, whoever is asked: answers, codes, passwords of accounts that are claimed (SEC-47). What is counted for
/// an account is counted besides.
pub trait GuessBudget: Send + Sync {
    /// Takes the place of one guess by the client at an address, before anything is compared. It is taken from a decoy's guesses as well.
    ///
    /// # Errors
    /// 429 where the network has used up its budget. This says nothing about accounts.
    fn take(&self, client: &str, now: i64) -> Result<(), ResourceError>;

    /// It was right: the place is given back.
    fn give_back(&self, client: &str);
}
