//! The script files of a project: those its configuration names, and those they `require`.
//!
//! Easiest to break: a script is what it requires. One that leads to a module which cannot be run here cannot be run either.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use script::{Modules, ScriptError};
use serde_json::Value;

use super::source::source;
use super::{compile, product, scan};
use crate::loose;

/// Where the product's own scripts lie, in a project that is a whole installation.
const OF_PRODUCT: [&str; 3] = ["&{idm.install.dir}/", "&{launcher.install.location}/", "bin/defaults/script/"];
/// Names of the project's own directory, for files that say it.
const OF_PROJECT: [&str; 3] = ["&{idm.instance.dir}/", "&{launcher.project.location}/", "&{launcher.working.location}/"];
/// Where scripts lie that are named without a directory.
const SCRIPTS: &str = "script/";
/// Files that are read at most.
const MAX_FILES: usize = 500;

/// Where the files of a project lie.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Directories {
    /// The project's own directory, for names that begin with it.
    pub home: String,
    /// What `sources` of `script.json` names beside `script`, as it stands there.
    pub sources: Vec<String>,
}

impl Directories {
    /// A name below the project, without the project's directory before it.
    fn within<'n>(&self, name: &'n str) -> &'n str {
        let name = name.trim();
        let home = self.home.trim_end_matches('/');
        let below_home = Some(name).filter(|_| !home.is_empty()).and_then(|name| name.strip_prefix(home)?.strip_prefix('/'));
        let name = below_home.unwrap_or(name);
        OF_PROJECT.iter().find_map(|place| name.strip_prefix(place)).unwrap_or(name)
    }

    /// Where names without a directory are looked for; the project itself comes after them.
    fn searched(&self) -> impl Iterator<Item = String> {
        let named = self.sources.iter().map(|source| self.within(source).trim_start_matches("./").trim_matches('/'));
        let below = named.filter(|source| !source.is_empty() && !source.starts_with("&{")).map(|source| format!("{source}/"));
        std::iter::once(SCRIPTS.to_owned()).chain(below.filter(|source| source != SCRIPTS && !OF_PRODUCT.contains(&source.as_str())))
    }

    /// Where a file may lie.
    fn places(&self, name: &str) -> Vec<String> {
        let name = self.within(name).trim_start_matches("./").trim_start_matches('/');
        let mut places: Vec<String> = self
            .searched()
            .filter(|directory| !name.starts_with(directory.as_str()))
            .map(|directory| format!("{directory}{name}"))
            .collect();
        places.push(name.to_owned());
        places
    }

    /// The name under which a script is required.
    fn module_name(&self, path: &str) -> String {
        let directory = self.searched().find(|directory| path.starts_with(directory.as_str())).unwrap_or_default();
        path.strip_prefix(&directory).unwrap_or(path).trim_end_matches(".js").to_owned()
    }

    /// The folder of a script, as names of modules count it.
    fn folder_of(&self, path: &str) -> String {
        self.module_name(path).rsplit_once('/').map(|(folder, _)| folder.to_owned()).unwrap_or_default()
    }
}

/// Texts of scripts, by the path at which they were found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScriptFiles {
    directories: Directories,
    texts: BTreeMap<String, String>,
    /// Why a file cannot be run, those that it requires left aside.
    wrong: BTreeMap<String, String>,
}

impl ScriptFiles {
    /// Reads every file that a script in one of these documents names or requires, directly or through another. `read` gives the text of
    /// a file of the project.
    #[must_use]
    pub fn gather<'a>(documents: impl IntoIterator<Item = &'a Value>, read: &dyn Fn(&str) -> Option<String>) -> Self {
        Self::gather_in(Directories::default(), documents, read)
    }

    /// The same in these directories.
    #[must_use]
    pub fn gather_in<'a>(
        directories: Directories,
        documents: impl IntoIterator<Item = &'a Value>,
        read: &dyn Fn(&str) -> Option<String>,
    ) -> Self {
        let mut files = Self { directories, ..Self::default() };
        let mut wanted = Vec::new();
        for document in documents {
            mentioned(document, &mut wanted);
        }
        while let Some(name) = wanted.pop() {
            if files.text(&name).is_some() || files.texts.len() >= MAX_FILES {
                continue;
            }
            let found = files.directories.places(&name).into_iter().find_map(|path| Some((path.clone(), read(&path)?)));
            if let Some((path, text)) = found {
                let folder = files.directories.folder_of(&path);
                for required in scan::required(&text) {
                    wanted.push(format!("{}.js", resolve(&folder, &required)));
                }
                files.texts.insert(path, text);
            }
        }
        files.wrong = files.texts.iter().filter_map(|(path, text)| Some((path.clone(), files.wrong_with(path, text)?))).collect();
        files
    }

    /// Why a file of the project cannot be run, those that it requires left aside.
    fn wrong_with(&self, path: &str, text: &str) -> Option<String> {
        let folder = self.directories.folder_of(path);
        let found = scan::obstacle(text, &|name| self.module(&resolve(&folder, name)), &|_| false);
        found.or_else(|| match compile(text, path) {
            Err(ScriptError::Syntax { line, message, .. }) => Some(format!("line {line}: {message}")),
            compiled => compiled.err().map(|error| error.to_string()),
        })
    }

    /// Why a script that may only read cannot be run, what it requires included.
    #[must_use]
    pub fn obstacle_to_reading(&self, text: &str) -> Option<String> {
        let found = scan::obstacle(text, &|name| self.module(name), &|_| false).or_else(|| scan::change(text));
        found.or_else(|| self.behind(text, |path, text| self.wrong.get(path).cloned().or_else(|| scan::change(text))))
    }

    /// Where a script, or what it requires, uses one of these variables, which it does not have.
    #[must_use]
    pub fn use_of(&self, text: &str, names: &[&str]) -> Option<String> {
        scan::use_of(text, names).or_else(|| self.behind(text, |_, text| scan::use_of(text, names)))
    }

    /// Why something that a script requires cannot be run, directly or through another module.
    pub(crate) fn obstacle_behind(&self, text: &str) -> Option<String> {
        self.behind(text, |path, _| self.wrong.get(path).cloned())
    }

    /// What is wrong with the first module that a script leads to and that is not as it should be.
    fn behind(&self, text: &str, wrong: impl Fn(&str, &str) -> Option<String>) -> Option<String> {
        let mut led_to = self.led_to(text);
        led_to.find_map(|(path, text)| Some(format!("it leads to '{path}', of which {}", wrong(path, text)?)))
    }

    /// The modules that a script leads to, directly or through another: path and text.
    pub(crate) fn led_to(&self, text: &str) -> impl Iterator<Item = (&str, &str)> {
        let mut wanted: Vec<String> = scan::required(text).iter().map(|name| resolve("", name)).collect();
        let mut seen = BTreeSet::new();
        std::iter::from_fn(move || {
            loop {
                let name = wanted.pop()?;
                let Some((path, text)) = self.file(&format!("{name}.js")).filter(|_| seen.insert(name)) else { continue };
                wanted.extend(scan::required(text).iter().map(|name| resolve(&self.directories.folder_of(path), name)));
                return Some((path, text));
            }
        })
    }

    /// Whether a script of `augmentSecurityContext` of this name is the product's, and the project has none of its own in its place.
    #[must_use]
    pub fn is_of_sign_in(&self, module: &str) -> bool {
        product::is_of_sign_in(self.within(module)) && !self.replaces(module)
    }

    /// A file as configuration names it: below `script/`, or below the project's root.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.file(name).map(|(_, text)| text)
    }

    fn file(&self, name: &str) -> Option<(&str, &str)> {
        self.directories
            .places(name)
            .into_iter()
            .find_map(|path| self.texts.get_key_value(&path))
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Whether the project has a script of its own under a name that the product gives to one of its scripts.
    #[must_use]
    pub fn replaces(&self, name: &str) -> bool {
        let name = self.within(name);
        let of_product = OF_PRODUCT.iter().any(|place| name.contains(place));
        !of_product && self.file(&format!("{}.js", name.trim_end_matches(".js"))).is_some()
    }

    /// The name of a script without the project's directory before it.
    pub(crate) fn within<'n>(&self, name: &'n str) -> &'n str {
        self.directories.within(name)
    }

    /// What `require` finds by this name.
    pub(crate) fn module(&self, name: &str) -> scan::Module {
        let name = resolve("", name);
        if self.text(&format!("{name}.js")).is_some() || product::is_silent(&name) {
            scan::Module::Script
        } else if product::gives(&name) {
            scan::Module::Giving
        } else if script::library(&name).is_some() {
            scan::Module::Library
        } else {
            scan::Module::Missing
        }
    }

    /// What `require` finds. A file that is no JavaScript is left out; whoever requires it is not run.
    #[must_use]
    pub fn modules(&self) -> Arc<Modules> {
        let program = |(path, text): (&String, &String)| Some((self.directories.module_name(path), compile(text, path).ok()?));
        Arc::new(Modules { scripts: self.texts.iter().filter_map(program).collect(), silent: product::silent_modules() })
    }
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
            if let Ok(Some(text)) = source(value) {
                wanted.extend(scan::required(&text).into_iter().map(|name| format!("{}.js", resolve("", &name))));
            }
            if let Some(files) = members.get("additionalFiles") {
                wanted.extend(loose::texts(files));
            }
            // Texts of policies, as they stand among the variables of the product's script.
            for text in members.get("additionalPolicies").map(loose::texts).unwrap_or_default() {
                wanted.extend(scan::required(&text).into_iter().map(|name| format!("{}.js", resolve("", &name))));
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
    fn a_file_is_found_by_the_project_s_directory_and_in_every_source_of_scripts() {
        let texts = BTreeMap::from([
            ("script/a.js", "1"),
            ("custom/deep/b.js", "exports.b = require('./c').c"),
            ("custom/deep/c.js", "exports.c = 1"),
        ]);
        let read = |path: &str| texts.get(path).map(|text| (*text).to_owned());
        let directories = || Directories {
            home: "/srv/idm".to_owned(),
            sources: vec!["&{idm.install.dir}/bin/defaults/script".into(), "&{idm.instance.dir}/custom".into(), "/srv/idm/script".into()],
        };
        for name in ["&{idm.instance.dir}/script/a.js", "&{launcher.project.location}/script/a.js", "/srv/idm/script/a.js", "a.js"] {
            let files = ScriptFiles::gather_in(directories(), [&json!({ "file": name })], &read);
            assert_eq!(files.text(name), Some("1"), "{name}");
        }
        for declared in [
            json!({ "file": "deep/b.js" }),
            json!({ "source": "require('deep/b').b" }),
            json!({ "file": "&{idm.instance.dir}/custom/deep/b.js" }),
        ] {
            let files = ScriptFiles::gather_in(directories(), [&declared], &read);
            assert_eq!(files.module("deep/b"), scan::Module::Script, "{declared}");
            assert_eq!(files.modules().scripts.keys().collect::<Vec<_>>(), ["deep/b", "deep/c"], "{declared}");
            assert_eq!(files.obstacle_behind("require('deep/b')"), None);
        }
        assert_eq!(ScriptFiles::gather([&json!({ "file": "deep/b.js" })], &read).text("deep/b.js"), None, "nobody names the directory");
    }

    #[test]
    fn a_module_that_cannot_be_run_is_named_to_whoever_leads_to_it() {
        let texts = BTreeMap::from([
            ("script/provision.js", "// one\nexports.go = function (o) { openidm.create('system/ldap/account', null, o); };"),
            ("script/lib/through.js", "exports.go = require('../provision').go"),
            ("script/torn.js", "var a = ;"),
            ("script/good.js", "exports.x = require('./also').x"),
            ("script/also.js", "exports.x = 1"),
            ("script/lost.js", "require('./nowhere')"),
        ]);
        let read = |path: &str| texts.get(path).map(|text| (*text).to_owned());
        let all: Vec<Value> = texts.keys().map(|path| json!({ "file": path })).collect();
        let files = ScriptFiles::gather(&all, &read);
        for (script, words) in [
            ("require('provision').go(object)", "'script/provision.js', of which line 2: openidm.create of 'system/ldap/account'"),
            ("require('./lib/through').go(object)", "'script/provision.js'"),
            ("require('torn')", "'script/torn.js', of which line 1"),
            ("require('lost')", "'script/lost.js', of which line 1: the module './nowhere'"),
        ] {
            let found = files.obstacle_behind(script).unwrap_or_else(|| panic!("{script}"));
            assert!(found.contains(words), "{script}: {found}");
        }
        assert_eq!(files.obstacle_behind("require('good').x; require('lib/lodash')"), None);
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
