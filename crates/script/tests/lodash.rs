//! `require('lib/lodash')`: what scripts of real projects use of it, as Lodash 3 answers it.
#![expect(clippy::unwrap_used, reason = "a panic is a failure")]

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use vestibule_script::{Bindings, LODASH_FUNCTIONS, Limits, Modules, NoHost, Program, Sandbox};

fn value(source: &str) -> Value {
    let source = format!("var _ = require('lib/lodash'); {source}");
    let bindings = Bindings::new(1_700_000_000_000, [7; 32]).with("people", people());
    let program = Program::compile(&source, "x.js").unwrap();
    Sandbox::new(Limits::default()).run_keeping_blocking(&program, bindings, Arc::new(NoHost)).unwrap().value.unwrap_or_default()
}

fn people() -> Value {
    json!([{"n": "a", "age": 3, "o": {"x": 1}}, {"n": "b", "age": 1, "o": {"x": 2}}, {"n": "c", "age": 3, "on": true}])
}

#[test]
fn what_scripts_use_answers_as_in_the_product() {
    for (source, expected) in [
        ("_.find(people, {age: 3}).n", json!("a")),
        ("_.find(people, 'age', 1).n", json!("b")),
        ("_.find(people, 'on').n", json!("c")),
        ("_.find(null, 'x') === undefined", json!(true)),
        ("_.pluck(_.filter(people, function (p) { return p.age > 2; }), 'o.x')", json!([1, null])),
        ("_.map({a: 1, b: 2}, function (v, k) { return k + v; })", json!(["a1", "b2"])),
        ("var seen = []; _.each([1, 2, 3], function (x) { seen.push(x); return x !== 2; }); seen", json!([1, 2])),
        ("_.contains([1, 2], 2) && _.includes('abc', 'b') && _.contains({a: 1}, 1) && !_.contains(null, 1)", json!(true)),
        ("_.reduce({a: 1, b: 2}, function (all, v, k) { return all + k + v; }, '')", json!("a1b2")),
        ("_.pluck(_.sortBy(people, 'age'), 'n')", json!(["b", "a", "c"])),
        ("_.countBy(people, 'age')", json!({"1": 1, "3": 2})),
        (
            "_.uniq([1, 2, 1]).concat(_.union([1], [2, 1]), _.difference([1, 2, 3], [2]), _.without([1, 2], 1))",
            json!([1, 2, 1, 2, 1, 3, 2]),
        ),
        ("_.omit({a: 1, b: 2, c: 3}, ['a', 'b'])", json!({"c": 3})),
        ("_.pick({a: 1, b: 2}, function (v) { return v > 1; })", json!({"b": 2})),
        ("_.merge({a: {b: 1}, l: [1, 2]}, {a: {c: 2}, l: [3]})", json!({"a": {"b": 1, "c": 2}, "l": [3, 2]})),
        ("_.defaults({a: null}, {a: 1, b: 2})", json!({"a": null, "b": 2})),
        ("[_.get({a: [{b: 3}]}, 'a[0].b'), _.get({}, 'a.b', 'none'), _.has({a: {b: 1}}, 'a.b')]", json!([3, "none", true])),
        ("_.set({}, 'x[0].y', 5)", json!({"x": [{"y": 5}]})),
        (
            "[_.isEqual({a: [1, {b: 2}]}, {a: [1, {b: 2}]}), _.isEqual([1], [2]), _.isEmpty({}), _.isEmpty(7)]",
            json!([true, false, true, true]),
        ),
        ("var o = {a: {b: 1}}, c = _.cloneDeep(o); c.a.b = 2; o.a.b", json!(1)),
        ("_.chain(people).groupBy('age').mapValues(function (g) { return g.length; }).value()", json!({"1": 1, "3": 2})),
        ("_([3, 1, 2]).sortBy().first() + _.chain([1, 5]).max().value()", json!(6)),
        ("_.startsWith('abc', 'a') + _.capitalize('fred') + _.trim(' x ')", json!("trueFredx")),
    ] {
        assert_eq!(value(source), expected, "{source}");
    }
}

#[test]
fn the_list_that_a_check_knows_is_the_library() {
    let mut listed: Vec<&str> = LODASH_FUNCTIONS.to_vec();
    listed.sort_unstable();
    assert_eq!(value("Object.keys(_).sort()"), json!(listed));
    assert_eq!(value("_.keys(_.set({}, '__proto__.x', 1)).length + Object.keys({}).length"), json!(1), "prototypes stay as they are");
    assert_eq!(value("_.merge({}, JSON.parse('{\"__proto__\": {\"x\": 1}}')); ({}).x === undefined"), json!(true));
}

#[test]
fn a_script_of_the_project_takes_its_place() {
    let scripts = BTreeMap::from([("lib/lodash".to_owned(), Program::compile("exports.own = 7;", "script/lib/lodash.js").unwrap())]);
    let modules = Arc::new(Modules { scripts, silent: std::collections::BTreeSet::new() });
    let bindings = Bindings::new(1_700_000_000_000, [7; 32]).with_modules(modules);
    let program = Program::compile("require('lib/lodash').own", "x.js").unwrap();
    assert_eq!(Sandbox::new(Limits::default()).run_keeping_blocking(&program, bindings, Arc::new(NoHost)).unwrap().value, Some(json!(7)));
}
