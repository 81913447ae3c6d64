//! What a script sees: values, a moment, a seed, properties, modules of its project, and a host to ask.
//!
//! The rule that is easiest to break: everything a script gets is a copy. It may change what it was given; that changes nothing outside.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crest::Fields;
use serde_json::{Map, Value};

use crate::Program;

/// Everything one run is given.
#[derive(Clone, Debug)]
pub struct Bindings {
    pub(crate) globals: Map<String, Value>,
    pub(crate) properties: Arc<BTreeMap<String, String>>,
    pub(crate) now_ms: i64,
    pub(crate) seed: [u8; 32],
    pub(crate) time: Option<Duration>,
    pub(crate) calls: Option<usize>,
    pub(crate) aliases: Vec<(String, String)>,
    pub(crate) kept: Vec<String>,
    pub(crate) included: Vec<Program>,
    pub(crate) modules: Arc<Modules>,
}

/// What `require` finds: the scripts of a project by name, without the `.js` at their ends.
#[derive(Clone, Debug, Default)]
pub struct Modules {
    /// Scripts of the project; each is evaluated once in a run, with `exports`, `module` and a `require` of its own.
    pub scripts: BTreeMap<String, Program>,
    /// Modules of which whatever is called does nothing, because what they do is done elsewhere.
    pub silent: BTreeSet<String>,
}

impl Bindings {
    /// No variables yet. `now_ms`, milliseconds since 1970-01-01T00:00:00Z, is the time of the whole run: `Date.now()` does not
    /// advance. `seed` feeds `Math.random()`, which is as predictable as the seed.
    #[must_use]
    pub fn new(now_ms: i64, seed: [u8; 32]) -> Self {
        Self {
            globals: Map::new(),
            properties: Arc::default(),
            now_ms,
            seed,
            time: None,
            calls: None,
            aliases: Vec::new(),
            kept: Vec::new(),
            included: Vec::new(),
            modules: Arc::default(),
        }
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

    /// Another name for a variable: both are one object, and what is changed through one is seen through the other.
    #[must_use]
    pub fn with_alias(mut self, name: impl Into<String>, of: impl Into<String>) -> Self {
        self.aliases.push((name.into(), of.into()));
        self
    }

    /// Tells with the result what became of these variables: of the objects that were given, not of what was assigned to their names
    /// ([`Sandbox::run_keeping`](crate::Sandbox::run_keeping)).
    #[must_use]
    pub fn keeping<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.kept.extend(names.into_iter().map(Into::into));
        self
    }

    /// Evaluates scripts before the program, in the same global scope.
    #[must_use]
    pub fn including(mut self, programs: impl IntoIterator<Item = Program>) -> Self {
        self.included.extend(programs);
        self
    }

    /// What `require` finds. Nothing by default.
    #[must_use]
    pub fn with_modules(mut self, modules: Arc<Modules>) -> Self {
        self.modules = modules;
        self
    }

    /// Allows another number of calls than [`Limits::host_calls`](crate::Limits::host_calls).
    #[must_use]
    pub fn calling(mut self, calls: usize) -> Self {
        self.calls = Some(calls);
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

/// What a script asks of the server through `openidm`.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// What is to be done.
    pub operation: Operation,
    /// On which resource: `managed/user/<id>`, `external/email`.
    pub path: String,
    /// The new object's id for [`Operation::Create`], the action's name for [`Operation::Action`], the expected revision for the other
    /// writes; empty where the script gives none.
    pub name: String,
    /// The content, the list of patch operations, or null.
    pub content: Value,
    /// Further parameters; null where the script gives none.
    pub params: Value,
    /// What of the answer the script asks for. It is taken out of whatever is given.
    pub fields: Fields,
}

/// An operation of `openidm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// `openidm.read(path)`
    Read,
    /// `openidm.query(path, params)`
    Query,
    /// `openidm.create(path, id, content, params)`
    Create,
    /// `openidm.update(path, revision, content, params)`
    Update,
    /// `openidm.patch(path, revision, operations, params)`
    Patch,
    /// `openidm.delete(path, revision, params)`
    Delete,
    /// `openidm.action(path, action, content, params)`
    Action,
    /// `openidm.hash(value, algorithm)`: `content` is the value, `name` the algorithm.
    Hash,
    /// `openidm.encrypt(value, cipher, alias)`
    Encrypt,
    /// `openidm.decrypt(value)`
    Decrypt,
    /// `openidm.matches(text, value)`: `name` is the text.
    Matches,
}

impl Operation {
    /// The function's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Query => "query",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::Action => "action",
            Self::Hash => "hash",
            Self::Encrypt => "encrypt",
            Self::Decrypt => "decrypt",
            Self::Matches => "matches",
        }
    }

    /// The operation of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        const ALL: [Operation; 11] = [
            Operation::Read,
            Operation::Query,
            Operation::Create,
            Operation::Update,
            Operation::Patch,
            Operation::Delete,
            Operation::Action,
            Operation::Hash,
            Operation::Encrypt,
            Operation::Decrypt,
            Operation::Matches,
        ];
        ALL.into_iter().find(|operation| operation.name() == name)
    }
}

/// What is thrown into a script, as an `Error` that also has `code` and `detail`.
#[derive(Clone, Debug, PartialEq)]
pub struct Thrown {
    /// The status, as in an answer over REST; 0 where there is none.
    pub code: u16,
    /// What went wrong, for the author of the script.
    pub message: String,
    /// Further facts; null where there are none.
    pub detail: Value,
}

impl<M: Into<String>> From<M> for Thrown {
    fn from(message: M) -> Self {
        Self { code: 0, message: message.into(), detail: Value::Null }
    }
}

/// The server, as `openidm` in a script sees it. Called on the sandbox's thread, so it may block, but its time counts as the script's.
/// It decides what this script may see and do; what it throws into the script may reach the log. A script it runs in its turn runs on
/// the same thread, within the time of the first.
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

    /// Any operation. By default a script may only read.
    ///
    /// # Errors
    /// What is thrown into the script.
    fn call(&self, call: &Call) -> Result<Value, Thrown> {
        match call.operation {
            Operation::Read => self.read(&call.path).map_err(Thrown::from),
            Operation::Query => self.query(&call.path, &call.params).map_err(Thrown::from),
            other => Err(format!("openidm.{} is not available: this script may only read", other.name()).into()),
        }
    }

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
