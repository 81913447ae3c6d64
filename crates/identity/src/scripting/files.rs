//! The script files of a project: those its configuration names, and those they `require`.

use std::collections::BTreeMap;
use std::sync::Arc;

use script::{Modules, Program};
use serde_json::Value;

use super::scan;
use super::silent::silent_modules;
use super::source::source;
use crate::loose;

/// Files that are read at most.
const MAX_FILES: usize = 500;

/// Texts of scripts, by the path at which they were found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScriptFiles(BTreeMap<String, String>);

impl ScriptFiles {
    /// Reads every file that a script in one of these documents names or requires, directly or through another. `read` gives the text of
    /// a file of the project.
    #[must_use]
    pub fn gather<'a>(documents: impl IntoIterator<Item = &'a Value>, read: &dyn Fn(&str) -> Option<String>) -> Self {
        let mut files = Self::default();
        let mut wanted = Vec::new();
        for document in documents {
            mentioned(document, &mut wanted);
        }
        while let Some(name) = wanted.pop() {
            if files.text(&name).is_some() || files.0.len() >= MAX_FILES {
                continue;
            }
            let found = places(&name).into_iter().find_map(|path| Some((path.clone(), read(&path)?)));
            if let Some((path, text)) = found {
                let folder = module_name(&path).rsplit_once('/').map(|(folder, _)| folder.to_owned()).unwrap_or_default();
                for required in scan::required(&text) {
                    wanted.push(format!("{}.js", resolve(&folder, &required)));
                }
                files.0.insert(path, text);
            }
        }
        files
    }

    /// A file as configuration names it: below `script/`, or below the project's root.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        places(name).into_iter().find_map(|path| self.0.get(&path)).map(String::as_str)
    }

    /// What `require` finds by this name.
    pub(crate) fn module(&self, name: &str) -> scan::Module {
        let name = resolve("", name);
        if self.text(&format!("{name}.js")).is_some() || silent_modules().contains_key(&name) {
            scan::Module::Script
        } else if script::library(&name).is_some() {
            scan::Module::Library
        } else {
            scan::Module::Missing
        }
    }

    /// What `require` finds. A file that is no JavaScript is left out, and so fails whoever requires it.
    #[must_use]
    pub fn modules(&self) -> Arc<Modules> {
        let program = |(path, text): (&String, &String)| Some((module_name(path), Program::compile(text, path).ok()?));
        Arc::new(Modules { scripts: self.0.iter().filter_map(program).collect(), silent: silent_modules() })
    }
}

/// Where a file may lie.
fn places(name: &str) -> Vec<String> {
    let name = name.trim_start_matches("./").trim_start_matches('/');
    let mut places = Vec::new();
    if !name.starts_with("script/") {
        places.push(format!("script/{name}"));
    }
    places.push(name.to_owned());
    places
}

/// The name under which a script is required.
fn module_name(path: &str) -> String {
    path.trim_start_matches("script/").trim_end_matches(".js").to_owned()
}

/// As the sandbox resolves it: `./` and `../` begin beside the module that asks.
fn resolve(folder: &str, name: &str) -> String {
    let beside = name.starts_with("./") || name.starts_with("../");
    let mut parts: Vec<&str> = if beside { folder.split('/').filter(|part| !part.is_empty()).collect() } else { Vec::new() };
    for part in name.trim_end_matches(".js").split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." | "" => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Every file that anything which looks like a script names, and what its source requires.
fn mentioned(value: &Value, wanted: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if let Some(file) = loose::text(value, "file") {
                wanted.push(file.trim().to_owned());
            }
            if let Some(text) = source(value) {
                wanted.extend(scan::required(&text).into_iter().map(|name| format!("{}.js", resolve("", &name))));
            }
            if let Some(files) = members.get("additionalFiles") {
                wanted.extend(loose::texts(files));
            }
            members.values().for_each(|member| mentioned(member, wanted));
        }
        Value::Array(items) => items.iter().for_each(|item| mentioned(item, wanted)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn files_are_found_below_script_and_the_root_with_all_they_require() {
        let texts = BTreeMap::from([
            ("script/naming.js", "exports.f = require('./lib/join').join;"),
            ("script/lib/join.js", "exports.join = require('../glue');"),
            ("script/glue.js", "module.exports = 1"),
            ("tools/other.js", "1"),
        ]);
        let read = |path: &str| texts.get(path).map(|text| (*text).to_owned());
        let managed = json!({"objects": [{"onCreate": {"source": "require('naming').f(object)"}, "onUpdate": {"file": "tools/other.js"}}]});
        let files = ScriptFiles::gather([&managed], &read);
        for name in ["naming.js", "script/naming.js", "./lib/join.js", "tools/other.js"] {
            assert!(files.text(name).is_some(), "{name}");
        }
        for name in ["naming", "lib/join.js", "onCreateUser"] {
            assert_eq!(files.module(name), scan::Module::Script, "{name}");
        }
        assert_eq!((files.module("lib/lodash.js"), files.module("lib/handlebars")), (scan::Module::Library, scan::Module::Missing));
        let own = ScriptFiles::gather([&json!({"file": "lib/lodash.js"})], &|path| (path == "script/lib/lodash.js").then(String::new));
        assert_eq!(own.module("lib/lodash"), scan::Module::Script, "a project's own takes its place");
        assert_eq!(files.modules().scripts.keys().collect::<Vec<_>>(), ["glue", "lib/join", "naming", "tools/other"]);
    }

    #[test]
    fn two_files_that_require_each_other_come_to_an_end() {
        let read = |path: &str| match path {
            "script/a.js" => Some("require('b')".to_owned()),
            "script/b.js" => Some("require('a')".to_owned()),
            _ => None,
        };
        assert!(matches!(ScriptFiles::gather([&json!({"file": "a.js"})], &read).module("b"), scan::Module::Script));
    }
}
