//! What a script sees: values, a moment, a seed, properties, and a host to read from.
//!
//! The rule that is easiest to break: everything a script gets is a copy. It may change what it was given; nobody else notices.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

/// Everything one run is given.
#[derive(Clone, Debug)]
pub struct Bindings {
    pub(crate) globals: Map<String, Value>,
    pub(crate) properties: Arc<BTreeMap<String, String>>,
    pub(crate) now_ms: i64,
    pub(crate) seed: [u8; 32],
    pub(crate) time: Option<Duration>,
}

impl Bindings {
    /// No variables yet. `now_ms`, milliseconds since 1970-01-01T00:00:00Z, is the time of the whole run: `Date.now()` does not
    /// advance. `seed` feeds `Math.random()`, which is as predictable as the seed.
    #[must_use]
    pub fn new(now_ms: i64, seed: [u8; 32]) -> Self {
        Self { globals: Map::new(), properties: Arc::default(), now_ms, seed, time: None }
    }

    /// Adds a global variable; a later one of the same name wins. The names of the sandbox's own objects (`openidm`, `logger`,
    /// `console`, `identityServer`) stay its own; a name JavaScript does not let anybody define (`undefined`) makes the run throw.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: Value) -> Self {
        self.globals.insert(name.into(), value);
        self
    }

    /// Adds every member as a global variable, as IDM does with `globals` of a script object.
    #[must_use]
    pub fn with_all(mut self, variables: Map<String, Value>) -> Self {
        self.globals.extend(variables);
        self
    }

    /// Gives this run another time than [`Limits::time`](crate::Limits::time), for a script whose operator says how long it takes.
    #[must_use]
    pub fn within(mut self, time: Duration) -> Self {
        self.time = Some(time);
        self
    }

    /// What `identityServer.getProperty(name)` answers. The caller chooses what is in it: no secret may be.
    #[must_use]
    pub fn with_properties(mut self, properties: Arc<BTreeMap<String, String>>) -> Self {
        self.properties = properties;
        self
    }
}

/// The read-only side of the server, as `openidm` in a script sees it. Called on the sandbox's thread, so it may block, but its time
/// counts as the script's. It decides what this script may see; a message it gives is thrown into the script and may reach the log.
pub trait Host: Send + Sync {
    /// `openidm.read(path)`: the object, or [`Value::Null`] where there is none.
    ///
    /// # Errors
    /// A message for the author of the script.
    fn read(&self, path: &str) -> Result<Value, String>;

    /// `openidm.query(path, params)`: an object with the matches in `result`. `params` is an object such as
    /// `{"_queryFilter": "true"}`.
    ///
    /// # Errors
    /// A message for the author of the script.
    fn query(&self, path: &str, params: &Value) -> Result<Value, String>;

    /// A line the script logged: at most 1 KiB, at most 64 of them in a run, without control characters. Nothing by default.
    fn log(&self, level: Level, message: &str) {
        let _ = (level, message);
    }
}

/// A host that has nothing to read.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHost;

impl Host for NoHost {
    fn read(&self, _path: &str) -> Result<Value, String> {
        Ok(Value::Null)
    }

    fn query(&self, _path: &str, _params: &Value) -> Result<Value, String> {
        Err("there is nothing to query".to_owned())
    }
}

/// How important a logged line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// `logger.trace`
    Trace,
    /// `logger.debug`, `console.debug`
    Debug,
    /// `logger.info`, `console.log`, `console.info`
    Info,
    /// `logger.warn`, `console.warn`
    Warn,
    /// `logger.error`, `console.error`
    Error,
}
