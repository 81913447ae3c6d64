//! `router.json`: scripts in front of resources. What the product's own do happens here by itself; of a project's own, those on requests are run.
//!
//! The rule easiest to break: a filter says what may not pass. One that is not run refuses what it would have been run for, until the project
//! itself waives it.

use identity::{Guard, Guards, OwnFilter, Script, ScriptFiles};

use crate::diagnostic::Severity;
use crate::diagnostic::Sink;
use crate::keys;
use crate::loose::{Document, Node};

/// The file.
const FILE: &str = "conf/router.json";
/// The scripts of a filter, and the words that waive them.
const SCRIPTS: [&str; 3] = ["onRequest", "onResponse", "onFailure"];
/// Modules of the product's filters, with their functions: who may do what, policies, and what a read shows of references.
const OF_PRODUCT: [(&str, &str); 3] =
    [("router-authz", "testAccess"), ("policyFilter", "runFilter"), ("relationshipFilter", "filterResponse")];
/// A filter that the product had in releases whose internal users had passwords in the repository; they are hashed here.
const HASHES: &str = "request.content.password=require('crypto').hash(request.content.password)";
/// Where the product's own scripts lie.
const PLACES: [&str; 3] = ["&{idm.install.dir}/", "./", "bin/defaults/script/"];

/// The script that is run here.
const ON_REQUEST: &str = "onRequest";

/// What filters of the project's own do, or would do.
enum Made {
    /// Nothing that does not happen anyhow.
    Nothing,
    /// It refuses what it would be run for.
    Refuses(Guard),
    /// It is run.
    Runs(Box<OwnFilter>),
}

/// What stands in front of resources because of filters of the project's own.
pub(crate) fn read(document: &Document, files: &ScriptFiles, sink: &Sink) -> Guards {
    let root = document.root(sink);
    root.expect(&keys::ROUTER);
    let filters = root.get("filters");
    if filters.is_flawed() || filters.value().is_some_and(|filters| !filters.is_array()) {
        filters.report(Severity::Error, "own-filter", "the filters cannot be read, so every request is refused", None);
        return everything();
    }
    let (mut refusing, mut running) = (Vec::new(), Vec::new());
    for filter in filters.items() {
        match guard(&filter, files) {
            Made::Nothing => {}
            Made::Refuses(guard) => refusing.push(guard),
            Made::Runs(filter) => running.push(*filter),
        }
    }
    Guards::new(refusing).with_running(running)
}

/// What is refused where nobody knows what the file guards.
pub(crate) fn everything() -> Guards {
    Guards::new(vec![Guard::new(FILE, None, &[])])
}

fn guard(filter: &Node<'_>, files: &ScriptFiles) -> Made {
    filter.expect(&keys::ROUTER_FILTER);
    let mut own: Vec<&str> = Vec::new();
    for name in SCRIPTS {
        let script = filter.get(name);
        if !script.is_said() {
            continue;
        }
        match of_product(&script, files) {
            Known::Product => {}
            Known::Authorization => script.report(
                Severity::Warning,
                "own-filter",
                "a copy of the product's 'router-authz' is not run: access.json decides with the product's own functions, and a rule that names \
                 another one allows nothing",
                None,
            ),
            Known::No => own.push(name),
        }
    }
    let is_object = filter.object().is_some();
    let waived = waived(filter, &own);
    own.retain(|name| !waived.contains(name));
    if own.is_empty() && is_object {
        return Made::Nothing;
    }
    let pattern = filter.get("pattern").strictly(Node::filled_text);
    let methods = filter.get("methods").all_texts();
    let place = format!("{FILE}{}", filter.location().pointer);
    let mut reason = String::new();
    if own == [ON_REQUEST] && is_object {
        match (runnable(filter, files), &pattern, &methods) {
            (Ok((condition, script)), Ok(text), Ok(methods)) if Guard::is_readable(text.as_deref()) => {
                let guard = Guard::new(place, text.as_deref(), methods);
                return Made::Runs(Box::new(OwnFilter { guard, condition, script }));
            }
            (Err(obstacle), _, _) => reason = format!(" ({obstacle})"),
            _ => " (what it stands in front of cannot be read)".clone_into(&mut reason),
        }
    }
    // What cannot be read narrows nothing.
    let text = pattern.ok().flatten();
    let said = text.as_ref().map_or_else(|| "every resource".to_owned(), |text| format!("'{text}'"));
    for name in &own {
        let message = format!(
            "the script is the project's own and is not run here{reason}: every request for {said} that it would be run for is refused, until \
             \"vestibule\": {{\"waive\": [\"{name}\"]}} beside it says that it is not needed"
        );
        filter.get(name).report(Severity::Error, "own-filter", message, None);
    }
    if !is_object {
        filter.report(Severity::Error, "own-filter", "the filter cannot be read, so every request is refused", None);
    }
    Made::Refuses(Guard::new(place, text.as_deref(), &methods.unwrap_or_default()))
}

/// The condition and the script of a filter, if both can be run.
///
/// # Errors
/// Why not.
fn runnable(filter: &Node<'_>, files: &ScriptFiles) -> Result<(Option<Script>, Script), String> {
    let read = |name: &str| {
        let node = filter.get(name);
        if node.is_flawed() {
            return Err(format!("its '{name}' cannot be read"));
        }
        let script = node
            .value()
            .filter(|_| node.is_said())
            .map(|declared| Script::read(declared, files).ok_or_else(|| format!("its '{name}' is no script")));
        let script = script.transpose()?;
        match script.as_ref().and_then(Script::obstacle) {
            Some(obstacle) => Err(format!("its '{name}': {obstacle}")),
            None => Ok(script),
        }
    };
    let script = read(ON_REQUEST)?.ok_or_else(|| format!("its '{ON_REQUEST}' is no script"))?;
    Ok((read("condition")?, script))
}

/// The scripts that the project waives; any other word is an error.
fn waived<'n>(filter: &Node<'_>, own: &[&'n str]) -> Vec<&'n str> {
    let mut waived = Vec::new();
    for word in filter.get("vestibule").get("waive").items() {
        let text = word.text();
        if let Some(name) = own.iter().find(|name| text.as_deref() == Some(**name)) {
            word.report(Severity::Warning, "own-filter", format!("waived by the project: '{name}' of this filter is not run"), None);
            waived.push(*name);
        } else {
            let message = "this waives nothing that stands here: scripts of the project's own can be, by the name of their key";
            word.report(Severity::Error, "unknown-waiver", message, None);
        }
    }
    waived
}

/// Whose a script is.
enum Known {
    /// The product's.
    Product,
    /// The project's own copy of the one that reads `access.json`.
    Authorization,
    /// Somebody else's.
    No,
}

fn of_product(script: &Node<'_>, files: &ScriptFiles) -> Known {
    let known = |module: &str, function: Option<&str>| {
        let name = PLACES.iter().fold(module, |name, place| name.strip_prefix(place).unwrap_or(name)).trim_end_matches(".js");
        let (name, _) = OF_PRODUCT.iter().find(|(known, of)| *known == name && function.is_none_or(|function| function == *of))?;
        Some(match (files.replaces(module), *name) {
            (false, _) => Known::Product,
            (true, "router-authz") => Known::Authorization,
            (true, _) => Known::No,
        })
    };
    let (Ok(file), Ok(source)) = (script.get("file").strictly(Node::filled_text), script.get("source").script_text()) else {
        return Known::No;
    };
    let found = match (file, source) {
        (Some(file), _) => known(file.trim(), None),
        (None, Some(source)) => {
            let plain: String = source.chars().filter(|c| !c.is_whitespace()).collect();
            let plain = plain.trim_end_matches(';').replace('"', "'");
            if plain == HASHES {
                return Known::Product;
            }
            let called = plain.strip_prefix("require('").and_then(|rest| rest.strip_suffix("()")).and_then(|rest| rest.split_once("')."));
            called.and_then(|(module, function)| known(module, Some(function)))
        }
        // An empty script does nothing.
        (None, None) if script.get("source").is_present() => return Known::Product,
        (None, None) => None,
    };
    found.unwrap_or(Known::No)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::source::SourceFile;

    fn with(filters: &Value, own: &[&str]) -> (Guards, Vec<(Severity, &'static str)>) {
        let sink = Sink::default();
        let file = json!({ "filters": filters });
        let files = ScriptFiles::gather([&file], &|path| own.contains(&path).then(|| "exports.testAccess = function () {};".to_owned()));
        let document = Document::read(SourceFile::new(FILE, &file.to_string()), &|_: &str| None, &Sink::default()).unwrap();
        let guards = read(&document, &files, &sink);
        (guards, sink.into_sorted().into_iter().map(|found| (found.severity, found.rule)).collect())
    }

    fn js(source: &str) -> Value {
        json!({ "type": "text/javascript", "source": source })
    }

    /// The filters of the files that the product ships, 5.0 to 7.5.
    fn shipped() -> Value {
        let external = "context.caller.external === true || context.current.name === 'selfservice'";
        json!([
            { "condition": js(external), "onRequest": js("require('router-authz').testAccess()") },
            { "condition": js("context.caller.external === true"), "onRequest": { "type": "text/javascript", "file": "router-authz.js" } },
            { "pattern": "^(managed|internal)($|(/.+))", "onRequest": js("require('policyFilter').runFilter()"), "methods": ["create", "update"] },
            { "pattern": "^(managed|system|repo/internal)($|(/.+))",
              "onRequest": { "type": "text/javascript", "file": "policyFilter.js" }, "methods": ["create", "update"] },
            { "pattern": "^(managed|system|internal)($|(/.+))", "methods": ["create", "update"],
              "onRequest": { "type": "text/javascript", "file": "bin/defaults/script/policyFilter.js" } },
            { "pattern": "repo/internal/user.*", "methods": ["create", "update"],
              "onRequest": js("request.content.password = require('crypto').hash(request.content.password);") },
            { "pattern": "^(managed|internal)($|(/.+))", "condition": js(external), "onResponse": js("require('relationshipFilter').filterResponse();") },
        ])
    }

    #[test]
    fn the_product_s_own_filters_are_known() {
        let (guards, found) = with(&shipped(), &[]);
        assert_eq!(found, []);
        assert!(guards.asked("managed/user", "create").is_none());
    }

    #[test]
    fn a_filter_on_requests_is_run_where_all_of_it_can_be() {
        let own = |more: Value| {
            let mut filter = json!({ "pattern": "^managed/user.*", "methods": ["create"], "onRequest": js("throw {code: 403};") });
            filter.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json!([filter])
        };
        for more in [json!({}), json!({ "condition": js("request.content.sn === 'x'") }), json!({ "onFailure": null })] {
            let (guards, found) = with(&own(more.clone()), &[]);
            assert_eq!(found, [], "{more}");
            assert!(guards.runs_for("managed/user/x", "create") && !guards.runs_for("managed/user/x", "patch"), "{more}");
            assert!(guards.asked("managed/user", "create").is_none(), "{more}");
        }
        for more in [
            json!({ "condition": js("this is no script") }),
            json!({ "condition": "&{nowhere}" }),
            json!({ "condition": { "type": "groovy", "source": "true" } }),
            json!({ "onRequest": js("openidm.read('system/ldap/account')") }),
            json!({ "onResponse": js("1") }),
            json!({ "pattern": "managed/(" }),
            json!({ "methods": [{}] }),
        ] {
            let (guards, found) = with(&own(more.clone()), &[]);
            assert!(found.contains(&(Severity::Error, "own-filter")), "{more}: {found:?}");
            assert!(guards.asked("managed/user", "create").is_some() && !guards.runs(), "{more}");
        }
    }

    #[test]
    fn a_filter_that_cannot_be_run_refuses_what_it_guards_until_it_is_waived() {
        let own = |more: Value| {
            let mut filter =
                json!({ "pattern": "^managed/user.*", "methods": ["create"], "onRequest": { "type": "groovy", "source": "throw 1" } });
            filter.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json!([filter])
        };
        let (guards, found) = with(&own(json!({})), &[]);
        assert_eq!(found, [(Severity::Error, "own-filter")]);
        assert!(guards.asked("managed/user", "create").is_some() && guards.asked("managed/user/x", "update").is_none());
        let (guards, found) = with(&own(json!({ "vestibule": { "waive": ["onRequest"] } })), &[]);
        assert_eq!(found, [(Severity::Warning, "own-filter")]);
        assert!(guards.asked("managed/user", "create").is_none());
        let (guards, mut found) = with(&own(json!({ "vestibule": { "waive": ["onResponse"] } })), &[]);
        found.sort_unstable();
        assert_eq!(found, [(Severity::Error, "own-filter"), (Severity::Error, "unknown-waiver")]);
        assert!(guards.asked("managed/user", "create").is_some());
        for key in ["onResponse", "onFailure"] {
            let filters = json!([{ (key): { "type": "groovy", "file": "mask.groovy" } }]);
            let (guards, found) = with(&filters, &[]);
            assert_eq!(found, [(Severity::Error, "own-filter")], "{key}");
            assert!(guards.asked("info/login", "read").is_some(), "without a pattern it stands before everything");
        }
    }

    #[test]
    fn what_cannot_be_read_narrows_nothing() {
        for filters in [
            json!("none"),
            json!(["none"]),
            json!([{ "onRequest": "&{nowhere}" }]),
            json!([{ "pattern": ["x"], "onRequest": js("1") }]),
            json!([{ "pattern": "managed/(", "methods": [{}], "onRequest": js("1") }]),
        ] {
            let (guards, found) = with(&filters, &[]);
            assert!(!guards.runs() && found.contains(&(Severity::Error, "own-filter")), "{filters}: {found:?}");
            assert!(guards.asked("config/router", "read").is_some(), "{filters}");
        }
        // Half of a text of the product's is another one.
        for source in [
            "require('router-authz').testAccess() || true",
            "require('policyFilter').other()",
            "var a = 1; require('policyFilter').runFilter()",
        ] {
            let (guards, found) = with(&json!([{ "onRequest": js(source) }]), &[]);
            assert!(guards.runs() || found == [(Severity::Error, "own-filter")], "{source}");
        }
    }

    #[test]
    fn a_copy_in_the_project_stands_in_the_place_of_the_product_s() {
        let (guards, found) = with(&shipped(), &["script/router-authz.js"]);
        assert_eq!(found, [(Severity::Warning, "own-filter"), (Severity::Warning, "own-filter")]);
        assert!(guards.asked("managed/user", "create").is_none());
        let (guards, found) = with(&shipped(), &["script/policyFilter.js"]);
        assert_eq!(found, [], "it is run like any other of the project's own, beside the policies");
        assert!(guards.asked("managed/user", "create").is_none() && guards.runs_for("managed/user", "create"));
        let (guards, found) = with(&shipped(), &["script/relationshipFilter.js"]);
        assert_eq!(found, [(Severity::Error, "own-filter")]);
        assert!(guards.asked("managed/user", "create").is_some());
    }
}
