//! What files with policies add, and what their policies see when they are asked.

use serde_json::json;

use super::*;
use crate::fixtures::{USER, World, of_files};
use crate::scripting::Parks;
use crate::{Policies, Writer};

fn read(text: &str) -> (Own, Vec<String>) {
    let text = text.to_owned();
    let policy = json!({"additionalFiles": ["script/mine.js"]});
    let files = ScriptFiles::gather([&policy], &|path| (path == "script/mine.js").then(|| text.clone()));
    let (own, problems) = of(Some(&policy), &files);
    (own, problems.into_vec().into_iter().map(|problem| problem.message).collect())
}

#[test]
fn policies_are_found_with_their_functions_in_either_place() {
    let (own, problems) = read(
        "addPolicy({policyId: 'notNull', policyExec: 'notNull', policyRequirements: ['NOT_NULL'], validateOnlyIfPresent: true});
         function notNull(fullObject, value, params, property) { return []; }
         addPolicy({policyId: 'other', policyExec: 'other', policyRequirements: ['OTHER']});
         policyImpl.other = function () { return []; };",
    );
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(
        own.get("notNull").map(|policy| (policy.requirements.clone(), policy.only_if_present)),
        Some((vec!["NOT_NULL".into()], true))
    );
    assert!(own.get("other").is_some_and(|policy| !policy.only_if_present));
}

#[test]
fn the_products_functions_are_those_of_the_list() {
    let sandbox = Sandbox::new(Limits { workers: 1, ..Limits::default() });
    let bindings = Bindings::new(0, [0; 32]).including(harness().unwrap());
    let names = Program::compile("Object.keys(policyImpl).sort()", "names").unwrap();
    assert_eq!(sandbox.run_blocking(&names, bindings, Arc::new(NoHost)).unwrap(), json!(PRODUCT_FUNCTIONS));
}

#[test]
fn an_error_stands_at_its_own_file_and_the_others_are_run() {
    let texts = [
        ("lost.js", "addPolicy({policyId: 'lost', policyExec: 'lost'});"),
        ("throws.js", "addPolicy({policyId: 'thrown', policyExec: 'thrown'}); function thrown() { return []; } nothing();"),
        ("good.js", "addPolicy({policyId: 'good', policyExec: 'good'}); function good() { return []; }"),
        ("java.js", "addPolicy({policyId: 'java', policyExec: 'java'}); var d = new java.util.Date();"),
        ("later.js", "addPolicy({policyId: 'later', policyExec: 'policyImplLater'}); var policyImplLater = function () { return []; };"),
    ];
    let policy = json!({"additionalFiles": texts.map(|(name, _)| name), "globals": {"additionalPolicies": [
        "addPolicy({policyId: 'inline', policyExec: 'inline', validateOnlyIfPresent: 'true'}); function inline() { return require('words').all; }",
        "broken(",
    ]}});
    let files = ScriptFiles::gather([&policy], &|path| {
        let found = texts.iter().find(|(name, _)| path == format!("script/{name}")).map(|(_, text)| (*text).to_owned());
        found.or_else(|| (path == "script/words.js").then(|| "exports.all = [];".to_owned()))
    });
    let (own, problems) = of(Some(&policy), &files);
    let mut places: Vec<String> = problems.into_vec().into_iter().map(|problem| problem.pointer).collect();
    places.sort_unstable();
    assert_eq!(places, ["/additionalFiles/0", "/additionalFiles/1", "/additionalFiles/3", "/globals/additionalPolicies/1"]);
    let known: Vec<&str> = own.known.keys().map(String::as_str).collect();
    assert_eq!(known, ["good", "inline", "later"]);
    assert!(own.get("inline").is_some_and(|policy| policy.only_if_present));
}

#[test]
fn what_neither_the_file_nor_the_product_has_is_told() {
    for (body, said) in [
        ("return policyImpl.noSuchThing(fullObject, value, params, property);", Some("policyImpl.noSuchThing")),
        ("return policyFunctions.noSuchThing.call(this, fullObject, value, params, property);", Some("policyFunctions.noSuchThing")),
        ("return _.noSuchThing(value);", Some("'noSuchThing' of the library 'lodash'")),
        ("return policyImpl.regexpMatches.call(this, fullObject, value, params, property);", None),
        ("return _.isString(value) ? policyImpl.mine() : [];", None),
    ] {
        let (own, problems) = read(&format!(
            "policyImpl.mine = function () {{ return []; }};\n\
             addPolicy({{policyId: 'a', policyExec: 'a'}});\nfunction a(fullObject, value, params, property) {{ {body} }}"
        ));
        assert_eq!(own.get("a").is_some(), said.is_none(), "{body}: {problems:?}");
        assert!(said.is_none_or(|said| problems.len() == 1 && problems[0].contains(said)), "{body}: {problems:?}");
    }
}

#[test]
fn a_file_that_cannot_be_run_is_told_and_adds_nothing() {
    for (text, said) in [
        ("addPolicy({policyId: 'a', policyExec: 'a'});", "which the file does not define"),
        ("addPolicy({policyId: 'a', policyExec: 'a'}); function a() {} nothing();", "nothing"),
        ("var a = ;", "line 1"),
        ("var d = new java.util.Date();", "Java"),
        ("for (;;) {}", "stopped"),
    ] {
        let (own, problems) = read(text);
        assert!(own.get("a").is_none(), "{text}");
        assert!(problems.len() == 1 && problems[0].contains(said), "{text}: {problems:?}");
    }
}

/// A world with one property `x` that has this policy, and whose file adds it.
fn asking(text: &str, params: &Value) -> World {
    let schema = json!({"objects": [{"name": "user", "schema": {"properties": {
        "userName": {"type": "string"}, "pin": {"type": "string", "scope": "private"},
        "x": {"type": "string", "userEditable": true, "policies": [{"policyId": "mine", "params": params}]},
    }}}]});
    let policy = json!({"file": "policy.js", "additionalFiles": ["mine.js"]});
    let text = text.to_owned();
    let files = ScriptFiles::gather([&policy], &|path| (path == "script/mine.js").then(|| text.clone()));
    let mut world = of_files(&schema, Some(&policy), files);
    let policies: Policies = (*world.managed.policies).clone();
    world.managed.policies = Arc::new(policies.with_scripting(Arc::new(Sandbox::new(Limits::default())), Arc::new(Parks)));
    let ann = json!({"userName": "ann", "pin": "4711"});
    world.objects.put(USER, "ann", ann);
    world
}

const MINE: &str = "addPolicy({policyId: 'mine', policyExec: 'mine', policyRequirements: ['MINE'], validateOnlyIfPresent: 'true'});\n\
    function mine(fullObject, value, params, property) { ";

/// What a patch of `x` is told.
fn patched(body: &str, params: &Value, value: &str) -> Value {
    let world = asking(&format!("{MINE}{body} }}"), params);
    let patch = crest::Patch::parse(&json!([{"operation": "replace", "field": "/x", "value": value}])).unwrap();
    let patched = script::wait(world.managed.patch(USER, "ann", &patch, Writer::Administrator, &crate::Expect::any()));
    patched.map_or_else(|error| error.detail.unwrap_or_else(|| json!(error.message)), |_| json!("good"))
}

#[test]
fn a_policy_sees_the_object_with_its_id_and_the_request_on_every_way_to_it() {
    let world = asking(
        &format!(
            "{MINE}return [{{policyRequirement: 'MINE', params: [fullObject._id, fullObject.pin, request.resourcePath, request.action, \
             String(resourceName.parent()), resourceName.leaf(), context.caller.external, typeof _.find]}}]; }}"
        ),
        &json!({}),
    );
    let seen =
        |told: ResourceErrorOr| told.unwrap_err().detail.unwrap()["failedPolicyRequirements"][0]["policyRequirements"][0]["params"].clone();
    let stored = json!(["ann", "4711", "managed/user/ann", "validateObject", "managed/user", "ann", false, "function"]);
    let patch = crest::Patch::parse(&json!([{"operation": "replace", "field": "/x", "value": "a"}])).unwrap();
    assert_eq!(seen(script::wait(world.managed.patch(USER, "ann", &patch, Writer::Administrator, &crate::Expect::any()))), stored);
    let whole = json!({"userName": "ann", "x": "a"});
    assert_eq!(seen(script::wait(world.managed.replace(USER, "ann", whole, Writer::Administrator, &crate::Expect::any()))), stored);
    let made = seen(script::wait(world.managed.create(USER, None, json!({"userName": "eve", "x": "a"}), Writer::Administrator)));
    assert_eq!(made, json!([null, null, "managed/user/*", "validateObject", "managed/user", "*", false, "function"]));
}

type ResourceErrorOr = Result<crate::Prepared, crest::ResourceError>;

#[test]
fn the_products_functions_answer_as_its_policies_do() {
    for (call, params, bad, good, told) in [
        ("regexpMatches", json!({"regexp": "^a", "flags": "i"}), "b", "A", "MATCH_REGEXP"),
        ("minLength", json!({"minLength": "3"}), "ab", "abc", "MIN_LENGTH"),
        ("maxLength", json!({"maxLength": 2}), "abc", "ab", "MAX_LENGTH"),
        ("atLeastXNumbers", json!({"numNums": ["1"]}), "ab", "a1", "AT_LEAST_X_NUMBERS"),
        ("atLeastXCapitalLetters", json!({"numCaps": 1}), "ab", "aB", "AT_LEAST_X_CAPITAL_LETTERS"),
        ("cannotContainOthers", json!({"disallowedFields": ["userName"]}), "xANNx", "x", "CANNOT_CONTAIN_OTHERS"),
        ("cannotContainCharacters", json!({"forbiddenChars": ["/"]}), "a/b", "ab", "CANNOT_CONTAIN_CHARACTERS"),
        ("cannotContainDuplicates", json!({}), "aba", "abc", "CANNOT_CONTAIN_DUPLICATES"),
        ("validEmailAddressFormat", json!({}), "a@b", "a@b.test", "VALID_EMAIL_ADDRESS_FORMAT"),
        ("validPhoneFormat", json!({}), "12a", "+1 (2)", "VALID_PHONE_FORMAT"),
        ("validNameFormat", json!({}), "a1", "Łukasz", "VALID_NAME_FORMAT"),
        ("validDate", json!({}), "soon", "2024-02-29", "VALID_DATE"),
        ("validNumber", json!({}), "a", "1.5", "VALID_NUMBER"),
        ("minimumNumber", json!({"minValue": 3}), "2", "3", "MINIMUM_NUMBER_VALUE"),
        ("maximumNumber", json!({"maxValue": 3}), "4", "3", "MAXIMUM_NUMBER_VALUE"),
        ("enumValue", json!({"values": ["a"]}), "b", "a", "ENUM_VALUE"),
    ] {
        let body = format!("return policyImpl.{call}.call(this, fullObject, value, params, property);");
        for (value, expected) in [(bad, Some(told)), (good, None)] {
            let answer = patched(&body, &params, value);
            let failed = &answer["failedPolicyRequirements"][0]["policyRequirements"][0]["policyRequirement"];
            assert_eq!(failed.as_str(), expected, "{call} of {value}: {answer}");
        }
    }
    let typed = |types: &Value| patched("return policyImpl.validType(fullObject, value, params, property);", &json!({"types": types}), "a");
    assert_eq!(typed(&json!(["string", "null"])), json!("good"));
    assert_eq!(
        typed(&json!("number"))["failedPolicyRequirements"][0]["policyRequirements"][0]["params"],
        json!({"invalidType": "string", "validTypes": ["number"]})
    );
    let unique = |value| patched("return policyImpl.unique(fullObject, value, {}, 'userName');", &json!({}), value);
    assert_eq!(unique("ann"), json!("good"), "their own");
    assert_eq!(unique("eve"), json!("good"));
}

#[test]
fn a_policy_may_say_a_message_instead_of_a_requirement() {
    let told = patched("return [{message: 'of 1 to 10'}];", &json!({}), "50");
    let expected = json!([{"policyRequirements": [{"message": "of 1 to 10"}], "property": "x"}]);
    assert_eq!(told["failedPolicyRequirements"], expected);
    assert_eq!(patched("return [{}];", &json!({}), "50"), json!("The policy 'mine' of 'x' cannot be evaluated"));
    assert_eq!(
        patched("var isRequired = _.find(this.failedPolicyRequirements, function (f) { return f; }); return [];", &json!({}), "a"),
        "good"
    );
}
