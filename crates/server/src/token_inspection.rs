//! `vestibule token inspect`: what a snapshot token says, for whoever has the keys.
//!
//! Easiest to break: what a token holds is somebody's. Where they are and what they have proved is told; what they typed, and every value of the
//! state, is not.

use std::path::Path;
use std::time::{Duration, SystemTime};

use crest::Clock as _;
use jose::TokenForm;
use process::{LOCAL_LENGTH, ProcessContext};
use serde_json::{Value, json};

use crate::keys::{self, KeyFileError};
use crate::ports::SystemClock;
use crate::project_directory::{self, NoProject};

/// Why a token is not told.
#[derive(Debug, thiserror::Error)]
pub enum TokenInspectionError {
    /// There is no project of that name.
    #[error(transparent)]
    Project(#[from] NoProject),
    /// The keys cannot be used.
    #[error(transparent)]
    Keys(#[from] KeyFileError),
    /// There are no keys.
    #[error("there are no keys in '{0}': name the data directory of the server with --data")]
    NoKeys(String),
    /// A token that names what the store keeps.
    #[error("this token only names what the store keeps (snapshotToken of type local); it says nothing by itself")]
    Local,
    /// These keys do not open it.
    #[error("these keys do not open it: it is no snapshot token, was altered or cut, or comes from a server with other keys")]
    NotOurs,
}

/// What a snapshot token says: the process and the definition, the stage that answers next, what was proved, the times, and the names of what it holds.
/// A link that holds one is taken apart.
///
/// # Errors
/// [`TokenInspectionError`].
pub fn inspect_token(project: Option<&Path>, data: &Path, token: &str) -> Result<Value, TokenInspectionError> {
    let source = project_directory::open(project)?;
    let settings = source.read(None).settings;
    if !keys::document(data, &settings.keys, source.root()).exists() {
        return Err(TokenInspectionError::NoKeys(data.display().to_string()));
    }
    let ring = keys::look(data, &settings.keys, source.root())?.ring;
    let token = token.split_once("token=").map_or(token, |(_, rest)| rest.split(['&', '#', ' ']).next().unwrap_or_default()).trim();
    if token.len() == LOCAL_LENGTH {
        return Err(TokenInspectionError::Local);
    }
    let forms: Vec<TokenForm> = TokenForm::all().collect();
    let content = jose::open_any(&ring, &forms, token).map_err(|_| TokenInspectionError::NotOurs)?;
    let context: ProcessContext = serde_json::from_slice(&content).map_err(|_| TokenInspectionError::NotOurs)?;
    let proved: Vec<&str> = context.facts.iter().map(|fact| fact.kind().phrase()).collect();
    let named = context.facts.named().map(|subject| {
        if subject.decoy {
            "nobody: there is no such account, or none that may".to_owned()
        } else {
            format!("{}/{}", subject.collection, subject.id)
        }
    });
    Ok(json!({
        "process": context.process,
        "version": context.version.0,
        "instance": context.instance.as_str(),
        "stage": context.stage,
        "tag": context.tag,
        "proved": proved,
        "named": named,
        "holds": context.state.keys().collect::<Vec<_>>(),
        "began": time(context.began),
        "issued": time(context.issued),
        "expires": time(context.expires),
        "isExpired": context.expires < SystemClock::new().unix_seconds(),
    }))
}

fn time(seconds: i64) -> Option<String> {
    let since = Duration::from_secs(u64::try_from(seconds).ok().filter(|seconds| *seconds > 0)?);
    Some(identity::timestamp(SystemTime::UNIX_EPOCH + since))
}
