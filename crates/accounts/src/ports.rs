//! What accounts need of the process that serves them, beside the ports of the engine and of the store.

use async_trait::async_trait;
use crest::ResourceError;
use process::{AuditEvent, Counted, KeptCanary, MailId, Passage, Step, Topic};
use serde_json::Value;

use crate::explain::Sought;
use crate::limits::Cleared;

/// The audit trail of what belongs to no transaction.
pub trait Trail: Send + Sync {
    /// Whether the last events could not be written; known after an attempt, which every event makes.
    fn is_failing(&self) -> bool;

    /// Records an event. Never waits.
    fn record(&self, event: AuditEvent);
}

/// What happened until now, for administrators.
#[async_trait]
pub trait History: Send + Sync {
    /// The runs that are looked for, [`crate::explain::runs`].
    ///
    /// # Errors
    /// 503 when the store does not answer.
    async fn runs(&self, sought: &Sought) -> Result<Vec<Value>, ResourceError>;

    /// The newest events of a topic, newest first, up to `most` from wherever some are kept.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    async fn newest(&self, topic: Topic, most: u32) -> Result<Vec<Value>, ResourceError>;

    /// The next definitions that are or were tried, those that began last first.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    async fn canaries(&self) -> Result<Vec<KeptCanary>, ResourceError>;

    /// The funnel of the days since `day` (days since 1970).
    ///
    /// # Errors
    /// 503 when the store does not answer.
    async fn funnel(&self, day: i64) -> Result<Vec<(Counted, u64)>, ResourceError>;
}

/// Whether the process can serve.
#[async_trait]
pub trait Health: Send + Sync {
    /// It has started, is not stopping, and something can be written.
    async fn is_ready(&self) -> bool;
}

/// The other nodes that serve from the same store; nobody where there is none.
#[async_trait]
pub trait OtherNodes: Send + Sync {
    /// Has them end the limits that were ended here, all of them at once, within seconds.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    async fn clear(&self, cleared: &[Cleared]) -> Result<(), ResourceError>;
}

/// What a change makes of a file.
pub enum Wanted {
    /// The file's content, as JSON.
    Content(Value),
    /// The file's text, to the letter, as it was served before.
    Text(String),
    /// No file.
    Nothing,
}

/// Decides about a file that it sees as it is, its secrets masked, with its revision; `None` where there is none.
pub type FileChange<'a> = Box<dyn FnOnce(Option<(Value, String)>) -> Result<Wanted, ResourceError> + Send + 'a>;

/// Writes the project's files.
#[async_trait]
pub trait ProjectFiles: Send + Sync {
    /// Replaces, makes or removes a file (`conf/access.json`), as `change` wants it, and serves the project without or with it. `who` is noted
    /// with the version that it makes.
    ///
    /// # Errors
    /// 403 where nothing can be written and for the removal of what the server needs, 400 with diagnostics for what would not load, 409
    /// when the file changed on disk meanwhile, and what `change` says.
    async fn change(&self, file: &str, who: &str, change: FileChange<'_>) -> Result<(), ResourceError>;
}

/// A version of a file of the project: what it said when it was taken up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileVersion {
    /// Grows with every version of any file.
    pub number: i64,
    /// The file, `conf/access.json`.
    pub file: String,
    /// Equal for equal texts, [`FileVersions::marks`]; empty where the file was gone.
    pub mark: String,
    /// When it was taken up, in seconds since 1970.
    pub noted: i64,
    /// Who changed it over REST or in the console; nobody where it was changed in the project's directory.
    pub who: Option<String>,
}

/// What a version said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FormerText {
    /// This.
    Text(String),
    /// The file was gone.
    Gone,
    /// It was sealed with keys that this server has no more.
    Sealed,
}

/// The versions of the project's files, the last fifty of each.
#[async_trait]
pub trait FileVersions: Send + Sync {
    /// Those of a file, or of all, newest first.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    async fn list(&self, file: Option<&str>) -> Result<Vec<FileVersion>, ResourceError>;

    /// One of them.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    async fn one(&self, number: i64) -> Result<Option<(FileVersion, FormerText)>, ResourceError>;

    /// The marks that a version with this text may have: that of the present key and those of former ones.
    fn marks(&self, text: &str) -> Vec<String>;
}

/// Counts what happens, for the operator. Labels come from configuration and closed lists, never from what a client sent.
pub trait Meter: Send + Sync {
    /// Somebody signed in, or tried to.
    fn sign_in(&self, successful: bool);

    /// Stages were touched by a submission to `process`.
    fn steps(&self, process: &str, steps: &[Step]);

    /// How far an instance has come, of which no unit tells. Never waits.
    fn on_the_way(&self, passage: Passage);

    /// A process reached its end.
    fn completed(&self, process: &str);

    /// A rate limit refused a request.
    fn limited(&self, limit: &'static str);
}

/// The delivery of mails that a transaction has put into the outbox.
#[async_trait]
pub trait Delivery: Send + Sync {
    /// Something is in the outbox.
    fn wake(&self);

    /// Waits until each of these mails was attempted.
    ///
    /// # Errors
    /// What the mail server said of one, or that none of it was tried in time.
    async fn wait(&self, mails: &[MailId]) -> Result<(), ResourceError>;

    /// Whether mails can leave, or are kept to be looked at.
    fn is_configured(&self) -> bool;
}
