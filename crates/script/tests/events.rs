//! What scripts at events need beyond conditions: variables that come back, modules of the project, writes through the host, and
//! scripts inside scripts.
#![expect(clippy::unwrap_used, reason = "a panic is a failure")]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use vestibule_script::{Bindings, Call, Host, Kept, Limits, Modules, NoHost, Operation, Program, Sandbox, ScriptError, Thrown};

fn bindings() -> Bindings {
    Bindings::new(1_700_000_000_000, [7; 32])
}

fn program(source: &str) -> Program {
    Program::compile(source, "event.js").unwrap()
}

fn keeping(source: &str, bindings: Bindings) -> Result<Kept, ScriptError> {
    Sandbox::new(Limits::default()).run_keeping_blocking(&program(source), bindings, Arc::new(NoHost))
}

#[test]
fn what_a_script_does_to_a_variable_comes_back_under_both_its_names() {
    let given = bindings().with("newObject", json!({"givenName": "Ann"})).with_alias("object", "newObject").keeping(["newObject"]);
    let kept = keeping("object.cn = newObject.givenName + ' Other'; delete object.givenName; object.n", given).unwrap();
    assert_eq!((kept.value, kept.variables["newObject"].clone()), (None, json!({"cn": "Ann Other"})));
}

#[test]
fn assigning_to_a_variables_name_changes_nothing_that_is_kept() {
    let given = bindings().with("object", json!({"a": 1})).keeping(["object"]);
    let kept = keeping("object = {b: 2}; null", given).unwrap();
    assert_eq!((kept.value, kept.variables["object"].clone()), (Some(Value::Null), json!({"a": 1})));
}

fn modules(scripts: &[(&str, &str)]) -> Arc<Modules> {
    let scripts =
        scripts.iter().map(|(name, source)| ((*name).to_owned(), Program::compile(source, &format!("script/{name}.js")).unwrap()));
    let silent = BTreeSet::from(["onCreateUser".to_owned()]);
    Arc::new(Modules { scripts: scripts.collect(), silent })
}

#[test]
fn modules_of_a_project_are_found_by_name_once_and_beside_each_other() {
    let modules = modules(&[
        ("naming", "exports.full = function (o) { return require('./lib/join')(o.a, o.b); }; exports.times = (exports.times || 0) + 1;"),
        ("lib/join", "var glue = require('../glue').glue; module.exports = function (a, b) { return a + glue + b; };"),
        ("glue", "exports.glue = ' ';"),
    ]);
    let given = bindings().with("object", json!({"a": "x", "b": "y"})).with_modules(modules);
    let source = "require('onCreateUser').setDefaultFields(object); require('onCreateUser').whatever(); [require('naming').full(object), require('naming.js').times]";
    assert_eq!(keeping(source, given).unwrap().value, Some(json!(["x y", 1])));
}

#[test]
fn a_module_that_is_not_there_and_a_fault_in_one_are_told() {
    let modules = modules(&[("bad", "exports.f = function () {\n  return nothing.here;\n};")]);
    let given = || bindings().with_modules(Arc::clone(&modules));
    let Err(ScriptError::Threw { message, .. }) = keeping("require('naming')", given()) else { panic!("no module") };
    assert_eq!(message, "Error: there is no module 'naming' among the project's scripts");
    let Err(ScriptError::Threw { message, line, .. }) = keeping("var a;\nrequire('bad').f()", given()) else { panic!("no fault") };
    assert_eq!((message.contains("nothing"), line), (true, Some(2)));
}

#[test]
fn included_scripts_share_their_global_scope_with_the_program() {
    let first = Program::compile("function double(x) { return 2 * x; } var base = 20;", "first.js").unwrap();
    assert_eq!(keeping("double(base) + 2", bindings().including([first])).unwrap().value, Some(json!(42)));
}

#[test]
fn the_members_of_what_a_script_throws_are_told() {
    let Err(ScriptError::Threw { message, thrown, .. }) =
        keeping("throw {code: 403, message: 'no harbour', detail: {port: 'x'}}", bindings())
    else {
        panic!("nothing was thrown")
    };
    assert_eq!(message, "no harbour");
    assert_eq!(thrown, json!({"code": 403, "message": "no harbour", "detail": {"port": "x"}}));
    let Err(ScriptError::Threw { thrown, .. }) = keeping("throw new Error('plain')", bindings()) else { panic!("nothing was thrown") };
    assert_eq!(thrown, Value::Null);
}

/// Writes down what it is asked.
#[derive(Default)]
struct Books(Mutex<Vec<Call>>);

impl Host for Books {
    fn read(&self, _: &str) -> Result<Value, String> {
        Ok(Value::Null)
    }

    fn query(&self, _: &str, _: &Value) -> Result<Value, String> {
        Ok(json!({ "result": [] }))
    }

    fn call(&self, call: &Call) -> Result<Value, Thrown> {
        self.0.lock().unwrap().push(call.clone());
        match call.operation {
            Operation::Delete => Err(Thrown { code: 404, message: "gone".into(), detail: json!({"id": 7}) }),
            _ => Ok(json!({"_id": "1", "done": call.operation.name()})),
        }
    }
}

#[test]
fn every_function_of_openidm_reaches_the_host_with_its_arguments() {
    let books = Arc::new(Books::default());
    let sandbox = Sandbox::new(Limits::default());
    let source = "openidm.create('managed/role', null, {name: 'x'});
        openidm.update('managed/role/1', '5', {name: 'y'});
        openidm.patch('managed/role/1', null, [{operation: 'add', field: 'a', value: 1}]);
        openidm.action('external/email', 'send', {to: 'a'}, {waitForCompletion: true});
        var caught; try { openidm['delete']('managed/role/1', null); } catch (e) { caught = [e.code, e.message, e.detail, e instanceof Error]; }
        caught";
    let value = sandbox.run_blocking(&program(source), bindings(), books.clone()).unwrap();
    assert_eq!(value, json!([404, "gone", {"id": 7}, true]));
    let calls = books.0.lock().unwrap().clone();
    let shown: Vec<_> = calls.iter().map(|call| (call.operation.name(), call.path.as_str(), call.name.as_str())).collect();
    let expected = [
        ("create", "managed/role", ""),
        ("update", "managed/role/1", "5"),
        ("patch", "managed/role/1", ""),
        ("action", "external/email", "send"),
        ("delete", "managed/role/1", ""),
    ];
    assert_eq!(shown, expected);
    assert_eq!((&calls[0].content, &calls[3].params), (&json!({"name": "x"}), &json!({"waitForCompletion": true})));
}

#[test]
fn an_error_of_the_server_has_what_scripts_for_rhino_ask_of_it() {
    let source = "var seen; try { openidm['delete']('managed/role/1', null); } catch (e) {
            var java = e.javaException;
            seen = [java.getCode(), java.getMessage(), java.getDetail().id, java.code, String(java), JSON.stringify(e).indexOf('javaException')];
        }
        seen";
    let value = Sandbox::new(Limits::default()).run_blocking(&program(source), bindings(), Arc::new(Books::default())).unwrap();
    assert_eq!(value, json!([404, "gone", 7, 404, "gone", -1]));
}

#[test]
fn texts_and_lists_have_the_methods_that_scripts_for_rhino_use() {
    for (source, expected) in [
        (
            "['a'.equals('a'), 'a'.equals(null), 'a'.equalsIgnoreCase('A'), ' '.trim().isEmpty(), 'abc'.contains('b')]",
            json!([true, false, true, true, true]),
        ),
        ("['abc'.matches('[a-c]+'), 'abcd'.matches('[a-c]+')]", json!([true, false])),
        (
            "[path.head(2).toString(), path.leaf(), path.tail(2), path.parent(), path.size(), path.get(1), path.child('x')]",
            json!(["managed/user", "ann", "ann", "managed/user", 3, "user", "managed/user/ann/x"]),
        ),
        ("var l = [1, 2]; l.add(3); [l.size(), l.get(2), l.contains(2), l.isEmpty()]", json!([3, 3, true, false])),
        ("var k = []; for (var i in ['a']) k.push(i); for (var c in 'b') k.push(c); k", json!(["0", "0"])),
        ("Object.defineProperty({}, 'x', {value: 1}).x", json!(1)),
        (
            "[openidm.hash(undefined, 'SHA-256'), openidm.encrypt(null), openidm.isHashed(undefined), openidm.isEncrypted(null), openidm.matches(undefined, 'x')]",
            json!([null, null, false, false, false]),
        ),
    ] {
        let given = bindings().with("path", json!("managed/user/ann"));
        assert_eq!(keeping(source, given).unwrap().value, Some(expected), "{source}");
    }
}

/// A host that runs the same script again.
struct Again {
    sandbox: Arc<Sandbox>,
    source: &'static str,
}

impl Host for Again {
    fn read(&self, path: &str) -> Result<Value, String> {
        let host = Again { sandbox: Arc::clone(&self.sandbox), source: self.source };
        let run = self.sandbox.run_blocking(&program(self.source), bindings().with("left", json!(path)), Arc::new(host));
        run.map_err(|error| error.to_string())
    }

    fn query(&self, _: &str, _: &Value) -> Result<Value, String> {
        Err("nothing".into())
    }
}

fn again(source: &'static str, limits: Limits) -> Result<Value, ScriptError> {
    let sandbox = Arc::new(Sandbox::new(limits));
    let host = Again { sandbox: Arc::clone(&sandbox), source };
    sandbox.run_blocking(&program(source), bindings().with("left", json!("3")), Arc::new(host))
}

#[test]
fn a_script_inside_a_script_runs_on_the_same_thread_up_to_a_depth() {
    let limits = || Limits { workers: 1, ..Limits::default() };
    assert_eq!(again("left === '0' ? 'deepest' : openidm.read(String(left - 1))", limits()), Ok(json!("deepest")));
    let Err(ScriptError::Threw { message, .. }) = again("openidm.read('again')", limits()) else { panic!("no depth") };
    assert!(message.contains("the depth of scripts that run scripts exceeds 4"), "{message}");
}

#[test]
fn a_script_inside_a_script_has_the_time_of_the_first() {
    let limits = Limits { time: Duration::from_millis(60), ..Limits::default() };
    let endless = again("if (left === '0') { for (;;) {} } openidm.read(String(left - 1))", limits);
    assert_eq!(endless, Err(ScriptError::Timeout(Duration::from_millis(60))));
}
