//! The world of a script: its variables, `openidm`, `logger`, `identityServer`, the caller's time and the caller's seed.
//!
//! The rule that is easiest to break: values cross as JSON text, never as live objects, in both directions.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crest::Fields;
use rquickjs::context::EvalOptions;
use rquickjs::function::Opt;
use rquickjs::{Ctx, Exception, Function, Object, Result, Value as JsValue};
use serde_json::{Value, json};

use super::Task;
use super::fault::shorten;
use crate::{Call, Host, Level, Limits, Modules, Operation, Thrown, library};

const PRELUDE: &str = include_str!("prelude.js");
/// Lines one run may log, and bytes of each.
const MAX_LOG_LINES: u32 = 64;
const MAX_LOG_LINE_LEN: usize = 1 << 10;

/// Prepares a fresh context for `task`.
pub(super) fn install<'js>(ctx: &Ctx<'js>, task: &Task, limits: &Limits) -> Result<Object<'js>> {
    let mut options = EvalOptions::default();
    options.filename = Some("prelude".to_owned());
    let prelude: Function<'js> = ctx.eval_with_options(PRELUDE, options)?;
    let variables = serde_json::to_string(&task.bindings.globals).map_err(|_| rquickjs::Error::Unknown)?;
    #[expect(clippy::cast_precision_loss, reason = "JavaScript's own precision; exact for 285 000 years")]
    let now = task.bindings.now_ms as f64;
    let variables: Object<'js> = ctx.json_parse(variables)?.get()?;
    for (name, of) in &task.bindings.aliases {
        variables.set(name.as_str(), variables.get::<_, JsValue<'js>>(of.as_str())?)?;
    }
    prelude.call::<_, ()>((variables.clone(), now, natives(ctx, task, limits)?))?;
    Ok(variables)
}

/// The functions the prelude builds its objects from.
fn natives<'js>(ctx: &Ctx<'js>, task: &Task, limits: &Limits) -> Result<Object<'js>> {
    let natives = Object::new(ctx.clone())?;

    let calls = Calls { host: Arc::clone(&task.host), left: Cell::new(task.bindings.calls.unwrap_or(limits.host_calls)) };
    let ask = move |ctx: Ctx<'js>, call: JsValue<'js>, fields: Opt<JsValue<'js>>| calls.ask(&ctx, call, fields.0);
    natives.set("ask", Function::new(ctx.clone(), ask)?)?;

    let modules = Arc::clone(&task.bindings.modules);
    let module = move |ctx: Ctx<'js>, name: String| load(&ctx, &modules, &name);
    natives.set("module", Function::new(ctx.clone(), module)?)?;

    let lines = Cell::new(0);
    let host = Arc::clone(&task.host);
    let log = move |level: String, message: String| log(&*host, &lines, &level, message);
    natives.set("log", Function::new(ctx.clone(), log)?)?;

    let properties = Arc::clone(&task.bindings.properties);
    let property = move |name: String| properties.get(&name).cloned();
    natives.set("property", Function::new(ctx.clone(), property)?)?;

    let random = Cell::new(Xoshiro::new(task.bindings.seed));
    let draw = move || {
        let mut generator = random.get();
        let drawn = generator.draw();
        random.set(generator);
        drawn
    };
    natives.set("random", Function::new(ctx.clone(), draw)?)?;
    Ok(natives)
}

/// The host, and how often it may still be asked.
struct Calls {
    host: Arc<dyn Host>,
    left: Cell<usize>,
}

impl Calls {
    /// Gives `{value}`, or `{thrown}` for what the prelude is to throw.
    fn ask<'js>(&self, ctx: &Ctx<'js>, call: JsValue<'js>, fields: Option<JsValue<'js>>) -> Result<JsValue<'js>> {
        let fields = read_fields(ctx, fields)?;
        let call = Call { fields: fields.clone(), ..read_call(ctx, call)? };
        let Some(left) = self.left.get().checked_sub(1) else {
            return Err(thrown(ctx, "the script reads too often"));
        };
        self.left.set(left);
        // A panic of the host must not unwind through the engine, where a script could catch it half way.
        let answer = catch_unwind(AssertUnwindSafe(|| self.host.call(&call))).unwrap_or_else(|_| Err("the server failed".into()));
        let answer = match answer {
            Ok(mut found) => {
                if let (Operation::Query, Some(Value::Array(matches))) = (call.operation, found.get_mut("result")) {
                    for object in matches {
                        *object = fields.select(object);
                    }
                } else if call.operation != Operation::Query && call.operation != Operation::Action {
                    found = fields.select(&found);
                }
                json!({ "value": found })
            }
            Err(Thrown { code, message, detail }) => json!({ "thrown": { "code": code, "message": message, "detail": detail } }),
        };
        ctx.json_parse(answer.to_string())
    }
}

/// What the prelude made of a call of a script.
fn read_call<'js>(ctx: &Ctx<'js>, call: JsValue<'js>) -> Result<Call> {
    let mut call = take(ctx, call)?;
    let mut part = |name: &str| call.get_mut(name).map(Value::take).unwrap_or_default();
    let text = |value: Value| if let Value::String(text) = value { text } else { String::new() };
    let operation = Operation::named(&text(part("operation"))).ok_or(rquickjs::Error::Unknown)?;
    let call = Call {
        operation,
        path: text(part("path")),
        name: text(part("name")),
        content: part("content"),
        params: part("params"),
        fields: Fields::all(),
    };
    if operation == Operation::Query && !call.params.is_object() {
        return Err(Exception::throw_type(ctx, "openidm.query needs an object of parameters"));
    }
    Ok(call)
}

/// A module of the project, or a library, as a function of `exports`, `module` and `require`; `true` for one that does nothing; or nothing.
fn load<'js>(ctx: &Ctx<'js>, modules: &Modules, name: &str) -> Result<JsValue<'js>> {
    if let Some(program) = modules.scripts.get(name) {
        // On the script's first line, so that lines count as the author counts them.
        let wrapped = format!("(function (exports, module, require) {{{}\n}})", program.source());
        return ctx.eval_with_options(wrapped, program.options(false));
    }
    if let Some(source) = library(name) {
        let mut options = EvalOptions::default();
        options.filename = Some(name.to_owned());
        return ctx.eval_with_options(format!("(function (exports, module, require) {{{source}\n}})"), options);
    }
    Ok(if modules.silent.contains(name) { JsValue::new_bool(ctx.clone(), true) } else { JsValue::new_undefined(ctx.clone()) })
}

fn thrown(ctx: &Ctx<'_>, message: &str) -> rquickjs::Error {
    Exception::throw_message(ctx, message)
}

/// Out of the script; null for what has no JSON form.
fn take<'js>(ctx: &Ctx<'js>, value: JsValue<'js>) -> Result<Value> {
    let Some(text) = ctx.json_stringify(value)? else { return Ok(Value::Null) };
    serde_json::from_str(&text.to_string()?).map_err(|error| thrown(ctx, &error.to_string()))
}

/// The list of fields of `read` and `query`: an array of pointers, or nothing for all.
fn read_fields<'js>(ctx: &Ctx<'js>, fields: Option<JsValue<'js>>) -> Result<Fields> {
    const WRONG: &str = "the fields are not a list of names";
    let texts = match fields.map_or(Ok(Value::Null), |fields| take(ctx, fields))? {
        Value::Null => return Ok(Fields::all()),
        Value::Array(texts) => texts,
        _ => return Err(Exception::throw_type(ctx, WRONG)),
    };
    let texts: Option<Vec<&str>> = texts.iter().map(Value::as_str).collect();
    let texts = texts.ok_or_else(|| Exception::throw_type(ctx, WRONG))?;
    Fields::parse_many(texts).map_err(|error| Exception::throw_type(ctx, &error.to_string()))
}

fn log(host: &dyn Host, lines: &Cell<u32>, level: &str, message: String) {
    let level = match level {
        "trace" => Level::Trace,
        "debug" => Level::Debug,
        "warn" => Level::Warn,
        "error" => Level::Error,
        _ => Level::Info,
    };
    if lines.get() < MAX_LOG_LINES {
        lines.set(lines.get() + 1);
        host.log(level, &shorten(message, MAX_LOG_LINE_LEN));
    }
}

/// xoshiro256++ (Blackman and Vigna, 2019). Good enough for drawing lots, not for secrets; a script has no use for those.
#[derive(Clone, Copy)]
struct Xoshiro([u64; 4]);

impl Xoshiro {
    fn new(seed: [u8; 32]) -> Self {
        let mut words = [0; 4];
        for (word, bytes) in words.iter_mut().zip(seed.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        // The all-zero state would give zeros for ever.
        if words == [0; 4] { Self([1, 2, 3, 4]) } else { Self(words) }
    }

    /// From 0 up to but not including 1.
    fn draw(&mut self) -> f64 {
        let [a, b, c, d] = &mut self.0;
        let result = a.wrapping_add(*d).rotate_left(23).wrapping_add(*a);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
        let fraction = (result >> 11) as f64;
        fraction / 9_007_199_254_740_992.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_even_repeatable_and_below_one() {
        let mut generator = Xoshiro::new([9; 32]);
        let mut again = Xoshiro::new([9; 32]);
        let mut sum = 0.0;
        for _ in 0..10_000 {
            let drawn = generator.draw();
            assert!((0.0..1.0).contains(&drawn));
            assert_eq!(drawn.to_bits(), again.draw().to_bits());
            sum += drawn;
        }
        assert!((4_900.0..5_100.0).contains(&sum), "{sum}");
        assert!(Xoshiro::new([0; 32]).draw() < 1.0 && Xoshiro::new([0; 32]).0 != [0; 4]);
    }
}
