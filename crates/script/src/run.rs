//! One run of one script, on the thread it was given.
//!
//! The rule that is easiest to break: after the deadline no line of the script may run again, not even a getter of what it threw.
//! So the deadline is looked at before anything a script made is touched, and the engine asks for it while it is.

pub(crate) mod fault;
mod globals;

use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;

use rquickjs::context::intrinsic;
use rquickjs::{Context, Ctx, Object, Runtime, Value as JsValue};
use serde_json::{Map, Value, json};

use crate::deadline::{Allowance, Deadline};
use crate::{Bindings, Host, Limits, Program, ScriptError};

/// What a script may use of the language. Not: `performance` and `WeakRef`, which see the real clock and the collector.
/// `Promise` has to be there for `async` functions not to break the engine; its global is taken away.
type Language = (
    intrinsic::Date,
    intrinsic::Eval,
    intrinsic::RegExpCompiler,
    intrinsic::RegExp,
    intrinsic::Json,
    intrinsic::Proxy,
    intrinsic::MapSet,
    intrinsic::TypedArrays,
    intrinsic::Promise,
);

const ENGINE_FAILED: ScriptError = ScriptError::Unavailable("the engine failed");

/// What the caller wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Boolean,
    Json,
    /// `[value, variables]`, or `[variables]` where there is no value.
    Kept,
}

/// One run, before it happens.
pub(crate) struct Task {
    pub(crate) program: Program,
    pub(crate) bindings: Bindings,
    pub(crate) host: Arc<dyn Host>,
    pub(crate) expected: Expected,
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").field("program", &self.program.file_name()).field("expected", &self.expected).finish_non_exhaustive()
    }
}

/// A run on the way on this thread.
#[derive(Clone, Copy, Debug)]
struct Running {
    allowance: Allowance,
    depth: usize,
}

thread_local! {
    /// The innermost run of this thread, which waits while the host it asked runs another script.
    static RUNNING: Cell<Option<Running>> = const { Cell::new(None) };
}

/// Runs a task at once where this thread is in the middle of a run: on the same stack, within the time of the run that caused it.
/// Nothing on any other thread.
pub(crate) fn evaluate_inside(task: &Task, limits: &Limits) -> Option<Result<Value, ScriptError>> {
    let outer = RUNNING.get()?;
    if outer.depth >= limits.depth {
        return Some(Err(ScriptError::TooLarge { what: "the depth of scripts that run scripts", limit: limits.depth }));
    }
    let time = task.bindings.time.unwrap_or(limits.time);
    Some(evaluate(task, limits, outer.allowance.within(time, Deadline::after(limits.longest(time)))))
}

/// Runs it in an engine of its own.
pub(crate) fn evaluate(task: &Task, limits: &Limits, allowance: Allowance) -> Result<Value, ScriptError> {
    let outer = RUNNING.get();
    RUNNING.set(Some(Running { allowance, depth: outer.map_or(1, |outer| outer.depth + 1) }));
    let done = catch_unwind(AssertUnwindSafe(|| evaluate_alone(task, limits, allowance)));
    RUNNING.set(outer);
    done.unwrap_or(Err(ENGINE_FAILED))
}

fn evaluate_alone(task: &Task, limits: &Limits, allowance: Allowance) -> Result<Value, ScriptError> {
    let time = task.bindings.time.unwrap_or(limits.time);
    let interrupted = Rc::new(Cell::new(false));
    let runtime = Runtime::new().map_err(|_| ScriptError::OutOfMemory)?;
    runtime.set_max_stack_size(limits.stack);
    let context = Context::custom::<Language>(&runtime).map_err(|_| ScriptError::OutOfMemory)?;
    // Only now: the engine does not survive every lack of memory while it builds its own objects.
    runtime.set_memory_limit(limits.heap);
    runtime.set_interrupt_handler(Some(Box::new({
        let interrupted = Rc::clone(&interrupted);
        move || {
            let over = allowance.is_spent();
            interrupted.set(interrupted.get() || over);
            over
        }
    })));

    let outcome = context.with(|ctx| {
        run(&ctx, task, limits).map_err(|error| match error {
            Failure::Script(error) => error,
            Failure::Engine(_) if interrupted.get() => ScriptError::Timeout(time),
            Failure::Engine(error) => failure(&ctx, error, task.program.file_name()),
        })
    });
    if interrupted.get() || allowance.is_spent() {
        return Err(ScriptError::Timeout(time));
    }
    if outcome.is_ok() && runtime.is_job_pending() {
        return Err(ScriptError::Asynchronous);
    }
    outcome
}

/// Why a run ended early.
enum Failure {
    Script(ScriptError),
    Engine(rquickjs::Error),
}

impl From<rquickjs::Error> for Failure {
    fn from(error: rquickjs::Error) -> Self {
        Self::Engine(error)
    }
}

fn run(ctx: &Ctx<'_>, task: &Task, limits: &Limits) -> Result<Value, Failure> {
    let variables = globals::install(ctx, task, limits)?;
    for program in &task.bindings.included {
        ctx.eval_with_options::<(), _>(program.source(), program.options(false))?;
    }
    let result: JsValue<'_> = ctx.eval_with_options(task.program.source(), task.program.options(false))?;
    if result.is_promise() {
        return Err(Failure::Script(ScriptError::Asynchronous));
    }
    match task.expected {
        Expected::Boolean => match result.as_bool() {
            Some(answer) => Ok(Value::Bool(answer)),
            None => Err(Failure::Script(ScriptError::NotBoolean(type_name(&result)))),
        },
        Expected::Json => to_json(ctx, result, limits.output),
        Expected::Kept => {
            let value = if result.is_undefined() { None } else { Some(to_json(ctx, result, limits.output)?) };
            let kept = kept(ctx, &variables, task, limits)?;
            Ok(value.map_or_else(|| json!([kept]), |value| json!([value, kept])))
        }
    }
}

/// What became of the variables that are kept: of the very objects that were given.
fn kept<'js>(ctx: &Ctx<'js>, variables: &Object<'js>, task: &Task, limits: &Limits) -> Result<Map<String, Value>, Failure> {
    let mut kept = Map::new();
    for name in &task.bindings.kept {
        let value: JsValue<'js> = variables.get(name.as_str())?;
        kept.insert(name.clone(), to_json(ctx, value, limits.kept)?);
    }
    Ok(kept)
}

/// By way of JSON text: the engine limits the depth by its stack and the length by its heap, and a date gets the form everybody knows.
fn to_json<'js>(ctx: &Ctx<'js>, value: JsValue<'js>, output: usize) -> Result<Value, Failure> {
    let Some(text) = ctx.json_stringify(value)? else { return Ok(Value::Null) };
    let text = text.to_string()?;
    if text.len() > output {
        return Err(Failure::Script(ScriptError::TooLarge { what: "the length of the result in bytes", limit: output }));
    }
    serde_json::from_str(&text).map_err(|error| Failure::Script(ScriptError::NotJson(error.to_string())))
}

fn failure(ctx: &Ctx<'_>, error: rquickjs::Error, file_name: &str) -> ScriptError {
    if !matches!(error, rquickjs::Error::Exception) {
        return match error {
            rquickjs::Error::Allocation => ScriptError::OutOfMemory,
            other => ScriptError::NotJson(other.to_string()),
        };
    }
    let fault = fault::describe(ctx, &ctx.catch(), file_name);
    if fault.is_out_of_memory {
        return ScriptError::OutOfMemory;
    }
    ScriptError::Threw { message: fault.message, line: fault.place.map(|(line, _)| line), thrown: fault.thrown }
}

/// As `typeof` says it, but telling null and arrays from objects.
fn type_name(value: &JsValue<'_>) -> &'static str {
    match value.type_name() {
        "int" | "float" => "number",
        "big_int" => "bigint",
        "constructor" => "function",
        "exception" | "proxy" => "object",
        other => other,
    }
}
