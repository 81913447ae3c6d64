//! What the REST interface needs of the process that serves it, beside the ports of accounts.

pub use accounts::ports::{Health, OtherNodes};
use async_trait::async_trait;
use crest::ResourceError;
use serde_json::Value;

/// What a change makes of a file.
pub enum Wanted {
    /// The file's content, as JSON.
    Content(Value),
    /// No file.
    Nothing,
}

/// Decides about a file that it sees as it is, its secrets masked, with its revision; `None` where there is none.
pub type Change<'a> = Box<dyn FnOnce(Option<(Value, String)>) -> Result<Wanted, ResourceError> + Send + 'a>;

/// Writes the project's files.
#[async_trait]
pub trait ProjectFiles: Send + Sync {
    /// Replaces, makes or removes a file (`conf/access.json`), as `change` wants it, and serves the project without or with it.
    ///
    /// # Errors
    /// 403 where nothing can be written and for the removal of what the server needs, 400 with diagnostics for what would not load, 409
    /// when the file changed on disk meanwhile, and what `change` says.
    async fn change(&self, file: &str, change: Change<'_>) -> Result<(), ResourceError>;
}
