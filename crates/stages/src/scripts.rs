//! The scripts of a project, as stages run them. The sandbox itself is the server's; what a script is given is decided here.
//!
//! Easiest to break: a script gets views, never stored objects, so that nothing hashed or private can reach it, and its failure is an
//! event for the operator, never an answer that keeps somebody out.

use std::time::Duration;

use async_trait::async_trait;
use crest::{Fields, Resource};
use identity::{Audience, Managed};
use script::{Bindings, Program, ScriptError};
use serde_json::Value;

/// Runs scripts in a sandbox that reads managed objects through views and nothing else.
#[async_trait]
pub trait Scripts: Send + Sync {
    /// Runs a condition.
    ///
    /// # Errors
    /// Why it gave neither `true` nor `false`.
    async fn condition(&self, program: &Program, bindings: Bindings) -> Result<bool, ScriptError>;

    /// Runs a script for its value.
    ///
    /// # Errors
    /// Why it gave none.
    async fn value(&self, program: &Program, bindings: Bindings) -> Result<Value, ScriptError>;
}

/// Asks HTTP services that a project declares as stages.
#[async_trait]
pub trait RemoteStages: Send + Sync {
    /// Posts `request` as JSON, with `token` as bearer, and gives the JSON of a 200; within `limit`, following nothing.
    ///
    /// # Errors
    /// Why there is no such answer, for the operator's log.
    async fn call(&self, url: &str, token: Option<&str>, request: &Value, limit: Duration) -> Result<Value, String>;
}

/// A person as scripts see them: everything but secrets and private properties, and their metadata.
///
/// # Errors
/// When the store does not answer; the text is for the log.
pub(crate) async fn seen_by_script(managed: &Managed, collection: &str, person: &Resource) -> Result<Value, String> {
    let metadata = managed.schemas.get(collection).map_or("_meta", |schema| schema.meta_property());
    let fields = Fields::parse(&format!("*,{metadata}/*")).unwrap_or_default();
    let person = managed.with_effective(collection, person.clone(), Audience::Administrator, &fields).await;
    Ok(managed.view(collection, &person.map_err(|error| error.message)?, Audience::Administrator, &fields))
}

/// Milliseconds since 1970.
pub(crate) fn milliseconds(seconds: i64) -> i64 {
    seconds.saturating_mul(1000)
}
