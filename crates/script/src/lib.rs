//! JavaScript of a project in a sandbox: conditions, policies, scripts at events of managed objects.
//!
//! The script
//! is the operator's, what it looks at is anybody's, so it runs on QuickJS with a clock, a heap and a stack it cannot exceed, on a
//! thread that is not the caller's, and sees nothing of the machine: no file, no network, no timer, no real clock, no module.
//!
//! The rule that is easiest to break: **every run gets an engine of its own and throws it away.** Nothing one script leaves behind,
//! in a global or in a prototype, may be seen by the next, which runs for another person. A pool of engines would break that.
//!
//! The second: the engine cannot be interrupted inside some of its native functions (`new Array(1e9) + ''`). A run that outlives its
//! time is therefore answered by a watchdog and its thread is given up, see [`Sandbox`].
//!
//! ```
//! # use vestibule_script as script;
//! use script::{Bindings, Limits, NoHost, Program, Sandbox};
//! use serde_json::json;
//! use std::sync::Arc;
//!
//! let sandbox = Sandbox::new(Limits::default());
//! let program = Program::compile("object.country === wanted && !object.telephoneNumber", "needs-phone.js")?;
//! let bindings = Bindings::new(1_700_000_000_000, [7; 32])
//!     .with("object", json!({"country": "CH"}))
//!     .with("wanted", json!("CH"));
//! assert!(sandbox.run_condition_blocking(&program, bindings, Arc::new(NoHost))?);
//! # Ok::<(), script::ScriptError>(())
//! ```

mod bindings;
mod deadline;
mod error;
mod library;
mod limits;
mod pool;
mod program;
mod reply;
mod run;
mod turns;

use serde_json::Value;

pub use bindings::{Bindings, Call, Host, Level, Modules, NoHost, Operation, Thrown};
pub use error::ScriptError;
pub use library::{LODASH_FUNCTIONS, library};
pub use limits::Limits;
pub use pool::Sandbox;
pub use program::{MAX_SOURCE_LEN, Program};
pub use reply::{ConditionRun, KeepingRun, Kept, Run, wait};

/// Whether JavaScript takes a script's value for true; what JSON cannot express arrived as null.
#[must_use]
pub fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64().is_some_and(|number| number != 0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}
