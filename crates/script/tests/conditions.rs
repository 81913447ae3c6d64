//! What an honest script sees and gives.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that fails, panics")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tracing::subscriber::{NoSubscriber, with_default};
use tracing::{Event, Metadata, Subscriber, span};
use vestibule_script::{Bindings, Host, Level, Limits, NoHost, Program, Sandbox, ScriptError};

/// 2023-11-14T22:13:20Z
const NOW: i64 = 1_700_000_000_000;

fn sandbox() -> Sandbox {
    // Generous, because the machine that tests may be busy; no test here runs into it.
    Sandbox::new(Limits { time: std::time::Duration::from_secs(10), ..Limits::default() })
}

fn bindings() -> Bindings {
    Bindings::new(NOW, [3; 32])
}

fn value_of(source: &str) -> Result<Value, ScriptError> {
    value_with(source, bindings(), Arc::new(NoHost))
}

fn value_with(source: &str, bindings: Bindings, host: Arc<dyn Host>) -> Result<Value, ScriptError> {
    let program = Program::compile(source, "test.js")?;
    sandbox().run_blocking(&program, bindings, host)
}

fn condition(source: &str) -> Result<bool, ScriptError> {
    let program = Program::compile(source, "test.js")?;
    sandbox().run_condition_blocking(&program, bindings().with("object", json!({"a": [1]})), Arc::new(NoHost))
}

fn message_of(source: &str) -> String {
    match value_of(source) {
        Err(ScriptError::Threw { message, .. }) => message,
        other => panic!("{source}: {other:?}"),
    }
}

#[test]
fn the_completion_value_is_the_result() {
    assert_eq!(condition("var wanted = 1; object.a[0] === wanted"), Ok(true));
    assert_eq!(condition("if (object.b) { true } else { false }"), Ok(false));
    assert_eq!(condition("(function () { return object.a.length > 0; }());"), Ok(true));
    assert_eq!(condition("function owes(o) { return !o.a; }\nowes(object)\n// the end"), Ok(false));
    assert_eq!(
        value_of("[1, 2.5, 'a', null, undefined, {b: new Date(0)}]"),
        Ok(json!([1, 2.5, "a", null, null, {"b": "1970-01-01T00:00:00.000Z"}]))
    );
    assert_eq!(value_of("var unused"), Ok(Value::Null));
    assert_eq!(value_of("(function () {})"), Ok(Value::Null));
    assert_eq!(value_of("undeclared = 5; undeclared"), Ok(json!(5)), "sloppy mode, as Rhino");
}

#[test]
fn a_condition_gives_a_boolean_and_nothing_like_one() {
    for (source, name) in [
        ("undefined", "undefined"),
        ("var a = true", "undefined"),
        ("null", "null"),
        ("1", "number"),
        ("0.5", "number"),
        ("10n", "bigint"),
        ("'true'", "string"),
        ("[]", "array"),
        ("({})", "object"),
        ("new Boolean(true)", "object"),
        ("(function () { return true; })", "function"),
        ("Symbol()", "symbol"),
        ("new Error('x')", "object"),
    ] {
        assert_eq!(condition(source), Err(ScriptError::NotBoolean(name)), "{source}");
    }
}

#[test]
fn variables_are_copies_under_any_name() {
    let given = json!({"list": [{"x": 1}]});
    let variables = bindings().with("object", given.clone()).with_all(
        json!({"__proto__": {"injected": true}, "not an identifier": 1, "toString": 2, "Array": 3}).as_object().cloned().unwrap(),
    );
    let source = "object.list[0].x = 2; object.list.push(1);
        [typeof injected, Object.keys(globalThis).indexOf('not an identifier') >= 0, toString, Array, object.list.length]";
    let first = value_with(source, variables.clone(), Arc::new(NoHost));
    assert_eq!(first, Ok(json!(["undefined", true, 2, 3, 2])));
    assert_eq!(value_with(source, variables.clone(), Arc::new(NoHost)), first, "the second run sees what the first was given");
    assert_eq!(value_with("object", variables, Arc::new(NoHost)), Ok(given));
    let locked = value_with("1", bindings().with("undefined", json!(1)), Arc::new(NoHost));
    assert!(matches!(locked, Err(ScriptError::Threw { .. })), "{locked:?}");
}

#[test]
fn the_sandbox_keeps_the_names_of_its_own_objects() {
    let variables = bindings().with("openidm", json!(1)).with("logger", json!(2));
    assert_eq!(value_with("typeof openidm.read + typeof logger.info", variables, Arc::new(NoHost)), Ok(json!("functionfunction")));
}

#[test]
fn time_is_the_callers() {
    let source = "[Date.now(), new Date().getTime(), +new Date(), new Date(5).getTime(), Date.UTC(1970, 0, 2),
        new Date() instanceof Date, new Date().constructor === Date, new (new Date().constructor)().getTime(),
        new (class extends Date {})().toISOString(), typeof Date(), Date.parse('1970-01-01T00:00:01Z'), Date.length, Date.name]";
    assert_eq!(
        value_of(source),
        Ok(json!([NOW, NOW, NOW, 5, 86_400_000, true, true, NOW, "2023-11-14T22:13:20.000Z", "string", 1000, 7, "Date"]))
    );
    assert_eq!(value_of("typeof performance"), Ok(json!("undefined")));
}

#[test]
fn chance_is_the_callers() {
    let draw = "[Math.random(), Math.random(), Math.random()]";
    let with = |seed: u8| value_with(draw, Bindings::new(NOW, [seed; 32]), Arc::new(NoHost)).unwrap();
    assert_eq!(with(1), with(1));
    assert_ne!(with(1), with(2));
    let drawn = with(1);
    assert!(drawn.as_array().unwrap().iter().all(|n| (0.0..1.0).contains(&n.as_f64().unwrap())));
    assert_ne!(drawn[0], drawn[1]);
}

#[test]
fn nothing_of_the_machine_is_there() {
    for name in [
        "java",
        "Packages",
        "importPackage",
        "load",
        "print",
        "process",
        "Deno",
        "std",
        "os",
        "bjson",
        "scriptArgs",
        "fetch",
        "XMLHttpRequest",
        "setTimeout",
        "setInterval",
        "setImmediate",
        "queueMicrotask",
        "Promise",
        "Worker",
        "Atomics",
        "SharedArrayBuffer",
        "WeakRef",
        "FinalizationRegistry",
        "performance",
        "WebAssembly",
        "gc",
        "native",
        "prelude",
        "variables",
    ] {
        assert_eq!(value_of(&format!("typeof {name}")), Ok(json!("undefined")), "{name}");
    }
    assert_eq!(message_of("java.lang.System.exit(0)"), "ReferenceError: java is not defined");
    let constructor = "(function () {}).constructor('return typeof process + typeof Deno')()";
    assert_eq!(value_of(constructor), Ok(json!("undefinedundefined")));
}

#[test]
fn properties_are_a_closed_list() {
    let properties = Arc::new(BTreeMap::from([("openidm.host".to_owned(), "id.example".to_owned())]));
    let source = "[identityServer.getProperty('openidm.host'), identityServer.getProperty('PATH'),
        identityServer.getProperty('toString', 'x'), identityServer.getProperty()]";
    let seen = value_with(source, bindings().with_properties(properties), Arc::new(NoHost));
    assert_eq!(seen, Ok(json!(["id.example", null, "x", null])));
}

#[test]
fn what_was_thrown_is_told_with_its_line() {
    let threw = |source: &str| match value_of(source) {
        Err(ScriptError::Threw { message, line, .. }) => (message, line),
        other => panic!("{source}: {other:?}"),
    };
    assert_eq!(threw("var a;\n\na.b"), ("TypeError: cannot read property 'b' of undefined".into(), Some(3)));
    assert_eq!(threw("function f() {\n throw new Error('no') }\n\nf()"), ("Error: no".into(), Some(2)));
    assert_eq!(threw("throw 'text'"), ("text".into(), None));
    assert_eq!(threw("throw {code: 400, message: 'bad', detail: {}}"), ("bad".into(), None));
    assert_eq!(threw("throw undefined"), ("undefined".into(), None));
    assert_eq!(threw("throw Symbol('a')"), ("something that has no text form".into(), None));
    assert_eq!(threw("throw Object.create(null)"), ("something that has no text form".into(), None));
    assert_eq!(
        threw("throw {get message() { throw 1 }, toString: function () { throw 2 }}"),
        ("something that has no text form".into(), None)
    );
    assert_eq!(threw("throw new Error('a\\nb\\u0007' + 'x'.repeat(9999))").0.len(), 512);
    assert_eq!(threw("\n\nJSON.parse('{')").1, Some(3));
    assert_eq!(threw("\nopenidm.read(5)"), ("TypeError: a resource path must be a string".into(), Some(2)));
}

#[test]
fn results_without_a_json_form_are_refused() {
    assert!(message_of("var a = {}; a.a = a; a").contains("circular"));
    assert!(message_of("[1n]").contains("BigInt"), "{}", message_of("[1n]"));
    assert!(matches!(value_of("'\\ud800'"), Err(ScriptError::NotJson(_))));
    assert_eq!(value_of("[NaN, 1/0, '\\u0000']"), Ok(json!([null, null, "\u{0}"])));
}

#[derive(Default)]
struct Recording {
    calls: Mutex<Vec<String>>,
    lines: Mutex<Vec<(Level, String)>>,
}

impl Host for Recording {
    fn read(&self, path: &str) -> Result<Value, String> {
        self.calls.lock().unwrap().push(path.to_owned());
        match path {
            "managed/user/1" => Ok(json!({"_id": "1", "_rev": "7", "userName": "anna", "mail": "a@b.test", "n": {"m": 1}})),
            "forbidden" => Err("access denied".to_owned()),
            _ => Ok(Value::Null),
        }
    }

    fn query(&self, path: &str, params: &Value) -> Result<Value, String> {
        self.calls.lock().unwrap().push(format!("{path} {params}"));
        Ok(json!({"result": [{"_id": "1", "userName": "anna", "sn": "B"}, {"_id": "2", "sn": "C"}], "resultCount": 2}))
    }

    fn log(&self, level: Level, message: &str) {
        self.lines.lock().unwrap().push((level, message.to_owned()));
    }
}

#[test]
fn the_host_is_read_as_idm_reads() {
    let host = Arc::new(Recording::default());
    let ask = |source: &str| value_with(source, bindings(), host.clone());
    assert_eq!(ask("openidm.read('managed/user/1').userName"), Ok(json!("anna")));
    assert_eq!(ask("openidm.read('managed/user/1', null, ['mail'])"), Ok(json!({"_id": "1", "_rev": "7", "mail": "a@b.test"})));
    assert_eq!(ask("openidm.read('managed/user/2')"), Ok(Value::Null));
    let query = "openidm.query('managed/user', {_queryFilter: 'true'}, ['userName'])";
    assert_eq!(ask(query), Ok(json!({"result": [{"_id": "1", "userName": "anna"}, {"_id": "2"}], "resultCount": 2})));
    assert_eq!(
        *host.calls.lock().unwrap(),
        ["managed/user/1", "managed/user/1", "managed/user/2", "managed/user {\"_queryFilter\":\"true\"}"]
    );
    let denied = Err(ScriptError::Threw { message: "Error: access denied".into(), line: Some(1), thrown: Value::Null });
    assert_eq!(ask("openidm.read('forbidden')"), denied);
    assert_eq!(ask("try { openidm.read('forbidden') } catch (e) { e.message }"), Ok(json!("access denied")));
    assert!(matches!(ask("openidm.query('managed/user')"), Err(ScriptError::Threw { .. })));
    assert!(matches!(ask("openidm.read('managed/user/1', null, 'mail')"), Err(ScriptError::Threw { .. })));
}

#[test]
fn a_script_cannot_write() {
    for name in ["create", "update", "patch", "delete", "action", "encrypt", "decrypt", "hash"] {
        let message = message_of(&format!("openidm.{name}('managed/user/1', {{}})"));
        assert_eq!(message, format!("Error: openidm.{name} is not available: this script may only read"));
    }
}

#[test]
fn logged_lines_are_formatted_and_bounded() {
    let host = Arc::new(Recording::default());
    let source = r"
        logger.info('user {} of {} {}', 'anna', {n: 1}, 3, 4);
        logger.warn('{} {}', new Error('x'));
        console.log('a', 1, [2]);
        logger.error('forged\nline \ud800');
        logger.debug();
        logger.trace('x'.repeat(5000));
        for (var i = 0; i < 1000; i++) logger.debug(i);
        true";
    assert_eq!(value_with(source, bindings(), host.clone()), Ok(json!(true)));
    let lines = host.lines.lock().unwrap();
    let expected = [
        (Level::Info, "user anna of {\"n\":1} 3"),
        (Level::Warn, "Error: x {}"),
        (Level::Info, "a 1 [2]"),
        (Level::Error, "forged line \u{fffd}"),
        (Level::Debug, "undefined"),
    ];
    for ((level, line), (expected_level, expected)) in lines.iter().zip(expected) {
        assert_eq!((*level, line.as_str()), (expected_level, expected));
    }
    assert_eq!(lines[5].1.len(), 1024);
    assert_eq!(lines.len(), 64);
}

/// A log that counts its lines.
#[derive(Clone, Default)]
struct Lines(Arc<AtomicUsize>);

impl Subscriber for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, _: &Event<'_>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// Writes what scripts log to the log of whoever asks.
struct Telling;

impl Host for Telling {
    fn read(&self, _: &str) -> Result<Value, String> {
        Ok(Value::Null)
    }

    fn query(&self, _: &str, _: &Value) -> Result<Value, String> {
        Ok(Value::Null)
    }

    fn log(&self, _: Level, message: &str) {
        tracing::warn!(message);
    }
}

#[test]
fn what_a_host_logs_goes_to_the_log_of_whoever_started_the_script() {
    let sandbox = sandbox();
    let program = Program::compile("logger.warn('said'); true", "test.js").unwrap();
    let run = || sandbox.run_blocking(&program, bindings(), Arc::new(Telling)).unwrap();
    let (loud, other) = (Lines::default(), Lines::default());
    with_default(loud.clone(), run);
    with_default(other.clone(), run);
    with_default(NoSubscriber::default(), run);
    run();
    assert_eq!([loud, other].map(|log| log.0.load(Ordering::SeqCst)), [1, 1]);
}

#[test]
fn a_run_can_be_polled_by_any_executor_and_given_up() {
    let sandbox = sandbox();
    let program = Program::compile("1 + 1 === 2", "test.js").unwrap();
    let run = sandbox.run_condition(&program, bindings(), Arc::new(NoHost));
    drop(sandbox.run(&program, bindings(), Arc::new(NoHost)));
    let mut run = std::pin::pin!(run);
    let answer = loop {
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        if let std::task::Poll::Ready(answer) = std::future::Future::poll(run.as_mut(), &mut cx) {
            break answer;
        }
        std::thread::yield_now();
    };
    assert_eq!(answer, Ok(true));
}
