//! Scripts of a project: at events of managed objects and as policies. Which there are, which of them can be run here, and what they
//! run with.
//!
//! Easiest to break: what cannot be run is never passed over. It is an error of `check`, and what it guards is refused, until the
//! project itself waives it ([`waiver`]).

mod declared;
mod files;
mod java;
mod objects;
mod product;
mod scan;
pub(crate) mod source;
pub(crate) mod waiver;
mod words;

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crest::{Clock, Random, random_bytes};
use script::{Bindings, Host, Kept, Modules, Program, Sandbox, ScriptError};
use serde_json::{Map, Value};

pub use files::{Directories, ScriptFiles};
pub(crate) use objects::Overlay;
pub use product::Effect;
pub(crate) use product::effect as effect_of;
pub(crate) use scan::lack_of_policies;
pub(crate) use words::is_part;

use crate::loose;

/// The key of a script that gives it resources under names of its own.
const BINDINGS: &str = "resourceBindings";
/// Time of one script at an event, with everything it asks for. A password that it writes takes tens of milliseconds to hash.
const EVENT_TIME: Duration = Duration::from_secs(2);
/// Functions of `openidm` that one script at an event may call.
const EVENT_CALLS: usize = 256;

/// Waits for something asynchronous on a thread of the sandbox.
pub trait Waits: Send + Sync {
    /// Comes back when it is done.
    fn wait(&self, future: Pin<Box<dyn Future<Output = ()> + Send + '_>>);

    /// The same on behalf of the request that asks now: on a thread of the sandbox nobody could tell any more whose script it is. `None` where
    /// it makes no difference.
    fn of_this_request(&self) -> Option<Arc<dyn Waits>> {
        None
    }
}

/// Waits without an asynchronous runtime.
#[derive(Clone, Copy, Debug, Default)]
pub struct Parks;

impl Waits for Parks {
    fn wait(&self, future: Pin<Box<dyn Future<Output = ()> + Send + '_>>) {
        script::wait(future);
    }
}

/// What scripts of a project run with.
#[derive(Clone)]
pub struct Scripting {
    /// Where they run; without one nothing runs, and what would run is refused.
    pub sandbox: Option<Arc<Sandbox>>,
    /// How they wait for what they ask.
    pub waits: Arc<dyn Waits>,
    /// What `identityServer.getProperty` answers.
    pub properties: Arc<BTreeMap<String, String>>,
    /// What `require` finds.
    pub modules: Arc<Modules>,
}

impl Default for Scripting {
    fn default() -> Self {
        Self { sandbox: None, waits: Arc::new(Parks), properties: Arc::default(), modules: Arc::default() }
    }
}

impl fmt::Debug for Scripting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scripting").field("sandbox", &self.sandbox.is_some()).finish_non_exhaustive()
    }
}

impl Scripting {
    /// The same on this sandbox.
    #[must_use]
    pub fn on(mut self, sandbox: Arc<Sandbox>, waits: Arc<dyn Waits>) -> Self {
        self.sandbox = Some(sandbox);
        self.waits = waits;
        self
    }

    /// What every run of a script is given.
    pub(crate) fn bindings(&self, clock: &dyn Clock, random: &dyn Random) -> Bindings {
        let now = clock.now().duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap_or_default();
        Bindings::new(i64::try_from(now.as_millis()).unwrap_or(i64::MAX), random_bytes(random))
            .with_properties(Arc::clone(&self.properties))
            .with_modules(Arc::clone(&self.modules))
            .within(EVENT_TIME)
            .calling(EVENT_CALLS)
    }

    /// How scripts wait that are run for the request that asks now.
    pub(crate) fn waits_of_this_request(&self) -> Arc<dyn Waits> {
        self.waits.of_this_request().unwrap_or_else(|| Arc::clone(&self.waits))
    }
}

/// Runs scripts of one request.
#[derive(Clone)]
pub struct Runner {
    sandbox: Arc<Sandbox>,
    host: Arc<dyn Host>,
    bindings: Bindings,
}

impl Runner {
    /// On a sandbox, with what every script of the request sees.
    pub(crate) fn new(sandbox: Arc<Sandbox>, host: Arc<dyn Host>, bindings: Bindings) -> Self {
        Self { sandbox, host, bindings }
    }

    /// What a script sees, to add to.
    pub(crate) fn bindings(&self) -> Bindings {
        self.bindings.clone()
    }

    pub(crate) async fn run(&self, program: &Program, bindings: Bindings) -> Result<Value, ScriptError> {
        self.sandbox.run(program, bindings, Arc::clone(&self.host)).await
    }

    pub(crate) async fn run_keeping(&self, program: &Program, bindings: Bindings) -> Result<Kept, ScriptError> {
        self.sandbox.run_keeping(program, bindings, Arc::clone(&self.host)).await
    }
}

/// A script that a file of the project holds or names.
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    /// What it is called in messages: a file's name, or `an inline script`.
    pub name: String,
    /// What is run, or why nothing is.
    pub state: State,
    /// Variables that stand beside it.
    pub variables: Map<String, Value>,
}

/// Whether a script can be run.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// It is run.
    Runs(Program),
    /// It cannot be, for this reason, which begins with the line where it has one.
    Broken(String),
    /// The project says that it is not to be.
    Waived,
}

impl Script {
    /// Reads `{type, source | file, globals, …}`. `None` where nothing stands.
    #[must_use]
    pub fn read(declared: &Value, files: &ScriptFiles) -> Option<Self> {
        let kind = loose::text(declared, "type").unwrap_or_default().to_lowercase();
        let mut variables = Map::new();
        for (name, value) in declared.as_object().into_iter().flatten() {
            match (name.as_str(), value) {
                ("globals", Value::Object(globals)) => variables.extend(globals.clone()),
                ("type" | "source" | "file" | "globals" | "context" | BINDINGS | waiver::KEY, _) => {}
                _ => drop(variables.insert(name.clone(), value.clone())),
            }
        }
        let missing = || State::Broken("there is no such file in the project".into());
        let (name, text) = if let Some(file) = loose::text(declared, "file").filter(|file| !file.trim().is_empty()) {
            (file.trim().to_owned(), files.text(file.trim()).map(str::to_owned).ok_or_else(missing))
        } else {
            let text = source::source(declared).transpose()?;
            ("an inline script".to_owned(), text.map_err(|source::Torn| State::Broken(source::TORN.into())))
        };
        let groovy = kind.contains("groovy") || has_ending(&name, "groovy");
        let state = match text {
            _ if declared.get(BINDINGS).is_some_and(|bindings| !bindings.is_null()) => {
                State::Broken(format!("its '{BINDINGS}' are not offered"))
            }
            _ if groovy => State::Broken("it is written in Groovy, of which nothing can be run".into()),
            Err(broken) => broken,
            Ok(text) => compiled_with(&text, &name, files, &|name| variables.contains_key(name)),
        };
        Some(Self { name, state, variables })
    }

    /// What stands where a script is wanted and is none.
    pub(crate) fn none() -> Self {
        let state = State::Broken("there is neither a 'source' nor a 'file'".into());
        Self { name: "something else than a script".into(), state, variables: Map::new() }
    }

    /// Why it cannot be run.
    #[must_use]
    pub fn obstacle(&self) -> Option<&str> {
        match &self.state {
            State::Broken(reason) => Some(reason),
            State::Runs(_) | State::Waived => None,
        }
    }
}

/// Compiles a script, with what of Java has a meaning here in JavaScript.
///
/// # Errors
/// What is wrong with it, and where.
pub fn compile(text: &str, name: &str) -> Result<Program, ScriptError> {
    Program::compile(&java::in_javascript(text), name)
}

/// A program, unless something in it is not offered here.
pub(crate) fn compiled(text: &str, name: &str, files: &ScriptFiles) -> State {
    compiled_with(text, name, files, &|_| false)
}

/// The same beside variables that are given.
fn compiled_with(text: &str, name: &str, files: &ScriptFiles, given: &dyn Fn(&str) -> bool) -> State {
    if let Some(obstacle) = scan::obstacle(text, &|name| files.module(name), given).or_else(|| files.obstacle_behind(text)) {
        return State::Broken(obstacle);
    }
    match compile(text, name) {
        Ok(program) => State::Runs(program),
        Err(ScriptError::Syntax { line, message, .. }) => State::Broken(format!("line {line}: {message}")),
        Err(error) => State::Broken(error.to_string()),
    }
}

fn has_ending(name: &str, ending: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, found)| found.eq_ignore_ascii_case(ending))
}
